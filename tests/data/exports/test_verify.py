"""Checking a bank file: every alteration is refused, and the first thing wrong is named in a fixed order."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.exports.banks import Bank
from data.exports.build import Origin
from data.exports.verify import CONTRACTS, GUARANTEES, TABLES, Refused, Table
from tests.data.exports.making import build, check, contracts, guarantees

if TYPE_CHECKING:
    from tests.data.exports.conftest import FaultySender

DATA = tuple(name for table in TABLES for name in table.files)
FILES = (*DATA, "datapackage.json", "manifest.json", "manifest.sig", "marker")
FURTHER = pytest.mark.parametrize("table", TABLES[1:], ids=[table.name for table in TABLES[1:]])
LAST_DAY = date(2027, 1, 31)


def path_of(export: Path, file: str) -> Path:
    return export / (f"{export.name}.ok" if file == "marker" else file)


def refusal(folder: Path, **asked: Any) -> str:
    with pytest.raises(Refused) as refused:
        check(folder, **asked)
    assert refused.value.hint
    return refused.value.message


# Alterations on the way: the seals show them.


@pytest.mark.parametrize("file", FILES)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_that_changes_is_refused_by_the_name_of_its_file(export: Path, file: str, data: st.DataObject):
    path = path_of(export, file)
    whole = path.read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1), label="position")
    mask = data.draw(st.integers(1, 255), label="mask")
    try:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ mask]) + whole[position + 1 :])
        assert path.name in refusal(export)
    finally:
        path.write_bytes(whole)


def test_every_byte_of_the_marker_counts(export: Path):
    marker = path_of(export, "marker")
    whole = marker.read_bytes()
    for position in range(len(whole)):
        marker.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert marker.name in refusal(export)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("keep", [0, 0.5, -1])
def test_a_file_that_was_cut_short_is_refused(export: Path, file: str, keep: float):
    path = path_of(export, file)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep) if keep >= 0 else -1])
    assert path.name in refusal(export)


@pytest.mark.parametrize("file", FILES)
def test_a_file_with_something_behind_it_is_refused(export: Path, file: str):
    path = path_of(export, file)
    path.write_bytes(path.read_bytes() + b"\n")
    assert path.name in refusal(export)


@pytest.mark.parametrize("file", FILES[:-1])
def test_a_file_that_is_missing_is_refused(export: Path, file: str):
    path_of(export, file).unlink()
    assert refusal(export) == f"{file}: the file is missing"


@pytest.mark.parametrize("file", FILES[:-1])
def test_a_link_to_a_file_elsewhere_counts_as_missing(export: Path, tmp_path: Path, file: str):
    path = path_of(export, file)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert refusal(export) == f"{file}: the file is missing"


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "scores.csv.bak"])
def test_a_file_too_many_is_refused(export: Path, name: str):
    (export / name).write_text("")
    assert refusal(export) == f"'{name}': the export has no such file"


def test_a_folder_inside_is_refused(export: Path):
    (export / "more").mkdir()
    assert "'more'" in refusal(export)


def test_an_export_without_its_marker_is_not_finished(export: Path):
    path_of(export, "marker").unlink()
    assert refusal(export) == f"{export.name}: there is no commit marker (*.ok)"


def test_a_second_marker_is_refused(export: Path):
    (export / "zz.ok").write_text("")
    assert refusal(export).startswith("zz.ok: a second commit marker")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    assert refusal(tmp_path / "nothing") == "nothing: there is no such folder"


@pytest.fixture
def later(export: Path, bank: Bank, records: pd.DataFrame, origin: Origin) -> Path:
    records["score"] += 1
    others = {CONTRACTS: contracts().assign(stage="ACCEPTED"), GUARANTEES: guarantees().assign(status="LAPSED")}
    return build(export.parent, bank=bank, records=records, origin=origin, further=others)


@pytest.mark.parametrize("file", FILES)
def test_a_file_swapped_with_that_of_another_export_is_refused(export: Path, later: Path, file: str):
    shutil.copy(path_of(later, file), path_of(export, file))
    expected = "manifest.json" if file == "marker" else file
    assert refusal(export).startswith(f"{expected}: ")


def test_manifest_and_marker_of_another_export_are_refused_by_the_marker(export: Path, later: Path):
    for file in ("manifest.json", "manifest.sig"):
        shutil.copy(later / file, export / file)
    shutil.copy(path_of(later, "marker"), path_of(export, "marker"))
    assert refusal(export) == f"{export.name}.ok: manifest.json is that of export {later.name}"


def test_an_export_under_the_name_of_another_is_refused(export: Path, later: Path):
    shutil.rmtree(later)
    shutil.copytree(export, later)
    assert refusal(later) == f"{later.name}: the folder holds export {export.name}"


def test_a_check_from_inside_the_folder_is_the_same_check(export: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(export)
    assert check(Path()).export_id == export.name


# Faults of the sender: the seals are right, what they vouch for is not.


@pytest.mark.parametrize(
    ("column", "cell", "what"),
    [
        ("supplier_id", "", "is empty"),
        ("supplier_id", "=S0002", "starts with a character that a spreadsheet runs as a formula"),
        ("grade", "R11", "is not one of R01, R02, R03"),
        ("grade", "", "is empty where the status is SCORED"),
        ("unscorable_code", "U01", "is filled where the status is SCORED"),
        ("pd", "0.01", "is not a probability as it is written here"),
        ("indicative_limit_fen", "912000.00", "is not a whole number of fen"),
        ("indicative_limit_fen", "-1", "is less than 0"),
        ("scored_at", "yesterday", "is not a moment in UTC"),
        ("advisory_only", "false", "is not one of true"),
        ("as_of", "2026-10-30", "is not the as_of of manifest.json"),
        ("supplier_id", "S0001", "is not after the one on the line before"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column_and_not_repeated(
    faulty: FaultySender, column: str, cell: str, what: str
):
    faulty.change_cell(line=3, column=column, cell=cell)
    message = refusal(faulty.folder)
    assert message.startswith(f'scores.csv line 3, column "{column}": {what}')
    assert len(cell) < 5 or cell not in message


@pytest.mark.parametrize(
    ("table", "line", "column", "cell", "what"),
    [
        (CONTRACTS, 3, "contract_id", "", "is empty"),
        (CONTRACTS, 3, "contract_id", "K1", "is not after the one on the line before"),
        (CONTRACTS, 2, "stage", "AWARDED", "is not one of SIGNED, IN_DELIVERY"),
        (CONTRACTS, 2, "draw_max_fen", "1", "is filled where the purpose is guarantee"),
        (CONTRACTS, 3, "draw_max_fen", "-1", "is less than 0"),
        (CONTRACTS, 3, "as_of", "2026-10-30", "is not the as_of of manifest.json"),
        (CONTRACTS, 3, "expected_pay_date", "1.3.2027", "is not a date as it is written here"),
        (GUARANTEES, 2, "consent_id", "", "is empty"),
        (GUARANTEES, 2, "status", "NONE", "is not one of ISSUED, EFFECTIVE"),
        (GUARANTEES, 3, "guarantee_id", "G1", "is not after the one on the line before"),
        (GUARANTEES, 3, "event_seq", "0", "is less than 1"),
        (GUARANTEES, 3, "beneficiary", "@B1", "starts with a character that a spreadsheet runs as a formula"),
    ],
)
def test_a_wrong_cell_is_named_in_every_table(
    faulty: FaultySender, table: Table, line: int, column: str, cell: str, what: str
):
    faulty.change_cell(line=line, column=column, cell=cell, table=table)
    assert refusal(faulty.folder).startswith(f'{table.csv} line {line}, column "{column}": {what}')


@FURTHER
def test_what_is_wrong_with_the_rows_of_a_table_is_named(faulty: FaultySender, table: Table):
    rows = faulty.csv_rows(table)
    faulty.change_cell(line=2, column="supplier_id", cell="S9", hashed=False, table=table)
    assert refusal(faulty.folder) == f'{table.csv} line 2, column "row_hash": is not the hash of the row'
    faulty.write_csv([*rows[:2], rows[2][:-1]], table)
    cells = len(rows[0])
    assert refusal(faulty.folder) == f"{table.csv} line 3: {cells - 1} cells where the header has {cells}"
    faulty.write_csv(rows[:2], table)
    assert refusal(faulty.folder) == f"{table.parquet}: it has more rows than {table.csv}"
    faulty.write_csv([[row[1], row[0], *row[2:]] for row in rows], table)
    assert refusal(faulty.folder) == f"{table.csv} line 1: the header is not what datapackage.json describes"
    faulty.write_csv(rows, table)
    assert check(faulty.folder).further[table.name] == 2


@FURTHER
def test_what_is_wrong_with_the_parquet_file_of_a_table_is_named(faulty: FaultySender, table: Table):
    faulty.change_parquet(lambda rows: with_column(rows, "amount_fen", lambda fen: pc.add(fen, 1)), table)
    assert refusal(faulty.folder) == f'{table.parquet} row 1, column "amount_fen": differs from {table.csv} line 2'
    faulty.change_parquet(lambda rows: rows.slice(0, 1), table)
    assert refusal(faulty.folder).startswith(f"{table.parquet} row 1")
    faulty.change_parquet(lambda rows: rows.drop_columns("as_of"), table)
    assert refusal(faulty.folder).startswith(f"{table.parquet}: its columns or their types are not")


@pytest.mark.parametrize(
    ("table", "total", "value"),
    [
        ("contracts", "rows", 1),
        ("contracts", "sum_draw_max_fen", 1),
        ("contracts", "by_stage", {}),
        ("contracts", "contract_id_hash_total", "0" * 16),
        ("guarantees", "sum_outstanding_fen", None),
        ("guarantees", "by_status", {"EFFECTIVE": 2}),
        ("guarantees", "by_op", {"U": 2}),
    ],
)
def test_a_control_total_of_a_table_that_does_not_add_up_is_named(
    faulty: FaultySender, table: str, total: str, value: object
):
    totals = faulty.manifest()["control_totals"]
    faulty.change_manifest(control_totals=totals | {table: totals[table] | {total: value}})
    assert refusal(faulty.folder) == f"manifest.json: control total {table!r} is not what {table}.csv adds up to"


@FURTHER
def test_a_table_that_the_manifest_does_not_list_is_a_file_too_many(faulty: FaultySender, table: Table):
    files = faulty.manifest()["files"]
    faulty.change_manifest(files=[each for each in files if each["name"] not in table.files])
    assert refusal(faulty.folder) == f"'{table.csv}': the export has no such file"
    faulty.change_manifest(files=[each for each in files if each["name"] != table.csv])
    assert refusal(faulty.folder).startswith("manifest.json: it does not list scores.csv, scores.parquet, ")
    faulty.change_manifest(files=[each for each in files if each["name"] != table.parquet])
    assert refusal(faulty.folder).startswith("manifest.json: it does not list scores.csv, scores.parquet, ")


def test_a_table_that_is_taken_out_whole_is_missed_in_the_totals_and_the_descriptor(faulty: FaultySender):
    files = faulty.manifest()["files"]
    for name in CONTRACTS.files:
        (faulty.folder / name).unlink()
    faulty.change_manifest(files=[each for each in files if each["name"] not in CONTRACTS.files])
    assert refusal(faulty.folder) == "datapackage.json: it does not describe the files that manifest.json lists"
    faulty.seal()
    assert refusal(faulty.folder) == "manifest.json: control total 'contracts' is not what contracts.csv adds up to"


def test_a_version_that_does_not_know_a_table_has_none(faulty: FaultySender):
    faulty.change_manifest(schema_version="2.0.0")
    assert refusal(faulty.folder) == "manifest.json: it does not list scores.csv, scores.parquet, datapackage.json"


def test_a_wrong_row_hash_is_named_by_its_line(faulty: FaultySender):
    faulty.change_cell(line=4, column="indicative_limit_fen", cell="1", hashed=False)
    assert refusal(faulty.folder) == 'scores.csv line 4, column "row_hash": is not the hash of the row'


def test_a_row_with_a_cell_too_few_is_named_by_its_line(faulty: FaultySender):
    rows = faulty.csv_rows()
    faulty.write_csv([*rows[:2], rows[2][:-1], rows[3]])
    assert refusal(faulty.folder).startswith("scores.csv line 3: 46 cells where the header has 47")


@pytest.mark.parametrize(
    ("alter", "what"),
    [
        (lambda text: text.replace(b"\n", b"\r\n"), "line 1: the line does not end with a single line feed"),
        (lambda text: text.rstrip(b"\n"), "line 4: the line does not end with a single line feed"),
        (lambda text: text + b"\n", "line 5: 0 cells where the header has 47"),
        (lambda text: b"\xef\xbb\xbf" + text, "line 1: the header is not what datapackage.json describes"),
        (lambda text: text.replace(b"BUY", b"B\xff\xfe"), ": not UTF-8 text"),
        (lambda text: text.replace(b"BUY", b'"BU"Y'), ": not a readable CSV file"),
        (lambda text: b"", "line 1: the header is not what datapackage.json describes"),
    ],
)
def test_a_csv_that_other_readers_would_read_otherwise_is_refused(
    faulty: FaultySender, alter: Callable[[bytes], bytes], what: str
):
    faulty.write_csv_bytes(alter((faulty.folder / "scores.csv").read_bytes()))
    assert refusal(faulty.folder).replace("scores.csv ", "").replace("scores.csv:", ":").startswith(what)


def test_columns_in_another_order_are_refused(faulty: FaultySender):
    faulty.write_csv([[row[1], row[0], *row[2:]] for row in faulty.csv_rows()])
    assert refusal(faulty.folder) == "scores.csv line 1: the header is not what datapackage.json describes"


def with_column(table: pa.Table, name: str, change: Callable[[Any], Any]) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), change(table[name]).cast(table.schema.field(name).type))


def test_a_parquet_file_that_says_something_else_is_named_by_row_and_column(faulty: FaultySender):
    faulty.change_parquet(lambda table: with_column(table, "indicative_limit_fen", lambda fen: pc.add(fen, 1)))
    assert refusal(faulty.folder) == (
        'scores.parquet row 2, column "indicative_limit_fen": differs from scores.csv line 3'
    )


def test_a_pd_that_only_rounds_to_the_same_digits_is_another_pd(faulty: FaultySender):
    faulty.change_parquet(lambda table: with_column(table, "pd", lambda pd: pc.add(pd, 1e-9)))
    assert refusal(faulty.folder).startswith('scores.parquet row 2, column "pd"')


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda table: table.slice(0, 2), "scores.parquet: it ends before scores.csv line 4"),
        (lambda table: pa.concat_tables([table, table]), "scores.parquet: it has more rows than scores.csv"),
        (lambda table: table.drop_columns("pd"), "scores.parquet: its columns or their types are not"),
        (lambda table: table.append_column("phone", pa.array(["1"] * 3)), "scores.parquet: its columns or"),
    ],
)
def test_a_parquet_file_of_another_shape_is_refused(
    faulty: FaultySender, change: Callable[[pa.Table], pa.Table], what: str
):
    faulty.change_parquet(change)
    assert refusal(faulty.folder).startswith(what)


def test_something_that_is_not_parquet_is_refused(faulty: FaultySender):
    (faulty.folder / "scores.parquet").write_bytes(b"PAR1 and no more")
    faulty.seal()
    assert refusal(faulty.folder) == "scores.parquet: not a readable Parquet file"


@pytest.mark.parametrize(
    ("total", "value"),
    [
        ("rows", 2),
        ("sum_limit_fen", 91_200_001),
        ("sum_limit_fen", 91_200_000.0),
        ("by_grade", {"R05": 2, "NONE": 1}),
        ("by_decision", {}),
        ("by_status", None),
        ("by_op", {"U": 2, "D": 1}),
        ("supplier_id_hash_total", "0" * 16),
        ("sum_of_something", 1),
    ],
)
def test_a_control_total_that_does_not_add_up_is_named(faulty: FaultySender, total: str, value: object):
    faulty.change_manifest(control_totals=faulty.manifest()["control_totals"] | {total: value})
    assert refusal(faulty.folder) == f"manifest.json: control total {total!r} is not what scores.csv adds up to"


def test_a_number_of_rows_that_is_not_that_of_the_file_is_refused(faulty: FaultySender):
    files = faulty.manifest()["files"]
    faulty.change_manifest(files=[files[0] | {"rows": 4}, *files[1:]])
    faulty.seal()
    assert refusal(faulty.folder) == "manifest.json: the number of rows of scores.csv is not what the file has"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"schema_version": "9.0.0"}, "its schema_version is not one that this program knows"),
        ({"bank_id": "second-bank"}, "its export_id does not follow from bank_id, sequence, type and as_of"),
        ({"sequence": 2}, "its export_id does not follow from bank_id, sequence, type and as_of"),
        ({"type": "PARTIAL"}, "its export_id does not follow from bank_id, sequence, type and as_of"),
        ({"as_of": "2026-10-30"}, "its export_id does not follow from bank_id, sequence, type and as_of"),
        ({"as_of": "31/10/2026"}, "'as_of' does not hold what it should"),
        ({"sequence": True}, "'sequence' does not hold what it should"),
        ({"generated_at": "2026-11-01T02:00:00"}, "'generated_at' does not hold what it should"),
        ({"supersedes": "the last one"}, "'supersedes' does not hold what it should"),
        ({"models": {"loan_default": 7}}, "'models' does not hold what it should"),
        ({"files": [{"name": "scores.csv"}]}, "'files' does not hold what it should"),
        ({"files": []}, "it does not list scores.csv, scores.parquet, datapackage.json"),
        ({"surprise": 1}, "it holds a key that the manifest does not have"),
    ],
)
def test_a_manifest_that_says_something_wrong_is_refused(faulty: FaultySender, changes: dict[str, Any], what: str):
    faulty.change_manifest(**changes)
    assert refusal(faulty.folder) == f"manifest.json: {what}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is not JSON in UTF-8"),
        (b"\xff", "it is not JSON in UTF-8"),
        (b"[" * 100_000, "it is not JSON in UTF-8"),
        (b'{"rows": NaN}', "it is not JSON in UTF-8"),
        (b"[]\n", "it is not a JSON object"),
        (b'{"b":1}', "it is not in canonical form (sorted keys, two spaces, LF at the end)"),
        (b'{\n  "schema_version": "1.0.0"\n}\n', "'export_id' is missing"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(faulty: FaultySender, content: bytes, what: str):
    faulty.write_manifest(content)
    assert refusal(faulty.folder) == f"manifest.json: {what}"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda d: d["resources"].clear(), "describes no fields of scores.csv"),
        (
            lambda d: d["resources"][0]["schema"]["fields"].reverse(),
            "its fields do not begin with supplier_id and end with row_hash",
        ),
        (lambda d: d["resources"][0]["schema"]["fields"].pop(), "it lacks a field that every bank receives"),
        (lambda d: d.update(version="9"), "it does not describe the files that manifest.json lists"),
        (
            lambda d: d["resources"][0].update(bytes=True),
            "it does not describe the files that manifest.json lists",
        ),
    ],
)
def test_a_descriptor_of_something_else_is_refused(
    faulty: FaultySender, change: Callable[[dict[str, Any]], object], what: str
):
    descriptor = json.loads((faulty.folder / "datapackage.json").read_bytes())
    change(descriptor)
    faulty.change_descriptor(descriptor)
    assert refusal(faulty.folder).startswith(f"datapackage.json: {what}")


def test_of_several_faults_the_earliest_in_the_fixed_order_is_named(faulty: FaultySender):
    faulty.change_cell(line=4, column="grade", cell="R11")
    faulty.change_manifest(control_totals={})
    assert 'line 4, column "grade"' in refusal(faulty.folder)
    (faulty.folder / "extra").write_text("")
    assert refusal(faulty.folder) == "'extra': the export has no such file"
    (faulty.folder / "manifest.json").unlink()
    assert refusal(faulty.folder) == "manifest.json: the file is missing"


# Validity.


def built_valid_until(root: Path, day: date, *, bank: Bank, records: pd.DataFrame, origin: Origin) -> Path:
    records.loc[records["supplier_id"] == "S0010", "valid_until"] = day
    return build(root, bank=bank, records=records, origin=origin)


def test_a_row_that_is_valid_on_the_exports_own_day_alone_is_accepted(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    folder = built_valid_until(tmp_path, origin.as_of, bank=bank, records=records, origin=origin)
    assert check(folder).valid_until == origin.as_of


def test_a_row_that_ended_the_day_before_the_export_is_refused(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    day_before = origin.as_of - timedelta(days=1)
    with pytest.raises(ValueError, match="never valid"):
        built_valid_until(tmp_path, day_before, bank=bank, records=records, origin=origin)


def test_a_row_that_a_faulty_sender_ended_the_day_before_is_named(faulty: FaultySender):
    ended = "2026-10-30"
    for line in (2, 3, 4):
        faulty.change_cell(line=line, column="valid_until", cell=ended)
    hashes = [row[-1] for row in faulty.csv_rows()[1:]]
    faulty.change_parquet(
        lambda table: with_column(
            with_column(table, "row_hash", lambda _: pa.chunked_array([hashes])),
            "valid_until",
            lambda _: pa.chunked_array([[date.fromisoformat(ended)] * 3]),
        )
    )
    message = refusal(faulty.folder)
    assert message == 'scores.csv line 2, column "valid_until": is before as_of: the row was never valid'


def test_a_row_may_be_used_on_its_last_day(export: Path):
    assert check(export, on=LAST_DAY).valid_until == LAST_DAY


def test_a_row_may_not_be_used_on_the_day_after(export: Path):
    message = refusal(export, on=LAST_DAY + timedelta(days=1))
    assert message == 'scores.csv line 2, column "valid_until": the row had expired by 2027-02-01'


def test_checking_what_is_wrong_at_once_loads_no_table_library(tmp_path: Path):
    check = "import sys, data.exports.verify; sys.exit(any(m in sys.modules for m in ('pandas', 'pyarrow')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
