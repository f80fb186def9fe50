"""`credit book`: the book's database."""

from __future__ import annotations

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Keep the book's database up to date.")


@app.callback()
def book() -> None:
    """Keep the book's database up to date."""


@app.command()
def upgrade(as_json: console.AsJson = False) -> None:
    """Bring the book to the form of this release, whole or not at all; of a file, a copy is kept beside it."""
    from credit.app.clock import now
    from data.book.upgrading import upgraded

    store = Home.from_environment().store()
    copy = store.file.with_name(f"{store.file.name}.{now():%Y%m%dT%H%M%S}") if store.is_embedded else None
    before, after = upgraded(store, beside=copy)
    kept = str(copy) if copy is not None and copy.exists() else None

    def page() -> None:
        typer.echo(f"{store.name} has form {after}" + ("" if before == after else f", before: {before or 'none'}"))
        if kept:
            typer.echo(f"as it was: {kept}")

    console.answer({"before": before, "after": after, "kept": kept}, as_json=as_json, page=page)
