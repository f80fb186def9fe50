"""What a model is shown against on the same folds: total sales alone, a plain logistic regression and a scorecard.

The scorecard is among them where what finds its bins is installed (extra `scorecard`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalogue import DIRECTIONS

Floats = npt.NDArray[np.float64]
SCORECARD = "scorecard"
Peer = Callable[[pd.DataFrame, Floats, pd.DataFrame], Floats]

# A ridge this strong suits a hundred firms and costs little on thousands; it is fixed so that nothing is tuned here.
RIDGE = 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """A peer by name: learns on a frame and labels, and scores another frame."""

    name: str
    score: Peer


def turnover_alone(column: str) -> Peer:
    """Score by one column of turnover, small being risky, turned into a probability by a logistic fit on its log."""

    def score(learn: pd.DataFrame, labels: Floats, hold: pd.DataFrame) -> Floats:
        from sklearn.linear_model import LogisticRegression

        def logged(frame: pd.DataFrame) -> Floats:
            return np.log1p(frame[column].fillna(0).clip(lower=0).to_numpy())[:, None]

        fitted = LogisticRegression(max_iter=1_000).fit(logged(learn), labels)
        return fitted.predict_proba(logged(hold))[:, 1]

    return score


def logistic_regression(learn: pd.DataFrame, labels: Floats, hold: pd.DataFrame) -> Floats:
    """A ridge logistic regression on standardised logarithms with missing indicators; no tuning, no directions."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    known = [name for name in learn.columns if learn[name].nunique(dropna=True) > 1]
    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        # Amounts span many orders of magnitude, on either side of zero.
        FunctionTransformer(lambda values: np.sign(values) * np.log1p(np.abs(values))),
        StandardScaler(),
        LogisticRegression(C=RIDGE, solver="newton-cholesky"),
    )
    model.fit(learn[known], labels)
    return np.asarray(model.predict_proba(hold[known])[:, 1])


def scorecard(learn: pd.DataFrame, labels: Floats, hold: pd.DataFrame) -> Floats:
    """The challenger that can be checked by hand, in the catalogue's directions."""
    from models.scorecard import Scorecard

    return np.asarray(Scorecard(DIRECTIONS).fit(learn, labels).predict_proba(hold)[:, 1])


# The column that turnover alone is scored by, for each kind of data.
TURNOVER = {"invoice": "sales_amount_sum_24m", "platform": "paid_amount_sum_12m"}


def rivals(tier: str) -> tuple[Comparison, ...]:
    """What a model on a kind of data is shown against."""
    simple = (
        Comparison("turnover_alone", turnover_alone(TURNOVER[tier])),
        Comparison("logistic_regression", logistic_regression),
    )
    return (*simple, Comparison(SCORECARD, scorecard)) if has_scorecard() else simple


def has_scorecard() -> bool:
    """Whether what finds the bins of a scorecard is installed."""
    return find_spec("optbinning") is not None
