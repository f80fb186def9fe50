"""The report of the sealed nights as it is asked for: the document of the last, and the run times up to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.home import Home
from credit.app.night.engines import run_of
from credit.app.night.monitoring.report import report
from credit.app.night.monitoring.scored import NIGHTS
from credit.app.night.running import TIMES
from credit.app.night.steps import STEPS
from credit.domain.errors import NightRefused

if TYPE_CHECKING:
    from data.nights import Night


def report_of(home: Home, as_of: date | None) -> dict[str, Any]:
    """The document of the last sealed night up to a day, with the run times until then. Raises NightRefused."""
    console.waiting("reading the nights")
    nights = [night for night in home.nights().sealed() if as_of is None or night.as_of <= as_of]
    if not nights:
        raise NightRefused(
            "no night is sealed" + (f" up to {as_of}" if as_of else ""), hint="`credit nightly run` runs and seals one"
        )
    run = run_of(home, nights[-1])
    # Times are of a machine, so that they are not sealed.
    return {**report(run), "run_times": run_times(nights)}


def run_times(nights: Sequence[Night]) -> list[dict[str, Any]]:
    """Seconds a step of the last nights; None of a step that nobody noted."""
    found = []
    for night in nights[-NIGHTS:]:
        times = night.noted(TIMES) or {}
        seconds = {step.name: times.get(step.name, {}).get("seconds") for step in STEPS}
        whole = round(sum(each for each in seconds.values() if each is not None), 1)
        found.append({"night": str(night.as_of), "all": whole, **seconds})
    return found
