"""What the ledger says of itself: a record for each batch, and one for each compaction of batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from credit.domain.errors import StoreDamaged
from data.durable import json_of


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source: the data it has, and whether it says a row again when it changes."""

    tier: str
    restates: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """One import: what was read, what became of it, and the files it added. Counts are by table.

    `quarantined` counts the rows that were refused for the first time; one that an earlier batch keeps is not counted
    again. `waiting` counts all rows of the same `kind` that wait for what they name; those of a table that is not in it
    are as an earlier batch left them. `sha256` has the hash of each table's file.
    """

    number: int
    format: str
    tier: str
    lag_days: int
    loaded_at: str
    sources: list[dict[str, Any]]
    read: dict[str, int]
    imported: dict[str, int]
    duplicates: dict[str, int]
    quarantined: dict[str, int]
    sha256: dict[str, str]
    corrections: dict[str, int] = field(default_factory=dict)
    first_day: dict[str, str] = field(default_factory=dict)
    last_day: dict[str, str] = field(default_factory=dict)
    restates: bool = False
    waiting: dict[str, int] = field(default_factory=dict)
    waiting_sha256: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> SourceKind:
        """What rows that wait have to have in common to be taken in together."""
        return SourceKind(self.tier, self.restates)


@dataclass(frozen=True, slots=True)
class Compaction:
    """All rows of the batches up to one, in one file a table, each with the number of the batch that brought it.

    `sha256` has the hash of each table's file, `personal` the tables whose files may be rewritten and have none.
    """

    upto: int
    sha256: dict[str, str]
    personal: list[str]

    @property
    def tables(self) -> set[str]:
        """The tables that have a file."""
        return {*self.sha256, *self.personal}


def fed_by(batches: Iterable[Batch], tier: str) -> frozenset[str]:
    """The tables that these batches have read for the data of a tier."""
    return frozenset(name for batch in batches if batch.tier == tier for name in batch.read)


def read_batch(record: Path) -> Batch:
    """The batch that a record says. Raises StoreDamaged."""
    what = f"{record.name} of the ledger's batches"
    try:
        return Batch(**json_of(record.read_text(), what))
    except TypeError as other:
        raise StoreDamaged(f"{what} is not a batch as this version writes it") from other


def last_compaction(folder: Path) -> Compaction | None:
    """The last compaction that a record says, or None where there is none. Raises StoreDamaged."""
    records = sorted(folder.glob("*.json"))
    if not records:
        return None
    return Compaction(**json_of(records[-1].read_text(), f"{records[-1].name} of the ledger's compactions"))
