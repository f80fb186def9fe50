"""The simulated platform in motion: everything that exists, and the clock that moves it day by day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from data.simulator.accounts import Accounts
from data.simulator.agenda import Agenda
from data.simulator.arrays import NEVER, Flags, Floats, Ints, to_fen
from data.simulator.demand import Contracts, Deliveries, Habits, plan_contracts, plan_deliveries
from data.simulator.ids import Ids
from data.simulator.loans import Lines, Loans
from data.simulator.population import Buyers, Firms, draw_buyers, draw_firms
from data.simulator.settings import Settings


@dataclass(slots=True)
class Agendas:
    """What is to happen, one agenda a kind of event. Numbers are positions of contracts or deliveries."""

    changes: Agenda = field(default_factory=Agenda)
    starts: Agenda = field(default_factory=Agenda)
    arrivals: Agenda = field(default_factory=Agenda)
    acceptances: Agenda = field(default_factory=Agenda)
    trade_bills: Agenda = field(default_factory=Agenda)
    advances: Agenda = field(default_factory=Agenda)
    payments: Agenda = field(default_factory=Agenda)
    retentions: Agenda = field(default_factory=Agenda)
    breaches: Agenda = field(default_factory=Agenda)
    early_ends: Agenda = field(default_factory=Agenda)


@dataclass(slots=True)
class Condition:
    """How each firm is doing: the part of a firm that changes."""

    trading: Flags  # false once it has run into ruin
    ruined_on: Ints
    backlog: Ints  # value signed and not delivered
    overhead: Floats  # fen a week
    weekly_sales: Floats  # smoothed, fen
    paid_last_year: Floats  # by buyers, older money fading, fen
    first_signed_on: Ints
    breached_on: Ints  # last termination by its fault; far in the past where there is none
    barred_until: Ints  # banned from procurement until then
    short_of: Ints  # material it could not buy this week


@dataclass(slots=True)
class World:
    """Everything that exists on the platform on one day."""

    settings: Settings
    ids: Ids
    rng: np.random.Generator
    day: int
    firms: Firms
    buyers: Buyers
    habits: Habits
    contracts: Contracts
    deliveries: Deliveries
    accounts: Accounts
    condition: Condition
    lines: Lines
    loans: Loans
    agendas: Agendas
    bans: list[tuple[Ints, Ints, Ints]]  # firms, first day, last day of bans from procurement
    weekday: Ints  # on which each firm looks after itself, from 0 to 6


def build(settings: Settings) -> World:
    """The platform on the evening before its first day."""
    firms, buyers = draw_firms(settings), draw_buyers(settings)
    contracts, habits = plan_contracts(settings, firms, buyers)
    return World(
        settings=settings,
        ids=Ids(settings.block),
        rng=settings.generator("days"),
        day=settings.first_day - 1,
        firms=firms,
        buyers=buyers,
        habits=habits,
        contracts=contracts,
        deliveries=plan_deliveries(settings.generator("deliveries"), settings, contracts),
        accounts=Accounts(_opening_cash(firms)),
        condition=_fresh_condition(firms),
        lines=Lines.none(firms.count),
        loans=Loans(),
        agendas=Agendas(),
        bans=[],
        weekday=np.arange(firms.count) % 7,
    )


def _opening_cash(firms: Firms) -> Ints:
    """What each firm starts with: its buffer, and what bridges the time from material to payment."""
    return to_fen(firms.buffer_months * firms.monthly_sales + firms.working_capital)


def _fresh_condition(firms: Firms) -> Condition:
    count, weekly = firms.count, firms.monthly_sales * 12 / 52
    return Condition(
        trading=np.ones(count, dtype=bool),
        ruined_on=np.full(count, NEVER, dtype=np.int64),
        backlog=np.zeros(count, dtype=np.int64),
        overhead=firms.overhead_share * weekly,
        weekly_sales=weekly.copy(),
        paid_last_year=np.zeros(count),
        first_signed_on=np.full(count, NEVER, dtype=np.int64),
        breached_on=np.full(count, -NEVER, dtype=np.int64),
        barred_until=np.full(count, -NEVER, dtype=np.int64),
        short_of=np.zeros(count, dtype=np.int64),
    )
