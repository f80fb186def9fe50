"""`credit policy`: the parameter files in force."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Show and check the policy packs.")


@app.command()
def show(
    pack: Annotated[str | None, typer.Argument(help="A pack; default: list them.")] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="As it stood on this day; default: today.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Show a pack's rules and parameters with their units and sources, as they stood on a day."""
    from credit.app.clock import day_of, now
    from credit.app.policies import pack_named, packs
    from credit.domain.products import product_named

    home = Home.from_environment()
    if pack is None:
        listed = [{"pack": p.name, "title": p.title, "version": p.version, "sha256": p.sha256} for p in packs(home)]
        console.answer(
            {"folder": str(home.policies), "packs": listed},
            as_json=as_json,
            page=lambda: console.table(
                ("pack", "version", "title"), [(p["pack"], p["version"], p["title"]) for p in listed]
            ),
        )
        return
    found = pack_named(home, pack)
    day: date = console.day(on) if on else day_of(now())
    rules = product_named(found.product).rules
    terms = found.terms(day)
    document: dict[str, Any] = {
        "pack": found.name,
        "on": str(day),
        "sha256": found.sha256,
        "rules": [
            {
                "code": r.code,
                "outcome": r.outcome.name,
                "statement": r.statement,
                "reference": r.reference,
                "not_applicable": found.not_applicable.get(r.code),
            }
            for r in rules
        ],
        "parameters": {
            name: {"value": terms[name], "unit": p.unit, "reference": p.reference}
            for name, p in found.parameters.items()
        },
    }

    def page() -> None:
        console.table(
            ("rule", "else", "what is true of a good applicant"),
            [
                (r["code"], "not asked" if r["not_applicable"] else r["outcome"], r["statement"])
                for r in document["rules"]
            ],
        )
        for name, parameter in document["parameters"].items():
            typer.echo(f"{name} = {parameter['value']}  [{parameter['unit']}]")

    console.answer(document, as_json=as_json, page=page)


@app.command()
def check(as_json: console.AsJson = False) -> None:
    """Check that every parameter file can be used: units, sources, dates, rules, inputs and checks that exist."""
    from credit.app.policies import packs, validation_thresholds

    home = Home.from_environment()
    names = [pack.name for pack in packs(home)]
    validation_thresholds(home)
    console.answer(
        {"folder": str(home.policies), "packs": names},
        as_json=as_json,
        page=lambda: typer.echo(f"{len(names)} packs in {home.policies} are sound: {', '.join(names)}"),
    )
