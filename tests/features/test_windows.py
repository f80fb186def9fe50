"""The windows of the domain, of the queries and of the month buckets are the same days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from credit.domain.windows import Window, months_before
from features.sources import months_back

DAYS = st.dates(date(1996, 1, 1), date(2040, 12, 31))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(day=DAYS, months=st.integers(0, 60))
@example(day=date(2024, 2, 29), months=12)
@example(day=date(2025, 3, 31), months=1)
def test_months_before_a_day_is_what_the_queries_subtract(
    con: duckdb.DuckDBPyConnection, day: date, months: int
) -> None:
    row = con.execute("SELECT CAST(CAST($day AS DATE) - to_months($m) AS DATE)", {"day": day, "m": months}).fetchone()
    assert row == (months_before(day, months),)


@given(as_of=DAYS, back=st.integers(0, 800))
@example(as_of=date(2025, 2, 28), back=365)  # 29 February 2024
@example(as_of=date(2024, 2, 29), back=366)  # 28 February 2023
@example(as_of=date(2025, 4, 30), back=30)  # 31 March
def test_a_day_lies_in_the_month_bucket_whose_window_holds_it(
    con: duckdb.DuckDBPyConnection, as_of: date, back: int
) -> None:
    day = as_of - timedelta(days=back)
    query = f"SELECT {months_back('on_day')} FROM (SELECT CAST(? AS DATE) AS as_of, CAST(? AS DATE) AS on_day)"
    bucket = con.execute(query, [as_of, day]).fetchone()
    assert bucket is not None
    month = bucket[0]
    assert day in Window(months_before(as_of, month + 1), months_before(as_of, month))


def test_29_february_lies_in_the_last_twelve_months_of_28_february() -> None:
    assert date(2024, 2, 29) in Window.ending(date(2025, 2, 28), months=12)


def test_28_february_lies_outside_the_last_twelve_months_of_28_february() -> None:
    assert date(2024, 2, 28) not in Window.ending(date(2025, 2, 28), months=12)
