"""Ids of everything on the platform: stable text, by position in the simulated world."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.simulator.arrays import Ints


def supplier_ids(firms: Ints) -> pa.Array:
    """Suppliers' ids on the platform."""
    return numbered("S", firms + 1, 7)


def buyer_ids(buyers: Ints) -> pa.Array:
    """Buyers' ids on the platform."""
    return numbered("B", buyers + 1, 5)


def contract_ids(contracts: Ints) -> pa.Array:
    """Contracts' ids on the platform."""
    return numbered("C", contracts + 1, 8)


def delivery_ids(deliveries: Ints) -> pa.Array:
    """Deliveries' ids on the platform."""
    return numbered("D", deliveries + 1, 8)


def loan_ids(loans: Ints) -> pa.Array:
    """Ids of the draws."""
    return numbered("L", loans + 1, 8)


def numbered(prefix: str, numbers: Ints, width: int) -> pa.Array:
    """A letter and a number of fixed width.

    >>> import numpy as np
    >>> numbered("S", np.array([42]), 7).to_pylist()
    ['S0000042']
    """
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return joined(prefix, digits)


def joined(*parts: Any) -> pa.Array:
    """Texts put together row by row; a single text stands for every row."""
    texts = [part if isinstance(part, (str, pa.Array)) else pa.array(part) for part in parts]
    return pc.binary_join_element_wise(*texts, "")
