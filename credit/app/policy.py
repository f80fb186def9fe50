"""`credit policy`: the parameter files in force."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Show, check, compare and try out the policy packs.")

Days = Annotated[list[str] | None, typer.Option("--as-of", metavar="DATE", help="A past day; say it again for more.")]


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
            console.line(f"{name} = {parameter['value']}  [{parameter['unit']}]", hang=2)

    console.answer(document, as_json=as_json, page=page)


@app.command()
def diff(
    other: Annotated[Path, typer.Argument(help="A folder of parameter files.")], as_json: console.AsJson = False
) -> None:
    """Say in words what other parameter files change."""
    from credit.app.laboratory import differing

    lines = differing(Home.from_environment(), other)
    said = lines or ["nothing differs"]
    console.answer(lines, as_json=as_json, page=lambda: typer.echo("\n".join(said)))


@app.command()
def simulate(
    other: Annotated[Path, typer.Option("--policy", help="A folder of parameter files.")],
    as_of: Days = None,
    product: Annotated[str, typer.Option(help="The product that is decided.")] = "turnover_line",
    data: console.Data = None,
    html: console.Html = None,
    as_json: console.AsJson = False,
) -> None:
    """Decide past days by the policy in force and by another: who swaps in and out, exposure, loss and income."""
    from credit.app import laboratory

    home = Home.from_environment()
    tier, days = _past(home, data, as_of)
    document = laboratory.simulate(home, product, tier, other, days)
    if html is not None:
        from credit.app.simulation_page import page as page_of

        console.write_page(html, page_of(document))
    console.answer(document, as_json=as_json, page=lambda: _simulated(document))


@app.command()
def sweep(
    name: Annotated[str, typer.Argument(help="A parameter of the policy in force, such as pd_max.")],
    values: Annotated[
        str, typer.Option("--values", help="Its values, such as 0.05,0.08; of a table, what it is multiplied by.")
    ],
    as_of: Days = None,
    product: Annotated[str, typer.Option(help="The product that is decided.")] = "turnover_line",
    data: console.Data = None,
    as_json: console.AsJson = False,
) -> None:
    """Decide past days with one cut-off or limit at several values: approvals, exposure, loss and income of each."""
    from credit.app import laboratory

    home = Home.from_environment()
    tier, days = _past(home, data, as_of)
    try:
        tried = [float(each) for each in values.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{values!r} is no list of numbers, such as 0.05,0.08") from None
    rows = laboratory.sweep(home, product, tier, name, tried, days)

    def page() -> None:
        heads = (name, "approved", "CNY", "loss", "income", "realised", "supposed", "to")
        cells = [
            (f"{r['value']:g}", r["approved"], *(console.yuan(r[what]) for what in laboratory.FIGURES)) for r in rows
        ]
        console.table(heads, cells, numbers=tuple(range(len(heads))))

    console.answer(rows, as_json=as_json, page=page)


def _past(home: Home, data: str | None, as_of: list[str] | None) -> tuple[str, list[date]]:
    """The kind of data, and the days to decide: the last that is known where none is named."""
    from credit.app.training import tier_chosen

    tier = tier_chosen(home.ledger(), data)
    return tier, [console.day(each) for each in as_of] if as_of else [home.ledger().last_day(tier)]


def _simulated(document: dict[str, Any]) -> None:
    for line in document["changes"] or ["nothing differs between the two"]:
        typer.echo(line)
    heads = ("", "cases", "approved", "then", "CNY", "then", "loss", "then", "income", "then")

    def row(name: str, sums: dict[str, Any]) -> tuple[Any, ...]:
        was, then = sums["before"], sums["after"]
        money = [console.yuan(each[what]) for what in ("fen", "loss_fen", "income_fen") for each in (was, then)]
        return (name, sums["cases"], was["approved"], then["approved"], *money)

    rows = [row("all", document["total"]), *(row(each["part"], each) for each in document["parts"])]
    for name, parts in document["segments"].items():
        rows += [row(f"{name} {each[name]}", each) for each in parts if name in ("grade", "size")]
    console.table(heads, rows, numbers=tuple(range(1, len(heads))))
    for name in ("before", "after"):
        sums = document["total"][name]
        drew, granted = sums["financed"], sums["approved"]
        low, high = (console.yuan(sums[f"supposed_{which}_fen"]) for which in ("low", "high"))
        typer.echo(
            f"{name}: {drew:,} of {granted:,} firms drew, and CNY {console.yuan(sums['realised_fen'])} would have been "
            f"lost as it was; of the other {granted - drew:,} CNY {low} to {high} is supposed"
        )
    for what, each in document["difference"].items():
        by = 1 if what == "approved" else 100
        low, value, high = (f"{each[which] / by:+,.0f}" for which in ("low", "value", "high"))
        unit = "firms" if what == "approved" else "CNY"
        typer.echo(f"{what.removesuffix('_fen').replace('_', ' '):<14} {value} {unit} ({low} to {high})")


@app.command()
def check(as_json: console.AsJson = False) -> None:
    """Prove the parameter files: units, sources, no day without a value and none with two, every rule reachable.

    Each rule is tried on cases around its thresholds on every day from which a parameter holds; every reason has its
    text in both languages. Exit code 1 names the file and the entry.
    """
    from credit.app.policies import prove

    found = prove(Home.from_environment())

    def page() -> None:
        console.line(f"{len(found['packs'])} packs in {found['folder']} are sound: {', '.join(found['packs'])}", hang=2)
        typer.echo(f"{found['rules']} rules can be met and not met; {found['limits']} limits, each with its reason")
        typer.echo(f"regions that differ: {', '.join(found['regions']) or 'none'}")

    console.answer(found, as_json=as_json, page=page)
