"""Amounts as people read them."""

from __future__ import annotations


def yuan(fen: int | None) -> str:
    """Yuan with separators, fen only where there are some.

    >>> yuan(91_200_000), yuan(91_200_050), yuan(-150), yuan(None)
    ('912,000', '912,000.50', '-1.50', '–')
    """
    if fen is None:
        return "–"
    sign = "-" if fen < 0 else ""
    whole, cents = divmod(abs(fen), 100)
    return f"{sign}{whole:,}.{cents:02d}" if cents else f"{sign}{whole:,}"


def cny(fen: int) -> str:
    """An amount of the book's currency in a message.

    >>> cny(91_200_050)
    'CNY 912,000.50'
    """
    return f"CNY {yuan(fen)}"
