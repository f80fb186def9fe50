"""Penalised logistic regression whose weights may be kept on one side of zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# The places of the rows that are learned from, and of those that are held out.
Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


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
    """
    from scipy.optimize import minimize

    mean = min(max(float(wanted.mean()), 1e-6), 1 - 1e-6)
    first = np.r_[np.log(mean / (1 - mean)), prior.toward] if start is None else start

    def loss(weights: Floats) -> tuple[float, Floats]:
        z = weights[0] + design @ weights[1:]
        off = weights[1:] - prior.toward
        residual = sigmoid(z) - wanted
        value = np.sum(np.logaddexp(0, z) - wanted * z) + 0.5 * np.sum(prior.strength * off**2)
        return float(value), np.r_[residual.sum(), design.T @ residual + prior.strength * off]

    bounds = [(None, None), *zip(prior.least, prior.most, strict=True)]
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-10})
    return float(found.x[0]), np.asarray(found.x[1:])
