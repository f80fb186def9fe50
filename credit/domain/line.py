"""A line's life: what happened to it, in order, and what it is on a day.

Nothing of it is ever changed: a line is what its events say. It begins when an offer is accepted, may be suspended and
resumed, is renewed by a new decision, and ends by its date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from credit.domain.errors import LineRefused
from credit.domain.moves import step


class Event(StrEnum):
    """What can happen to a line."""

    ACCEPTED = "ACCEPTED"
    SUSPENDED = "SUSPENDED"
    RESUMED = "RESUMED"
    RENEWED = "RENEWED"
    CLOSED = "CLOSED"


class State(StrEnum):
    """What a line is; only an active one can be drawn on."""

    NONE = "NONE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"
    CLOSED = "CLOSED"


# What may happen in which state, and what the line is then. A suspended line is resumed before it is renewed: what it
# was suspended for is to be looked at. What is drawn on a closed one is still
# repaid, and counts until then.
MOVES: dict[tuple[State, Event], State] = {
    (State.NONE, Event.ACCEPTED): State.ACTIVE,
    (State.ACTIVE, Event.SUSPENDED): State.SUSPENDED,
    (State.SUSPENDED, Event.RESUMED): State.ACTIVE,
    (State.ACTIVE, Event.RENEWED): State.ACTIVE,
    (State.ENDED, Event.RENEWED): State.ACTIVE,
    (State.ACTIVE, Event.CLOSED): State.CLOSED,
    (State.SUSPENDED, Event.CLOSED): State.CLOSED,
    (State.ENDED, Event.CLOSED): State.CLOSED,
}

# What a line is by itself once its last day is over; one that is suspended stays so until somebody has looked.
AFTER_LAST_DAY: dict[State, State] = {State.ACTIVE: State.ENDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event: from what day on, by which decision the line stands since, and on what terms until when."""

    line_id: str
    kind: Event
    decision_id: str
    supplier_id: str
    contract_id: str | None
    product: str
    limit_fen: int
    yearly_rate_bp: int
    starts_on: date
    ends_on: date
    at: str
    who: str
    text: str


def line_id(decision_id: str) -> str:
    """The id of the line that accepting a decision begins.

    >>> line_id("D0064A99340D3C75")
    'L0064A99340D3C75'
    """
    return "L" + decision_id[1:]


def state_on(events: Sequence[Happened], day: date) -> State:
    """What a line is on a day, by its events in their order. Raises LineRefused where they cannot have happened."""
    state, ends_on = State.NONE, None
    for event in events:
        state = moved(_at(state, ends_on, event.starts_on), event.kind)
        ends_on = event.ends_on
    return _at(state, ends_on, day)


def _at(state: State, ends_on: date | None, day: date) -> State:
    over = ends_on is not None and day > ends_on
    return AFTER_LAST_DAY.get(state, state) if over else state


def moved(state: State, event: Event) -> State:
    """The state after an event. Raises LineRefused where it cannot happen."""
    return step(MOVES, state, event, of="a line", refused=LineRefused)
