"""What tests share: ledgers built through the real importer from rows that name what matters, and the demonstration."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from data.durable import exclusive
from data.formats import format_named
from data.importing import ImportSummary, import_history
from data.ledger import Ledger

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"
LOADED_AT = datetime(2026, 1, 1)
# The demonstration: how many suppliers, and the moment at which its clock stands still.
SUPPLIERS = 600
NOW = "2026-11-02T01:00:00"

Row = dict[str, Any]
ImportRows = Callable[..., ImportSummary]

# A valid row of each table of the platform format. Everything is about supplier S1, buyer B1 and contract C1.
PLATFORM_ROWS: dict[str, Row] = {
    "suppliers": {
        "supplier_id": "S1",
        "effective_on": "2020-01-01",
        "tier": "platform",
        "uscc": "91330100799655058B",
        "founded_on": "2015-06-15",
        "region": "330106",
    },
    "buyers": {"buyer_id": "B1", "effective_on": "2020-01-01"},
    "relations": {
        "relation_event_id": "N1",
        "supplier_id": "S1",
        "related_id": "person-1",
        "tie": "LEGAL_REPRESENTATIVE",
        "happened_on": "2020-01-01",
        "kind": "BEGAN",
    },
    "merges": {
        "merge_event_id": "M1",
        "supplier_id": "S1",
        "merged_id": "S1-old",
        "happened_on": "2025-02-01",
        "kind": "MERGED",
    },
    "programmes": {
        "programme_event_id": "Y1",
        "supplier_id": "S1",
        "programme": "RURAL_HALL",
        "happened_on": "2025-01-01",
        "kind": "JOINED",
        "valid_to": "",
    },
    "awards": {
        "award_id": "W1",
        "supplier_id": "S1",
        "awarded_on": "2025-01-10",
        "buyer_id": "B1",
        "amount_fen": 100_000_00,
        "currency": "CNY",
    },
    "contracts": {
        "contract_id": "C1",
        "supplier_id": "S1",
        "buyer_id": "B1",
        "awarded_on": "2025-01-10",
        "signed_on": "2025-01-20",
        "channel": "PROJECT",
        "category": "GOODS",
        "region": "330106",
        "amount_fen": 10_000_000,
        "advance_fen": 3_000_000,
        "retention_fen": 500_000,
        "currency": "CNY",
        "planned_acceptance_on": "2025-07-20",
    },
    "amendments": {
        "amendment_id": "A1",
        "contract_id": "C1",
        "supplier_id": "S1",
        "amended_on": "2025-03-01",
        "kind": "VALUE",
        "fault": "NONE",
        "change_fen": 0,
        "currency": "CNY",
    },
    "deliveries": {
        "delivery_id": "D1",
        "contract_id": "C1",
        "supplier_id": "S1",
        "buyer_id": "B1",
        "due_on": "2025-03-10",
        "delivered_on": "2025-03-12",
        "value_fen": 4_000_000,
        "currency": "CNY",
    },
    "acceptances": {
        "acceptance_id": "E1",
        "delivery_id": "D1",
        "contract_id": "C1",
        "supplier_id": "S1",
        "buyer_id": "B1",
        "accepted_on": "2025-03-15",
        "accepted_fen": 4_000_000,
        "rejected_fen": 0,
        "currency": "CNY",
        "rating": 4,
        "payment_due_on": "2025-04-15",
    },
    "invoices": {
        "supplier_id": "S1",
        "direction": "ISSUED",
        "invoice_no": "1",
        "issued_on": "2025-03-15",
        "counterparty_id": "B1",
        "net_fen": 100_000,
        "tax_fen": 13_000,
        "total_fen": 113_000,
        "currency": "CNY",
        "status": "VALID",
    },
    "payments": {
        "payment_id": "P1",
        "contract_id": "C1",
        "supplier_id": "S1",
        "buyer_id": "B1",
        "kind": "PROGRESS",
        "delivery_id": "D1",
        "due_on": "2025-04-15",
        "paid_on": "2025-04-20",
        "amount_fen": 1_000_000,
        "currency": "CNY",
    },
    "disputes": {
        "dispute_event_id": "X1",
        "dispute_id": "X",
        "contract_id": "C1",
        "supplier_id": "S1",
        "happened_on": "2025-05-01",
        "kind": "RAISED",
        "amount_fen": 200_000,
        "currency": "CNY",
    },
    "listings": {
        "listing_event_id": "L1",
        "supplier_id": "S1",
        "list": "TAX",
        "happened_on": "2025-05-01",
        "kind": "LISTED",
    },
    "accounts": {
        "account_event_id": "K1",
        "contract_id": "C1",
        "supplier_id": "S1",
        "happened_on": "2025-02-01",
        "kind": "LOCKED",
    },
    "consents": {
        "consent_event_id": "G1",
        "consent_id": "G",
        "supplier_id": "S1",
        "bank_id": "bank",
        "purpose": "credit_line",
        "happened_on": "2025-02-01",
        "kind": "GRANTED",
        "valid_to": "",
    },
    "applications": {
        "application_id": "Q1",
        "supplier_id": "S1",
        "lender_id": "bank",
        "applied_on": "2025-02-10",
        "requested_fen": 5_000_000,
        "currency": "CNY",
        "answer": "GRANTED",
    },
    "credit_events": {
        "credit_event_id": "V1",
        "loan_id": "W1",
        "supplier_id": "S1",
        "lender_id": "bank",
        "kind": "DRAWN",
        "happened_on": "2025-02-15",
        "due_on": "2025-08-15",
        "amount_fen": 2_000_000,
        "currency": "CNY",
        "days_past_due": 0,
    },
    "guarantee_events": {
        "guarantee_event_id": "H1",
        "guarantee_id": "H",
        "contract_id": "C1",
        "supplier_id": "S1",
        "form": "PERFORMANCE",
        "kind": "ISSUED",
        "happened_on": "2025-01-25",
        "amount_fen": 1_000_000,
        "currency": "CNY",
    },
    "outcomes": {
        "outcome_id": "O1",
        "target": "loan_default",
        "supplier_id": "S1",
        "loan_id": "W1",
        "opened_on": "2025-02-15",
        "matured_on": "2025-11-13",
        "happened": "false",
    },
    "names": {"supplier_id": "S1", "effective_on": "2020-01-01", "name": "张三"},
}


# An example that imports a ledger takes as long as the machine is busy; how long says nothing about the code.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long tests that kill processes at random moments")
    parser.addoption("--demonstration", metavar="FOLDER", help="where the demonstration is kept from run to run")


def pytest_configure(config: pytest.Config) -> None:
    # A process that starts workers and has loaded readline tells them a width, though there is no terminal.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    config.addinivalue_line("markers", "soak: takes minutes and kills processes of its own; needs --soak")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("soak") and not config.getoption("--soak"):
            item.add_marker(pytest.mark.skip(reason="a soak test: run it with --soak"))
        if item.get_closest_marker("real_data") and not REAL_DATA.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"real data is absent: {REAL_DATA}"))


def row(table: str, **changes: Any) -> Row:
    """A valid row of a table, with what the test changes."""
    return PLATFORM_ROWS[table] | changes


def write_csv(path: Path, rows: Iterable[Row]) -> Path:
    """The header is what the rows name; a platform table without rows gets the header of its valid row."""
    listed = list(rows)
    named = dict.fromkeys(name for each in listed for name in each)
    header = list(named or PLATFORM_ROWS[path.stem])
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, header, restval="")
        writer.writeheader()
        writer.writerows(listed)
    return path


@pytest.fixture(scope="session")
def real_data() -> Path:
    return REAL_DATA


@pytest.fixture(scope="session")
def platform_row() -> Callable[..., Row]:
    return row


@pytest.fixture(scope="session")
def csv_file() -> Callable[[Path, Iterable[Row]], Path]:
    return write_csv


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(tmp_path / "ledger")


@pytest.fixture(scope="session")
def import_rows(tmp_path_factory: pytest.TempPathFactory) -> ImportRows:
    """Imports platform rows: `import_rows(ledger, contracts=[{...}])`; a row names only what it changes."""

    def imported(ledger: Ledger, **tables: list[Row]) -> ImportSummary:
        folder = tmp_path_factory.mktemp("platform")
        for table, rows in tables.items():
            write_csv(folder / f"{table}.csv", [row(table, **changes) for changes in rows])
        return import_history(ledger, format_named("platform"), folder, loaded_at=LOADED_AT)

    return imported


@pytest.fixture(scope="session")
def small_ledger(tmp_path_factory: pytest.TempPathFactory, import_rows: ImportRows) -> Ledger:
    """One supplier with one row in each table. Shared, so it must not be written to."""
    ledger = Ledger(tmp_path_factory.mktemp("small") / "ledger")
    import_rows(ledger, **{table: [{}] for table in PLATFORM_ROWS})
    return ledger


@pytest.fixture(scope="session")
def real_import(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, ImportSummary]:
    """The ledger of the real invoices and what its import said. Shared, so it must not be written to."""
    ledger = Ledger(tmp_path_factory.mktemp("real") / "ledger")
    folder = REAL_DATA / "sme_invoices"
    return ledger, import_history(ledger, format_named("vat-invoices"), folder, loaded_at=LOADED_AT)


@pytest.fixture(scope="session")
def demonstration(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `credit demo` on a small platform left and said. It is run once for all workers, and nobody works on it.

    With `--demonstration FOLDER` it is looked for there first: whoever changes code that it runs has to remove it.
    """
    own = tmp_path_factory.getbasetemp()
    kept = request.config.getoption("--demonstration")
    shared = (Path(kept) if kept else own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "demo"
    with exclusive(shared.with_suffix(".lock"), "demonstration", wait=True):
        if not (shared / "said.json").exists():
            # In a process of its own: a connection of this one would write SQLite's journal while somebody copies.
            words = [sys.executable, "-m", "cli", "demo", "--suppliers", str(SUPPLIERS), "--json"]
            env = {**os.environ, "CREDIT_HOME": str(shared / "var"), "CREDIT_NOW": NOW}
            said = subprocess.run(words, env=env, capture_output=True, text=True, check=False, cwd=ROOT)
            assert said.returncode == 0, said.stderr
            (shared / "said.json").write_text(said.stdout)
    return shared
