"""`make bench`: measure the figures and write them to docs/figures.md.

Each figure is a whole process measured from outside (wall seconds, and peak memory of the process as the operating
system accounts it), the median of several runs after one warm-up; ratios pair two commands run in turn.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from platform import python_version, system

import pyarrow.parquet as pq

from bench.measuring import BARE, CREDIT, PYTHON, ROOT, measured, paired, spread

REAL_DATA = ROOT.parent / "shared" / "data" / "sme_invoices"
OCDS_DATA = ROOT.parent / "shared" / "data" / "ocds"


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


def platform(folder: Path) -> list[tuple[str, str, str]]:
    """Simulate a platform of 200,000 suppliers, import it, and build its features against a bare aggregation."""
    home, out = folder / "platform-home", folder / "platform"
    asked = ["--suppliers", "200000", "--from", "2019-01-01", "--to", "2026-10-31", "--seed", "1"]
    made = measured([CREDIT, "simulate", "platform", *asked, "--out", str(out)], home)
    rows = sum(pq.ParquetFile(file).metadata.num_rows for file in out.glob("*.parquet"))
    runs = [
        measured([CREDIT, "ledger", "import", str(out), "--format", "platform"], folder / f"p{n}") for n in range(3)
    ]
    shutil.rmtree(out)
    built = [
        paired(
            [CREDIT, "features", "build", "--out", str(folder / "f.parquet")], [PYTHON, "-c", BARE], folder / "p0", 1
        )
        for _ in range(2)
    ]
    return [
        (
            "simulate 200,000 suppliers, million events a minute",
            f"{rows / made.seconds * 60 / 1e6:.1f}",
            "at least 2.4",
        ),
        (
            f"import {rows / 1e6:.1f} million platform rows, million a second",
            spread([rows / run.seconds / 1e6 for run in runs]),
            "at least 1",
        ),
        ("the same, peak MiB", spread([run.peak_mib for run in runs]), "at most 2,048"),
        ("features of these 200,000 suppliers, s", spread([a.seconds for (a,), _ in built]), "–"),
        (
            "the same against a bare GROUP BY of a count and a sum over the same files, times",
            spread([a.seconds / b.seconds for (a,), (b,) in built]),
            "at most 16",
        ),
        ("the same, peak MiB", spread([a.peak_mib for (a,), _ in built]), "at most 6,144"),
    ]


def contracting_data(folder: Path) -> list[tuple[str, str, str]]:
    """Import OCDS against a bare parse of the same file: the real packages a hundred times, with ids of their own."""
    name = "import OCDS, speed against a bare orjson parse"
    if not OCDS_DATA.is_dir():
        return [(name, "skipped: the real data is not here", "at least 0.25")]
    file = folder / "packages.jsonl"
    with file.open("wb") as out:
        for copy in range(100):
            own = b'"ocid": "%d-' % copy
            for source in sorted(OCDS_DATA.glob("*.jsonl")):
                out.write(re.sub(rb'"ocid": ?"', own, source.read_bytes()))
    parse = f"import orjson\nfor line in open({str(file)!r}, 'rb'): orjson.loads(line)"
    ratios = []
    for n in range(3):
        bare = measured([PYTHON, "-c", parse], folder)
        whole = measured([CREDIT, "ledger", "import", str(file), "--format", "ocds"], folder / f"o{n}", allow=4)
        ratios.append(bare.seconds / whole.seconds)
    size = file.stat().st_size / 1e6
    file.unlink()
    return [(f"{name}, {size:.0f} MB", spread(ratios), "at least 0.25")]


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
            *platform(folder),
            *contracting_data(folder),
        ]
    lines = [
        "# Figures\n",
        f"Measured by `make bench` on {os.cpu_count()} cores, Python {python_version()}, {system()}; "
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
