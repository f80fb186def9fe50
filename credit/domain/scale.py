"""The master scale: one probability, one grade of ten, one number of points (DOMAIN 6.4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from credit.domain.policy.terms import Terms

# Points: 600 at odds of 30 good to 1 bad, 40 more each time the odds double (DOMAIN 6.4).
BASE_POINTS, BASE_ODDS, POINTS_TO_DOUBLE = 600.0, 30.0, 40.0


def points(pd_: pd.Series[float]) -> pd.Series[float]:
    """Points of a probability of default, rounded to whole points; NaN stays NaN.

    600 + 40 / ln 2 · (ln((1 − PD) / PD) − ln 30), DOMAIN 6.4.

    >>> points(pd.Series([0.0040, 0.0260])).tolist()
    [722.0, 613.0]
    """
    bounded = pd_.clip(1e-9, 1 - 1e-9)
    odds = ((1 - bounded) / bounded).to_numpy(dtype=float)
    scaled = BASE_POINTS + POINTS_TO_DOUBLE / np.log(2) * np.log(odds / BASE_ODDS)
    return pd.Series(np.round(scaled), index=pd_.index)


def grades(pd_: pd.Series[float], terms: Terms) -> pd.Series[str]:
    """The grade of each probability: the first whose upper bound it does not exceed; None without a probability.

    Raises ValueError for what is no probability: a negative one would have the best grade.
    """
    if bool(((pd_ < 0) | (pd_ > 1)).any()):
        raise ValueError("a probability of default lies between 0 and 1")
    bounds: dict[str, float] = terms["grade_pd_upper"]
    # One name more, for what is missing: NaN sorts after every bound.
    names = np.array([*bounds, None], dtype=object)
    place = np.searchsorted(list(bounds.values()), pd_.to_numpy(dtype=float), side="left")
    return pd.Series(names[place], index=pd_.index, dtype="object")
