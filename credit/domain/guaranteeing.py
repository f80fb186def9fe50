"""What is done to a guarantee: each act judges days and amounts and answers the event that follows (URDG 758).

An act takes the events so far, and raises GuaranteeRefused with what may be done instead. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from credit.domain.amounts import cny
from credit.domain.business_days import Closed
from credit.domain.guarantee import (
    CLOSURE_DAYS,
    IN_ORDER,
    Demand,
    Event,
    Events,
    Falls,
    Form,
    Guaranteed,
    GuaranteeEvent,
    Wording,
    answerable,
    as_of,
    moved,
    need,
)


def issue(wording: Wording, *, on: date, who: str, signed_on: date | None = None) -> tuple[GuaranteeEvent, ...]:
    """Issue a guarantee: the events of that day. Raises GuaranteeRefused for a wording that must not go out.

    A performance guarantee on a contract that is signed by then takes effect at once; an advance guarantee never does,
    for it would be callable before there is an advance.
    """
    _refuse_wording(wording, on)
    issued = GuaranteeEvent(
        guarantee_id=wording.guarantee_id,
        kind=Event.ISSUED,
        on=on,
        amount_fen=wording.amount_fen,
        decision_id=wording.decision_id,
        supplier_id=wording.supplier_id,
        contract_id=wording.contract_id,
        who=who,
        expires_on=wording.expires_on,
        wording=wording,
    )
    if wording.form is Form.PERFORMANCE and signed_on is not None and signed_on <= on:
        return issued, replace(issued, kind=Event.EFFECTIVE, wording=None, expires_on=None)
    return (issued,)


def _refuse_wording(wording: Wording, on: date) -> None:
    schedule = wording.schedule
    need(wording.amount_fen > 0, "a guarantee of nothing", "the amount is at least one fen")
    ends_later = wording.expires_on is None or wording.expires_on > on
    need(ends_later, f"it would expire on {wording.expires_on}", f"the expiry is later than {on}")
    falls_to = schedule.falls is Falls.NEVER or (schedule.whole_fen > 0 and 0 <= schedule.last_fen < wording.amount_fen)
    need(falls_to, "the schedule does not fall", "it says what has to be accepted in all, and what is left then")
    if wording.form is Form.ADVANCE_PAYMENT:
        why = "an advance guarantee takes effect by what is credited to it: --account"
        need(wording.account_id, "no account is named", why)
        # Otherwise the whole advance can be called when most of it has been recouped (DOMAIN 3.2).
        recouped = schedule.falls is Falls.PRO_RATA and schedule.last_fen == 0
        need(recouped, "the advance guarantee does not fall to nothing", "its text says how the advance is recouped")


def receive_advance(events: Events, *, account_id: str, credited_fen: int, on: date, who: str) -> GuaranteeEvent:
    """Let an advance guarantee take effect: the whole advance has been credited to the account that it names."""
    here = _today(events, on)
    need(here.wording.form is Form.ADVANCE_PAYMENT, "it secures no advance", "it takes effect with the signature")
    named = account_id == here.wording.account_id
    need(named, "the advance went to another account", "the account is the one that the guarantee names")
    missing = here.amount_fen - credited_fen
    need(missing <= 0, f"{cny(missing)} of the advance are missing", "it takes effect when all of it is credited")
    return _next(here, Event.EFFECTIVE, who=who, amount_fen=here.amount_fen)


def sign_contract(events: Events, *, on: date, who: str) -> GuaranteeEvent:
    """Let a performance guarantee that was issued earlier take effect with the signature of the contract."""
    here = _today(events, on)
    need(here.wording.form is Form.PERFORMANCE, "it secures an advance", "it takes effect when that is credited")
    return _next(here, Event.EFFECTIVE, who=who, amount_fen=here.amount_fen)


def reduce(events: Events, *, accepted_fen: int, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Reduce a guarantee by its own schedule, given the value of the contract that is accepted by now.

    What was paid under it is no advance any more that could be recouped. A reduction never raises what is left, and
    takes nothing that is being demanded.
    """
    here = _today(events, on)
    left = max(0, here.wording.schedule.left_fen(here.amount_fen, accepted_fen) - here.paid_fen)
    falls = left < here.outstanding_fen
    need(
        falls, f"{cny(left)} would be left of {cny(here.outstanding_fen)}", "it falls by its own text, and never rises"
    )
    free = left >= here.demanded_fen
    need(free, f"{cny(here.demanded_fen)} of it are demanded", "answer the demand first: it is for what stood that day")
    return _next(here, Event.REDUCED, who=who, text=text, amount_fen=left)


def amend(events: Events, *, expires_on: date, decision_id: str, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Prolong a guarantee on which nothing is demanded, by a decision of its own."""
    here = _today(events, on)
    need(expires_on > here.expires_on, f"it runs until {here.expires_on}", "an amendment makes it end later")
    event = _next(here, Event.AMENDED, who=who, text=text, amount_fen=here.outstanding_fen)
    return replace(event, expires_on=expires_on, decision_id=decision_id)


def interrupt(events: Events, *, closed: Closed, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Record, once it is over, that the guarantor was closed by what it could not help (URDG 26).

    An examination goes on where it stood, and an expiry that fell into the closure moves thirty days.
    """
    here = _today(events, on)
    over = closed.first <= closed.last < on
    need(over, "the closure is not over", "it is recorded when the guarantor is open again")
    apart = all(closed.first > each.last for each in here.closures)
    need(apart, "a closure of these days is recorded", "a closure is recorded once, and after those before it")
    expires_on = here.expires_on
    if here.presentable_until in closed:
        expires_on = here.presentable_until + timedelta(days=CLOSURE_DAYS)
    event = _next(here, Event.INTERRUPTED, who=who, text=text, amount_fen=here.outstanding_fen)
    return replace(event, closed=closed, expires_on=expires_on)


def demand(
    events: Events, *, amount_fen: int, on: date, who: str, text: str = "", extend_to: date | None = None
) -> GuaranteeEvent:
    """Take a demand on the day of its presentation; with `extend_to` it asks to extend or pay.

    Demands may be for a part, and several (URDG 17); together they never ask for more than is outstanding.
    """
    here = _today(events, on)
    until = here.presentable_until
    need(on <= until, f"it could be demanded until {until}", "what is presented later is answered outside of it")
    need(amount_fen > 0, "a demand of nothing", "the amount is at least one fen")
    free = here.outstanding_fen - here.demanded_fen
    need(amount_fen <= free, f"{cny(free)} can be demanded", "a demand for more does not comply (URDG 17)")
    later = extend_to is None or extend_to > here.expires_on
    need(later, f"it runs until {here.expires_on}", "extend-or-pay asks for an expiry that is later")
    event = _next(here, Event.DEMANDED, who=who, text=text, amount_fen=amount_fen)
    return replace(event, extend_to=extend_to, demand_id=f"{here.wording.guarantee_id}-{here.presented + 1}")


def suspend(events: Events, *, demand_id: str, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Put off the payment of a complying demand that asks to extend or pay, and ask the applicant (URDG 23).

    It is extended or paid by the thirtieth calendar day after its presentation.
    """
    here = _today(events, on)
    answered = answerable(here, demand_id, Event.SUSPENDED)
    need(answered.extend_to, f"demand {demand_id} asks for no extension", "it is refused or paid")
    _refuse_late(answered, on)
    event = _next(here, Event.SUSPENDED, who=who, text=text, amount_fen=answered.amount_fen)
    return replace(event, demand_id=demand_id)


def pay(events: Events, *, demand_id: str, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Pay a demand, whole; that it is late makes it no less owed."""
    here = _today(events, on)
    answered = answerable(here, demand_id, Event.PAID)
    event = _next(here, Event.PAID, who=who, text=text, amount_fen=answered.amount_fen)
    return replace(event, demand_id=demand_id)


def refuse(
    events: Events, *, demand_id: str, discrepancies: Sequence[str], on: date, who: str, text: str = ""
) -> GuaranteeEvent:
    """Refuse a demand that does not comply: once, naming each discrepancy, by the fifth business day (URDG 24)."""
    here = _today(events, on)
    answered = answerable(here, demand_id, Event.REFUSED)
    stated = bool(discrepancies) and all(each.strip() for each in discrepancies)
    need(stated, "no discrepancy is stated", "a refusal is given once and names each; what it leaves out is lost")
    _refuse_late(answered, on)
    event = _next(here, Event.REFUSED, who=who, text=text, amount_fen=answered.amount_fen)
    return replace(event, demand_id=demand_id, discrepancies=tuple(discrepancies))


def withdraw(events: Events, *, demand_id: str, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Record that the beneficiary takes a demand back; it may present another while the guarantee runs."""
    here = _today(events, on)
    answered = answerable(here, demand_id, Event.WITHDRAWN)
    event = _next(here, Event.WITHDRAWN, who=who, text=text, amount_fen=answered.amount_fen)
    return replace(event, demand_id=demand_id)


def extend(
    events: Events, *, demand_id: str, on: date, who: str, expires_on: date | None = None, text: str = ""
) -> GuaranteeEvent:
    """Extend instead of paying: to what was asked, or what the beneficiary agreed to; the demand counts as withdrawn.

    The thirtieth calendar day after the presentation is the last (URDG 23).
    """
    here = _today(events, on)
    answered = answerable(here, demand_id, Event.EXTENDED)
    until = expires_on or answered.extend_to
    assert until is not None
    need(until > max(here.expires_on, on), f"it runs until {here.expires_on}", "an extension makes it end later")
    need(not answered.is_due(on), f"it could be extended until {answered.last_day}", "the demand is to be paid")
    event = _next(here, Event.EXTENDED, who=who, text=text, amount_fen=answered.amount_fen)
    return replace(event, demand_id=demand_id, expires_on=until)


def release(events: Events, *, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Record that the beneficiary has released the guarantor or given the guarantee back (URDG 25 b)."""
    here = _today(events, on)
    return _next(here, Event.RELEASED, who=who, text=text, amount_fen=here.outstanding_fen)


def expire(events: Events, *, on: date, who: str, text: str = "") -> GuaranteeEvent:
    """Strike off a guarantee whose last day is over and on which no demand runs."""
    here = _today(events, on)
    return _next(here, Event.EXPIRED, who=who, text=text, amount_fen=here.outstanding_fen)


def _today(events: Events, on: date) -> Guaranteed:
    """What the guarantee is on the day of an act, which is no earlier than its last event."""
    last = max((each.on for each in events), default=on)
    need(on >= last, f"{on} lies before its last event, of {last}", IN_ORDER)
    return as_of(events, on)


def _next(here: Guaranteed, kind: Event, *, who: str, text: str = "", amount_fen: int) -> GuaranteeEvent:
    """The next event, once it is seen that it may follow."""
    moved(here.state, kind)
    return GuaranteeEvent(
        guarantee_id=here.wording.guarantee_id,
        kind=kind,
        on=here.day,
        amount_fen=amount_fen,
        decision_id=here.decision_id,
        supplier_id=here.wording.supplier_id,
        contract_id=here.wording.contract_id,
        who=who,
        text=text,
    )


def _refuse_late(answered: Demand, on: date) -> None:
    """Raise GuaranteeRefused where the time to examine a demand is over: the guarantor has to pay (URDG 24 f)."""
    by = answered.examined_by
    counted = "" if by.is_published else "; its business days were not published: a newer `holidays` may know them"
    late = f"demand {answered.demand_id} could be examined until {by.on}"
    need(on <= by.on, late, f"refusing it is precluded and it is to be paid{counted}")
