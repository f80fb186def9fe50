"""Points: one number for a probability, on which every forty double the odds (DOMAIN 6.4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Points: 600 at odds of 30 good to 1 bad, 40 more each time the odds double (DOMAIN 6.4).
BASE_POINTS, BASE_ODDS, POINTS_TO_DOUBLE = 600.0, 30.0, 40.0


def points(pd_: pd.Series[float]) -> pd.Series[float]:
    """Points of a probability of default, rounded to whole points; NaN stays NaN.

    600 + 40 / ln 2 · (ln((1 − PD) / PD) − ln 30), DOMAIN 6.4.

    >>> points(pd.Series([0.0040, 0.0260])).tolist()
    [722.0, 613.0]
    """
    bounded = pd_.to_numpy(dtype=float).clip(1e-9, 1 - 1e-9)
    odds = (1 - bounded) / bounded
    scaled = BASE_POINTS + POINTS_TO_DOUBLE / np.log(2) * np.log(odds / BASE_ODDS)
    return pd.Series(np.round(scaled), index=pd_.index)
