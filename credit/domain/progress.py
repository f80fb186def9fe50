"""How work that takes long says how far it has come, to whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what is being done and, where that is known, how much of how much: rows, rounds, days."""

    def __call__(self, step: str, done: float = 0, total: float = 0, /) -> None:
        """The step that runs now; called again as it goes on."""


def silent(step: str, done: float = 0, total: float = 0, /) -> None:
    """Nobody watches."""
