"""DuckDB, PostgreSQL and Spark give the same features, to the last digit that a model sees."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from data.ledger import Ledger
from data.schema import OWN_COLUMNS, Kind
from features.catalogue import names
from features.engine import build_cases
from features.script import LEDGER, PROVEN, READABLE, dialects, script, translated
from tests.features.histories import AS_OF, STRANGER, SUPPLIERS, History, histories
from tests.postgres import server

TIER = "platform"
COLUMN_TYPES = {
    Kind.TEXT: "text",
    Kind.DATE: "date",
    Kind.MOMENT: "timestamp",
    Kind.FEN: "bigint",
    Kind.WHOLE: "integer",
    Kind.FLAG: "boolean",
}


@pytest.fixture(scope="module")
def asked(simulated: Ledger) -> pd.DataFrame:
    """All suppliers on a month's end, in the middle of one and on a leap day; some ask about a contract."""
    days = (date(2025, 3, 31), date(2024, 11, 13), date(2024, 2, 29))
    cases = pd.concat([simulated.suppliers(day, tier=TIER) for day in days], ignore_index=True)
    cases = cases.assign(case_id=range(len(cases)))
    with simulated.known_on(cases) as known:
        last = dict(known.con.execute("SELECT case_id, max(contract_id) FROM contracts GROUP BY 1").fetchall())
    return cases.assign(contract_id=[last.get(n) if n % 2 else None for n in cases["case_id"]])


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    with server() as where:
        connect = where.pop("connect")
        with connect(**where, autocommit=True) as connection:
            yield connection


def on_postgres(connection: Any, ledger: Ledger, cases: pd.DataFrame) -> pd.DataFrame:
    """Load the ledger's tables as a bank would, run the script as it is printed, and read the features."""
    connection.execute("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public; DISCARD TEMP")
    with ledger.connection() as con:
        for name, table in READABLE.items():
            columns = {c.name: COLUMN_TYPES[c.kind] for c in (*table.columns, *OWN_COLUMNS)}
            listed = ", ".join(columns)
            rows = con.execute(f"SELECT {listed} FROM ({ledger.rows(table, ledger.batches())})").fetchall()
            load(connection, f"{LEDGER}{name}", columns, rows)
    types = {"case_id": "bigint", "supplier_id": "text", "as_of": "date", "contract_id": "text"}
    load(connection, "cases", types, cases[list(types)].astype(object).itertuples(index=False, name=None))
    for each in script("postgres"):
        connection.execute(f"CREATE TEMPORARY {each.kind} {each.name} AS {each.sql}")
    found = connection.execute("SELECT * FROM features")
    frame = pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description])
    return frame.set_index("case_id").astype(float).reindex(cases["case_id"])


def load(connection: Any, name: str, columns: dict[str, str], rows: Any) -> None:
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"CREATE TABLE {name} ({listed})")
    with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(f"ANALYZE {name}")


def same(found: pd.DataFrame, ours: pd.DataFrame) -> None:
    assert list(found) == names()
    pd.testing.assert_frame_equal(found, ours, check_exact=True)


def test_postgresql_gives_the_features_that_duckdb_gives(postgres: Any, simulated: Ledger, asked: pd.DataFrame) -> None:
    ours = build_cases(simulated, asked, tier=TIER)
    same(on_postgres(postgres, simulated, asked), ours)
    # Only what differs from case to case shows that two engines agree.
    assert (ours.nunique() > 1).mean() > 0.9


@settings(max_examples=6)
@given(history=histories())
def test_postgresql_gives_what_duckdb_gives_of_any_history(
    postgres: Any,
    import_rows: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
    history: History,
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    # The script takes every table for fed.
    tables = {name: [] for name in READABLE} | {"suppliers": [{"supplier_id": each} for each in SUPPLIERS]} | history
    import_rows(ledger, **tables)
    days = (AS_OF, AS_OF - timedelta(days=1))
    grid = [(supplier, day) for supplier in (*SUPPLIERS, STRANGER) for day in days]
    cases = pd.DataFrame(grid, columns=["supplier_id", "as_of"]).assign(contract_id="contracts-0")
    cases = cases.assign(case_id=range(len(cases)))
    same(on_postgres(postgres, ledger, cases), build_cases(ledger, cases, tier=TIER))


def test_spark_gives_the_features_that_duckdb_gives(simulated: Ledger, asked: pd.DataFrame) -> None:
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark is not installed: pip install -e '.[spark]', and Java")
    from features import spark

    made = spark.build_cases(simulated, asked, tier=TIER, cluster=spark.Cluster("local[2]"))
    same(made, build_cases(simulated, asked, tier=TIER))


def test_duckdb_runs_the_script_that_is_printed_for_it(simulated: Ledger, asked: pd.DataFrame) -> None:
    with simulated.connection() as con:
        for name, table in READABLE.items():
            con.execute(f"CREATE VIEW {LEDGER}{name} AS {simulated.rows(table, simulated.batches())}")
        con.register("given", asked)
        con.execute("CREATE TABLE cases AS SELECT * REPLACE (CAST(as_of AS DATE) AS as_of) FROM given")
        for each in script("duckdb"):
            con.execute(f"CREATE TEMPORARY {each.kind} {each.name} AS {each.sql}")
        frame = con.execute("SELECT * FROM features").df().set_index("case_id").astype(float)
    same(frame.reindex(asked["case_id"]), build_cases(simulated, asked, tier=TIER))


def test_rounding_in_sql_is_rounding_in_numpy(simulated: Ledger) -> None:
    from features.engine import significant
    from features.queries import significant_sql

    drawn = np.random.default_rng(3).normal(size=2000) * 10.0 ** np.random.default_rng(4).integers(-12, 17, 2000)
    values = np.concatenate([drawn, np.round(drawn), [0.0, 0.5, -0.5, 1e9, 999999999.5, 1234567885.0, 1e-9, 9.99e-10]])
    with simulated.connection() as con:
        con.register("given", pd.DataFrame({"n": range(len(values)), "x": values}))
        found = con.execute(f"SELECT {significant_sql('x')} FROM given ORDER BY n").fetchnumpy()
    assert np.array_equal(next(iter(found.values())), significant(values))


def test_a_script_is_written_in_every_dialect_that_there_is() -> None:
    assert dialects()[: len(PROVEN)] == list(PROVEN)
    assert {"snowflake", "bigquery", "oracle"} <= set(dialects())
    assert "percentile(" in translated("SELECT quantile_cont(x, 0.9) FROM t", "spark").lower()
    assert "approx" not in " ".join(each.sql for each in script("spark")).lower()
