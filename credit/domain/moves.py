"""Moves: a life-cycle as one table of what may happen in which state; what is not in it is refused.

The tables stand with what they are about (`line.MOVES`, `draws.DRAW_MOVES`, `guarantee.MOVES`), and `docs/states.md` is
drawn from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from credit.domain.errors import CreditError

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)
To = TypeVar("To")


def step(
    moves: Mapping[tuple[State, Event], To], state: State, event: Event, *, of: str, refused: type[CreditError]
) -> To:
    """Where an event leads from a state, by the table of what it happens to. Raises `refused` where it cannot happen.

    >>> from credit.domain.errors import LineRefused
    >>> from credit.domain.line import MOVES, Event, State
    >>> step(MOVES, State.ACTIVE, Event.SUSPENDED, of="a line", refused=LineRefused).value
    'SUSPENDED'
    >>> step(MOVES, State.ENDED, Event.SUSPENDED, of="a line", refused=LineRefused)
    Traceback (most recent call last):
    ...
    credit.domain.errors.LineRefused: a line that is ended cannot be suspended
    """
    try:
        return moves[state, event]
    except KeyError:
        may = ", ".join(each.value.lower() for (at, each) in moves if at is state) or "nothing"
        raise refused(
            f"{of} that is {state.value.lower()} cannot be {event.value.lower()}", hint=f"it can be: {may}"
        ) from None
