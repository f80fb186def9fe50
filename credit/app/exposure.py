"""`credit exposure`: what lines and guarantees take."""

from __future__ import annotations

from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Show what lines and guarantees take of what they draw on.")


@app.callback()
def exposure() -> None:
    """Show what lines and guarantees take."""


@app.command()
def show(
    by: Annotated[
        str,
        typer.Option("--by", help="supplier, group, contract, buyer, pair, district, category, product or programme."),
    ] = "supplier",
    key: Annotated[str | None, typer.Option("--key", help="Only of this supplier, group, buyer and so on.")] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="DATE", help="As the book knew it when this day ended; default: today."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the largest first.")] = 20,
    as_json: console.AsJson = False,
) -> None:
    """Show what is committed, what of it is owed, and what could be called, by what it counts in."""
    from credit.app import exposing
    from credit.app.clock import day_of, now

    day = console.as_of_day(on) or day_of(now())
    document = exposing.exposure(Home.from_environment(), by, day, key=key)

    def page() -> None:
        rows = document["rows"]
        told = [*rows[:limit], {"key": "the whole book", **document["whole"]}]
        heads = (by, "committed", "drawn", "guaranteed", "claimed")
        table = [(each["key"], *(console.yuan(each[name]) for name in exposing.SUMS)) for each in told]
        console.table(heads, table, numbers=(1, 2, 3, 4))
        if len(rows) > limit:
            typer.echo(f"and {len(rows) - limit:,} more: --limit")
        typer.echo(f"in CNY, when {document['on']} ended")

    console.answer(document, as_json=as_json, page=page)
