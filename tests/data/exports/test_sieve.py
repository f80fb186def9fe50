"""What is judged by whole columns is judged as the bank judges it, row by row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from data.exports.schema import RECORD
from data.exports.sieve import first_refused
from data.exports.table import csv_lines, row_hashes
from data.exports.totals import counted
from data.exports.verify import SCORES, CellError, Counted, Kind, Record, row_hash

ODD = (
    "",
    "S1",
    "x y",
    " S1",
    "S1 ",
    "=1",
    "-1",
    "a\x1fb",
    "\u202e",
    "采购人, 慢",
    'a"b',
    "＝1",
    "_a",
    "é",
    "\u3000",
    "1\n2",
)
CELLS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: ODD,
    Kind.WHOLE: ("", "0", "1", "-1", "649"),
    Kind.FEN: ("", "0", "-1", str(2**63 - 1)),
    Kind.PROBABILITY: ("", "0.000000", "1.000000", "1.000001", "-0.000000", "nan", "0.014123"),
    Kind.DATE: ("", "2026-10-31"),
    Kind.MOMENT: ("", "2026-11-01T02:00:00Z"),
    Kind.FLAG: ("", "true", "false"),
}
# Rows that a bank takes, so that what is odd stands beside what is not.
GOOD: dict[str, str] = {
    "supplier_id": "S1",
    "op": "U",
    "change_reason": "",
    "consent_id": "C1",
    "purpose": "credit_line",
    "as_of": "2026-10-31",
    "scored_at": "2026-11-01T02:00:00Z",
    "valid_until": "2026-12-31",
    "status": "UNSCORABLE",
    "unscorable_code": "U01",
    "advisory_only": "true",
}
TAKEN_OUT = {name: GOOD[name] for name in ("supplier_id", "consent_id", "as_of")} | {"op": "D"}


def drawn(data: Any, of: str) -> list[str]:
    row = dict(data.draw(st.sampled_from([GOOD, TAKEN_OUT])))
    if of == "DELTA":
        row["change_reason"] = data.draw(st.sampled_from(["CHANGED", "EXPIRED", ""]))
    for field in data.draw(st.lists(st.sampled_from(RECORD[:-1]), max_size=2)):
        row[field.name] = data.draw(st.sampled_from((*CELLS[field.kind], *field.choices)))
    return [row.get(field.name, "") for field in RECORD[:-1]]


@given(st.data(), st.sampled_from(["FULL", "DELTA"]))
@settings(max_examples=400, deadline=None)
def test_whole_columns_refuse_what_a_bank_refuses_and_nothing_else(data: Any, of: str):
    rows = [drawn(data, of) for _ in range(data.draw(st.integers(1, 4)))]
    texts = {field.name: pa.array([row[place] for row in rows], pa.string()) for place, field in enumerate(RECORD[:-1])}
    texts["row_hash"] = row_hashes(texts)
    record, expected = Record(RECORD, of), None
    for row in rows:
        try:
            record.values_of([*row, row_hash(row)])
        except CellError as refused:
            expected = (row[0], refused.column.name, refused.what)
            break
    found = first_refused(RECORD, texts, of)
    assert (None if found is None else (found[0], found[1].column.name, found[1].what)) == expected


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00")), min_size=2, max_size=5))
@settings(deadline=None)
def test_lines_are_those_that_the_standard_library_would_write(cells: list[str]):
    import csv
    import io

    fields = [field for field in RECORD if field.kind is Kind.TEXT][: len(cells)]
    texts = {field.name: pa.array([cell], pa.string()) for field, cell in zip(fields, cells, strict=True)}
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    assert csv_lines(texts, fields) == out.getvalue().encode()


@given(st.data())
@settings(deadline=None)
def test_totals_of_whole_columns_are_those_of_the_rows(data: Any):
    rows = [drawn(data, "DELTA") for _ in range(data.draw(st.integers(0, 4)))]
    names = [field.name for field in RECORD[:-1]]
    one_by_one = Counted(SCORES, names)
    for row in rows:
        one_by_one.add(2, row, None)
    texts = {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)}
    assert counted(texts, SCORES).as_document() == one_by_one.as_document()
