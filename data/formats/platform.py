"""`platform`: our own canonical files, one CSV or Parquet file a table, named and shaped as data/schema.py says."""

from __future__ import annotations

from data.formats.format import Format, Mapping
from data.schema import SOURCE_COLUMNS, TABLES, Table
from data.staging import quoted


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
        "`credit ledger formats platform`. Optional columns may be left out. Amounts are whole fen. `recorded_at` is "
        "when the platform recorded the row (UTC); without it a row counts as known one day after it happened. A "
        "correction is a new row with an id of its own in `record_id` that names the row it corrects in `replaces`."
    ),
    sample=(
        "# listings.csv\n"
        "listing_event_id,supplier_id,list,happened_on,kind,recorded_at\n"
        "L1,S0000001,TAX,2025-03-01,LISTED,2025-03-02T08:00:00\n"
    ),
)
