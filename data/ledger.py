"""The ledger: append-only event tables in Parquet, and the one door through which they are read.

What it consists of, and how it is written, stands in `data/ledger_files.py`.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pandas as pd

from credit.domain.errors import EmptyLedger
from credit.domain.money import BOOK_CURRENCY
from data.batches import Batch, fed_by
from data.door import (
    CASE_SUPPLIERS,
    case_suppliers_sql,
    everyone_sql,
    standing_merges_sql,
    stands_on,
    view_sql,
)
from data.groups import connected, gone_on_as
from data.ledger_files import LedgerFiles
from data.schema import (
    CONSENTS,
    GROUP_TIES,
    MERGES,
    OUTCOMES,
    RECORD_ID,
    RELATIONS,
    SUPPLIERS,
    TABLES,
    Table,
)
from data.schema import table as table_named
from data.staging import literal, parquet, quoted

# Which of a supplier's registrations holds: the latest, as every reader of them sees it.
LAST_REGISTERED = "effective_on, record_id"

# What a question says; nothing else of the caller's frame, such as a label beside it, comes through the door.
CASE_COLUMNS = ("case_id", "supplier_id", "as_of", "contract_id")


@dataclass(frozen=True, slots=True)
class Known:
    """The ledger as it was known for each case on the case's own date, while the door is open.

    `con` has a view a table of events, of the table's columns beside `case_id` and `as_of`, and the table `cases`.
    `cases` is the frame that was asked; `fed` tells which tables the data of a tier has been read for, even where they
    held no row.
    """

    con: duckdb.DuckDBPyConnection
    cases: pd.DataFrame
    batches: list[Batch]

    def fed(self, tier: str) -> frozenset[str]:
        """The tables that the data of a tier has been read for."""
        return fed_by(self.batches, tier)


class Ledger(LedgerFiles):
    """A ledger in a folder, and the door to it."""

    # -- what there is -------------------------------------------------------------------------------------------------

    def last_day(self, tier: str | None = None, *, version: int | None = None) -> date:
        """The last day of which the ledger knows an event, of one kind of data or of all. Raises EmptyLedger.

        Consents do not count: an analyst's entry of today must not make a history that ended years ago look stale.
        """
        days = [
            day
            for batch in self.batches(version)
            for name, day in batch.last_day.items()
            if tier in (None, batch.tier) and name != CONSENTS.name
        ]
        if not days:
            raise EmptyLedger(
                "the ledger holds no history" + (f" of kind {tier}" if tier else ""),
                hint="`credit ledger import FOLDER --format …` or `credit simulate platform`",
            )
        return date.fromisoformat(max(days))

    def tiers(self) -> list[str]:
        """The kinds of data that the ledger holds suppliers of."""
        return sorted({batch.tier for batch in self.batches() if batch.imported.get(SUPPLIERS.name)})

    # -- reading -------------------------------------------------------------------------------------------------------

    @contextmanager
    def known_on(
        self,
        cases: pd.DataFrame,
        *,
        version: int | None = None,
        currency: str = BOOK_CURRENCY,
        tables: tuple[Table, ...] = TABLES,
        beside: Mapping[str, list[Path]] = MappingProxyType({}),
        threads: int | None = None,
        dated: bool = False,
    ) -> Iterator[Known]:
        """A view of the ledger as it was known for each case on the case's own date. The only door for readers.

        `cases` has a row for each question: `case_id` (unique), `supplier_id`, `as_of` (date) and, where the question
        is about one, `contract_id`. What is known are the rows that had happened and were recorded by the end of
        `as_of`, less those that a correction or restatement recorded by then had replaced. Outcomes and names have no
        view. Rows with amounts are those in `currency`: amounts of two currencies are never added up. Who reads few
        `tables` names them, and waits for no others to be opened. Files `beside` the ledger, computed from what this
        door has shown, have a view by their name. Who reads in several threads says how many each may use. With `dated`
        each row also says since which day it has been known, `known_on`.
        """
        with self.connection(threads) as con:
            batches = self.batches(version)
            readable = [table for table in tables if table.readable]
            self._ask(con, cases, batches)
            for table in readable:
                rows, corrected = self.rows(table, batches), self.corrected(table, batches)
                seen = view_sql(table, rows, corrected=corrected, currency=currency, dated=dated)
                con.execute(f"CREATE TEMP VIEW {table.name} AS {seen}")
            for name, files in beside.items():
                con.execute(f"CREATE TEMP VIEW {name} AS FROM {parquet(*files)}")
            files = [file for table in readable for file in self._files(table, batches)]
            self._close_paths(con, [*files, *(file for listed in beside.values() for file in listed)])
            yield Known(con, cases, batches)

    def _ask(self, con: duckdb.DuckDBPyConnection, cases: pd.DataFrame, batches: list[Batch]) -> None:
        """Make the relations of what is asked: `cases`, their `days`, and the ids of each case's supplier."""
        if cases["case_id"].duplicated().any():
            raise ValueError("two cases have the same case_id")
        if "contract_id" not in cases.columns:
            cases = cases.assign(contract_id=None).astype({"contract_id": "str"})
        con.register("cases_frame", cases[list(CASE_COLUMNS)])
        con.execute("CREATE TEMP TABLE cases AS SELECT * REPLACE (CAST(as_of AS DATE) AS as_of) FROM cases_frame")
        con.unregister("cases_frame")
        con.execute("CREATE TEMP VIEW days AS SELECT DISTINCT as_of FROM cases")
        merges = self.rows(MERGES, batches) if self._files(MERGES, batches) else None
        theirs = case_suppliers_sql(merges, corrected=self.corrected(MERGES, batches))
        con.execute(f"CREATE TEMP {'VIEW' if merges is None else 'TABLE'} {CASE_SUPPLIERS} AS {theirs}")

    def case_suppliers(self, cases: pd.DataFrame, *, version: int | None = None) -> pd.DataFrame:
        """The ids that each case's supplier goes by, as known on its date: case_id, as_of, asked_id, supplier_id."""
        with self.connection() as con:
            self._ask(con, cases, self.batches(version))
            return con.execute(f"SELECT case_id, as_of, asked_id, supplier_id FROM {CASE_SUPPLIERS} ORDER BY ALL").df()

    @contextmanager
    def everyone_on(
        self,
        days: Sequence[date],
        *,
        tables: tuple[Table, ...],
        version: int | None = None,
        currency: str = BOOK_CURRENCY,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The same door, for what is about all suppliers together: the tables' rows as known on each of these days.

        The views are those of `known_on` but for `case_id`: beside each row stands the `as_of` that it was known on.
        """
        with self.connection() as con:
            con.execute("CREATE TEMP TABLE days AS SELECT unnest(CAST(? AS DATE[])) AS as_of", [list(days)])
            batches = self.batches(version)
            for table in map(readable, tables):
                rows, corrected = self.rows(table, batches), self.corrected(table, batches)
                seen = everyone_sql(table, rows, corrected=corrected, currency=currency)
                con.execute(f"CREATE TEMP VIEW {table.name} AS {seen}")
            self._close_paths(con, [file for table in tables for file in self._files(table, batches)])
            yield con

    def _close_paths(self, con: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
        """Let a connection open these files alone: no labels, no names, nothing else that lies on the disk."""
        # DuckDB asks about a path twice: as the SQL writes it, and as it is.
        allowed = sorted({path for file in files for path in (str(file), glob.escape(str(file)))})
        con.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
        con.execute("SET enable_external_access = false")

    def suppliers(self, as_of: date, *, version: int | None = None, tier: str | None = None) -> pd.DataFrame:
        """One case for each supplier known on a date: `case_id`, `supplier_id`, `as_of`, `tier`, by supplier_id.

        With `tier`, the suppliers that have ever registered with that kind of data. Of ids merged by then, the one
        that the supplier goes on as.
        """
        batches = self.batches(version)
        last = f"max_by(tier, ({LAST_REGISTERED}))" if tier is None else "$tier"
        with self.connection() as con:
            listed = con.execute(
                f"""SELECT supplier_id, {last} AS tier FROM ({self.rows(SUPPLIERS, batches)}) AS t
                    WHERE effective_on <= $as_of AND ($tier IS NULL OR tier = $tier)
                      AND {self._stands_on("CAST($as_of AS DATE)", SUPPLIERS, batches)}
                    GROUP BY supplier_id ORDER BY supplier_id""",
                {"as_of": as_of, "tier": tier},
            ).df()
        listed.insert(1, "as_of", pd.Timestamp(as_of).as_unit("us"))
        listed = listed[~listed["supplier_id"].isin(list(self.gone_on_as(as_of, version=version)))]
        listed = listed.reset_index(drop=True)
        listed.insert(0, "case_id", range(len(listed)))
        return listed

    def gone_on_as(self, day: date, *, version: int | None = None) -> dict[str, str]:
        """The ids that no supplier goes by any more, as known on a day, each with the one that it goes on as."""
        merges = self._merges(day, version)
        return gone_on_as(merges["supplier_id"], merges["merged_id"])

    def identities(self, day: date, *, version: int | None = None) -> pd.Series[int]:
        """The number of the supplier that each id stands for which was found to be one with another, by id."""
        merges = self._merges(day, version)
        return connected(merges["supplier_id"], merges["merged_id"])

    def _merges(self, day: date, version: int | None) -> pd.DataFrame:
        batches = self.batches(version)
        if not self._files(MERGES, batches):
            return pd.DataFrame({"supplier_id": [], "merged_id": []}, dtype="str")
        with self.connection() as con:
            return con.execute(self._merges_on("CAST($day AS DATE)", batches), {"day": day}).df()

    def _merges_on(self, day: str, batches: list[Batch]) -> str:
        days = f"(SELECT {day} AS as_of)"
        return standing_merges_sql(self.rows(MERGES, batches), days, corrected=self.corrected(MERGES, batches))

    def groups(self, as_of: date, *, version: int | None = None) -> pd.DataFrame:
        """Connected firms as known on a date: `supplier_id` and `group_id`, the least id of the group, by supplier_id.

        Firms are connected where one controls the other, the same firm or person controls both, or one person is
        responsible for both (46号 Art. 2; 大额风险暴露办法 on connected clients), and where ids are one by a merge. A
        firm that is tied to nobody is not listed.
        """
        batches = self.batches(version)
        with self.connection() as con:
            ties = con.execute(
                f"""SELECT supplier_id, related_id FROM ({self.rows(RELATIONS, batches)}) AS t
                    WHERE tie IN {GROUP_TIES} AND happened_on <= $as_of
                      AND {self._stands_on("CAST($as_of AS DATE)", RELATIONS, batches)}
                    QUALIFY row_number() OVER (PARTITION BY supplier_id, related_id, tie
                                               ORDER BY happened_on DESC, recorded_at DESC, record_id DESC) = 1
                        AND kind = 'BEGAN'
                    UNION SELECT supplier_id, merged_id
                    FROM ({self._merges_on("CAST($as_of AS DATE)", batches)})""",
                {"as_of": as_of},
            ).df()
            registered = con.execute(f"SELECT DISTINCT supplier_id FROM ({self.rows(SUPPLIERS, batches)})").df()
        groups = connected(ties["supplier_id"], ties["related_id"]).reset_index()
        firms = groups[groups["supplier_id"].isin(registered["supplier_id"])].reset_index(drop=True)
        return firms.assign(group_id=firms.groupby("group")["supplier_id"].transform("min")).drop(columns="group")

    def lookup(self, table: str, column: str, key: str, value: str) -> str | None:
        """One column of the row with that key that was recorded last, or None.

        To find out what a question is about, never to answer it. Raises KeyError for a table of labels or names.
        """
        with self.connection() as con:
            rows = self.rows(readable(table_named(table)), self.batches())
            row = con.execute(
                f"""SELECT {quoted(column)} FROM ({rows}) WHERE {quoted(key)} = ?
                    ORDER BY recorded_at DESC, record_id DESC LIMIT 1""",
                [value],
            ).fetchone()
            return row[0] if row else None

    def marked(self, table: str, mark: str) -> list[dict[str, str]]:
        """The rows of a table whose key holds a mark, by key, each value as text: how an entry by hand is found again.

        Raises KeyError for a table of labels or names.
        """
        shown = readable(table_named(table))
        key, names = quoted(shown.key or RECORD_ID.name), [*(column.name for column in shown.columns), "recorded_at"]
        with self.connection() as con:
            found = con.execute(
                f"""SELECT {", ".join(quoted(name) for name in names)} FROM ({self.rows(shown, self.batches())})
                    WHERE contains({key}, ?) ORDER BY {key}""",
                [mark],
            ).fetchall()
        return [dict(zip(names, map(_text, row), strict=True)) for row in found]

    def tiers_of(self, supplier_ids: Sequence[str]) -> dict[str, str]:
        """The kind of data that each supplier is known by, of those that anybody knows."""
        with self.connection() as con:
            rows = con.execute(
                f"""SELECT supplier_id, max_by(tier, (recorded_at, record_id))
                    FROM ({self.rows(SUPPLIERS, self.batches())})
                    WHERE supplier_id IN (SELECT unnest(CAST(? AS VARCHAR[]))) GROUP BY supplier_id""",
                [list(supplier_ids)],
            ).fetchall()
            return dict(rows)

    def nearest(self, table: str, column: str, value: str, count: int = 3) -> list[str]:
        """The ids in a column that are nearest in spelling to a value, for the hint of an error.

        Raises KeyError for a table of labels or names.
        """
        with self.connection() as con:
            rows = con.execute(
                f"""SELECT DISTINCT {quoted(column)}, damerau_levenshtein({quoted(column)}, ?) AS steps
                    FROM ({self.rows(readable(table_named(table)), self.batches())}) WHERE {quoted(column)} IS NOT NULL
                    ORDER BY steps, 1 LIMIT ?""",
                [value, count],
            ).fetchall()
            return [row[0] for row in rows]

    def outcomes(self, target: str, *, known_on: date, version: int | None = None) -> pd.DataFrame:
        """Labels of a target as known on a date. For training and validation alone: no view of features has them.

        Columns `outcome_id`, `supplier_id`, `loan_id`, `contract_id`, `opened_on`, `matured_on` (both empty where
        undated), `happened`, `tier`; ordered by outcome_id.
        """
        batches = self.batches(version)
        with self.connection() as con:
            return con.execute(
                f"""SELECT outcome_id, supplier_id, loan_id, contract_id, opened_on, matured_on, happened, tier
                    FROM ({self.rows(OUTCOMES, batches)}) AS t
                    JOIN (SELECT supplier_id, max_by(tier, ({LAST_REGISTERED})) AS tier
                          FROM ({self.rows(SUPPLIERS, batches)}) GROUP BY supplier_id) USING (supplier_id)
                    WHERE target = $target AND {self._stands_on("CAST($known_on AS DATE)", OUTCOMES, batches)}
                    ORDER BY outcome_id""",
                {"target": target, "known_on": known_on},
            ).df()

    def _stands_on(self, day: str, table: Table, batches: list[Batch]) -> str:
        return stands_on(day, self.rows(table, batches), corrected=self.corrected(table, batches))

    def files(self, table: str) -> list[Path]:
        """The files that hold a table's rows now, for readers outside of this program.

        Beside them may lie what an import left that was cut off, or what a compaction replaced. Raises KeyError for a
        table of labels or names.
        """
        return self._files(readable(table_named(table)), self.batches())


def _text(value: Any) -> str:
    """A value as a file of the platform's own format has it."""
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


def readable(table: Table) -> Table:
    """The table, where the door shows it. Raises KeyError for one of labels or personal data."""
    if not table.readable:
        raise KeyError(table.name)
    return table
