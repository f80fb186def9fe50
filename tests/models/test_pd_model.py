from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.explain import by_reason, top_reasons
from models.pd_model import Calibration, contributions, fit, group_folds, predict_log_odds
from models.registry import Served


def world(rows: int, seed: int = 1) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"late": rng.exponential(5, rows), "paid": rng.lognormal(10, 1, rows), "noise": rng.random(rows)}
    )
    frame.loc[rng.random(rows) < 0.1, "late"] = np.nan
    odds = 0.25 * frame["late"].fillna(3) - 0.8 * (np.log(frame["paid"]) - 10) - 2.5
    happened = pd.Series((rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int))
    return frame, happened, pd.Series([f"S{i // 2}" for i in range(rows)])


DIRECTIONS = {"late": 1, "paid": -1, "noise": 0}


@pytest.fixture(scope="module", params=[300, 3_000])
def trained(request):
    frame, happened, groups = world(request.param)
    return fit(frame, happened, groups, directions=DIRECTIONS), frame, happened


def test_no_probability_falls_as_a_feature_of_rising_risk_rises(trained):
    model, frame, _ = trained
    for name, direction in (("late", 1), ("paid", -1)):
        grid = np.quantile(frame[name].dropna(), np.linspace(0, 1, 40))
        for row in range(0, len(frame), len(frame) // 40):
            moved = pd.concat([frame.iloc[[row]]] * len(grid), ignore_index=True).assign(**{name: grid})
            assert (direction * np.diff(model.probabilities(moved)) >= 0).all()


def test_the_mean_probability_is_the_base_rate(trained):
    model, frame, happened = trained
    assert model.probabilities(frame).mean() == pytest.approx(happened.mean(), abs=0.03)


def test_columns_are_found_by_name_whatever_their_order(trained):
    model, frame, _ = trained
    shuffled = frame[["noise", "paid", "late"]]
    assert (model.probabilities(shuffled) == model.probabilities(frame)).all()


def test_a_frame_with_other_columns_is_refused(trained):
    model, frame, _ = trained
    with pytest.raises(KeyError):
        model.probabilities(frame.drop(columns="paid"))
    with pytest.raises(Exception, match="Expected 'late' at position 0"):
        predict_log_odds(model.text, frame[["noise", "paid", "late"]])


def test_one_row_scores_as_in_a_crowd(trained):
    model, frame, _ = trained
    whole = model.probabilities(frame.head(50))
    assert [model.probabilities(frame.iloc[[i]])[0] for i in range(50)] == list(whole)


def test_contributions_add_up_to_the_log_odds(trained):
    model, frame, _ = trained
    head = frame.head(20)
    sums = contributions(model.text, head).sum(axis=1).to_numpy()
    base = predict_log_odds(model.text, head) - sums
    assert base == pytest.approx(np.full(20, base[0]), abs=1e-6)


def test_the_same_rows_train_the_same_model():
    frame, happened, groups = world(300)
    twice = [fit(frame, happened, groups, directions=DIRECTIONS) for _ in range(2)]
    assert twice[0] == twice[1]


def test_no_firm_stands_on_both_sides_of_a_fold():
    _, happened, groups = world(500)
    for learn, hold in group_folds(happened.to_numpy(float), groups, seed=0):
        assert not set(groups.iloc[learn]) & set(groups.iloc[hold])


def test_calibration_finds_the_line_that_was_there():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, 50_000)
    happened = (rng.random(50_000) < 1 / (1 + np.exp(-(0.5 * z - 1)))).astype(float)
    found = Calibration.learn(z, happened)
    assert (found.intercept, found.slope) == (pytest.approx(-1, abs=0.05), pytest.approx(0.5, abs=0.03))


def test_calibration_never_turns_a_ranking_around():
    z, happened = np.array([3.0, 2.0, -2.0, -3.0] * 5), np.array([0.0, 0.0, 1.0, 1.0] * 5)
    assert Calibration.learn(z, happened).slope == 0.0


def test_twin_features_do_not_split_a_reason_and_at_most_four_are_named(monkeypatch, trained):
    model, frame, _ = trained
    served = Served("x.platform", 1, "", model, {}, frozenset())
    monkeypatch.setattr(Served, "inputs", lambda self, frame: frame)
    monkeypatch.setattr("models.explain._REASON_OF", {"late": "DEL", "paid": "ACT", "noise": "ACT"})
    grouped = by_reason(served, frame.head(10))
    whole = contributions(model.text, frame.head(10))
    assert list(grouped.columns) == ["ACT", "DEL"]
    assert grouped["ACT"].to_numpy() == pytest.approx((whole["paid"] + whole["noise"]).to_numpy())
    for reasons in top_reasons(served, frame.head(10)):
        weights = [weight for _, weight in reasons]
        assert len(reasons) <= 4 and weights == sorted(weights, reverse=True) and all(w > 0 for w in weights)
