"""Check a bank file: that it is whole, unaltered, signed by its sender, the next in order, and adds up.

This one file is the whole check; `credit export verifier` prints it, for a bank to read before it trusts it. It reads
and never writes, and opens no connection. It needs Python 3.11, `cryptography` for the signature, `pyarrow` for the
Parquet file, and `pyrage` only where files are encrypted:

    python verify.py FOLDER --sender-key KEY [--decrypt-key FILE] [--last-sequence N] [--on DATE]

The checks run in one fixed order and the first thing wrong is named, so that two people who check the same file get
the same answer. A message names file, line and column and never what a cell holds. What is checked is what was
hashed: every file is read once.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NoReturn

# 1. What lies in the folder of an export beside the files of its tables.

DATAPACKAGE = "datapackage.json"
MANIFEST, SIGNATURE, OK_SUFFIX, ENCRYPTED_SUFFIX = "manifest.json", "manifest.sig", ".ok", ".age"
FULL, DELTA = "FULL", "DELTA"
# Versions of the record. Earlier ones stay readable while banks move to the next (DOMAIN 6.1).
KNOWN_VERSIONS = ("1.0.0", "2.0.0", "2.1.0")
OK_CONTENT = re.compile(rb"[0-9a-f]{64}\n")
SIGNATURE_CONTENT = re.compile(rb"[0-9a-f]{128}\n")
PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
EXPORT_NAME = re.compile(
    r"(?P<bank_id>[a-z0-9-]+)_(?P<sequence>[0-9]{6,})_(?P<type>FULL|DELTA)_(?P<as_of>[0-9]{4}-[0-9]{2}-[0-9]{2})"
)

# 2. What a cell may hold.

SUPPLIER_ID, OP, CHANGE_REASON, CONSENT_ID, PURPOSE = "supplier_id", "op", "change_reason", "consent_id", "purpose"
AS_OF, SCORED_AT, VALID_UNTIL, STATUS, ROW_HASH = "as_of", "scored_at", "valid_until", "status", "row_hash"
# A row that a firm no longer has is taken out by its id; every other row gives what now holds.
UPDATE, DELETION = "U", "D"
# What moves every night though nothing is new: a delta says it once for all rows that it does not name.
MOMENTS = (AS_OF, SCORED_AT, VALID_UNTIL)
CONTRACT_ID, GUARANTEE_ID = "contract_id", "guarantee_id"

PD_DIGITS = 6
UNIT_SEPARATOR = "\x1f"
# Spreadsheets run a cell that starts so; some versions in East Asia also take the full-width forms (OWASP).
FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
# Control and formatting characters, lone surrogates, line and paragraph separators: none belongs in an id or
# a sentence; some reverse what a reader sees, and the unit separator would make two rows share a hash.
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

# 3. What is added up.

NONE = "NONE"
HASH_BYTES = 8
HASH_MODULUS = 2 ** (8 * HASH_BYTES)

SEND_AGAIN = "do not use the file; ask the sender to send it again"
MADE_WRONG = "the file arrived as it was sent, so sending it again does not help; report this to the sender"
FIRST_ROW_LINE = 2
PARQUET_ROWS = 50_000
REMEMBERED = 1024

Value = str | int | float | bool | date | datetime | None


class Refused(Exception):
    """The first thing wrong with an export, and what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class CellError(ValueError):
    """A cell that does not hold what its column says; `what` says why, without repeating what it holds."""

    def __init__(self, column: Column, what: str) -> None:
        super().__init__(f"column {column.name!r} {what}")
        self.column, self.what = column, what


class Kind(StrEnum):
    """What a cell may hold."""

    TEXT = "text"
    WHOLE = "whole number"
    FEN = "whole number of fen"
    PROBABILITY = "probability"
    DATE = "date"
    MOMENT = "moment in UTC"
    FLAG = "true or false"


@dataclass(frozen=True)
class Column:
    """One column of the record, as the descriptor says it.

    `required`: no row leaves it empty but one that takes a firm out. `in_deletion`: such a row fills it too.
    `only_when`: filled under this status and under no other. `not_for`: empty in rows for these purposes.
    `in_delta`: filled in a delta and in no full file.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    at_least: int | None = None
    only_when: str | None = None
    not_for: tuple[str, ...] = ()
    in_deletion: bool = False
    in_delta: bool = False

    def in_every_row(self, of: str) -> bool:
        """Whether each row of a FULL or DELTA fills it."""
        return self.required and (of == FULL or self.in_deletion)


@dataclass(frozen=True, eq=False)
class Table:
    """A table of an export: a CSV and a Parquet file of the same rows, in the order of their `key`, each of which once.

    `always` are the columns that no agreement leaves out, for the check reads them itself. `sums` and `counts` are what
    the manifest adds up of it: by the name of a total the column whose amounts are summed, or values counted. A table
    that `has_deltas` has in a delta what changed; every other is whole in each export.
    """

    name: str
    key: str
    always: tuple[str, ...]
    sums: Mapping[str, str]
    counts: Mapping[str, str]
    since: str
    has_deltas: bool = False

    @property
    def csv(self) -> str:
        """The name of its CSV file."""
        return f"{self.name}.csv"

    @property
    def parquet(self) -> str:
        """The name of its Parquet file."""
        return f"{self.name}.parquet"

    @property
    def files(self) -> tuple[str, str]:
        """The names of its files."""
        return self.csv, self.parquet

    def read_as(self, of: str) -> str:
        """How it is read in a FULL or DELTA."""
        return of if self.has_deltas else FULL


SCORES = Table(
    name="scores",
    key=SUPPLIER_ID,
    always=(SUPPLIER_ID, CONSENT_ID, PURPOSE, AS_OF, VALID_UNTIL, "advisory_only", ROW_HASH),
    sums={"sum_limit_fen": "indicative_limit_fen"},
    counts={"by_grade": "grade", "by_decision": "decision", "by_status": "status"},
    since="1.0.0",
    has_deltas=True,
)
CONTRACTS = Table(
    name="contracts",
    key=CONTRACT_ID,
    always=(CONTRACT_ID, SUPPLIER_ID, CONSENT_ID, PURPOSE, AS_OF, ROW_HASH),
    sums={"sum_amount_fen": "amount_fen", "sum_draw_max_fen": "draw_max_fen"},
    counts={"by_stage": "stage"},
    since="2.1.0",
)
GUARANTEES = Table(
    name="guarantees",
    key=GUARANTEE_ID,
    always=(GUARANTEE_ID, SUPPLIER_ID, CONSENT_ID, PURPOSE, AS_OF, ROW_HASH),
    sums={"sum_amount_fen": "amount_fen", "sum_outstanding_fen": "outstanding_fen"},
    counts={"by_type": "type", "by_status": "status"},
    since="2.1.0",
)
# Every export has the first; the manifest lists which of the others it has.
TABLES = (SCORES, CONTRACTS, GUARANTEES)


@dataclass(frozen=True)
class Verified:
    """What a bank may rely on after the check. `valid_until` is the earliest of all rows.

    `rows` are those of the scores, and `further` those of each other table that the export has.

    Where files are encrypted and no key was given, they are whole and signed but nobody looked into them:
    `contents_checked` is then false and what the rows would have said is None.
    """

    export_id: str
    bank_id: str
    sequence: int
    type: str
    base_export_id: str | None
    supersedes: str | None
    as_of: date
    schema_version: str
    rows: int
    further: dict[str, int]
    sum_limit_fen: int | None
    valid_until: date | None
    signer_key_id: str
    manifest_sha256: str
    contents_checked: bool


def verify_export(
    folder: Path,
    *,
    sender_keys: Sequence[bytes],
    decrypt_key: str | None = None,
    last_sequence: int | None = None,
    on: date | None = None,
) -> Verified:
    """Check the export in `folder`.

    `sender_keys` are the public keys that may have signed it, several while the sender changes keys; `decrypt_key` is
    the text of an age identity file; `last_sequence` the number of the export taken in before (0: none); `on` the day
    on which the rows have to be valid still.

    Raises Refused naming the first thing wrong.
    """
    # A check from inside the folder, or through a link, still compares the folder's own name.
    folder = folder.resolve()
    ok_file = _the_one_marker(folder)
    content, sha256 = _manifest_bytes(folder, ok_file)
    signer = _signer_of(folder, content, sender_keys)
    manifest = _manifest(content)
    if manifest["signer_key_id"] != key_id(signer):
        _refuse(MANIFEST, "its signer_key_id is not that of the key that signed it", MADE_WRONG)
    _refuse_wrong_names(folder, ok_file, manifest)
    _refuse_wrong_turn(manifest, last_sequence)
    _refuse_missing_or_extra_files(folder, ok_file, manifest)
    sealed = {file["name"]: _sealed_bytes(folder, file) for file in manifest["files"]}
    is_open = decrypt_key is not None or all(file["encrypted"] is None for file in manifest["files"])
    counted = Counted(SCORES)
    if is_open:
        plain = {file["name"]: _plain(file, sealed[file["name"]], decrypt_key) for file in manifest["files"]}
        counted = _checked_contents(plain, manifest)
    valid_until = _earliest_validity(manifest, counted, on)
    return Verified(
        **{key: manifest[key] for key in ("export_id", "bank_id", "sequence", "type", "base_export_id", "supersedes")},
        as_of=date.fromisoformat(manifest["as_of"]),
        schema_version=manifest["schema_version"],
        rows=_file(manifest, SCORES.csv)["rows"],
        further={each.name: _file(manifest, each.csv)["rows"] for each in tables_of(manifest)[1:]},
        sum_limit_fen=manifest["control_totals"].get("sum_limit_fen"),
        valid_until=valid_until,
        signer_key_id=manifest["signer_key_id"],
        manifest_sha256=sha256,
        contents_checked=is_open,
    )


def _refuse(place: str, what: str, hint: str = SEND_AGAIN) -> NoReturn:
    raise Refused(f"{place}: {what}", hint) from None


# The seals: marker, manifest, signature, files.


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


def _manifest_bytes(folder: Path, ok_file: Path) -> tuple[bytes, str]:
    marker = ok_file.read_bytes() if _is_plain_file(ok_file) else b""
    if not OK_CONTENT.fullmatch(marker):
        _refuse(ok_file.name, "it does not hold a SHA-256 in lower-case hex and a line feed")
    path = folder / MANIFEST
    if not _is_plain_file(path):
        _refuse(MANIFEST, "the file is missing")
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != marker.decode().strip():
        _refuse(MANIFEST, f"its SHA-256 is not the one in {ok_file.name}; one of the two was altered")
    return content, sha256


def _signer_of(folder: Path, content: bytes, sender_keys: Sequence[bytes]) -> bytes:
    """The one of the sender's keys that signed the manifest."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    path = folder / SIGNATURE
    if not _is_plain_file(path):
        _refuse(SIGNATURE, "the file is missing")
    line = path.read_bytes()
    if not SIGNATURE_CONTENT.fullmatch(line):
        _refuse(SIGNATURE, "it does not hold an Ed25519 signature in lower-case hex and a line feed")
    for key in sender_keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(line.decode()), content)
        except InvalidSignature:
            continue
        return key
    _refuse(
        SIGNATURE,
        f"no key of the sender that was given has signed {MANIFEST}",
        "ask the sender, by another way than the file came, which key it signs with now; do not use the file",
    )


def key_id(public_key: bytes) -> str:
    """What a key is called: the first sixteen hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def _manifest(content: bytes) -> dict[str, Any]:
    try:
        manifest = parse_canonical(content)
        if manifest.get("schema_version") not in KNOWN_VERSIONS:
            _refuse(
                MANIFEST,
                "its schema_version is not one that this program knows",
                f"known: {', '.join(KNOWN_VERSIONS)}; a newer program reads newer files",
            )
        for key in (*SHAPES, *manifest):
            if key not in manifest:
                raise ValueError(f"{key!r} is missing")
            if key not in SHAPES:
                raise ValueError("it holds a key that the manifest does not have")
            if not SHAPES[key](manifest[key]):
                raise ValueError(f"{key!r} does not hold what it should")
    except ValueError as unreadable:
        _refuse(MANIFEST, str(unreadable), MADE_WRONG)
    return manifest


def _refuse_wrong_names(folder: Path, ok_file: Path, manifest: Mapping[str, Any]) -> None:
    said = f"{manifest['bank_id']}_{manifest['sequence']:06d}_{manifest['type']}_{manifest['as_of']}"
    if not EXPORT_NAME.fullmatch(manifest["export_id"]) or manifest["export_id"] != said:
        _refuse(MANIFEST, "its export_id does not follow from bank_id, sequence, type and as_of", MADE_WRONG)
    if ok_file.name != f"{said}{OK_SUFFIX}":
        _refuse(ok_file.name, f"{MANIFEST} is that of export {said}")
    if folder.name != said:
        _refuse(
            folder.name,
            f"the folder holds export {said}",
            "a folder keeps the name of its export; rename it, or ask which file it should hold",
        )


def _refuse_wrong_turn(manifest: Mapping[str, Any], last_sequence: int | None) -> None:
    """A number is neither left out nor used twice, and a delta stands on an earlier full file of the same bank."""
    sequence = manifest["sequence"]
    if last_sequence is not None and sequence != last_sequence + 1:
        _refuse(
            MANIFEST,
            f"its sequence is {sequence} where {last_sequence + 1} follows",
            "take the exports in in their order, each once; ask for the one that is missing",
        )
    for key, of in (("base_export_id", FULL), ("supersedes", None)):
        name = EXPORT_NAME.fullmatch(manifest[key] or "")
        if manifest[key] is not None and (
            name is None
            or name["bank_id"] != manifest["bank_id"]
            or int(name["sequence"]) >= sequence
            or name["as_of"] > manifest["as_of"]
            or name["type"] != (of or name["type"])
        ):
            _refuse(MANIFEST, f"its {key} is no earlier export of this bank that it could be", MADE_WRONG)
    if (manifest["type"] == DELTA) != (manifest["base_export_id"] is not None):
        _refuse(MANIFEST, "a delta names the full file that it stands on, and a full file names none", MADE_WRONG)
    if manifest["type"] == FULL and manifest["moves_on"] is not None:
        _refuse(MANIFEST, "a full file has no rows that it does not name: nothing moves on", MADE_WRONG)


def _refuse_missing_or_extra_files(folder: Path, ok_file: Path, manifest: Mapping[str, Any]) -> None:
    # The files that the manifest vouches for; the signature vouches for the manifest.
    sealed = (*(name for table in tables_of(manifest) for name in table.files), DATAPACKAGE)
    if tuple(file["name"] for file in manifest["files"]) != sealed:
        _refuse(MANIFEST, f"it does not list {', '.join(sealed)}", MADE_WRONG)
    lying = [(file["encrypted"] or file)["name"] for file in manifest["files"]]
    if any(name not in (of, f"{of}{ENCRYPTED_SUFFIX}") for name, of in zip(lying, sealed, strict=True)):
        _refuse(MANIFEST, "it lists an encrypted file under a name of something else", MADE_WRONG)
    for name in lying:
        if not _is_plain_file(folder / name):
            _refuse(name, "the file is missing")
    extra = sorted({path.name for path in folder.iterdir()} - {ok_file.name, MANIFEST, SIGNATURE, *lying})
    if extra:
        _refuse(repr(extra[0]), "the export has no such file", "remove it, or ask the sender why it is there")


def tables_of(manifest: Mapping[str, Any]) -> tuple[Table, ...]:
    """The tables that an export holds: the scores, and of those that its version knows what the manifest lists."""
    listed = {file["name"] for file in manifest["files"]}
    known = KNOWN_VERSIONS[: KNOWN_VERSIONS.index(manifest["schema_version"]) + 1]
    return (SCORES, *(each for each in TABLES[1:] if each.since in known and each.csv in listed))


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _sealed_bytes(folder: Path, file: Mapping[str, Any]) -> bytes:
    """A file as it lies in the folder, once size and hash are those of the manifest."""
    seal = file["encrypted"] or file
    content = (folder / seal["name"]).read_bytes()
    _refuse_altered(seal, content, SEND_AGAIN)
    return content


def _refuse_altered(seal: Mapping[str, Any], content: bytes, hint: str) -> None:
    if len(content) != seal["bytes"]:
        _refuse(seal["name"], f"{len(content):,} bytes where {MANIFEST} says {seal['bytes']:,}", hint)
    if hashlib.sha256(content).hexdigest() != seal["sha256"]:
        _refuse(seal["name"], f"its SHA-256 is not the one in {MANIFEST}; at least one byte was altered", hint)


def _plain(file: Mapping[str, Any], content: bytes, decrypt_key: str | None) -> bytes:
    """What a file says, decrypted where it is encrypted."""
    if file["encrypted"] is None:
        return content
    import pyrage

    try:
        plain: bytes = pyrage.decrypt(content, _identities(decrypt_key or ""))
    except pyrage.DecryptError:
        _refuse(
            file["encrypted"]["name"],
            "it cannot be decrypted with the key that was given",
            "give the identity whose public key the sender has, or tell the sender the new public key",
        )
    _refuse_altered(file, plain, MADE_WRONG)
    return plain


def _identities(text: str) -> list[Any]:
    import pyrage

    lines = [line.strip() for line in text.splitlines()]
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        found = []
    if not found:
        _refuse("the decryption key", "it is not an age identity", "`age-keygen` makes one: a line AGE-SECRET-KEY-1…")
    return found


# The contents: descriptor, rows, Parquet, totals, validity.


@dataclass
class Counted:
    """What reading all rows of a table gives: their totals, and the row that expires first."""

    table: Table
    names: Sequence[str] = ()
    rows: int = 0
    hash_total: int = 0
    by_op: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    expires_first: date | None = None
    expires_first_line: int = 0

    def __post_init__(self) -> None:
        for total in self.table.counts:
            self.counts.setdefault(total, Counter())

    def add(self, line: int, cells: Sequence[str], valid_until: Value) -> None:
        """Count one row. A row that takes a firm out counts by its id alone."""
        row = dict(zip(self.names, cells, strict=True))
        self.rows += 1
        self.hash_total = (self.hash_total + hash_of_id(row[self.table.key])) % HASH_MODULUS
        self.by_op[row.get(OP, UPDATE)] += 1
        if row.get(OP) == DELETION:
            return
        for total, name in self.table.sums.items():
            self.sums[total] += int(row.get(name) or 0)
        for total, name in self.table.counts.items():
            self.counts[total][row.get(name) or NONE] += 1
        if isinstance(valid_until, date) and (self.expires_first is None or valid_until < self.expires_first):
            self.expires_first, self.expires_first_line = valid_until, line

    def merge(self, other: Counted) -> None:
        """Count the rows that another has counted."""
        self.rows += other.rows
        # Counter's own sum would leave out what is not above zero.
        self.sums.update(other.sums)
        self.hash_total = (self.hash_total + other.hash_total) % HASH_MODULUS
        self.by_op += other.by_op
        for total, counts in other.counts.items():
            self.counts[total] += counts

    def as_document(self) -> dict[str, Any]:
        """The totals as the manifest says them; None where it is about a column that the bank does not receive."""
        sums = {total: self.sums[total] if name in self.names else None for total, name in self.table.sums.items()}
        counts = {
            total: dict(self.counts[total]) if name in self.names else None for total, name in self.table.counts.items()
        }
        ops = {"by_op": dict(self.by_op) if OP in self.names else None} if self.table.has_deltas else {}
        hash_total = f"{self.hash_total:0{2 * HASH_BYTES}x}"
        return {"rows": self.rows, **sums, **ops, **counts, f"{self.table.key}_hash_total": hash_total}


def totals_of(counted: Sequence[Counted]) -> dict[str, Any]:
    """The control totals of an export: those of the scores, and under its name those of each other table."""
    return counted[0].as_document() | {each.table.name: each.as_document() for each in counted[1:]}


def hash_of_id(key: str) -> int:
    """The first eight bytes of an id's SHA-256 as a number; their sum modulo 2^64 is the hash total."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:HASH_BYTES], "big")


def _checked_contents(plain: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Counted:
    records = _described_records(plain, manifest)
    counted = [_checked_table(plain, table, record, manifest) for table, record in records.items()]
    _refuse_wrong_totals(manifest, counted)
    return counted[0]


def _checked_table(plain: Mapping[str, bytes], table: Table, record: Record, manifest: Mapping[str, Any]) -> Counted:
    """What a table adds up to, once every row is what the record says, in its CSV and in its Parquet file alike."""
    beside = Beside(_parquet_rows(plain[table.parquet], table, record), table, record)
    counted = _counted_rows(plain[table.csv], table, record, manifest, beside)
    beside.refuse_difference()
    return counted


def _described_records(plain: Mapping[str, bytes], manifest: Mapping[str, Any]) -> dict[Table, Record]:
    """How the rows of each table are read, once descriptor, manifest and CSV headers agree."""
    tables, of = tables_of(manifest), manifest["type"]
    try:
        descriptor = parse_canonical(plain[DATAPACKAGE])
        records = {each: Record(columns_of(descriptor, each), each.read_as(of)) for each in tables}
    except ValueError as unreadable:
        _refuse(DATAPACKAGE, str(unreadable), MADE_WRONG)
    for table, record in records.items():
        _refuse_wrong_columns(table, [each.name for each in record.columns] or [""], record.of)
    if not _describes(descriptor, manifest):
        _refuse(DATAPACKAGE, f"it does not describe the files that {MANIFEST} lists", MADE_WRONG)
    for table, record in records.items():
        _, header = next(_csv_rows(plain[table.csv], table), (1, []))
        if header != [each.name for each in record.columns]:
            _refuse(f"{table.csv} line 1", f"the header is not what {DATAPACKAGE} describes", MADE_WRONG)
    return records


def _refuse_wrong_columns(table: Table, names: Sequence[str], of: str) -> None:
    if (names[0], names[-1]) != (table.key, ROW_HASH) and {table.key, ROW_HASH} <= set(names):
        _refuse(DATAPACKAGE, f"its fields do not begin with {table.key} and end with {ROW_HASH}", MADE_WRONG)
    if not set(table.always) <= set(names):
        _refuse(DATAPACKAGE, f"it lacks a field that every bank receives: {', '.join(table.always)}", MADE_WRONG)
    if len(set(names)) < len(names):
        _refuse(DATAPACKAGE, "it describes a field twice", MADE_WRONG)
    if of == DELTA and not {OP, CHANGE_REASON} <= set(names):
        _refuse(DATAPACKAGE, f"it lacks {OP} or {CHANGE_REASON}, without which nobody reads a delta", MADE_WRONG)


def columns_of(descriptor: Mapping[str, Any], table: Table) -> tuple[Column, ...]:
    """The columns that a descriptor says a table has. Raises ValueError where it says none that can be read."""
    try:
        resource = next(each for each in descriptor["resources"] if each["path"] == table.csv)
        return tuple(_column(each) for each in resource["schema"]["fields"])
    except (KeyError, TypeError, ValueError, StopIteration):
        raise ValueError(f"describes no fields of {table.csv} that can be read") from None


def _column(described: Mapping[str, Any]) -> Column:
    rules, constraints = described["rules"], described["constraints"]
    kind = Kind(described["kind"])
    choices = () if kind is Kind.FLAG else tuple(constraints.get("enum", ()))
    if kind is Kind.FLAG and "enum" in constraints:
        choices = tuple("true" if each else "false" for each in constraints["enum"])
    return Column(
        name=described["name"],
        kind=kind,
        meaning=described["description"],
        required=rules.get("required", False),
        choices=choices,
        at_least=None if kind is Kind.PROBABILITY else constraints.get("minimum"),
        only_when=rules.get("only_when"),
        not_for=tuple(rules.get("not_for", ())),
        in_deletion=rules.get("in_deletion", False),
        in_delta=rules.get("in_delta", False),
    )


def _describes(descriptor: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    resources, tables = descriptor["resources"], tables_of(manifest)
    said = [canonical_json({k: each.get(k) for k in ("path", "bytes", "hash")}) for each in resources]
    files = [_file(manifest, name) for table in tables for name in table.files]
    listed = [canonical_json({"path": f["name"], "bytes": f["bytes"], "hash": f"sha256:{f['sha256']}"}) for f in files]
    return (
        descriptor.get("id") == manifest["export_id"]
        and descriptor.get("version") == manifest["schema_version"]
        and said == listed
        # The two files of a table have one schema.
        and all(
            canonical_json(one["schema"]) == canonical_json(other["schema"])
            for one, other in zip(resources[::2], resources[1::2], strict=True)
        )
    )


def _csv_rows(content: bytes, table: Table) -> Iterator[tuple[int, list[str]]]:
    """Each row of a CSV file with its line, the header first."""
    try:
        text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="\n")
        reader = csv.reader(_lines(text, table), strict=True)
        for row in reader:
            yield reader.line_num, row
    except UnicodeDecodeError:
        _refuse(table.csv, "not UTF-8 text", MADE_WRONG)
    except csv.Error:
        _refuse(table.csv, "not a readable CSV file (RFC 4180)", MADE_WRONG)


def _lines(text: Iterator[str], table: Table) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        if not line.endswith("\n") or "\r" in line:
            _refuse(f"{table.csv} line {number}", "the line does not end with a single line feed", MADE_WRONG)
        yield line


def _rows(content: bytes, table: Table, record: Record) -> Iterator[tuple[int, list[str], tuple[Value, ...]]]:
    """Each row's line, cells and values; refuses at the first that is not what the record says."""
    for line, cells in _csv_rows(content, table):
        if line < FIRST_ROW_LINE:
            continue
        if len(cells) != len(record.columns):
            _refuse(
                f"{table.csv} line {line}",
                f"{len(cells)} cells where the header has {len(record.columns)}",
                MADE_WRONG,
            )
        try:
            yield line, cells, record.values_of(cells)
        except CellError as bad:
            _refuse_cell(table, line, bad.column, bad.what)


def _refuse_cell(table: Table, line: int, column: Column, what: str) -> NoReturn:
    place = f'{table.csv} line {line}, column "{column.name}"'
    _refuse(place, what, f"{column.name}: {column.meaning}; {MADE_WRONG}")


def _counted_rows(content: bytes, table: Table, record: Record, manifest: Mapping[str, Any], beside: Beside) -> Counted:
    """Read every row, each key once and in order, and add up."""
    columns, names = record.columns, [each.name for each in record.columns]
    as_of, valid_until = names.index(AS_OF), names.index(VALID_UNTIL) if VALID_UNTIL in names else None
    counted = Counted(table, names)
    previous = ""
    for line, cells, values in _rows(content, table, record):
        if cells[0] <= previous:
            _refuse_cell(table, line, columns[0], "is not after the one on the line before")
        if cells[as_of] != manifest["as_of"]:
            _refuse_cell(table, line, columns[as_of], f"is not the as_of of {MANIFEST}")
        previous = cells[0]
        counted.add(line, cells, None if valid_until is None else values[valid_until])
        beside.compare(line, values)
    return counted


class Beside:
    """The Parquet file, read in step with the CSV: both say the same, row by row, for a bank may read either.

    What is wrong with it is kept until the CSV has been read, which is named first.
    """

    def __init__(self, rows: Iterator[tuple[Value, ...]], table: Table, record: Record) -> None:
        self._rows, self._table, self._record = rows, table, record
        self._wrong: Refused | None = None

    def compare(self, line: int, values: tuple[Value, ...]) -> None:
        """Compare the next row with what a line of the CSV says."""
        if self._wrong is not None:
            return
        try:
            row = next(self._rows, None)
            if row != values:
                self._refuse(line, values, row)
        except Refused as wrong:
            self._wrong = wrong

    def _refuse(self, line: int, values: tuple[Value, ...], row: tuple[Value, ...] | None) -> NoReturn:
        if row is None:
            _refuse(self._table.parquet, f"it ends before {self._table.csv} line {line}", MADE_WRONG)
        column = next(c for c, mine, its in zip(self._record.columns, values, row, strict=True) if mine != its)
        place = f'{self._table.parquet} row {line - 1}, column "{column.name}"'
        _refuse(place, f"differs from {self._table.csv} line {line}", MADE_WRONG)

    def refuse_difference(self) -> None:
        """Refuse what was found, or rows that the CSV does not have."""
        if self._wrong is not None:
            raise self._wrong
        if next(self._rows, None) is not None:
            _refuse(self._table.parquet, f"it has more rows than {self._table.csv}", MADE_WRONG)


def _parquet_rows(content: bytes, table: Table, record: Record) -> Iterator[tuple[Value, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            if not file.schema_arrow.equals(arrow_schema(record.columns, record.of)):
                _refuse(table.parquet, f"its columns or their types are not what {DATAPACKAGE} describes", MADE_WRONG)
            for batch in file.iter_batches(PARQUET_ROWS):
                yield from zip(*[_values(batch[each.name], each.kind) for each in record.columns], strict=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        _refuse(table.parquet, "not a readable Parquet file", MADE_WRONG)


def arrow_schema(columns: Sequence[Column], of: str) -> Any:
    """The schema of the Parquet file: fen in 64-bit integers, dates without a time, moments in UTC."""
    import pyarrow as pa

    types = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.FEN: pa.int64(),
        Kind.PROBABILITY: pa.float64(),
        Kind.DATE: pa.date32(),
        Kind.MOMENT: pa.timestamp("us", tz="UTC"),
        Kind.FLAG: pa.bool_(),
    }
    return pa.schema([pa.field(c.name, types[c.kind], nullable=not c.in_every_row(of)) for c in columns])


def _values(column: Any, kind: Kind) -> list[Value]:
    import pyarrow as pa

    # The CSV's moments carry no zone here either; both are UTC.
    values: list[Value] = (column.cast(pa.timestamp("us")) if kind is Kind.MOMENT else column).to_pylist()
    return values


def _file(manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(file for file in manifest["files"] if file["name"] == name)


def _refuse_wrong_totals(manifest: Mapping[str, Any], counted: Sequence[Counted]) -> None:
    for each in counted:
        for name in each.table.files:
            if _file(manifest, name)["rows"] != each.rows:
                _refuse(MANIFEST, f"the number of rows of {name} is not what the file has", MADE_WRONG)
    if _file(manifest, DATAPACKAGE)["rows"] is not None:
        _refuse(MANIFEST, f"{DATAPACKAGE} has no rows to count", MADE_WRONG)
    said, added = manifest["control_totals"], totals_of(counted)
    further = {table.name: table.csv for table in TABLES}
    for name in (*added, *said):
        # Compared as they are written: true is not 1, and 3.0 is not 3.
        if not (
            name in said and name in added and canonical_json({"": said[name]}) == canonical_json({"": added[name]})
        ):
            _refuse(
                MANIFEST,
                f"control total {name!r} is not what {further.get(name, SCORES.csv)} adds up to",
                MADE_WRONG,
            )


def _earliest_validity(manifest: Mapping[str, Any], counted: Counted, on: date | None) -> date | None:
    """The earliest last day of all rows, named or not; refuses one before the export's own day, or before `on`."""
    found = []
    if counted.expires_first is not None:
        place = f'{SCORES.csv} line {counted.expires_first_line}, column "{VALID_UNTIL}"'
        found.append((counted.expires_first, place, "the row"))
    if (moved := (manifest["moves_on"] or {}).get(VALID_UNTIL)) is not None:
        found.append((date.fromisoformat(moved), f'{MANIFEST}, "moves_on"', "what it leaves as it is"))
    for last_day, place, what in found:
        if last_day < date.fromisoformat(manifest["as_of"]):
            _refuse(place, f"is before as_of: {what} was never valid", MADE_WRONG)
        if on is not None and last_day < on:
            _refuse(place, f"{what} had expired by {on.isoformat()}", "ask the sender for a newer export")
    return min((last_day for last_day, _, _ in found), default=None)


# Single cells and rows. A cell has exactly one way to be written, so that equal values have equal bytes. Empty means
# missing; there is no sentinel. A text that a spreadsheet would run as a formula is refused and never escaped: an
# escaped id is another id, and the Chinese texts come from a closed list of reasons, where such a text is a mistake.


class Record:
    """Reads the rows of a table in a FULL or DELTA."""

    def __init__(self, columns: Sequence[Column], of: str) -> None:
        self.columns, self.of = tuple(columns), of
        # Most cells come many times over, and are read once.
        self._readers = [lru_cache(REMEMBERED)(partial(value_of, column)) for column in self.columns]
        self._names = [column.name for column in self.columns]
        self._op = self._names.index(OP) if OP in self._names else None
        self._watched = [
            (place, column)
            for place, column in enumerate(self.columns)
            if column.in_delta or column.only_when is not None or column.not_for or column.name == OP
        ]

    def values_of(self, cells: Sequence[str]) -> tuple[Value, ...]:
        """What a row says, once it does not contradict itself. Raises CellError."""
        if self._op is not None and cells[self._op] == DELETION:
            values = tuple(_value_in_deletion(c, cell) for c, cell in zip(self.columns, cells, strict=True))
        else:
            values = tuple([read(cell) for read, cell in zip(self._readers, cells, strict=True)])
        row = dict(zip(self._names, cells, strict=True))
        for place, column in self._watched:
            what = _contradiction(column, cells[place], row, self.of)
            if what is not None:
                raise CellError(column, what)
        if cells[-1] != row_hash(cells[:-1]):
            raise CellError(self.columns[-1], "is not the hash of the row")
        return values


def value_of(column: Column, cell: str) -> Value:
    """What a cell says; None where it is empty. Moments come without a zone and are UTC. Raises CellError."""
    if cell == "":
        if column.required:
            raise CellError(column, "is empty")
        return None
    try:
        value = READERS[column.kind](cell)
    except ValueError as unreadable:
        what = str(unreadable) if column.kind is Kind.TEXT else f"is not a {column.kind} as it is written here"
        raise CellError(column, what) from None
    if column.choices and cell not in column.choices:
        raise CellError(column, f"is not one of {', '.join(column.choices)}")
    if column.at_least is not None and isinstance(value, int) and value < column.at_least:
        raise CellError(column, f"is less than {column.at_least}")
    return value


def _value_in_deletion(column: Column, cell: str) -> Value:
    if column.in_deletion:
        return value_of(column, cell)
    if cell != "":
        raise CellError(column, "is filled in a row that takes a supplier out")
    return None


def _contradiction(column: Column, cell: str, row: Mapping[str, str], of: str) -> str | None:
    """What is wrong with a cell beside the others of its row, if anything."""
    if column.name == OP and cell == DELETION and of == FULL:
        return "takes a supplier out of a full file, which has only those that are in it"
    if column.in_delta and (cell == "") == (of == DELTA):
        return "is empty in a delta" if cell == "" else "is filled in a full file"
    if row.get(OP) == DELETION:
        return None
    status = row.get(STATUS)
    # A scored supplier has a score, an unscorable one has the reason why not, and neither has both.
    if column.only_when is not None and status is not None and (status == column.only_when) == (cell == ""):
        return f"is {'empty' if cell == '' else 'filled'} where the status is {status}"
    if cell != "" and row.get(PURPOSE) in column.not_for:
        return f"is filled where the purpose is {row[PURPOSE]}"
    return None


def row_hash(cells: Sequence[str]) -> str:
    """The SHA-256 of a row's cells without the hash itself.

    >>> row_hash(["S1", "", "true"])[:12]
    '7689057de7c0'
    """
    return hashlib.sha256(UNIT_SEPARATOR.join(cells).encode()).hexdigest()


def _text(cell: str) -> str:
    if cell[0] in FORMULA_STARTS:
        raise ValueError("starts with a character that a spreadsheet runs as a formula")
    if cell != cell.strip():
        raise ValueError("starts or ends with a blank")
    # ASCII that prints is by far the most of all cells and needs no look at each character.
    if not (cell.isascii() and cell.isprintable()) and any(
        unicodedata.category(character) in HIDDEN_CATEGORIES for character in cell
    ):
        raise ValueError("holds a control character or one that cannot be seen")
    return cell


def _whole(cell: str) -> int:
    value = int(cell)
    if str(value) != cell or not INT64_MIN <= value <= INT64_MAX:
        raise ValueError
    return value


def _probability(cell: str) -> float:
    if not re.fullmatch(rf"[01]\.[0-9]{{{PD_DIGITS}}}", cell):
        raise ValueError
    value = float(cell)
    if value > 1:
        raise ValueError
    return value


def _date(cell: str) -> date:
    value = date.fromisoformat(cell)
    if value.isoformat() != cell:
        raise ValueError
    return value


def _moment(cell: str) -> datetime:
    value = datetime.fromisoformat(cell.removesuffix("Z"))
    if f"{value.isoformat()}Z" != cell or value.microsecond or value.tzinfo:
        raise ValueError
    return value


def _flag(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError
    return cell == "true"


READERS: dict[Kind, Callable[[str], Value]] = {
    Kind.TEXT: _text,
    Kind.WHOLE: _whole,
    Kind.FEN: _whole,
    Kind.PROBABILITY: _probability,
    Kind.DATE: _date,
    Kind.MOMENT: _moment,
    Kind.FLAG: _flag,
}


# JSON that is written in one way.


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """JSON with one way to be written: sorted keys, two spaces, UTF-8 as it is, LF at the end.

    >>> canonical_json({"b": 1, "a": "演示"}).decode().splitlines()
    ['{', '  "a": "演示",', '  "b": 1', '}']
    """
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


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


# What each key of the manifest may hold.


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _or_none(is_it: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_it(value)


def _is_export_name(value: object) -> bool:
    return isinstance(value, str) and EXPORT_NAME.fullmatch(value) is not None and _is_date(value[-10:])


def _is_whole(value: object) -> bool:
    # JSON's true would pass as 1.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_date(value: object) -> bool:
    return isinstance(value, str) and _reads_as(_date, value)


def _is_moment(value: object) -> bool:
    return isinstance(value, str) and _reads_as(_moment, value)


def _reads_as(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _is_versions(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(name) and _is_text(version) for name, version in value.items())


def _is_moves_on(value: object) -> bool:
    is_what = {AS_OF: _is_date, SCORED_AT: _is_moment, VALID_UNTIL: _is_date}
    return isinstance(value, dict) and all(name in is_what and is_what[name](each) for name, each in value.items())


def _is_files(value: object) -> bool:
    return isinstance(value, list) and all(_is_file(each) for each in value)


def _is_file(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "rows", "bytes", "sha256", "encrypted"}
        and (value["rows"] is None or _is_whole(value["rows"]))
        and _is_seal({key: value[key] for key in ("name", "bytes", "sha256")})
        and (value["encrypted"] is None or _is_seal(value["encrypted"]))
    )


def _is_seal(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "bytes", "sha256"}
        and _is_text(value["name"])
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
    "base_export_id": _or_none(_is_export_name),
    "supersedes": _or_none(_is_export_name),
    "moves_on": _or_none(_is_moves_on),
    "run_id": _or_none(_is_text),
    "models": _is_versions,
    "policies": _is_versions,
    "ledger_version": _is_text,
    "code_version": _is_text,
    "files": _is_files,
    "control_totals": lambda value: isinstance(value, dict),
    "signer_key_id": _is_text,
}


# As a program of its own.


def public_keys(text: str) -> tuple[bytes, ...]:
    """The public keys in a text, one a line in 64 hex digits; `#` begins a remark. Raises ValueError.

    >>> len(public_keys("ab" * 32 + "  # from January on"))
    1
    """
    lines = [line.split("#")[0].strip().lower() for line in text.splitlines()]
    found = [line for line in lines if line]
    if not found or not all(PUBLIC_KEY.fullmatch(line) for line in found):
        raise ValueError("a sender's public key is 64 hex digits, one key a line")
    return tuple(bytes.fromhex(line) for line in found)


def public_keys_named(file_or_hex: str) -> tuple[bytes, ...]:
    """The public keys that a command line names: by a file that holds them, or by their digits. Raises ValueError."""
    if PUBLIC_KEY.fullmatch(file_or_hex.lower()):
        return public_keys(file_or_hex)
    return public_keys(Path(file_or_hex).read_text(encoding="utf-8"))


def main(words: Sequence[str] | None = None) -> int:
    """Check as the command line says. Answers 0, or 6 where the export is refused."""
    parser = argparse.ArgumentParser(description="Check a bank file; exit 6 and name the first thing wrong.")
    parser.add_argument("folder", type=Path, help="the export's folder")
    parser.add_argument("--sender-key", action="append", required=True, help="the sender's public key: a file or hex")
    parser.add_argument("--decrypt-key", type=Path, help="your age identity file")
    parser.add_argument("--last-sequence", type=int, help="number of the export you took in last, 0 for none")
    parser.add_argument("--on", type=date.fromisoformat, help="refuse what is no longer valid then; default: today")
    asked = parser.parse_args(words)
    try:
        keys = [key for each in asked.sender_key for key in public_keys_named(each)]
        decrypt_key = asked.decrypt_key.read_text(encoding="utf-8") if asked.decrypt_key else None
    except (OSError, ValueError) as unreadable:
        parser.error(str(unreadable))
    try:
        verified = verify_export(
            asked.folder,
            sender_keys=keys,
            decrypt_key=decrypt_key,
            last_sequence=asked.last_sequence,
            # The day in China, eight hours ahead of UTC all year.
            on=asked.on or (datetime.now(UTC) + timedelta(hours=8)).date(),
        )
    except Refused as refused:
        sys.stderr.write(f"Refused: {refused.message}\nHint:    {refused.hint}\n")
        return 6
    except ImportError as missing:
        sys.stderr.write(f"Error: {missing.name} is not installed; nothing was checked\n")
        return 1
    sys.stdout.write(f"{summary(verified)}\n")
    return 0


def summary(verified: Verified) -> str:
    """What was found, in a sentence."""
    if not verified.contents_checked:
        return (
            f"{verified.export_id}: whole, and signed by {verified.signer_key_id}; it is encrypted and nobody looked "
            "into it: give --decrypt-key"
        )
    further = "".join(f", {rows:,} {table}" for table, rows in verified.further.items())
    return (
        f"{verified.export_id}: whole, signed by {verified.signer_key_id} and true to its manifest; "
        f"{verified.rows:,} rows{further}, as of {verified.as_of}"
    )


if __name__ == "__main__":
    sys.exit(main())
