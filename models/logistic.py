"""Penalised logistic regression whose weights may be kept on one side of zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# The places of the rows that are learned from, and of those that are held out.
Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

# It ends once a step gains so little of the summed loss, or its steepest way down is this flat.
GAIN, FLAT = 1e-11, 1e-5
MOST_STEPS, REMEMBERED = 5_000, 20


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

    `design` is rows × columns, `wanted` has a label or probability a row; the intercept is not drawn to anything, and
    `start` is where to look from (L-BFGS-B).
    """
    from scipy.optimize import Bounds, minimize

    toward, strength = np.r_[0.0, prior.toward], np.r_[0.0, prior.strength]
    bounds = Bounds(np.r_[-np.inf, prior.least], np.r_[np.inf, prior.most])
    if start is None:
        mean = min(max(float(wanted.mean()), 1e-6), 1 - 1e-6)
        start = np.r_[np.log(mean / (1 - mean)), np.clip(prior.toward, prior.least, prior.most)]

    def loss_and_slope(at: Floats) -> tuple[float, Floats]:
        z = at[0] + design @ at[1:]
        off, drawn = sigmoid(z) - wanted, strength * (at - toward)
        loss = np.sum(np.logaddexp(0, z) - wanted * z) + 0.5 * np.sum(drawn * (at - toward))
        return float(loss), np.r_[off.sum(), design.T @ off] + drawn

    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "maxcor": REMEMBERED, "ftol": GAIN, "gtol": FLAT}
    at = minimize(loss_and_slope, start, method="L-BFGS-B", jac=True, bounds=bounds, options=options).x
    return float(at[0]), at[1:]
