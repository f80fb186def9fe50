"""Compute the catalogue: one query a source, then one that joins them and adds the derived features.

The queries run on the views that the ledger's door opens, so a value can only come from what had happened and was
recorded by the case's own date. One case and a million take the same path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import numpy.typing as npt

from data.ledger import Known, Ledger
from data.schema import RECORD_ID, SUPPLIER, table
from features import buyer_scores
from features.catalogue import CATALOGUE, names
from features.feature import DERIVED, Feature
from features.sources import RELATIONS, Source, months_back, source_named

if TYPE_CHECKING:
    import pandas as pd

# What feeds a model is rounded to nine significant digits: parallel sums of floats differ in the last ones, and a
# replay has to come out the same to the byte.
SIGNIFICANT_DIGITS = 9
# Less than this is what interpolating between whole days leaves of nothing; no feature has a meaning that small.
TINY = 1e-9
# From which days are counted where a date has to be a number.
EPOCH = "DATE '1970-01-01'"
# So many cases are computed at once.
CASES_AT_ONCE = 100_000


def build(known: Known, *, tier: str) -> pd.DataFrame:
    """The features of each case: a row for each in the order of the cases, indexed by case_id, a float column each.

    A feature whose table is not part of the data of this tier is missing; a case without history still has its row.
    """
    base = _prepared(known, tier)
    columns = known.con.execute(final_query(f"({base}) AS base")).fetchnumpy()
    return _frame(columns).reindex(known.cases["case_id"])


def _prepared(known: Known, tier: str) -> str:
    """Compute each source, and return the query that joins them to base features."""
    fed = known.fed(tier)
    for name, query in source_queries(fed).items():
        known.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
    return base_query(fed)


@contextmanager
def known_on(ledger: Ledger, cases: pd.DataFrame, *, version: int | None = None) -> Iterator[Known]:
    """The ledger's door for these cases, and what features read beside it: the scores of the buyers on those days."""
    scored = buyer_scores.scores(ledger, cases["as_of"], version=version)
    with ledger.known_on(cases, version=version, beside={buyer_scores.BUYERS: scored}) as known:
        yield known


def build_cases(ledger: Ledger, cases: pd.DataFrame, *, tier: str, version: int | None = None) -> pd.DataFrame:
    """The features of each case: a row for each in the order of the cases, indexed by case_id.

    Suppliers are taken some at a time: the ledger keeps each one's rows together, so what is read grows with those
    asked for, and what is held with how many are taken at once. All days of a supplier are asked together.
    """
    import pandas as pd

    order = cases["supplier_id"].argsort(kind="stable").to_numpy()
    values = np.full((len(CATALOGUE), len(cases)), np.nan)
    for begin in range(0, len(cases), CASES_AT_ONCE):
        places = order[begin : begin + CASES_AT_ONCE]
        with known_on(ledger, cases.iloc[places].reset_index(drop=True), version=version) as known:
            values[:, places] = build(known, tier=tier).to_numpy().T
    return pd.DataFrame(values.T, index=pd.Index(cases["case_id"], name="case_id"), columns=names(), copy=False)


def base_features() -> list[tuple[Source, list[Feature]]]:
    """The base features grouped by source, in the order of the catalogue."""
    groups: dict[str, list[Feature]] = {}
    for feature in CATALOGUE:
        if feature.source != DERIVED:
            groups.setdefault(feature.source, []).append(feature)
    return [(source_named(name), features) for name, features in groups.items()]


def source_query(source: Source, features: list[Feature]) -> str:
    """All features of one source as one query, one row a case that has any event."""
    columns = _listed(f"{feature.aggregate} AS {feature.name}" for feature in features)
    dated = "\nJOIN windows USING (as_of)" if any("since_" in feature.aggregate for feature in features) else ""
    return f"SELECT case_id,\n       {columns}\nFROM ({source.sql}) AS {source.name}_rows{dated}\nGROUP BY case_id"


def feature_query(feature: Feature) -> str:
    """The query of one feature alone: its source's, or the expression over other features that it is."""
    if feature.source == DERIVED:
        return feature.sql
    return source_query(source_named(feature.source), [feature])


def source_queries(fed: frozenset[str]) -> dict[str, str]:
    """The query of each relation that the features are joined from: what several read, and one a source that is fed."""
    sources = {f"of_{s.name}": source_query(s, features) for s, features in base_features() if s.feeds in fed}
    return {**RELATIONS, **sources}


def base_query(fed: frozenset[str]) -> str:
    """The query that joins what the sources say: a row a case, a column a base feature, a date where it is an age."""
    groups = base_features()
    base = _listed(_with_default(f, fed=source.feeds in fed) for source, features in groups for f in features)
    joins = "\n".join(
        f"LEFT JOIN of_{source.name} ON of_{source.name}.case_id = cases.case_id"
        for source, _ in groups
        if source.feeds in fed
    )
    return f"SELECT cases.case_id, cases.as_of,\n       {base}\nFROM cases\n{joins}"


def final_query(base: str) -> str:
    """The query of all features from a relation of base ones: ages counted, derived ones computed."""
    columns = _listed(f"{_from_base(f)} AS {f.name}" for f in CATALOGUE)
    return f"SELECT case_id,\n       {columns}\nFROM {base}"


def settled_query(base: str) -> str:
    """The same with the days from EPOCH to the dates that ages are counted from, which hold on the next day too."""
    columns = _listed(f"{f'{f.name} - {EPOCH}' if f.age else _from_base(f)} AS {f.name}" for f in CATALOGUE)
    return f"SELECT case_id, supplier_id,\n       {columns}\nFROM {base} JOIN cases USING (case_id)"


def features_query(fed: frozenset[str]) -> str:
    """All of it as one query, to be read or to be run elsewhere."""
    queries = {**source_queries(fed), "base": base_query(fed)}
    relations = ",\n".join(f"{name} AS (\n{query})" for name, query in queries.items())
    return f"WITH {relations}\n{final_query('base')}"


def _listed(columns: Iterable[str]) -> str:
    return ",\n       ".join(columns)


def _with_default(feature: Feature, *, fed: bool) -> str:
    kind = "DOUBLE" if feature.age is None else "DATE"
    value = feature.name if feature.none is None else f"coalesce({feature.name}, {feature.none})"
    return f"CAST({value if fed else 'NULL'} AS {kind}) AS {feature.name}"


def _from_base(feature: Feature) -> str:
    if feature.source == DERIVED:
        return f"CAST({feature.sql} AS DOUBLE)"
    return feature.name if feature.age is None else age_sql(feature)


def age_sql(feature: Feature) -> str:
    """The SQL that counts an age from its date."""
    counted = f"date_diff('day', {feature.name}, as_of)" if feature.age == "days" else months_back(feature.name)
    return f"CAST({counted} AS DOUBLE)"


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    values = {f.name: _numbers(columns[f.name]) for f in CATALOGUE}
    return pd.DataFrame(values, index=pd.Index(columns["case_id"], name="case_id"))


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


def significant_sql(value: str, digits: int = SIGNIFICANT_DIGITS) -> str:
    """The same in SQL, for engines that hand over the features themselves."""
    beyond = f"floor(log10(abs({value}))) - {digits - 1}"
    up, down = f"power(10.0, greatest({beyond}, 0))", f"power(10.0, greatest(-({beyond}), 0))"
    return (
        f"CASE WHEN abs({value}) < {TINY} THEN 0"
        f" WHEN {value} = floor({value}) AND abs({value}) < 1e{digits} THEN {value}"
        f" ELSE sign({value}) * floor(abs({value}) / {up} * {down} + 0.5) * {up} / {down} END"
    )


def build_on(ledger: Ledger, as_of: date, *, tier: str, version: int | None = None) -> pd.DataFrame:
    """The features of every supplier of a tier known on a date, indexed by supplier_id."""
    cases = ledger.suppliers(as_of, tier=tier, version=version)
    frame = build_cases(ledger, cases, tier=tier, version=version)
    return frame.set_axis(cases["supplier_id"].array, axis=0).rename_axis("supplier_id")


def settled(
    ledger: Ledger, cases: pd.DataFrame, *, tier: str, version: int | None = None, scattered: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The features of these cases as they hold on the next day too, but for what moves.

    Their supplier_ids, and a row a feature, a column a case: rounded numbers, but the days from `EPOCH` to its date
    where it is an age. Of suppliers that lie `scattered` over the ledger all rows are gathered before they are read.
    """
    with known_on(ledger, cases, version=version) as known:
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


def columns_read() -> dict[str, list[str]]:
    """The columns of each table that the sources read; one more than is needed does no harm."""
    said = {s.name: " ".join([s.sql, *(f.aggregate for f in features)]) for s, features in base_features()}
    words = {name: set(re.findall(r"\w+", f"{text} {' '.join(RELATIONS.values())}")) for name, text in said.items()}
    read: dict[str, set[str]] = {}
    for source, _ in base_features():
        for name in source.tables:
            read.setdefault(name, set()).update(words[source.name])
    return {
        name: [c for c in (*table(name).names, RECORD_ID.name) if c in found and c != SUPPLIER.name]
        for name, found in read.items()
    }
