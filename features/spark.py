"""Compute the catalogue on Spark: the same queries over the same files, for a platform that outgrew one machine.

The workers of the master have to see the ledger's folder by the same path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from credit.domain.errors import MissingExtra
from data.batches import fed_by
from data.door import CASE_SUPPLIERS
from data.ledger import CASE_COLUMNS, Ledger
from features.catalogue import names
from features.script import LAST, READABLE, script

if TYPE_CHECKING:
    import pandas as pd

Part = TypeVar("Part")
# So many rows are handed to a partition at once, in so many parts at most.
ROWS_A_PART, MOST_PARTS = 25_000, 400
SETTINGS: dict[str, bool | float | int | str | None] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # A plan of all features is long; nobody reads it in a log.
    "spark.sql.maxPlanStringLength": "1000",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Spark runs: under which master, and how much memory its driver may have, which under a local master is all
    that Spark has. It is a size such as "4GB", and holds until the process ends."""

    master: str
    memory: str = "4GB"


def build_cases(
    ledger: Ledger, cases: pd.DataFrame, *, tier: str, cluster: Cluster, version: int | None = None
) -> pd.DataFrame:
    """The features of each case, as the embedded engine has them, computed by Spark.

    A row for each case in the order of the cases, indexed by case_id. Raises MissingExtra where there is no pyspark.
    """
    made = _features(_session(cluster), ledger, cases, tier, version)
    frame: pd.DataFrame = made.toArrow().to_pandas()
    return frame.set_index("case_id").astype(float)[names()].reindex(cases["case_id"])


def table(ledger: Ledger, cases: pd.DataFrame, *, tier: str, cluster: Cluster, version: int | None = None) -> Any:
    """The same as Spark's own table, which stays on its partitions: case_id, supplier_id, a double a feature."""
    session = _session(cluster)
    made = _features(session, ledger, cases, tier, version)
    columns = ", ".join(f"CAST(f.`{name}` AS DOUBLE) AS `{name}`" for name in names())
    made.createOrReplaceTempView("made")
    return session.sql(f"SELECT c.case_id, c.supplier_id, {columns} FROM cases AS c JOIN made AS f USING (case_id)")


def mapped(table: Any, work: Callable[[pd.DataFrame], pd.DataFrame], texts: Collection[str]) -> pd.DataFrame:
    """What a function makes of the features of all suppliers, part by part where they lie: by supplier_id, in order.

    It is given frames by supplier_id with a column a feature, and answers a row for each: floats, and `texts`.
    """
    few = table.limit(1).toArrow().to_pandas()
    columns = list(_worked(few, work, texts).columns)
    kinds = {name: "string" if name in ("supplier_id", *texts) else "double" for name in columns}
    schema = ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())

    def parts(pieces: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for piece in pieces:
            yield _worked(piece, work, texts)

    found: pd.DataFrame = table.mapInPandas(parts, schema).orderBy("supplier_id").toArrow().to_pandas()
    return found.set_index("supplier_id")


def _worked(piece: pd.DataFrame, work: Callable[[pd.DataFrame], pd.DataFrame], texts: Collection[str]) -> pd.DataFrame:
    made = work(piece.drop(columns="case_id").set_index("supplier_id")).rename_axis("supplier_id").reset_index()
    for name in made.columns:
        # Arrow knows one kind of nothing in a text.
        is_text = name in ("supplier_id", *texts)
        made[name] = made[name].astype(object).where(made[name].notna(), None) if is_text else made[name].astype(float)
    return made


def in_parts(cluster: Cluster, work: Callable[[pd.DataFrame], Part], frame: pd.DataFrame) -> list[Part]:
    """What a function makes of parts of a frame, each on a partition, in the frame's order."""
    context = _session(cluster).sparkContext
    count = max(min(-(-len(frame) // ROWS_A_PART), MOST_PARTS), 1)
    size = -(-max(len(frame), 1) // count)
    pieces = [frame.iloc[start : start + size] for start in range(0, max(len(frame), 1), size)]
    found: list[Part] = context.parallelize(pieces, len(pieces)).map(work).collect()
    return found


def _features(session: Any, ledger: Ledger, cases: pd.DataFrame, tier: str, version: int | None) -> Any:
    """The last statement of the script on Spark, by case_id, after all before it."""
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
    return session.table(LAST[-1])


def _session(cluster: Cluster) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise MissingExtra(
            "Spark is not installed", hint="pip install 'supplier-credit[spark]'; it needs Java 17 or newer"
        ) from None
    # Workers on this machine run the Python that runs us.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Java has units of one letter.
    memory = cluster.memory.removesuffix("B").removesuffix("i").lower()
    settings = {**SETTINGS, "spark.driver.memory": memory}
    session = SparkSession.builder.master(cluster.master).appName("supplier-credit").config(map=settings).getOrCreate()
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
