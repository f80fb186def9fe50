"""Issued guarantees: from a decision to the day on which the buyer gives the paper back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app.booking import about, pools, request
from credit.app.clock import day_of, now
from credit.app.exporting import bank_named
from credit.app.granting import granted_today
from credit.app.home import Home
from credit.app.judging import decision_row
from credit.app.roles import refuse
from credit.domain import guaranteeing as acts
from credit.domain.authority import Action
from credit.domain.errors import GuaranteeRefused
from credit.domain.guarantee import Falls, Form, GuaranteeEvent, Schedule, Wording, as_of, guarantee_id

if TYPE_CHECKING:
    from credit.domain.record import Record

FORMS = {
    "advance_payment_guarantee": Form.ADVANCE_PAYMENT,
    "performance_guarantee": Form.PERFORMANCE,
}

# The purpose of a consent under which a bank is told of guarantees.
GUARANTEES_FOR = "guarantee"


def issue(
    home: Home, decision_id: str, *, account: str | None, bank: str | None = None, who: str, key: str | None
) -> dict[str, Any]:
    """Issue the guarantee that a granted decision offers. Raises UnknownDecision, GuaranteeRefused, LimitExceeded.

    `account` is the one that an advance has to be credited to; `bank` issues it, and is told of it in its files. It is
    decided once more as known today, for others may have drawn on the same pools since.
    """
    refuse(home, Action.BOOK, who)
    told = {"decision": decision_id, "account": account, **({} if bank is None else {"bank": bank})}
    asked = request("guarantee issue", told, who=who, key=key)
    if known := home.book().answered(asked):
        return known
    with home.decisions().one_at_a_time():
        _refuse_second(home, decision_id)
        record, again = granted_today(home, decision_id, FORMS, GuaranteeRefused)
        if bank is not None:
            _refuse_issuer(home, bank, record["application"]["supplier_id"])
        today = day_of(now())
        signed = record["inputs"].get("signed_on")
        events = acts.issue(
            _wording(record, account, bank), on=today, who=who, signed_on=date.fromisoformat(signed) if signed else None
        )
        return home.guarantees().issue(
            asked, events, product=record["product"]["name"], about=about(record), pools=pools(home, again)
        )


def _refuse_second(home: Home, decision_id: str) -> None:
    """Raise GuaranteeRefused where a guarantee runs on the same question: the buyer would have the amount twice."""
    asked, today = decision_row(home, decision_id), day_of(now())
    form, gone_on_as = FORMS.get(asked["product"]), home.ledger().gone_on_as(today)
    supplier = gone_on_as.get(asked["supplier_id"], asked["supplier_id"])
    for each in home.guarantees().listed(contract_id=asked["contract_id"], open_only=True):
        wording = as_of(home.guarantees().events(each), today).wording
        if (gone_on_as.get(wording.supplier_id, wording.supplier_id), wording.form) == (supplier, form):
            raise GuaranteeRefused(
                f"{each} stands on what {decision_id} was asked for",
                hint=f"`credit guarantee show {each}`; it is released or struck off before another is issued",
            )


def _refuse_issuer(home: Home, bank_id: str, supplier: str) -> None:
    """Raise where a bank that nothing was agreed with, or that the firm does not consent to, would issue it."""
    import pandas as pd

    from data.facts import valid_consents

    bank = bank_named(home, bank_id)
    if GUARANTEES_FOR not in bank.purposes:
        raise GuaranteeRefused(
            f"the agreement with {bank_id} is not about guarantees", hint=f"it is about {', '.join(bank.purposes)}"
        )
    held = valid_consents(home.ledger(), pd.Series([supplier]), on=day_of(now()))
    if not ((held["bank_id"] == bank_id) & (held["purpose"] == GUARANTEES_FOR)).any():
        raise GuaranteeRefused(
            f"{supplier} does not consent that {bank_id} receives its record for guarantees",
            hint=f"`credit consent grant {supplier} --bank {bank_id} --purpose {GUARANTEES_FOR}`, once it has signed",
        )


def _wording(record: Record, account: str | None, issuer: str | None) -> Wording:
    """What a guarantee says, by the decision that grants it."""
    form, asked, conditions = FORMS[record["product"]["name"]], record["application"], record["conditions"]
    contract = int(record["inputs"]["contract_fen"])
    planned = conditions["reduction"]["planned"]
    schedule = Schedule()
    if form is Form.ADVANCE_PAYMENT:
        schedule = Schedule(falls=Falls.PRO_RATA, whole_fen=contract)
    elif planned:
        schedule = Schedule(falls=Falls.AT_ONCE, whole_fen=contract, last_fen=planned[-1]["amount_fen"])
    return Wording(
        guarantee_id=guarantee_id(record["decision_id"]),
        form=form,
        decision_id=record["decision_id"],
        supplier_id=asked["supplier_id"],
        contract_id=asked["contract_id"],
        amount_fen=record["amount_fen"],
        expires_on=date.fromisoformat(conditions["expiry"]) if conditions["expiry"] else None,
        account_id=account if form is Form.ADVANCE_PAYMENT else None,
        issuer=issuer,
        schedule=schedule,
    )


def act(
    home: Home, guarantee: str, command: str, arguments: dict[str, Any], *, on: date, who: str, key: str | None
) -> dict[str, Any]:
    """Do one of the acts of `credit.domain.guaranteeing` by its name. Raises GuaranteeRefused."""
    refuse(home, Action.BOOK, who)
    if on > day_of(now()):
        raise GuaranteeRefused(f"{on} has not come", hint="book it on the day it happens")
    asked = request(f"guarantee {command}", {"guarantee": guarantee, "on": str(on), **arguments}, who=who, key=key)
    do: Callable[..., GuaranteeEvent] = getattr(acts, command)
    return home.guarantees().act(asked, guarantee, lambda events: do(events, **arguments, on=on, who=who))


def shown(home: Home, guarantee: str, on: date) -> dict[str, Any]:
    """A guarantee as it is on a day, and what happened to it until then. Raises GuaranteeRefused."""
    from data.book.guarantees import answer_of

    events = home.guarantees().events(guarantee)
    said = [
        {"on": str(each.on), "kind": each.kind.value, "message": each.kind.message, "amount_fen": each.amount_fen,
         "demand_id": each.demand_id, "who": each.who, "text": each.text}
        for each in events
        if each.on <= on
    ]  # fmt: skip
    return {**answer_of(as_of(events, on)), "on": str(on), "events": said}


def listed(home: Home, *, supplier: str | None, open_only: bool) -> list[dict[str, Any]]:
    """The guarantees of a supplier, or all, as they are today."""
    found = home.guarantees().listed(supplier_id=supplier, open_only=open_only)
    return [shown(home, each, day_of(now())) for each in found]
