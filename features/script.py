"""The whole computation as a script for another engine: from the ledger's tables to the features of each case.

What the engine needs is the table `cases` (`case_id`, `supplier_id`, `as_of`, `contract_id`) and the tables of the
ledger, each by its name after `ledger_`. Every statement then makes one relation of those before it; the last one is
`features`, rounded as what feeds a model is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

import sqlglot
from sqlglot import exp

from credit.domain.money import BOOK_CURRENCY
from data.door import CASE_SUPPLIERS, case_suppliers_sql, everyone_sql, view_sql
from data.schema import MERGES, TABLES
from features import buyer_scores
from features.queries import base_query, final_query, rounded_query, source_queries

# Engines whose results a test holds equal to those of DuckDB.
PROVEN = ("duckdb", "postgres", "spark")
LEDGER = "ledger_"
# What the statements of a dialect leave to whoever runs them.
LEFT_OUT = {
    "spark": "Ids that were merged into one are not found here: where there are such, give case_suppliers yourself"
}
# The statements that make the features from what has been joined.
LAST = ("all_features", "features")
READABLE = {table.name: table for table in TABLES if table.readable}


@dataclass(frozen=True, slots=True)
class Statement:
    """One relation of the script, a table or a view, and the query that makes it in the engine's own dialect."""

    name: str
    kind: str
    sql: str


def dialects() -> list[str]:
    """The dialects that there are, those that are held equal first."""
    return [*PROVEN, *sorted({each.value for each in sqlglot.Dialects if each.value} - set(PROVEN))]


def script(
    dialect: str,
    *,
    rows: Mapping[str, str] | None = None,
    fed: frozenset[str] | None = None,
    currency: str = BOOK_CURRENCY,
) -> list[Statement]:
    """The statements in their order.

    `rows` has the SQL for all rows of each table of the ledger, in DuckDB's dialect; without it they are read from
    relations of their names after `ledger_`. What tables that are not `fed` would say is missing; without it, all are.
    """
    if rows is None:
        rows = {name: f"SELECT * FROM {LEDGER}{name}" for name in READABLE}
    fed = frozenset(READABLE) if fed is None else fed
    return [
        # What is aggregated is computed once; Spark knows no temporary tables.
        Statement(name, "VIEW" if name in READABLE or dialect == "spark" else "TABLE", translated(sql, dialect))
        for name, sql in _relations(rows, fed, dialect, currency)
    ]


def definition() -> str:
    """A SHA-256 over all that is asked of an engine; where it is another, so may a value be."""
    rows = {name: name for name in READABLE}
    asked = [sql for _, sql in _relations(rows, frozenset(READABLE), "duckdb", BOOK_CURRENCY)]
    return sha256("\n".join(asked).encode()).hexdigest()


def translated(sql: str, dialect: str) -> str:
    """A query of ours in another dialect."""
    tree = sqlglot.parse_one(sql, read="duckdb").transform(_as_exact, dialect)
    return tree.sql(dialect=dialect, pretty=True)


# What counts digits has to be exact at powers of ten; a logarithm that takes its base as an argument is not.
_LOG10 = {"postgres": "log", "spark": "log10"}


def _as_exact(node: exp.Expression, dialect: str) -> exp.Expression:
    if dialect == "spark" and isinstance(node, exp.PercentileCont) and node.expression is not None:
        # Spark's `percentile_cont` of two arguments comes out as the approximate one.
        return exp.Anonymous(this="percentile", expressions=[node.this, node.expression])
    if dialect in _LOG10 and isinstance(node, exp.Log) and node.this.name == "10":
        return exp.Anonymous(this=_LOG10[dialect], expressions=[node.expression])
    return node


def _relations(rows: Mapping[str, str], fed: frozenset[str], dialect: str, currency: str) -> Iterator[tuple[str, str]]:
    # Spark knows no recursion that ends when nothing new is found; who has merged ids there gives this relation.
    merges = None if dialect == "spark" else rows[MERGES.name]
    yield CASE_SUPPLIERS, case_suppliers_sql(merges, corrected=True)
    yield "days", "SELECT DISTINCT as_of FROM cases"
    for name, table in READABLE.items():
        yield name, view_sql(table, rows[name], corrected=True, currency=currency)
    prepared = source_queries(fed)
    yield "windows", prepared.pop("windows")
    given = {
        "days": "SELECT DISTINCT month_end AS as_of FROM windows",
        **{t.name: everyone_sql(t, rows[t.name], corrected=True, currency=currency) for t in buyer_scores.TABLES},
    }
    yield buyer_scores.BUYERS, buyer_scores.scores_sql(given)
    yield from prepared.items()
    yield "base_features", base_query(fed)
    yield LAST[0], final_query("base_features")
    yield LAST[1], rounded_query(LAST[0])
