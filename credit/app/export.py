"""`credit export`: build and verify bank files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Build, verify and list bank files.")


@app.command()
def build(bank: Annotated[str, typer.Option("--bank", help="The bank's id.")], as_json: console.AsJson = False) -> None:
    """Write the next file for a bank: the last scores and decisions of the firms whose consent names it."""
    from credit.app import exporting
    from data.exports.verify import verify_export

    folder = exporting.build(Home.from_environment(), bank)
    verified = verify_export(folder)
    document = {"folder": str(folder), **asdict(verified)}
    console.answer(
        document,
        as_json=as_json,
        page=lambda: typer.echo(
            f"{verified.rows:,} firms, limits of CNY {console.yuan(verified.sum_limit_fen)}, sequence "
            f"{verified.sequence}: {folder}\nCheck it with: credit export verify {folder}"
        ),
    )


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="The export's folder.")],
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="Refuse what is no longer valid then.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Check a bank file as the bank does; exit 6 and name the first thing wrong if anything is."""
    from data.exports.verify import verify_export

    verified = verify_export(folder, on=console.day(on) if on else None)
    console.answer(
        asdict(verified),
        as_json=as_json,
        page=lambda: typer.echo(
            f"{verified.export_id}: whole and true to its manifest; {verified.rows:,} firms, known on {verified.as_of}"
        ),
    )


@app.command("list")
def list_(bank: Annotated[str, typer.Option("--bank", help="The bank's id.")], as_json: console.AsJson = False) -> None:
    """List the committed exports of a bank."""
    from credit.app.exporting import bank_named
    from data.exports.layout import committed_exports

    home = Home.from_environment()
    found = committed_exports(home.exports / bank_named(home, bank).bank_id)
    rows = [{"sequence": e.sequence, "type": e.type, "as_of": str(e.as_of), "export_id": str(e)} for e in found]
    console.answer(
        rows,
        as_json=as_json,
        page=lambda: console.table(("sequence", "type", "as of", "export"), [tuple(r.values()) for r in rows]),
    )
