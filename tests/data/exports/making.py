"""Records to export, and a sender that signs and checks exports in tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data.exports.build import build_export
from data.exports.keys import Signer
from data.exports.schema import FIELD_NAMES, SAID_HERE
from data.exports.state import Folders
from data.exports.verify import Verified, verify_export

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
WHOLE = ("score", "previous_score", "pd_horizon_months", "indicative_limit_fen", "yearly_rate_bp", "tenor_months")


SENDER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def folders_of(root: Path) -> Folders:
    """What is kept lies beside what is sent, never in it."""
    return Folders(root, root.with_name(f"kept-{root.name}"))


def build(root: Path, **asked: Any) -> Path:
    return build_export(folders_of(root), signer=SENDER, **asked)


def check(folder: Path, **asked: Any) -> Verified:
    return verify_export(folder, **{"sender_keys": (SENDER.public_key,), **asked})


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    columns = [name for name in FIELD_NAMES if name not in SAID_HERE]
    return pd.DataFrame(list(rows), columns=columns).astype(dict.fromkeys(WHOLE, "Int64"))
