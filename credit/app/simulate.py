"""`credit simulate`: worlds with known truth."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Simulate a platform with known truth.")

DEFAULT_SUPPLIERS, DEFAULT_SEED = 3000, 7
DEFAULT_FROM, DEFAULT_TO = date(2021, 1, 1), date(2026, 10, 31)


@app.callback()
def simulate() -> None:
    """Simulate a procurement platform with known truth."""


@app.command("platform")
def platform(
    suppliers: Annotated[int, typer.Option(min=10, help="Number of suppliers.")] = DEFAULT_SUPPLIERS,
    borrower_share: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="A small, stressed world in which this share of suppliers borrows, as in the demo."
        ),
    ] = None,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day.")] = str(DEFAULT_FROM),
    end: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day.")] = str(DEFAULT_TO),
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = DEFAULT_SEED,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default $CREDIT_HOME/platform.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write a platform: contracts, deliveries, payments, loans and what became of them, as `platform` files.

    Import it with `credit ledger import FOLDER --format platform`.
    """
    from credit.app.simulating import simulate_platform

    folder = out or Home.from_environment().root / "platform"
    summary = simulate_platform(
        folder,
        suppliers=suppliers,
        borrower_share=borrower_share,
        start=console.day(start),
        end=console.day(end),
        seed=seed,
    )
    document = {"folder": str(folder), **asdict(summary)}

    def page() -> None:
        console.table(("table", "rows"), sorted(summary.rows.items()), numbers=(1,))
        typer.echo(
            f"{summary.borrowers:,} borrowers, {summary.defaulted_borrowers:,} of them defaulted; "
            f"{summary.breached_contracts:,} of {summary.contracts:,} contracts were breached"
        )
        typer.echo(f"Written to {folder}. Next: credit ledger import {folder} --format platform")

    console.answer(document, as_json=as_json, page=page)
