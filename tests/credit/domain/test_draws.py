from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.draws import (
    DRAW_MOVES,
    Draw,
    DrawEvent,
    DrawHappened,
    DrawState,
    DrawTerms,
    Owed,
    after,
    allotted,
    folded,
    moved,
    repayment,
    reversal,
    swept,
)
from credit.domain.errors import DrawRefused

BEGAN, DUE = date(2026, 1, 1), date(2026, 3, 2)
TERMS = DrawTerms(yearly_rate_bp=450, penalty_rate_bp=675, due_on=DUE)
ORDER = ("fees_fen", "overdue_interest_fen", "interest_fen", "principal_fen")


def event(kind: DrawEvent, on: date = BEGAN, amount_fen: int = 0) -> DrawHappened:
    return DrawHappened(kind=kind, on=on, amount_fen=amount_fen)


def drawn(fen: int = 10_000_000, terms: DrawTerms = TERMS) -> Draw:
    return folded(terms, [event(DrawEvent.REQUESTED, BEGAN, fen), event(DrawEvent.POSTED, BEGAN, fen)])


def test_interest_runs_at_the_agreed_rate_until_the_due_day_and_at_the_penalty_after_it():
    # 100,000 yuan at 4.5 % over 360 days: 12.50 yuan a day, 18.75 once it is late.
    assert drawn().counted(DUE).owed == Owed(interest_fen=60 * 1_250, principal_fen=10_000_000)
    assert drawn().counted(DUE + timedelta(days=1)).owed.overdue_interest_fen == 1_875
    assert drawn().counted(DUE).days_past_due(DUE) == 0
    assert drawn().counted(DUE).days_past_due(DUE + timedelta(days=1)) == 1


def test_nothing_is_owed_before_it_is_paid_out_and_it_is_not_paid_out_before_it_is_asked_for():
    asked = folded(TERMS, [event(DrawEvent.REQUESTED, BEGAN, 500)])
    assert asked.counted(DUE).owed == Owed()
    with pytest.raises(DrawRefused, match="2025-12-31 is before 2026-01-01"):
        after(asked, event(DrawEvent.POSTED, BEGAN - timedelta(days=1), 500))
    assert Draw(terms=TERMS).counted(DUE) == Draw(terms=TERMS)
    assert (asked.pending_fen, asked.owed, asked.days_past_due(DUE + timedelta(days=9))) == (500, Owed(), 0)


@given(st.integers(1, 10**9), st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_a_draw_owes_the_same_however_often_it_is_looked_at(fen, days):
    last = BEGAN + timedelta(days=sum(days))
    looked_at, day = drawn(fen), BEGAN
    for each in days:
        day += timedelta(days=each)
        looked_at = looked_at.counted(day)
    assert looked_at.owed == drawn(fen).counted(last).owed


def test_a_part_that_is_paid_out_gives_the_rest_back():
    part = after(folded(TERMS, [event(DrawEvent.REQUESTED, BEGAN, 900)]), event(DrawEvent.POSTED, BEGAN, 400))
    assert (part.amount_fen, part.pending_fen, part.owed.principal_fen) == (400, 0, 400)


@pytest.mark.parametrize("kind", [DrawEvent.VOIDED, DrawEvent.LAPSED])
def test_a_draw_that_is_not_paid_out_holds_nothing_any_more(kind):
    over = folded(TERMS, [event(DrawEvent.REQUESTED, BEGAN, 900), event(kind, BEGAN, 900)])
    assert (over.state, over.pending_fen) == (DrawState.VOIDED, 0)


def test_a_repayment_pays_fees_first_and_closes_the_draw_when_all_is_paid():
    late = after(drawn(), event(DrawEvent.CHARGED, BEGAN, 700))
    all_of_it = late.counted(DUE).owed.total_fen
    paid = repayment(late, "P1", all_of_it, DUE)
    assert (paid.kind, paid.paid.fees_fen, paid.amount_fen) == (DrawEvent.SETTLED, 700, all_of_it)
    assert after(late, paid).state is DrawState.CLOSED
    part = repayment(late, "P1", all_of_it - 1, DUE)
    assert (part.kind, after(late, part).owed) == (DrawEvent.REPAID, Owed(principal_fen=1))
    # What is above all that is owed pays nothing.
    assert repayment(late, "P1", all_of_it + 1, DUE).amount_fen == all_of_it


def test_what_is_paid_first_is_what_the_order_says():
    owed = Owed(fees_fen=3, overdue_interest_fen=5, interest_fen=7, principal_fen=11)
    assert allotted(9, owed, ORDER[::-1]) == Owed(principal_fen=9)
    assert allotted(100, owed) == owed


def test_a_repayment_that_is_taken_back_is_owed_again():
    before = drawn()
    paid = repayment(before, "P1", 99_000, DUE)
    back = reversal(after(before, paid), "P1", DUE)
    assert after(after(before, paid), back).owed == before.counted(DUE).owed
    with pytest.raises(DrawRefused, match="no repayment 'P1' stands"):
        reversal(before, "P1", DUE)


def test_a_payment_repays_once():
    paid = after(drawn(), repayment(drawn(), "P1", 99_000, DUE))
    with pytest.raises(DrawRefused, match="P1 repaid of this draw already"):
        repayment(paid, "P1", 1, DUE)
    assert repayment(paid, "P2", 1, DUE).amount_fen == 1


def test_what_is_written_off_is_owed_no_more():
    lost = after(drawn(), event(DrawEvent.WRITTEN_OFF, DUE, 1))
    assert (lost.state, lost.owed.total_fen) == (DrawState.WRITTEN_OFF, 0)


def test_nothing_is_booked_before_what_happened_last():
    counted = after(drawn(), event(DrawEvent.CHARGED, DUE, 5))
    with pytest.raises(DrawRefused, match="2026-03-01 is before 2026-03-02"):
        after(counted, event(DrawEvent.CHARGED, DUE - timedelta(days=1), 5))
    assert after(counted, event(DrawEvent.CHARGED, DUE, 5)).owed.fees_fen == 10


@pytest.mark.parametrize("state", DrawState)
@pytest.mark.parametrize("kind", DrawEvent)
def test_what_is_not_in_the_table_cannot_happen(state, kind):
    if (state, kind) in DRAW_MOVES:
        assert moved(state, kind) is DRAW_MOVES[state, kind]
    else:
        with pytest.raises(DrawRefused, match="cannot be"):
            moved(state, kind)


def test_a_buyers_payment_repays_the_contract_first_then_what_is_due_oldest_first():
    later = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=DUE + timedelta(days=30))
    free = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=DUE)
    older = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=DUE - timedelta(days=1))
    draws = {
        "own": drawn(300, later),
        "due": drawn(200, free),
        "older": drawn(100, older),
        "not due": drawn(400, later),
    }
    sweep = swept(450, draws, ["own", "elsewhere"], "P1", DUE, ORDER)
    assert {each: paid.amount_fen for each, paid in sweep.repaid.items()} == {"own": 300, "older": 100, "due": 50}
    assert list(sweep.repaid) == ["own", "older", "due"] and sweep.released_fen == 0
    assert swept(300, draws, ["own"], "P1", DUE, ORDER).repaid.keys() == {"own"}
    rest = swept(1_000, draws, [], "P1", DUE, ORDER)
    assert (set(rest.repaid), rest.released_fen) == ({"older", "due"}, 700)
    # A draw of which nothing is owed takes nothing.
    assert swept(10, {"paid": Draw(terms=free)}, ["paid"], "P1", DUE, ORDER).released_fen == 10
