"""What may become of some firms from an evening on: their world cut out, copied, and run again with other luck.

What has been agreed by then stays; everything that is drawn later is drawn anew for each copy: whose orders come, how
fast work goes, when buyers pay, private trade. The calendar of shocks is the world's own.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from data.simulator.accounts import Accounts
from data.simulator.agenda import Agenda
from data.simulator.arrays import (
    DAYS_A_YEAR,
    NEVER,
    Flags,
    Ints,
    one_after_the_other,
    place_in_group,
    repeated,
    taken,
)
from data.simulator.demand import Contracts, Deliveries, Ending, drift_on, plan_anew, plan_deliveries
from data.simulator.loans import Lines, Loans
from data.simulator.population import to_days
from data.simulator.settings import day_of_number
from data.simulator.world import Agendas, World

# The agendas whose things are deliveries; those of the others are contracts.
_OF_DELIVERIES = ("starts", "arrivals", "acceptances", "trade_bills", "payments")


def copies_of(world: World, firms: Ints, copies: int, rng: np.random.Generator, *, last_day: int) -> World:
    """These firms so many times over, copy by copy, as they stand this evening, with a future that nobody knows yet.

    `last_day` is the day until which they will be run.
    """
    branch = cut(world, firms, copies, rng, awarded_by=world.day)
    branch.settings = replace(world.settings, end=day_of_number(last_day))
    branch.habits.drift = drift_on(rng, branch.settings, branch.habits.drift, day_of_number(world.day))
    _leave_when_they_like(branch)
    later = plan_anew(rng, branch.settings, branch.firms, branch.buyers, branch.habits, world.day)
    _add(branch, later, plan_deliveries(rng, branch.settings, later))
    return branch


def cut(world: World, firms: Ints, copies: int, rng: np.random.Generator, *, awarded_by: int) -> World:
    """A world of these firms alone, so many times over, with the contracts awarded by a day that are not over."""
    contract = _alive(world, firms, awarded_by)
    counts = world.contracts.deliveries[contract]
    delivery = np.repeat(world.contracts.first_delivery[contract], counts) + place_in_group(counts)
    own = world.loans
    loan = np.flatnonzero(_unsettled(own) & np.isin(own["firm"], firms))
    firm_now = _places(world.firms.count, firms)
    contract_now, delivery_now = (
        _places(world.contracts.firm.size, contract),
        _places(_count(world.deliveries), delivery),
    )

    contracts = repeated(taken(world.contracts, contract), copies)
    contracts.firm = _again(firm_now[world.contracts.firm[contract]], firms.size, copies)
    contracts.first_delivery = np.cumsum(contracts.deliveries) - contracts.deliveries
    deliveries = repeated(taken(world.deliveries, delivery), copies)
    deliveries.contract = _again(contract_now[world.deliveries.contract[delivery]], contract.size, copies)
    lines = repeated(taken(world.lines, firms), copies)
    lines.applications = Lines.none(0).applications
    return World(
        settings=world.settings,
        ids=world.ids,
        rng=rng,
        day=world.day,
        firms=repeated(taken(world.firms, firms), copies),
        buyers=world.buyers,
        habits=repeated(taken(world.habits, firms), copies),
        contracts=contracts,
        deliveries=deliveries,
        accounts=Accounts(np.tile(world.accounts.cash[firms], copies)),
        condition=repeated(taken(world.condition, firms), copies),
        lines=lines,
        loans=_loans(own, loan, firm_now, firms.size, copies),
        agendas=_agendas(world.agendas, contract_now, delivery_now, copies),
        bans=[],
        weekday=np.tile(world.weekday[firms], copies),
    )


def _alive(world: World, firms: Ints, awarded_by: int) -> Ints:
    """The contracts of these firms on which something may still happen, and that were awarded by a day."""
    contracts, agendas = world.contracts, world.agendas
    alive = contracts.signed & (contracts.ending == Ending.OPEN)
    alive |= (contracts.signed_on > world.day) & (contracts.awarded_on <= awarded_by)
    for each in fields(agendas):
        things, _ = getattr(agendas, each.name).pending()
        alive[world.deliveries.contract[things] if each.name in _OF_DELIVERIES else things] = True
    return np.flatnonzero(alive & np.isin(contracts.firm, firms))


def _unsettled(loans: Loans) -> Flags:
    return np.minimum(loans["repaid_on"], loans["written_off_on"]) == NEVER


def _places(count: int, chosen: Ints) -> Ints:
    """Where each of so many things stands among the chosen ones; -1 for the others."""
    places = np.full(count, -1, dtype=np.int64)
    places[chosen] = np.arange(chosen.size)
    return places


def _again(places: Ints, count: int, copies: int) -> Ints:
    """The places in every copy, of which each has so many."""
    return (places + count * np.arange(copies)[:, None]).ravel()


def _count(deliveries: Deliveries) -> int:
    return int(deliveries.contract.size)


def _loans(own: Loans, loan: Ints, firm_now: Ints, firms: int, copies: int) -> Loans:
    """The unsettled draws, copy by copy."""
    loans, loan_now = Loans(), _places(own.rows.count, loan)
    columns = {name: np.tile(column, copies) for name, column in own.rows.taken(loan).items()}
    columns["firm"] = _again(firm_now[own["firm"][loan]], firms, copies)
    loans.rows.add(loan.size * copies, **columns)
    loans.falling_due = _agenda(own.falling_due, loan_now, copies)
    past_due = loan_now[own.past_due]
    loans.past_due = _again(past_due[past_due >= 0], loan.size, copies)
    return loans


def _agendas(own: Agendas, contract_now: Ints, delivery_now: Ints, copies: int) -> Agendas:
    now = {each.name: delivery_now if each.name in _OF_DELIVERIES else contract_now for each in fields(own)}
    return Agendas(**{name: _agenda(getattr(own, name), places, copies) for name, places in now.items()})


def _agenda(own: Agenda, places: Ints, copies: int) -> Agenda:
    """What is still to happen to the chosen things, by their new places, copy by copy."""
    agenda = Agenda()
    things, days = own.pending()
    here = places[things] >= 0
    agenda.put(_again(places[things[here]], int((places >= 0).sum()), copies), np.tile(days[here], copies))
    return agenda


def _leave_when_they_like(world: World) -> None:
    """Firms that have not left may leave on any day, as likely as ever."""
    firms, assumed = world.firms, world.settings.population
    staying = np.flatnonzero(firms.leaves_on > world.day)
    opened = np.maximum(firms.registered_on[staying], world.settings.first_day)
    earliest = np.maximum(world.day, opened + assumed.stays_at_least_days)
    stays = to_days(world.rng.exponential(DAYS_A_YEAR / assumed.leaving_a_year, staying.size))
    firms.leaves_on[staying] = earliest + 1 + stays


def _add(world: World, later: Contracts, deliveries: Deliveries) -> None:
    """Put further contracts beside those there are, all in order of signature."""
    later.first_delivery = later.first_delivery + _count(world.deliveries)
    deliveries.contract = deliveries.contract + world.contracts.firm.size
    contracts = one_after_the_other(world.contracts, later)
    order = np.argsort(contracts.signed_on, kind="stable")
    place = _places(order.size, order)
    world.contracts = taken(contracts, order)
    world.deliveries = one_after_the_other(world.deliveries, deliveries)
    world.deliveries.contract = place[world.deliveries.contract]
    for each in fields(world.agendas):
        if each.name not in _OF_DELIVERIES:
            own = getattr(world.agendas, each.name)
            moved = Agenda()
            things, days = own.pending()
            moved.put(place[things], days)
            setattr(world.agendas, each.name, moved)
