"""Money is an integer of minor units beside a currency; a float never holds it.

Rounding is a named act with a direction: limits go down, fees go up, so that rounding never favours more credit
than was decided and never charges less than was priced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

FEN_PER_YUAN = 100
# The currency of the book. Amounts in another are kept as they are and never added to these.
BOOK_CURRENCY = "CNY"
# What ISO 4217 calls "no currency": the source gives an amount and not what it is in.
NO_CURRENCY = "XXX"
# Minor units in one unit of a currency (ISO 4217, list one, exponents 0 and 3); in all others a hundred.
MINOR_UNITS: dict[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 1),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 1),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 1000),
}

# No amount comes near this, CNY 1,000 million million; sums of two stay far below the end of 64 bits.
LARGEST_FEN = 10**17

MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units.

    >>> str(Money(123_456_789, "CNY"))
    'CNY 1,234,567.89'
    """

    minor: int
    currency: str = BOOK_CURRENCY

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"money is an integer of minor units, not {type(self.minor).__name__}")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} are neither added nor compared")
        return other

    def __str__(self) -> str:
        sign = "-" if self.minor < 0 else ""
        yuan, fen = divmod(abs(self.minor), FEN_PER_YUAN)
        return f"{self.currency} {sign}{yuan:,}.{fen:02d}"


def fen(amount: pd.Series[Any]) -> pd.Series[int]:
    """A column of amounts as integers that may be missing; raises ValueError where one is no whole number of fen.

    A float column is what a join makes of integers when some rows are missing.

    >>> fen(pd.Series([1.0, None])).tolist()
    [1, <NA>]
    >>> fen(pd.Series([0.5]))
    Traceback (most recent call last):
    ...
    ValueError: an amount is no whole number of fen
    """
    try:
        whole: pd.Series[int] = amount.astype("Int64")
    except (TypeError, ValueError, OverflowError) as broken:
        raise ValueError("an amount is no whole number of fen") from broken
    if (np.abs(whole.to_numpy(dtype="int64", na_value=0)) > LARGEST_FEN).any():
        raise ValueError(f"an amount is beyond {LARGEST_FEN} fen")
    return whole


def floor_to(amount_fen: pd.Series[int], step_fen: int) -> pd.Series[int]:
    """Round limits down to a whole step, in integers and never below zero.

    >>> floor_to(pd.Series([91_234_567, -1, 100_000]), 100_000).tolist()
    [91200000, 0, 100000]
    """
    return (amount_fen // step_fen * step_fen).clip(lower=0)


def share_down(amount_fen: pd.Series[int], share: pd.Series[float] | float) -> pd.Series[int]:
    """A share of an amount, rounded down to the fen; missing where either is.

    The share itself is taken to whole millionths, downwards too, so that no float holds money.

    >>> share_down(pd.Series([114_000_000]), 0.8).tolist()
    [91200000]
    """
    # Three more digits first: 0.29 is 289999.99999999994 millionths in binary, which must not become 289,999.
    exact = np.floor((np.broadcast_to(np.asarray(share, dtype="float64"), len(amount_fen)) * MILLIONTHS).round(3))
    missing = amount_fen.isna().to_numpy() | ~np.isfinite(exact)
    millionths = np.where(missing, 0, exact).astype("int64")
    fen_ = amount_fen.to_numpy(dtype="int64", na_value=0)
    # Split first: fen times a million would overflow 64 bits from CNY 92 billion on.
    part = fen_ // MILLIONTHS * millionths + fen_ % MILLIONTHS * millionths // MILLIONTHS
    return pd.Series(pd.arrays.IntegerArray(part, missing), index=amount_fen.index)
