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
    """Prove the parameter files: units, sources, no day without a value and none with two, every rule reachable.

    Each rule is tried on cases around its thresholds on every day from which a parameter holds; every reason has its
    text in both languages. Exit code 1 names the file and the entry.
    """
    from credit.app.policies import prove

    found = prove(Home.from_environment())

    def page() -> None:
        typer.echo(f"{len(found['packs'])} packs in {found['folder']} are sound: {', '.join(found['packs'])}")
        typer.echo(f"{found['rules']} rules can be met and not met; {found['limits']} limits, each with its reason")
        typer.echo(f"regions that differ: {', '.join(found['regions']) or 'none'}")

    console.answer(found, as_json=as_json, page=page)
