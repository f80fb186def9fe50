"""Whether a model does what its card says, shown on rows that it has not learned from.

`measures` has the figures and their intervals, each topic beside it the checks that are made of them, `run` their
order and the verdict.
"""

from models.validation.measures import (
    METRICS,
    Measured,
    Metric,
    OutOfFold,
    auc,
    brier,
    ece,
    ks,
    log_loss,
    measure,
    perfect_ece,
    slope,
)

__all__ = [
    "METRICS",
    "Measured",
    "Metric",
    "OutOfFold",
    "auc",
    "brier",
    "ece",
    "ks",
    "log_loss",
    "measure",
    "perfect_ece",
    "slope",
]
