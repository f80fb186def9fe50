"""Calibration: whether as many cases turn out bad as probabilities say: in all, by grade, cohort and level."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.validation.check import Found, NotApplicable, check, looked_back
from models.validation.measures import Floats, ece, in_bins, observed_to_expected, perfect_ece, slope
from models.validation.subject import Subject


@check(
    "observed_to_expected",
    zh="违约率与预测之比",
    en="Calibration in the large",
    statistic="outcomes for each one expected",
    at_least="observed_to_expected_min",
    at_most="observed_to_expected_max",
    needed=True,
)
def as_many_turn_out_bad_as_expected(subject: Subject) -> Found:
    """As many cases turn out bad as their probabilities add up to.

    Out of fold this holds of the training's rows nearly by construction, for the mix of the model's parts was fitted to
    them; what was forecast of years that nobody had seen is `back_test`.
    """
    found = subject.measured(observed_to_expected)
    return Found(found.value, found.low, found.high, len(subject.rows))


@check(
    "back_test",
    zh="历年预测回测：违约率与预测之比",
    en="Back-test: forecasts of whole years",
    statistic="outcomes for each one that models of the years before expected",
    at_least="observed_to_expected_min",
    at_most="observed_to_expected_max",
    decisive=False,
)
def as_many_turned_out_bad_as_was_forecast(subject: Subject) -> Found | NotApplicable:
    """Trained as it was on what was known before each year, models expected as many outcomes as that year had.

    It warns: they had learned from fewer rows, and a shock is nobody's to foresee.
    """
    return looked_back(subject, observed_to_expected)


@check(
    "back_test_slope",
    zh="历年预测回测：校准斜率",
    en="Back-test: slope of forecasts",
    statistic="slope of the outcome on the log-odds that models of the years before said",
    at_least="slope_min",
    at_most="slope_max",
    decisive=False,
)
def forecast_odds_were_neither_stretched_nor_squeezed(subject: Subject) -> Found | NotApplicable:
    """A case at twice another's odds, by the model of the years before, turned out bad at twice its odds."""
    return looked_back(subject, slope)


@check(
    "slope",
    zh="校准斜率",
    en="Calibration slope",
    statistic="slope of the outcome on the log-odds",
    at_least="slope_min",
    at_most="slope_max",
    needed=True,
)
def odds_are_neither_stretched_nor_squeezed(subject: Subject) -> Found:
    """A case at twice another's odds turns out bad at twice its odds."""
    found = subject.measured(slope)
    return Found(found.value, found.low, found.high, len(subject.rows))


@check(
    "ece",
    zh="期望校准误差",
    en="Calibration error against a perfect model",
    statistic="expected calibration error over ten bins",
    at_most="ece_max",
    needed=True,
)
def errs_no_more_than_a_perfect_model(subject: Subject) -> Found:
    """Probability and frequency differ by no more than they would for a perfect model on as many rows."""
    found = subject.measured(ece)
    perfect = perfect_ece(subject.scores)
    note = f"a perfect model stays below {perfect:.4f} on these rows in 95 of 100 worlds"
    table = calibration_curve(subject.labels, subject.scores, subject.rows["group"])
    return Found(found.value, found.low, found.high, len(subject.rows), at_most=perfect, note=note, table=table)


def jeffreys(bad: Any, rows: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    """The interval of a default rate: quantiles of Beta(bad + ½, good + ½); it reaches 0 or 1 where all are of a kind.

    >>> low, high = jeffreys(1, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.011, 0.3813)
    """
    from scipy.stats import beta

    bad, rows = np.asarray(bad, dtype=float), np.asarray(rows, dtype=float)
    tail = (1 - level) / 2
    low = np.where(bad == 0, 0.0, beta.ppf(tail, bad + 0.5, rows - bad + 0.5))
    return low, np.where(bad == rows, 1.0, beta.ppf(1 - tail, bad + 0.5, rows - bad + 0.5))


def chance_of_at_most(rate: Any, bad: Any, rows: Any) -> Floats:
    """How likely it is, after what was seen, that the true rate is no higher than a rate.

    The p-value of the Jeffreys test of the ECB's validation instructions (2019, 2.5.3.1): small where the rate is too
    low. Three bad of ten do not speak against 20 %, thirty of a hundred do.

    >>> chance_of_at_most([0.2, 0.2], [3, 30], [10, 100]).round(3).tolist()
    [0.205, 0.008]
    """
    from scipy.stats import beta

    bad, rows = np.asarray(bad, dtype=float), np.asarray(rows, dtype=float)
    return np.asarray(beta.cdf(rate, bad + 0.5, rows - bad + 0.5))


def by_part(labels: Floats, scores: Floats, groups: pd.Series, parts: npt.ArrayLike) -> pd.DataFrame:
    """Rows, firms, bad, mean probability, rate and its Jeffreys interval of each part, by part.

    Rows of one firm turn out alike, so the interval is of as many draws as there are firms at the rate that was seen.
    """
    frame = pd.DataFrame({"bad": labels, "pd": scores, "group": groups.to_numpy()})
    grouped = frame.groupby(np.asarray(parts), sort=True)
    found = grouped.agg(rows=("bad", "size"), firms=("group", "nunique"), bad=("bad", "sum"), pd=("pd", "mean"))
    found["rate"] = found["bad"] / found["rows"]
    found["low"], found["high"] = jeffreys(found["rate"] * found["firms"], found["firms"])
    return found.astype({"bad": int})


def understated(found: pd.DataFrame, tolerance: float) -> Floats:
    """The p-value of each part against its probability, raised by a tolerance; Holm's for as many as there are."""
    single = chance_of_at_most(found["pd"] * (1 + tolerance), found["rate"] * found["firms"], found["firms"])
    order = np.argsort(single, kind="stable")
    adjusted = np.empty(len(single))
    adjusted[order] = np.minimum(np.maximum.accumulate(single[order] * np.arange(len(single), 0, -1)), 1)
    return adjusted


def calibration_curve(labels: Floats, scores: Floats, groups: pd.Series) -> tuple[dict[str, Any], ...]:
    """Mean probability and frequency of each bin of the calibration error, with its Jeffreys interval."""
    return _rows(by_part(labels, scores, groups, in_bins(scores).argmax(axis=1)), "bin")


@check(
    "grades",
    zh="各等级违约率（Jeffreys 检验）",
    en="Calibration of each grade (Jeffreys)",
    statistic="least p-value of a grade's probability, Holm over grades",
    at_least="jeffreys_p_min",
    needed=True,
)
def no_grade_is_worse_than_it_says(subject: Subject) -> Found:
    """No grade's default rate is beyond what its mean probability allows, with a tolerance and as many firms."""
    return _jeffreys(subject, subject.rows["grade"].to_numpy(), "grade")


@check(
    "cohorts",
    zh="各年份违约率（Jeffreys 检验）",
    en="Calibration of each cohort (Jeffreys)",
    statistic="least p-value of a year's mean probability, Holm over years",
    at_least="jeffreys_p_min",
    decisive=False,
)
def no_year_was_worse_than_it_was_said_to_be(subject: Subject) -> Found | NotApplicable:
    """No year's default rate is beyond what its mean probability allows; a shock warns, for nobody foresees it."""
    if not subject.dated:
        return NotApplicable("the outcomes carry no date")
    return _jeffreys(subject, subject.years().to_numpy(), "year")


@check(
    "grade_order",
    zh="等级排序",
    en="Rank order of grades",
    statistic="neighbouring grades of which the better has the higher rate beyond chance",
    at_most="grade_inversions_max",
)
def a_worse_grade_has_a_higher_rate(subject: Subject) -> Found:
    """A worse grade has a higher default rate than its better neighbour, as far as their intervals tell."""
    found = by_part(subject.labels, subject.scores, subject.rows["group"], subject.rows["grade"])
    better, worse = found.iloc[:-1], found.iloc[1:]
    turned = better["low"].to_numpy() > worse["high"].to_numpy()
    return Found(float(turned.sum()), rows=len(subject.rows), table=_rows(found, "grade"))


def _jeffreys(subject: Subject, parts: npt.ArrayLike, named: str) -> Found:
    found = by_part(subject.labels, subject.scores, subject.rows["group"], parts)
    found["p"] = understated(found, subject.threshold("understated_tolerance"))
    least = found["p"].idxmin()
    return Found(
        float(found["p"].min()), rows=len(subject.rows), note=f"{named} {least} is least", table=_rows(found, named)
    )


def _rows(found: pd.DataFrame, named: str) -> tuple[dict[str, Any], ...]:
    return tuple(found.rename_axis(named).reset_index().to_dict(orient="records"))
