"""Business days in China: holidays that are moved, weekends that are worked, and years nobody has published."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.business_days import (
    BusinessDay,
    Closed,
    business_day_after,
    business_day_from,
    is_business_day,
    is_published,
)

# The notices of the State Council for 2025 and 2026, the days in its own words: off, and worked instead.
OFF_2026 = ["01-01", "01-02", "02-16", "02-20", "02-23", "04-06", "05-01", "05-04", "05-05", "06-19", "09-25", "10-01",
            "10-02", "10-05", "10-06", "10-07"]  # fmt: skip
WORKED_2026 = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
WORKED_2025 = ["01-26", "02-08", "04-27", "09-28", "10-11"]
UNPUBLISHED = date(2098, 10, 1)


@pytest.mark.parametrize("day", OFF_2026)
def test_a_weekday_that_was_given_off_is_no_business_day(day):
    assert not is_business_day(date.fromisoformat(f"2026-{day}"))


@pytest.mark.parametrize("day", [f"2026-{day}" for day in WORKED_2026] + [f"2025-{day}" for day in WORKED_2025])
def test_a_weekend_that_is_worked_is_a_business_day(day):
    found = date.fromisoformat(day)
    assert found.weekday() >= 5
    assert is_business_day(found)


def test_all_weekends_but_those_are_free():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [f"{day:%m-%d}" for day in days if day.weekday() >= 5 and is_business_day(day)] == WORKED_2026


def test_a_saturday_that_the_next_years_notice_moved_is_worked():
    assert is_business_day(date(2011, 12, 31))


def test_the_end_of_a_year_is_published_with_the_next_years_notice():
    last = max(year for year in range(2026, 2100) if is_published(date(year, 6, 1)))
    assert is_published(date(last, 12, 28))
    assert not is_published(date(last, 12, 29))
    assert not is_published(date(last + 1, 1, 1))


def test_a_day_that_nobody_published_counts_by_its_weekday_and_says_so():
    assert business_day_after(UNPUBLISHED - timedelta(days=1), 1) == BusinessDay(UNPUBLISHED, False)


def test_a_count_that_only_ends_in_a_published_year_is_published_throughout_or_not_at_all():
    assert not business_day_after(date(2000, 12, 28), 20).is_published


def test_a_closure_holds_no_business_day_on_either_of_its_ends():
    shut = Closed(date(2026, 11, 3), date(2026, 11, 4))
    assert business_day_after(date(2026, 11, 2), 1).on == date(2026, 11, 3)
    assert business_day_after(date(2026, 11, 2), 1, closed=[shut]).on == date(2026, 11, 5)


def test_there_is_no_zeroth_business_day():
    with pytest.raises(ValueError, match="numbered 1"):
        business_day_after(date(2026, 11, 2), 0)


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)), st.integers(1, 12))
def test_the_next_but_one_is_the_next_of_the_next(day, n):
    once, whole = business_day_after(day, 1), business_day_after(day, n + 1)
    then = business_day_after(once.on, n)
    assert whole == BusinessDay(then.on, once.is_published and then.is_published)
    assert is_business_day(whole.on)


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)))
def test_the_business_day_from_a_day_is_that_day_or_the_first_after(day):
    found = business_day_from(day).on
    assert found == day if is_business_day(day) else found == business_day_after(day, 1).on
