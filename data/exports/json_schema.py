"""The records as a JSON Schema: for a bank that reads rows as objects, of Parquet or of its own reading of the CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.exports.schema import RECORDS, SCHEMA_VERSION, Field
from data.exports.verify import DELETION, OP, PURPOSE, STATUS, UPDATE, Kind, Table

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string", "minLength": 1},
    Kind.WHOLE: {"type": "integer"},
    Kind.FEN: {"type": "integer"},
    Kind.PROBABILITY: {"type": "number", "minimum": 0, "maximum": 1},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.FLAG: {"type": "boolean"},
}


def json_schema() -> dict[str, Any]:
    """A schema of one row of any table, in which an empty cell is a property that is not there.

    A bank receives the fields that it agreed to: what is required here is so where the agreement has the field.
    """
    return {
        "$schema": DIALECT,
        "title": f"A row of a bank file, schema version {SCHEMA_VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{table.name}"} for table in RECORDS],
        "$defs": {table.name: _row(table, record) for table, record in RECORDS.items()},
    }


def _row(table: Table, record: Sequence[Field]) -> dict[str, Any]:
    always = [each.name for each in record if each.for_every_bank and each.required]
    deletion = [each.name for each in record if each.in_deletion]
    rules = _conditions(record)
    if deletion:
        left_out = {each.name: False for each in record if not each.in_deletion}
        rules = [_if(OP, [DELETION], {"properties": left_out}), _if(OP, [UPDATE], {"required": always}), *rules]
    return {
        "title": f"A row of {table.csv}",
        "type": "object",
        "properties": {each.name: _property(each) for each in record},
        "additionalProperties": False,
        "required": [name for name in always if name in deletion] if deletion else always,
        "allOf": rules,
    }


def _property(field: Field) -> dict[str, Any]:
    described = {**TYPES[field.kind], "description": field.meaning}
    if field.choices:
        described["enum"] = [True] if field.kind is Kind.FLAG else list(field.choices)
    if field.at_least is not None:
        described["minimum"] = field.at_least
    return described


def _conditions(record: Sequence[Field]) -> list[dict[str, Any]]:
    """Which fields are empty under a status, and for a purpose."""
    found: dict[tuple[str, str], list[str]] = {}
    statuses = {each.only_when for each in record if each.only_when}
    for each in record:
        for other in sorted(statuses - {each.only_when}) if each.only_when else ():
            found.setdefault((STATUS, other), []).append(each.name)
        for purpose in each.not_for:
            found.setdefault((PURPOSE, purpose), []).append(each.name)
    return [
        _if(name, [value], {"properties": dict.fromkeys(empty, False)})
        for (name, value), empty in sorted(found.items())
    ]


def _if(name: str, values: list[str], then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {name: {"enum": values}}, "required": [name]}, "then": then}
