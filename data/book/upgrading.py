"""Bringing a book up to the form of this release, whole or not at all, or to another one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.engine import Connection

from data.book.opening import NEWEST, Store, form_of

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgraded(store: Store, *, beside: Path | None = None) -> tuple[str | None, str]:
    """Bring a book to the newest form; answers the one before and that one. A copy of a file is kept `beside` first."""
    if beside is not None and store.file.exists():
        # Not a copy of the file: what was written last may stand in the log beside it.
        with sqlite3.connect(store.file) as there, sqlite3.connect(beside) as copy:
            there.backup(copy)
    with store.alone() as con:
        before = form_of(con)
        if before != NEWEST:
            migrate(con, NEWEST)
    return before, NEWEST


def migrate(con: Connection, to: str) -> None:
    """Run the migrations up to one, in the transaction of a connection."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = con
    command.upgrade(config, to)
