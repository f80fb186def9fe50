"""What past lenders and borrowers did: applications, lines, draws and repayments.

The lender's rule is crude, so the financed are a selected sample. A draw is repaid when it is due if the
account holds enough; otherwise it is past due until it does or is written off. Nothing else decides.
"""

from __future__ import annotations

import numpy as np

from data.simulator.accounts import Purpose
from data.simulator.arrays import (
    DAYS_A_YEAR,
    FEN_A_YUAN,
    NEVER,
    Flags,
    Floats,
    Ints,
    days_between,
    pick,
    to_fen,
)
from data.simulator.weekly import cushion, firms_of_today, in_business
from data.simulator.world import World

_AMOUNT_STEP = 1_000 * FEN_A_YUAN  # draws and limits are whole thousands of yuan


def lend_one_day(world: World) -> None:
    """Repayments first, then today's firms apply and draw."""
    collect(world)
    firms = in_business(world, firms_of_today(world))
    repay_early(world)
    renew_lines(world, firms)
    newcomers = win_newcomers(world, firms)
    draw(world, firms, newcomers)
    world.condition.short_of[firms_of_today(world)] = 0


def collect(world: World) -> None:
    """Every draw that is due is repaid from the account, the smallest first, or stays past due."""
    loans, accounts, lines = world.loans, world.accounts, world.lines
    falling_due = loans.falling_due.take(world.day)
    falling_due = falling_due[loans["repaid_on"][falling_due] == NEVER]
    np.add.at(lines.overdue, loans["firm"][falling_due], 1)
    due = np.concatenate([loans.past_due, falling_due])
    if not due.size:
        return
    # Smallest first: then a draw stays unpaid only where the account is short of that very draw.
    due = due[np.argsort(_owed(world, due), kind="stable")]
    able = accounts.affords(loans["firm"][due], _owed(world, due))
    _repay(world, due[able])
    np.subtract.at(lines.overdue, loans["firm"][due[able]], 1)
    unpaid = due[~able]
    loans["most_cash"][unpaid] = np.maximum(loans["most_cash"][unpaid], accounts.cash[loans["firm"][unpaid]])
    loans.past_due = _write_off(world, unpaid)


def _owed(world: World, loans: Ints) -> Ints:
    """Principal and interest of each draw."""
    return world.loans["principal"][loans] + world.loans["interest"][loans]


def _repay(world: World, loans: Ints) -> None:
    """Take principal and interest from the account."""
    firm, principal = world.loans["firm"][loans], world.loans["principal"][loans]
    world.accounts.pay(firm, principal, Purpose.PRINCIPAL)
    world.accounts.pay(firm, world.loans["interest"][loans], Purpose.INTEREST)
    world.loans["repaid_on"][loans] = world.day
    np.subtract.at(world.lines.outstanding, firm, principal)


def _write_off(world: World, unpaid: Ints) -> Ints:
    """Default after 90 days, write off later; returns the draws that are still being chased."""
    loans, lines = world.loans, world.lines
    days = world.day - loans["due_on"][unpaid]
    lines.ever_defaulted[loans["firm"][unpaid[days >= world.settings.lending.default_days]]] = True
    given_up = days >= loans["write_off_after"][unpaid]
    loans["written_off_on"][unpaid[given_up]] = world.day
    return unpaid[~given_up]


def repay_early(world: World) -> None:
    """Firms with plenty of cash sometimes repay before the draw is due."""
    lending, loans = world.settings.lending, world.loans
    running = np.flatnonzero(
        (loans["repaid_on"] == NEVER)
        & (loans["due_on"] > world.day)
        & (loans["drawn_on"] < world.day - lending.early_after_days)
        & (world.weekday[loans["firm"]] == world.day % 7)
    )
    firm = loans["firm"][running]
    rich = world.accounts.cash[firm] > lending.early_above * cushion(world, firm)
    chosen = running[rich & (world.rng.random(running.size) < lending.early_chance)]
    _repay(world, chosen[world.accounts.affords(loans["firm"][chosen], _owed(world, chosen))])


def creditworthy(world: World, firms: Ints) -> Flags:
    """The lender's crude rule: known for a while, paid enough, no recent breach, ban, arrears or default."""
    lending, condition, lines, day = world.settings.lending, world.condition, world.lines, world.day
    known = condition.first_signed_on[firms] <= day - lending.known_days
    paid = condition.paid_last_year[firms] >= lending.paid_from_yuan * FEN_A_YUAN
    clean = (condition.breached_on[firms] < day - lending.clean_days) & (condition.barred_until[firms] < day)
    pays = (lines.overdue[firms] == 0) & ~lines.ever_defaulted[firms]
    return known & paid & clean & pays & (_limit(world, firms) >= lending.draw_yuan[0] * FEN_A_YUAN)


def _limit(world: World, firms: Ints) -> Ints:
    """A share of the last year's payments, in whole thousands, downwards."""
    lending = world.settings.lending
    share = world.condition.paid_last_year[firms] * lending.line_share
    return np.floor(share / _AMOUNT_STEP).astype(np.int64) * _AMOUNT_STEP


def renew_lines(world: World, firms: Ints) -> None:
    """Borrowers whose line has run out apply again when they want money; some others ask in vain."""
    lending, lines = world.settings.lending, world.lines
    without = firms[lines.until[firms] < world.day]
    luck = world.rng.random(without.size)
    worthy, wants = creditworthy(world, without), _wants(world, without)
    back = lines.ever_drew[without] & wants & (luck < lending.draws_when_short)
    in_vain = ~worthy & (luck < lending.applies_in_vain)
    _answer(world, without[(back & worthy)], granted=True)
    _answer(world, without[(back | in_vain) & ~worthy], granted=False)


def _answer(world: World, firms: Ints, *, granted: bool) -> None:
    """Note the application and the answer; a grant opens a line for a year."""
    lines, lending = world.lines, world.settings.lending
    asked = np.ceil(lending.draws_up_to * cushion(world, firms) / _AMOUNT_STEP).astype(np.int64) * _AMOUNT_STEP
    lowest, highest = (yuan * FEN_A_YUAN for yuan in lending.draw_yuan)
    lines.applications.add(
        firms.size,
        firm=firms,
        applied_on=world.day,
        requested=np.clip(asked, lowest, 2 * highest),
        granted=int(granted),
        limit=_limit(world, firms) if granted else 0,
    )
    if granted:
        lines.limit[firms] = _limit(world, firms)
        lines.until[firms] = world.day + lending.line_days


def _wants(world: World, firms: Ints) -> Flags:
    """A firm wants money when cash, less material it could not buy, has fallen low."""
    lending = world.settings.lending
    free = world.accounts.cash[firms] - world.condition.short_of[firms]
    share = lending.wants_below + lending.wants_below_keen * world.firms.appetite[firms]
    return free < share * cushion(world, firms)


def win_newcomers(world: World, firms: Ints) -> Ints:
    """Lenders win new borrowers at the pace set for the world: the neediest and the keenest first."""
    lines, keener = world.lines, world.settings.lending.keener_when_short
    room = _newcomers_wanted(world)
    candidates = firms[~lines.ever_drew[firms] & (lines.until[firms] < world.day)]
    candidates = candidates[creditworthy(world, candidates)]
    keenness = world.firms.appetite[candidates] + keener * _wants(world, candidates)
    won = candidates[np.argsort(-keenness, kind="stable")[:room]]
    _answer(world, won, granted=True)
    return won


def _newcomers_wanted(world: World) -> int:
    """How many more firms should have borrowed by now."""
    settings, lending = world.settings, world.settings.lending
    gone = (world.day - settings.first_day) / (settings.last_day - settings.first_day)
    wave = np.clip((gone - lending.first_wave) / (lending.last_wave - lending.first_wave), 0, 1)
    target = settings.borrower_share * settings.suppliers * wave
    return max(0, int(target) - int(world.lines.ever_drew.sum()))


def draw(world: World, firms: Ints, newcomers: Ints) -> None:
    """Draw what is missing, within the line; a newcomer draws at once."""
    lending, lines, rng = world.settings.lending, world.lines, world.rng
    lowest, highest = (yuan * FEN_A_YUAN for yuan in lending.draw_yuan)
    headroom = np.minimum(lines.limit[firms] - lines.outstanding[firms], highest)
    may = (lines.until[firms] >= world.day) & (lines.overdue[firms] == 0) & (headroom >= lowest)
    short = world.condition.short_of[firms] > 0
    moved = short | (rng.random(firms.size) < lending.draws_when_short)
    drawing = may & ((_wants(world, firms) & moved) | np.isin(firms, newcomers))
    firms, headroom = firms[drawing], headroom[drawing]
    amount = np.clip(_missing(world, firms), lowest, headroom)
    tenor = np.array(lending.tenor_days)[pick(rng, lending.tenor_shares, firms.size)]
    _pay_out(world, firms, amount // _AMOUNT_STEP * _AMOUNT_STEP, tenor)


def _missing(world: World, firms: Ints) -> Ints:
    """What it takes to buy the material at hand and be comfortable again, in whole thousands, upwards."""
    comfortable: Floats = world.settings.lending.draws_up_to * cushion(world, firms)
    missing = comfortable + world.condition.short_of[firms] - world.accounts.cash[firms]
    return np.ceil(missing / _AMOUNT_STEP).astype(np.int64) * _AMOUNT_STEP


def lend_to_all(world: World, tenor: int) -> Ints:
    """Every firm gets a line and draws what it is short of, for so many days; returns the draws."""
    lending, lines = world.settings.lending, world.lines
    firms = np.arange(world.firms.count)
    lowest, highest = (yuan * FEN_A_YUAN for yuan in lending.draw_yuan)
    lines.limit = np.maximum(lines.limit, np.maximum(_limit(world, firms), lowest))
    lines.until[:] = np.maximum(lines.until, world.day + lending.line_days)
    most = np.maximum(np.minimum(lines.limit - lines.outstanding, highest), lowest)
    amount = np.clip(_missing(world, firms), lowest, most) // _AMOUNT_STEP * _AMOUNT_STEP
    return _pay_out(world, firms, amount, np.full(firms.size, tenor))


def _pay_out(world: World, firms: Ints, amount: Ints, tenor: Ints) -> Ints:
    """Note the draws and put the money into the accounts; returns the draws."""
    lending, loans, rng = world.settings.lending, world.loans, world.rng
    positions = loans.rows.add(
        firms.size,
        firm=firms,
        drawn_on=world.day,
        due_on=world.day + tenor,
        principal=amount,
        interest=to_fen(amount * lending.yearly_rate * tenor / DAYS_A_YEAR),
        repaid_on=NEVER,
        written_off_on=NEVER,
        write_off_after=days_between(rng, lending.write_off_days, firms.size),
        most_cash=-NEVER * NEVER,
    )
    loans.falling_due.put(positions, world.day + tenor)
    world.accounts.receive(firms, amount, Purpose.DRAW)
    np.add.at(world.lines.outstanding, firms, amount)
    world.lines.ever_drew[firms] = True
    return positions
