"""Writing a bank file: only what was agreed, only with consent, whole, and the same bytes again."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credit.domain.errors import AlreadyThere, CreditError, ExportRefused, Locked
from data.durable import exclusive
from data.exports import build as building
from data.exports.banks import Bank, shipped_bank
from data.exports.build import LOCK, Origin, build_export
from data.exports.json_schema import json_schema
from data.exports.layout import committed_exports, next_sequence
from data.exports.schema import ADVICE, FIELD_NAMES, RECORDS, VERSIONS
from data.exports.verify import CONTRACTS, GUARANTEES, SCORES, Refused, hash_of_id
from tests.data.exports.making import (
    CONTRACT_ROW,
    SENDER,
    build,
    check,
    contracts,
    folders_of,
    guarantees,
)

GOLDEN = Path(__file__).parent / "golden"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "scores.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_file_a_bank_receives_is_the_one_reviewed(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, version: str
):
    folder = build(tmp_path, bank=replace(bank, schema=version), records=records, origin=origin)
    for table in replace(bank, schema=version).tables:
        assert (folder / table.csv).read_bytes() == (GOLDEN / f"{table.name}-{version}.csv").read_bytes()
    assert check(folder).schema_version == version
    assert (folder / "contracts.csv").exists() == (version not in ("1.0.0", "2.0.0"))


def test_an_export_verifies(export: Path):
    verified = check(export)
    assert (verified.export_id, verified.rows, verified.sum_limit_fen) == (export.name, 3, 91_200_000)


def test_a_bank_that_agreed_to_no_further_table_gets_none(tmp_path: Path, records: pd.DataFrame, origin: Origin):
    folder = build(tmp_path / "b", bank=shipped_bank("second-bank"), records=records, origin=origin)
    assert sorted(contents(folder)) == sorted(
        ["datapackage.json", f"{folder.name}.ok", "manifest.json", "manifest.sig", "scores.csv", "scores.parquet"]
    )
    assert check(folder).further == {}
    assert not {"contracts", "guarantees"} & set(json.loads((folder / "manifest.json").read_bytes())["control_totals"])


def test_a_table_that_a_bank_agreed_to_is_never_left_out(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    with pytest.raises(ValueError, match="there are no contracts, which demo-bank is to receive"):
        build_export(folders_of(tmp_path), bank=bank, records={SCORES: records}, origin=origin, signer=SENDER)


def test_a_table_without_rows_is_a_table(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    none = {table: rows.iloc[:0] for table, rows in ((CONTRACTS, contracts()), (GUARANTEES, guarantees()))}
    folder = build(tmp_path / "b", bank=bank, records=records, origin=origin, further=none)
    assert check(folder).further == {"contracts": 0, "guarantees": 0}


def test_the_tables_beside_the_scores_are_whole_in_a_delta(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    first = build(tmp_path / "b", bank=bank, records=records, origin=origin)
    delta = build(tmp_path / "b", bank=bank, records=records, origin=origin, of="DELTA")
    assert (check(delta).rows, check(delta).further) == (0, {"contracts": 2, "guarantees": 2})
    for file in ("contracts.csv", "contracts.parquet", "guarantees.csv", "guarantees.parquet"):
        assert (delta / file).read_bytes() == (first / file).read_bytes()
    kept = folders_of(tmp_path / "b").kept / delta.name
    assert (kept / "guarantees.parquet").read_bytes() == (delta / "guarantees.parquet").read_bytes()


@pytest.mark.parametrize("of", ["FULL", "DELTA"])
def test_a_bank_is_not_taken_back_to_an_earlier_day(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, of: str, monkeypatch: pytest.MonkeyPatch
):
    first = build(tmp_path / "b", bank=bank, records=records, origin=origin)
    day_before = replace(origin, as_of=origin.as_of - timedelta(days=1))
    with pytest.raises(ExportRefused, match="would take it back"):
        build(tmp_path / "b", bank=bank, records=records, origin=day_before, of=of)
    assert [str(each) for each in committed_exports(tmp_path / "b")] == [first.name]
    # Nor does a bank take a delta that is older than what it stands on.
    monkeypatch.setattr(building, "_refuse_going_back", lambda *_: None)
    delta = build(tmp_path / "b", bank=bank, records=records, origin=day_before, of="DELTA")
    with pytest.raises(Refused, match="base_export_id is no earlier export"):
        check(delta)


def test_an_export_is_not_made_at_a_moment_before_the_last(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    build(tmp_path / "b", bank=bank, records=records, origin=origin)
    earlier = replace(origin, generated_at=origin.generated_at - timedelta(seconds=1))
    with pytest.raises(ExportRefused, match="was made later"):
        build(tmp_path / "b", bank=bank, records=records, origin=earlier)
    # A night that was killed keeps the moment at which it began.
    night = replace(earlier, run_id="night of 2026-10-31")
    assert check(build(tmp_path / "b", bank=bank, records=records, origin=night)).sequence == 2


def test_an_export_is_named_after_bank_number_type_and_day(export: Path):
    assert export.name == "demo-bank_000001_FULL_2026-10-31"
    assert sorted(contents(export)) == sorted(
        [
            *("contracts.csv", "contracts.parquet", "datapackage.json", f"{export.name}.ok"),
            *("guarantees.csv", "guarantees.parquet", "manifest.json", "manifest.sig", "scores.csv", "scores.parquet"),
        ]
    )


def test_the_same_inputs_give_the_same_bytes_whatever_their_order(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, export: Path
):
    shuffled = records.sample(frac=1, random_state=7)[sorted(records.columns, reverse=True)]
    again = build(tmp_path / "again", bank=bank, records=shuffled, origin=origin)
    assert contents(again) == contents(export)


def test_types_that_hold_the_same_values_give_the_same_bytes(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, export: Path
):
    other = records.astype({"supplier_id": object, "grade": "category", "pd": "Float64", "score": float})
    other["valid_until"] = pd.to_datetime(other["valid_until"])
    other["scored_at"] = other["scored_at"].dt.tz_convert("Asia/Shanghai")
    other["uscc"] = other["uscc"].fillna("")
    again = build(tmp_path / "again", bank=bank, records=other, origin=origin)
    assert contents(again) == contents(export)


def test_building_leaves_the_records_as_they_were(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    before = records.copy(deep=True)
    build(tmp_path, bank=bank, records=records, origin=origin)
    pd.testing.assert_frame_equal(records, before)


def test_a_bank_receives_no_field_that_was_not_agreed(tmp_path: Path, records: pd.DataFrame, origin: Origin):
    bank = shipped_bank("second-bank")
    folder = build(tmp_path, bank=bank, records=records.assign(phone="13800000000"), origin=origin)
    agreed = [each.name for each in bank.fields]
    assert list(rows_of(folder)[0]) == agreed
    assert pq.read_schema(folder / "scores.parquet").names == agreed
    everything = b"".join(contents(folder).values())
    assert b"91330100799655058B" not in everything
    assert b"13800000000" not in everything


def test_a_total_of_a_field_that_was_not_agreed_is_not_told(tmp_path: Path, records: pd.DataFrame, origin: Origin):
    bank = Bank("small-bank", "小银行", ("credit_line",), ())
    folder = build(tmp_path, bank=bank, records=records, origin=origin)
    totals = json.loads((folder / "manifest.json").read_bytes())["control_totals"]
    assert totals["sum_limit_fen"] is totals["by_grade"] is totals["by_decision"] is totals["by_status"] is None
    assert check(folder).sum_limit_fen is None


def test_the_control_totals_are_what_a_bank_counts_itself(export: Path):
    rows = rows_of(export)
    totals = json.loads((export / "manifest.json").read_bytes())["control_totals"]
    assert {name: total for name, total in totals.items() if name not in ("contracts", "guarantees")} == {
        "rows": len(rows),
        "sum_limit_fen": sum(int(row["indicative_limit_fen"] or 0) for row in rows),
        "by_op": {"U": 3},
        "by_grade": {"NONE": 1, "R05": 1, "R10": 1},
        "by_decision": {"APPROVE": 1, "DECLINE": 1, "REFER": 1},
        "by_status": {"SCORED": 2, "UNSCORABLE": 1},
        "supplier_id_hash_total": f"{sum(hash_of_id(row['supplier_id']) for row in rows) % 2**64:016x}",
    }


def test_the_row_hash_can_be_computed_from_the_other_cells(export: Path):
    for row in rows_of(export):
        *cells, said = row.values()
        assert hashlib.sha256("\x1f".join(cells).encode()).hexdigest() == said


def test_parquet_holds_money_as_integers_and_dates_without_time(export: Path):
    schema = pq.read_schema(export / "scores.parquet")
    assert schema.field("indicative_limit_fen").type == pa.int64()
    assert schema.field("as_of").type == pa.date32()
    assert schema.field("pd").type == pa.float64()


def test_an_export_without_suppliers_is_an_export(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    folder = build(tmp_path, bank=bank, records=records.iloc[:0], origin=origin)
    verified = check(folder)
    assert (verified.rows, verified.valid_until) == (0, None)


# What must never reach a bank.


@pytest.mark.parametrize("column", ["consent_id", "purpose"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_row_without_consent_stops_the_export(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, column: str, nothing: str | None
):
    records.loc[1, column] = nothing
    with pytest.raises(ValueError, match="without consent"):
        build(tmp_path, bank=bank, records=records, origin=origin)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"consent_id": None}, "without consent"),
        ({"purpose": ""}, "without consent"),
        ({"purpose": "score"}, "no agreement"),
        ({"bank_id": "second-bank"}, "does not name demo-bank"),
        ({"guarantee_id": "G1"}, "a guarantee_id has more than one row"),
        ({"as_of": date(2026, 10, 30)}, "another day"),
    ],
)
def test_what_must_not_reach_a_bank_stops_the_export_in_every_table(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, change: dict[str, object], what: str
):
    narrow = replace(bank, purposes=("credit_line", "guarantee"))
    wrong = {GUARANTEES: guarantees().assign(**change)}
    with pytest.raises(ValueError, match=what):
        build(tmp_path, bank=narrow, records=records, origin=origin, further=wrong)


def test_what_a_firm_could_draw_is_not_said_where_it_consents_to_guarantees_alone(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    told = {CONTRACTS: contracts(CONTRACT_ROW | {"purpose": "guarantee"})}
    with pytest.raises(CreditError, match="contract_id 'K2', column 'draw_max_fen' is filled where the purpose is"):
        build(tmp_path / "b", bank=bank, records=records, origin=origin, further=told)


def test_a_purpose_that_was_not_agreed_stops_the_export(tmp_path: Path, records: pd.DataFrame, origin: Origin):
    records.loc[1, "purpose"] = "guarantee"
    with pytest.raises(ValueError, match="no agreement"):
        build(tmp_path, bank=shipped_bank("second-bank"), records=records, origin=origin)


def test_a_purpose_that_was_agreed_does_not(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    records.loc[1, "purpose"] = "guarantee"
    assert check(build(tmp_path, bank=bank, records=records, origin=origin)).rows == 3


def test_a_consent_that_names_another_bank_stops_the_export(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    named = records.assign(bank_id=["demo-bank", "second-bank", "demo-bank"])
    with pytest.raises(ValueError, match="does not name demo-bank"):
        build(tmp_path, bank=bank, records=named, origin=origin)


def test_a_file_for_one_bank_never_lands_among_those_of_another(export: Path, records: pd.DataFrame, origin: Origin):
    with pytest.raises(ValueError, match="another bank"):
        build(export.parent, bank=shipped_bank("second-bank"), records=records, origin=origin)


def test_advice_on_a_firm_that_consents_to_its_score_alone_stops_the_export(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    records.loc[0, "purpose"] = "score"
    with_score = replace(bank, purposes=(*bank.purposes, "score"))
    with pytest.raises(ValueError, match="score alone"):
        build(tmp_path / "b", bank=with_score, records=records, origin=origin)
    records.loc[0, list(ADVICE)] = None
    folder = build(tmp_path / "b", bank=with_score, records=records, origin=origin)
    assert check(folder).sum_limit_fen == 0
    assert {row["supplier_id"]: row["decision"] for row in rows_of(folder)}["S0002"] == ""


def test_a_decision_that_would_bind_the_bank_stops_the_export(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    with pytest.raises(ValueError, match="advice"):
        build(tmp_path, bank=bank, records=records.assign(advisory_only=False), origin=origin)


def test_a_row_of_another_day_stops_the_export(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    with pytest.raises(ValueError, match="another day"):
        build(tmp_path, bank=bank, records=records.assign(as_of=date(2026, 10, 30)), origin=origin)


def test_a_supplier_with_two_rows_stops_the_export(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    with pytest.raises(ValueError, match="more than one row"):
        build(tmp_path, bank=bank, records=pd.concat([records, records.iloc[:1]]), origin=origin)


def test_an_agreed_column_that_is_missing_stops_the_export(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    with pytest.raises(ValueError, match="lack grade"):
        build(tmp_path, bank=bank, records=records.drop(columns="grade"), origin=origin)


def test_money_in_a_float_stops_the_export(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    with pytest.raises(ValueError, match="'indicative_limit_fen' of the records is not a"):
        build(tmp_path, bank=bank, records=records.astype({"indicative_limit_fen": float}), origin=origin)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("supplier_id", "=1+1"),
        ("supplier_id", "@S1"),
        ("supplier_id", "\tS1"),
        ("consent_id", "-C1"),
        ("reason_1_zh", "+付款较慢"),
        ("reason_1_zh", "＝付款较慢"),
        ("grade", "R11"),
        ("grade", None),
        ("valid_until", None),
        ("unscorable_code", "U01"),
        ("pd", 1.2),
        ("tenor_months", 0),
        ("indicative_limit_fen", -1),
    ],
)
def test_a_cell_that_no_bank_would_accept_stops_the_export_and_leaves_nothing(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, column: str, value: object
):
    records.loc[0, column] = value
    with pytest.raises(CreditError, match=f"column '{column}'") as refused:
        build(tmp_path, bank=bank, records=records, origin=origin)
    assert "correct it at its source" in refused.value.hint
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


# The order of a bank's exports, and what a crash leaves.


def test_the_first_export_is_number_one_and_the_next_follows(
    export: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    assert next_sequence(export.parent.parent / "no-such-bank") == 1
    assert next_sequence(export.parent) == 2
    second = build(export.parent, bank=bank, records=records, origin=origin)
    assert [str(name) for name in committed_exports(export.parent)] == [export.name, second.name]
    assert next_sequence(export.parent) == 3


def test_an_export_without_its_marker_does_not_count(export: Path):
    (export / f"{export.name}.ok").unlink()
    assert next_sequence(export.parent) == 1


def test_a_folder_that_somebody_else_put_there_is_left_alone(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    (tmp_path / "demo-bank_000001_FULL_2026-10-31").mkdir()
    with pytest.raises(AlreadyThere):
        build(tmp_path, bank=bank, records=records, origin=origin)


@pytest.mark.parametrize("supersedes", ["demo-bank_000001_FULL_2026-10-31", None])
def test_a_correction_names_an_export_the_bank_has(
    export: Path, bank: Bank, records: pd.DataFrame, origin: Origin, supersedes: str | None
):
    corrected = build(export.parent, bank=bank, records=records, origin=origin, supersedes=supersedes)
    assert (check(corrected).sequence, check(corrected).supersedes) == (2, supersedes)


def test_a_correction_of_an_export_the_bank_never_had_is_refused(
    export: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    with pytest.raises(ValueError, match="supersedes"):
        build(export.parent, bank=bank, records=records, origin=origin, supersedes="demo-bank_000009_FULL_2026-10-31")


def test_a_run_that_fails_before_the_end_leaves_nothing_a_bank_could_take(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, monkeypatch: pytest.MonkeyPatch
):
    def power_cut(partial: Path, target: Path) -> None:
        assert (partial / f"{target.name}.ok").is_file()
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(building, "move_folder_whole", power_cut)
        with pytest.raises(OSError, match="power cut"):
            build(tmp_path, bank=bank, records=records, origin=origin)
    assert committed_exports(tmp_path) == ()
    assert check(build(tmp_path, bank=bank, records=records, origin=origin)).rows == 3


def test_what_a_killed_run_left_behind_is_cleared_away(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    abandoned = tmp_path / ".demo-bank_000001_FULL_2026-10-30.partial"
    abandoned.mkdir()
    (abandoned / "scores.csv").write_text("half a f")
    build(tmp_path, bank=bank, records=records, origin=origin)
    assert not abandoned.exists()


def test_two_runs_do_not_build_for_a_bank_at_once(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    with exclusive(tmp_path / LOCK, "bank files"), pytest.raises(Locked):
        build(tmp_path, bank=bank, records=records, origin=origin)


@pytest.mark.parametrize(
    "wrong",
    [
        {"generated_at": datetime(2026, 11, 1, 2)},
        {"generated_at": datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=8)))},
        {"as_of": datetime(2026, 10, 31, tzinfo=UTC)},
        {"ledger_version": ""},
    ],
)
def test_facts_that_a_manifest_cannot_state_are_refused(origin: Origin, wrong: dict[str, object]):
    with pytest.raises(ValueError):
        replace(origin, **wrong)


def test_the_json_schema_covers_every_table_and_requires_what_every_bank_receives():
    schema = json_schema()
    assert [each["$ref"] for each in schema["oneOf"]] == [f"#/$defs/{name}" for name in schema["$defs"]]
    for table, record in RECORDS.items():
        row = schema["$defs"][table.name]
        assert list(row["properties"]) == [field.name for field in record] and row["additionalProperties"] is False
        assert {"supplier_id", "consent_id", "as_of", "row_hash", table.key} <= set(row["required"])
    narrow = {"if": {"properties": {"purpose": {"enum": ["guarantee"]}}, "required": ["purpose"]}}
    assert narrow | {"then": {"properties": {"draw_max_fen": False}}} in schema["$defs"]["contracts"]["allOf"]


def test_the_json_schema_has_every_field_and_a_row_that_takes_a_supplier_out_says_no_more_than_the_id():
    schema = json_schema()["$defs"]["scores"]
    assert list(schema["properties"]) == list(FIELD_NAMES)
    deletion = next(each for each in schema["allOf"] if each["if"]["properties"].get("op") == {"enum": ["D"]})
    allowed = set(FIELD_NAMES) - set(deletion["then"]["properties"])
    assert allowed == {"supplier_id", "op", "change_reason", "consent_id", "as_of", "row_hash"}
