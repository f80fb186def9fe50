"""A book on each database, and the small world that its tests act in."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from data.book.book import Book
from data.book.opening import Store
from tests.postgres import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict]:
    with server() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path) -> Iterator[Store]:
    if request.param == "sqlite":
        yield Store(tmp_path / "book.db")
        return
    there = request.getfixturevalue("postgres")
    name = f"book_{uuid4().hex[:12]}"
    with there["connect"](host=there["host"], user=there["user"], dbname=there["dbname"], autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name}")
    made = Store(f"postgresql://{there['user']}@/{name}?host={there['host']}")
    yield made
    made.engine().dispose()


@pytest.fixture
def book(store) -> Book:
    return Book(store)
