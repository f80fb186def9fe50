"""`credit docs`: the reference pages, generated from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit.app import console

app = console.group("Generate the reference pages.")


@app.callback()
def docs() -> None:
    """Generate the reference pages from the code."""


@app.command()
def build(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where the pages are.")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 6 if a page is out of date.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Write the generated pages: commands, features, rules, reasons, alerts, states, errors, formats, bank file."""
    from credit.app.documenting import check_pages, write_pages

    root = context.find_root().command
    pages = check_pages(folder, root) if check else write_pages(folder, root)
    verb = "up to date" if check else "written"
    console.answer(
        {"pages": pages, "state": verb}, as_json=as_json, page=lambda: typer.echo(f"{len(pages)} pages are {verb}")
    )
