"""Import files into the ledger: check each value, set aside what cannot be read, keep the rest once.

Every row that a format's files hold ends in one of three places, and the counts add up: imported, recognised as a
duplicate of a row that is already there, or in quarantine with file, line, column, value and what to do about it.
Those that only lack what they name, their supplier or the row that they correct, wait there whole, and are taken in as
soon as it comes: in which order files arrive makes no difference.

A source is never held in memory whole. It is read to judge its rows, of which only hashes are kept, then where a row
needs a closer look, and at last to write those that are new; whatever breaks in between is the file's fault, and named.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from credit.domain.errors import AllRejected, BrokenFile, FileMissing, StoreDamaged, WrongFormat
from credit.domain.progress import Progress, silent
from data.batches import Batch, SourceKind, fed_by
from data.durable import move_whole, sha256_of
from data.formats.format import PASSED_OVER, Format, Mapping
from data.ledger import Ledger
from data.ledger_files import loaded_text
from data.parsing import SHOWN_CHARACTERS, cells, parse_sql
from data.quarantine import CHOICES, DATED, HINTS, describe
from data.resolving import (
    FATES,
    Source,
    any_row,
    clear_sql,
    count,
    culprit,
    digest_sql,
    listed,
    resolve,
    total,
)
from data.schema import LOADED, OWN_COLUMNS, RECORD_ID, REPLACES, SUPERSEDED, SUPPLIERS, Table
from data.staging import (
    LINE,
    REFUSED,
    ROW,
    Staged,
    is_nested,
    lies_together,
    literal,
    parquet,
    quoted,
    reading,
    stage_file,
    stage_rows,
)
from data.upkeep import AS_PARQUET, erasures, finish_erasures
from data.waiting import WAITS_SQL, again, gather, list_origins

# A summary shows so many quarantined rows.
SHOWN_ROWS = 20
# What the quarantine keeps of a rejected row.
REJECTED = '"table", file, line, "column", value, problem, hint'
# A long step says this often how far it is, in seconds.
SAYS_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What became of a table's rows in one import; those that `waiting` counts are among the quarantined."""

    table: str
    read: int
    imported: int
    duplicate: int
    quarantined: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of an import; `batch` is None where nothing was new.

    `passed_over` counts what the files hold that is no event of the ledger, by what it is; `taken_in` the rows of
    earlier imports that had waited for what this one brought, by table; `set_aside` the rows that were refused and that
    no batch up to the one that was asked about keeps, by table.
    """

    format: str
    batch: int | None
    tables: list[TableSummary]
    quarantine: list[dict[str, object]] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)
    taken_in: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Rows set aside, over all tables."""
        return sum(each.quarantined for each in self.tables)

    @property
    def waiting(self) -> int:
        """Those of them that wait for what they name."""
        return sum(each.waiting for each in self.tables)


def import_history(
    ledger: Ledger, fmt: Format, path: Path, *, loaded_at: datetime, progress: Progress = silent
) -> ImportSummary:
    """Import a folder or file; all of it in one batch, or nothing. Rows that waited for it make batches of their own.

    Raises FileMissing, WrongFormat or BrokenFile before anything is written, AllRejected after the quarantine is
    written when no row could be read, Locked when another import runs.
    """
    summary = import_counted(ledger, fmt, path, loaded_at=loaded_at, progress=progress)
    refuse_all_rejected(summary)
    return summary


def import_counted(
    ledger: Ledger,
    fmt: Format,
    path: Path,
    *,
    loaded_at: datetime,
    since: int | None = None,
    progress: Progress = silent,
) -> ImportSummary:
    """As `import_history`, but where all rows are rejected the summary says so.

    Rows that were `set_aside` are counted against what batches up to `since` keep, by default all that there are: an
    import that is done again counts the same.
    """
    files = fmt.sources(path)
    taken_in: Counter[str] = Counter()
    with ledger.writing():
        imported = _import(ledger, fmt, files, loaded_at, progress, since)
        summary = replace(imported, not_read=fmt.not_read(path))
        while more := _take_in(ledger, loaded_at, progress):
            taken_in.update(more)
    return replace(summary, taken_in=dict(taken_in))


def refuse_all_rejected(summary: ImportSummary) -> None:
    """Raise AllRejected where an import could read no row."""
    refused = summary.quarantined - summary.waiting
    if refused and not any(each.imported or each.duplicate or each.waiting for each in summary.tables):
        first = summary.quarantine[0]
        raise AllRejected(f"all {refused:,} rows were rejected; the first: {describe(first)}", hint=str(first["hint"]))


def _take_in(ledger: Ledger, loaded_at: datetime, progress: Progress) -> Counter[str]:
    """Take in the rows that need wait no longer; answer how many of each table."""
    taken_in: Counter[str] = Counter()
    for kind, waiting in ledger.waiting().items():
        fmt = again(kind)
        files = [(mapping, waiting[mapping.table.name]) for mapping in fmt.mappings if mapping.table.name in waiting]
        try:
            summary = _import(ledger, fmt, files, loaded_at, progress)
        except (BrokenFile, FileMissing) as broken:
            raise StoreDamaged(f"the ledger is damaged: of the rows that wait, {broken}") from broken
        taken_in.update({each.table: each.imported for each in summary.tables if each.imported})
    return taken_in


def _import(
    ledger: Ledger,
    fmt: Format,
    files: list[tuple[Mapping, Path]],
    loaded_at: datetime,
    progress: Progress,
    since: int | None = None,
) -> ImportSummary:
    """Import these files in one batch, or nothing where nothing is new."""
    with ledger.connection() as con:
        con.execute("SET VARIABLE loaded_at = CAST(? AS TIMESTAMP)", [loaded_at])
        # Values are judged, and never what a file's own statistics say of them.
        con.execute("SET disabled_optimizers = 'statistics_propagation'")
        finish_erasures(ledger)
        con.execute("CREATE TEMP TABLE erased (supplier_id VARCHAR)")
        for erasure in erasures(ledger):
            con.execute("INSERT INTO erased VALUES (?)", [erasure.supplier_id])
        steps = _Steps(con, progress)
        sources = _stage(steps, ledger, fmt, files)
        tables = list(dict.fromkeys(source.mapping.table for source in sources))
        # Suppliers come first: an event is only taken in beside the registration that was.
        for table in sorted(tables, key=lambda t: t is not SUPPLIERS):
            own = [source for source in sources if source.mapping.table is table]
            _judge(steps, fmt, table, own)
            with steps.step(f"telling {table.name} apart"), reading(*(source.path for source in own)):
                resolve(con, table, own, restates=fmt.restates)
        list_origins(con, fmt, sources)
        summary = replace(_summarise(con, fmt, tables), set_aside=_refused_since(con, ledger, since))
        waiting = _gather(con, ledger, fmt, tables)
        news = _set_aside(con, ledger) or waiting or any(s.imported for s in summary.tables)
        if news or _says_more(ledger, fmt, tables):
            batch = _write(steps, ledger, fmt, sources, summary, waiting, loaded_at)
            ledger.commit(batch)
            summary = replace(summary, batch=batch.number)
    return summary


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
                    self.progress(said, percent, 100)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield self.con
        finally:
            done.set()
            watcher.join()


# -- reading and checking ----------------------------------------------------------------------------------------------


def _stage(steps: _Steps, ledger: Ledger, fmt: Format, files: list[tuple[Mapping, Path]]) -> list[Source]:
    """Make the parsed rows of every file visible, and fill `days_<table>` where a mapping looks at them."""
    con = steps.con
    con.execute('CREATE TEMP TABLE source_files (number INTEGER, file VARCHAR, "table" VARCHAR, rows BIGINT)')
    con.execute("CREATE TEMP TABLE passed_over (what VARCHAR, rows BIGINT)")
    con.execute("CREATE TEMP TABLE source_columns (number INTEGER, name VARCHAR, source VARCHAR)")
    con.execute("CREATE TEMP TABLE own_hints (number INTEGER, source VARCHAR, problem VARCHAR, hint VARCHAR)")
    con.execute(
        'CREATE TEMP TABLE wrong ("table" VARCHAR, _file INTEGER, _row BIGINT, _line BIGINT, '
        "c VARCHAR, v VARCHAR, p VARCHAR)"
    )
    _open_existing(con, ledger, list(dict.fromkeys(mapping.table for mapping, _ in files)))
    sources: list[Source] = []
    opened: dict[Path, dict[str, Staged]] = {}
    stamps = {path: _stamp(path) for _, path in files}
    for mapping, path in sorted(files, key=lambda f: _reading_order(f, files)):
        if path not in opened:
            with steps.step(f"opening {path.name}"), reading(path):
                opened[path] = _open(con, fmt, path, len(opened))
        if mapping.relation in opened[path]:
            source = Source(len(sources), mapping, path, opened[path][mapping.relation], stamps[path])
            _refuse_missing_columns(mapping, path, source.staged.header)
            _refuse_nested_columns(source)
            sources.append(source)
    looked_at = {table for source in sources for table in source.mapping.beside}
    for table in looked_at:
        con.execute(f"CREATE TEMP TABLE days_{table.name} (first_day DATE, last_day DATE)")
    for source in sources:
        with reading(source.path):
            _show(con, fmt, source)
    for source in sources:
        table = source.mapping.table
        if table in looked_at:
            on = quoted(table.on)
            with steps.step(f"looking at the days of {source.path.name}"), reading(source.path):
                con.execute(
                    f"INSERT INTO days_{table.name} SELECT min({on}), max({on}) FROM {source.view} WHERE _readable"
                )
    return sources


def _names_rows(source: Source) -> bool:
    """Whether a source gives its rows ids of their own, or names those that they replace."""
    given = {cell.column for cell in cells(source.mapping, source.staged) if not cell.absent}
    return bool(given & {RECORD_ID, REPLACES})


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
    con.execute("INSERT INTO source_files VALUES (?, ?, NULL, NULL)", [-number - 1, path.name])
    for name in staged.keys() - {mapping.relation for mapping in fmt.mappings}:
        con.execute(
            f"""INSERT INTO wrong SELECT {literal(name)}, {-number - 1}, {ROW}, {LINE}, unnest({REFUSED})
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
        hint=f"the file has {', '.join(header[:12])}"
        if is_header
        else "the first line has to hold the column names, with commas between them",
    )


def _refuse_nested_columns(source: Source) -> None:
    for cell in cells(source.mapping, source.staged):
        if is_nested(source.staged.types.get(cell.called, "")):
            raise WrongFormat(
                f"{source.path.name}: column {cell.called!r} holds lists or records",
                hint="export it as columns of single values",
            )


def _open_existing(con: duckdb.DuckDBPyConnection, ledger: Ledger, tables: list[Table]) -> None:
    """Make the ledger's own rows visible as `old_<table>`, and list the suppliers that it knows as `registered`."""
    batches = ledger.batches()
    for table in tables:
        con.execute(f"CREATE TEMP VIEW old_{table.name} AS {ledger.rows(table, batches)}")
    con.execute(f"CREATE TEMP TABLE registered AS SELECT DISTINCT supplier_id FROM ({ledger.rows(SUPPLIERS, batches)})")


def _show(con: duckdb.DuckDBPyConnection, fmt: Format, source: Source) -> None:
    """Make the source's parsed rows visible, each with an id."""
    table, parsed = source.mapping.table, parse_sql(fmt, source.mapping, source.staged, source.number)
    own_id = quoted(table.key) if table.key else f"left({digest_sql(table, REPLACES.name)}, 32)"
    if fmt.restates and table.key:
        own_id = f"{own_id} || '@' || CAST(recorded_at AS VARCHAR)"
    # DuckDB would make ready what a hash of the content needs for every row, even where no row asks for it.
    unnamed = any_row(con, f"({parsed}) WHERE record_id IS NULL")
    identified = f"coalesce(record_id, {own_id})" if unnamed else "record_id"
    con.execute(
        f"""CREATE TEMP VIEW {source.view} AS
            SELECT * REPLACE ({identified} AS record_id), CAST(NULL AS {SUPERSEDED.kind}) AS {SUPERSEDED.name}
            FROM ({parsed})"""
    )


def _judge(steps: _Steps, fmt: Format, table: Table, sources: list[Source]) -> None:
    """Judge every row of a table: fill `judged` with what can be read, and `wrong` with what cannot.

    `judged` has of each row `_file`, `_row`, and hashes: `_id` of its id, `_key` of what no other row may share,
    `_replaces` of the row that it corrects.
    """
    con = steps.con
    con.execute(
        "CREATE OR REPLACE TEMP TABLE judged (_file INTEGER, _row BIGINT, _id UBIGINT, _key UBIGINT, _replaces UBIGINT)"
    )
    named = any(_names_rows(source) for source in sources)
    # Where nothing but the content names a row and there is nothing older to meet, any hash of the content will do.
    met = table.key or named or any_row(con, f"old_{table.name}")
    identity = "hash(record_id)" if met else f"hash({listed((*table.names, REPLACES.name))})"
    # A row that is called by its key shares its key with whom it shares its id.
    called_by_key = table.key and not named and not fmt.restates
    key = f"hash({listed(table.unique)})" if table.unique and not called_by_key else "NULL"
    for source in sources:
        with steps.step(f"reading {source.path.name}"), reading(source.path):
            con.execute(
                f"""INSERT INTO judged
                    SELECT _file, {ROW}, {identity}, {key}, CASE WHEN replaces IS NOT NULL THEN hash(replaces) END
                    FROM {source.view} WHERE _readable"""
            )
            _count(con, source)


def _count(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Note how many rows a file has and what its columns are called, and each value of it that cannot be read."""
    table, number, whole = source.mapping.table, source.number, source.mapping.where == "true"
    read = cells(source.mapping, source.staged)
    con.executemany("INSERT INTO source_columns VALUES (?, ?, ?)", [[number, c.column.name, c.called] for c in read])
    own = [[number, c.called, "not-a-choice", CHOICES + ", ".join(c.column.choices)] for c in read if c.column.choices]
    dates = source.mapping.dates
    own += [[number, c.called, "bad-date", DATED + dates[c.column.name]] for c in read if c.column.name in dates]
    if own:
        con.executemany("INSERT INTO own_hints VALUES (?, ?, ?, ?)", own)
    rows = count(con, source.staged.relation if whole else source.view)
    con.execute("INSERT INTO source_files VALUES (?, ?, ?, ?)", [number, source.path.name, table.name, rows])
    if not whole:
        passed_over = count(con, source.staged.relation) - rows
        what = f"rows of {source.path.name} that fill no {table.name}"
        con.execute("INSERT INTO passed_over VALUES (?, ?)", [what, passed_over])
    if count(con, f"judged WHERE _file = {number}") < rows:
        con.execute(
            f"""INSERT INTO wrong SELECT {literal(table.name)}, _file, {ROW}, {LINE}, _wrong.c, _wrong.v, _wrong.p
                FROM {source.view} WHERE NOT _readable"""
        )


def _summarise(con: duckdb.DuckDBPyConnection, fmt: Format, tables: list[Table]) -> ImportSummary:
    """Fill `rejected` with every row that is set aside, and count what became of each table's rows."""
    rows = " UNION ALL ".join(["FROM wrong", *(part for table in tables for part in _rejected_sql(table))])
    hints = " ".join(f"WHEN {literal(p)} THEN {literal(h)}" for p, h in HINTS.items())
    con.execute(
        f"""CREATE TEMP TABLE rejected AS
            SELECT q._file, q.{ROW}, q."table", coalesce(o.source_file, f.file) AS file,
                   coalesce(o.source_line, q.{LINE}) AS line, q.c AS "column", q.v AS value, q.p AS problem,
                   coalesce(w.hint, CASE q.p {hints} END) AS hint
            FROM ({rows}) AS q JOIN source_files AS f ON f.number = q._file
            LEFT JOIN (SELECT number, source, problem, max(hint) AS hint FROM own_hints GROUP BY ALL) AS w
                   ON w.number = q._file AND w.source = q.c AND w.problem = q.p
            LEFT JOIN origins AS o USING (_file, {ROW})"""
    )
    rejected, waiting = (
        dict(con.execute(f'SELECT "table", count(*) FROM rejected WHERE {which} GROUP BY 1').fetchall())
        for which in ("true", f"problem IN {WAITS_SQL}")
    )
    counts: list[TableSummary] = []
    for table in tables:
        read = total(con, "rows", f'source_files WHERE "table" = {literal(table.name)}')
        new = read - count(con, f"apart_{table.name}") + count(con, f"resolved_{table.name} WHERE _fate = 'new'")
        duplicate = count(con, f"resolved_{table.name} WHERE _fate = 'duplicate'")
        aside = (rejected.get(table.name, 0), waiting.get(table.name, 0))
        counts.append(TableSummary(table.name, read, new, duplicate, *aside))
    whole = sorted(rejected.keys() - {table.name for table in tables})
    counts += [TableSummary(name, rejected[name], 0, 0, rejected[name]) for name in whole]
    passed_over = dict(
        con.execute(
            "SELECT what, sum(rows)::BIGINT FROM passed_over GROUP BY 1 HAVING sum(rows) > 0 ORDER BY 1"
        ).fetchall()
    )
    first = con.execute(f'SELECT {REJECTED} FROM rejected ORDER BY file, line, "table", "column" LIMIT {SHOWN_ROWS}')
    names = [column[0] for column in first.description or []]
    shown = [dict(zip(names, row, strict=True)) for row in first.fetchall()]
    return ImportSummary(fmt.name, None, counts, shown, passed_over=passed_over)


def _rejected_sql(table: Table) -> Iterator[str]:
    """The rows of a table that can be read and must not be taken in."""
    for fate in FATES:
        column = culprit(table, fate)
        if column == "supplier_id" and not table.has_supplier:
            continue
        value = f"left({column}, {SHOWN_CHARACTERS})"
        yield f"""SELECT {literal(table.name)}, _file, {ROW}, {LINE}, s.source, {value}, _fate
                  FROM resolved_{table.name} AS r JOIN source_columns AS s ON s.number = _file AND s.name = '{column}'
                  WHERE _fate = '{fate}'"""


def _gather(con: duckdb.DuckDBPyConnection, ledger: Ledger, fmt: Format, tables: list[Table]) -> dict[Table, int]:
    """Fill `waiting_<table>` for each table of which other rows wait than before; answer how many each."""
    before = ledger.waiting().get(SourceKind(fmt.tier, fmt.restates), {})
    left = {table: gather(con, fmt, table, before.get(table.name)) for table in tables}
    return {table: rows for table, rows in left.items() if rows is not None}


# -- writing -----------------------------------------------------------------------------------------------------------


def _says_more(ledger: Ledger, fmt: Format, tables: list[Table]) -> bool:
    """Whether a table is read for the first time beside others of this kind: without a row, it says there was none."""
    fed = fed_by(ledger.batches(), fmt.tier)
    return bool(fed) and not {table.name for table in tables} <= fed


def _set_aside(con: duckdb.DuckDBPyConnection, ledger: Ledger) -> bool:
    """Keep of the refused rows those that no earlier import has set aside already; answer whether there are any."""
    con.execute(f"CREATE TEMP TABLE fresh AS {_fresh_sql(ledger, ledger.version)}")
    return any_row(con, "fresh")


def _refused_since(con: duckdb.DuckDBPyConnection, ledger: Ledger, since: int | None) -> dict[str, int]:
    """How many of each table's refused rows no batch up to a version keeps."""
    fresh = _fresh_sql(ledger, ledger.version if since is None else since)
    return dict(con.execute(f'SELECT "table", count(*) FROM ({fresh}) GROUP BY 1 ORDER BY 1').fetchall())


def _fresh_sql(ledger: Ledger, upto: int) -> str:
    """The refused rows that no batch up to a version has set aside already."""
    batches = [batch for batch in ledger.batches() if batch.number <= upto and any(batch.quarantined.values())]
    earlier = [file for batch in batches if (file := ledger.quarantine_file(batch.number)).exists()]
    known = f"EXCEPT ALL SELECT * FROM {parquet(*earlier)}" if earlier else ""
    return f"SELECT {REJECTED} FROM rejected WHERE problem NOT IN {WAITS_SQL} {known}"


def _write(
    steps: _Steps,
    ledger: Ledger,
    fmt: Format,
    sources: list[Source],
    summary: ImportSummary,
    waiting: dict[Table, int],
    loaded_at: datetime,
) -> Batch:
    """Write the new rows and those set aside to the side, rename them in, and answer the batch that would name them."""
    con, number, loaded = steps.con, ledger.version + 1, loaded_text(loaded_at)
    aside = ledger.folder / ".aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    first_day, last_day, corrections = {}, {}, {}
    # A file is hashed and forced to disk while the next one is written.
    with ThreadPoolExecutor(1) as behind:
        files = [(path, behind.submit(sha256_of, path)) for path in sorted({s.path for s in sources})]
        keeping: dict[Table, Future[str]] = {}
        for table in dict.fromkeys(source.mapping.table for source in sources):
            new = next(s.imported for s in summary.tables if s.table == table.name)
            if not new:
                continue
            target = aside / f"{table.name}.parquet"
            with steps.step(f"writing {new:,} {table.name.replace('_', ' ')}"):
                own = [s for s in sources if s.mapping.table is table]
                with reading(*(source.path for source in own)):
                    con.execute(_copy_sql(con, table, own, loaded, target))
                _refuse_changed(own)
            row = con.execute(
                f"""SELECT least(min({quoted(table.on)}), CAST(min(recorded_at) + INTERVAL 8 HOUR AS DATE)),
                           CAST(max(recorded_at) + INTERVAL 8 HOUR AS DATE), count(replaces)
                    FROM {parquet(target)}"""
            ).fetchone()
            if row and row[1] and table.readable:
                first_day[table.name], last_day[table.name] = str(row[0]), str(row[1])
            if row and row[2]:
                corrections[table.name] = int(row[2])
            keeping[table] = behind.submit(_keep, target, ledger.file(table.name, number))
        fresh, apart = _fresh_counts(con), []
        if fresh:
            target = aside / "quarantine.parquet"
            con.execute(f"COPY (SELECT * FROM fresh ORDER BY file, line) TO {literal(str(target))} (FORMAT parquet)")
            apart = [behind.submit(_keep, target, ledger.quarantine_file(number))]
        left: dict[Table, Future[str]] = {}
        for table in (table for table, rows in waiting.items() if rows):
            target = aside / f"{table.name}.waiting.parquet"
            con.execute(f"COPY waiting_{table.name} TO {literal(str(target))} ({AS_PARQUET})")
            left[table] = behind.submit(_keep, target, ledger.waiting_file(table.name, number))
    for kept in (*keeping.values(), *left.values(), *apart):
        kept.result()
    shutil.rmtree(aside, ignore_errors=True)
    return Batch(
        number=number,
        format=fmt.name,
        tier=fmt.tier,
        lag_days=fmt.lag_days,
        loaded_at=loaded,
        sources=[{"file": p.name, "bytes": p.stat().st_size, "sha256": said.result()} for p, said in files],
        read={s.table: s.read for s in summary.tables},
        imported={s.table: s.imported for s in summary.tables},
        duplicates={s.table: s.duplicate for s in summary.tables},
        quarantined=fresh,
        sha256={table.name: kept.result() for table, kept in keeping.items() if not table.personal},
        corrections=corrections,
        first_day=first_day,
        last_day=last_day,
        restates=fmt.restates,
        waiting={table.name: rows for table, rows in waiting.items()},
        waiting_sha256={table.name: kept.result() for table, kept in left.items() if not table.personal},
    )


def _keep(written: Path, place: Path) -> str:
    """Put a finished file into its place for good; answer its SHA-256."""
    digest = sha256_of(written)
    move_whole(written, place)
    return digest


def _copy_sql(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source], loaded: str, target: Path) -> str:
    """Write the new rows so that a supplier's lie together: sorted, unless the source already keeps them so."""
    rows = f"{clear_sql(con, table, sources)} UNION ALL BY NAME FROM resolved_{table.name} WHERE _fate = 'new'"
    # An id that is the table's own key is not written twice; the ledger's reader puts it back.
    given = f"nullif(record_id, {quoted(table.key)})" if table.key else "record_id"
    names = listed(tuple(c.name for c in (*table.columns, *OWN_COLUMNS) if c not in (LOADED, RECORD_ID)))
    order = "" if _supplier_by_supplier(con, table, sources) else f"ORDER BY {quoted(table.lies_by)}"
    own = f"{given} AS record_id, TIMESTAMP {literal(loaded)} AS {LOADED.name}"
    return f"""COPY (SELECT {names}, {own} FROM ({rows}) {order})
               TO {literal(str(target))} ({AS_PARQUET})"""


def _supplier_by_supplier(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source]) -> bool:
    if not table.has_supplier or len(sources) > 1:
        return False
    read = next(c for c in cells(sources[0].mapping, sources[0].staged) if c.column.name == "supplier_id")
    return lies_together(con, sources[0].path, read.called)


def _fresh_counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute('SELECT "table", count(*) FROM fresh GROUP BY 1').fetchall())
