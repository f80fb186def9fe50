"""Rows about contracts: from signature to acceptance, payment, change, dispute and end."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from data.simulator.arrays import NEVER, Ints, days_between
from data.simulator.demand import Ending
from data.simulator.settings import CATEGORIES, CHANNELS
from data.simulator.sharing import to_locked_account
from data.simulator.sheets import Sheet, labels, sheet, stacked
from data.simulator.world import World

_FAULTS = {
    Ending.COMPLETED: "NONE",
    Ending.SUPPLIER_FAULT: "SUPPLIER",
    Ending.BUYER_FAULT: "BUYER",
    Ending.NO_FAULT: "NONE",
}
_KINDS = {Ending.COMPLETED: "COMPLETED"}
_DISPUTE_RAISED_AFTER_DAYS = (1, 10)


def awards(world: World) -> Sheet:
    """What was won: each contract's award notice, known some days before its signature."""
    plan = world.contracts
    which = np.flatnonzero(plan.signed)
    return sheet(
        "awards",
        award_id=world.ids.contracts(which),
        supplier_id=world.ids.suppliers(plan.firm[which]),
        awarded_on=plan.awarded_on[which],
        buyer_id=world.ids.buyers(plan.buyer[which]),
        amount_fen=plan.amount[which],
    )


def contracts(world: World) -> Sheet:
    """Contracts as they were signed."""
    plan = world.contracts
    which = np.flatnonzero(plan.signed)
    return sheet(
        "contracts",
        contract_id=world.ids.contracts(which),
        supplier_id=world.ids.suppliers(plan.firm[which]),
        buyer_id=world.ids.buyers(plan.buyer[which]),
        awarded_on=plan.awarded_on[which],
        signed_on=plan.signed_on[which],
        channel=labels([each.name for each in CHANNELS], plan.channel[which]),
        category=labels(CATEGORIES, plan.category[which]),
        region=plan.region[which].astype(str),
        amount_fen=plan.amount[which],
        advance_fen=plan.advance[which],
        retention_fen=plan.retention[which],
        planned_acceptance_on=plan.planned_on[which],
    )


def amendments(world: World) -> Sheet:
    """Changes of value and date, and ends; what was sent back is cut from a contract when it completes."""
    plan = world.contracts
    changed = np.flatnonzero(plan.changed_on != NEVER)
    cut = np.flatnonzero((plan.ending == Ending.COMPLETED) & (plan.rejected > 0))
    ends = [
        _amendment(world, which, plan.closed_on[which], _KINDS.get(ending, "TERMINATED"), fault)
        for ending, fault in _FAULTS.items()
        for which in [np.flatnonzero(plan.ending == ending)]
    ]
    return stacked(
        [
            _amendment(world, changed, plan.changed_on[changed], "VALUE", change=plan.change[changed]),
            _amendment(world, cut, plan.closed_on[cut], "VALUE", change=-plan.rejected[cut]),
            _date_changes(world),
            *ends,
        ]
    )


def _amendment(world: World, which: Ints, on: Ints, kind: str, fault: str = "NONE", *, change: Ints | int = 0) -> Sheet:
    return sheet(
        "amendments",
        contract_id=world.ids.contracts(which),
        supplier_id=world.ids.suppliers(world.contracts.firm[which]),
        amended_on=on,
        kind=kind,
        fault=fault,
        change_fen=change,
    )


def _date_changes(world: World) -> Sheet:
    """Dates agreed anew on contracts that run late; the platform keeps only that it happened."""
    work = world.deliveries
    rng = world.settings.generator("date changes")
    late = np.flatnonzero((work.delivered_on != NEVER) & (work.delivered_on > work.due_on))
    late = late[rng.random(late.size) < world.settings.trade.date_change_chance]
    return _amendment(world, work.contract[late], work.due_on[late], "DATE")


def deliveries(world: World) -> Sheet:
    """Deliveries that arrived."""
    plan, work = world.contracts, world.deliveries
    which = np.flatnonzero(work.delivered_on != NEVER)
    contract = work.contract[which]
    return sheet(
        "deliveries",
        delivery_id=world.ids.deliveries(which),
        contract_id=world.ids.contracts(contract),
        supplier_id=world.ids.suppliers(plan.firm[contract]),
        buyer_id=world.ids.buyers(plan.buyer[contract]),
        due_on=work.due_on[which],
        delivered_on=work.delivered_on[which],
        value_fen=work.value[which],
    )


def acceptances(world: World) -> Sheet:
    """Acceptances with their ratings."""
    plan, work = world.contracts, world.deliveries
    which = np.flatnonzero(work.accepted_on != NEVER)
    contract = work.contract[which]
    return sheet(
        "acceptances",
        delivery_id=world.ids.deliveries(which),
        contract_id=world.ids.contracts(contract),
        supplier_id=world.ids.suppliers(plan.firm[contract]),
        buyer_id=world.ids.buyers(plan.buyer[contract]),
        accepted_on=work.accepted_on[which],
        accepted_fen=work.accepted[which],
        rejected_fen=work.rejected[which],
        rating=work.rating[which],
        payment_due_on=work.payment_due_on[which],
    )


def payments(world: World) -> Sheet:
    """Money that arrived: advances, progress payments, retention."""
    plan, work = world.contracts, world.deliveries
    advanced = np.flatnonzero(plan.advance_paid_on != NEVER)
    paid = np.flatnonzero(work.paid_on != NEVER)
    released = np.flatnonzero(plan.retention_paid_on != NEVER)
    return stacked(
        [
            _payment(
                world,
                advanced,
                "ADVANCE",
                due_on=plan.signed_on[advanced] + world.settings.trade.advance_due_days,
                paid_on=plan.advance_paid_on[advanced],
                amount=plan.advance[advanced],
            ),
            _payment(
                world,
                work.contract[paid],
                "PROGRESS",
                due_on=work.payment_due_on[paid],
                paid_on=work.paid_on[paid],
                amount=work.payment[paid],
                delivery=world.ids.deliveries(paid),
            ),
            _payment(
                world,
                released,
                "RETENTION",
                due_on=plan.retention_due_on[released],
                paid_on=plan.retention_paid_on[released],
                amount=plan.retention_due[released],
            ),
        ]
    )


def _payment(
    world: World,
    contract: Ints,
    kind: str,
    *,
    due_on: Ints,
    paid_on: Ints,
    amount: Ints,
    delivery: pa.Array | None = None,
) -> Sheet:
    plan = world.contracts
    return sheet(
        "payments",
        contract_id=world.ids.contracts(contract),
        supplier_id=world.ids.suppliers(plan.firm[contract]),
        buyer_id=world.ids.buyers(plan.buyer[contract]),
        kind=kind,
        delivery_id=delivery,
        due_on=due_on,
        paid_on=paid_on,
        amount_fen=amount,
        to_locked_account=to_locked_account(world, kind, contract, paid_on),
    )


def disputes(world: World) -> Sheet:
    """Disputes as raised, and as upheld or dismissed."""
    plan, work = world.contracts, world.deliveries
    rng = world.settings.generator("disputes")
    which = np.flatnonzero(work.disputed)
    raised_on = work.accepted_on[which] + days_between(rng, _DISPUTE_RAISED_AFTER_DAYS, which.size)
    ended_on = work.dispute_ends_on[which]
    upheld = np.where(work.dispute_upheld[which], "UPHELD", "DISMISSED")
    contract = work.contract[which]
    events = [
        sheet(
            "disputes",
            dispute_id=world.ids.disputes(which),
            contract_id=world.ids.contracts(contract),
            supplier_id=world.ids.suppliers(plan.firm[contract]),
            happened_on=on,
            kind=kind,
            amount_fen=np.where(work.rejected[which] > 0, work.rejected[which], work.payment[which] // 4),
        )
        for on, kind in ((raised_on, "RAISED"), (ended_on, upheld))
    ]
    return stacked(events)
