"""Consents: events in the ledger, entered through the same door as every import."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from credit.app.booking import request
from credit.app.clock import day_of, now
from credit.app.deciding import supplier_tier
from credit.app.home import Home
from credit.app.recording import entered, mark_of
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.errors import CreditError, UnknownName


def record_consent(
    home: Home,
    supplier: str,
    bank: str,
    purpose: str,
    *,
    kind: str,
    until: date | None = None,
    who: str,
    key: str | None = None,
) -> dict[str, Any]:
    """Record that a supplier granted a consent today, `until` its last day if it has one, or revoked it.

    Raises NotAuthorised, UnknownSupplier, UnknownName for a bank without agreement or a purpose it did not agree to,
    KeyTaken, and CreditError where there is nothing to revoke, a consent stands already, or its last day is over.
    """
    refuse(home, Action.CONSENT, who)
    last = str(until) if until else ""
    arguments = {"supplier": supplier, "bank": bank, "purpose": purpose, "until": last}
    asked = request(f"consent {_VERBS[kind]}", arguments, who=who, key=key)

    def events() -> list[dict[str, str]]:
        _refuse_strange(home, supplier, bank, purpose)
        today = day_of(datetime.fromisoformat(asked.at))
        if until is not None and until < today:
            raise CreditError(
                f"the consent would have ended on {until}", hint="--until names its last day, today or later"
            )
        standing = _standing(home, supplier, bank, purpose, on=today)
        if kind == "REVOKED" and not standing:
            raise CreditError(
                f"{supplier} has no standing consent for {bank} ({purpose})", hint="`credit consent list`"
            )
        if kind == "GRANTED" and standing:
            raise CreditError(f"{supplier} consents to {bank} ({purpose}) already", hint="`credit consent list`")
        about = {"supplier_id": supplier, "bank_id": bank, "purpose": purpose, "kind": kind, "valid_to": last}
        # Every standing consent of that bank and purpose is revoked, or the firm would stay in the bank's files.
        new = [f"{supplier}-{bank}-{purpose}{mark_of(asked)}"]
        return [{"consent_id": consent_id, **about} for consent_id in standing or new]

    return entered(home, asked, "consents", supplier, events=events, answer=lambda told: dict(told[0]))


_VERBS = {"GRANTED": "grant", "REVOKED": "revoke"}


def _refuse_strange(home: Home, supplier: str, bank: str, purpose: str) -> None:
    """Raise UnknownSupplier, or UnknownName for a bank without agreement or a purpose that it did not agree to."""
    from credit.app.exporting import bank_named

    supplier_tier(home, supplier)
    agreement = bank_named(home, bank)
    if purpose not in agreement.purposes:
        raise UnknownName(
            f"{bank} takes no records for purpose {purpose!r}", hint="choose from " + ", ".join(agreement.purposes)
        )


def _standing(home: Home, supplier: str, bank: str, purpose: str, *, on: date) -> list[str]:
    """The consents of a supplier to a bank for a purpose that hold on a day."""
    import pandas as pd

    from data.facts import valid_consents

    found = valid_consents(home.ledger(), pd.Series([supplier]), on=on)
    return list(found.loc[(found["bank_id"] == bank) & (found["purpose"] == purpose), "consent_id"])


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
