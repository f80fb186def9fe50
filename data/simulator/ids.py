"""Ids of everything on the platform: stable text, by position in the simulated world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.simulator.arrays import Ints

# How many numbers each block of the platform has for what it holds; a block never needs so many.
SUPPLIERS_A_BLOCK = 20_000
_CONTRACTS, _DELIVERIES, _LOANS, _EVENTS = 1_000_000, 2_000_000, 500_000, 5_000_000


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of what one block of the platform holds, by position in the block; buyers belong to all blocks."""

    block: int

    def serial(self, firms: Ints) -> Ints:
        """The number of each supplier on the platform, from 1."""
        return self.block * SUPPLIERS_A_BLOCK + firms + 1

    def suppliers(self, firms: Ints) -> pa.Array:
        """Suppliers' ids."""
        return numbered("S", self.serial(firms), 7)

    def persons(self, persons: Ints) -> pa.Array:
        """Tokens that stand for persons; a block has two for each supplier."""
        return numbered("H", 2 * self.block * SUPPLIERS_A_BLOCK + persons + 1, 7)

    def buyers(self, buyers: Ints) -> pa.Array:
        """Buyers' ids."""
        return numbered("B", buyers + 1, 5)

    def contracts(self, contracts: Ints) -> pa.Array:
        """Contracts' ids."""
        return numbered("C", self.block * _CONTRACTS + contracts + 1, 8)

    def deliveries(self, deliveries: Ints) -> pa.Array:
        """Deliveries' ids."""
        return numbered("D", self.block * _DELIVERIES + deliveries + 1, 8)

    def disputes(self, deliveries: Ints) -> pa.Array:
        """Ids of disputes, by the delivery that is disputed."""
        return numbered("Q", self.block * _DELIVERIES + deliveries + 1, 8)

    def guarantees(self, guarantees: Ints) -> pa.Array:
        """Guarantees' ids; a contract has at most two."""
        return numbered("G", 2 * self.block * _CONTRACTS + guarantees + 1, 8)

    def loans(self, loans: Ints) -> pa.Array:
        """Ids of the draws."""
        return numbered("L", self.block * _LOANS + loans + 1, 8)

    def events(self, prefix: str, numbers: Ints) -> pa.Array:
        """Ids of events that have none of their own, numbered from 1 in the block."""
        return numbered(prefix, self.block * _EVENTS + numbers, 8)


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
