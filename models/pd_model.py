"""The estimator: trees and a linear part, mixed and calibrated on rows that neither had seen.

It follows scikit-learn and asks for no tuning. What it has learned is `scorer_`: plain text and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from models import linear, logistic, trees
from models.logistic import Floats, Fold, Prior
from models.scorer import Mix, Scorer, encoded

FOLDS = 5
# So many times the folds are drawn anew: on few rows one drawing says more about chance than about the rows.
REPEATS = ((500, 4), (2_000, 3), (10_000, 2))
# How strongly the mix is drawn to half and half: as a dozen outcomes would.
MIX_STRENGTH = 3.0
FEWEST_OF_EACH_KIND = 2


class PdModel(ClassifierMixin, BaseEstimator):
    """A calibrated probability of default.

    `directions` says of columns whether risk rises (1) or falls (-1) with them; the model then never says otherwise.
    `settings` replaces settings of the trees. Columns may be numbers or words, and hold missing values.
    """

    def __init__(
        self,
        directions: Mapping[str, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int = 20,
    ) -> None:
        self.directions = directions
        self.settings = settings
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None) -> PdModel:
        """Learn; of the two classes the second is the bad one. A group, such as a firm, stands on one side of folds."""
        frame, y = self._taught(X, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported; the target has {len(self.classes_)} classes")
        if len(self.classes_) < 2:
            raise ValueError("the target has one class; a probability is learned from outcomes of both kinds")
        labels = labels.astype(float)
        levels = {str(name): _levels(column) for name, column in frame.items() if not _is_number(column)}
        numbers = encoded(frame, levels)
        folds = folds_of(labels, groups, seed=self.random_state)
        directions = self.directions or {}
        ranked, out_of_linear = linear.fit(numbers, labels, folds, directions=directions, levels=levels)
        if folds:
            settings = {**trees.settings_for(*numbers.shape), **(self.settings or {})}
            booster, out_of_trees, rounds = trees.fit(
                numbers,
                labels,
                folds,
                directions=directions,
                categorical=list(levels),
                settings=settings,
                seed=self.random_state,
            )
            mix = _mix(out_of_trees, out_of_linear, labels)
        else:
            booster, out_of_trees, settings, rounds, mix = "", np.zeros(len(labels)), {}, 0, Mix(0.0, 0.0, 1.0)
        self.folds_, self.settings_ = folds, {**settings, "num_iterations": rounds}
        self.out_of_fold_ = logistic.sigmoid(mix.intercept + mix.trees * out_of_trees + mix.linear * out_of_linear)
        self.scorer_ = Scorer(tuple(map(str, frame.columns)), levels, booster, ranked, mix)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Two columns: the probability of the first class, and of the second."""
        check_is_fitted(self)
        bad = self.scorer_.probabilities(self._frame(X))
        return np.column_stack([1 - bad, bad])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class of each row."""
        likely = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[likely.astype(int)]

    def _taught(self, X: Any, y: Any) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
        if not isinstance(X, pd.DataFrame):
            values, y = validate_data(self, X, y, **_NUMBERS)
            return _named(values), y
        if y is None:
            raise ValueError("PdModel requires y to be passed, but the target y is None")
        check_consistent_length(X, y)
        return self._frame(X, reset=True), column_or_1d(y)

    def _frame(self, X: Any, *, reset: bool = False) -> pd.DataFrame:
        if not isinstance(X, pd.DataFrame):
            return _named(validate_data(self, X, reset=reset, **_NUMBERS))
        validate_data(self, X, skip_check_array=True, reset=reset)
        if 0 in X.shape:
            raise ValueError(f"Found array with {len(X)} sample(s) and {X.shape[1]} feature(s); at least 1 is required")
        return X.set_axis([str(name) for name in X.columns], axis=1)


# What is asked of an array without names.
_NUMBERS: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}


def _named(values: Floats) -> pd.DataFrame:
    return pd.DataFrame(values, columns=[f"x{place}" for place in range(values.shape[1])])


def folds_of(labels: Floats, groups: Any, *, seed: int, repeats: int | None = None) -> list[Fold]:
    """Folds with outcomes spread evenly and every group whole on one side; none where outcomes of a kind are too few.

    They are drawn as often as few rows need, one drawing after the other, or so many times.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

    of_each_kind = int(min(labels.sum(), (1 - labels).sum()))
    count = min(FOLDS, of_each_kind)
    if count < FEWEST_OF_EACH_KIND:
        return []
    times = repeats or next((times for rows, times in REPEATS if len(labels) < rows), 1)
    found: list[Fold] = []
    for repeat in range(times):
        if groups is None:
            splitter: Any = StratifiedKFold(count, shuffle=True, random_state=seed + repeat)
        elif len(labels) < 100_000:
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed + repeat)
        else:
            splitter = GroupKFold(count, shuffle=True, random_state=seed + repeat)
        found += splitter.split(np.zeros(len(labels)), labels, groups)
    return [(learn, hold) for learn, hold in found if len(np.unique(labels[learn])) == 2 and len(hold)]


def _mix(of_trees: Floats, of_linear: Floats, labels: Floats) -> Mix:
    """The weights of the two parts, learned as Platt learns his slope: towards a little less than certainty."""
    seen = ~np.isnan(of_trees) & ~np.isnan(of_linear)
    labels = labels[seen]
    bad, good = labels.sum(), (1 - labels).sum()
    wanted = np.where(labels == 1, (bad + 1) / (bad + 2), 1 / (good + 2))
    half = np.full(2, 0.5)
    prior = Prior(half, np.full(2, MIX_STRENGTH), np.zeros(2), np.full(2, np.inf))
    intercept, weights = logistic.fit(np.column_stack([of_trees[seen], of_linear[seen]]), wanted, prior)
    return Mix(intercept, float(weights[0]), float(weights[1]))


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _levels(column: pd.Series) -> tuple[str, ...]:
    return tuple(sorted({str(word) for word in column.dropna().unique()}))
