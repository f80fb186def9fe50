"""Consents: events in the ledger, entered through the same door as every import."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from credit.app.clock import day_of, now
from credit.app.deciding import supplier_tier
from credit.app.home import Home
from credit.domain.errors import CreditError, UnknownName


def record_consent(home: Home, supplier: str, bank: str, purpose: str, *, kind: str) -> dict[str, Any]:
    """Record that a supplier granted or revoked a consent today.

    Raises UnknownSupplier, UnknownName for a bank without agreement or a purpose it did not agree to, and CreditError
    where there is nothing to revoke or a consent stands already.
    """
    from credit.app.exporting import bank_named
    from data.facts import valid_consents
    from data.formats import format_named
    from data.importing import import_history

    supplier_tier(home, supplier)
    agreement = bank_named(home, bank)
    if purpose not in agreement.purposes:
        raise UnknownName(
            f"{bank} takes no records for purpose {purpose!r}", hint="choose from " + ", ".join(agreement.purposes)
        )
    moment = now()
    import pandas as pd

    standing = valid_consents(home.ledger(), pd.Series([supplier]), on=day_of(moment))
    same = standing[(standing["bank_id"] == bank) & (standing["purpose"] == purpose)]
    if kind == "REVOKED" and same.empty:
        raise CreditError(f"{supplier} has no standing consent for {bank} ({purpose})", hint="`credit consent list`")
    if kind == "GRANTED" and len(same):
        raise CreditError(f"{supplier} consents to {bank} ({purpose}) already", hint="`credit consent list`")
    # Every standing consent of that bank and purpose is revoked, or the firm would stay in the bank's files.
    consent_ids = list(same["consent_id"]) or [f"{supplier}-{bank}-{purpose}-{uuid4().hex[:12]}"]
    events = [
        {
            "consent_event_id": f"{consent_id}-{kind}-{uuid4().hex[:12]}",
            "consent_id": consent_id,
            "supplier_id": supplier,
            "bank_id": bank,
            "purpose": purpose,
            "happened_on": str(day_of(moment)),
            "kind": kind,
            "recorded_at": moment.isoformat(),
        }
        for consent_id in consent_ids
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "consents.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(events[0]))
            writer.writeheader()
            writer.writerows(events)
        summary = import_history(home.ledger(), format_named("platform"), file, loaded_at=moment)
    if sum(table.imported for table in summary.tables) != len(events):
        raise CreditError("the consent could not be recorded", hint="`credit ledger summary` shows the quarantine")
    return events[0]


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
    return [
        {str(k): v for k, v in row.items()}
        for row in found[["supplier_id", "bank_id", "purpose", "consent_id"]].to_dict("records")
    ]
