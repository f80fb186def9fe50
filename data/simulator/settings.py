"""Everything the simulated platform assumes, each number with its unit and where it comes from.

`DOMAIN n` points into the domain brief, "ours" marks an assumption of our own. The small world is stressed on
purpose: far more firms fail than on a real platform, so that a few thousand firms still teach something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from data.simulator.regions import NATIONAL, ZHEJIANG, Regions

# What the simulator assumes is an exam that models are set; a change of it is another exam.
VERSION = 2


@dataclass(frozen=True, slots=True)
class Channel:
    """One way of buying: how large its contracts are and how long they run."""

    name: str
    median_yuan: float  # median contract amount of a firm of average scale
    spread: float  # standard deviation of the log of the amount, between contracts of one firm
    days: tuple[int, int]  # planned days from signature to last delivery, shortest and longest
    award_to_signature: tuple[int, int]  # days; the law allows 30 (DOMAIN 2.1)
    most_deliveries: int


@dataclass(frozen=True, slots=True)
class Industry:
    """One industry of the 2011 size standard (DOMAIN 2.2) and how its firms sell to government."""

    name: str
    share: float  # of suppliers
    category: str  # what its firms mostly sell
    orders_a_year: float  # mean contracts a year of an active firm
    channels: tuple[float, ...]  # share of its contracts by channel, in the order of CHANNELS
    word: str  # how such a firm is called in a registered name


# Amounts: e-store baskets of a few thousand yuan up to works of millions; ours, shaped on DOMAIN 0 finding 2.
CHANNELS = (
    Channel("PROJECT", 210_000, 0.85, (40, 200), (5, 30), 4),
    Channel("EMALL", 16_000, 0.95, (8, 35), (0, 5), 2),
    Channel("ESTORE", 4_500, 1.00, (3, 14), (0, 1), 1),
    Channel("FRAMEWORK", 42_000, 0.80, (20, 90), (2, 15), 3),
    Channel("RURAL_HALL", 9_000, 0.90, (4, 20), (0, 3), 2),
)
CATEGORIES = ("GOODS", "SERVICES", "WORKS")
INDUSTRIES = (
    Industry("WHOLESALE", 0.24, "GOODS", 6.5, (0.08, 0.36, 0.44, 0.10, 0.02), "贸易"),
    Industry("RETAIL", 0.17, "GOODS", 8.0, (0.02, 0.33, 0.58, 0.05, 0.02), "商贸"),
    Industry("INDUSTRY", 0.15, "GOODS", 3.6, (0.32, 0.40, 0.12, 0.16, 0.00), "制造"),
    Industry("SOFTWARE", 0.12, "SERVICES", 3.0, (0.55, 0.20, 0.03, 0.22, 0.00), "科技"),
    Industry("BUSINESS_SERVICES", 0.12, "SERVICES", 3.6, (0.35, 0.30, 0.08, 0.27, 0.00), "服务"),
    Industry("CONSTRUCTION", 0.11, "WORKS", 1.9, (0.88, 0.00, 0.00, 0.12, 0.00), "建设"),
    Industry("AGRICULTURE", 0.09, "GOODS", 6.0, (0.03, 0.20, 0.25, 0.04, 0.48), "农业"),
)
# Size by sales within the platform: nine in ten are small firms in the wide sense (DESIGN 1).
SIZE_CLASSES = (("MICRO", 0.50), ("SMALL", 0.30), ("MEDIUM", 0.10), ("LARGE", 0.10))
LEVELS = (("PROVINCE", 0.06), ("CITY", 0.26), ("COUNTY", 0.68))
LENDERS = ("demo-bank", "second-bank", "river-bank", "harbour-bank")
# VAT by category; a small-scale taxpayer invoices at 3 %.
VAT_RATES = {"GOODS": 0.13, "SERVICES": 0.06, "WORKS": 0.09}
VAT_SMALL_SCALE = 0.03


@dataclass(frozen=True, slots=True)
class Population:
    """Who is on the platform. All ours."""

    beyond_zhejiang: bool = False
    suppliers_a_buyer: int = 15
    registered_before_share: float = 0.62  # of firms are there on the first day, the rest register later
    leaving_a_year: float = 0.05  # of active firms go quiet for reasons of their own
    registered_days_before: float = 600.0  # mean, for those who are there on the first day
    latest_entry: float = 0.9  # share of the simulated time after which nobody registers any more
    early_entries: float = 1.4  # above 1, more firms register early than late
    stays_at_least_days: int = 120
    sole_trader_share: float = 0.45  # of micro firms
    co_operative_share: float = 0.45  # of firms in agriculture
    size_noise: float = 0.6  # spread of the log of sales that size class does not see: staff counts too
    buyer_weight_spread: float = 1.0  # standard deviation of the log of what buyers buy
    buyer_registered_days_before: float = 500.0
    days_in_business_least: int = 30
    years_in_business_at_entry: float = 5.0  # mean age at registration
    years_in_business_most: float = 40.0
    scale_spread: float = 0.75  # standard deviation of the log of a firm's usual contract size
    activity: float = 1.0  # contracts a year against those of INDUSTRIES
    order_rate_shape: float = 1.4  # gamma shape of contracts a year between firms; lower is more unequal
    order_rate_least: float = 0.15  # of the industry's mean
    demand_drift: float = 0.22  # standard deviation of the half-yearly change of the log of demand
    demand_bounds: tuple[float, float] = (0.05, 4.0)  # against demand at entry
    skill_good: float = 4.0  # beta parameters of management quality, 0 worst to 1 best
    skill_poor: float = 2.0
    gross_margin_mean: float = 0.27  # share of sales left after materials
    gross_margin_spread: float = 0.05
    gross_margin_bounds: tuple[float, float] = (0.08, 0.60)
    overhead_least: float = 0.03  # of sales
    net_margin_mean: float = 0.14  # share of sales left after overheads in a normal year
    net_margin_spread: float = 0.03
    net_margin_skill: float = 0.22  # added from the worst to the best management
    buffer_months: float = 2.4  # median capital buffer, months of sales
    buffer_spread: float = 0.45
    working_capital_months: float = 1.5  # of sales, that a firm keeps to bridge work and payment
    working_capital_orders: float = 0.35  # of its usual contract, kept besides: large contracts tie up more
    registration_change_a_year: float = 0.03  # of firms change size class or county


@dataclass(frozen=True, slots=True)
class Trade:
    """How contracts are signed, worked on, accepted and paid."""

    # Contracts signed by month, January first, against the mean: the year-end rush.
    season: tuple[float, ...] = (0.7, 0.5, 0.8, 0.9, 0.9, 1.0, 0.9, 0.9, 1.1, 1.1, 1.5, 1.7)
    regular_buyers: int = 4  # a firm's usual buyers
    regular_share: float = 0.75  # of its contracts come from them
    local_share: float = 0.0  # of a firm's regular buyers are in its own county
    works_factor: float = 1.9  # works contracts against goods and services of the same channel
    amount_yuan: tuple[float, float] = (100.0, 15_000_000.0)  # smallest and largest contract
    one_delivery_yuan: float = 3_000.0  # contracts up to here come in one delivery
    all_deliveries_yuan: float = 300_000.0  # from here in as many as the channel has
    uneven_deliveries: float = 0.4  # how far a delivery's share may be from an even one
    advance_from_yuan: float = 80_000.0  # smaller contracts carry no advance
    advance_chance: float = 0.60
    advance_share: tuple[float, float] = (0.30, 0.65)  # of the contract; 30-70 % for SMEs (DOMAIN 2.1)
    retention_share: tuple[float, float] = (0.02, 0.03)  # at most 3 % (DOMAIN 2.1)
    retention_chance_works: float = 0.8
    retention_chance_else: float = 0.10
    recouped_at_progress: float = 0.70  # an advance is paid back once this share of the contract is accepted
    retention_days: int = 365
    advance_due_days: int = 30  # after signature
    advance_lag_days: tuple[int, int] = (4, 20)  # signature, or guarantee issued, to the money
    other_category_chance: float = 0.08  # a contract outside the firm's own line
    value_change_chance: float = 0.05  # of contracts of FRAMEWORK and PROJECT
    changed_at: tuple[float, float] = (0.1, 0.7)  # share of the planned time gone when a contract is changed
    value_change: tuple[float, float] = (-0.10, 0.20)  # share of the contract
    date_change_chance: float = 0.04
    breach_notice_days: tuple[int, int] = (3, 30)  # from the day that nothing will come any more
    buyer_ends_share: float = 0.5  # of ends without the supplier's fault are the buyer's
    buyer_ends_chance: float = 0.004  # budget cut or agreed end, without the supplier's fault
    patience_days: tuple[int, int] = (45, 120)  # what a buyer waits after the due date before it terminates
    usual_pace: float = 0.76  # usual days of work against the days planned
    pace_spread_best: float = 0.10  # log spread of the days worked, best management
    pace_spread_worst: float = 0.55  # and worst
    overload_from: float = 1.6  # backlog against the usual one from which work slows down
    overload_slows: float = 0.35  # added days per unit of overload, for the worst management
    overload_most: float = 4.0
    overrun_cost: float = 0.5  # wages of the days beyond the plan, against the material of a planned day
    overrun_most: float = 1.0  # days beyond the plan that are paid for, against the days planned
    rejection_best: float = 0.015  # chance that part of a delivery is sent back, best management
    rejection_worst: float = 0.22
    rejected_share: tuple[float, float] = (0.03, 0.20)
    rating_of_worst: float = 3.2  # rating of a whole, punctual delivery under the worst management
    rating_for_skill: float = 1.9  # added for the best
    rating_late_days: tuple[float, float] = (25.0, 60.0)  # days late that cost one point; most that count
    rating_for_rejection: float = 6.0  # points lost if all were sent back
    rating_spread: float = 0.6
    acceptance_days: tuple[int, int] = (1, 14)
    dispute_after_rejection: float = 0.25
    dispute_otherwise: float = 0.004
    dispute_days: tuple[int, int] = (15, 90)
    paid_after_dispute_days: int = 5  # at the earliest
    dispute_upheld_after_rejection: float = 0.7
    dispute_upheld_otherwise: float = 0.25
    payment_due_days: tuple[int, int] = (30, 60)  # law: 30, at most 60 by contract (DOMAIN 2.1)
    long_payment_term_share: float = 0.2
    buyer_days_median: float = 27.0  # acceptance to payment, median buyer
    buyer_days_between: float = 0.75  # log spread between buyers
    buyer_days_within: float = 0.45  # log spread of one buyer's payments
    listed_after_breach: float = 0.18  # procurement ban after a termination by the supplier's fault
    ban_days: tuple[int, int] = (365, 1095)  # 1-3 years (DOMAIN 2.3)
    tax_listing_a_year: float = 0.0015
    judgment_after_write_off: float = 0.5


@dataclass(frozen=True, slots=True)
class Shock:
    """One bad year: orders fall in one industry, and county budgets pay later. Ours."""

    industry: str = "CONSTRUCTION"
    begins: date = date(2023, 4, 1)
    ends: date = date(2024, 3, 31)
    orders: float = 0.55
    slow_level: str = "COUNTY"
    slow_payment: float = 1.35


@dataclass(frozen=True, slots=True)
class Slowdown:
    """One region-wide slow-down: fewer orders for its firms, and its buyers pay later. Ours."""

    begins: date
    ends: date
    cities: tuple[int, ...]  # first four digits of the codes of its counties
    orders: float
    slow_payment: float


@dataclass(frozen=True, slots=True)
class Cash:
    """What moves a firm's account besides its contracts. All ours."""

    material_at_start: float = 0.4  # of the material is paid before work begins, the rest on trade credit
    trade_credit_days: int = 60
    overhead_follows: float = 0.02  # share of the gap to sales that overheads close in a week; they are sticky
    overhead_floor: float = 0.25  # overheads never fall below this share of those at entry
    sales_memory_weeks: float = 35.0
    other_business: float = 0.035  # weekly spread of private trade, months of sales; nobody sees it
    bad_debt_a_year: float = 0.07  # chance that a private customer fails
    bad_debt_months: float = 1.3  # mean loss then, months of sales
    owner_takes: float = 0.30  # share of the cash above the buffer that owners take out every four weeks
    ruin_months: float = 1.5  # arrears, months of sales, at which a firm stops trading


@dataclass(frozen=True, slots=True)
class Lending:
    """What past lenders did: a crude rule, so that the financed are a selected sample."""

    draw_yuan: tuple[int, int] = (10_000, 500_000)  # the mean is to come out near 66,000 (DOMAIN 0)
    tenor_days: tuple[int, ...] = (91, 182, 273, 365)
    tenor_shares: tuple[float, ...] = (0.2, 0.35, 0.2, 0.25)
    line_share: float = 0.30  # of the last year's payments; a third at most, as in Korea (DOMAIN 5.4)
    line_days: int = 365
    known_days: int = 180  # first contract at least so long ago
    paid_from_yuan: float = 30_000.0  # in the last year
    clean_days: int = 730  # no termination by the supplier's fault for so long
    yearly_rate: float = 0.0485  # DOMAIN 1.1, between the rates seen
    first_wave: float = 0.08  # share of the whole time before lending begins
    last_wave: float = 0.70  # share of the whole time by which all who will ever borrow have begun
    keener_when_short: float = 0.5  # what being short adds to appetite, when lenders win newcomers
    wants_below: float = 0.35  # of its usual cushion of cash, below which a firm without appetite wants to draw
    wants_below_keen: float = 0.45  # added for the keenest
    draws_when_short: float = 0.25  # chance a week that it then does
    draws_up_to: float = 0.9  # of the cushion
    applies_in_vain: float = 0.004  # chance a week that a firm asks without hope
    early_after_days: int = 30
    early_above: float = 1.2  # of the cushion, above which a firm may repay early
    early_chance: float = 0.04  # a week
    past_due_marks: tuple[int, ...] = (1, 30, 60, 90)
    default_days: int = 90
    write_off_days: tuple[int, int] = (180, 360)


@dataclass(frozen=True, slots=True)
class Guarantees:
    """Which contracts carry guarantees, and how they run."""

    advance_from_yuan: float = 40_000.0  # advances below need none; ours
    advance_chance: float = 0.85
    performance_from_yuan: float = 200_000.0
    performance_chance: float = 0.55
    performance_share: float = 0.01  # Zhejiang since 2022-07-01 (DOMAIN 2.1)
    issue_lag_days: tuple[int, int] = (12, 60)  # from signature; slow, as without this engine
    demand_lag_days: tuple[int, int] = (3, 20)
    pay_lag_days: int = 7  # five business days of examination (DOMAIN 3.1)
    performance_called: float = 0.6  # share of terminations after which the buyer also calls the small guarantee
    release_lag_days: tuple[int, int] = (5, 45)


@dataclass(frozen=True, slots=True)
class Sharing:
    """Consents and collection accounts. All ours."""

    banks: tuple[str, ...] = ("demo-bank", "second-bank")
    borrower_consents: float = 0.85
    other_consents: float = 0.35
    guarantee_consents: float = 0.75  # of those who consent at all
    revokes: float = 0.06
    dated: float = 0.05  # of consents carry a last day
    pledged_from_yuan: float = 30_000.0
    pledged_with_line: float = 0.65  # of large enough contracts signed while a line is open
    pledged_with_advance: float = 0.75  # of contracts with an advance: it has to go to a named account
    pledged_otherwise: float = 0.15
    unlocked: float = 0.03
    leaks: float = 0.02  # of payments go past the locked account


@dataclass(frozen=True, slots=True)
class Ties:
    """Who belongs together. All ours."""

    shared_person: float = 0.06  # of firms have a responsible person who answers for an earlier firm too
    representative_changes_a_year: float = 0.03
    controlled: float = 0.03  # of firms are controlled by another supplier
    comes_back: float = 0.10  # of firms that leave register again under a new id
    merged_in_error: float = 0.1  # of these findings were wrong and are undone


@dataclass(frozen=True, slots=True)
class Recording:
    """How long until the platform knows: mean and longest lag in hours, by table. Ours."""

    usual: tuple[float, float] = (18.0, 96.0)
    by_table: tuple[tuple[str, float, float], ...] = (
        ("awards", 6.0, 40.0),
        ("contracts", 6.0, 40.0),
        ("suppliers", 2.0, 24.0),
        ("buyers", 2.0, 24.0),
        ("names", 2.0, 24.0),
        ("consents", 1.0, 12.0),
        ("deliveries", 20.0, 72.0),
        ("credit_events", 30.0, 120.0),
        ("guarantee_events", 30.0, 120.0),
        ("listings", 60.0, 240.0),
    )

    def lag(self, table: str) -> tuple[float, float]:
        """Mean and longest lag of that table, in hours."""
        return next(((mean, most) for name, mean, most in self.by_table if name == table), self.usual)


# Beyond any byte of a subject's name, so that no block draws another's numbers.
_BLOCKS_FROM = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """One simulated platform: its size, its time, its seed and everything it assumes."""

    suppliers: int = 3000
    borrower_share: float = 0.5
    start: date = date(2021, 1, 1)
    end: date = date(2026, 10, 31)
    seed: int = 7
    block: int = 0  # which of the platform's blocks of suppliers this is; each is a world of its own
    platform_suppliers: int = 0  # of all blocks; 0 where this is the only one
    population: Population = field(default_factory=Population)
    trade: Trade = field(default_factory=Trade)
    shock: Shock = field(default_factory=Shock)
    slowdown: Slowdown | None = None
    cash: Cash = field(default_factory=Cash)
    lending: Lending = field(default_factory=Lending)
    guarantees: Guarantees = field(default_factory=Guarantees)
    sharing: Sharing = field(default_factory=Sharing)
    ties: Ties = field(default_factory=Ties)
    recording: Recording = field(default_factory=Recording)

    def __post_init__(self) -> None:
        if self.suppliers < 1:
            raise ValueError(f"suppliers is {self.suppliers}; a platform needs at least 1")
        if not 0 <= self.borrower_share <= 1:
            raise ValueError(f"borrower_share is {self.borrower_share}; it is a share from 0 to 1")
        if self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")

    @property
    def first_day(self) -> int:
        """The first simulated day, as days since 1970."""
        return day_number(self.start)

    @property
    def last_day(self) -> int:
        """The last simulated day, as days since 1970."""
        return day_number(self.end)

    @property
    def regions(self) -> Regions:
        """The counties of the platform."""
        return NATIONAL if self.population.beyond_zhejiang else ZHEJIANG

    def generator(self, subject: str) -> np.random.Generator:
        """The random numbers of one subject in the block: a change in one leaves the draws of the others alone."""
        block = [_BLOCKS_FROM + self.block] if self.block else []
        return np.random.default_rng([self.seed, *block, *subject.encode()])

    def shared_generator(self, subject: str) -> np.random.Generator:
        """The random numbers of a subject that all blocks share."""
        return np.random.default_rng([self.seed, *subject.encode()])


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the simulator counts them."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def day_of_number(number: int) -> date:
    """The day of that number.

    >>> day_of_number(day_number(date(2026, 10, 31)))
    datetime.date(2026, 10, 31)
    """
    return date(1970, 1, 1) + timedelta(days=number)


def national(
    *, suppliers: int, start: date = date(2019, 1, 1), end: date = date(2026, 10, 31), seed: int = 1
) -> Settings:
    """A platform as large as Zhejiang's: most suppliers sell little, few borrow, and few of those fail.

    What differs from the small world, whose firms are stressed so that a few thousand of them teach something. The
    targets and what comes out are set side by side on the calibration page.
    """
    return Settings(
        suppliers=suppliers,
        borrower_share=0.05,
        start=start,
        end=end,
        seed=seed,
        population=Population(
            beyond_zhejiang=True,
            activity=0.22,
            order_rate_shape=0.40,
            order_rate_least=0.03,
            size_noise=7.0,
            buffer_months=6.0,
            working_capital_orders=1.0,
            net_margin_mean=0.155,
        ),
        trade=Trade(
            local_share=0.6,
            advance_share=(0.40, 0.70),  # 40 to 70 % for small and medium firms (DOMAIN 2.1)
            # Luck decides much of what is late, and buyers wait no longer than they must: a contract that breaks is
            # then no foregone conclusion on the day it is signed (docs/exam.md).
            pace_spread_best=0.32,
            pace_spread_worst=0.40,
            overload_slows=0.1,
            patience_days=(30, 110),
        ),
        # The south of Zhejiang in the last year, which no model trained before has seen.
        slowdown=Slowdown(
            begins=date(2025, 11, 1),
            ends=date(2026, 10, 31),
            cities=(3303, 3310, 3311),
            orders=0.70,
            slow_payment=1.5,
        ),
        cash=Cash(other_business=0.098, bad_debt_a_year=0.12, bad_debt_months=2.2),
        lending=Lending(
            paid_from_yuan=720_000.0,
            draws_up_to=0.565,
            draws_when_short=0.27,
            wants_below=0.36,
            wants_below_keen=0.46,
        ),
    )
