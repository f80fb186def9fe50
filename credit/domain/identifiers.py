"""Identifiers of firms: the unified social credit code (USCC, GB 32100-2015) with both of its check digits."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
LENGTH = 18


def organisation_check_digit(eight: str) -> str:
    """The ninth character of an organisation code (GB 11714): 11 − Σ mod 11, 10 written X and 11 written 0.

    >>> organisation_check_digit("71526726")
    'X'
    """
    total = sum(ORGANISATION_ALPHABET.index(c) * w for c, w in zip(eight, ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def uscc_check_digit(seventeen: str) -> str:
    """The last character of a USCC: (31 − Σ Cᵢ·3^(i−1) mod 31) mod 31 (GB 32100-2015).

    >>> uscc_check_digit("91350100M000100Y4")
    '3'
    """
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(seventeen))
    return ALPHABET[(31 - total % 31) % 31]


def is_uscc(code: str) -> bool:
    """Whether both check digits of a unified social credit code agree.

    >>> [is_uscc(c) for c in ("914403001922038216", "91330100799655058B", "91310115MA1H8R7C6D")]
    [True, True, False]
    """
    if len(code) != LENGTH or any(c not in ALPHABET for c in code):
        return False
    return organisation_check_digit(code[8:16]) == code[16] and uscc_check_digit(code[:17]) == code[17]
