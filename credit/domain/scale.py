"""The master scale: one probability, one grade of ten (DOMAIN 6.4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from credit.domain.policy.terms import Terms


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
