"""An issued guarantee's life: what happened to it, in order, and what it is on a day (URDG 758; DOMAIN 3).

Nothing of it is ever changed: a guarantee is what its events say. `MOVES` says what may follow what, `ANSWERS` what a
demand may be answered with. Amounts and last days are judged where an act is done (guaranteeing.py), so that what once
happened is not judged again by a calendar that was published since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from credit.domain.business_days import BusinessDay, Closed, business_day_after, business_day_from
from credit.domain.errors import GuaranteeRefused
from credit.domain.moves import step
from credit.domain.windows import months_after

EXAMINATION_BUSINESS_DAYS = 5  # URDG 20 and 24
SUSPENSION_DAYS = 30  # URDG 23, calendar days from the presentation
CLOSURE_DAYS = 30  # URDG 26, calendar days from the expiry that fell into the closure
OPEN_END_MONTHS = 36  # URDG 25 c: where no expiry is stated

IN_ORDER = "what happens is said in its order: a day in the past would beat a limit"


class Form(StrEnum):
    """What a guarantee secures."""

    ADVANCE_PAYMENT = "ADVANCE_PAYMENT"
    PERFORMANCE = "PERFORMANCE"


class Event(StrEnum):
    """What can happen to a guarantee."""

    ISSUED = "ISSUED"
    EFFECTIVE = "EFFECTIVE"
    REDUCED = "REDUCED"
    AMENDED = "AMENDED"
    INTERRUPTED = "INTERRUPTED"
    DEMANDED = "DEMANDED"
    SUSPENDED = "SUSPENDED"
    PAID = "PAID"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXTENDED = "EXTENDED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"

    @property
    def message(self) -> str:
        """The ISO 20022 message that tells it.

        >>> Event.DEMANDED.message, Event.REFUSED.message
        ('tsrv.013', 'tsrv.016')
        """
        return _MESSAGES[self]


# A reduction by the guarantee's own text is no amendment, so it is a status that is reported, like effect and payment.
# What suspends a payment is that the guarantor asks the applicant: 014 goes from issuer to applicant, 015 back.
_MESSAGES: dict[Event, str] = {
    Event.ISSUED: "tsrv.001",
    Event.EFFECTIVE: "tsrv.019",
    Event.REDUCED: "tsrv.019",
    Event.AMENDED: "tsrv.005",
    Event.INTERRUPTED: "tsrv.019",
    Event.DEMANDED: "tsrv.013",
    Event.SUSPENDED: "tsrv.014",
    Event.PAID: "tsrv.019",
    Event.REFUSED: "tsrv.016",
    Event.WITHDRAWN: "tsrv.017",
    Event.EXTENDED: "tsrv.015",
    Event.RELEASED: "tsrv.012",
    Event.EXPIRED: "tsrv.012",
}


class State(StrEnum):
    """What a guarantee is; it can be called while it is effective or demanded, until its last day."""

    NONE = "NONE"
    ISSUED = "ISSUED"
    EFFECTIVE = "EFFECTIVE"
    DEMANDED = "DEMANDED"
    NIL = "NIL"
    LAPSED = "LAPSED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


# What may happen in which state, and what the guarantee can be then. While a demand is open it is demanded, whatever
# the calendar says: expiry does not shorten an examination (URDG 20). Nothing left and the last day over (25 b) end it
# by themselves; what is then still recorded is that the paper came back, or that it was struck off.
MOVES: dict[tuple[State, Event], tuple[State, ...]] = {
    (State.NONE, Event.ISSUED): (State.ISSUED,),
    (State.ISSUED, Event.EFFECTIVE): (State.EFFECTIVE,),
    (State.ISSUED, Event.AMENDED): (State.ISSUED,),
    (State.ISSUED, Event.INTERRUPTED): (State.ISSUED,),
    (State.ISSUED, Event.RELEASED): (State.RELEASED,),
    (State.EFFECTIVE, Event.REDUCED): (State.EFFECTIVE, State.NIL),
    (State.EFFECTIVE, Event.AMENDED): (State.EFFECTIVE,),
    (State.EFFECTIVE, Event.INTERRUPTED): (State.EFFECTIVE,),
    (State.EFFECTIVE, Event.DEMANDED): (State.DEMANDED,),
    (State.EFFECTIVE, Event.RELEASED): (State.RELEASED,),
    (State.DEMANDED, Event.REDUCED): (State.DEMANDED,),
    (State.DEMANDED, Event.INTERRUPTED): (State.DEMANDED,),
    (State.DEMANDED, Event.DEMANDED): (State.DEMANDED,),
    (State.DEMANDED, Event.SUSPENDED): (State.DEMANDED,),
    (State.DEMANDED, Event.PAID): (State.DEMANDED, State.EFFECTIVE, State.NIL, State.LAPSED),
    (State.DEMANDED, Event.REFUSED): (State.DEMANDED, State.EFFECTIVE, State.LAPSED),
    (State.DEMANDED, Event.WITHDRAWN): (State.DEMANDED, State.EFFECTIVE, State.LAPSED),
    (State.DEMANDED, Event.EXTENDED): (State.DEMANDED, State.EFFECTIVE),
    (State.NIL, Event.RELEASED): (State.RELEASED,),
    (State.LAPSED, Event.INTERRUPTED): (State.ISSUED, State.EFFECTIVE, State.LAPSED),
    (State.LAPSED, Event.RELEASED): (State.RELEASED,),
    (State.LAPSED, Event.EXPIRED): (State.EXPIRED,),
}

# What a guarantee is by itself once its last day is over; while a demand is open, and with nothing left, no day counts.
AFTER_LAST_DAY: dict[State, State] = {State.ISSUED: State.LAPSED, State.EFFECTIVE: State.LAPSED}
# What a guarantee is when it can be called no more.
OVER = (State.NIL, State.LAPSED, State.RELEASED, State.EXPIRED)


class Standing(StrEnum):
    """Where an open demand stands: under examination, or found to comply and put off for its extension."""

    PRESENTED = "PRESENTED"
    SUSPENDED = "SUSPENDED"


# A demand that was put off was found to comply (URDG 23), so it is refused no more.
ANSWERS: dict[Standing, tuple[Event, ...]] = {
    Standing.PRESENTED: (Event.SUSPENDED, Event.PAID, Event.REFUSED, Event.WITHDRAWN),
    Standing.SUSPENDED: (Event.PAID, Event.EXTENDED, Event.WITHDRAWN),
}


class Falls(StrEnum):
    """How a guarantee falls with what has been accepted, by its own text."""

    NEVER = "NEVER"
    PRO_RATA = "PRO_RATA"
    AT_ONCE = "AT_ONCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a guarantee falls: pro rata or in one step until `whole_fen` is accepted, and to what."""

    falls: Falls = Falls.NEVER
    whole_fen: int = 0
    last_fen: int = 0

    def left_fen(self, amount_fen: int, accepted_fen: int) -> int:
        """What the guarantee is good for once so much is accepted, in fen.

        G = max(0, A − Σ recouped), recouped pro rata (DOMAIN 3.2); what is left is rounded up, so that it never falls
        below the advance still open. Where the advance is recouped by 80 % of the contract, that is `whole_fen`.

        >>> contract = Schedule(falls=Falls.PRO_RATA, whole_fen=3_000_000)
        >>> [contract.left_fen(1_000_000, accepted) for accepted in (0, 1, 1_000_000, 3_000_000, 3_000_001)]
        [1000000, 1000000, 666667, 0, 0]
        >>> half = Schedule(falls=Falls.AT_ONCE, whole_fen=3_000_000, last_fen=500_000)
        >>> [half.left_fen(1_000_000, accepted) for accepted in (2_999_999, 3_000_000)]
        [1000000, 500000]
        >>> Schedule().left_fen(1_000_000, 3_000_000)
        1000000
        """
        if self.falls is Falls.NEVER:
            return amount_fen
        open_fen = max(0, self.whole_fen - accepted_fen)
        if self.falls is Falls.AT_ONCE:
            return amount_fen if open_fen else self.last_fen
        return self.last_fen - (self.last_fen - amount_fen) * open_fen // self.whole_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a guarantee says and stands on; without an expiry it ends three years after its issue (URDG 25 c).

    `issuer` is the bank that issues it, where that was said; `account_id` the account that an advance has to reach.
    """

    guarantee_id: str
    form: Form
    decision_id: str
    supplier_id: str
    contract_id: str
    amount_fen: int
    expires_on: date | None = None
    account_id: str | None = None
    issuer: str | None = None
    schedule: Schedule = Schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuaranteeEvent:
    """One event: what happened on which day, for how much, by whom; what only some kinds say is empty in the others.

    `amount_fen` is what the event is about; after a reduction it is what is left, as in the ledger. `decision_id` is
    the decision that the guarantee stands on since.
    """

    guarantee_id: str
    kind: Event
    on: date
    amount_fen: int
    decision_id: str
    supplier_id: str
    contract_id: str
    who: str
    text: str = ""
    demand_id: str | None = None
    expires_on: date | None = None
    extend_to: date | None = None
    discrepancies: tuple[str, ...] = ()
    closed: Closed | None = None
    wording: Wording | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An open demand, and the last day on which it may be answered.

    `examined_by` is the fifth business day after its presentation, by whose close a refusal is given or precluded.
    """

    demand_id: str
    amount_fen: int
    presented_on: date
    extend_to: date | None
    examined_by: BusinessDay
    standing: Standing = Standing.PRESENTED

    @property
    def last_day(self) -> date:
        """Until when it is refused, put off or paid; once it is put off, until when it is extended or paid."""
        if self.standing is Standing.SUSPENDED:
            return self.presented_on + timedelta(days=SUSPENSION_DAYS)
        return self.examined_by.on

    def is_due(self, day: date) -> bool:
        """Whether nothing is left but to pay: the time to refuse it (URDG 24), or to extend instead, is over."""
        return day > self.last_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Guaranteed:
    """A guarantee as its events leave it on `day`; amounts are fen, and what is outstanding is what may be called."""

    wording: Wording
    decision_id: str
    day: date
    issued_on: date
    expires_on: date
    effective_on: date | None = None
    reduced_fen: int = 0
    paid_fen: int = 0
    demands: tuple[Demand, ...] = ()
    presented: int = 0
    closures: tuple[Closed, ...] = ()
    ended: Event | None = None

    @property
    def amount_fen(self) -> int:
        """What it was issued for."""
        return self.wording.amount_fen

    @property
    def outstanding_fen(self) -> int:
        """What is neither reduced nor paid."""
        return self.amount_fen - self.reduced_fen - self.paid_fen

    @property
    def callable_fen(self) -> int:
        """What of that can still be called: nothing once it was given back, struck off, or its last day is over."""
        return 0 if self.state in OVER else self.outstanding_fen

    @property
    def demanded_fen(self) -> int:
        """What open demands ask for."""
        return sum(each.amount_fen for each in self.demands)

    @property
    def presentable_until(self) -> date:
        """The last day on which a demand may be presented: its expiry, or the first business day after (URDG 25 d)."""
        return business_day_from(self.expires_on).on

    @property
    def state(self) -> State:
        """What it is on the day."""
        return self.may_be[-1 if self.day > self.presentable_until else 0]

    @property
    def may_be(self) -> tuple[State, ...]:
        """What its events make of it, on whatever day: first what it is until its last day, then what it is after."""
        if self.ended:
            return (State.RELEASED if self.ended is Event.RELEASED else State.EXPIRED,)
        if self.demands:
            return (State.DEMANDED,)
        if not self.outstanding_fen:
            return (State.NIL,)
        here = State.EFFECTIVE if self.effective_on else State.ISSUED
        return here, AFTER_LAST_DAY[here]


Events = Sequence[GuaranteeEvent]


def guarantee_id(decision_id: str) -> str:
    """The id of the guarantee that is issued by a decision.

    >>> guarantee_id("D0064A99340D3C75")
    'G0064A99340D3C75'
    """
    return "G" + decision_id[1:]


def loss_given_call(advance_fen: int, delivered_fen: int) -> int:
    """What a call of an advance guarantee loses before recovery: the advance less the value delivered (DOMAIN 0, 13).

    >>> loss_given_call(80_000_000, 50_000_000), loss_given_call(80_000_000, 90_000_000)
    (30000000, 0)
    """
    return max(0, advance_fen - delivered_fen)


def as_of(events: Events, day: date) -> Guaranteed:
    """What a guarantee is on a day, by its events until then in their order.

    Raises GuaranteeRefused where they cannot have happened, or where it was not issued by then.
    """
    found: Guaranteed | None = None
    for event in events:
        if event.on > day:
            break
        found = _after(found, event)
    if found is None:
        raise GuaranteeRefused(f"no guarantee was issued by {day}", hint="its life begins on the day of its issue")
    return replace(found, day=day)


def moved(state: State, event: Event) -> tuple[State, ...]:
    """What a guarantee can be after an event. Raises GuaranteeRefused where the event cannot happen."""
    return step(MOVES, state, event, of="a guarantee", refused=GuaranteeRefused)


def _after(found: Guaranteed | None, event: GuaranteeEvent) -> Guaranteed:
    """What an event makes of a guarantee; whether it had lapsed by then was for the act to say."""
    if found is None:
        moved(State.NONE, event.kind)
        return _issued(event)
    need(event.on >= found.day, f"{event.guarantee_id}: {event.on} lies before {found.day}", IN_ORDER)
    if not any((state, event.kind) in MOVES for state in found.may_be):
        moved(found.may_be[0], event.kind)
    return replace(_CHANGES[event.kind](found, event), day=event.on)


def _issued(event: GuaranteeEvent) -> Guaranteed:
    assert event.wording is not None
    return Guaranteed(
        wording=event.wording,
        decision_id=event.decision_id,
        day=event.on,
        issued_on=event.on,
        expires_on=event.wording.expires_on or months_after(event.on, OPEN_END_MONTHS),
    )


def _effective(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    return replace(here, effective_on=event.on)


def _reduced(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    return replace(here, reduced_fen=here.reduced_fen + here.outstanding_fen - event.amount_fen)


def _prolonged(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    return replace(here, expires_on=event.expires_on or here.expires_on, decision_id=event.decision_id)


def _interrupted(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    assert event.closed is not None
    closures = (*here.closures, event.closed)
    demands = tuple(replace(each, examined_by=_examined_by(each.presented_on, closures)) for each in here.demands)
    return replace(_prolonged(here, event), closures=closures, demands=demands)


def _demanded(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    assert event.demand_id is not None
    presented = Demand(
        demand_id=event.demand_id,
        amount_fen=event.amount_fen,
        presented_on=event.on,
        extend_to=event.extend_to,
        examined_by=_examined_by(event.on, here.closures),
    )
    return replace(here, demands=(*here.demands, presented), presented=here.presented + 1)


def _suspended(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    answered = answerable(here, event.demand_id, event.kind)
    put_off = replace(answered, standing=Standing.SUSPENDED)
    return replace(here, demands=tuple(put_off if each is answered else each for each in here.demands))


def _settled(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    answered = answerable(here, event.demand_id, event.kind)
    return replace(here, demands=tuple(each for each in here.demands if each is not answered))


def _paid(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    return replace(_settled(here, event), paid_fen=here.paid_fen + event.amount_fen)


def _extended(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    return _prolonged(_settled(here, event), event)


def _ended(here: Guaranteed, event: GuaranteeEvent) -> Guaranteed:
    return replace(here, ended=event.kind)


_CHANGES: dict[Event, Callable[[Guaranteed, GuaranteeEvent], Guaranteed]] = {
    Event.EFFECTIVE: _effective,
    Event.REDUCED: _reduced,
    Event.AMENDED: _prolonged,
    Event.INTERRUPTED: _interrupted,
    Event.DEMANDED: _demanded,
    Event.SUSPENDED: _suspended,
    Event.PAID: _paid,
    Event.REFUSED: _settled,
    Event.WITHDRAWN: _settled,
    Event.EXTENDED: _extended,
    Event.RELEASED: _ended,
    Event.EXPIRED: _ended,
}


def _examined_by(presented_on: date, closures: Sequence[Closed]) -> BusinessDay:
    return business_day_after(presented_on, EXAMINATION_BUSINESS_DAYS, closed=closures)


def answerable(here: Guaranteed, demand_id: str | None, answer: Event) -> Demand:
    """The open demand that an answer is about. Raises GuaranteeRefused where it cannot be answered so."""
    for each in here.demands:
        if each.demand_id == demand_id:
            may = ANSWERS[each.standing]
            if answer in may:
                return each
            raise GuaranteeRefused(
                f"demand {demand_id} is {each.standing.value.lower()} and cannot be {answer.value.lower()}",
                hint="it can be: " + ", ".join(one.value.lower() for one in may),
            )
    open_ = ", ".join(each.demand_id for each in here.demands) or "none"
    raise GuaranteeRefused(f"there is no open demand {demand_id}", hint=f"open: {open_}")


def need(holds: object, message: str, hint: str) -> None:
    """Raise GuaranteeRefused where a condition of an act does not hold."""
    if not holds:
        raise GuaranteeRefused(message, hint=hint)
