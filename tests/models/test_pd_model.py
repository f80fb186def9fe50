"""The estimator: it follows scikit-learn, keeps its directions, and what it has learned is text."""

from __future__ import annotations

import json

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from models import trees
from models.explain import UNKNOWN, by_reason, top_reasons
from models.pd_model import PdModel, folds_of
from models.registry import Served
from models.scorer import Scorer
from models.trees import mean_of

DIRECTIONS = {"late": 1, "paid": -1, "noise": 0}


@parametrize_with_checks([PdModel()])
def test_it_follows_scikit_learn(estimator, check, monkeypatch):
    # How often it is taught over changes nothing of how it behaves.
    monkeypatch.setattr("models.pd_model.REPEATS", ())
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
    numbers = model.scorer_.numbers(frame.head(20))
    one = lgb.Booster(model_str=model.scorer_.booster)
    twice = lgb.Booster(model_str=mean_of([model.scorer_.booster] * 2))
    for how in ({"raw_score": True}, {"pred_contrib": True}):
        assert twice.predict(numbers, **how) == pytest.approx(one.predict(numbers, **how), abs=1e-12)


@pytest.fixture(scope="module")
def with_interval():
    """A model that knows how certain it is, cases it has not seen, and their true probabilities."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(3_000, 6))).add_prefix("v")
    truth = 1 / (1 + np.exp(2 - frame @ [0.8, -0.6, 0.4, 0.3, 0, 0] - 0.5 * (frame["v0"] > 1)))
    model = PdModel(interval=True).fit(frame.head(1_500), rng.random(1_500) < truth.head(1_500))
    return model, frame.tail(1_500), truth.tail(1_500).to_numpy()


def test_the_interval_holds_the_true_probability_about_as_often_as_it_says(with_interval):
    model, frame, truth = with_interval

    def held(level):
        low, high = model.predict_interval(frame, level=level).T
        return ((low <= truth) & (truth <= high)).mean()

    # One sample of outcomes errs for all cases together, so that a share is wide; docs/bench/intervals.txt has many.
    assert held(0.9) >= 0.8
    assert held(0.3) <= 0.8


def test_a_probability_lies_in_its_interval_and_a_surer_one_is_wider(with_interval):
    model, frame, _ = with_interval
    said = model.predict_proba(frame)[:, 1]
    (low, high), (lower, higher) = (
        model.predict_interval(frame, level=0.8).T,
        model.predict_interval(frame, level=0.95).T,
    )
    assert ((lower <= low) & (low <= said) & (said <= high) & (high <= higher)).all()


def test_the_interval_survives_as_text(with_interval):
    model, frame, _ = with_interval
    again = Scorer.of(json.loads(json.dumps(model.scorer_.said())), model.scorer_.booster)
    said = model.predict_proba(frame)[:, 1]
    assert (np.column_stack(again.interval(said, level=0.9)) == model.predict_interval(frame)).all()


def test_a_model_that_was_not_asked_for_an_interval_says_so(trained):
    model, frame, _ = trained
    with pytest.raises(ValueError, match="without an interval"):
        model.predict_interval(frame)


def odd(rows: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns as they come in real tables."""
    rng = np.random.default_rng(3)
    number = rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            "constant": 1.0,
            "empty": np.nan,
            "empty words": pd.Series([None] * rows, dtype=object),
            'odd "name" {1}, 金额:': number,
            "odd_name": number,
            "yes or no": number > 0.5,
            "nullable": pd.array(np.where(number > 1, None, number.round()), dtype="Int64"),
            "nullable yes": pd.array(np.where(number > 1, None, number > 0), dtype="boolean"),
            "category": pd.Categorical(np.where(number > 0, "a", "b"), categories=["b", "a", "never"]),
            "numbers as objects": pd.Series([None, *number[1:]], dtype=object),
            "each its own": [f"firm {row}" for row in range(rows)],
            "small": number.astype(np.float32),
        }
    )
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-number))).astype(int)


def test_odd_columns_give_probabilities_all_the_same():
    frame, happened = odd()
    doubled = pd.concat([frame, frame])
    model = PdModel().fit(doubled, np.r_[happened, happened])
    found = model.predict_proba(doubled)[:, 1]
    assert ((found > 0) & (found < 1)).all()
    assert "numbers as objects" not in model.scorer_.levels


@pytest.mark.parametrize(
    ("column", "said"),
    [(pd.date_range("2026-01-01", periods=200), "holds dates"), ([np.inf, *[1.0] * 199], "infinity")],
)
def test_what_it_cannot_learn_from_is_refused_by_name(column, said):
    frame, happened = odd()
    with pytest.raises(ValueError, match=f"'signed_on'.*{said}"):
        PdModel().fit(frame.assign(signed_on=column), happened)


def test_two_columns_of_one_name_are_refused():
    frame, happened = odd()
    with pytest.raises(ValueError, match="two columns are named 'small'"):
        PdModel().fit(pd.concat([frame, frame[["small"]]], axis=1), happened)


def test_twin_features_do_not_split_a_reason_and_at_most_four_are_named(monkeypatch, trained):
    model, frame, _ = trained
    served = Served("x.platform", 1, "", model.scorer_, {}, frozenset())
    monkeypatch.setattr(Served, "inputs", lambda self, frame: frame)
    reasons_of = {"late": "DEL", "paid": "ACT", "noise": "ACT", "industry": "CAP"}
    monkeypatch.setattr("models.explain._REASON_OF", reasons_of)
    grouped = by_reason(served, frame.head(10))
    whole = model.scorer_.explain(frame.head(10)).contributions
    assert list(grouped.columns) == ["ACT", "CAP", "DEL", UNKNOWN]
    assert grouped["ACT"].to_numpy() == pytest.approx((whole["paid"] + whole["noise"]).to_numpy())
    for reasons in top_reasons(served, frame.head(10)):
        weights = [weight for _, weight in reasons]
        assert len(reasons) <= 4 and weights == sorted(weights, reverse=True) and all(w > 0 for w in weights)


def test_without_its_linear_part_it_is_trees_alone(trained):
    _, frame, happened, *_ = trained
    model = PdModel(DIRECTIONS, linear=False).fit(frame, happened)
    assert model.scorer_.mix.linear == 0 and model.scorer_.mix.trees > 0
    again = Scorer.of(json.loads(json.dumps(model.scorer_.said())), model.scorer_.booster)
    assert again.probabilities(frame).tolist() == model.scorer_.probabilities(frame).tolist()
    explained = model.scorer_.explain(frame)
    total = explained.base + explained.contributions.sum(axis=1)
    assert total.to_numpy() == pytest.approx(model.scorer_.log_odds(frame), abs=1e-9)


def test_a_model_that_is_moved_moves_every_case_alike(trained):
    model, frame, *_ = trained
    moved = model.scorer_.shifted(0.7)
    assert moved.log_odds(frame) == pytest.approx(model.scorer_.log_odds(frame) + 0.7)


def test_the_slope_makes_up_for_what_a_mean_of_boosters_varies_less(monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(24_000, 30))).add_prefix("v")
    truth = 1 / (1 + np.exp(2.5 - frame.to_numpy() @ rng.normal(scale=0.25, size=30)))
    happened = (rng.random(len(frame)) < truth).astype(float)
    texts, grown = [], []
    monkeypatch.setattr(trees, "mean_of", lambda each: texts.extend(each) or mean_of(each))
    steadier = trees._steadier
    monkeypatch.setattr(trees, "_steadier", lambda *given, **more: grown.append(steadier(*given, **more)) or grown[-1])
    model = PdModel(linear=False).fit(frame.head(12_000), happened[:12_000])
    unseen = frame.tail(12_000)
    each = np.array([lgb.Booster(model_str=text).predict(unseen.to_numpy(), raw_score=True) for text in texts])
    assert grown[0] - 1 == pytest.approx(each.var(axis=1).mean() / each.mean(axis=0).var() - 1, rel=0.25)
    assert model.predict_proba(unseen)[:, 1].mean() == pytest.approx(truth[12_000:].mean(), rel=0.03)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"directions": {"nope": 1}}, "no column"),
        ({"directions": {"late": 5}}, "not 1, -1 or 0"),
        ({"directions": {"late": True}}, "not 1, -1 or 0"),
        ({"directions": {"word": 1}}, "holds words"),
        ({"settings": {"linear_tree": True}}, "no setting"),
    ],
)
def test_a_direction_or_setting_that_would_not_hold_is_refused(given, said):
    frame = pd.DataFrame({"late": [1.0, 2.0, 3.0, 4.0], "word": list("abab")})
    with pytest.raises(ValueError, match=said):
        PdModel(**given).fit(frame, [0, 1, 0, 1])


def test_a_frame_and_an_array_are_not_taken_for_one_another(trained):
    model, frame, _ = trained
    with pytest.raises(ValueError, match="which column is which"):
        model.predict_proba(frame.to_numpy())
    with pytest.raises(ValueError, match="between 0 and 1"):
        model.predict_interval(frame, level=1.5)


def test_few_groups_and_any_random_state_are_enough():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3))).add_prefix("v")
    happened = np.tile([0, 1], 30)
    for state in (None, np.random.RandomState(1), np.int64(3)):
        said = PdModel(random_state=state).fit(frame, happened, np.repeat([1, 2, 3], 20)).predict_proba(frame)
        assert np.isfinite(said).all()


def test_no_row_has_a_say_in_when_its_own_boosters_stop():
    areas = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        frame, happened = pd.DataFrame(rng.normal(size=(800, 40))).add_prefix("v"), rng.random(800) < 0.15
        out_of_fold = PdModel().fit(frame, happened).out_of_fold_
        areas.append(roc_auc_score(happened, out_of_fold))
    # Of pure noise nothing can be told: with that say it was 0.54 on average.
    assert np.mean(areas) < 0.52
