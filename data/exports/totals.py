"""Control totals of what is about to be written: the sums that the bank's check adds up row by row."""

from __future__ import annotations

import hashlib

from data.exports.table import Texts
from data.exports.verify import (
    DELETION,
    HASH_BYTES,
    NONE,
    OP,
    UPDATE,
    Counted,
    Table,
)


def counted(texts: Texts, table: Table) -> Counted:
    """The totals of all rows, given as the CSV's columns. A row that takes a supplier out counts by its id alone."""
    import numpy as np
    import pyarrow.compute as pc

    totals = Counted(table, tuple(texts))
    ids = texts[table.key].to_pylist()
    totals.rows = len(ids)
    # 64-bit numbers that run over: the sum is taken modulo 2^64.
    heads = b"".join([hashlib.sha256(each.encode()).digest()[:HASH_BYTES] for each in ids])
    totals.hash_total = int(np.frombuffer(heads, ">u8").sum(dtype=np.uint64))
    standing = dict(texts)
    if OP in texts:
        totals.by_op.update(texts[OP].to_pylist())
        stands = pc.not_equal(texts[OP], DELETION)
        standing = {name: pc.filter(text, stands) for name, text in texts.items()}
    else:
        totals.by_op[UPDATE] = len(ids)
    for total, name in table.sums.items():
        if name in standing:
            # Summed here: 64 bits would run over in silence.
            totals.sums[total] = sum(int(fen or 0) for fen in standing[name].to_pylist())
    for total, name in table.counts.items():
        if name in standing:
            totals.counts[total].update(each or NONE for each in standing[name].to_pylist())
    return totals
