from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.money import LARGEST_FEN, Money, fen, floor_to, share_down

AMOUNTS = st.integers(0, 10**15)


def test_money_is_never_a_float_nor_a_truth():
    for wrong in (1.0, True, "1"):
        with pytest.raises(TypeError, match="integer of minor units"):
            Money(wrong)


def test_money_of_one_currency_adds_and_compares():
    assert Money(3) + Money(4) - Money(2) == Money(5)
    assert Money(1) < Money(2) <= Money(2)


def test_money_of_two_currencies_does_neither():
    for act in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a >= b):
        with pytest.raises(ValueError, match="neither added nor compared"):
            act(Money(1), Money(1, "USD"))


def test_a_debt_is_written_with_its_sign_before_the_figure():
    assert str(Money(-123_456)) == "CNY -1,234.56"


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([100, None]),
        pd.Series([100, None], dtype=object),
        pd.Series([100, pd.NA], dtype="Int64"),
        pd.Series([100, None], dtype="Float64"),
    ],
)
def test_amounts_are_read_from_any_column_that_joins_and_files_make(column):
    assert fen(column).dtype == "Int64"
    assert fen(column).tolist() == [100, pd.NA]


def test_the_largest_amount_is_read():
    assert fen(pd.Series([LARGEST_FEN])).tolist() == [LARGEST_FEN]


@pytest.mark.parametrize("amount", [LARGEST_FEN + 1, -LARGEST_FEN - 1, 10**19, 10**30, 1e30, 0.5, float("inf"), "1.5"])
def test_an_amount_beyond_the_largest_or_between_two_fen_is_refused(amount):
    with pytest.raises(ValueError, match="an amount is"):
        fen(pd.Series([amount], dtype=object))


@given(AMOUNTS, st.integers(0, 2_000_000))
def test_a_share_is_rounded_down_to_the_fen(amount, millionths):
    assert share_down(pd.Series([amount]), millionths / 1_000_000)[0] == amount * millionths // 1_000_000


@given(AMOUNTS, st.floats(0, 2))
def test_a_share_of_more_digits_never_comes_out_larger(amount, share):
    granted = int(share_down(pd.Series([amount]), share)[0])
    assert granted <= amount * share * (1 + 1e-9)


@given(AMOUNTS, st.integers(1, 10**6))
def test_rounding_to_a_step_never_raises_an_amount_and_loses_less_than_a_step(amount, step):
    rounded = floor_to(pd.Series([amount]), step)[0]
    assert rounded <= amount < rounded + step
    assert rounded % step == 0


def test_a_share_of_what_is_missing_is_missing():
    amounts = pd.Series([100, None, 100], dtype="Int64")
    assert share_down(amounts, pd.Series([0.5, 0.5, None])).tolist() == [50, pd.NA, pd.NA]
