"""Ask about one supplier: for a loan or a guarantee on one of its contracts, or for security for a bid."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import now
from credit.app.deciding import Pinned, applied_for, contract_supplier, decide_and_store, pin, supplier_tier
from credit.app.home import Home
from credit.app.policies import pack_for

if TYPE_CHECKING:
    import pandas as pd

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


def offers(
    home: Home, product: str, as_of: date | None, *, supplier: str | None = None, contract: str | None = None
) -> dict[str, Any]:
    """What could be had without a person: of a supplier, or on a contract; nothing of it is stored.

    Raises UnknownSupplier, UnknownContract or NoModel.
    """
    from credit.domain.decision import decide
    from credit.domain.policy.rules import Outcome

    who = contract_supplier(home, contract) if contract else str(supplier)
    pinned, applications = _asked(home, product, who, as_of, {"contract_id": contract})
    case = applied_for(home, pinned, applications)
    answer = decide(pinned.product, pinned.pack, case, pinned.as_of).answers.iloc[0]
    return {
        "supplier_id": who,
        "contract_id": contract,
        "product": pinned.product.name,
        "as_of": str(pinned.as_of),
        "as_asked": {"outcome": Outcome(answer["outcome"]).name, "amount_fen": int(answer["amount_fen"])},
        **without_a_person(pinned, case),
    }


def without_a_person(pinned: Pinned, case: pd.DataFrame) -> dict[str, Any]:
    """The alternatives of a case of one row that policy grants by itself, and the securities that they name."""
    from credit.domain.offers import AS_IT_IS, alternatives

    found = alternatives(pinned.product, pinned.pack, case, pinned.as_of)
    return {
        "securities": {each.code: {"zh": each.zh, "en": each.en} for each in (AS_IT_IS, *pinned.product.securities)},
        "alternatives": [
            {**row, "tenor_months": None if row["tenor_months"] is None else int(row["tenor_months"])}
            for row in found.astype(object).where(found.notna(), None).to_dict("records")
        ],
    }


def _decide(home: Home, product: str, supplier: str, as_of: date | None, asked: dict[str, Any]) -> Record:
    pinned, applications = _asked(home, product, supplier, as_of, asked)
    return decide_and_store(home, pinned, applications)[0]


def _asked(
    home: Home, product: str, supplier: str, as_of: date | None, asked: dict[str, Any]
) -> tuple[Pinned, pd.DataFrame]:
    """What one question stands on, and the question as a frame of one row."""
    import pandas as pd

    console.waiting("deciding")
    tier = supplier_tier(home, supplier)
    day = as_of or home.ledger().last_day(tier)
    pinned = pin(home, pack_for(home, product, tier), as_of=day, decided_at=now())
    return pinned, pd.DataFrame([{"supplier_id": supplier, "requested_fen": None, **asked}])
