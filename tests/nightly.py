"""What nights leave, for tests and soaks that compare one that was disturbed with one that was not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from credit.app.home import Home

MODEL = "loan_default.platform"
ROOT = Path(__file__).resolve().parent.parent
DAY, NOW = "2026-11-01", "2026-11-03T01:00:00"
ARRIVED = "payment_id,supplier_id,buyer_id,contract_id,paid_on,amount_fen,currency,kind,account_id,recorded_at\n"


def plaintext(home: Path, day: str = DAY) -> dict[str, str]:
    """The hash of every sealed file of a night, its manifest, and every bank file and what is kept of it."""
    night = home / "nights" / f"as_of={day}"
    found = [each for each in night.rglob("*") if each.is_file() and "log" not in each.relative_to(night).parts]
    for folder in (home / "exports", home / "exports-kept"):
        found += [each for each in folder.rglob("*") if each.is_file() and not each.name.endswith(".lock")]
    return {str(each.relative_to(home)): hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(found)}


def arrive(home: Path, name: str, rows: list[str], *, table: str = "payments", header: str = ARRIVED) -> Path:
    """Put a folder with one table into the inbox."""
    folder = home / "inbox" / "platform" / name
    folder.mkdir(parents=True)
    (folder / f"{table}.csv").write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder


def night_process(home: Path, *words: str) -> subprocess.Popen[str]:
    """The night in a process of its own."""
    env = {**os.environ, "CREDIT_HOME": str(home), "CREDIT_NOW": NOW, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli", "nightly", "run", "--as-of", DAY, "--json", *words]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Interrupted(Exception):
    """What a fault raises; nothing of ours catches it."""


@contextmanager
def fault_at(number: int) -> Iterator[dict[str, int]]:
    """Fail at the so many-th time that something is forced to disk, renamed or replaced; counts them."""
    counted = {"calls": 0}
    real = {name: getattr(os, name) for name in ("fsync", "rename", "replace")}

    def failing(name: str) -> Any:
        def call(*words: Any, **named: Any) -> Any:
            counted["calls"] += 1
            if counted["calls"] == number:
                raise Interrupted(f"{name}, call {number}")
            return real[name](*words, **named)

        return call

    for name in real:
        setattr(os, name, failing(name))
    try:
        yield counted
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def copied(source: Path, target: Path) -> Path:
    """A copy of a home."""
    return Path(shutil.copytree(source, target))


def second_model(home: Path, at: str) -> None:
    """A second version of the model with another anchor, validated, and champion from a moment on."""
    folder = home / "models" / MODEL
    shutil.copytree(folder / "1", folder / "2")
    shutil.rmtree(folder / "2" / "validations")
    card = json.loads((folder / "2" / "card.json").read_text())
    card["anchor"]["log_odds_shift"] -= 0.5
    (folder / "2" / "card.json").write_text(json.dumps(card))
    registry = Home(home).registry()
    found = {**(registry.last_validation(MODEL, 1) or {}), "model": registry.load(MODEL, 2).label, "passed": True}
    registry.keep_validation(MODEL, 2, {name: each for name, each in found.items() if name != "number"}, "<html>")
    registry.promote(MODEL, 2, at=at, who="bob", why="another long run")
