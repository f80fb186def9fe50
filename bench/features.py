"""`python -m bench.features`: features of a nation on one date, on the next nights, and as a panel.

Writes docs/bench/features.txt. Simulates its platforms, which takes a quarter of an hour and some 15 GB of disk at the
size that is wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
from datetime import date, timedelta
from pathlib import Path
from platform import python_version, system

import pyarrow.parquet as pq

from bench.measuring import BARE, CREDIT, PYTHON, ROOT, Run, apart, measured, spread
from credit.domain.windows import months_before
from features.catalogue import names

RESULT = ROOT / "docs" / "bench" / "features.txt"
START, END = date(2022, 9, 1), date(2026, 10, 31)
# In the middle of a month: when one ends, everything is computed anew.
AS_OF = date(2026, 10, 14)
NIGHTS = 3
PANEL_SUPPLIERS, PANEL_DATES = 50_000, 24
MOST_SECONDS, MOST_MIB, MOST_OF_BARE = 60, 6 * 1024, 16
ASKED = 150
MOST_OF_SHARE, NIGHT_SECONDS = 1.5, 5
MOST_OF_ONE_DATE = 12


def platform(folder: Path, suppliers: int) -> tuple[Path, int]:
    """The home of an imported platform and how many rows its ledger has."""
    home, out = folder / f"home-{suppliers}", folder / f"platform-{suppliers}"
    print(f"{suppliers:,} suppliers: simulate and import", flush=True)
    asked = ["--suppliers", str(suppliers), "--from", str(START), "--to", str(END), "--seed", "1"]
    measured([CREDIT, "simulate", "platform", *asked, "--out", str(out)], home)
    measured([CREDIT, "ledger", "import", str(out), "--format", "platform"], home)
    shutil.rmtree(out)
    return home, sum(pq.ParquetFile(file).metadata.num_rows for file in home.glob("ledger/tables/*/*/*.parquet"))


def build(*days: date, options: tuple[str, ...] = ()) -> list[str]:
    """The command that builds the features of some days."""
    asked = [word for day in days for word in ("--as-of", str(day))]
    return [CREDIT, "features", "build", *asked, "--json", *options]


def chosen(count: int) -> list[str]:
    """So many features: one of every definition first, then those that differ from one only by their window."""
    by_definition: dict[str, str] = {}
    for name in names():
        by_definition.setdefault(re.sub(r"_\d+m$", "", name), name)
    first = list(by_definition.values())
    return [*first, *(name for name in names() if name not in set(first))][:count]


def verdict(met: bool, what: str, found: str) -> str:
    """One figure: what was wanted, whether it was met, what was measured."""
    return f"  {'met' if met else 'NOT MET':<8} {what}: {found}"


def nation(home: Path, runs: int) -> list[str]:
    """One date against a bare aggregation over the same files, then the nights after it."""
    pairs: list[tuple[Run, Run]] = []
    some: list[Run] = []
    asked = tuple(word for name in chosen(ASKED) for word in ("--feature", name))
    out = ("--full", "--out", str(home / "some.parquet"))
    for _ in range(runs):
        print("all features of one date, a bare GROUP BY, and some of the features", flush=True)
        pairs.append((measured(build(AS_OF, options=("--full",)), home), measured([PYTHON, "-c", BARE], home)))
        some.append(measured(build(AS_OF, options=(*out, *asked)), home))
    seconds, ratios = [a.seconds for a, _ in pairs], [a.seconds / b.seconds for a, b in pairs]
    peak, full = max(a.peak_mib for a, _ in pairs), statistics.median(seconds)
    of_some = [run.seconds / bare.seconds for run, (_, bare) in zip(some, pairs, strict=True)]
    said = json.loads(pairs[0][0].said)
    of_bare = f"at most {MOST_OF_BARE} times a bare GROUP BY"
    lines = [
        f"{said['rows']:,} suppliers, {said['features']} features as known on {AS_OF}",
        verdict(full <= MOST_SECONDS, f"at most {MOST_SECONDS} s", f"{spread(seconds)} s"),
        verdict(peak <= MOST_MIB, f"at most {MOST_MIB:,} MiB", f"{peak:,.0f} MiB"),
        verdict(statistics.median(ratios) <= MOST_OF_BARE, of_bare, spread(ratios)),
        f"{ASKED} of these features, one of every definition first",
        verdict(
            statistics.median(of_some) <= MOST_OF_BARE,
            of_bare,
            f"{spread(of_some)}; {spread([r.seconds for r in some])} s",
        ),
        "",
        f"The next nights: at most {MOST_OF_SHARE} times the share anew of a full build, and {NIGHT_SECONDS} s",
    ]
    for night in range(1, NIGHTS + 1):
        day = AS_OF + timedelta(days=night)
        print(f"the night of {day}", flush=True)
        run = measured(build(day), home)
        share = json.loads(run.said)["share_anew"]
        most = MOST_OF_SHARE * share * full + NIGHT_SECONDS
        found = f"{run.seconds:.1f} s, {run.peak_mib:,.0f} MiB; {share:.1%} of the suppliers anew"
        lines.append(verdict(run.seconds <= most, f"{day}, at most {most:.1f} s", found))
    return lines


def distinct(home: Path) -> list[str]:
    """Whether every feature tells something of its own."""
    print("what the features tell beside one another", flush=True)
    said = apart("bench.telling", "telling", home / "ledger", AS_OF)
    pairs = f"{', '.join(said['together']) or 'none'}; the most {said['most']:.4f}"
    return [
        "",
        f"Of {said['suppliers']:,} suppliers, each asked about a contract",
        verdict(not said["constant"], "no feature is constant", ", ".join(said["constant"]) or "none"),
        verdict(not said["together"], "no two correlate beyond 0.999", pairs),
    ]


def panel(home: Path, folder: Path, runs: int) -> list[str]:
    """Many dates at once against one date over the same events."""
    dates = [months_before(END, n) for n in reversed(range(PANEL_DATES))]
    out = ("--out", str(folder / "panel.parquet"))
    pairs: list[tuple[Run, Run]] = []
    for _ in range(runs):
        print("a panel, and one of its dates", flush=True)
        one = measured(build(dates[-1], options=("--full", *out)), home)
        pairs.append((measured(build(*dates, options=out), home), one))
    ratios, peak = [a.seconds / b.seconds for a, b in pairs], max(a.peak_mib for a, _ in pairs)
    said = json.loads(pairs[0][0].said)
    return [
        f"A panel of {len(dates)} dates from {dates[0]} to {dates[-1]}: {said['rows']:,} rows",
        verdict(
            statistics.median(ratios) <= MOST_OF_ONE_DATE,
            f"at most {MOST_OF_ONE_DATE} times one date",
            f"{spread(ratios)}, {spread([a.seconds for a, _ in pairs])} s",
        ),
        verdict(peak <= MOST_MIB, f"at most {MOST_MIB:,} MiB", f"{peak:,.0f} MiB"),
    ]


def main() -> None:
    """Measure and write docs/bench/features.txt."""
    parser = argparse.ArgumentParser(description="Features of a nation, of the next nights, and as a panel.")
    parser.add_argument("--suppliers", type=int, default=1_100_000, help="how many suppliers the nation has")
    parser.add_argument("--panel-suppliers", type=int, default=PANEL_SUPPLIERS, help="how many the panel has")
    parser.add_argument("--runs", type=int, default=2, help="how often each is measured")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home, rows = platform(folder, asked.suppliers)
        of_nation = [*nation(home, asked.runs), *distinct(home)]
        shutil.rmtree(home)
        small, small_rows = platform(folder, asked.panel_suppliers)
        of_panel = panel(small, folder, asked.runs)
    lines = [
        "Features of a nation on one date, on the next nights, and as a panel",
        "",
        f"Written by `python -m bench.features` on {os.cpu_count()} cores, {system()}, Python {python_version()}.",
        "Whole processes of `credit features build`: wall seconds, peak memory as the operating system accounts it.",
        "",
        f"A ledger of {rows:,} rows, simulated from {START} to {END}",
        *of_nation,
        "",
        f"A ledger of {small_rows:,} rows of {asked.panel_suppliers:,} suppliers",
        *of_panel,
    ]
    text = "\n".join(lines) + "\n"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
