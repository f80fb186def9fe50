"""Records to export, and a sender that signs and checks exports in tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data.exports.banks import Bank
from data.exports.build import build_export
from data.exports.keys import Signer
from data.exports.schema import RECORDS, SAID_HERE
from data.exports.state import Folders
from data.exports.verify import CONTRACTS, GUARANTEES, SCORES, Kind, Table, Verified, verify_export

AS_OF = date(2026, 10, 31)

COMMON: dict[str, Any] = {
    "purpose": "credit_line",
    "scored_at": pd.Timestamp("2026-11-01T02:00:03.5", tz="UTC"),
    "valid_until": date(2027, 1, 31),
    "currency": "CNY",
    "product": "turnover_line",
    "policy_version": "2026.1",
    "data_from": date(2024, 2, 1),
    "data_to": date(2026, 10, 30),
}
SCORED_ROW: dict[str, Any] = COMMON | {
    "supplier_id": "S0002",
    "uscc": "91330100799655058B",
    "consent_id": "C2",
    "status": "SCORED",
    "score": 649,
    "grade": "R05",
    "pd": 0.0141234567,
    "pd_horizon_months": 12,
    "pd_low": 0.0093,
    "pd_high": 0.0212,
    "pd_pit": 0.0167,
    "reason_1": "BUY",
    "reason_1_zh": "采购人付款较慢, 近十二个月",
    "decision_id": "D2",
    "decision": "APPROVE",
    "human_reviewed": True,
    "override_flag": False,
    "indicative_limit_fen": 91_200_000,
    "yearly_rate_bp": 435,
    "tenor_months": 12,
    "limit_bound_by": "paid_sales_share",
    "model_name": "loan_default.platform",
    "model_version": "7",
    "previous_model_version": "6",
    "previous_score": 640,
    "previous_grade": "R06",
    "previous_pd": 0.0201,
}
DECLINED_ROW: dict[str, Any] = SCORED_ROW | {
    "supplier_id": "S0010",
    "uscc": None,
    "consent_id": "C10",
    "grade": "R10",
    "score": 455,
    "pd": 0.31,
    "decision_id": "D10",
    "decision": "DECLINE",
    "indicative_limit_fen": 0,
    "limit_bound_by": None,
}
UNSCORABLE_ROW: dict[str, Any] = COMMON | {
    "supplier_id": "S0001",
    "consent_id": "C1",
    "status": "UNSCORABLE",
    "unscorable_code": "U01",
    "decision_id": "D1",
    "decision": "REFER",
    "human_reviewed": False,
    "override_flag": False,
}
CONTRACT_ROW: dict[str, Any] = {
    "contract_id": "K2",
    "supplier_id": "S0002",
    "consent_id": "C2",
    "purpose": "credit_line",
    "buyer_id": "B1",
    "stage": "IN_DELIVERY",
    "amount_fen": 200_000_000,
    "prepaid_fen": 80_000_000,
    "paid_fen": 0,
    "retention_fen": 6_000_000,
    "net_base_fen": 114_000_000,
    "confirmed_by_buyer": True,
    "account_locked": True,
    "lock_ref": "A7",
    "other_financing_flag": False,
    "expected_pay_date": date(2027, 3, 1),
    "draw_max_fen": 79_800_000,
}
# Of a firm that consents to guarantees alone: nothing is said of what it could draw.
PLAIN_CONTRACT_ROW: dict[str, Any] = {
    "contract_id": "K10",
    "supplier_id": "S0011",
    "consent_id": "C11",
    "purpose": "guarantee",
    "stage": "SIGNED",
    "amount_fen": 5_000_000,
    "other_financing_flag": True,
    "account_locked": True,
}
GUARANTEE_ROW: dict[str, Any] = {
    "guarantee_id": "G2",
    "supplier_id": "S0002",
    "consent_id": "C2G",
    "purpose": "guarantee",
    "type": "ADVANCE_PAYMENT",
    "contract_id": "K2",
    "beneficiary": "B1",
    "amount_fen": 80_000_000,
    "outstanding_fen": 40_000_000,
    "demanded_fen": 0,
    "paid_fen": 0,
    "effective_trigger": "ADVANCE_CREDITED",
    "effective_date": date(2026, 6, 1),
    "reduction_schedule": "PRO_RATA",
    "reduction_accepted_fen": 200_000_000,
    "reduction_left_fen": 0,
    "expiry": date(2027, 6, 1),
    "status": "EFFECTIVE",
    "last_event": "REDUCED",
    "last_event_on": date(2026, 10, 1),
    "event_seq": 3,
}
ENDED_GUARANTEE_ROW: dict[str, Any] = GUARANTEE_ROW | {
    "guarantee_id": "G1",
    "type": "PERFORMANCE",
    "effective_trigger": "CONTRACT_SIGNED",
    "reduction_schedule": "NEVER",
    "reduction_accepted_fen": None,
    "reduction_left_fen": None,
    "outstanding_fen": 0,
    "status": "RELEASED",
    "last_event": "RELEASED",
}


SENDER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def folders_of(root: Path) -> Folders:
    """What is kept lies beside what is sent, never in it."""
    return Folders(root, root.with_name(f"kept-{root.name}"))


def build(root: Path, *, bank: Bank, records: pd.DataFrame, **asked: Any) -> Path:
    """An export of these scores, with a contract and two guarantees beside them where the bank agreed to such."""
    tables = {SCORES: records, CONTRACTS: contracts(), GUARANTEES: guarantees(), **asked.pop("further", {})}
    return build_export(folders_of(root), bank=bank, records=tables, **{"signer": SENDER, **asked})


def check(folder: Path, **asked: Any) -> Verified:
    return verify_export(folder, **{"sender_keys": (SENDER.public_key,), **asked})


def frame(*rows: dict[str, Any], of: Table = SCORES) -> pd.DataFrame:
    columns = [each.name for each in RECORDS[of] if each.name not in SAID_HERE]
    dtypes = {Kind.WHOLE: "Int64", Kind.FEN: "Int64", Kind.FLAG: "boolean"}
    kinds = {each.name: dtypes[each.kind] for each in RECORDS[of] if each.name in columns and each.kind in dtypes}
    return pd.DataFrame(list(rows), columns=columns).astype(kinds)


def contracts(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(*(rows or (CONTRACT_ROW, PLAIN_CONTRACT_ROW)), of=CONTRACTS)


def guarantees(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(*(rows or (GUARANTEE_ROW, ENDED_GUARANTEE_ROW)), of=GUARANTEES)
