"""Reading and refusing single cells and rows of the CSV file.

A cell has exactly one way to be written, so that equal values have equal bytes. Empty means missing; there is
no sentinel. A text that a spreadsheet would run as a formula is refused and never escaped: an escaped id is
another id, and the Chinese texts come from our own list of reasons, where such a text is a mistake.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime

from data.exports.schema import ROW_HASH, Field, Kind

Value = str | int | float | bool | date | datetime | None

PD_DIGITS = 6
UNIT_SEPARATOR = "\x1f"
# Spreadsheets run a cell that starts so; some versions in East Asia also take the full-width forms (OWASP).
FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
# Control and formatting characters, lone surrogates, line and paragraph separators: none belongs in an id or
# a sentence; some reverse what a reader sees, and the unit separator would make two rows share a hash.
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class CellError(ValueError):
    """A cell that does not hold what its field says; `what` says why, without repeating what it holds."""

    def __init__(self, field: Field, what: str) -> None:
        super().__init__(f"column {field.name!r} {what}")
        self.field = field
        self.what = what


def value_of(field: Field, cell: str) -> Value:
    """What a cell says; None where it is empty. Moments come without a zone and are UTC. Raises CellError."""
    if cell == "":
        if field.required:
            raise CellError(field, "is empty")
        return None
    try:
        value = READERS[field.kind](cell)
    except ValueError as unreadable:
        what = str(unreadable) if field.kind is Kind.TEXT else f"is not a {field.kind} as it is written here"
        raise CellError(field, what) from None
    if field.choices and cell not in field.choices:
        raise CellError(field, f"is not one of {', '.join(field.choices)}")
    if field.at_least is not None and isinstance(value, int) and value < field.at_least:
        raise CellError(field, f"is less than {field.at_least}")
    return value


def values_of(fields: Sequence[Field], cells: Sequence[str]) -> tuple[Value, ...]:
    """What a row says, once its status and its hash agree with the rest of it. Raises CellError."""
    values = tuple(value_of(field, cell) for field, cell in zip(fields, cells, strict=True))
    _refuse_what_the_status_contradicts(fields, cells)
    if cells[-1] != row_hash(cells[:-1]):
        raise CellError(ROW_HASH, "is not the hash of the row")
    return values


def row_hash(cells: Sequence[str]) -> str:
    """The SHA-256 of a row's cells without the hash itself.

    >>> row_hash(["S1", "", "true"])[:12]
    '7689057de7c0'
    """
    return hashlib.sha256(UNIT_SEPARATOR.join(cells).encode()).hexdigest()


def _refuse_what_the_status_contradicts(fields: Sequence[Field], cells: Sequence[str]) -> None:
    """A scored supplier has a score, an unscorable one has the reason why not, and neither has both."""
    status = next((cell for field, cell in zip(fields, cells, strict=True) if field.name == "status"), None)
    if status is None:
        return
    for field, cell in zip(fields, cells, strict=True):
        if field.only_when is None:
            continue
        if status == field.only_when and cell == "":
            raise CellError(field, f"is empty where the status is {status}")
        if status != field.only_when and cell != "":
            raise CellError(field, f"is filled where the status is {status}")


def _text(cell: str) -> str:
    if cell[0] in FORMULA_STARTS:
        raise ValueError("starts with a character that a spreadsheet runs as a formula")
    if cell != cell.strip():
        raise ValueError("starts or ends with a blank")
    # ASCII that prints is by far the most of all cells and needs no look at each character.
    if not (cell.isascii() and cell.isprintable()) and any(
        unicodedata.category(character) in HIDDEN_CATEGORIES for character in cell
    ):
        raise ValueError("holds a control character or one that cannot be seen")
    return cell


def _whole(cell: str) -> int:
    value = int(cell)
    if str(value) != cell or not INT64_MIN <= value <= INT64_MAX:
        raise ValueError
    return value


def _probability(cell: str) -> float:
    if not re.fullmatch(rf"[01]\.[0-9]{{{PD_DIGITS}}}", cell):
        raise ValueError
    value = float(cell)
    if value > 1:
        raise ValueError
    return value


def _date(cell: str) -> date:
    value = date.fromisoformat(cell)
    if value.isoformat() != cell:
        raise ValueError
    return value


def _moment(cell: str) -> datetime:
    value = datetime.fromisoformat(cell.removesuffix("Z"))
    if f"{value.isoformat()}Z" != cell or value.microsecond or value.tzinfo:
        raise ValueError
    return value


def _flag(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError
    return cell == "true"


READERS: dict[Kind, Callable[[str], Value]] = {
    Kind.TEXT: _text,
    Kind.WHOLE: _whole,
    Kind.FEN: _whole,
    Kind.PROBABILITY: _probability,
    Kind.DATE: _date,
    Kind.MOMENT: _moment,
    Kind.FLAG: _flag,
}
