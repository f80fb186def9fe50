"""The estimator: trees and a linear part, mixed and calibrated on rows that neither had seen.

It follows scikit-learn and asks for no tuning. What it has learned is `scorer_`: plain text and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from models import linear, logistic, trees
from models.estimator import Estimator
from models.linear import Linear, Term
from models.logistic import Floats, Fold, Prior
from models.scorer import Band, Mix, Scorer, encoded, levels_of

FOLDS = 5
# On so many rows a part taught by two thirds of them is as good, and there are fewer trees to score by.
MANY_ROWS, FOLDS_OF_MANY = 200_000, 3
# So many times the folds are drawn anew: on few rows one drawing says more about chance than about the rows.
REPEATS = ((2_000, 4), (10_000, 2))
# But as often as so many values are looked at: many columns steady a fold by themselves, and take their time.
MOST_VALUES = 300_000
# How strongly the mix is drawn to equal parts: as a dozen outcomes would.
MIX_STRENGTH = 3.0
# A steeper slope moves the intercept by less than this.
MOST_OFF = 30.0
FEWEST_OF_EACH_KIND = 2
# Of more rows folds that are drawn by group alone hold outcomes evenly enough, and are drawn at once.
STRATIFIED_ROWS = 10_000
# For an interval so many sets of outcomes are drawn, and how far off is told by bins of so many rows.
DRAWS = ((2_000, 3),)
BIN_ROWS, MOST_BINS = 100, 20
# No model is the truth: on simulated worlds of several kinds errors are so much wider than where it is.
WIDER = 1.2


class PdModel(Estimator):
    """A calibrated probability of default.

    `directions` says of columns whether risk rises (1) or falls (-1) with them; the model then never says otherwise.
    `settings` replaces settings of the trees. Columns may be numbers or words, and hold missing values. With `interval`
    it also learns how far a probability may be from the true one, which takes as long again. Without `linear` it is
    trees alone, where there are outcomes enough to teach some: a line goes on where columns drift, and trees do not.
    """

    def __init__(
        self,
        directions: Mapping[str, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int = 20,
        interval: bool = False,
        linear: bool = True,
    ) -> None:
        self.directions = directions
        self.settings = settings
        self.random_state = random_state
        self.interval = interval
        self.linear = linear

    def fit(self, X: Any, y: Any, groups: Any = None) -> PdModel:
        """Learn from rows × columns, and an outcome a row; a group, such as a firm, stands on one side of folds.

        Of the two classes the second in their order is the bad one: True, 1, "yes" after "no". Afterwards `scorer_` is
        what serves, `out_of_fold_` the probability of each row by parts that had not seen it (NaN where there is none),
        `folds_` and `settings_` how it was learned. Raises ValueError for what cannot be learned from, by column.
        """
        frame, labels = self._taught(X, y)
        levels = levels_of(frame)
        numbers = encoded(frame, levels)
        seed = seed_of(self.random_state)
        directions = self.directions or {}
        _refuse_directions(directions, frame, levels)
        if unknown := sorted(set(self.settings or {}) - set(trees.SETTINGS)):
            raise ValueError(f"{unknown[0]!r} is no setting of the trees; those are {', '.join(trees.SETTINGS)}")
        folds = folds_of(labels, groups, seed=seed, repeats=_drawings(*numbers.shape))
        if self.linear or not folds:
            ranked, out_of_linear = linear.fit(numbers, labels, folds, directions=directions, levels=levels)
        else:
            ranked, out_of_linear = Linear(0.0, dict.fromkeys(numbers, Term())), None
        if folds:
            settings = [{**each, **(self.settings or {})} for each in trees.settings_for(*numbers.shape)]
            grown = trees.fit(
                numbers,
                labels,
                folds,
                directions=directions,
                categorical=list(levels),
                settings=settings,
                seed=seed,
            )
            mix = _mix(grown.out_of_fold, out_of_linear, labels)
        else:
            grown, settings, mix = trees.Trees("", np.zeros(len(labels)), [], 1.0), [], Mix(0.0, 0.0, 1.0)
        self.folds_ = folds
        self.settings_ = [{**each, "num_iterations": best} for each, best in zip(settings, grown.rounds, strict=False)]
        beside = 0.0 if out_of_linear is None else mix.linear * out_of_linear
        self.out_of_fold_ = logistic.sigmoid(mix.intercept + mix.trees * grown.out_of_fold + beside)
        mix = _of_all(mix, grown, beside) if folds else mix
        self.scorer_ = Scorer(tuple(frame.columns), levels, grown.text, ranked, mix)
        if self.interval:
            self.scorer_ = replace(self.scorer_, band=self._band(frame, groups))
        return self

    def predict_interval(self, X: Any, level: float = 0.9) -> Floats:
        """Two columns: between which probabilities the true one lies in a share `level` of such cases."""
        if not 0 < level < 1:
            raise ValueError(f"a level lies between 0 and 1, and {level} does not")
        bad = self.predict_proba(X)[:, 1]
        return np.column_stack(self.scorer_.interval(bad, level=level))

    def _band(self, frame: pd.DataFrame, groups: Any) -> Band | None:
        """How far off this way of learning is where it was told the truth (a parametric bootstrap).

        In a world where this model is the truth, outcomes are drawn anew, and a model is taught by them: what it says
        of rows that it has not seen is held against the truth. So the error of learning from as many rows is in it,
        the pull towards the mean included, and that of drawn trees; not an error that this model makes, nor that
        outcomes of one group go together. None where outcomes of a kind are too few.
        """
        truth = np.clip(self.scorer_.probabilities(frame), 1e-6, 1 - 1e-6)
        seed = seed_of(self.random_state)
        rng = np.random.default_rng(seed)
        said, off = [], []
        for draw in range(next((draws for rows, draws in DRAWS if len(frame) < rows), 1)):
            happened = (rng.random(len(frame)) < truth).astype(int)
            if min(happened.sum(), (1 - happened).sum()) < FEWEST_OF_EACH_KIND:
                return None
            again = PdModel(self.directions, self.settings, random_state=seed + 1 + draw, linear=self.linear)
            again.fit(frame, happened, groups)
            found = np.clip(again.out_of_fold_, 1e-6, 1 - 1e-6)
            seen = ~np.isnan(found)
            said.append(logit(found[seen]))
            away = logit(truth[seen]) - said[-1]
            # That this drawing has more bad outcomes or fewer moves all rows at once; how far it may is known.
            off.append(away - away.mean())
        level = 1 / truth.sum() + 1 / (1 - truth).sum()
        return _banded(np.concatenate(said), np.concatenate(off), level)


def _banded(said: Floats, off: Floats, level: float) -> Band:
    """Mean and spread of how far off, by bins of as many rows of what was said; `level` is the variance of all rows."""
    count = int(np.clip(len(said) // BIN_ROWS, 1, MOST_BINS))
    bins = np.array_split(np.argsort(said, kind="stable"), count)
    return Band(
        tuple(float(said[rows].mean()) for rows in bins),
        tuple(float(off[rows].mean()) for rows in bins),
        tuple(WIDER * float(np.sqrt(off[rows].var() + level)) for rows in bins),
    )


def folds_of(labels: Floats, groups: Any, *, seed: int, repeats: int = 1) -> list[Fold]:
    """Folds with outcomes spread evenly and every group whole on one side; none where outcomes of a kind are too few.

    They are drawn `repeats` times, one drawing after the other.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

    of_each_kind = int(min(labels.sum(), (1 - labels).sum()))
    if groups is not None:
        of_each_kind = min(of_each_kind, int(pd.Series(np.asarray(groups)).nunique()))
    count = min(FOLDS if len(labels) < MANY_ROWS else FOLDS_OF_MANY, of_each_kind)
    if count < FEWEST_OF_EACH_KIND:
        return []
    found: list[Fold] = []
    for repeat in range(repeats):
        if groups is None:
            splitter: Any = StratifiedKFold(count, shuffle=True, random_state=seed + repeat)
        elif len(labels) < STRATIFIED_ROWS:
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed + repeat)
        else:
            splitter = GroupKFold(count, shuffle=True, random_state=seed + repeat)
        found += splitter.split(np.zeros(len(labels)), labels, groups)
    return [(learn, hold) for learn, hold in found if len(np.unique(labels[learn])) == 2 and len(hold)]


def seed_of(random_state: Any) -> int:
    """A number to draw with, from what scikit-learn calls a random state: a number, a generator, or None for any."""
    from sklearn.utils import check_random_state

    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _refuse_directions(directions: Mapping[str, int], frame: pd.DataFrame, words: Mapping[str, Any]) -> None:
    """Raise ValueError for a direction that no column would keep: a mistyped name would switch it off unnoticed."""
    for name, way in directions.items():
        if way not in (-1, 0, 1) or isinstance(way, bool):
            raise ValueError(f"the direction of {name!r} is {way!r}, not 1, -1 or 0")
        if str(name) not in frame:
            raise ValueError(f"there is a direction for {name!r}, which is no column")
        if way and str(name) in words:
            raise ValueError(f"there is a direction for {name!r}, which holds words")


def _drawings(rows: int, columns: int) -> int:
    """How often folds are drawn: as often as few rows need and their columns allow."""
    needed = next((times for most, times in REPEATS if rows < most), 1)
    return max(min(needed, MOST_VALUES // (rows * columns)), 1)


def _of_all(mix: Mix, grown: trees.Trees, beside: Floats | float) -> Mix:
    """The mix for the mean of all boosters, where it was learned on what those said that had not seen the rows.

    It is steeper, and its intercept such that all rows together are as likely as they were; `beside` is what the linear
    part adds.
    """
    from scipy.optimize import brentq

    said = grown.out_of_fold[~np.isnan(grown.out_of_fold)]
    beside = np.broadcast_to(beside, grown.out_of_fold.shape)[~np.isnan(grown.out_of_fold)]
    wanted = logistic.sigmoid(mix.intercept + mix.trees * said + beside).mean()
    steeper = mix.trees * grown.steadier
    of_all = steeper * (said.mean() + (said - said.mean()) / np.sqrt(grown.steadier)) + beside
    off = brentq(lambda off: logistic.sigmoid(mix.intercept + off + of_all).mean() - wanted, -MOST_OFF, MOST_OFF)
    return Mix(mix.intercept + float(off), steeper, mix.linear)


def _mix(of_trees: Floats, of_linear: Floats | None, labels: Floats) -> Mix:
    """The weights of the parts, learned as Platt learns his slope: towards a little less than certainty."""
    parts = np.column_stack([of_trees] if of_linear is None else [of_trees, of_linear])
    seen = ~np.isnan(parts).any(axis=1)
    parts, labels = parts[seen], labels[seen]
    bad, good = labels.sum(), (1 - labels).sum()
    wanted = np.where(labels == 1, (bad + 1) / (bad + 2), 1 / (good + 2))
    count = parts.shape[1]
    equal = np.full(count, 1 / count)
    prior = Prior(equal, np.full(count, MIX_STRENGTH), np.zeros(count), np.full(count, np.inf))
    intercept, weights = logistic.fit(parts, wanted, prior)
    return Mix(intercept, float(weights[0]), float(weights[1]) if count > 1 else 0.0)
