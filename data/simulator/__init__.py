"""A procurement platform with known truth, in the ledger's own format: small and stressed, or of a nation's size.

A firm defaults because its account runs dry, and breaches because a delivery fails; neither is ever drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from credit.domain.progress import Progress, silent
from data.simulator.summary import Summary, TruthSummary

if TYPE_CHECKING:
    from data.simulator.settings import Settings

__all__ = ["Platform", "Question", "Summary", "TruthSummary", "simulate", "truth"]


@dataclass(frozen=True, slots=True)
class Platform:
    """What a platform is simulated with; the same gives the same bytes.

    With `borrower_share` it is the small, stressed world of the demonstration, in which that share of suppliers ever
    borrows, met as far as lenders find enough of them creditworthy (about three in four); without, one whose figures
    are those published (docs/calibration.md).
    """

    suppliers: int
    start: date
    end: date
    seed: int
    borrower_share: float | None = None

    def settings(self) -> Settings:
        """Everything that it assumes. Raises ValueError where a number makes no sense."""
        from data.simulator.settings import Settings, national

        if self.borrower_share is None:
            return national(suppliers=self.suppliers, start=self.start, end=self.end, seed=self.seed)
        return Settings(self.suppliers, self.borrower_share, self.start, self.end, self.seed)


@dataclass(frozen=True, slots=True)
class Question:
    """How many firms to draw on which evenings, over all of them, and how often to run the future of each."""

    days: tuple[date, ...]
    firms: int
    futures: int


def simulate(folder: Path, platform: Platform, progress: Progress = silent) -> Summary:
    """Simulate a platform and write its tables into the folder.

    Raises FileExistsError where the folder holds anything, ValueError where a number makes no sense.
    """
    from data.simulator.blocks import write
    from data.simulator.writer import refuse_filled

    refuse_filled(folder)
    return write(platform.settings(), folder, progress)


def truth(folder: Path, platform: Platform, question: Question, progress: Progress = silent) -> TruthSummary:
    """Write what nobody on that platform can know: hidden quality, and true probabilities of default.

    Raises FileExistsError where the folder holds anything, ValueError where a day is named twice or lies outside the
    platform's time.
    """
    from data.simulator.truth import write
    from data.simulator.writer import refuse_filled

    outside = [day for day in question.days if not platform.start <= day <= platform.end]
    if outside or len({*question.days}) < len(question.days):
        raise ValueError(f"the days must differ and lie between {platform.start} and {platform.end}")
    refuse_filled(folder)
    return write(platform.settings(), question, folder, progress)
