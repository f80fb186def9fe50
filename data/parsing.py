"""From a source's values to the ledger's columns: the SQL that reads each, and finds the first that cannot be read.

Text is checked before it is cast. A Parquet column that has the right type already is taken as it is and only held
against the ledger's bounds, so that a platform's own files pass at the speed of the disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from credit.domain.money import BOOK_CURRENCY, FEN_PER_YUAN, MINOR_UNITS
from data.formats.format import Format, Mapping, MoneyIn
from data.schema import (
    CURRENCY_CODE,
    FIRST_YEAR,
    LARGEST_FEN,
    LAST_YEAR,
    RECORDED,
    SOURCE_COLUMNS,
    Column,
    Kind,
    Table,
)
from data.staging import LINE, REFUSED, ROW, Staged, as_typed, literal, quoted

# An amount counts as a whole number of fen when it is this near to one, which forgives a source its binary floats.
FEN_TOLERANCE = "0.0001"
# Text is measured against these before it is cast: DuckDB alone reads "infinity", "epoch" and "1_000", rounds "3.7" to
# a whole number, and drops the zone of a time.
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
WHOLE_NUMBER = r"[+-]?\d+(\.0*)?"
DAY = r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
MOMENT = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?)?"
# What spreadsheets run, and characters that nobody sees; a bank's file could not carry such an id.
NO_ID = r"^[=+\-@＝＋－＠]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
# Sixteen whole and ten decimal digits hold every amount that is accepted, exactly.
EXACT = "DECIMAL(28, 10)"
# A quarantined row shows so much of the value that is wrong.
SHOWN_CHARACTERS = 80

# The day of the import in China, where the platform works.
IMPORT_DAY = "CAST(getvariable('loaded_at') + INTERVAL 8 HOUR AS DATE)"

# The types of a Parquet file's columns that need no reading.
_SMALL_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"}
_AS_IT_IS: dict[Kind, set[str]] = {
    Kind.TEXT: {"VARCHAR"},
    Kind.DATE: {"DATE"},
    Kind.MOMENT: {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"},
    Kind.FEN: _SMALL_INTEGERS | {"UINTEGER", "BIGINT"},
    Kind.WHOLE: _SMALL_INTEGERS,
    Kind.FLAG: {"BOOLEAN"},
}


_NOTHING = "CAST(NULL AS VARCHAR)"


@dataclass(frozen=True, slots=True)
class Cell:
    """How one column of the ledger is read from one source.

    `raw` is the SQL of the source's value and `called` the name of its column there, which a complaint shows; `ready`
    says that the value has the ledger's type already, `plain` that no text of the column needs a closer look.
    """

    column: Column
    raw: str
    called: str
    ready: bool
    plain: bool = False

    @property
    def absent(self) -> bool:
        """Whether the source has nothing that fills the column."""
        return self.raw == _NOTHING

    @property
    def name(self) -> str:
        """The name under which the query carries the value as the source has it."""
        return quoted("r_" + self.column.name)


def cells(mapping: Mapping, staged: Staged) -> list[Cell]:
    """How each column of the mapping's table is read; what the source leaves out reads as empty."""
    absent = {name for name in mapping.optional if name not in staged.header}
    return [
        _cell(column, mapping, staged, _without(mapping.columns.get(column.name, "NULL"), absent))
        for column in (*mapping.table.columns, *SOURCE_COLUMNS)
    ]


def _without(expression: str, absent: set[str]) -> str:
    """The expression with NULL for each column that is not there; text between single quotes is no column."""
    names = {quoted(name) for name in absent}
    return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", lambda m: "NULL" if m[0] in names else m[0], expression)


def _cell(column: Column, mapping: Mapping, staged: Staged, expression: str) -> Cell:
    if expression == "NULL":
        return Cell(column, _NOTHING, column.name, ready=False)
    called = next((name for name in staged.header if expression in (name, quoted(name))), None)
    if called is None:
        words = set(re.findall(r"\w+", expression))
        named = next((name for name in staged.header if name in words), column.name)
        return Cell(column, f"nullif(trim(CAST({expression} AS VARCHAR)), '')", named, ready=False)
    in_unit = column.kind is not Kind.FEN or mapping.money_in is MoneyIn.MINOR
    ready = in_unit and staged.types.get(called, "") in _AS_IT_IS[column.kind]
    raw = as_typed(called) if ready and column.kind is not Kind.TEXT else quoted(called)
    return Cell(column, raw, called, ready, plain=called in staged.plain)


def parse_sql(fmt: Format, mapping: Mapping, staged: Staged, number: int) -> str:
    """One SELECT of the source's rows: `_file`, `_row`, `_line`, `_readable`, `_wrong` and the table's typed columns.

    Of a row that is not `_readable`, `_wrong` is a struct of the column's name in the source, its value and the problem
    of the first value that cannot be read. `record_id` is as the source gives it, else NULL.
    """
    read = cells(mapping, staged)
    raw = ", ".join(f"{cell.raw} AS {cell.name}" for cell in read)
    typed = ", ".join(f"{_typed(cell, mapping)} AS {quoted(cell.column.name)}" for cell in read)
    checks = [(cell, *check) for cell in read for check in _checks(cell, mapping)]
    problems = " ".join(_said(cell, mapping.table, condition, problem) for cell, condition, problem in checks)
    readable = " AND ".join([f"{REFUSED} IS NULL", *(f"({condition}) IS NOT TRUE" for _, condition, _ in checks)])
    absent = {name for name in mapping.optional if name not in staged.header}
    lag = f"CAST({quoted(mapping.table.on)} AS TIMESTAMP) + INTERVAL {fmt.lag_days} DAY"
    names = ", ".join(quoted(c.column.name) for c in read if c.column is not RECORDED)
    return f"""
        SELECT CAST({number} AS INTEGER) AS _file, {ROW}, {LINE}, _readable, _wrong, {names},
               coalesce({RECORDED.name}, {lag}) AS {RECORDED.name}
        FROM (SELECT *, {readable} AS _readable,
                     CASE WHEN {REFUSED} IS NOT NULL THEN {REFUSED} {problems} END AS _wrong
              FROM (SELECT *, {typed}
                    FROM (SELECT {ROW}, {LINE}, {REFUSED}, {raw} FROM {staged.relation}
                          WHERE {REFUSED} IS NOT NULL OR ({_without(mapping.where, absent)}))))"""


def _in_fen(cell: Cell, mapping: Mapping) -> str:
    """The amount in the minor units of the row's currency."""
    amount = f"TRY_CAST({cell.name} AS {EXACT})"
    if mapping.money_in is MoneyIn.MINOR:
        return amount
    by_units: dict[int, list[str]] = {}
    for currency, units in MINOR_UNITS.items():
        by_units.setdefault(units, []).append(literal(currency))
    cases = " ".join(f"WHEN r_currency IN ({', '.join(names)}) THEN {units}" for units, names in by_units.items())
    return f"{amount} * CASE {cases} ELSE {FEN_PER_YUAN} END"


def _typed(cell: Cell, mapping: Mapping) -> str:
    raw = cell.name
    if cell.ready:
        return f"CAST({raw} AS {cell.column.kind})"
    match cell.column.kind:
        case Kind.FEN:
            return f"TRY_CAST(round({_in_fen(cell, mapping)}) AS BIGINT)"
        case Kind.DATE:
            return f"TRY_CAST(regexp_extract({raw}, '{DAY}', 1) AS DATE)"
        case Kind.MOMENT:
            moment = f"CAST(TRY_CAST({raw} AS TIMESTAMPTZ) AS TIMESTAMP)"
            return f"CASE WHEN regexp_full_match({raw}, '{MOMENT}') THEN {moment} END"
        case _:
            return f"TRY_CAST({raw} AS {cell.column.kind})"


def _checks(cell: Cell, mapping: Mapping) -> list[tuple[str, str]]:
    """The conditions under which one column cannot be read, each with what is wrong then."""
    checks = [*_absent(cell, mapping.table), *([] if cell.ready else _unreadable(cell, mapping)), *_out_of_bounds(cell)]
    if cell.column.name == mapping.table.on:
        checks.append((f"{quoted(cell.column.name)} > {IMPORT_DAY}", "in-the-future"))
    if cell.column is RECORDED:
        # Clocks differ, and a moment without an offset may be a Chinese one: a day is forgiven.
        checks.append((f"{RECORDED.name} > getvariable('loaded_at') + INTERVAL 1 DAY", "in-the-future"))
    return checks


def _said(cell: Cell, table: Table, condition: str, problem: str) -> str:
    """The WHEN branch that says what is wrong with a column under a condition."""
    # What a supplier is called stays out of the quarantine, which people read and mail around.
    shown = "NULL" if table.personal else f"left(CAST({cell.name} AS VARCHAR), {SHOWN_CHARACTERS})"
    return f"WHEN {condition} THEN {{'c': {literal(cell.called)}, 'v': {shown}, 'p': '{problem}'}}"


def _absent(cell: Cell, table: Table) -> list[tuple[str, str]]:
    if cell.column.required:
        return [(f"{cell.name} IS NULL", "missing-value")]
    if cell.column is RECORDED:
        # Without a moment of its own a row is known from its day on; without a day either nobody could ever see it.
        return [(f"{cell.name} IS NULL AND {quoted('r_' + table.on)} IS NULL", "missing-value")]
    return []


def _unreadable(cell: Cell, mapping: Mapping) -> list[tuple[str, str]]:
    """The conditions under which a text is nothing that its column can hold."""
    raw, value = cell.name, quoted(cell.column.name)
    said_in_vain = f"{raw} IS NOT NULL AND {value} IS NULL"
    match cell.column.kind:
        case Kind.FEN:
            fen = _in_fen(cell, mapping)
            return [
                (f"NOT regexp_full_match({raw}, '{NUMBER}')", "bad-number"),
                (f"{raw} IS NOT NULL AND coalesce(abs({fen}) > {LARGEST_FEN}, true)", "too-large"),
                (f"abs({fen} - round({fen})) > {FEN_TOLERANCE}", "not-whole-fen"),
            ]
        case Kind.WHOLE:
            return [
                (f"NOT regexp_full_match({raw}, '{NUMBER}')", "bad-number"),
                (f"NOT regexp_full_match({raw}, '{WHOLE_NUMBER}')", "not-whole"),
                (said_in_vain, "too-large"),
            ]
        case Kind.DATE:
            return [(said_in_vain, "bad-date")]
        case Kind.MOMENT:
            return [(said_in_vain, "bad-moment")]
        case Kind.FLAG:
            return [(said_in_vain, "bad-flag")]
        case Kind.TEXT:
            return []


def _out_of_bounds(cell: Cell) -> list[tuple[str, str]]:
    """The conditions under which a value of the right type is none that the column takes."""
    column, value = cell.column, quoted(cell.column.name)
    checks: list[tuple[str, str]] = []
    if column.kind in (Kind.DATE, Kind.MOMENT):
        # Not by the year: a file that types its dates may hold infinity, which has none.
        within = f"{value} >= DATE '{FIRST_YEAR}-01-01' AND {value} < DATE '{LAST_YEAR + 1}-01-01'"
        checks.append((f"NOT ({within})", "unlikely-date"))
    if column.kind is Kind.FEN and cell.ready:
        checks.append((f"{value} NOT BETWEEN -{LARGEST_FEN} AND {LARGEST_FEN}", "too-large"))
    if column.is_id and not cell.plain:
        checks.append((f"regexp_matches({cell.name}, {literal(NO_ID)})", "bad-id"))
    if column.is_currency:
        other = f"{cell.name} <> {literal(BOOK_CURRENCY)}"
        checks.append((f"{other} AND NOT regexp_full_match({cell.name}, '{CURRENCY_CODE}')", "not-a-currency"))
    if column.choices:
        checks.append((f"{value} NOT IN ({', '.join(literal(c) for c in column.choices)})", "not-a-choice"))
    if column.at_least is not None:
        checks.append((f"{value} < {column.at_least}", "too-small"))
    return checks
