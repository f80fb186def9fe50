"""Write a bank file: whole or not at all, only what was agreed, only about firms that consented.

Same inputs, same plain bytes: the rows are sorted, every value has one way to be written, and the time of generation
is given. (Encryption is random: no two runs of it give the same bytes, so what was encrypted is never written again.)
The folder appears under its name in one step, with the commit marker already in it.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from credit.domain.errors import AlreadyThere, CreditError, ExportRefused
from data.durable import exclusive, move_folder_whole, write_whole
from data.exports.banks import Bank
from data.exports.deltas import Revoked, difference
from data.exports.descriptor import describe
from data.exports.keys import Signer, encrypted_to
from data.exports.layout import ExportName, committed_exports, manifest_of, next_sequence
from data.exports.manifest import Manifest, Seal, SealedFile, moment_text
from data.exports.schema import ADVICE, ADVISORY_ONLY, AS_OF, PURPOSE, SAID_HERE, SCORE_ONLY, Field
from data.exports.sieve import first_refused
from data.exports.state import Folders, content_of, held_by, last_full
from data.exports.table import csv_lines, row_hashes, texts_of, typed_table
from data.exports.totals import counted
from data.exports.verify import (
    CHANGE_REASON,
    DATAPACKAGE,
    ENCRYPTED_SUFFIX,
    FULL,
    MANIFEST,
    OP,
    ROW_HASH,
    SCORES,
    SIGNATURE,
    UPDATE,
    VALID_UNTIL,
    Counted,
    Table,
    arrow_schema,
    canonical_json,
    totals_of,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LOCK = ".building.lock"
# Bounds the text held at once: a million suppliers in one piece would take gigabytes.
CHUNK_ROWS = 50_000
# Read by every Parquet reader a bank may have; the file is small beside what it describes.
PARQUET_COMPRESSION = "snappy"
PARQUET_VERSION = "2.6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an export comes from, for its manifest. `models` and `policies` map name to version.

    `run_id` names the run that asks for it, if it is one that may be killed and begun again: a bank's file is written
    once for each.
    """

    as_of: date
    generated_at: datetime
    models: Mapping[str, str]
    policies: Mapping[str, str]
    ledger_version: str
    code_version: str
    run_id: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.as_of, datetime):
            raise ValueError("as_of is a date without a time")
        if self.generated_at.tzinfo is None or self.generated_at.utcoffset():
            raise ValueError("generated_at is a moment in UTC that says so")
        if not self.ledger_version or not self.code_version:
            raise ValueError("an export names the versions of the ledger and of the program that it was made with")


@dataclass(frozen=True, slots=True)
class _Draft:
    """An export on its way: what goes into its manifest, and the rows that go into the files of each table."""

    name: ExportName
    base: ExportName | None
    rows: Mapping[Table, pa.Table]
    moves_on: Mapping[str, str] | None


def nothing_revoked(_: object) -> tuple[str, ...]:
    """Where no consent was revoked."""
    return ()


def build_export(
    folders: Folders,
    *,
    bank: Bank,
    records: Mapping[Table, pd.DataFrame],
    origin: Origin,
    signer: Signer,
    of: str = FULL,
    supersedes: str | None = None,
    revoked: Revoked = nothing_revoked,
) -> Path:
    """Write the bank's next export and answer its folder; the one that a run wrote before where it asks again.

    `records` has the rows of each table that the bank agreed to, of suppliers that consented, with a column for every
    field of the agreement; of the scores one row a supplier. `as_of` and `advisory_only` may be left out, `op`,
    `change_reason` and `row_hash` are ours; other columns stay behind. Where the records say which bank a consent names
    (`bank_id`), it is checked. Money comes as integers. For a DELTA too, `records` is everything that the bank is to
    hold from now on.

    Raises ValueError where the records must not go to this bank or are not what they should be, CreditError
    for a cell that no bank would accept, ExportRefused for a day or moment before that of the bank's last export,
    AlreadyThere rather than write over an export, Locked while another run builds.
    """
    for table, fields in bank.tables.items():
        if table not in records:
            raise ValueError(f"there are no {table.name}, which {bank.bank_id} is to receive")
        _refuse_rows_not_meant_for(bank, table, fields, records[table])
    _refuse_advice_without_consent(records[SCORES])
    with exclusive(folders.sent / LOCK, f"bank files of {bank.bank_id}"):
        committed = committed_exports(folders.sent)
        if any(each.bank_id != bank.bank_id for each in committed):
            raise ValueError(f"the folder holds another bank's files, not those of {bank.bank_id}")
        if supersedes is not None and supersedes not in {str(each) for each in committed}:
            raise ValueError("an export supersedes one that the bank has")
        before = _written_by(origin.run_id, folders, committed)
        if before is not None:
            return folders.sent / str(before)
        _refuse_going_back(folders, committed, origin)
        name = ExportName(bank.bank_id, next_sequence(folders.sent), of, origin.as_of)
        if (folders.sent / str(name)).exists():
            raise AlreadyThere(
                f"{name}: a folder of that name is there already",
                hint="it was not finished by this program; remove it yourself",
            )
        states = {
            table: typed_table(_completed(records[table], table, origin), content_of(fields))
            for table, fields in bank.tables.items()
        }
        draft = _draft(bank, folders, name, states, revoked=revoked, corrects=supersedes is not None)
        with _hidden_folder(folders.sent, name) as partial:
            _write(partial, folders, bank, draft, origin=origin, signer=signer, supersedes=supersedes)
            move_folder_whole(partial, folders.sent / str(name))
            return folders.sent / str(name)


def _refuse_rows_not_meant_for(bank: Bank, table: Table, fields: Sequence[Field], records: pd.DataFrame) -> None:
    """Every row has a consent, for a purpose of this bank, and none is about what another is about.

    The records were chosen so; a wrong file to a bank is bad enough to look again.
    """
    missing = [each.name for each in fields if each.name not in (*SAID_HERE, *records.columns)]
    if missing:
        raise ValueError(f"the {table.name} lack {', '.join(missing)}, which {bank.bank_id} is to receive")
    for name in ("consent_id", "purpose"):
        if (records[name].isna() | (records[name] == "")).any():
            raise ValueError(f"a row has no {name}: nothing leaves without consent")
    if not records["purpose"].isin(bank.purposes).all():
        raise ValueError(f"a row has a purpose that {bank.bank_id} has no agreement for")
    if "bank_id" in records.columns and not (records["bank_id"] == bank.bank_id).all():
        raise ValueError(f"a row's consent does not name {bank.bank_id}")
    if records[table.key].duplicated().any():
        raise ValueError(f"a {table.key} has more than one row")


def _refuse_advice_without_consent(records: pd.DataFrame) -> None:
    advice = records.loc[records[PURPOSE.name] == SCORE_ONLY, [name for name in ADVICE if name in records.columns]]
    if advice.notna().any(axis=None):
        raise ValueError("a row advises on a firm that consents to its score alone")


def _refuse_going_back(folders: Folders, committed: Sequence[ExportName], origin: Origin) -> None:
    """A bank's state moves forward: what it holds is never taken back to an earlier day, nor consents to an earlier
    moment. (A night that was killed and goes on keeps the moment at which it began, and asks for consents anew.)
    """
    if not committed:
        return
    last = committed[-1]
    if origin.as_of < last.as_of:
        raise ExportRefused(
            f"the bank was sent {last}: an export as of {origin.as_of} would take it back",
            hint="score and decide as of that day or a later one first: `credit score run`, `credit line decide --all`",
        )
    if origin.run_id is None and moment_text(origin.generated_at) < manifest_of(folders.sent, last)["generated_at"]:
        raise ExportRefused(
            f"{last} was made later than this one would be", hint="set the clock right, and CREDIT_NOW to nothing"
        )


def _written_by(run_id: str | None, folders: Folders, committed: Sequence[ExportName]) -> ExportName | None:
    """The export that a run wrote before it was killed."""
    if run_id is None:
        return None
    return next((each for each in committed if manifest_of(folders.sent, each)["run_id"] == run_id), None)


def _completed(records: pd.DataFrame, table: Table, origin: Origin) -> pd.DataFrame:
    """The records in the order of the file, with what is the same in every row and may not be otherwise."""
    import pandas as pd

    day = pd.Timestamp(origin.as_of, tz="UTC")
    if AS_OF.name in records.columns and not _each(records[AS_OF.name], lambda days: (days == day).all()):
        raise ValueError("a row was decided as of another day than the export's")
    if VALID_UNTIL in records.columns and not _each(records[VALID_UNTIL], lambda days: not (days < day).any()):
        raise ValueError("a row ends before the export's own day: it was never valid")
    if ADVISORY_ONLY.name in records.columns and not records[ADVISORY_ONLY.name].eq(True).all():
        raise ValueError("a row says that the decision binds the bank; towards a bank it is advice")
    completed = records.sort_values(table.key, ignore_index=True)
    completed[AS_OF.name] = origin.as_of
    completed[ADVISORY_ONLY.name] = True
    return completed


def _each(column: pd.Series[date], holds: Callable[[pd.Series[pd.Timestamp]], bool]) -> bool:
    """Whether something holds of a column's different days, of which there are few."""
    import pandas as pd

    return bool(holds(pd.to_datetime(pd.Series(column.unique(), dtype=object), utc=True)))


def _draft(
    bank: Bank,
    folders: Folders,
    name: ExportName,
    states: Mapping[Table, pa.Table],
    *,
    revoked: Revoked,
    corrects: bool,
) -> _Draft:
    """The rows of each table: all of it, or of one that has deltas what changed since the bank's last file."""
    import pyarrow as pa

    state = states[SCORES]
    if name.type == FULL:
        rows = state.append_column(OP, pa.repeat(UPDATE, state.num_rows))
        rows = rows.append_column(CHANGE_REASON, pa.nulls(state.num_rows, pa.string()))
        return _Draft(name, None, {**states, SCORES: rows}, None)
    base = last_full(folders)
    if base is None or not bank.has_deltas:
        raise ValueError("a delta stands on a full file, and on a version of the record that has deltas")
    held = held_by(bank, folders, base)
    delta = difference(held, state, as_of=name.as_of, revoked=revoked, corrects=corrects)
    return _Draft(name, base, {**states, SCORES: delta.rows}, delta.moves_on)


def _write(
    partial: Path,
    folders: Folders,
    bank: Bank,
    draft: _Draft,
    *,
    origin: Origin,
    signer: Signer,
    supersedes: str | None,
) -> None:
    """Write what is kept; then, for the bank, data, descriptor, manifest, signature and marker, in this order."""
    name, generated_at = draft.name, moment_text(origin.generated_at)
    plains: dict[str, bytes] = {}
    files: dict[str, SealedFile] = {}
    totals: list[Counted] = []
    for table, fields in bank.tables.items():
        content, parquet, counts = _contents(table, fields, draft.rows[table], table.read_as(name.type))
        write_whole(folders.kept / str(name) / table.parquet, parquet)
        plains |= {table.csv: content, table.parquet: parquet}
        files |= {file: SealedFile.of(file, plains[file], rows=counts.rows) for file in table.files}
        totals.append(counts)
    described = describe(name, version=bank.schema, generated_at=generated_at, tables=bank.tables, files=files)
    plains[DATAPACKAGE] = canonical_json(described)
    files[DATAPACKAGE] = SealedFile.of(DATAPACKAGE, plains[DATAPACKAGE], rows=None)
    manifest = Manifest(
        export_id=str(name),
        schema_version=bank.schema,
        bank_id=name.bank_id,
        as_of=name.as_of.isoformat(),
        generated_at=generated_at,
        type=name.type,
        sequence=name.sequence,
        base_export_id=None if draft.base is None else str(draft.base),
        supersedes=supersedes,
        moves_on=draft.moves_on,
        run_id=origin.run_id,
        models=dict(origin.models),
        policies=dict(origin.policies),
        ledger_version=origin.ledger_version,
        code_version=origin.code_version,
        files=tuple(_laid_down(partial, bank, file, plains[each]) for each, file in files.items()),
        control_totals=totals_of(totals),
        signer_key_id=signer.key_id,
    ).content()
    write_whole(partial / MANIFEST, manifest)
    write_whole(partial / SIGNATURE, signer.signature(manifest))
    write_whole(partial / name.ok_file, f"{Seal.of(MANIFEST, manifest).sha256}\n".encode())


def _laid_down(partial: Path, bank: Bank, file: SealedFile, plain: bytes) -> SealedFile:
    """Write a file as the bank is to receive it, and say how it lies there."""
    if bank.age_recipient is None:
        write_whole(partial / file.name, plain)
        return file
    content = encrypted_to(bank.age_recipient, plain)
    seal = Seal.of(f"{file.name}{ENCRYPTED_SUFFIX}", content)
    write_whole(partial / seal.name, content)
    return replace(file, encrypted=seal)


def _contents(table: Table, fields: Sequence[Field], rows: pa.Table, of: str) -> tuple[bytes, bytes, Counted]:
    """The bytes of CSV and Parquet, and their totals; what a bank's check would refuse is refused here first."""
    import pyarrow as pa

    lines, hashes = io.BytesIO(), []
    lines.write(f"{','.join(each.name for each in fields)}\n".encode())
    totals = Counted(table, [each.name for each in fields])
    for start in range(0, rows.num_rows, CHUNK_ROWS):
        chunk = rows.slice(start, CHUNK_ROWS)
        texts = texts_of(chunk, fields[:-1])
        texts[ROW_HASH] = row_hashes(texts)
        _refuse_what_a_bank_would(fields, texts, of)
        lines.write(csv_lines(texts, fields))
        totals.merge(counted(texts, table))
        hashes.append(texts[ROW_HASH])
    whole = rows.select([each.name for each in fields[:-1]])
    whole = whole.append_column(ROW_HASH, pa.chunked_array(hashes, pa.string())).combine_chunks()
    return lines.getvalue(), _parquet(pa.Table.from_arrays(whole.columns, schema=arrow_schema(fields, of))), totals


def _refuse_what_a_bank_would(fields: Sequence[Field], texts: Mapping[str, pa.Array], of: str) -> None:
    refused = first_refused(fields, texts, of)
    if refused is None:
        return
    key, bad = refused
    # The id is what the platform's staff look the row up by; it stays on their side.
    raise CreditError(
        f"{fields[0].name} {key!r}, column {bad.column.name!r} {bad.what}",
        hint=f"{bad.column.name}: {bad.column.meaning}; correct it at its source, nothing was written",
    )


def _parquet(table: pa.Table) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(table, out, version=PARQUET_VERSION, compression=PARQUET_COMPRESSION)
    return bytes(out.getvalue().to_pybytes())


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
