"""Of the book as it was at the end of the night's day: what is committed, overrides, and alerts with their outcomes."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from credit.app import exposing, judging
from credit.app.clock import span_of
from credit.app.night.monitoring.firms import concentrated
from credit.app.night.run import Run

if TYPE_CHECKING:
    import pandas as pd

# By what the book is shown, and whether its parts may be named: one with a single borrower would be about it.
SHOWN_BY = {"product": True, "district": False, "group": False, "buyer": False}
# What a line or guarantee takes of what may be lent.
TAKEN = ("committed_fen", "guaranteed_fen", "claimed_fen")

Rows = list[dict[str, Any]]


def booked(run: Run) -> dict[str, Any]:
    """Overrides, alerts and what the book is concentrated in."""
    return {"overrides": _overrides(run), "alerts": _alerts(run), "book": _book(run)}


def _overrides(run: Run) -> dict[str, Any]:
    """How often people decided otherwise than the engine, why, and what became of it; by nobody's name."""
    found = judging.overridden(run.home, on=run.settings.as_of, version=run.version)
    return {
        "judgements": sum(each["judgements"] for each in found["people"]),
        "people": len(found["people"]),
        "people_too_often": sum(each["alert"] for each in found["people"]),
        "by_code": _by_code(found["overrides"]),
    }


def _by_code(overrides: Sequence[Mapping[str, Any]]) -> Rows:
    from data.facts import DEFAULT_DAYS

    rows = []
    for code, judged in sorted({(each["code"] or "", each["judged"]) for each in overrides}):
        mine = [each for each in overrides if (each["code"] or "", each["judged"]) == (code, judged)]
        became = [each["became"] for each in mine]
        rows.append(
            {
                "code": code,
                "judged": judged,
                "overrides": len(mine),
                "engine_fen": sum(each["engine_fen"] for each in mine),
                "judged_fen": sum(each["judged_fen"] for each in mine),
                "drawn_fen": sum(each["drawn_fen"] for each in became),
                "late_90": sum(each["worst_days_past_due"] >= DEFAULT_DAYS for each in became),
                "written_off_fen": sum(each["written_off_fen"] for each in became),
            }
        )
    return rows


def _alerts(run: Run) -> dict[str, Any]:
    """What the night found, and by rule what alerts turned out to be by the end of its day."""
    ends = span_of(run.settings.as_of)[1]
    there = [each for each in run.home.alerts().listed(open_only=False) if _at(each["found_at"]) < ends]
    rows = []
    for rule in sorted({each["rule"] for each in there}):
        mine = [each for each in there if each["rule"] == rule]
        settled = [each for each in mine if each["settled_at"] and _at(each["settled_at"]) < ends]
        outcomes = Counter(each["outcome"] for each in settled)
        days = [(_at(each["settled_at"]) - _at(each["found_at"])).days for each in settled]
        rows.append(
            {
                "rule": rule,
                "severity": mine[0]["severity"],
                "raised": len(mine),
                "open": len(mine) - len(settled),
                **{name.lower(): outcomes[name] for name in ("CONFIRMED", "MITIGATED", "FALSE")},
                "median_days": float(statistics.median(days)) if days else None,
            }
        )
    return {"tonight": run.found("alerts"), "by_rule": rows}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _book(run: Run) -> dict[str, Any]:
    """What lines and guarantees take, by what they draw on."""
    shown = {by: exposing.exposure(run.home, by, run.settings.as_of, version=run.version) for by in SHOWN_BY}
    return {
        "whole": shown["district"]["whole"],
        "by": {by: concentrated(_taken(shown[by]["rows"]), named=named) for by, named in SHOWN_BY.items()},
    }


def _taken(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    taken = [(row["key"], sum(row[name] for name in TAKEN)) for row in rows]
    return pd.DataFrame(taken, columns=["name", "fen"]).astype({"fen": "int64"})
