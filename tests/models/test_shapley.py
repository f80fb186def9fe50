"""Shapley values: those of LightGBM, and the same for one row and for many."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import shapley
from models.shapley import MANY_ROWS, Shapley

COLUMNS = 7
EACH = list(range(COLUMNS))


def values(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Numbers with ties, a column of words by number, missing values in all but one column, and zeros."""
    found = rng.normal(size=(rows, COLUMNS))
    found[:, 1] = rng.integers(0, 9, rows)
    found[:, 2] = found[:, 2].round()
    found[rng.random(found.shape) < 0.15] = np.nan
    found[:, 3] = np.nan_to_num(found[:, 3])
    return found


def trained(seed: int, rounds: int = 8, words: bool = False, **more: Any) -> tuple[lgb.Booster, np.ndarray]:
    """A booster, and rows that it has and has not met."""
    rng = np.random.default_rng(seed)
    learned = values(rng, 400)
    odds = np.nan_to_num(learned[:, 0] * learned[:, 2]) + np.isin(learned[:, 1], [2, 5, 7])
    happened = (rng.random(len(learned)) < 1 / (1 + np.exp(-odds))).astype(int)
    asked = {"objective": "binary", "min_data_in_leaf": 3, "min_sum_hessian_in_leaf": 0.001, "num_threads": 1}
    data = lgb.Dataset(learned, happened, categorical_feature=[1] if words else "auto", params={"verbose": -1})
    booster = lgb.train({**asked, "verbose": -1, "seed": seed, **more}, data, rounds)
    rows = np.concatenate([learned, values(rng, MANY_ROWS)])
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return booster, rows


@settings(max_examples=20)
@given(
    st.integers(0, 10_000),
    st.sampled_from([2, 5, 16, 60]),
    st.booleans(),
    st.sampled_from([{}, {"zero_as_missing": True}, {"use_missing": False}, {"extra_trees": True}]),
    st.integers(2, 12),
)
def test_they_are_those_of_lightgbm_and_the_same_for_one_row_and_for_many(seed, leaves, words, more, most_conditions):
    booster, rows = trained(seed, words=words, num_leaves=leaves, **more)
    with pytest.MonkeyPatch.context() as patch:
        # However a tree is cut into pieces.
        patch.setattr(shapley, "MOST_CONDITIONS", most_conditions)
        shown = Shapley(booster.model_to_string())
        many = shown.values(rows, EACH, COLUMNS)
        few = np.concatenate([shown.values(rows[at : at + 1], EACH, COLUMNS) for at in range(0, len(rows), 50)])
    told = np.asarray(booster.predict(rows, pred_contrib=True))
    assert many == pytest.approx(told[:, :-1], abs=1e-9)
    assert shown.base == pytest.approx(told[0, -1], abs=1e-9)
    assert (many[::50] == few).all()


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 2), min_size=COLUMNS, max_size=COLUMNS))
def test_a_group_adds_what_its_columns_add(seed, groups):
    booster, rows = trained(seed)
    shown = Shapley(booster.model_to_string())
    alone, together = shown.values(rows, EACH, COLUMNS), shown.values(rows, groups, 3)
    for group in range(3):
        mine = [column for column in EACH if groups[column] == group]
        assert together[:, group] == pytest.approx(alone[:, mine].sum(axis=1), abs=1e-9)
    assert (shown.values(rows[:5], groups, 3) == together[:5]).all()


def test_a_booster_that_learned_nothing_says_its_mean():
    booster, rows = trained(1, rounds=3, min_data_in_leaf=300)
    shown = Shapley(booster.model_to_string())
    assert not shown.values(rows, EACH, COLUMNS).any()
    assert shown.base == pytest.approx(booster.predict(rows[:1], raw_score=True)[0])


def test_a_model_without_trees_adds_nothing():
    shown = Shapley("")
    assert shown.base == 0 and not shown.values(np.zeros((3, COLUMNS)), EACH, COLUMNS).any()


def test_no_rows_have_no_values():
    booster, rows = trained(1)
    assert Shapley(booster.model_to_string()).values(rows[:0], EACH, COLUMNS).shape == (0, COLUMNS)
