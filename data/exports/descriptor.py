"""The Data Package descriptor: the schema, beside the data, in a form that a bank's tools read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.exports.layout import SCORES_CSV, SCORES_PARQUET, ExportName, SealedFile
from data.exports.schema import SCHEMA_VERSION, SUPPLIER_ID, Field, Kind

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
    name: ExportName, *, generated_at: str, fields: Sequence[Field], files: Sequence[SealedFile]
) -> dict[str, Any]:
    """The descriptor of an export whose CSV and Parquet are `files`; valid under Data Package 1 and 2."""
    schema = {
        "fields": [_described(each) for each in fields],
        "primaryKey": [SUPPLIER_ID.name],
        "missingValues": [""],
    }
    return {
        "$schema": PROFILE,
        # Version 1 allows lower case only.
        "name": str(name).lower(),
        "id": str(name),
        "title": f"Supplier credit scores, {name.type.lower()} file as of {name.as_of.isoformat()}",
        "version": SCHEMA_VERSION,
        "created": generated_at,
        "resources": [{**_resource(each), "schema": schema} for each in files],
    }


def field_names(descriptor: object) -> tuple[str, ...]:
    """The names of the fields that a descriptor says the CSV has. Raises ValueError where it says none."""
    try:
        resources = descriptor["resources"]  # type: ignore[index]
        fields = next(r["schema"]["fields"] for r in resources if r["path"] == SCORES_CSV)
        return tuple(each["name"] for each in fields)
    except (KeyError, TypeError, StopIteration):
        raise ValueError(f"describes no fields of {SCORES_CSV}") from None


def _resource(file: SealedFile) -> dict[str, Any]:
    return {
        **FORMATS[file.name],
        "path": file.name,
        "type": "table",
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }


def _described(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "type": TABLE_SCHEMA_TYPES[field.kind],
        "description": field.meaning,
        "constraints": _constraints(field),
    }
    if field.kind is Kind.FLAG:
        described |= {"trueValues": ["true"], "falseValues": ["false"]}
    return described


def _constraints(field: Field) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": field.required}
    if field is SUPPLIER_ID:
        constraints["unique"] = True
    if field.choices:
        constraints["enum"] = [True] if field.kind is Kind.FLAG else list(field.choices)
    if field.at_least is not None:
        constraints["minimum"] = field.at_least
    if field.kind is Kind.PROBABILITY:
        constraints |= {"minimum": 0, "maximum": 1}
    return constraints
