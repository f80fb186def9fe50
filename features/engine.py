"""Compute the catalogue with DuckDB, in this process.

The queries run on the views that the ledger's door opens, so a value can only come from what had happened and was
recorded by the case's own date. One case and a million take the same path.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from data.ledger import Known, Ledger
from data.schema import TABLES, Table, table
from features import buyer_scores
from features.catalogue import CATALOGUE, names
from features.feature import Feature
from features.queries import (
    EPOCH,
    SIGNIFICANT_DIGITS,
    TINY,
    age_sql,
    base_features,
    base_query,
    columns_read,
    final_query,
    needed_for,
    settled_query,
    source_queries,
    tables_read,
)

if TYPE_CHECKING:
    import pandas as pd

Piece = TypeVar("Piece")

# So many cases are computed at once.
CASES_AT_ONCE = 100_000
# So many pieces are computed side by side at most, for each may take the memory of a reading.
PIECES_AT_ONCE = 4


def build(known: Known, *, tier: str, chosen: Collection[str] | None = None) -> pd.DataFrame:
    """The features of each case: a row for each in the order of the cases, indexed by case_id, a float column each.

    A feature whose table is not part of the data of this tier is missing; a case without history still has its row.
    Those that are not `chosen` are not computed.
    """
    import pandas as pd

    features = CATALOGUE if chosen is None else needed_for(chosen)
    base = _prepared(known, tier, features)
    columns = known.con.execute(final_query(f"({base}) AS base", features)).fetchnumpy()
    values = {f.name: _numbers(columns[f.name]) for f in features if chosen is None or f.name in chosen}
    frame = pd.DataFrame(values, index=pd.Index(columns["case_id"], name="case_id"))
    return frame.reindex(known.cases["case_id"])


def _prepared(known: Known, tier: str, features: Sequence[Feature] = CATALOGUE) -> str:
    """Compute each source, and return the query that joins them to base features."""
    fed = known.fed(tier)
    for name, query in source_queries(fed, features).items():
        known.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    return base_query(fed, features)


@contextmanager
def known_on(
    ledger: Ledger,
    cases: pd.DataFrame,
    *,
    version: int | None = None,
    features: Sequence[Feature] = CATALOGUE,
    tables: tuple[Table, ...] = TABLES,
    threads: int | None = None,
) -> Iterator[Known]:
    """The ledger's door for these cases, and what features read beside it: the scores of the buyers on those days."""
    beside = _scores(ledger, cases, version, features)
    with ledger.known_on(cases, version=version, tables=tables, beside=beside, threads=threads) as known:
        yield known


def _scores(
    ledger: Ledger, cases: pd.DataFrame, version: int | None, features: Sequence[Feature]
) -> dict[str, list[Path]]:
    """The files of the buyers' scores on the days of these cases, where a feature reads them."""
    if not any(buyer_scores.BUYERS in source.sql for source, _ in base_features(features)):
        return {}
    return {buyer_scores.BUYERS: buyer_scores.scores(ledger, cases["as_of"], version=version)}


def build_cases(
    ledger: Ledger,
    cases: pd.DataFrame,
    *,
    tier: str,
    version: int | None = None,
    chosen: Collection[str] | None = None,
) -> pd.DataFrame:
    """The features of each case: a row for each in the order of the cases, indexed by case_id.

    Suppliers are taken some at a time: the ledger keeps each one's rows together, so what is read grows with those
    asked for, and what is held with how many are taken at once. All days of a supplier are asked together.
    """
    import pandas as pd

    columns = [name for name in names() if chosen is None or name in chosen]
    features = CATALOGUE if chosen is None else needed_for(chosen)
    ids = cases["supplier_id"]
    order = np.arange(len(ids)) if ids.is_monotonic_increasing else ids.argsort(kind="stable").to_numpy()
    values = np.full((len(columns), len(cases)), np.nan)
    pieces = np.array_split(order, pieces_of(len(cases), CASES_AT_ONCE))
    _scores(ledger, cases, version, features)  # once for all pieces

    def compute(places: npt.NDArray[np.integer[Any]]) -> None:
        piece, threads = cases.iloc[places].reset_index(drop=True), threads_for(len(pieces))
        with known_on(
            ledger, piece, version=version, features=features, tables=tables_read(features), threads=threads
        ) as known:
            values[:, places] = build(known, tier=tier, chosen=chosen).to_numpy().T

    side_by_side(compute, pieces)
    return pd.DataFrame(values.T, index=pd.Index(cases["case_id"], name="case_id"), columns=columns, copy=False)


def _numbers(column: Any) -> npt.NDArray[np.float64]:
    """A column as DuckDB hands it over, rounded; what is missing is NaN."""
    return significant(np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan))


def significant(values: npt.NDArray[np.float64], digits: int = SIGNIFICANT_DIGITS) -> npt.NDArray[np.float64]:
    """Round to so many significant digits, halves away from zero; what is not finite is missing, what is tiny is 0.

    >>> significant(np.array([123456789012.0, -1234567885.0, 0.1234567894, np.nan, 2e-16]))
    array([ 1.23456789e+11, -1.23456789e+09,  1.23456789e-01,             nan,
            0.00000000e+00])
    """
    rounded = np.where(np.isfinite(values), values, np.nan)
    rounded[np.abs(values) < TINY] = 0.0
    # Most features are counts and days, which are short enough as they are.
    long = (rounded != np.trunc(rounded)) | (np.abs(rounded) >= 10.0**digits)
    long &= ~np.isnan(rounded)
    size = np.abs(rounded[long])
    beyond = np.floor(np.log10(size)) - (digits - 1)
    # Ten to a whole power is exact, a tenth to a whole power is not.
    up, down = 10.0 ** np.maximum(beyond, 0), 10.0 ** np.maximum(-beyond, 0)
    rounded[long] = np.copysign(np.floor(size / up * down + 0.5) * up / down, rounded[long])
    return rounded


def build_on(ledger: Ledger, as_of: date, *, tier: str, version: int | None = None) -> pd.DataFrame:
    """The features of every supplier of a tier known on a date, indexed by supplier_id."""
    cases = ledger.suppliers(as_of, tier=tier, version=version)
    frame = build_cases(ledger, cases, tier=tier, version=version)
    return frame.set_axis(cases["supplier_id"].array, axis=0).rename_axis("supplier_id")


def pieces_of(cases: int, at_once: int) -> int:
    """In how many pieces of one size so many cases are computed, so that no core waits for another at the end."""
    pieces = max(-(-cases // at_once), 1)
    return pieces if pieces == 1 else -(-pieces // _workers()) * _workers()


def _workers() -> int:
    return min(os.cpu_count() or 1, PIECES_AT_ONCE)


def threads_for(pieces: int) -> int | None:
    """How many threads one of so many pieces may use: all, where there is only one."""
    return None if pieces < 2 else (os.cpu_count() or 1) // _workers()


def side_by_side(compute: Callable[[Piece], None], pieces: Sequence[Piece]) -> None:
    """Compute pieces, several at a time where there are cores: much of each is work for one thread."""
    with ThreadPoolExecutor(_workers()) as pool:
        for _ in pool.map(compute, pieces):
            pass


def settled(
    ledger: Ledger,
    cases: pd.DataFrame,
    *,
    tier: str,
    version: int | None = None,
    scattered: bool,
    threads: int | None = None,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The features of these cases as they hold on the next day too, but for what moves.

    Their supplier_ids, and a row a feature, a column a case: rounded numbers, but the days from `EPOCH` to its date
    where it is an age. Of suppliers that lie `scattered` over the ledger all rows are gathered before they are read.
    """
    with known_on(ledger, cases, version=version, tables=tables_read(CATALOGUE), threads=threads) as known:
        if scattered:
            _gather(known)
        columns = known.con.execute(settled_query(f"({_prepared(known, tier)}) AS base")).fetchnumpy()
    values = np.empty((len(CATALOGUE), len(cases)))
    for row, feature in enumerate(CATALOGUE):
        values[row] = _numbers(columns[feature.name])
    return np.asarray(columns["supplier_id"]), values


def count_ages(values: npt.NDArray[np.float64], as_of: date) -> None:
    """Turn settled features into those of a day: ages from the days to their dates, in place."""
    aged = [(row, feature) for row, feature in enumerate(CATALOGUE) if feature.age]
    dates = ", ".join(
        f"CASE WHEN NOT isnan({f.name}) THEN {EPOCH} + CAST({f.name} AS INTEGER) END AS {f.name}" for _, f in aged
    )
    with duckdb.connect() as con:
        con.register("settled", {f.name: values[row] for row, f in aged})
        counted = ", ".join(f"{age_sql(f)} AS {f.name}" for _, f in aged)
        ages = con.execute(f"SELECT {counted} FROM (SELECT {dates}, DATE '{as_of}' AS as_of FROM settled)").fetchnumpy()
    for row, feature in aged:
        values[row] = _numbers(ages[feature.name])


def _gather(known: Known) -> None:
    """Read of each table what features need, once, where otherwise each of its sources would read it."""
    for name, columns in columns_read().items():
        beside = "case_id, as_of" if table(name).has_supplier else "as_of"
        known.con.execute(f"CREATE TEMP TABLE gathered_{name} AS SELECT {beside}, {', '.join(columns)} FROM {name}")
        known.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM gathered_{name}")
