"""Import files into the ledger: read as text, check each value, set aside what cannot be read, keep the rest once.

Every row that a format's files hold ends in one of three places, and the counts add up: imported, recognised as a
duplicate of a row that is already there, or in quarantine with file, line, column, value and what to do about it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from credit.domain.errors import AllRejected, WrongFormat
from data.durable import move_whole, sha256_of
from data.formats.format import Format, Mapping
from data.ledger import CONTENT, LOADED, OWN_COLUMNS, Batch, Ledger, loaded_text
from data.schema import RECORD_ID, RECORDED, REPLACES, Column, Kind, Table
from data.staging import LINE, RAGGED, literal, quoted, stage_file

# A float counts as a whole number of fen when it is this near to one; binary floats of two decimals always are.
FEN_TOLERANCE = 1e-4
# Beyond these a value is a slip of the keyboard, not a date or an amount: 1949 to 2100, ten trillion yuan.
FIRST_YEAR, LAST_YEAR = 1949, 2100
LARGEST_FEN = 10**15
# A single supplier's rows lie together in small row groups, so that one case reads little.
ROW_GROUP_ROWS = 50_000

HINTS: dict[str, str] = {
    "missing-value": "this column must not be empty",
    "bad-date": "this format expects YYYY-MM-DD",
    "bad-moment": "this format expects YYYY-MM-DDTHH:MM:SS in UTC",
    "unlikely-date": f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}",
    "bad-number": "this format expects a number without separators or unit",
    "not-whole-fen": "an amount must be a whole number of fen, two decimals of a yuan",
    "too-large": "no amount here exceeds ten trillion yuan; check the unit",
    "negative": "this amount cannot be below its minimum",
    "not-a-choice": "see `credit ledger formats` for the values this column takes",
    "bad-flag": "this format expects true or false",
    "ragged-row": "the row has more or fewer fields than the header; a comma inside a value needs quotes",
    "duplicate-key": "another row has the same id and says something else; a correction needs its own `record_id`"
    " and names this one in `replaces`",
    "unknown-supplier": "no supplier of that id is registered; import the suppliers with or before their events",
}

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What became of a table's rows in one import."""

    table: str
    read: int
    imported: int
    duplicate: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of an import; `batch` is None where nothing was new."""

    format: str
    batch: int | None
    tables: list[TableSummary]
    quarantine: list[dict[str, object]] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)

    @property
    def quarantined(self) -> int:
        """Rows set aside, over all tables."""
        return sum(each.quarantined for each in self.tables)


def import_history(
    ledger: Ledger, fmt: Format, path: Path, *, loaded_at: datetime, progress: Progress = lambda _: None
) -> ImportSummary:
    """Import a folder or file; all of it in one batch, or nothing.

    Raises FileMissing, WrongFormat or BrokenFile before anything is written, AllRejected after the quarantine is
    written when no row could be read, Locked when another import runs.
    """
    sources = fmt.sources(path)
    with ledger.writing() as number, ledger._connect() as con:
        tables = _parse(con, fmt, sources, progress)
        _open_existing(con, ledger, tables)
        for table in tables:
            progress(f"telling {table.name} apart")
            _resolve(con, table)
        summary = _summarise(con, fmt, tables, path)
        new = [s for s in summary.tables if s.imported]
        fresh_quarantine = _set_aside(con, ledger, number)
        if not new and not fresh_quarantine:
            return summary
        progress("writing")
        batch = _write(con, ledger, fmt, number, tables, summary, sources, loaded_at)
        ledger.commit(batch)
        if not new and not any(s.duplicate for s in summary.tables):
            first = summary.quarantine[0]
            raise AllRejected(
                f"all {summary.quarantined:,} rows were rejected; the first: {describe(first)}",
                hint=str(first["hint"]),
            )
        return ImportSummary(fmt.name, number, summary.tables, summary.quarantine, summary.not_read)


def describe(row: dict[str, object]) -> str:
    """One quarantined row as an error message: file, line, column, value.

    >>> describe({"file": "orders.csv", "line": 48, "column": "signed_on", "value": "31/02/2025", "problem": "bad-date"})
    'orders.csv line 48, column "signed_on": "31/02/2025" (bad-date)'
    """
    value = "empty" if row["value"] is None else f'"{row["value"]}"'
    return f'{row["file"]} line {row["line"]}, column "{row["column"]}": {value} ({row["problem"]})'


# -- reading and checking ----------------------------------------------------------------------------------------------


def _parse(
    con: duckdb.DuckDBPyConnection, fmt: Format, sources: list[tuple[Mapping, Path]], progress: Progress
) -> list[Table]:
    """Fill `parsed_<table>` for each table the files feed: typed columns, place, and the first thing wrong."""
    tables: list[Table] = []
    con.execute("CREATE TEMP TABLE source_files (number INTEGER, file VARCHAR)")
    for mapping, path in sources:
        if mapping.table not in tables:
            tables.append(mapping.table)
            columns = ", ".join(f"{quoted(c.name)} {c.kind}" for c in (*mapping.table.columns, *_SOURCE))
            con.execute(
                f"CREATE TEMP TABLE parsed_{mapping.table.name} "
                f"(_file INTEGER, _line BIGINT, _column VARCHAR, _value VARCHAR, _problem VARCHAR, {columns})"
            )
    staged: Path | None = None
    header: list[str] = []
    for number, (mapping, path) in enumerate(sorted(sources, key=lambda s: _reading_order(s, sources))):
        progress(f"reading {path.name}")
        if path != staged:
            header, staged = stage_file(con, path, "staged"), path
        _refuse_missing_columns(mapping, path, header)
        con.execute("INSERT INTO source_files VALUES (?, ?)", [number, path.name])
        con.execute(f"INSERT INTO parsed_{mapping.table.name} {_parse_sql(fmt, mapping, header, number)}")
    con.execute("DROP TABLE staged")
    return tables


def _reading_order(source: tuple[Mapping, Path], sources: list[tuple[Mapping, Path]]) -> tuple[bool, Path]:
    """Files whose mappings look at other files' rows come last; the mappings of one file stand together."""
    path = source[1]
    looks_elsewhere = any("parsed_" in e for m, p in sources if p == path for e in m.columns.values())
    return looks_elsewhere, path


def _refuse_missing_columns(mapping: Mapping, path: Path, header: list[str]) -> None:
    missing = [name for name in mapping.needs if name not in header]
    if missing:
        raise WrongFormat(
            f"{path.name}: column {missing[0]!r} is missing"
            + (f" (and {len(missing) - 1} more: {', '.join(missing[1:])})" if missing[1:] else ""),
            hint=f"the file has {', '.join(header[:12])}",
        )


_SOURCE = (RECORD_ID, REPLACES, RECORDED)


def _parse_sql(fmt: Format, mapping: Mapping, header: list[str], number: int) -> str:
    """One SELECT from text to typed columns; the first value of a row that cannot be read names the row's problem."""
    absent = {name for name in mapping.optional if name not in header}
    columns = (*mapping.table.columns, *_SOURCE)
    expression = {c.name: _without(mapping.columns.get(c.name, "NULL"), absent) for c in columns}
    raw = ", ".join(
        f"nullif(trim(CAST({expression[c.name]} AS VARCHAR)), '') AS {quoted('r_' + c.name)}" for c in columns
    )
    typed = ", ".join(f"{_typed(c, mapping)} AS {quoted(c.name)}" for c in columns)
    problems = " ".join(_problems(c, mapping, _source_name(c, expression[c.name], header)) for c in columns)
    lag = f"CAST({quoted(mapping.table.on)} AS TIMESTAMP) + INTERVAL {fmt.lag_days} DAY"
    names = ", ".join(quoted(c.name) for c in columns if c is not RECORDED)
    return f"""
        SELECT {number}, {LINE}, p.c, p.v, p.p, {names}, coalesce(recorded_at, {lag})
        FROM (SELECT *, CASE WHEN {RAGGED} IS NOT NULL THEN {{'c': '', 'v': {RAGGED}, 'p': 'ragged-row'}}
                             {problems} END AS p
              FROM (SELECT {LINE}, {RAGGED}, COLUMNS('r_.*'), {typed}
                    FROM (SELECT {LINE}, {RAGGED}, {raw} FROM staged
                          WHERE {RAGGED} IS NOT NULL OR ({_without(mapping.where, absent)}))))"""


def _without(expression: str, absent: set[str]) -> str:
    """The expression with columns that the file leaves out read as empty."""
    for name in absent:
        expression = expression.replace(quoted(name), "NULL")
    return expression


def _source_name(column: Column, expression: str, header: list[str]) -> str:
    """The column's name in the source, so that a complaint names what the user sees."""
    words = set(re.findall(r"\w+", expression))
    return next((name for name in header if name in words), column.name)


def _typed(column: Column, mapping: Mapping) -> str:
    raw = quoted("r_" + column.name)
    if column.kind is Kind.FEN:
        whole = f"TRY_CAST({raw} AS BIGINT) * {mapping.money_in.fen}"
        return f"coalesce({whole}, TRY_CAST(round(TRY_CAST({raw} AS DOUBLE) * {mapping.money_in.fen}) AS BIGINT))"
    if column.kind is Kind.DATE:
        return f"coalesce(TRY_CAST({raw} AS DATE), CAST(TRY_CAST({raw} AS TIMESTAMP) AS DATE))"
    return f"TRY_CAST({raw} AS {column.kind})"


def _problems(column: Column, mapping: Mapping, source_name: str) -> str:
    """The WHEN branches that find what is wrong with one column."""
    raw, value = quoted("r_" + column.name), quoted(column.name)
    checks: list[tuple[str, str]] = []
    if column.required:
        checks.append((f"{raw} IS NULL", "missing-value"))
    if column.kind is Kind.FEN:
        units = f"TRY_CAST({raw} AS DOUBLE) * {mapping.money_in.fen}"
        checks.append((f"{raw} IS NOT NULL AND {units} IS NULL", "bad-number"))
        checks.append((f"abs({units}) > {LARGEST_FEN}", "too-large"))
        checks.append((f"abs({units} - round({units})) > {FEN_TOLERANCE}", "not-whole-fen"))
    else:
        wrong = {Kind.DATE: "bad-date", Kind.MOMENT: "bad-moment", Kind.FLAG: "bad-flag"}.get(column.kind, "bad-number")
        checks.append((f"{raw} IS NOT NULL AND {value} IS NULL", wrong))
    if column.kind in (Kind.DATE, Kind.MOMENT):
        checks.append((f"year({value}) NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}", "unlikely-date"))
    if column.choices:
        checks.append((f"{value} NOT IN ({', '.join(literal(c) for c in column.choices)})", "not-a-choice"))
    if column.at_least is not None:
        checks.append((f"{value} < {column.at_least}", "negative"))
    # What a supplier is called stays out of the quarantine, which people read and mail around.
    shown = "NULL" if mapping.table.personal else f"left({raw}, 80)"
    return " ".join(
        f"WHEN {condition} THEN {{'c': {literal(source_name)}, 'v': {shown}, 'p': '{problem}'}}"
        for condition, problem in checks
    )


# -- telling rows apart ------------------------------------------------------------------------------------------------


def _open_existing(con: duckdb.DuckDBPyConnection, ledger: Ledger, tables: list[Table]) -> None:
    """Make the ledger's own rows visible beside the new ones, and list the suppliers that either of them registers."""
    from data.schema import SUPPLIERS

    batches = ledger.batches()
    for table in {t.name: t for t in (*tables, SUPPLIERS)}.values():
        ledger._open(con, table, batches)
    new = "UNION SELECT supplier_id FROM parsed_suppliers WHERE _problem IS NULL" if SUPPLIERS in tables else ""
    con.execute(f"CREATE TEMP TABLE registered AS SELECT DISTINCT supplier_id FROM all_suppliers {new}")


def _resolve(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fill `resolved_<table>`: each readable row with its id, and whether it is new, a duplicate or in conflict."""
    content = ", ".join(f"coalesce(CAST({quoted(c)} AS VARCHAR), chr(30))" for c in (*table.names, REPLACES.name))
    key = quoted(table.key) if table.key else "NULL"
    unregistered = (
        "supplier_id NOT IN (SELECT supplier_id FROM registered)"
        if "supplier_id" in table.names and table.name != "suppliers"
        else "false"
    )
    con.execute(
        f"""CREATE TEMP TABLE resolved_{table.name} AS
            WITH hashed AS (
                SELECT * EXCLUDE (record_id), sha256(concat_ws(chr(31), {content})) AS digest, record_id AS given
                FROM parsed_{table.name} WHERE _problem IS NULL),
            named AS (
                SELECT * EXCLUDE (digest, given), coalesce(given, {key}, left(digest, 32)) AS record_id,
                       CAST('0x' || left(digest, 15) AS BIGINT) AS content_hash
                FROM hashed),
            ordered AS (
                SELECT *, first_value(content_hash) OVER same_id AS first_content, row_number() OVER same_id AS nth
                FROM named WINDOW same_id AS (PARTITION BY record_id ORDER BY _file, _line))
            SELECT new.* EXCLUDE (first_content, nth),
                   CASE WHEN {unregistered} THEN 'unknown-supplier'
                        WHEN old.content_hash IS NOT NULL AND old.content_hash <> new.content_hash THEN 'duplicate-key'
                        WHEN old.content_hash IS NOT NULL THEN 'duplicate'
                        WHEN new.nth > 1 AND new.content_hash <> new.first_content THEN 'duplicate-key'
                        WHEN new.nth > 1 THEN 'duplicate'
                        ELSE 'new' END AS _fate
            FROM ordered AS new LEFT JOIN (SELECT record_id, content_hash FROM all_{table.name}) AS old USING (record_id)"""
    )


def _summarise(con: duckdb.DuckDBPyConnection, fmt: Format, tables: list[Table], path: Path) -> ImportSummary:
    rows: list[str] = []
    counts: list[TableSummary] = []
    for table in tables:
        fates = dict(con.execute(f"SELECT _fate, count(*) FROM resolved_{table.name} GROUP BY 1").fetchall())
        read = _count(con, f"SELECT count(*) FROM parsed_{table.name}")
        new, duplicate = fates.get("new", 0), fates.get("duplicate", 0)
        counts.append(TableSummary(table.name, read, new, duplicate, read - new - duplicate))
        named = literal(table.name)
        key = table.key or "supplier_id"
        rows.append(
            f"SELECT {named} AS t, _file, _line, _column, _value, _problem FROM parsed_{table.name} "
            f"WHERE _problem IS NOT NULL"
        )
        rows.append(
            f"SELECT {named}, _file, _line, "
            f"CASE _fate WHEN 'duplicate-key' THEN {literal(key)} ELSE 'supplier_id' END, "
            f"CASE _fate WHEN 'duplicate-key' THEN record_id ELSE {_supplier_value(table)} END, _fate "
            f"FROM resolved_{table.name} WHERE _fate NOT IN ('new', 'duplicate')"
        )
    con.execute(
        f"""CREATE TEMP TABLE rejected AS
            SELECT q.t AS "table", f.file, _line AS line, _column AS "column", _value AS value, _problem AS problem
            FROM ({" UNION ALL ".join(rows)}) AS q JOIN source_files AS f ON f.number = q._file"""
    )
    hints = " ".join(f"WHEN {literal(p)} THEN {literal(h)}" for p, h in HINTS.items())
    con.execute(f"ALTER TABLE rejected ADD COLUMN hint VARCHAR; UPDATE rejected SET hint = CASE problem {hints} END")
    first = con.execute("SELECT * FROM rejected ORDER BY file, line LIMIT 20")
    names = [column[0] for column in first.description or []]
    shown = [dict(zip(names, row, strict=True)) for row in first.fetchall()]
    return ImportSummary(fmt.name, None, counts, shown, fmt.not_read(path))


def _supplier_value(table: Table) -> str:
    return "supplier_id" if "supplier_id" in table.names else "NULL"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


# -- writing -----------------------------------------------------------------------------------------------------------


def _set_aside(con: duckdb.DuckDBPyConnection, ledger: Ledger, number: int) -> int:
    """Keep of the rejected rows those that no earlier import has set aside already; answer how many."""
    earlier = [literal(str(ledger.quarantine_file(b.number))) for b in ledger.batches() if any(b.quarantined.values())]
    if earlier:
        con.execute(
            f"""CREATE TEMP TABLE fresh AS SELECT * FROM rejected EXCEPT ALL
                SELECT "table", file, line, "column", value, problem, hint FROM read_parquet([{", ".join(earlier)}])"""
        )
    else:
        con.execute("CREATE TEMP TABLE fresh AS SELECT * FROM rejected")
    return _count(con, "SELECT count(*) FROM fresh")


def _write(
    con: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    fmt: Format,
    number: int,
    tables: list[Table],
    summary: ImportSummary,
    sources: list[tuple[Mapping, Path]],
    loaded_at: datetime,
) -> Batch:
    """Write the new rows and the quarantine to the side, rename them in, and answer the batch that would name them."""
    loaded = loaded_text(loaded_at)
    aside = ledger.folder / ".aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    first_day, last_day, corrections = {}, {}, {}
    for table in tables:
        if not next(s.imported for s in summary.tables if s.table == table.name):
            continue
        names = ", ".join(quoted(c.name) for c in (*table.columns, *OWN_COLUMNS) if c is not LOADED)
        order = "supplier_id, " if "supplier_id" in table.names else ""
        rows = f"FROM resolved_{table.name} WHERE _fate = 'new'"
        target = aside / f"{table.name}.parquet"
        con.execute(
            f"""COPY (SELECT {names}, TIMESTAMP {literal(loaded)} AS {LOADED.name} {rows}
                      ORDER BY {order} {quoted(table.on)}, {CONTENT.name})
                TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"""
        )
        day = f"least({quoted(table.on)}, CAST(recorded_at + INTERVAL 8 HOUR AS DATE))"
        row = con.execute(
            f"SELECT min({day}), max(CAST(recorded_at + INTERVAL 8 HOUR AS DATE)), count(replaces) {rows}"
        ).fetchone()
        if row and row[1] and not (table.label or table.personal):
            first_day[table.name], last_day[table.name] = str(row[0]), str(row[1])
        if row and row[2]:
            corrections[table.name] = int(row[2])
        move_whole(target, ledger.file(table.name, number))
    fresh = _fresh_counts(con)
    if fresh:
        target = aside / "quarantine.parquet"
        con.execute(f"COPY (SELECT * FROM fresh ORDER BY file, line) TO {literal(str(target))} (FORMAT parquet)")
        move_whole(target, ledger.quarantine_file(number))
    shutil.rmtree(aside, ignore_errors=True)
    return Batch(
        number=number,
        format=fmt.name,
        tier=fmt.tier,
        lag_days=fmt.lag_days,
        loaded_at=loaded,
        sources=[
            {"file": p.name, "bytes": p.stat().st_size, "sha256": sha256_of(p)} for p in sorted({p for _, p in sources})
        ],
        read={s.table: s.read for s in summary.tables},
        imported={s.table: s.imported for s in summary.tables},
        duplicates={s.table: s.duplicate for s in summary.tables},
        quarantined=fresh,
        corrections=corrections,
        first_day=first_day,
        last_day=last_day,
    )


def _fresh_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute('SELECT "table", count(*) FROM fresh GROUP BY 1').fetchall())
