"""`credit line`: decide turnover lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Decide credit lines on suppliers' records.")


@app.callback()
def line() -> None:
    """Decide credit lines on a supplier's own record."""


@app.command()
def decide(
    supplier: Annotated[str | None, typer.Argument(help="The supplier's id.")] = None,
    amount: console.Amount = None,
    review: console.Review = False,
    every: Annotated[bool, typer.Option("--all", help="Decide every supplier that can be asked about.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", help="CSV with supplier_id and, optionally, amount in yuan.")
    ] = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Answer approve, reduce, refer or decline, with amount, rate, tenor, reasons and the term that bound the amount.

    The decision is stored; asked again on the same knowledge, the same decision is the answer.
    """
    from credit.app import lines

    if sum(bool(given) for given in (supplier, every, file)) != 1:
        raise typer.BadParameter("name one supplier, or --all, or --file")
    home = Home.from_environment()
    day = console.as_of_day(as_of)
    if supplier:
        requested = console.fen_of(amount) if amount else None
        record = lines.decide_one(home, supplier, requested, day, review_requested=review)
        console.answer(record, as_json=as_json, page=lambda: answers.page(record))
        return
    if amount or review:
        raise typer.BadParameter("--amount and --review go with one supplier; a file has a column for the amount")
    batch = lines.decide_file(home, file, day) if file else lines.decide_all(home, day)
    answers.batch(batch, as_json=as_json)
