"""Records to export, and an export that can be altered in ways that its own seals do not show."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.durable import sha256_of
from data.exports.banks import Bank, shipped_bank
from data.exports.build import Origin
from data.exports.descriptor import describe
from data.exports.layout import ExportName
from data.exports.manifest import SealedFile
from data.exports.schema import RECORDS, fields_named
from data.exports.verify import (
    DATAPACKAGE,
    MANIFEST,
    SCORES,
    SIGNATURE,
    Table,
    canonical_json,
    columns_of,
    row_hash,
    tables_of,
)
from tests.data.exports.making import AS_OF, DECLINED_ROW, SCORED_ROW, SENDER, UNSCORABLE_ROW, build, frame


@pytest.fixture
def records() -> pd.DataFrame:
    return frame(SCORED_ROW, DECLINED_ROW, UNSCORABLE_ROW)


@pytest.fixture
def bank() -> Bank:
    return shipped_bank("demo-bank")


@pytest.fixture
def origin() -> Origin:
    return Origin(
        as_of=AS_OF,
        generated_at=datetime(2026, 11, 1, 2, 0, tzinfo=UTC),
        models={"loan_default.platform": "7"},
        policies={"turnover_line": "2026.1"},
        ledger_version="ledger-0042",
        code_version="0.1.0",
    )


@pytest.fixture
def export(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin) -> Path:
    return build(tmp_path / "demo-bank", bank=bank, records=records, origin=origin)


class FaultySender:
    """Alters an export and makes its own seals vouch for that, as a sender with a fault would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def change_cell(self, *, line: int, column: str, cell: str, hashed: bool = True, table: Table = SCORES) -> None:
        """Write another text into a cell of the CSV, with a right row hash unless asked otherwise."""
        rows = self.csv_rows(table)
        row = rows[line - 1]
        row[rows[0].index(column)] = cell
        if hashed:
            row[-1] = row_hash(row[:-1])
        self.write_csv(rows, table)

    def csv_rows(self, table: Table = SCORES) -> list[list[str]]:
        text = (self.folder / table.csv).read_text(encoding="utf-8")
        return list(csv.reader(io.StringIO(text, newline="")))

    def write_csv(self, rows: list[list[str]], table: Table = SCORES) -> None:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        self.write_csv_bytes(out.getvalue().encode(), table)

    def write_csv_bytes(self, content: bytes, table: Table = SCORES) -> None:
        (self.folder / table.csv).write_bytes(content)
        self.seal()

    def change_parquet(self, change: Callable[[pa.Table], pa.Table], table: Table = SCORES) -> None:
        path = self.folder / table.parquet
        pq.write_table(change(pq.read_table(path)), path)
        self.seal()

    def manifest(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / MANIFEST).read_bytes())
        return document

    def change_manifest(self, **changes: Any) -> None:
        self.write_manifest(canonical_json(self.manifest() | changes))

    def write_manifest(self, content: bytes) -> None:
        (self.folder / MANIFEST).write_bytes(content)
        (self.folder / SIGNATURE).write_bytes(SENDER.signature(content))
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
        tables, document = tables_of(manifest), json.loads((self.folder / DATAPACKAGE).read_bytes())
        names = {each: [column.name for column in columns_of(document, each)] for each in tables}
        rows = {each["name"]: each["rows"] for each in manifest["files"]}
        descriptor = describe(
            ExportName.parse(self.folder.name),
            version=manifest["schema_version"],
            generated_at=manifest["generated_at"],
            tables={each: fields_named(names[each], record=RECORDS[each]) for each in tables},
            files={name: self._sealed(name, rows[name]) for each in tables for name in each.files},
        )
        self.change_descriptor(descriptor)

    def _seal_files(self) -> None:
        files = self.manifest()["files"]
        self.change_manifest(files=[asdict(self._sealed(each["name"], each["rows"])) for each in files])

    def _sealed(self, name: str, rows: int | None) -> SealedFile:
        return SealedFile.of(name, (self.folder / name).read_bytes(), rows=rows)


@pytest.fixture
def faulty(export: Path) -> FaultySender:
    return FaultySender(export)
