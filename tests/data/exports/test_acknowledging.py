"""What banks answer: kept whole, about an export that they were sent, and what was rejected is sent anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit.domain.errors import AcknowledgementRefused, FileMissing, WrongFormat
from data.exports.acknowledging import LineError, answers_to, rejected, take_in
from data.exports.banks import Bank
from data.exports.build import Origin
from data.exports.layout import ExportName
from tests.data.exports.making import build, check, folders_of


def answer(folder: Path, name: str = "answer.json", **said: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    return path


def test_an_answer_is_kept_as_it_came_and_the_last_one_stands(export: Path, tmp_path: Path):
    folders, name = folders_of(export.parent), ExportName.parse(export.name)
    take_in(folders, answer(tmp_path, export_id=export.name, status="RECEIVED", sequence=1))
    error = {"line": 3, "column": "grade", "code": "E7", "text": "等级不明"}
    last = answer(tmp_path, export_id=export.name, status="PROCESSED", errors=[error], theirs="kept too")
    take_in(folders, last)
    take_in(folders, last)
    first, second = answers_to(folders, name)
    assert (first.status, second.status) == ("RECEIVED", "PROCESSED")
    assert second.errors == (LineError(3, "grade", "E7", "等级不明"),)
    [kept] = (folders.kept / export.name / "acknowledgements").glob("0002*")
    assert kept.read_bytes() == last.read_bytes()
    assert check(export).rows == 3


@pytest.mark.parametrize("order", [("REJECTED", "RECEIVED"), ("RECEIVED", "REJECTED")])
def test_that_a_file_came_takes_nothing_back_of_what_was_said_of_it(export: Path, tmp_path: Path, order):
    folders = folders_of(export.parent)
    for status in order:
        take_in(folders, answer(tmp_path, export_id=export.name, status=status))
    assert rejected(folders) == ExportName.parse(export.name)
    take_in(folders, answer(tmp_path, export_id=export.name, status="PROCESSED"))
    assert rejected(folders) is None


def test_an_answer_that_says_a_thing_twice_is_none(export: Path, tmp_path: Path):
    path = tmp_path / "answer.json"
    path.write_text(f'{{"export_id": "{export.name}", "status": "RECEIVED", "status": "REJECTED"}}')
    with pytest.raises(WrongFormat, match="not an acknowledgement"):
        take_in(folders_of(export.parent), path)


def test_an_answer_may_be_a_table(export: Path, tmp_path: Path):
    path = tmp_path / "answer.csv"
    path.write_text(
        "export_id,status,line,column,code,text\n"
        f"{export.name},REJECTED,2,grade,E7,unknown\n{export.name},REJECTED,4,,E8,\n"
    )
    said = take_in(folders_of(export.parent), path)
    assert [error.line for error in said.errors] == [2, 4]
    path.write_text(f"export_id,status\n{export.name},RECEIVED\n")
    assert take_in(folders_of(export.parent), path).errors == ()


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"export_id": "demo-bank_000002_FULL_2026-10-31"}, "was sent no export 'demo-bank_000002_FULL_2026-10-31'"),
        ({"export_id": "second-bank_000001_FULL_2026-10-31"}, "was sent no export"),
        ({"sequence": 2}, "sequence 2 is not that of demo-bank_000001_FULL_2026-10-31"),
        ({"errors": [{"line": 5}]}, "has no line 5"),
    ],
)
def test_an_answer_to_something_else_is_refused_by_name(export: Path, tmp_path: Path, said: dict[str, Any], what: str):
    path = answer(tmp_path, **{"export_id": export.name, "status": "RECEIVED", **said})
    with pytest.raises(AcknowledgementRefused, match=what):
        take_in(folders_of(export.parent), path)
    assert answers_to(folders_of(export.parent), ExportName.parse(export.name)) == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"export_id": 1, "status": "RECEIVED"}',
        '{"export_id": "x", "status": "LOST"}',
        '{"export_id": "x", "status": "RECEIVED", "errors": [{"line": "two"}]}',
        "a,b\n1,2\n",
        "export_id,status\n",
    ],
)
def test_what_is_no_answer_is_refused(export: Path, tmp_path: Path, content: str):
    path = tmp_path / "answer"
    path.write_text(content)
    with pytest.raises(WrongFormat):
        take_in(folders_of(export.parent), path)


def test_an_answer_that_is_not_there_is_refused(export: Path, tmp_path: Path):
    with pytest.raises(FileMissing):
        take_in(folders_of(export.parent), tmp_path / "nothing")


def test_what_was_rejected_stands_until_a_full_file_takes_its_place(
    export: Path, tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    folders = folders_of(export.parent)
    assert rejected(folders) is None
    delta = build(export.parent, bank=bank, records=records, origin=origin, of="DELTA")
    take_in(folders, answer(tmp_path, export_id=delta.name, status="REJECTED"))
    build(export.parent, bank=bank, records=records, origin=origin, of="DELTA")
    assert str(rejected(folders)) == delta.name
    build(export.parent, bank=bank, records=records, origin=origin, supersedes=delta.name)
    assert rejected(folders) is None
