"""What the night looked like beside those before: the document, the page for people, and figures for tracking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from credit.app.night.monitoring.page import page
from credit.app.night.monitoring.report import report
from credit.app.night.run import Run

REPORT, PAGE = "report.json", "report.html"


def write_report(run: Run, out: Path) -> dict[str, Any]:
    """Write the night's report, and the same as a page."""
    from data.durable import write_whole
    from data.nights import said

    document = report(run)
    write_whole(out / REPORT, said(document))
    write_whole(out / PAGE, page(document).encode())
    return {"warnings": len(document["quality"]["findings"])}


def metrics(document: dict[str, Any]) -> dict[str, float]:
    """The figures of a night as tracking keeps them, by a name with dots."""
    found: dict[str, float | None] = {}
    for tier, each in document["tiers"].items():
        tonight, drift = each["population"][-1], each["drift"]
        for name in ("suppliers", "scored", "psi", "pd_mean", "granted_fen"):
            found[f"{tier}.{name}"] = tonight[name]
        for outcome, count in tonight["outcomes"].items():
            found[f"{tier}.outcome.{outcome}"] = count
        for row in each["scores"]["grades"]:
            found[f"{tier}.grade.{row['grade']}"] = row["suppliers"]
        found[f"{tier}.features_above_warn"] = drift["above_warn"]
        found[f"{tier}.features_above_stop"] = drift["above_stop"]
        for name, amounts in each["concentration"].items():
            found[f"{tier}.herfindahl.{name}"] = amounts["herfindahl"]
        for name in ("matured", "bad", "expected"):
            found[f"{tier}.calibration.{name}"] = document["calibration"]["tiers"][tier][name]
        found[f"{tier}.feed_age_days"] = document["quality"]["feed_age_days"][tier]
    for row in document["vintages"]:
        found[f"vintage.{row['quarter']}.bad_share"] = row["bad"] / row["draws"]
    for row in document["rolls"]:
        found[f"roll.{row['bucket'].rstrip('+')}.worse"] = row["worse"]
    found["alerts"] = document["alerts"]["tonight"]["alerts"]
    found["alerts_open"] = sum(row["open"] for row in document["alerts"]["by_rule"])
    found["overrides"] = sum(row["overrides"] for row in document["overrides"]["by_code"])
    found["warnings"] = len(document["quality"]["findings"])
    for bank, each in document["banks"].items():
        found[f"bank.{bank}.rows"] = each["rows"]
    return {name: float(value) for name, value in found.items() if value is not None}
