"""Deltas: full file and deltas in order give the next full file, and what each row of one says."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.domain.errors import StoreDamaged
from data.exports.banks import Bank
from data.exports.build import Origin
from data.exports.deltas import applied, difference
from data.exports.layout import committed_exports
from data.exports.schema import RECORD
from data.exports.state import content_of, full_is_due, held_by, last_full
from data.exports.table import typed_table
from data.exports.verify import Refused
from tests.data.exports.making import (
    AS_OF,
    DECLINED_ROW,
    SCORED_ROW,
    UNSCORABLE_ROW,
    build,
    check,
    folders_of,
    frame,
)

GOLDEN = Path(__file__).parent / "golden"
CONTENT = content_of(RECORD)
NEXT_DAY = AS_OF + timedelta(days=1)


@pytest.fixture
def tomorrow(origin: Origin) -> Origin:
    return replace(origin, as_of=NEXT_DAY, generated_at=datetime(2026, 11, 2, 2, tzinfo=UTC))


def moved_on(records: pd.DataFrame) -> pd.DataFrame:
    """The records as the next night writes them where nothing is new."""
    return records.assign(
        scored_at=records["scored_at"] + timedelta(days=1), valid_until=records["valid_until"] + timedelta(days=1)
    )


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    rows = csv.DictReader((folder / "scores.csv").read_text(encoding="utf-8").splitlines())
    return {row["supplier_id"]: row for row in rows}


def manifest(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return document


# What must always hold.

IDS = [f"S{n}" for n in range(6)]
ROWS = st.fixed_dictionaries(
    {
        "score": st.sampled_from([600, 601]),
        "uscc": st.sampled_from([None, "91330100799655058B"]),
        "consent_id": st.sampled_from(["C1", "C2"]),
        "indicative_limit_fen": st.sampled_from([None, 0, 1]),
        "pd": st.sampled_from([0.01, 0.0100004, 0.02]),
        "scored_at": st.sampled_from([COMMON := pd.Timestamp("2026-11-01", tz="UTC"), COMMON + timedelta(hours=1)]),
        "valid_until": st.sampled_from([date(2027, 1, 1), date(2027, 1, 2)]),
    }
)
STATES = st.lists(st.dictionaries(st.sampled_from(IDS), ROWS), min_size=1, max_size=5)


def state_of(firms: dict[str, dict[str, Any]], day: date) -> Any:
    rows = [SCORED_ROW | {"supplier_id": name} | firm for name, firm in sorted(firms.items())]
    return typed_table(frame(*rows).assign(as_of=day, advisory_only=True), CONTENT)


@given(STATES)
@settings(max_examples=150, deadline=None)
def test_a_full_file_and_all_deltas_in_order_are_the_next_full_file(states: list[dict[str, dict[str, Any]]]):
    held = state_of(states[0], AS_OF)
    for night, firms in enumerate(states[1:], start=1):
        day = AS_OF + timedelta(days=night)
        after = state_of(firms, day)
        delta = difference(held, after, as_of=day, revoked=lambda consents: set(consents.values()))
        held = applied(held, delta.rows, delta.moves_on)
        assert held.equals(after)


def test_a_night_on_which_nothing_is_new_names_no_row(tmp_path: Path, bank: Bank, records: Any, origin: Origin):
    tomorrow = replace(origin, as_of=NEXT_DAY)
    build(tmp_path / "b", bank=bank, records=records, origin=origin)
    delta = build(tmp_path / "b", bank=bank, records=moved_on(records), origin=tomorrow, of="DELTA")
    assert rows_of(delta) == {}
    assert manifest(delta)["moves_on"] == {
        "as_of": "2026-11-01",
        "scored_at": "2026-11-02T02:00:03Z",
        "valid_until": "2027-02-01",
    }
    assert check(delta).valid_until == date(2027, 2, 1)


# What a delta says.


@pytest.fixture
def delta(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, tomorrow: Origin) -> Path:
    return made(tmp_path / "b", bank, records, origin, tomorrow)


def made(root: Path, bank: Bank, records: pd.DataFrame, origin: Origin, tomorrow: Origin) -> Path:
    """One firm has another score, one has revoked, one is new, and one stays as it was."""
    stays = SCORED_ROW | {"supplier_id": "S0003", "consent_id": "C3"}
    first = pd.concat([records, frame(stays)], ignore_index=True)
    build(root, bank=bank, records=first, origin=origin)
    new = SCORED_ROW | {"supplier_id": "S0004", "consent_id": "C4"}
    after = moved_on(frame(SCORED_ROW | {"score": 650}, UNSCORABLE_ROW, stays, new))
    return build(root, bank=bank, records=after, origin=tomorrow, of="DELTA", revoked=lambda consents: {"C10"})


def test_a_delta_has_what_changed_and_is_the_one_reviewed(delta: Path):
    assert {name: (row["op"], row["change_reason"]) for name, row in rows_of(delta).items()} == {
        "S0002": ("U", "CHANGED"),
        "S0004": ("U", "CHANGED"),
        "S0010": ("D", "CONSENT_REVOKED"),
    }
    assert (delta / "scores.csv").read_bytes() == (GOLDEN / "scores-2.1.0-delta.csv").read_bytes()


def test_a_bank_that_stays_on_2_0_0_gets_the_delta_that_it_always_got(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, tomorrow: Origin
):
    old = made(tmp_path / "b", replace(bank, schema="2.0.0"), records, origin, tomorrow)
    assert (old / "scores.csv").read_bytes() == (GOLDEN / "scores-2.0.0-delta.csv").read_bytes()


def test_a_delta_verifies_and_names_the_full_file_that_it_stands_on(delta: Path):
    verified = check(delta, last_sequence=1)
    assert (verified.type, verified.base_export_id) == ("DELTA", "demo-bank_000001_FULL_2026-10-31")
    assert manifest(delta)["control_totals"]["by_op"] == {"D": 1, "U": 2}


def test_of_a_firm_that_revoked_a_bank_is_told_the_id_and_the_consent_and_nothing_else(delta: Path):
    told = {name for name, cell in rows_of(delta)["S0010"].items() if cell}
    assert told == {"supplier_id", "op", "change_reason", "consent_id", "as_of", "row_hash"}
    assert b"R10" not in (delta / "scores.parquet").read_bytes()


def test_a_firm_whose_consent_ended_by_itself_has_expired(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, tomorrow: Origin
):
    build(tmp_path / "b", bank=bank, records=records, origin=origin)
    after = moved_on(records.iloc[:2])
    folder = build(tmp_path / "b", bank=bank, records=after, origin=tomorrow, of="DELTA")
    assert {row["change_reason"] for row in rows_of(folder).values()} == {"EXPIRED"}


def test_a_delta_that_corrects_says_so(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, tomorrow: Origin
):
    wrong = build(tmp_path / "b", bank=bank, records=records, origin=origin)
    records.loc[0, "score"] += 1
    folder = build(
        tmp_path / "b", bank=bank, records=moved_on(records), origin=tomorrow, of="DELTA", supersedes=wrong.name
    )
    assert [row["change_reason"] for row in rows_of(folder).values()] == ["CORRECTED"]
    assert check(folder).supersedes == wrong.name


def test_what_a_bank_holds_after_full_file_and_deltas_is_the_next_full_file(
    delta: Path, tmp_path: Path, bank: Bank, tomorrow: Origin
):
    folders = folders_of(tmp_path / "b")
    base = last_full(folders)
    assert base is not None
    held = held_by(bank, folders, base)
    stays = SCORED_ROW | {"supplier_id": "S0003", "consent_id": "C3"}
    new = SCORED_ROW | {"supplier_id": "S0004", "consent_id": "C4"}
    after = moved_on(frame(SCORED_ROW | {"score": 650}, UNSCORABLE_ROW, stays, new))
    full = build(tmp_path / "b", bank=bank, records=after, origin=tomorrow)
    names = [each.name for each in content_of(bank.fields)]
    assert pq.read_table(full / "scores.parquet").select(names).to_pylist() == held.to_pylist()


def test_a_delta_where_the_bank_has_no_full_file_is_refused(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    with pytest.raises(ValueError, match="stands on a full file"):
        build(tmp_path / "b", bank=bank, records=records, origin=origin, of="DELTA")


def test_the_first_version_of_the_record_has_no_deltas(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    old = replace(bank, schema="1.0.0")
    build(tmp_path / "b", bank=old, records=records, origin=origin)
    with pytest.raises(ValueError, match="version of the record"):
        build(tmp_path / "b", bank=old, records=records, origin=origin, of="DELTA")


def test_a_delta_on_what_was_altered_since_is_refused(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    full = build(tmp_path / "b", bank=bank, records=records, origin=origin)
    kept = folders_of(tmp_path / "b").kept / full.name / "scores.parquet"
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(StoreDamaged, match="not what was sent"):
        build(tmp_path / "b", bank=bank, records=records, origin=origin, of="DELTA")


def test_a_delta_out_of_turn_is_refused(delta: Path):
    with pytest.raises(Refused, match="its sequence is 2 where 4 follows"):
        check(delta, last_sequence=3)


# When a full file is due.


def test_a_full_file_is_due_on_the_agreed_day_and_not_the_day_before(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    weekly, folders = replace(bank, full_every_days=7), folders_of(tmp_path / "b")
    assert full_is_due(weekly, folders, AS_OF)
    build(tmp_path / "b", bank=weekly, records=records, origin=origin)
    assert not full_is_due(weekly, folders, AS_OF + timedelta(days=6))
    assert full_is_due(weekly, folders, AS_OF + timedelta(days=7))


@pytest.mark.parametrize("agreed", [{"schema": "1.0.0"}, {"agreed": ("grade", "status")}, {"full_every_days": None}])
def test_a_full_file_is_due_where_something_else_is_agreed(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, agreed: dict[str, Any]
):
    weekly, folders = replace(bank, full_every_days=7), folders_of(tmp_path / "b")
    build(tmp_path / "b", bank=weekly, records=records, origin=origin)
    assert full_is_due(replace(weekly, **agreed), folders, NEXT_DAY)


# A run that was killed and asks again.


def test_a_run_that_asks_again_gets_what_it_wrote(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin):
    night = replace(origin, run_id="night-1")
    first = build(tmp_path / "b", bank=bank, records=records, origin=night)
    content = {path.name: path.read_bytes() for path in first.iterdir()}
    assert build(tmp_path / "b", bank=bank, records=records, origin=night) == first
    assert {path.name: path.read_bytes() for path in first.iterdir()} == content
    assert len(committed_exports(tmp_path / "b")) == 1
    assert build(tmp_path / "b", bank=bank, records=records, origin=replace(origin, run_id="night-2")) != first


def test_a_declined_firm_that_comes_back_is_new(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, tomorrow: Origin
):
    build(tmp_path / "b", bank=bank, records=frame(SCORED_ROW), origin=origin)
    both = moved_on(frame(SCORED_ROW, DECLINED_ROW))
    folder = build(tmp_path / "b", bank=bank, records=both, origin=tomorrow, of="DELTA")
    assert rows_of(folder)["S0010"]["op"] == "U"
