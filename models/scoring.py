"""Score a frame of features: its probabilities, of the long run and of the times, or the code that says why not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.anchoring import anchored, shift_of
from models.logistic import Floats
from models.registry import Served

# As every figure that a replay has to meet.
DIGITS = 9


@dataclass(frozen=True, slots=True)
class HistoryFloor:
    """How much history a score needs; the features that say how much there is depend on the kind of data."""

    months_min: int
    events_min: int
    last_days_max: int


# Tenure in months, events in 24 months, days since the last one, for each kind of data.
_HISTORY = {
    "invoice": ("sales_tenure_months", "sales_invoice_count_24m", "sales_last_days"),
    "platform": ("contract_tenure_months", "contract_count_24m", "contract_last_days"),
}


def unscorable(
    frame: pd.DataFrame, suppliers: pd.Series, served: Served, floor: HistoryFloor, *, withheld: Collection[str]
) -> pd.Series:
    """The unscorable code of each row, or None.

    Without the consent that a natural person has to give (U04, for the suppliers in `withheld`), too little history
    (U01), stale (U02), learned by the model (U06): a model on undated outcomes has seen what became of its firms, and
    scoring them would be a memory, not a forecast.
    """
    tenure, events, last = _HISTORY[served.card["tier"]]
    thin = ~((frame[tenure] >= floor.months_min) & (frame[events] >= floor.events_min))
    stale = frame[last] > floor.last_days_max
    learned = suppliers.isin(served.learned).to_numpy() & (not served.card["dated"])
    silent = suppliers.isin(withheld).to_numpy()
    codes = np.select([silent, learned, thin.to_numpy(), stale.to_numpy()], ["U04", "U06", "U01", "U02"], "")
    return pd.Series(codes, index=frame.index, dtype=object).replace("", None)


def probability_of(served: Served, frame: pd.DataFrame) -> Floats:
    """The PD of each row that grades stand on, that of the long run, to as many digits as scores are kept."""
    return np.round(anchored(served.model.probabilities(served.inputs(frame)), shift_of(served.card)), DIGITS)


def score(
    frame: pd.DataFrame, suppliers: pd.Series, served: Served, floor: HistoryFloor, *, withheld: Collection[str]
) -> pd.DataFrame:
    """PD and unscorable code of each row, indexed as the frame; exactly one of the two is there.

    `pd` is anchored to the long run (TTC), `pd_pit` is that of the times the model learned from: grades, points and
    prices stand on the first, forecasts of losses and back-tests on the second (ADR 11). Between
    `pd_low` and `pd_high` lies, as often as the level says, what firms that look alike to the columns do on average;
    how far such firms differ no column says (docs/exam.md).
    """
    codes = unscorable(frame, suppliers, served, floor, withheld=withheld)
    of_the_times = served.model.probabilities(served.inputs(frame)) if len(frame) else np.empty(0)
    low, high = _interval(served, of_the_times)
    shift = shift_of(served.card)
    found = {
        "pd": anchored(of_the_times, shift),
        "pd_low": anchored(low, shift),
        "pd_high": anchored(high, shift),
        "pd_pit": of_the_times,
    }
    rounded = {name: pd.Series(np.round(each, DIGITS), index=frame.index) for name, each in found.items()}
    return pd.DataFrame({**{name: each.where(codes.isna()) for name, each in rounded.items()}, "unscorable": codes})


def _interval(served: Served, probability: Floats) -> tuple[Floats, Floats]:
    """Low and high at the level of the card's terms; missing where too few outcomes taught the model."""
    if served.model.band is None:
        unknown = np.full(len(probability), np.nan)
        return unknown, unknown
    return served.model.interval(probability, level=served.card["terms"]["pd_interval_level"])
