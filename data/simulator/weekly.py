"""What every firm does once a week besides its contracts: overheads, private trade, owners, and facing ruin.

Each firm has its own weekday, so that a seventh of all firms is looked at on a day.
"""

from __future__ import annotations

import numpy as np

from data.simulator.accounts import Purpose
from data.simulator.arrays import DAYS_A_YEAR, WEEKS_A_YEAR, Floats, Ints, to_fen
from data.simulator.world import World

WEEKS_A_MONTH = WEEKS_A_YEAR / 12
_OWNERS_EVERY_WEEKS = 4


def firms_of_today(world: World) -> Ints:
    """The firms whose weekday is today."""
    return np.flatnonzero(world.weekday == world.day % 7)


def in_business(world: World, firms: Ints) -> Ints:
    """Those that are registered, still trading, and have not gone quiet with all work done."""
    condition = world.condition
    there = world.firms.registered_on[firms] <= world.day
    busy = (world.day < world.firms.leaves_on[firms]) | (condition.backlog[firms] > 0)
    return firms[there & busy & condition.trading[firms]]


def monthly_sales(world: World, firms: Ints) -> Floats:
    """What a month's sales are worth now, in fen: half what the firm was built for, half what it sells."""
    return (world.firms.monthly_sales[firms] + world.condition.weekly_sales[firms] * WEEKS_A_MONTH) / 2


def cushion(world: World, firms: Ints) -> Floats:
    """The cash that a firm likes to hold: its buffer, and what bridges work and payment, in fen."""
    buffer = world.firms.buffer_months[firms] * monthly_sales(world, firms)
    return buffer + world.firms.working_capital[firms]


def run_the_week(world: World) -> None:
    """Overheads and private trade for today's firms; owners take their share; the ruined stop."""
    today = firms_of_today(world)
    condition, cash = world.condition, world.settings.cash
    condition.paid_last_year[today] *= np.exp(-7 / DAYS_A_YEAR)
    condition.weekly_sales[today] *= 1 - 1 / cash.sales_memory_weeks
    active = in_business(world, today)
    _pay_overheads(world, active)
    _private_trade(world, active)
    if world.day // 7 % _OWNERS_EVERY_WEEKS == 0:
        _owners_take(world, active)
    _stop_the_ruined(world, active)


def _pay_overheads(world: World, firms: Ints) -> None:
    """Wages and rent are due whatever was sold; they follow sales only slowly."""
    condition, cash = world.condition, world.settings.cash
    world.accounts.pay(firms, to_fen(condition.overhead[firms]), Purpose.OVERHEAD)
    share = world.firms.overhead_share[firms]
    fitting = share * condition.weekly_sales[firms]
    at_entry = share * world.firms.monthly_sales[firms] / WEEKS_A_MONTH
    fitting = np.maximum(fitting, cash.overhead_floor * at_entry)
    condition.overhead[firms] += cash.overhead_follows * (fitting - condition.overhead[firms])


def _private_trade(world: World, firms: Ints) -> None:
    """Gains and losses with private customers, and now and then one that does not pay at all."""
    cash, rng = world.settings.cash, world.rng
    expected_loss = cash.bad_debt_a_year / WEEKS_A_YEAR * cash.bad_debt_months
    usual = expected_loss + cash.other_business * rng.normal(0, 1, firms.size)
    fails = rng.random(firms.size) < cash.bad_debt_a_year / WEEKS_A_YEAR
    lost = np.where(fails, rng.exponential(cash.bad_debt_months, firms.size), 0)
    world.accounts.settle(firms, to_fen((usual - lost) * monthly_sales(world, firms)), Purpose.OTHER_BUSINESS)


def _owners_take(world: World, firms: Ints) -> None:
    """Owners take out part of what lies above the cushion, unless a draw is past due."""
    excess = np.maximum(world.accounts.cash[firms] - cushion(world, firms), 0)
    taken = np.where(world.lines.overdue[firms] == 0, excess * world.settings.cash.owner_takes, 0)
    world.accounts.pay(firms, to_fen(taken), Purpose.OWNER)


def _stop_the_ruined(world: World, firms: Ints) -> None:
    """A firm whose arrears are larger than it could ever work off stops trading."""
    limit = -world.settings.cash.ruin_months * monthly_sales(world, firms)
    ruined = firms[world.accounts.cash[firms] < limit]
    world.condition.trading[ruined] = False
    world.condition.ruined_on[ruined] = world.day
