"""Soundness: that the model keeps its directions, does not hang on chance, and learned from nothing it should not see.

Where the model has to be trained again, that is done on some of its firms: enough to see it, and soon done.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from models.fingerprints import fingerprint
from models.pd_model import PdModel
from models.validation.check import Found, NotApplicable, check
from models.validation.measures import Floats, auc
from models.validation.subject import Subject, held

ROWS_MOVED, STEPS = 40, 16
ROWS_TAUGHT_AGAIN = 3_000
ROWS_DEALT, DEALS = 600, 4
# Of a difference below this in log-odds nobody could tell a direction.
ROUNDING = 1e-9
FEWEST_VALUES = 2


@check(
    "monotone",
    zh="单调性",
    en="Directions are kept",
    statistic="steps along a feature that lower the risk which they should raise",
    at_most="monotone_violations_max",
    needed=True,
)
def risk_never_moves_against_a_direction(subject: Subject) -> Found | NotApplicable:
    """Along every feature that has a direction the probability never moves against it, on a grid of values and firms.

    The grid is of quantiles, the least and the largest value among them; a feature of one value cannot be moved.
    """
    numbers = subject.served.model.numbers(subject.taught_frame)
    # Of numbers, words among them as their places, as the grid has them.
    model = replace(subject.served.model, levels={})
    directions = {name: way for name, way in subject.served.card["directions"].items() if way and name in numbers}
    places = np.linspace(0, len(numbers) - 1, min(ROWS_MOVED, len(numbers))).astype(int)
    firms, turned, steps, worst, still = numbers.iloc[places], 0, 0, "", 0
    for name, way in directions.items():
        known = numbers[name].dropna()
        grid = np.unique(np.quantile(known, np.linspace(0, 1, STEPS))) if len(known) else np.empty(0)
        if len(grid) < FEWEST_VALUES:
            still += 1
            continue
        moved = firms.loc[firms.index.repeat(len(grid))].assign(**{name: np.tile(grid, len(firms))})
        odds = model.log_odds(moved).reshape(len(firms), len(grid))
        against = int((way * np.diff(odds, axis=1) < -ROUNDING).sum())
        turned, steps, worst = turned + against, steps + odds[:, 1:].size, worst or (name if against else "")
    if not directions:
        return NotApplicable("no feature has a direction")
    return Found(float(turned), rows=len(firms), note="; ".join(
        [f"{steps:,} steps along {len(directions) - still} features", *([f"{still} have one value"] if still else []),
         *([f"first against along {worst}"] if worst else [])]
    ))  # fmt: skip


@check(
    "seeds",
    zh="随机种子敏感性",
    en="Sensitivity to seeds",
    statistic="rank correlation with the model trained again by another seed",
    at_least="seed_rank_min",
)
def another_seed_ranks_alike(subject: Subject) -> Found:
    """Trained again with another seed on the same rows, the model ranks the same firms alike out of fold."""
    frame, labels, groups = _some(subject, ROWS_TAUGHT_AGAIN)
    whole = len(frame) == len(subject.taught)
    first = subject.taught["score"].to_numpy() if whole else _taught_again(subject, frame, labels, groups, seed=0)
    again = _taught_again(subject, frame, labels, groups, seed=1)
    apart = np.nanmean(np.abs(again - first))
    return Found(_ranked_alike(first, again), rows=len(frame), note=f"probabilities differ by {apart:.4f} on average")


@check(
    "shuffled_labels",
    zh="泄漏检验：打乱标签",
    en="Leakage: shuffled outcomes",
    statistic="AUC of a model taught with outcomes dealt out by chance",
    at_most="shuffled_auc_max",
)
def nothing_is_learned_from_shuffled_outcomes(subject: Subject) -> Found:
    """Taught with outcomes that were dealt out by chance, the model forecasts nothing out of fold.

    One deal can fall along a feature by chance, and then there is something to learn: the interval is of several deals.
    """
    from scipy.stats import t as student

    frame, labels, groups = _some(subject, ROWS_DEALT)
    rng, found = np.random.default_rng(0), []
    for _ in range(DEALS):
        dealt = rng.permutation(labels)
        scores = _taught_again(subject, frame, dealt, groups, seed=0)
        known = ~np.isnan(scores)
        found.append(float(auc(dealt[known], held(scores[known]), np.ones((1, known.sum())))[0]))
    middle, apart = float(np.mean(found)), float(np.std(found, ddof=1)) / DEALS**0.5
    reach = apart * float(student.ppf(0.975, DEALS - 1))
    return Found(middle, middle - reach, middle + reach, len(frame), note=f"the mean of {DEALS} deals")


@check(
    "single_feature",
    zh="泄漏检验：单一特征",
    en="Leakage: one feature knows it all",
    statistic="largest AUC of a single feature",
    at_most="single_feature_auc_max",
)
def no_feature_knows_the_outcome(subject: Subject) -> Found:
    """No single feature ranks so well that it must have seen the outcome."""
    numbers = subject.served.model.numbers(subject.frame)
    ranks = numbers.rank().fillna(0.0)
    bad = subject.labels == 1
    # By ranks: the AUC of every column at once, the missing below all others (Mann and Whitney).
    again = ranks.rank()
    pairs = bad.sum() * (~bad).sum()
    single = (again[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / pairs
    strength = (single - 0.5).abs()
    best = str(strength.idxmax())
    way = 1.0 if single[best] >= 0.5 else -1.0
    found = subject.measured(auc, of=way * ranks[best].to_numpy())
    top = strength.sort_values(ascending=False, kind="stable").head(10)
    table = tuple({"feature": str(name), "auc": 0.5 + float(value)} for name, value in top.items())
    return Found(found.value, found.low, found.high, len(subject.rows), note=f"by {best}", table=table)


@check(
    "identifiers",
    zh="泄漏检验：企业编号",
    en="Leakage: identifiers",
    statistic="AUC of the order of the suppliers' ids",
    at_most="identifier_auc_max",
    decisive=False,
)
def ids_know_nothing(subject: Subject) -> Found:
    """The order of the suppliers' ids says nothing of the outcome; where it does the list was sorted by it."""
    ids = subject.rows["supplier_id"]
    # By length first: E9 comes before E10.
    ordered = ids.str.len().astype(float) * (len(ids) + 1) + ids.rank(method="dense")
    found = subject.measured(auc, of=ordered.to_numpy())
    if found.value < 0.5:
        found = subject.measured(auc, of=-ordered.to_numpy())
    return Found(found.value, found.low, found.high, len(ids), note="no model reads an id")


@check(
    "taught_again",
    zh="训练数据可重现",
    en="The training's rows can be built again",
    statistic="1 where features and outcomes differ from those that taught the model",
    at_most="taught_differs_max",
    needed=True,
)
def the_training_rows_are_what_they_were(subject: Subject) -> Found:
    """Read as known then, the ledger gives the very features and outcomes that taught the model."""
    again = fingerprint(subject.taught_frame, subject.taught["happened"])
    differs = again != subject.served.card["data"]["fingerprint"]
    return Found(float(differs), rows=len(subject.taught), note=f"sha256 {again[:16]}")


def _some(subject: Subject, most: int) -> tuple[pd.DataFrame, Floats, pd.Series]:
    """Features, outcomes and firms of some of the training's rows, every firm whole."""
    groups = subject.taught["group"]
    firms = np.random.default_rng(0).permutation(groups.unique())
    counted = np.cumsum(groups.value_counts()[firms].to_numpy())
    chosen = groups.isin(firms[: max(int((counted <= most).sum()), 1)])
    taught = subject.taught[chosen]
    return subject.taught_frame[chosen], taught["happened"].to_numpy(dtype=float), taught["group"]


def _taught_again(subject: Subject, frame: pd.DataFrame, labels: Floats, groups: pd.Series, *, seed: int) -> Floats:
    """Out-of-fold probabilities of the model trained again on these rows."""
    card = subject.served.card
    again = PdModel(card["directions"], random_state=seed, **card["taught_as"])
    return again.fit(frame, labels.astype(int), groups).out_of_fold_


def _ranked_alike(one: Floats, other: Floats) -> float:
    from scipy.stats import spearmanr

    known = ~(np.isnan(one) | np.isnan(other))
    return float(spearmanr(one[known], other[known]).statistic)
