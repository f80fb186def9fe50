from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from credit.domain.windows import Window, months_after, months_before

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
YEAR = Window.ending(date(2026, 6, 30), months=12)


def test_the_last_day_is_in_the_window_and_the_next_is_not():
    assert date(2026, 6, 30) in YEAR
    assert date(2026, 7, 1) not in YEAR


def test_the_day_before_the_first_is_out_and_the_first_is_in():
    assert date(2025, 6, 30) not in YEAR
    assert date(2025, 7, 1) in YEAR


@given(DAYS, st.integers(1, 60))
def test_two_windows_in_a_row_share_no_day_and_leave_none_out(day, months):
    later = Window.ending(day, months=months)
    earlier = Window(months_before(later.start, months), later.start)
    assert later.start in earlier
    assert later.start not in later


@given(DAYS, st.integers(0, 60))
def test_so_many_months_after_so_many_before_is_at_most_three_days_off(day, months):
    assert 0 <= (day - months_after(months_before(day, months), months)).days <= 3
