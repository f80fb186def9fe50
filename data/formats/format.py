"""What an import format says: which files fill which tables, and how each column is read from the source's text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from credit.domain.errors import FileMissing, WrongFormat
from data.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa


class MoneyIn(StrEnum):
    """The unit in which a source writes amounts: of the row's currency, its smallest or its own (fen or yuan)."""

    MINOR = "minor"
    MAJOR = "major"


# What a format that reads files in its own way answers: the name of a relation, and some rows of it as text, with
# `_row`, `_line` and `_refused` beside the source's columns.
Rows = tuple[str, "pa.Table"]
# The relation in which such a format counts what a file holds that is no event: `what` and `rows`, as text.
PASSED_OVER = "passed_over"


@dataclass(frozen=True, slots=True)
class Mapping:
    """How files of one name fill one table.

    `columns` gives a SQL expression over the source's text columns for each ledger column; one that is not named stays
    empty; `dates` says which of them the source writes after a pattern of its own. `needs` are the source's columns
    without which the file is refused, `optional` those it may leave out. Of a file that holds several relations,
    `relation` names the one. `beside` names the tables that have to be fed by the same import because `columns` looks
    at the days of their rows, `first_day` and `last_day` in `days_<table>`.
    """

    table: Table
    files: str
    columns: dict[str, str]
    needs: tuple[str, ...]
    money_in: MoneyIn = MoneyIn.MINOR
    where: str = "true"
    optional: tuple[str, ...] = ()
    dates: dict[str, str] = field(default_factory=dict)
    beside: tuple[Table, ...] = ()
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One import format. `lag_days` is how long after an event it could be known, where the source does not say.

    A format whose files are no tables has a `reader`, which answers what a file holds piece by piece. One that
    `restates` says a row again when it changes, under the same key: the later statement takes the earlier one's place
    from the moment it was recorded on. `database` is the SQLAlchemy URL that files of SQL are asked of; it may hold a
    password and is never shown.
    """

    name: str
    meaning: str
    tier: str
    mappings: tuple[Mapping, ...]
    lag_days: int
    page: str
    sample: str
    reader: Callable[[Path], Iterator[Rows]] | None = None
    restates: bool = False
    database: str | None = field(default=None, repr=False)

    def sources(self, path: Path) -> list[tuple[Mapping, Path]]:
        """The files under `path` (a folder or one file) with the mapping that reads each, in a stable order.

        Raises FileMissing where there is nothing, WrongFormat where nothing there is of this format or a file lacks
        those that have to come with it.
        """
        if not path.exists():
            raise FileMissing(f"{path.name}: there is no such file or folder", hint=f"looked in {path.parent}")
        files = _files_in(path) if path.is_dir() else [path]
        found = [(m, p) for m in self.mappings for p in files if re.fullmatch(m.files, p.name)]
        if not found:
            names = ", ".join(sorted({m.files.replace("\\", "") for m in self.mappings})[:4])
            kind = self.name.partition("/")[0]
            raise WrongFormat(
                f"{path.name}: no file of format {self.name} there",
                hint=f"it reads files named like {names}; `credit ledger formats {kind}` shows a sample",
            )
        for mapping, file in found:
            alone = [table.name for table in mapping.beside if all(m.table is not table for m, _ in found)]
            if alone:
                raise WrongFormat(
                    f"{file.name}: it cannot be read without {alone[0]}",
                    hint=f"import the folder that holds its {alone[0]} files as well",
                )
        return found

    def not_read(self, path: Path) -> list[str]:
        """Names of the files under `path` that this format leaves alone."""
        read = {p for _, p in self.sources(path)}
        return [p.name for p in _files_in(path) if p not in read] if path.is_dir() else []


def _files_in(folder: Path) -> list[Path]:
    """The files of a folder by name; hidden ones are the operating system's, not the source's."""
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
