from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from credit.domain.errors import StoreDamaged, UnknownName
from data.book.opening import NEWEST, Store, form_of
from data.book.tables import HEADS, METADATA
from data.book.upgrading import migrate, upgraded


def test_the_migrations_make_what_a_new_book_is_made_of(store):
    with store.alone() as con:
        migrate(con, "head")
        assert form_of(con) == NEWEST
        context = MigrationContext.configure(con, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        checks = {table: _checks(con, table) for table in METADATA.tables}
        heads = con.execute(select(HEADS)).all()
    with store.alone() as con:
        METADATA.drop_all(con)
    with store.reading() as con:
        assert checks == {table: _checks(con, table) for table in METADATA.tables}
        assert con.execute(select(HEADS)).all() == heads


def _checks(con, table: str) -> dict[str, str]:
    return {each["name"]: each["sqltext"] for each in inspect(con).get_check_constraints(table)}


def test_an_empty_book_is_upgraded_to_the_newest_form_once(store):
    assert upgraded(store) == (None, NEWEST)
    assert upgraded(store) == (NEWEST, NEWEST)
    with store.reading() as con:
        assert form_of(con) == NEWEST


@pytest.mark.parametrize("form", ["0000", "9999"])
def test_a_book_of_another_form_is_neither_read_nor_written(store, form):
    with store.writing() as con:
        con.execute(text("UPDATE alembic_version SET version_num = :form"), {"form": form})
    with (
        pytest.raises(StoreDamaged, match=f"form {form} of the book"),
        Store(store.url.render_as_string(False)).reading(),
    ):
        pass


@pytest.mark.parametrize("address", ["mysql://u@h/b", "postgresql://u@h:port/b", "nothing://"])
def test_an_address_that_no_book_is_kept_at_is_refused_by_name(address):
    with pytest.raises(UnknownName, match="book"):
        Store(address)


def test_a_file_that_is_no_book_is_said_to_be_damaged(tmp_path):
    (tmp_path / "book.db").write_bytes(b"not a database, but long enough to be looked at as one" * 40)
    with pytest.raises(StoreDamaged, match=r"book\.db is damaged"), Store(tmp_path / "book.db").reading():
        pass


def test_a_migration_that_fails_leaves_the_book_as_it_was(store, monkeypatch):
    def broken(con, to):
        migrate(con, to)
        raise RuntimeError("power cut")

    monkeypatch.setattr("data.book.upgrading.migrate", broken)
    with pytest.raises(RuntimeError), store.alone() as con:
        broken(con, "head")
    with store.alone() as con:
        assert form_of(con) is None
