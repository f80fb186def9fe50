"""A sealed night made again from what it stood on, and held against what it left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import exporting
from credit.app.home import Home
from credit.app.night import computing, files
from credit.app.night.computing import BESIDE, DECISIONS, FEATURES, SCORES
from credit.app.night.engines import Embedded
from credit.app.night.run import Run
from credit.app.night.settings import NightHome, Settings
from credit.domain.errors import NightRefused
from credit.domain.progress import Progress, silent

if TYPE_CHECKING:
    from data.nights import Night

# What the import brought is in the ledger, and is taken as it was counted.
_TAKEN = ("import",)


@dataclass(frozen=True, slots=True)
class _Home(NightHome):
    """A home whose night and bank files are made beside the true ones."""

    beside: Path

    @property
    def exports(self) -> Path:
        """Where bank files are made again."""
        return self.beside / "exports"

    @property
    def kept_exports(self) -> Path:
        """Where what is kept of them is made again."""
        return self.beside / "exports-kept"


def differences(home: Home, night: Night, progress: Progress = silent) -> list[str]:
    """What does not come out again as a sealed night has it, a line each; nothing where all does.

    Features are computed in full, each decision is made with what it found beside it, and every bank's file stands on
    those before it, by the consents that were asked then. Raises NightRefused.
    """
    from data.nights import Night as There

    document = night.settings()
    if document is None or night.manifest() is None:
        raise NightRefused(f"the night of {night.as_of} is not sealed", hint="`credit nightly run` finishes it")
    with tempfile.TemporaryDirectory(dir=home.root) as scratch:
        beside = Path(scratch)
        there = There(beside / night.folder.name)
        for name in (*_TAKEN, night.policies.name, night.agreements.name):
            shutil.copytree(night.folder / name, there.folder / name)
        run = Run(_Home(home.root, there, beside), Settings.read(document), progress, Embedded(keeps=False))
        return [*_made(run, night), *_files(run, home, night)]


def _made(run: Run, night: Night) -> Iterator[str]:
    """What differs of features, scores and decisions, by file."""
    from data.durable import sha256_of
    from data.nights import read_frame, write_frame

    for step, do in ((FEATURES, computing.build_features), (SCORES, computing.score)):
        with run.night.doing(step) as folder:
            do(run, folder)
    with run.night.doing(DECISIONS) as folder:
        for tier in run.tiers:
            rows = read_frame(night.path(DECISIONS, f"{tier}.parquet")).set_index("supplier_id")
            stood = rows.filter(regex=f"^{BESIDE}").rename(columns=lambda name: name.removeprefix(BESIDE))
            again = computing.carried(run, tier, computing.decided_rows(run, tier, stood=stood))
            write_frame(folder / f"{tier}.parquet", again)
    for step in (FEATURES, SCORES, DECISIONS):
        for file in sorted((run.night.folder / step).iterdir()):
            if sha256_of(file) != sha256_of(night.path(step, file.name)):
                yield f"{step}/{file.name} comes out otherwise"


def _files(run: Run, home: Home, night: Night) -> Iterator[str]:
    """What differs of the banks' files before they are encrypted."""
    banks = (night.done(files.STEP) or {})["banks"]
    asked = sorted({(each["consents_on"], each["consents_version"]) for each in banks.values()})
    for day, version in asked:
        theirs = [
            bank for bank, each in banks.items() if (each["consents_on"], each["consents_version"]) == (day, version)
        ]
        yield from _files_by(run, home, {bank: banks[bank] for bank in theirs}, date.fromisoformat(day), version)


def _files_by(run: Run, home: Home, banks: Mapping[str, dict[str, Any]], on: date, version: int) -> Iterator[str]:
    """What differs of the files that were made by the consents of a day, as a version of the ledger knows them."""
    for bank, records in files.records_of(run, list(banks), on=on, version=version):
        was = banks[bank.bank_id]
        folders, true = exporting.folders_of(run.home, bank), exporting.folders_of(home, bank)
        _copy_before(true.sent, folders.sent, was)
        _copy_before(true.kept, folders.kept, was)
        how = {"of": was["type"], "supersedes": was["supersedes"]}
        again = exporting.build_from(run.home, bank, records, files.origin_of(run), on=on, version=version, **how)
        said = exporting.said_of(again)
        if said != {name: was[name] for name in was if not name.startswith(files.CONSENTS)}:
            yield f"{was['export_id']} comes out otherwise"


def _copy_before(source: Path, target: Path, was: dict[str, Any]) -> None:
    """Copy what a bank had been sent before an export; what it has answered since is not known yet."""
    from data.exports.acknowledging import FOLDER
    from data.exports.layout import ExportName

    for folder in sorted(source.iterdir()) if source.is_dir() else []:
        try:
            name = ExportName.parse(folder.name)
        except ValueError:
            continue
        if name.sequence < was["sequence"]:
            shutil.copytree(folder, target / folder.name, ignore=shutil.ignore_patterns(FOLDER))
