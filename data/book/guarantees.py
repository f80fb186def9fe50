"""Issued guarantees in the book: each act a request, its events in the log, what can be called on an account.

What an act makes of a guarantee says `credit.domain.guaranteeing`; a guarantee takes of its pools what it can be called
for, from its issue until it has ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, select

from credit.domain.business_days import Closed
from credit.domain.errors import GuaranteeRefused
from credit.domain.guarantee import (
    Event,
    Falls,
    Form,
    Guaranteed,
    GuaranteeEvent,
    Schedule,
    State,
    Wording,
    as_of,
)
from data.book import accounts
from data.book.opening import Store
from data.book.statements import Statement
from data.book.subjects import GUARANTEE, opened
from data.book.tables import LOG, SUBJECTS
from data.book.turns import Answer, Request, Turn, canonical, done, partition_of

Act = Callable[[Sequence[GuaranteeEvent]], GuaranteeEvent]
_OVER = (State.NIL, State.LAPSED, State.RELEASED, State.EXPIRED)


class Guarantees:
    """The issued guarantees of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def issue(
        self,
        request: Request,
        events: Sequence[GuaranteeEvent],
        *,
        product: str,
        about: Mapping[str, Any],
        pools: Mapping[str, int],
    ) -> Answer:
        """Store a guarantee that is issued, with what it takes of its pools, each with its limit.

        Raises GuaranteeRefused where the decision was issued already, LimitExceeded, IdRefused, KeyTaken, InFlight.
        """
        wording = events[0].wording
        assert wording is not None

        def work(turn: Turn) -> Answer:
            name = wording.guarantee_id
            if _KIND.first(turn.con, named=name):
                raise GuaranteeRefused(f"{name} was issued already", hint="`credit guarantee show` says what it is")
            row = {
                "subject_id": name,
                "kind": GUARANTEE,
                "partition": turn.partition,
                "supplier_id": wording.supplier_id,
                "contract_id": wording.contract_id,
                "product": product,
                "parent_id": None,
                "decision_id": wording.decision_id,
                "terms": canonical({"pools": sorted(pools)}),
                "opened_at": turn.request.at,
                "is_open": True,
                **{each: about.get(each) for each in ("buyer_id", "district", "category")},
            }
            opened(turn, row, {accounts.guaranteed(name): wording.amount_fen})
            turn.limit(pools)
            taken = dict.fromkeys((accounts.guaranteed(name), *pools), wording.amount_fen)
            for place, event in enumerate(events):
                turn.log(name, _kind(event), event.on, _said(event), taken if place == 0 else {})
            return answer_of(as_of(events, events[-1].on))

        return done(self.store, request, partition_of(wording.supplier_id), work)

    def act(self, request: Request, guarantee_id: str, act: Act) -> Answer:
        """Do something to a guarantee, by its events so far. Raises GuaranteeRefused, KeyTaken, InFlight."""
        with self.store.reading() as con:
            row = _row(con, guarantee_id)

        def work(turn: Turn) -> Answer:
            before = _events(turn.con, guarantee_id)
            event = act(before)
            was, now = as_of(before, event.on), as_of([*before, event], event.on)
            freed, paid = _can_be_called(now) - _can_be_called(was), now.paid_fen - was.paid_fen
            # What was paid is owed by the supplier from then on: it takes of the pools what could be called before.
            moves = dict.fromkeys(json.loads(row["terms"])["pools"], freed + paid)
            moves |= {accounts.guaranteed(guarantee_id): freed, accounts.claimed(guarantee_id): paid}
            # An amount that the calendar took away can come back: an expiry that fell into a closure moves.
            turn.log(guarantee_id, _kind(event), event.on, _said(event), moves, is_fact=freed > 0)
            turn.change(SUBJECTS, guarantee_id, is_open=now.state not in _OVER)
            return answer_of(now)

        return done(self.store, request, row["partition"], work)

    def events(self, guarantee_id: str) -> list[GuaranteeEvent]:
        """What happened to a guarantee, in order. Raises GuaranteeRefused."""
        with self.store.reading() as con:
            _row(con, guarantee_id)
            return _events(con, guarantee_id)

    def issued_through(self, bank_id: str, before: str) -> list[tuple[str | None, list[GuaranteeEvent]]]:
        """What a bank issued, as the book knew it before a moment (ISO, UTC), by id: the buyer, and what happened."""
        booked = LOG.join(SUBJECTS, LOG.c.subject_id == SUBJECTS.c.subject_id)
        query = (
            select(SUBJECTS.c.subject_id, SUBJECTS.c.buyer_id, LOG.c.body)
            .select_from(booked)
            .where(SUBJECTS.c.kind == GUARANTEE, LOG.c.at < before)
            .order_by(SUBJECTS.c.subject_id, LOG.c.sequence)
        )
        with self.store.reading() as con:
            rows = con.execute(query).all()
        found = []
        for _, entries in groupby(rows, key=lambda row: row[0]):
            bodies = [(buyer, json.loads(body)) for _, buyer, body in entries]
            if bodies[0][1]["wording"].get("issuer") == bank_id:
                found.append((bodies[0][0], [guarantee_event_of(body) for _, body in bodies]))
        return found

    def issued_by(self, decision_id: str) -> bool:
        """Whether a guarantee was issued by a decision."""
        query = select(SUBJECTS.c.subject_id).where(SUBJECTS.c.kind == GUARANTEE, SUBJECTS.c.decision_id == decision_id)
        with self.store.reading() as con:
            return con.execute(query).first() is not None

    def listed(
        self, *, supplier_id: str | None = None, contract_id: str | None = None, open_only: bool = False
    ) -> list[str]:
        """The ids of the guarantees of a supplier, on a contract, or of all, as they were issued."""
        query = select(SUBJECTS.c.subject_id).where(SUBJECTS.c.kind == GUARANTEE)
        query = query.order_by(SUBJECTS.c.opened_at, SUBJECTS.c.subject_id)
        if supplier_id is not None:
            query = query.where(SUBJECTS.c.supplier_id == supplier_id)
        if contract_id is not None:
            query = query.where(SUBJECTS.c.contract_id == contract_id)
        if open_only:
            query = query.where(SUBJECTS.c.is_open)
        with self.store.reading() as con:
            return list(con.execute(query).scalars())


def answer_of(here: Guaranteed) -> Answer:
    """What a guarantee is, for people and programs; amounts in fen."""
    wording = here.wording
    return {
        "guarantee_id": wording.guarantee_id,
        "form": wording.form.value,
        "state": here.state.value,
        "supplier_id": wording.supplier_id,
        "contract_id": wording.contract_id,
        "issuer": wording.issuer,
        "decision_id": here.decision_id,
        "amount_fen": here.amount_fen,
        "outstanding_fen": here.outstanding_fen,
        "paid_fen": here.paid_fen,
        "issued_on": str(here.issued_on),
        "effective_on": str(here.effective_on) if here.effective_on else None,
        "expires_on": str(here.expires_on),
        "demands": [
            {
                "demand_id": each.demand_id,
                "amount_fen": each.amount_fen,
                "presented_on": str(each.presented_on),
                "extend_to": str(each.extend_to) if each.extend_to else None,
                "standing": each.standing.value,
                "last_day": str(each.last_day),
            }
            for each in here.demands
        ],
    }


def _can_be_called(here: Guaranteed) -> int:
    """What a guarantee takes of its pools: what is left of it until it is released or struck off."""
    return 0 if here.ended else here.outstanding_fen


def _kind(event: GuaranteeEvent) -> str:
    return f"GUARANTEE_{event.kind.value}"


def _row(con: Any, guarantee_id: str) -> Any:
    row = _ISSUED.first(con, named=guarantee_id)
    if row is None:
        raise GuaranteeRefused(f"no guarantee {guarantee_id!r} was issued", hint="`credit guarantee list` lists them")
    return row


def _events(con: Any, guarantee_id: str) -> list[GuaranteeEvent]:
    return [guarantee_event_of(json.loads(row["body"])) for row in _BODIES.rows(con, subject=guarantee_id)]


_ISSUED = Statement(
    select(SUBJECTS.c.partition, SUBJECTS.c.terms).where(
        SUBJECTS.c.subject_id == bindparam("named"), SUBJECTS.c.kind == GUARANTEE
    )
)
_KIND = Statement(select(SUBJECTS.c.kind).where(SUBJECTS.c.subject_id == bindparam("named")))
_BODIES = Statement(select(LOG.c.body).where(LOG.c.subject_id == bindparam("subject")).order_by(LOG.c.sequence))


# -- an event as the log has it


def _said(event: GuaranteeEvent) -> dict[str, Any]:
    return dict(json.loads(canonical(asdict(event))))


def guarantee_event_of(body: Mapping[str, Any]) -> GuaranteeEvent:
    """An event of a guarantee from its entry's body."""
    said = {name: body[name] for name in GuaranteeEvent.__dataclass_fields__}
    days = ("on", "expires_on", "extend_to")
    said |= {name: date.fromisoformat(said[name]) for name in days if said[name]}
    said |= {"kind": Event(said["kind"]), "discrepancies": tuple(said["discrepancies"])}
    if closed := said["closed"]:
        said["closed"] = Closed(**{name: date.fromisoformat(day) for name, day in closed.items()})
    if wording := said["wording"]:
        schedule = wording["schedule"]
        said["wording"] = Wording(**{
            **wording,
            "form": Form(wording["form"]),
            "expires_on": date.fromisoformat(wording["expires_on"]) if wording["expires_on"] else None,
            "schedule": Schedule(**{**schedule, "falls": Falls(schedule["falls"])}),
        })  # fmt: skip
    return GuaranteeEvent(**said)
