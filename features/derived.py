"""What follows when a feature is taken to be another: the features that are derived from it, computed anew."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from features.catalogue import CATALOGUE, names
from features.engine import significant
from features.feature import DERIVED, Feature

if TYPE_CHECKING:
    import pandas as pd


def inputs_of(feature: Feature) -> list[str]:
    """The features that a derived one is computed from."""
    words = set(re.findall(r"\w+", feature.sql))
    return [name for name in names() if name in words]


def following(changed: Collection[str]) -> list[Feature]:
    """The derived features that follow from these, in the order of the catalogue."""
    return [f for f in CATALOGUE if f.source == DERIVED and set(inputs_of(f)) & set(changed) and f.name not in changed]


def follow(frame: pd.DataFrame, before: pd.Series[float], given: Collection[str] = ()) -> pd.DataFrame:
    """The frame with the derived features computed anew in each row whose inputs are not those of `before`.

    What is `given` stays as it is. Rounded as features are.
    """
    moved = {name: ~_same(frame[name].to_numpy(), before[name]) for name in frame.columns}
    derived = [f for f in following([name for name, rows in moved.items() if rows.any()]) if f.name not in given]
    if not derived:
        return frame
    read = sorted({name for f in derived for name in inputs_of(f)})
    known = ", ".join(f"CASE WHEN NOT isnan({name}) THEN {name} END AS {name}" for name in read)
    wanted = ", ".join(f"CAST({f.sql} AS DOUBLE) AS {f.name}" for f in derived)
    with duckdb.connect() as con:
        con.register("asked", {name: frame[name].to_numpy(dtype=np.float64) for name in read})
        found = con.execute(f"SELECT {wanted} FROM (SELECT {known} FROM asked)").fetchnumpy()
    values = {}
    for f in derived:
        anew = significant(np.ma.filled(np.ma.asarray(found[f.name], dtype=np.float64), np.nan))
        touched = np.any([moved[name] for name in inputs_of(f)], axis=0)
        values[f.name] = np.where(touched, anew, frame[f.name].to_numpy())
    return frame.assign(**values)


def _same(values: np.typing.NDArray[np.float64], value: float) -> np.typing.NDArray[np.bool_]:
    return np.asarray((values == value) | (np.isnan(values) & np.isnan(value)))
