"""What is to happen on which day."""

from __future__ import annotations

import numpy as np

from data.simulator.arrays import Ints


class Agenda:
    """Things that will happen, by day. Cost follows the number of events, not the length of the calendar."""

    def __init__(self) -> None:
        self._by_day: dict[int, list[Ints]] = {}

    def put(self, things: Ints, days: Ints) -> None:
        """Note each thing down for its day."""
        if not things.size:
            return
        order = np.argsort(days, kind="stable")
        things, days = things[order], days[order]
        ends = np.append(np.flatnonzero(np.diff(days)) + 1, days.size)
        starts = np.append(0, ends[:-1])
        for day, start, end in zip(days[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            self._by_day.setdefault(day, []).append(things[start:end])

    def pending(self) -> tuple[Ints, Ints]:
        """All things still on the agenda and their days, in order of the days."""
        days = sorted(self._by_day)
        parts = [np.concatenate(self._by_day[day]) for day in days]
        if not parts:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        return np.concatenate(parts), np.repeat(np.array(days, dtype=np.int64), [part.size for part in parts])

    def take(self, day: int) -> Ints:
        """All things noted for that day, which are then off the agenda."""
        parts = self._by_day.pop(day, None)
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
