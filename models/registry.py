"""The models that serve: each version in a folder of plain text, and our own history of who decided which day.

MLflow's registry is where models are compared and approved; this copy is what a decision reads, in milliseconds and
with the tracking server down. Moves of MLflow's alias leave no trace there, so promotions are written here too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from credit.domain.errors import AlreadyThere, ModelMismatch, NoModel, UnknownName
from data.durable import json_of, write_whole
from features.catalogue import catalogue_hash
from models.scorer import Scorer

BOOSTER, REST, CARD, LEARNED = "model.lgb", "model.json", "card.json", "learned.csv"
HISTORY = "history.jsonl"


@dataclass(frozen=True, slots=True)
class Served:
    """A version of a model as it serves: the model, its card, and the firms it learned from where that matters."""

    name: str
    version: int
    sha256: str
    model: Scorer
    card: dict[str, Any]
    learned: frozenset[str]

    @property
    def label(self) -> dict[str, Any]:
        """What a record says of the model."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}

    def inputs(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The model's own columns of a feature frame, in its order. Raises ModelMismatch with the difference."""
        missing = [name for name in self.model.columns if name not in frame.columns]
        if missing or self.card["catalogue_sha256"] != catalogue_hash():
            raise ModelMismatch(
                f"{self.name} version {self.version} was trained on another catalogue of features",
                hint=f"missing now: {', '.join(missing[:5]) or 'none, but a definition changed'}; train it again",
            )
        return frame[list(self.model.columns)]


def registered_name(target: str, tier: str) -> str:
    """A model's name carries the data that it reads.

    >>> registered_name("loan_default", "invoice")
    'loan_default.invoice'
    """
    return f"{target}.{tier}"


class Registry:
    """The model folders under one root: `<name>/<version>/` and `<name>/history.jsonl`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def versions(self, name: str) -> list[int]:
        """The versions of a model that are here, oldest first."""
        return sorted(int(p.name) for p in (self.root / name).glob("*") if p.name.isdigit())

    def next_version(self, name: str) -> int:
        """The number of the next version; ours, whatever tracking server the trainings went to."""
        return max(self.versions(name), default=0) + 1

    def names(self) -> list[str]:
        """The models that have a version here."""
        return sorted(p.name for p in self.root.glob("*.*") if p.is_dir() and self.versions(p.name))

    def refuse_unknown(self, name: str) -> None:
        """Raise UnknownName, with the choices, for a model that has no version here."""
        if name not in self.names():
            raise UnknownName(
                f"there is no model {name!r}", hint="choose from " + (", ".join(self.names()) or "none yet")
            )

    def add(self, name: str, version: int, model: Scorer, card: dict[str, Any], learned: list[str]) -> Path:
        """Keep a version, the booster last: a folder without one was never finished. Raises AlreadyThere."""
        folder = self.root / name / str(version)
        if (folder / BOOSTER).exists():
            raise AlreadyThere(f"{name} has a version {version} already", hint="a version is never written twice")
        write_whole(folder / LEARNED, "".join(f"{supplier}\n" for supplier in sorted(set(learned))).encode())
        write_whole(folder / CARD, json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")
        write_whole(folder / REST, json.dumps(model.said(), ensure_ascii=False, indent=1).encode() + b"\n")
        write_whole(folder / BOOSTER, model.booster.encode())
        return folder

    def load(self, name: str, version: int) -> Served:
        """A version as it serves. Raises NoModel."""
        folder = self.root / name / str(version)
        if not (folder / BOOSTER).is_file():
            raise NoModel(f"there is no version {version} of {name}", hint=f"there are {self.versions(name) or 'none'}")
        texts = {file: (folder / file).read_text() for file in (BOOSTER, REST, CARD, LEARNED)}
        card, rest = (json_of(texts[file], f"{file} of {name} version {version}") for file in (CARD, REST))
        digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()
        model = Scorer.of(rest, texts[BOOSTER])
        return Served(name, version, digest, model, card, frozenset(texts[LEARNED].splitlines()))

    def champion(self, name: str) -> Served:
        """The version that decides. Raises NoModel."""
        history = self.history(name)
        if not history:
            trained = self.versions(name)
            raise NoModel(
                f"no version of {name} is champion",
                hint=f"`credit model promote {name} --version {trained[-1]} --why …`"
                if trained
                else f"`credit model train {name.partition('.')[0]} --data {name.partition('.')[2]}`",
            )
        served = self.load(name, history[-1]["to"])
        if served.sha256 != history[-1]["sha256"]:
            raise ModelMismatch(
                f"{name} version {served.version} is not the model that was promoted: its files were altered",
                hint="restore the files, or train again and promote that",
            )
        return served

    def history(self, name: str) -> list[dict[str, Any]]:
        """Who made which version champion, when and why, oldest first."""
        log = self.root / name / HISTORY
        return [json_of(line, f"{HISTORY} of {name}") for line in log.read_text().splitlines()] if log.exists() else []

    def promote(self, name: str, version: int, *, at: str, who: str, why: str) -> dict[str, Any]:
        """Make a version champion and write down who did it and why. Raises NoModel for a version that is not here."""
        served = self.load(name, version)
        history = self.history(name)
        before = history[-1]["to"] if history else None
        entry = {"at": at, "who": who, "why": why, "from": before, "to": version, "sha256": served.sha256}
        lines = [json.dumps(e, ensure_ascii=False, sort_keys=True) for e in (*history, entry)]
        write_whole(self.root / name / HISTORY, ("\n".join(lines) + "\n").encode())
        return entry

    def champion_on(self, name: str, day: date) -> int | None:
        """The version that was champion at the end of a day (UTC), or None."""
        moves = [entry["to"] for entry in self.history(name) if entry["at"][:10] <= str(day)]
        return moves[-1] if moves else None
