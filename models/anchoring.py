"""From the PD of the times to the PD of the long run: what a price and a grade stand on (DOMAIN 6.4; ADR 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.logistic import Floats, sigmoid
from models.targets import Lessons, Target

MOST_SHIFT = 10.0


@dataclass(frozen=True, slots=True)
class Year:
    """Twelve months of draws or signatures: the first and the last of them, and what came of their rows."""

    first: pd.Period
    last: pd.Period
    rows: int
    bad: int

    @property
    def rate(self) -> float:
        """The share of rows that went bad."""
        return self.bad / self.rows

    def said(self) -> dict[str, Any]:
        """What a card says of the year."""
        return {**asdict(self), "first": str(self.first), "last": str(self.last), "rate": round(self.rate, 6)}


@dataclass(frozen=True, slots=True)
class Anchor:
    """The long-run rate, where it comes from, and the rate of the rows that the model was calibrated on."""

    long_run_rate: float
    source: str
    calibrated_rate: float

    @property
    def shift(self) -> float:
        """What the log-odds move by, the same for every case.

        >>> round(Anchor(0.02, "", 0.04).shift, 4)
        -0.7138
        """
        return float(np.log(_odds(self.long_run_rate) / _odds(self.calibrated_rate)))

    def said(self) -> dict[str, Any]:
        """What a card says of it, and what serves."""
        return {**asdict(self), "log_odds_shift": self.shift}


def _odds(rate: float) -> float:
    return rate / (1 - rate)


def anchored(pd_: Floats, shift: float) -> Floats:
    """PDs of the times as PDs of the long run, by Bayes: only the odds of all cases together change, not their order.

    odds_ttc = odds_pit · [ttc / (1 − ttc)] / [pit / (1 − pit)] (Tasche 2013, "The art of probability-of-default curve
    calibration", scaled likelihood ratio). To multiply the PDs themselves would push some of them beyond 1.

    >>> anchored(np.array([0.0, 0.04, 0.5, 1.0]), Anchor(0.02, "", 0.04).shift).round(4).tolist()
    [0.0, 0.02, 0.3288, 1.0]
    """
    with np.errstate(divide="ignore"):
        return sigmoid(np.log(pd_) - np.log1p(-pd_) + shift)


@dataclass(frozen=True, slots=True)
class Recent:
    """What the newest lessons say beside all of them: how far their log-odds are off, and their rate once moved."""

    shift: float
    rate: float
    rows: int
    bad: int

    def said(self) -> dict[str, Any]:
        """What a card says of it."""
        return asdict(self)


def recent(out_of_fold: Floats, labels: Floats, opened: pd.Series, terms: Mapping[str, Any]) -> Recent:
    """How far the newest months' outcomes are from what was said of them by those that had not seen them.

    A young platform's histories grow longer every year, so what all years teach is too kind to the newest. The shift is
    the most likely one, drawn to none as `recent_spread`, its standard deviation, says; few outcomes move it little.
    """
    from scipy.optimize import brentq

    newest = opened > opened.max() - pd.DateOffset(months=int(terms["recent_months"]))
    among = newest.to_numpy() & ~np.isnan(out_of_fold)
    said, happened = np.log(out_of_fold[among]) - np.log1p(-out_of_fold[among]), labels[among]
    pull = 1 / float(terms["recent_spread"]) ** 2

    def off(shift: float) -> float:
        return float(happened.sum() - sigmoid(said + shift).sum() - pull * shift)

    shift = float(brentq(off, -MOST_SHIFT, MOST_SHIFT, xtol=1e-9))
    return Recent(shift, float(sigmoid(said + shift).mean()), int(among.sum()), int(happened.sum()))


def shift_of(card: Mapping[str, Any]) -> float:
    """The shift of the model with that card; 0 of one that has no anchor, whose outcomes carry no date."""
    anchor = card["anchor"]
    return float(anchor["log_odds_shift"]) if anchor else 0.0


def unmoved_shift_of(card: Mapping[str, Any]) -> float:
    """The shift to the long run of what was said out of fold, before the model was moved to what is newest."""
    newest = card.get("recent")
    return shift_of(card) + (float(newest["shift"]) if newest else 0.0)


def years_of(rows: Lessons, most: int | None = None) -> list[Year]:
    """Whole years of used months back from the last one, newest first; a year with a month that is not used ends it."""
    if not rows.dated or not rows.cohorts["used"].any():
        return []
    months = rows.cases["opened_on"].dt.to_period("M")
    cohorts, last = rows.cohorts, rows.cohorts.index[rows.cohorts["used"]].max()
    found: list[Year] = []
    while most is None or len(found) < most:
        first = last - 11
        if first < cohorts.index.min() or not cohorts.loc[first:last, "used"].all():
            break
        within = months.between(first, last)
        if not within.any():
            break
        found.append(Year(first, last, int(within.sum()), int(rows.happened[within].sum())))
        last = first - 1
    return found


def long_run(years: Sequence[Year], target: Target, terms: Mapping[str, Any], *, calibrated_rate: float) -> Anchor:
    """The anchor by the mean of the yearly default rates, each year as much as another, or by the dated parameter.

    A year of many draws says no more of the cycle than one of few, so rows are not counted again (CRR Art. 180(1)(a)).
    """
    rates = [year.rate for year in years if year.rows >= terms["long_run_rows_min"] and year.bad]
    if len(rates) >= terms["long_run_years_min"]:
        return Anchor(float(np.mean(rates)), f"mean of {len(rates)} yearly rates of the ledger", calibrated_rate)
    name = f"long_run_rate_{target.name}"
    return Anchor(float(terms[name]), f"parameter {name}: the ledger knows {len(rates)} years", calibrated_rate)
