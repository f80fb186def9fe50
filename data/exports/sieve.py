"""Find the rows that a bank's check would refuse, before they are written, without reading every cell one by one.

Whole columns are looked at first, and what they cannot clear is read as the bank reads it (`verify.Record`). So the
columns may doubt a good row, which costs a moment, and must never clear a bad one, which a test holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from data.exports.schema import Field
from data.exports.table import Texts
from data.exports.verify import (
    DELETION,
    DELTA,
    FULL,
    OP,
    PURPOSE,
    STATUS,
    UPDATE,
    CellError,
    Kind,
    Record,
    value_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

# How a cell of each kind is written; the typed column behind it says that it is a number or a day.
PATTERNS = {
    Kind.WHOLE: r"^(0|-?[1-9][0-9]*)$",
    Kind.FEN: r"^(0|-?[1-9][0-9]*)$",
    Kind.PROBABILITY: r"^(0\.[0-9]{6}|1\.000000)$",
    Kind.DATE: r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$",
    Kind.MOMENT: r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    Kind.FLAG: r"^(true|false)$",
}
# ASCII that prints, with no blank at either end and nothing that a spreadsheet runs: almost every id.
PLAIN_TEXT = r"^[0-9A-Za-z_]([ -~]*[!-~])?$"


def first_refused(fields: Sequence[Field], texts: Texts, of: str) -> tuple[str, CellError] | None:
    """The supplier of the first row that a bank would refuse, and why; None where it would take all of them."""
    import pyarrow.compute as pc

    op = texts[OP] if OP in texts else _all(UPDATE, len(texts[fields[0].name]))
    deletion = pc.equal(op, DELETION)
    doubtful = pc.and_(deletion, of == FULL)
    for each in fields:
        doubtful = pc.or_(doubtful, _doubtful(each, texts, deletion, of))
    record = Record(fields, of)
    for place in pc.indices_nonzero(doubtful).to_pylist():
        cells = [texts[each.name][place].as_py() for each in fields]
        try:
            record.values_of(cells)
        except CellError as refused:
            return cells[0], refused
    return None


def _all(value: str, rows: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(value, rows)


def _doubtful(field: Field, texts: Texts, deletion: Any, of: str) -> Any:
    """The rows in which a cell of this field may be what a bank refuses."""
    import pyarrow.compute as pc

    text = texts[field.name]
    empty = pc.equal(text, "")
    left_out = deletion if not field.in_deletion else pc.and_(deletion, False)
    found = [pc.and_(left_out, pc.invert(empty))]
    if field.required:
        found.append(pc.and_(empty, pc.invert(left_out)))
    if field.in_delta:
        found.append(empty if of == DELTA else pc.invert(empty))
    if field.only_when is not None and STATUS in texts:
        told = pc.equal(pc.equal(texts[STATUS], field.only_when), empty)
        found.append(pc.and_(told, pc.invert(deletion)))
    filled = [_written_otherwise(field, text)]
    if field.choices:
        filled.append(pc.invert(pc.is_in(text, value_set=_array(field.choices))))
    if field.not_for:
        filled.append(pc.is_in(texts[PURPOSE], value_set=_array(field.not_for)))
    found += [pc.and_(each, pc.invert(empty)) for each in filled]
    doubtful = found[0]
    for each in found[1:]:
        doubtful = pc.or_(doubtful, each)
    return doubtful


def _array(choices: Sequence[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(choices, pa.string())


def _written_otherwise(field: Field, text: pa.Array) -> Any:
    import pyarrow.compute as pc

    if field.kind is Kind.TEXT:
        return _not_plain(field, text)
    otherwise = pc.invert(pc.match_substring_regex(text, PATTERNS[field.kind]))
    if field.at_least is None:
        return otherwise
    numbers = pc.if_else(pc.equal(text, ""), None, text).cast("int64")
    return pc.or_(otherwise, pc.fill_null(pc.less(numbers, field.at_least), False))


def _not_plain(field: Field, text: pa.Array) -> Any:
    """A sentence comes many times over: each different text is looked at once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = text.dictionary_encode()
    different = coded.dictionary
    otherwise = pc.invert(pc.match_substring_regex(different, PLAIN_TEXT)).to_pylist()
    for place, doubted in enumerate(otherwise):
        if doubted:
            otherwise[place] = _is_refused(field, different[place].as_py())
    return pc.take(pa.array(otherwise, pa.bool_()), coded.indices)


def _is_refused(field: Field, cell: str) -> bool:
    try:
        value_of(field, cell)
    except CellError:
        return True
    return False
