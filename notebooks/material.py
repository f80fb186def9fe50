"""What a notebook works on: a copy of the demonstration, an empty home, or the real records.

A notebook may spoil what it is given: it is a copy in a folder of its own, which goes when Python ends.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path

from credit.app.home import Home

ROOT = Path(__file__).resolve().parents[1]
# Where a notebook would otherwise write to, or sign with, what is not a copy.
_ELSEWHERE = ("CREDIT_BOOK_URL", "CREDIT_SIGNING_KEY", "MLFLOW_TRACKING_URI")


def scratch() -> Path:
    """A new folder that goes when Python ends."""
    folder = Path(tempfile.mkdtemp(prefix="notebook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def empty() -> Home:
    """A home that holds nothing."""
    _stay_here()
    return Home(scratch() / "var")


def demonstration() -> Home:
    """A copy of what `credit demo` left in `$CREDIT_HOME`, by default `var/` beside the notebooks' folder.

    From then on it is the morning of the second day after the last one that its ledger knows.
    """
    kept = Path(os.environ.get("CREDIT_HOME", ROOT / "var"))
    if not all((kept / name).is_dir() for name in ("platform", "ledger", "models")):
        raise SystemExit(f"{kept} holds no demonstration\nHint:  `make demo`, or CREDIT_HOME=FOLDER credit demo")
    home = empty()
    shutil.copytree(kept, home.root)
    last = home.ledger().last_day()
    os.environ["CREDIT_NOW"] = datetime.combine(last + timedelta(days=2), time(1)).isoformat()
    return home


def records(name: str) -> Path:
    """A folder of real records: of `$CREDIT_REAL_DATA`, by default `../shared/data` beside the project."""
    folder = Path(os.environ.get("CREDIT_REAL_DATA", ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not here\nHint:  CREDIT_REAL_DATA=FOLDER names where the real records are")
    return folder


def _stay_here() -> None:
    for name in _ELSEWHERE:
        os.environ.pop(name, None)
