"""Spark reads what the ledger names. Needs `pip install -e '.[spark]'` and Java; `.ci/run` brings both."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from data.ledger import Ledger
from data.upkeep import compact

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: pip install -e '.[spark]'")
if shutil.which("java") is None:
    pytest.skip("there is no Java to run Spark", allow_module_level=True)


@pytest.fixture(scope="module")
def spark() -> Any:
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.driver.host": "127.0.0.1"}
    session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    yield session
    session.stop()


def test_spark_reads_the_rows_and_the_types_that_duckdb_reads(
    spark: Any, ledger: Ledger, import_rows: Callable[..., Any]
) -> None:
    import_rows(ledger, suppliers=[{}], payments=[{}])
    import_rows(ledger, payments=[{"payment_id": "P2", "amount_fen": 7}])
    columns = ["payment_id", "amount_fen", "paid_on", "recorded_at"]
    for held in ("two batches", "one file"):
        found = spark.read.parquet(*(str(file) for file in ledger.files("payments"))).orderBy("payment_id")
        with ledger.connection() as con:
            files = [str(file) for file in ledger.files("payments")]
            here = con.execute(f"SELECT {', '.join(columns)} FROM read_parquet(?) ORDER BY 1", [files]).fetchall()
        assert [tuple(row) for row in found.select(*columns).collect()] == here, held
        assert len(here) == 2
        by_folder = spark.read.parquet(str(ledger.folder / "tables" / "suppliers"))
        assert by_folder.count() == 1
        compact(ledger)
        ledger_sweeps(ledger)


def ledger_sweeps(ledger: Ledger) -> None:
    """The next writer removes what the compaction replaced."""
    with ledger.writing():
        pass
