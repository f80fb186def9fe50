"""What a night's report says of groups of firms and of draws, counted where the rows lie: no row leaves this module.

Of firms by the night's own files and their registration, of draws by the ledger as known on the night's day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from credit.domain.windows import last_month_end, months_before
from data.facts import DEFAULT_DAYS, groups_on
from data.ledger import Ledger
from data.regions import current_regions, tags
from data.schema import CREDIT_EVENTS, SUPPLIERS
from data.staging import listed_literals, parquet, quoted

# What draws opened in a quarter had come to so many months after each of them; what is older lapses by and by.
VINTAGE_MONTHS = (3, 6, 9, 12, 15, 18, 21, 24)
VINTAGE_QUARTERS = 16
ROLL_MONTHS = 12
# From how many days past due on a draw is in a bucket, and what it may become that ends it.
LATE = {"current": 0, "1-29": 1, "30-59": 30, "60-89": 60, "90+": 90}
LOST, REPAID = "written off", "repaid"

Rows = list[dict[str, Any]]


# -- firms -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Firms:
    """The firms of one kind of data on one night, and what they were offered, while the connection is open."""

    con: duckdb.DuckDBPyConnection

    def by(self, name: str) -> Rows:
        """Firms by `size`, `county` or `programme`: how many, scored, offered a line; its amounts and mean rate.

        A firm counts in each of its programmes. Amounts are fen, rates basis points a year.
        """
        # What a county is named for is shown by county.
        joined = "string_split(coalesce(programme, ''), ' + ')"
        of_its_own = (
            f"list_filter({joined}, lambda x: x <> '' AND x NOT IN {listed_literals(sorted(set(tags().values())))})"
        )
        each = f"unnest(CASE len({of_its_own}) WHEN 0 THEN ['none'] ELSE {of_its_own} END)"
        source = f"(SELECT * REPLACE ({each} AS programme) FROM firms)" if name == "programme" else "firms"
        return self._rows(
            f"""SELECT coalesce({quoted(name)}, 'unknown') AS {quoted(name)}, count(*) AS firms, count(pd) AS scored,
                       count(*) FILTER (WHERE is_offered) AS offered,
                       CAST(sum(amount_fen) FILTER (WHERE is_offered) AS BIGINT) AS total_fen,
                       CAST(floor(median(amount_fen) FILTER (WHERE is_offered)) AS BIGINT) AS median_fen,
                       sum(CAST(yearly_rate_bp AS BIGINT)) FILTER (WHERE is_offered)
                           / count(*) FILTER (WHERE is_offered AND yearly_rate_bp IS NOT NULL) AS mean_rate_bp
                FROM {source} GROUP BY ALL ORDER BY 1"""
        )

    def offered_by(self, name: str) -> pd.DataFrame:
        """What is offered by `district`, `industry` or `group`, the largest first: name, firms, fen."""
        return self.con.sql(
            f"""SELECT coalesce({quoted(name)}, 'unknown') AS name, count(*) AS firms,
                       CAST(sum(amount_fen) AS BIGINT) AS fen
                FROM firms WHERE is_offered GROUP BY ALL ORDER BY fen DESC, name"""
        ).df()

    def held(self, column: str, *, above_pd: float = -1.0) -> pd.Series[int]:
        """The most that anybody found beside its case of a pool, by district in fen; of firms above a probability."""
        if column not in {row["column_name"] for row in self._rows("DESCRIBE firms")}:
            return pd.Series({}, dtype="int64")
        rows = self._rows(
            f"""SELECT district AS name, CAST(max({quoted(column)}) AS BIGINT) AS fen FROM firms
                WHERE district IS NOT NULL AND {quoted(column)} IS NOT NULL AND coalesce(pd, 0) > {above_pd:.17g}
                GROUP BY ALL ORDER BY 1"""
        )
        return pd.Series({row["name"]: row["fen"] for row in rows}, dtype="int64")

    def _rows(self, sql: str) -> Rows:
        found: Rows = self.con.sql(sql).to_arrow_table().to_pylist()
        return found


@contextmanager
def firms_of(
    ledger: Ledger, as_of: date, *, scores: Path, decisions: Path, granted: Sequence[str], version: int
) -> Iterator[Firms]:
    """The firms that one night scored, with its decisions and their registration as known on its day."""
    registered = _registered(ledger, as_of, version)
    groups = groups_on(ledger, as_of, version=version).rename_axis("supplier_id").reset_index()
    codes = registered.column("region").unique().to_pylist()
    known = pd.Series([code for code in codes if code is not None], dtype="str")
    regions = current_regions(known, pd.Series([as_of] * len(known)))
    with duckdb.connect() as con:
        con.register("registered", registered)
        con.register("grouped", groups.astype("str"))
        con.register("counties", pd.DataFrame({"region": known, "county": regions.map(tags()).astype("str")}))
        columns = con.sql(f"FROM {parquet(decisions)}").columns
        beside = "".join(f"d.{quoted(name)}, " for name in columns if name.startswith("beside_"))
        # Joined once and asked many times, so that it is a table.
        con.execute(
            f"""CREATE TEMP TABLE firms AS
                SELECT s.pd, d.amount_fen, d.yearly_rate_bp, d.programme, d.district, {beside} r.size_class AS size,
                       r.industry,
                       coalesce(g.group_id, s.supplier_id) AS "group",
                       CASE WHEN r.region IS NOT NULL THEN coalesce(c.county, 'other') END AS county,
                       coalesce(d.outcome IN {listed_literals(granted)}, false) AS is_offered
                FROM {parquet(scores)} AS s LEFT JOIN {parquet(decisions)} AS d USING (supplier_id)
                LEFT JOIN registered AS r USING (supplier_id) LEFT JOIN grouped AS g USING (supplier_id)
                LEFT JOIN counties AS c ON c.region = r.region"""
        )
        yield Firms(con)


def _registered(ledger: Ledger, as_of: date, version: int) -> pa.Table:
    """The last registration of each firm as known on a day, by the id that it goes on as."""
    gone = pd.DataFrame(list(ledger.gone_on_as(as_of, version=version).items()), columns=["id", "stays"], dtype="str")
    with ledger.everyone_on([as_of], tables=(SUPPLIERS,), version=version) as con:
        con.register("gone", gone)
        return con.sql(
            """SELECT supplier_id, last.size_class, last.region, last.industry FROM (
                   SELECT coalesce(stays, supplier_id) AS supplier_id,
                          max_by({'size_class': size_class, 'region': region, 'industry': industry},
                                 (effective_on, coalesce(record_id, ''), supplier_id)) AS last
                   FROM suppliers LEFT JOIN gone ON id = supplier_id GROUP BY ALL)"""
        ).to_arrow_table()


def probabilities(scores: Path, suppliers: Sequence[str]) -> pd.DataFrame:
    """What a night said of these suppliers: pd and grade by supplier_id; one without a score is left out."""
    asked = pd.DataFrame({"supplier_id": pd.Series(list(suppliers), dtype="str")}).drop_duplicates()
    with duckdb.connect() as con:
        con.register("asked", asked)
        found = con.sql(
            f"""SELECT supplier_id, pd, grade FROM {parquet(scores)} SEMI JOIN asked USING (supplier_id)
                WHERE pd IS NOT NULL ORDER BY supplier_id"""
        ).df()
    return found.set_index("supplier_id")


# -- draws -------------------------------------------------------------------------------------------------------------

_DRAWS = f"""
    CREATE TEMP TABLE draws AS
    SELECT case_id, loan_id, min(happened_on) FILTER (WHERE kind = 'DRAWN') AS drawn_on, max(due_on) AS due_on,
           max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS fen,
           min(happened_on) FILTER (WHERE kind = 'WRITTEN_OFF'
                                       OR kind = 'PAST_DUE' AND days_past_due >= {DEFAULT_DAYS}) AS bad_on,
           min(happened_on) FILTER (WHERE kind = 'WRITTEN_OFF') AS lost_on,
           min(happened_on) FILTER (WHERE kind = 'REPAID') AS repaid_on
    FROM events GROUP BY ALL HAVING drawn_on IS NOT NULL"""

# Days past due that were reached go on counting until the draw is repaid or written off: no feed says a cure.
_ROLLS = f"""
    WITH ends AS (SELECT unnest(CAST($ends AS DATE[])) AS end_on),
    told AS (SELECT case_id, loan_id, happened_on AS told_on, max(days_past_due) AS days
             FROM events WHERE kind = 'PAST_DUE' GROUP BY ALL),
    standing AS (
        SELECT case_id, loan_id, end_on, lost_on, repaid_on FROM draws JOIN ends ON drawn_on <= end_on
        WHERE coalesce(least(lost_on, repaid_on) > $first, true)),
    late AS (
        SELECT s.*, CASE WHEN t.days > 0 THEN t.days + date_diff('day', t.told_on, s.end_on) ELSE 0 END AS days
        FROM standing AS s ASOF LEFT JOIN told AS t
          ON t.case_id = s.case_id AND t.loan_id = s.loan_id AND s.end_on >= t.told_on),
    placed AS (
        SELECT case_id, loan_id, end_on,
               CASE WHEN lost_on <= end_on THEN '{LOST}' WHEN repaid_on <= end_on THEN '{REPAID}'
                    {" ".join(f"WHEN days >= {days} THEN '{name}'" for name, days in reversed(LATE.items()))}
               END AS bucket FROM late),
    moved AS (
        SELECT bucket AS was, lead(bucket) OVER (PARTITION BY case_id, loan_id ORDER BY end_on) AS became FROM placed)
    SELECT was, became, count(*) AS draws FROM moved
    WHERE became IS NOT NULL AND was NOT IN {listed_literals((LOST, REPAID))} GROUP BY ALL"""


@dataclass(frozen=True, slots=True)
class Draws:
    """What draws came to as known on a day.

    `vintages` has a row a quarter, the last first: draws, their fen, and by months the share that had been 90 days past
    due or written off so long after; None where not all of the quarter's draws are that old. `rolls` counts the draws
    of each bucket at a month's end by the one at the next. `since` are the draws since a day, and `first_due_on` the
    first maturity among them.
    """

    vintages: Rows
    rolls: Mapping[str, Mapping[str, int]]
    since: int
    first_due_on: date | None


def draws_on(ledger: Ledger, as_of: date, *, since: date, version: int) -> Draws:
    """What all draws came to as known on a day."""
    cases = ledger.suppliers(as_of, version=version)
    last = last_month_end(as_of)
    ends = sorted(last_month_end(months_before(last.replace(day=1), n - 1)) for n in range(ROLL_MONTHS + 1))
    with ledger.known_on(cases, version=version, tables=(CREDIT_EVENTS,)) as known:
        con = known.con
        con.execute(
            """CREATE TEMP TABLE events AS SELECT case_id, loan_id, kind, happened_on, due_on, amount_fen, days_past_due
               FROM credit_events"""
        )
        con.execute(_DRAWS)
        vintages = con.sql(_vintages_sql(), params={"as_of": as_of}).to_arrow_table().to_pylist()
        moved = con.execute(_ROLLS, {"ends": ends, "first": ends[0]}).fetchall()
        new = con.execute("SELECT count(*), min(due_on) FROM draws WHERE drawn_on > ?", [since]).fetchone()
    counted = {(was, became): draws for was, became, draws in moved}
    rolls = {was: {became: counted.get((was, became), 0) for became in (*LATE, LOST, REPAID)} for was in LATE}
    drawn, first_due_on = new or (0, None)
    return Draws(vintages, rolls, drawn, first_due_on)


def _vintages_sql() -> str:
    """The SQL of a row a quarter; a share is of draws that all are old enough for it."""
    shares = ", ".join(
        f"""CASE WHEN last_day(quarter + INTERVAL 2 MONTH) + INTERVAL {months} MONTH <= $as_of
                 THEN count(*) FILTER (bad_on <= drawn_on + INTERVAL {months} MONTH) / count(*) END AS m{months}"""
        for months in VINTAGE_MONTHS
    )
    return f"""
        SELECT strftime(quarter, '%Y') || 'Q' || quarter(quarter) AS quarter, count(*) AS draws,
               CAST(sum(fen) AS BIGINT) AS fen, count(bad_on) AS bad, {shares}
        FROM (SELECT *, CAST(date_trunc('quarter', drawn_on) AS DATE) AS quarter FROM draws)
        WHERE quarter > date_trunc('quarter', CAST($as_of AS DATE)) - INTERVAL {3 * VINTAGE_QUARTERS} MONTH
        GROUP BY quarter ORDER BY quarter DESC"""
