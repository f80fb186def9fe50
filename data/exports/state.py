"""What a bank holds, derived from what was sent to it and from nothing else.

What lies in the folder that a bank reads may be encrypted, and only the bank can read that. So the Parquet file of
every export is kept beside, where no bank looks; the signed manifest has its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.domain.errors import StoreDamaged
from data.durable import sha256_of
from data.exports.banks import Bank
from data.exports.deltas import applied
from data.exports.layout import ExportName, committed_exports, manifest_of
from data.exports.schema import NOT_CONTENT, Field
from data.exports.verify import DELTA, FULL, SCORES, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Folders:
    """A bank's two folders: what it is `sent`, and what is `kept` of that where it does not look."""

    sent: Path
    kept: Path


def content_of(fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields of what a bank holds: all but those that say how the file is read."""
    return tuple(each for each in fields if each.name not in NOT_CONTENT)


def last_full(folders: Folders) -> ExportName | None:
    """The full file that the bank's state stands on."""
    return next((name for name in reversed(committed_exports(folders.sent)) if name.type == FULL), None)


def held_by(bank: Bank, folders: Folders, base: ExportName) -> pa.Table:
    """What the bank holds once it took in the full file `base` and every delta after it, in order.

    Raises StoreDamaged where what was kept is not what was sent.
    """
    state = _kept(folders, base).select([each.name for each in content_of(bank.fields)])
    state = state.cast(arrow_schema(content_of(bank.fields), DELTA))
    for name in committed_exports(folders.sent):
        if name.sequence > base.sequence:
            state = applied(state, _kept(folders, name), manifest_of(folders.sent, name)["moves_on"])
    return state


def full_is_due(bank: Bank, folders: Folders, as_of: date) -> bool:
    """Whether the next file has to be a full one: none was written yet or it is old, or something else is agreed."""
    import pyarrow.parquet as pq

    base = last_full(folders)
    if bank.full_every_days is None or base is None or (as_of - base.as_of).days >= bank.full_every_days:
        return True
    if manifest_of(folders.sent, base)["schema_version"] != bank.schema:
        return True
    kept = folders.kept / str(base) / SCORES.parquet
    return not kept.is_file() or pq.read_schema(kept).names != [each.name for each in bank.fields]


def _kept(folders: Folders, name: ExportName) -> Any:
    import pyarrow.parquet as pq

    path = folders.kept / str(name) / SCORES.parquet
    said = next(file for file in manifest_of(folders.sent, name)["files"] if file["name"] == SCORES.parquet)
    if not path.is_file() or sha256_of(path) != said["sha256"]:
        raise StoreDamaged(
            f"{name}: what was kept of it is gone, or not what was sent",
            hint="restore it from a backup, or send a full file: `credit export build --type FULL`",
        )
    return pq.read_table(path)
