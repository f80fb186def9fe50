"""`mapped`: any files or queries, read through a TOML file that says which column of theirs fills which of ours.

A mapping names columns, constants and lists of values and holds no SQL: it may come from a bank or a platform, and what
comes from outside is never run.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from credit.domain.errors import FileMissing, WrongFormat
from data.durable import sha256_of
from data.formats.format import Format, Mapping, MoneyIn
from data.schema import SOURCE_COLUMNS, SUPPLIERS, TABLES, Kind, Table
from data.staging import ROW, literal, quoted

_TOP = {"name", "meaning", "tier", "lag_days", "tables"}
_TABLE = {"table", "files", "money_in", "only", "except", "columns"}
_CELL = {"column", "columns", "constant", "row", "values", "date", "optional"}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# What joins the parts of an id that a source keeps in several columns.
_JOINED_BY = "/"
# A day, a month and a year among anything else, in the words of strptime.
_DATE_PATTERN = re.compile(r"([^%]|%[-aAbBdHIjmMpSyYzZf%])*%[-aAbBdHIjmMpSyYzZf%]([^%]|%[-aAbBdHIjmMpSyYzZf%])*")
_LONGEST_LAG_DAYS = 3_650

MAPPED = Format(
    name="mapped",
    meaning="Any CSV or Parquet files, or queries to a database, through a TOML file given with --mapping.",
    tier="as the mapping says",
    mappings=(),
    lag_days=0,
    page=(
        "`credit ledger import FOLDER --format mapped --mapping FILE.toml`. The mapping has a `name`, a `meaning`, "
        "the `tier` (platform where contracts, deliveries and payments are told of too, invoice where invoices are all;"
        " a model serves the tier that it was trained on), `lag_days` (how long after an event it could be known, where"
        " no column fills `recorded_at`) and a `[[tables]]` entry for each table it fills: the `table`, a regular "
        "expression over the names of its `files` (CSV, Parquet, or `.sql`: one query each, asked of the SQLAlchemy URL"
        " in `--database`, its rows in the place of lines), `money_in` (minor, the default, or major: fen or "
        "yuan, cents or dollars), optionally `only` and `except` (columns and the values with which a row is read, or"
        ' is not, `""` for an empty cell; others are passed over and counted) and `columns`. A column of the ledger is '
        "filled by the name of a source's column, or by `{ constant = … }`, `{ column = … }` or `{ columns = [ … ] }` "
        "(joined by `/`, for an id kept in parts; a `/` or `%` within a part is written `%2F` or `%25`), or by "
        "`{ row = true }` (the "
        "row's number in its file, for a source without ids), with "
        "`values` (from the source's word to ours; an unlisted word stays as it is and goes to quarantine where it is"
        " no choice), `date` (such as `%d/%m/%Y`) and `optional = true` (the source may leave the column out). Every "
        "column that the table requires has to be filled. The mapping's hash is part of the import's record."
    ),
    sample=(
        "# erp.toml\n"
        'name = "erp-listings"\n'
        'meaning = "Exclusion lists from the ERP of a platform"\n'
        'tier = "platform"\n'
        "lag_days = 1\n\n"
        "[[tables]]\n"
        'table = "listings"\n'
        "files = 'lists_.*\\.csv'\n"
        'only = { state = ["FINAL"] }\n\n'
        "[tables.columns]\n"
        'listing_event_id = { columns = ["list", "entry"] }\n'
        'supplier_id = "vendor"\n'
        'list = { column = "list", values = { "税务" = "TAX", "采购" = "PROCUREMENT" } }\n'
        'happened_on = { column = "day", date = "%d/%m/%Y" }\n'
        'kind = { constant = "LISTED" }\n'
    ),
)


def read_mapping(file: Path, *, database: str | None = None) -> Format:
    """The format that a mapping file describes; `database` answers its files of SQL.

    Raises FileMissing, or WrongFormat naming the entry that is wrong.
    """
    if not file.is_file():
        raise FileMissing(f"{file.name}: there is no such mapping file", hint=f"looked in {file.parent}")
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise WrongFormat(f"{file.name}: not a TOML file ({broken})", hint=_SEE) from broken
    try:
        return replace(_format(said, sha256_of(file)), database=database)
    except _Wrong as wrong:
        raise WrongFormat(f"{file.name}: {wrong}", hint=_SEE) from None


_SEE = "`credit ledger formats mapped` shows a sample"


class _Wrong(ValueError):
    """What is wrong with a mapping, and where."""


def _format(said: dict[str, Any], digest: str) -> Format:
    _refuse_other_keys(said, _TOP, "the mapping")
    name, meaning = _text(said, "name", "the mapping"), _text(said, "meaning", "the mapping")
    if not _NAME.fullmatch(name):
        raise _Wrong(f"name {name!r} must be small letters, digits and hyphens")
    tier = _text(said, "tier", "the mapping")
    tiers = next(c.choices for c in SUPPLIERS.columns if c.name == "tier")
    if tier not in tiers:
        raise _Wrong(f"tier {tier!r} must be one of {', '.join(tiers)}")
    lag = said.get("lag_days")
    if not isinstance(lag, int) or isinstance(lag, bool) or not 0 <= lag <= _LONGEST_LAG_DAYS:
        raise _Wrong(f"lag_days must be a whole number of days, 0 to {_LONGEST_LAG_DAYS:,}")
    tables = said.get("tables")
    if not isinstance(tables, list) or not tables or not all(isinstance(each, dict) for each in tables):
        raise _Wrong("there must be a [[tables]] entry for each table that is filled")
    mappings = tuple(_mapping(each, f"tables entry {number}") for number, each in enumerate(tables, start=1))
    return Format(f"mapped/{name}@{digest[:12]}", meaning, tier, mappings, lag, MAPPED.page, MAPPED.sample)


def _mapping(said: dict[str, Any], where: str) -> Mapping:
    _refuse_other_keys(said, _TABLE, where)
    name = _text(said, "table", where)
    table = next((each for each in TABLES if each.name == name), None)
    if table is None:
        raise _Wrong(f"{where}: there is no table {name!r}; the tables are {', '.join(t.name for t in TABLES)}")
    where = f"{where} ({name})"
    files = _text(said, "files", where)
    try:
        re.compile(files)
    except re.error as broken:
        raise _Wrong(f"{where}: files is not a regular expression ({broken})") from None
    unit = said.get("money_in", MoneyIn.MINOR.value)
    if unit not in set(MoneyIn):
        raise _Wrong(f"{where}: money_in {unit!r} must be one of {', '.join(MoneyIn)}")
    cells = said.get("columns")
    if not isinstance(cells, dict):
        raise _Wrong(f"{where}: [tables.columns] is missing")
    expressions, needs, optional = _columns(table, cells, where)
    only, asked_for = _rows(said, "only", where)
    others, asked_against = _rows(said, "except", where)
    asked = [*asked_for, *asked_against]
    return Mapping(
        table=table,
        files=files,
        columns=expressions,
        needs=tuple(dict.fromkeys((*needs, *asked))),
        money_in=MoneyIn(unit),
        where=" AND ".join((*only, *(f"coalesce(NOT ({each}), true)" for each in others))) or "true",
        optional=tuple(dict.fromkeys(each for each in optional if each not in (*needs, *asked))),
        dates={name: cell["date"] for name, cell in cells.items() if isinstance(cell, dict) and "date" in cell},
    )


def _columns(table: Table, cells: dict[str, Any], where: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The SQL for each filled column, and the source's columns that are needed and that may be absent."""
    known = {c.name: c for c in (*table.columns, *SOURCE_COLUMNS)}
    unknown = [name for name in cells if name not in known]
    if unknown:
        raise _Wrong(f"{where}: the table has no column {unknown[0]!r}")
    unfilled = [c.name for c in table.columns if c.required and c.name not in cells]
    if unfilled:
        raise _Wrong(f"{where}: nothing fills {', '.join(unfilled)}")
    expressions: dict[str, str] = {}
    needs: list[str] = []
    optional: list[str] = []
    for name, said in cells.items():
        cell = {"column": said} if isinstance(said, str) else said
        place = f"{where}, {name}"
        if not isinstance(cell, dict):
            raise _Wrong(f"{place}: must be the name of a column or a table of settings")
        _refuse_other_keys(cell, _CELL, place)
        sources = _sources(cell, place)
        (optional if cell.get("optional") is True else needs).extend(sources)
        expressions[name] = _expression(cell, sources, known[name].kind, place)
    return expressions, needs, optional


def _sources(cell: dict[str, Any], place: str) -> list[str]:
    given = [key for key in ("column", "columns", "constant", "row") if key in cell]
    if len(given) != 1:
        raise _Wrong(f"{place}: name one of column, columns, constant or row")
    if given == ["row"]:
        if cell["row"] is not True:
            raise _Wrong(f"{place}: row is true, or left out")
        return []
    sources = cell[given[0]] if given == ["columns"] else [cell[given[0]]]
    if not isinstance(sources, list) or not sources or not all(isinstance(s, str) and s for s in sources):
        raise _Wrong(f"{place}: {given[0]} must be text")
    return [] if given == ["constant"] else sources


def _expression(cell: dict[str, Any], sources: list[str], kind: Kind, place: str) -> str:
    """What cannot be understood stays as the source wrote it, so that the quarantine shows it."""
    if "row" in cell:
        return f"CAST({ROW} AS VARCHAR)"
    if not sources:
        return literal(cell["constant"])
    value = _joined(sources)
    pattern = cell.get("date")
    if pattern is not None:
        if kind is not Kind.DATE or not isinstance(pattern, str) or not _DATE_PATTERN.fullmatch(pattern):
            raise _Wrong(f"{place}: date is the pattern of a column that holds a date, such as %d/%m/%Y")
        value = f"coalesce(CAST(CAST(try_strptime({value}, {literal(pattern)}) AS DATE) AS VARCHAR), {value})"
    words = cell.get("values")
    if words is None:
        return value
    if not isinstance(words, dict) or not words or not all(isinstance(ours, str) for ours in words.values()):
        raise _Wrong(f"{place}: values goes from the source's words to ours")
    cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in words.items())
    return f"CASE {value} {cases} ELSE {value} END"


def _joined(sources: list[str]) -> str:
    """The SQL for an id of several parts, written so that no two that differ become one."""
    if len(sources) == 1:
        return quoted(sources[0])
    parts = (f"replace(replace({quoted(each)}, '%', '%25'), '{_JOINED_BY}', '%2F')" for each in sources)
    return f" || '{_JOINED_BY}' || ".join(parts)


def _rows(table: dict[str, Any], key: str, where: str) -> tuple[list[str], list[str]]:
    """The conditions that `only` or `except` states, and the source's columns that it asks for."""
    said = table.get(key, {})
    if not isinstance(said, dict):
        raise _Wrong(f"{where}: {key} names columns, each with its list of values")
    conditions = []
    for column, values in said.items():
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            raise _Wrong(f"{where}: {key}.{column} must be a list of texts")
        # An empty cell is read as NULL, and is asked for as "".
        cell = f"coalesce({quoted(column)}, '')" if "" in values else quoted(column)
        conditions.append(f"{cell} IN ({', '.join(literal(value) for value in values)})")
    return conditions, list(said)


def _text(said: dict[str, Any], key: str, where: str) -> str:
    value = said.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{where}: {key} must be text")
    return value


def _refuse_other_keys(said: dict[str, Any], known: set[str], where: str) -> None:
    other = sorted(set(said) - known)
    if other:
        raise _Wrong(f"{where}: {other[0]!r} is no setting; the settings are {', '.join(sorted(known))}")
