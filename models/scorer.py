"""What a trained model is when it serves: plain text and numbers, and nothing that could be executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from models.linear import Linear, Term
from models.logistic import Floats, sigmoid
from models.reference import Reference
from models.shapley import Shapley


@dataclass(frozen=True, slots=True)
class Mix:
    """Log-odds of the outcome from those of the two parts; neither weight is negative."""

    intercept: float
    trees: float
    linear: float


@dataclass(frozen=True, slots=True)
class Band:
    """How far true log-odds lie from those that are said: their mean distance `off` and its `spread` (one standard
    deviation), each at the log-odds `at` and straight between.
    """

    at: tuple[float, ...]
    off: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """Why log-odds are what they are: `base` and what each column, or group of columns, adds to it, a row a case."""

    base: float
    contributions: pd.DataFrame


@dataclass(frozen=True)
class Scorer:
    """A model as it serves.

    `columns` are the inputs in order, `levels` the words of those that are no numbers, `booster` the trees in
    LightGBM's text, `reference` the population that its reasons compare with (without one, all that taught it), `band`
    how certain it is where that was asked for.
    """

    columns: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    booster: str
    linear: Linear
    mix: Mix
    band: Band | None = None
    reference: Reference | None = None

    @cached_property
    def _trees(self) -> Any:
        import lightgbm as lgb

        return lgb.Booster(model_str=self.booster)

    def numbers(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The model's own columns in its order as floats; a word that it has not learned is missing."""
        return encoded(frame[list(self.columns)], self.levels)

    def log_odds(self, frame: pd.DataFrame) -> Floats:
        """The log-odds of the outcome of each row of a frame that has the model's columns."""
        numbers = self.numbers(frame)
        found = np.full(len(numbers), self.mix.intercept)
        if self.mix.trees:
            found += self.mix.trees * self._trees.predict(numbers.to_numpy(), raw_score=True)
        if self.mix.linear:
            found += self.mix.linear * self.linear.log_odds(numbers)
        return found

    @cached_property
    def _shapley(self) -> Shapley:
        return Shapley(self.booster)

    def explain(self, frame: pd.DataFrame, groups: Mapping[str, str] | None = None) -> Explained:
        """What each column adds to the log-odds of each row: exact Shapley values, those of both parts together.

        Each is counted from what the column adds for the reference population on average. `groups` says of each column
        under which name it is summed up; no larger frame than their number of columns is made then.
        """
        names = list(self.columns) if groups is None else sorted({groups[name] for name in self.columns})
        places = [names.index(name if groups is None else groups[name]) for name in self.columns]
        numbers = self.numbers(frame)
        added, base = np.zeros((len(numbers), len(names)), order="F"), self.mix.intercept
        if self.mix.trees:
            added += self.mix.trees * self._shapley.values(numbers.to_numpy(), places, len(names))
            base += self.mix.trees * self._shapley.base
        if self.mix.linear:
            for place, (name, term) in zip(places, self.linear.terms.items(), strict=True):
                added[:, place] += self.mix.linear * (term.added(numbers[name].to_numpy()) - term.mean)
            base += self.mix.linear * self.linear.base
        if self.reference is not None:
            for place, name in zip(places, self.columns, strict=True):
                added[:, place] -= self.reference.means[name]
            base += sum(self.reference.means.values())
        return Explained(base, pd.DataFrame(added, index=frame.index, columns=names, copy=False))

    def against(self, frame: pd.DataFrame) -> Scorer:
        """The same model, its reasons compared with the firms of this frame."""
        bare = replace(self, reference=None)
        return replace(
            self, reference=Reference.of(self.numbers(frame), bare.explain(frame).contributions, self.levels)
        )

    def shifted(self, by: float) -> Scorer:
        """The same model, its log-odds of every case moved by so much."""
        mix = replace(self.mix, intercept=self.mix.intercept + by)
        band = None if self.band is None else replace(self.band, at=tuple(each + by for each in self.band.at))
        return replace(self, mix=mix, band=band)

    def said(self) -> dict[str, Any]:
        """Everything but the booster, as JSON has it."""
        return {
            "columns": list(self.columns),
            "levels": {name: list(words) for name, words in self.levels.items()},
            "linear": {
                "intercept": self.linear.intercept,
                "terms": {name: _as_json(term) for name, term in self.linear.terms.items()},
            },
            "mix": _as_json(self.mix),
            "band": None if self.band is None else _as_json(self.band),
            "reference": None if self.reference is None else _as_json(self.reference),
        }

    @classmethod
    def of(cls, said: Mapping[str, Any], booster: str) -> Scorer:
        """The scorer of which this was said, with its booster."""
        terms = {
            name: Term(**{key: tuple(value) if isinstance(value, list) else value for key, value in term.items()})
            for name, term in said["linear"]["terms"].items()
        }
        levels = {name: tuple(words) for name, words in said["levels"].items()}
        linear = Linear(said["linear"]["intercept"], terms)
        band, compared = said.get("band"), said.get("reference")
        certain = None if band is None else Band(**{key: tuple(value) for key, value in band.items()})
        reference = None if compared is None else Reference.from_said(compared)
        return cls(
            tuple(said["columns"]), levels, booster, linear, Mix(**said["mix"]), band=certain, reference=reference
        )

    def probabilities(self, frame: pd.DataFrame) -> Floats:
        """The probability of the outcome of each row."""
        return sigmoid(self.log_odds(frame)) if len(frame) else np.empty(0)

    def interval(self, probability: Floats, *, level: float) -> tuple[Floats, Floats]:
        """Between which two probabilities the true one lies in a share `level` of cases like each that was said.

        Raises ValueError for a model that was taught without an interval.
        """
        from scipy.special import logit, ndtri

        if self.band is None:
            raise ValueError("this model was taught without an interval: PdModel(interval=True), on more outcomes")
        said = logit(probability)
        middle = said + np.interp(said, self.band.at, self.band.off)
        reach = ndtri(0.5 + level / 2) * np.interp(said, self.band.at, self.band.spread)
        return np.minimum(sigmoid(middle - reach), probability), np.maximum(sigmoid(middle + reach), probability)


def _as_json(part: Any) -> dict[str, Any]:
    """The fields of a part. Unlike `asdict` it copies no single number, of which a model has tens of thousands."""
    return {each.name: getattr(part, each.name) for each in fields(part)}


def encoded(frame: pd.DataFrame, levels: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """A frame as floats: words as their places among the `levels` of their column, NaN where they are none of them."""
    codes = {name: _codes(column, levels.get(str(name))) for name, column in frame.items()}
    return pd.DataFrame(codes, index=frame.index)


_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")


def levels_of(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The words of each column that holds no numbers, in their order."""
    words = {str(name): column for name, column in frame.items() if not _is_number(column)}
    return {name: tuple(sorted({str(word) for word in column.dropna().unique()})) for name, column in words.items()}


def _is_number(column: pd.Series) -> bool:
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in _NUMBERS and bool(column.notna().any())
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _codes(column: pd.Series, levels: tuple[str, ...] | None) -> Floats:
    if levels is None:
        return column.to_numpy(dtype=float, na_value=np.nan)
    places = {level: float(place) for place, level in enumerate(levels)}
    words = column.astype(object)
    return words.where(words.isna(), words.astype(str)).map(places).to_numpy(dtype=float)
