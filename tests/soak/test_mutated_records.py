"""A hundred thousand broken records through every format: no crash, no hang, and the counts add up."""

from __future__ import annotations

import csv
import json
import random
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credit.domain.errors import CreditError
from data.formats import format_named
from data.formats.format import Format
from data.formats.mapped import MAPPED, read_mapping
from data.importing import import_history
from data.ledger import Ledger
from data.schema import TABLES

RECORDS = 100_000
RECORDS_A_FILE = 1_000
SECONDS_A_FILE = 60

ODD: tuple[Any, ...] = (
    "",
    " ",
    "\u3000",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@x",
    "../../../etc/passwd",
    "C:\\x",
    "a\x00b",
    "a\nb",
    "\u202e",
    "\ufeff",
    '"',
    "'; DROP TABLE suppliers; --",
    "1e400",
    "1e-400",
    "9" * 400,
    "-0",
    "NaN",
    "inf",
    "0x1F",
    "１２３",
    "9008-01-01",
    "0000-00-00",
    "2024-02-30",
    "2024-01-01T00:00:00+99:99",
    "true",
    "null",
    "名" * 3000,
    10**40,
    -(10**19),
    1.5e308,
    True,
    None,
    [],
    {},
    [[[[[[]]]]]],
    {"id": {"id": {"id": 1}}},
)


def odd_text(rng: random.Random) -> str:
    value = rng.choice(ODD)
    return "" if value is None else str(value)


def mutated_rows(rng: random.Random, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        for _ in range(rng.randint(0, 2)):
            row[rng.choice(list(row))] = odd_text(rng)
    return rows


def write_csv(rng: random.Random, file: Path, rows: list[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    content = file.read_bytes()
    match rng.randint(0, 9):
        case 0:  # cut short
            file.write_bytes(content[: rng.randint(1, len(content))])
        case 1:  # bytes that are no UTF-8
            place = rng.randint(1, len(content) - 1)
            file.write_bytes(content[:place] + bytes(rng.randrange(256) for _ in range(3)) + content[place:])


def platform_files(rng: random.Random, folder: Path, row: Callable[..., dict[str, Any]], n: int) -> Format:
    tables = [t.name for t in TABLES if t.name != "suppliers"]
    write_csv(rng, folder / "suppliers.csv", [row("suppliers", supplier_id="S1")])
    for table in rng.sample(tables, 2):
        rows = mutated_rows(rng, [row(table) | _own_key(table, n, i) for i in range(RECORDS_A_FILE // 2)])
        if rng.random() < 0.3:
            pq.write_table(pa.Table.from_pylist(rows, schema=_as_text(rows)), folder / f"{table}.parquet")
        else:
            write_csv(rng, folder / f"{table}.csv", rows)
    return format_named("platform")


def _own_key(table: str, n: int, i: int) -> dict[str, str]:
    key = next(t.key for t in TABLES if t.name == table)
    return {key: f"K{n}-{i}"} if key else {}


def _as_text(rows: list[dict[str, Any]]) -> pa.Schema:
    for row in rows:
        row.update({name: None if value is None else str(value) for name, value in row.items()})
    return pa.schema([(name, pa.string()) for name in rows[0]])


def invoice_files(rng: random.Random, folder: Path, row: Callable[..., dict[str, Any]], n: int) -> Format:
    write_csv(rng, folder / "companies.csv", [{"company": f"E{i}", "name": "x", "default": "是"} for i in range(5)])
    rows = [
        {
            "company": f"E{i % 5}",
            "invoice_no": str(i),
            "date": "2019-03-04",
            "counterparty": "B1",
            "amount": "100.00",
            "tax": "13.00",
            "total": "113.00",
            "status": "有效发票",
        }
        for i in range(RECORDS_A_FILE)
    ]
    write_csv(rng, folder / "output_invoices.csv", mutated_rows(rng, rows))
    return format_named("vat-invoices")


def mapped_files(rng: random.Random, folder: Path, row: Callable[..., dict[str, Any]], n: int) -> Format:
    rows = [
        {"list": "税务", "entry": str(i), "vendor": "S1", "day": "28/02/2025", "state": "FINAL"}
        for i in range(RECORDS_A_FILE)
    ]
    write_csv(rng, folder / "lists_1.csv", mutated_rows(rng, rows))
    mapping = folder.parent / "erp.toml"
    mapping.write_text(MAPPED.sample)
    return read_mapping(mapping)


def ocds_files(rng: random.Random, folder: Path, row: Callable[..., dict[str, Any]], n: int) -> Format:
    with (folder / "in.jsonl").open("wb") as out:
        for i in range(RECORDS_A_FILE):
            out.write(_broken_release(rng, f"ocds-{n}-{i}") + b"\n")
    return format_named("ocds")


def _broken_release(rng: random.Random, ocid: str) -> bytes:
    money = {"amount": 1000.5, "currency": "CNY"}
    day = "2024-03-01T00:00:00Z"
    document: Any = {
        "ocid": ocid,
        "id": "r",
        "date": day,
        "tag": ["contract"],
        "buyer": {"id": "B"},
        "parties": [{"id": "p", "name": "x", "identifier": {"scheme": "X", "id": "1"}}],
        "awards": [{"id": "a", "date": day, "status": "active", "suppliers": [{"id": "p"}], "value": money}],
        "contracts": [
            {
                "id": "c",
                "awardID": "a",
                "dateSigned": day,
                "status": "terminated",
                "value": dict(money),
                "amendments": [{"id": "m", "date": day, "changes": [{"property": "value/amount", "former_value": 1}]}],
                "implementation": {
                    "milestones": [{"id": "m", "status": "met", "dateMet": day}],
                    "transactions": [{"id": "t", "date": day, "value": dict(money), "payee": {"id": "p"}}],
                },
            }
        ],
    }
    for _ in range(rng.randint(0, 3)):
        place = rng.choice(list(_places(document)))
        place[0][place[1]] = deepcopy(rng.choice(ODD))
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5).encode()
    match rng.randint(0, 19):
        case 0:
            return text[: rng.randint(1, len(text))]
        case 1:
            return b"[" * rng.randint(1, 5000) + text
        case 2:
            place = rng.randint(0, len(text))
            return text[:place] + bytes(b for b in rng.randbytes(2) if b != 10) + text[place:]
    return text


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    inner = list(document.items()) if isinstance(document, dict) else list(enumerate(document))
    for key, value in inner:
        yield document, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


@pytest.mark.soak
@pytest.mark.parametrize("make", [platform_files, ocds_files, invoice_files, mapped_files], ids=lambda f: f.__name__)
def test_broken_records_are_imported_or_set_aside_and_none_is_lost(
    tmp_path: Path, platform_row: Callable[..., dict[str, Any]], make: Callable[..., Format]
) -> None:
    rng = random.Random(20261123)
    read = 0
    refused = 0
    for n in range(RECORDS // RECORDS_A_FILE // 4):
        folder = tmp_path / str(n) / "in"
        folder.mkdir(parents=True)
        fmt = make(rng, folder, platform_row, n)
        ledger = Ledger(tmp_path / str(n) / "ledger")
        if fmt.name.startswith("mapped"):
            _register(ledger, tmp_path / str(n), platform_row)
        begun = time.monotonic()
        try:
            summary = import_history(ledger, fmt, folder, loaded_at=datetime(2026, 11, 1))
        except CreditError as error:
            refused += 1
            assert str(tmp_path) not in error.message
        else:
            assert all(t.read == t.imported + t.duplicate + t.quarantined for t in summary.tables)
            assert len(ledger.quarantine()) == summary.quarantined
            read += sum(t.read for t in summary.tables)
        assert time.monotonic() - begun < SECONDS_A_FILE
        assert ledger.damaged() == []
    assert read > RECORDS // 8
    assert refused < RECORDS // RECORDS_A_FILE // 4


def _register(ledger: Ledger, folder: Path, row: Callable[..., dict[str, Any]]) -> None:
    (folder / "first").mkdir()
    write_csv(random.Random(1), folder / "first" / "suppliers.csv", [row("suppliers", supplier_id="S1")])
    import_history(ledger, format_named("platform"), folder / "first", loaded_at=datetime(2026, 11, 1))
