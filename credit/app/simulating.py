"""Simulate a platform, or find its truth, into a folder, with progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from credit.app import console
from credit.domain.errors import AlreadyThere

if TYPE_CHECKING:
    from data.simulator import Platform, Question, Summary, TruthSummary


def simulate_platform(folder: Path, platform: Platform) -> Summary:
    """Simulate; raises AlreadyThere where the folder holds anything."""
    from data.simulator import simulate

    with _into(folder):
        return simulate(folder, platform, console.progress)


def simulate_truth(folder: Path, platform: Platform, question: Question) -> TruthSummary:
    """Find the truth of that platform; raises AlreadyThere where the folder holds anything."""
    from data.simulator import truth

    with _into(folder):
        return truth(folder, platform, question, console.progress)


@contextmanager
def _into(folder: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as filled:
        said = "is not empty" if folder.is_dir() else "is no folder, or lies below a file"
        raise AlreadyThere(f"{folder} {said}", hint="name another folder with --out, or remove it") from filled
    console.progress_done()
