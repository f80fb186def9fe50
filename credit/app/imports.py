"""What became of an import, for whoever asked for one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from credit.app import console
from credit.domain.errors import Exit

if TYPE_CHECKING:
    from data.importing import ImportSummary

SHOWN_PROBLEMS = 5


def answer_import(summary: ImportSummary, *, as_json: bool) -> None:
    """Say what was read, taken in and set aside; exits 4 where rows went to quarantine."""
    from data.quarantine import describe

    def page() -> None:
        headings = ("table", "read", "imported", "duplicate", "quarantined")
        counts = [(t.read, t.imported, t.duplicate, t.quarantined) for t in summary.tables]
        rows = [(t.table, *row) for t, row in zip(summary.tables, counts, strict=True)]
        total = ("total", *map(sum, zip(*counts, strict=True))) if counts else ("total", 0, 0, 0, 0)
        console.table(headings, [*rows, total], numbers=(1, 2, 3, 4))
        if summary.not_read:
            typer.echo(f"Not part of this format: {', '.join(summary.not_read)}")
        for what, count in summary.passed_over.items():
            typer.echo(f"Passed over: {count:,} {what}")
        for row in summary.quarantine[:SHOWN_PROBLEMS]:
            typer.echo(f"Quarantined: {describe(row)}; {row['hint']}")
        if (more := summary.quarantined - SHOWN_PROBLEMS) > 0:
            typer.echo(f"Quarantined: {more:,} more; `credit ledger summary --json` has them")
        if summary.waiting:
            typer.echo(f"Waiting: {summary.waiting:,} of these rows, each for what it names; they go in with that")
        for table, count in summary.taken_in.items():
            typer.echo(f"Taken in: {count:,} {table.replace('_', ' ')} that had waited for what they name")
        if summary.batch is None and not summary.taken_in:
            typer.echo("Nothing was new; the ledger is unchanged.")
        elif summary.batch is not None:
            typer.echo(f"Batch {summary.batch} is in the ledger.")

    console.answer(asdict(summary), as_json=as_json, page=page)
    if summary.quarantined:
        raise typer.Exit(Exit.IN_PART)
