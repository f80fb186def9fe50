from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from bench.book_load import AT, asked
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.line import Event, Happened
from data.book import accounts
from data.book.book import Asked, Book

FIRST, SECOND = accounts.pool("buyer", "A"), accounts.pool("buyer", "B")
BEGINS, LATER = date(2026, 1, 1), date(2026, 3, 1)
ACCEPTED = Happened(
    line_id="L", kind=Event.ACCEPTED, decision_id="D", supplier_id="S1", contract_id="C1", product="contract_loan",
    limit_fen=1_000, yearly_rate_bp=450, starts_on=BEGINS, ends_on=date(2026, 12, 31), at=AT, who="li", text="",
)  # fmt: skip


@pytest.fixture
def store(on_postgres):
    """Only on PostgreSQL do two writers hold accounts at once."""
    return on_postgres


def begin(book, line, pool, due_on):
    event = replace(ACCEPTED, line_id=line, decision_id=f"D{line}")
    book.line_happens(asked(f"accept {line}", "accept"), event, about={"revolves": False}, pools={pool: 5_000})
    terms = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=due_on)
    wanted = Asked(
        draw_id=f"T{line}", line_id=line, contract_id=None, amount_fen=500, on=BEGINS, lapses_on=BEGINS, terms=terms
    )
    book.request_draw(asked(f"request {line}", "request"), wanted)
    book.post_draw(asked(f"post {line}", "post"), wanted.draw_id, BEGINS)


def collect(book):
    book.collect(asked("P1", "collect"), "S1", "C1", "P1", 1_000, LATER, KINDS)


def renew(book):
    """A renewal by a decision that draws on another pool than the line's."""
    event = replace(ACCEPTED, line_id="L2", kind=Event.RENEWED, limit_fen=2_000, starts_on=LATER)
    book.line_happens(asked("renew", "renew"), event, about={}, pools={SECOND: 5_000})


@pytest.mark.parametrize("act", [collect, renew])
def test_who_waits_for_a_pool_holds_none_that_comes_after_it(store, act):
    book = Book(store)
    # The draw that is repaid first stands on the second pool, and what the renewal draws on is the second too.
    begin(book, "L1", SECOND, due_on=date(2026, 2, 1))
    begin(book, "L2", FIRST, due_on=date(2026, 2, 2))
    hold = text("SELECT 1 FROM balances WHERE account = :account FOR UPDATE NOWAIT")
    with store.writing() as other:
        other.execute(hold, {"account": FIRST})
        acting = threading.Thread(target=act, args=(book,))
        acting.start()
        wait_until_somebody_waits(store)
        assert other.execute(hold, {"account": SECOND}).scalar() == 1
    acting.join(timeout=30)
    assert not acting.is_alive() and book.answered(
        asked("P1", "collect") if act is collect else asked("renew", "renew")
    )


def wait_until_somebody_waits(store) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with store.reading() as con:
            if con.scalar(waiting):
                return
        time.sleep(0.02)
    pytest.fail("nobody waits")
