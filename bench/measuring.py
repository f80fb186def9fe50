"""Whole processes measured from outside: wall seconds, and peak memory as the operating system accounts it.

A process that is started begins with the peak of the one that starts it, so who measures has to stay small: what needs
much memory beside the measured runs goes `apart`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
# So much of what a command that failed said on stderr is repeated.
LAST_WORDS = 2_000
CREDIT = str(Path(sys.executable).parent / "credit")


# One count and one sum a supplier over every table of events that has an amount.
BARE = """
import glob, os, duckdb
con = duckdb.connect()
for folder in glob.glob(os.environ["CREDIT_HOME"] + "/ledger/tables/*"):
    files = f"read_parquet({glob.glob(folder + '/*/*.parquet')})"
    names = [row[0] for row in con.execute(f"DESCRIBE FROM {files}").fetchall()]
    amounts = [name for name in names if name.endswith("_fen")]
    if "supplier_id" in names and amounts:
        con.execute(f"SELECT supplier_id, count(*), sum({amounts[0]}) FROM {files} GROUP BY 1").fetchnumpy()
"""


@dataclass(frozen=True)
class Run:
    """One measured process, and what it said on stdout."""

    seconds: float
    peak_mib: float
    said: str = ""


def measured(command: list[str], home: Path, allow: int = 0) -> Run:
    """Run a command to its end; raises if it fails otherwise than with the exit code that is allowed."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said, tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        start = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, "CREDIT_HOME": str(home)}, stdout=said, stderr=told)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, allow):
            told.seek(0)
            raise SystemExit(f"{' '.join(command)} exited {process.returncode}\n{told.read()[-LAST_WORDS:]}")
        said.seek(0)
        return Run(seconds, usage.ru_maxrss / 1024, said.read())


def paired(first: list[str], second: list[str], home: Path, runs: int) -> tuple[list[Run], list[Run]]:
    """Two commands in turn, A B A B …, after one warm-up of each."""
    measured(first, home), measured(second, home)
    pairs = [(measured(first, home), measured(second, home)) for _ in range(runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def apart(module: str, function: str, *arguments: Any, **named: Any) -> Any:
    """Import and call a function in a process of its own, whose memory is not the caller's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_called, module, function, arguments, named).result()


def _called(module: str, function: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return getattr(import_module(module), function)(*arguments, **named)
