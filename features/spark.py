"""Compute the catalogue on Spark: the same queries over the same files, for a platform that outgrew one machine.

The workers of the master have to see the ledger's folder by the same path.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.domain.errors import MissingExtra
from data.batches import fed_by
from data.door import CASE_SUPPLIERS
from data.ledger import CASE_COLUMNS, Ledger
from features.catalogue import names
from features.script import LAST, READABLE, script

if TYPE_CHECKING:
    import pandas as pd

LOCAL = "local[*]"
SETTINGS: dict[str, bool | float | int | str | None] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # A plan of all features is long; nobody reads it in a log.
    "spark.sql.maxPlanStringLength": "1000",
}


def build_cases(
    ledger: Ledger, cases: pd.DataFrame, *, tier: str, master: str = LOCAL, version: int | None = None
) -> pd.DataFrame:
    """The features of each case, as the embedded engine has them, computed by Spark under this master.

    A row for each case in the order of the cases, indexed by case_id. Raises MissingExtra where there is no pyspark.
    """
    session = _session(master)
    batches = ledger.batches(version)
    opened: list[str] = []

    def read(files: Sequence[Path]) -> str:
        opened.append(f"files_{len(opened)}")
        session.read.parquet(*map(str, files)).createOrReplaceTempView(opened[-1])
        return opened[-1]

    rows = {name: ledger.rows(table, batches, read) for name, table in READABLE.items()}
    asked = cases.reindex(columns=list(CASE_COLUMNS))
    _view(session, "cases", asked, "case_id BIGINT, supplier_id STRING, as_of DATE, contract_id STRING")
    for statement in script("spark", rows=rows, fed=fed_by(batches, tier)):
        if statement.name == CASE_SUPPLIERS:
            theirs = ledger.case_suppliers(asked, version=version)
            _view(session, CASE_SUPPLIERS, theirs, "case_id BIGINT, as_of DATE, asked_id STRING, supplier_id STRING")
            continue
        made = session.sql(statement.sql)
        if statement.name not in LAST:
            # Planned one by one: as one plan of a thousand joins, they take longer to plan than to compute.
            made = made.localCheckpoint()
        made.createOrReplaceTempView(statement.name)
    frame: pd.DataFrame = session.table(LAST[-1]).toArrow().to_pandas()
    return frame.set_index("case_id").astype(float)[names()].reindex(cases["case_id"])


def _session(master: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise MissingExtra(
            "Spark is not installed", hint="pip install 'supplier-credit[spark]'; it needs Java 17 or newer"
        ) from None
    session = SparkSession.builder.master(master).appName("supplier-credit").config(map=SETTINGS).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _view(session: Any, name: str, frame: pd.DataFrame, schema: str) -> None:
    """Hand a frame over to Spark by Arrow, as a relation of that name."""
    import duckdb

    columns = ", ".join(
        "CAST({} AS {}) AS {}".format(*column.split(), column.split()[0]) for column in schema.split(", ")
    )
    with duckdb.connect() as con:
        con.register("handed_over", frame)
        typed = con.sql(f"SELECT {columns} FROM handed_over").to_arrow_table()
    session.createDataFrame(typed, schema).createOrReplaceTempView(name)
