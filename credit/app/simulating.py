"""Simulate a platform into a folder, with progress."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from credit.app import console
from credit.domain.errors import AlreadyThere

if TYPE_CHECKING:
    from data.simulator import Summary


def simulate_platform(
    folder: Path, *, suppliers: int, borrower_share: float | None, start: date, end: date, seed: int
) -> Summary:
    """Simulate; raises AlreadyThere where the folder holds anything."""
    from data.simulator import simulate

    try:
        summary = simulate(
            folder,
            suppliers=suppliers,
            borrower_share=borrower_share,
            start=start,
            end=end,
            seed=seed,
            progress=console.stepwise(),
        )
    except FileExistsError as filled:
        raise AlreadyThere(f"{folder} is not empty", hint="name another folder with --out, or remove it") from filled
    console.progress_done()
    return summary
