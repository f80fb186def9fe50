from __future__ import annotations

from collections.abc import Iterator

import pytest

from data.book.book import Book
from data.book.opening import Store
from tests.bookstore import DATABASES, new_store, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict]:
    with server() as found:
        yield found


@pytest.fixture(params=DATABASES)
def store(request, tmp_path) -> Iterator[Store]:
    there = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with new_store(request.param, tmp_path, there) as made:
        yield made


@pytest.fixture
def book(store) -> Book:
    return Book(store)
