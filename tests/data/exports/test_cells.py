"""What single cells may hold, each boundary from both sides."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.exports.schema import RECORD, Field
from data.exports.verify import FORMULA_STARTS, CellError, Kind, value_of

FIELDS = {each.name: each for each in RECORD}
ANY_TEXT = Field("reason_1_zh", Kind.TEXT, "a reason in words")


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("score", "649", 649),
        ("score", "-3", -3),
        ("indicative_limit_fen", "0", 0),
        ("indicative_limit_fen", str(2**63 - 1), 2**63 - 1),
        ("pd", "0.000000", 0.0),
        ("pd", "1.000000", 1.0),
        ("tenor_months", "1", 1),
        ("as_of", "2026-10-31", date(2026, 10, 31)),
        ("scored_at", "2026-11-01T02:00:00Z", datetime(2026, 11, 1, 2)),
        ("advisory_only", "true", True),
        ("grade", "R10", "R10"),
        ("uscc", "", None),
    ],
)
def test_a_cell_that_says_what_its_field_holds_is_read(name: str, cell: str, value: object):
    assert value_of(FIELDS[name], cell) == value


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("score", "649.0"),
        ("score", "0649"),
        ("score", "+649"),
        ("score", "６４９"),
        ("score", "6_49"),
        ("indicative_limit_fen", "-1"),
        ("indicative_limit_fen", str(2**63)),
        ("pd", "1.000001"),
        ("pd", "-0.000000"),
        ("pd", "0.01"),
        ("pd", "nan"),
        ("tenor_months", "0"),
        ("as_of", "20261031"),
        ("as_of", "2026-02-29"),
        ("as_of", "2026-10-31T00:00:00"),
        ("scored_at", "2026-11-01T02:00:00"),
        ("scored_at", "2026-11-01T02:00:00.500000Z"),
        ("scored_at", "2026-11-01T02:00:00+08:00Z"),
        ("scored_at", "2026-11-01 02:00:00Z"),
        ("advisory_only", "false"),
        ("advisory_only", "True"),
        ("grade", "R11"),
        ("decision", "approve"),
        ("supplier_id", ""),
        ("supplier_id", " S1"),
        ("supplier_id", "S1\u202e"),
        ("supplier_id", "S1\x1f"),
        ("supplier_id", "S1\nS2"),
    ],
)
def test_a_cell_that_says_anything_else_is_refused_without_repeating_it(name: str, cell: str):
    with pytest.raises(CellError) as refused:
        value_of(FIELDS[name], cell)
    assert refused.value.column.name == name
    assert cell.strip() == "" or repr(cell) not in str(refused.value)


@pytest.mark.parametrize("start", sorted(FORMULA_STARTS))
def test_a_text_that_a_spreadsheet_would_run_is_refused(start: str):
    with pytest.raises(CellError):
        value_of(ANY_TEXT, f"{start}1+1")


@pytest.mark.parametrize("start", sorted(FORMULA_STARTS - set("\t\r\n")))
def test_the_same_character_further_on_is_text(start: str):
    assert value_of(ANY_TEXT, f"1{start}1") == f"1{start}1"


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_that_is_accepted_stays_one_cell_of_one_line(text: str):
    try:
        value_of(ANY_TEXT, text)
    except CellError:
        return
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow([text, "next"])
    assert out.getvalue().count("\n") == 1
    assert list(csv.reader([out.getvalue()], strict=True)) == [[text, "next"]]
