"""Explain one score: the whole of its reasons, not only those toward risk."""

from __future__ import annotations

from datetime import date
from typing import Any

from credit.app.deciding import supplier_tier
from credit.app.home import Home
from credit.app.scoring import TARGET, floor_of, scale_terms


def explain_score(home: Home, supplier: str, as_of: date | None) -> dict[str, Any]:
    """PD, grade and every reason of one supplier, strongest first. Raises UnknownSupplier or NoModel."""
    import pandas as pd

    from credit.domain.errors import UnknownSupplier
    from credit.domain.record import plain, said
    from credit.domain.scale import grades, points
    from features import engine
    from models.explain import by_reason
    from models.registry import registered_name
    from models.scoring import score

    ledger, tier = home.ledger(), supplier_tier(home, supplier)
    day = as_of or ledger.last_day(tier)
    if supplier not in set(ledger.suppliers(day, tier=tier)["supplier_id"]):
        raise UnknownSupplier(f"{supplier} is not known yet on {day}", hint="name a later day with --as-of")
    served = home.registry().champion(registered_name(TARGET, tier))
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [supplier], "as_of": [day]})
    frame = engine.build_cases(ledger, cases, tier=tier)
    found = score(frame, cases["supplier_id"], served, floor_of(home, day))
    code = found["unscorable"].iloc[0]
    reasons = by_reason(served, frame).iloc[0].round(6)
    strongest = reasons.reindex(reasons.abs().sort_values(ascending=False, kind="stable").index)
    scored = not isinstance(code, str)
    return {
        "supplier_id": supplier,
        "as_of": str(day),
        "model": served.label,
        "unscorable": None if scored else said(code),
        "pd": plain(found["pd"].iloc[0]),
        "grade": grades(found["pd"], scale_terms(home, day)).iloc[0],
        "score": plain(points(found["pd"]).iloc[0]),
        "reasons": [{**said(str(c)), "log_odds": float(v)} for c, v in strongest.items() if v] if scored else [],
    }
