"""From a frame of decided suppliers to typed columns, and from those to the text of the CSV, column by column."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data.exports.schema import Field
from data.exports.verify import DELTA, PD_DIGITS, UNIT_SEPARATOR, Kind, arrow_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# The text of one column of a file, with nothing missing: an empty text is what the CSV says of what is not there.
Texts = Mapping[str, "pa.Array"]


def typed_table(records: pd.DataFrame, fields: Sequence[Field]) -> pa.Table:
    """The records as typed columns, in the fields' order. Raises ValueError for a column of another type."""
    import pyarrow as pa

    columns = [_typed(records[each.name], each) for each in fields]
    # A delta's schema is the wider one: it lets a row that takes a supplier out leave cells empty.
    return pa.Table.from_arrays(columns, schema=arrow_schema(fields, DELTA))


def texts_of(table: pa.Table, fields: Sequence[Field]) -> dict[str, pa.Array]:
    """Each column as the CSV writes it, before its quoting."""
    return {each.name: _as_text(table[each.name], each.kind) for each in fields}


def row_hashes(texts: Texts) -> pa.Array:
    """The hash of each row (`verify.row_hash`), all at once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    joined = pc.binary_join_element_wise(*texts.values(), UNIT_SEPARATOR)
    return pa.array([hashlib.sha256(row.encode()).hexdigest() for row in joined.to_pylist()], pa.string())


def csv_lines(texts: Texts, fields: Sequence[Field]) -> bytes:
    """The lines of the CSV (RFC 4180, LF), as the standard library's writer would write them."""
    import pyarrow.compute as pc

    cells = [_quoted(texts[each.name]) if each.kind is Kind.TEXT else texts[each.name] for each in fields]
    lines = pc.binary_join_element_wise(*cells, ",")
    return "\n".join([*lines.to_pylist(), ""]).encode()


def _quoted(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    # All texts of a column lie in one piece of memory, and few columns have a comma.
    letters = memoryview(texts.buffers()[2] or b"").tobytes()
    if b"," not in letters and b'"' not in letters:
        return texts
    needs = pc.match_substring_regex(texts, '[",]')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), texts)


def _typed(column: pd.Series[Any], field: Field) -> pa.Array:
    import pyarrow as pa

    try:
        return _one_piece(TYPED[field.kind](column)).cast(arrow_schema([field], DELTA).field(0).type)
    except (pa.ArrowException, ValueError, TypeError) as wrong:
        raise ValueError(f"column {field.name!r} of the records is not a {field.kind}") from wrong


def _one_piece(column: Any) -> pa.Array:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _texts(column: pd.Series[Any]) -> pa.Array:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    # Read as objects, a number does not pass as a text; a column of texts has none.
    read = column if isinstance(column.dtype, pd.StringDtype) else column.astype(object)
    values = _one_piece(pa.array(read, type=pa.string(), from_pandas=True))
    # CSV knows one kind of nothing, so Parquet must not tell an empty text from a missing one.
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _wholes(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    return _one_piece(pa.array(column, from_pandas=True)).cast(pa.int64(), safe=True)


def _amounts(column: pd.Series[Any]) -> pa.Array:
    import pandas as pd

    if pd.api.types.is_float_dtype(column.dtype) and column.notna().any():
        raise ValueError("a float never holds money")
    return _wholes(column)


def _probabilities(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    # Both files say the same number: Parquet holds what the CSV's six digits read as.
    exact = _one_piece(pa.array(column, from_pandas=True)).cast(pa.float64()).to_pylist()
    rounded = [None if each is None else float(probability_text(each)) for each in exact]
    return pa.array(rounded, type=pa.float64())


def _dates(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    moments = _moments_of(column)
    if not (moments.isna() | (moments == moments.dt.normalize())).all():
        raise ValueError("a date has no time of day")
    return _one_piece(pa.array(moments.dt.tz_convert(None), from_pandas=True)).cast(pa.date32())


def _moments(column: pd.Series[Any]) -> pa.Array:
    import pyarrow as pa

    whole_seconds = _moments_of(column).dt.floor("s").dt.tz_convert(None)
    return _one_piece(pa.array(whole_seconds, from_pandas=True)).cast(pa.timestamp("us", tz="UTC"))


def _moments_of(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    # pandas would read a number as nanoseconds since 1970.
    if pd.api.types.is_numeric_dtype(column.dtype) and column.notna().any():
        raise ValueError("a number is not a date")
    if column.dtype != object:
        return pd.to_datetime(column, utc=True)
    # A file has few different days, and reading each of a million objects takes seconds.
    codes, different = pd.factorize(column)
    read = pd.Series(pd.to_datetime(pd.Series(different, dtype=object), utc=True))
    return read.reindex(pd.Index(codes).where(codes >= 0)).reset_index(drop=True)


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


def _as_text(column: Any, kind: Kind) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _one_piece(column)
    if kind is Kind.PROBABILITY:
        return pa.array(["" if each is None else probability_text(each) for each in column.to_pylist()], pa.string())
    if kind is Kind.MOMENT:
        # Without its zone, which is UTC, no time-zone database is needed to write it.
        naive = column.cast(pa.timestamp("s")).cast(pa.string())
        column = pc.binary_join_element_wise(pc.replace_substring(naive, " ", "T"), "Z", "")
    return pc.fill_null(column.cast(pa.string()), "")
