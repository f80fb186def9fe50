"""The life of a line: what may happen to it when, and what it is on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.errors import LineRefused
from credit.domain.line import MOVES, Event, Happened, State, moved, state_on

BEGUN = date(2026, 1, 10)
FIRST = Happened(
    line_id="L1", kind=Event.ACCEPTED, decision_id="D1", supplier_id="S1", contract_id=None, product="turnover_line",
    limit_fen=100, yearly_rate_bp=500, starts_on=BEGUN, ends_on=BEGUN + timedelta(days=365), at="", who="", text="",
)  # fmt: skip


def after(*happened):
    """The events of a line: each a kind and the days after it began; a renewal makes it end a year later."""
    events = [FIRST]
    for kind, days in happened:
        on = BEGUN + timedelta(days=days)
        ends = on + timedelta(days=365) if kind is Event.RENEWED else events[-1].ends_on
        events.append(replace(FIRST, kind=kind, starts_on=on, ends_on=ends))
    return events


@pytest.mark.parametrize(
    ("events", "on", "state"),
    [
        ([], 0, State.ACTIVE),
        ([], 365, State.ACTIVE),
        ([], 366, State.ENDED),
        ([(Event.SUSPENDED, 5)], 5, State.SUSPENDED),
        ([(Event.SUSPENDED, 5)], 400, State.SUSPENDED),
        ([(Event.SUSPENDED, 5), (Event.RESUMED, 9)], 9, State.ACTIVE),
        ([(Event.RENEWED, 300)], 600, State.ACTIVE),
        ([(Event.RENEWED, 400)], 400, State.ACTIVE),
        ([(Event.RENEWED, 400)], 766, State.ENDED),
    ],
)
def test_a_line_is_what_its_events_say(events, on, state):
    assert state_on(after(*events), BEGUN + timedelta(days=on)) is state


@pytest.mark.parametrize(
    "events",
    [
        [(Event.RESUMED, 1)],
        [(Event.SUSPENDED, 1), (Event.SUSPENDED, 2)],
        [(Event.SUSPENDED, 1), (Event.RENEWED, 2)],
        [(Event.SUSPENDED, 400)],
        [(Event.ACCEPTED, 1)],
    ],
)
def test_what_cannot_happen_is_refused(events):
    with pytest.raises(LineRefused):
        state_on(after(*events), BEGUN + timedelta(days=500))


def test_what_did_not_begin_is_nothing():
    assert state_on([], BEGUN) is State.NONE


@given(st.sampled_from(State), st.sampled_from(Event))
def test_every_move_is_in_the_table_or_refused_with_what_may_be_done(state, event):
    if (state, event) in MOVES:
        assert moved(state, event) is MOVES[state, event]
    else:
        with pytest.raises(LineRefused) as refused:
            moved(state, event)
        assert refused.value.hint
