from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from data.book.statements import Statement
from data.book.tables import HEADS


def test_a_connection_that_broke_while_it_waited_is_not_used_again(on_postgres):
    with on_postgres.reading():
        pass
    with on_postgres.writing() as con:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        con.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    with pytest.raises(OperationalError), on_postgres.reading() as con:
        con.execute(select(HEADS))
    with on_postgres.reading() as con:
        assert con.scalar(select(func.count()).select_from(HEADS)) == 64


def test_one_that_is_in_use_is_not_given_to_another(store):
    with store.writing():
        pass
    with store.reading() as first, store.reading() as second:
        assert first is not second
    with store.reading() as third:
        assert third in (first, second)


def test_what_a_database_refuses_is_said_as_sqlalchemy_says_it(store):
    again = Statement(HEADS.insert())
    with pytest.raises(IntegrityError), store.writing() as con:
        again.do(con, {"partition": 0, "sequence": 0, "hash": ""})
    with store.writing() as con:
        assert con.scalar(select(HEADS.c.hash).where(HEADS.c.partition == 0)) == "0" * 64
