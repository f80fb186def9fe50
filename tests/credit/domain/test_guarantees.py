"""What a guarantee's offer says: when it takes effect, how it falls, when it ends, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.decision import decide
from credit.domain.policy.terms import Dated, Parameter
from credit.domain.products import product_named
from credit.domain.products.guarantees import reduction_schedule
from credit.domain.record import record

AS_OF = date(2026, 6, 30)
CONTEXT = {
    "application": {},
    "decided_at": "",
    "pd_horizon_months": 8,
    "unscorable": None,
    "model": {},
    "ledger": {},
    "features": {},
    "reasons": [],
}


@pytest.fixture
def offer(ask):
    """The conditions of a guarantee offered to the good applicant, changed as given."""
    return lambda pack, given: record(ask(pack, given), 0, CONTEXT)["conditions"]


def test_the_advance_guarantee_takes_effect_only_when_the_advance_arrives(offer):
    assert (
        "credited to the named collection account, not before"
        in offer("advance-payment-guarantee", {})["effective"]["en"]
    )


def test_the_advance_guarantee_falls_to_nothing_by_the_planned_acceptance(offer):
    planned = offer("advance-payment-guarantee", {})["reduction"]["planned"]
    assert [row["amount_fen"] for row in planned] == [60_000_000, 40_000_000, 20_000_000, 0]
    assert planned[-1]["on"] == "2026-12-31"


def test_the_performance_guarantee_stays_flat(offer):
    assert offer("performance-guarantee", {})["reduction"]["planned"] == []


@pytest.mark.parametrize(("guarantee", "days"), [("advance-payment-guarantee", 45), ("performance-guarantee", 30)])
def test_a_guarantee_ends_so_many_days_after_the_planned_acceptance(offer, guarantee, days):
    assert offer(guarantee, {})["expiry"] == str(date(2026, 12, 31) + timedelta(days=days))


def test_a_guarantee_on_a_late_contract_ends_so_many_days_from_today_and_plans_no_reduction(offer):
    said = offer("advance-payment-guarantee", {"planned_acceptance_on": date(2026, 1, 1)})
    assert said["expiry"] == str(AS_OF + timedelta(days=45))
    assert said["reduction"]["planned"] == []


def test_without_a_planned_acceptance_expiry_and_fee_stay_open(offer):
    said = offer("advance-payment-guarantee", {"planned_acceptance_on": None})
    assert (said["expiry"], said["fee_fen"], said["reduction"]["planned"]) == (None, None, [])


def test_the_fee_is_the_rate_for_the_days_until_the_end(offer):
    # 800,000 × 0.73 % × 229 / 365, the days to 2027-02-14: 3,664 yuan exactly.
    assert offer("advance-payment-guarantee", {})["fee_fen"] == 366_400


def test_a_small_guarantee_costs_the_minimum(offer):
    assert offer("performance-guarantee", {})["fee_fen"] == 30_000


@given(st.integers(0, 10**12), st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 2000))
def test_a_planned_reduction_never_falls_below_the_advance_still_open(amount, start, days):
    rows = reduction_schedule(amount, start, start + timedelta(days=days))
    for row in rows:
        assert row["amount_fen"] >= amount * (1 - row["accepted_share"]) - 1e-3
        assert str(start) <= row["on"] <= str(start + timedelta(days=days))
    left = [row["amount_fen"] for row in rows]
    assert left == sorted(left, reverse=True)
    assert (left[-1], rows[-1]["on"]) == (0, str(start + timedelta(days=days)))


def test_a_performance_guarantee_falls_by_the_stated_step_rounded_up(packs, frame, policy):
    name = "performance-guarantee"
    half = Parameter("performance_step_down", "share", "a test", (Dated(date(2016, 1, 1), 0.5),))
    pack = replace(packs[name], parameters={**packs[name].parameters, "performance_step_down": half})
    decided = decide(product_named(pack.product), pack, frame(name), policy[name]["as_of"])
    case = {str(column): decided.cases[column].iloc[0] for column in decided.cases}
    case |= {"amount_fen": 100_001, "yearly_rate_bp": 100}
    falls = decided.product.conditions(case, decided.terms)["reduction"]
    assert [step["amount_fen"] for step in falls["planned"]] == [50_001]
    assert (
        decided.product.conditions({**case, "planned_acceptance_on": None}, decided.terms)["reduction"]["planned"] == []
    )
