"""What is validated: a version of a model, and rows with outcomes that it has not learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

import numpy as np
import pandas as pd

from credit.domain.errors import PolicyBroken
from credit.domain.policy.terms import Parameter
from models.anchoring import anchored, shift_of, unmoved_shift_of
from models.registry import Served
from models.validation.measures import Compute, Flags, Floats, Measured, OutOfFold, firm_resamples, interval


class Kind(StrEnum):
    """Why the model had not seen the rows."""

    OUT_OF_TIME = "out of time: observed after the model's training"
    OUT_OF_FOLD = "out of fold: each scored by parts of the model that had not learned its firm"


@dataclass(frozen=True, slots=True)
class Losses:
    """What became of defaults: one kind of factor that prices stand on, and what each case came to.

    `cases` has `group` and `share`: of the exposure that was lost, or of the guarantee that was paid.
    """

    name: str
    priced_at: float
    cases: pd.DataFrame


@dataclass(frozen=True)
class Subject:
    """A version of a model and the rows that judge it.

    `rows` has a row a case: supplier_id, group, as_of, happened, score (the model's probability, of the times), the
    segments it belongs to and, where there are such, the probabilities of its `rivals` and of the `champion` (NaN where
    that had learned the row), with `champion_long_run`, the champion's of the long run. `frame` has their features.
    `taught` and `taught_frame` are the same of the rows that taught the model; there `out_of_time` is the probability
    by a model of what was known before the row's year. `pd_max` is the probability of the long run up to which the
    policy approves.
    """

    served: Served
    as_of: date
    kind: Kind
    rows: pd.DataFrame
    frame: pd.DataFrame
    taught: pd.DataFrame
    taught_frame: pd.DataFrame
    rivals: tuple[str, ...]
    segments: tuple[str, ...]
    champion: int | None
    pd_max: float | None
    losses: tuple[Losses, ...]
    thresholds: Mapping[str, Parameter]
    fingerprint: str

    @property
    def dated(self) -> bool:
        """Whether the outcomes carry dates; where they do not the model is concurrent, not predictive."""
        return bool(self.served.card["dated"])

    @cached_property
    def labels(self) -> Floats:
        """The outcomes, 0 or 1."""
        return self.rows["happened"].to_numpy(dtype=float)

    @cached_property
    def scores(self) -> Floats:
        """The model's probability of each row."""
        return self.rows["score"].to_numpy(dtype=float)

    @cached_property
    def long_run(self) -> Floats:
        """The model's probability of each row as grades and cut-offs read it, anchored to the long run (ADR 11)."""
        shift = unmoved_shift_of if self.kind is Kind.OUT_OF_FOLD else shift_of
        return anchored(self.scores, shift(self.served.card))

    @cached_property
    def held(self) -> OutOfFold:
        """The model's probabilities as the measures take them."""
        return held(self.scores)

    @cached_property
    def weights(self) -> Floats:
        """How often each row counts: once in the sample, then in each resample of whole firms."""
        return np.vstack([np.ones(len(self.rows)), firm_resamples(self.labels, self.rows["group"])])

    def measured(self, compute: Compute, *, of: Floats | None = None, among: Flags | None = None) -> Measured:
        """A measure with its 95 % interval, of the model's probabilities or others, among all rows or some."""
        scores = self.scores if of is None else of
        chosen = np.ones(len(scores), dtype=bool) if among is None else among
        # A resample may lack what is asked about, such as a good case of a small segment: it has no value.
        with np.errstate(invalid="ignore", divide="ignore"):
            values = compute(self.labels[chosen], held(scores[chosen]), self.weights[:, chosen])
        return Measured(float(values[0]), *interval(values))

    def looked_back(self, compute: Compute) -> tuple[Measured, int] | None:
        """A measure of what the models of the years before forecast of the rows that taught this one since, and of how
        many; None where no year could be forecast, or too few were bad to say anything.
        """
        past = self.taught[self.taught["out_of_time"].notna()] if "out_of_time" in self.taught else self.taught.head(0)
        labels = past["happened"].to_numpy(dtype=float)
        if labels.sum() < self.threshold("out_of_time_bad_min") or labels.all():
            return None
        weights = np.vstack([np.ones(len(past)), firm_resamples(labels, past["group"])])
        values = compute(labels, held(past["out_of_time"].to_numpy(dtype=float)), weights)
        return Measured(float(values[0]), *interval(values)), len(past)

    def years(self) -> pd.Series:
        """The calendar year in which each row was observed, by the index of the rows."""
        return pd.to_datetime(self.rows["as_of"]).dt.year

    def parameter(self, name: str) -> Parameter:
        """A parameter of the validation. Raises PolicyBroken."""
        if name not in self.thresholds:
            raise PolicyBroken(f"validation.toml has no parameter {name!r}", hint="compare with the file that ships")
        return self.thresholds[name]

    def threshold(self, name: str) -> float:
        """The value of a parameter on the day of the validation."""
        value = self.parameter(name).on(self.as_of)
        assert not isinstance(value, dict)
        return float(value)


def held(scores: Floats) -> OutOfFold:
    """Probabilities of one model as the measures take them: all may be compared with one another."""
    return OutOfFold(scores, np.zeros(len(scores), dtype=np.int64))
