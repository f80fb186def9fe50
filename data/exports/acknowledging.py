"""What a bank answers to a file: that it came, that it was taken in, or why not, line by line.

An answer is kept as it came, beside what was kept of the export. The last one stands, but that a file came says nothing
of whether it was taken in: RECEIVED takes back neither PROCESSED nor REJECTED. JSON, or CSV with a row an error:

    {"export_id": "…", "status": "REJECTED", "errors": [{"line": 48, "column": "grade", "code": "X", "text": "…"}]}
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit.domain.errors import AcknowledgementRefused, FileMissing, WrongFormat
from data.durable import write_whole
from data.exports.layout import ExportName, committed_exports, manifest_of
from data.exports.state import Folders, last_full

RECEIVED, PROCESSED, REJECTED = "RECEIVED", "PROCESSED", "REJECTED"
STATUSES = (RECEIVED, PROCESSED, REJECTED)
FOLDER = "acknowledgements"
SAMPLE = '{"export_id": "…", "status": "RECEIVED", "errors": [{"line": 2, "column": "…", "code": "…", "text": "…"}]}'


@dataclass(frozen=True, slots=True)
class LineError:
    """What a bank found wrong with a line of the CSV; `line` is None where it is about the whole file."""

    line: int | None
    column: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A bank's answer to one export."""

    export_id: str
    sequence: int | None
    status: str
    errors: tuple[LineError, ...]


def take_in(folders: Folders, file: Path) -> Acknowledgement:
    """Keep an answer beside its export; the same answer again changes nothing.

    Raises FileMissing, WrongFormat, and AcknowledgementRefused where the bank was not sent what it speaks of.
    """
    content = _content(file)
    said = _read(file.name, content)
    name = _meant(folders, file.name, said)
    # An answer does not say which table a line is of.
    rows = max(file["rows"] or 0 for file in manifest_of(folders.sent, name)["files"])
    for error in said.errors:
        if error.line is not None and not 1 <= error.line <= rows + 1:
            raise AcknowledgementRefused(
                f"{file.name}: {name} has no line {error.line}",
                hint=f"its longest table has {rows + 1} lines, the header is the first",
            )
    kept = folders.kept / str(name) / FOLDER
    sha256 = hashlib.sha256(content).hexdigest()[:16]
    if not any(path.stem.endswith(sha256) for path in kept.glob("*")):
        write_whole(kept / f"{len(list(kept.glob('*'))) + 1:04d}-{sha256}.{_kind(content)}", content)
    return said


def bank_in(file: Path) -> str:
    """The bank whose export an answer is about, by its id.

    Raises FileMissing, WrongFormat, and AcknowledgementRefused where it names no export.
    """
    said = _read(file.name, _content(file))
    try:
        return ExportName.parse(said.export_id).bank_id
    except ValueError:
        raise AcknowledgementRefused(
            f"{file.name}: {said.export_id!r} is not the name of an export", hint="BANK_000001_FULL_2026-10-31"
        ) from None


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise FileMissing(f"{file.name}: there is no such file", hint=f"looked in {file.parent}")
    return file.read_bytes()


def answers_to(folders: Folders, name: ExportName) -> tuple[Acknowledgement, ...]:
    """What the bank answered to an export, in the order in which it came."""
    kept = sorted((folders.kept / str(name) / FOLDER).glob("[0-9]*"))
    return tuple(_read(path.name, path.read_bytes()) for path in kept)


def standing(answers: Sequence[Acknowledgement]) -> Acknowledgement | None:
    """The answer that stands: the last that judges the file, else the last."""
    judging = [each for each in answers if each.status != RECEIVED]
    return (judging or list(answers) or [None])[-1]


def rejected(folders: Folders) -> ExportName | None:
    """The last export on which the bank's state stands and that it has rejected: it has to be sent anew, whole."""
    base = last_full(folders)
    since = [name for name in committed_exports(folders.sent) if base and name.sequence >= base.sequence]
    refused = [name for name in since if (said := standing(answers_to(folders, name))) and said.status == REJECTED]
    return refused[-1] if refused else None


def _meant(folders: Folders, file: str, said: Acknowledgement) -> ExportName:
    """The export that an answer is about."""
    sent = committed_exports(folders.sent)
    name = next((each for each in sent if str(each) == said.export_id), None)
    if name is None:
        raise AcknowledgementRefused(
            f"{file}: the bank was sent no export {said.export_id!r}",
            hint=f"the last it was sent is {sent[-1]}" if sent else "it was sent none",
        )
    if said.sequence is not None and said.sequence != name.sequence:
        raise AcknowledgementRefused(
            f"{file}: sequence {said.sequence} is not that of {name}", hint=f"its sequence is {name.sequence}"
        )
    return name


def _kind(content: bytes) -> str:
    return "json" if content.lstrip()[:1] == b"{" else "csv"


def _read(file: str, content: bytes) -> Acknowledgement:
    try:
        text = content.decode("utf-8-sig")
        is_json = _kind(content) == "json"
        said = (
            json.loads(text, object_pairs_hook=_once) if is_json else _of_rows(list(csv.DictReader(io.StringIO(text))))
        )
        return _answer(said)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error, RecursionError):
        raise WrongFormat(
            f"{file}: not an acknowledgement: export_id, status ({', '.join(STATUSES)}), errors",
            hint=f"JSON such as {SAMPLE}, or CSV with columns export_id, status, line, column, code, text",
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which no key comes twice: which of both is meant is not ours to guess."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _of_rows(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The document that the rows of a CSV say: about one export, each row one error or none."""
    [head] = {(row["export_id"], row["status"], row.get("sequence")) for row in rows}
    errors = [row for row in rows if row.get("line") or row.get("code") or row.get("text")]
    return {
        "export_id": head[0],
        "status": head[1],
        "sequence": int(head[2]) if head[2] else None,
        "errors": [{**row, "line": int(row["line"]) if row.get("line") else None} for row in errors],
    }


def _answer(said: dict[str, Any]) -> Acknowledgement:
    sequence, status = said.get("sequence"), said["status"]
    if status not in STATUSES or not isinstance(said["export_id"], str) or not isinstance(sequence, int | None):
        raise ValueError("no acknowledgement")
    return Acknowledgement(said["export_id"], sequence, status, tuple(map(_error, said.get("errors") or ())))


def _error(said: dict[str, Any]) -> LineError:
    line = said.get("line")
    if isinstance(line, bool) or not isinstance(line, int | None):
        raise ValueError("a line is a number")
    return LineError(line, *(str(said.get(key) or "") for key in ("column", "code", "text")))
