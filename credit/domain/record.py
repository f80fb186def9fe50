"""The record: one answer with all that defends it, frozen, complete, and the same bytes whenever it is made again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from credit.domain.decision import Decided
from credit.domain.policy.inputs import GIVEN, POOLED
from credit.domain.policy.rules import Finding, Outcome, Rule
from credit.domain.reasons import reason_for

Record = dict[str, Any]

NO_SCORE = "the supplier has no score; R-UNSCORABLE refers it"


def records(decided: Decided, contexts: Mapping[int, Mapping[str, Any]]) -> list[Record]:
    """The complete, frozen, JSON-ready record of every decided case, in order; an id is the hash of what went in.

    `contexts` gives by case what the domain does not know: application, decided_at, model, ledger, pd horizon,
    features, and the reasons that drive the score.
    """
    said_once = _Shared(decided)
    columns = _Columns(
        answers=_listed(decided.answers),
        cases=_listed(decided.cases),
        limits=_listed(decided.limits.drop(columns=["limit_fen", "bound_by"])),
        price=_listed(decided.price),
        found=_listed(decided.found),
    )
    # What the conditions compute with are values, not their text: dates stay dates.
    values = {str(name): decided.cases[name].tolist() for name in decided.cases.columns}
    return [
        _record(said_once, columns, values, position, contexts[int(case)])
        for position, case in enumerate(decided.cases.index)
    ]


def record(decided: Decided, case: int, context: Mapping[str, Any]) -> Record:
    """The record of one of the decided cases."""
    return records(decided.only(case), {case: context})[0]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The frames of a decision as lists of plain values by column, so that a row costs no frame access."""

    answers: dict[str, list[Any]]
    cases: dict[str, list[Any]]
    limits: dict[str, list[Any]]
    price: dict[str, list[Any]]
    found: dict[str, list[Any]]


class _Shared:
    """What all records of one decision share."""

    def __init__(self, decided: Decided) -> None:
        self.product, self.terms, self.pack = decided.product, decided.terms, decided.terms.pack
        self.parameters = self.terms.resolved()
        self.policy = {"pack": self.pack.name, "version": self.terms.version, "sha256": self.terms.sha256}
        known = {*self.pack.inputs, *self.pack.assumed, *(each.name for each in (*GIVEN, *POOLED))}
        self.inputs = sorted(known & {str(name) for name in decided.cases.columns})


def _record(
    shared: _Shared,
    columns: _Columns,
    values: Mapping[str, list[Any]],
    position: int,
    context: Mapping[str, Any],
) -> Record:
    answer = {name: cells[position] for name, cells in columns.answers.items()}
    observed = {name: cells[position] for name, cells in columns.cases.items()}
    found = {code: Finding(cells[position]) for code, cells in columns.found.items()}
    product = shared.product
    outcome = Outcome(answer["outcome"])
    grants = outcome is not Outcome.DECLINE and answer["amount_fen"] > 0
    facts = {name: cells[position] for name, cells in values.items()} if grants else {}
    facts |= {"amount_fen": answer["amount_fen"], "yearly_rate_bp": answer["yearly_rate_bp"]}
    body: Record = {
        "product": {"name": product.name, "zh": product.zh, "en": product.en},
        "application": context["application"],
        "as_of": str(shared.terms.as_of),
        "outcome": outcome.name,
        "amount_fen": answer["amount_fen"],
        "currency": shared.pack.currency,
        "yearly_rate_bp": answer["yearly_rate_bp"] if grants else None,
        "subsidy_bp": answer["subsidy_bp"] if grants else None,
        "tenor_months": answer["tenor_months"] if grants else None,
        "valid_until": answer["valid_until"],
        "cooling_until": answer["cooling_until"],
        "grade": answer["grade"],
        "score": answer["score"],
        "points_above_cut_off": answer["points_above_cut_off"],
        "pd": observed["pd"],
        "pd_horizon_months": context["pd_horizon_months"],
        "unscorable": context["unscorable"],
        "bound_by": said(answer["bound_by"]) if answer["bound_by"] else None,
        "limits_fen": {name: cells[position] for name, cells in columns.limits.items()},
        "price": {name: cells[position] for name, cells in columns.price.items()},
        "conditions": product.conditions(facts, shared.terms) if grants else None,
        "findings": [_finding(rule, found[rule.code], observed, shared) for rule in product.rules],
        "reasons": context["reasons"],
        "parameters": shared.parameters,
        "policy": shared.policy,
        "model": context["model"],
        "ledger": context["ledger"],
        "features": context["features"],
        "inputs": {name: observed[name] for name in shared.inputs},
        "advisory_only": True,
    }
    return {"decision_id": decision_id(body), "decided_at": context["decided_at"], **body}


def is_whole(stored: Mapping[str, Any]) -> bool:
    """Whether a stored record still says what its id was made of."""
    body = {key: value for key, value in stored.items() if key not in ("decision_id", "decided_at")}
    return decision_id(body) == stored.get("decision_id")


def decision_id(body: Mapping[str, Any]) -> str:
    """An id made of all that the decision says, so that the same question on the same knowledge has the same id."""
    return "D" + hashlib.sha256(canonical(body)).hexdigest()[:15].upper()


def canonical(content: Any) -> bytes:
    """The bytes of a record: one line of JSON, keys sorted, one form for every number. A NaN has no place in it.

    One line, because the standard library writes it ten times faster than an indented one.
    """
    return json.dumps(content, ensure_ascii=False, sort_keys=True, allow_nan=False).encode() + b"\n"


def plain(value: Any) -> Any:
    """A cell as JSON has it: integers stay integers, floats keep nine significant digits, what is missing is null.

    >>> plain(np.float64(0.1234567891)), plain(float("nan")), plain(np.int64(3)), plain(2.0), plain(date(2026, 1, 2))
    (0.123456789, None, 3, 2, '2026-01-02')
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _number(float(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else float(f"{value:.9g}")


def said(code: str) -> dict[str, Any]:
    """A reason code with its fixed text."""
    reason = reason_for(code)
    return {"code": code, "zh": reason.zh, "en": reason.en}


def _listed(frame: pd.DataFrame) -> dict[str, list[Any]]:
    # Column by column: a row taken whole would turn the integers beside a float into floats.
    return {str(name): [plain(value) for value in frame[name].tolist()] for name in frame.columns}


def _finding(rule: Rule, finding: Finding, observed: Mapping[str, Any], shared: _Shared) -> dict[str, Any]:
    outcomes = {Finding.NOT_MET: rule.outcome.name, Finding.MISSING: Outcome.REFER.name}
    why = {"why_not_applicable": shared.pack.not_applicable.get(rule.code, NO_SCORE)}
    return {
        "rule": rule.code,
        "finding": finding.name,
        "outcome": outcomes.get(finding),
        "observed": {name: observed[name] for name in (*rule.observes, *rule.may_lack) if name in observed},
        "required": {name: shared.parameters[name] for name in rule.requires if name in shared.parameters},
        "zh": rule.zh,
        "en": rule.en,
        "reference": rule.reference,
        **(why if finding is Finding.NOT_APPLICABLE else {}),
    }


def differences(stored: Any, again: Any, path: str = "") -> list[str]:
    """What differs between two records, one line a leaf, by its path.

    >>> differences({"pd": 0.1, "a": [1]}, {"pd": 0.2, "a": [1, 2]})
    ['a[1]: not stored, now 2', 'pd: stored 0.1, now 0.2']
    """
    if isinstance(stored, dict) and isinstance(again, dict):
        return [
            line
            for key in sorted({*stored, *again})
            for line in _one(stored.get(key, _ABSENT), again.get(key, _ABSENT), f"{path}.{key}" if path else str(key))
        ]
    if isinstance(stored, list) and isinstance(again, list):
        longest = range(max(len(stored), len(again)))
        pairs = [(stored[i] if i < len(stored) else _ABSENT, again[i] if i < len(again) else _ABSENT) for i in longest]
        return [line for i, (a, b) in enumerate(pairs) for line in _one(a, b, f"{path}[{i}]")]
    # By their text, as the bytes of two records are: to Python, true and 1 and 1.0 are all the same.
    before, now = _text(stored), _text(again)
    return [] if before == now else [f"{path}: stored {before}, now {now}"]


_ABSENT = object()


def _one(stored: Any, again: Any, path: str) -> list[str]:
    if stored is _ABSENT:
        return [f"{path}: not stored, now {_text(again)}"]
    if again is _ABSENT:
        return [f"{path}: stored {_text(stored)}, now absent"]
    return differences(stored, again, path)


def _text(leaf: Any) -> str:
    return json.dumps(leaf, ensure_ascii=False, sort_keys=True)
