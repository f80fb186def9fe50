"""Check a bank file: that it is whole, unaltered, and adds up.

The checks run in one fixed order and the first thing wrong is named, so that two people who check the same
file get the same answer. A message names file, line and column and never what a cell holds.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from credit.domain.errors import ExportRefused
from data.durable import sha256_of
from data.exports.cells import CellError, Value, values_of
from data.exports.descriptor import describe, field_names
from data.exports.layout import (
    DATAPACKAGE,
    EXPORT_NAME,
    MANIFEST,
    OK_SUFFIX,
    SCORES_CSV,
    SCORES_PARQUET,
    SEALED_FILES,
    SealedFile,
    canonical_json,
)
from data.exports.manifest import Manifest, parse_canonical
from data.exports.schema import FIELD_NAMES, FOR_EVERY_BANK, SCHEMA_VERSION, Field, Kind, fields_named
from data.exports.totals import ControlTotals, first_difference

# A version stays readable while banks move to the next one (DOMAIN 6.1).
KNOWN_VERSIONS = (SCHEMA_VERSION,)
OK_CONTENT = re.compile(rb"[0-9a-f]{64}\n")
SEND_AGAIN = "do not use the file; ask the sender to send it again"
MADE_WRONG = "the file arrived as it was sent, so sending it again does not help; report this to the sender"
FIRST_ROW_LINE = 2


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bank may rely on after the check. `valid_until` is the earliest of all rows."""

    export_id: str
    bank_id: str
    sequence: int
    as_of: date
    schema_version: str
    rows: int
    sum_limit_fen: int | None
    valid_until: date | None
    manifest_sha256: str


@dataclass(slots=True)
class Counted:
    """What reading all rows gives: their totals, and the row that expires first."""

    totals: ControlTotals
    expires_first: date | None = None
    expires_first_line: int = 0

    def add(self, line: int, cells: Sequence[str], valid_until: Value) -> None:
        """Count one row."""
        self.totals.add(cells)
        if isinstance(valid_until, date) and (self.expires_first is None or valid_until < self.expires_first):
            self.expires_first, self.expires_first_line = valid_until, line


def verify_export(folder: Path, *, on: date | None = None) -> Verified:
    """Check the export in `folder`; with `on`, also that no row had expired by that day.

    Raises ExportRefused naming the first thing wrong.
    """
    # A check from inside the folder, or through a link, still compares the folder's own name.
    folder = folder.resolve()
    ok_file = _the_one_marker(folder)
    manifest_sha256 = _sealed_sha256(ok_file)
    manifest = _manifest(folder, ok_file.name, manifest_sha256)
    _refuse_wrong_names(folder, ok_file, manifest)
    _refuse_missing_or_extra_files(folder, ok_file, manifest)
    for file in manifest.files:
        _refuse_altered(folder, file)
    fields = _described_fields(folder, manifest)
    counted = _counted_rows(folder, fields, manifest)
    _refuse_other_parquet(folder, fields)
    _refuse_wrong_totals(manifest, counted.totals)
    return Verified(
        export_id=manifest.export_id,
        bank_id=manifest.bank_id,
        sequence=manifest.sequence,
        as_of=manifest.name.as_of,
        schema_version=manifest.schema_version,
        rows=counted.totals.rows,
        sum_limit_fen=manifest.control_totals["sum_limit_fen"],
        valid_until=_earliest_validity(manifest, counted, on),
        manifest_sha256=manifest_sha256,
    )


def _refuse(place: str, what: str, hint: str = SEND_AGAIN) -> NoReturn:
    raise ExportRefused(f"{place}: {what}", hint=hint) from None


def _the_one_marker(folder: Path) -> Path:
    if not folder.is_dir():
        _refuse(folder.name, "there is no such folder", "name the folder of one export")
    markers = sorted(path for path in folder.iterdir() if path.name.endswith(OK_SUFFIX))
    if not markers:
        _refuse(
            folder.name,
            f"there is no commit marker (*{OK_SUFFIX})",
            "the export is not finished; wait for it to arrive",
        )
    if len(markers) > 1:
        _refuse(markers[1].name, f"a second commit marker beside {markers[0].name}")
    return markers[0]


def _sealed_sha256(ok_file: Path) -> str:
    content = ok_file.read_bytes() if _is_plain_file(ok_file) else b""
    if not OK_CONTENT.fullmatch(content):
        _refuse(ok_file.name, "it does not hold a SHA-256 in lower-case hex and a line feed")
    return content.decode().strip()


def _manifest(folder: Path, ok_name: str, sha256: str) -> Manifest:
    path = folder / MANIFEST
    if not _is_plain_file(path):
        _refuse(MANIFEST, "the file is missing")
    if sha256_of(path) != sha256:
        _refuse(MANIFEST, f"its SHA-256 is not the one in {ok_name}; one of the two was altered")
    try:
        document = parse_canonical(path.read_bytes())
        _refuse_unknown_version(document)
        return Manifest.from_document(document)
    except ValueError as unreadable:
        _refuse(MANIFEST, str(unreadable), MADE_WRONG)


def _refuse_unknown_version(document: dict[str, Any]) -> None:
    if document.get("schema_version") not in KNOWN_VERSIONS:
        _refuse(
            MANIFEST,
            "its schema_version is not one that this program knows",
            f"known: {', '.join(KNOWN_VERSIONS)}; a newer program reads newer files",
        )


def _refuse_wrong_names(folder: Path, ok_file: Path, manifest: Manifest) -> None:
    if not EXPORT_NAME.fullmatch(manifest.export_id) or manifest.export_id != str(manifest.name):
        _refuse(MANIFEST, "its export_id does not follow from bank_id, sequence, type and as_of", MADE_WRONG)
    if ok_file.name != manifest.name.ok_file:
        _refuse(ok_file.name, f"{MANIFEST} is that of export {manifest.export_id}")
    if folder.name != manifest.export_id:
        _refuse(
            folder.name,
            f"the folder holds export {manifest.export_id}",
            "a folder keeps the name of its export; rename it, or ask which file it should hold",
        )


def _refuse_missing_or_extra_files(folder: Path, ok_file: Path, manifest: Manifest) -> None:
    if tuple(file.name for file in manifest.files) != SEALED_FILES:
        _refuse(MANIFEST, f"it does not list {', '.join(SEALED_FILES)}", MADE_WRONG)
    for name in SEALED_FILES:
        if not _is_plain_file(folder / name):
            _refuse(name, "the file is missing")
    extra = sorted({path.name for path in folder.iterdir()} - {ok_file.name, MANIFEST, *SEALED_FILES})
    if extra:
        _refuse(repr(extra[0]), "the export has no such file", "remove it, or ask the sender why it is there")


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _refuse_altered(folder: Path, file: SealedFile) -> None:
    path = folder / file.name
    size = path.stat().st_size
    if size != file.bytes:
        _refuse(file.name, f"{size:,} bytes where {MANIFEST} says {file.bytes:,}")
    if sha256_of(path) != file.sha256:
        _refuse(file.name, f"its SHA-256 is not the one in {MANIFEST}; at least one byte was altered")


def _described_fields(folder: Path, manifest: Manifest) -> tuple[Field, ...]:
    """The fields that the descriptor lists, once descriptor, record and CSV header agree on them."""
    try:
        descriptor = parse_canonical((folder / DATAPACKAGE).read_bytes())
        names = field_names(descriptor)
    except ValueError as unreadable:
        _refuse(DATAPACKAGE, str(unreadable), MADE_WRONG)
    fields = fields_named(names)
    if tuple(each.name for each in fields) != names:
        _refuse(DATAPACKAGE, f"its fields are not, in this order, some of {', '.join(FIELD_NAMES)}", MADE_WRONG)
    if not set(FOR_EVERY_BANK) <= set(names):
        _refuse(DATAPACKAGE, f"it lacks a field that every bank receives: {', '.join(FOR_EVERY_BANK)}", MADE_WRONG)
    expected = describe(
        manifest.name,
        generated_at=manifest.generated_at,
        fields=fields,
        files=[manifest.file(SCORES_CSV), manifest.file(SCORES_PARQUET)],
    )
    if canonical_json(descriptor) != canonical_json(expected):
        _refuse(DATAPACKAGE, f"it does not describe the files that {MANIFEST} lists", MADE_WRONG)
    _, header = next(_csv_rows(folder / SCORES_CSV), (1, []))
    if tuple(header) != names:
        _refuse(f"{SCORES_CSV} line 1", f"the header is not what {DATAPACKAGE} describes", MADE_WRONG)
    return fields


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row of a CSV file with its line, the header first."""
    try:
        with path.open(encoding="utf-8", newline="\n") as text:
            reader = csv.reader(_lines(path.name, text), strict=True)
            for row in reader:
                yield reader.line_num, row
    except UnicodeDecodeError as undecodable:
        _refuse(path.name, f"not UTF-8 text (byte {undecodable.start})", MADE_WRONG)
    except csv.Error:
        _refuse(path.name, "not a readable CSV file (RFC 4180)", MADE_WRONG)


def _lines(name: str, text: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        if not line.endswith("\n") or "\r" in line:
            _refuse(f"{name} line {number}", "the line does not end with a single line feed", MADE_WRONG)
        yield line


def _rows(folder: Path, fields: Sequence[Field]) -> Iterator[tuple[int, list[str], tuple[Value, ...]]]:
    """Each supplier's line, cells and values; refuses at the first that is not what the record says."""
    for line, cells in _csv_rows(folder / SCORES_CSV):
        if line < FIRST_ROW_LINE:
            continue
        if len(cells) != len(fields):
            _refuse(
                f"{SCORES_CSV} line {line}",
                f"{len(cells)} cells where the header has {len(fields)}",
                MADE_WRONG,
            )
        try:
            yield line, cells, values_of(fields, cells)
        except CellError as bad:
            _refuse_cell(SCORES_CSV, line, bad.field, bad.what)


def _refuse_cell(file: str, line: int, field: Field, what: str) -> NoReturn:
    place = f'{file} line {line}, column "{field.name}"'
    _refuse(place, what, f"{field.name}: {field.meaning}; {MADE_WRONG}")


def _counted_rows(folder: Path, fields: Sequence[Field], manifest: Manifest) -> Counted:
    """Read every row, each supplier once and in order, and add up."""
    names = [each.name for each in fields]
    supplier, as_of, valid_until = (names.index(name) for name in ("supplier_id", "as_of", "valid_until"))
    counted = Counted(ControlTotals(names))
    previous = ""
    for line, cells, values in _rows(folder, fields):
        if cells[supplier] <= previous:
            _refuse_cell(SCORES_CSV, line, fields[supplier], "is not after the one on the line before")
        if values[as_of] != manifest.name.as_of:
            _refuse_cell(SCORES_CSV, line, fields[as_of], f"is not the as_of of {MANIFEST}")
        previous = cells[supplier]
        counted.add(line, cells, values[valid_until])
    return counted


def _refuse_other_parquet(folder: Path, fields: Sequence[Field]) -> None:
    """Both files say the same, row by row; a bank may read either."""
    parquet = _parquet_rows(folder / SCORES_PARQUET, fields)
    for line, _, values in _rows(folder, fields):
        row = next(parquet, None)
        if row is None:
            _refuse(SCORES_PARQUET, f"it ends before {SCORES_CSV} line {line}", MADE_WRONG)
        if row != values:
            field = next(f for f, mine, its in zip(fields, values, row, strict=True) if mine != its)
            _refuse(
                f'{SCORES_PARQUET} row {line - 1}, column "{field.name}"',
                f"differs from {SCORES_CSV} line {line}",
                MADE_WRONG,
            )
    if next(parquet, None) is not None:
        _refuse(SCORES_PARQUET, f"it has more rows than {SCORES_CSV}", MADE_WRONG)


def _parquet_rows(path: Path, fields: Sequence[Field]) -> Iterator[tuple[Value, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from data.exports.table import CHUNK_ROWS, arrow_schema

    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(arrow_schema(fields)):
                _refuse(path.name, f"its columns or their types are not what {DATAPACKAGE} describes", MADE_WRONG)
            for batch in file.iter_batches(CHUNK_ROWS):
                columns = [_values(batch[each.name], each.kind) for each in fields]
                yield from zip(*columns, strict=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        _refuse(path.name, "not a readable Parquet file", MADE_WRONG)


def _values(column: Any, kind: Kind) -> list[Value]:
    import pyarrow as pa

    # The CSV's moments carry no zone here either; both are UTC.
    values: list[Value] = (column.cast(pa.timestamp("us")) if kind is Kind.MOMENT else column).to_pylist()
    return values


def _refuse_wrong_totals(manifest: Manifest, totals: ControlTotals) -> None:
    for name in (SCORES_CSV, SCORES_PARQUET):
        if manifest.file(name).rows != totals.rows:
            _refuse(MANIFEST, f"the number of rows of {name} is not what the file has", MADE_WRONG)
    if manifest.file(DATAPACKAGE).rows is not None:
        _refuse(MANIFEST, f"{DATAPACKAGE} has no rows to count", MADE_WRONG)
    counted = totals.as_document()
    different = first_difference(manifest.control_totals, counted)
    if different is not None:
        _refuse(MANIFEST, f"control total {different!r} is not what {SCORES_CSV} adds up to", MADE_WRONG)


def _earliest_validity(manifest: Manifest, counted: Counted, on: date | None) -> date | None:
    """The earliest last day of all rows; refuses one before the export's own day, or before `on`."""
    if counted.expires_first is None:
        return None
    place = f'{SCORES_CSV} line {counted.expires_first_line}, column "valid_until"'
    if counted.expires_first < manifest.name.as_of:
        _refuse(place, "is before as_of: the row was never valid", MADE_WRONG)
    if on is not None and counted.expires_first < on:
        _refuse(place, f"the row had expired by {on.isoformat()}", "ask the sender for a newer export")
    return counted.expires_first
