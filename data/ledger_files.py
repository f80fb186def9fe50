"""The files of a ledger: batches, what waits and what was refused, what was computed, and how all of it is written.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import duckdb
import pandas as pd

from credit.domain.errors import StoreDamaged
from data.batches import Batch, Compaction, SourceKind, last_compaction, read_batch
from data.durable import exclusive, sha256_of, write_whole
from data.quarantine import HINTS
from data.schema import (
    OWN_COLUMNS,
    RECORD_ID,
    Table,
)
from data.staging import parquet, quoted

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


class LedgerFiles:
    """The files of a ledger in a folder; the folder is made by the first import."""

    def __init__(self, folder: Path, *, memory: str = MEMORY_LIMIT) -> None:
        self.folder = folder
        self.memory = memory
        self._compacted: tuple[int, Compaction | None] = (-1, None)

    # -- what there is -------------------------------------------------------------------------------------------------

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

    def damaged(self, version: int | None = None) -> list[str]:
        """The files of the ledger that are no longer what their batch wrote, each with what is wrong with it."""
        wrong = []
        for file, digest in self._written(version).items():
            if not file.is_file():
                wrong.append(f"{file.relative_to(self.folder)} is gone")
            elif sha256_of(file) != digest:
                wrong.append(f"{file.relative_to(self.folder)} is not the file that was imported")
        return wrong

    def unreadable(self) -> list[str]:
        """Those of them that are gone or cut short, by a look at the end of each: `damaged` reads all of them."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        wrong = []
        for file in self._written():
            try:
                pq.read_metadata(file)
            except FileNotFoundError:
                wrong.append(f"{file.relative_to(self.folder)} is gone")
            except (OSError, pa.ArrowInvalid):
                wrong.append(f"{file.relative_to(self.folder)} cannot be read")
        return wrong

    def _written(self, version: int | None = None) -> dict[Path, str]:
        """The files that the ledger stands on, each with its SHA-256."""
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
        return written

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

    # -- the rows themselves, for what writes or watches them or reads them with another engine ------------------------

    @contextmanager
    def connection(self, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection in UTC that spills beside the ledger and sees no variable of the program."""
        spill = self.folder / ".spill" / f"{os.getpid()}-{uuid4().hex}"
        if self.folder.exists():
            spill.mkdir(parents=True)
        con = duckdb.connect(config={"memory_limit": self.memory, "temp_directory": str(spill)})
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

    # -- where they are ------------------------------------------------------------------------------------------------

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

    def personal_files(self, table: Table) -> list[Path]:
        """The files that hold a table of personal data."""
        batches = self.batches()
        waiting = [files[table.name] for files in self.waiting().values() if table.name in files]
        return self._files(table, batches) + waiting

    # -- what is computed from it --------------------------------------------------------------------------------------

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

    # -- writing -------------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock. Raises Locked."""
        with exclusive(self.folder / ".lock", "ledger"):
            self._sweep()
            yield

    def commit(self, batch: Batch) -> None:
        """Make a batch part of the ledger: the one moment at which its rows come to exist."""
        record = json.dumps(asdict(batch), ensure_ascii=False, indent=1, sort_keys=True)
        write_whole(self.folder / "batches" / f"{batch.number:06d}.json", record.encode())

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

    # -- compaction ----------------------------------------------------------------------------------------------------

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
