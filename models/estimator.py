"""What every estimator of ours is to scikit-learn: it reads frames and arrays, and answers by what serves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from models.logistic import Floats
from models.scorer import Scorer

# What is asked of an array without names.
_NUMBERS: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}


class Estimator(ClassifierMixin, BaseEstimator):
    """A classifier of two kinds of outcome that has learned a scorer; its subclasses say how it is learned."""

    scorer_: Scorer
    classes_: npt.NDArray[Any]
    # Whether columns have names; those of an array have places alone.
    of_a_frame_: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def predict_proba(self, X: Any) -> Floats:
        """Two columns: the probability of the first class, and of the second."""
        check_is_fitted(self)
        bad = self.scorer_.probabilities(self._frame(X))
        return np.column_stack([1 - bad, bad])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class of each row."""
        likely = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[likely.astype(int)]

    def _taught(self, X: Any, y: Any) -> tuple[pd.DataFrame, Floats]:
        """The rows, and 1.0 where the outcome is the second class; raises where there are not two classes."""
        self.of_a_frame_ = isinstance(X, pd.DataFrame)
        if not self.of_a_frame_:
            values, y = validate_data(self, X, y, **_NUMBERS)
            frame = _named(values)
        elif y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        else:
            check_consistent_length(X, y)
            frame, y = self._frame(X, reset=True), column_or_1d(y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported; the target has {len(self.classes_)} classes")
        if len(self.classes_) < 2:
            raise ValueError("the target has one class; a probability is learned from outcomes of both kinds")
        return frame, labels.astype(float)

    def _frame(self, X: Any, *, reset: bool = False) -> pd.DataFrame:
        if not reset and isinstance(X, pd.DataFrame) and not self.of_a_frame_:
            # Taught with an array, whose columns have places alone.
            X = X.to_numpy()
        elif not reset and not isinstance(X, pd.DataFrame) and self.of_a_frame_:
            raise ValueError("X is no frame, and the model was taught with one: nothing says which column is which")
        if not isinstance(X, pd.DataFrame):
            return _named(validate_data(self, X, reset=reset, **_NUMBERS))
        if not X.columns.is_unique:
            twice = X.columns[X.columns.duplicated()][0]
            raise ValueError(f"two columns are named {twice!r}")
        validate_data(self, X, skip_check_array=True, reset=reset)
        if 0 in X.shape:
            raise ValueError(f"Found array with {len(X)} sample(s) and {X.shape[1]} feature(s); at least 1 is required")
        frame = X.set_axis([str(name) for name in X.columns], axis=1)
        for name, column in frame.items():
            if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
                raise ValueError(f"column {name!r} holds dates; give a number instead, such as months before the case")
            if _has_infinity(column):
                raise ValueError(f"column {name!r} holds an infinity value; what is not known is NaN")
        return frame


def _has_infinity(column: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(column):
        return bool(np.isinf(column.to_numpy(dtype=float, na_value=np.nan)).any())
    return column.dtype == object and any(isinstance(each, float) and math.isinf(each) for each in column)


def _named(values: Floats) -> pd.DataFrame:
    return pd.DataFrame(values, columns=[f"x{place}" for place in range(values.shape[1])])
