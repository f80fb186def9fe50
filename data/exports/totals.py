"""Control totals: what a bank adds up itself to see that no row was lost, doubled or changed on the way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.exports.layout import canonical_json
from data.exports.schema import SUPPLIER_ID

NONE = "NONE"
COUNTED_BY: dict[str, str] = {"by_grade": "grade", "by_decision": "decision", "by_status": "status"}
LIMIT = "indicative_limit_fen"
HASH_BYTES = 8
HASH_MODULUS = 2 ** (8 * HASH_BYTES)


@dataclass(slots=True)
class ControlTotals:
    """Adds up the rows of one file. A total of a field that the bank does not receive is None."""

    names: Sequence[str]
    rows: int = 0
    limit_fen: int = 0
    hash_total: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {total: Counter() for total in COUNTED_BY})

    def add(self, cells: Sequence[str]) -> None:
        """Count one row, given as the CSV's cells."""
        row = dict(zip(self.names, cells, strict=True))
        self.rows += 1
        self.limit_fen += int(row.get(LIMIT) or 0)
        self.hash_total = (self.hash_total + hash_of_id(row[SUPPLIER_ID.name])) % HASH_MODULUS
        for total, name in COUNTED_BY.items():
            self.counts[total][row.get(name) or NONE] += 1

    def as_document(self) -> dict[str, Any]:
        """The totals as the manifest says them."""
        counts = {total: dict(self.counts[total]) if name in self.names else None for total, name in COUNTED_BY.items()}
        return {
            "rows": self.rows,
            "sum_limit_fen": self.limit_fen if LIMIT in self.names else None,
            **counts,
            "supplier_id_hash_total": f"{self.hash_total:0{2 * HASH_BYTES}x}",
        }


def first_difference(said: Mapping[str, Any], counted: Mapping[str, Any]) -> str | None:
    """The name of the first control total that differs, is missing or is not ours; None where all agree."""
    # Compared as they are written: true is not 1, and 3.0 is not 3.
    return next(
        (
            name
            for name in (*counted, *said)
            if name not in said
            or name not in counted
            or canonical_json({name: said[name]}) != canonical_json({name: counted[name]})
        ),
        None,
    )


def hash_of_id(supplier_id: str) -> int:
    """The first eight bytes of the id's SHA-256 as a number; their sum modulo 2^64 is the hash total."""
    return int.from_bytes(hashlib.sha256(supplier_id.encode()).digest()[:HASH_BYTES], "big")
