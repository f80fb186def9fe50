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
    odds = (1 - bounded) / bounded
    return (BASE_POINTS + POINTS_TO_DOUBLE / np.log(2) * np.log(odds / BASE_ODDS)).round()


def grades(pd_: pd.Series[float], terms: Terms) -> pd.Series[str]:
    """The grade of each probability: the first whose upper bound it does not exceed; None without a probability."""
    bounds: dict[str, float] = terms["grade_pd_upper"]
    names = np.array(list(bounds), dtype=object)
    place = np.searchsorted(list(bounds.values()), pd_.fillna(0.0).to_numpy(), side="left")
    named = names[np.minimum(place, len(names) - 1)]
    return pd.Series(np.where(pd_.notna(), named, None), index=pd_.index, dtype=object)
