"""What the night looked like beside those before: figures for machines, tracking and the page for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from credit.app.night.computing import DECISIONS, SCORES
from credit.app.night.gate import INPUT_GATE, RESULT_GATE
from credit.app.night.run import Run

REPORT = "report.json"


def write_report(run: Run, out: Path) -> dict[str, Any]:
    """Write the night's figures."""
    from data.durable import write_whole
    from data.nights import said

    document = {
        "as_of": str(run.settings.as_of),
        "ledger_version": run.version,
        "models": {tier: dict(each) for tier, each in run.settings.models.items()},
        "imported": run.found("import")["imported"],
        "quarantined": run.found("import")["quarantined"],
        "warnings": [*run.found(INPUT_GATE)["findings"], *run.found(RESULT_GATE)["findings"]],
        "scores": {tier: _figures(each) for tier, each in run.found(SCORES)["tiers"].items()},
        "decisions": run.found(DECISIONS)["tiers"],
        "alerts": run.found("alerts"),
        "banks": run.found("bank-files")["banks"],
    }
    write_whole(out / REPORT, said(document))
    return {"warnings": len(document["warnings"])}


def _figures(scores: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in scores.items() if name != "bins"}


def metrics(document: dict[str, Any]) -> dict[str, float]:
    """The figures of a night as tracking keeps them, by a name with dots."""
    found: dict[str, float] = {}
    for tier, scores in document["scores"].items():
        for name in ("suppliers", "scored", "psi", "pd_mean"):
            if scores[name] is not None:
                found[f"{tier}.{name}"] = float(scores[name])
        for grade, count in scores["grades"].items():
            found[f"{tier}.grade.{grade}"] = float(count)
    for tier, decisions in document["decisions"].items():
        found[f"{tier}.granted_fen"] = float(decisions["granted_fen"])
        for outcome, count in decisions["outcomes"].items():
            found[f"{tier}.outcome.{outcome}"] = float(count)
    found["alerts"] = float(document["alerts"]["alerts"])
    found["warnings"] = float(len(document["warnings"]))
    for bank, each in document["banks"].items():
        found[f"bank.{bank}.rows"] = float(each["rows"])
    return found
