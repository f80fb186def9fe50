"""Business days of the People's Republic of China: weekdays less holidays, and the weekends that are worked instead.

Every November the State Council moves days off and working weekends of the next year, so no rule gives them. They come
from `holidays`, which has read the notices since 2001. For a year whose notice it has not read that library answers
all the same, with the feasts and without a single moved day. Here such a day is counted as Monday to Friday, feasts
included, and the answer says that it is not published: who has to act by it acts sooner than the law may ask. Only
a weekend that is then worked could make the true day earlier still.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

_SATURDAY = 5
# A notice has moved days of the December before it, never one before the 29th (2001 to 2026).
_NEXT_NOTICE_FROM = (12, 29)


@dataclass(frozen=True, slots=True, order=True)
class BusinessDay:
    """A business day that was counted, and whether every day on the way is as the State Council published it."""

    on: date
    is_published: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """Days on which the guarantor was closed by what it could not help, both included (URDG 26)."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def is_published(day: date) -> bool:
    """Whether the notice that says if this day is worked has been read.

    >>> is_published(date(2026, 10, 10)), is_published(date(2000, 12, 28)), is_published(date(2098, 1, 1))
    (True, False, False)
    """
    later = (day.month, day.day) >= _NEXT_NOTICE_FROM
    return _has_notice(day.year) and (not later or _has_notice(day.year + 1))


def is_business_day(day: date) -> bool:
    """Whether a day is worked; where that is not published, whether it is one of Monday to Friday.

    The Saturday after National Day 2026 is worked for the Wednesday before it, the Saturday before the Spring Festival
    of 2026 for a Friday in it; both Wednesday and Friday are off.

    >>> [is_business_day(date(2026, 10, day)) for day in (7, 8, 9, 10, 11)]
    [False, True, True, True, False]
    >>> [is_business_day(date(2026, 2, day)) for day in (14, 15, 20, 24, 28)]
    [True, False, False, True, True]
    """
    if is_published(day):
        return bool(_calendar(day.year).is_working_day(day))
    return day.weekday() < _SATURDAY


def business_day_after(day: date, n: int, *, closed: Iterable[Closed] = ()) -> BusinessDay:
    """The n-th business day that follows a day, which itself is not counted; days of a closure are none.

    Raises ValueError below one. What is presented on the last day before National Day has its fifth business day on
    Tuesday the 14th in 2025, for Saturday the 11th is worked, and on Tuesday the 13th in 2026:

    >>> business_day_after(date(2025, 9, 30), 5)
    BusinessDay(on=datetime.date(2025, 10, 14), is_published=True)
    >>> business_day_after(date(2026, 9, 30), 5)
    BusinessDay(on=datetime.date(2026, 10, 13), is_published=True)

    Before the Spring Festival of 2026 Saturday the 14th counts, and after it Saturday the 28th:

    >>> [str(business_day_after(date(2026, 2, 13), n).on) for n in (1, 2, 5)]
    ['2026-02-14', '2026-02-24', '2026-02-27']
    >>> business_day_after(date(2098, 12, 31), 1)
    BusinessDay(on=datetime.date(2099, 1, 1), is_published=False)
    """
    if n < 1:
        raise ValueError("the first business day that follows is the one numbered 1")
    shut = tuple(closed)
    published, left = True, n
    while left:
        day += timedelta(days=1)
        published = published and is_published(day)
        left -= is_business_day(day) and not any(day in each for each in shut)
    return BusinessDay(day, published)


def business_day_from(day: date) -> BusinessDay:
    """The day itself where it is a business day, otherwise the first that follows (URDG 25 d, for an expiry).

    >>> str(business_day_from(date(2026, 10, 1)).on), str(business_day_from(date(2026, 10, 10)).on)
    ('2026-10-08', '2026-10-10')
    """
    return business_day_after(day - timedelta(days=1), 1)


@cache
def _has_notice(year: int) -> bool:
    """Whether the library has read a year's notice: every notice there has been moved a day to a weekend."""
    return any(worked.year == year for worked in _calendar(year).weekend_workdays)


@cache
def _calendar(year: int) -> HolidayBase:
    """The library's calendar of a year and the next, whose notice may say something of the end of this."""
    from holidays import country_holidays

    return country_holidays("CN", years=(year, year + 1))
