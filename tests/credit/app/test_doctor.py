"""`credit doctor`: it finds what is wrong, says what to do, and touches nothing."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from credit.app import doctoring
from credit.app.doctoring import CHECKS, State
from credit.app.home import Home


def by_check(answer):
    states: dict[str, set[str]] = {}
    for each in answer.json["findings"]:
        states.setdefault(each["check"], set()).add(each["state"])
    return states


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    # SQLite's own memory of who reads is no part of the book.
    files = [file for file in sorted(folder.rglob("*")) if not file.name.endswith("-shm")]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def test_a_home_that_works_has_nothing_wrong_and_is_left_as_it_was(spoilt):
    home, credit = spoilt
    before = everything(home)
    answer = credit("doctor", "--json")
    assert answer.code == 0, answer.out
    found = by_check(answer)
    assert list(found) == [name for name, _ in CHECKS]
    assert all(found[check] == {"ok"} for check in ("home", "ledger", "book", "tracking", "models", "keys", "policy"))
    assert credit("doctor").out.endswith("Nothing is wrong.\n")
    assert everything(home) == before


def test_an_empty_home_is_no_fault_and_is_not_made(empty, tmp_path):
    answer = empty("doctor", "--json")
    assert answer.code == 0
    notes = [each for each in answer.json["findings"] if each["state"] == "note"]
    assert {"home", "ledger", "book", "tracking", "models", "keys", "night"} <= {each["check"] for each in notes}
    assert all(each["do"] for each in notes)
    assert list(tmp_path.iterdir()) == []


def garbage(file: str):
    def spoil(home: Path) -> None:
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_bytes(b"\x00garbage = [")

    return spoil


def readable_key(home: Path) -> None:
    (home / "keys" / "signing.key").chmod(0o644)


def emptied(name: str):
    """What spoils a home: a folder is gone, a file holds nothing."""

    def spoil(home: Path) -> None:
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.write_bytes(b"")

    return spoil


def cut(table: str):
    """What spoils a home: a file of the ledger is cut short."""

    def spoil(home: Path) -> None:
        [file] = Home(home).ledger().files(table)
        os.truncate(file, 100)

    return spoil


def gone(table: str):
    """What spoils a home: a file of the ledger is gone."""
    return lambda home: Home(home).ledger().files(table)[0].unlink()


def old_key(home: Path) -> None:
    long_ago = time.mktime((2020, 1, 1, 0, 0, 0, 0, 0, 0))
    os.utime(home / "keys" / "signing.key", (long_ago, long_ago))


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("ledger", garbage("ledger/batches/000001.json")),
        ("ledger", cut("payments")),
        ("ledger", gone("payments")),
        ("book", garbage("book.db")),
        ("book", emptied("book.db")),
        ("keys", emptied("keys")),
        ("tracking", garbage("mlflow/mlflow.db")),
        ("models", garbage("models/loan_default.platform/history.jsonl")),
        ("keys", garbage("keys/signing.key")),
        ("keys", readable_key),
        ("roles", garbage("roles.toml")),
        ("policy", garbage("policy/shared.toml")),
        ("banks", garbage("banks/demo-bank.toml")),
        ("night", garbage("nights/as_of=2026-11-01/settings.json")),
    ],
)
def test_what_is_broken_is_found_with_what_to_do_and_the_rest_is_looked_at(changed, check, spoil):
    home, credit = changed
    spoil(home)
    answer = credit("doctor", "--json")
    assert answer.code == 6
    found = by_check(answer)
    assert "wrong" in found[check]
    # Whoever may grant how much stands beside the packs.
    known = {"policy": {"policy", "roles"}}.get(check, {check})
    assert {name for name, states in found.items() if "wrong" in states} <= known
    assert all(each["do"] for each in answer.json["findings"] if each["state"] == "wrong")
    assert "Traceback" not in answer.err and "garbage" not in answer.out


def test_a_key_older_than_a_year_is_noted(changed):
    home, credit = changed
    old_key(home)
    [key] = [each for each in credit("doctor", "--json").json["findings"] if each["check"] == "keys"]
    assert (key["state"], "docs/bank-keys.md" in key["do"]) == ("note", True)


def test_a_broken_configuration_is_said_first_and_alone(empty, tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "credit.toml").write_text('lnag = "zh"\n')
    answer = empty("doctor", "--json")
    assert answer.code == 6
    assert by_check(answer) == {"configuration": {"wrong"}, "versions": {"ok"}}


def test_servers_that_are_away_are_found_within_seconds(empty):
    pytest.importorskip("psycopg")
    begun = time.monotonic()
    away = {"CREDIT_BOOK_URL": "postgresql://me:secret@127.0.0.1:9/x", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    answer = empty("doctor", "--json", **away)
    assert time.monotonic() - begun < 20
    assert answer.code == 6
    assert {name for name, states in by_check(answer).items() if "wrong" in states} == {"book", "tracking"}
    assert "secret" not in answer.out


def test_a_check_that_hangs_or_breaks_keeps_no_other_from_being_made(empty, monkeypatch):
    def hangs(home):
        time.sleep(30)
        yield State.OK, "", ""

    def breaks(home):
        yield State.OK, "as far as it came", ""
        raise RuntimeError("张三 330127199001011234")

    def works(home):
        yield State.OK, "fine", ""

    monkeypatch.setattr(doctoring, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(doctoring, "CHECKS", (("hangs", hangs), ("breaks", breaks), ("works", works)))
    answer = empty("doctor", "--json")
    assert answer.code == 6
    assert by_check(answer) == {"hangs": {"wrong"}, "breaks": {"ok", "wrong"}, "works": {"ok"}}
    assert "张三" not in answer.out + answer.err
