"""What the ledger holds, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credit.domain.errors import EmptyLedger

if TYPE_CHECKING:
    from data.ledger import Ledger

# The quarantine is listed up to so many rows; its file holds all.
LISTED_PROBLEMS = 20


def ledger_summary(ledger: Ledger) -> dict[str, Any]:
    """Tables with rows and dates, the last import and the quarantine. Raises EmptyLedger."""
    from data.quarantine import describe
    from data.waiting import WAITING

    batches = ledger.batches()
    if not batches:
        raise EmptyLedger("the ledger holds no history", hint="`credit ledger import` or `credit simulate platform`")
    names = sorted({name for batch in batches for name, rows in batch.imported.items() if rows})
    tables = [
        {
            "table": name,
            "rows": sum(batch.imported.get(name, 0) for batch in batches),
            "first_day": min((b.first_day[name] for b in batches if name in b.first_day), default=None),
            "last_day": max((b.last_day[name] for b in batches if name in b.last_day), default=None),
        }
        for name in names
    ]
    quarantine = ledger.quarantine()
    listed = quarantine.head(LISTED_PROBLEMS).astype(object)
    rows = listed.where(listed.notna(), None).to_dict("records")
    last = next(batch for batch in reversed(batches) if batch.format != WAITING)
    return {
        "version": ledger.version,
        "tables": tables,
        "last_import": {"loaded_at": last.loaded_at, "format": last.format, "batch": last.number},
        "quarantined": len(quarantine),
        "quarantine": [f"{describe({str(k): v for k, v in row.items()})}; {row['hint']}" for row in rows],
    }
