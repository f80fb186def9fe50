"""The master scale of DOMAIN 6.4."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from credit.domain.points import points
from credit.domain.scale import grades

# Grade, upper bound of its PD, middle, points of the middle.
SCALE = (
    ("R01", 0.00141, 0.0010, 802),
    ("R02", 0.00283, 0.0020, 762),
    ("R03", 0.00548, 0.0040, 722),
    ("R04", 0.0103, 0.0075, 686),
    ("R05", 0.0191, 0.014, 649),
    ("R06", 0.0353, 0.026, 613),
    ("R07", 0.0639, 0.048, 576),
    ("R08", 0.113, 0.085, 541),
    ("R09", 0.201, 0.15, 504),
    ("R10", 1.0, 0.27, 461),
)


@pytest.fixture(scope="module")
def terms(packs):
    return packs["platform-line"].terms(date(2026, 6, 30))


def test_the_middle_of_every_grade_has_the_points_of_the_table():
    assert points(pd.Series([middle for _, _, middle, _ in SCALE])).tolist() == [score for *_, score in SCALE]


def test_the_middle_of_every_grade_is_of_that_grade(terms):
    assert grades(pd.Series([middle for _, _, middle, _ in SCALE]), terms).tolist() == [name for name, *_ in SCALE]


def test_a_pd_exactly_at_a_bound_is_of_the_better_grade(terms):
    assert grades(pd.Series([bound for _, bound, *_ in SCALE]), terms).tolist() == [name for name, *_ in SCALE]


def test_a_pd_just_above_a_bound_is_of_the_weaker_grade(terms):
    above = pd.Series([np.nextafter(bound, 1) for _, bound, *_ in SCALE[:-1]])
    assert grades(above, terms).tolist() == [name for name, *_ in SCALE[1:]]


def test_forty_points_double_the_odds():
    odds = np.array([15.0, 30.0, 60.0])
    assert points(pd.Series(1 / (1 + odds))).tolist() == [560, 600, 640]


def test_no_pd_has_no_grade_and_no_points(terms):
    assert grades(pd.Series([np.nan]), terms).tolist() == [None]
    assert points(pd.Series([np.nan])).isna().all()


def test_certainty_has_points_too():
    assert np.isfinite(points(pd.Series([0.0, 1.0]))).all()
