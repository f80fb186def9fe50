"""The estimator: it follows scikit-learn, keeps its directions, and what it has learned is text."""

from __future__ import annotations

import json

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.explain import by_reason, top_reasons
from models.pd_model import PdModel, folds_of
from models.registry import Served
from models.scorer import Scorer
from models.trees import mean_of

DIRECTIONS = {"late": 1, "paid": -1, "noise": 0}


@parametrize_with_checks([PdModel()])
def test_it_follows_scikit_learn(estimator, check):
    check(estimator)


def world(rows: int, seed: int = 1) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Firms whose risk rises with delay, falls with what was paid, and differs by industry."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "late": rng.exponential(5, rows),
            "paid": rng.lognormal(10, 1, rows),
            "noise": rng.random(rows),
            "industry": rng.choice(["works", "goods", "services"], rows, p=[0.2, 0.5, 0.3]),
        }
    )
    frame.loc[rng.random(rows) < 0.1, "late"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "industry"] = None
    odds = 0.25 * frame["late"].fillna(3) - 0.8 * (np.log(frame["paid"]) - 10) - 2.5 + (frame["industry"] == "works")
    happened = pd.Series((rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int))
    return frame, happened, pd.Series([f"S{i // 2}" for i in range(rows)])


@pytest.fixture(scope="module", params=[300, 3_000])
def trained(request):
    frame, happened, groups = world(request.param)
    return PdModel(DIRECTIONS).fit(frame, happened, groups), frame, happened


def test_no_probability_goes_against_its_direction(trained):
    model, frame, _ = trained
    for name, direction in (("late", 1), ("paid", -1)):
        grid = np.quantile(frame[name].dropna(), np.linspace(0, 1, 40))
        for row in range(0, len(frame), len(frame) // 40):
            moved = pd.concat([frame.iloc[[row]]] * len(grid), ignore_index=True).assign(**{name: grid})
            assert (direction * np.diff(model.predict_proba(moved)[:, 1]) >= 0).all()


def test_the_mean_probability_is_the_base_rate(trained):
    model, frame, happened = trained
    assert model.predict_proba(frame)[:, 1].mean() == pytest.approx(happened.mean(), abs=0.03)


def test_what_it_learned_survives_as_text(trained):
    model, frame, _ = trained
    again = Scorer.of(json.loads(json.dumps(model.scorer_.said())), model.scorer_.booster)
    assert again == model.scorer_
    assert (again.probabilities(frame) == model.scorer_.probabilities(frame)).all()


def test_contributions_add_up_to_the_log_odds(trained):
    model, frame, _ = trained
    explained = model.scorer_.explain(frame.head(30))
    added = explained.base + explained.contributions.sum(axis=1)
    assert added.to_numpy() == pytest.approx(model.scorer_.log_odds(frame.head(30)), abs=1e-9)


def test_one_row_scores_as_in_a_crowd(trained):
    model, frame, _ = trained
    whole = model.scorer_.probabilities(frame.head(50))
    assert [model.scorer_.probabilities(frame.iloc[[i]])[0] for i in range(50)] == list(whole)


def test_a_word_it_has_not_met_counts_as_missing(trained):
    model, frame, _ = trained
    strange, missing = (frame.head(20).assign(industry=word) for word in ("mining", None))
    assert (model.predict_proba(strange) == model.predict_proba(missing)).all()


def test_no_group_stands_on_both_sides_of_a_fold():
    _, happened, groups = world(400)
    for learn, hold in folds_of(happened.to_numpy(float), groups, seed=1):
        assert not set(groups.iloc[learn]) & set(groups.iloc[hold])


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_with_hardly_an_outcome_it_says_little_and_does_not_fail(bad):
    frame, _, _ = world(100)
    labels = np.zeros(100, dtype=int)
    labels[:bad] = 1
    probability = PdModel().fit(frame, labels).predict_proba(frame)[:, 1]
    assert probability.max() < 0.5


def test_the_mean_of_boosters_is_one_booster(trained):
    model, frame, _ = trained
    numbers = model.scorer_.numbers(frame)
    one = lgb.Booster(model_str=model.scorer_.booster)
    twice = lgb.Booster(model_str=mean_of([model.scorer_.booster] * 2))
    for how in ({"raw_score": True}, {"pred_contrib": True}):
        assert twice.predict(numbers, **how) == pytest.approx(one.predict(numbers, **how), abs=1e-12)


def test_twin_features_do_not_split_a_reason_and_at_most_four_are_named(monkeypatch, trained):
    model, frame, _ = trained
    served = Served("x.platform", 1, "", model.scorer_, {}, frozenset())
    monkeypatch.setattr(Served, "inputs", lambda self, frame: frame)
    reasons_of = {"late": "DEL", "paid": "ACT", "noise": "ACT", "industry": "CAP"}
    monkeypatch.setattr("models.explain._REASON_OF", reasons_of)
    grouped = by_reason(served, frame.head(10))
    whole = model.scorer_.explain(frame.head(10)).contributions
    assert list(grouped.columns) == ["ACT", "CAP", "DEL"]
    assert grouped["ACT"].to_numpy() == pytest.approx((whole["paid"] + whole["noise"]).to_numpy())
    for reasons in top_reasons(served, frame.head(10)):
        weights = [weight for _, weight in reasons]
        assert len(reasons) <= 4 and weights == sorted(weights, reverse=True) and all(w > 0 for w in weights)
