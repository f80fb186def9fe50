"""Identifiers that pass every check and names that belong to nobody."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.simulator.arrays import Ints
from data.simulator.ids import joined

# GB 32100-2015: no I, O, S, V, Z.
_ALPHABET = np.array(list("0123456789ABCDEFGHJKLMNPQRTUWXY"))
_USCC_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)], dtype=np.int64)
# GB 11714: an organisation code counts letters from A = 10, and checks with X for ten.
_ORGANISATION_VALUES = np.array([int(sign, 36) for sign in _ALPHABET], dtype=np.int64)
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_X = int(np.flatnonzero(_ALPHABET == "X")[0])
# A prime step through all six-character bodies, so that neighbours on the platform do not look alike.
_BODIES = 31**6
_STEP = 482_711_587

_BRANDS = np.array(list("安博昌承达丰冠瀚恒宏嘉骏科朗明宁鹏启瑞盛泰维祥信雅远泽志卓众"))


def usccs(serial: Ints, regions: Ints, entity: Ints) -> pa.Array:
    """Unified social credit codes with both check characters, one for each serial number.

    `entity` is the second character: 1 company, 2 sole trader, 3 farmers' co-operative.

    >>> usccs(np.array([0]), np.array([330106]), np.array([1])).to_pylist()
    ['91330106MA0000007Q']
    """
    signs = np.empty((serial.size, 18), dtype=np.int64)
    signs[:, 0] = 9
    signs[:, 1] = entity
    signs[:, 2:8] = regions[:, None] // 10 ** np.arange(5, -1, -1) % 10
    signs[:, 8:10] = np.searchsorted(_ALPHABET, ["M", "A"])
    body = serial * _STEP % _BODIES
    signs[:, 10:16] = body[:, None] // 31 ** np.arange(5, -1, -1, dtype=np.int64) % 31
    signs[:, 16] = _organisation_check(signs[:, 8:16])
    signs[:, 17] = (31 - signs[:, :17] @ _USCC_WEIGHTS % 31) % 31
    return pa.array(_ALPHABET[signs].view("U18").ravel())


def _organisation_check(body: Ints) -> Ints:
    """Position of the ninth character of an organisation code in the alphabet."""
    check = 11 - _ORGANISATION_VALUES[body] @ _ORGANISATION_WEIGHTS % 11
    return np.where(check == 10, _X, np.where(check == 11, 0, check))


def names(
    rng: np.random.Generator, counties: NDArray[np.str_], words: NDArray[np.str_], forms: NDArray[np.str_]
) -> pa.Array:
    """Invented registered names: county, brand, trade, form."""
    first, second = rng.integers(0, _BRANDS.size, (2, counties.size))
    return joined(counties, _BRANDS[first], _BRANDS[second], words, forms)
