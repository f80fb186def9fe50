"""Bringing a book up to the form of this release, whole or not at all, or to another one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import Connection

from data.book.opening import NEWEST, Store, form_of

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgraded(store: Store, *, beside: Path | None = None) -> tuple[str | None, str]:
    """Bring a book to the newest form; answers the one before and that one. A copy of a file is kept `beside` first."""
    with store.alone() as con:
        before = form_of(con)
        if before == NEWEST:
            return before, NEWEST
        if beside is not None and before is not None:
            _copied(store.file, beside)
        migrate(con, NEWEST)
    return before, NEWEST


def _copied(file: Path, beside: Path) -> None:
    """Copy a book with all that was committed, of which the newest may still stand in a file of its own (WAL)."""
    with closing(sqlite3.connect(file)) as whole, closing(sqlite3.connect(beside)) as copy:
        whole.backup(copy)


def migrate(con: Connection, to: str) -> None:
    """Run the migrations up to one, in the transaction of a connection."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = con
    command.upgrade(config, to)
