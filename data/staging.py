"""Read any source file into DuckDB as text, each row with its line, so that every complaint can name its place."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from credit.domain.errors import BrokenFile, FileMissing, WrongFormat

CHUNK_ROWS = 100_000
LINE = "_line"
RAGGED = "_ragged"


def quoted(name: str) -> str:
    """A SQL identifier, quoted.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A SQL text literal, quoted."""
    return "'" + value.replace("'", "''") + "'"


def stage_file(con: duckdb.DuckDBPyConnection, path: Path, relation: str) -> list[str]:
    """Make `relation` hold the file's rows as text beside `_line` and `_ragged`; answer its column names.

    CSV is UTF-8 with a header. Raises FileMissing, WrongFormat or BrokenFile; the message names the file alone,
    never its folder.
    """
    if not path.is_file():
        raise FileMissing(f"{path.name}: there is no such file", hint=f"looked in {path.parent}")
    if path.stat().st_size == 0:
        raise FileMissing(f"{path.name}: the file is empty", hint="export it again; an empty file is never a history")
    if path.suffix == ".parquet":
        return _stage_parquet(con, path, relation)
    if path.suffix == ".csv":
        return _stage_csv(con, path, relation)
    raise WrongFormat(f"{path.name}: not a .csv or .parquet file", hint="export the table as CSV or Parquet")


def _stage_parquet(con: duckdb.DuckDBPyConnection, path: Path, relation: str) -> list[str]:
    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    try:
        names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        columns = [name for name in names if name != "file_row_number"]
        as_text = ", ".join(f"CAST({quoted(c)} AS VARCHAR) AS {quoted(c)}" for c in columns)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {relation} AS "
            f"SELECT {as_text}, file_row_number + 1 AS {LINE}, NULL::VARCHAR AS {RAGGED} FROM {source}"
        )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as broken:
        raise BrokenFile(
            f"{path.name}: not a whole Parquet file",
            hint="it was cut short or is something else; fetch it again, nothing of it was imported",
        ) from broken
    return columns


def _stage_csv(con: duckdb.DuckDBPyConnection, path: Path, relation: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _refuse_header(path, header)
            columns = ", ".join(f"{quoted(c)} VARCHAR" for c in header)
            con.execute(f"CREATE OR REPLACE TEMP TABLE {relation} ({columns}, {LINE} BIGINT, {RAGGED} VARCHAR)")
            for chunk in _chunks(reader, header):
                con.register("csv_chunk", chunk)
                con.execute(f"INSERT INTO {relation} SELECT * FROM csv_chunk")
                con.unregister("csv_chunk")
    except UnicodeDecodeError as undecodable:
        raise BrokenFile(
            f"{path.name}: not UTF-8 text (byte {undecodable.start})",
            hint="save it as UTF-8; GB18030 files: `iconv -f GB18030 -t UTF-8`",
        ) from undecodable
    except csv.Error as broken:
        raise BrokenFile(
            f"{path.name}: not a readable CSV file ({broken})",
            hint="a quote that never closes often means a file that was cut short; fetch it again",
        ) from broken
    return header


def _refuse_header(path: Path, header: list[str]) -> None:
    if not any(header):
        raise WrongFormat(f"{path.name}: the first line holds no column names", hint="a CSV file needs a header")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise WrongFormat(f"{path.name}: column {twice[0]!r} appears twice in the header", hint="rename one of them")


def _chunks(reader: Iterator[list[str]], header: list[str]) -> Iterator[pa.Table]:
    width = len(header)
    rows: list[tuple[str | int | None, ...]] = []
    line = getattr(reader, "line_num", 1)
    for row in reader:
        start, line = line + 1, reader.line_num  # type: ignore[attr-defined]
        if not row:
            continue
        if len(row) == width:
            rows.append((*(value.strip() or None for value in row), start, None))
        else:
            rows.append((*(None,) * width, start, f"{len(row)} fields where the header has {width}"))
        if len(rows) == CHUNK_ROWS:
            yield _arrow(rows, header)
            rows = []
    yield _arrow(rows, header)


def _arrow(rows: list[tuple[str | int | None, ...]], header: list[str]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(header) + 2)
    types = [pa.string()] * len(header) + [pa.int64(), pa.string()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=[*header, LINE, RAGGED])
