"""Show on anybody's own ledger that no feature reads the future.

A copy of the ledger is told more: what the suppliers did before happens again after `as_of`, and once more before it
but recorded too late to be known. Every feature of that day has to come out as it did, to the last digit.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pandas as pd

from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.schema import MERGES, TABLES, Kind, Table
from data.staging import literal, quoted
from features.engine import build_cases

# So many rows of each supplier and table happen again, each within so many days.
ROWS_EACH = 20
WITHIN_DAYS = 30
# Midnight in China, with which the day after begins, in UTC.
NEXT_DAY = time(16)


@dataclass(frozen=True, slots=True)
class LeakageCheck:
    """What was added to the copy, by table, and how many values of each feature moved, of so many suppliers asked."""

    as_of: date
    suppliers: int
    features: int
    added: dict[str, int]
    moved: dict[str, int]


def check_leakage(ledger: Ledger, as_of: date, *, tier: str, sample: int, seed: int, scratch: Path) -> LeakageCheck:
    """Build the features of some suppliers before and after the future is added to a copy of the ledger in `scratch`.

    The copy links to the ledger's files, which stay as they are.
    """
    everyone = ledger.suppliers(as_of, tier=tier)
    cases = everyone.sample(min(sample, len(everyone)), random_state=seed).reset_index(drop=True)
    before = build_cases(ledger, cases, tier=tier)
    copy = _linked(ledger, scratch / "ledger")
    future = scratch / "future"
    future.mkdir()
    _write_future(ledger, future, cases["supplier_id"], as_of, tier)
    loaded_at = datetime.combine(as_of + timedelta(days=2 * WITHIN_DAYS), time())
    told = import_history(copy, format_named("platform"), future, loaded_at=loaded_at)
    after = build_cases(copy, cases, tier=tier)
    moved = ((before != after) & ~(before.isna() & after.isna())).sum()
    return LeakageCheck(
        as_of=as_of,
        suppliers=len(cases),
        features=before.shape[1],
        added={table.table: table.imported for table in told.tables if table.imported},
        moved={str(name): int(count) for name, count in moved.items() if count},
    )


def _linked(ledger: Ledger, folder: Path) -> Ledger:
    """A ledger that holds what another does, by links; what is written to it is its own."""
    for part in ("batches", "compactions", "erasures"):
        if (ledger.folder / part).exists():
            shutil.copytree(ledger.folder / part, folder / part)
    for part in ("tables", "waiting", "quarantine"):
        for file in (ledger.folder / part).rglob("*.parquet"):
            link = folder / file.relative_to(ledger.folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.resolve())
    return Ledger(folder, memory=ledger.memory)


def _write_future(ledger: Ledger, folder: Path, suppliers: pd.Series, as_of: date, tier: str) -> None:
    batches = ledger.batches()
    # A table that was never read says nothing; one that was, without a row, says that there was nothing.
    read = {name for batch in batches if batch.tier == tier for name in batch.read}
    with ledger.connection() as con:
        con.register("asked", suppliers.to_frame())
        # Who is merged is another supplier, whose own history would have to be added too.
        for table in (t for t in TABLES if t.has_supplier and t is not MERGES and t.readable):
            if table.name not in read:
                continue
            again = _again_sql(table, ledger.rows(table, batches), as_of)
            con.execute(f"COPY ({again}) TO {literal(str(folder / f'{table.name}.parquet'))} (FORMAT parquet)")


def _again_sql(table: Table, rows: str, as_of: date) -> str:
    """The SQL for a supplier's rows that happen again: once after the day, once before it but recorded after it."""
    on, day = quoted(table.on), f"DATE '{as_of}'"
    days = f"CAST(1 + hash({', '.join(map(quoted, table.names))}) % {WITHIN_DAYS} AS INTEGER)"
    recorded = f"TIMESTAMP '{datetime.combine(as_of, NEXT_DAY)}' + to_days({days})"

    def told(name: str, happened: str, recorded_at: str) -> str:
        changed = {table.on: happened}
        if table.key:
            changed[table.key] = f"{quoted(table.key)} || '~{name}'"
        changed |= {c.name: f"3 * {quoted(c.name)}" for c in table.columns if c.kind is Kind.FEN}
        columns = ", ".join(f"{changed.get(c, quoted(c))} AS {quoted(c)}" for c in table.names)
        return f"SELECT {columns}, {recorded_at} AS recorded_at FROM picked"

    return f"""
        WITH picked AS (
            SELECT * FROM ({rows}) SEMI JOIN asked USING (supplier_id) WHERE {on} <= {day}
            QUALIFY row_number() OVER (PARTITION BY supplier_id ORDER BY {on} DESC, record_id) <= {ROWS_EACH})
        {told("later", f"{day} + {days}", recorded)}
        UNION ALL {told("late", f"{on} - {days}", f"TIMESTAMP '{datetime.combine(as_of, NEXT_DAY)}'")}"""
