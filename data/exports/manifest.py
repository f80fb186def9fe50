"""The manifest: what an export is, what it was made from, and the sums that check it (DOMAIN 6.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from data.exports.verify import canonical_json


@dataclass(frozen=True, slots=True)
class Seal:
    """A file by its name, its size and its SHA-256."""

    name: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> Seal:
        """Measure what goes into a file."""
        return cls(name, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class SealedFile:
    """What the manifest says about a file: as it reads, and as it lies in the folder where that is encrypted.

    `rows` is None for a file that has none.
    """

    name: str
    rows: int | None
    bytes: int
    sha256: str
    encrypted: Seal | None

    @classmethod
    def of(cls, name: str, content: bytes, *, rows: int | None, encrypted: Seal | None = None) -> SealedFile:
        """Measure a file."""
        seal = Seal.of(name, content)
        return cls(seal.name, rows, seal.bytes, seal.sha256, encrypted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says. Dates are ISO text; `models` and `policies` map name to version.

    `moves_on` is what a delta says of all rows that it does not name: their new `as_of`, `scored_at`, `valid_until`.
    """

    export_id: str
    schema_version: str
    bank_id: str
    as_of: str
    generated_at: str
    type: str
    sequence: int
    base_export_id: str | None
    supersedes: str | None
    moves_on: Mapping[str, str] | None
    run_id: str | None
    models: Mapping[str, str]
    policies: Mapping[str, str]
    ledger_version: str
    code_version: str
    files: tuple[SealedFile, ...]
    control_totals: Mapping[str, Any]
    signer_key_id: str

    def content(self) -> bytes:
        """The bytes of manifest.json."""
        return canonical_json(asdict(self))


def moment_text(moment: datetime) -> str:
    """A UTC moment as files say it, to the second.

    >>> from datetime import UTC
    >>> moment_text(datetime(2026, 11, 1, 2, 0, tzinfo=UTC))
    '2026-11-01T02:00:00Z'
    """
    return f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"
