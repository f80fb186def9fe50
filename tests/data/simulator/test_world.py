"""What must hold inside the simulated world, whatever was drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from data.simulator.accounts import Purpose
from data.simulator.arrays import NEVER, Ints
from data.simulator.clock import run
from data.simulator.demand import Ending
from data.simulator.outcomes import defaulted
from data.simulator.settings import Settings
from data.simulator.world import World

SMALL = Settings(suppliers=300, end=date(2024, 6, 30), seed=11)


@pytest.fixture(scope="module")
def world() -> World:
    return run(SMALL)


def lost_draws(world: World) -> Ints:
    return np.flatnonzero(defaulted(world, np.arange(world.loans.rows.count)))


def test_cash_at_the_end_is_cash_at_the_start_plus_what_came_in_less_what_went_out(world):
    accounts = world.accounts
    came_in = sum(accounts.received.values())
    went_out = sum(accounts.paid.values())
    np.testing.assert_array_equal(accounts.cash, accounts.opening + came_in - went_out)


def test_every_default_has_an_account_that_never_held_what_was_owed(world):
    loans = world.loans
    lost = lost_draws(world)
    owed = loans["principal"][lost] + loans["interest"][lost]
    assert lost.size > 0
    assert (loans["most_cash"][lost] < owed).all()


def test_a_draw_whose_account_held_enough_when_it_was_due_is_repaid_that_day(world):
    loans = world.loans
    never_short = (loans["most_cash"] == -NEVER * NEVER) & (loans["due_on"] <= world.day)
    assert (loans["repaid_on"][never_short] <= loans["due_on"][never_short]).all()


def test_every_breach_left_a_delivery_undelivered(world):
    plan, work = world.contracts, world.deliveries
    delivered = np.bincount(work.contract, work.delivered_on != NEVER, plan.firm.size)
    broken = plan.ending == Ending.SUPPLIER_FAULT
    assert broken.any()
    assert (delivered[broken] < plan.deliveries[broken]).all()


def test_payments_of_a_contract_never_exceed_its_amount_and_its_changes(world):
    plan, work = world.contracts, world.deliveries
    progress = np.where(work.paid_on != NEVER, work.payment, 0)
    paid = np.bincount(work.contract, progress, plan.firm.size).astype(np.int64)
    paid += np.where(plan.advance_paid_on != NEVER, plan.advance, 0)
    paid += np.where(plan.retention_paid_on != NEVER, plan.retention_due, 0)
    assert (paid <= plan.amount + plan.change - plan.rejected).all()


def test_a_completed_contract_promises_exactly_what_was_accepted(world):
    plan = world.contracts
    done = (plan.ending == Ending.COMPLETED) & (plan.advance_paid_on != NEVER)
    promised = plan.advance + plan.progress_due + plan.retention_due
    assert done.any()
    np.testing.assert_array_equal(promised[done], plan.accepted[done])


def test_what_buyers_paid_is_what_the_accounts_received_from_them(world):
    plan, work = world.contracts, world.deliveries
    paid = np.zeros(world.firms.count, dtype=np.int64)
    for happened, amount, contract in (
        (work.paid_on, work.payment, work.contract),
        (plan.advance_paid_on, plan.advance, np.arange(plan.firm.size)),
        (plan.retention_paid_on, plan.retention_due, np.arange(plan.firm.size)),
    ):
        known = happened != NEVER
        np.add.at(paid, plan.firm[contract[known]], amount[known])
    np.testing.assert_array_equal(paid, world.accounts.received[Purpose.BUYER])


def test_the_backlog_of_each_firm_is_what_its_open_contracts_still_have_to_deliver(world):
    plan = world.contracts
    opened = plan.signed & (plan.ending == Ending.OPEN)
    still_to_do = np.bincount(plan.firm[opened], plan.undelivered[opened], world.firms.count)
    np.testing.assert_array_equal(world.condition.backlog, still_to_do.astype(np.int64))


def test_outstanding_credit_is_what_was_drawn_and_not_repaid(world):
    loans = world.loans
    running = loans["repaid_on"] == NEVER
    owed = np.bincount(loans["firm"][running], loans["principal"][running], world.firms.count)
    np.testing.assert_array_equal(world.lines.outstanding, owed.astype(np.int64))


def test_the_share_of_borrowers_is_met(world):
    assert world.lines.ever_drew.mean() == pytest.approx(0.5, abs=0.03)


def test_nobody_borrows_where_the_share_is_zero():
    settings = Settings(suppliers=30, borrower_share=0, start=date(2021, 1, 1), end=date(2022, 3, 31))
    assert run(settings).loans.rows.count == 0


def test_firms_with_more_capital_default_less(world):
    rich = run(replace(SMALL, population=replace(SMALL.population, buffer_months=8.0)))
    assert lost_draws(rich).size < lost_draws(world).size


@pytest.mark.parametrize(
    "wrong",
    [{"suppliers": 0}, {"borrower_share": 1.01}, {"borrower_share": -0.01}, {"end": date(2020, 1, 1)}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)
