"""What an export is called, and which exports a bank already has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from credit.domain.errors import StoreDamaged
from data.exports.verify import EXPORT_NAME, MANIFEST, OK_SUFFIX, parse_canonical


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


def manifest_of(root: Path, name: ExportName) -> dict[str, Any]:
    """What the manifest of a committed export says. Raises StoreDamaged where it cannot be read any more."""
    try:
        return parse_canonical((root / str(name) / MANIFEST).read_bytes())
    except (OSError, ValueError) as broken:
        raise StoreDamaged(f"{name}/{MANIFEST} is damaged: it is gone, or not what was written") from broken


def _name_of(folder: Path) -> ExportName | None:
    try:
        return ExportName.parse(folder.name)
    except ValueError:
        return None
