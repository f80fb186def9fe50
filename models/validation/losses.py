"""Losses: whether what prices stand on beside the probability came true: loss given default, and conversion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.validation.check import Found, NotApplicable, check
from models.validation.subject import Subject

RESAMPLES = 1_000
# A share in one part of what happened, as priced, is right on average if it is neither far below nor above.
LOSS_GIVEN_DEFAULT, CONVERSION = "loss_given_default", "conversion_economic"


@check(
    "loss_given_default",
    zh="违约损失率回测",
    en="Back-test of loss given default",
    statistic="mean share lost of closed defaults for each one priced in",
    at_most="loss_ratio_max",
    decisive=False,
)
def no_more_is_lost_than_is_priced_in(subject: Subject) -> Found | NotApplicable:
    """Of what was owed at default no larger share is lost than the price assumes."""
    return _backtest(subject, LOSS_GIVEN_DEFAULT)


@check(
    "conversion",
    zh="保函转换系数回测",
    en="Back-test of the conversion factor",
    statistic="mean share paid of guarantees on breached contracts for each one priced in",
    at_most="loss_ratio_max",
    decisive=False,
)
def no_more_is_paid_than_is_priced_in(subject: Subject) -> Found | NotApplicable:
    """Of a guarantee on a breached contract no larger share is paid than the price assumes."""
    return _backtest(subject, CONVERSION)


def _backtest(subject: Subject, name: str) -> Found | NotApplicable:
    asked = [losses for losses in subject.losses if losses.name.startswith(name)]
    if not asked:
        return NotApplicable("no price of this target stands on one")
    fewest = subject.threshold("closed_losses_min")
    told = [losses for losses in asked if len(losses.cases) >= fewest]
    if not told:
        most = max(len(losses.cases) for losses in asked)
        return NotApplicable(f"{most} closed cases; {fewest:.0f} are needed")
    found = []
    for losses in told:
        ratio, low, high = (value / losses.priced_at for value in _mean_share(losses.cases))
        found.append({"factor": losses.name, "cases": len(losses.cases), "priced_at": losses.priced_at,
                      "seen": ratio * losses.priced_at, "ratio": ratio, "low": low, "high": high})  # fmt: skip
    worst: dict[str, Any] = max(found, key=lambda row: row["ratio"])
    cases = sum(row["cases"] for row in found)
    return Found(worst["ratio"], worst["low"], worst["high"], cases, note=worst["factor"], table=tuple(found))


def _mean_share(cases: pd.DataFrame) -> tuple[float, float, float]:
    """The mean share and its 95 % interval from resampling groups of firms."""
    by_group = cases.groupby("group")["share"].agg(["sum", "size"]).to_numpy()
    rng = np.random.default_rng(0)
    drawn = by_group[rng.integers(0, len(by_group), (RESAMPLES, len(by_group)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    return float(cases["share"].mean()), float(low), float(high)
