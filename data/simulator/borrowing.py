"""Rows about credit: applications, and what happened on each draw."""

from __future__ import annotations

import numpy as np

from data.simulator.arrays import NEVER, Flags, Ints
from data.simulator.settings import LENDERS
from data.simulator.sheets import Sheet, labels, sheet, stacked
from data.simulator.world import World


def applications(world: World) -> Sheet:
    """Applications and answers."""
    asked = world.lines.applications
    return sheet(
        "applications",
        supplier_id=world.ids.suppliers(asked["firm"]),
        lender_id=labels(LENDERS, world.firms.house_bank[asked["firm"]]),
        applied_on=asked["applied_on"],
        requested_fen=asked["requested"],
        answer=labels(("REFUSED", "GRANTED"), asked["granted"]),
    )


def reached(world: World, loans: Ints, days: int) -> Flags:
    """Draws still unpaid in the evening, that many days after they were due."""
    when = world.loans["due_on"][loans] + days
    ended = np.minimum(world.loans["repaid_on"][loans], world.loans["written_off_on"][loans])
    return (when <= world.day) & (ended > when)


def credit_events(world: World) -> Sheet:
    """Draws, marks past due, repayments and write-offs."""
    loans = world.loans
    everyone = np.arange(loans.rows.count)
    repaid = everyone[loans["repaid_on"] != NEVER]
    lost = everyone[loans["written_off_on"] != NEVER]
    return stacked(
        [
            _event(world, everyone, "DRAWN", loans["drawn_on"]),
            *(_past_due(world, everyone, mark) for mark in world.settings.lending.past_due_marks),
            _event(world, repaid, "REPAID", loans["repaid_on"][repaid]),
            _event(
                world,
                lost,
                "WRITTEN_OFF",
                loans["written_off_on"][lost],
                days=(loans["written_off_on"] - loans["due_on"])[lost],
            ),
        ]
    )


def _past_due(world: World, loans: Ints, mark: int) -> Sheet:
    late = loans[reached(world, loans, mark)]
    return _event(world, late, "PAST_DUE", world.loans["due_on"][late] + mark, days=mark)


def _event(world: World, which: Ints, kind: str, on: Ints, *, days: Ints | int = 0) -> Sheet:
    loans = world.loans
    firm = loans["firm"][which]
    return sheet(
        "credit_events",
        loan_id=world.ids.loans(which),
        supplier_id=world.ids.suppliers(firm),
        lender_id=labels(LENDERS, world.firms.house_bank[firm]),
        kind=kind,
        happened_on=on,
        due_on=loans["due_on"][which],
        amount_fen=loans["principal"][which],
        days_past_due=days,
    )
