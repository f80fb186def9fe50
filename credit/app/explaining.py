"""Explain one score: the way from the reference population to the firm, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import day_of, now
from credit.app.deciding import supplier_tier
from credit.app.home import Home
from credit.app.policies import explaining_terms
from credit.app.scoring import TARGET, floor_of, scale_terms

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.policy.terms import Terms
    from features.feature import Feature
    from models.changes import Move
    from models.registry import Served


# Beyond this no figure of a firm is a figure.
LARGEST_VALUE = 10**15
# Whatever else a feature is measured in is counted: whole, and never below zero.
MEASURED = ("fen", "share", "ratio", "difference", "index", "points", "days", "months")


@dataclass(frozen=True, slots=True)
class _Case:
    """One supplier on one day, with what explains it."""

    served: Served
    frame: pd.DataFrame
    day: date
    scale: Terms

    def scored(self, frame: pd.DataFrame) -> dict[str, Any]:
        """PD, grade and points of a frame of one row."""
        import pandas as pd

        from credit.domain.points import points
        from credit.domain.record import plain
        from credit.domain.scale import grades
        from models.scoring import probability_of

        found = pd.Series(probability_of(self.served, frame))
        return {
            "pd": plain(found.iloc[0]),
            "grade": grades(found, self.scale).iloc[0],
            "score": plain(points(found).iloc[0]),
        }


def explain_score(
    home: Home, supplier: str, as_of: date | None, *, what_if: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """PD, grade and every reason of one supplier, strongest first, what `what_if` would change, and how to do better.

    Raises UnknownSupplier or NoModel.
    """
    import pandas as pd

    from credit.domain.errors import UnknownSupplier
    from data.facts import withheld
    from features import engine
    from models.registry import registered_name
    from models.scoring import unscorable

    console.waiting("explaining the score")
    ledger, tier = home.ledger(), supplier_tier(home, supplier)
    day = as_of or ledger.last_day(tier)
    if supplier not in set(ledger.suppliers(day, tier=tier)["supplier_id"]):
        raise UnknownSupplier(f"{supplier} is not known yet on {day}", hint="name a later day with --as-of")
    served = home.registry().champion(registered_name(TARGET, tier))
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [supplier], "as_of": [day]})
    frame = engine.build_cases(ledger, cases, tier=tier)
    silent = withheld(ledger, cases["supplier_id"], on=day_of(now()))
    code = unscorable(frame, cases["supplier_id"], served, floor_of(home, day), withheld=silent).iloc[0]
    return explained(home, served, frame, code, supplier=supplier, day=day, what_if=what_if)


def explained(
    home: Home,
    served: Served,
    frame: pd.DataFrame,
    code: Any,
    *,
    supplier: str,
    day: date,
    what_if: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The explanation of features, a frame of one row, by a model; a `code` says why there is no score."""
    from credit.domain.record import said

    document = {"supplier_id": supplier, "as_of": str(day), "model": served.label}
    if isinstance(code, str):
        nothing = dict.fromkeys(("pd", "grade", "score", "log_odds", "reference", "what_if", "next_grade"))
        return {**document, "unscorable": said(code), **nothing, "reasons": []}
    case = _Case(served, frame, day, scale_terms(home, day))
    base, reasons = _reasons(case, frame)
    return {
        **document,
        "unscorable": None,
        **case.scored(frame),
        **_figures(case, frame, base),
        "reasons": reasons,
        "what_if": _what_if(case, what_if) if what_if else None,
        "next_grade": _next_grade(case, explaining_terms(home, day)),
    }


def _figures(case: _Case, frame: pd.DataFrame, base: float) -> dict[str, Any]:
    """The log-odds of the firm and of the reference population, between which the reasons are the way.

    Both are of the long run, which moves all firms alike, as the PD is that the grade stands on.
    """
    import numpy as np

    from credit.domain.record import plain
    from models.anchoring import shift_of
    from models.logistic import sigmoid

    shift = shift_of(case.served.card)
    log_odds = float(case.served.model.log_odds(case.served.inputs(frame))[0]) + shift
    compared = case.served.model.reference
    return {
        "log_odds": round(log_odds, 6),
        "reference": {
            "log_odds": round(base + shift, 6),
            "pd": plain(float(sigmoid(np.array([base + shift]))[0])),
            "rows": None if compared is None else compared.rows,
        },
    }


def _reasons(case: _Case, frame: pd.DataFrame) -> tuple[float, list[dict[str, Any]]]:
    """The reference's log-odds, and every reason with its features, strongest first; what adds nothing is left out."""
    from credit.domain.reasons import reason_for
    from credit.domain.record import said
    from features.catalogue import feature_named
    from models.explain import DIGITS, UNKNOWN, by_reason, unknown

    by_feature = case.served.model.explain(case.served.inputs(frame))
    silent = unknown(case.served, frame).iloc[0]
    features: dict[str, list[dict[str, Any]]] = {}
    for name, weight in _strongest(by_feature.contributions.iloc[0].round(DIGITS)):
        feature = feature_named(name)
        value = float(frame[name].iloc[0])
        code = UNKNOWN if silent[feature.reason] else feature.reason
        features.setdefault(code, []).append({**_said(feature, value), "log_odds": weight})
    reasons = []
    for code, weight in _strongest(by_reason(case.served, frame).iloc[0].round(DIGITS)):
        reason = reason_for(code)
        advice = {"advice_zh": reason.advice_zh, "advice_en": reason.advice_en}
        reasons.append({**said(code), **advice, "log_odds": weight, "features": features.get(code, [])})
    return by_feature.base, reasons


def _strongest(weights: pd.Series) -> list[tuple[str, float]]:
    """What adds anything, strongest first, ties by name."""
    return sorted(((str(n), float(w)) for n, w in weights.items() if w), key=lambda pair: (-abs(pair[1]), pair[0]))


def _said(feature: Feature, value: float) -> dict[str, Any]:
    from credit.domain.record import plain

    return {
        "name": feature.name,
        "meaning": feature.meaning,
        "value": plain(value),
        "unit": feature.unit,
        "risk": feature.risk.name.lower(),
    }


def _what_if(case: _Case, given: Mapping[str, float]) -> dict[str, Any]:
    """The score with these features taken to be others, those derived from them computed anew, and what that moves."""
    from credit.domain.record import plain, said
    from features.catalogue import CATALOGUE, feature_named
    from features.derived import follow
    from models.explain import by_reason

    before = case.frame.iloc[0]
    frame = follow(case.frame.assign(**given), before, given)
    changed = [f for f in CATALOGUE if f.name not in given and plain(frame[f.name].iloc[0]) != plain(before[f.name])]
    moved = (by_reason(case.served, frame) - by_reason(case.served, case.frame)).iloc[0].round(6)

    def values(features: Sequence[Feature]) -> list[dict[str, Any]]:
        return [{**_said(f, float(frame[f.name].iloc[0])), "before": plain(float(before[f.name]))} for f in features]

    return {
        "given": values([feature_named(name) for name in given]),
        "followed": values(changed),
        "kept": "every feature that is neither given nor derived from one that is, other windows among them",
        **case.scored(frame),
        "reasons": [{**said(code), "log_odds_change": change} for code, change in _strongest(moved)],
    }


def _next_grade(case: _Case, terms: Mapping[str, Any]) -> dict[str, Any] | None:
    """The smallest realistic changes that reach the next better grade; None for a firm in the best."""
    from credit.domain.record import plain
    from models.changes import smallest

    grade, bounds = case.scored(case.frame)["grade"], list(case.scale["grade_pd_upper"].items())
    place = [name for name, _ in bounds].index(grade)
    if place == 0:
        return None
    better, pd_max = bounds[place - 1]
    proposals, lowest = smallest(
        case.served,
        case.frame.iloc[0],
        pd_max=pd_max,
        better_than_max=terms["change_better_than_max"],
        change_max=terms["change_share_max"],
        most=int(terms["changes_shown"]),
    )
    return {
        "grade": better,
        "pd_max": pd_max,
        "better_than_max": terms["change_better_than_max"],
        "lowest_pd": plain(lowest),
        "proposals": [{"pd": plain(p.pd), "moves": [_proposed(move) for move in p.moves]} for p in proposals],
    }


def _proposed(move: Move) -> dict[str, Any]:
    from credit.domain.reasons import reason_for
    from credit.domain.record import plain

    reason = reason_for(move.feature.reason)
    advice = {"reason": reason.code, "advice_zh": reason.advice_zh, "advice_en": reason.advice_en}
    return {**_said(move.feature, move.after), "before": plain(move.before), **advice}


def feature_value(words: str) -> tuple[str, float]:
    """The feature and the value of a `feature=value`; an amount is in yuan, `missing` is no value.

    Raises UnknownName with the nearest names, and ValueError for a value that the feature cannot have.
    """
    from decimal import Decimal, InvalidOperation

    from credit.app.features import feature_known

    name, equals, text = words.partition("=")
    feature = feature_known(name.strip())
    if not equals:
        raise ValueError(f"{words!r} has no value; write {feature.name}=… in {unit_said(feature.unit)}")
    if text.strip() == "missing":
        return feature.name, float("nan")
    try:
        number = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > LARGEST_VALUE:
        raise ValueError(f"{text!r} is no value of {feature.name}; write a number of {unit_said(feature.unit)}")
    if feature.unit == "share" and not 0 <= number <= 1:
        raise ValueError(f"{feature.name} is a share: a fraction from 0 to 1, such as 0.3 for 30 %")
    if feature.unit not in MEASURED and (number < 0 or number != number.to_integral_value()):
        raise ValueError(f"{feature.name} counts {feature.unit}: a whole number from zero up")
    return feature.name, float(number * 100 if feature.unit == "fen" else number)


def unit_said(unit: str) -> str:
    """A unit as people read and write it: amounts are in yuan."""
    return "yuan" if unit == "fen" else unit
