"""From a frame of decided suppliers to typed columns, and from those to the text of the CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from data.exports.cells import PD_DIGITS
from data.exports.schema import Field, Kind

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Bounds the text held at once: a million suppliers in one piece would take gigabytes.
CHUNK_ROWS = 50_000


def arrow_type(kind: Kind) -> pa.DataType:
    """The type of a column in Parquet: fen in 64-bit integers, dates without a time, moments in UTC."""
    import pyarrow as pa

    types = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.FEN: pa.int64(),
        Kind.PROBABILITY: pa.float64(),
        Kind.DATE: pa.date32(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
        Kind.FLAG: pa.bool_(),
    }
    return types[kind]


def arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    """The schema of the Parquet file."""
    import pyarrow as pa

    return pa.schema([pa.field(each.name, arrow_type(each.kind), nullable=not each.required) for each in fields])


def typed_table(records: pd.DataFrame, fields: Sequence[Field]) -> pa.Table:
    """The records as typed columns, in the fields' order. Raises ValueError for a column of another type."""
    import pyarrow as pa

    columns = [_typed(records[each.name], each) for each in fields]
    return pa.Table.from_arrays(columns, schema=arrow_schema(fields))


def rows_as_text(table: pa.Table, fields: Sequence[Field]) -> Iterator[tuple[str, ...]]:
    """The rows as the CSV writes them, before its quoting; empty where a value is missing."""
    for start in range(0, table.num_rows, CHUNK_ROWS):
        chunk = table.slice(start, CHUNK_ROWS)
        columns = [_as_text(chunk[each.name], each.kind) for each in fields]
        yield from zip(*columns, strict=True)


def _typed(column: pd.Series[Any], field: Field) -> pa.Array:
    import pyarrow as pa

    try:
        return TYPED[field.kind](column).cast(arrow_type(field.kind))
    except (pa.ArrowException, ValueError, TypeError) as wrong:
        raise ValueError(f"column {field.name!r} of the records is not a {field.kind}") from wrong


def _texts(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    # CSV knows one kind of nothing, so Parquet must not tell an empty text from a missing one.
    values = column.astype(object)
    return pa.array(values.where(values.notna() & (values != ""), None), type=pa.string())


def _wholes(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array(column, from_pandas=True).cast(pa.int64(), safe=True)


def _amounts(column: pd.Series[Any]) -> pa.Array:
    import pandas as pd

    if pd.api.types.is_float_dtype(column.dtype) and column.notna().any():
        raise ValueError("a float never holds money")
    return _wholes(column)


def _probabilities(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    # Both files say the same number: Parquet holds what the CSV's six digits read as.
    exact = pa.array(column, from_pandas=True).cast(pa.float64()).to_pylist()
    rounded = [None if each is None else float(probability_text(each)) for each in exact]
    return pa.array(rounded, type=pa.float64())


def _dates(column: pd.Series[Any]) -> pa.Array:
    import pandas as pd
    import pyarrow as pa

    moments = _moments_of(column)
    if not (moments.isna() | (moments == moments.dt.normalize())).all():
        raise ValueError("a date has no time of day")
    return pa.array([None if pd.isna(m) else m.date() for m in moments], type=pa.date32())


def _moments(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    whole_seconds = _moments_of(column).dt.floor("s").dt.tz_convert(None)
    return pa.array(whole_seconds, from_pandas=True).cast(pa.timestamp("us", tz="UTC"))


def _moments_of(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    # pandas would read a number as nanoseconds since 1970.
    if pd.api.types.is_numeric_dtype(column.dtype) and column.notna().any():
        raise ValueError("a number is not a date")
    return pd.to_datetime(column, utc=True)


def _flags(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array(column, from_pandas=True, type=pa.bool_())


TYPED: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _texts,
    Kind.WHOLE: _wholes,
    Kind.FEN: _amounts,
    Kind.PROBABILITY: _probabilities,
    Kind.DATE: _dates,
    Kind.MOMENT: _moments,
    Kind.FLAG: _flags,
}


def probability_text(probability: float) -> str:
    """A probability with its fixed number of digits.

    >>> probability_text(0.0141)
    '0.014100'
    """
    return f"{probability:.{PD_DIGITS}f}"


def _as_text(column: pa.ChunkedArray, kind: Kind) -> list[str]:
    import pyarrow as pa

    if kind is Kind.PROBABILITY:
        return ["" if each is None else probability_text(each) for each in column.to_pylist()]
    if kind is Kind.MOMENT:
        # Without its zone, which is UTC, no time-zone database is needed to write it.
        naive = column.cast(pa.timestamp("s")).cast(pa.string()).to_pylist()
        return ["" if moment is None else f"{moment.replace(' ', 'T')}Z" for moment in naive]
    return ["" if text is None else text for text in column.cast(pa.string()).to_pylist()]
