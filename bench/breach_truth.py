"""The true probability that a contract breaks, found as ADR 7 finds that of a draw: its future is run many times over.

The simulator writes no such file, and is not to be changed; its own world and clock are used from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from data.simulator import Platform
from data.simulator.blocks import blocks, in_order
from data.simulator.clock import advance
from data.simulator.demand import FRAMEWORK, PROJECT, Ending
from data.simulator.futures import copies_of
from data.simulator.settings import Settings, day_number
from data.simulator.world import World, build

# After the last planned acceptance: the longest patience and notice, retries and inspections.
LATE_DAYS = 180
COPIES_AT_ONCE = 100_000


def breach_probabilities(platform: Platform, days: Sequence[date], futures: int) -> pd.DataFrame:
    """Every tender and framework contract signed on these days: contract_id, supplier_id, signed_on, probability."""
    parts = blocks(platform.settings())
    found = in_order(partial(_of_block, days=tuple(sorted(days)), futures=futures), parts)
    return pd.concat(list(found), ignore_index=True)


def _of_block(settings: Settings, days: Sequence[date], futures: int) -> pd.DataFrame:
    world = build(settings)
    found = []
    for day in days:
        while world.day < day_number(day):
            advance(world)
        found.append(_signed_today(world, futures).assign(signed_on=day))
    return pd.concat(found)


def _signed_today(world: World, futures: int) -> pd.DataFrame:
    plan = world.contracts
    mine = np.flatnonzero(_asked(world))
    if not mine.size:
        return pd.DataFrame({"contract_id": [], "supplier_id": [], "probability": []})
    firms = np.unique(plan.firm[mine])
    last_day = int(plan.planned_on[mine].max()) + LATE_DAYS
    broken = np.zeros(mine.size)
    at_once = max(1, COPIES_AT_ONCE // firms.size)
    for first in range(0, futures, at_once):
        copies = min(at_once, futures - first)
        rng = world.settings.generator(f"breaches {world.day} {first}")
        ahead = copies_of(world, firms, copies, rng, last_day=last_day)
        # Copy by copy, and in each in the order of today's contracts: the copies are sorted by signature, stably.
        theirs = np.flatnonzero(_asked(ahead)).reshape(copies, mine.size)
        assert (ahead.contracts.amount[theirs] == plan.amount[mine]).all()
        while ahead.day < last_day:
            advance(ahead)
        broken += (ahead.contracts.ending[theirs] == Ending.SUPPLIER_FAULT).sum(axis=0)
    return pd.DataFrame(
        {
            "contract_id": world.ids.contracts(mine).to_pylist(),
            "supplier_id": world.ids.suppliers(plan.firm[mine]).to_pylist(),
            "probability": broken / futures,
        }
    )


def _asked(world: World) -> np.ndarray:
    """Contracts signed today that guarantees are asked for on."""
    plan = world.contracts
    return plan.signed & (plan.signed_on == world.day) & np.isin(plan.channel, (PROJECT, FRAMEWORK))
