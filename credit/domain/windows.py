"""Windows of time: half-open `(start, end]`, ending on `as_of`, so that nothing is counted twice or from the future."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day where it has no such day.

    DuckDB's and Spark's interval arithmetic clamp in the same way.

    >>> months_before(date(2026, 3, 31), 1)
    datetime.date(2026, 2, 28)
    >>> months_before(date(2020, 2, 29), 12)
    datetime.date(2019, 2, 28)
    """
    month0 = day.year * 12 + day.month - 1 - months
    year, month = divmod(month0, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day where it has no such day.

    >>> months_after(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    return months_before(day, -months)


def last_month_end(day: date) -> date:
    """The last day of the last month that is over by the end of a day.

    >>> last_month_end(date(2026, 10, 31)), last_month_end(date(2026, 10, 30))
    (datetime.date(2026, 10, 31), datetime.date(2026, 9, 30))
    """
    next_day = day + timedelta(days=1)
    return next_day.replace(day=1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days after `start` up to and including `end`.

    >>> year = Window.ending(date(2026, 10, 31), months=12)
    >>> date(2026, 10, 31) in year, date(2025, 10, 31) in year, date(2025, 11, 1) in year
    (True, False, True)
    """

    start: date
    end: date

    @classmethod
    def ending(cls, as_of: date, *, months: int) -> Window:
        """The window of so many months that ends on `as_of`."""
        return cls(months_before(as_of, months), as_of)

    def __contains__(self, day: date) -> bool:
        return self.start < day <= self.end
