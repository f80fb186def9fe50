"""Rows that wait: they can be read, but what they name is not there yet. They are kept whole beside the ledger.

After every import they are read again, as a platform's own files, and those that need wait no longer are taken in. No
reader of the ledger sees them; the quarantine lists them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from data.batches import SourceKind
from data.formats.format import Format
from data.formats.platform import PLATFORM
from data.ledger_files import SET_ASIDE
from data.resolving import WAITS, Source, count, digest_sql, listed
from data.schema import REPLACES, SOURCE_COLUMNS, Table
from data.staging import ROW, ROW_NUMBER, literal, parquet, quoted

WAITING = "waiting"
# The SQL list of what rows wait for.
WAITS_SQL = f"({', '.join(map(literal, WAITS))})"


def again(kind: SourceKind) -> Format:
    """The format by which the rows of a kind that wait are read again."""
    return replace(PLATFORM, name=WAITING, tier=kind.tier, restates=kind.restates, lag_days=0)


def list_origins(con: duckdb.DuckDBPyConnection, fmt: Format, sources: list[Source]) -> None:
    """Fill `origins`: from which file and line the rows came that had waited."""
    con.execute(f"CREATE TEMP TABLE origins (_file INTEGER, {ROW} BIGINT, source_file VARCHAR, source_line BIGINT)")
    for source in sources if fmt.name == WAITING else []:
        con.execute(
            f"""INSERT INTO origins SELECT {source.number}, {ROW_NUMBER} + 1, source_file, source_line
                FROM {parquet(source.path, options=f", {ROW_NUMBER} = true")}"""
        )


def gather(con: duckdb.DuckDBPyConnection, fmt: Format, table: Table, before: Path | None) -> int | None:
    """Fill `waiting_<table>` with all rows that wait after an import; answer how many, or None where they are the same.

    `before` is the file of those that waited until then. Each row has its columns, `record_id`, `replaces` and
    `recorded_at`, beside what the quarantine says of it.
    """
    own = listed((*table.names, *(column.name for column in SOURCE_COLUMNS)))
    said = f"{digest_sql(table, REPLACES.name)} AS said"
    there = ", ".join(f"q.{quoted(name)} AS {called}" for called, name in SET_ASIDE.items())
    waiting = f"""SELECT {own}, {there} FROM resolved_{table.name} AS r JOIN rejected AS q USING (_file, {ROW})
                  WHERE _fate IN {WAITS_SQL}"""
    if before is not None and fmt.name != WAITING:
        # A row that comes again while it waits is one.
        known = f"SELECT record_id, recorded_at, {said} FROM {parquet(before)}"
        waiting = f"""FROM {parquet(before)} UNION ALL BY NAME
                      SELECT * EXCLUDE (said) FROM (SELECT *, {said} FROM ({waiting}))
                      ANTI JOIN ({known}) USING (record_id, recorded_at, said)"""
    con.execute(f"CREATE TEMP TABLE waiting_{table.name} AS {waiting}")
    same = before is not None and _summed(con, parquet(before)) == _summed(con, f"waiting_{table.name}")
    now = count(con, f"waiting_{table.name}")
    return None if same or (before is None and not now) else now


def _summed(con: duckdb.DuckDBPyConnection, rows: str) -> object:
    """A sum that differs where other rows wait, or for something else."""
    return con.execute(f"SELECT count(*), sum(hash(record_id, recorded_at, problem)) FROM {rows}").fetchone()
