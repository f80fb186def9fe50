"""Consents: events in the ledger, entered through the same door as every import."""

from __future__ import annotations

from datetime import date
from typing import Any

from credit.app.clock import day_of, now
from credit.app.deciding import supplier_tier
from credit.app.home import Home
from credit.app.recording import event_id, record_events
from credit.domain.errors import CreditError, UnknownName


def record_consent(
    home: Home, supplier: str, bank: str, purpose: str, *, kind: str, until: date | None = None
) -> dict[str, Any]:
    """Record that a supplier granted a consent today, `until` its last day if it has one, or revoked it.

    Raises UnknownSupplier, UnknownName for a bank without agreement or a purpose it did not agree to, and CreditError
    where there is nothing to revoke, a consent stands already, or its last day is over.
    """
    from credit.app.exporting import bank_named
    from data.facts import valid_consents

    supplier_tier(home, supplier)
    agreement = bank_named(home, bank)
    if purpose not in agreement.purposes:
        raise UnknownName(
            f"{bank} takes no records for purpose {purpose!r}", hint="choose from " + ", ".join(agreement.purposes)
        )
    moment = now()
    if until is not None and until < day_of(moment):
        raise CreditError(f"the consent would have ended on {until}", hint="--until names its last day, today or later")
    import pandas as pd

    standing = valid_consents(home.ledger(), pd.Series([supplier]), on=day_of(moment))
    same = standing[(standing["bank_id"] == bank) & (standing["purpose"] == purpose)]
    if kind == "REVOKED" and same.empty:
        raise CreditError(f"{supplier} has no standing consent for {bank} ({purpose})", hint="`credit consent list`")
    if kind == "GRANTED" and len(same):
        raise CreditError(f"{supplier} consents to {bank} ({purpose}) already", hint="`credit consent list`")
    # Every standing consent of that bank and purpose is revoked, or the firm would stay in the bank's files.
    consent_ids = list(same["consent_id"]) or [event_id(supplier, bank, purpose)]
    events: list[dict[str, Any]] = [
        {
            "consent_event_id": event_id(consent_id, kind),
            "consent_id": consent_id,
            "supplier_id": supplier,
            "bank_id": bank,
            "purpose": purpose,
            "kind": kind,
            "valid_to": str(until) if until else "",
        }
        for consent_id in consent_ids
    ]
    record_events(home, "consents", events, at=moment)
    return {**events[0], "happened_on": str(day_of(moment)), "recorded_at": moment.isoformat()}


def standing_consents(home: Home, supplier: str | None, bank: str | None) -> list[dict[str, Any]]:
    """The consents that hold today, by supplier. Raises UnknownSupplier, UnknownName."""
    import pandas as pd

    from credit.app.exporting import bank_named
    from data.facts import valid_consents

    today = day_of(now())
    ledger = home.ledger()
    if supplier is not None:
        supplier_tier(home, supplier)
    if bank is not None:
        bank_named(home, bank)
    asked = pd.Series([supplier] if supplier else [*ledger.suppliers(today)["supplier_id"], *ledger.gone_on_as(today)])
    found = valid_consents(ledger, asked, on=today)
    if bank:
        found = found[found["bank_id"] == bank]
    listed = found[["supplier_id", "bank_id", "purpose", "consent_id"]].to_dict("records")
    return [
        {**{str(k): v for k, v in row.items()}, "valid_to": None if pd.isna(last) else str(last)}
        for row, last in zip(listed, found["valid_to"].tolist(), strict=True)
    ]
