"""Events that somebody enters by hand: recorded today, through the same door into the ledger as every import."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from credit.app.clock import day_of
from credit.app.home import Home
from credit.domain.errors import CreditError

# A kind of source of its own: an entry of today does not say that the platform's feed is fresh, nor that it has the
# table at all.
ENTERED = "entered"


def event_id(*parts: str) -> str:
    """An id that no other event has, readable by what it is about."""
    return "-".join((*parts, uuid4().hex[:12]))


def record_events(home: Home, table: str, events: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """Record events of one table that happen at a moment: `happened_on` and `recorded_at` are its own.

    Raises CreditError where one could not be recorded, Locked while an import runs.
    """
    from data.formats import format_named
    from data.importing import import_history

    rows = [{**event, "happened_on": str(day_of(at)), "recorded_at": at.isoformat()} for event in events]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{table}.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        fmt = replace(format_named("platform"), name=ENTERED, tier=ENTERED)
        summary = import_history(home.ledger(), fmt, file, loaded_at=at)
    if sum(each.imported for each in summary.tables) != len(rows):
        raise CreditError(f"the entry in {table} was not recorded", hint="`credit ledger summary` shows the quarantine")
