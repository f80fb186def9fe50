"""The Data Package descriptor: the schema, beside the data, in a form that a bank's tools read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.exports.layout import ExportName
from data.exports.manifest import SealedFile
from data.exports.schema import Field
from data.exports.verify import Kind, Table

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TABLE_SCHEMA_TYPES: dict[Kind, str] = {
    Kind.TEXT: "string",
    Kind.WHOLE: "integer",
    Kind.FEN: "integer",
    Kind.PROBABILITY: "number",
    Kind.DATE: "date",
    Kind.MOMENT: "datetime",
    Kind.FLAG: "boolean",
}

CSV: dict[str, Any] = {
    "format": "csv",
    "mediatype": "text/csv",
    "encoding": "utf-8",
    "dialect": {
        "delimiter": ",",
        "lineTerminator": "\n",
        "quoteChar": '"',
        "doubleQuote": True,
        "header": True,
    },
}
PARQUET: dict[str, Any] = {"format": "parquet", "mediatype": "application/vnd.apache.parquet"}


def describe(
    name: ExportName,
    *,
    version: str,
    generated_at: str,
    tables: Mapping[Table, Sequence[Field]],
    files: Mapping[str, SealedFile],
) -> dict[str, Any]:
    """The descriptor of an export of these tables, whose `files` are by name; valid under Data Package 1 and 2."""
    return {
        "$schema": PROFILE,
        # Version 1 allows lower case only.
        "name": str(name).lower(),
        "id": str(name),
        "title": f"Supplier credit scores, {name.type.lower()} file as of {name.as_of.isoformat()}",
        "version": version,
        "created": generated_at,
        "resources": [
            {**said, **_resource(files[file]), "schema": _schema(table, fields, table.read_as(name.type))}
            for table, fields in tables.items()
            for file, said in (
                (table.csv, {"name": table.name, **CSV}),
                (table.parquet, {"name": f"{table.name}-parquet", **PARQUET}),
            )
        ],
    }


def _schema(table: Table, fields: Sequence[Field], of: str) -> dict[str, Any]:
    return {
        "fields": [_described(each, table, of) for each in fields],
        "primaryKey": [table.key],
        "missingValues": [""],
    }


def _resource(file: SealedFile) -> dict[str, Any]:
    return {"path": file.name, "type": "table", "bytes": file.bytes, "hash": f"sha256:{file.sha256}"}


def _described(field: Field, table: Table, of: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "type": TABLE_SCHEMA_TYPES[field.kind],
        "description": field.meaning,
        "constraints": _constraints(field, table, of),
        # Beyond what Data Package can say: which rows fill the cell, and how it is written.
        "kind": field.kind.value,
        "rules": _rules(field),
    }
    if field.kind is Kind.FLAG:
        described |= {"trueValues": ["true"], "falseValues": ["false"]}
    return described


def _rules(field: Field) -> dict[str, Any]:
    rules: dict[str, Any] = {
        "required": field.required,
        "in_deletion": field.in_deletion,
        "in_delta": field.in_delta,
        "only_when": field.only_when,
        "not_for": list(field.not_for),
    }
    return {name: value for name, value in rules.items() if value}


def _constraints(field: Field, table: Table, of: str) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": field.in_every_row(of)}
    if field.name == table.key:
        constraints["unique"] = True
    if field.choices:
        constraints["enum"] = [True] if field.kind is Kind.FLAG else list(field.choices)
    if field.at_least is not None:
        constraints["minimum"] = field.at_least
    if field.kind is Kind.PROBABILITY:
        constraints |= {"minimum": 0, "maximum": 1}
    return constraints
