"""Read any source file into DuckDB as text, each row with its line, so that every complaint can name its place."""

from __future__ import annotations

import csv
import glob
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from credit.domain.errors import BrokenFile, FileMissing, WrongFormat

CHUNK_ROWS = 100_000
# A reader who wants a single supplier's rows reads so many at most beside them.
SMALL_GROUP_ROWS = 150_000
# What a staged relation has beside the source's columns: a number that tells its rows apart, the line a row stands on,
# and why it is refused before any value is looked at, a struct of column, value and problem.
ROW = "_row"
LINE = "_line"
REFUSED = "_refused"
REFUSED_TYPE = "STRUCT(c VARCHAR, v VARCHAR, p VARCHAR)"
ROW_NUMBER = "file_row_number"
# Below this every whole number is a double of its own.
WHOLE_DOUBLES = 2**53
_AS_STRING = ", binary_as_string = true"
# Types whose values, written as text, have no blanks at their ends and are never empty.
_WITHOUT_BLANKS = {
    *("BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
}
# A column of a typed file, beside its text.
TYPED = "::typed"
# Names that a source's column cannot have, because the import gives them to columns of its own.
RESERVED = (ROW, LINE, REFUSED, ROW_NUMBER)
# What is cut from both ends of a value: blanks of every width, tabs, line ends.
BLANKS = " \t\r\n\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def quoted(name: str) -> str:
    """A SQL identifier, quoted.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A SQL text literal, quoted.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def listed_literals(values: Iterable[str]) -> str:
    """The SQL list of these texts.

    >>> listed_literals(("a", "b"))
    "('a', 'b')"
    """
    return f"({', '.join(map(literal, values))})"


def parquet(*files: Path, options: str = "") -> str:
    """The SQL that reads these Parquet files, only these, and only what is in them.

    DuckDB would otherwise read another file that `a[1].parquet` matches as a pattern, and take a folder named
    `company=E1` for a column, even over the file's own.
    """
    named = ", ".join(literal(glob.escape(str(file))) for file in files)
    return f"read_parquet([{named}], hive_partitioning = false{options})"


@dataclass(frozen=True, slots=True)
class Staged:
    """A source's rows in DuckDB, to be read as often as needed.

    `relation` has each of the `header`'s columns as text, cut of blanks at both ends and NULL where empty, beside
    `_row`, `_line` and `_refused`. Where the file itself types them, `types` says how, and `as_typed` names the column
    as it is. Columns in `plain` hold texts in which nothing needs a closer look.
    """

    relation: str
    header: list[str]
    types: dict[str, str] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()


def as_typed(column: str) -> str:
    """The quoted name under which a staged relation has a column as its file types it."""
    return quoted(column + TYPED)


def stage_file(con: duckdb.DuckDBPyConnection, path: Path, relation: str, database: str | None = None) -> Staged:
    """Make `relation` hold the file's rows.

    A Parquet file is read where it lies, each time anew. CSV is UTF-8 with a header; a file of SQL is one query, and
    its rows are what `database` (a SQLAlchemy URL) answers to it. Raises FileMissing, WrongFormat or BrokenFile; the
    message names the file alone, never its folder, and repeats no value.
    """
    if not path.is_file():
        raise FileMissing(f"{path.name}: there is no such file", hint=f"looked in {path.parent}")
    if path.stat().st_size == 0:
        raise FileMissing(f"{path.name}: the file is empty", hint="export it again; an empty file is never a history")
    if path.suffix == ".parquet":
        return _stage_parquet(con, path, relation)
    if path.suffix == ".csv":
        return Staged(relation, _stage_csv(con, path, relation))
    if path.suffix == ".sql" and database is not None:
        return Staged(relation, _stage_query(con, path, relation, database))
    if path.suffix == ".sql":
        raise WrongFormat(f"{path.name}: no database to ask", hint="name one with --database or as source.url")
    raise WrongFormat(f"{path.name}: not a .csv or .parquet file", hint="export the table as CSV or Parquet")


def stage_rows(
    con: duckdb.DuckDBPyConnection, pieces: Iterator[tuple[str, pa.Table]], prefix: str
) -> dict[str, Staged]:
    """Make a relation of each that a format's own reader answers, by its name; those without rows are none."""
    staged: dict[str, Staged] = {}
    for name, chunk in pieces:
        if name not in staged:
            header = [column for column in chunk.column_names if column not in RESERVED]
            staged[name] = Staged(f"{prefix}_{name}", header)
            _fill(con, staged[name].relation, header, iter(()))
        _append(con, staged[name].relation, chunk)
    return staged


# What DuckDB says of its own memory, or of SQL that this program wrote.
_NOT_THE_FILE = (duckdb.OutOfMemoryException, duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)


@contextmanager
def reading(*paths: Path) -> Iterator[None]:
    """Say of files that DuckDB stumbles over while it reads them that one is broken. Raises BrokenFile."""
    try:
        yield
    except _NOT_THE_FILE:
        raise
    except duckdb.Error as broken:
        # An error of the disk that does not name the file is one of the ledger's own, such as a spill without room.
        named = [path for path in paths if str(path) in str(broken)]
        blamed = [path for path in named or paths if path.suffix == ".parquet"]
        if not blamed or (isinstance(broken, duckdb.IOException) and not named):
            raise
        raise BrokenFile(
            f"{' or '.join(path.name for path in blamed)}: not a whole Parquet file",
            hint="it was cut short or is something else; fetch it again, nothing of it was imported",
        ) from broken


def _refuse_header(path: Path, header: list[str]) -> None:
    """Refuse names that SQL could not tell apart. Names are given by place: a file without header has data there."""
    if not any(header):
        raise WrongFormat(f"{path.name}: the first line holds no column names", hint="a CSV file needs a header")
    places: dict[str, int] = {}
    for place, name in enumerate(header, start=1):
        if not name:
            raise WrongFormat(f"{path.name}: column {place} has no name in the header", hint="name it or leave it out")
        if name.lower() in RESERVED or name.lower().endswith(TYPED):
            raise WrongFormat(f"{path.name}: column {place} is called {name!r}", hint="rename it; the import uses it")
        if name.lower() in places:
            raise WrongFormat(
                f"{path.name}: columns {places[name.lower()]} and {place} have the same name in the header",
                hint="rename one of them; capital letters make no difference",
            )
        places[name.lower()] = place


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _stage_parquet(con: duckdb.DuckDBPyConnection, path: Path, relation: str) -> Staged:
    with reading(path):
        # Old writers do not mark text as such; what is no UTF-8 then breaks the file.
        types = {
            row[0]: row[1]
            for row in con.execute(f"DESCRIBE SELECT * FROM {parquet(path, options=_AS_STRING)}").fetchall()
        }
        # DuckDB itself gives the second of two columns with one name another.
        named = con.execute("SELECT name FROM parquet_schema(?) OFFSET 1", [glob.escape(str(path))]).fetchall()
        _refuse_header(path, list(types) if any(map(is_nested, types.values())) else [row[0] for row in named])
        source = parquet(path, options=f"{_AS_STRING}, {ROW_NUMBER} = true")
        plain = _plain_columns(con, source, [name for name, kind in types.items() if kind == "VARCHAR"])
        columns = ", ".join(
            f"{quoted(name) if name in plain else _as_text(name, kind)} AS {quoted(name)}, "
            f"{quoted(name)} AS {as_typed(name)}"
            for name, kind in types.items()
        )
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW {relation} AS "
            f"SELECT {columns}, {ROW_NUMBER} + 1 AS {ROW}, {ROW_NUMBER} + 1 AS {LINE}, "
            f"CAST(NULL AS {REFUSED_TYPE}) AS {REFUSED} FROM {source}"
        )
    return Staged(relation, list(types), types, plain)


def _plain_columns(con: duckdb.DuckDBPyConnection, source: str, texts: list[str]) -> frozenset[str]:
    """The columns whose every text is its own encoding for a URL, and so holds letters, digits, `-_.~` and no blank.

    This is much faster than to cut every text, or to hold it against a pattern, and true of most ids. Of those letters
    and signs only `-`, which begins a formula, comes before the dot; what is empty comes before everything.
    """
    if not texts:
        return frozenset()
    tests = ", ".join(
        f"bool_and(strlen(url_encode({text})) = strlen({text}) AND {text} >= '.')" for text in map(quoted, texts)
    )
    found = con.execute(f"SELECT {tests} FROM {source}").fetchone() or ()
    return frozenset(text for text, is_plain in zip(texts, found, strict=True) if is_plain is not False)


def is_nested(kind: str) -> bool:
    """Whether values of a type of DuckDB hold others: lists, structs, maps."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))


def _as_text(column: str, kind: str) -> str:
    """The SQL for a column's values as a file of text would have them.

    A float that is a whole number is written as one: a table program makes one of every count, and of every id, as soon
    as a single row has none.
    """
    text = f"CAST({quoted(column)} AS VARCHAR)"
    if kind in ("FLOAT", "DOUBLE"):
        number = f"CAST({quoted(column)} AS DOUBLE)"
        whole = f"abs({number}) < {WHOLE_DOUBLES} AND {number} = trunc({number})"
        return f"CASE WHEN {whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE {text} END"
    if kind in _WITHOUT_BLANKS or kind.startswith("DECIMAL"):
        return text
    # To cut costs twenty times as much as to look whether there is anything to cut.
    blank = f"[{BLANKS}]"
    cut = f"CASE WHEN regexp_matches({text}, {literal(f'^{blank}|{blank}$')}) THEN trim({text}, {literal(BLANKS)})"
    return f"nullif({cut} ELSE {text} END, '')"


def lies_together(con: duckdb.DuckDBPyConnection, path: Path, column: str) -> bool:
    """Whether a Parquet file keeps the rows of one value of a column near each other.

    They do where its row groups are small and each begins where the one before ended, or after it.
    """
    if path.suffix != ".parquet":
        return False
    groups = con.execute(
        """SELECT row_group_num_rows, stats_min_value, stats_max_value FROM parquet_metadata(?)
           WHERE path_in_schema = ? ORDER BY row_group_id""",
        [glob.escape(str(path)), column],
    ).fetchall()
    return (
        len(groups) > 1
        and all(rows <= SMALL_GROUP_ROWS and None not in (low, high) for rows, low, high in groups)
        and all(before[2] <= after[1] for before, after in pairwise(groups))
    )


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _stage_csv(con: duckdb.DuckDBPyConnection, path: Path, relation: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _refuse_header(path, header)
            _fill(con, relation, header, _chunks(reader, header))
    except UnicodeDecodeError as undecodable:
        raise BrokenFile(
            f"{path.name}: not UTF-8 text (line {_first_undecodable_line(path)})",
            hint="save it as UTF-8; GB18030 files: `iconv -f GB18030 -t UTF-8`",
        ) from undecodable
    except csv.Error as broken:
        raise BrokenFile(
            f"{path.name}: not a readable CSV file ({broken})",
            hint="a quote that never closes often means a file that was cut short; fetch it again",
        ) from broken
    return header


def _fill(con: duckdb.DuckDBPyConnection, relation: str, header: list[str], chunks: Iterator[pa.Table]) -> None:
    columns = "".join(f"{quoted(c)} VARCHAR, " for c in header)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {relation} ({columns}{ROW} BIGINT, {LINE} BIGINT, {REFUSED} {REFUSED_TYPE})"
    )
    for chunk in chunks:
        _append(con, relation, chunk)


def _append(con: duckdb.DuckDBPyConnection, relation: str, chunk: pa.Table) -> None:
    con.register("chunk_of_rows", chunk)
    con.execute(f"INSERT INTO {relation} SELECT * FROM chunk_of_rows")
    con.unregister("chunk_of_rows")


def _first_undecodable_line(path: Path) -> int:
    """The line on which the file stops being UTF-8; the decoder itself only knows the place in its buffer."""
    with path.open("rb") as content:
        for number, line in enumerate(content, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 0


def _chunks(reader: Any, header: list[str]) -> Iterator[pa.Table]:
    """The rows after the header, each with the line it starts on. `reader` is a csv.reader, which has no type name."""
    width = len(header)
    rows: list[tuple[Any, ...]] = []
    line = reader.line_num
    for row in reader:
        start, line = line + 1, reader.line_num
        if not row:
            continue
        if len(row) == width:
            rows.append((*(value.strip(BLANKS) or None for value in row), start, start, None))
        else:
            said = f"{len(row)} fields where the header has {width}"
            rows.append((*(None,) * width, start, start, {"c": "", "v": said, "p": "ragged-row"}))
        if len(rows) == CHUNK_ROWS:
            yield as_rows(rows, header)
            rows = []
    yield as_rows(rows, header)


def as_rows(rows: list[tuple[Any, ...]], header: list[str]) -> pa.Table:
    """Rows of text, each followed by its `_row`, `_line` and `_refused`, as an Arrow table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(header) + 3)
    refused = pa.struct([(name, pa.string()) for name in ("c", "v", "p")])
    types = [pa.string()] * len(header) + [pa.int64(), pa.int64(), refused]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=[*header, ROW, LINE, REFUSED])


# -- a query to a database ---------------------------------------------------------------------------------------------


def _stage_query(con: duckdb.DuckDBPyConnection, path: Path, relation: str, database: str) -> list[str]:
    """The rows of a query, numbered as they came. No message repeats the URL, which may hold a password."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        query = path.read_text(encoding="utf-8-sig").strip().removesuffix(";")
        with create_engine(database).connect() as asked:
            answer = asked.execution_options(stream_results=True).exec_driver_sql(query)
            header = list(answer.keys())
            _refuse_header(path, header)
            _fill(con, relation, header, _answered(answer.partitions(CHUNK_ROWS), header))
    except (SQLAlchemyError, ImportError, UnicodeDecodeError) as refused:
        raise BrokenFile(
            f"{path.name}: the database did not answer the query ({type(refused).__name__})",
            hint="check the URL, its driver, and the query by hand; nothing of it was imported",
        ) from None
    return header


def _answered(partitions: Iterator[Any], header: list[str]) -> Iterator[pa.Table]:
    line = 0
    for rows in partitions:
        yield as_rows([(*map(_cell, row), line + n, line + n, None) for n, row in enumerate(rows, start=1)], header)
        line += len(rows)


def _cell(value: Any) -> str | None:
    """A database's value as a file would write it: ISO days and times, plain decimals, true and false."""
    if value is None:
        return None
    match value:
        case bool():
            said = "true" if value else "false"
        case Decimal():
            said = f"{value:f}"
        case date():
            said = value.isoformat()
        case _:
            said = str(value)
    return said.strip(BLANKS) or None
