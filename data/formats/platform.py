"""`platform`: our own canonical files, one CSV or Parquet file a table, named and shaped as data/schema.py says."""

from __future__ import annotations

from typing import Any

from data.formats.format import Format, Mapping
from data.schema import (
    CURRENCY_CODE,
    FIRST_YEAR,
    LARGEST_FEN,
    LAST_YEAR,
    SOURCE_COLUMNS,
    TABLES,
    Column,
    Kind,
    Table,
)
from data.staging import quoted

SCHEMA_VERSION = "1.0.0"
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_TYPES = {
    Kind.TEXT: "string",
    Kind.DATE: "date",
    Kind.MOMENT: "datetime",
    Kind.FEN: "integer",
    Kind.WHOLE: "integer",
    Kind.FLAG: "boolean",
}


def _mapping(table: Table) -> Mapping:
    required = tuple(c.name for c in table.columns if c.required)
    optional = tuple(c.name for c in (*table.columns, *SOURCE_COLUMNS) if not c.required)
    return Mapping(
        table=table,
        files=rf"{table.name}\.(csv|parquet)",
        columns={name: quoted(name) for name in (*required, *optional)},
        needs=required,
        optional=optional,
    )


PLATFORM = Format(
    name="platform",
    meaning="Canonical files of a procurement platform: one CSV or Parquet file a table.",
    tier="platform",
    mappings=tuple(_mapping(table) for table in TABLES),
    lag_days=1,
    page=(
        "One file a table, named after it (`contracts.parquet`, `payments.csv`), with the columns listed under "
        "`credit ledger formats platform` and, as a Data Package descriptor, in `docs/platform-schema.json`. Optional"
        " columns may be left out. Amounts are whole fen. `recorded_at` is when the platform recorded the row (UTC); "
        "without it a row counts as known one day after it happened. A correction is a new row with an id of its own "
        "in `record_id` that names the row it corrects in `replaces`. Files may come in any order: a row whose "
        "supplier, or the row that it corrects, is not there yet waits for it; of a row said again the earliest "
        "`recorded_at` counts. Of rows that contradict each other the first to come stands."
    ),
    sample=(
        "# listings.csv\n"
        "listing_event_id,supplier_id,list,happened_on,kind,recorded_at\n"
        "L1,S0000001,TAX,2025-03-01,LISTED,2025-03-02T08:00:00\n"
    ),
)


def schema() -> dict[str, Any]:
    """The published schema: a Data Package descriptor with a resource for each table, for a platform's engineers."""
    return {
        "$schema": _PROFILE,
        "name": "supplier-credit-platform",
        "title": "What a procurement platform sends: one CSV or Parquet file a table",
        "version": SCHEMA_VERSION,
        "resources": [_resource(table) for table in TABLES],
    }


def _resource(table: Table) -> dict[str, Any]:
    key = {"primaryKey": list(table.unique)} if table.unique else {}
    fields = [described(column) for column in (*table.columns, *SOURCE_COLUMNS)]
    return {
        "name": table.name.replace("_", "-"),
        "path": f"{table.name}.csv",
        "type": "table",
        "format": "csv",
        "encoding": "utf-8",
        "description": table.meaning,
        "schema": {"fields": fields, "missingValues": [""], **key},
    }


def described(column: Column) -> dict[str, Any]:
    """A column as a field of a Data Package."""
    constraints: dict[str, Any] = {"required": column.required}
    if column.choices:
        constraints["enum"] = list(column.choices)
    if column.is_currency:
        constraints["pattern"] = CURRENCY_CODE
    if column.kind is Kind.FEN:
        constraints |= {"minimum": -LARGEST_FEN, "maximum": LARGEST_FEN}
    if column.at_least is not None:
        constraints["minimum"] = column.at_least
    if column.kind is Kind.DATE:
        constraints |= {"minimum": f"{FIRST_YEAR}-01-01", "maximum": f"{LAST_YEAR}-12-31"}
    return {
        "name": column.name,
        "type": _TYPES[column.kind],
        "description": column.meaning,
        "constraints": constraints,
    }
