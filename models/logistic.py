"""Penalised logistic regression whose weights may be kept on one side of zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# The places of the rows that are learned from, and of those that are held out.
Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

MOST_STEPS, MOST_HALVINGS = 50, 20
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Prior:
    """What a weight is drawn to, how strongly, and between which bounds it has to stay; one entry a column each."""

    toward: Floats
    strength: Floats
    least: Floats
    most: Floats


def sigmoid(log_odds: Floats) -> Floats:
    """The probability of log-odds.

    >>> sigmoid(np.array([0.0, 800.0, -800.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    from scipy.special import expit

    return np.asarray(expit(log_odds))


def log_loss(log_odds: Floats, wanted: Floats) -> float:
    """The mean logarithmic loss of log-odds against labels or probabilities between 0 and 1."""
    return float(np.mean(np.logaddexp(0, log_odds) - wanted * log_odds))


def fit(design: Floats, wanted: Floats, prior: Prior, *, start: Floats | None = None) -> tuple[float, Floats]:
    """Intercept and weights that minimise the summed loss and half the strength times the squared distance to `toward`.

    `design` is rows × columns, `wanted` has a label or probability a row; the intercept is not drawn to anything.
    Newton steps on the weights that are free to move, projected on the bounds (Bertsekas 1982), until nothing is
    gained.
    """
    from scipy.linalg import cho_factor, cho_solve

    mean = min(max(float(wanted.mean()), 1e-6), 1 - 1e-6)
    at = np.r_[np.log(mean / (1 - mean)), np.clip(prior.toward, prior.least, prior.most)] if start is None else start
    toward, strength = np.r_[0.0, prior.toward], np.r_[0.0, prior.strength]
    least, most = np.r_[-np.inf, prior.least], np.r_[np.inf, prior.most]

    def loss(weights: Floats) -> float:
        z = weights[0] + design @ weights[1:]
        return float(np.sum(np.logaddexp(0, z) - wanted * z) + 0.5 * np.sum(strength * (weights - toward) ** 2))

    value = loss(at)
    for _ in range(MOST_STEPS):
        p = sigmoid(at[0] + design @ at[1:])
        off, spread = p - wanted, p * (1 - p)
        slope = np.r_[off.sum(), design.T @ off] + strength * (at - toward)
        free = ~(((at <= least) & (slope > 0)) | ((at >= most) & (slope < 0)))
        weighted = design * spread[:, None]
        bend = np.empty((len(at), len(at)))
        bend[0, 0], bend[1:, 1:] = spread.sum(), weighted.T @ design
        bend[0, 1:] = bend[1:, 0] = weighted.sum(axis=0)
        # The little that is added keeps the matrix positive where a column has no weight and no strength.
        bend[np.diag_indices(len(at))] += strength + 1e-9 * (1 + spread.sum())
        step = np.zeros(len(at))
        step[free] = cho_solve(cho_factor(bend[np.ix_(free, free)]), slope[free])
        found, then = _shortened(at, step, loss, value, (least, most))
        gained, at, value = value - then, found, then
        if gained <= TOLERANCE * (1 + abs(value)):
            break
    return float(at[0]), at[1:]


def _shortened(
    at: Floats, step: Floats, loss: Callable[[Floats], float], value: float, bounds: tuple[Floats, Floats]
) -> tuple[Floats, float]:
    """The point at the end of a step within the bounds, halved until it is an improvement, and its loss."""
    for halvings in range(MOST_HALVINGS):
        found = np.clip(at - step / 2**halvings, *bounds)
        then = loss(found)
        if then < value:
            return found, then
    return at, value
