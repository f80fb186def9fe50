"""`credit audit`: whether the book's log is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Verify and seal the book's log.")


@app.command()
def verify(
    seal: Annotated[
        str | None, typer.Option("--seal", help="The hash of a seal that was kept outside: it has to be among them.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Read the whole log, and name the first entry that was altered, removed or moved: exit code 6 if there is one."""
    from dataclasses import asdict

    from credit.domain.errors import Exit
    from data.book.audit import verified

    console.waiting("reading the log")
    verdict = verified(Home.from_environment().store(), anchored=seal)

    def page() -> None:
        for fault in verdict.faults:
            typer.echo(fault)
        if not verdict.faults:
            typer.echo(f"{verdict.entries:,} entries and {verdict.seals:,} seals are whole")

    console.answer(asdict(verdict), as_json=as_json, page=page)
    if verdict.faults:
        raise typer.Exit(Exit.CHECK_FAILED)


@app.command()
def seal(as_json: console.AsJson = False) -> None:
    """Seal the log as it stands; keep the hash where nobody who writes the book can write."""
    from credit.app import identity
    from credit.app.clock import now
    from credit.app.roles import refuse
    from credit.domain.authority import Action
    from data.book.audit import sealed

    home = Home.from_environment()
    refuse(home, Action.AUDIT, identity.who())
    document = sealed(home.store(), at=now().isoformat())
    console.answer(
        document,
        as_json=as_json,
        page=lambda: typer.echo(f"seal {document['number']} over {document['entries']:,} entries: {document['hash']}"),
    )
