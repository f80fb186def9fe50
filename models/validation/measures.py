"""Measures of a model, with intervals: how well it ranks and how well its probabilities hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

# Fewer resamples of many rows give as narrow a band, and keep the weights within memory.
RESAMPLES_SMALL, RESAMPLES_LARGE, SMALL_ROWS = 500, 200, 5_000
INTERVAL = (2.5, 97.5)
BINS = 10
_NEWTON_STEPS = 12
PERFECT_WORLDS, PERFECT_LEVEL = 1_000, 0.95
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """One repetition's scores of rows that the scoring model had not seen, and the fold each was held out in."""

    scores: Floats
    fold: npt.NDArray[np.int64]


# Labels (n), scores and weights (resamples × n: how often each row counts) to one value a resample.
Compute = Callable[[Floats, OutOfFold, Floats], Floats]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Metric:
    """One measure, computed for every resample at once; `higher_is_better` says which way."""

    name: str
    meaning: str
    compute: Compute
    higher_is_better: bool


def auc(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """The chance that a bad case scores above a good one of the same fold, ties counting half.

    Pairs across folds are left out: they were scored by different models, whose scales differ by chance.
    """
    order = np.lexsort((held.scores, held.fold))
    s, fold = held.scores[order], held.fold[order]
    bad, good = (labels * weights)[:, order], ((1 - labels) * weights)[:, order]
    tie = np.flatnonzero(np.r_[True, (s[1:] != s[:-1]) | (fold[1:] != fold[:-1])])
    bad_at, good_at = np.add.reduceat(bad, tie, axis=1), np.add.reduceat(good, tie, axis=1)
    good_before = np.cumsum(good_at, axis=1) - good_at
    first_of_fold = np.flatnonzero(np.r_[True, fold[tie][1:] != fold[tie][:-1]])
    ties_in_fold = np.diff(np.r_[first_of_fold, len(tie)])
    good_below = good_before - np.repeat(good_before[:, first_of_fold], ties_in_fold, axis=1)
    pairs = (np.add.reduceat(bad_at, first_of_fold, axis=1) * np.add.reduceat(good_at, first_of_fold, axis=1)).sum(
        axis=1
    )
    return np.asarray((bad_at * (good_below + good_at / 2)).sum(axis=1) / pairs)


def ks(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """The largest gap between the cumulative shares of bad and good cases over all folds (Kolmogorov–Smirnov)."""
    order = np.argsort(held.scores, kind="stable")
    s = held.scores[order]
    bad, good = (labels * weights)[:, order], ((1 - labels) * weights)[:, order]
    last = np.flatnonzero(np.r_[s[1:] != s[:-1], True])
    shares = [np.cumsum(x, axis=1)[:, last] / x.sum(axis=1, keepdims=True) for x in (good, bad)]
    return np.asarray(np.abs(shares[0] - shares[1]).max(axis=1))


def brier(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """Mean squared distance between probability and outcome."""
    return weights @ (held.scores - labels) ** 2 / weights.sum(axis=1)


def log_loss(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """Mean negative log-likelihood; probabilities are kept off 0 and 1 by 1e-6."""
    p = np.clip(held.scores, 1e-6, 1 - 1e-6)
    return -(weights @ (labels * np.log(p) + (1 - labels) * np.log(1 - p))) / weights.sum(axis=1)


def slope(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """How far the log-odds have to be stretched to fit the outcomes: 1 is right, less than 1 is overconfident.

    The slope of a logistic regression of the outcome on the log-odds (Cox 1958).
    """
    p = np.clip(held.scores, 1e-6, 1 - 1e-6)
    odds = np.log(p / (1 - p))
    scale = max(float(odds.std()), 1e-9)
    x = (odds - odds.mean()) / scale
    # From a flat line Newton's steps come closer each time; from a steep one they can leap away.
    lines = np.zeros((len(weights), 2))
    for _ in range(_NEWTON_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(lines[:, :1] + lines[:, 1:] * x, -30, 30)))
        off, spread = weights * (labels - fitted), weights * fitted * (1 - fitted)
        # A resample that one line parts wholly has no slope; so little pull leaves all others as they are.
        pull = 1e-6 * lines
        first = np.column_stack([off.sum(axis=1), off @ x]) - pull
        a, b, c = spread.sum(axis=1) + 1e-6, spread @ x, spread @ x**2 + 1e-6
        step = np.column_stack([c * first[:, 0] - b * first[:, 1], a * first[:, 1] - b * first[:, 0]])
        lines = lines + np.clip(step / (a * c - b**2)[:, None], -2, 2)
    return lines[:, 1] / scale


def observed_to_expected(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """Outcomes for each one that the probabilities add up to."""
    return np.asarray((weights @ labels) / (weights @ held.scores))


def ece(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
    """Expected calibration error: the mean distance of probability and frequency over ten equally full bins."""
    bins = in_bins(held.scores)
    return np.abs((weights * (labels - held.scores)) @ bins).sum(axis=1) / weights.sum(axis=1)


def perfect_ece(scores: Floats, *, seed: int = 0) -> float:
    """The calibration error that a perfect model exceeds in one world of twenty.

    Outcomes are drawn from the probabilities themselves, so all that is left is chance.
    """
    rng, bins = np.random.default_rng(seed), in_bins(scores)
    errors = []
    for _ in range(PERFECT_WORLDS // _AT_ONCE):
        off = (rng.random((_AT_ONCE, len(scores))) < scores) - scores
        errors.append(np.abs(off @ bins).sum(axis=1) / len(scores))
    return float(np.quantile(np.concatenate(errors), PERFECT_LEVEL))


def in_bins(scores: Floats, bins: int = BINS) -> Floats:
    """Which of so many equally full bins each score lies in, rows × bins of ones and zeros; equal scores share one.

    >>> in_bins(np.array([0.1, 0.2, 0.2, 0.3]), bins=2).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    bounds = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    place = np.searchsorted(bounds, scores, side="right")
    return np.asarray(np.eye(len(bounds) + 1)[place])


METRICS: tuple[Metric, ...] = (
    Metric("auc", "chance that a bad case ranks above a good one of the same fold", auc, True),
    Metric("ks", "largest gap between cumulative shares of bad and good", ks, True),
    Metric("brier", "mean squared error of the probability", brier, False),
    Metric("log_loss", "mean negative log-likelihood", log_loss, False),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one model: value and 95 % interval; `versus` is the model's value less this peer's, paired."""

    value: float
    low: float
    high: float
    versus: float | None = None
    versus_low: float | None = None
    versus_high: float | None = None


def measure(
    labels: Floats, repeats: dict[str, list[OutOfFold]], groups: pd.Series, *, model: str, seed: int = 0
) -> dict[str, dict[str, Measured]]:
    """Every metric of every peer, with 95 % intervals from resampling firms, and paired with the model's.

    `repeats` gives each peer's out-of-fold probabilities, one a repetition; a metric is the mean over repetitions. All
    peers are measured on the same resamples, so the difference to the model carries its own interval.
    """
    weights = np.vstack([np.ones(len(labels)), firm_resamples(labels, groups, seed)])
    result: dict[str, dict[str, Measured]] = {peer: {} for peer in repeats}
    for metric in METRICS:
        values = {
            peer: np.mean([metric.compute(labels, held, weights) for held in runs], axis=0)
            for peer, runs in repeats.items()
        }
        for peer, found in values.items():
            gap = None if peer == model else values[model] - found
            result[peer][metric.name] = _measured(found, gap)
    return result


def _measured(found: Floats, gap: Floats | None) -> Measured:
    if gap is None:
        return Measured(float(found[0]), *interval(found))
    return Measured(float(found[0]), *interval(found), float(gap[0]), *interval(gap))


def interval(found: Floats) -> tuple[float, float]:
    """The 95 % interval of the resamples (all but the first, which is the sample), freed of their bias.

    A maximum such as KS comes out larger on a resample than on the sample, by their mean difference. A resample that
    has no value, such as one without a case of either kind, is left out.
    """
    resampled = found[1:][np.isfinite(found[1:])]
    if not resampled.size:
        return float("nan"), float("nan")
    bias = resampled.mean() - found[0]
    low, high = np.percentile(resampled, INTERVAL) - bias
    return float(low), float(high)


def firm_resamples(labels: Floats, groups: pd.Series, seed: int = 0) -> Floats:
    """How often each row counts in each resample of firms; a resample without both kinds is drawn again."""
    rng = np.random.default_rng(seed)
    codes, firms = pd.factorize(groups)
    found: list[Floats] = []
    while len(found) < (RESAMPLES_SMALL if len(labels) < SMALL_ROWS else RESAMPLES_LARGE):
        counts = np.bincount(rng.integers(0, len(firms), len(firms)), minlength=len(firms)).astype(float)[codes]
        if (counts * labels).sum() and (counts * (1 - labels)).sum():
            found.append(counts)
    return np.array(found)
