"""Look at an installation without touching it: what is there, whether it works, and what to do where it does not.

Each check stands by itself: one that fails, or hangs, says so and keeps no other from being made. Nothing is made or
changed, and nothing secret is said.
"""

from __future__ import annotations

import os
import platform
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from credit.app import configuration
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.domain.errors import CreditError

LIBRARIES = (
    *("supplier-credit", "duckdb", "pandas", "numpy", "pyarrow", "scikit-learn", "lightgbm", "mlflow", "sqlalchemy"),
    *("cryptography", "pyrage"),
)
EXTRAS = {"spark": "pyspark", "scorecard": "optbinning", "postgres": "psycopg", "tuning": "optuna"}
# A check that has not answered by then is reported as such; a server is given less.
CHECK_SECONDS, SERVER_SECONDS = 30, 5
# An import of a nation's platform spills and writes some gigabytes.
LEAST_FREE = 2 * 1024**3
# docs/bank-keys.md: a key is changed at least once a year.
KEY_DAYS = 365
_SQLITE = b"SQLite format 3\x00"


class State(StrEnum):
    """What a finding comes to: `note` is something to know or to do in its time, and no fault."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    check: str
    state: State
    says: str
    do: str = ""


# What a check yields: how it is, what it says, what to do.
Said = tuple[State, str, str]
Check = Callable[[Home], Iterator[Said]]


def examined() -> list[Finding]:
    """What every check found, in order."""
    try:
        home = Home.from_environment()
    except CreditError as broken:
        # Where the home is, and which servers there are, is said by nothing else.
        wrong = Finding("configuration", State.WRONG, broken.message, broken.hint)
        return [wrong, *_made("versions", _versions, Home(Path()))]
    return [finding for name, check in CHECKS for finding in _made(name, check, home)]


def _made(name: str, check: Check, home: Home) -> list[Finding]:
    """What a check found, made in a thread of its own so that one that hangs is left behind."""
    found: list[Finding] = []
    failed: list[Finding] = []

    def make() -> None:
        try:
            for said in check(home):
                found.append(Finding(name, *said))
        except CreditError as error:
            failed.append(Finding(name, State.WRONG, error.message, error.hint or error.remedy))
        except Exception as error:
            # Its text is not shown: it could hold what is in a file.
            why = f"could not be looked at ({type(error).__name__})"
            failed.append(Finding(name, State.WRONG, why, "CREDIT_DEBUG=1 with the command that uses it shows where"))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    if thread.is_alive():
        failed = [Finding(name, State.WRONG, f"no answer within {CHECK_SECONDS} seconds", "is a disk or server away?")]
    return [*found, *failed]


# -- the checks --------------------------------------------------------------------------------------------------------


def _configuration(_: Home) -> Iterator[Said]:
    settings = configuration.current()
    file = configuration.file_in_force()
    yield State.OK, str(file) if settings.file else f"no {file}: variables and defaults hold", ""
    if settings.now is not None:
        yield State.NOTE, f"the clock stands still at {settings.now.isoformat()}", "unset CREDIT_NOW for today's work"


def _versions(_: Home) -> Iterator[Said]:
    found = {name: _version(name) for name in LIBRARIES}
    missing = [name for name, number in found.items() if number is None]
    yield State.OK, ", ".join([f"Python {platform.python_version()}", *(f"{n} {v}" for n, v in found.items() if v)]), ""
    if missing:
        yield State.WRONG, "not installed: " + ", ".join(missing), "`make env`, or install the wheel anew"
    there = {extra: _version(name) for extra, name in EXTRAS.items()}
    extras = [f"{extra} ({EXTRAS[extra]} {number})" if number else f"no {extra}" for extra, number in there.items()]
    yield State.OK, "extras: " + ", ".join(extras), ""


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _home(home: Home) -> Iterator[Said]:
    root = home.root.absolute()
    if root.exists() and not root.is_dir():
        yield State.WRONG, f"{root} is no folder", "name another by CREDIT_HOME"
        return
    there = next(folder for folder in (root, *root.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK | os.X_OK):
        yield State.WRONG, f"{there} cannot be written to", "its owner or group has to let this account"
    elif free < LEAST_FREE:
        yield State.WRONG, f"{root}: {free / 1024**3:.1f} GiB are free", "make room; an import writes gigabytes"
    elif there != root:
        yield State.NOTE, f"{root} is not there yet", "whatever writes first makes it: `credit ledger import`"
    else:
        yield State.OK, f"{root}, {free / 1024**3:,.0f} GiB free", ""


def _ledger(home: Home) -> Iterator[Said]:
    ledger = home.ledger()
    if not ledger.version:
        yield State.NOTE, "it holds nothing", "`credit ledger import` reads a history, `credit demo` makes one"
        return
    if wrong := ledger.unreadable():
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        yield State.WRONG, f"it is damaged: {wrong[0]}{more}", "restore it from a backup"
        return
    days = ", ".join(f"{tier} known until {ledger.last_day(tier)}" for tier in ledger.tiers())
    yield State.OK, f"version {ledger.version}, {days}", ""


def _book(home: Home) -> Iterator[Said]:
    from data.book.opening import NEWEST

    store = home.store()
    form = store.form(seconds=SERVER_SECONDS)
    if form is None and store.is_embedded and store.file.exists():
        yield State.WRONG, f"{store.name} is there and holds nothing", "restore it from a backup"
    elif form is None:
        yield State.NOTE, f"{store.name} holds nothing", "the first decision makes it"
    elif form != NEWEST:
        yield State.WRONG, f"{store.name} has form {form}, this release {NEWEST}", "`credit book upgrade`"
    else:
        yield State.OK, f"{store.name}, form {form}, the newest", ""


def _tracking(home: Home) -> Iterator[Said]:
    uri = home.tracking_uri
    shown = configuration.without_password(uri)
    kind = uri.partition(":")[0]
    if kind in ("http", "https"):
        yield _server(uri, shown)
    elif kind != "sqlite":
        yield State.NOTE, f"{shown}: not looked at", "`credit decision track` says whether it takes what it is handed"
    else:
        file = Path(uri.removeprefix("sqlite:///"))
        if not file.is_file():
            yield State.NOTE, f"{file} is not there yet", "the first training makes it"
        elif file.open("rb").read(len(_SQLITE)) != _SQLITE:
            yield State.WRONG, f"{file} is no database", "restore it from a backup, or name a server: `tracking.uri`"
        else:
            yield State.OK, str(file), ""


def _server(uri: str, shown: str) -> Said:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(f"{uri.rstrip('/')}/health", timeout=SERVER_SECONDS):
            return State.OK, f"{shown} answers", ""
    except HTTPError as answered:
        if answered.code < 500:
            return State.OK, f"{shown} answers", ""
        return State.WRONG, f"{shown} answers with {answered.code}", "look at the server's own log"
    except (URLError, OSError, ValueError):
        return State.WRONG, f"{shown} does not answer", "is it running, and is `tracking.uri` right? Decisions go on"


def _models(home: Home) -> Iterator[Said]:
    registry = home.registry()
    names = registry.names()
    if not names:
        yield State.NOTE, "none is trained", "`credit model train loan_default`"
    for name in names:
        if not registry.history(name):
            yield State.NOTE, f"{name}: no version is champion", f"`credit model validate {name}`, then promote"
        else:
            yield State.OK, f"{name}/{registry.champion(name).version} is champion", ""


def _keys(home: Home) -> Iterator[Said]:
    from credit.app import signing

    if not signing.is_ready(home):
        if home.exports.exists():
            yield State.WRONG, "the key that signed what was sent is gone", "restore it, or `credit export keys new`"
        else:
            yield State.NOTE, "none signs bank files", "`credit export keys new` makes one"
        return
    file = signing.key_file(home)
    key = signing.signer(home)
    age = (now() - datetime.fromtimestamp(file.stat().st_mtime)).days
    if age > KEY_DAYS:
        yield State.NOTE, f"{key.key_id} signs since {age} days", "change it: docs/bank-keys.md, `credit export keys`"
    else:
        yield State.OK, f"{key.key_id} signs, {max(age, 0)} days old, its owner alone reads it", ""


def _roles(home: Home) -> Iterator[Said]:
    from collections import Counter

    from credit.app.policies import authority_terms
    from credit.app.roles import all_roles

    authority_terms(home, day_of(now()))
    roles = all_roles(home)
    if not roles:
        yield State.NOTE, "nobody has a role: one person works alone", "name accounts in roles.toml (README)"
        return
    counted = Counter(role.value for role in roles.values())
    yield State.OK, ", ".join(f"{count} {role}" for role, count in sorted(counted.items())), ""


def _policy(home: Home) -> Iterator[Said]:
    from credit.app.policies import alert_parameters, night_parameters, packs

    found = packs(home)
    alert_parameters(home)
    night_parameters(home.policies)
    own = "own" if home.policies.is_relative_to(home.root) else "as shipped"
    yield State.OK, f"{len(found)} packs, {own}; `credit policy check` proves them", ""


def _banks(home: Home) -> Iterator[Said]:
    from data.exports.banks import load_bank, shipped_banks

    if home.banks is None:
        yield State.NOTE, "only those that ship: " + ", ".join(shipped_banks()), "an agreement is a file in banks/"
        return
    named = [load_bank(file).bank_id for file in sorted(home.banks.glob("*.toml"))]
    yield State.OK, ", ".join(named) or "none", ""


def _night(home: Home) -> Iterator[Said]:
    from credit.app.night.running import status

    if not home.nights().begun():
        yield State.NOTE, "none was run", "`credit nightly run`; deploy/ has what calls it"
        return
    last = status(home, None)
    said = f"the night of {last['as_of']} is {last['state']}"
    yesterday = day_of(now()) - timedelta(days=1)
    if last["stopped_by"] and last["state"] != "sealed":
        yield State.WRONG, f"{said}: the gate stopped it", "`credit nightly status` says what to look at"
    elif last["failed"]:
        failed = last["failed"]
        yield State.WRONG, f"{said} at {failed['step']}: {failed['message']}", failed["hint"]
    elif last["state"] != "sealed":
        yield State.NOTE, f"{said}: it runs, or was cut off", "`credit nightly run` goes on with it"
    elif last["as_of"] < str(yesterday):
        yield State.NOTE, f"{said}, and {yesterday} is over", "`credit nightly run` catches up"
    else:
        yield State.OK, said, ""


CHECKS: tuple[tuple[str, Check], ...] = (
    ("configuration", _configuration),
    ("versions", _versions),
    ("home", _home),
    ("ledger", _ledger),
    ("book", _book),
    ("tracking", _tracking),
    ("models", _models),
    ("keys", _keys),
    ("roles", _roles),
    ("policy", _policy),
    ("banks", _banks),
    ("night", _night),
)
