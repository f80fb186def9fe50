"""The linear part of a model: a ridge logistic regression on the ranks of numbers, on what is missing, and on levels.

A credit officer's directions are kept as the signs of its slopes. On a few hundred firms it ranks better than trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import logistic
from models.logistic import Floats, Fold, Prior

KNOTS = 100
# Of a level that fewer rows have, no weight is learned.
LEVEL_ROWS = 5
MOST_LEVELS = 50
# Ridge strengths that are tried, from strong to weak; the one that forecasts best out of fold is taken.
STRENGTHS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
# More rows than these make no slope more certain, and the strength hardly matters.
MOST_ROWS = 50_000
STRENGTHS_OF_MANY = (10.0, 1.0)
# Of so few rows nothing beyond a rank of one in a thousand is told apart.
FURTHEST = 1e-3


@dataclass(frozen=True, slots=True)
class Term:
    """What one column adds to the log-odds.

    A number adds `slope` times its normal score, which runs straight between the knots (`at`, `scores`) and stays as it
    is beyond them; or, where there are `steps`, the one of its bin, which starts at a knot. A word adds what `levels`
    has at its place; what is missing adds `missing`. `mean` is what the column adds on average over the rows that were
    learned from.
    """

    at: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    slope: float = 0.0
    missing: float = 0.0
    levels: tuple[float, ...] = ()
    steps: tuple[float, ...] = ()
    mean: float = 0.0

    def added(self, values: Floats) -> Floats:
        """What each value adds; NaN is missing."""
        missing = np.isnan(values)
        if self.steps:
            found = np.asarray(self.steps)[np.searchsorted(self.at, values, side="right")]
        elif self.at:
            found = self.slope * np.interp(values, self.at, self.scores)
        elif self.levels:
            found = np.asarray(self.levels)[np.where(missing, 0, values).astype(int)]
        else:
            found = np.zeros(len(values))
        return np.where(missing, self.missing, found)


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear model: an intercept and a term a column."""

    intercept: float
    terms: Mapping[str, Term]

    @property
    def base(self) -> float:
        """The log-odds of a row whose every column adds its mean."""
        return self.intercept + sum(term.mean for term in self.terms.values())

    def log_odds(self, frame: pd.DataFrame) -> Floats:
        """The log-odds of each row."""
        found = np.full(len(frame), self.intercept)
        for name, term in self.terms.items():
            if term.slope or term.missing or term.levels or term.steps:
                found += term.added(frame[name].to_numpy(dtype=float))
        return found


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the design: of which input, and as what it is read."""

    name: str
    part: str
    level: int = 0


def fit(
    frame: pd.DataFrame,
    labels: Floats,
    folds: Sequence[Fold],
    *,
    directions: Mapping[str, int],
    levels: Mapping[str, Sequence[str]],
) -> tuple[Linear, Floats]:
    """The model, and its log-odds of each row by the folds that had not seen it (NaN where no fold holds it out)."""
    from threadpoolctl import threadpool_limits

    terms = {name: _unlearned(frame[name].to_numpy(dtype=float), levels.get(name)) for name in frame}
    # Its steps are short: on a busy machine two threads would spend their time waiting for each other.
    with threadpool_limits(1, "blas"):
        return _fit(frame, labels, folds, directions, terms)


def _fit(
    frame: pd.DataFrame,
    labels: Floats,
    folds: Sequence[Fold],
    directions: Mapping[str, int],
    terms: dict[str, Term],
) -> tuple[Linear, Floats]:
    columns = [column for name in frame for column in _read_as(name, frame[name].to_numpy(dtype=float), terms[name])]
    signs = np.array([directions.get(c.name, 0) if c.part == "rank" else 0 for c in columns], dtype=float)
    bounds = np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)
    strengths = STRENGTHS if len(frame) <= MOST_ROWS else STRENGTHS_OF_MANY
    priors = [Prior(np.zeros(len(columns)), np.full(len(columns), strength), *bounds) for strength in strengths]
    taken = np.sort(np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS])
    design, taught = _design(frame.iloc[taken], terms, columns), labels[taken]
    best, held = priors[0], np.full(len(labels), np.nan)
    least, starts = np.inf, [None] * len(folds)
    for prior in priors:
        said = _held_out(frame, labels, folds, terms, columns, (taken, design), prior, starts)
        judged = ~np.isnan(said)
        loss = logistic.log_loss(said[judged], labels[judged]) if judged.any() else np.inf
        # Once a weaker one forecasts worse, still weaker ones do, and take longest.
        if loss >= least:
            break
        best, held, least = prior, said, loss
    intercept, found = logistic.fit(design, taught, best)
    return Linear(intercept, _learned(terms, columns, found, frame)), held


def _held_out(
    frame: pd.DataFrame,
    labels: Floats,
    folds: Sequence[Fold],
    terms: dict[str, Term],
    columns: list[_Column],
    rows: tuple[npt.NDArray[np.int64], Floats],
    prior: Prior,
    starts: list[Floats | None],
) -> Floats:
    """The log-odds of each row by the folds that had not seen it; each fold starts from the prior before, in place."""
    taken, design = rows
    held, times = np.zeros(len(labels)), np.zeros(len(labels))
    for place, (learn, hold) in enumerate(folds):
        seen = np.isin(taken, learn)
        intercept, weights = logistic.fit(design[seen], labels[taken][seen], prior, start=starts[place])
        starts[place] = np.r_[intercept, weights]
        for part in np.array_split(hold, -(-len(hold) // MOST_ROWS)):
            # Where all rows are learned from, what they come to is there already.
            there = design[part] if len(taken) == len(frame) else _design(frame.iloc[part], terms, columns)
            held[part] += intercept + there @ weights
        times[hold] += 1
    with np.errstate(invalid="ignore"):
        return held / times


def _design(frame: pd.DataFrame, terms: Mapping[str, Term], columns: Sequence[_Column]) -> Floats:
    design = np.empty((len(frame), len(columns)), order="F")
    for place, column in enumerate(columns):
        design[:, place] = _column(frame, terms, column)
    return design


def _unlearned(values: Floats, levels: Sequence[str] | None) -> Term:
    if levels is not None:
        return Term(levels=(0.0,) * len(levels))
    known = values[~np.isnan(values)]
    if known.size == 0:
        return Term()
    chances = np.linspace(0, 1, min(KNOTS, known.size) + 1)
    at, first, count = np.unique(np.quantile(known, chances), return_index=True, return_counts=True)
    if len(at) < 2:
        return Term()
    middle = chances[first] + (count - 1) / 2 * (chances[1] - chances[0])
    return Term(at=tuple(at.tolist()), scores=tuple(_normal(middle).tolist()))


def _normal(chances: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(chances, FURTHEST, 1 - FURTHEST)))


def _read_as(name: str, values: Floats, term: Term) -> list[_Column]:
    missing = np.isnan(values)
    columns = [_Column(name, "rank")] if term.at else []
    if term.levels:
        rows = np.bincount(values[~missing].astype(int), minlength=len(term.levels))
        common = sorted(np.argsort(-rows, kind="stable")[:MOST_LEVELS].tolist())
        columns += [_Column(name, "level", level) for level in common if rows[level] >= LEVEL_ROWS]
    if 0 < missing.sum() < len(values):
        columns.append(_Column(name, "missing"))
    return columns


def _column(frame: pd.DataFrame, terms: Mapping[str, Term], column: _Column) -> Floats:
    values = frame[column.name].to_numpy(dtype=float)
    if column.part == "rank":
        term = terms[column.name]
        return np.where(np.isnan(values), 0.0, np.interp(values, term.at, term.scores))
    if column.part == "missing":
        return np.isnan(values).astype(float)
    return (values == column.level).astype(float)


def _learned(terms: dict[str, Term], columns: list[_Column], weights: Floats, frame: pd.DataFrame) -> dict[str, Term]:
    slopes, missing = dict.fromkeys(terms, 0.0), dict.fromkeys(terms, 0.0)
    levels = {name: list(term.levels) for name, term in terms.items()}
    for column, weight in zip(columns, weights.tolist(), strict=True):
        if column.part == "rank":
            slopes[column.name] = weight
        elif column.part == "missing":
            missing[column.name] = weight
        else:
            levels[column.name][column.level] = weight
    learned = {}
    for name, term in terms.items():
        said = replace(term, slope=slopes[name], missing=missing[name], levels=tuple(levels[name]))
        learned[name] = replace(said, mean=float(said.added(frame[name].to_numpy(dtype=float)).mean()))
    return learned
