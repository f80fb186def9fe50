"""How well probabilities hold, and what chance does to it."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import expected_error, perfect_error, slope


@pytest.fixture(scope="module")
def perfect():
    rng = np.random.default_rng(5)
    probabilities = 1 / (1 + np.exp(-rng.normal(-3, 1.2, 40_000)))
    return (rng.random(40_000) < probabilities).astype(float), probabilities


def test_right_probabilities_have_slope_one_and_intercept_zero(perfect):
    intercept, found = slope(*perfect)
    assert found == pytest.approx(1, abs=0.05) and intercept == pytest.approx(0, abs=0.12)


def test_probabilities_that_lie_too_far_apart_have_a_slope_below_one(perfect):
    labels, probabilities = perfect
    odds = np.log(probabilities / (1 - probabilities))
    assert slope(labels, 1 / (1 + np.exp(-2 * odds)))[1] == pytest.approx(0.5, abs=0.03)


def test_a_perfect_model_stays_below_its_own_bound_nineteen_times_in_twenty():
    rng = np.random.default_rng(1)
    probabilities = rng.beta(1, 30, 2_000)
    bound = perfect_error(probabilities)
    errors = [expected_error((rng.random(2_000) < probabilities).astype(float), probabilities) for _ in range(400)]
    assert np.mean(np.array(errors) < bound) == pytest.approx(0.95, abs=0.03)


def test_a_model_that_says_twice_the_risk_is_beyond_the_bound(perfect):
    labels, probabilities = perfect
    twice = np.minimum(2 * probabilities, 1)
    assert expected_error(labels, twice) > perfect_error(twice)


def test_the_error_does_not_depend_on_the_order_of_rows(perfect):
    labels, probabilities = perfect
    shuffled = np.random.default_rng(0).permutation(len(labels))
    assert expected_error(labels, probabilities) == expected_error(labels[shuffled], probabilities[shuffled])
