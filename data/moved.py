"""What can have moved in a ledger between two readings of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from data.door import DAY_ENDS
from data.ledger import Ledger, readable
from data.schema import Table
from data.staging import quoted


@dataclass(frozen=True, slots=True)
class Reading:
    """What a ledger was read as: as known on a date, of the batches up to a version."""

    as_of: date
    version: int


@dataclass(frozen=True, slots=True)
class Crossed:
    """Days of a column between which a boundary moved, both included."""

    column: str
    first: date
    last: date


def touched(
    ledger: Ledger, table: Table, column: str, *, since: Reading, until: Reading, crossed: Iterable[Crossed] = ()
) -> set[str]:
    """The values of a column in rows that a reader may see otherwise at one reading than at an earlier one.

    Those are the rows that a later batch brought, that happened or came to be known or superseded in between, that
    took the place of another or had another take theirs, and those with a date that was `crossed`. Raises KeyError for
    a table of labels or personal data.
    """
    new = ledger.batches(until.version)
    rows, later = ledger.rows(readable(table), new), ledger.rows(table, new, after=since.version)
    on, ends = quoted(table.on), [f"CAST({day} AS DATE) + {DAY_ENDS}" for day in ("$since", "$until")]
    seen = [f"{on} > $since AND {on} <= $until"]
    seen += [f"{moment} >= {ends[0]} AND {moment} < {ends[1]}" for moment in ("recorded_at", "superseded_at")]
    seen += [f"{quoted(c.column)} BETWEEN DATE '{c.first}' AND DATE '{c.last}'" for c in crossed]
    wanted = quoted(column)
    with ledger.connection() as con:
        con.execute(
            f"""CREATE TEMP TABLE moved AS
                SELECT {wanted}, replaces FROM ({rows}) WHERE {" OR ".join(seen)}
                UNION ALL SELECT {wanted}, replaces FROM ({later})""",
            {"since": since.as_of, "until": until.as_of},
        )
        replaced = f"SELECT {wanted} FROM ({rows}) WHERE record_id IN (SELECT replaces FROM moved)"
        of_others = f"UNION {replaced}" if ledger.corrected(table, new) else ""
        found = con.execute(f"SELECT DISTINCT {wanted} FROM moved {of_others}").df()
    return set(found[column])


def values_where(
    ledger: Ledger, table: Table, wanted: str, column: str, values: Collection[str], *, version: int | None = None
) -> set[str]:
    """The values of one column in rows that hold one of these values in another, whenever they were recorded.

    Raises KeyError for a table of labels or personal data.
    """
    with ledger.connection() as con:
        con.register("given", pd.DataFrame({"given": list(values)}, dtype="str"))
        rows = ledger.rows(readable(table), ledger.batches(version))
        found = con.execute(
            f"SELECT DISTINCT {quoted(wanted)} FROM ({rows}) WHERE {quoted(column)} IN (FROM given)"
        ).fetchall()
        return {row[0] for row in found}
