"""Guarantees: issued, effective when the advance arrives, reduced as it is recouped, released or paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.arrays import NEVER, Flags, Ints, days_between, never, running_total_by, to_fen
from data.simulator.demand import Ending
from data.simulator.sheets import Sheet, sheet, stacked
from data.simulator.trade import recouped, recouped_share
from data.simulator.world import World

_FORMS = ("ADVANCE_PAYMENT", "PERFORMANCE")


@dataclass(frozen=True, slots=True)
class Paths:
    """How the guarantees of one form ran, by contract of the plan; days are NEVER where it did not happen."""

    form: str
    amount: Ints
    issued_on: Ints
    effective_on: Ints
    left: Ints  # at the end of the contract, or today
    demanded_on: Ints
    paid_on: Ints
    released_on: Ints


def paths(world: World) -> tuple[Paths, Paths]:
    """Advance-payment and performance guarantees."""
    return _advance_paths(world), _performance_paths(world)


def paid_on(world: World) -> Ints:
    """The day a guarantee of each contract was paid; NEVER where none was."""
    advance, performance = paths(world)
    return np.minimum(advance.paid_on, performance.paid_on)


def _issued(world: World, wanted: Flags) -> Flags:
    """Guarantees that were issued: the contract still ran on the day planned for it."""
    plan = world.contracts
    return wanted & plan.signed & (plan.guarantee_on <= world.day) & (plan.guarantee_on < plan.closed_on)


def _advance_paths(world: World) -> Paths:
    plan = world.contracts
    issued = _issued(world, plan.advance_guaranteed)
    effective_on = np.where(issued, plan.advance_paid_on, NEVER)
    left = plan.advance - recouped(world, np.arange(plan.firm.size))
    broken = issued & (plan.ending == Ending.SUPPLIER_FAULT) & (effective_on != NEVER) & (left > 0)
    return _path(world, _FORMS[0], plan.advance, issued, effective_on, left, broken)


def _performance_paths(world: World) -> Paths:
    plan, assumed = world.contracts, world.settings.guarantees
    issued = _issued(world, plan.performance_guaranteed)
    called = world.settings.generator("performance calls").random(issued.size) < assumed.performance_called
    broken = issued & (plan.ending == Ending.SUPPLIER_FAULT) & called
    amount = to_fen(plan.amount * assumed.performance_share)
    return _path(world, _FORMS[1], amount, issued, np.where(issued, plan.guarantee_on, NEVER), amount, broken)


def _path(
    world: World,
    form: str,
    amount: Ints,
    issued: Flags,
    effective_on: Ints,
    left: Ints,
    broken: Flags,
) -> Paths:
    """The end of each guarantee: paid on demand after a breach, otherwise released after the contract."""
    plan, assumed = world.contracts, world.settings.guarantees
    rng = world.settings.generator(f"guarantees {form}")
    size = amount.size
    demand = plan.closed_on + days_between(rng, assumed.demand_lag_days, size)
    release = plan.closed_on + days_between(rng, assumed.release_lag_days, size)
    closed = issued & (plan.closed_on != NEVER)
    return Paths(
        form=form,
        amount=amount,
        issued_on=np.where(issued, plan.guarantee_on, NEVER),
        effective_on=effective_on,
        left=left,
        demanded_on=_by_today(world, np.where(broken, demand, NEVER)),
        paid_on=_by_today(world, np.where(broken, demand + assumed.pay_lag_days, NEVER)),
        released_on=_by_today(world, np.where(closed & ~broken, release, NEVER)),
    )


def _by_today(world: World, on: Ints) -> Ints:
    return np.where(on <= world.day, on, NEVER)


def guarantee_events(world: World) -> Sheet:
    """What happened to every guarantee."""
    advance, performance = paths(world)
    return stacked(
        [
            *_common_events(world, advance),
            _reductions(world, advance),
            *_common_events(world, performance),
        ]
    )


def _common_events(world: World, path: Paths) -> list[Sheet]:
    steps = (
        ("ISSUED", path.issued_on, path.amount),
        ("EFFECTIVE", path.effective_on, path.amount),
        ("DEMANDED", path.demanded_on, path.left),
        ("PAID", path.paid_on, path.left),
        ("RELEASED", path.released_on, path.left),
    )
    return [
        _event(world, path.form, which, kind, on[which], amount[which])
        for kind, on, amount in steps
        for which in [np.flatnonzero(on != NEVER)]
    ]


def _reductions(world: World, path: Paths) -> Sheet:
    """Each acceptance lowers an advance guarantee to what is not yet recouped."""
    plan, work = world.contracts, world.deliveries
    accepted = running_total_by(work.contract, work.accepted)
    at_progress = world.settings.trade.recouped_at_progress
    amount, advance = plan.amount[work.contract], plan.advance[work.contract]
    now = recouped_share(accepted, amount, at_progress=at_progress)
    before = recouped_share(accepted - work.accepted, amount, at_progress=at_progress)
    effective = work.accepted_on >= np.minimum(path.effective_on[work.contract], never(accepted.size))
    known = (path.effective_on[work.contract] != NEVER) & (work.accepted_on != NEVER)
    which = np.flatnonzero(known & effective & (now > before))
    left = advance - to_fen(advance * now)
    return _event(world, path.form, work.contract[which], "REDUCED", work.accepted_on[which], left[which])


def _event(world: World, form: str, contract: Ints, kind: str, on: Ints, amount: Ints) -> Sheet:
    return sheet(
        "guarantee_events",
        guarantee_id=world.ids.guarantees(contract * len(_FORMS) + _FORMS.index(form)),
        contract_id=world.ids.contracts(contract),
        supplier_id=world.ids.suppliers(world.contracts.firm[contract]),
        form=form,
        kind=kind,
        happened_on=on,
        amount_fen=amount,
    )
