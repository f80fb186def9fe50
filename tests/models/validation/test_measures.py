from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference
from sklearn.linear_model import LogisticRegression

from models.validation.measures import (
    METRICS,
    OutOfFold,
    auc,
    brier,
    ece,
    in_bins,
    interval,
    ks,
    log_loss,
    measure,
    perfect_ece,
    slope,
)


@pytest.fixture
def held() -> tuple[np.ndarray, OutOfFold]:
    rng = np.random.default_rng(3)
    labels = (rng.random(300) < 0.3).astype(float)
    scores = np.round(np.clip(rng.normal(0.3 + 0.2 * labels, 0.2), 0.01, 0.99), 2)  # rounded, so that there are ties
    return labels, OutOfFold(scores, np.zeros(300, dtype=np.int64))


def one(labels: np.ndarray) -> np.ndarray:
    return np.ones((1, len(labels)))


def test_each_metric_equals_scikit_learns(held):
    labels, scored = held
    assert auc(labels, scored, one(labels))[0] == pytest.approx(reference.roc_auc_score(labels, scored.scores))
    assert brier(labels, scored, one(labels))[0] == pytest.approx(reference.brier_score_loss(labels, scored.scores))
    assert log_loss(labels, scored, one(labels))[0] == pytest.approx(reference.log_loss(labels, scored.scores))
    false, true, _ = reference.roc_curve(labels, scored.scores, drop_intermediate=False)
    assert ks(labels, scored, one(labels))[0] == pytest.approx(np.abs(true - false).max())


def test_a_row_counted_twice_weighs_as_two_rows(held):
    labels, scored = held
    weights = np.ones((1, 300))
    weights[0, :50] = 2
    twice = OutOfFold(np.r_[scored.scores, scored.scores[:50]], np.zeros(350, dtype=np.int64))
    for metric in METRICS:
        doubled = metric.compute(np.r_[labels, labels[:50]], twice, np.ones((1, 350)))
        assert metric.compute(labels, scored, weights) == pytest.approx(doubled)


def test_the_auc_compares_only_within_a_fold(held):
    labels, scored = held
    fold = np.repeat([0, 1], 150)
    shifted = OutOfFold(scored.scores + 10 * fold, fold)
    assert auc(labels, shifted, one(labels)) == pytest.approx(auc(labels, OutOfFold(scored.scores, fold), one(labels)))


def test_a_peer_with_the_models_own_scores_differs_by_nothing(held):
    labels, scored = held
    firms = pd.Series(np.arange(300) // 3)
    found = measure(labels, {"model": [scored], "twin": [scored]}, firms, model="model")
    for metric in METRICS:
        twin = found["twin"][metric.name]
        assert (twin.versus, twin.versus_low, twin.versus_high) == (0, 0, 0)
        assert twin.low <= twin.value <= twin.high


def test_intervals_widen_when_rows_belong_to_fewer_firms(held):
    labels, scored = held

    def width(firms: pd.Series) -> float:
        found = measure(labels, {"model": [scored]}, firms, model="model")["model"]["brier"]
        return found.high - found.low

    clumped = pd.Series(np.argsort(np.argsort(labels, kind="stable")) // 30)  # ten firms, each all good or all bad
    assert width(clumped) > width(pd.Series(np.arange(300)))


def test_the_slope_equals_that_of_an_unpenalised_logistic_regression(held):
    labels, scored = held
    odds = np.log(scored.scores / (1 - scored.scores))[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, labels)
    assert slope(labels, scored, one(labels))[0] == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    weights = np.random.default_rng(0).integers(0, 3, 300).astype(float)
    again = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, labels, weights)
    assert slope(labels, scored, weights[None])[0] == pytest.approx(again.coef_[0, 0], abs=1e-4)


def test_the_slope_of_probabilities_that_are_too_sure_is_below_one():
    rng = np.random.default_rng(5)
    odds = rng.normal(-1, 1, 20_000)
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-odds))).astype(float)
    stretched = OutOfFold(1 / (1 + np.exp(-2 * odds)), np.zeros(20_000, dtype=np.int64))
    assert slope(labels, stretched, one(labels))[0] == pytest.approx(0.5, abs=0.03)


def test_the_calibration_error_is_the_mean_gap_of_the_bins(held):
    labels, scored = held
    bins = pd.Series(in_bins(scored.scores).argmax(axis=1))
    gaps = pd.DataFrame({"bin": bins, "gap": labels - scored.scores}).groupby("bin")["gap"].agg(["mean", "size"])
    by_hand = (gaps["mean"].abs() * gaps["size"]).sum() / 300
    assert ece(labels, scored, one(labels))[0] == pytest.approx(by_hand)


def test_a_resample_without_an_answer_does_not_spoil_the_interval():
    low, high = interval(np.array([0.5, np.nan, 0.4, 0.6]))
    assert 0.4 <= low <= high <= 0.6


def test_a_perfect_model_stays_below_its_own_bound_nineteen_times_in_twenty():
    rng = np.random.default_rng(1)
    scored = OutOfFold(rng.beta(1, 30, 2_000), np.zeros(2_000, dtype=np.int64))
    worlds = [(rng.random(2_000) < scored.scores).astype(float) for _ in range(400)]
    errors = np.array([ece(labels, scored, one(labels))[0] for labels in worlds])
    assert np.mean(errors < perfect_ece(scored.scores)) == pytest.approx(0.95, abs=0.03)


def test_a_model_that_says_twice_the_risk_is_beyond_the_bound():
    rng = np.random.default_rng(5)
    odds = rng.normal(-3, 1.2, 40_000)
    labels = (rng.random(40_000) < 1 / (1 + np.exp(-odds))).astype(float)
    twice = OutOfFold(np.minimum(2 / (1 + np.exp(-odds)), 1), np.zeros(40_000, dtype=np.int64))
    assert ece(labels, twice, one(labels))[0] > perfect_ece(twice.scores)
