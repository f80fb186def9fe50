"""Money is an integer of minor units beside a currency; a float never holds it.

Rounding is a named act with a direction: limits go down, fees go up, so that rounding never favours more credit
than was decided and never charges less than was priced.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FEN_PER_YUAN = 100

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units.

    >>> str(Money(123_456_789, "CNY"))
    'CNY 1,234,567.89'
    """

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"money is an integer of minor units, not {type(self.minor).__name__}")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other

    def __str__(self) -> str:
        sign = "-" if self.minor < 0 else ""
        yuan, fen = divmod(abs(self.minor), FEN_PER_YUAN)
        return f"{self.currency} {sign}{yuan:,}.{fen:02d}"


def floor_to(amount_fen: pd.Series[int], step_fen: int) -> pd.Series[int]:
    """Round limits down to a whole step, in integers.

    >>> floor_to(pd.Series([91_234_567, -1, 100_000]), 100_000).tolist()
    [91200000, 0, 100000]
    """
    return (amount_fen // step_fen * step_fen).clip(lower=0)


def ceil_div(numerator: pd.Series[int], denominator: int) -> pd.Series[int]:
    """Divide integers and round up, as fees are.

    >>> ceil_div(pd.Series([10, 11, 0]), 5).tolist()
    [2, 3, 0]
    """
    return -(-numerator // denominator)


def share_down(amount_fen: pd.Series[int], share: pd.Series[float] | float) -> pd.Series[int]:
    """A share of an amount, rounded down to the fen; the share is taken to six digits so that no float holds money.

    >>> share_down(pd.Series([114_000_000]), 0.8).tolist()
    [91200000]
    """
    millionths = np.round(np.asarray(share, dtype=float) * 1_000_000).astype(np.int64)
    # Split first: fen times a million would overflow 64 bits from CNY 92 billion on.
    whole, rest = np.divmod(amount_fen.to_numpy(dtype=np.int64), 1_000_000)
    return pd.Series(whole * millionths + rest * millionths // 1_000_000, index=amount_fen.index)
