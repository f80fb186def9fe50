"""Write a bank file: whole or not at all, only what was agreed, only about firms that consented.

Same inputs, same bytes: the rows are sorted, every value has one way to be written, and the time of
generation is given. The folder appears under its name in one step, with the commit marker already in it.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from credit.domain.errors import AlreadyThere, CreditError
from data.durable import exclusive, move_whole, sha256_of, write_whole
from data.exports.banks import Bank
from data.exports.cells import CellError, row_hash, values_of
from data.exports.descriptor import describe
from data.exports.layout import (
    DATAPACKAGE,
    EXPORT_TYPES,
    MANIFEST,
    SCORES_CSV,
    SCORES_PARQUET,
    ExportName,
    SealedFile,
    canonical_json,
    committed_exports,
    next_sequence,
)
from data.exports.manifest import Manifest, moment_text
from data.exports.schema import ADVISORY_ONLY, AS_OF, ROW_HASH, SCHEMA_VERSION, SUPPLIER_ID, Field
from data.exports.table import arrow_schema, rows_as_text, typed_table
from data.exports.totals import ControlTotals

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LOCK = ".building.lock"
# Read by every Parquet reader a bank may have; the file is small beside what it describes.
PARQUET_COMPRESSION = "snappy"
PARQUET_VERSION = "2.6"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """Where an export comes from, for its manifest. `models` and `policies` map name to version."""

    as_of: date
    generated_at: datetime
    models: Mapping[str, str]
    policies: Mapping[str, str]
    ledger_version: str
    sequence: int
    type: str = "FULL"
    supersedes: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.as_of, datetime):
            raise ValueError("as_of is a date without a time")
        if self.generated_at.tzinfo is None or self.generated_at.utcoffset():
            raise ValueError("generated_at is a moment in UTC that says so")
        if self.type not in EXPORT_TYPES:
            raise ValueError(f"an export's type is one of {', '.join(EXPORT_TYPES)}")
        if not self.ledger_version:
            raise ValueError("an export names the version of the ledger it was made from")


def build_export(root: Path, *, bank: Bank, records: pd.DataFrame, facts: ExportFacts) -> Path:
    """Write the bank's next export under its folder `root` and answer the export's own folder.

    `records` has one row a supplier, for suppliers that consented, with a column for every field of the
    agreement. `as_of` and `advisory_only` may be left out, `row_hash` is computed; other columns stay behind.
    Where the records say which bank a consent names (`bank_id`), it is checked. Money comes as integers.

    Raises ValueError where the records must not go to this bank or are not what they should be, CreditError
    for a cell that no bank would accept, AlreadyThere rather than write over an export, Locked while another
    run builds.
    """
    _refuse_rows_not_meant_for(bank, records)
    name = ExportName(bank.bank_id, facts.sequence, facts.type, facts.as_of)
    with exclusive(root / LOCK, f"bank files of {bank.bank_id}"):
        _refuse_wrong_turn(root, name, facts)
        with _hidden_folder(root, name) as partial:
            _write_files(partial, name=name, fields=bank.fields, records=_completed(records, facts), facts=facts)
            return _commit(partial, root / str(name))


def _refuse_rows_not_meant_for(bank: Bank, records: pd.DataFrame) -> None:
    """Every row has a consent, for a purpose of this bank, and names a supplier once.

    The records were chosen so; a wrong file to a bank is bad enough to look again.
    """
    missing = [name for name in _needed(bank) if name not in records.columns]
    if missing:
        raise ValueError(f"the records lack {', '.join(missing)}, which {bank.bank_id} is to receive")
    for name in ("consent_id", "purpose"):
        if (records[name].isna() | (records[name] == "")).any():
            raise ValueError(f"a row has no {name}: nothing leaves without consent")
    if not records["purpose"].isin(bank.purposes).all():
        raise ValueError(f"a row has a purpose that {bank.bank_id} has no agreement for")
    if "bank_id" in records.columns and not (records["bank_id"] == bank.bank_id).all():
        raise ValueError(f"a row's consent does not name {bank.bank_id}")
    if records[SUPPLIER_ID.name].duplicated().any():
        raise ValueError("a supplier has more than one row")


def _needed(bank: Bank) -> tuple[str, ...]:
    supplied_here = {AS_OF.name, ADVISORY_ONLY.name, ROW_HASH.name}
    return tuple(each.name for each in bank.fields if each.name not in supplied_here)


def _refuse_wrong_turn(root: Path, name: ExportName, facts: ExportFacts) -> None:
    """The export is the bank's next one, in the bank's own folder, and corrects only an earlier one."""
    committed = committed_exports(root)
    if any(each.bank_id != name.bank_id for each in committed):
        raise ValueError(f"the folder holds another bank's files, not those of {name.bank_id}")
    following = next_sequence(root)
    if name.sequence < following or (root / str(name)).exists():
        raise AlreadyThere(
            f"{name}: export {name.sequence} of {name.bank_id} is already there",
            hint=f"an export is never written again; the next one is number {following}",
        )
    if name.sequence > following:
        raise ValueError(f"export {name.sequence} would leave a gap: the next one is number {following}")
    if facts.supersedes is not None and facts.supersedes not in {str(each) for each in committed}:
        raise ValueError("an export supersedes one that the bank has")


def _completed(records: pd.DataFrame, facts: ExportFacts) -> pd.DataFrame:
    """The records in the order of the file, with what is the same in every row and may not be otherwise."""
    import pandas as pd

    day = pd.Timestamp(facts.as_of, tz="UTC")
    if AS_OF.name in records.columns and not (pd.to_datetime(records[AS_OF.name], utc=True) == day).all():
        raise ValueError("a row was decided as of another day than the export's")
    if (pd.to_datetime(records["valid_until"], utc=True) < day).any():
        raise ValueError("a row ends before the export's own day: it was never valid")
    if ADVISORY_ONLY.name in records.columns and not records[ADVISORY_ONLY.name].eq(True).all():
        raise ValueError("a row says that the decision binds the bank; towards a bank it is advice")
    completed = records.sort_values(SUPPLIER_ID.name, ignore_index=True)
    completed[AS_OF.name] = facts.as_of
    completed[ADVISORY_ONLY.name] = True
    return completed


def _write_files(
    folder: Path, *, name: ExportName, fields: Sequence[Field], records: pd.DataFrame, facts: ExportFacts
) -> None:
    """Write data, descriptor, manifest and marker, in this order."""
    table = typed_table(records, fields[:-1])
    totals = ControlTotals([each.name for each in fields])
    hashes: list[str] = []
    _write_csv(folder / SCORES_CSV, fields, _counted(_checked(table, fields), totals, hashes))
    _write_parquet(folder / SCORES_PARQUET, table, fields, hashes)
    data = [SealedFile.of(folder / each, totals.rows) for each in (SCORES_CSV, SCORES_PARQUET)]
    generated_at = moment_text(facts.generated_at)
    descriptor = describe(name, generated_at=generated_at, fields=fields, files=data)
    write_whole(folder / DATAPACKAGE, canonical_json(descriptor))
    manifest = Manifest(
        export_id=str(name),
        schema_version=SCHEMA_VERSION,
        bank_id=name.bank_id,
        as_of=name.as_of.isoformat(),
        generated_at=generated_at,
        type=name.type,
        sequence=name.sequence,
        supersedes=facts.supersedes,
        models=dict(facts.models),
        policies=dict(facts.policies),
        ledger_version=facts.ledger_version,
        files=(*data, SealedFile.of(folder / DATAPACKAGE, None)),
        control_totals=totals.as_document(),
    )
    write_whole(folder / MANIFEST, manifest.content())
    write_whole(folder / name.ok_file, f"{sha256_of(folder / MANIFEST)}\n".encode())


def _checked(table: pa.Table, fields: Sequence[Field]) -> Iterator[tuple[str, ...]]:
    """The rows of the CSV with their hashes; what a bank's check would refuse is refused here first."""
    for cells in rows_as_text(table, fields[:-1]):
        whole = (*cells, row_hash(cells))
        try:
            values_of(fields, whole)
        except CellError as bad:
            # The id is what the platform's staff look the supplier up by; it stays on their side.
            raise CreditError(
                f"supplier {cells[0]!r}, column {bad.field.name!r} {bad.what}",
                hint=f"{bad.field.name}: {bad.field.meaning}; correct it at its source, nothing was written",
            ) from None
        yield whole


def _counted(rows: Iterator[tuple[str, ...]], totals: ControlTotals, hashes: list[str]) -> Iterator[tuple[str, ...]]:
    """The rows unchanged, while their totals are added up and their hashes kept."""
    for cells in rows:
        totals.add(cells)
        hashes.append(cells[-1])
        yield cells


def _write_csv(path: Path, fields: Sequence[Field], rows: Iterator[tuple[str, ...]]) -> None:
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([each.name for each in fields])
        writer.writerows(rows)
    move_whole(beside, path)


def _write_parquet(path: Path, table: pa.Table, fields: Sequence[Field], hashes: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = pa.Table.from_arrays([*table.columns, pa.array(hashes, pa.string())], schema=arrow_schema(fields))
    beside = path.with_name(f".{path.name}.partial")
    pq.write_table(whole, beside, version=PARQUET_VERSION, compression=PARQUET_COMPRESSION)
    move_whole(beside, path)


@contextmanager
def _hidden_folder(root: Path, name: ExportName) -> Iterator[Path]:
    """A folder that no reader looks into and that is gone afterwards unless it got its name."""
    # What a killed run left behind was never committed, and the lock says that nobody works on it.
    for abandoned in root.glob(".*.partial"):
        shutil.rmtree(abandoned)
    partial = root / f".{name}.partial"
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _commit(partial: Path, target: Path) -> Path:
    """Give the finished folder its name and force that to disk."""
    partial.rename(target)
    parent = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
    return target
