from __future__ import annotations

from collections.abc import Iterator

import pytest

from data.book.book import Book
from data.book.opening import Store
from data.book.tables import METADATA
from tests.bookstore import DATABASES, new_store, server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> Iterator[Store]:
    """One database for all tests: to make one for each takes longer than most of them."""
    with server() as there, new_store("postgresql", tmp_path_factory.mktemp("none"), there) as made:
        yield made


@pytest.fixture
def on_postgres(postgres) -> Iterator[Store]:
    """An empty book on PostgreSQL."""
    with postgres.alone() as con:
        METADATA.drop_all(con)
    made = Store(postgres.url)
    yield made
    made.close()


@pytest.fixture(params=DATABASES)
def store(request, tmp_path) -> Iterator[Store]:
    """An empty book on either database."""
    if request.param == "postgresql":
        yield request.getfixturevalue("on_postgres")
        return
    with new_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def book(store) -> Book:
    return Book(store)
