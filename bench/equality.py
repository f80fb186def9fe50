"""Whether another library says the same as we do, feature by feature and supplier by supplier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.engine import significant

KEYS = ["supplier_id", "as_of"]
# Whole numbers are to be equal once both have our nine significant digits; a division may differ in the last of them.
TOLERANCE = 1e-8


def difference(ours: Path, theirs: Path, name: str, *, days: Sequence[str], features: Sequence[str]) -> str | None:
    """The first feature and supplier of which two files do not say the same; None where all is equal."""
    own, other = (_read(file, days, features) for file in (ours, theirs))
    if not own[KEYS].equals(other[KEYS]):
        alone = pd.concat([own[KEYS], other[KEYS]]).drop_duplicates(keep=False)
        such = f": {len(alone):,} are in one alone, such as {_case(alone.iloc[0])}" if len(alone) else ""
        return f"we have {len(own):,} rows, {name} has {len(other):,}{such}"
    for feature in features:
        one, two = (frame[feature].to_numpy("float64", na_value=np.nan) for frame in (own, other))
        wrong = np.flatnonzero(~_same(one, two))
        if wrong.size:
            said = f"we say {one[wrong[0]]}, {name} says {two[wrong[0]]}; {wrong.size:,} of {len(own):,} rows differ"
            return f"{feature} of {_case(own.iloc[wrong[0]])}: {said}"
    return None


def _same(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Value by value; both missing is the same.

    >>> _same(np.array([1e9, 0.333333333, 2.0, np.nan]), np.array([1e9 + 0.4, 1 / 3, 3.0, np.nan]))
    array([ True,  True, False,  True])
    """
    whole = theirs == np.trunc(theirs)
    close = np.abs(ours - theirs) <= TOLERANCE * np.abs(theirs)
    return np.where(whole, ours == significant(theirs), close) | (np.isnan(ours) & np.isnan(theirs))


def _read(file: Path, days: Sequence[str], features: Sequence[str]) -> pd.DataFrame:
    frame = pd.read_parquet(file)
    if "as_of" not in frame:  # ours has none where it was asked for one date
        (day,) = days
        frame["as_of"] = day
    frame = frame.assign(supplier_id=frame["supplier_id"].astype("str"), as_of=pd.to_datetime(frame["as_of"]).dt.date)
    return frame[[*KEYS, *features]].sort_values(KEYS, ignore_index=True)


def _case(row: pd.Series) -> str:
    return f"{row['supplier_id']} on {row['as_of']}"
