"""`credit simulate`: worlds with known truth."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit.app import console
from credit.app.home import Home

if TYPE_CHECKING:
    from data.simulator import Platform

app = console.group("Simulate a platform with known truth.")

DEFAULT_SUPPLIERS, DEFAULT_SEED = 3000, 7
TRUTH_FIRMS, TRUTH_FUTURES = 20_000, 1_000
ON_DEFAULT = "the last day, and one and two years before"
DEFAULT_FROM, DEFAULT_TO = date(2021, 1, 1), date(2026, 10, 31)


@app.callback()
def simulate() -> None:
    """Simulate a procurement platform with known truth."""


Suppliers = Annotated[int, typer.Option(min=10, help="Number of suppliers.")]
BorrowerShare = Annotated[
    float | None,
    typer.Option(
        min=0.0, max=1.0, help="A small, stressed world in which this share of suppliers borrows, as in the demo."
    ),
]
From = Annotated[str, typer.Option("--from", metavar="DATE", help="First day.")]
To = Annotated[str, typer.Option("--to", metavar="DATE", help="Last day.")]


@app.command("platform")
def platform(
    suppliers: Suppliers = DEFAULT_SUPPLIERS,
    borrower_share: BorrowerShare = None,
    start: From = str(DEFAULT_FROM),
    end: To = str(DEFAULT_TO),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = DEFAULT_SEED,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default $CREDIT_HOME/platform.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write a platform: contracts, deliveries, payments, loans and what became of them, as `platform` files.

    Import it with `credit ledger import FOLDER --format platform`.
    """
    from credit.app.simulating import simulate_platform

    folder = out or Home.from_environment().root / "platform"
    summary = simulate_platform(folder, _platform(suppliers, start, end, seed, borrower_share))
    document = {"folder": str(folder), **asdict(summary)}

    def page() -> None:
        console.table(("table", "rows"), sorted(summary.rows.items()), numbers=(1,))
        typer.echo(
            f"{summary.borrowers:,} borrowers, {summary.defaulted_borrowers:,} of them defaulted; "
            f"{summary.breached_contracts:,} of {summary.contracts:,} contracts were breached"
        )
        typer.echo(f"Written to {folder}. Next: credit ledger import {folder} --format platform")

    console.answer(document, as_json=as_json, page=page)


@app.command("truth")
def truth(  # noqa: PLR0913, PLR0917 - the options are the platform's and the question's
    suppliers: Suppliers = DEFAULT_SUPPLIERS,
    borrower_share: BorrowerShare = None,
    start: From = str(DEFAULT_FROM),
    end: To = str(DEFAULT_TO),
    seed: Annotated[int, typer.Option(min=0, help="The platform's own seed.")] = DEFAULT_SEED,
    on: Annotated[
        list[str] | None,
        typer.Option(metavar="DATE", help="Evening to look ahead from, as often as wanted.", show_default=ON_DEFAULT),
    ] = None,
    firms: Annotated[int, typer.Option(min=1, help="Firms to draw by stratum, over all evenings.")] = TRUTH_FIRMS,
    futures: Annotated[int, typer.Option(min=1, help="How often each firm's future is run.")] = TRUTH_FUTURES,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default $CREDIT_HOME/truth.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Write what nobody on a simulated platform knows: hidden quality, and true probabilities of default.

    For evaluation alone. Give it what the platform was simulated with; no command reads what it writes.
    """
    from credit.app.simulating import simulate_truth
    from credit.domain.windows import months_before
    from data.simulator import Question

    folder = out or Home.from_environment().root / "truth"
    platform = _platform(suppliers, start, end, seed, borrower_share)
    days = {console.day(each) for each in on or []}
    if late := [day for day in days if not platform.start < day <= platform.end]:
        raise typer.BadParameter(f"--on {late[0]} does not lie after {platform.start} and up to {platform.end}")
    before = {months_before(platform.end, 12 * years) for years in (0, 1, 2)}
    days = days or {day for day in before if day > platform.start}
    summary = simulate_truth(folder, platform, Question(tuple(sorted(days)), firms, futures))
    document = {"folder": str(folder), **asdict(summary)}

    def page() -> None:
        rows = [(standing, f"{pd:.2%}") for standing, pd in summary.mean_pd_by_standing.items()]
        console.table(("standing with lenders", "mean true PD"), [*rows, ("all", f"{summary.mean_pd:.2%}")])
        typer.echo(
            f"{summary.firms:,} firms, {summary.futures:,} futures each; "
            f"the largest standard error is {summary.largest_standard_error:.2%}"
        )
        typer.echo(f"Written to {folder}.")

    console.answer(document, as_json=as_json, page=page)


def _platform(suppliers: int, start: str, end: str, seed: int, borrower_share: float | None) -> Platform:
    from data.schema import FIRST_YEAR, LAST_YEAR
    from data.simulator import Platform

    first, last = console.day(start), console.day(end)
    if last <= first:
        raise typer.BadParameter(f"--to {last} is not after --from {first}")
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise typer.BadParameter(f"--from and --to lie between {FIRST_YEAR} and {LAST_YEAR}")
    return Platform(suppliers, first, last, seed, borrower_share)
