"""What stands in the book for a firm: lines, guarantees, alerts, disputes, and the decisions of before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app.clock import span_of
from credit.app.home import Home

if TYPE_CHECKING:
    from credit.domain.record import Record


def exposure(home: Home, ids: Sequence[str], record: Record, on: date) -> dict[str, Any]:
    """What the firm owes and is guaranteed for, as the answer counted it and as our book had it when a day ended.

    A line or guarantee of the book is a row each; amounts are fen.
    """
    from data.book.exposure import exposure as booked

    before, inputs = span_of(on)[1].isoformat(), record["inputs"]
    taken = {row["subject_id"]: row for row in booked(home.store(), before, suppliers=ids).to_dict("records")}
    lines = [each for supplier in ids for each in _lines(home, supplier, on, before)]
    sums = ("committed_fen", "outstanding_fen", "guaranteed_fen", "claimed_fen")
    nothing = dict.fromkeys(sums, 0)
    guarantees = [
        {
            "guarantee_id": name,
            "product": _product(row["product"]),
            "contract_id": row["contract_id"] if isinstance(row["contract_id"], str) else None,
            **{each: int(row[each]) for each in sums[2:]},
        }
        for name, row in taken.items()
        if row["kind"] == "guarantee"
    ]
    return {
        "exposure_fen": inputs.get("exposure_fen"),
        "borrowed_fen": inputs.get("borrowed_fen"),
        "group_exposure_fen": inputs.get("group_exposure_fen"),
        "offered_fen": record["application"]["beside"].get("offered_fen", 0),
        "book": {each: sum(int(row[each]) for row in taken.values()) for each in sums},
        "lines": [
            {**line, **{each: int(taken.get(line["line_id"], nothing)[each]) for each in sums[:2]}} for line in lines
        ],
        "guarantees": guarantees,
        "alerts": [each for supplier in ids for each in _alerts(home, supplier, before)],
    }


def _lines(home: Home, supplier: str, on: date, before: str) -> list[dict[str, Any]]:
    """The lines of a supplier as they were when a day ended."""
    from credit.app.agreements import of_supplier
    from credit.domain.line import state_on

    found = []
    for events in of_supplier(home, supplier):
        there = [each for each in events if each.at < before]
        if not there:
            continue
        last = there[-1]
        found.append(
            {
                "line_id": last.line_id,
                "product": _product(last.product),
                "contract_id": last.contract_id,
                "state": state_on(there, on).value,
                "limit_fen": last.limit_fen,
                "yearly_rate_bp": last.yearly_rate_bp,
                "since": str(there[0].starts_on),
                "ends_on": str(last.ends_on),
                "decision_id": last.decision_id,
                "last": {"at": last.at, "kind": last.kind.value, "who": last.who, "text": last.text},
            }
        )
    return found


def _alerts(home: Home, supplier: str, before: str) -> list[dict[str, Any]]:
    """The alerts on a supplier's lines that were open at a moment."""
    from credit.domain.alerts import rule_named

    found = []
    for each in home.alerts().listed(supplier_id=supplier, open_only=False):
        settled = each["settled_at"] is not None and each["settled_at"] < before
        if each["found_at"] < before and not settled:
            rule = rule_named(each["rule"])
            said = {"rule": each["rule"], "zh": rule.zh, "en": rule.en, "severity": str(each["severity"])}
            found.append({**said, "line_id": each["line_id"], "raised_on": str(each["raised_on"])})
    return found


def disputes(home: Home, ids: Sequence[str], before: str) -> list[dict[str, Any]]:
    """The data that the firm disputed by a moment, and whether they were settled by then."""
    found = []
    for each in home.decisions().disputes(open_only=False):
        if each["supplier_id"] in ids and each["opened_at"] < before:
            settled = each["settled_at"] is not None and each["settled_at"] < before
            said = {name: each[name] for name in ("number", "datum", "text", "opened_at")}
            after = {"settled_at": each["settled_at"], "upheld": each["upheld"], "settlement": each["settlement"]}
            found.append({**said, **(after if settled else dict.fromkeys(after))})
    return found


def past(home: Home, ids: Sequence[str], before: str, *, most: int) -> list[dict[str, Any]]:
    """The decisions that were made on a firm before a moment, newest first: what was answered, by whom, and why."""
    store = home.decisions()
    rows = [row for supplier in ids for row in store.listed(supplier_id=supplier, before=before, limit=most)]
    rows.sort(key=lambda row: (row["decided_at"], row["decision_id"]), reverse=True)
    return [_decided(home, row) for row in rows[:most]]


def _decided(home: Home, row: dict[str, Any]) -> dict[str, Any]:
    from credit.app.deciding import record_of

    kept = ("decision_id", "decided_at", "contract_id", "outcome", "amount_fen", "maker", "supersedes")
    judged = None
    if row["supersedes"] is not None:
        whole = home.decisions().row(row["decision_id"])
        judged = record_of(row["decision_id"], whole["record"]).get("judgement") if whole else None
    why = {name: judged[name] for name in ("role", "code", "text", "evidence", "lapses_on")} if judged else None
    days = {name: str(row[name]) for name in ("as_of", "valid_until")}
    return {**{name: row[name] for name in kept}, "product": _product(row["product"]), **days, "judgement": why}


def _product(name: str) -> dict[str, str]:
    from credit.domain.products import product_named

    product = product_named(name)
    return {"name": name, "zh": product.zh, "en": product.en}
