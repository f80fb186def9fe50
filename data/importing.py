"""Import files into the ledger: check each value, set aside what cannot be read, keep the rest once.

Every row that a format's files hold ends in one of three places, and the counts add up: imported, recognised as a
duplicate of a row that is already there, or in quarantine with file, line, column, value and what to do about it.

A source is read twice, and never held in memory whole: once to judge its rows, of which only hashes are kept, and once
to write those that are new. Rows that share no id with any other are new at once; only the few that share one, or that
correct another, are told apart in full.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from credit.domain.errors import AllRejected, BrokenFile, WrongFormat
from data.durable import move_whole, sha256_of
from data.formats.format import PASSED_OVER, Format, Mapping
from data.ledger import Batch, Ledger, loaded_text
from data.parsing import FIRST_YEAR, LAST_YEAR, SHOWN_CHARACTERS, cells, parse_sql
from data.schema import LOADED, OWN_COLUMNS, RECORD_ID, REPLACES, SUPERSEDED, SUPPLIERS, Table
from data.staging import (
    LINE,
    REFUSED,
    ROW,
    Staged,
    lies_together,
    literal,
    parquet,
    quoted,
    reading,
    stage_file,
    stage_rows,
)
from data.upkeep import AS_PARQUET, erasures, finish_erasures

# A summary shows so many quarantined rows.
SHOWN_ROWS = 20
# A long step says this often how far it is, in seconds.
SAYS_EVERY = 1.0

HINTS: dict[str, str] = {
    "missing-value": "this column must not be empty",
    "bad-date": "this format expects YYYY-MM-DD, a day without a time zone",
    "bad-moment": "this format expects YYYY-MM-DDTHH:MM:SS, in UTC or with its offset",
    "in-the-future": "what has not happened by the day of the import is no history; plans have columns of their own",
    "unlikely-date": f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}",
    "bad-number": "this format expects a number without separators or unit",
    "not-whole": "this column holds a whole number",
    "not-whole-fen": "an amount must be a whole number of the currency's smallest unit; for yuan two decimals",
    "not-a-currency": "this column holds an ISO 4217 code of three capital letters, XXX where there is none",
    "too-large": "no amount here exceeds ten trillion yuan, no count two billion; check the unit",
    "too-small": "the value lies below the least that this column takes",
    "not-a-choice": "see `credit ledger formats` for the values this column takes",
    "bad-id": "an id has no invisible characters and does not begin with = + - @, which spreadsheets run as a formula",
    "bad-flag": "this format expects true or false",
    "ragged-row": "the row has more or fewer fields than the header; a comma inside a value needs quotes",
    "not-json": "the line is no JSON document, or one that is nested too deep; ask the publisher for it again",
    "not-a-release": "no OCDS release, record or package of them stands here, or it links to one elsewhere: fetch that",
    "not-a-list": "OCDS has a list of objects here; ask the publisher to write it so",
    "no-party-id": "neither the party nor its identifier has an id; nobody is identified by name",
    "several-suppliers": "what each of several suppliers was awarded is not said; the award is nobody's alone",
    "duplicate-key": "another row has the same id and says something else; a correction needs its own `record_id`"
    " and names this one in `replaces`",
    "unknown-record": "`replaces` names a row that the ledger does not hold; import that row with or before this one",
    "replaced-twice": "that row has a correction already; a further one replaces the correction",
    "erased": "the supplier's personal data were erased and are not taken in again",
    "unknown-supplier": "no supplier of that id is registered; import the suppliers with or before their events",
}

# Why a row that can be read is not taken in.
FATES = ("erased", "unknown-supplier", "duplicate-key", "unknown-record", "replaced-twice")

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
    """What became of an import; `batch` is None where nothing was new.

    `passed_over` counts what the files hold that is no event of the ledger, by what it is.
    """

    format: str
    batch: int | None
    tables: list[TableSummary]
    quarantine: list[dict[str, object]] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Rows set aside, over all tables."""
        return sum(each.quarantined for each in self.tables)


@dataclass(frozen=True, slots=True)
class Source:
    """One file as one mapping reads it. `view` gives its parsed rows, each time anew."""

    number: int
    mapping: Mapping
    path: Path
    staged: Staged
    stamp: tuple[int, int]

    @property
    def view(self) -> str:
        """The name of the relation that holds the parsed rows."""
        return f"parsed_{self.number}"


def import_history(
    ledger: Ledger, fmt: Format, path: Path, *, loaded_at: datetime, progress: Progress = lambda _: None
) -> ImportSummary:
    """Import a folder or file; all of it in one batch, or nothing.

    Raises FileMissing, WrongFormat or BrokenFile before anything is written, AllRejected after the quarantine is
    written when no row could be read, Locked when another import runs.
    """
    files = fmt.sources(path)
    with ledger.writing() as number, ledger.connection() as con:
        con.execute("SET VARIABLE loaded_at = CAST(? AS TIMESTAMP)", [loaded_at])
        finish_erasures(ledger)
        con.execute("CREATE TEMP TABLE erased (supplier_id VARCHAR)")
        for erasure in erasures(ledger):
            con.execute("INSERT INTO erased VALUES (?)", [erasure.supplier_id])
        steps = _Steps(con, progress)
        sources = _stage(steps, ledger, fmt, files)
        tables = list(dict.fromkeys(source.mapping.table for source in sources))
        # Suppliers come first: an event is only taken in beside the registration that was.
        for table in sorted(tables, key=lambda t: t is not SUPPLIERS):
            _resolve(steps, table, [s for s in sources if s.mapping.table is table], restates=fmt.restates)
        summary = _summarise(con, fmt, tables, path)
        kept = any(s.imported for s in summary.tables)
        if _set_aside(con, ledger) or kept:
            ledger.commit(_write(steps, ledger, fmt, number, sources, summary, loaded_at))
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


@dataclass(frozen=True, slots=True)
class _Steps:
    """A connection that tells how far a long step has come."""

    con: duckdb.DuckDBPyConnection
    progress: Progress

    @contextmanager
    def step(self, said: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Say what is done, and every second how much of it is."""
        self.progress(said)
        done = threading.Event()

        def watch() -> None:
            while not done.wait(SAYS_EVERY):
                percent = self.con.query_progress()
                if 0 < percent < 100:
                    self.progress(f"{said}: {percent:.0f} %")

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield self.con
        finally:
            done.set()
            watcher.join()


# -- reading and checking ----------------------------------------------------------------------------------------------


def _stage(steps: _Steps, ledger: Ledger, fmt: Format, files: list[tuple[Mapping, Path]]) -> list[Source]:
    """Judge every row: fill `judged_<table>` for each table the files feed, and `wrong` with what cannot be read.

    `judged_<table>` has `_file`, `_row`, whether the row is `_bad`, and hashes: `_id` of its id, `_key` of what no
    other row may share, `_replaces` of the row that it corrects.
    """
    con = steps.con
    con.execute("CREATE TEMP TABLE source_files (number INTEGER, file VARCHAR)")
    con.execute("CREATE TEMP TABLE passed_over (what VARCHAR, rows BIGINT)")
    con.execute("CREATE TEMP TABLE source_columns (number INTEGER, name VARCHAR, source VARCHAR)")
    con.execute(
        'CREATE TEMP TABLE wrong ("table" VARCHAR, _file INTEGER, _line BIGINT, c VARCHAR, v VARCHAR, p VARCHAR)'
    )
    _open_existing(con, ledger, list(dict.fromkeys(mapping.table for mapping, _ in files)))
    sources: list[Source] = []
    opened: dict[Path, dict[str, Staged]] = {}
    stamps = {path: _stamp(path) for _, path in files}
    for mapping, path in sorted(files, key=lambda f: _reading_order(f, files)):
        with steps.step(f"reading {path.name}"), reading(path):
            if path not in opened:
                opened[path] = _open(con, fmt, path, len(opened))
            if mapping.relation not in opened[path]:
                continue
            source = Source(len(sources), mapping, path, opened[path][mapping.relation], stamps[path])
            _refuse_missing_columns(mapping, path, source.staged.header)
            _judge(con, fmt, source)
        sources.append(source)
    return sources


def _open(con: duckdb.DuckDBPyConnection, fmt: Format, path: Path, number: int) -> dict[str, Staged]:
    """The relations that a file holds; one that is a table holds one, without a name.

    What a format's reader refuses as a whole goes to `wrong` as it stands, under the name of its relation.
    """
    if fmt.reader is None:
        return {"": stage_file(con, path, f"staged_{number}", fmt.database)}
    staged = stage_rows(con, fmt.reader(path), f"staged_{number}")
    passed_over = staged.pop(PASSED_OVER, None)
    if passed_over:
        con.execute(f"INSERT INTO passed_over SELECT what, CAST(rows AS BIGINT) FROM {passed_over.relation}")
    # Files are numbered from below zero here: these rows belong to no mapping.
    con.execute("INSERT INTO source_files VALUES (?, ?)", [-number - 1, path.name])
    for name in staged.keys() - {mapping.relation for mapping in fmt.mappings}:
        con.execute(
            f"""INSERT INTO wrong SELECT {literal(name)}, {-number - 1}, {LINE}, unnest({REFUSED})
                FROM {staged[name].relation}"""
        )
    return staged


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when somebody writes to a file; one that is missing is refused when it is read."""
    return (path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else (0, 0)


def _refuse_changed(sources: list[Source]) -> None:
    """Refuse a file that was written to between its two readings: what was judged is not what would be written."""
    for source in sources:
        if _stamp(source.path) != source.stamp:
            raise BrokenFile(
                f"{source.path.name}: it was changed while it was read",
                hint="wait until it is written whole; nothing of it was imported",
            )


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


def _open_existing(con: duckdb.DuckDBPyConnection, ledger: Ledger, tables: list[Table]) -> None:
    """Make the ledger's own rows visible as `old_<table>`, and list the suppliers that it knows as `registered`."""
    batches = ledger.batches()
    for table in tables:
        con.execute(f"CREATE TEMP VIEW old_{table.name} AS {ledger.rows(table, batches)}")
        con.execute(
            f"CREATE TEMP TABLE judged_{table.name} (_file INTEGER, _row BIGINT, _bad BOOLEAN, _on DATE, "
            "_id UBIGINT, _key UBIGINT, _replaces UBIGINT)"
        )
    con.execute(f"CREATE TEMP TABLE registered AS SELECT DISTINCT supplier_id FROM ({ledger.rows(SUPPLIERS, batches)})")


def _judge(con: duckdb.DuckDBPyConnection, fmt: Format, source: Source) -> None:
    """Make the source's parsed rows visible and add what is judged of them."""
    table, number = source.mapping.table, source.number
    read = cells(source.mapping, source.staged)
    con.execute("INSERT INTO source_files VALUES (?, ?)", [number, source.path.name])
    con.executemany("INSERT INTO source_columns VALUES (?, ?, ?)", [[number, c.column.name, c.called] for c in read])
    names_rows = any(cell.column is RECORD_ID and not cell.absent for cell in read)
    own_id = quoted(table.key) if table.key else f"left({_digest(table, REPLACES.name)}, 32)"
    if fmt.restates and table.key:
        own_id = f"{own_id} || '@' || CAST(recorded_at AS VARCHAR)"
    con.execute(
        f"""CREATE TEMP VIEW {source.view} AS
            SELECT * REPLACE (coalesce(record_id, {own_id}) AS record_id),
                   CAST(NULL AS {SUPERSEDED.kind}) AS {SUPERSEDED.name}
            FROM ({parse_sql(fmt, source.mapping, source.staged, number)})"""
    )
    # Where nothing but the content names a row and there is nothing older to meet, any hash of the content will do.
    met = table.key or names_rows or _any(con, f"old_{table.name}")
    identity = "hash(record_id)" if met else f"hash({_columns((*table.names, REPLACES.name))})"
    # A row that is called by its key shares its key with whom it shares its id.
    called_by_key = table.key and not names_rows and not fmt.restates
    key = f"hash({_columns(table.unique)})" if table.unique and not called_by_key else "NULL"
    con.execute(
        f"""INSERT INTO judged_{table.name}
            SELECT _file, {ROW}, _wrong IS NOT NULL, {quoted(table.on)}, {identity}, {key},
                   CASE WHEN replaces IS NOT NULL THEN hash(replaces) END
            FROM {source.view}"""
    )
    if source.mapping.where != "true":
        con.execute(
            f"""INSERT INTO passed_over
                SELECT 'rows of ' || ? || ' that fill no ' || ?, (SELECT count(*) FROM {source.staged.relation})
                       - (SELECT count(*) FROM judged_{table.name} WHERE _file = {number})""",
            [source.path.name, table.name],
        )
    if _any(con, f"judged_{table.name} WHERE _bad AND _file = {number}"):
        con.execute(
            f"""INSERT INTO wrong SELECT {literal(table.name)}, _file, {LINE}, _wrong.c, _wrong.v, _wrong.p
                FROM {source.view} WHERE _wrong IS NOT NULL"""
        )


def _digest(table: Table, *beside: str) -> str:
    """The SQL for the SHA-256 of what a row says; `recorded_at` is not part of it."""
    return f"sha256({' || '.join(_said(name) for name in (*table.names, *beside))})"


def _said(column: str) -> str:
    """A value beside its length, so that no two rows that differ can say the same once they are put together."""
    value = f"CAST({quoted(column)} AS VARCHAR)"
    return f"coalesce(length({value}) || ':' || {value}, '-')"


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)


# -- telling rows apart ------------------------------------------------------------------------------------------------


def _resolve(steps: _Steps, table: Table, sources: list[Source], *, restates: bool) -> None:
    """Fill `resolved_<table>`: each doubtful row with its fate, and `apart_<table>`: those and the bad ones.

    A row is doubtful where it shares its id or key with another, corrects one or is corrected, or where its supplier is
    not registered; any other that can be read is new. Its fate is new, duplicate, or one of FATES. Rows are one where
    they have the same id and say the same. Of rows that contradict each other the first counts.
    """
    with steps.step(f"telling {table.name} apart") as con:
        _doubt(con, table, sources, restates=restates)
        con.execute(_restate_sql(table) if restates and table.key else _resolve_sql(table))
        con.execute(
            f"""CREATE TEMP TABLE apart_{table.name} AS
                SELECT _file, _row FROM judged_{table.name} WHERE _bad
                UNION ALL SELECT _file, _row FROM resolved_{table.name}"""
        )
        if table is SUPPLIERS:
            con.execute(f"INSERT INTO registered SELECT supplier_id FROM ({_clear(con, table, sources)})")
            con.execute(
                "INSERT INTO registered SELECT supplier_id FROM resolved_suppliers WHERE _fate IN ('new', 'duplicate')"
            )


def _clear(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source]) -> str:
    """The SQL for the rows of a table that can be read and that nothing has to be asked about."""
    apart = f"apart_{table.name}"
    return " UNION ALL ".join(
        f"SELECT * EXCLUDE (_wrong) FROM {s.view}"
        + (f" ANTI JOIN {apart} USING (_file, _row)" if _any(con, f"{apart} WHERE _file = {s.number}") else "")
        for s in sources
    )


def _doubt(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source], *, restates: bool) -> None:
    """Fill `doubtful_<table>` with the rows that need a closer look, and `met_<table>` with the old rows they meet."""
    judged, old = f"judged_{table.name}", f"old_{table.name}"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE shared_ids AS
            SELECT _id AS h FROM {judged} WHERE NOT _bad GROUP BY _id HAVING count(*) > 1
            UNION SELECT hash(record_id) FROM {old} WHERE hash(record_id) IN (SELECT _id FROM {judged})
            UNION SELECT _replaces FROM {judged} WHERE NOT _bad AND _replaces IS NOT NULL"""
    )
    con.execute("CREATE OR REPLACE TEMP TABLE shared_keys (h UBIGINT)")
    if table.unique:
        twice = f"SELECT _key FROM {judged} WHERE NOT _bad AND _replaces IS NULL AND _key IS NOT NULL"
        # A correction may share the key of what it corrects; a restatement always does.
        claims = "true" if restates else "replaces IS NULL"
        before = f"SELECT hash({_columns(table.unique)}) AS h FROM {old} WHERE {claims}"
        con.execute(
            f"""INSERT INTO shared_keys {twice} GROUP BY _key HAVING count(*) > 1
                UNION SELECT h FROM ({before}) WHERE h IN (SELECT coalesce(_key, _id) FROM {judged})"""
        )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE doubted AS
            SELECT _file, _row FROM {judged}
            WHERE NOT _bad AND (_replaces IS NOT NULL OR _id IN (FROM shared_ids)
                             OR coalesce(_key, _id) IN (FROM shared_keys))"""
    )
    if table.personal and _any(con, "erased"):
        for source in sources:
            con.execute(
                f"INSERT INTO doubted SELECT _file, _row FROM {source.view} SEMI JOIN erased USING (supplier_id)"
            )
    if _has_supplier(table) and table is not SUPPLIERS:
        for source in sources:
            con.execute(
                f"""INSERT INTO doubted SELECT _file, _row FROM {source.view} ANTI JOIN registered USING (supplier_id)
                    WHERE supplier_id IS NOT NULL"""
            )
    con.execute(
        f"DELETE FROM doubted USING {judged} AS j WHERE j._bad AND (j._file, j._row) = (doubted._file, doubted._row)"
    )
    rows = [f"SELECT * EXCLUDE (_wrong) FROM {source.view} SEMI JOIN doubted USING (_file, _row)" for source in sources]
    con.execute(f"CREATE TEMP TABLE doubtful_{table.name} AS {' UNION ALL '.join(rows)}")
    con.execute(
        f"""CREATE TEMP TABLE met_{table.name} AS FROM {old}
            WHERE hash(record_id) IN (FROM shared_ids) OR hash(replaces) IN (FROM shared_ids)"""
        + (f" OR hash({_columns(table.unique)}) IN (FROM shared_keys)" if table.unique else "")
    )


def _resolve_sql(table: Table) -> str:
    registered = "supplier_id IN (FROM registered)" if _has_supplier(table) and table is not SUPPLIERS else "true"
    return f"""
        CREATE TEMP TABLE resolved_{table.name} AS
        WITH old AS (SELECT *, {_digest(table, REPLACES.name)} AS digest FROM met_{table.name}),
        named AS (SELECT *, {_digest(table, REPLACES.name)} AS digest FROM doubtful_{table.name}),
        ordered AS (
            SELECT *, first_value(digest) OVER same_id AS first_digest, row_number() OVER same_id AS nth
            FROM named WINDOW same_id AS (PARTITION BY record_id ORDER BY _file, _row)),
        objections AS ({_objections(table)})
        SELECT new.* EXCLUDE (first_digest, nth, digest),
               CASE WHEN {"supplier_id IN (FROM erased)" if table.personal else "false"} THEN 'erased'
                    WHEN NOT {registered} THEN 'unknown-supplier'
                    WHEN coalesce(same.digest, first_digest) <> new.digest THEN 'duplicate-key'
                    WHEN same.digest IS NOT NULL OR nth > 1 THEN 'duplicate'
                    ELSE coalesce(objection, 'new') END AS _fate
        FROM ordered AS new
        LEFT JOIN (SELECT record_id, digest FROM old) AS same USING (record_id)
        LEFT JOIN objections USING (record_id)"""


def _restate_sql(table: Table) -> str:
    """Each doubtful row of a source that says a row again when it changes.

    A statement is told apart by its key and the moment it was recorded on. It replaces the last one before it; where
    one recorded later is known already, it has been superseded by that from then on. So the order in which statements
    arrive changes nothing.
    """
    registered = "supplier_id IN (FROM registered)" if _has_supplier(table) and table is not SUPPLIERS else "true"
    key = quoted(table.key or "")
    return f"""
        CREATE TEMP TABLE resolved_{table.name} AS
        WITH said AS (SELECT *, {_digest(table)} AS digest FROM doubtful_{table.name}),
        ordered AS (
            SELECT said.*, coalesce(old.digest, first_value(said.digest) OVER same) AS first_digest,
                   old.digest IS NOT NULL OR row_number() OVER same > 1 AS again
            FROM said
            LEFT JOIN (SELECT record_id, {_digest(table)} AS digest FROM met_{table.name}) AS old USING (record_id)
            WINDOW same AS (PARTITION BY said.record_id ORDER BY _file, _row)),
        fated AS (
            SELECT * EXCLUDE (digest, first_digest, again),
                   CASE WHEN NOT {registered} THEN 'unknown-supplier'
                        WHEN digest <> first_digest THEN 'duplicate-key'
                        WHEN again THEN 'duplicate' ELSE 'new' END AS _fate
            FROM ordered),
        statements AS (
            SELECT {key}, record_id, recorded_at FROM fated WHERE _fate = 'new'
            UNION ALL SELECT {key}, record_id, recorded_at FROM met_{table.name}),
        placed AS (
            SELECT record_id, lag(record_id) OVER line AS before, lead(recorded_at) OVER line AS after
            FROM statements WINDOW line AS (PARTITION BY {key} ORDER BY recorded_at, record_id))
        SELECT fated.* REPLACE (coalesce(replaces, before) AS replaces, after AS superseded_at)
        FROM fated LEFT JOIN placed ON _fate = 'new' AND placed.record_id = fated.record_id"""


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
                         OR row_number() OVER (PARTITION BY replaces ORDER BY _file, _row) > 1
                    THEN 'replaced-twice' END AS objection
        FROM ordered WHERE replaces IS NOT NULL AND nth = 1"""
    if not table.unique:
        return corrections
    key = ", ".join(quoted(name) for name in table.unique)
    return f"""{corrections}
        UNION ALL
        SELECT record_id,
               CASE claim.digest
                    WHEN coalesce(taken.digest, first_value(claim.digest) OVER same_key) THEN 'duplicate'
                    ELSE 'duplicate-key' END
        FROM (SELECT * FROM ordered WHERE replaces IS NULL AND nth = 1) AS claim
        LEFT JOIN (SELECT {key}, digest FROM old WHERE replaces IS NULL) AS taken USING ({key})
        WINDOW same_key AS (PARTITION BY {key} ORDER BY _file, _row)
        QUALIFY taken.digest IS NOT NULL OR row_number() OVER same_key > 1"""


def _has_supplier(table: Table) -> bool:
    return "supplier_id" in table.names


def _culprit(table: Table, fate: str) -> str:
    """The column that a fate hangs on."""
    match fate:
        case "erased" | "unknown-supplier":
            return "supplier_id"
        case "duplicate-key":
            return table.unique[0] if table.unique else RECORD_ID.name
        case _:
            return REPLACES.name


def _summarise(con: duckdb.DuckDBPyConnection, fmt: Format, tables: list[Table], path: Path) -> ImportSummary:
    """Fill `rejected` with every row that is set aside, and count what became of each table's rows."""
    rows = " UNION ALL ".join(["FROM wrong", *(part for table in tables for part in _rejected_sql(table))])
    hints = " ".join(f"WHEN {literal(p)} THEN {literal(h)}" for p, h in HINTS.items())
    con.execute(
        f"""CREATE TEMP TABLE rejected AS
            SELECT q."table", f.file, q.{LINE} AS line, q.c AS "column", q.v AS value, q.p AS problem,
                   CASE q.p {hints} END AS hint
            FROM ({rows}) AS q JOIN source_files AS f ON f.number = q._file"""
    )
    rejected = dict(con.execute('SELECT "table", count(*) FROM rejected GROUP BY 1').fetchall())
    counts: list[TableSummary] = []
    for table in tables:
        read = _count(con, f"judged_{table.name}")
        new = read - _count(con, f"apart_{table.name}") + _count(con, f"resolved_{table.name} WHERE _fate = 'new'")
        duplicate = _count(con, f"resolved_{table.name} WHERE _fate = 'duplicate'")
        counts.append(TableSummary(table.name, read, new, duplicate, rejected.get(table.name, 0)))
    whole = sorted(rejected.keys() - {table.name for table in tables})
    counts += [TableSummary(name, rejected[name], 0, 0, rejected[name]) for name in whole]
    passed_over = dict(
        con.execute(
            "SELECT what, sum(rows)::BIGINT FROM passed_over GROUP BY 1 HAVING sum(rows) > 0 ORDER BY 1"
        ).fetchall()
    )
    first = con.execute(f'SELECT * FROM rejected ORDER BY file, line, "table", "column" LIMIT {SHOWN_ROWS}')
    names = [column[0] for column in first.description or []]
    shown = [dict(zip(names, row, strict=True)) for row in first.fetchall()]
    return ImportSummary(fmt.name, None, counts, shown, fmt.not_read(path), passed_over)


def _rejected_sql(table: Table) -> Iterator[str]:
    """The rows of a table that can be read and must not be taken in."""
    for fate in FATES if _has_supplier(table) else FATES[2:]:
        column = _culprit(table, fate)
        yield f"""SELECT {literal(table.name)}, _file, _line, s.source, left(r.{column}, {SHOWN_CHARACTERS}), _fate
                  FROM resolved_{table.name} AS r JOIN source_columns AS s ON s.number = _file AND s.name = '{column}'
                  WHERE _fate = '{fate}'"""


def _count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {rows}").fetchone()
    return int(row[0]) if row else 0


def _any(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    return con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is not None


# -- writing -----------------------------------------------------------------------------------------------------------


def _set_aside(con: duckdb.DuckDBPyConnection, ledger: Ledger) -> bool:
    """Keep of the rejected rows those that no earlier import has set aside already; answer whether there are any."""
    files = [ledger.quarantine_file(batch.number) for batch in ledger.batches() if any(batch.quarantined.values())]
    earlier = [file for file in files if file.exists()]
    known = f"EXCEPT ALL SELECT * FROM {parquet(*earlier)}" if earlier else ""
    con.execute(f"CREATE TEMP TABLE fresh AS SELECT * FROM rejected {known}")
    return _any(con, "fresh")


def _write(
    steps: _Steps,
    ledger: Ledger,
    fmt: Format,
    number: int,
    sources: list[Source],
    summary: ImportSummary,
    loaded_at: datetime,
) -> Batch:
    """Write the new rows and the quarantine to the side, rename them in, and answer the batch that would name them."""
    con, loaded = steps.con, loaded_text(loaded_at)
    aside = ledger.folder / ".aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    first_day, last_day, corrections, hashes = {}, {}, {}, {}
    for table in dict.fromkeys(source.mapping.table for source in sources):
        new = next(s.imported for s in summary.tables if s.table == table.name)
        if not new:
            continue
        target = aside / f"{table.name}.parquet"
        with steps.step(f"writing {new:,} {table.name.replace('_', ' ')}"):
            own = [s for s in sources if s.mapping.table is table]
            with reading(own[0].path):
                con.execute(_copy_sql(con, table, own, loaded, target))
            _refuse_changed(own)
        day = f"least({quoted(table.on)}, CAST(recorded_at + INTERVAL 8 HOUR AS DATE))"
        row = con.execute(
            f"""SELECT min({day}), max(CAST(recorded_at + INTERVAL 8 HOUR AS DATE)), count(replaces)
                FROM {parquet(target)}"""
        ).fetchone()
        if row and row[1] and not (table.label or table.personal):
            first_day[table.name], last_day[table.name] = str(row[0]), str(row[1])
        if row and row[2]:
            corrections[table.name] = int(row[2])
        if not table.personal:
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
            {"file": p.name, "bytes": p.stat().st_size, "sha256": sha256_of(p)}
            for p in sorted({s.path for s in sources})
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


def _copy_sql(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source], loaded: str, target: Path) -> str:
    """Write the new rows so that a supplier's lie together: sorted, unless the source already keeps them so."""
    rows = f"{_clear(con, table, sources)} UNION ALL BY NAME FROM resolved_{table.name} WHERE _fate = 'new'"
    # An id that is the table's own key is not written twice; the ledger's reader puts it back.
    given = f"nullif(record_id, {quoted(table.key)})" if table.key else "record_id"
    names = _columns(tuple(c.name for c in (*table.columns, *OWN_COLUMNS) if c not in (LOADED, RECORD_ID)))
    order = "" if _supplier_by_supplier(con, table, sources) else f"ORDER BY {_order(table)}"
    own = f"{given} AS record_id, TIMESTAMP {literal(loaded)} AS {LOADED.name}"
    return f"""COPY (SELECT {names}, {own} FROM ({rows}) {order})
               TO {literal(str(target))} ({AS_PARQUET})"""


def _order(table: Table) -> str:
    return "supplier_id" if _has_supplier(table) else quoted(table.on)


def _supplier_by_supplier(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source]) -> bool:
    if not _has_supplier(table) or len(sources) > 1:
        return False
    read = next(c for c in cells(sources[0].mapping, sources[0].staged) if c.column.name == "supplier_id")
    return lies_together(con, sources[0].path, read.called)


def _fresh_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute('SELECT "table", count(*) FROM fresh GROUP BY 1').fetchall())
