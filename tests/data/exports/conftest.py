"""Records to export, and an export that can be altered in ways that its own seals do not show."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.durable import sha256_of
from data.exports.banks import Bank, shipped_bank
from data.exports.build import ExportFacts, build_export
from data.exports.cells import row_hash
from data.exports.descriptor import describe, field_names
from data.exports.layout import (
    DATAPACKAGE,
    MANIFEST,
    SCORES_CSV,
    SCORES_PARQUET,
    ExportName,
    SealedFile,
    canonical_json,
)
from data.exports.schema import FIELD_NAMES, fields_named

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
    "reason_1": "BUY",
    "reason_1_zh": "采购人付款较慢, 近十二个月",
    "decision_id": "D2",
    "decision": "APPROVE",
    "indicative_limit_fen": 91_200_000,
    "yearly_rate_bp": 435,
    "tenor_months": 12,
    "limit_bound_by": "paid_sales_share",
    "model_name": "loan_default.platform",
    "model_version": "7",
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
}
WHOLE = ("score", "pd_horizon_months", "indicative_limit_fen", "yearly_rate_bp", "tenor_months")


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    columns = [name for name in FIELD_NAMES if name not in ("as_of", "advisory_only", "row_hash")]
    return pd.DataFrame(list(rows), columns=columns).astype(dict.fromkeys(WHOLE, "Int64"))


@pytest.fixture
def records() -> pd.DataFrame:
    return frame(SCORED_ROW, DECLINED_ROW, UNSCORABLE_ROW)


@pytest.fixture
def bank() -> Bank:
    return shipped_bank("demo-bank")


@pytest.fixture
def facts() -> ExportFacts:
    return ExportFacts(
        as_of=AS_OF,
        generated_at=datetime(2026, 11, 1, 2, 0, tzinfo=UTC),
        models={"loan_default.platform": "7"},
        policies={"turnover_line": "2026.1"},
        ledger_version="ledger-0042",
        sequence=1,
    )


@pytest.fixture
def export(tmp_path: Path, bank: Bank, records: pd.DataFrame, facts: ExportFacts) -> Path:
    return build_export(tmp_path / "demo-bank", bank=bank, records=records, facts=facts)


class FaultySender:
    """Alters an export and makes its own seals vouch for that, as a sender with a fault would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def change_cell(self, *, line: int, column: str, cell: str, hashed: bool = True) -> None:
        """Write another text into a cell of the CSV, with a right row hash unless asked otherwise."""
        rows = self.csv_rows()
        row = rows[line - 1]
        row[rows[0].index(column)] = cell
        if hashed:
            row[-1] = row_hash(row[:-1])
        self.write_csv(rows)

    def csv_rows(self) -> list[list[str]]:
        text = (self.folder / SCORES_CSV).read_text(encoding="utf-8")
        return list(csv.reader(io.StringIO(text, newline="")))

    def write_csv(self, rows: list[list[str]]) -> None:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        self.write_csv_bytes(out.getvalue().encode())

    def write_csv_bytes(self, content: bytes) -> None:
        (self.folder / SCORES_CSV).write_bytes(content)
        self.seal()

    def change_parquet(self, change: Callable[[pa.Table], pa.Table]) -> None:
        path = self.folder / SCORES_PARQUET
        pq.write_table(change(pq.read_table(path)), path)
        self.seal()

    def manifest(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / MANIFEST).read_bytes())
        return document

    def change_manifest(self, **changes: Any) -> None:
        self.write_manifest(canonical_json(self.manifest() | changes))

    def write_manifest(self, content: bytes) -> None:
        (self.folder / MANIFEST).write_bytes(content)
        self.marker.write_text(f"{sha256_of(self.folder / MANIFEST)}\n")

    def change_descriptor(self, descriptor: dict[str, Any]) -> None:
        (self.folder / DATAPACKAGE).write_bytes(canonical_json(descriptor))
        self._seal_files()

    @property
    def marker(self) -> Path:
        return self.folder / f"{self.folder.name}.ok"

    def seal(self) -> None:
        """Describe the data as it lies there, and vouch for it."""
        manifest = self.manifest()
        rows = {each["name"]: each["rows"] for each in manifest["files"]}
        descriptor = describe(
            ExportName.parse(self.folder.name),
            generated_at=manifest["generated_at"],
            fields=fields_named(field_names(json.loads((self.folder / DATAPACKAGE).read_bytes()))),
            files=[SealedFile.of(self.folder / name, rows[name]) for name in (SCORES_CSV, SCORES_PARQUET)],
        )
        self.change_descriptor(descriptor)

    def _seal_files(self) -> None:
        files = self.manifest()["files"]
        sealed = [asdict(SealedFile.of(self.folder / each["name"], each["rows"])) for each in files]
        self.change_manifest(files=sealed)


@pytest.fixture
def faulty(export: Path) -> FaultySender:
    return FaultySender(export)
