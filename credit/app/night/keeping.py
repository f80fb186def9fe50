"""What a night does to the book, and what it finds on the lines that stand."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import identity, sweeping, warning
from credit.app.agreements import close_ended
from credit.app.night.run import Run
from credit.domain.alerts import Alert
from credit.domain.errors import Locked

if TYPE_CHECKING:
    from data.nights import Night

STEP, ALERTS_STEP, ALERTS = "book", "alerts", "alerts.json"
# A month of nights: a reader opens a file a batch and table, and a compaction writes the whole ledger once more.
BATCHES_BESIDE = 31


def keep_book(run: Run, out: Path) -> dict[str, Any]:
    """Sweep what buyers paid into the draws, and close the lines whose last day is over.

    What is done by then is not done again, so that what came of it is noted and not sealed.
    """
    who = identity.who()
    swept = sweeping.sweep(run.home, run.settings.as_of, who=who)
    closed = close_ended(run.home, who=who)
    run.night.note(STEP, {"swept": len(swept["swept"]), "refused": swept["refused"], "closed": closed})
    return {}


def not_swept(night: Night) -> list[dict[str, str]]:
    """The payments that a night could not sweep into the draws, each with why: they are for a person."""
    return list((night.noted(STEP) or {"refused": []})["refused"])


def counted(night: Night) -> dict[str, int]:
    """What a night did to the book."""
    did = night.noted(STEP)
    return {} if did is None else {
        "swept": did["swept"], "not_swept": len(did["refused"]), "closed": len(did["closed"])
    }  # fmt: skip


def find_alerts(run: Run, out: Path) -> dict[str, Any]:
    """Find the alerts on all lines that stand, the worst first."""
    from data.durable import write_whole
    from data.nights import said

    lines = warning.watched(run.home, run.settings.as_of)
    found = warning.found(run.home, lines, run.settings.as_of, version=run.version)
    write_whole(out / ALERTS, said([asdict(each) for each in found]))
    counts = Counter(each.severity for each in found)
    return {"lines": len(lines), "alerts": len(found), "severities": dict(sorted(counts.items()))}


def raise_alerts(run: Run) -> None:
    """Raise in the book what is new of those that the night found, once, and stop the draws on lines that they freeze.

    They are read from what is sealed: what came to be known meanwhile is the next night's.
    """
    found = [Alert.read(each) for each in json.loads(run.night.path(ALERTS_STEP, ALERTS).read_text(encoding="utf-8"))]
    run.night.note("alerts", warning.raise_found(run.home, found, who=identity.who()))


def compact(run: Run) -> dict[str, Any] | None:
    """Compact the ledger once a month of batches lies beside the last compaction; where somebody imports, another night
    does it. Answers up to which version, or None."""
    from data.upkeep import compact as compact_ledger

    ledger = run.ledger
    last = ledger.compaction()
    if ledger.version - (last.upto if last else 0) < BATCHES_BESIDE:
        return None
    with contextlib.suppress(Locked):
        made = compact_ledger(ledger, progress=run.progress)
        return None if made is None else {"version": made.upto}
    return None
