"""What changed between two states of a bank's file, and what a file becomes when that is taken in.

A state is the content that the bank holds, a typed row a supplier, by id. Every cell counts as content but `as_of`,
`scored_at` and `valid_until`, which move every night though nothing is new: of the rows that a delta does not name it
says once, for all, what these move on to (`moves_on`). A row that would have to move on to something else is named.
So a state and its delta give the next state to the last cell, and no row lapses in a bank's hands for want of news.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from data.exports.schema import CHANGED, CONSENT_REVOKED, CORRECTED, EXPIRED
from data.exports.verify import (
    AS_OF,
    CHANGE_REASON,
    CONSENT_ID,
    DELETION,
    MOMENTS,
    OP,
    SUPPLIER_ID,
    UPDATE,
)

if TYPE_CHECKING:
    import pyarrow as pa

# Answers which of the consents that it is given, by supplier_id, were revoked.
Revoked = Callable[[Mapping[str, str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class Delta:
    """The rows that changed, with `op` and `change_reason`, and what the moments of all others move on to."""

    rows: pa.Table
    moves_on: dict[str, str] | None


def difference(before: pa.Table, after: pa.Table, *, as_of: date, revoked: Revoked, corrects: bool = False) -> Delta:
    """What makes `after` of `before`; both are states with the same columns, and `as_of` is the day of `after`.

    `corrects` says that what changed had been wrong. A firm that is gone without having revoked has expired: its
    consent ended by itself, or nothing is known of it any more.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(after[SUPPLIER_ID], value_set=before[SUPPLIER_ID].combine_chunks())
    was = before.take(place)
    changed = pc.is_null(place)
    for name in after.column_names:
        if name not in (SUPPLIER_ID, *MOMENTS):
            changed = pc.or_(changed, _differs(after[name], was[name]))
    moves_on = _most_common_moments(after.filter(pc.invert(changed)))
    for name, value in moves_on.items():
        changed = pc.or_(changed, _differs(after[name], value))
    updates = _labelled(after.filter(changed), UPDATE, CORRECTED if corrects else CHANGED)
    gone = before.filter(pc.invert(pc.is_in(before[SUPPLIER_ID], value_set=after[SUPPLIER_ID].combine_chunks())))
    rows = pa.concat_tables([updates, _deletions(gone, as_of, revoked)]).sort_by(SUPPLIER_ID).combine_chunks()
    return Delta(rows, {name: _text(value.as_py()) for name, value in moves_on.items()} or None)


def applied(state: pa.Table, rows: pa.Table, moves_on: Mapping[str, str] | None) -> pa.Table:
    """The state that a bank holds once it took a delta in."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = rows[SUPPLIER_ID].combine_chunks()
    others = state.filter(pc.invert(pc.is_in(state[SUPPLIER_ID], value_set=named)))
    for name, text in (moves_on or {}).items():
        field = others.schema.field(name)
        moved = pa.repeat(pa.scalar(_moment(text), field.type), others.num_rows)
        others = others.set_column(others.schema.get_field_index(name), field, moved)
    updates = rows.filter(pc.equal(rows[OP], UPDATE)).select(state.column_names).cast(state.schema)
    return pa.concat_tables([others, updates]).sort_by(SUPPLIER_ID).combine_chunks()


def _differs(one: Any, other: Any) -> Any:
    """Where two columns differ; two cells that are both empty do not."""
    import pyarrow.compute as pc

    return pc.fill_null(pc.not_equal(one, other), pc.xor(pc.is_null(one), pc.is_null(other)))


def _most_common_moments(rows: pa.Table) -> dict[str, Any]:
    moments = [name for name in rows.column_names if name in MOMENTS]
    if not rows.num_rows:
        return {}
    groups = rows.select(moments).group_by(moments).aggregate([([], "count_all")])
    order = [("count_all", "descending"), *((name, "descending") for name in moments)]
    commonest = groups.sort_by(order).slice(0, 1)
    return {name: commonest[name][0] for name in moments}


def _labelled(rows: pa.Table, op: str, reason: Any) -> pa.Table:
    """The rows with `op` and `change_reason` behind them; the reason is one for all, or one for each."""
    import pyarrow as pa

    reasons = pa.repeat(reason, rows.num_rows) if isinstance(reason, str) else reason
    return rows.append_column(OP, pa.repeat(op, rows.num_rows)).append_column(CHANGE_REASON, reasons)


def _deletions(gone: pa.Table, as_of: date, revoked: Revoked) -> pa.Table:
    """Rows that say of a supplier no more than that it goes, under which consent it was there, and why."""
    import pyarrow as pa

    consents = dict(zip(gone[SUPPLIER_ID].to_pylist(), gone[CONSENT_ID].to_pylist(), strict=True))
    taken_back = set(revoked(consents)) if consents else set()
    columns = [
        gone[each.name]
        if each.name in (SUPPLIER_ID, CONSENT_ID)
        else pa.repeat(pa.scalar(as_of, each.type), gone.num_rows)
        if each.name == AS_OF
        else pa.nulls(gone.num_rows, each.type)
        for each in gone.schema
    ]
    reasons = pa.array([CONSENT_REVOKED if each in taken_back else EXPIRED for each in consents.values()], pa.string())
    return _labelled(pa.Table.from_arrays(columns, schema=gone.schema), DELETION, reasons)


def _text(value: date | datetime) -> str:
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat()}Z"
    return value.isoformat()


def _moment(text: str) -> date | datetime:
    return datetime.fromisoformat(text) if text.endswith("Z") else date.fromisoformat(text)
