"""The national platform lies where the published figures say, and no part of it is the same as another."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data.simulator import Platform, Summary, simulate
from data.simulator.calibration import (
    TARGETS,
    produced,
    shapes_of_canada,
    shapes_of_phoenix,
    shapes_of_platform,
)

SUPPLIERS = 30_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("national") / "platform"


@pytest.fixture(scope="module")
def summary(folder: Path) -> Summary:
    return simulate(folder, Platform(SUPPLIERS, date(2019, 1, 1), date(2026, 10, 31), seed=1))


@pytest.fixture(scope="module")
def figures(folder: Path, summary: Summary) -> dict[str, float]:
    return {each.target.name: each.value for each in produced(folder, summary)}


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_a_figure_lies_where_its_source_says(figures: dict[str, float], target: object) -> None:
    assert target.low <= figures[target.name] <= target.high  # type: ignore[attr-defined]


def test_blocks_differ_and_no_id_is_given_twice(folder: Path, summary: Summary) -> None:
    suppliers = pq.read_table(folder / "suppliers.parquet", columns=["supplier_id", "uscc"])
    assert pc.count_distinct(suppliers["supplier_id"]).as_py() == SUPPLIERS
    assert pc.count_distinct(suppliers["uscc"]).as_py() == SUPPLIERS
    for table, key in (("contracts", "contract_id"), ("deliveries", "delivery_id"), ("payments", "payment_id")):
        ids = pq.read_table(folder / f"{table}.parquet", columns=[key])[key]
        assert pc.count_distinct(ids).as_py() == len(ids) == summary.rows[table]
    amounts = pq.read_table(folder / "contracts.parquet", columns=["amount_fen"])["amount_fen"]
    half = len(amounts) // 2
    assert amounts[:100] != amounts[half : half + 100]


def test_the_files_lie_supplier_by_supplier_in_small_groups(folder: Path, summary: Summary) -> None:
    groups = pq.ParquetFile(folder / "payments.parquet").metadata
    place = groups.schema.names.index("supplier_id")
    ends = [
        (groups.row_group(n).column(place).statistics.min, groups.row_group(n).column(place).statistics.max)
        for n in range(groups.num_row_groups)
    ]
    assert len(ends) > 2
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


@pytest.mark.real_data
def test_shapes_are_of_the_order_of_real_ones(folder: Path, summary: Summary, real_data: Path) -> None:
    simulated = {shape.name: shape for shape in shapes_of_platform(folder)}
    real = [
        *shapes_of_phoenix(real_data / "city_payments" / "phoenix_payments.parquet"),
        *shapes_of_canada(real_data / "ocds" / "canada_contracts.parquet"),
    ]
    for shape in real:
        assert shape.middle / 10 <= simulated[shape.name].middle <= shape.middle * 10, shape.name
