"""The linear part of a model: a ridge logistic regression on numbers and their ranks, on what is missing, on levels.

A credit officer's directions are kept as the signs of its slopes. On a few hundred firms it ranks better than trees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models import logistic
from models.logistic import Floats, Fold, Prior

KNOTS = 100
# Of a level that fewer rows have, no weight is learned.
LEVEL_ROWS = 5
MOST_LEVELS = 50
# Ridge strengths that are tried, from strong to weak; the one that forecasts best out of fold is taken.
STRENGTHS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
# More rows than these make no slope more certain.
MOST_ROWS = 100_000
# With at least so many rows a column a number counts as it is beside its rank: the two together can bend.
ROWS_TO_BEND = 20
# Of so few rows nothing beyond a rank of one in a thousand is told apart.
FURTHEST = 1e-3
# A number's extremes are cut at this many standard deviations of its normal score, one row in a hundred on each side.
CUT = 2.33
# Matrices of fewer rows are multiplied by one thread: on a busy machine two spend their time waiting for each other.
MANY_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Term:
    """What one column adds to the log-odds.

    A number adds `slope` times its score, which runs straight between the knots (`at`, `scores`) and stays as it is
    beyond them; or, where there are `steps`, the one of its bin, which starts at a knot. A word adds what `levels`
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

    def contributions(self, frame: pd.DataFrame) -> Floats:
        """What each column adds beyond its mean, rows × columns of the frame, which are the model's own."""
        found = np.empty(frame.shape)
        for place, (name, term) in enumerate(self.terms.items()):
            found[:, place] = term.added(frame[name].to_numpy(dtype=float)) - term.mean
        return found

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
    with threadpool_limits(1 if len(frame) < MANY_ROWS else None, "blas"):
        return _fit(frame, labels, folds, directions, terms)


def _fit(
    frame: pd.DataFrame,
    labels: Floats,
    folds: Sequence[Fold],
    directions: Mapping[str, int],
    terms: dict[str, Term],
) -> tuple[Linear, Floats]:
    shapes = RANK_ALONE if len(frame) < ROWS_TO_BEND * frame.shape[1] else tuple(SHAPES)
    columns = [c for name in frame for c in _read_as(name, frame[name].to_numpy(dtype=float), terms[name], shapes)]
    design = np.empty((len(frame), len(columns)), order="F")
    for place, column in enumerate(columns):
        design[:, place] = _column(frame, terms, column)
    signs = np.array([directions.get(c.name, 0) if c.part in SHAPES else 0 for c in columns], dtype=float)
    bounds = np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)
    priors = [Prior(np.zeros(len(columns)), np.full(len(columns), strength), *bounds) for strength in STRENGTHS]
    taken = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
    held = _out_of_fold(design, labels, [(np.intersect1d(learn, taken), hold) for learn, hold in folds], priors)
    judged = ~np.isnan(held[0])
    losses = [logistic.log_loss(row[judged], labels[judged]) for row in held] if judged.any() else [0.0]
    best = int(np.argmin(losses))
    taken.sort()
    intercept, weights = logistic.fit(design[taken], labels[taken], priors[best])
    return Linear(intercept, _learned(terms, columns, weights, frame)), held[best]


def _out_of_fold(design: Floats, labels: Floats, folds: Sequence[Fold], priors: Sequence[Prior]) -> Floats:
    """The log-odds of each row by those folds that held it out, a row a prior."""
    held, times = np.zeros((len(priors), len(labels))), np.zeros(len(labels))
    for learn, hold in folds:
        seen, start = design[learn], None
        for row, prior in enumerate(priors):
            intercept, weights = logistic.fit(seen, labels[learn], prior, start=start)
            start = np.r_[intercept, weights]
            held[row, hold] += intercept + design[hold] @ weights
        times[hold] += 1
    with np.errstate(invalid="ignore"):
        return held / times


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


def _rank(term: Term) -> Floats:
    return np.asarray(term.scores)


def _size(term: Term) -> Floats:
    """A number as it is, standardised, its extremes cut: one of mean 0 and spread 1 over rows."""
    at, scores = np.asarray(term.at), np.asarray(term.scores)
    cut = np.clip(at, *np.interp((-CUT, CUT), scores, at))
    # Each knot stands for the rows around it.
    rows = np.exp(-(scores**2) / 2) * np.gradient(scores)
    off = cut - np.average(cut, weights=rows)
    return off / (np.sqrt(np.average(off**2, weights=rows)) or 1.0)


# What a number is to the design, by name, at the knots of its term.
SHAPES: dict[str, Callable[[Term], Floats]] = {"rank": _rank, "size": _size}
RANK_ALONE = ("rank",)


def _read_as(name: str, values: Floats, term: Term, shapes: Sequence[str]) -> list[_Column]:
    missing = np.isnan(values)
    # Between two knots every shape is the same straight line.
    told = () if not term.at else RANK_ALONE if len(term.at) < 3 else shapes
    columns = [_Column(name, shape) for shape in told]
    if term.levels:
        rows = np.bincount(values[~missing].astype(int), minlength=len(term.levels))
        common = sorted(np.argsort(-rows, kind="stable")[:MOST_LEVELS].tolist())
        columns += [_Column(name, "level", level) for level in common if rows[level] >= LEVEL_ROWS]
    if 0 < missing.sum() < len(values):
        columns.append(_Column(name, "missing"))
    return columns


def _column(frame: pd.DataFrame, terms: Mapping[str, Term], column: _Column) -> Floats:
    values = frame[column.name].to_numpy(dtype=float)
    if column.part in SHAPES:
        term = terms[column.name]
        return np.where(np.isnan(values), 0.0, np.interp(values, term.at, SHAPES[column.part](term)))
    if column.part == "missing":
        return np.isnan(values).astype(float)
    return (values == column.level).astype(float)


def _learned(terms: dict[str, Term], columns: list[_Column], weights: Floats, frame: pd.DataFrame) -> dict[str, Term]:
    bent = {name: np.zeros(len(term.at)) for name, term in terms.items()}
    size, missing = dict.fromkeys(terms, 0.0), dict.fromkeys(terms, 0.0)
    levels = {name: list(term.levels) for name, term in terms.items()}
    for column, weight in zip(columns, weights.tolist(), strict=True):
        if column.part in SHAPES:
            bent[column.name] += weight * SHAPES[column.part](terms[column.name])
            size[column.name] += abs(weight)
        elif column.part == "missing":
            missing[column.name] = weight
        else:
            levels[column.name][column.level] = weight
    learned = {}
    for name, term in terms.items():
        scores = tuple((bent[name] / (size[name] or 1.0)).tolist())
        said = replace(term, scores=scores, slope=size[name], missing=missing[name], levels=tuple(levels[name]))
        learned[name] = replace(said, mean=float(said.added(frame[name].to_numpy(dtype=float)).mean()))
    return learned
