"""How well probabilities hold: slope, expected calibration error, and what chance alone does to it."""

from __future__ import annotations

import numpy as np

from models.logistic import Floats, Prior, fit

# As many rows a bin as make a rate; equal in rows, not in width, for PDs crowd near zero.
BINS = 10
DRAWS = 1_000
CLOSE = 1e-6


def log_odds(probabilities: Floats) -> Floats:
    """Log-odds of probabilities, which are kept off 0 and 1 by 1e-6."""
    kept = np.clip(probabilities, CLOSE, 1 - CLOSE)
    return np.asarray(np.log(kept / (1 - kept)))


def slope(labels: Floats, probabilities: Floats) -> tuple[float, float]:
    """Intercept and slope of the outcomes on the log-odds; 0 and 1 where probabilities are right, a slope below 1 where
    they are too far apart (Cox 1958).

    >>> log_odds_ = np.repeat([-2.0, 2.0], 1_000)
    >>> happened = np.r_[np.arange(1_000) < 269, np.arange(1_000) < 731].astype(float)
    >>> intercept, found = slope(happened, 1 / (1 + np.exp(-log_odds_)))
    >>> round(abs(intercept), 2), round(found, 2)
    (0.0, 0.5)
    """
    free = Prior(np.zeros(1), np.zeros(1), np.full(1, -np.inf), np.full(1, np.inf))
    intercept, weights = fit(log_odds(probabilities)[:, None], labels, free)
    return intercept, float(weights[0])


def expected_error(labels: Floats, probabilities: Floats, bins: int = BINS) -> float:
    """The mean distance between rate and mean probability over bins of equally many rows (ECE).

    >>> expected_error(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.8, 0.8]), bins=2)
    0.15
    """
    order = np.argsort(probabilities, kind="stable")
    gaps = [abs(part.sum()) for part in np.array_split((labels - probabilities)[order], bins)]
    return round(float(sum(gaps)) / len(labels), 12)


def perfect_error(probabilities: Floats, *, quantile: float = 0.95, bins: int = BINS, seed: int = 0) -> float:
    """The expected calibration error that a model whose every probability is right stays below so often by chance.

    The outcomes of these very rows are drawn from the probabilities many times over.
    """
    rng = np.random.default_rng(seed)
    probabilities = np.sort(probabilities)
    found = [
        expected_error((rng.random(len(probabilities)) < probabilities).astype(float), probabilities, bins)
        for _ in range(DRAWS)
    ]
    return float(np.quantile(found, quantile))
