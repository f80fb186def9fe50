"""Whether every rule of a pack decides anything: that some case meets it and some case does not, on every day."""

from __future__ import annotations

from datetime import timedelta
from itertools import product as combinations
from typing import Any

import numpy as np
import pandas as pd

from credit.domain.policy.inputs import INPUTS, Input, Kind
from credit.domain.policy.rules import Cases, Rule
from credit.domain.policy.terms import Pack, Terms
from credit.domain.products import product_named

# Far more than any amount, count or ratio that a rule is held against.
LARGE = 10**12
# What a rule reads that is no input: it follows from the limits, the price or the contract.
FOLLOWING = {
    "granted_fen": Kind.MONEY,
    "guarantee_needed_fen": Kind.MONEY,
    "net_base_fen": Kind.MONEY,
    "yearly_rate_bp": Kind.NUMBER,
    "score": Kind.NUMBER,
    "is_accepted": Kind.FLAG,
    "due_on": Kind.DATE,
}
# Rules read these without observing them, for they are there with others that they do observe.
WITH = {"planned_acceptance_on": ("is_accepted", "due_on"), "score": ("pd",)}
MOST_CASES = 50_000


def unreachable(pack: Pack) -> list[str]:
    """What is wrong with each rule that no case meets, or every case, on a day from which a parameter holds."""
    days = {v.since for p in pack.parameters.values() for v in p.values if v.since > pack.since} | {pack.since}
    rules = [each for each in product_named(pack.product).rules if each.code not in pack.not_applicable]
    found = []
    for each in rules:
        for day in sorted(days):
            met = _met(each, pack.terms(day))
            if met.all() or not met.any():
                never = "is not met" if met.all() else "is met"
                found.append(f"{each.code} on {day}: there is no case by which it {never}")
                break
    return found


def _met(rule: Rule, terms: Terms) -> np.ndarray:
    cases = _cases(rule, terms)
    return rule.holds(cases, terms).astype("boolean").fillna(False).to_numpy(dtype=bool)


def _cases(rule: Rule, terms: Terms) -> Cases:
    """Every combination of what each input may be: near each threshold of the rule, and far from it."""
    names = [*rule.observes, *rule.may_lack]
    names += [more for name in names for more in WITH.get(name, ()) if more not in names]
    names = names or ["pd"]
    near = sorted(_numbers(rule, terms))
    values = {name: _values(name, near, terms) for name in names}
    rows = list(combinations(*values.values()))[:MOST_CASES]
    frame = pd.DataFrame(rows, columns=names).assign(region=None)
    dated = {name: pd.to_datetime(frame[name]) for name in names if _kind(name) is Kind.DATE and name == "due_on"}
    money = {name: frame[name].astype("Int64") for name in names if _kind(name) is Kind.MONEY}
    flags = {name: frame[name].astype("boolean") for name in names if _kind(name) is Kind.FLAG}
    numbers = {name: frame[name].astype(float) for name in names if _kind(name) is Kind.NUMBER}
    texts = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in names if _is_text(name)}
    return frame.assign(**dated, **money, **flags, **numbers, **texts)


def _is_text(name: str) -> bool:
    return _kind(name) is Kind.TEXT


def _numbers(rule: Rule, terms: Terms) -> set[float]:
    said: set[float] = set()
    for name in rule.requires:
        values = [v.value for v in terms.pack.parameters[name].values if v.since <= terms.as_of]
        said |= {float(each) for each in values if isinstance(each, int | float)}
    return said


def _values(name: str, near: list[float], terms: Terms) -> list[Any]:
    kind = _kind(name)
    if kind is Kind.FLAG:
        return [True, False]
    if kind is Kind.DATE:
        return [terms.as_of + timedelta(days=days) for days in (-4_000, -1, 0, 1, 200, 4_000)]
    if kind is Kind.TEXT:
        tables = [key for each in terms.resolved().values() if isinstance(each, dict) for key in each]
        return [None, "elsewhere", "330106", *dict.fromkeys(tables)]
    edges = [0.0, 1.0, *(each + step for each in near for step in (-1e-6, 0.0, 1e-6, -1.0, 1.0))]
    if kind is Kind.MONEY:
        return sorted({int(each) for each in (*edges, LARGE)})
    least, most = _range(name)
    known = sorted({each for each in (*edges, least, most) if least <= each <= most})
    return [*known, np.nan] if name == "pd" else known


def _range(name: str) -> tuple[float, float]:
    found = _input(name)
    return (found.least, found.most) if found else (-LARGE, LARGE)


def _kind(name: str) -> Kind:
    found = _input(name)
    return found.kind if found else FOLLOWING[name]


def _input(name: str) -> Input | None:
    return next((each for each in INPUTS if each.name == name), None)
