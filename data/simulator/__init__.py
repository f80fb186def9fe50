"""A small procurement platform with known truth, in the ledger's own import format.

Thin but true in mechanism: a firm defaults because its account runs dry, and breaches because a delivery
fails.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from data.simulator.summary import Summary

__all__ = ["Summary", "simulate"]


def simulate(
    folder: Path,
    *,
    suppliers: int,
    borrower_share: float,
    start: date,
    end: date,
    seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> Summary:
    """Simulate a platform and write its tables into the folder; the same seed gives the same bytes.

    `borrower_share` is the share of suppliers that ever borrow, met as far as lenders find enough of them
    creditworthy (about three in four).

    Raises FileExistsError where the folder holds anything, ValueError where a number makes no sense.
    """
    from data.simulator.blocks import write
    from data.simulator.settings import Settings
    from data.simulator.writer import refuse_filled

    settings = Settings(suppliers=suppliers, borrower_share=borrower_share, start=start, end=end, seed=seed)
    refuse_filled(folder)
    return write(settings, folder, progress)
