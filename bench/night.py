"""`python -m bench.night`: a nation's night from start to seal, the next one, and how both grow.

Writes docs/bench/night.txt.

Suppliers and their history are simulated and imported but for the last days, which lie in the inbox. Five banks have
agreements on all fields, and each firm consents to one of them. The model is trained, validated and promoted on a
smaller platform. Simulating and importing takes half an hour and 8 GB of disk; a folder that is named is kept and used
again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from datetime import date, timedelta
from math import log
from pathlib import Path
from platform import python_version, system
from typing import Any

import duckdb

from bench.measuring import CREDIT, PYTHON, ROOT, Run, apart, measured

RESULT = ROOT / "docs" / "bench" / "night.txt"
START, END = date(2022, 9, 1), date(2026, 10, 31)
# In the middle of a month, where the second night computes few features anew.
FIRST = date(2026, 10, 14)
NATION, SMALLER, TAUGHT = 1_100_000, 100_000, 8_000
BANKS = 5
MOST_SECONDS, MOST_MIB, NEXT_SHARE, MOST_EXPONENT = 600, 8 * 1024, 0.5, 1.05


def simulate(out: Path, suppliers: int, *options: str) -> None:
    """A platform as files."""
    asked = ["--suppliers", str(suppliers), "--from", str(START), "--to", str(END), "--seed", "1", *options]
    measured([CREDIT, "simulate", "platform", *asked, "--out", str(out)], out.parent)


def parted(out: Path, home: Path) -> None:
    """Part a platform's files: what was recorded before the first night, and each of two nights' own in the inbox."""
    nights = [FIRST, FIRST + timedelta(days=1)]
    base = out.parent / f"{out.name}-base"
    base.mkdir()
    with duckdb.connect() as con:
        for file in sorted(out.glob("*.parquet")):
            columns = {row[0] for row in con.execute(f"DESCRIBE FROM '{file}'").fetchall()}
            when = "CAST(recorded_at AS DATE)" if "recorded_at" in columns else f"DATE '{START}'"
            parts = {base: f"{when} < DATE '{nights[0]}'"}
            for night in nights:
                folder = home / "arrives" / str(night)
                folder.mkdir(parents=True, exist_ok=True)
                parts[folder] = f"{when} = DATE '{night}'"
            for folder, which in parts.items():
                con.execute(f"COPY (FROM '{file}' WHERE {which}) TO '{folder / file.name}'")
        # Each firm consents to one bank.
        suppliers = f"(SELECT DISTINCT supplier_id FROM '{base / 'suppliers.parquet'}')"
        con.execute(
            f"""COPY (SELECT 'E' || supplier_id AS consent_event_id, 'K' || supplier_id AS consent_id, supplier_id,
                             'nation-' || (hash(supplier_id) % {BANKS} + 1) AS bank_id, 'credit_line' AS purpose,
                             DATE '{START}' AS happened_on, 'GRANTED' AS kind, NULL::DATE AS valid_to,
                             TIMESTAMP '{START}' AS recorded_at
                      FROM {suppliers}) TO '{base / "consents.parquet"}'"""
        )
        for night in nights:
            (home / "arrives" / str(night) / "consents.parquet").unlink(missing_ok=True)
    measured([CREDIT, "ledger", "import", str(base), "--format", "platform"], home)
    shutil.rmtree(base)


def agree(home: Path) -> None:
    """Agreements of five banks on all fields, each with a key of its own, whole every week; and a key that signs."""
    import pyrage

    said = (ROOT / "data" / "exports" / "banks" / "demo-bank.toml").read_text(encoding="utf-8")
    shutil.rmtree(home / "banks", ignore_errors=True)
    (home / "banks").mkdir()
    for number in range(1, BANKS + 1):
        to = pyrage.x25519.Identity.generate().to_public()
        own = f'{said}\nage_recipient = "{to}"\nfull_every_days = 7\n'
        (home / "banks" / f"nation-{number}.toml").write_text(own.replace("demo-bank", f"nation-{number}"))
    if not (home / "keys").is_dir():
        measured([CREDIT, "export", "keys", "new"], home)


def teach(home: Path) -> dict[str, Any]:
    """Train a model on a home's own history, validate it and let it decide; answers its figures."""
    from credit.app.home import Home
    from credit.app.training import train_and_register
    from credit.app.validating import validate
    from models.registry import registered_name

    there = Home(home)
    card = train_and_register(there, "loan_default", data="platform", as_of=None, author="bench:author")
    name = registered_name("loan_default", "platform")
    validate(there, name, card["version"], as_of=None, who="bench:author")
    there.registry().promote(name, card["version"], at="2026-10-01T00:00:00", who="bench:approver", why="bench")
    return {"auc": card["metrics"]["model"]["auc"]["value"]}


def prepared(folder: Path, suppliers: int) -> Path:
    """A home before its nights: ledger, model, agreements, and what arrives."""
    home = folder / f"home-{suppliers}"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        print(f"{suppliers:,} suppliers: simulate and import", flush=True)
        home.mkdir(parents=True)
        out = folder / f"platform-{suppliers}"
        if not out.is_dir():
            simulate(out, suppliers)
        parted(out, home)
        shutil.copytree(taught(folder) / "models", home / "models")
        (home / "ready").touch()
    agree(home)
    return home


def taught(folder: Path) -> Path:
    """A home with a model."""
    home = folder / f"taught-{TAUGHT}"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        print(f"{TAUGHT:,} suppliers: simulate, import and train", flush=True)
        # Half of them borrow, so that few suppliers teach as much as a nation's.
        simulate(folder / "taught", TAUGHT, "--borrower-share", "0.5")
        measured([CREDIT, "ledger", "import", str(folder / "taught"), "--format", "platform"], home)
        apart("bench.night", "teach", home)
        shutil.rmtree(folder / "taught")
        (home / "ready").touch()
    return home


def night(home: Path, day: date) -> tuple[Run, dict[str, Any]]:
    """One night of a home, with what arrives for it."""
    arrives = home / "arrives" / str(day)
    if arrives.is_dir():
        (home / "inbox" / "platform").mkdir(parents=True, exist_ok=True)
        shutil.copytree(arrives, home / "inbox" / "platform" / str(day))
    run = measured([CREDIT, "nightly", "run", "--as-of", str(day), "--json"], home, allow=4)
    return run, json.loads(run.said)[0]


def begun_anew(home: Path) -> None:
    """Forget the nights of a home, not its ledger: what was imported is recognised."""
    for name in ("nights", "features", "exports", "exports-kept", "inbox", "book.db"):
        path = home / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def verdict(met: bool, what: str, found: str) -> str:
    """One figure: what was wanted, whether it was met, what was measured."""
    return f"  {'met' if met else 'NOT MET':<8} {what}: {found}"


def of_files(said: dict[str, Any]) -> str:
    """How many rows of which kind of file."""
    rows = sum(each["rows"] for each in said["banks"].values())
    kinds = ", ".join(sorted({each["type"].lower() for each in said["banks"].values()}))
    return f"{rows:,} rows in {len(said['banks'])} {kinds} files"


def of_steps(said: dict[str, Any]) -> str:
    """The seconds of each step."""
    return ", ".join(f"{each['step']} {each['seconds']:.0f}" for each in said["steps"])


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where platforms and homes are kept")
    parser.add_argument("--suppliers", type=int, default=NATION)
    parser.add_argument("--smaller", type=int, default=SMALLER)
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        nation, smaller = (prepared(folder, each) for each in (asked.suppliers, asked.smaller))
        for home in (nation, smaller):
            begun_anew(home)
        start_up = measured([PYTHON, "-c", "import lightgbm, pandas, sqlalchemy, duckdb, mlflow"], smaller)
        small, small_said = night(smaller, FIRST)
        first, said = night(nation, FIRST)
        second, next_said = night(nation, FIRST + timedelta(days=1))
    grown = log((first.seconds - start_up.seconds) / (small.seconds - start_up.seconds)) / log(
        asked.suppliers / asked.smaller
    )
    peak = max(first.peak_mib, second.peak_mib)
    lines = [
        "A nation's night",
        "",
        f"Written by `python -m bench.night` on {os.cpu_count()} cores, {system()}, Python {python_version()}.",
        "Whole processes of `credit nightly run`, start to sealed manifest; peak memory as the system accounts it.",
        "",
        f"{asked.suppliers:,} suppliers; {of_files(said)}, the next night {of_files(next_said)}",
        verdict(first.seconds <= MOST_SECONDS, f"at most {MOST_SECONDS} s", f"{first.seconds:.0f} s"),
        f"           {of_steps(said)}",
        verdict(peak <= MOST_MIB, f"at most {MOST_MIB:,} MiB", f"{peak:,.0f} MiB"),
        verdict(
            second.seconds <= NEXT_SHARE * MOST_SECONDS,
            f"the next night at most half of that, {NEXT_SHARE * MOST_SECONDS:.0f} s",
            f"{second.seconds:.0f} s",
        ),
        f"           {of_steps(next_said)}",
        verdict(
            grown <= MOST_EXPONENT,
            f"from {asked.smaller:,} suppliers, start-up ({start_up.seconds:.1f} s) taken off, exponent at most "
            f"{MOST_EXPONENT}",
            f"{grown:.2f} ({small.seconds:.0f} s)",
        ),
        f"           {of_steps(small_said)}",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if not asked.no_page:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
