"""`credit feedback`: what banks send back of the firms that they were told about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home
from credit.app.imports import answer_import

app = console.group("Take in what banks send back.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file, see `credit ledger formats bank-feedback`.")],
    bank: Annotated[
        str | None, typer.Option("--bank", help="Whose file it is; default: the bank that its rows name.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Import a bank's result file: answers, draws, days past due, losses, demands; the same file twice changes nothing.

    Rows that cannot be read, or are about firms that neither consented to the bank nor borrowed from it, go to
    quarantine with file, line, column, value and hint, and the command exits 4, or 3 where none is left.
    """
    from credit.app.receiving import take_feedback

    summary = take_feedback(Home.from_environment(), file, bank, progress=console.progress)
    console.progress_done()
    answer_import(summary, as_json=as_json)
