"""What lies in the folder of an export, what it is called, and which exports a bank already has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data.durable import sha256_of

SCORES_CSV = "scores.csv"
SCORES_PARQUET = "scores.parquet"
DATAPACKAGE = "datapackage.json"
MANIFEST = "manifest.json"
OK_SUFFIX = ".ok"

# The files that the manifest vouches for; the commit marker vouches for the manifest.
SEALED_FILES = (SCORES_CSV, SCORES_PARQUET, DATAPACKAGE)
EXPORT_TYPES = ("FULL",)
EXPORT_NAME = re.compile(
    rf"(?P<bank_id>[a-z0-9-]+)_(?P<sequence>[0-9]{{6,}})_(?P<type>{'|'.join(EXPORT_TYPES)})_"
    r"(?P<as_of>[0-9]{4}-[0-9]{2}-[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class ExportName:
    """The name of an export: whose it is, its number, its type and its day.

    >>> str(ExportName("demo-bank", 1, "FULL", date(2026, 10, 31)))
    'demo-bank_000001_FULL_2026-10-31'
    """

    bank_id: str
    sequence: int
    type: str
    as_of: date

    def __str__(self) -> str:
        return f"{self.bank_id}_{self.sequence:06d}_{self.type}_{self.as_of.isoformat()}"

    @property
    def ok_file(self) -> str:
        """The name of its commit marker."""
        return f"{self}{OK_SUFFIX}"

    @classmethod
    def parse(cls, text: str) -> ExportName:
        """Read a name; raises ValueError unless writing it again gives the same text.

        >>> ExportName.parse("demo-bank_000012_FULL_2026-10-31").sequence
        12
        """
        found = EXPORT_NAME.fullmatch(text)
        if not found:
            raise ValueError("not the name of an export")
        name = cls(found["bank_id"], int(found["sequence"]), found["type"], date.fromisoformat(found["as_of"]))
        if str(name) != text:
            raise ValueError("not the name of an export")
        return name


@dataclass(frozen=True, slots=True)
class SealedFile:
    """What the manifest says about a file. `rows` is None for a file that has none."""

    name: str
    rows: int | None
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, rows: int | None) -> SealedFile:
        """Measure a finished file."""
        return cls(path.name, rows, path.stat().st_size, sha256_of(path))


def committed_exports(root: Path) -> tuple[ExportName, ...]:
    """The exports under a bank's folder, by sequence; one without its commit marker does not count."""
    if not root.is_dir():
        return ()
    names = (_name_of(folder) for folder in root.iterdir() if folder.is_dir())
    return tuple(
        sorted(
            (name for name in names if name and (root / str(name) / name.ok_file).is_file()),
            key=lambda name: name.sequence,
        )
    )


def next_sequence(root: Path) -> int:
    """The number of a bank's next export: one more than its last, 1 for the first (DOMAIN 6.1)."""
    return max((name.sequence for name in committed_exports(root)), default=0) + 1


def _name_of(folder: Path) -> ExportName | None:
    try:
        return ExportName.parse(folder.name)
    except ValueError:
        return None


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """JSON with one way to be written: sorted keys, two spaces, UTF-8 as it is, LF at the end.

    >>> canonical_json({"b": 1, "a": "演示"}).decode().splitlines()
    ['{', '  "a": "演示",', '  "b": 1', '}']
    """
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()
