"""The models that serve: each version in a folder of plain text, and our own history of who decided which day.

MLflow's registry is where models are compared and approved; this copy is what a decision reads, in milliseconds and
with the tracking server down. Moves of MLflow's alias leave no trace there, so promotions are written here too.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from credit.domain.errors import AlreadyThere, ModelMismatch, NoModel, PromotionRefused, StoreDamaged, UnknownName
from data.durable import exclusive, json_of, sha256_of, text_of, write_whole
from features.catalogue import catalogue_hash, definition_hashes
from models.artefact import scorer_of
from models.scorer import Scorer

BOOSTER, REST, CARD, LEARNED = "model.lgb", "model.json", "card.json", "learned.csv"
# The rows that taught a version with their out-of-fold probabilities, and what its validations found.
HELD, VALIDATIONS = "held.parquet", "validations"
HISTORY = "history.jsonl"
PROMOTION, ROLLBACK = "promotion", "rollback"
_NAMED = 5


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
        """The model's own columns of a feature frame: names, order and types as it learned them.

        Raises ModelMismatch with the difference: LightGBM scores by position and would say nothing.
        """
        differs = self._catalogue_differs() or self._frame_differs(frame)
        if differs:
            raise ModelMismatch(
                f"{self.name} version {self.version} was trained on another catalogue of features: {differs}",
                hint="score with the release that trained it, or train it again on this catalogue",
            )
        columns = list(self.model.columns)
        # A million rows are not copied for nothing.
        return frame if list(frame.columns) == columns else frame[columns]

    @property
    def is_of_this_catalogue(self) -> bool:
        """Whether features are still defined as the model learned them, so that it can score."""
        return not self._catalogue_differs()

    def _catalogue_differs(self) -> str:
        """What of the definitions of features is no longer as the model learned them, or nothing."""
        if self.card["catalogue_sha256"] == catalogue_hash():
            return ""
        then, now = self.card.get("definitions", {}), definition_hashes()
        changed = [name for name in then if name in now and then[name] != now[name]]
        parts = {"gone": [n for n in then if n not in now], "new": [n for n in now if n not in then]}
        said = _said({**parts, "defined anew": changed}) if then else ""
        return said or "a source that features share is defined anew"

    def _frame_differs(self, frame: pd.DataFrame) -> str:
        """What of a frame's columns is not as the model learned them, or nothing."""
        wanted, there = list(self.model.columns), set(frame.columns)
        missing = [name for name in wanted if name not in there]
        if missing:
            return _said({"missing": missing})
        known = set(wanted)
        for place, (name, found) in enumerate(zip(wanted, (c for c in frame.columns if c in known), strict=True)):
            if name != found:
                return f"column {place + 1} is {found}, not {name}"
        words = [n for n in wanted if n not in self.model.levels and not _is_number(frame[n])]
        numbers = [n for n in wanted if n in self.model.levels and _is_number(frame[n])]
        return _said({"no number": words, "no words": numbers})


def _sha256(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _said(parts: dict[str, list[str]]) -> str:
    """Names by what is the matter with them, the first few of each.

    >>> _said({"missing": ["a", "b"], "new": []})
    'missing: a, b'
    """
    listed = {
        what: ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        for what, names in parts.items()
    }
    return "; ".join(f"{what}: {names}" for what, names in listed.items() if names)


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

    def add(
        self, name: str, version: int, model: Scorer, card: dict[str, Any], learned: list[str], held: pd.DataFrame
    ) -> Path:
        """Keep a version, the booster last: a folder without one was never finished. Raises AlreadyThere.

        `held` are the rows that taught it with their out-of-fold probabilities. The card keeps the hash of these and of
        the model itself: what is validated, promoted and serves is what was trained.
        """
        folder = self.root / name / str(version)
        if (folder / BOOSTER).exists():
            raise AlreadyThere(f"{name} has a version {version} already", hint="a version is never written twice")
        buffer = io.BytesIO()
        held.to_parquet(buffer, index=False)
        write_whole(folder / HELD, buffer.getvalue())
        rest = json.dumps(model.said(), ensure_ascii=False, indent=1) + "\n"
        card = {
            **card,
            "held_sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
            "model_sha256": _sha256(model.booster, rest),
        }
        write_whole(folder / LEARNED, "".join(f"{supplier}\n" for supplier in sorted(set(learned))).encode())
        write_whole(folder / CARD, json.dumps(card, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")
        write_whole(folder / REST, rest.encode())
        write_whole(folder / BOOSTER, model.booster.encode())
        return folder

    def load(self, name: str, version: int) -> Served:
        """A version as it serves. Raises NoModel, or StoreDamaged where it is not what its training wrote."""
        folder = self.root / name / str(version)
        where = f"{name} version {version}"
        if not (folder / BOOSTER).is_file():
            raise NoModel(f"there is no version {version} of {name}", hint=f"there are {self.versions(name) or 'none'}")
        texts = {file: text_of(folder / file, f"{file} of {where}") for file in (BOOSTER, REST, CARD, LEARNED)}
        card, rest = (json_of(texts[file], f"{file} of {where}") for file in (CARD, REST))
        if not isinstance(card, dict) or card.get("model_sha256") != _sha256(texts[BOOSTER], texts[REST]):
            raise StoreDamaged(
                f"{where} is not the model that its training wrote", hint="restore its files, or train it again"
            )
        digest = _sha256(*texts.values())
        model = scorer_of(rest, texts[BOOSTER], where=where)
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
                else f"`credit model train {' --data '.join(name.split('.', 1))}`",
            )
        return self._as_promoted(name, history[-1])

    def history(self, name: str) -> list[dict[str, Any]]:
        """Who made which version champion, when and why, oldest first."""
        log, what = self.root / name / HISTORY, f"{HISTORY} of {name}"
        entries = [json_of(line, what) for line in text_of(log, what).splitlines()] if log.exists() else []
        if not all(isinstance(entry, dict) and {"at", "to", "sha256"} <= set(entry) for entry in entries):
            raise StoreDamaged(f"{what} holds a line that no promotion wrote", hint="restore it from a backup")
        return entries

    def held(self, served: Served) -> pd.DataFrame:
        """The rows that taught a version with their out-of-fold probabilities. Raises StoreDamaged."""
        file = self.root / served.name / str(served.version) / HELD
        if not file.is_file() or sha256_of(file) != served.card.get("held_sha256"):
            raise StoreDamaged(
                f"{HELD} of {served.name} version {served.version} is not what its training wrote",
                hint="restore the file, or train the model again",
            )
        return pd.read_parquet(file)

    # -- validations -------------------------------------------------------------------------------------------------

    def keep_validation(self, name: str, version: int, document: dict[str, Any], page: str) -> tuple[int, Path]:
        """Keep what a validation found, and its report; answers its number and the report's file."""
        folder = self.root / name / str(version) / VALIDATIONS
        with exclusive(self._lock(name), f"validations of {name}", wait=True):
            number = max((int(file.stem) for file in folder.glob("*.json")), default=0) + 1
            write_whole(folder / f"{number}.html", page.encode())
            text = json.dumps({"number": number, **document}, ensure_ascii=False, indent=1, sort_keys=True)
            write_whole(folder / f"{number}.json", text.encode() + b"\n")
        return number, folder / f"{number}.html"

    def last_validation(self, name: str, version: int, *, before: str | None = None) -> dict[str, Any] | None:
        """What the last validation of a version found, with the hash of its file as `sha256`; None without one.

        With `before`, a moment (ISO, UTC), the last that was made before it.
        """
        files = sorted((self.root / name / str(version) / VALIDATIONS).glob("*.json"), key=lambda f: int(f.stem))
        for file in reversed(files):
            found = json_of(file.read_text(), f"validation {file.stem} of {name} version {version}")
            if before is None or found["at"] < before:
                return {**found, "sha256": sha256_of(file)}
        return None

    # -- who decides -------------------------------------------------------------------------------------------------

    def _approvable(self, name: str, version: int, *, who: str) -> tuple[Served, dict[str, Any]]:
        """A version that this person may make champion, and the validation it passed. Raises PromotionRefused.

        It has passed its last validation, and somebody else trained it.
        """
        served = self.load(name, version)
        author, found = served.card.get("author"), self.last_validation(name, version)
        if found is None:
            raise PromotionRefused(
                f"{name} version {version} was never validated",
                hint=f"`credit model validate {name} --version {version}`",
            )
        if found["model"]["sha256"] != served.sha256:
            raise PromotionRefused(
                f"{name} version {version} is not the model that was validated: its files were altered",
                hint="restore the files, or train again and validate that",
            )
        if not found["passed"]:
            failed = ", ".join(result["check"] for result in found["results"] if result["failed"])
            raise PromotionRefused(
                f"{name} version {version} did not pass validation {found['number']}: {failed}",
                hint="read the report, mend what it names, and train again",
            )
        if author is None or who == author:
            raise PromotionRefused(
                f"{name} version {version} was trained by {author or 'nobody who is known'}; {who} cannot approve it",
                hint="another person has to: `credit model promote` under their own account of the operating system",
            )
        return served, found

    def promote(self, name: str, version: int, *, at: str, who: str, why: str) -> dict[str, Any]:
        """Make a version champion and write down who did it and why. Raises NoModel or PromotionRefused."""
        with exclusive(self._lock(name), f"history of {name}", wait=True):
            served, found = self._approvable(name, version, who=who)
            seen = {"validation": {"number": found["number"], "sha256": found["sha256"]}}
            return self._move(served, PROMOTION, at=at, who=who, why=why, seen=seen)

    def before(self, name: str) -> Served:
        """The version that was champion before the one that is. Raises NoModel, or StoreDamaged if it was altered."""
        standing: list[dict[str, Any]] = []
        for entry in self.history(name):
            again = bool(standing) and standing[-1]["to"] == entry["to"]
            if again or entry.get("move") == ROLLBACK:
                standing.pop()
            if entry.get("move") != ROLLBACK:
                standing.append(entry)
        if len(standing) < 2:
            raise NoModel(f"no version of {name} was champion before", hint=f"`credit model history {name}`")
        return self._as_promoted(name, standing[-2])

    def superseded(self, name: str, *, since: str) -> Served | None:
        """The version whose place the champion took by a promotion from a moment on (ISO, UTC), if it did.

        A rollback supersedes nothing: what it took back must not serve. Raises StoreDamaged if it was altered.
        """
        # To promote once more what is champion changes nothing.
        changes = [(was, now) for was, now in pairwise(self.history(name)) if was["to"] != now["to"]]
        if not changes or changes[-1][1].get("move") == ROLLBACK or changes[-1][1]["at"] < since:
            return None
        return self._as_promoted(name, changes[-1][0])

    def rollback(self, name: str, *, at: str, who: str, why: str) -> dict[str, Any]:
        """Make the version before the champion decide again; whoever sees the need may. Raises NoModel."""
        with exclusive(self._lock(name), f"history of {name}", wait=True):
            return self._move(self.before(name), ROLLBACK, at=at, who=who, why=why, seen={})

    def _move(self, served: Served, move: str, *, at: str, who: str, why: str, seen: dict[str, Any]) -> dict[str, Any]:
        history = self.history(served.name)
        if history and at < history[-1]["at"]:
            raise PromotionRefused(
                f"it is {at}, and the last move of {served.name} was at {history[-1]['at']}",
                hint="a move is written after those before it: look at the clock, or at CREDIT_NOW",
            )
        if not why.strip():
            raise PromotionRefused("a move says why", hint='--why "…"')
        before = history[-1]["to"] if history else None
        entry = {"at": at, "who": who, "why": why, "from": before, "to": served.version, "sha256": served.sha256,
                 "move": move, **seen}  # fmt: skip
        lines = [json.dumps(e, ensure_ascii=False, sort_keys=True) for e in (*history, entry)]
        write_whole(self.root / served.name / HISTORY, ("\n".join(lines) + "\n").encode())
        return entry

    def _as_promoted(self, name: str, entry: dict[str, Any]) -> Served:
        served = self.load(name, entry["to"])
        if served.sha256 != entry["sha256"]:
            raise StoreDamaged(
                f"{name} version {served.version} is not the model that was promoted: its files were altered",
                hint="restore the files, or train again and promote that",
            )
        return served

    def champions(self, name: str, *, since: str, until: str) -> list[dict[str, Any]]:
        """Who was champion at some moment from `since` to before `until` (ISO, UTC): version and since when."""
        moves = [{"version": entry["to"], "from": entry["at"]} for entry in self.history(name) if entry["at"] < until]
        earlier = [move for move in moves if move["from"] <= since]
        return earlier[-1:] + [move for move in moves if move["from"] > since]

    def _lock(self, name: str) -> Path:
        return self.root / name / ".lock"
