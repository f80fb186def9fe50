"""The model: a monotone LightGBM whose probabilities are calibrated out of fold.

The booster ranks; two numbers learned on folds that it had not seen turn its log-odds into probabilities. Both are
plain text, so that a model can be read, compared and kept without code that could be executed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

SEED = 20
FOLDS = 5
SMALL_ROWS, MANY_ROWS = 1_000, 100_000
MOST_ROUNDS, PATIENCE = 400, 25
# Folds that the calibration is learned on: with thousands of rows three leave each booster enough to learn from.
CALIBRATION_FOLDS_SMALL, CALIBRATION_FOLDS_LARGE = 5, 3

# On a few hundred firms many shallow trees on few columns each; on thousands larger ones (TRAPS: what ranks well).
_SMALL: dict[str, Any] = {
    "num_leaves": 4,
    "learning_rate": 0.03,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "min_data_in_leaf": 5,
    "min_sum_hessian_in_leaf": 0.1,
    "lambda_l2": 5.0,
    "num_iterations": 200,
}
_LARGE: dict[str, Any] = {
    "num_leaves": 12,
    "learning_rate": 0.07,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "min_data_in_leaf": 40,
    "lambda_l2": 10.0,
    "num_iterations": MOST_ROUNDS,
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds of the booster to log-odds of the outcome: `intercept + slope * z`, slope never negative."""

    intercept: float
    slope: float

    def apply(self, log_odds: Floats) -> Floats:
        """The calibrated probability of each log-odds.

        >>> Calibration(0.0, 1.0).apply(np.array([0.0])).tolist()
        [0.5]
        """
        return 1.0 / (1.0 + np.exp(-(self.intercept + self.slope * log_odds)))

    @classmethod
    def learn(cls, log_odds: Floats, happened: Floats, rounds: int = 50) -> Calibration:
        """Platt's fit by Newton steps, with his smoothed targets so that few outcomes do not run to certainty."""
        bad, good = happened.sum(), (1 - happened).sum()
        wanted = np.where(happened == 1, (bad + 1) / (bad + 2), 1 / (good + 2))
        design = np.column_stack([np.ones_like(log_odds), log_odds])
        weights = np.array([math.log((bad + 1) / (good + 1)), 0.0])
        for _ in range(rounds):
            p = 1 / (1 + np.exp(-design @ weights))
            curvature = design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
            step = np.linalg.solve(curvature, design.T @ (wanted - p))
            weights = weights + step
            if np.abs(step).max() < 1e-10:
                break
        return cls(float(weights[0]), max(0.0, float(weights[1])))


@dataclass(frozen=True, slots=True)
class PdModel:
    """A trained model: booster text, the names and order of its columns, and its calibration."""

    text: str
    features: tuple[str, ...]
    calibration: Calibration
    settings: dict[str, Any]

    def probabilities(self, frame: pd.DataFrame) -> Floats:
        """The calibrated probability of each row of a frame with exactly this model's columns."""
        return self.calibration.apply(predict_log_odds(self.text, frame[list(self.features)]))


def fit(frame: pd.DataFrame, happened: pd.Series, groups: pd.Series, *, directions: Mapping[str, int]) -> PdModel:
    """Train booster and calibration; no group stands on both sides of a fold.

    `frame` has one float column a feature (NaN is missing), `directions` its monotone direction (−1, 0, 1).
    """
    labels = happened.to_numpy(dtype=float)
    settings = dict(_SMALL if len(frame) < SMALL_ROWS else _LARGE)
    constraints = [int(directions[name]) for name in frame.columns]
    out_of_fold = np.empty(len(frame))
    rounds: list[int] = []
    folds = CALIBRATION_FOLDS_SMALL if len(frame) < SMALL_ROWS else CALIBRATION_FOLDS_LARGE
    for learn, hold in group_folds(labels, groups, seed=SEED, folds=folds):
        booster = _train(frame.iloc[learn], labels[learn], settings, constraints, frame.iloc[hold], labels[hold])
        out_of_fold[hold] = booster.predict(frame.iloc[hold], raw_score=True)
        rounds.append(booster.num_trees())
    settings["num_iterations"] = int(np.median(rounds))
    booster = _train(frame, labels, settings, constraints)
    return PdModel(
        text=booster.model_to_string(),
        features=tuple(frame.columns),
        calibration=Calibration.learn(out_of_fold, labels),
        settings=settings,
    )


def group_folds(
    labels: Floats, groups: pd.Series, *, seed: int, folds: int = FOLDS
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Folds with outcomes spread evenly and every firm whole on one side."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(labels)), labels, groups.to_numpy()))


def _train(
    frame: pd.DataFrame,
    labels: Floats,
    settings: dict[str, Any],
    constraints: list[int],
    held_frame: pd.DataFrame | None = None,
    held_labels: Floats | None = None,
) -> Any:
    import lightgbm as lgb

    parameters = {
        **settings,
        "objective": "binary",
        # The other two methods break their promise (TRAPS: intermediate 7, advanced 3,526 violations).
        "monotone_constraints": constraints,
        "monotone_constraints_method": "basic",
        "seed": SEED,
        "deterministic": True,
        "force_row_wise": True,
        # A second thread brings nothing below this, and on a busy machine the two spend their time waiting.
        "num_threads": 1 if len(frame) < MANY_ROWS else 0,
        "verbose": -1,
    }
    data = lgb.Dataset(frame, labels)
    if held_frame is None or settings["num_iterations"] < MOST_ROUNDS:
        return lgb.train(parameters, data)
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    held = lgb.Dataset(held_frame, held_labels, reference=data)
    booster = lgb.train(parameters, data, valid_sets=[held], callbacks=[stop])
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))


def predict_log_odds(text: str, frame: pd.DataFrame) -> Floats:
    """The booster's raw log-odds of each row; the columns have to be the booster's own, in its order."""
    import lightgbm as lgb

    booster = lgb.Booster(model_str=text)
    return np.asarray(booster.predict(frame, raw_score=True, validate_features=True))


def contributions(text: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Exact Shapley values of each column in log-odds of the booster, indexed as the frame."""
    import lightgbm as lgb

    booster = lgb.Booster(model_str=text)
    values = np.asarray(booster.predict(frame, pred_contrib=True, validate_features=True))
    return pd.DataFrame(values[:, :-1], index=frame.index, columns=frame.columns)
