"""Discrimination: whether bad cases rank above good ones, in all, by year and by grade."""

from __future__ import annotations

import numpy as np

from models.validation.check import Found, NotApplicable, check, looked_back
from models.validation.measures import Floats, Measured, OutOfFold, auc, ks
from models.validation.subject import Subject

FEWEST_OF_EACH_KIND = 5


@check(
    "auc",
    zh="区分能力 AUC",
    en="Discrimination: AUC",
    statistic="area under the ROC curve",
    at_least="auc_min",
    needed=True,
)
def ranks_bad_above_good(subject: Subject) -> Found:
    """A bad case ranks above a good one more often than chance has it."""
    return _found(subject, subject.measured(auc), table=_roc(subject))


def gini(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """Twice the AUC less one: 0 is chance, 1 is perfect; the accuracy ratio of the CAP curve."""
    return 2 * auc(labels, held, weights) - 1


@check(
    "back_test_auc",
    zh="历年预测回测：区分能力",
    en="Back-test: discrimination of forecasts",
    statistic="area under the ROC curve of what models of the years before said",
    at_least="auc_min",
)
def forecasts_ranked_bad_above_good(subject: Subject) -> Found | NotApplicable:
    """Trained as it was on what was known before each year, models ranked that year's bad cases above its good ones."""
    return looked_back(subject, auc)


@check("gini", zh="基尼系数", en="Discrimination: Gini", statistic="Gini coefficient, 2·AUC − 1", at_least="gini_min")
def gini_is_enough(subject: Subject) -> Found:
    """The model's accuracy ratio is what a scorecard of the trade reaches."""
    return _found(subject, subject.measured(gini))


@check("ks", zh="KS 统计量", en="Discrimination: KS", statistic="Kolmogorov–Smirnov distance", at_least="ks_min")
def bad_and_good_lie_apart(subject: Subject) -> Found:
    """At some score the shares of bad and of good cases below it lie well apart."""
    return _found(subject, subject.measured(ks))


@check(
    "auc_by_year",
    zh="逐年区分能力",
    en="Discrimination in every year",
    statistic="least AUC of a year",
    at_least="auc_year_min",
)
def ranks_in_every_year(subject: Subject) -> Found | NotApplicable:
    """In every year with enough outcomes bad cases rank above good ones."""
    if not subject.dated:
        return NotApplicable("the outcomes carry no date")
    years, found = subject.years().to_numpy(), []
    for year in np.unique(years):
        among = years == year
        bad = int(subject.labels[among].sum())
        if min(bad, int(among.sum()) - bad) >= FEWEST_OF_EACH_KIND:
            measured = subject.measured(auc, among=among)
            found.append({"year": int(year), "rows": int(among.sum()), "bad": bad, **_figures(measured)})
    if not found:
        return NotApplicable(f"no year has {FEWEST_OF_EACH_KIND} cases of each kind")
    # A year that is beyond doubt too low comes before one that merely looks lower.
    least = subject.threshold("auc_year_min")
    worst = min(found, key=lambda row: (row["high"] >= least, row["value"]))
    rows = sum(row["rows"] for row in found)
    return Found(worst["value"], worst["low"], worst["high"], rows, note=f"in {worst['year']}", table=tuple(found))


def _figures(measured: Measured) -> dict[str, float]:
    return {"value": measured.value, "low": measured.low, "high": measured.high}


def _found(subject: Subject, measured: Measured, table: tuple[dict[str, float], ...] = ()) -> Found:
    return Found(measured.value, measured.low, measured.high, len(subject.rows), table=table)


def _roc(subject: Subject, points: int = 100) -> tuple[dict[str, float], ...]:
    """The ROC curve at so many thresholds: the shares of bad and of good cases that score above each."""
    cuts = np.unique(np.quantile(subject.scores, np.linspace(0, 1, points)))
    bad, good = subject.scores[subject.labels == 1], subject.scores[subject.labels == 0]
    corner = {"good_above": 1.0, "bad_above": 1.0}
    return (corner, *({"good_above": float((good > c).mean()), "bad_above": float((bad > c).mean())} for c in cuts))
