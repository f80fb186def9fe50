"""`make bench`: measure the figures and write them to docs/figures.md.

Each figure is a whole process measured from outside (wall seconds, and peak memory of the process as the operating
system accounts it), the median of several runs after one warm-up; ratios pair two commands run in turn.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data" / "sme_invoices"
PYTHON = sys.executable
CREDIT = str(Path(sys.executable).parent / "credit")


@dataclass(frozen=True)
class Run:
    """One measured process."""

    seconds: float
    peak_mib: float


def measured(command: list[str], home: Path) -> Run:
    """Run a command to its end; raises if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, "CREDIT_HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited {process.returncode}")
    return Run(time.perf_counter() - start, usage.ru_maxrss / 1024)


def paired(first: list[str], second: list[str], home: Path, runs: int) -> tuple[list[Run], list[Run]]:
    """Two commands in turn, A B A B …, after one warm-up of each."""
    measured(first, home), measured(second, home)
    pairs = [(measured(first, home), measured(second, home)) for _ in range(runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def start_up(home: Path) -> list[tuple[str, str, str]]:
    """The command's help against `import typer`, and one decision against the libraries that it needs."""
    helped, typer = paired([CREDIT, "--help"], [PYTHON, "-c", "import typer"], home, 7)
    ratio = [a.seconds / b.seconds for a, b in zip(helped, typer, strict=True)]
    supplier = (
        subprocess.run(
            [CREDIT, "decision", "list", "--limit", "1", "--json"],
            env={**os.environ, "CREDIT_HOME": str(home)},
            capture_output=True,
            text=True,
            check=True,
        )
        .stdout.split('"supplier_id": "')[1]
        .split('"')[0]
    )
    libraries = [PYTHON, "-c", "import lightgbm, pandas, sqlalchemy"]
    decided, imported = paired([CREDIT, "line", "decide", supplier], libraries, home, 7)
    more = [a.seconds - b.seconds for a, b in zip(decided, imported, strict=True)]
    return [
        ("`credit --help` against `python -c 'import typer'`, times", spread(ratio), "at most 3"),
        ("`credit line decide` beyond `import lightgbm, pandas, sqlalchemy`, s", spread(more), "at most 1"),
    ]


def invoices(folder: Path) -> list[tuple[str, str, str]]:
    """Import and featurise the 1.1 million real invoices."""
    if not REAL_DATA.is_dir():
        return [("import and featurise 1.1 million invoices", "skipped: the real data is not here", "60 s, 2 GB")]
    runs = []
    for n in range(3):
        home = folder / f"invoices-{n}"
        read = measured([CREDIT, "ledger", "import", str(REAL_DATA), "--format", "vat-invoices"], home)
        built = measured([CREDIT, "features", "build", "--out", str(home / "features.parquet")], home)
        runs.append((read, built))
    seconds = [a.seconds + b.seconds for a, b in runs]
    peak = [max(a.peak_mib, b.peak_mib) for a, b in runs]
    return [
        ("import and featurise 1.1 million invoices, s", spread(seconds), "at most 60"),
        ("the same, peak MiB of a process", spread(peak), "at most 2,048"),
    ]


def main() -> None:
    """Measure and write docs/figures.md."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = folder / "demo"
        demo = measured([CREDIT, "demo"], home)
        rows = [
            ("`credit demo`, s", f"{demo.seconds:.1f}", "at most 90"),
            ("the same, peak MiB", f"{demo.peak_mib:.0f}", "–"),
            *start_up(home),
            *invoices(folder),
        ]
    lines = [
        "# Figures\n",
        f"Measured by `make bench` on {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}; "
        "median and range of whole processes. Shared machines are noisy: ratios hold, seconds move by a third.\n",
        "| figure | measured | wanted |",
        "| --- | --- | --- |",
        *(f"| {name} | {value} | {wanted} |" for name, value, wanted in rows),
    ]
    text = "\n".join(lines) + "\n"
    (ROOT / "docs" / "figures.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
