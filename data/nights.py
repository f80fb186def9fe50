"""What nights leave: a folder a night, a folder a step in it, and a manifest that seals them.

A step writes into a hidden folder, which gets its name when all of it is on disk: a step is there whole or not at all.
What depends on when and where a night ran, its times and what tracking said, lies in `log/` and is not sealed; all else
is made of the settings alone, so that a night that was killed and went on is the same to the byte.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from credit.domain.errors import NightRefused, StoreDamaged, UnknownDecision
from data.durable import exclusive, json_of, move_folder_whole, move_whole, sha256_of, write_whole
from data.staging import parquet

SETTINGS, DONE, MANIFEST, ACCEPTED = "settings.json", "done.json", "manifest.json", "accepted.json"
LOG = "log"
# What is noted of a night whenever it first began, and stays though it is begun anew.
BEGAN = "began"
# What the seal is, noted before it is written: what is sealed again has to come to the same.
SEALING = "sealing"
DECISIONS = "decisions"
_NIGHT = "as_of="
# So many rows of a file are written at once.
_GROUP_ROWS = 100_000


def said(document: Any) -> bytes:
    """JSON in one form, for people too."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, default=str).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Night:
    """The folder of one night."""

    folder: Path

    @property
    def as_of(self) -> date:
        """The day that the night is about."""
        return date.fromisoformat(self.folder.name.removeprefix(_NIGHT))

    def settings(self) -> dict[str, Any] | None:
        """What the night runs with, fixed when it first began; None before."""
        return self._read(SETTINGS)

    def begin(self, settings: Mapping[str, Any], *, policies: Path, agreements: Path) -> None:
        """Fix what the night runs with, the parameter files and the banks' agreements among it.

        Whatever an earlier beginning left is removed, but for what was noted of the first.
        """
        self._clear()
        for source, target in ((policies, self.policies), (agreements, self.agreements)):
            beside = self.folder / f".{target.name}.partial"
            shutil.copytree(source, beside, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
            move_folder_whole(beside, target)
        # Last: with it the night has begun.
        write_whole(self.folder / SETTINGS, said(settings))

    def reopen(self) -> None:
        """Let a night begin anew of which nothing was sent; until it does, it is still one that has begun."""
        self.note(BEGAN, {**(self.noted(BEGAN) or {}), "anew": True})
        self.forget()

    def forget(self) -> None:
        """Let a night begin anew of which nothing was published."""
        (self.folder / SETTINGS).unlink(missing_ok=True)

    def _clear(self) -> None:
        kept = self.folder / LOG / f"{BEGAN}.json"
        for each in [*self.folder.glob("*"), *(self.folder / LOG).glob("*")]:
            if each.is_dir() and each.name != LOG:
                shutil.rmtree(each)
            elif each.is_file() and each != kept:
                each.unlink()

    @property
    def policies(self) -> Path:
        """The parameter files that the night runs with."""
        return self.folder / "policy"

    @property
    def agreements(self) -> Path:
        """The banks' agreements that the night runs with."""
        return self.folder / "banks"

    # -- steps ---------------------------------------------------------------------------------------------------------

    def done(self, step: str) -> dict[str, Any] | None:
        """What a step found, or None where it is not done."""
        return self._read(f"{step}/{DONE}")

    @contextmanager
    def doing(self, step: str) -> Iterator[Path]:
        """A folder for a step to write into, in its place once the block is left without an error."""
        partial = self.folder / f".{step}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        move_folder_whole(partial, self.folder / step)

    def path(self, step: str, name: str) -> Path:
        """A file that a step left."""
        return self.folder / step / name

    def document(self, step: str, name: str) -> dict[str, Any]:
        """A JSON document that a step left. Raises StoreDamaged where it is gone."""
        found = self._read(f"{step}/{name}")
        if found is None:
            raise StoreDamaged(f"{step}/{name} of the night of {self.as_of} is gone", hint="restore it from a backup")
        return found

    def accepted(self) -> list[dict[str, Any]]:
        """What a second person accepted of what the gate had stopped."""
        return (self._read(ACCEPTED) or {"accepted": []})["accepted"]

    def accept(self, entry: Mapping[str, Any]) -> None:
        """Record that somebody accepted what the gate found."""
        write_whole(self.folder / ACCEPTED, said({"accepted": [*self.accepted(), dict(entry)]}))

    # -- what is not sealed --------------------------------------------------------------------------------------------

    def note(self, name: str, document: Mapping[str, Any]) -> None:
        """Keep something that another run of the same night need not say again."""
        write_whole(self.folder / LOG / f"{name}.json", said(document))

    def noted(self, name: str) -> dict[str, Any] | None:
        """What was noted under a name."""
        return self._read(f"{LOG}/{name}.json")

    # -- the seal ------------------------------------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of a sealed night; None where it is not sealed."""
        return self._read(MANIFEST)

    def seal(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest, last of all: the facts and the SHA-256 of every file. Answers it.

        Raises StoreDamaged where the night was sealed before, its manifest is gone, and it comes to another one.
        """
        files = {name: sha256_of(self.folder / name) for name in self._files()}
        manifest = {**facts, "files": files}
        content = said(manifest)
        seal, noted = hashlib.sha256(content).hexdigest(), self.noted(SEALING)
        if noted is not None and noted["manifest_sha256"] != seal:
            raise StoreDamaged(
                f"the night of {self.as_of} was sealed, its manifest is gone, and its files were altered since",
                hint="restore the night from a backup: it is not sealed anew",
            )
        self.note(SEALING, {"manifest_sha256": seal})
        write_whole(self.folder / MANIFEST, content)
        return manifest

    def sealed_as(self) -> str:
        """The SHA-256 of the manifest of a sealed night."""
        return sha256_of(self.folder / MANIFEST)

    def differences(self) -> list[str]:
        """What is not as the manifest says, a line each; nothing where the night is whole. Raises NightRefused."""
        manifest, sealing = self.manifest(), self.noted(SEALING)
        if manifest is None and sealing is None:
            raise NightRefused(f"the night of {self.as_of} is not sealed", hint="`credit nightly run` finishes it")
        if manifest is None:
            return [f"{MANIFEST}: missing, though it was sealed"]
        there = self._files()
        found = [] if sealing is None or sealing["manifest_sha256"] == self.sealed_as() else [
            f"{MANIFEST}: not the one that sealed it"
        ]  # fmt: skip
        found += [f"{name}: not in the manifest" for name in there if name not in manifest["files"]]
        for name, sha256 in manifest["files"].items():
            if name not in there:
                found.append(f"{name}: missing")
            elif sha256_of(self.folder / name) != sha256:
                found.append(f"{name}: altered since it was sealed")
        return found

    def _files(self) -> list[str]:
        names = (str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())
        return sorted(name for name in names if not name.startswith((".", f"{LOG}/")) and name != MANIFEST)

    def _read(self, name: str) -> dict[str, Any] | None:
        file = self.folder / name
        if not file.is_file():
            return None
        found: dict[str, Any] = json_of(file.read_text(encoding="utf-8"), f"{name} of the night of {self.as_of}")
        return found


@dataclass(frozen=True, slots=True)
class Nights:
    """All nights of one home."""

    root: Path

    def alone(self) -> AbstractContextManager[None]:
        """Run alone, or raise Locked; a process that dies keeps no lock."""
        return exclusive(self.root / ".lock", "nights")

    def night(self, as_of: date) -> Night:
        """The night of a day, whether it has begun or not."""
        return Night(self.root / f"{_NIGHT}{as_of}")

    def begun(self) -> list[Night]:
        """The nights that have begun, the first day first."""
        found = [Night(folder) for folder in sorted(self.root.glob(f"{_NIGHT}*"))]
        return [night for night in found if night.settings() is not None]

    def unfinished(self) -> list[Night]:
        """The nights that were begun and are not sealed, the first day first."""
        found = [Night(folder) for folder in sorted(self.root.glob(f"{_NIGHT}*"))]
        again = [night for night in found if (night.noted(BEGAN) or {}).get("anew") or night.settings() is not None]
        return [night for night in again if night.manifest() is None]

    def sealed(self, *, before: date = date.max) -> list[Night]:
        """The sealed nights of days before one, the first day first."""
        return [night for night in self.begun() if night.as_of < before and night.manifest() is not None]

    def last_seal(self, *, before: date) -> str | None:
        """The SHA-256 of the manifest of the last sealed night before a day."""
        sealed = self.sealed(before=before)
        return sealed[-1].sealed_as() if sealed else None

    def broken_links(self) -> list[str]:
        """Where the chain of the seals is broken, a line each: every manifest has the hash of the one before it."""
        found, last = [], None
        for night in (Night(folder) for folder in sorted(self.root.glob(f"{_NIGHT}*"))):
            manifest = night.manifest()
            if manifest is None:
                if night.noted(SEALING) is not None:
                    found.append(f"{night.folder.name}/{MANIFEST}: missing, though the night was sealed")
                continue
            if manifest["previous"] != last:
                found.append(f"{night.folder.name}/{MANIFEST}: it names another night before it than there is")
            last = night.sealed_as()
        return found

    def decision(self, decision_id: str) -> tuple[Night, dict[str, Any]]:
        """The row of a decision and its night. Raises UnknownDecision."""
        for night in reversed(self.begun()):
            if not decision_id.startswith(prefix_of(night.as_of)):
                continue
            files = sorted((night.folder / DECISIONS).glob("*.parquet"))
            with duckdb.connect() as con:
                for file in files:
                    asked = f"SELECT * FROM {parquet(file)} WHERE decision_id = ?"
                    found = con.sql(asked, params=[decision_id]).to_arrow_table()
                    if found.num_rows:
                        return night, found.to_pylist()[0]
        raise UnknownDecision(
            f"no decision {decision_id!r} is stored",
            hint="`credit decision list` shows what is; ids of nights begin with N and the day",
        )


def prefix_of(as_of: date) -> str:
    """How the ids of a night's decisions begin.

    >>> prefix_of(date(2026, 11, 1))
    'N261101'
    """
    return f"N{as_of:%y%m%d}"


def is_of_a_night(decision_id: str) -> bool:
    """Whether an id is one that a night gave.

    >>> is_of_a_night("N26110126546AE8172227B7"), is_of_a_night("D26546AE8172227B")
    (True, False)
    """
    return decision_id.startswith("N")


def write_frame(file: Path, frame: pd.DataFrame) -> None:
    """Write a frame as Parquet: the same frame, the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    beside = file.with_name(f".{file.name}.partial")
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, beside, row_group_size=_GROUP_ROWS, compression="zstd")
    move_whole(beside, file)


def read_frame(file: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A frame that a night wrote. Raises StoreDamaged."""
    try:
        return pd.read_parquet(file, columns=columns)
    except (OSError, ValueError, KeyError) as broken:
        raise StoreDamaged(
            f"{file.parent.name}/{file.name} of a night cannot be read", hint="restore it from a backup"
        ) from broken
