"""Lines and draws: what is agreed, what is outstanding, and what happened to each draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from data.simulator.agenda import Agenda
from data.simulator.arrays import NEVER, Flags, Ints


class Rows:
    """Integer columns that grow at the end; reading a column gives all rows so far."""

    def __init__(self, *names: str) -> None:
        self._columns = {name: np.empty(1024, dtype=np.int64) for name in names}
        self.count = 0

    def __getitem__(self, name: str) -> Ints:
        return self._columns[name][: self.count]

    def taken(self, rows: Ints) -> dict[str, Ints]:
        """Those rows of every column."""
        return {name: self[name][rows] for name in self._columns}

    def add(self, size: int, **values: Ints | int) -> Ints:
        """Append that many rows with a value for every column; returns their positions."""
        end = self.count + size
        for name, column in self._columns.items():
            if end > column.size:
                self._columns[name] = np.resize(column, max(end, 2 * column.size))
            self._columns[name][self.count : end] = values[name]
        positions = np.arange(self.count, end, dtype=np.int64)
        self.count = end
        return positions


@dataclass(slots=True)
class Lines:
    """The credit line of each firm; a limit of 0 is no line."""

    limit: Ints
    until: Ints
    outstanding: Ints
    overdue: Ints  # number of draws past due
    ever_drew: Flags
    ever_defaulted: Flags
    applications: Rows = field(default_factory=lambda: Rows("firm", "applied_on", "requested", "granted", "limit"))

    @classmethod
    def none(cls, firms: int) -> Lines:
        """Nobody has a line yet."""
        return cls(
            limit=np.zeros(firms, dtype=np.int64),
            until=np.full(firms, -NEVER, dtype=np.int64),
            outstanding=np.zeros(firms, dtype=np.int64),
            overdue=np.zeros(firms, dtype=np.int64),
            ever_drew=np.zeros(firms, dtype=bool),
            ever_defaulted=np.zeros(firms, dtype=bool),
        )


@dataclass(slots=True)
class Loans:
    """Every draw. `most_cash` is the most its firm had in the account on any day it failed to repay."""

    rows: Rows = field(
        default_factory=lambda: Rows(
            "firm",
            "drawn_on",
            "due_on",
            "principal",
            "interest",
            "repaid_on",
            "written_off_on",
            "write_off_after",
            "most_cash",
        )
    )
    falling_due: Agenda = field(default_factory=Agenda)
    past_due: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __getitem__(self, name: str) -> Ints:
        return self.rows[name]
