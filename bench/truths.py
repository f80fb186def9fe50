"""The true probabilities of the very draws and contracts that the models are asked about.

Found as ADR 7 finds that of any firm: what is there that evening stays, and the future is run many times over. The
simulator writes no such file and is not to be changed; its own world and clock are used from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

from data.simulator import Platform
from data.simulator.blocks import blocks, in_order
from data.simulator.borrowing import reached
from data.simulator.clock import advance
from data.simulator.demand import FRAMEWORK, PROJECT, Ending
from data.simulator.futures import copies_of
from data.simulator.settings import Settings, day_number
from data.simulator.world import World, build

# After the last planned acceptance: the longest patience and notice, retries and inspections.
LATE_DAYS = 180
# Few draws are made on a day, so those of a week are asked about together, on its last evening.
WEEK = 7
COPIES_AT_ONCE = 100_000

Asked = Callable[[World, int], pd.DataFrame]


def breach_probabilities(platform: Platform, days: Sequence[date], futures: int) -> pd.DataFrame:
    """Every tender and framework contract signed on these days: contract_id, supplier_id, probability, known_on."""
    return _over(platform, days, futures, _contracts_of_today)


def default_probabilities(platform: Platform, days: Sequence[date], futures: int) -> pd.DataFrame:
    """Every draw of the weeks that end on these days: loan_id, supplier_id, probability, known_on (the week's end)."""
    return _over(platform, days, futures, _draws_of_the_week)


def _over(platform: Platform, days: Sequence[date], futures: int, asked: Asked) -> pd.DataFrame:
    found = in_order(partial(_of_block, days=sorted(days), futures=futures, asked=asked), blocks(platform.settings()))
    return pd.concat(list(chain.from_iterable(found)), ignore_index=True)


def _of_block(settings: Settings, days: Sequence[date], futures: int, asked: Asked) -> list[pd.DataFrame]:
    world, found = build(settings), []
    for day in days:
        while world.day < day_number(day):
            advance(world)
        found.append(asked(world, futures).assign(known_on=day))
    return found


def _contracts_of_today(world: World, futures: int) -> pd.DataFrame:
    plan = world.contracts
    mine = np.flatnonzero(_of_day(world, world.day))
    ended = int(plan.planned_on[mine].max(initial=world.day)) + LATE_DAYS

    def broken(ahead: World, copies: int) -> np.ndarray:
        # Copy by copy, and in each in the order of today's contracts: the copies were sorted by signature, stably.
        theirs = np.flatnonzero(_of_day(ahead, world.day)).reshape(copies, mine.size)
        assert (ahead.contracts.amount[theirs] == plan.amount[mine]).all()
        return ahead.contracts.ending[theirs] == Ending.SUPPLIER_FAULT

    shares = _shares(world, plan.firm[mine], ended, futures, broken)
    ids = {"contract_id": world.ids.contracts(mine), "supplier_id": world.ids.suppliers(plan.firm[mine])}
    return pd.DataFrame({name: each.to_pylist() for name, each in ids.items()}).assign(probability=shares)


def _draws_of_the_week(world: World, futures: int) -> pd.DataFrame:
    loans, default_days = world.loans, world.settings.lending.default_days
    unsettled = np.minimum(loans["repaid_on"], loans["written_off_on"]) > world.day
    mine = np.flatnonzero(unsettled & (loans["drawn_on"] > world.day - WEEK))
    firms = loans["firm"][mine]
    # A copy has the unsettled draws of these firms, in their order.
    copied = np.flatnonzero(unsettled & np.isin(loans["firm"], firms))
    places = np.searchsorted(copied, mine)
    ended = int(loans["due_on"][mine].max(initial=world.day)) + default_days

    def defaulted(ahead: World, copies: int) -> np.ndarray:
        theirs = places + copied.size * np.arange(copies)[:, None]
        assert (ahead.loans["principal"][theirs] == loans["principal"][mine]).all()
        return reached(ahead, theirs, default_days)

    shares = _shares(world, firms, ended, futures, defaulted)
    ids = {"loan_id": world.ids.loans(mine), "supplier_id": world.ids.suppliers(firms)}
    return pd.DataFrame({name: each.to_pylist() for name, each in ids.items()}).assign(probability=shares)


def _shares(
    world: World, asked: np.ndarray, last_day: int, futures: int, bad: Callable[[World, int], np.ndarray]
) -> np.ndarray:
    """In what share of the futures of these firms until that day what is asked about is bad."""
    firms, found = np.unique(asked), np.zeros(asked.size)
    at_once = max(1, COPIES_AT_ONCE // max(firms.size, 1))
    for first in range(0, futures if asked.size else 0, at_once):
        copies = min(at_once, futures - first)
        rng = world.settings.generator(f"asked about {world.day} {first}")
        ahead = copies_of(world, firms, copies, rng, last_day=last_day)
        while ahead.day < last_day:
            advance(ahead)
        found += bad(ahead, copies).sum(axis=0)
    return found / futures


def _of_day(world: World, day: int) -> np.ndarray:
    """Contracts signed on that day that guarantees are asked for on."""
    plan = world.contracts
    return plan.signed & (plan.signed_on == day) & np.isin(plan.channel, (PROJECT, FRAMEWORK))
