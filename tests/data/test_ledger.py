"""The one door to the ledger: what was known on a day, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from credit.domain.errors import EmptyLedger, StoreDamaged
from data.ledger import Ledger
from data.schema import TABLES

ImportRows = Callable[..., Any]
READABLE = [table.name for table in TABLES if not (table.label or table.personal)]
HIDDEN = [table.name for table in TABLES if table.label or table.personal]


def asked(as_of: date, *suppliers: str) -> pd.DataFrame:
    listed = list(suppliers or ["S1"])
    return pd.DataFrame({"case_id": range(len(listed)), "supplier_id": listed, "as_of": as_of})


def known(ledger: Ledger, table: str, as_of: date, column: str = "record_id", version: int | None = None) -> list[Any]:
    with ledger.known_on(asked(as_of), version=version) as door:
        return [row[0] for row in door.con.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]


# -- the two clocks ----------------------------------------------------------------------------------------------------


def test_an_event_of_the_day_is_known(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], listings=[{"happened_on": "2025-05-01", "recorded_at": "2025-05-01"}])
    assert known(ledger, "listings", date(2025, 5, 1)) == ["L1"]


def test_an_event_of_the_next_day_is_not_known_though_it_was_announced(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], listings=[{"happened_on": "2025-05-02", "recorded_at": "2025-05-01"}])
    assert known(ledger, "listings", date(2025, 5, 1)) == []


@pytest.mark.parametrize(
    ("recorded_at", "expected"),
    [
        ("2025-05-01T15:59:59", ["L1"]),
        ("2025-05-01T16:00:00", []),
        ("2025-05-01T23:59:59+08:00", ["L1"]),
        ("2025-05-02T00:00:00+08:00", []),
        ("2025-05-01T15:59:59.999999+00:00", ["L1"]),
        ("2025-05-01T11:00:00-05:00", []),
    ],
)
def test_a_day_ends_at_midnight_in_china_in_whatever_zone_the_source_writes(
    ledger: Ledger, import_rows: ImportRows, recorded_at: str, expected: list[str]
) -> None:
    import_rows(ledger, suppliers=[{}], listings=[{"happened_on": "2025-05-01", "recorded_at": recorded_at}])
    assert known(ledger, "listings", date(2025, 5, 1)) == expected


def test_without_a_moment_a_platform_row_is_known_one_day_after_it_happened(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, suppliers=[{}], listings=[{"happened_on": "2025-05-01"}])
    assert known(ledger, "listings", date(2025, 5, 1)) == []
    assert known(ledger, "listings", date(2025, 5, 2)) == ["L1"]


# -- corrections -------------------------------------------------------------------------------------------------------

CORRECTION = {"record_id": "P1b", "replaces": "P1", "amount_fen": 7, "recorded_at": "2025-06-10T00:00:00"}


@pytest.fixture
def corrected(ledger: Ledger, import_rows: ImportRows) -> Ledger:
    import_rows(ledger, suppliers=[{}], payments=[{"paid_on": "2025-04-20", "recorded_at": "2025-04-20"}])
    import_rows(ledger, payments=[{"paid_on": "2025-04-20"} | CORRECTION])
    return ledger


def test_a_correction_wins_from_the_day_it_was_recorded_on(corrected: Ledger) -> None:
    assert known(corrected, "payments", date(2025, 6, 10), "amount_fen") == [7]


def test_on_the_day_before_its_correction_a_row_stands(corrected: Ledger) -> None:
    assert known(corrected, "payments", date(2025, 6, 9), "amount_fen") == [1_000_000]


def test_before_the_correction_was_imported_the_row_stands(corrected: Ledger) -> None:
    assert known(corrected, "payments", date(2025, 6, 10), "amount_fen", version=1) == [1_000_000]


def test_a_correction_of_a_correction_leaves_the_last_one(corrected: Ledger, import_rows: ImportRows) -> None:
    again = CORRECTION | {"record_id": "P1c", "replaces": "P1b", "amount_fen": 8, "recorded_at": "2025-07-01"}
    import_rows(corrected, payments=[{"paid_on": "2025-04-20"} | again])
    assert known(corrected, "payments", date(2025, 6, 30), "amount_fen") == [7]
    assert known(corrected, "payments", date(2025, 7, 1), "amount_fen") == [8]


def test_a_corrected_outcome_is_one_outcome(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], outcomes=[{"recorded_at": "2025-11-13"}])
    import_rows(
        ledger,
        outcomes=[{"record_id": "O1b", "replaces": "O1", "happened": "true", "recorded_at": "2025-12-01"}],
    )
    before = ledger.outcomes("loan_default", known_on=date(2025, 11, 30))
    after = ledger.outcomes("loan_default", known_on=date(2025, 12, 1))
    assert (before["happened"].tolist(), after["happened"].tolist()) == ([False], [True])


def test_a_corrected_registration_is_one_supplier_under_its_corrected_id(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, suppliers=[{"supplier_id": "S1x", "record_id": "R1", "recorded_at": "2020-01-01"}])
    fixed = {"supplier_id": "S1", "record_id": "R2", "replaces": "R1", "recorded_at": "2020-02-01"}
    import_rows(ledger, suppliers=[fixed])
    assert ledger.suppliers(date(2020, 1, 31))["supplier_id"].tolist() == ["S1x"]
    assert ledger.suppliers(date(2020, 2, 1))["supplier_id"].tolist() == ["S1"]


# -- what the door keeps shut ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", READABLE)
def test_a_table_of_events_has_a_view(small_ledger: Ledger, table: str) -> None:
    assert len(known(small_ledger, table, date(2026, 1, 1))) == 1


@pytest.mark.parametrize("relation", [*HIDDEN, *(f"all_{table.name}" for table in TABLES), "cases_frame"])
def test_nothing_else_can_be_named(small_ledger: Ledger, relation: str) -> None:
    with small_ledger.known_on(asked(date(2026, 1, 1))) as door, pytest.raises(duckdb.CatalogException):
        door.con.execute(f"SELECT * FROM {relation}")


@pytest.mark.parametrize("table", HIDDEN)
def test_labels_and_names_cannot_be_opened_by_path(small_ledger: Ledger, table: str) -> None:
    file = small_ledger.file(table, 1)
    assert file.exists()
    with small_ledger.known_on(asked(date(2026, 1, 1))) as door, pytest.raises(duckdb.PermissionException):
        door.con.execute(f"SELECT * FROM read_parquet('{file}')")


def test_a_frame_of_the_program_cannot_be_named(small_ledger: Ledger) -> None:
    outcomes = small_ledger.outcomes("loan_default", known_on=date(2026, 1, 1))
    assert len(outcomes) == 1
    with small_ledger.known_on(asked(date(2026, 1, 1))) as door, pytest.raises(duckdb.CatalogException):
        door.con.execute("SELECT * FROM outcomes")


def test_a_label_beside_the_cases_does_not_come_through_the_door(small_ledger: Ledger) -> None:
    with small_ledger.known_on(asked(date(2026, 1, 1)).assign(happened=True)) as door:
        columns = [row[0] for row in door.con.execute("DESCRIBE cases").fetchall()]
    assert columns == ["case_id", "supplier_id", "as_of", "contract_id"]


@pytest.mark.parametrize("table", HIDDEN)
def test_labels_and_names_are_not_looked_up(small_ledger: Ledger, table: str) -> None:
    with pytest.raises(KeyError):
        small_ledger.lookup(table, "supplier_id", "supplier_id", "S1")
    with pytest.raises(KeyError):
        small_ledger.nearest(table, "supplier_id", "S1")


def test_a_ledger_in_a_folder_of_any_name_is_read(tmp_path: Path, import_rows: ImportRows) -> None:
    other = Ledger(tmp_path / "its a1")
    import_rows(other, suppliers=[{"supplier_id": "OTHER"}])
    ledger = Ledger(tmp_path / "its [a]*")
    import_rows(ledger, suppliers=[{}], listings=[{}])
    assert ledger.suppliers(date(2026, 1, 1))["supplier_id"].tolist() == ["S1"]
    assert known(ledger, "listings", date(2026, 1, 1)) == ["L1"]


def test_a_ledger_in_a_folder_named_like_a_column_is_read_as_it_is(tmp_path: Path, import_rows: ImportRows) -> None:
    ledger = Ledger(tmp_path / "supplier_id=S9")
    import_rows(ledger, suppliers=[{}])
    assert ledger.suppliers(date(2026, 1, 1))["supplier_id"].tolist() == ["S1"]


# -- what there is -----------------------------------------------------------------------------------------------------


def test_an_empty_ledger_has_version_0_and_no_last_day(ledger: Ledger) -> None:
    assert ledger.version == 0
    assert ledger.tiers() == []
    with pytest.raises(EmptyLedger):
        ledger.last_day()


def test_the_last_day_is_the_last_on_which_something_was_recorded(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], listings=[{"happened_on": "2025-05-01", "recorded_at": "2025-05-03T16:00:00"}])
    assert ledger.last_day() == date(2025, 5, 4)


def test_a_consent_does_not_move_the_last_day(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], consents=[{"happened_on": "2025-05-01"}])
    assert ledger.last_day() == date(2020, 1, 2)


def test_a_label_does_not_move_the_last_day(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], outcomes=[{"recorded_at": "2025-12-01"}])
    assert ledger.last_day() == date(2020, 1, 2)


def test_a_supplier_is_known_from_the_day_it_was_recorded(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{"effective_on": "2024-01-01", "recorded_at": "2024-03-01"}])
    assert ledger.suppliers(date(2024, 2, 29)).empty
    assert ledger.suppliers(date(2024, 3, 1))["supplier_id"].tolist() == ["S1"]


def test_suppliers_are_numbered_in_the_order_of_their_ids(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{"supplier_id": each} for each in ("S3", "S1", "S2")])
    found = ledger.suppliers(date(2026, 1, 1))
    assert found["case_id"].tolist() == [0, 1, 2]
    assert found["supplier_id"].tolist() == ["S1", "S2", "S3"]


def test_the_last_registration_says_what_kind_of_data_a_supplier_is_known_by(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(
        ledger,
        suppliers=[{"effective_on": "2024-01-01"}, {"effective_on": "2022-01-01", "tier": "invoice"}],
        outcomes=[{"recorded_at": "2025-12-01"}],
    )
    assert ledger.suppliers(date(2026, 1, 1))["tier"].tolist() == ["platform"]
    assert ledger.outcomes("loan_default", known_on=date(2026, 1, 1))["tier"].tolist() == ["platform"]


def test_a_value_is_looked_up_by_its_key(small_ledger: Ledger) -> None:
    assert small_ledger.lookup("contracts", "supplier_id", "contract_id", "C1") == "S1"
    assert small_ledger.lookup("contracts", "supplier_id", "contract_id", "'; DROP TABLE cases; --") is None


def test_the_nearest_ids_are_the_nearest_in_spelling(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{"supplier_id": each} for each in ("S0001", "S0002", "S1001", "X")])
    assert ledger.nearest("suppliers", "supplier_id", "S0003", count=2) == ["S0001", "S0002"]


def test_a_reading_at_an_older_version_gives_what_the_ledger_held_then(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], listings=[{}])
    import_rows(ledger, listings=[{"listing_event_id": "L2"}])
    assert known(ledger, "listings", date(2026, 1, 1), version=1) == ["L1"]
    assert known(ledger, "listings", date(2026, 1, 1)) == ["L1", "L2"]


# -- what was altered since --------------------------------------------------------------------------------------------


def spoilt(ledger: Ledger, how: str) -> str:
    file = ledger.file("contracts", 1)
    match how:
        case "gone":
            file.unlink()
        case "cut short":
            file.write_bytes(file.read_bytes()[:-100])
        case "another":
            file.write_bytes(ledger.file("suppliers", 1).read_bytes())
    return str(file.relative_to(ledger.folder))


@pytest.mark.parametrize("how", ["gone", "cut short", "another"])
def test_a_file_that_is_no_longer_what_was_imported_is_named(ledger: Ledger, import_rows: ImportRows, how: str) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{}])
    assert ledger.damaged() == []
    name = spoilt(ledger, how)
    assert [wrong.split(" is ")[0] for wrong in ledger.damaged()] == [name]
    with pytest.raises(StoreDamaged, match=name):
        known(ledger, "contracts", date(2026, 1, 1))


def test_an_import_beside_a_damaged_file_changes_nothing(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{}])
    spoilt(ledger, "cut short")
    with pytest.raises(StoreDamaged):
        import_rows(ledger, contracts=[{"contract_id": "C2"}])
    assert ledger.version == 1


@pytest.mark.parametrize("text", ['{"number": 1', '{"number": 1}', "null"])
def test_a_batch_record_that_is_not_whole_is_named(ledger: Ledger, import_rows: ImportRows, text: str) -> None:
    import_rows(ledger, suppliers=[{}])
    record = ledger.folder / "batches" / "000001.json"
    record.write_text(text)
    with pytest.raises(StoreDamaged, match=r"000001\.json"):
        ledger.batches()


# -- room --------------------------------------------------------------------------------------------------------------

LARGE = "SELECT count(*) FROM (SELECT repeat('x', 100) || i AS t FROM range(1_000_000) AS r(i) ORDER BY t)"


def test_what_does_not_fit_into_memory_spills_beside_the_ledger_and_leaves_nothing(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, suppliers=[{}])
    with Ledger(ledger.folder, memory="80MB").connection() as con:
        assert con.execute(LARGE).fetchall() == [(1_000_000,)]
    assert list((ledger.folder / ".spill").iterdir()) == []


def test_the_next_writer_removes_what_a_killed_process_had_spilled(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}])
    left = ledger.folder / ".spill" / "999999999-abc"
    left.mkdir(parents=True)
    (left / "duckdb_temp.tmp").write_bytes(b"x")
    import_rows(ledger, suppliers=[{"supplier_id": "S2"}])
    assert not left.exists()
