"""The quality gate: what arrived and what came of it, held against the nights before, before anything leaves."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app.clock import day_of
from credit.app.night.computing import DECISIONS, FEATURES, SCORES
from credit.app.night.run import Run
from credit.app.night.settings import ACKNOWLEDGEMENTS
from credit.app.policies import night_parameters
from credit.domain.errors import GateStopped, NightRefused
from credit.domain.quality import Verdict, judged

if TYPE_CHECKING:
    from data.nights import Night

Measured = Iterable[tuple[str, str, float | None]]
# How many nights say what is usual, and of how few nothing is.
USUAL_NIGHTS, FEWEST_NIGHTS = 28, 5
INPUT_GATE, RESULT_GATE = "input-gate", "result-gate"
GRANTED = ("APPROVE", "REDUCE")


def judge_inputs(run: Run, out: Path) -> dict[str, Any]:
    """Judge what has arrived. Raises GateStopped where nothing may be published of it."""
    return _judged(run, INPUT_GATE, _of_inputs(run))


def judge_results(run: Run, out: Path) -> dict[str, Any]:
    """Judge what came of it. Raises GateStopped where nothing of it may be published."""
    return _judged(run, RESULT_GATE, _of_results(run))


def _judged(run: Run, gate: str, measured: Measured) -> dict[str, Any]:
    terms = {name: each.on(run.settings.as_of) for name, each in night_parameters(run.home.policies).items()}
    found = judged(measured, terms)
    stops = [each for each in found if each.verdict == Verdict.STOP.name]
    accepted = _accepted(run.night)
    if open_ := [each for each in stops if (each.check, each.about) not in accepted]:
        run.night.note(f"{gate}-stopped", {"findings": [asdict(each) for each in open_]})
        first = open_[0]
        more = f", and {len(open_) - 1} more" if len(open_) > 1 else ""
        raise GateStopped(
            f"the {gate} stopped the night of {run.settings.as_of}: {first.en}, {first.about}: {first.value:g} "
            f"(stops at {first.stop:g}){more}",
            hint=f"look at {first.look}; `credit nightly status` lists all",
        )
    # What passed is counted; what did not is said.
    failed = [asdict(each) for each in found if each.verdict != Verdict.PASS.name]
    return {"checks": len(found), "warnings": len(failed) - len(stops), "accepted": len(stops), "findings": failed}


def _of_inputs(run: Run) -> Iterator[tuple[str, str, float | None]]:
    imported = run.found("import")
    for tier in run.tiers:
        age = run.settings.as_of - run.ledger.last_day(tier, version=run.version)
        yield "feed_age_days", tier, float(max(age.days, 0))
    arrived = _arrived_by_day([*run.before(), run.night])
    today = max(arrived)
    # A night that is caught up takes in what came for all; what came by today is judged with the last of them.
    if run.settings.as_of + timedelta(days=1) >= today:
        usual = [arrived[day] for day in sorted(arrived)[:-1][-USUAL_NIGHTS:]]
        for table in sorted({name for each in usual for name in each}):
            median = statistics.median(each[table] for each in usual)
            if len(usual) >= FEWEST_NIGHTS and median > 0:
                share = arrived[today][table] / median
                yield "rows_share_low", table, share
                yield "rows_share_high", table, share
    for table, read in imported["read"].items():
        if read:
            yield "quarantined_share", table, imported["quarantined"].get(table, 0) / read
            yield "duplicate_share", table, imported["duplicates"].get(table, 0) / read
    # What one bank sends back wrongly is said, and stops no other bank's file.
    answers = f"{ACKNOWLEDGEMENTS}/"
    refused = [each for each in imported["refused"] if not each["entry"].startswith(answers)]
    yield "refused_files", "inbox", float(len(refused))


def _arrived_by_day(nights: Sequence[Night]) -> dict[date, Counter[str]]:
    """New rows by table of the nights that were begun on one day, which are several where some had been missed."""
    found: dict[date, Counter[str]] = {}
    for night in nights:
        settings = night.settings() or {}
        begun = day_of(datetime.fromisoformat(settings["started_at"]))
        found.setdefault(begun, Counter()).update((night.done("import") or {}).get("imported", {}))
    return found


def _of_results(run: Run) -> Iterator[tuple[str, str, float | None]]:
    from features.catalogue import CATALOGUE

    before = run.before()
    last = before[-1] if before else None
    # What counts months from a day moves with the calendar, whatever arrives.
    grown = {feature.name for feature in CATALOGUE if feature.age == "months"}
    for tier in run.tiers:
        now = run.night.document(FEATURES, f"{tier}.json")
        for name, each in now["features"].items():
            yield ("tenure_psi" if name in grown else "feature_psi"), f"{tier} {name}", each["psi"]
        yield "score_psi", tier, run.found(SCORES)["tiers"][tier]["psi"]
        if last is None or tier not in (last.done(SCORES) or {"tiers": {}})["tiers"]:
            continue
        then = last.document(FEATURES, f"{tier}.json")
        for name, each in now["features"].items():
            if name in then["features"]:
                yield "missing_share_rise", f"{tier} {name}", each["missing"] - then["features"][name]["missing"]
        yield from _against(run, tier, (last.done(SCORES) or {})["tiers"][tier], (last.done(DECISIONS) or {})["tiers"])


def _against(
    run: Run, tier: str, scores: dict[str, Any], decisions: dict[str, Any]
) -> Iterator[tuple[str, str, float | None]]:
    """Tonight's shares against those of the last night."""
    mine = run.found(SCORES)["tiers"][tier]
    yield "suppliers_lost_share", tier, max(scores["suppliers"] - mine["suppliers"], 0) / max(scores["suppliers"], 1)
    yield "unscorable_share_change", tier, abs(_unscorable(mine) - _unscorable(scores))
    if tier in decisions:
        now, then = (_granted(each) for each in (run.found(DECISIONS)["tiers"][tier], decisions[tier]))
        yield "approval_rate_change", tier, abs(now - then)


def _unscorable(scores: dict[str, Any]) -> float:
    return float(1 - scores["scored"] / max(scores["suppliers"], 1))


def _granted(decisions: dict[str, Any]) -> float:
    return float(sum(decisions["outcomes"][each] for each in GRANTED) / max(decisions["decided"], 1))


def _accepted(night: Night) -> set[tuple[str, str]]:
    """What somebody has accepted, by check and what it is about."""
    return {(each["check"], each["about"]) for entry in night.accepted() for each in entry["findings"]}


def stopped(night: Night) -> list[dict[str, Any]]:
    """What stopped a night at a gate that it has not passed, but for what was accepted."""
    accepted = _accepted(night)
    noted = [night.noted(f"{gate}-stopped") for gate in (INPUT_GATE, RESULT_GATE) if not night.done(gate)]
    found = [each for findings in noted if findings for each in findings["findings"]]
    return [each for each in found if (each["check"], each["about"]) not in accepted]


def accept(run: Run, why: str, *, who: str) -> None:
    """Record that a second person accepts what stopped the night. Raises NightRefused."""
    if who == run.settings.started_by:
        raise NightRefused(f"{who} started the night", hint="another person looks at it and accepts it")
    if not why.strip():
        raise NightRefused("it has to be said why", hint='--accept "…"')
    findings = stopped(run.night)
    if not findings:
        raise NightRefused("nothing has stopped the night", hint="`credit nightly run` goes on without --accept")
    names = [{"check": each["check"], "about": each["about"], "value": each["value"]} for each in findings]
    run.night.accept({"who": who, "why": why, "findings": names})
