"""What became of each draw and each contract, once its window is over: labels that no feature can read."""

from __future__ import annotations

import numpy as np

from data.simulator.arrays import NEVER, Flags, Ints
from data.simulator.borrowing import reached
from data.simulator.demand import Ending
from data.simulator.guarantees import paid_on
from data.simulator.ids import joined
from data.simulator.sheets import Sheet, sheet, stacked
from data.simulator.world import World

_BREACH_WINDOW_DAYS = 180  # after the planned acceptance


def outcomes(world: World) -> Sheet:
    """Outcomes of all draws and contracts whose window is over."""
    return stacked([_of_draws(world), _of_contracts(world)])


def defaulted(world: World, loans: Ints) -> Flags:
    """Draws that were 90 days past due, or written off before."""
    return reached(world, loans, world.settings.lending.default_days)


def _of_draws(world: World) -> Sheet:
    loans = world.loans
    matured_on = loans["due_on"] + world.settings.lending.default_days
    which = np.flatnonzero(matured_on <= world.day)
    return sheet(
        "outcomes",
        outcome_id=joined("loan_default-", world.ids.loans(which)),
        target="loan_default",
        supplier_id=world.ids.suppliers(loans["firm"][which]),
        loan_id=world.ids.loans(which),
        contract_id=None,
        opened_on=loans["drawn_on"][which],
        matured_on=matured_on[which],
        happened=defaulted(world, which),
    )


def breached(world: World) -> Flags:
    """Contracts that ended by the supplier's fault, or a guarantee of which was paid."""
    return (world.contracts.ending == Ending.SUPPLIER_FAULT) | (paid_on(world) != NEVER)


def _of_contracts(world: World) -> Sheet:
    plan, called_on = world.contracts, paid_on(world)
    window_ends = plan.planned_on + _BREACH_WINDOW_DAYS
    called = called_on != NEVER
    matured_on = np.maximum.reduce([window_ends, plan.closed_on, np.where(called, called_on, window_ends)])
    which = np.flatnonzero(plan.signed & (matured_on <= world.day))
    return sheet(
        "outcomes",
        outcome_id=joined("performance_breach-", world.ids.contracts(which)),
        target="performance_breach",
        supplier_id=world.ids.suppliers(plan.firm[which]),
        loan_id=None,
        contract_id=world.ids.contracts(which),
        opened_on=plan.signed_on[which],
        matured_on=matured_on[which],
        happened=breached(world)[which],
    )
