"""Drawn histories of three suppliers, in which days, amounts and ids collide on purpose."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

AS_OF = date(2025, 3, 31)
SUPPLIERS = ("S1", "S2", "S3")
STRANGER = "S9"

Row = dict[str, Any]
History = dict[str, list[Row]]

# Tables that features read together; an example holds the events of one or two of these groups.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("invoices",),
    ("contracts", "amendments", "acceptances"),
    ("contracts", "buyers"),
    ("awards", "relations"),
    ("acceptances", "payments"),
    ("deliveries", "applications"),
    ("credit_events", "guarantee_events"),
    ("listings", "disputes", "accounts"),
)
ON = {
    "invoices": "issued_on",
    "contracts": "signed_on",
    "amendments": "amended_on",
    "acceptances": "accepted_on",
    "payments": "paid_on",
    "deliveries": "delivered_on",
    "applications": "applied_on",
    "credit_events": "happened_on",
    "guarantee_events": "happened_on",
    "listings": "happened_on",
    "disputes": "happened_on",
    "accounts": "happened_on",
    "awards": "awarded_on",
    "buyers": "effective_on",
    "relations": "happened_on",
}
KEYS = {
    "contracts": "contract_id",
    "amendments": "amendment_id",
    "acceptances": "acceptance_id",
    "payments": "payment_id",
    "deliveries": "delivery_id",
    "applications": "application_id",
    "credit_events": "credit_event_id",
    "guarantee_events": "guarantee_event_id",
    "listings": "listing_event_id",
    "disputes": "dispute_event_id",
    "accounts": "account_event_id",
    "invoices": "invoice_no",
    "awards": "award_id",
    "buyers": "buyer_id",
    "relations": "relation_event_id",
}
CHOICES: dict[str, dict[str, tuple[Any, ...]]] = {
    "invoices": {
        "direction": ("ISSUED", "RECEIVED"),
        "status": ("VALID", "VALID", "VALID", "VOIDED"),
        "counterparty_id": ("B1", "B2", "B3"),
    },
    "contracts": {"channel": ("PROJECT", "EMALL"), "category": ("GOODS", "WORKS"), "buyer_id": ("B1", "B2")},
    "amendments": {
        "kind": ("VALUE", "COMPLETED", "TERMINATED"),
        "fault": ("SUPPLIER", "NONE"),
        "contract_id": ("contracts-0", "contracts-1", "contracts-2"),
    },
    "acceptances": {
        "rating": (1, 3, 5),
        "delivery_id": ("D1", "D2"),
        "contract_id": ("contracts-0", "contracts-1"),
        "payment_due_on": ("2024-09-30", "2025-03-31", "2025-04-01"),
    },
    "payments": {"kind": ("ADVANCE", "PROGRESS"), "delivery_id": ("D1", "D2", ""), "due_on": ("2024-09-30",)},
    "deliveries": {"due_on": ("2024-06-30", "2025-01-15")},
    "applications": {"answer": ("GRANTED", "REFUSED")},
    "credit_events": {
        "kind": ("DRAWN", "DRAWN", "PAST_DUE", "REPAID", "WRITTEN_OFF"),
        "loan_id": ("W1", "W2"),
        "days_past_due": (0, 10, 90),
    },
    "guarantee_events": {
        "kind": ("ISSUED", "EFFECTIVE", "REDUCED", "DEMANDED", "RELEASED"),
        "guarantee_id": ("H1", "H2"),
    },
    "listings": {"kind": ("LISTED", "REMOVED"), "list": ("TAX", "JUDGMENT")},
    "disputes": {"kind": ("RAISED", "UPHELD", "DISMISSED")},
    "accounts": {"kind": ("LOCKED", "UNLOCKED")},
    "awards": {"buyer_id": ("B1", "B2")},
    "buyers": {"level": ("PROVINCE", "COUNTY")},
    "relations": {
        "kind": ("BEGAN", "ENDED"),
        "tie": ("CONTROLLER", "SHAREHOLDER"),
        "related_id": ("person-1", "person-2"),
    },
}
AMOUNTS = {
    "invoices": ("net_fen", "tax_fen", "total_fen"),
    "contracts": ("amount_fen", "advance_fen", "retention_fen"),
    "amendments": ("change_fen",),
    "acceptances": ("accepted_fen", "rejected_fen"),
    "payments": ("amount_fen",),
    "deliveries": ("value_fen",),
    "applications": ("requested_fen",),
    "credit_events": ("amount_fen",),
    "guarantee_events": ("amount_fen",),
    "disputes": ("amount_fen",),
    "awards": ("amount_fen",),
}
SIGNED = {"net_fen", "tax_fen", "total_fen", "change_fen"}


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Events of three suppliers over three years around AS_OF; every drawn table is there, if only as a header."""
    groups = draw(st.sets(st.sampled_from(GROUPS), min_size=1, max_size=2))
    return {
        table: [draw(events(table, number)) for number in range(draw(st.integers(0, 8)))]
        for table in sorted({table for group in groups for table in group})
    }


@st.composite
def events(draw: st.DrawFn, table: str, number: int) -> Row:
    # Suppliers, days and amounts collide on purpose.
    happened = AS_OF - timedelta(days=draw(st.sampled_from((-1, 0, 1, 30, 31, 89, 90, 364, 365, 366, 500, 730, 1000))))
    recorded = happened + timedelta(days=draw(st.sampled_from((0, 0, 0, 1, 40))))
    event: Row = {
        KEYS[table]: f"{table}-{number}",
        "supplier_id": draw(st.sampled_from(SUPPLIERS)),
        ON[table]: str(happened),
        "recorded_at": f"{recorded}T00:00:00",
    }
    for column, choices in CHOICES[table].items():
        event[column] = draw(st.sampled_from(choices))
    for column in AMOUNTS.get(table, ()):
        event[column] = draw(st.integers(-(10**6) if column in SIGNED else 0, 10**9))
    if table == "buyers":  # registered once each; contracts are with two of them
        del event["supplier_id"]
        event["buyer_id"] = f"B{number}"
    if table == "contracts":
        for part in ("advance_fen", "retention_fen"):
            event[part] = min(event[part], event["amount_fen"])
    return event
