"""A fault at every statement of a request: nothing of it is there, and the same request again is answered."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from sqlalchemy import event

from bench import book_load
from bench.book_load import BEGINS, ENDS, LIMIT, asked
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.line import Event, Happened
from data.book import accounts
from data.book.audit import verified
from data.book.book import Asked
from data.decisions import DecisionStore

TERMS = DrawTerms(yearly_rate_bp=450, penalty_rate_bp=675, due_on=date(2026, 6, 30))
LINE = Happened(
    line_id="LX", kind=Event.ACCEPTED, decision_id="DX", supplier_id="S0", contract_id=None, product="turnover_line",
    limit_fen=LIMIT, yearly_rate_bp=450, starts_on=BEGINS, ends_on=ENDS, at="", who="load", text="accepted",
)  # fmt: skip


def draw(name: str) -> Asked:
    return Asked(draw_id=name, line_id="L0r", contract_id=None, amount_fen=90_000, on=BEGINS,
                 lapses_on=date(2026, 2, 1), terms=TERMS)  # fmt: skip


DECIDED = {
    "decision_id": "D1", "decided_at": "2026-01-01T00:00:00", "supplier_id": "S0", "contract_id": None, "pack": "p",
    "as_of": BEGINS, "outcome": "APPROVE", "amount_fen": 1, "valid_until": ENDS, "product": "turnover_line",
    "pd": 0.01, "district": None, "buyer_id": None, "category": None, "applied": True, "cooling_until": None,
    "maker": "li", "supersedes": "D0", "record": "{}",
}  # fmt: skip


class PowerCut(BaseException):
    """Not an error that anybody would catch."""


REQUESTS = {
    "accept": lambda book: book.line_happens(
        asked("K", "accept"), LINE, about={"revolves": True}, pools={accounts.pool("group", "G9"): LIMIT}
    ),
    "request": lambda book: book.request_draw(asked("K", "request"), draw("W3")),
    "post": lambda book: book.post_draw(asked("K", "post"), "W1", BEGINS),
    "void": lambda book: book.void_draw(asked("K", "void"), "W1", BEGINS, "why"),
    "charge": lambda book: book.charge(asked("K", "charge"), "W2", BEGINS, 500, "why"),
    "repay": lambda book: book.repay(asked("K", "repay"), "W2", "P2", 95_000, date(2026, 7, 9), KINDS),
    "collect": lambda book: book.collect(asked("K", "collect"), "S0", "C0", "P2", 50_000, date(2026, 7, 9), KINDS),
    "reverse": lambda book: book.reverse(asked("K", "reverse"), "W2", "P1", date(2026, 7, 9), "why"),
    "judge": lambda book: DecisionStore(book.store).judge(asked("K", "judge"), DECIDED),
    "dispute": lambda book: DecisionStore(book.store).open_dispute(asked("K", "dispute"), "S0", "delivery D2", "no"),
    "settle": lambda book: DecisionStore(book.store).settle_dispute(asked("K", "settle"), 1, upheld=True, text="so"),
    "write off": lambda book: book.write_off(asked("K", "write off"), "W2", date(2026, 7, 9), "why"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_cut_off_at_any_statement_is_as_if_never_asked_and_can_be_asked_again(store, book, name):
    book_load.begin(book)
    book.request_draw(asked("A", "request"), draw("W1"))
    book.request_draw(asked("B", "request"), draw("W2"))
    book.post_draw(asked("C", "post"), "W2", BEGINS)
    book.repay(asked("D", "repay"), "W2", "P1", 1_000, BEGINS, KINDS)
    DecisionStore(store).open_dispute(asked("E", "dispute"), "S0", "delivery D1", "on time")
    before, cuts = verified(store).entries, 0
    for statements in itertools.count(1):
        left = [statements]

        def cut(*_, left=left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise PowerCut

        event.listen(store.engine(), "before_cursor_execute", cut)
        try:
            answer = REQUESTS[name](book)
            break
        except PowerCut:
            cuts += 1
        finally:
            event.remove(store.engine(), "before_cursor_execute", cut)
        assert verified(store).entries == before
        assert book_load.faults(store) == []
    assert cuts > 5
    assert book_load.faults(store, ["A", "B", "C", "D", "E", "K"]) == []
    assert REQUESTS[name](book) == answer
