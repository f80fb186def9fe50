"""Identifiers of firms: the unified social credit code (USCC, GB 32100-2015) with both of its check digits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
LENGTH = 18


def _places(alphabet: str) -> npt.NDArray[np.int64]:
    """The place of each ASCII character in an alphabet, -1 where it is not in it."""
    return np.array([alphabet.find(chr(code)) for code in range(128)])


_PLACE, _ORGANISATION_PLACE = _places(ALPHABET), _places(ORGANISATION_ALPHABET)
_POWERS = np.array([pow(3, i, 31) for i in range(LENGTH - 1)])
_ORGANISATION_CHECKS = np.array([ord(each) for each in "0123456789X0"])


def are_usccs(codes: pd.Series[str]) -> pd.Series[bool]:
    """Whether both check digits of each code agree, by the index; missing where there is no code.

    The ninth character of the organisation's part (GB 11714) is 11 − Σ Cᵢ·Wᵢ mod 11, 10 written X and 11 written 0; the
    last one of the whole (GB 32100-2015) is (31 − Σ Cᵢ·3^(i−1) mod 31) mod 31 in its alphabet.

    >>> are_usccs(pd.Series(["914403001922038216", "91310115MA1H8R7C6D", None])).tolist()
    [True, False, <NA>]
    """
    valid = pd.Series(pd.NA, index=codes.index, dtype="boolean").mask(codes.notna().to_numpy(), False)
    whole = (codes.str.len() == LENGTH).to_numpy(dtype=bool, na_value=False)
    characters = np.array(codes[whole].tolist(), dtype=f"U{LENGTH}").view(np.uint32).reshape(-1, LENGTH)
    plain = np.where(characters < len(_PLACE), characters, 0)
    places, organisation = _PLACE[plain], _ORGANISATION_PLACE[plain[:, 8:16]]
    check = (31 - (places[:, :-1] * _POWERS).sum(axis=1) % 31) % 31
    organisation_check = _ORGANISATION_CHECKS[11 - (organisation * ORGANISATION_WEIGHTS).sum(axis=1) % 11]
    right = (places >= 0).all(axis=1) & (check == places[:, -1]) & (organisation_check == plain[:, 16])
    valid[whole] = right
    return valid
