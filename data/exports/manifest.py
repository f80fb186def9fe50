"""The manifest: what an export is, what it was made from, and the sums that check it (DOMAIN 6.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from data.exports.layout import ExportName, SealedFile, canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says. Dates are ISO text; `models` and `policies` map name to version."""

    export_id: str
    schema_version: str
    bank_id: str
    as_of: str
    generated_at: str
    type: str
    sequence: int
    supersedes: str | None
    models: Mapping[str, str]
    policies: Mapping[str, str]
    ledger_version: str
    files: tuple[SealedFile, ...]
    control_totals: Mapping[str, Any]

    @property
    def name(self) -> ExportName:
        """The export's name as its parts give it, which has to be its `export_id`."""
        return ExportName(self.bank_id, self.sequence, self.type, date.fromisoformat(self.as_of))

    def file(self, name: str) -> SealedFile:
        """What it says about one of its files."""
        return next(each for each in self.files if each.name == name)

    def content(self) -> bytes:
        """The bytes of manifest.json."""
        return canonical_json(asdict(self))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Manifest:
        """Read a parsed manifest; raises ValueError with the first key that is missing, unknown or wrong."""
        for key in (*SHAPES, *document):
            if key not in document:
                raise ValueError(f"{key!r} is missing")
            if key not in SHAPES:
                raise ValueError("it holds a key that the manifest does not have")
            if not SHAPES[key](document[key]):
                raise ValueError(f"{key!r} does not hold what it should")
        files = tuple(SealedFile(**each) for each in document["files"])
        return cls(**{**document, "files": files})


def parse_canonical(content: bytes) -> dict[str, Any]:
    """Read a JSON object that is written in the one way we write it; raises ValueError.

    What is written otherwise may say a key twice, and two readers would then read two documents.
    """
    try:
        document = json.loads(content.decode("utf-8"))
        again = canonical_json(document)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    if again != content:
        raise ValueError("it is not in canonical form (sorted keys, two spaces, LF at the end)")
    return document


def moment_text(moment: datetime) -> str:
    """A UTC moment as files say it, to the second.

    >>> from datetime import UTC
    >>> moment_text(datetime(2026, 11, 1, 2, 0, tzinfo=UTC))
    '2026-11-01T02:00:00Z'
    """
    return f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_export_name_or_none(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and str(ExportName.parse(value)) == value
    except ValueError:
        return False


def _is_whole(value: object) -> bool:
    # JSON's true would pass as 1.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and moment_text(datetime.fromisoformat(value)) == value
    except ValueError:
        return False


def _is_versions(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(name) and _is_text(version) for name, version in value.items())


def _is_files(value: object) -> bool:
    return isinstance(value, list) and all(_is_file(each) for each in value)


def _is_file(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "rows", "bytes", "sha256"}
        and _is_text(value["name"])
        and (value["rows"] is None or _is_whole(value["rows"]))
        and _is_whole(value["bytes"])
        and _is_text(value["sha256"])
    )


SHAPES: dict[str, Callable[[object], bool]] = {
    "export_id": _is_text,
    "schema_version": _is_text,
    "bank_id": _is_text,
    "as_of": _is_date,
    "generated_at": _is_moment,
    "type": _is_text,
    "sequence": _is_whole,
    "supersedes": _is_export_name_or_none,
    "models": _is_versions,
    "policies": _is_versions,
    "ledger_version": _is_text,
    "files": _is_files,
    "control_totals": lambda value: isinstance(value, dict),
}
