"""What would change an answer: other amounts, the limit behind the one that bound, and rules that were met narrowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from credit.app.home import Home
from credit.domain.authority import BY_PERSON

if TYPE_CHECKING:
    import pandas as pd

    from credit.app.deciding import Pinned
    from credit.domain.record import Record


def changes(home: Home, record: Record, pinned: Pinned, case: pd.DataFrame) -> dict[str, Any]:
    """What policy would grant without a person, what the next limit is, and which rules were met by a narrow margin.

    The smallest changes of what the firm does that would better its grade are the explanation's.
    """
    import pandas as pd

    from credit.app.asking import without_a_person
    from credit.app.policies import explaining_terms

    # As much as can be, whatever was asked for.
    asking = case.assign(requested_fen=pd.array([None] * len(case), dtype="Int64"))
    narrow = float(explaining_terms(home, pinned.as_of)["narrow_margin_max"])
    return {
        **without_a_person(pinned, asking),
        "next_limit": next_limit(record),
        "narrow_margin_max": narrow,
        "narrowly_met": narrowly_met(record, narrow),
    }


def next_limit(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The smallest term but for the one that bound, and the amount by it in whole steps; None where no term bound."""
    from credit.domain.record import said

    bound = record["bound_by"]
    known = {code: fen for code, fen in record["limits_fen"].items() if fen is not None}
    others = {code: fen for code, fen in known.items() if bound is not None and code != bound["code"]}
    # Without the person who granted less it would be what the limits leave, and that was said in the decision before.
    if not others or bound["code"] == BY_PERSON:
        return None
    code, fen = min(others.items(), key=lambda term: term[1])
    step = int(record["parameters"]["rounding_step_fen"])
    return {**said(code), "amount_fen": max(fen, 0) // step * step}


def narrowly_met(record: Mapping[str, Any], within: float) -> list[dict[str, Any]]:
    """The rules that hold one figure against one threshold and were met by at most a share of it, the closest first."""
    found = []
    for each in record["findings"]:
        observed, required = list(each["observed"].items()), list(each["required"].items())
        if each["finding"] != "MET" or len(observed) != 1 or len(required) != 1:
            continue
        (name, value), (threshold, most) = observed[0], required[0]
        if not _is_figure(value) or not _is_figure(most) or most == 0:
            continue
        margin = abs(most - value) / abs(most)
        if margin <= within:
            texts = {key: each[key] for key in ("rule", "zh", "en")}
            held = {"observed": {name: value}, "required": {threshold: most}, "margin": round(margin, 6)}
            found.append({**texts, **held})
    return sorted(found, key=lambda each: (each["margin"], each["rule"]))


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
