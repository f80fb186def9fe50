"""The names of suppliers: personal where the supplier is a person, so they are read one at a time, and for people."""

from __future__ import annotations

from datetime import date

from data.door import stands_on
from data.ledger import Ledger
from data.schema import NAMES
from data.upkeep import erasures


def name_of(ledger: Ledger, supplier_id: str, as_of: date) -> str | None:
    """The name that a supplier went by on a day, as known then; None where nobody knows it or it was erased.

    Of the id that is asked about alone: what was erased under one id is not looked up under another.
    """
    # Noted and not finished is erased all the same: the files are rewritten by the next writer.
    if any(each.supplier_id == supplier_id for each in erasures(ledger)):
        return None
    batches = ledger.batches()
    rows = ledger.rows(NAMES, batches)
    stands = stands_on("CAST($as_of AS DATE)", rows, corrected=ledger.corrected(NAMES, batches))
    with ledger.connection() as con:
        found = con.execute(
            f"""SELECT name FROM ({rows}) AS t
                WHERE supplier_id = $supplier AND effective_on <= $as_of AND {stands}
                ORDER BY effective_on DESC, record_id DESC LIMIT 1""",
            {"supplier": supplier_id, "as_of": as_of},
        ).fetchone()
    return str(found[0]) if found else None
