"""Alternatives: the largest amount that needs nobody, and what could still be given for more."""

from __future__ import annotations

import pandas as pd
import pytest

from credit.domain.decision import decide
from credit.domain.offers import COLUMNS, alternatives
from credit.domain.policy.rules import Outcome
from credit.domain.products import product_named


@pytest.fixture
def offered(packs, frame, policy):
    def of(pack, **change):
        case = frame(pack, {"requested_fen": None} | change)
        found = packs[pack]
        return alternatives(product_named(found.product), found, case, policy[pack]["as_of"])

    return of


@pytest.mark.parametrize("change", [{}, {"exposure_fen": 10_000_000}, {"pd": 0.03}, {"turnover_fen": 30_000_000}])
def test_the_largest_is_granted_by_itself_and_a_step_more_is_not(offered, packs, frame, policy, change):
    name = "platform-line"
    pack, as_of = packs[name], policy[name]["as_of"]
    found = offered(name, **change)
    step = int(pack.terms(as_of)["rounding_step_fen"])
    least = int(pack.terms(as_of)["product_minimum_fen"])

    def outcome(fen):
        cases = frame(name, {**change, "requested_fen": fen})
        return Outcome(decide(product_named(pack.product), pack, cases, as_of).answers["outcome"].iloc[0])

    if found.empty:
        assert outcome(least) is not Outcome.APPROVE
        return
    largest = found["amount_fen"].max()
    assert outcome(largest) is Outcome.APPROVE and outcome(largest + step) is not Outcome.APPROVE
    for amount in found["amount_fen"].unique():
        assert outcome(int(amount)) is Outcome.APPROVE and amount % step == 0 and amount >= least


def test_a_referred_case_becomes_a_counter_offer(offered, ask):
    large = {"requested_fen": None, "turnover_fen": 10**10}
    whole = ask("platform-line", large).answers.iloc[0]
    assert whole["outcome"] == Outcome.REFER
    assert 0 < offered("platform-line", **large)["amount_fen"].max() < whole["amount_fen"]


def test_interest_is_of_the_whole_amount_over_the_tenor_rounded_up(offered):
    for row in offered("platform-line").itertuples():
        exact = row.amount_fen * row.yearly_rate_bp * row.tenor_months / 120_000
        assert exact <= row.cost_fen < exact + 1


def test_who_is_knocked_out_is_offered_nothing(offered):
    found = offered("platform-line", draws_overdue=1)
    assert found.empty and list(found) == list(COLUMNS)


def test_what_is_below_the_least_is_no_alternative(offered):
    assert offered("platform-line", turnover_fen=1).empty


def test_what_could_still_be_given_is_said_where_it_buys_something(offered):
    name = "advance-payment-guarantee"
    as_it_is = offered(name, account_locked=True)
    assert as_it_is["security"].tolist() in (["AS_IT_IS"], [])
    lacking = offered(name, account_locked=False, contract_confirmed=True)
    if not as_it_is.empty:
        assert lacking["security"].tolist() == ["LOCKED"]
        assert lacking["amount_fen"].tolist() == as_it_is["amount_fen"].tolist()
        assert pd.notna(lacking["cost_fen"].iloc[0])
