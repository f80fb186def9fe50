"""Draws on a line: reserved, paid out, repaid by a waterfall, reversed (DOMAIN 1.3). What is owed follows of events.

Interest is simple, by the day, on what is owed of the principal; after the due day the penalty rate takes the place of
the agreed one. What is less than a fen is carried on, so that a draw owes the same however often it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any

from credit.domain.errors import DrawRefused
from credit.domain.moves import step


class DrawEvent(StrEnum):
    """What can happen to a draw."""

    REQUESTED = "REQUESTED"
    POSTED = "POSTED"
    VOIDED = "VOIDED"
    LAPSED = "LAPSED"
    CHARGED = "CHARGED"
    REPAID = "REPAID"
    SETTLED = "SETTLED"
    REVERSED = "REVERSED"
    WRITTEN_OFF = "WRITTEN_OFF"


class DrawState(StrEnum):
    """What a draw is."""

    NONE = "NONE"
    PENDING = "PENDING"
    POSTED = "POSTED"
    CLOSED = "CLOSED"
    VOIDED = "VOIDED"
    WRITTEN_OFF = "WRITTEN_OFF"


# What may happen in which state, and what the draw is then. A repayment that was taken back opens a closed draw again.
DRAW_MOVES: dict[tuple[DrawState, DrawEvent], DrawState] = {
    (DrawState.NONE, DrawEvent.REQUESTED): DrawState.PENDING,
    (DrawState.PENDING, DrawEvent.POSTED): DrawState.POSTED,
    (DrawState.PENDING, DrawEvent.VOIDED): DrawState.VOIDED,
    (DrawState.PENDING, DrawEvent.LAPSED): DrawState.VOIDED,
    (DrawState.POSTED, DrawEvent.CHARGED): DrawState.POSTED,
    (DrawState.POSTED, DrawEvent.REPAID): DrawState.POSTED,
    (DrawState.POSTED, DrawEvent.SETTLED): DrawState.CLOSED,
    (DrawState.POSTED, DrawEvent.REVERSED): DrawState.POSTED,
    (DrawState.CLOSED, DrawEvent.REVERSED): DrawState.POSTED,
    (DrawState.POSTED, DrawEvent.WRITTEN_OFF): DrawState.WRITTEN_OFF,
}

# What one fen owes for one day at one basis point, in parts of a fen: a year has 360 days (actual/360).
_PARTS = 10_000 * 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is owed, or paid, of each kind, in fen."""

    fees_fen: int = 0
    overdue_interest_fen: int = 0
    interest_fen: int = 0
    principal_fen: int = 0

    @property
    def total_fen(self) -> int:
        """All of it."""
        return sum(getattr(self, each) for each in KINDS)

    def plus(self, other: Owed, times: int = 1) -> Owed:
        """The sum with another, or with a multiple of it."""
        return Owed(**{each: getattr(self, each) + times * getattr(other, each) for each in KINDS})


KINDS = tuple(each.name for each in fields(Owed))


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawTerms:
    """What a draw is repaid by: the agreed rate a year, the one after the due day, and that day."""

    yearly_rate_bp: int
    penalty_rate_bp: int
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawHappened:
    """One event on a day: the amount it is about, what of each kind it paid, and the repayment that it belongs to."""

    kind: DrawEvent
    on: date
    amount_fen: int
    paid: Owed = Owed()
    repayment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A draw after some of its events, its interest counted up to a day."""

    terms: DrawTerms
    state: DrawState = DrawState.NONE
    amount_fen: int = 0
    pending_fen: int = 0
    owed: Owed = Owed()
    counted_to: date | None = None
    # What less than a fen has come together of interest and of overdue interest.
    carried: tuple[int, int] = (0, 0)
    repayments: Mapping[str, Owed] = field(default_factory=dict)

    def counted(self, day: date) -> Draw:
        """The draw with its interest counted up to a day.

        >>> terms = DrawTerms(yearly_rate_bp=450, penalty_rate_bp=675, due_on=date(2026, 3, 2))
        >>> draw = Draw(terms=terms, owed=Owed(principal_fen=10_000_000), counted_to=date(2026, 1, 1))
        >>> draw.counted(date(2026, 3, 12)).owed
        Owed(fees_fen=0, overdue_interest_fen=18750, interest_fen=75000, principal_fen=10000000)
        """
        if self.counted_to is None or day <= self.counted_to:
            return self
        on_time = max((min(day, self.terms.due_on) - self.counted_to).days, 0)
        late = (day - self.counted_to).days - on_time
        rates = ((on_time, self.terms.yearly_rate_bp), (late, self.terms.penalty_rate_bp))
        parts = [
            carried + days * rate * self.owed.principal_fen
            for carried, (days, rate) in zip(self.carried, rates, strict=True)
        ]
        grown = Owed(interest_fen=parts[0] // _PARTS, overdue_interest_fen=parts[1] // _PARTS)
        left = (parts[0] % _PARTS, parts[1] % _PARTS)
        return replace(self, owed=self.owed.plus(grown), counted_to=day, carried=left)

    def days_past_due(self, day: date) -> int:
        """Days since it should have been repaid, 0 while it is not due or nothing is owed."""
        return max((day - self.terms.due_on).days, 0) if self.owed.total_fen else 0


def after(draw: Draw, event: DrawHappened) -> Draw:
    """The draw after an event. Raises DrawRefused where it cannot happen."""
    state = moved(draw.state, event.kind)
    if draw.counted_to is not None and event.on < draw.counted_to:
        raise DrawRefused(
            f"{event.on} is before {draw.counted_to}, the day of what happened last",
            hint="say the day on which it happened; what was booked wrongly since is reversed first",
        )
    now = draw.counted(event.on)
    return replace(now, state=state, **_changes(now, event))


def _changes(draw: Draw, event: DrawHappened) -> dict[str, Any]:
    """What an event changes of a draw beside its state."""
    changes: dict[str, Any] = {}
    match event.kind:
        case DrawEvent.REQUESTED:
            changes = {"amount_fen": event.amount_fen, "pending_fen": event.amount_fen, "counted_to": event.on}
        case DrawEvent.POSTED:
            lent = Owed(principal_fen=event.amount_fen)
            changes = {"amount_fen": event.amount_fen, "pending_fen": 0, "owed": lent, "counted_to": event.on}
        case DrawEvent.CHARGED:
            changes = {"owed": draw.owed.plus(Owed(fees_fen=event.amount_fen))}
        case DrawEvent.REPAID | DrawEvent.SETTLED:
            known = {**draw.repayments, str(event.repayment_id): event.paid}
            changes = {"owed": draw.owed.plus(event.paid, -1), "repayments": known}
        case DrawEvent.REVERSED:
            kept = {each: paid for each, paid in draw.repayments.items() if each != event.repayment_id}
            changes = {"owed": draw.owed.plus(event.paid), "repayments": kept}
        case DrawEvent.WRITTEN_OFF:
            changes = {"owed": Owed()}
        case _:
            # Voided, or lapsed.
            changes = {"pending_fen": 0}
    return changes


def folded(terms: DrawTerms, events: Iterable[DrawHappened]) -> Draw:
    """The draw after all its events, in their order."""
    draw = Draw(terms=terms)
    for event in events:
        draw = after(draw, event)
    return draw


def moved(state: DrawState, event: DrawEvent) -> DrawState:
    """The state after an event. Raises DrawRefused where it cannot happen."""
    return step(DRAW_MOVES, state, event, of="a draw", refused=DrawRefused)


# -- the waterfall


def allotted(amount_fen: int, owed: Owed, order: Sequence[str] = KINDS) -> Owed:
    """What an amount pays, kind by kind in order: fees, overdue interest, interest, principal (DOMAIN 1.3).

    >>> allotted(1_000, Owed(fees_fen=300, interest_fen=500, principal_fen=90_000))
    Owed(fees_fen=300, overdue_interest_fen=0, interest_fen=500, principal_fen=200)
    """
    paid: dict[str, int] = {}
    for kind in order:
        paid[kind] = min(amount_fen, getattr(owed, kind))
        amount_fen -= paid[kind]
    return Owed(**paid)


def repayment(draw: Draw, repayment_id: str, amount_fen: int, on: date, order: Sequence[str] = KINDS) -> DrawHappened:
    """The event of a repayment of at most what is owed on the day. Raises DrawRefused for one that is known already."""
    if repayment_id in draw.repayments:
        raise DrawRefused(f"{repayment_id} repaid of this draw already", hint="a payment has an id of its own")
    owed = draw.counted(on).owed
    paid = allotted(amount_fen, owed, order)
    kind = DrawEvent.SETTLED if paid == owed else DrawEvent.REPAID
    return DrawHappened(kind=kind, on=on, amount_fen=paid.total_fen, paid=paid, repayment_id=repayment_id)


def reversal(draw: Draw, repayment_id: str, on: date) -> DrawHappened:
    """The event that takes a repayment back: what it had paid is owed again. Raises DrawRefused.

    The interest that it would have cost in between is not counted again: it was not the borrower who took it back.
    """
    if repayment_id not in draw.repayments:
        raise DrawRefused(
            f"no repayment {repayment_id!r} stands on this draw", hint="`credit drawdown show` lists them"
        )
    paid = draw.repayments[repayment_id]
    return DrawHappened(kind=DrawEvent.REVERSED, on=on, amount_fen=paid.total_fen, paid=paid, repayment_id=repayment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one payment into the locked account repays: of each draw, and what is the supplier's."""

    repaid: Mapping[str, DrawHappened]
    released_fen: int


def swept(
    amount_fen: int, draws: Mapping[str, Draw], own: Iterable[str], repayment_id: str, on: date, order: Sequence[str]
) -> Sweep:
    """How a buyer's payment is spread over the draws that are open, by id (DOMAIN 1.2).

    First those on the contract that was paid (`own`), due or not, for the payment is what repays them; then, of the
    supplier's others, what is due by the day, the oldest first. The rest is the supplier's. Where something was booked
    on a draw after the day, before the payment was known, it is repaid as of the day of that.
    """
    first = sorted(set(own) & set(draws), key=lambda each: (draws[each].terms.due_on, each))
    due = [each for each in draws if each not in first and draws[each].terms.due_on <= on]
    repaid = {}
    for each in (*first, *sorted(due, key=lambda each: (draws[each].terms.due_on, each))):
        if amount_fen == 0:
            break
        day = max(on, draws[each].counted_to or on)
        event = repayment(draws[each], repayment_id, amount_fen, day, order)
        if event.amount_fen:
            repaid[each] = event
            amount_fen -= event.amount_fen
    return Sweep(repaid=repaid, released_fen=amount_fen)
