"""Compute the catalogue: one aggregation a source, then the derived features over all of them, in one query.

The query runs on the views that the ledger's door opens, so a value can only come from what had happened and was
recorded by the case's own date. One case and a million take the same path.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from data.ledger import Known, Ledger
from features.catalogue import CATALOGUE
from features.feature import DERIVED, Feature
from features.sources import Source, source_named

if TYPE_CHECKING:
    import pandas as pd

# What feeds a model is rounded to nine significant digits: parallel sums of floats differ in the last ones, and a
# replay has to come out the same to the byte.
SIGNIFICANT_DIGITS = 9


def build(known: Known, *, tier: str) -> pd.DataFrame:
    """The features of each case: a row for each in the order of the cases, indexed by case_id, a float column each.

    A feature whose table is not part of the data of this tier is missing; a case without history still has its row.
    """
    columns = known.con.execute(features_query(known.fed(tier))).fetchnumpy()
    return _frame(columns).reindex(known.cases["case_id"])


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
    return f"SELECT case_id,\n       {columns}\nFROM ({source.sql})\nGROUP BY case_id"


def features_query(fed: frozenset[str]) -> str:
    """The one query that aggregates each source, joins them, and adds the derived features.

    One query and not one a source: on a single case DuckDB spends its time on planning, not on rows.
    """
    groups = base_features()
    read = [(source, features) for source, features in groups if source.feeds in fed]
    sources = ",\n".join(f"of_{source.name} AS (\n{source_query(source, features)})" for source, features in read)
    base = _listed(_with_default(f, fed=source.feeds in fed) for source, features in groups for f in features)
    joins = "\n".join(f"LEFT JOIN of_{source.name} USING (case_id)" for source, _ in read)
    derived = _listed(f"CAST({f.sql} AS DOUBLE) AS {f.name}" for f in CATALOGUE if f.source == DERIVED)
    opening = f"WITH {sources}\n" if read else ""
    return f"{opening}SELECT *,\n       {derived}\nFROM (SELECT case_id,\n       {base}\nFROM cases\n{joins})"


def _listed(columns: Iterable[str]) -> str:
    return ",\n       ".join(columns)


def _with_default(feature: Feature, *, fed: bool) -> str:
    if not fed:
        return f"CAST(NULL AS DOUBLE) AS {feature.name}"
    value = feature.name if feature.none is None else f"coalesce({feature.name}, {feature.none})"
    return f"CAST({value} AS DOUBLE) AS {feature.name}"


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    values = {
        f.name: significant(np.ma.filled(np.ma.asarray(columns[f.name], dtype=np.float64), np.nan)) for f in CATALOGUE
    }
    return pd.DataFrame(values, index=pd.Index(columns["case_id"], name="case_id"))


def significant(values: npt.NDArray[np.float64], digits: int = SIGNIFICANT_DIGITS) -> npt.NDArray[np.float64]:
    """Round to so many significant digits; what is missing stays missing.

    >>> significant(np.array([123456789012.0, 0.1234567894, np.nan, 0.0]))
    array([1.23456789e+11, 1.23456789e-01,            nan, 0.00000000e+00])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values))))
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, np.where(np.isfinite(values), 0.0, np.nan))


def build_on(ledger: Ledger, as_of: date, *, tier: str, version: int | None = None) -> pd.DataFrame:
    """The features of every supplier of a tier known on a date, indexed by supplier_id."""
    cases = ledger.suppliers(as_of, tier=tier, version=version)
    with ledger.known_on(cases, version=version) as known:
        frame = build(known, tier=tier)
    return frame.set_axis(cases["supplier_id"].array, axis=0).rename_axis("supplier_id")
