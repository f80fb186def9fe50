"""A year is forecast by what was known before it, and by nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from models.targets import LOAN_DEFAULT, lessons
from models.training import MODEL, forecast, walks
from tests.models.platforms import Platform

AS_OF = date(2026, 10, 31)
MONTHS = pd.period_range("2021-06", "2026-01", freq="M")


@pytest.fixture
def years(imported, terms):
    """A ledger with four draws a month of four years, one of them bad, its lessons, and terms that four months suit."""
    platform, number = Platform(), 0
    for month in MONTHS:
        for day in (2, 9, 16, 23):
            bad = day == 2
            platform.draw(number, (month.start_time + pd.Timedelta(days=day)).date(), past_due=90 * bad, happened=bad)
            number += 1
    ledger, terms = imported(platform), terms | {"test_bad_min": 5}
    return ledger, lessons(ledger, LOAN_DEFAULT, tier="platform", as_of=AS_OF, terms=terms), terms


@pytest.fixture
def steps(years):
    ledger, rows, terms = years
    return list(walks(ledger, LOAN_DEFAULT, rows, tier="platform", terms=terms))


def test_every_label_that_teaches_was_known_before_the_first_row_that_is_tested(years, steps):
    _, rows, _ = years
    assert len(steps) == 3
    for step in steps:
        first = min(rows.cases["as_of"].iloc[step.tested])
        assert step.known_on == first - timedelta(days=1)
        # The platform's labels are recorded when their window closes.
        assert rows.cases["closed_on"].iloc[step.taught].max() <= pd.Timestamp(step.known_on)
        assert not set(step.taught) & set(step.tested)


def test_the_years_go_back_from_the_last_month_that_is_used_and_do_not_overlap(steps):
    assert str(steps[0].year.last) == "2026-01"
    assert [str(step.year.first) for step in steps] == ["2025-02", "2024-02", "2023-02"]
    assert all(len(step.tested) == 48 for step in steps)


def test_no_year_is_forecast_by_fewer_bad_outcomes_than_asked(years):
    ledger, rows, terms = years
    few = {**terms, "test_bad_min": 12}
    assert [step.happened.sum() for step in walks(ledger, LOAN_DEFAULT, rows, tier="platform", terms=few)] == [35, 23]


def test_a_forecast_covers_its_years_and_says_how_well_it_held(years, steps):
    _, rows, terms = years
    frame = pd.DataFrame({"paid_amount_sum_12m": np.where(rows.happened == 1, 1.0, 5.0)}, index=rows.cases.index)
    frame["paid_amount_sum_12m"] += np.random.default_rng(0).normal(0, 1, len(frame))
    said, scores = forecast(steps[:1], frame, rows, terms, "platform")
    tested = np.zeros(len(frame), dtype=bool)
    tested[steps[0].tested] = True
    assert (np.isnan(scores) == ~tested).all()
    assert said["years"][0]["taught_rows"] == len(steps[0].taught)
    assert said["metrics"][MODEL]["auc"]["value"] > 0.9
    assert 0 < said["calibration"]["mean_pd"] < 1


def test_without_a_year_to_forecast_the_card_says_none(years):
    _, rows, terms = years
    said, scores = forecast([], pd.DataFrame(index=rows.cases.index), rows, terms, "platform")
    assert said is None and np.isnan(scores).all()
