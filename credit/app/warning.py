"""What has gone wrong on lines since they began: found, raised in the book once, and settled by who looked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from credit.app.booking import request
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.policies import alert_parameters
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.errors import LineRefused, UnknownName
from credit.domain.line import Event, Happened, State, state_on

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.alerts import Alert

COLUMNS = ("line_id", "supplier_id", "contract_id", "since")
BEGINS = (Event.ACCEPTED, Event.RENEWED)


def found(
    home: Home, lines: pd.DataFrame, as_of: date, *, booked_on: date | None = None, version: int | None = None
) -> list[Alert]:
    """The alerts on these lines as known on a day, the worst and then the oldest first.

    `lines` has line_id, supplier_id, contract_id and since. What the book itself shows is that of `booked_on`, where
    it knows more days than the ledger. The same lines, days and version of the ledger give the same alerts with the
    same ids, however often they are asked for.
    """
    import pandas as pd

    from credit.domain.alerts import raised, version_on
    from data.book.signs import found_in_book
    from data.early_warnings import found_on

    parameters, ledger = alert_parameters(home), home.ledger()
    terms = {name: parameter.on(as_of) for name, parameter in parameters.items()}
    own = found_in_book(
        home.store(),
        lines,
        booked_on or as_of,
        terms,
        day_of=lambda at: day_of(datetime.fromisoformat(at)),
        gone_on_as=ledger.gone_on_as(as_of, version=version),
    )
    told = {str(line): {records[0] for records in each["records"]} for line, each in own.groupby("line_id")}
    others = found_on(ledger, lines, as_of, terms, version=version, told=told)
    findings = pd.concat([each for each in (others, own) if len(each)] or [own], ignore_index=True)
    return raised(findings, lines, terms, version=version_on(parameters, as_of))


def watched(home: Home, on: date, supplier_id: str | None = None) -> pd.DataFrame:
    """The lines of a supplier, or of all, that stand on a day: line_id, supplier_id, contract_id, since; by line_id.

    A suspended one is watched too. `since` is the day of which the decision knew that the line stands on: what came to
    be known later is new.
    """
    import pandas as pd

    store = home.decisions()
    by_line: dict[str, list[Happened]] = {}
    for row in store.line_events(supplier_id=supplier_id):
        if day_of(datetime.fromisoformat(row["at"])) <= on:
            by_line.setdefault(row["line_id"], []).append(Happened(**{**row, "kind": Event(row["kind"])}))
    rows = []
    for line, events in sorted(by_line.items()):
        if state_on(events, on) not in (State.ACTIVE, State.SUSPENDED):
            continue
        begun = [each for each in events if each.kind in BEGINS][-1]
        decided = store.row(begun.decision_id)
        since = min(decided["as_of"], begun.starts_on) if decided else begun.starts_on
        rows.append((line, begun.supplier_id, begun.contract_id, since))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def listed(home: Home, as_of: date | None, supplier_id: str | None = None) -> dict[str, Any]:
    """The alerts on all lines that stand, and on what day that was known: the last one that the ledger knows.

    Where no day is named the lines, and what the book shows of its own draws and guarantees, are those of today: a line
    may have begun after the ledger's last day, and a draw is late whether a feed came or not.
    """
    today = day_of(now())
    ledger = home.ledger()
    known = as_of or min(ledger.last_day(), today)
    booked_on = as_of or today
    lines = watched(home, booked_on, supplier_id)
    alerts = found(home, lines, known, booked_on=booked_on, version=ledger.version)
    return {"as_of": str(known), "booked_on": str(booked_on), "lines": len(lines), "alerts": list(_documents(alerts))}


def watch(home: Home, as_of: date | None, *, who: str) -> dict[str, Any]:
    """Find what went wrong on all lines that stand, store what is new, and stop the draws on lines that it freezes.

    Done again on the same knowledge, nothing is new.
    """
    refuse(home, Action.SUSPEND, who)
    today, ledger = day_of(now()), home.ledger()
    known = as_of or min(ledger.last_day(), today)
    booked_on = as_of or today
    lines = watched(home, booked_on)
    alerts = found(home, lines, known, booked_on=booked_on, version=ledger.version)
    days = {"as_of": str(known), "booked_on": str(booked_on)}
    return {**days, "lines": len(lines), **raise_found(home, alerts, who=who)}


def raise_found(home: Home, alerts: Iterable[Alert], *, who: str) -> dict[str, list[str]]:
    """Store those of the alerts that are new, and stop the draws on lines that they freeze; answers both by id.

    Raises NotAuthorised.
    """
    refuse(home, Action.SUSPEND, who)
    today = day_of(now())
    by_supplier: dict[str, list[Alert]] = {}
    there = {each["alert_id"] for each in home.alerts().listed(open_only=False)}
    for alert in alerts:
        if alert.alert_id not in there:
            by_supplier.setdefault(alert.supplier_id, []).append(alert)
    raised, frozen = [], []
    for supplier, fresh in sorted(by_supplier.items()):
        arguments = {"alerts": sorted(each.alert_id for each in fresh)}
        asked = request("monitor watch", arguments, who=who, key=None)
        answer = home.alerts().raise_(asked, supplier, fresh, today)
        raised += answer["raised"]
        frozen += answer["frozen"]
    return {"raised": raised, "frozen": frozen}


def settle(home: Home, alert: str, outcome: str, text: str, *, who: str, key: str | None) -> dict[str, Any]:
    """Record what an alert turned out to be. Raises LineRefused, NotAuthorised, UnknownName."""
    from data.book.alerts import Outcome

    refuse(home, Action.JUDGE, who)
    if outcome not in list(Outcome):
        raise UnknownName(f"an alert does not turn out {outcome!r}", hint="choose from " + ", ".join(Outcome))
    if not text.strip():
        raise LineRefused("it has to be said what was found", hint='--text "…"')
    asked = request("monitor settle", {"alert": alert, "outcome": outcome, "text": text}, who=who, key=key)
    return home.alerts().settle(asked, alert, Outcome(outcome), text, day_of(now()))


def _documents(alerts: Iterable[Alert]) -> Iterable[dict[str, Any]]:
    """Each alert as it is said."""
    for alert in alerts:
        yield said(asdict(alert))


def said(alert: Mapping[str, Any]) -> dict[str, Any]:
    """An alert, found or stored, as it is said: its fields, and what its rule says in both languages."""
    from credit.domain.alerts import rule_named

    rule = rule_named(alert["rule"])
    texts = {name: getattr(rule, name) for name in ("zh", "en", "advice_zh", "advice_en", "reference")}
    days = {name: str(alert[name]) for name in ("raised_on", "due_on")}
    return {**alert, **days, **texts, "evidence": json.loads(alert["evidence"])}
