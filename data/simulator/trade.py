"""Contracts from signature to the last payment, one day at a time.

A breach is never drawn: a contract breaks when its delivery does not come within the buyer's patience
because the work was managed badly, too much was taken on, or the material could not be paid.
"""

from __future__ import annotations

import numpy as np

from data.simulator.accounts import Purpose
from data.simulator.arrays import FEN_A_YUAN, Flags, Floats, Ints, days_between, to_fen
from data.simulator.demand import FRAMEWORK, PROJECT, Ending
from data.simulator.settings import LEVELS, day_number
from data.simulator.world import World

_RETRY_DAYS = 7  # a firm that could not buy its material tries again a week later
_RATING_BEST, _RATING_WORST = 5, 1


def trade_one_day(world: World) -> None:
    """Everything that happens to contracts on the day, in the order of a contract's life."""
    sign(world)
    change_values(world)
    pay_trade_bills(world)
    receive_advances(world)
    receive_payments(world)
    receive_retentions(world)
    begin_work(world)
    deliver(world)
    accept(world)
    end_early(world)
    end_broken(world)


def sign(world: World) -> None:
    """Sign the contracts awarded for today, except with firms that are ruined or banned."""
    contracts, condition, day = world.contracts, world.condition, world.day
    begin, end = np.searchsorted(contracts.signed_on, [day, day + 1])
    offered = np.arange(begin, end)
    firm = contracts.firm[offered]
    allowed = condition.trading[firm] & (condition.barred_until[firm] < day)
    signed = offered[allowed & ~_walks_away(world, offered)]
    firm = contracts.firm[signed]
    contracts.signed[signed] = True
    np.add.at(condition.backlog, firm, contracts.amount[signed])
    condition.first_signed_on[firm] = np.minimum(condition.first_signed_on[firm], day)
    world.agendas.starts.put(contracts.first_delivery[signed], np.full(signed.size, day + 1))
    _pledge(world, signed)
    _plan_advances(world, signed)
    _plan_changes(world, signed)


def _walks_away(world: World, offered: Ints) -> Flags:
    """Well-managed firms leave a contract whose material they could not pay; the others take it and hope."""
    contracts, firms = world.contracts, world.firms
    firm = contracts.firm[offered]
    delivery = contracts.amount[offered] / contracts.deliveries[offered]
    bill = delivery * (1 - firms.gross_margin[firm]) * world.settings.cash.material_at_start
    too_large = bill > world.accounts.cash[firm]
    return too_large & (world.rng.random(offered.size) < firms.skill[firm])


def _pledge(world: World, signed: Ints) -> None:
    """Collection accounts are often locked where a line is open or an advance has to be guaranteed."""
    contracts, sharing = world.contracts, world.settings.sharing
    has_line = world.lines.until[contracts.firm[signed]] >= world.day
    chance = np.where(has_line, sharing.pledged_with_line, sharing.pledged_otherwise)
    chance = np.where(contracts.advance[signed] > 0, sharing.pledged_with_advance, chance)
    large = contracts.amount[signed] >= sharing.pledged_from_yuan * FEN_A_YUAN
    contracts.pledged[signed] = large & (world.rng.random(signed.size) < chance)


def _plan_advances(world: World, signed: Ints) -> None:
    """An advance is paid soon after signature, or after its guarantee is issued where the buyer wants one."""
    contracts = world.contracts
    advanced = signed[contracts.advance[signed] > 0]
    base = np.where(contracts.advance_guaranteed[advanced], contracts.guarantee_on[advanced], world.day)
    lag = days_between(world.rng, world.settings.trade.advance_lag_days, advanced.size)
    world.agendas.advances.put(advanced, base + lag)


def _plan_changes(world: World, signed: Ints) -> None:
    """Some contracts will be changed in value half way, a few ended without the supplier's fault."""
    contracts, trade = world.contracts, world.settings.trade
    length = contracts.planned_on[signed] - world.day
    when = world.day + 1 + np.floor(world.rng.uniform(*trade.changed_at, signed.size) * length).astype(np.int64)
    channel, luck = contracts.channel[signed], world.rng.random(signed.size)
    changed = ((channel == PROJECT) | (channel == FRAMEWORK)) & (luck < trade.value_change_chance)
    ended = luck > 1 - trade.buyer_ends_chance
    world.agendas.changes.put(signed[changed], when[changed])
    world.agendas.early_ends.put(signed[ended], when[ended])


def change_values(world: World) -> None:
    """Raise or cut the value of the last delivery, if its work has not begun."""
    contracts, deliveries, trade = world.contracts, world.deliveries, world.settings.trade
    contract = world.agendas.changes.take(world.day)
    last = contracts.first_delivery[contract] + contracts.deliveries[contract] - 1
    possible = (contracts.ending[contract] == Ending.OPEN) & (deliveries.started_on[last] > world.day)
    contract, last = contract[possible], last[possible]
    share = world.rng.uniform(*trade.value_change, contract.size)
    # A cut cannot take more than half of what is still to be delivered last.
    change = np.maximum(to_fen(contracts.amount[contract] * share), -deliveries.value[last] // 2)
    contracts.change[contract] = change
    contracts.changed_on[contract] = world.day
    contracts.undelivered[contract] += change
    deliveries.value[last] += change
    np.add.at(world.condition.backlog, contracts.firm[contract], change)


def begin_work(world: World) -> None:
    """Buy the material and start; without cash the work waits until the buyer's patience runs out."""
    contracts, deliveries, day = world.contracts, world.deliveries, world.day
    work = _still_open(world, world.agendas.starts.take(day))
    contract = deliveries.contract[work]
    firm = contracts.firm[contract]
    ruined = ~world.condition.trading[firm]
    hopeless = ruined | (day >= deliveries.due_on[work] + contracts.patience[contract])
    _plan_breaches(world, contract[hopeless])
    work, contract, firm = work[~hopeless], contract[~hopeless], firm[~hopeless]

    material = to_fen(deliveries.value[work] * (1 - world.firms.gross_margin[firm]))
    first_bill = to_fen(material * world.settings.cash.material_at_start)
    able = world.accounts.affords(firm, first_bill)
    np.add.at(world.condition.short_of, firm[~able], first_bill[~able])
    world.agendas.starts.put(work[~able], np.full(int((~able).sum()), day + _RETRY_DAYS))

    work, firm, material, first_bill = work[able], firm[able], material[able], first_bill[able]
    world.accounts.pay(firm, first_bill, Purpose.MATERIAL)
    deliveries.started_on[work] = day
    deliveries.material[work] = material
    credit_days = world.settings.cash.trade_credit_days
    world.agendas.trade_bills.put(work, np.full(work.size, day + credit_days))
    world.agendas.arrivals.put(work, day + _days_of_work(world, work, firm))


def _days_of_work(world: World, work: Ints, firm: Ints) -> Ints:
    """Planned days, stretched by bad management, by too much work at once, and by luck."""
    trade, skill = world.settings.trade, world.firms.skill[firm]
    spread = trade.pace_spread_worst + (trade.pace_spread_best - trade.pace_spread_worst) * skill
    pace = trade.usual_pace * np.exp(spread * world.rng.normal(0, 1, work.size))
    load = world.condition.backlog[firm] / np.maximum(world.firms.usual_backlog[firm], 1)
    excess = np.clip(load - trade.overload_from, 0, trade.overload_most)
    pace *= 1 + trade.overload_slows * excess * (1.2 - skill)
    return np.maximum(1, np.rint(world.deliveries.days_planned[work] * pace)).astype(np.int64)


def pay_trade_bills(world: World) -> None:
    """Pay the rest of the material when the upstream supplier's credit ends, into arrears if need be."""
    work = world.agendas.trade_bills.take(world.day)
    material = world.deliveries.material[work]
    rest = material - to_fen(material * world.settings.cash.material_at_start)
    world.accounts.pay(world.contracts.firm[world.deliveries.contract[work]], rest, Purpose.MATERIAL)


def deliver(world: World) -> None:
    """Hand over what is finished; what comes after the buyer's patience has run out is no longer wanted."""
    contracts, deliveries, day = world.contracts, world.deliveries, world.day
    work = _still_open(world, world.agendas.arrivals.take(day))
    contract = deliveries.contract[work]
    firm = contracts.firm[contract]
    patience_ends = deliveries.due_on[work] + contracts.patience[contract]
    failed = ~world.condition.trading[firm] | (day > patience_ends)
    _plan_breaches(world, contract[failed])
    work, contract, firm = work[~failed], contract[~failed], firm[~failed]

    deliveries.delivered_on[work] = day
    _pay_overrun(world, work, firm)
    np.subtract.at(contracts.undelivered, contract, deliveries.value[work])
    np.subtract.at(world.condition.backlog, firm, deliveries.value[work])
    _plan_inspection(world, work)
    is_last = work == contracts.first_delivery[contract] + contracts.deliveries[contract] - 1
    following = work[~is_last] + 1
    begins = np.maximum(day + 1, deliveries.due_on[following] - deliveries.days_planned[following])
    world.agendas.starts.put(following, begins)


def _plan_inspection(world: World, work: Ints) -> None:
    """The buyer inspects some days later, one delivery of a contract after the other."""
    contracts, deliveries = world.contracts, world.deliveries
    on = world.day + days_between(world.rng, world.settings.trade.acceptance_days, work.size)
    follows = work > contracts.first_delivery[deliveries.contract[work]]
    before = np.where(follows, deliveries.inspected_on[work - 1], 0)
    deliveries.inspected_on[work] = np.maximum(on, before + 1)
    world.agendas.acceptances.put(work, deliveries.inspected_on[work])


def _pay_overrun(world: World, work: Ints, firm: Ints) -> None:
    """Work beyond the planned days costs wages that nobody reimburses."""
    deliveries, trade = world.deliveries, world.settings.trade
    planned = deliveries.days_planned[work]
    beyond = np.clip((world.day - deliveries.started_on[work]) / planned - 1, 0, trade.overrun_most)
    world.accounts.pay(firm, to_fen(deliveries.material[work] * beyond * trade.overrun_cost), Purpose.OVERRUN)


def accept(world: World) -> None:
    """The buyer accepts, rates, sends some of it back, and promises to pay."""
    contracts, deliveries = world.contracts, world.deliveries
    work = _still_open(world, world.agendas.acceptances.take(world.day))
    contract = deliveries.contract[work]
    firm = contracts.firm[contract]
    _inspect(world, work, firm)
    contracts.accepted[contract] += deliveries.accepted[work]
    contracts.rejected[contract] += deliveries.rejected[work]
    world.condition.weekly_sales += (
        np.bincount(firm, deliveries.accepted[work], world.firms.count) / world.settings.cash.sales_memory_weeks
    )
    _dispute(world, work)
    _promise_payment(world, work, contract)
    is_last = work == contracts.first_delivery[contract] + contracts.deliveries[contract] - 1
    _complete(world, contract[is_last])


def _inspect(world: World, work: Ints, firm: Ints) -> None:
    """What is sent back and how the delivery is rated."""
    deliveries, trade, rng = world.deliveries, world.settings.trade, world.rng
    skill = world.firms.skill[firm]
    chance = trade.rejection_worst + (trade.rejection_best - trade.rejection_worst) * skill
    share = rng.uniform(*trade.rejected_share, work.size) * (rng.random(work.size) < chance)
    value = deliveries.value[work]
    deliveries.accepted_on[work] = world.day
    deliveries.rejected[work] = to_fen(value * share)
    deliveries.accepted[work] = value - deliveries.rejected[work]
    late = np.maximum(deliveries.delivered_on[work] - deliveries.due_on[work], 0)
    days_a_point, most_days = trade.rating_late_days
    rating = trade.rating_of_worst + trade.rating_for_skill * skill
    rating -= np.minimum(late, most_days) / days_a_point + trade.rating_for_rejection * share
    rating += rng.normal(0, trade.rating_spread, work.size)
    deliveries.rating[work] = np.clip(np.rint(rating), _RATING_WORST, _RATING_BEST).astype(np.int64)


def _dispute(world: World, work: Ints) -> None:
    """Some acceptances are disputed, more often where part was sent back."""
    deliveries, trade, rng = world.deliveries, world.settings.trade, world.rng
    sent_back = deliveries.rejected[work] > 0
    chance = np.where(sent_back, trade.dispute_after_rejection, trade.dispute_otherwise)
    upheld = np.where(sent_back, trade.dispute_upheld_after_rejection, trade.dispute_upheld_otherwise)
    disputed = rng.random(work.size) < chance
    lasts = days_between(rng, trade.dispute_days, work.size)
    deliveries.disputed[work] = disputed
    deliveries.dispute_ends_on[work[disputed]] = world.day + lasts[disputed]
    deliveries.dispute_upheld[work] = disputed & (rng.random(work.size) < upheld)


def _promise_payment(world: World, work: Ints, contract: Ints) -> None:
    """Progress payments: what is accepted, less the advance as it is recouped, less retention."""
    contracts, deliveries, trade, rng = world.contracts, world.deliveries, world.settings.trade, world.rng
    accepted = contracts.accepted[contract]
    entitled = accepted - recouped(world, contract) - retained(world, contract)
    payment = np.maximum(entitled - contracts.progress_due[contract], 0)
    contracts.progress_due[contract] += payment
    deliveries.payment[work] = payment
    long = rng.random(work.size) < trade.long_payment_term_share
    deliveries.payment_due_on[work] = world.day + np.where(long, *reversed(trade.payment_due_days))
    pays_on = world.day + _buyer_days(world, contracts.buyer[contract])
    waits = np.where(deliveries.disputed[work], deliveries.dispute_ends_on[work], world.day)
    world.agendas.payments.put(work, np.maximum(pays_on, waits + trade.paid_after_dispute_days))


def _buyer_days(world: World, buyer: Ints) -> Ints:
    """Days that a buyer takes to pay: its own habit, some luck, and tight county budgets in the bad year."""
    shock, trade = world.settings.shock, world.settings.trade
    days = world.buyers.pays_after[buyer] * np.exp(trade.buyer_days_within * world.rng.normal(0, 1, buyer.size))
    if day_number(shock.begins) <= world.day <= day_number(shock.ends):
        slow = np.array([name == shock.slow_level for name, _ in LEVELS])[world.buyers.level[buyer]]
        days = np.where(slow, days * shock.slow_payment, days)
    slowdown = world.settings.slowdown
    if slowdown is not None and day_number(slowdown.begins) <= world.day <= day_number(slowdown.ends):
        there = np.isin(world.settings.regions.codes[world.buyers.county[buyer]] // 100, slowdown.cities)
        days = np.where(there, days * slowdown.slow_payment, days)
    return np.maximum(1, np.rint(days)).astype(np.int64)


def recouped(world: World, contract: Ints) -> Ints:
    """How much of the advance the accepted work has paid back so far."""
    contracts = world.contracts
    progress = recouped_share(
        contracts.accepted[contract],
        contracts.amount[contract],
        at_progress=world.settings.trade.recouped_at_progress,
    )
    return to_fen(contracts.advance[contract] * progress)


def recouped_share(accepted: Ints, amount: Ints, *, at_progress: float) -> Floats:
    """Share of an advance that is recouped: in proportion to accepted value, all of it at the given progress.

    >>> recouped_share(np.array([35_00, 70_00]), np.array([100_00, 100_00]), at_progress=0.7).tolist()
    [0.5, 1.0]
    """
    return np.minimum(1.0, accepted / (at_progress * amount))


def retained(world: World, contract: Ints) -> Ints:
    """Retention held back on what is accepted so far."""
    contracts = world.contracts
    return to_fen(contracts.retention[contract] * (contracts.accepted[contract] / contracts.amount[contract]))


def _complete(world: World, contract: Ints) -> None:
    """The last acceptance completes the contract; retention is due a year later."""
    contracts, trade = world.contracts, world.settings.trade
    contracts.ending[contract] = Ending.COMPLETED
    contracts.closed_on[contract] = world.day
    contracts.retention_due[contract] = retained(world, contract)
    held = contract[contracts.retention_due[contract] > 0]
    contracts.retention_due_on[held] = world.day + trade.retention_days
    late = _buyer_days(world, contracts.buyer[held])
    world.agendas.retentions.put(held, world.day + trade.retention_days + late)


def receive_advances(world: World) -> None:
    """Advances arrive, unless the contract has ended before."""
    contracts = world.contracts
    contract = world.agendas.advances.take(world.day)
    contract = contract[contracts.ending[contract] == Ending.OPEN]
    contracts.advance_paid_on[contract] = world.day
    _receive(world, contracts.firm[contract], contracts.advance[contract])


def receive_payments(world: World) -> None:
    """Progress payments arrive; after a breach the buyer sets them off against its damage."""
    contracts, deliveries = world.contracts, world.deliveries
    work = world.agendas.payments.take(world.day)
    contract = deliveries.contract[work]
    wanted = (contracts.ending[contract] != Ending.SUPPLIER_FAULT) & (deliveries.payment[work] > 0)
    work, contract = work[wanted], contract[wanted]
    deliveries.paid_on[work] = world.day
    _receive(world, contracts.firm[contract], deliveries.payment[work])


def receive_retentions(world: World) -> None:
    """Retention money arrives."""
    contracts = world.contracts
    contract = world.agendas.retentions.take(world.day)
    contracts.retention_paid_on[contract] = world.day
    _receive(world, contracts.firm[contract], contracts.retention_due[contract])


def _receive(world: World, firm: Ints, amount: Ints) -> None:
    world.accounts.receive(firm, amount, Purpose.BUYER)
    np.add.at(world.condition.paid_last_year, firm, amount)


def end_early(world: World) -> None:
    """Some contracts end by the buyer's doing or by agreement."""
    contract = world.agendas.early_ends.take(world.day)
    contract = contract[world.contracts.ending[contract] == Ending.OPEN]
    by_buyer = world.rng.random(contract.size) < world.settings.trade.buyer_ends_share
    _terminate(world, contract, np.where(by_buyer, Ending.BUYER_FAULT, Ending.NO_FAULT))


def _plan_breaches(world: World, contract: Ints) -> None:
    """Nothing will come any more: the buyer gives notice and terminates."""
    notice = days_between(world.rng, world.settings.trade.breach_notice_days, contract.size)
    world.agendas.breaches.put(contract, world.day + notice)


def end_broken(world: World) -> None:
    """Terminate by the supplier's fault: the advance goes back, a ban may follow."""
    contracts, condition, trade = world.contracts, world.condition, world.settings.trade
    contract = world.agendas.breaches.take(world.day)
    contract = contract[contracts.ending[contract] == Ending.OPEN]
    firm = contracts.firm[contract]
    _terminate(world, contract, np.full(contract.size, Ending.SUPPLIER_FAULT))
    condition.breached_on[firm] = world.day
    banned = np.unique(firm[world.rng.random(firm.size) < trade.listed_after_breach])
    banned = banned[condition.barred_until[banned] < world.day]
    lasts = days_between(world.rng, trade.ban_days, banned.size)
    condition.barred_until[banned] = world.day + lasts
    if banned.size:
        world.bans.append((banned, np.full(banned.size, world.day), world.day + lasts))


def _terminate(world: World, contract: Ints, ending: Ints) -> None:
    """Close the contract, take its rest out of the backlog and give back what is left of the advance."""
    contracts = world.contracts
    firm = contracts.firm[contract]
    contracts.ending[contract] = ending
    contracts.closed_on[contract] = world.day
    np.subtract.at(world.condition.backlog, firm, contracts.undelivered[contract])
    had_advance = contracts.advance_paid_on[contract] <= world.day
    owed = np.where(had_advance, contracts.advance[contract] - recouped(world, contract), 0)
    world.accounts.pay(firm, owed, Purpose.RETURNED_ADVANCE)


def _still_open(world: World, work: Ints) -> Ints:
    """The deliveries whose contract has not ended."""
    still: Flags = world.contracts.ending[world.deliveries.contract[work]] == Ending.OPEN
    return work[still]
