"""Ask about one supplier: for a loan or a guarantee on one of its contracts, or for security for a bid."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app.clock import now
from credit.app.deciding import contract_supplier, decide_and_store, pin, supplier_tier
from credit.app.home import Home
from credit.app.policies import pack_for

if TYPE_CHECKING:
    from credit.domain.record import Record


def decide_on_contract(
    home: Home,
    product: str,
    contract_id: str,
    as_of: date | None,
    *,
    requested_fen: int | None = None,
    review_requested: bool = False,
) -> Record:
    """Decide a loan or a guarantee on a contract. Raises UnknownContract, NoModel."""
    supplier = contract_supplier(home, contract_id)
    asked = {"contract_id": contract_id, "requested_fen": requested_fen, "review_requested": review_requested}
    return _decide(home, product, supplier, as_of, asked)


def decide_bid(home: Home, supplier: str, as_of: date | None, *, region: str, budget_fen: int) -> Record:
    """Decide security for a bid in a tender of a region and a budget. Raises UnknownSupplier, NoModel."""
    return _decide(home, "bid_security", supplier, as_of, {"tender_region": region, "tender_budget_fen": budget_fen})


def _decide(home: Home, product: str, supplier: str, as_of: date | None, asked: dict[str, Any]) -> Record:
    import pandas as pd

    tier = supplier_tier(home, supplier)
    day = as_of or home.ledger().last_day(tier)
    pinned = pin(home, pack_for(home, product, tier), as_of=day, decided_at=now())
    return decide_and_store(home, pinned, pd.DataFrame([{"supplier_id": supplier, "requested_fen": None, **asked}]))[0]
