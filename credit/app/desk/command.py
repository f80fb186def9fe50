"""`credit desk`: work through what waits for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from credit.app import console
from credit.app.home import Home

Kind = Annotated[str | None, typer.Option("--kind", help="Only what is a case, or an alert.")]
Mine = Annotated[bool, typer.Option("--mine", help="Only what is within one's own authority.")]
Plain = Annotated[
    bool, typer.Option("--plain", help="A line for each key and no screens, as through a pipe or for a screen reader.")
]


def run(
    kind: Kind = None,
    mine: Mine = False,
    plain: Plain = False,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Work through referred decisions and open alerts, the largest exposure first, of those the oldest.

    Open one, read it, try another amount, approve or decline within one's authority, settle, or pass on; `?` shows the
    keys. Nothing is booked without a page that says what would be. `--json` prints the queue instead.
    """
    from credit.app import identity
    from credit.app.desk import queue

    if kind not in (None, *queue.KINDS):
        raise typer.BadParameter("--kind is one of " + ", ".join(queue.KINDS))
    home, day, who = Home.from_environment(), console.as_of_day(as_of), identity.who()
    if as_json:
        found = queue.queue(home, day, who=who)
        console.answer(queue.document(found, kind=kind, mine=mine), as_json=True, page=lambda: None)
        return
    from credit.app.desk import terminal, working

    done = working.works(home, terminal.opened(plain=plain), day, who=who, kind=kind, mine=mine)
    typer.echo("\n".join(["", *(done or ["nothing was booked"])]))
