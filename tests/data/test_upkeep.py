"""Compaction changes no answer, at no version; what is erased is gone from every file and stays gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import dataset

import data.upkeep
from data.ledger import Ledger
from data.schema import TABLES
from data.upkeep import compact, erase, erasures
from features.engine import build_on

ImportRows = Callable[..., Any]
AT = datetime(2026, 11, 1)
DAYS = (date(2025, 4, 30), date(2025, 6, 30), date(2026, 1, 1))


@pytest.fixture
def grown(ledger: Ledger, import_rows: ImportRows) -> Ledger:
    """Three imports: a supplier with a row in each table, a second supplier, and a correction."""
    events = [t.name for t in TABLES if t.name not in ("suppliers", "merges")]
    import_rows(ledger, suppliers=[{}], **{name: [{}] for name in events})
    import_rows(
        ledger,
        suppliers=[{"supplier_id": "S2"}],
        names=[{"supplier_id": "S2", "name": "李四"}],
        payments=[{"payment_id": "P2", "supplier_id": "S2"}],
    )
    import_rows(
        ledger,
        payments=[{"record_id": "P1b", "replaces": "P1", "amount_fen": 7, "recorded_at": "2025-06-10T00:00:00"}],
    )
    return ledger


def answers(ledger: Ledger) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for version in range(1, ledger.version + 1):
        for day in DAYS:
            found[version, day] = build_on(ledger, day, tier="platform", version=version).to_csv()
        found[version] = ledger.outcomes("loan_default", known_on=DAYS[-1], version=version).to_csv()
    return found


def contents(ledger: Ledger) -> dict[str, Any]:
    with ledger.connection() as con:
        batches = ledger.batches()
        return {t.name: con.execute(f"FROM ({ledger.rows(t, batches)}) ORDER BY ALL").fetchall() for t in TABLES}


def test_compaction_changes_no_answer_at_any_version(grown: Ledger) -> None:
    before, held = answers(grown), contents(grown)
    assert compact(grown) is not None
    assert (answers(grown), contents(grown)) == (before, held)


def test_a_compacted_ledger_grows_and_is_compacted_again(grown: Ledger, import_rows: ImportRows) -> None:
    compact(grown)
    import_rows(grown, payments=[{"payment_id": "P3"}, {"payment_id": "P2", "supplier_id": "S2"}])
    before, held = answers(grown), contents(grown)
    assert len(held["payments"]) == 4
    again = compact(grown)
    assert again is not None and again.upto == 4
    assert (answers(grown), contents(grown)) == (before, held)
    assert compact(grown) is None


def test_the_next_writer_removes_what_a_compaction_replaced(grown: Ledger, import_rows: ImportRows) -> None:
    compact(grown)
    import_rows(grown, payments=[{"payment_id": "P3"}])
    kept = {path.parent.name for path in (grown.folder / "tables" / "payments").rglob("*.parquet")}
    assert kept == {"batch=000001-000003", "batch=000004"}
    assert grown.damaged() == []


def test_others_read_what_the_ledger_names_before_and_after(grown: Ledger, import_rows: ImportRows) -> None:
    def read() -> list[tuple[str, int]]:
        rows = dataset.dataset([str(file) for file in grown.files("payments")]).to_table().to_pandas()
        return sorted(zip(rows["payment_id"], rows["amount_fen"], strict=True))

    before = read()
    assert len(before) == 3
    compact(grown)
    assert read() == before
    import_rows(grown, payments=[{"payment_id": "P3"}])
    folder = grown.folder / "tables" / "payments"
    whole = dataset.dataset(folder, partitioning="hive").to_table().to_pandas()
    assert set(whole["batch"].astype(str)) == {"000001-000003", "000004"} and len(whole) == len(read()) == 4


def test_a_compaction_that_is_cut_off_has_not_happened(grown: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers(grown)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "commit_compaction", fail)
    with pytest.raises(KeyboardInterrupt):
        compact(grown)
    assert grown.compaction() is None
    assert answers(grown) == before
    monkeypatch.undo()
    compact(grown)
    assert answers(grown) == before


def test_a_compacted_file_that_was_altered_is_named(grown: Ledger) -> None:
    done = compact(grown)
    assert done is not None
    file = grown.compacted_file("payments", done.upto)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert grown.damaged() == ["tables/payments/batch=000001-000003/part-0.parquet is not the file that was imported"]


# -- erasure -----------------------------------------------------------------------------------------------------------


def names_on_disk(ledger: Ledger) -> set[str]:
    files = list((ledger.folder / "tables" / "names").rglob("*.parquet"))
    return {name for file in files for name in pd.read_parquet(file)["name"]}


@pytest.mark.parametrize("compacted", [False, True])
def test_an_erased_name_is_in_no_file_and_every_other_is(grown: Ledger, compacted: bool) -> None:
    before = answers(grown)
    if compacted:
        compact(grown)
    erase(grown, "S1", at=AT)
    assert names_on_disk(grown) == {"李四"}
    assert grown.damaged() == []
    assert answers(grown) == before


def test_an_erased_name_is_not_taken_in_again(grown: Ledger, import_rows: ImportRows) -> None:
    erase(grown, "S1", at=AT)
    again = {"effective_on": "2021-01-01"}
    [names] = import_rows(grown, names=[again, again | {"supplier_id": "S2", "name": "王五"}]).tables
    assert (names.imported, names.quarantined) == (1, 1)
    assert "张三" not in names_on_disk(grown)
    assert "erased" in set(grown.quarantine()["problem"])
    assert "张三" not in grown.quarantine().to_string()


def test_an_erasure_that_was_cut_off_is_finished_by_the_next_writer(
    grown: Ledger, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(data.upkeep, "_rewrite", fail)
    with pytest.raises(KeyboardInterrupt):
        erase(grown, "S1", at=AT)
    assert [each.done for each in erasures(grown)] == [False]
    monkeypatch.undo()
    import_rows(grown, payments=[{"payment_id": "P9"}])
    assert [each.done for each in erasures(grown)] == [True]
    assert names_on_disk(grown) == {"李四"}


def test_an_id_that_could_be_a_path_is_erased_like_any_other(
    ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    odd = "../../" + "x" * 300
    import_rows(ledger, suppliers=[{"supplier_id": odd}], names=[{"supplier_id": odd}])
    erase(ledger, odd, at=AT)
    assert names_on_disk(ledger) == set()
    assert all(path.is_relative_to(ledger.folder) for path in ledger.folder.rglob("*"))
