"""The Data Package descriptor: the schema, beside the data, in a form that a bank's tools read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.exports.layout import ExportName
from data.exports.manifest import SealedFile
from data.exports.schema import SUPPLIER_ID, Field
from data.exports.verify import SCORES_CSV, SCORES_PARQUET, Kind

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

FORMATS: dict[str, dict[str, Any]] = {
    SCORES_CSV: {
        "name": "scores",
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
    },
    SCORES_PARQUET: {
        "name": "scores-parquet",
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
    },
}


def describe(
    name: ExportName, *, version: str, generated_at: str, fields: Sequence[Field], files: Sequence[SealedFile]
) -> dict[str, Any]:
    """The descriptor of an export whose CSV and Parquet are `files`; valid under Data Package 1 and 2."""
    schema = {
        "fields": [_described(each, name.type) for each in fields],
        "primaryKey": [SUPPLIER_ID.name],
        "missingValues": [""],
    }
    return {
        "$schema": PROFILE,
        # Version 1 allows lower case only.
        "name": str(name).lower(),
        "id": str(name),
        "title": f"Supplier credit scores, {name.type.lower()} file as of {name.as_of.isoformat()}",
        "version": version,
        "created": generated_at,
        "resources": [{**_resource(each), "schema": schema} for each in files],
    }


def _resource(file: SealedFile) -> dict[str, Any]:
    return {
        **FORMATS[file.name],
        "path": file.name,
        "type": "table",
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }


def _described(field: Field, of: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "type": TABLE_SCHEMA_TYPES[field.kind],
        "description": field.meaning,
        "constraints": _constraints(field, of),
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


def _constraints(field: Field, of: str) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": field.in_every_row(of)}
    if field is SUPPLIER_ID:
        constraints["unique"] = True
    if field.choices:
        constraints["enum"] = [True] if field.kind is Kind.FLAG else list(field.choices)
    if field.at_least is not None:
        constraints["minimum"] = field.at_least
    if field.kind is Kind.PROBABILITY:
        constraints |= {"minimum": 0, "maximum": 1}
    return constraints
