"""Of the nights' own figures: who was scored and decided, how far features and scores moved, what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credit.app.night.computing import DECISIONS, FEATURES, SCORES
from credit.app.night.gate import INPUT_GATE, RESULT_GATE
from credit.app.night.run import Run
from credit.app.policies import night_parameters

if TYPE_CHECKING:
    from data.nights import Night

NIGHTS, MOST_FEATURES = 60, 20


def scored(run: Run, tier: str) -> dict[str, Any]:
    """What the last nights scored of a kind of data, and how far tonight is from the model's first night."""
    nights = [night for night in [*run.before(), run.night] if tier in _tiers(night, SCORES)]
    model = dict(run.settings.models[tier])
    since = [night for night in nights if _tiers(night, SCORES)[tier]["model"] == model]
    return {
        "population": [_population(night, tier) for night in nights[-NIGHTS:]],
        "drift": _drift(run, since[0], tier),
        "scores": _scores(run, since[0], tier),
    }


def _tiers(night: Night, step: str) -> dict[str, Any]:
    found: dict[str, Any] = (night.done(step) or {"tiers": {}})["tiers"]
    return found


def _population(night: Night, tier: str) -> dict[str, Any]:
    scores, decisions = _tiers(night, SCORES)[tier], _tiers(night, DECISIONS)[tier]
    return {
        "night": str(night.as_of),
        "model": scores["model"]["version"],
        **{name: scores[name] for name in ("suppliers", "scored", "unscorable", "psi", "pd_mean")},
        "outcomes": decisions["outcomes"],
        "granted_fen": decisions["granted_fen"],
    }


def _drift(run: Run, first: Night, tier: str) -> dict[str, Any]:
    """The features that moved most and those that went missing most, since the model's first night."""
    now = run.night.document(FEATURES, f"{tier}.json")["features"]
    then = first.document(FEATURES, f"{tier}.json")["features"]
    limits = _limits(run, "feature_psi")
    rows = [
        {"feature": name, "psi": each["psi"], "missing": each["missing"], "missing_then": then[name]["missing"],
         "rise": round(each["missing"] - then[name]["missing"], 6)}
        for name, each in sorted(now.items())
        if name in then
    ]  # fmt: skip
    above = {
        f"above_{name}": sum(row["psi"] >= limits[name] for row in rows) if name in limits else 0
        for name in ("warn", "stop")
    }
    moved = sorted(rows, key=lambda row: -row["psi"])[:MOST_FEATURES]
    missing = sorted((row for row in rows if row["rise"] > 0), key=lambda row: -row["rise"])[:MOST_FEATURES]
    return {
        "since": str(first.as_of),
        "features": len(rows),
        "warn": limits.get("warn"),
        "stop": limits.get("stop"),
        **above,
        "moved": moved,
        "missing": missing,
    }


def _scores(run: Run, first: Night, tier: str) -> dict[str, Any]:
    """The grades tonight beside those of the model's first night."""
    now, then = (_tiers(night, SCORES)[tier] for night in (run.night, first))
    limits = _limits(run, "score_psi")
    grades = [
        {
            "grade": grade,
            "suppliers": now["grades"].get(grade, 0),
            "share": _share(now["grades"].get(grade, 0), now["scored"]),
            "share_then": _share(then["grades"].get(grade, 0), then["scored"]),
        }
        for grade in sorted({*now["grades"], *then["grades"]})
    ]
    return {
        "since": str(first.as_of),
        "psi": now["psi"],
        "warn": limits.get("warn"),
        "stop": limits.get("stop"),
        "pd_mean": now["pd_mean"],
        "grades": grades,
    }


def _limits(run: Run, check: str) -> dict[str, float]:
    """From when a check of the night warns and stops."""
    value = night_parameters(run.home.policies)[check].on(run.settings.as_of)
    return value if isinstance(value, dict) else {}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def quality(run: Run) -> dict[str, Any]:
    """What arrived tonight by table, how old the feeds are, and what the gates found."""
    imported = run.found("import")
    names = sorted({name for what in ("read", "imported") for name in imported[what]})
    gates = [run.found(gate) for gate in (INPUT_GATE, RESULT_GATE)]
    told = ("check", "about", "value", "warn", "stop", "verdict", "zh", "en", "look")
    return {
        "tables": [
            {"table": name, **{what: imported[what].get(name, 0)
                               for what in ("read", "imported", "duplicates", "quarantined")}}
            for name in names
        ],
        "refused_files": len(imported["refused"]),
        "feed_age_days": {tier: _age(run, tier) for tier in run.tiers},
        "checks": sum(gate["checks"] for gate in gates),
        "accepted": sum(gate["accepted"] for gate in gates),
        "findings": [{name: each[name] for name in told} for gate in gates for each in gate["findings"]],
    }  # fmt: skip


def _age(run: Run, tier: str) -> int:
    return max((run.settings.as_of - run.ledger.last_day(tier, version=run.version)).days, 0)
