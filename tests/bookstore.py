"""A book on each database, for tests of it anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from data.book.opening import Store
from tests.postgres import server

DATABASES = ("sqlite", "postgresql")

__all__ = ["DATABASES", "new_store", "server"]


@contextmanager
def new_store(database: str, folder: Path, postgres: dict[str, Any] | None = None) -> Iterator[Store]:
    """An empty book: a file in a folder, or a database of its own on a server that is there."""
    name = f"book_{uuid4().hex[:12]}"
    if postgres is None:
        made = Store(folder / f"{name}.db")
    else:
        with postgres["connect"](
            host=postgres["host"], user=postgres["user"], dbname=postgres["dbname"], autocommit=True
        ) as con:
            con.execute(f"CREATE DATABASE {name}")
        made = Store(f"postgresql://{postgres['user']}@/{name}?host={postgres['host']}")
    try:
        yield made
    finally:
        made.close()
