"""The decision: from a frame of cases to a frame of answers, and from one answer to the record that defends it.

One application is a frame of one row; the night's million is a frame of a million. All rules of the product run, the
strictest finding wins, the amount is the smallest of its named terms.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from credit.domain import limits
from credit.domain.policy.rules import Finding, Outcome, findings, strictest
from credit.domain.policy.terms import Pack, Terms
from credit.domain.price import basis_points_up
from credit.domain.products.guarantees import needed
from credit.domain.products.product import Product
from credit.domain.reasons import reason_for
from credit.domain.scale import grades, points

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on a frame of cases; every frame is indexed as `cases`.

    `cases` holds what the rules observed, `limits` each term in fen, `found` each rule's finding, `price` the parts of
    the rate as yearly fractions, `answers` the answer: outcome (an Outcome), amount_fen, bound_by, grade, score,
    yearly_rate_bp (NaN without a score), tenor_months, valid_until.
    """

    product: Product
    terms: Terms
    cases: pd.DataFrame
    limits: pd.DataFrame
    found: pd.DataFrame
    price: pd.DataFrame
    answers: pd.DataFrame


def decide(product: Product, pack: Pack, cases: pd.DataFrame, as_of: date) -> Decided:
    """Decide every case under a pack as it stood on a date.

    `cases` has the product's inputs as columns and beside them `pd` (NaN where unscorable), `requested_fen` (NaN where
    no amount was named), `exposure_fen` and `portfolio_headroom_fen`.
    """
    terms = pack.terms(as_of)
    graded = cases.assign(grade=grades(cases["pd"], terms), score=points(cases["pd"]))
    limited = limits.smallest(product.limits, graded, terms, step_fen=int(terms["rounding_step_fen"]))
    price = product.rate(graded["pd"], terms)
    rate = basis_points_up(price["rate"], int(terms["rate_step_bp"])).clip(lower=terms["yearly_rate_bp_min"])
    whole = graded.assign(limit_fen=limited["limit_fen"], yearly_rate_bp=rate)
    if product.asks_contract:
        whole = whole.assign(guarantee_needed_fen=needed(product, whole, terms))
    found = findings(product.rules, whole, terms, pack.not_applicable)
    return Decided(product, terms, whole, limited, found, price, _answers(product, whole, limited, found, terms))


def _answers(
    product: Product, cases: pd.DataFrame, limited: pd.DataFrame, found: pd.DataFrame, terms: Terms
) -> pd.DataFrame:
    outcome = strictest(product.rules, found)
    asked = limits.requested(cases, terms)
    less = cases["requested_fen"].notna() & (limited["limit_fen"] < asked)
    outcome = outcome.clip(lower=pd.Series(np.where(less, Outcome.REDUCE, Outcome.APPROVE), index=cases.index))
    granted = np.minimum(limited["limit_fen"], asked)
    declined = outcome == Outcome.DECLINE
    return pd.DataFrame(
        {
            "outcome": outcome.astype("int8"),
            "amount_fen": granted.where(~declined, 0).astype("int64"),
            "bound_by": np.where(asked <= limited["limit_fen"], "LIM-requested", limited["bound_by"]),
            "grade": cases["grade"],
            "score": cases["score"],
            "yearly_rate_bp": cases["yearly_rate_bp"],
            "tenor_months": int(terms["tenor_months"]),
            "valid_until": terms.as_of + timedelta(days=int(terms["valid_days"])),
        },
        index=cases.index,
    )


def decide_within_budget(product: Product, pack: Pack, cases: pd.DataFrame, as_of: date, budget_fen: int) -> Decided:
    """Decide many cases that share one budget: the safest are served first, and the total never exceeds the budget.

    Each case is first decided as if the budget were its own; in the order of PD (then supplier) each is then given as
    headroom what the ones before it have left. The headroom is part of the case and of its record, so that a single
    case decided again with the same headroom comes out the same.
    """
    alone = decide(product, pack, cases.assign(portfolio_headroom_fen=budget_fen), as_of)
    order = cases.assign(place=range(len(cases))).sort_values(["pd", "place"], na_position="last").index
    before = alone.answers.loc[order, "amount_fen"].cumsum().shift(fill_value=0)
    headroom = (budget_fen - before).clip(lower=0).astype("int64").reindex(cases.index)
    return decide(product, pack, cases.assign(portfolio_headroom_fen=headroom), as_of)


# -- the record ----------------------------------------------------------------------------------------------------------


def record(decided: Decided, case: int, context: Mapping[str, Any]) -> Record:
    """The complete, frozen record of one decision, JSON-ready; its id is the hash of what went in.

    `context` gives what the domain does not know: application, decided_at, model, ledger, pd horizon, features, and
    the reasons that drive the score.
    """
    answer, row = decided.answers.loc[case], decided.cases.loc[case]
    pack, terms, product = decided.terms.pack, decided.terms, decided.product
    outcome = Outcome(int(answer["outcome"]))
    grants = outcome is not Outcome.DECLINE and pd.notna(answer["yearly_rate_bp"]) and int(answer["amount_fen"]) > 0
    body: Record = {
        "product": {"name": product.name, "zh": product.zh, "en": product.en},
        "application": context["application"],
        "as_of": str(terms.as_of),
        "outcome": outcome.name,
        "amount_fen": int(answer["amount_fen"]) if grants else 0,
        "currency": pack.currency,
        "yearly_rate_bp": int(answer["yearly_rate_bp"]) if grants else None,
        "tenor_months": int(answer["tenor_months"]) if grants else None,
        "valid_until": str(answer["valid_until"]),
        "grade": answer["grade"],
        "score": plain(answer["score"]),
        "pd": plain(row["pd"]),
        "pd_horizon_months": context["pd_horizon_months"],
        "unscorable": context["unscorable"],
        "bound_by": said(str(answer["bound_by"])) if pd.notna(row["pd"]) else None,
        "limits_fen": {code: int(decided.limits.at[case, code]) for code in (t.code for t in product.limits)},
        "price": {part: plain(decided.price.at[case, part]) for part in decided.price.columns},
        "conditions": _conditions(decided, case) if grants else None,
        "findings": _findings(decided, case),
        "reasons": context["reasons"],
        "parameters": terms.resolved(),
        "policy": {"pack": pack.name, "version": pack.version, "sha256": pack.sha256},
        "model": context["model"],
        "ledger": context["ledger"],
        "features": context["features"],
        "inputs": {name: plain(row[name]) for name in sorted(set(pack.inputs) & set(decided.cases.columns))},
        "advisory_only": True,
    }
    return {"decision_id": decision_id(body), "decided_at": context["decided_at"], **body}


def decision_id(body: Mapping[str, Any]) -> str:
    """An id made of all that the decision says, so that the same question on the same knowledge has the same id."""
    return "D" + hashlib.sha256(canonical(body)).hexdigest()[:15].upper()


def canonical(content: Any) -> bytes:
    """The bytes of a record: JSON with sorted keys and one form for every number. A NaN has no place in a record."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode() + b"\n"


def plain(value: Any) -> Any:
    """A cell as JSON has it: integers stay integers, floats keep nine significant digits, what is missing is null.

    >>> plain(np.float64(0.1234567891)), plain(float("nan")), plain(np.int64(3)), plain(2.0), plain(date(2026, 1, 2))
    (0.123456789, None, 3, 2, '2026-01-02')
    """
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return None
        return int(value) if float(value).is_integer() else float(f"{value:.9g}")
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return (
        None
        if value is None or value is pd.NA or value is pd.NaT
        else value
        if isinstance(value, str | int)
        else str(value)
    )


def said(code: str) -> dict[str, Any]:
    """A reason code with its fixed text."""
    reason = reason_for(code)
    return {"code": code, "zh": reason.zh, "en": reason.en}


def _findings(decided: Decided, case: int) -> list[dict[str, Any]]:
    rows = []
    for rule in decided.product.rules:
        finding = Finding(int(decided.found.at[case, rule.code]))
        rows.append(
            {
                "rule": rule.code,
                "finding": finding.name,
                "outcome": rule.outcome.name
                if finding is Finding.NOT_MET
                else "REFER"
                if finding is Finding.MISSING
                else None,
                "observed": {
                    name: plain(decided.cases.at[case, name]) for name in rule.observes if name in decided.cases
                },
                "required": {
                    name: decided.terms[name] for name in rule.requires if name in decided.terms.pack.parameters
                },
                "zh": rule.zh,
                "en": rule.en,
                "reference": rule.reference,
                **(
                    {"why_not_applicable": decided.terms.pack.not_applicable[rule.code]}
                    if finding is Finding.NOT_APPLICABLE
                    else {}
                ),
            }
        )
    return rows


def _conditions(decided: Decided, case: int) -> dict[str, Any]:
    row = decided.cases.loc[case].to_dict()
    answer = decided.answers.loc[case]
    facts = {
        **row,
        "amount_fen": int(answer["amount_fen"]),
        "yearly_rate_bp": int(answer["yearly_rate_bp"]),
        "as_of": decided.terms.as_of,
    }
    return decided.product.conditions(facts, decided.terms)


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
    return (
        []
        if stored == again
        else [f"{path}: stored {json.dumps(stored, ensure_ascii=False)}, now {json.dumps(again, ensure_ascii=False)}"]
    )


_ABSENT = object()


def _one(stored: Any, again: Any, path: str) -> list[str]:
    if stored is _ABSENT:
        return [f"{path}: not stored, now {json.dumps(again, ensure_ascii=False)}"]
    if again is _ABSENT:
        return [f"{path}: stored {json.dumps(stored, ensure_ascii=False)}, now absent"]
    return differences(stored, again, path)
