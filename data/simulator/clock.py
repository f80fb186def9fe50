"""The clock: one day after the other, trade before credit."""

from __future__ import annotations

from credit.domain.progress import Progress, silent
from data.simulator.credit import lend_one_day
from data.simulator.settings import Settings
from data.simulator.trade import trade_one_day
from data.simulator.weekly import run_the_week
from data.simulator.world import World, build

_REPORT_EVERY_DAYS = 30


def run(settings: Settings, progress: Progress = silent) -> World:
    """The platform as it stands on the evening of the last day."""
    world = build(settings)
    while world.day < settings.last_day:
        advance(world)
        if world.day % _REPORT_EVERY_DAYS == 0:
            progress("trading", world.day - settings.first_day, settings.last_day - settings.first_day)
    return world


def advance(world: World) -> None:
    """One more day."""
    world.day += 1
    trade_one_day(world)
    run_the_week(world)
    lend_one_day(world)
