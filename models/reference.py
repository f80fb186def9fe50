"""The approved reference population: the firms with good chances that a reason compares a firm with.

What the average of all firms would have told is of little use to one that is declined: it has to know what sets it
apart from those who are approved (docs/adr/0012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.logistic import Floats

# Steps of five in a hundred: a proposal finer than that would claim more than a model knows.
STEPS = 20


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference population as a model keeps it.

    `means` is what each column adds on average to the log-odds of its firms, `quantiles` the values that they have,
    from the least to the largest in equal steps, each that of a firm; empty for a column of words or without values.
    """

    rows: int
    means: Mapping[str, float]
    quantiles: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(cls, numbers: pd.DataFrame, contributions: pd.DataFrame, words: Mapping[str, Any]) -> Reference:
        """The reference population of these rows, whose columns add what `contributions` says."""
        means = {str(name): float(column.mean()) for name, column in contributions.items()}
        numeric = {str(name): column.to_numpy(dtype=float) for name, column in numbers.items() if name not in words}
        return cls(len(numbers), means, {name: _quantiles(values) for name, values in numeric.items()})

    @classmethod
    def from_said(cls, said: Mapping[str, Any]) -> Reference:
        """The reference population of which JSON says this."""
        quantiles = {name: tuple(values) for name, values in said["quantiles"].items()}
        return cls(said["rows"], dict(said["means"]), quantiles)


def approved(out_of_fold: Floats, *, pd_max: float, rows_min: int) -> npt.NDArray[np.bool_]:
    """Which rows would have been approved: out of fold, their PD is at most `pd_max`.

    Where hardly a firm is that good, those of the lowest PD stand in, `rows_min` of them or all that there are.

    >>> approved(np.array([0.01, 0.2, np.nan, 0.3]), pd_max=0.1, rows_min=2).tolist()
    [True, True, False, False]
    """
    known = np.sort(out_of_fold[~np.isnan(out_of_fold)])
    if not len(known):
        return np.ones(len(out_of_fold), dtype=bool)
    return np.asarray(out_of_fold <= max(pd_max, known[min(rows_min, len(known)) - 1]))


def _quantiles(values: Floats) -> tuple[float, ...]:
    known = values[~np.isnan(values)]
    if not len(known):
        return ()
    return tuple(np.quantile(known, np.linspace(0, 1, STEPS + 1), method="inverted_cdf").tolist())
