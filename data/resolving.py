"""Tell the rows of an import apart: which are new, which say again what is known, and which contradict it.

Rows that share no id with any other are new at once. Only the few that share one, or that correct another, are doubtful
and looked at in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from data.formats.format import Mapping
from data.schema import RECORD_ID, REPLACES, SUPPLIERS, Table
from data.staging import Staged, quoted

# So many doubtful rows are looked at together.
ROWS_AT_ONCE = 1_000_000
# What a row waits for: its supplier, the row that it corrects, or an earlier word of it than its own.
WAITS = ("unknown-supplier", "unknown-record", "corrected-before")
# Why a row that can be read is not taken in, or not yet.
FATES = ("erased", "duplicate-key", "replaced-twice", *WAITS)


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


def resolve(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source], *, restates: bool) -> None:
    """Fill `resolved_<table>`: each doubtful row with its fate, and `apart_<table>`: those and the bad ones.

    A row is doubtful where it shares its id or key with another, corrects one or is corrected, or where its supplier is
    not registered; any other that can be read is new. Its fate is new, duplicate, or one of FATES. Rows are one where
    they have the same id and say the same. Of rows that contradict each other the first to come counts.
    """
    _doubt(con, table, sources)
    by_key = restates and table.key is not None
    _sift(con, table, () if by_key else (REPLACES.name,))
    resolved = _restate_sql(table) if by_key else _resolve_sql(table)
    con.execute(f"INSERT INTO resolved_{table.name} BY NAME {resolved}")
    con.execute(
        f"""CREATE TEMP TABLE apart_{table.name} AS
            SELECT _file, _row FROM wrong WHERE "table" = '{table.name}'
            UNION ALL SELECT _file, _row FROM resolved_{table.name}"""
    )
    if table is SUPPLIERS:
        con.execute(f"INSERT INTO registered SELECT supplier_id FROM ({clear_sql(con, table, sources)})")
        con.execute(
            "INSERT INTO registered SELECT supplier_id FROM resolved_suppliers WHERE _fate IN ('new', 'duplicate')"
        )


def clear_sql(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source]) -> str:
    """The SQL for the rows of a table that can be read and that nothing has to be asked about."""
    apart = f"apart_{table.name}"
    return " UNION ALL ".join(
        f"SELECT * EXCLUDE (_readable, _wrong) FROM {s.view}"
        + (f" ANTI JOIN {apart} USING (_file, _row)" if any_row(con, f"{apart} WHERE _file = {s.number}") else "")
        for s in sources
    )


def _doubt(con: duckdb.DuckDBPyConnection, table: Table, sources: list[Source]) -> None:
    """Fill `doubtful` with the rows that need a closer look, and `met` with the old rows they meet."""
    old = f"old_{table.name}"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE shared_ids AS
            SELECT _id AS h FROM (SELECT _id, lag(_id) OVER (ORDER BY _id) AS before FROM judged) WHERE _id = before
            UNION SELECT hash(record_id) FROM {old} WHERE hash(record_id) IN (SELECT _id FROM judged)
            UNION SELECT _replaces FROM judged WHERE _replaces IS NOT NULL"""
    )
    con.execute("CREATE OR REPLACE TEMP TABLE shared_keys (h UBIGINT)")
    if table.unique:
        con.execute(
            f"""INSERT INTO shared_keys
                SELECT _key FROM judged WHERE _key IS NOT NULL GROUP BY _key HAVING count(*) > 1
                UNION SELECT h FROM (SELECT hash({listed(table.unique)}) AS h FROM {old})
                      WHERE h IN (SELECT coalesce(_key, _id) FROM judged)"""
        )
    con.execute(
        """CREATE OR REPLACE TEMP TABLE doubted AS
            SELECT _file, _row FROM judged
            WHERE _replaces IS NOT NULL OR _id IN (FROM shared_ids) OR coalesce(_key, _id) IN (FROM shared_keys)"""
    )
    if table.personal and any_row(con, "erased"):
        for source in sources:
            con.execute(
                f"""INSERT INTO doubted SELECT _file, _row FROM {source.view} SEMI JOIN erased USING (supplier_id)
                    WHERE _readable"""
            )
    if table.has_supplier and table is not SUPPLIERS:
        for source in sources:
            unknown = f"{source.view} ANTI JOIN registered USING (supplier_id) WHERE supplier_id IS NOT NULL"
            # There are seldom any, and to look for one costs far less than to read each row.
            if any_row(con, unknown):
                con.execute(f"INSERT INTO doubted SELECT _file, _row FROM {unknown} AND _readable")
    columns = "* EXCLUDE (_readable, _wrong)"
    rows = [f"SELECT {columns} FROM {source.view} SEMI JOIN doubted USING (_file, _row)" for source in sources]
    con.execute(f"CREATE OR REPLACE TEMP TABLE doubtful AS {' UNION ALL '.join(rows)}")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE met AS FROM {old}
            WHERE hash(record_id) IN (FROM shared_ids) OR hash(replaces) IN (FROM shared_ids)"""
        + (f" OR hash({listed(table.unique)}) IN (FROM shared_keys)" if table.unique else "")
    )


def _sift(con: duckdb.DuckDBPyConnection, table: Table, beside: tuple[str, ...]) -> None:
    """Fill `asked` with the doubtful rows whose fate hangs on others, with the digest of what each says.

    The fate of those that nothing hangs on goes to `resolved_<table>` at once: what is known already, at least since
    this row was recorded, and what may not be looked at further. There may be as many as the ledger has rows, so they
    are taken some at a time. A row that `repeats` another to the moment it was recorded on waits for nothing that the
    other does not wait for.
    """
    resolved, digest = f"resolved_{table.name}", digest_sql(table, *beside)
    con.execute(f"CREATE TEMP TABLE {resolved} AS SELECT *, CAST(NULL AS VARCHAR) AS _fate FROM doubtful WHERE false")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE asked AS SELECT *, '' AS digest, false AS repeats FROM doubtful WHERE false"
    )
    erased = "supplier_id IN (FROM erased)" if table.personal else "false"
    registered = "supplier_id IN (FROM registered)" if table.has_supplier and table is not SUPPLIERS else "true"
    pieces = 1 + count(con, "doubtful") // ROWS_AT_ONCE
    for piece in range(pieces):
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE sifted AS
                WITH said AS (SELECT *, {digest} AS digest FROM doubtful WHERE hash(record_id) % {pieces} = {piece}),
                old AS (SELECT record_id, digest, min(recorded_at) AS known_since
                        FROM (SELECT record_id, recorded_at, {digest} AS digest FROM met
                              WHERE hash(record_id) % {pieces} = {piece}) GROUP BY record_id, digest)
                SELECT told.*, CASE WHEN {erased} THEN 'erased'
                                    WHEN NOT {registered} THEN if(repeats, 'duplicate', 'unknown-supplier')
                                    WHEN recorded_at >= known_since THEN 'duplicate' END AS _fate
                FROM (SELECT *, row_number() OVER same > 1 AS repeats FROM said
                      WINDOW same AS (PARTITION BY record_id, recorded_at, digest ORDER BY _file, _row)) AS told
                LEFT JOIN old USING (record_id, digest)"""
        )
        con.execute(f"INSERT INTO {resolved} SELECT * EXCLUDE (digest, repeats) FROM sifted WHERE _fate IS NOT NULL")
        con.execute("INSERT INTO asked SELECT * EXCLUDE (_fate) FROM sifted WHERE _fate IS NULL")
    con.execute("DROP TABLE sifted")
    con.execute("DROP TABLE doubtful")
    con.execute(
        """CREATE OR REPLACE TEMP TABLE called AS
           SELECT hash(record_id) AS h FROM asked UNION SELECT hash(replaces) FROM asked WHERE replaces IS NOT NULL"""
    )
    keys = (
        f"OR hash({listed(table.unique)}) IN (SELECT hash({listed(table.unique)}) FROM asked)" if table.unique else ""
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE met AS FROM met
            WHERE hash(record_id) IN (FROM called) OR replaces IS NOT NULL AND hash(replaces) IN (FROM called) {keys}"""
    )


def _resolve_sql(table: Table) -> str:
    """Each doubtful row with its fate.

    A row that is refused counts for no other: not as the first of its id or key, nor as one that may be corrected. So
    it makes no difference whether the others come with it or without. What was said more than once is known since it
    was first recorded; where that is only said later, the earlier word stands until the one that was there before it.
    """
    return f"""
        WITH RECURSIVE old AS (
            SELECT *, {digest_sql(table, REPLACES.name)} AS digest FROM met
            QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY recorded_at) = 1),
        named AS (
            SELECT a.*, old.recorded_at AS known_since, old.record_id IS NOT NULL AS is_old,
                   coalesce(old.digest, first_value(a.digest) OVER same_id) AS first_digest,
                   row_number() OVER same_id AS nth
            FROM asked AS a LEFT JOIN old USING (record_id)
            WINDOW same_id AS (PARTITION BY a.record_id ORDER BY _file, _row)),
        fresh AS (FROM named WHERE NOT is_old AND nth = 1),
        there AS (
            SELECT record_id, replaces, {listed(table.names)} FROM old
            UNION ALL SELECT record_id, replaces, {listed(table.names)} FROM fresh),
        claimed AS ({_claims_sql(table)}),
        said AS (
            SELECT record_id, replaces, recorded_at, -1 AS _file, 0 AS _row FROM old
            UNION ALL
            SELECT record_id, replaces, recorded_at, _file, _row FROM named
            WHERE digest = first_digest AND record_id NOT IN (SELECT record_id FROM claimed)),
        corrections AS (
            SELECT record_id, replaces, list(DISTINCT recorded_at) AS moments, min((_file, _row)) AS place
            FROM said WHERE replaces IN (SELECT record_id FROM there) GROUP BY ALL),
        stands AS (
            SELECT record_id, bool_or(replaces IS NOT NULL) AS corrects, min(recorded_at) AS since FROM said
            WHERE record_id IN (SELECT replaces FROM corrections)
              AND record_id NOT IN (SELECT record_id FROM corrections) AND (replaces IS NULL OR _file = -1)
            GROUP BY record_id
            UNION ALL
            SELECT record_id, true, since FROM (
                SELECT c.*, list_min(list_filter(moments, lambda m: NOT s.corrects OR m >= s.since)) AS since
                FROM stands AS s JOIN corrections AS c ON c.replaces = s.record_id)
            WHERE since IS NOT NULL QUALIFY row_number() OVER (PARTITION BY replaces ORDER BY place) = 1),
        fated AS (
            SELECT n._file, n._row, first_digest, known_since, objection, t.record_id IS NOT NULL AS has_target,
                   s.record_id IS NOT NULL OR replaces IS NULL OR is_old AS has_place,
                   coalesce(s.since, least(known_since, min(n.recorded_at) OVER alike)) AS since,
                   t.corrects AND n.recorded_at < t.since AS too_early
            FROM named AS n LEFT JOIN stands AS s USING (record_id) LEFT JOIN stands AS t ON t.record_id = n.replaces
            LEFT JOIN claimed USING (record_id) WINDOW alike AS (PARTITION BY n.record_id, digest))
        SELECT a.* EXCLUDE (digest, repeats) REPLACE (
                   CASE WHEN a.recorded_at < known_since THEN known_since END AS superseded_at),
               CASE WHEN first_digest <> digest THEN 'duplicate-key'
                    WHEN objection IS NOT NULL THEN objection
                    WHEN NOT has_place AND NOT has_target THEN if(repeats, 'duplicate', 'unknown-record')
                    WHEN too_early OR a.recorded_at < since THEN if(repeats, 'duplicate', 'corrected-before')
                    WHEN NOT has_place THEN 'replaced-twice'
                    WHEN repeats OR a.recorded_at > since OR a.recorded_at = known_since THEN 'duplicate'
                    ELSE 'new' END AS _fate
        FROM asked AS a LEFT JOIN fated USING (_file, _row)"""


def _restate_sql(table: Table) -> str:
    """Each doubtful row of a source that says a row again when it changes.

    A statement is told apart by its key and the moment it was recorded on. It replaces the last one before it; where
    one recorded later is known already, it has been superseded by that from then on. So the order in which statements
    arrive changes nothing.
    """
    key = quoted(table.key or "")
    return f"""
        WITH ordered AS (
            SELECT said.*, coalesce(old.digest, first_value(said.digest) OVER same) AS first_digest,
                   old.digest IS NOT NULL OR row_number() OVER same > 1 AS again
            FROM asked AS said
            LEFT JOIN (SELECT record_id, {digest_sql(table)} AS digest FROM met) AS old USING (record_id)
            WINDOW same AS (PARTITION BY said.record_id ORDER BY _file, _row)),
        fated AS (
            SELECT * EXCLUDE (digest, repeats, first_digest, again),
                   CASE WHEN digest <> first_digest THEN 'duplicate-key'
                        WHEN again THEN 'duplicate' ELSE 'new' END AS _fate
            FROM ordered),
        statements AS (
            SELECT {key}, record_id, recorded_at FROM fated WHERE _fate = 'new'
            UNION ALL SELECT {key}, record_id, recorded_at FROM met),
        placed AS (
            SELECT record_id, lag(record_id) OVER line AS before, lead(recorded_at) OVER line AS after
            FROM statements WINDOW line AS (PARTITION BY {key} ORDER BY recorded_at, record_id))
        SELECT fated.* REPLACE (coalesce(replaces, before) AS replaces, after AS superseded_at)
        FROM fated LEFT JOIN placed ON _fate = 'new' AND placed.record_id = fated.record_id"""


def _claims_sql(table: Table) -> str:
    """The fresh rows whose key belongs to another row already, each with what stands against it.

    A correction has the key of what it corrects; where it moves to another it claims that like any other row.
    """
    if not table.unique:
        return "SELECT record_id, NULL AS objection FROM fresh WHERE false"
    key = listed(table.unique)
    moved = " OR ".join(f"target.{quoted(name)} IS DISTINCT FROM f.{quoted(name)}" for name in table.unique)
    return f"""
        SELECT record_id,
               CASE WHEN list_contains(taken.digests, claim.digest)
                         OR taken.digests IS NULL AND first_value(claim.digest) OVER same_key = claim.digest
                    THEN 'duplicate' ELSE 'duplicate-key' END AS objection
        FROM (SELECT f.* FROM fresh AS f LEFT JOIN there AS target ON target.record_id = f.replaces
              WHERE f.replaces IS NULL OR target.record_id IS NOT NULL AND ({moved})) AS claim
        LEFT JOIN (SELECT {key}, list(digest) AS digests FROM old GROUP BY ALL) AS taken USING ({key})
        WINDOW same_key AS (PARTITION BY {key} ORDER BY _file, _row)
        QUALIFY taken.digests IS NOT NULL OR row_number() OVER same_key > 1"""


def culprit(table: Table, fate: str) -> str:
    """The column that a fate hangs on."""
    match fate:
        case "erased" | "unknown-supplier":
            return "supplier_id"
        case "duplicate-key":
            return table.unique[0] if table.unique else RECORD_ID.name
        case _:
            return REPLACES.name


def digest_sql(table: Table, *beside: str) -> str:
    """The SQL for the SHA-256 of what a row says; `recorded_at` is not part of it."""
    return f"sha256({' || '.join(_said(name) for name in (*table.names, *beside))})"


def _said(column: str) -> str:
    """A value beside its length, so that no two rows that differ can say the same once they are put together."""
    value = f"CAST({quoted(column)} AS VARCHAR)"
    return f"coalesce(length({value}) || ':' || {value}, '-')"


def listed(names: tuple[str, ...]) -> str:
    """The SQL that lists these columns."""
    return ", ".join(quoted(name) for name in names)


def count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    """How many rows there are."""
    row = con.execute(f"SELECT count(*) FROM {rows}").fetchone()
    return int(row[0]) if row else 0


def total(con: duckdb.DuckDBPyConnection, column: str, rows: str) -> int:
    """The sum of a column over rows; 0 where there are none."""
    row = con.execute(f"SELECT coalesce(sum({column}), 0) FROM {rows}").fetchone()
    return int(row[0]) if row else 0


def any_row(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """Whether there is a row."""
    return con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is not None
