"""From vectors to ledger tables: columns in the schema's order and types, and when each row became known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data import schema
from data.simulator.arrays import NEVER, Flags, Floats, Ints
from data.simulator.ids import Ids
from data.simulator.settings import Settings

_MICROSECONDS_AN_HOUR = 3_600_000_000
_MICROSECONDS_A_DAY = 24 * _MICROSECONDS_AN_HOUR
# The last day ends at midnight in China, 16:00 UTC.
_CHINA_IS_AHEAD = 8 * _MICROSECONDS_AN_HOUR
_MICROSECONDS_A_SECOND = 1_000_000
_ARROW_TYPES = {
    schema.Kind.TEXT: pa.string(),
    schema.Kind.DATE: pa.date32(),
    schema.Kind.MOMENT: pa.timestamp("us"),
    schema.Kind.FEN: pa.int64(),
    schema.Kind.WHOLE: pa.int32(),
    schema.Kind.FLAG: pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one table as they happened: a value or a vector by column, days as numbers."""

    table: schema.Table
    columns: Mapping[str, Any]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.columns[self.table.on])

    def taken(self, rows: Flags | Ints) -> Sheet:
        """Only those rows."""
        return Sheet(self.table, {name: _taken(values, rows) for name, values in self.columns.items()})


def sheet(name: str, /, **columns: Any) -> Sheet:
    """Rows of that table; a column may be one value for all rows."""
    return Sheet(schema.table(name), columns)


def stacked(sheets: Sequence[Sheet]) -> Sheet:
    """Rows of the same table, one set after the other."""
    names = sheets[0].columns.keys()
    return Sheet(
        sheets[0].table,
        {name: pa.concat_arrays([_as_arrow(each, name) for each in sheets]) for name in names},
    )


def labels(names: Sequence[str], positions: Ints) -> pa.Array:
    """The name that each position stands for."""
    return pa.array(names).take(pa.array(positions))


def to_table(rows: Sheet, settings: Settings, key_prefix: str = "") -> pa.Table:
    """The Arrow table the platform would export at the end, without what it did not know by then.

    Events without an id of their own are numbered as they happened, after `key_prefix`.
    """
    recorded = _recorded_at(rows, settings)
    columns = {column.name: _as_arrow(rows, column.name) for column in rows.table.columns}
    if key_prefix:
        # Invoices have no key of their own, and the platform's id of each row.
        columns[rows.table.key or schema.RECORD_ID.name] = _key(rows, key_prefix, settings)
    known = recorded < (settings.last_day + 1) * _MICROSECONDS_A_DAY - _CHINA_IS_AHEAD
    moment = pa.array(recorded).cast(pa.timestamp("us"))
    return pa.table({**columns, schema.RECORDED.name: moment}).filter(pa.array(known))


def _recorded_at(rows: Sheet, settings: Settings) -> Ints:
    """When each row was recorded: after its day began, within the table's longest lag, to the second."""
    mean, most = settings.recording.lag(rows.table.name)
    rng = settings.generator(f"recording {rows.table.name}")
    hours: Floats = np.minimum(1 + rng.exponential(mean, rows.size), most)
    seconds = np.rint(hours * 3600).astype(np.int64)
    days = _as_arrow(rows, rows.table.on).cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    return days * _MICROSECONDS_A_DAY + seconds * _MICROSECONDS_A_SECOND


def _key(rows: Sheet, prefix: str, settings: Settings) -> pa.Array:
    """Ids in the order in which things happened."""
    order = pc.sort_indices(_as_arrow(rows, rows.table.on)).to_numpy()
    number = np.empty(rows.size, dtype=np.int64)
    number[order] = np.arange(1, rows.size + 1)
    return Ids(settings.block).events(prefix, number)


def _as_arrow(rows: Sheet, name: str) -> pa.Array:
    """One column in the type that the schema gives it; a day that never came is empty."""
    column = next(each for each in rows.table.columns if each.name == name)
    values = rows.columns.get(name, "CNY" if name == schema.CURRENCY.name else None)
    kind = _ARROW_TYPES[column.kind]
    if isinstance(values, pa.Array):
        return values.cast(kind)
    if not isinstance(values, np.ndarray):
        return pa.repeat(pa.scalar(values, kind), rows.size)
    if column.kind is schema.Kind.DATE:
        return pa.array(values.astype(np.int32), mask=values == NEVER).cast(kind)
    return pa.array(values).cast(kind)


def _taken(values: Any, rows: Flags | Ints) -> Any:
    if isinstance(values, np.ndarray):
        return values[rows]
    if isinstance(values, pa.Array):
        return values.filter(pa.array(rows)) if rows.dtype == bool else values.take(pa.array(rows))
    return values
