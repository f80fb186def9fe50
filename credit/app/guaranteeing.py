"""Guarantees on a contract: the same decision as a line, about the supplier and one of its contracts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from credit.app.clock import now
from credit.app.deciding import contract_supplier, decide_and_store, pin, supplier_tier
from credit.app.home import Home
from credit.app.policies import pack_for

if TYPE_CHECKING:
    from credit.domain.record import Record


def decide_guarantee(home: Home, product: str, contract_id: str, as_of: date | None) -> Record:
    """Decide one guarantee. Raises UnknownContract, NoModel."""
    import pandas as pd

    supplier = contract_supplier(home, contract_id)
    tier = supplier_tier(home, supplier)
    day = as_of or home.ledger().last_day(tier)
    pinned = pin(home, pack_for(home, product, tier), as_of=day, decided_at=now())
    row = {"supplier_id": supplier, "contract_id": contract_id, "requested_fen": None}
    return decide_and_store(home, pinned, pd.DataFrame([row]).astype({"requested_fen": "Int64"}))[0]
