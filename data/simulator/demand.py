"""The contracts that buyers would award, drawn before the clock starts: demand knows nothing of cash.

Whether a contract is signed, and what becomes of it, is decided day by day in `trade`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import IntEnum

import numpy as np

from data.simulator.arrays import (
    FEN_A_YUAN,
    Flags,
    Floats,
    Ints,
    days_between,
    never,
    pick,
    pick_by_row,
    place_in_group,
    taken,
    to_fen,
)
from data.simulator.population import Buyers, Firms
from data.simulator.settings import CATEGORIES, CHANNELS, INDUSTRIES, Settings, Trade, day_number

WORKS = CATEGORIES.index("WORKS")
PROJECT = next(place for place, each in enumerate(CHANNELS) if each.name == "PROJECT")
FRAMEWORK = next(place for place, each in enumerate(CHANNELS) if each.name == "FRAMEWORK")
DAYS_TO_ACCEPT = 10  # planned days from the last delivery to its acceptance


class Ending(IntEnum):
    """How a contract ended."""

    OPEN = 0
    COMPLETED = 1
    SUPPLIER_FAULT = 2
    BUYER_FAULT = 3
    NO_FAULT = 4


@dataclass(slots=True)
class Contracts:
    """Every contract that would be awarded, in order of signature, and what became of it."""

    firm: Ints
    buyer: Ints
    awarded_on: Ints
    signed_on: Ints
    channel: Ints
    category: Ints
    region: Ints
    amount: Ints
    advance: Ints
    retention: Ints
    planned_on: Ints  # planned date of the last acceptance
    patience: Ints  # days after a due date before the buyer terminates
    deliveries: Ints  # how many
    advance_guaranteed: Flags
    performance_guaranteed: Flags
    guarantee_on: Ints  # day its guarantees are issued, where it has any

    # What becomes of it; days are NEVER until it happens.
    first_delivery: Ints = field(init=False)
    signed: Flags = field(init=False)
    pledged: Flags = field(init=False)
    change: Ints = field(init=False)  # of the amount
    changed_on: Ints = field(init=False)
    undelivered: Ints = field(init=False)
    accepted: Ints = field(init=False)
    rejected: Ints = field(init=False)
    progress_due: Ints = field(init=False)  # progress payments promised so far
    advance_paid_on: Ints = field(init=False)
    retention_due: Ints = field(init=False)
    retention_due_on: Ints = field(init=False)
    retention_paid_on: Ints = field(init=False)
    closed_on: Ints = field(init=False)
    ending: Ints = field(init=False)

    def __post_init__(self) -> None:
        count = self.firm.size
        self.first_delivery = np.cumsum(self.deliveries) - self.deliveries
        self.undelivered = self.amount.copy()
        self.ending = np.full(count, Ending.OPEN, dtype=np.int64)
        for flag in ("signed", "pledged"):
            setattr(self, flag, np.zeros(count, dtype=bool))
        for amount in ("change", "accepted", "rejected", "progress_due", "retention_due"):
            setattr(self, amount, np.zeros(count, dtype=np.int64))
        for day in ("changed", "advance_paid", "retention_due", "retention_paid", "closed"):
            setattr(self, f"{day}_on", never(count))


@dataclass(slots=True)
class Deliveries:
    """Every planned delivery, contract by contract, and what became of it."""

    contract: Ints
    due_on: Ints
    days_planned: Ints
    value: Ints

    # What becomes of it; days are NEVER until it happens.
    material: Ints = field(init=False)
    started_on: Ints = field(init=False)
    delivered_on: Ints = field(init=False)
    inspected_on: Ints = field(init=False)  # planned on the day of delivery
    accepted_on: Ints = field(init=False)
    accepted: Ints = field(init=False)
    rejected: Ints = field(init=False)
    rating: Ints = field(init=False)
    payment_due_on: Ints = field(init=False)
    payment: Ints = field(init=False)
    paid_on: Ints = field(init=False)
    disputed: Flags = field(init=False)
    dispute_ends_on: Ints = field(init=False)
    dispute_upheld: Flags = field(init=False)

    def __post_init__(self) -> None:
        count = self.contract.size
        for flag in ("disputed", "dispute_upheld"):
            setattr(self, flag, np.zeros(count, dtype=bool))
        for number in ("material", "accepted", "rejected", "rating", "payment"):
            setattr(self, number, np.zeros(count, dtype=np.int64))
        for day in ("started", "delivered", "inspected", "accepted", "payment_due", "paid", "dispute_ends"):
            setattr(self, f"{day}_on", never(count))


@dataclass(slots=True)
class Habits:
    """What the demand for each firm goes by."""

    drift: Floats  # log of demand against demand at entry, by firm and half-year of the simulated time
    regulars: Ints  # usual buyers, by firm


def plan_contracts(settings: Settings, firms: Firms, buyers: Buyers) -> tuple[Contracts, Habits]:
    """All contracts that would be awarded in the simulated time, and the habits that they came from."""
    rng = settings.generator("demand")
    steps = rng.normal(0, settings.population.demand_drift, (firms.count, halves(settings)))
    drift = np.cumsum(steps, axis=1) - steps[:, :1]
    return _plan(rng, settings, firms, buyers, drift)


def plan_anew(
    rng: np.random.Generator, settings: Settings, firms: Firms, buyers: Buyers, habits: Habits, day: int
) -> Contracts:
    """Contracts that may be awarded after a day to firms of those habits, until the simulated time ends."""
    contracts, _ = _plan(rng, settings, firms, buyers, habits.drift, habits.regulars, after=day)
    later = taken(contracts, np.flatnonzero(contracts.awarded_on > day))
    later.first_delivery = np.cumsum(later.deliveries) - later.deliveries
    return later


def drift_on(rng: np.random.Generator, settings: Settings, drift: Floats, day: date) -> Floats:
    """That drift until the half-year of a day, and from there on as it may go until the simulated time ends."""
    known = halves(replace(settings, end=day))
    steps = rng.normal(0, settings.population.demand_drift, (len(drift), halves(settings) - known))
    return np.concatenate([drift[:, :known], drift[:, known - 1 : known] + np.cumsum(steps, axis=1)], axis=1)


def halves(settings: Settings) -> int:
    """How many half-years of demand the simulated time touches."""
    return (len(_months(settings)) - 1) // 6 + 1


def _plan(
    rng: np.random.Generator,
    settings: Settings,
    firms: Firms,
    buyers: Buyers,
    drift: Floats,
    regulars: Ints | None = None,
    after: int | None = None,
) -> tuple[Contracts, Habits]:
    trade = settings.trade
    firm, signed_on = _orders(rng, settings, firms, drift, settings.first_day - 1 if after is None else after)
    count = firm.size
    channel = pick_by_row(rng, np.array([each.channels for each in INDUSTRIES]), firms.industry[firm])
    category = _categories(rng, settings, firms.industry[firm], channel)
    amount = _amounts(rng, settings, firms.scale[firm], channel, category)
    if regulars is None:
        regulars = _regular_buyers(rng, settings, buyers, firms)
    buyer = _buyers(rng, settings, buyers, firm, regulars)
    deliveries = _delivery_counts(rng, trade, channel, amount)
    bounds = np.array([each.days for each in CHANNELS])[channel]
    last_due = signed_on + 2 + rng.integers(bounds[:, 0], bounds[:, 1] + 1)
    lags = np.array([each.award_to_signature for each in CHANNELS])[channel]
    advance = _advances(rng, settings, amount, firms.is_large[firm], channel)
    contracts = Contracts(
        firm=firm,
        buyer=buyer,
        awarded_on=np.maximum(signed_on - rng.integers(lags[:, 0], lags[:, 1] + 1), firms.registered_on[firm]),
        signed_on=signed_on,
        channel=channel,
        category=category,
        region=settings.regions.codes[buyers.county[buyer]],
        amount=amount,
        advance=advance,
        retention=_retentions(rng, settings, amount, channel, category),
        planned_on=last_due + DAYS_TO_ACCEPT,
        patience=days_between(rng, trade.patience_days, count),
        deliveries=deliveries,
        advance_guaranteed=_advance_guaranteed(rng, settings, advance),
        performance_guaranteed=_performance_guaranteed(rng, settings, amount, channel),
        guarantee_on=signed_on + days_between(rng, settings.guarantees.issue_lag_days, count),
    )
    return contracts, Habits(drift, regulars)


def plan_deliveries(rng: np.random.Generator, settings: Settings, contracts: Contracts) -> Deliveries:
    """Planned deliveries, evenly spaced, whose values add up to their contract's amount."""
    contract = np.repeat(np.arange(contracts.firm.size), contracts.deliveries)
    place, of = place_in_group(contracts.deliveries), contracts.deliveries[contract]
    first, last = contracts.signed_on[contract], contracts.planned_on[contract] - DAYS_TO_ACCEPT
    due_on = first + (last - first) * (place + 1) // of
    begins_on = first + (last - first) * place // of
    return Deliveries(
        contract=contract,
        due_on=due_on,
        days_planned=np.maximum(due_on - begins_on, 1),
        value=_split(rng, settings.trade.uneven_deliveries, contracts, contract),
    )


def _split(rng: np.random.Generator, uneven: float, contracts: Contracts, contract: Ints) -> Ints:
    """Values of the deliveries of each contract; the last takes what rounding leaves."""
    weight = 1 + uneven * rng.uniform(-1, 1, contract.size)
    total = np.add.reduceat(weight, contracts.first_delivery) if contract.size else weight
    value = np.floor(contracts.amount[contract] * weight / total[contract]).astype(np.int64)
    last = contracts.first_delivery + contracts.deliveries - 1
    shortfall = contracts.amount - np.add.reduceat(value, contracts.first_delivery) if contract.size else value
    value[last] += shortfall
    return value


def _months(settings: Settings) -> list[date]:
    """The first days of all months that the simulated time touches."""
    month, months = settings.start.replace(day=1), []
    while month <= settings.end:
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def _orders(rng: np.random.Generator, settings: Settings, firms: Firms, drift: Floats, after: int) -> tuple[Ints, Ints]:
    """Firm and day of signature of every order after a day, in order of the day."""
    months = _months(settings)
    begins = np.array([day_number(month) for month in months], dtype=np.int64)
    ends = np.r_[begins[1:], day_number((months[-1] + timedelta(days=32)).replace(day=1))]
    expected = firms.orders_a_year[:, None] / 12 * _demand(settings, firms, months, drift)
    orders = rng.poisson(np.where(ends > after + 1, expected, 0))
    firm, month = np.nonzero(orders)
    firm, month = np.repeat(firm, orders[firm, month]), np.repeat(month, orders[firm, month])
    day = begins[month] + np.floor(rng.random(firm.size) * (ends - begins)[month]).astype(np.int64)
    opened = np.maximum(firms.registered_on[firm], after + 1)
    taken = (day >= opened) & (day <= settings.last_day) & (day < firms.leaves_on[firm])
    firm, day = firm[taken], day[taken]
    order = np.argsort(day, kind="stable")
    return firm[order].astype(np.int64), day[order]


def _demand(settings: Settings, firms: Firms, months: list[date], drift: Floats) -> Floats:
    """Demand against a firm's normal, by firm and month: its own drift, the season, and the bad year."""
    drifted = np.exp(drift)[:, np.arange(len(months)) // 6]
    season = np.array([settings.trade.season[month.month - 1] for month in months])
    season = season / np.mean(settings.trade.season)
    shock = settings.shock
    struck = np.array([shock.begins <= month <= shock.ends for month in months])
    hit = (np.array([each.name for each in INDUSTRIES]) == shock.industry)[firms.industry]
    demand = np.clip(drifted, *settings.population.demand_bounds) * season
    demand *= np.where(hit[:, None] & struck, shock.orders, 1.0)
    if (slow := settings.slowdown) is not None:
        there = np.isin(settings.regions.codes[firms.county] // 100, slow.cities)
        then = np.array([slow.begins <= month <= slow.ends for month in months])
        demand *= np.where(there[:, None] & then, slow.orders, 1.0)
    return demand


def _categories(rng: np.random.Generator, settings: Settings, industry: Ints, channel: Ints) -> Ints:
    """What is bought: mostly the firm's own line; works only as projects and frameworks."""
    own = np.array([CATEGORIES.index(each.category) for each in INDUSTRIES])[industry]
    other = rng.integers(0, WORKS, industry.size)
    strays = rng.random(industry.size) < settings.trade.other_category_chance
    category = np.where(strays, other, own)
    small = (channel != PROJECT) & (channel != FRAMEWORK)
    return np.where(small & (category == WORKS), CATEGORIES.index("SERVICES"), category)


def _amounts(rng: np.random.Generator, settings: Settings, scale: Floats, channel: Ints, category: Ints) -> Ints:
    """Contract amounts with a heavy tail, in whole yuan."""
    median = np.array([each.median_yuan for each in CHANNELS])[channel]
    spread = np.array([each.spread for each in CHANNELS])[channel]
    works = np.where(category == WORKS, settings.trade.works_factor, 1.0)
    yuan = median * works * scale * np.exp(spread * rng.normal(0, 1, channel.size))
    return to_fen(np.rint(np.clip(yuan, *settings.trade.amount_yuan)) * FEN_A_YUAN)


def _regular_buyers(rng: np.random.Generator, settings: Settings, buyers: Buyers, firms: Firms) -> Ints:
    """Each firm's regular buyers, who are often of its own county."""
    trade = settings.trade
    regulars = pick(rng, buyers.weight, firms.count * trade.regular_buyers)
    if trade.local_share:
        near = _buyers_near(rng, buyers, np.repeat(firms.county, trade.regular_buyers))
        local = (rng.random(near.size) < trade.local_share) & (near >= 0)
        regulars = np.where(local, near, regulars)
    return regulars.reshape(firms.count, trade.regular_buyers)


def _buyers(rng: np.random.Generator, settings: Settings, buyers: Buyers, firm: Ints, regulars: Ints) -> Ints:
    """Who buys: mostly one of the firm's regular buyers."""
    trade = settings.trade
    regular = regulars[firm, rng.integers(0, trade.regular_buyers, firm.size)]
    return np.where(rng.random(firm.size) < trade.regular_share, regular, pick(rng, buyers.weight, firm.size))


def _buyers_near(rng: np.random.Generator, buyers: Buyers, county: Ints) -> Ints:
    """A buyer of each county, drawn by what it buys; -1 where the county has none."""
    order = np.argsort(buyers.county, kind="stable")
    ladder = np.concatenate([[0.0], np.cumsum(buyers.weight[order])])
    first = np.searchsorted(buyers.county[order], county, side="left")
    last = np.searchsorted(buyers.county[order], county, side="right")
    height = ladder[first] + rng.random(county.size) * (ladder[last] - ladder[first])
    place = np.clip(np.searchsorted(ladder, height, side="right") - 1, first, np.maximum(last - 1, first))
    return np.where(last > first, order[np.minimum(place, order.size - 1)], -1)


def _delivery_counts(rng: np.random.Generator, trade: Trade, channel: Ints, amount: Ints) -> Ints:
    """One delivery for small orders, up to four for large projects."""
    most = np.array([each.most_deliveries for each in CHANNELS])[channel]
    one, all_of_them = trade.one_delivery_yuan * FEN_A_YUAN, trade.all_deliveries_yuan * FEN_A_YUAN
    large = np.clip(np.log(amount / one) / np.log(all_of_them / one), 0, 1)
    return (1 + rng.binomial(most - 1, large)).astype(np.int64)


def _advances(rng: np.random.Generator, settings: Settings, amount: Ints, large: Flags, channel: Ints) -> Ints:
    """Advances on the larger projects and framework orders of small and medium firms."""
    trade = settings.trade
    carries = (amount >= trade.advance_from_yuan * FEN_A_YUAN) & ~large
    carries &= (channel == PROJECT) | (channel == FRAMEWORK)
    carries &= rng.random(amount.size) < trade.advance_chance
    share = np.round(rng.uniform(*trade.advance_share, amount.size), 2)
    return np.where(carries, to_fen(amount * share), 0)


def _retentions(rng: np.random.Generator, settings: Settings, amount: Ints, channel: Ints, category: Ints) -> Ints:
    """Retention money, mostly on works."""
    trade = settings.trade
    chance = np.where(category == WORKS, trade.retention_chance_works, trade.retention_chance_else)
    carries = (channel == PROJECT) & (rng.random(amount.size) < chance)
    share = np.round(rng.uniform(*trade.retention_share, amount.size), 3)
    return np.where(carries, to_fen(amount * share), 0)


def _advance_guaranteed(rng: np.random.Generator, settings: Settings, advance: Ints) -> Flags:
    """Whether the buyer asks for an advance-payment guarantee."""
    assumed = settings.guarantees
    asked = rng.random(advance.size) < assumed.advance_chance
    return (advance >= assumed.advance_from_yuan * FEN_A_YUAN) & asked


def _performance_guaranteed(rng: np.random.Generator, settings: Settings, amount: Ints, channel: Ints) -> Flags:
    """Whether the buyer asks for a performance guarantee."""
    assumed = settings.guarantees
    asked = rng.random(amount.size) < assumed.performance_chance
    return (channel == PROJECT) & (amount >= assumed.performance_from_yuan * FEN_A_YUAN) & asked
