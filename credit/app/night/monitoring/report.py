"""The report of a night as one document: the page, the JSON and tracking say the same numbers.

It stands on what is sealed with the night, on the ledger in the night's version, and on the book as it was at the end
of the night's day, so that it is the same whenever it is asked for.
"""

from __future__ import annotations

from typing import Any

from credit.app.night.monitoring import book, firms, lending, scored
from credit.app.night.run import Run


def report(run: Run) -> dict[str, Any]:
    """The document of a night whose steps before this one are done."""
    return {
        "as_of": str(run.settings.as_of),
        "ledger_version": run.version,
        "models": {tier: dict(each) for tier, each in run.settings.models.items()},
        "nights": 1 + len(run.before()),
        "tiers": {tier: scored.scored(run, tier) | firms.included(run, tier) for tier in run.tiers},
        **lending.lent(run),
        **book.booked(run),
        "quality": scored.quality(run),
        "banks": run.found("bank-files")["banks"],
    }
