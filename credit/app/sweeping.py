"""What buyers paid into locked accounts, swept from the ledger into the draws of their suppliers, each payment once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from credit.app import drawing
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.domain.errors import CreditError


def sweep(home: Home, as_of: date | None, *, who: str) -> dict[str, Any]:
    """Collect every payment that the ledger knows since a supplier's open draws began; what cannot be is said.

    A payment is known by its id: swept once, it is not swept again. One that became known after something was booked on
    a later day is for a person: `credit repayment collect`.
    """
    from data.facts import paid_into_locked

    since: dict[str, date] = {}
    for draw in home.book().draws_listed(open_only=True):
        began = day_of(datetime.fromisoformat(draw.opened_at))
        since[draw.supplier_id] = min(began, since.get(draw.supplier_id, began))
    ledger = home.ledger()
    known = as_of or min(ledger.last_day(), day_of(now()))
    swept, refused = [], []
    if since:
        before = home.book().payments()
        for payment, supplier, contract, on, fen in paid_into_locked(ledger, since, known):
            if payment in before:
                continue
            try:
                answer = drawing.collect(home, supplier, contract, payment, fen, on, who=who, key=f"sweep-{payment}")
            except CreditError as error:
                # Whatever is wrong with one payment, the next ones are swept.
                refused.append({"payment_id": payment, "why": error.message})
                continue
            swept.append({"supplier_id": supplier, "amount_fen": fen, **answer})
    return {"as_of": str(known), "suppliers": len(since), "swept": swept, "refused": refused}
