"""The allocation: within every limit, no worse than anything else that is, and proven."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.domain import allocation
from credit.domain.allocation import Churn, Costs, Pooled, Problem

STEP = 100_000
COSTS = Costs(loss_given_default=0.45, funding=0.02, work=0.01)
CHURN = Churn.fitted(
    pd.DataFrame({"A": [0.0, 0.2, 0.6, 0.9], "B": [0.0, 0.15, 0.5, 0.85]}, index=[0.04, 0.06, 0.10, 0.15])
)
RATES = (0.05, 0.07, 0.1, 0.13)


def problem(firms, budget_steps, pools=(), **more):
    frame = pd.DataFrame(firms, columns=["pd", "rating", "least", "most"])
    frame = frame.assign(least_fen=frame["least"] * STEP, most_fen=frame["most"] * STEP)
    return Problem(frame, budget_steps * STEP, RATES, CHURN, COSTS, tuple(pools), STEP, **more)


firm = st.tuples(st.floats(0.001, 0.15), st.sampled_from("AB"), st.integers(1, 3), st.integers(1, 5))


@st.composite
def problems(draw):
    firms = draw(st.lists(firm, min_size=1, max_size=4))
    members = draw(st.lists(st.integers(0, len(firms) - 1), min_size=1, unique=True))
    pool = Pooled("pool", np.array(sorted(members)), draw(st.integers(-1, 8)) * STEP + draw(st.integers(0, 5)))
    return problem(firms, draw(st.integers(1, 12)), [pool], counts_expected=draw(st.booleans()))


def refuse_excess(asked, made):
    offers = made.offers
    firms = asked.firms.loc[offers.index]
    assert offers.index.is_unique
    assert ((offers["amount_fen"] >= firms["least_fen"]) & (offers["amount_fen"] <= firms["most_fen"])).all()
    assert (offers["amount_fen"] % STEP == 0).all()
    used = offers["amount_fen"] * (offers["taken"] if asked.counts_expected else 1)
    everyone = Pooled("all", np.arange(len(asked.firms)), asked.budget_fen)
    for pool in (everyone, *asked.pools):
        held = used[offers.index.isin(asked.firms.index[pool.firms])].sum()
        # What is expected is no whole number: a thousandth of a fen is none.
        assert held <= max(pool.most_fen, 0) + (1e-3 if asked.counts_expected else 0)


def best_by_trying(asked):
    """The greatest profit by trying every amount of every firm at every rate."""
    offers = allocation.choices(asked)
    of_firm = []
    for place, each in enumerate(asked.firms.itertuples()):
        mine = offers[offers["firm"] == place]
        steps = range(each.least_fen // STEP, each.most_fen // STEP + 1)
        ways = [(n * STEP * o.margin, n * STEP * o.used) for o in mine.itertuples() for n in steps]
        of_firm.append([(0.0, 0.0), *ways])
    best = 0.0
    for chosen in product(*of_firm):
        used = np.array([use for _, use in chosen])
        fits = used.sum() <= asked.budget_fen + 1e-6
        fits &= all(used[pool.firms].sum() <= max(pool.most_fen, 0) + 1e-6 for pool in asked.pools)
        if fits:
            best = max(best, sum(earned for earned, _ in chosen))
    return best


@settings(max_examples=60, deadline=None)
@given(problems())
def test_it_is_within_every_limit_and_nothing_within_them_earns_more(asked):
    made = allocation.allocate(asked)
    refuse_excess(asked, made)
    best = best_by_trying(asked)
    assert made.profit_fen == pytest.approx(best, abs=len(asked.firms) + 1e-6 * best)
    assert made.bound_fen >= made.profit_fen


@settings(max_examples=60, deadline=None)
@given(problems())
def test_simpler_ways_are_within_every_limit_and_earn_no_more(asked):
    made = allocation.allocate(asked)
    at_a_price = np.full(len(asked.firms), 0.07)
    for other in (
        allocation.equal_split(asked, at_a_price),
        allocation.rank_and_fill(asked),
        allocation.rank_and_fill(asked, at_a_price),
    ):
        refuse_excess(asked, other)
        assert other.profit_fen <= made.profit_fen + len(asked.firms)


def test_what_one_more_yuan_would_earn_is_what_it_earns():
    # More than enough good firms: the last yuan goes where it earns least.
    asked = problem([(0.01, "A", 1, 40), (0.03, "A", 1, 40)], 60)
    made = allocation.allocate(asked)
    more = allocation.allocate(replace(asked, budget_fen=asked.budget_fen + STEP))
    assert more.profit_fen - made.profit_fen == pytest.approx(made.duals["budget"] * STEP, abs=2)
    assert list(made.duals) == ["budget"]


def test_a_budget_that_nobody_needs_earns_nothing_more():
    made = allocation.allocate(problem([(0.01, "A", 1, 5)], 100))
    assert made.duals == {}
    assert made.gap < 1e-4


def test_a_firm_that_loses_at_every_rate_is_offered_nothing():
    made = allocation.allocate(problem([(0.15, "B", 1, 5), (0.9, "B", 1, 5)], 100))
    assert made.offers.index.tolist() in ([0], [])
    nothing = allocation.allocate(problem([(0.9, "B", 1, 5)], 100))
    assert (nothing.profit_fen, nothing.offered_fen, nothing.gap) == (0, 0, 0.0)


def test_an_allocation_that_was_not_found_in_time_is_said_so():
    many = problem([(0.001 * place, "A", 1, 5) for place in range(1, 30)], 60)
    with pytest.raises(ValueError, match="no allocation was found"):
        allocation.allocate(many, seconds=0.0)


def test_a_curve_never_falls_with_the_rate_and_ends_where_it_was_seen():
    seen = pd.DataFrame({"A": [0.1, 0.0, 0.4]}, index=[0.04, 0.05, 0.06])
    churn = Churn.fitted(seen)
    assert list(churn.lost["A"]) == sorted(churn.lost["A"])
    assert churn.at(pd.Series(["A"]), 0.055).tolist() == pytest.approx([0.225])
    with pytest.raises(ValueError, match="nothing is known"):
        churn.at(pd.Series(["A"]), 0.07)
    with pytest.raises(ValueError, match="no rating 'B'"):
        churn.at(pd.Series(["B"]), 0.05)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"A": [0.1]}, index=[0.04]),
        pd.DataFrame({"A": [0.1, 0.2]}, index=[0.04, 0.04]),
        pd.DataFrame({"A": [0.1, 1.2]}, index=[0.04, 0.05]),
        pd.DataFrame({"A": [0.1, None]}, index=[0.04, 0.05]),
        pd.DataFrame({"A": [0.1, 0.2]}, index=[0.0, 0.05]),
        pd.DataFrame(index=[0.04, 0.05]),
    ],
)
def test_what_is_no_curve_is_refused(table):
    with pytest.raises(ValueError, match="rate"):
        Churn.fitted(table)


def test_offers_that_are_held_are_worth_the_same_without_a_shock_and_less_with_one():
    asked = problem([(0.01, "A", 1, 40), (0.03, "B", 1, 40)], 60)
    made = allocation.allocate(asked)
    assert allocation.valued(asked, made.offers).equals(made.offers)
    shocked = replace(asked, churn=asked.churn.shifted(2.0))
    assert allocation.valued(shocked, made.offers)["profit_fen"].sum() < made.profit_fen
