"""What a trained model is when it serves: plain text and numbers, and nothing that could be executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
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
class Explained:
    """Why log-odds are what they are: `base` and what each column, or group of columns, adds to it, a row a case."""

    base: float
    contributions: pd.DataFrame


@dataclass(frozen=True)
class Scorer:
    """A model as it serves.

    `columns` are the inputs in order, `levels` the words of those that are no numbers, `booster` the trees in
    LightGBM's text, `reference` the population that its reasons compare with; without one it is all that taught it.
    """

    columns: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    booster: str
    linear: Linear
    mix: Mix
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

    def said(self) -> dict[str, Any]:
        """Everything but the booster, as JSON has it."""
        return {
            "columns": list(self.columns),
            "levels": {name: list(words) for name, words in self.levels.items()},
            "linear": asdict(self.linear),
            "mix": asdict(self.mix),
            "reference": None if self.reference is None else asdict(self.reference),
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
        compared = said.get("reference")
        reference = None if compared is None else Reference.from_said(compared)
        return cls(tuple(said["columns"]), levels, booster, linear, Mix(**said["mix"]), reference=reference)

    def probabilities(self, frame: pd.DataFrame) -> Floats:
        """The probability of the outcome of each row."""
        return sigmoid(self.log_odds(frame)) if len(frame) else np.empty(0)


def encoded(frame: pd.DataFrame, levels: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """A frame as floats: words as their places among the `levels` of their column, NaN where they are none of them."""
    codes = {name: _codes(column, levels.get(str(name))) for name, column in frame.items()}
    return pd.DataFrame(codes, index=frame.index)


def _codes(column: pd.Series, levels: tuple[str, ...] | None) -> Floats:
    if levels is None:
        return column.to_numpy(dtype=float, na_value=np.nan)
    places = {level: float(place) for place, level in enumerate(levels)}
    words = column.astype(object)
    return words.where(words.isna(), words.astype(str)).map(places).to_numpy(dtype=float)
