"""The ledger: append-only event tables in Parquet, and the one door through which they are read.

An import is one batch: its files are written to the side, renamed in, and become part of the ledger when the batch's
own record is written, last. A reader opens only files that a batch record names, so an import that was killed at any
moment has either not happened or happened whole. The number of the last batch is the ledger's version; reading at an
older version gives what the ledger held then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from credit.domain.errors import EmptyLedger
from data.durable import exclusive, write_whole
from data.schema import CONSENTS, OUTCOMES, SOURCE_COLUMNS, SUPPLIERS, TABLES, Column, Kind, Table
from data.schema import table as table_named
from data.staging import literal, quoted

CONTENT = Column("content_hash", Kind.FEN, "first 60 bits of the SHA-256 of the row's content")
LOADED = Column("loaded_at", Kind.MOMENT, "when the row was imported, UTC; nothing reads it")
OWN_COLUMNS = (*SOURCE_COLUMNS, CONTENT, LOADED)

# `as_of` ends at midnight in China, where the platform works: 16:00 UTC.
DAY_ENDS = "INTERVAL 16 HOUR"

# Memory that one import or one reading may take before it spills to disk.
MEMORY_LIMIT = "1500MB"


@dataclass(frozen=True, slots=True)
class Batch:
    """One import: what was read, what became of it, and the files it added. Counts are by table."""

    number: int
    format: str
    tier: str
    lag_days: int
    loaded_at: str
    sources: list[dict[str, Any]]
    read: dict[str, int]
    imported: dict[str, int]
    duplicates: dict[str, int]
    quarantined: dict[str, int]
    corrections: dict[str, int] = field(default_factory=dict)
    first_day: dict[str, str] = field(default_factory=dict)
    last_day: dict[str, str] = field(default_factory=dict)


class Ledger:
    """A ledger in a folder; the folder is made by the first import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- what there is ---------------------------------------------------------------------------------------------

    def batches(self, version: int | None = None) -> list[Batch]:
        """The batches up to a version, oldest first."""
        records = sorted((self.folder / "batches").glob("*.json"))
        found = [Batch(**json.loads(record.read_text())) for record in records]
        return [batch for batch in found if version is None or batch.number <= version]

    @property
    def version(self) -> int:
        """The number of the last batch; 0 for a ledger that holds nothing."""
        numbers = [int(record.stem) for record in (self.folder / "batches").glob("*.json")]
        return max(numbers, default=0)

    def last_day(self, tier: str | None = None) -> date:
        """The last day of which the ledger knows an event, of one kind of data or of all. Raises EmptyLedger.

        Consents do not count: an analyst's entry of today must not make a history that ended years ago look stale.
        """
        days = [
            day
            for batch in self.batches()
            for name, day in batch.last_day.items()
            if tier in (None, batch.tier) and name != CONSENTS.name
        ]
        if not days:
            raise EmptyLedger(
                "the ledger holds no history" + (f" of kind {tier}" if tier else ""),
                hint="`credit ledger import FOLDER --format …` or `credit simulate platform`",
            )
        return date.fromisoformat(max(days))

    def tiers(self) -> list[str]:
        """The kinds of data that the ledger holds suppliers of."""
        return sorted({batch.tier for batch in self.batches() if batch.imported.get(SUPPLIERS.name)})

    # -- reading ---------------------------------------------------------------------------------------------------

    @contextmanager
    def known_on(self, cases: pd.DataFrame, *, version: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A view of the ledger as it was known for each case on the case's own date. The only door for readers.

        `cases` has a row for each question: `case_id` (unique), `supplier_id`, `as_of` (date) and, where the question
        is about one, `contract_id`. The connection it yields has one view a table, of the table's columns beside
        `case_id` and `as_of`: rows that had happened and were recorded by the end of `as_of`, less those that a
        correction recorded by then had replaced. Outcomes and names have no view.
        """
        with self._connect() as con:
            con.register("cases_frame", cases)
            con.execute("CREATE TEMP TABLE cases AS SELECT * REPLACE (CAST(as_of AS DATE) AS as_of) FROM cases_frame")
            batches = self.batches(version)
            for table in TABLES:
                if not (table.label or table.personal):
                    self._open(con, table, batches)
                    con.execute(_known_view(table, corrected=_has_corrections(table, batches)))
            yield con

    def suppliers(self, as_of: date, *, version: int | None = None, tier: str | None = None) -> pd.DataFrame:
        """One case for each supplier known on a date: `case_id`, `supplier_id`, `as_of`, `tier`, by supplier_id."""
        with self._connect() as con:
            self._open(con, SUPPLIERS, self.batches(version))
            return con.execute(
                f"""SELECT CAST(row_number() OVER (ORDER BY supplier_id) - 1 AS BIGINT) AS case_id, supplier_id,
                           CAST(? AS DATE) AS as_of, max_by(tier, (recorded_at, record_id)) AS tier
                    FROM all_suppliers
                    WHERE recorded_at < CAST(? AS DATE) + {DAY_ENDS} AND effective_on <= ? AND (? IS NULL OR tier = ?)
                    GROUP BY supplier_id ORDER BY supplier_id""",
                [as_of, as_of, as_of, tier, tier],
            ).df()

    def lookup(self, table: str, column: str, key: str, value: str) -> str | None:
        """One column of the row with that key, or None. To find out what a question is about, never to answer it."""
        with self._connect() as con:
            self._open(con, table_named(table), self.batches())
            query = f"SELECT any_value({quoted(column)}) FROM all_{table} WHERE {quoted(key)} = ?"
            row = con.execute(query, [value]).fetchone()
            return row[0] if row else None

    def tier_of(self, supplier_id: str) -> str | None:
        """The kind of data a supplier is known by, or None where nobody knows it."""
        return self.lookup("suppliers", "tier", "supplier_id", supplier_id)

    def nearest(self, table: str, column: str, value: str, count: int = 3) -> list[str]:
        """The ids in a column that are nearest in spelling to a value, for the hint of an error."""
        with self._connect() as con:
            self._open(con, table_named(table), self.batches())
            rows = con.execute(
                f"""SELECT DISTINCT {quoted(column)}, damerau_levenshtein({quoted(column)}, ?) AS steps
                    FROM all_{table} ORDER BY steps, 1 LIMIT ?""",
                [value, count],
            ).fetchall()
            return [row[0] for row in rows]

    def outcomes(self, target: str, *, known_on: date, version: int | None = None) -> pd.DataFrame:
        """Labels of a target as known on a date. For training and validation alone: no view of features has them.

        Columns `supplier_id`, `loan_id`, `contract_id`, `opened_on`, `matured_on` (both empty where undated),
        `happened`; ordered by outcome_id.
        """
        with self._connect() as con:
            self._open(con, OUTCOMES, self.batches(version))
            self._open(con, SUPPLIERS, self.batches(version))
            return con.execute(
                f"""SELECT supplier_id, loan_id, contract_id, opened_on, matured_on, happened, tier
                    FROM all_outcomes JOIN (SELECT supplier_id, any_value(tier) AS tier FROM all_suppliers GROUP BY 1)
                         USING (supplier_id)
                    WHERE target = ? AND recorded_at < CAST(? AS DATE) + {DAY_ENDS} ORDER BY outcome_id""",
                [target, known_on],
            ).df()

    @contextmanager
    def _connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        spill = self.folder / ".spill"
        con = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)})
        try:
            con.execute("SET TimeZone = 'UTC'")
            yield con
        finally:
            con.close()

    def _open(self, con: duckdb.DuckDBPyConnection, table: Table, batches: list[Batch]) -> None:
        """Make `all_<table>` the rows of those batches, known or not; for this class and the importer alone."""
        files = [literal(str(self.file(table.name, b.number))) for b in batches if b.imported.get(table.name)]
        columns = (*table.columns, *OWN_COLUMNS)
        if files:
            names = ", ".join(quoted(c.name) for c in columns)
            source = f"SELECT {names} FROM read_parquet([{', '.join(files)}])"
        else:
            source = "SELECT " + ", ".join(f"NULL::{c.kind} AS {quoted(c.name)}" for c in columns) + " WHERE false"
        con.execute(f"CREATE OR REPLACE TEMP VIEW all_{table.name} AS {source}")

    # -- writing ---------------------------------------------------------------------------------------------------

    def file(self, table: str, number: int) -> Path:
        """Where a batch keeps its rows of a table; DuckDB and Spark read the folders as Hive partitions."""
        return self.folder / "tables" / table / f"batch={number:06d}" / "part-0.parquet"

    def quarantine_file(self, number: int) -> Path:
        """Where a batch keeps the rows it could not read."""
        return self.folder / "quarantine" / f"batch={number:06d}.parquet"

    @contextmanager
    def writing(self) -> Iterator[int]:
        """Hold the writer's lock; yields the number of the next batch. Raises Locked."""
        with exclusive(self.folder / ".lock", "ledger"):
            yield self.version + 1

    def commit(self, batch: Batch) -> None:
        """Make a batch part of the ledger: the one moment at which its rows come to exist."""
        record = json.dumps(asdict(batch), ensure_ascii=False, indent=1, sort_keys=True)
        write_whole(self.folder / "batches" / f"{batch.number:06d}.json", record.encode())

    def quarantine(self) -> pd.DataFrame:
        """The rows that no import could read: batch, table, file, line, column, value, problem, hint."""
        files = [self.quarantine_file(b.number) for b in self.batches() if any(b.quarantined.values())]
        frames = [pd.read_parquet(file).assign(batch=int(file.stem[6:])) for file in files if file.exists()]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def loaded_text(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, whole seconds, no zone."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _has_corrections(table: Table, batches: list[Batch]) -> None:
    return any(batch.corrections.get(table.name) for batch in batches)


def _known_view(table: Table, *, corrected: bool) -> str:
    by_supplier = "supplier_id" in table.names
    rest = ", ".join(f"t.{quoted(c)}" for c in (*table.names, "record_id"))
    cases = "cases AS c" if by_supplier else "(SELECT case_id, as_of FROM cases) AS c"
    join = "USING (supplier_id)" if by_supplier else "ON true"
    still_stands = (
        f"""AND NOT EXISTS (SELECT 1 FROM all_{table.name} AS later
                            WHERE later.replaces = t.record_id AND later.recorded_at < c.as_of + {DAY_ENDS})"""
        if corrected
        else ""
    )
    return f"""CREATE TEMP VIEW {table.name} AS SELECT c.case_id, c.as_of, {rest}
               FROM all_{table.name} AS t JOIN {cases} {join}
               WHERE t.recorded_at < c.as_of + {DAY_ENDS} AND t.{table.on} <= c.as_of {still_stands}"""
