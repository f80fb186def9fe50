"""What was agreed with each bank: which purposes, which fields."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.domain.errors import FileMissing, UnknownName, WrongFormat
from data.exports.keys import is_recipient
from data.exports.schema import (
    FIRST_VERSION,
    PURPOSES,
    RECORDS,
    SCHEMA_VERSION,
    VERSIONS,
    Field,
    fields_named,
)
from data.exports.verify import CONTRACTS, GUARANTEES, OP, SCORES, Table

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = Path(__file__).parent / "banks"
# The id names folders and files and is a part of the export's name, where an underscore separates the parts.
BANK_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
KEYS = ("bank_id", "name", "purposes", "fields")
MAY_HAVE = ("contracts", "guarantees", "schema", "age_recipient", "full_every_days")
# The keys that name fields, each of a table's record; without one the bank gets no such table.
OF_TABLES: dict[str, Table] = {"fields": SCORES, "contracts": CONTRACTS, "guarantees": GUARANTEES}


@dataclass(frozen=True, slots=True)
class Bank:
    """An agreement with a bank. `agreed` names fields of the scores beyond those that every bank receives.

    `contracts` and `guarantees` name those of the tables beside the scores; without them the bank gets no such table.
    `schema` is the version of the record that the bank reads; `age_recipient` the public key that its files are
    encrypted to, without which they are not; `full_every_days` how old a full file may be that a delta stands on,
    without which every file is a full one.
    """

    bank_id: str
    name: str
    purposes: tuple[str, ...]
    agreed: tuple[str, ...]
    schema: str = SCHEMA_VERSION
    age_recipient: str | None = None
    full_every_days: int | None = None
    contracts: tuple[str, ...] | None = None
    guarantees: tuple[str, ...] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the scores that the bank receives, in the record's order."""
        return self.tables[SCORES]

    @property
    def tables(self) -> dict[Table, tuple[Field, ...]]:
        """The tables that the bank receives, each with its fields; those alone that its version of the record knows."""
        known = VERSIONS[: VERSIONS.index(self.schema) + 1]
        agreed = {SCORES: self.agreed, CONTRACTS: self.contracts, GUARANTEES: self.guarantees}
        return {
            table: fields_named(names, self.schema, RECORDS[table])
            for table, names in agreed.items()
            if names is not None and table.since in known
        }

    @property
    def has_deltas(self) -> bool:
        """Whether its version of the record says what a row of a delta is."""
        return any(each.name == OP for each in self.fields)

    def widest(self, consents: pd.DataFrame, purposes: Sequence[str]) -> pd.DataFrame:
        """Of consents those to the bank for one of these purposes, the widest first, and of each firm its widest."""
        agreed = [purpose for purpose in purposes if purpose in self.purposes]
        theirs = consents[(consents["bank_id"] == self.bank_id) & consents["purpose"].isin(agreed)]
        theirs = theirs.assign(width=theirs["purpose"].map(agreed.index)).sort_values("width", kind="stable")
        return theirs.drop_duplicates("supplier_id").drop(columns="width")


def shipped_banks() -> tuple[str, ...]:
    """The ids of the banks whose agreements come with the program, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def shipped_bank(bank_id: str) -> Bank:
    """The agreement with a bank that comes with the program. Raises UnknownName."""
    if bank_id not in shipped_banks():
        raise UnknownName(f"no bank is named {bank_id!r}", hint=f"one of {', '.join(shipped_banks())}")
    return load_bank(SHIPPED / f"{bank_id}.toml")


def load_bank(path: Path) -> Bank:
    """Read the agreement with a bank from its file, which is named after the bank.

    Raises FileMissing, WrongFormat, or UnknownName for a purpose or field that is not on our lists.
    """
    if not path.is_file():
        raise FileMissing(f"{path.name}: there is no such file", hint=f"looked in {path.parent}")
    try:
        agreement = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as unreadable:
        raise WrongFormat(f"{path.name}: not a TOML file ({unreadable})", hint="correct the line it names") from None
    _refuse_wrong_keys(path, agreement)
    _refuse_wrong_id(path, agreement["bank_id"])
    _refuse_unknown(path, "purpose", agreement["purposes"], PURPOSES)
    for key, table in OF_TABLES.items():
        _refuse_unknown(path, "field", agreement.get(key, []), tuple(each.name for each in RECORDS[table]))
    _refuse_wrong_options(path, agreement)
    lists = {key: tuple(agreement.pop(key)) for key in ("purposes", *OF_TABLES) if key in agreement}
    return Bank(**agreement, agreed=lists.pop("fields"), **lists)


def _refuse_wrong_keys(path: Path, agreement: dict[str, Any]) -> None:
    if not set(KEYS) <= set(agreement) <= {*KEYS, *MAY_HAVE}:
        raise WrongFormat(
            f"{path.name}: an agreement has the keys {', '.join(KEYS)}, may have {', '.join(MAY_HAVE)}, and no others",
            hint=f"this one has {', '.join(sorted(agreement)) or 'none'}",
        )
    for key in ("bank_id", "name"):
        if not isinstance(agreement[key], str) or not agreement[key]:
            raise WrongFormat(f"{path.name}: {key!r} is not a text", hint=f'write {key} = "…"')
    for key in ("purposes", *OF_TABLES):
        if not _is_list_of_texts(agreement.get(key, [])):
            raise WrongFormat(f"{path.name}: {key!r} is not a list of different texts", hint=f'write {key} = ["…"]')


def _refuse_wrong_options(path: Path, agreement: dict[str, Any]) -> None:
    version, days = agreement.get("schema", SCHEMA_VERSION), agreement.get("full_every_days")
    if version not in VERSIONS:
        raise WrongFormat(f"{path.name}: 'schema' is no version of the record", hint=f"one of {', '.join(VERSIONS)}")
    recipient = agreement.get("age_recipient")
    if "age_recipient" in agreement and not (isinstance(recipient, str) and is_recipient(recipient)):
        raise WrongFormat(
            f"{path.name}: 'age_recipient' is not a public key of age",
            hint="the bank makes a pair with `age-keygen` and tells the line that begins with age1; one wrong character"
            " is noticed",
        )
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < 1):
        raise WrongFormat(f"{path.name}: 'full_every_days' is not a number of days", hint="7 writes a full file a week")
    if "guarantees" in agreement and "guarantee" not in agreement["purposes"]:
        raise WrongFormat(
            f"{path.name}: 'guarantees' are told where firms consent to them, and 'guarantee' is no purpose here",
            hint='add "guarantee" to purposes, or leave out guarantees',
        )
    if days is not None and version == FIRST_VERSION:
        raise WrongFormat(
            f"{path.name}: version {FIRST_VERSION} of the record has no deltas",
            hint=f'leave out full_every_days, or agree on schema = "{SCHEMA_VERSION}"',
        )


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value) and len(set(value)) == len(value)


def _refuse_wrong_id(path: Path, bank_id: str) -> None:
    if not BANK_ID.fullmatch(bank_id):
        raise WrongFormat(
            f"{path.name}: the bank's id {bank_id!r} cannot name a file",
            hint="lower-case letters and digits, in words joined by hyphens",
        )
    if bank_id != path.stem:
        raise WrongFormat(
            f"{path.name}: the agreement is with {bank_id!r}",
            hint=f"name the file {bank_id}.toml, after the bank",
        )


def _refuse_unknown(path: Path, what: str, named: list[str], choices: tuple[str, ...]) -> None:
    for name in named:
        if name not in choices:
            raise UnknownName(f"{path.name}: there is no {what} {name!r}", hint=f"one of {', '.join(choices)}")
    if what == "purpose" and not named:
        raise WrongFormat(f"{path.name}: no purpose is agreed", hint=f"name one or more of {', '.join(choices)}")
