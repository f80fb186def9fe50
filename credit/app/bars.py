"""The bar of a step that takes long: how much of it is done, how fast, and how long it will go on.

It loads rich, which takes longer than many commands; only `progress` imports it, and only for a step that lasts.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text


class _Count(ProgressColumn):
    """How much of how much, and how much a second or, of what is slow, a minute."""

    def render(self, task: Task) -> Text:
        if not task.total:
            return Text("")
        rate = task.speed or 0.0
        fast = f"{rate:,.0f}/s" if rate >= 1 else f"{rate * 60:,.1f}/min" if rate else ""
        return Text(f"{task.completed:,.0f}/{task.total:,.0f} {fast}".rstrip())


class _Left(ProgressColumn):
    """How long it will still take, as the last half minute went."""

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        if left is None:
            return Text("")
        minutes, seconds = divmod(int(left), 60)
        return Text(f"{minutes // 60}:{minutes % 60:02}:{seconds:02} left")


class Bar:
    """One bar on stderr, which is gone without a trace when it is closed."""

    def __init__(self, step: str, done: float, total: float) -> None:
        columns = (TextColumn("  {task.description}"), BarColumn(16), _Count(), TimeElapsedColumn(), _Left())
        self._bars = Progress(*columns, console=Console(file=sys.stderr), transient=True, speed_estimate_period=30)
        self._bars.start()
        self._task = self._bars.add_task(step, total=total or None, completed=int(done))

    def move(self, done: float, total: float) -> None:
        """So much is done of so much."""
        self._bars.update(self._task, completed=done, total=total or None)

    def close(self) -> None:
        """Take the bar away."""
        self._bars.stop()
