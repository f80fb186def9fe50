"""Compute the catalogue with DuckDB, in this process.

The queries run on the views that the ledger's door opens, so a value can only come from what had happened and was
recorded by the case's own date. One case and a million take the same path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from credit.domain.progress import Progress, silent
from data.ledger import Known, Ledger
from data.schema import TABLES, Table, table
from features import buyer_scores
from features.catalogue import CATALOGUE, names
from features.feature import DERIVED, Feature
from features.queries import (
    SIGNIFICANT_DIGITS,
    TINY,
    ages_query,
    base_features,
    columns_read,
    derived_query,
    is_short,
    needed_for,
    settled_query,
    source_queries,
    tables_read,
)
from features.sources import RELATIONS

if TYPE_CHECKING:
    import pandas as pd

Piece = TypeVar("Piece")
# A row a feature, a column a case; NaN is missing.
Values = npt.NDArray[np.float64]

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
    values = base_values(known, tier, features)
    derive(values, features, known.con)
    count_ages(values, known.cases["as_of"], features, known.con)
    round_all(values, features)
    columns = [f.name for f in features]
    frame = pd.DataFrame(values.T, index=pd.Index(known.cases["case_id"], name="case_id"), columns=columns, copy=False)
    return frame if chosen is None else frame[[name for name in columns if name in chosen]]


def base_values(known: Known, tier: str, features: Sequence[Feature] = CATALOGUE) -> Values:
    """What the sources say: a row a feature, a column a case; derived ones stay missing.

    Ages are the days from `EPOCH` to their dates, which hold on the next day too.
    """
    import pandas as pd

    fed = known.fed(tier)
    queries = source_queries(fed, features)
    rows = {feature.name: row for row, feature in enumerate(features)}
    values = np.full((len(features), len(known.cases)), np.nan)
    places = pd.Index(known.cases["case_id"])
    for name in (name for name in RELATIONS if name in queries):
        known.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {queries[name]}")
    for source, grouped in base_features(features):
        if source.feeds not in fed:
            continue
        found = known.con.execute(settled_query(queries[f"of_{source.name}"], grouped)).fetchnumpy()
        cases = places.get_indexer(found["case_id"])
        for feature in grouped:
            row = values[rows[feature.name]]
            row.fill(np.nan if feature.none is None else feature.none)
            row[cases] = _numbers(found[feature.name])
    return values


def derive(values: Values, features: Sequence[Feature], con: duckdb.DuckDBPyConnection) -> None:
    """Compute the derived features from the base ones, in place."""
    derived = [feature for feature in features if feature.source == DERIVED]
    read = set(re.findall(r"\w+", " ".join(feature.sql for feature in derived)))
    needed = [(row, feature) for row, feature in enumerate(features) if feature.name in read]
    _compute(values, features, derived, {f.name: values[row] for row, f in needed}, derived_query, con)


def count_ages(values: Values, as_of: pd.Series, features: Sequence[Feature], con: duckdb.DuckDBPyConnection) -> None:
    """Turn the days to the dates of ages into ages on these days, in place."""
    import pandas as pd

    aged = [feature for feature in features if feature.age]
    given = {f.name: values[row] for row, f in enumerate(features) if f.age}
    days = pd.to_datetime(as_of).to_numpy().astype("datetime64[D]").astype(np.float64)
    _compute(values, features, aged, {**given, "as_of": days}, ages_query, con)


def _compute(
    values: Values,
    features: Sequence[Feature],
    wanted: Sequence[Feature],
    given: dict[str, npt.NDArray[np.float64]],
    query: Callable[[Sequence[Feature], str], str],
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Compute rows of the values from others by a query over these, where NaN is NULL."""
    import pyarrow as pa

    if not wanted:
        return
    rows = {feature.name: row for row, feature in enumerate(features)}
    con.register("given", pa.table({name: pa.array(row, from_pandas=True) for name, row in given.items()}))
    found = con.execute(query(wanted, "given")).fetchnumpy()
    con.unregister("given")
    for feature in wanted:
        values[rows[feature.name]] = _numbers(found[feature.name])


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
    progress: Progress = silent,
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

    side_by_side(compute, pieces, counted(progress, f"computing features of {len(cases):,} cases", len(pieces)))
    return pd.DataFrame(values.T, index=pd.Index(cases["case_id"], name="case_id"), columns=columns, copy=False)


def _numbers(column: Any) -> npt.NDArray[np.float64]:
    """A column as DuckDB hands it over; what is missing is NaN."""
    return np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)


def round_all(values: Values, features: Sequence[Feature]) -> None:
    """Round what feeds a model, in place."""
    for row, feature in enumerate(features):
        if not is_short(feature):
            values[row] = significant(values[row])


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


def build_on(
    ledger: Ledger, as_of: date, *, tier: str, version: int | None = None, progress: Progress = silent
) -> pd.DataFrame:
    """The features of every supplier of a tier known on a date, indexed by supplier_id."""
    cases = ledger.suppliers(as_of, tier=tier, version=version)
    frame = build_cases(ledger, cases, tier=tier, version=version, progress=progress)
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


def side_by_side(
    compute: Callable[[Piece], None], pieces: Sequence[Piece], told: Callable[[int], None] = lambda _: None
) -> None:
    """Compute pieces, several at a time where there are cores: much of each is work for one thread.

    It is `told` how many are done, none at first.
    """
    told(0)
    with ThreadPoolExecutor(_workers()) as pool:
        for place, _ in enumerate(pool.map(compute, pieces), start=1):
            told(place)


def counted(progress: Progress, step: str, pieces: int) -> Callable[[int], None]:
    """Who is told how many of so many pieces a step has done; of a single one nothing is known before its end."""
    return lambda done: progress(step, done, pieces if pieces > 1 else 0)


def in_pieces(cases: pd.DataFrame, read: Callable[[pd.DataFrame, int | None], pd.DataFrame]) -> pd.DataFrame:
    """What is read of cases, so many at a time as features are computed, in their order.

    `read` is given a piece of the cases and how many threads it may use.
    """
    import pandas as pd

    starts = range(0, max(len(cases), 1), CASES_AT_ONCE)
    found: dict[int, pd.DataFrame] = {}

    def keep(start: int) -> None:
        found[start] = read(cases.iloc[start : start + CASES_AT_ONCE], threads_for(len(starts)))

    side_by_side(keep, list(starts))
    return pd.concat([found[start] for start in starts])


def gather(known: Known, read_of: Mapping[str, npt.NDArray[np.bool_]]) -> None:
    """Read of each table what features need, once, where otherwise each of their sources would read it.

    For suppliers that lie scattered over the ledger; of those that lie together, reading is the cheaper. `read_of` says
    by table of which cases its rows are needed, in the order of the cases.
    """
    asked = {"case_id": known.cases["case_id"].to_numpy(), **read_of}
    known.con.register("read_of", asked)
    for name, columns in columns_read().items():
        said, of = ", ".join(columns), ""
        if table(name).has_supplier:
            said, of = f"case_id, {said}", f"WHERE case_id IN (SELECT case_id FROM read_of WHERE {name})"
        known.con.execute(f"CREATE TEMP TABLE gathered_{name} AS SELECT as_of, {said} FROM {name} {of}")
        known.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM gathered_{name}")
    known.con.unregister("read_of")
