"""Alerts in the book: each raised once, what it does to its line at once, and what its owner made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from credit.domain.alerts import Alert, Response
from credit.domain.errors import LineRefused
from credit.domain.line import Event, State, state_on
from data.book.book import line_events_of, line_happens
from data.book.opening import Store
from data.book.tables import ALERTS
from data.book.turns import Answer, Request, Turn, done, partition_of


class Outcome(StrEnum):
    """What an alert turned out to be; they are labels to learn from."""

    CONFIRMED = "CONFIRMED"
    MITIGATED = "MITIGATED"
    FALSE = "FALSE"


class Alerts:
    """The alerts of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def raise_(self, request: Request, supplier_id: str, found: Sequence[Alert], on: date) -> Answer:
        """Store those of a supplier's alerts that are new; a line that one of them freezes is suspended on the day."""

        def work(turn: Turn) -> Answer:
            known = turn.con.execute(select(ALERTS.c.alert_id).where(ALERTS.c.supplier_id == supplier_id)).scalars()
            there = set(known)
            fresh = [alert for alert in found if alert.alert_id not in there]
            frozen = []
            for alert in fresh:
                turn.add(ALERTS, {**asdict(alert), "found_at": turn.request.at})
                turn.log(alert.alert_id, "ALERT_RAISED", on, asdict(alert))
                if alert.action == Response.FREEZE and _freeze(turn, alert, on):
                    frozen.append(alert.line_id)
            return {"raised": [alert.alert_id for alert in fresh], "frozen": frozen}

        return done(self.store, request, partition_of(supplier_id), work)

    def settle(self, request: Request, alert_id: str, outcome: Outcome, text: str, on: date) -> Answer:
        """Record what an open alert turned out to be. Raises LineRefused."""
        with self.store.reading() as con:
            row = con.execute(select(ALERTS).where(ALERTS.c.alert_id == alert_id)).mappings().first()
        if row is None:
            raise LineRefused(f"there is no alert {alert_id!r}", hint="`credit monitor open` lists them")

        def work(turn: Turn) -> Answer:
            said = {
                "settled_at": turn.request.at,
                "settled_by": turn.request.who,
                "outcome": outcome.value,
                "text": text,
            }
            there = turn.found(ALERTS, alert_id)
            if there is None or there["settled_at"] is not None:
                raise LineRefused(f"alert {alert_id} is settled", hint="`credit monitor open --all` says as what")
            turn.change(ALERTS, alert_id, **said)
            turn.log(alert_id, "ALERT_SETTLED", on, said)
            return {"alert_id": alert_id, "line_id": row["line_id"], "outcome": outcome.value}

        return done(self.store, request, partition_of(row["supplier_id"]), work)

    def listed(
        self, *, line_id: str | None = None, supplier_id: str | None = None, open_only: bool = True
    ) -> list[Mapping[str, Any]]:
        """The alerts, the first that is due first: of a line, a supplier or all, those that nobody settled or all."""
        query = select(ALERTS).order_by(ALERTS.c.due_on, ALERTS.c.alert_id)
        if line_id is not None:
            query = query.where(ALERTS.c.line_id == line_id)
        if supplier_id is not None:
            query = query.where(ALERTS.c.supplier_id == supplier_id)
        if open_only:
            query = query.where(ALERTS.c.settled_at.is_(None))
        with self.store.reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]


def _freeze(turn: Turn, alert: Alert, on: date) -> bool:
    """Suspend the alert's line if it can be drawn on."""
    there = line_events_of(turn, alert.line_id)
    if state_on(there, on) is not State.ACTIVE:
        return False
    told = {"at": turn.request.at, "who": turn.request.who, "text": f"{alert.rule}, alert {alert.alert_id}"}
    line_happens(turn, replace(there[-1], kind=Event.SUSPENDED, starts_on=on, **told), about={}, pools={})
    return True
