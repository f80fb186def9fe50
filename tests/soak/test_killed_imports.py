"""An import that is killed at any moment has not happened, or happened whole; the next one mends the rest."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.schema import TABLES

KILLS = 12
SUPPLIERS, PAYMENTS = 200_000, 10_000_000

IMPORT = """
import sys
from datetime import datetime
from pathlib import Path
from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
print("started", flush=True)
import_history(Ledger(Path(sys.argv[1])), format_named("platform"), Path(sys.argv[2]), loaded_at=datetime(2026, 1, 1))
"""


@pytest.fixture(scope="module")
def history(
    tmp_path_factory: pytest.TempPathFactory, csv_file: Callable[..., Path], platform_row: Callable[..., dict[str, Any]]
) -> Path:
    """Ten million payments in the order of their dates, so that they have to be sorted, and a row that is wrong."""
    folder = tmp_path_factory.mktemp("history")
    with duckdb.connect() as con:
        con.execute(
            f"""COPY (SELECT 'S' || i AS supplier_id, DATE '2019-01-01' AS effective_on, 'platform' AS tier
                      FROM range({SUPPLIERS}) AS t(i)) TO '{folder / "suppliers.parquet"}'"""
        )
        con.execute(
            f"""COPY (SELECT 'P' || i AS payment_id, 'S' || hash(i) % {SUPPLIERS} AS supplier_id,
                             'B' || hash(i) % 997 AS buyer_id,
                             DATE '2019-01-01' + CAST(i // 5000 AS INTEGER) AS paid_on,
                             hash(i) % 1000000 AS amount_fen, 'CNY' AS currency
                      FROM range({PAYMENTS}) AS t(i)) TO '{folder / "payments.parquet"}'"""
        )
    csv_file(folder / "listings.csv", [platform_row("listings", supplier_id=each) for each in ("S1", "nobody")])
    return folder


def contents(ledger: Ledger) -> dict[str, Any]:
    with ledger.connection() as con:
        batches = ledger.batches()
        held = {
            table.name: con.execute(
                f"SELECT count(*), bit_xor(hash(record_id)), min(record_id) FROM ({ledger.rows(table, batches)})"
            ).fetchone()
            for table in TABLES
        }
    return held | {"quarantine": ledger.quarantine().to_dict("records")}


def start(ledger: Ledger, history: Path) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(ledger.folder), str(history)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


@pytest.mark.soak
def test_an_import_killed_at_any_moment_has_not_happened_or_happened_whole(tmp_path: Path, history: Path) -> None:
    undisturbed = Ledger(tmp_path / "undisturbed")
    begun = time.monotonic()
    start(undisturbed, history).wait()
    took = time.monotonic() - begun
    whole, nothing = contents(undisturbed), contents(Ledger(tmp_path / "nothing"))
    moments = random.Random(20261031)
    happened = 0
    for number in range(KILLS):
        ledger = Ledger(tmp_path / f"killed-{number}")
        process = start(ledger, history)
        time.sleep(moments.uniform(0, took))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert contents(ledger) == (whole if ledger.version else nothing)
        happened += ledger.version
        import_history(ledger, format_named("platform"), history, loaded_at=datetime(2026, 1, 1))
        assert contents(ledger) == whole
    assert happened < KILLS
