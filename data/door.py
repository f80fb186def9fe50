"""What stands behind the ledger's door: the SQL of a table's rows as they were known for each case.

A row is seen where it had happened and was recorded by the end of the case's own `as_of`, nothing recorded by then had
taken its place, its supplier was the case's by then, its amounts are in the currency asked for, and what it says
against a firm has not lapsed.
"""

from __future__ import annotations

from data.retention import lapsed_by
from data.schema import AMENDMENTS, CONSENTS, CREDIT_EVENTS, DISPUTES, GUARANTEE_EVENTS, LISTINGS, Table
from data.staging import literal, quoted

# `as_of` ends at midnight in China, where the platform works: 16:00 UTC.
DAY_ENDS = "INTERVAL 16 HOUR"

# The day in China on which a row was recorded.
KNOWN_ON = f"CAST(t.recorded_at + (INTERVAL 24 HOUR - {DAY_ENDS}) AS DATE) AS known_on"

# The ids of each case's supplier, `asked_id` itself and those found by then to be the same.
CASE_SUPPLIERS = "case_suppliers"

# What a firm allowed under one id it did not allow under another; what it forbade, it forbade.
_ONLY: dict[str, str] = {CONSENTS.name: "AND (t.kind = 'REVOKED' OR t.supplier_id = c.asked_id)"}

_LAPSED = lapsed_by("as_of")


def _open_or_recent(matter: str, *ends: str) -> str:
    """The SQL condition that a matter's last event is not one that ends it, or that it ended not too long ago."""
    whole = f"OVER (PARTITION BY case_id, {matter})"
    ended = f"max(CASE WHEN kind IN ({', '.join(map(literal, ends))}) THEN happened_on END) {whole}"
    return f"(coalesce({ended} < max(happened_on) {whole}, true) OR {ended} > {_LAPSED})"


# What speaks against a firm, as long as it may be shown; in the SQL, `as_of` is the case's date and the rows are those
# seen by then. A matter goes as a whole, so that none looks open for want of its end; one that has not ended stays.
_STILL_SHOWN: dict[str, str] = {
    DISPUTES.name: f"QUALIFY {_open_or_recent('dispute_id', 'UPHELD', 'DISMISSED')}",
    LISTINGS.name: f"""
        QUALIFY coalesce(happened_on > max(CASE WHEN kind = 'REMOVED' AND happened_on <= {_LAPSED} THEN happened_on END)
                                           OVER (PARTITION BY case_id, list), true)""",
    CREDIT_EVENTS.name: f"""
        QUALIFY NOT bool_or(kind IN ('PAST_DUE', 'WRITTEN_OFF')) OVER (PARTITION BY case_id, loan_id)
                OR {_open_or_recent("loan_id", "REPAID", "WRITTEN_OFF")}""",
    GUARANTEE_EVENTS.name: f"""
        QUALIFY NOT bool_or(kind IN ('DEMANDED', 'PAID')) OVER (PARTITION BY case_id, guarantee_id)
                OR {_open_or_recent("guarantee_id", "PAID", "RELEASED", "EXPIRED")}""",
}
# A contract that was terminated by the supplier's fault remains ended; whose fault it was is no longer said.
_MASKED: dict[str, dict[str, str]] = {
    AMENDMENTS.name: {
        name: f"CASE WHEN kind = 'TERMINATED' AND fault = 'SUPPLIER' AND amended_on <= {_LAPSED} "
        f"THEN {literal(said)} ELSE {name} END"
        for name, said in (("kind", "ENDED"), ("fault", "NONE"))
    }
}


def stands_on(day: str, rows: str, *, corrected: bool) -> str:
    """The SQL condition that a row `t` was recorded by the end of a day, and nothing that takes its place.

    `rows` is the SQL for all rows of its table; where none of them is a correction, they are not looked at.
    """
    ended = f"{day} + {DAY_ENDS}"
    recorded = f"t.recorded_at < {ended} AND (t.superseded_at IS NULL OR t.superseded_at >= {ended})"
    if not corrected:
        return recorded
    return f"""{recorded} AND NOT EXISTS (
                   SELECT 1 FROM ({rows}) AS later
                   WHERE later.replaces = t.record_id AND later.recorded_at < {ended})"""


def view_sql(table: Table, rows: str, *, corrected: bool, currency: str, dated: bool = False) -> str:
    """What is seen of a table of events: its columns and `record_id`, beside `case_id` and `as_of`.

    Where a table is about no supplier its rows are known on days, not for cases, and have no `case_id`. With `dated`
    each row also says since which day it has been known, `known_on`.
    """
    if not table.has_supplier:
        return everyone_sql(table, rows, corrected=corrected, currency=currency)
    joined = f"{CASE_SUPPLIERS} AS c ON c.supplier_id = t.supplier_id"
    seen = _seen_sql(table, rows, joined, corrected=corrected, currency=currency)
    known = f"{KNOWN_ON}, " if dated else ""
    seen = f"SELECT c.case_id, {known}{seen} {_ONLY.get(table.name, '')}"
    beside = ("case_id", "known_on") if dated else ("case_id",)
    return f"{_masked(table, seen, *beside)} {_STILL_SHOWN.get(table.name, '')}".strip()


def everyone_sql(table: Table, rows: str, *, corrected: bool, currency: str) -> str:
    """What is seen of a table about whomever, as known on each day of `days`, beside `as_of`."""
    if table.name in _STILL_SHOWN:
        raise ValueError(f"what {table.name} says lapses matter by matter, for a case alone")
    seen = _seen_sql(table, rows, f"days AS c ON t.{table.on} <= c.as_of", corrected=corrected, currency=currency)
    return _masked(table, f"SELECT {seen}")


def _seen_sql(table: Table, rows: str, joined: str, *, corrected: bool, currency: str) -> str:
    names = ", ".join(f"t.{quoted(name)}" for name in (*table.names, "record_id"))
    money = f"AND t.currency = {literal(currency)}" if "currency" in table.names else ""
    return f"""c.as_of, {names} FROM ({rows}) AS t JOIN {joined}
               WHERE t.{table.on} <= c.as_of AND {stands_on("c.as_of", rows, corrected=corrected)} {money}"""


def _masked(table: Table, seen: str, *beside: str) -> str:
    masks = _MASKED.get(table.name, {})
    names = (*beside, "as_of", *table.names, "record_id")
    shown = (f"{masks[name]} AS {quoted(name)}" if name in masks else quoted(name) for name in names)
    return f"SELECT {', '.join(shown)} FROM ({seen}) AS seen" if masks else f"SELECT * FROM ({seen}) AS seen"


def case_suppliers_sql(merges: str | None, *, corrected: bool) -> str:
    """The relation of CASE_SUPPLIERS, from the SQL for all merges, or None where there are none.

    Of two ids the last event known by the case's date counts, so a merge can be undone; what is merged with a merged
    one belongs to all of them. A merge is only asked about on the days of cases that some merge ever ties to it: many
    days times all merges would be far more rows than there are cases.
    """
    if merges is None:
        return "SELECT case_id, as_of, supplier_id AS asked_id, supplier_id FROM cases"
    days = "(SELECT DISTINCT c.as_of, n.supplier_id FROM near AS n JOIN cases AS c ON c.supplier_id = n.asked_id)"
    standing = standing_merges_sql(merges, days, corrected=corrected, of_suppliers=True)
    return f"""
        WITH RECURSIVE ever AS (SELECT supplier_id AS one, merged_id AS other FROM ({merges}) AS a
                                UNION SELECT merged_id, supplier_id FROM ({merges}) AS b),
        near AS (SELECT DISTINCT c.supplier_id AS asked_id, c.supplier_id FROM cases AS c
                 WHERE c.supplier_id IN (SELECT one FROM ever)
                 UNION SELECT n.asked_id, e.other FROM near AS n JOIN ever AS e ON e.one = n.supplier_id),
        standing AS ({standing}),
        ties AS (SELECT as_of, supplier_id AS one, merged_id AS other FROM standing
                 UNION ALL SELECT as_of, merged_id, supplier_id FROM standing),
        tied AS (SELECT c.case_id, c.as_of, c.supplier_id FROM cases AS c
                 WHERE EXISTS (SELECT 1 FROM ties AS t WHERE t.as_of = c.as_of AND t.one = c.supplier_id)),
        reach AS (SELECT case_id, as_of, supplier_id AS asked_id, supplier_id FROM tied
                  UNION SELECT r.case_id, r.as_of, r.asked_id, t.other FROM reach AS r
                  JOIN ties AS t ON t.as_of = r.as_of AND t.one = r.supplier_id)
        SELECT case_id, as_of, asked_id, supplier_id FROM reach
        UNION ALL SELECT c.case_id, c.as_of, c.supplier_id, c.supplier_id FROM cases AS c
                  WHERE NOT EXISTS (SELECT 1 FROM tied AS t WHERE t.case_id = c.case_id)"""


def standing_merges_sql(merges: str, days: str, *, corrected: bool, of_suppliers: bool = False) -> str:
    """The merges that stand on each `as_of` of `days`: as_of, supplier_id, merged_id; or of the supplier of each."""
    of_its = " AND t.supplier_id = c.supplier_id" if of_suppliers else ""
    return f"""SELECT as_of, supplier_id, merged_id FROM (
                   SELECT c.as_of, t.supplier_id, t.merged_id, t.kind, row_number() OVER (
                       PARTITION BY c.as_of, least(t.supplier_id, t.merged_id), greatest(t.supplier_id, t.merged_id)
                       ORDER BY t.happened_on DESC, t.recorded_at DESC, t.record_id DESC) AS place
                   FROM ({merges}) AS t JOIN {days} AS c ON t.happened_on <= c.as_of{of_its}
                   WHERE {stands_on("c.as_of", merges, corrected=corrected)}) AS told
               WHERE place = 1 AND kind = 'MERGED' AND supplier_id <> merged_id"""
