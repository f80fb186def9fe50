"""The firms and the buyers: what everyone may know of them, and what nobody does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.arrays import (
    DAYS_A_YEAR,
    FEN_A_YUAN,
    NEVER,
    Flags,
    Floats,
    Ints,
    pick,
)
from data.simulator.settings import (
    CHANNELS,
    INDUSTRIES,
    LENDERS,
    LEVELS,
    SIZE_CLASSES,
    Population,
    Settings,
)

COMPANY, SOLE_TRADER, FARM_COOP = 1, 2, 3
LEGAL_FORMS = {COMPANY: "COMPANY", SOLE_TRADER: "SOLE_TRADER", FARM_COOP: "FARM_COOP"}
_AGRICULTURE = next(place for place, each in enumerate(INDUSTRIES) if each.name == "AGRICULTURE")
MICRO = next(place for place, (name, _) in enumerate(SIZE_CLASSES) if name == "MICRO")
_LARGE = next(place for place, (name, _) in enumerate(SIZE_CLASSES) if name == "LARGE")


@dataclass(slots=True)
class Firms:
    """Every supplier, one position each. The lower half is hidden and never written."""

    county: Ints
    industry: Ints
    legal_form: Ints
    size_class: Ints
    founded_on: Ints
    registered_on: Ints
    leaves_on: Ints  # goes quiet for its own reasons; NEVER where it stays
    house_bank: Ints

    skill: Floats  # management quality, 0 to 1
    scale: Floats  # its usual contract against its industry's
    orders_a_year: Floats
    gross_margin: Floats
    overhead_share: Floats  # of sales in a normal year
    buffer_months: Floats  # capital against bad times, months of sales
    working_capital: Floats  # capital that bridges work and payment, fen
    appetite: Floats  # for credit, 0 to 1
    monthly_sales: Floats  # expected at entry, fen
    usual_backlog: Floats  # fen under work in a normal month

    @property
    def count(self) -> int:
        """How many suppliers there are."""
        return int(self.county.size)

    @property
    def is_large(self) -> Flags:
        """Whether a firm is too large for the terms that protect small ones."""
        return self.size_class == _LARGE


@dataclass(slots=True)
class Buyers:
    """Every buyer, one position each."""

    county: Ints
    level: Ints
    registered_on: Ints
    weight: Floats  # how much it buys
    pays_after: Floats  # median days from acceptance to payment

    @property
    def count(self) -> int:
        """How many buyers there are."""
        return int(self.county.size)


def draw_firms(settings: Settings) -> Firms:
    """Suppliers with everything that makes them good or bad ones."""
    rng, assumed = settings.generator("firms"), settings.population
    count = settings.suppliers
    industry = pick(rng, [each.share for each in INDUSTRIES], count)
    registered_on, leaves_on = _times_on_the_platform(rng, settings)
    scale = np.exp(rng.normal(0, assumed.scale_spread, count))
    least, shape = assumed.order_rate_least, assumed.order_rate_shape
    unequal = least + (1 - least) * rng.gamma(shape, 1 / shape, count)
    orders_a_year = np.array([each.orders_a_year for each in INDUSTRIES])[industry] * assumed.activity * unequal
    yearly_sales = orders_a_year * scale * _mean_order(settings)[industry]
    skill = rng.beta(assumed.skill_good, assumed.skill_poor, count)
    gross_margin, overhead_share = _margins(rng, assumed, skill)
    size_class = _size_classes(rng, yearly_sales, assumed.size_noise)
    bridged_orders = assumed.working_capital_orders / orders_a_year + assumed.working_capital_months / 12
    return Firms(
        county=pick(rng, settings.regions.weights, count),
        industry=industry,
        legal_form=_legal_forms(rng, settings, industry, size_class),
        size_class=size_class,
        founded_on=registered_on - _days_in_business(rng, assumed, count),
        registered_on=registered_on,
        leaves_on=leaves_on,
        house_bank=pick(rng, np.ones(len(LENDERS)), count),
        skill=skill,
        scale=scale,
        orders_a_year=orders_a_year,
        gross_margin=gross_margin,
        overhead_share=overhead_share,
        buffer_months=assumed.buffer_months * np.exp(rng.normal(0, assumed.buffer_spread, count)),
        working_capital=yearly_sales * bridged_orders,
        appetite=rng.random(count),
        monthly_sales=yearly_sales / 12,
        usual_backlog=yearly_sales * _mean_days()[industry] / DAYS_A_YEAR,
    )


def _margins(rng: np.random.Generator, assumed: Population, skill: Floats) -> tuple[Floats, Floats]:
    """Gross margin and overheads as shares of sales; good management keeps more of what it earns."""
    gross = rng.normal(assumed.gross_margin_mean, assumed.gross_margin_spread, skill.size)
    gross = np.clip(gross, *assumed.gross_margin_bounds)
    usual_skill = assumed.skill_good / (assumed.skill_good + assumed.skill_poor)
    net = rng.normal(assumed.net_margin_mean, assumed.net_margin_spread, skill.size)
    net += assumed.net_margin_skill * (skill - usual_skill)
    return gross, np.maximum(gross - net, assumed.overhead_least)


def _days_in_business(rng: np.random.Generator, assumed: Population, count: int) -> Ints:
    """How long firms existed before they registered."""
    mean = assumed.years_in_business_at_entry * DAYS_A_YEAR
    most = assumed.years_in_business_most * DAYS_A_YEAR
    return assumed.days_in_business_least + to_days(np.minimum(rng.exponential(mean, count), most))


def to_days(lengths: Floats) -> Ints:
    """Whole days, rounded down."""
    return np.floor(lengths).astype(np.int64)


def _times_on_the_platform(rng: np.random.Generator, settings: Settings) -> tuple[Ints, Ints]:
    """Days of registration, some during the simulated time, and days of going quiet."""
    assumed, count = settings.population, settings.suppliers
    length = settings.last_day - settings.first_day
    early = rng.random(count) < assumed.registered_before_share
    before = settings.first_day - to_days(rng.exponential(assumed.registered_days_before, count)) - 1
    during = settings.first_day + to_days(rng.random(count) ** assumed.early_entries * length * assumed.latest_entry)
    registered_on = np.where(early, before, during)
    stays = to_days(rng.exponential(DAYS_A_YEAR / assumed.leaving_a_year, count)) + assumed.stays_at_least_days
    leaves_on = np.maximum(registered_on, settings.first_day) + stays
    return registered_on, np.where(leaves_on > settings.last_day, NEVER, leaves_on)


def _mean_order(settings: Settings) -> Floats:
    """Mean contract amount in fen by industry, for a firm of average scale."""
    mean = np.array([each.median_yuan * np.exp(each.spread**2 / 2) for each in CHANNELS])
    mix = np.array([each.channels for each in INDUSTRIES])
    works = np.array([settings.trade.works_factor if each.category == "WORKS" else 1 for each in INDUSTRIES])
    return (mix @ mean) * works * FEN_A_YUAN


def _mean_days() -> Floats:
    """Mean planned length of a contract by industry, weighted by what the contracts are worth."""
    days = np.array([sum(each.days) / 2 for each in CHANNELS])
    worth = np.array([each.channels for each in INDUSTRIES]) * [each.median_yuan for each in CHANNELS]
    return (worth @ days) / worth.sum(axis=1)


def _size_classes(rng: np.random.Generator, yearly_sales: Floats, noise: float) -> Ints:
    """Size by sales with some noise, since staff counts too."""
    rank = np.argsort(np.argsort(np.log(yearly_sales) + rng.normal(0, noise, yearly_sales.size), kind="stable"))
    ladder = np.cumsum([share for _, share in SIZE_CLASSES])
    return np.searchsorted(ladder[:-1], (rank + 0.5) / yearly_sales.size).astype(np.int64)


def _legal_forms(rng: np.random.Generator, settings: Settings, industry: Ints, size_class: Ints) -> Ints:
    """Micro firms are often sole traders, farmers often form co-operatives."""
    assumed, luck = settings.population, rng.random(industry.size)
    sole = (size_class == MICRO) & (luck < assumed.sole_trader_share)
    joint = (industry == _AGRICULTURE) & (luck > 1 - assumed.co_operative_share)
    return np.where(joint, FARM_COOP, np.where(sole, SOLE_TRADER, COMPANY))


def draw_buyers(settings: Settings) -> Buyers:
    """Buyers with their budget level and their own way of paying."""
    rng = settings.shared_generator("buyers")
    suppliers = settings.platform_suppliers or settings.suppliers
    count = max(5, suppliers // settings.population.suppliers_a_buyer)
    trade, assumed = settings.trade, settings.population
    return Buyers(
        county=pick(rng, settings.regions.weights, count),
        level=pick(rng, [share for _, share in LEVELS], count),
        registered_on=settings.first_day - 1 - to_days(rng.exponential(assumed.buyer_registered_days_before, count)),
        weight=np.exp(rng.normal(0, assumed.buyer_weight_spread, count)),
        pays_after=trade.buyer_days_median * np.exp(rng.normal(0, trade.buyer_days_between, count)),
    )
