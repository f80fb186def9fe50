"""The trees of a model: boosters taught on all folds but one each, put together as one whose value is their mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.logistic import Floats, Fold

MOST_ROUNDS, PATIENCE = 1_000, 60
# A second thread brings nothing below this, and on a busy machine the two spend their time waiting.
MANY_ROWS = 100_000
WIDE = 100
# What `PdModel(settings=…)` may replace: how trees are grown, and not what they are.
SETTINGS = (
    "num_leaves",
    "learning_rate",
    "min_data_in_leaf",
    "min_sum_hessian_in_leaf",
    "feature_fraction",
    "max_bin",
    "bagging_fraction",
    "bagging_freq",
    "lambda_l1",
    "lambda_l2",
    "min_gain_to_split",
    "max_depth",
    "extra_trees",
    "max_cat_to_onehot",
    "min_data_per_group",
)
# How far boosters differ is told by so many rows.
COMPARED_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosters put together as one: its text, and the rounds of each turn's boosters.

    `out_of_fold` are log-odds of each row by the boosters that had not seen it, NaN where there is none. Those are few,
    and differ more than the mean of all does: a slope learned on them is `steadier` times too flat for that mean.
    """

    text: str
    out_of_fold: Floats
    rounds: list[int]
    steadier: float


def settings_for(rows: int, columns: int) -> tuple[dict[str, Any], ...]:
    """Settings by the size of the data, of careful trees and of bold ones.

    Careful ones are small, see half of the columns each, and on few rows split at random; bold ones find what depends
    on several columns at once. Their mean is seldom worse than the better of the two.
    """
    leaves = 7 if rows < 2_000 else 15 if rows < 20_000 else 23 if rows < 200_000 else 47
    careful = {
        "num_leaves": leaves,
        "learning_rate": 0.03 if rows < MANY_ROWS else 0.06 if rows < 1_000_000 else 0.1,
        "min_data_in_leaf": int(np.clip(rows // 100, 5, 40)),
        "min_sum_hessian_in_leaf": 0.1,
        "feature_fraction": 0.5 if columns < WIDE else 0.3,
        # Of hundreds of columns none needs finer steps, and the time goes into their histograms.
        "max_bin": 255 if columns < WIDE else 63,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "extra_trees": rows < 2_000,
        "max_cat_to_onehot": 16,
        "min_data_per_group": int(np.clip(rows // 50, 5, 100)),
    }
    bold = {
        "num_leaves": 2 * leaves + 1,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.8,
        "lambda_l2": 1.0,
        "extra_trees": False,
    }
    return careful, {**careful, **bold}


def fit(
    frame: pd.DataFrame,
    labels: Floats,
    folds: Sequence[Fold],
    *,
    directions: Mapping[str, int],
    categorical: Sequence[str],
    settings: Sequence[Mapping[str, Any]],
    seed: int,
) -> Trees:
    """Boosters of these folds as one.

    Settings take turns, one each time that folds are drawn. A number of rounds is that at which the mean loss of its
    folds is least; a row's out-of-fold value is of the number that the other folds alone would choose, so that no row
    has a say in when its own boosters stop.
    """
    import lightgbm as lgb

    # The other two methods break their promise (TRAPS: intermediate 7, advanced 3,526 violations).
    same = {
        "objective": "binary",
        "metric": "binary_logloss",
        "monotone_constraints": [0 if name in categorical else int(directions.get(name, 0)) for name in frame],
        "monotone_constraints_method": "basic",
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1 if len(frame) < MANY_ROWS else 0,
        "verbose": -1,
    }
    values = frame.to_numpy(dtype=float)
    held, times = np.zeros(len(frame)), np.zeros(len(frame))
    texts, rounds, apart = [], [], []
    compared = np.unique(np.linspace(0, len(frame) - 1, min(COMPARED_ROWS, len(frame))).astype(np.int64))
    for each, mine in zip(settings, _turns(folds, len(frame), len(settings)), strict=True):
        if not mine:
            continue
        data = lgb.Dataset(
            values,
            labels,
            feature_name=_plain(list(frame.columns)),
            categorical_feature=[frame.columns.get_loc(name) for name in categorical],
            params={"verbose": -1},
        )
        losses: list[list[float]] = []
        watched = [lgb.early_stopping(PATIENCE, verbose=False), _noting(losses)]
        parameters = {**each, **same}
        found = lgb.cv(parameters, data, MOST_ROUNDS, folds=mine, callbacks=watched, return_cvbooster=True)["cvbooster"]
        best = max(found.best_iteration, 1)
        for (_, hold), booster, least in zip(mine, found.boosters, _rounds_of_others(losses), strict=True):
            held[hold] += booster.predict(values[hold], raw_score=True, num_iteration=least)
            times[hold] += 1
        apart.append(_apart(found.boosters, mine, values, compared, best))
        texts += [booster.model_to_string(num_iteration=best) for booster in found.boosters]
        rounds.append(best)
    with np.errstate(invalid="ignore"):
        out_of_fold = held / times
    steadier = _steadier(out_of_fold, float(np.mean(apart)), seen_by=times.max(), boosters=len(texts))
    return Trees(mean_of(texts), out_of_fold, rounds, steadier)


def _noting(losses: list[list[float]]) -> Any:
    """A callback of cross-validation that notes the loss of every fold after each round."""

    def note(env: Any) -> None:
        losses.append([booster.eval_valid()[0][2] for booster in env.model.boosters])

    # Before the one that may stop.
    note.order = 0  # type: ignore[attr-defined]
    return note


def _rounds_of_others(losses: list[list[float]]) -> list[int]:
    """For each fold the number of rounds at which the mean loss of the others is least.

    >>> _rounds_of_others([[0.5, 0.6, 0.6], [0.4, 0.5, 0.7], [0.3, 0.7, 0.8]])
    [1, 1, 2]
    """
    told = np.array(losses)
    others = told.sum(axis=1, keepdims=True) - told
    return [int(each) + 1 for each in others.argmin(axis=0)]


def _apart(boosters: Sequence[Any], folds: Sequence[Fold], values: Floats, rows: Any, rounds: int) -> float:
    """The mean variance, over rows, of what boosters say of a row that taught them."""
    said = np.array([booster.predict(values[rows], raw_score=True, num_iteration=rounds) for booster in boosters])
    for place, (_, hold) in enumerate(folds):
        said[place, np.isin(rows, hold)] = np.nan
    taught = (~np.isnan(said)).sum(axis=0) > 1
    return float(np.nanvar(said[:, taught], axis=0, ddof=1).mean()) if taught.any() else 0.0


def _steadier(out_of_fold: Floats, apart: float, *, seen_by: float, boosters: int) -> float:
    """By how much a slope on the mean of all boosters is steeper than one on the mean of `seen_by` of them.

    What is said is what all boosters would say and an error of each, which a mean of more has less of: a slope is the
    covariance with what happens, the same of both, by the variance, which is not (regression dilution).

    >>> _steadier(np.array([-1.0, 1.0]), 0.2, seen_by=1, boosters=5)
    1.1904761904761905
    """
    spread = float(np.nanvar(out_of_fold))
    less = apart / seen_by - apart / boosters
    return spread / (spread - less) if spread > 2 * less else 1.0


def _turns(folds: Sequence[Fold], rows: int, count: int) -> list[list[Fold]]:
    """The folds of every turn: those of the first drawing, the second, and so on, and then of the first again."""
    turns: list[list[Fold]] = [[] for _ in range(count)]
    drawn = np.zeros(rows, dtype=np.int64)
    for learn, hold in folds:
        turns[drawn[hold[0]] % count].append((learn, hold))
        drawn[hold] += 1
    return turns


def _plain(columns: list[str]) -> list[str]:
    """Names that LightGBM can write into its text, in their order."""
    plain = [re.sub(r"\W", "_", name) for name in columns]
    return plain if len(set(plain)) == len(plain) else [f"column_{place}" for place in range(len(plain))]


def mean_of(texts: Sequence[str]) -> str:
    """One booster whose value is the mean of these: all their trees, each leaf divided by how many they are."""
    import lightgbm as lgb

    head = re.sub(r"\ntree_sizes=[^\n]*", "", texts[0].partition("\nTree=")[0])
    trees = [tree for text in texts for tree in text.partition("\nend of trees")[0].split("\nTree=")[1:]]
    scaled = [_scaled(tree.partition("\n")[2], len(texts)) for tree in trees]
    blocks = [f"\nTree={place}\n{tree}" for place, tree in enumerate(scaled)]
    tail = texts[0].partition("\nend of trees")[2]
    return lgb.Booster(model_str=f"{head}\n{''.join(blocks)}\nend of trees{tail}").model_to_string()


def _scaled(tree: str, times: int) -> str:
    def divided(line: re.Match[str]) -> str:
        return line[1] + " ".join(repr(float(value) / times) for value in line[2].split())

    return re.sub(r"^((?:leaf|internal)_value=)(.*)$", divided, tree, flags=re.MULTILINE)
