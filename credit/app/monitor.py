"""`credit monitor`: what happens after lending."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home
from credit.app.language import said_of, words

app = console.group("Watch the lines that stand.")


@app.callback()
def monitor() -> None:
    """Watch the lines that stand."""


@app.command()
def alerts(
    supplier: Annotated[str | None, typer.Option("--supplier", help="Only this supplier's lines.")] = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """List what has gone wrong on the lines that stand since they began: evidence, what to do, owner and due day.

    The worst first, of those the oldest. Nothing is stored; asked again on the same knowledge, the same alerts are the
    answer.
    """
    from credit.app import warning

    document = warning.listed(Home.from_environment(), console.as_of_day(as_of), supplier)
    console.answer(document, as_json=as_json, page=lambda: _page(document))


@app.command()
def watch(as_of: console.AsOf = None, as_json: console.AsJson = False) -> None:
    """Raise what is new of it in the book, once, and stop the draws on the lines that it freezes; for every night."""
    from credit.app import identity, warning

    document = warning.watch(Home.from_environment(), console.as_of_day(as_of), who=identity.who())

    def page() -> None:
        console.line(
            f"{len(document['raised']):,} new alerts on {document['lines']:,} lines {_known(document)}; "
            f"{len(document['frozen']):,} lines are suspended by them",
            hang=0,
        )

    console.answer(document, as_json=as_json, page=page)


@app.command("open")
def open_(
    every: Annotated[bool, typer.Option("--all", help="Those that are settled too.")] = False,
    line: Annotated[str | None, typer.Option("--line", help="Only those on this line.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the alerts that nobody has settled, the first that is due first."""
    found = Home.from_environment().alerts().listed(line_id=line, open_only=not every)
    keys = ("alert_id", "severity", "rule", "line_id", "due_on", "outcome" if every else "owner")
    heads = ("alert", "severity", "rule", "line", "due", "outcome" if every else "owner")
    rows = [tuple(each[key] for key in keys) for each in found]
    console.answer(found, as_json=as_json, page=lambda: console.table(heads, rows))


@app.command()
def settle(
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    outcome: Annotated[str, typer.Option("--outcome", help="CONFIRMED, MITIGATED or FALSE.")],
    text: Annotated[str, typer.Option("--text", help="What was found.")],
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Record what an alert turned out to be; a line that it suspended is resumed apart: `credit line resume`."""
    from credit.app import identity, warning

    home = Home.from_environment()
    answer = warning.settle(home, alert, outcome, text, who=identity.who(), key=key)
    console.answer(answer, as_json=as_json, page=lambda: typer.echo(f"alert {alert} is settled: {outcome}"))


@app.command()
def report(
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="The last night up to this day; default: the last one."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the page, one HTML file.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Report on the sealed nights: who was scored and offered what, what moved, and what became of it.

    The ledger and the book as known at the end of the night's day: the numbers are those of the page that was sealed
    with the night, and the run times beside them. About groups, never about a firm.
    """
    from credit.app.monitoring import report_of
    from credit.app.night.monitoring.page import page
    from data.durable import write_whole

    document = report_of(Home.from_environment(), console.as_of_day(as_of))
    if out is not None:
        write_whole(out, page(document).encode())
    console.answer(document, as_json=as_json, page=lambda: _report(document, out))


def _report(document: dict[str, Any], out: Path | None) -> None:
    typer.echo(f"Night of {document['as_of']}, {document['nights']:,} nights in all")
    rows = []
    for tier, each in document["tiers"].items():
        tonight, drift = each["population"][-1], each["drift"]
        counts = (tonight["suppliers"], tonight["scored"], sum(tonight["outcomes"][o] for o in ("APPROVE", "REDUCE")))
        moved = (f"{tonight['psi']:.4f}", drift["above_warn"], drift["above_stop"])
        rows.append((tier, *(f"{count:,}" for count in counts), console.yuan(tonight["granted_fen"]), *moved))
    heads = ("data", "suppliers", "scored", "offered", "CNY", "score psi", "features warn", "stop")
    console.table(heads, rows, numbers=range(1, 8))
    matured = sum(each["matured"] for each in document["calibration"]["tiers"].values())
    waits = document["calibration"]["first_matures_on"]
    said = f"; the first will on {waits}" if not matured and waits else ""
    typer.echo(f"Outcomes that have matured since the first night: {matured:,}{said}")
    open_ = sum(each["open"] for each in document["alerts"]["by_rule"])
    typer.echo(f"Alerts: {open_:,} open; findings of the gates: {len(document['quality']['findings']):,}")
    typer.echo(f"The page is {out}" if out else "--out FILE writes the page, --json prints all numbers")


def _page(document: dict[str, Any]) -> None:
    alerts = document["alerts"]
    typer.echo(f"{len(alerts):,} alerts on {document['lines']:,} lines {_known(document)}")
    for each in alerts:
        alert_page(each)


def alert_page(alert: dict[str, Any]) -> None:
    """Print one alert: what was found, on what evidence, what it does, what to do, and who until when."""
    about = f" on contract {alert['contract_id']}" if alert["contract_id"] else ""
    typer.echo(
        f"{console.marked(alert['severity'])} {alert['rule']}  {alert['line_id']} of {alert['supplier_id']}{about}"
    )
    console.line(f"  found       {said_of(alert)}{_observed(alert['evidence'])}")
    console.line(f"  evidence    {_evidence(alert['evidence'])}")
    typer.echo(f"  does        {alert['action']}")
    console.line(f"  to do       {words(alert['advice_zh'], alert['advice_en'])}")
    typer.echo(f"  owner       {alert['owner']}, raised {alert['raised_on']}, due {alert['due_on']}")
    typer.echo(f"  alert       {alert['alert_id']}, {alert['reference']}")


def _known(document: dict[str, Any]) -> str:
    """By what day each store is read."""
    as_of, booked_on = document["as_of"], document["booked_on"]
    return f"as known on {as_of}" + (f", by the book on {booked_on}" if booked_on != as_of else "")


def _observed(evidence: dict[str, Any]) -> str:
    number = evidence["observed"]
    return "" if number is None else f" ({number:.3g} {evidence['unit']})"


_LISTED = 5


def _evidence(evidence: dict[str, Any]) -> str:
    ids = evidence["records"]
    named = ", ".join(ids[:_LISTED]) + (f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else "")
    rows = f"{evidence['table']} {named}" if ids else f"no row of {evidence['table']}"
    return f"{rows}; happened {evidence['happened_on']}, known {evidence['known_on']}"
