"""A procurement platform with known truth, in the ledger's own format: small and stressed, or of a nation's size.

A firm defaults because its account runs dry, and breaches because a delivery fails; neither is ever drawn.
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
    start: date,
    end: date,
    seed: int,
    borrower_share: float | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Summary:
    """Simulate a platform and write its tables into the folder; the same seed gives the same bytes.

    With `borrower_share` it is the small, stressed world of the demonstration, in which that share of suppliers ever
    borrows, met as far as lenders find enough of them creditworthy (about three in four); without, one whose figures
    are those published (docs/calibration.md).

    Raises FileExistsError where the folder holds anything, ValueError where a number makes no sense.
    """
    from data.simulator.blocks import write
    from data.simulator.settings import Settings, national
    from data.simulator.writer import refuse_filled

    if borrower_share is None:
        settings = national(suppliers=suppliers, start=start, end=end, seed=seed)
    else:
        settings = Settings(suppliers=suppliers, borrower_share=borrower_share, start=start, end=end, seed=seed)
    refuse_filled(folder)
    return write(settings, folder, progress)
