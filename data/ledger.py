"""The ledger: append-only event tables in Parquet, and the one door through which they are read.

An import is one batch: its files are written to the side, renamed in, and become part of the ledger when the batch's
own record is written, last. A reader opens only files that a batch record names, so an import that was killed at any
moment has either not happened or happened whole. The number of the last batch is the ledger's version; reading at an
older version gives what the ledger held then.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import duckdb
import pandas as pd

from credit.domain.errors import EmptyLedger, StoreDamaged
from credit.domain.money import BOOK_CURRENCY
from data.batches import Batch, Compaction, SourceKind, fed_by, last_compaction, read_batch
from data.door import (
    CASE_SUPPLIERS,
    case_suppliers_sql,
    everyone_sql,
    standing_merges_sql,
    stands_on,
    view_sql,
)
from data.durable import exclusive, sha256_of, write_whole
from data.groups import connected, gone_on_as
from data.quarantine import HINTS
from data.schema import (
    CONSENTS,
    GROUP_TIES,
    MERGES,
    OUTCOMES,
    OWN_COLUMNS,
    RECORD_ID,
    RELATIONS,
    SUPPLIERS,
    TABLES,
    Table,
)
from data.schema import table as table_named
from data.staging import literal, parquet, quoted

# Which of a supplier's registrations holds: the latest, as every reader of them sees it.
LAST_REGISTERED = "effective_on, record_id"

# What a question says; nothing else of the caller's frame, such as a label beside it, comes through the door.
CASE_COLUMNS = ("case_id", "supplier_id", "as_of", "contract_id")

# The column in which a compacted file says which batch brought a row.
IMPORTED_IN = "imported_in"

# The columns of a row that waits which say where it came from, and what they are called in the quarantine.
SET_ASIDE = {
    "source_file": "file",
    "source_line": "line",
    "source_column": "column",
    "source_value": "value",
    "problem": "problem",
}

# Memory that one import or one reading may take before it spills to disk.
MEMORY_LIMIT = "1500MB"


@dataclass(frozen=True, slots=True)
class Known:
    """The ledger as it was known for each case on the case's own date, while the door is open.

    `con` has a view a table of events, of the table's columns beside `case_id` and `as_of`, and the table `cases`.
    `cases` is the frame that was asked; `fed` tells which tables the data of a tier has been read for, even where they
    held no row.
    """

    con: duckdb.DuckDBPyConnection
    cases: pd.DataFrame
    batches: list[Batch]

    def fed(self, tier: str) -> frozenset[str]:
        """The tables that the data of a tier has been read for."""
        return fed_by(self.batches, tier)


class Ledger:
    """A ledger in a folder; the folder is made by the first import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._compacted: tuple[int, Compaction | None] = (-1, None)

    # -- what there is ---------------------------------------------------------------------------------------------

    def batches(self, version: int | None = None) -> list[Batch]:
        """The batches up to a version, oldest first."""
        records = sorted((self.folder / "batches").glob("*.json"))
        found = [read_batch(record) for record in records]
        return [batch for batch in found if version is None or batch.number <= version]

    @property
    def version(self) -> int:
        """The number of the last batch; 0 for a ledger that holds nothing."""
        numbers = [int(record.stem) for record in (self.folder / "batches").glob("*.json")]
        return max(numbers, default=0)

    def fingerprint(self, version: int) -> str:
        """A SHA-256 over what the batches up to a version say, the hashes of their files among it."""
        digest = sha256()
        for record in sorted((self.folder / "batches").glob("*.json")):
            if int(record.stem) <= version:
                digest.update(record.read_bytes())
        return digest.hexdigest()

    def last_day(self, tier: str | None = None, *, version: int | None = None) -> date:
        """The last day of which the ledger knows an event, of one kind of data or of all. Raises EmptyLedger.

        Consents do not count: an analyst's entry of today must not make a history that ended years ago look stale.
        """
        days = [
            day
            for batch in self.batches(version)
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

    def damaged(self, version: int | None = None) -> list[str]:
        """The files of the ledger that are no longer what their batch wrote, each with what is wrong with it."""
        compaction = self.compaction()
        written = {
            self.file(table, batch.number): sha256
            for batch in self.batches(version)
            if compaction is None or batch.number > compaction.upto
            for table, sha256 in batch.sha256.items()
        }
        if compaction is not None:
            written |= {self.compacted_file(table, compaction.upto): sha for table, sha in compaction.sha256.items()}
        batches = self.batches()
        for (_, table), number in self._waiting(batches).items():
            sha = next(batch for batch in batches if batch.number == number).waiting_sha256.get(table)
            written |= {self.waiting_file(table, number): sha} if sha else {}
        wrong = []
        for file, digest in written.items():
            if not file.is_file():
                wrong.append(f"{file.relative_to(self.folder)} is gone")
            elif sha256_of(file) != digest:
                wrong.append(f"{file.relative_to(self.folder)} is not the file that was imported")
        return wrong

    # -- reading ---------------------------------------------------------------------------------------------------

    @contextmanager
    def known_on(
        self,
        cases: pd.DataFrame,
        *,
        version: int | None = None,
        currency: str = BOOK_CURRENCY,
        tables: tuple[Table, ...] = TABLES,
        beside: Mapping[str, list[Path]] = MappingProxyType({}),
        threads: int | None = None,
        dated: bool = False,
    ) -> Iterator[Known]:
        """A view of the ledger as it was known for each case on the case's own date. The only door for readers.

        `cases` has a row for each question: `case_id` (unique), `supplier_id`, `as_of` (date) and, where the question
        is about one, `contract_id`. What is known are the rows that had happened and were recorded by the end of
        `as_of`, less those that a correction or restatement recorded by then had replaced. Outcomes and names have no
        view. Rows with amounts are those in `currency`: amounts of two currencies are never added up. Who reads few
        `tables` names them, and waits for no others to be opened. Files `beside` the ledger, computed from what this
        door has shown, have a view by their name. Who reads in several threads says how many each may use. With `dated`
        each row also says since which day it has been known, `known_on`.
        """
        with self.connection(threads) as con:
            batches = self.batches(version)
            readable = [table for table in tables if table.readable]
            self._ask(con, cases, batches)
            for table in readable:
                rows, corrected = self.rows(table, batches), self.corrected(table, batches)
                seen = view_sql(table, rows, corrected=corrected, currency=currency, dated=dated)
                con.execute(f"CREATE TEMP VIEW {table.name} AS {seen}")
            for name, files in beside.items():
                con.execute(f"CREATE TEMP VIEW {name} AS FROM {parquet(*files)}")
            files = [file for table in readable for file in self._files(table, batches)]
            self._close_paths(con, [*files, *(file for listed in beside.values() for file in listed)])
            yield Known(con, cases, batches)

    def _ask(self, con: duckdb.DuckDBPyConnection, cases: pd.DataFrame, batches: list[Batch]) -> None:
        """Make the relations of what is asked: `cases`, their `days`, and the ids of each case's supplier."""
        if cases["case_id"].duplicated().any():
            raise ValueError("two cases have the same case_id")
        if "contract_id" not in cases.columns:
            cases = cases.assign(contract_id=None).astype({"contract_id": "str"})
        con.register("cases_frame", cases[list(CASE_COLUMNS)])
        con.execute("CREATE TEMP TABLE cases AS SELECT * REPLACE (CAST(as_of AS DATE) AS as_of) FROM cases_frame")
        con.unregister("cases_frame")
        con.execute("CREATE TEMP VIEW days AS SELECT DISTINCT as_of FROM cases")
        merges = self.rows(MERGES, batches) if self._files(MERGES, batches) else None
        theirs = case_suppliers_sql(merges, corrected=self.corrected(MERGES, batches))
        con.execute(f"CREATE TEMP {'VIEW' if merges is None else 'TABLE'} {CASE_SUPPLIERS} AS {theirs}")

    def case_suppliers(self, cases: pd.DataFrame, *, version: int | None = None) -> pd.DataFrame:
        """The ids that each case's supplier goes by, as known on its date: case_id, as_of, asked_id, supplier_id."""
        with self.connection() as con:
            self._ask(con, cases, self.batches(version))
            return con.execute(f"SELECT case_id, as_of, asked_id, supplier_id FROM {CASE_SUPPLIERS} ORDER BY ALL").df()

    @contextmanager
    def everyone_on(
        self,
        days: Sequence[date],
        *,
        tables: tuple[Table, ...],
        version: int | None = None,
        currency: str = BOOK_CURRENCY,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The same door, for what is about all suppliers together: the tables' rows as known on each of these days.

        The views are those of `known_on` but for `case_id`: beside each row stands the `as_of` that it was known on.
        """
        with self.connection() as con:
            con.execute("CREATE TEMP TABLE days AS SELECT unnest(CAST(? AS DATE[])) AS as_of", [list(days)])
            batches = self.batches(version)
            for table in map(readable, tables):
                rows, corrected = self.rows(table, batches), self.corrected(table, batches)
                seen = everyone_sql(table, rows, corrected=corrected, currency=currency)
                con.execute(f"CREATE TEMP VIEW {table.name} AS {seen}")
            self._close_paths(con, [file for table in tables for file in self._files(table, batches)])
            yield con

    def _close_paths(self, con: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
        """Let a connection open these files alone: no labels, no names, nothing else that lies on the disk."""
        # DuckDB asks about a path twice: as the SQL writes it, and as it is.
        allowed = sorted({path for file in files for path in (str(file), glob.escape(str(file)))})
        con.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
        con.execute("SET enable_external_access = false")

    def suppliers(self, as_of: date, *, version: int | None = None, tier: str | None = None) -> pd.DataFrame:
        """One case for each supplier known on a date: `case_id`, `supplier_id`, `as_of`, `tier`, by supplier_id.

        With `tier`, the suppliers that have ever registered with that kind of data. Of ids merged by then, the one
        that the supplier goes on as.
        """
        batches = self.batches(version)
        last = f"max_by(tier, ({LAST_REGISTERED}))" if tier is None else "$tier"
        with self.connection() as con:
            listed = con.execute(
                f"""SELECT supplier_id, {last} AS tier FROM ({self.rows(SUPPLIERS, batches)}) AS t
                    WHERE effective_on <= $as_of AND ($tier IS NULL OR tier = $tier)
                      AND {self._stands_on("CAST($as_of AS DATE)", SUPPLIERS, batches)}
                    GROUP BY supplier_id ORDER BY supplier_id""",
                {"as_of": as_of, "tier": tier},
            ).df()
        listed.insert(1, "as_of", pd.Timestamp(as_of).as_unit("us"))
        listed = listed[~listed["supplier_id"].isin(list(self.gone_on_as(as_of, version=version)))]
        listed = listed.reset_index(drop=True)
        listed.insert(0, "case_id", range(len(listed)))
        return listed

    def gone_on_as(self, day: date, *, version: int | None = None) -> dict[str, str]:
        """The ids that no supplier goes by any more, as known on a day, each with the one that it goes on as."""
        merges = self._merges(day, version)
        return gone_on_as(merges["supplier_id"], merges["merged_id"])

    def identities(self, day: date, *, version: int | None = None) -> pd.Series[int]:
        """The number of the supplier that each id stands for which was found to be one with another, by id."""
        merges = self._merges(day, version)
        return connected(merges["supplier_id"], merges["merged_id"])

    def _merges(self, day: date, version: int | None) -> pd.DataFrame:
        batches = self.batches(version)
        if not self._files(MERGES, batches):
            return pd.DataFrame({"supplier_id": [], "merged_id": []}, dtype="str")
        with self.connection() as con:
            return con.execute(self._merges_on("CAST($day AS DATE)", batches), {"day": day}).df()

    def _merges_on(self, day: str, batches: list[Batch]) -> str:
        days = f"(SELECT {day} AS as_of)"
        return standing_merges_sql(self.rows(MERGES, batches), days, corrected=self.corrected(MERGES, batches))

    def groups(self, as_of: date, *, version: int | None = None) -> pd.DataFrame:
        """Connected firms as known on a date: `supplier_id` and `group_id`, the least id of the group, by supplier_id.

        Firms are connected where one controls the other, the same firm or person controls both, or one person is
        responsible for both (46号 Art. 2; 大额风险暴露办法 on connected clients), and where ids are one by a merge. A
        firm that is tied to nobody is not listed.
        """
        batches = self.batches(version)
        with self.connection() as con:
            ties = con.execute(
                f"""SELECT supplier_id, related_id FROM ({self.rows(RELATIONS, batches)}) AS t
                    WHERE tie IN {GROUP_TIES} AND happened_on <= $as_of
                      AND {self._stands_on("CAST($as_of AS DATE)", RELATIONS, batches)}
                    QUALIFY row_number() OVER (PARTITION BY supplier_id, related_id, tie
                                               ORDER BY happened_on DESC, recorded_at DESC, record_id DESC) = 1
                        AND kind = 'BEGAN'
                    UNION SELECT supplier_id, merged_id
                    FROM ({self._merges_on("CAST($as_of AS DATE)", batches)})""",
                {"as_of": as_of},
            ).df()
            registered = con.execute(f"SELECT DISTINCT supplier_id FROM ({self.rows(SUPPLIERS, batches)})").df()
        groups = connected(ties["supplier_id"], ties["related_id"]).reset_index()
        firms = groups[groups["supplier_id"].isin(registered["supplier_id"])].reset_index(drop=True)
        return firms.assign(group_id=firms.groupby("group")["supplier_id"].transform("min")).drop(columns="group")

    def lookup(self, table: str, column: str, key: str, value: str) -> str | None:
        """One column of the row with that key that was recorded last, or None.

        To find out what a question is about, never to answer it. Raises KeyError for a table of labels or names.
        """
        with self.connection() as con:
            rows = self.rows(readable(table_named(table)), self.batches())
            row = con.execute(
                f"""SELECT {quoted(column)} FROM ({rows}) WHERE {quoted(key)} = ?
                    ORDER BY recorded_at DESC, record_id DESC LIMIT 1""",
                [value],
            ).fetchone()
            return row[0] if row else None

    def tiers_of(self, supplier_ids: Sequence[str]) -> dict[str, str]:
        """The kind of data that each supplier is known by, of those that anybody knows."""
        with self.connection() as con:
            rows = con.execute(
                f"""SELECT supplier_id, max_by(tier, (recorded_at, record_id))
                    FROM ({self.rows(SUPPLIERS, self.batches())})
                    WHERE supplier_id IN (SELECT unnest(CAST(? AS VARCHAR[]))) GROUP BY supplier_id""",
                [list(supplier_ids)],
            ).fetchall()
            return dict(rows)

    def nearest(self, table: str, column: str, value: str, count: int = 3) -> list[str]:
        """The ids in a column that are nearest in spelling to a value, for the hint of an error.

        Raises KeyError for a table of labels or names.
        """
        with self.connection() as con:
            rows = con.execute(
                f"""SELECT DISTINCT {quoted(column)}, damerau_levenshtein({quoted(column)}, ?) AS steps
                    FROM ({self.rows(readable(table_named(table)), self.batches())}) WHERE {quoted(column)} IS NOT NULL
                    ORDER BY steps, 1 LIMIT ?""",
                [value, count],
            ).fetchall()
            return [row[0] for row in rows]

    def outcomes(self, target: str, *, known_on: date, version: int | None = None) -> pd.DataFrame:
        """Labels of a target as known on a date. For training and validation alone: no view of features has them.

        Columns `outcome_id`, `supplier_id`, `loan_id`, `contract_id`, `opened_on`, `matured_on` (both empty where
        undated), `happened`, `tier`; ordered by outcome_id.
        """
        batches = self.batches(version)
        with self.connection() as con:
            return con.execute(
                f"""SELECT outcome_id, supplier_id, loan_id, contract_id, opened_on, matured_on, happened, tier
                    FROM ({self.rows(OUTCOMES, batches)}) AS t
                    JOIN (SELECT supplier_id, max_by(tier, ({LAST_REGISTERED})) AS tier
                          FROM ({self.rows(SUPPLIERS, batches)}) GROUP BY supplier_id) USING (supplier_id)
                    WHERE target = $target AND {self._stands_on("CAST($known_on AS DATE)", OUTCOMES, batches)}
                    ORDER BY outcome_id""",
                {"target": target, "known_on": known_on},
            ).df()

    # -- the rows themselves, for what writes or watches them or reads them with another engine --------------------

    @contextmanager
    def connection(self, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection in UTC that spills beside the ledger and sees no variable of the program."""
        spill = self.folder / ".spill" / f"{os.getpid()}-{uuid4().hex}"
        if self.folder.exists():
            spill.mkdir(parents=True)
        con = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)})
        try:
            con.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
            if threads is not None:
                con.execute(f"SET threads = {threads}")
            # Files of the ledger are never changed; their footers are read once, however many queries look at them.
            con.execute("SET parquet_metadata_cache = true")
            # What a long query has done so far can be asked for; DuckDB itself prints nothing.
            con.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
            yield con
        except duckdb.Error as error:
            damaged = self.damaged()
            if damaged:
                raise StoreDamaged(f"the ledger is damaged: {damaged[0]}") from error
            raise
        finally:
            con.close()
            shutil.rmtree(spill, ignore_errors=True)

    def rows(
        self,
        table: Table,
        batches: list[Batch],
        read: Callable[[Sequence[Path]], str] = lambda files: parquet(*files),
        *,
        after: int = 0,
    ) -> str:
        """The SQL for all rows of those batches, whenever they were recorded; `read` is the SQL that reads files.

        With `after`, the rows that later batches than that brought.
        """
        parts = []
        compaction = self.compaction()
        if compaction is not None and table.name in compaction.tables and after < compaction.upto:
            held = read([self.compacted_file(table.name, compaction.upto)])
            last = max((batch.number for batch in batches), default=0)
            within = after or last < compaction.upto
            parts.append(f"{held} WHERE {IMPORTED_IN} > {after} AND {IMPORTED_IN} <= {last}" if within else held)
        if files := self._batch_files(table, [batch for batch in batches if batch.number > after]):
            parts.append(read(files))
        if not parts:
            columns = (*table.columns, *OWN_COLUMNS)
            return (
                "SELECT " + ", ".join(f"CAST(NULL AS {c.kind}) AS {quoted(c.name)}" for c in columns) + " WHERE false"
            )
        return " UNION ALL ".join(f"SELECT {_names(table)} FROM {part}" for part in parts)

    def _files(self, table: Table, batches: list[Batch]) -> list[Path]:
        compaction = self.compaction()
        held = compaction is not None and table.name in compaction.tables
        compacted = [self.compacted_file(table.name, compaction.upto)] if compaction and held else []
        return compacted + self._batch_files(table, batches)

    def _batch_files(self, table: Table, batches: list[Batch]) -> list[Path]:
        compaction = self.compaction()
        upto = compaction.upto if compaction else 0
        return [self.file(table.name, b.number) for b in batches if b.number > upto and b.imported.get(table.name)]

    def corrected(self, table: Table, batches: list[Batch]) -> bool:
        """Whether these batches say of any row of the table that it takes the place of another."""
        return any(batch.corrections.get(table.name) for batch in batches)

    def _stands_on(self, day: str, table: Table, batches: list[Batch]) -> str:
        return stands_on(day, self.rows(table, batches), corrected=self.corrected(table, batches))

    def files(self, table: str) -> list[Path]:
        """The files that hold a table's rows now, for readers outside of this program.

        Beside them may lie what an import left that was cut off, or what a compaction replaced. Raises KeyError for a
        table of labels or names.
        """
        return self._files(readable(table_named(table)), self.batches())

    # -- writing ---------------------------------------------------------------------------------------------------

    def file(self, table: str, number: int) -> Path:
        """Where a batch keeps its rows of a table; the folders are Hive partitions."""
        return self.folder / "tables" / table / _partition(number) / "part-0.parquet"

    def quarantine_file(self, number: int) -> Path:
        """Where a batch keeps the rows it could not read."""
        return self.folder / "quarantine" / f"{_partition(number)}.parquet"

    def waiting_file(self, table: str, number: int) -> Path:
        """Where a batch keeps all rows of a table that wait for what they name; no reader sees them."""
        return self.folder / "waiting" / _partition(number) / f"{table}.parquet"

    def _waiting(self, batches: list[Batch]) -> dict[tuple[SourceKind, str], int]:
        """The batch that keeps the rows of each kind and table that wait; of a table where none does there is none."""
        last = {(batch.kind, table): batch for batch in batches for table in batch.waiting}
        return {(kind, table): batch.number for (kind, table), batch in last.items() if batch.waiting[table]}

    def waiting(self) -> dict[SourceKind, dict[str, Path]]:
        """The files of the rows that wait for what they name, by kind and table."""
        kinds: dict[SourceKind, dict[str, Path]] = {}
        for (kind, table), number in self._waiting(self.batches()).items():
            kinds.setdefault(kind, {})[table] = self.waiting_file(table, number)
        return kinds

    # -- what is computed from it ----------------------------------------------------------------------------------

    def derived(self, name: str, version: int | None = None) -> Path | None:
        """The file that keeps what was computed from a version of the ledger; None where none does, or not as kept."""
        for file in self._derived_in(version).glob(f"{glob.escape(name)}-*.parquet"):
            if sha256_of(file) == file.stem.rsplit("-", 1)[1]:
                return file
        return None

    def keep_derived(self, name: str, content: bytes, version: int | None = None) -> Path:
        """Keep what was computed from a version of the ledger until a later one is written to."""
        file = self._derived_in(version) / f"{name}-{sha256(content).hexdigest()}.parquet"
        write_whole(file, content)
        return file

    def _derived_in(self, version: int | None) -> Path:
        return self.folder / "derived" / f"version={self.version if version is None else version:06d}"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock. Raises Locked."""
        with exclusive(self.folder / ".lock", "ledger"):
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what no record names: of an import or compaction that was cut off, or what a later one replaced.

        What was replaced stays until the next writer comes, for somebody may be reading it.
        """
        tables, number = self.folder / "tables", self.version + 1
        for left in tables.glob(f"*/{_partition(number)}"):
            shutil.rmtree(left)
        self.quarantine_file(number).unlink(missing_ok=True)
        compaction = self.compaction()
        upto = compaction.upto if compaction else 0
        for folder in tables.glob("*/batch=*"):
            of_a_compaction = "-" in folder.name
            if folder.name != _compacted(upto) and (of_a_compaction or folder.name <= _partition(upto)):
                shutil.rmtree(folder)
        wait = {file for files in self.waiting().values() for file in files.values()}
        for file in (self.folder / "waiting").glob("batch=*/*"):
            if file not in wait:
                file.unlink()
        for folder in (self.folder / "derived").glob("version=*"):
            if folder != self._derived_in(None):
                shutil.rmtree(folder)
        for spill in (self.folder / ".spill").glob("*-*"):
            if not _lives(int(spill.name.split("-")[0])):
                shutil.rmtree(spill, ignore_errors=True)

    # -- compaction ------------------------------------------------------------------------------------------------

    def compaction(self) -> Compaction | None:
        """The last compaction, or None where there was none."""
        folder = self.folder / "compactions"
        changed_at = folder.stat().st_mtime_ns if folder.exists() else 0
        if self._compacted[0] != changed_at:
            self._compacted = (changed_at, last_compaction(folder))
        return self._compacted[1]

    def compacted_file(self, table: str, upto: int) -> Path:
        """Where a compaction keeps the rows of a table."""
        return self.folder / "tables" / table / _compacted(upto) / "part-0.parquet"

    def commit_compaction(self, compaction: Compaction) -> None:
        """Have readers read the compacted files from now on."""
        record = json.dumps(asdict(compaction), indent=1, sort_keys=True)
        write_whole(self.folder / "compactions" / f"{compaction.upto:06d}.json", record.encode())

    def personal_files(self, table: Table) -> list[Path]:
        """The files that hold a table of personal data."""
        batches = self.batches()
        waiting = [files[table.name] for files in self.waiting().values() if table.name in files]
        return self._files(table, batches) + waiting

    def commit(self, batch: Batch) -> None:
        """Make a batch part of the ledger: the one moment at which its rows come to exist."""
        record = json.dumps(asdict(batch), ensure_ascii=False, indent=1, sort_keys=True)
        write_whole(self.folder / "batches" / f"{batch.number:06d}.json", record.encode())

    def quarantine(self) -> pd.DataFrame:
        """The rows that no import could read or that wait: batch, table, file, line, column, value, problem, hint."""
        batches = self.batches()
        refused = [(b.number, self.quarantine_file(b.number)) for b in batches if any(b.quarantined.values())]
        frames = [pd.read_parquet(file).assign(batch=number) for number, file in refused if file.exists()]
        for (_, table), number in self._waiting(batches).items():
            frame = pd.read_parquet(self.waiting_file(table, number), columns=list(SET_ASIDE))
            frame = frame.rename(columns=SET_ASIDE).assign(table=table, batch=number)
            frames.append(frame.assign(hint=frame["problem"].map(HINTS)))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def loaded_text(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, whole seconds, no zone."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _names(table: Table) -> str:
    """The columns of a table as its files have them; they leave the id of a row empty where it is the table's key."""
    own = f"coalesce(record_id, {quoted(table.key)}) AS record_id" if table.key else "record_id"
    return ", ".join(own if c is RECORD_ID else quoted(c.name) for c in (*table.columns, *OWN_COLUMNS))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _compacted(upto: int) -> str:
    return f"batch=000001-{upto:06d}"


def _partition(number: int) -> str:
    return f"batch={number:06d}"


def readable(table: Table) -> Table:
    """The table, where the door shows it. Raises KeyError for one of labels or personal data."""
    if not table.readable:
        raise KeyError(table.name)
    return table
