"""Import files into the ledger: read as text, check each value, set aside what cannot be read, keep the rest once.

Every row that a format's files hold ends in one of three places, and the counts add up: imported, recognised as a
duplicate of a row that is already there, or in quarantine with file, line, column, value and what to do about it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from credit.domain.errors import AllRejected, WrongFormat
from data.durable import move_whole, sha256_of
from data.formats.format import Format, Mapping
from data.ledger import CONTENT, LOADED, OWN_COLUMNS, Batch, Ledger, loaded_text
from data.schema import RECORD_ID, RECORDED, REPLACES, SOURCE_COLUMNS, SUPPLIERS, Column, Kind, Table
from data.staging import LINE, RAGGED, literal, parquet, quoted, stage_file

# An amount counts as a whole number of fen when it is this near to one, which forgives a source its binary floats.
FEN_TOLERANCE = "0.0001"
# Beyond these a value is a slip of the keyboard, not a date or an amount: 1949 to 2100, ten trillion yuan.
FIRST_YEAR, LAST_YEAR = 1949, 2100
LARGEST_FEN = 10**15
# Text is measured against these before it is cast: DuckDB alone reads "infinity", "epoch" and "1_000", rounds "3.7" to
# a whole number, and drops the zone of a time.
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
WHOLE_NUMBER = r"[+-]?\d+(\.0*)?"
DAY = r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
MOMENT = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?"
# What spreadsheets run, and characters that nobody sees; a bank's file could not carry such an id.
NO_ID = r"^[=+\-@＝＋－＠]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
# Sixteen whole and ten decimal digits hold every amount that is accepted, exactly.
EXACT = "DECIMAL(28, 10)"
# A summary shows so many quarantined rows, and so much of each value.
SHOWN_ROWS, SHOWN_CHARACTERS = 20, 80
# A single supplier's rows lie together in small row groups, so that one case reads little.
ROW_GROUP_ROWS = 50_000

# The day of the import in China, where the platform works.
IMPORT_DAY = "CAST(getvariable('loaded_at') + INTERVAL 8 HOUR AS DATE)"

HINTS: dict[str, str] = {
    "missing-value": "this column must not be empty",
    "bad-date": "this format expects YYYY-MM-DD, a day without a time zone",
    "bad-moment": "this format expects YYYY-MM-DDTHH:MM:SS, in UTC or with its offset",
    "in-the-future": "what has not happened by the day of the import is no history; plans have columns of their own",
    "unlikely-date": f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}",
    "bad-number": "this format expects a number without separators or unit",
    "not-whole": "this column holds a whole number",
    "not-whole-fen": "an amount must be a whole number of fen, two decimals of a yuan",
    "too-large": "no amount here exceeds ten trillion yuan, no count two billion; check the unit",
    "too-small": "the value lies below the least that this column takes",
    "not-a-choice": "see `credit ledger formats` for the values this column takes",
    "bad-id": "an id has no invisible characters and does not begin with = + - @, which spreadsheets run as a formula",
    "bad-flag": "this format expects true or false",
    "ragged-row": "the row has more or fewer fields than the header; a comma inside a value needs quotes",
    "duplicate-key": "another row has the same id and says something else; a correction needs its own `record_id`"
    " and names this one in `replaces`",
    "unknown-record": "`replaces` names a row that the ledger does not hold; import that row with or before this one",
    "replaced-twice": "that row has a correction already; a further one replaces the correction",
    "unknown-supplier": "no supplier of that id is registered; import the suppliers with or before their events",
}

# Why a row that can be read is not taken in.
FATES = ("unknown-supplier", "duplicate-key", "unknown-record", "replaced-twice")

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
    with ledger.writing() as number, ledger.connection() as con:
        con.execute("SET VARIABLE loaded_at = CAST(? AS TIMESTAMP)", [loaded_at])
        tables = _parse(con, fmt, sources, progress)
        _open_existing(con, ledger, tables)
        # Suppliers come first: an event is only taken in beside the registration that was.
        for table in sorted(tables, key=lambda t: t is not SUPPLIERS):
            progress(f"telling {table.name} apart")
            _resolve(con, table)
        summary = _summarise(con, fmt, tables, path)
        kept = any(s.imported for s in summary.tables)
        if _set_aside(con, ledger) or kept:
            progress("writing")
            ledger.commit(_write(con, ledger, fmt, number, tables, summary, sources, loaded_at))
            summary = replace(summary, batch=number)
    if summary.quarantined and not kept and not any(s.duplicate for s in summary.tables):
        first = summary.quarantine[0]
        raise AllRejected(
            f"all {summary.quarantined:,} rows were rejected; the first: {describe(first)}", hint=str(first["hint"])
        )
    return summary


def describe(row: dict[str, object]) -> str:
    """One quarantined row as an error message: file, line, column, value.

    >>> describe({"file": "a.csv", "line": 48, "column": "signed_on", "value": "31/02/2025", "problem": "bad-date"})
    'a.csv line 48, column "signed_on": "31/02/2025" (bad-date)'
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
    con.execute("CREATE TEMP TABLE source_columns (number INTEGER, name VARCHAR, source VARCHAR)")
    for mapping, _ in sources:
        if mapping.table not in tables:
            tables.append(mapping.table)
            columns = ", ".join(f"{quoted(c.name)} {c.kind}" for c in (*mapping.table.columns, *SOURCE_COLUMNS))
            con.execute(
                f"CREATE TEMP TABLE parsed_{mapping.table.name} "
                f"(_file INTEGER, _line BIGINT, _column VARCHAR, _value VARCHAR, _problem VARCHAR, {columns})"
            )
    staged: Path | None = None
    header: list[str] = []
    for number, (mapping, path) in enumerate(sorted(sources, key=lambda s: _reading_order(s, sources))):
        progress(f"reading {path.name}")
        if path != staged:
            header, staged = stage_file(con, path, "staged", fmt.database), path
        _refuse_missing_columns(mapping, path, header)
        read = _expressions(mapping, header)
        con.execute("INSERT INTO source_files VALUES (?, ?)", [number, path.name])
        con.executemany(
            "INSERT INTO source_columns VALUES (?, ?, ?)",
            [[number, name, _source_name(name, expression, header)] for name, expression in read.items()],
        )
        con.execute(f"INSERT INTO parsed_{mapping.table.name} {_parse_sql(fmt, mapping, read, header, number)}")
    con.execute("DROP TABLE staged")
    return tables


def _reading_order(source: tuple[Mapping, Path], sources: list[tuple[Mapping, Path]]) -> tuple[bool, Path]:
    """Files whose mappings look at other files' rows come last; the mappings of one file stand together."""
    path = source[1]
    return any(m.beside for m, p in sources if p == path), path


def _refuse_missing_columns(mapping: Mapping, path: Path, header: list[str]) -> None:
    missing = [name for name in mapping.needs if name not in header]
    if not missing:
        return
    # A file without header has a row of data where the names should be, which no message may repeat.
    is_header = len(missing) < len(mapping.needs)
    raise WrongFormat(
        f"{path.name}: column {missing[0]!r} is missing"
        + (f" (and {len(missing) - 1} more: {', '.join(missing[1:])})" if missing[1:] else ""),
        hint=f"the file has {', '.join(header[:12])}" if is_header else "the first line has to hold the column names",
    )


def _expressions(mapping: Mapping, header: list[str]) -> dict[str, str]:
    """The SQL over the source's text that gives each column of the ledger; what the file leaves out reads as empty."""
    absent = {name for name in mapping.optional if name not in header}
    columns = (*mapping.table.columns, *SOURCE_COLUMNS)
    return {c.name: _without(mapping.columns.get(c.name, "NULL"), absent) for c in columns}


def _without(expression: str, absent: set[str]) -> str:
    for name in absent:
        expression = expression.replace(quoted(name), "NULL")
    return expression


def _source_name(column: str, expression: str, header: list[str]) -> str:
    """The column's name in the source, so that a complaint names what the user sees."""
    words = set(re.findall(r"\w+", expression))
    return next((name for name in header if name in words), column)


def _parse_sql(fmt: Format, mapping: Mapping, read: dict[str, str], header: list[str], number: int) -> str:
    """One SELECT from text to typed columns; the first value of a row that cannot be read names the row's problem."""
    columns = (*mapping.table.columns, *SOURCE_COLUMNS)
    raw = ", ".join(f"nullif(trim(CAST({read[c.name]} AS VARCHAR)), '') AS {_raw(c)}" for c in columns)
    typed = ", ".join(f"{_typed(c, mapping)} AS {quoted(c.name)}" for c in columns)
    problems = " ".join(_problems(c, mapping, _source_name(c.name, read[c.name], header)) for c in columns)
    where = _without(mapping.where, {name for name in mapping.optional if name not in header})
    lag = f"CAST({quoted(mapping.table.on)} AS TIMESTAMP) + INTERVAL {fmt.lag_days} DAY"
    names = ", ".join(quoted(c.name) for c in columns if c is not RECORDED)
    return f"""
        SELECT {number}, {LINE}, p.c, p.v, p.p, {names}, coalesce({RECORDED.name}, {lag})
        FROM (SELECT *, CASE WHEN {RAGGED} IS NOT NULL THEN {{'c': '', 'v': {RAGGED}, 'p': 'ragged-row'}}
                             {problems} END AS p
              FROM (SELECT *, {typed} FROM (SELECT {LINE}, {RAGGED}, {raw} FROM staged
                                            WHERE {RAGGED} IS NOT NULL OR ({where}))))"""


def _raw(column: Column) -> str:
    return quoted("r_" + column.name)


def _in_fen(column: Column, mapping: Mapping) -> str:
    return f"TRY_CAST({_raw(column)} AS {EXACT}) * {mapping.money_in.fen}"


def _typed(column: Column, mapping: Mapping) -> str:
    raw = _raw(column)
    match column.kind:
        case Kind.FEN:
            return f"TRY_CAST(round({_in_fen(column, mapping)}) AS BIGINT)"
        case Kind.DATE:
            return f"TRY_CAST(regexp_extract({raw}, '{DAY}', 1) AS DATE)"
        case Kind.MOMENT:
            moment = f"CAST(TRY_CAST({raw} AS TIMESTAMPTZ) AS TIMESTAMP)"
            return f"CASE WHEN regexp_full_match({raw}, '{MOMENT}') THEN {moment} END"
        case _:
            return f"TRY_CAST({raw} AS {column.kind})"


def _problems(column: Column, mapping: Mapping, source_name: str) -> str:
    """The WHEN branches that find what is wrong with one column."""
    raw, value = _raw(column), quoted(column.name)
    checks: list[tuple[str, str]] = []
    if column.required:
        checks.append((f"{raw} IS NULL", "missing-value"))
    if column is RECORDED:
        # Without a moment of its own a row is known from its day on; without a day either nobody could ever see it.
        checks.append((f"{raw} IS NULL AND {_raw_on(mapping.table)} IS NULL", "missing-value"))
    if column.kind in (Kind.FEN, Kind.WHOLE):
        checks.append((f"NOT regexp_full_match({raw}, '{NUMBER}')", "bad-number"))
    match column.kind:
        case Kind.FEN:
            fen = _in_fen(column, mapping)
            checks.append((f"{raw} IS NOT NULL AND coalesce(abs({fen}) > {LARGEST_FEN}, true)", "too-large"))
            checks.append((f"abs({fen} - round({fen})) > {FEN_TOLERANCE}", "not-whole-fen"))
        case Kind.WHOLE:
            checks.append((f"NOT regexp_full_match({raw}, '{WHOLE_NUMBER}')", "not-whole"))
            checks.append((f"{raw} IS NOT NULL AND {value} IS NULL", "too-large"))
        case Kind.DATE | Kind.MOMENT | Kind.FLAG:
            wrong = {Kind.DATE: "bad-date", Kind.MOMENT: "bad-moment", Kind.FLAG: "bad-flag"}[column.kind]
            checks.append((f"{raw} IS NOT NULL AND {value} IS NULL", wrong))
    if column.kind in (Kind.DATE, Kind.MOMENT):
        checks.append((f"year({value}) NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}", "unlikely-date"))
    if column.name == mapping.table.on:
        checks.append((f"{value} > {IMPORT_DAY}", "in-the-future"))
    if column.is_id:
        checks.append((f"regexp_matches({raw}, {literal(NO_ID)})", "bad-id"))
    if column.choices:
        checks.append((f"{value} NOT IN ({', '.join(literal(c) for c in column.choices)})", "not-a-choice"))
    if column.at_least is not None:
        checks.append((f"{value} < {column.at_least}", "too-small"))
    # What a supplier is called stays out of the quarantine, which people read and mail around.
    shown = "NULL" if mapping.table.personal else f"left({raw}, {SHOWN_CHARACTERS})"
    return " ".join(
        f"WHEN {condition} THEN {{'c': {literal(source_name)}, 'v': {shown}, 'p': '{problem}'}}"
        for condition, problem in checks
    )


def _raw_on(table: Table) -> str:
    return next(_raw(column) for column in table.columns if column.name == table.on)


# -- telling rows apart ------------------------------------------------------------------------------------------------


def _open_existing(con: duckdb.DuckDBPyConnection, ledger: Ledger, tables: list[Table]) -> None:
    """Make the ledger's own rows visible beside the new ones, and list the suppliers that it knows."""
    batches = ledger.batches()
    for table in tables:
        con.execute(f"CREATE TEMP VIEW all_{table.name} AS {ledger.rows(table, batches)}")
    con.execute(f"CREATE TEMP TABLE registered AS SELECT DISTINCT supplier_id FROM ({ledger.rows(SUPPLIERS, batches)})")


def _resolve(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fill `resolved_<table>`: each readable row with its id and its fate: new, duplicate, or one of FATES.

    Rows are one where they have the same id and say the same; `recorded_at` is not part of what a row says. Of rows
    that contradict each other the first counts.
    """
    said = " || ".join(_said(name) for name in (*table.names, REPLACES.name))
    own_id = quoted(table.key) if table.key else "left(digest, 32)"
    registered = "supplier_id IN (FROM registered)" if _has_supplier(table) and table is not SUPPLIERS else "true"
    con.execute(
        f"""CREATE TEMP TABLE resolved_{table.name} AS
            WITH old AS (FROM all_{table.name}),
            hashed AS (
                SELECT * EXCLUDE (record_id), record_id AS given, sha256({said}) AS digest
                FROM parsed_{table.name} WHERE _problem IS NULL),
            named AS (
                SELECT * EXCLUDE (digest, given), coalesce(given, {own_id}) AS record_id,
                       CAST('0x' || left(digest, 15) AS BIGINT) AS content_hash
                FROM hashed),
            ordered AS (
                SELECT *, first_value(content_hash) OVER same_id AS first_content, row_number() OVER same_id AS nth
                FROM named WINDOW same_id AS (PARTITION BY record_id ORDER BY _file, _line)),
            objections AS ({_objections(table)})
            SELECT new.* EXCLUDE (first_content, nth),
                   CASE WHEN NOT {registered} THEN 'unknown-supplier'
                        WHEN coalesce(same.content_hash, first_content) <> new.content_hash THEN 'duplicate-key'
                        WHEN same.content_hash IS NOT NULL OR nth > 1 THEN 'duplicate'
                        ELSE coalesce(objection, 'new') END AS _fate
            FROM ordered AS new
            LEFT JOIN (SELECT record_id, content_hash FROM old) AS same USING (record_id)
            LEFT JOIN objections USING (record_id)"""
    )
    if table is SUPPLIERS:
        con.execute(
            "INSERT INTO registered SELECT supplier_id FROM resolved_suppliers WHERE _fate IN ('new', 'duplicate')"
        )


def _objections(table: Table) -> str:
    """What stands against a row that has an id of its own: its correction cannot be right, or its key is taken.

    A correction names a row that is there and has no other correction; any other row is the first of its key.
    """
    corrections = """
        SELECT record_id,
               CASE WHEN replaces = record_id
                         OR replaces NOT IN (SELECT record_id FROM old UNION ALL SELECT record_id FROM named)
                    THEN 'unknown-record'
                    WHEN replaces IN (SELECT replaces FROM old WHERE replaces IS NOT NULL)
                         OR row_number() OVER (PARTITION BY replaces ORDER BY _file, _line) > 1
                    THEN 'replaced-twice' END AS objection
        FROM ordered WHERE replaces IS NOT NULL AND nth = 1"""
    if not table.unique:
        return corrections
    key = ", ".join(quoted(name) for name in table.unique)
    return f"""{corrections}
        UNION ALL
        SELECT record_id,
               CASE claim.content_hash
                    WHEN coalesce(taken.content_hash, first_value(claim.content_hash) OVER same_key) THEN 'duplicate'
                    ELSE 'duplicate-key' END
        FROM (SELECT * FROM ordered WHERE replaces IS NULL AND nth = 1) AS claim
        LEFT JOIN (SELECT {key}, content_hash FROM old WHERE replaces IS NULL) AS taken USING ({key})
        WINDOW same_key AS (PARTITION BY {key} ORDER BY _file, _line)
        QUALIFY taken.content_hash IS NOT NULL OR row_number() OVER same_key > 1"""


def _said(column: str) -> str:
    """A value beside its length, so that no two rows that differ can say the same once they are put together."""
    value = f"CAST({quoted(column)} AS VARCHAR)"
    return f"coalesce(length({value}) || ':' || {value}, '-')"


def _has_supplier(table: Table) -> bool:
    return "supplier_id" in table.names


def _culprit(table: Table, fate: str) -> str:
    """The column that a fate hangs on."""
    match fate:
        case "unknown-supplier":
            return "supplier_id"
        case "duplicate-key":
            return table.unique[0] if table.unique else RECORD_ID.name
        case _:
            return REPLACES.name


def _summarise(con: duckdb.DuckDBPyConnection, fmt: Format, tables: list[Table], path: Path) -> ImportSummary:
    """Fill `rejected` with every row that is set aside, and count what became of each table's rows."""
    rows = " UNION ALL ".join(part for table in tables for part in _rejected_sql(table))
    hints = " ".join(f"WHEN {literal(p)} THEN {literal(h)}" for p, h in HINTS.items())
    con.execute(
        f"""CREATE TEMP TABLE rejected AS
            SELECT q.t AS "table", f.file, q.line, q.c AS "column", q.v AS value, q.p AS problem,
                   CASE q.p {hints} END AS hint
            FROM ({rows}) AS q JOIN source_files AS f ON f.number = q.file"""
    )
    rejected = dict(con.execute('SELECT "table", count(*) FROM rejected GROUP BY 1').fetchall())
    counts: list[TableSummary] = []
    for table in tables:
        fates = dict(con.execute(f"SELECT _fate, count(*) FROM resolved_{table.name} GROUP BY 1").fetchall())
        read = _count(con, f"SELECT count(*) FROM parsed_{table.name}")
        new, duplicate = fates.get("new", 0), fates.get("duplicate", 0)
        counts.append(TableSummary(table.name, read, new, duplicate, rejected.get(table.name, 0)))
    first = con.execute(f'SELECT * FROM rejected ORDER BY file, line, "table", "column" LIMIT {SHOWN_ROWS}')
    names = [column[0] for column in first.description or []]
    shown = [dict(zip(names, row, strict=True)) for row in first.fetchall()]
    return ImportSummary(fmt.name, None, counts, shown, fmt.not_read(path))


def _rejected_sql(table: Table) -> Iterator[str]:
    """The rows of a table that could not be read, then those that could and must not be taken in."""
    yield f"""SELECT {literal(table.name)} AS t, _file AS file, _line AS line, _column AS c, _value AS v, _problem AS p
              FROM parsed_{table.name} WHERE _problem IS NOT NULL"""
    for fate in FATES if _has_supplier(table) else FATES[1:]:
        column = _culprit(table, fate)
        yield f"""SELECT {literal(table.name)}, _file, _line, s.source, left(r.{column}, {SHOWN_CHARACTERS}), _fate
                  FROM resolved_{table.name} AS r JOIN source_columns AS s ON s.number = _file AND s.name = '{column}'
                  WHERE _fate = '{fate}'"""


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


# -- writing -----------------------------------------------------------------------------------------------------------


def _set_aside(con: duckdb.DuckDBPyConnection, ledger: Ledger) -> bool:
    """Keep of the rejected rows those that no earlier import has set aside already; answer whether there are any."""
    files = [ledger.quarantine_file(batch.number) for batch in ledger.batches() if any(batch.quarantined.values())]
    earlier = [file for file in files if file.exists()]
    known = f"EXCEPT ALL SELECT * FROM {parquet(*earlier)}" if earlier else ""
    con.execute(f"CREATE TEMP TABLE fresh AS SELECT * FROM rejected {known}")
    return _count(con, "SELECT count(*) FROM fresh") > 0


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
    first_day, last_day, corrections, hashes = {}, {}, {}, {}
    for table in tables:
        if not next(s.imported for s in summary.tables if s.table == table.name):
            continue
        names = ", ".join(quoted(c.name) for c in (*table.columns, *OWN_COLUMNS) if c is not LOADED)
        order = "supplier_id, " if _has_supplier(table) else ""
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
        hashes[table.name] = sha256_of(target)
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
        sha256=hashes,
        corrections=corrections,
        first_day=first_day,
        last_day=last_day,
    )


def _fresh_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute('SELECT "table", count(*) FROM fresh GROUP BY 1').fetchall())
