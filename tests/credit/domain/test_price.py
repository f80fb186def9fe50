"""The worked figures of DOMAIN 3.6."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.price import basis_points_up, fee_fen, guarantee_rate, loan_rate

TODAY = date(2026, 6, 30)
PD = pd.DataFrame({"pd": [0.02]})


def test_the_worked_loan_costs_4_7104_percent(packs):
    parts = loan_rate(PD, packs["platform-line"].terms(TODAY)).iloc[0]
    assert parts["rate"] == pytest.approx(0.04710375, abs=1e-12)
    assert parts.drop("rate").to_dict() == pytest.approx(
        {"funding": 0.019, "loss": 0.009, "work": 0.008, "capital": 0.01110375}
    )


def test_the_worked_guarantee_costs_0_7252_percent(packs):
    parts = guarantee_rate(PD, packs["advance-payment-guarantee"].terms(TODAY)).iloc[0]
    assert parts["rate"] == pytest.approx(0.007251875, abs=1e-12)
    assert parts.drop("rate").to_dict() == pytest.approx(
        {"funding": 0.0, "loss": 0.0012, "work": 0.0005, "capital": 0.005551875}
    )


def test_both_are_quoted_rounded_up(ask):
    assert ask("platform-line", {"pd": 0.02}).answers.at[0, "yearly_rate_bp"] == 475
    assert ask("advance-payment-guarantee", {"pd": 0.02}).answers.at[0, "yearly_rate_bp"] == 73


def test_the_rate_is_the_sum_of_its_parts(packs):
    for rate, name in ((loan_rate, "invoice-line"), (guarantee_rate, "performance-guarantee")):
        parts = rate(pd.DataFrame({"pd": [0.0, 0.1, 1.0]}), packs[name].terms(TODAY))
        assert parts["rate"].tolist() == pytest.approx(parts.drop(columns="rate").sum(axis=1).tolist())


def test_without_a_pd_there_is_no_price(packs):
    assert (
        loan_rate(pd.DataFrame({"pd": [None]}, dtype=float), packs["platform-line"].terms(TODAY))["rate"].isna().all()
    )


def test_a_rate_on_a_step_stays_and_one_just_above_goes_up():
    assert basis_points_up(pd.Series([0.0475, 0.04750001]), 5).tolist() == [475, 480]


@given(st.floats(0, 1), st.integers(1, 25))
def test_a_quoted_rate_covers_the_price_and_is_a_whole_step(rate, step):
    quoted = basis_points_up(pd.Series([rate]), step)[0]
    assert quoted % step == 0
    assert rate * 10_000 - 1e-6 * step <= quoted < rate * 10_000 + step


def test_the_fee_of_a_small_guarantee_is_the_minimum_of_300_yuan():
    # CNY 20,000 at 0.73 % is CNY 146.
    assert fee_fen(2_000_000, 73, 365, 0) == 14_600
    assert fee_fen(2_000_000, 73, 365, 30_000) == 30_000


def test_a_fee_of_exactly_the_minimum_is_the_minimum_and_one_fen_above_is_charged():
    assert fee_fen(3_000_000, 100, 365, 30_000) == 30_000
    assert fee_fen(3_000_001, 100, 365, 30_000) == 30_001


@given(st.integers(0, 10**12), st.integers(0, 400), st.integers(0, 2000))
def test_a_fee_is_never_less_than_the_rate_for_the_days(amount, rate, days):
    fee = fee_fen(amount, rate, days, 30_000)
    assert fee >= 30_000
    assert fee * 3_650_000 >= amount * rate * days
    assert fee == 30_000 or (fee - 1) * 3_650_000 < amount * rate * days


@given(st.integers(0, 10**12), st.integers(0, 399), st.integers(0, 2000))
def test_a_higher_rate_never_lowers_a_fee(amount, rate, days):
    assert fee_fen(amount, rate, days, 30_000) <= fee_fen(amount, rate + 1, days, 30_000)
