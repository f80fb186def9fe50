"""`python -m bench.beside`: the same twenty features beside polars, pandas and featuretools, to docs/bench/beside.txt.

All read the same files of one ledger, each in an environment of its own and as a whole process measured from outside.
Each value that another says is compared with ours; where one differs, the run ends and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version, system

from bench.measuring import CREDIT, PYTHON, ROOT, Run, apart, measured, paired, spread

RESULT = ROOT / "docs" / "bench" / "beside.txt"
FEATURES = (
    *(f"contract_amount_sum_{n}m" for n in (3, 6, 12, 24)),
    *(f"contract_count_{n}m" for n in (3, 12, 24)),
    "contract_largest_24m",
    "contract_tenure_months",
    "contract_last_days",
    "contract_project_sum_24m",
    "contract_category_count_24m",
    "contract_mall_sum_24m",
    "contract_framework_count_24m",
    "contract_works_sum_24m",
    "contract_advance_sum_12m",
    "contract_county_count_24m",
    "contract_days_planned_mean_12m",
    "contract_growth_12m",
    "contract_momentum_3m",
)
# The export's last two years.
MONTH_ENDS = tuple(f"{year}-{month:02}-{monthrange(year, month)[1]}" for year in (2024, 2025) for month in range(1, 13))
ONE_DATE = MONTH_ENDS[-1:]
CONTRACTS_A_SUPPLIER = 18

PACKAGES = {
    "polars": ("polars==2.1.0",),
    "pandas": ("pandas==3.1.1", "pyarrow==26.0.1", "numpy==2.4.6"),
    # It asks for any pandas from 2.0 on, and does not run with 3.
    "featuretools": (
        *("featuretools==1.31.0", "woodwork==0.31.0", "pandas==2.3.3"),
        *("pyarrow==26.0.1", "numpy==2.4.6", "scikit-learn==1.9.1"),
    ),
}
OUR_PACKAGES = ("supplier-credit", "duckdb", "numpy", "pandas", "pyarrow")

RUNS, PANDAS_RUNS = 3, 2
MOST_OF_POLARS_SECONDS, MOST_OF_PANDAS_MEMORY = 1.10, 0.25
LEAST_ON_ONE_DATE, LEAST_ON_MONTH_ENDS = 8, 20

NOTES = """\
Each line is a whole process, from its start to its file: wall seconds, peak memory as the operating system accounts it,
and microseconds for each contract and date. Ours ran in turn with the library under it, after a warm-up of each. A
ratio of seconds is the median over these pairs (least to greatest), that of memory our largest peak over pandas'
smallest.

Every value of every library equals ours: whole numbers exactly, once the others' are rounded to nine significant digits
as ours are; ratios and means, which are rounded too, within 1e-8 of theirs.

Ours also asks of each contract whether it is in the book's currency and whether anything took its place. The others
leave that out: here all are in one currency and nothing was replaced. featuretools has a cutoff time for each supplier
and date, and computes the suppliers that share one together."""


@dataclass(frozen=True)
class Data:
    """A ledger of suppliers and contracts, and a place for what is computed from it."""

    home: Path
    suppliers: int
    contracts: int

    def __str__(self) -> str:
        return f"{self.contracts:,} contracts of {self.suppliers:,} suppliers"

    def files(self, table: str) -> str:
        """The pattern of a table's Parquet files."""
        return str(self.home / "ledger" / "tables" / table / "*" / "*.parquet")

    def out(self, name: str) -> Path:
        """Where a library writes the features."""
        return self.home / f"{name}.parquet"


@dataclass(frozen=True)
class Peer:
    """Another library, and the Python that has it."""

    name: str
    python: Path

    def command(self, data: Data, days: Sequence[str]) -> list[str]:
        """What computes the features as known on these days."""
        script = ROOT / "bench" / "peers" / f"with_{self.name}.py"
        files = [data.files("contracts"), data.files("suppliers"), data.out(self.name)]
        return [*map(str, (self.python, script, *files)), *days]

    def versions(self) -> str:
        """All that its environment holds."""
        frozen = subprocess.run([self.python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
        return " ".join(frozen.stdout.split())


def ours(data: Data, days: Sequence[str]) -> list[str]:
    """Our own command, which reads the ledger that CREDIT_HOME names."""
    asked = [("--as-of", day) for day in days] + [("--feature", name) for name in FEATURES]
    return [CREDIT, "features", "build", "--out", str(data.out("ours")), *(word for pair in asked for word in pair)]


def installed(name: str, folder: Path) -> Peer:
    """A library in a new environment."""
    subprocess.run([PYTHON, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
    return Peer(name, python)


def imported(folder: Path, *, contracts: int) -> Data:
    """An export of so many contracts, in a ledger of its own."""
    suppliers = contracts // CONTRACTS_A_SUPPLIER
    print(f"{contracts:,} contracts: generate and import", flush=True)
    export, data = folder / "export", Data(folder / "home", suppliers, contracts)
    apart("bench.contracts", "write", export, suppliers=suppliers, contracts=contracts)
    measured([CREDIT, "ledger", "import", str(export), "--format", "platform"], data.home)
    shutil.rmtree(export)
    return data


def refuse_difference(data: Data, peer: Peer, days: Sequence[str]) -> None:
    """End the run unless the files that we and a library have just written say the same."""
    files = data.out("ours"), data.out(peer.name)
    found = apart("bench.equality", "difference", *files, peer.name, days=days, features=FEATURES)
    if found is not None:
        raise SystemExit(f"{data}: {found}")


@dataclass(frozen=True)
class Figure:
    """What was wanted, what was measured, and whether that is enough."""

    wanted: str
    measured: str
    met: bool

    def __str__(self) -> str:
        return f"  {'met' if self.met else 'NOT MET':<8} {self.wanted}: {self.measured}"


@dataclass(frozen=True)
class Question:
    """The same question to several libraries, first of all to us."""

    data: Data
    days: Sequence[str]
    runs: dict[str, list[Run]]

    def seconds(self, name: str, over: str) -> list[float]:
        """One library's seconds over another's, pair by pair."""
        return [a.seconds / b.seconds for a, b in zip(self.runs[name], self.runs[over], strict=True)]

    def each(self, name: str) -> float:
        """One library's median seconds for a contract and date."""
        return statistics.median(run.seconds for run in self.runs[name]) / (self.data.contracts * len(self.days))

    def lines(self) -> Iterator[str]:
        """A line a run, under a heading."""
        yield f"{self.data}, as known on {said(self.days)}"
        yield f"  {'library':<14} {'run':>3} {'seconds':>9} {'peak MiB':>9} {'us/event':>9}"
        events = self.data.contracts * len(self.days)
        for name, runs in self.runs.items():
            for number, run in enumerate(runs, start=1):
                each = run.seconds / events * 1e6
                yield f"  {name:<14} {number:>3} {run.seconds:>9.2f} {run.peak_mib:>9,.0f} {each:>9.2f}"
        yield ""


def said(days: Sequence[str]) -> str:
    """Dates in words.

    >>> said(ONE_DATE), said(MONTH_ENDS)
    ('2025-12-31', '24 dates from 2024-01-31 to 2025-12-31')
    """
    return days[0] if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"


def ask(data: Data, days: Sequence[str], beside: Peer, then: dict[Peer, int]) -> Question:
    """Ours and one library in turn, A B A B A B, then others so often each; all have to say the same."""
    runs = {}
    print(f"{data}, {said(days)}: ours and {beside.name}", flush=True)
    runs["ours"], runs[beside.name] = paired(ours(data, days), beside.command(data, days), data.home, RUNS)
    refuse_difference(data, beside, days)
    for peer, often in then.items():
        print(f"{data}, {said(days)}: {peer.name}", flush=True)
        runs[peer.name] = [measured(peer.command(data, days), data.home) for _ in range(often)]
        refuse_difference(data, peer, days)
    return Question(data, days, runs)


def figures(whole: Question, on_one_date: Question, on_month_ends: Question) -> Iterator[Figure]:
    """What was wanted against what was measured."""
    ratios = whole.seconds("ours", over="polars")
    most = f"at most {MOST_OF_POLARS_SECONDS:.2f} times the seconds of polars"
    yield Figure(most, spread(ratios), statistics.median(ratios) <= MOST_OF_POLARS_SECONDS)
    memory = max(run.peak_mib for run in whole.runs["ours"]) / min(run.peak_mib for run in whole.runs["pandas"])
    most = f"at most {MOST_OF_PANDAS_MEMORY:.2f} times the memory of pandas"
    yield Figure(most, f"{memory:.2f}", memory <= MOST_OF_PANDAS_MEMORY)
    for question, beside, least in (
        (on_one_date, whole, LEAST_ON_ONE_DATE),
        (on_month_ends, on_month_ends, LEAST_ON_MONTH_ENDS),
    ):
        ratio = question.each("featuretools") / beside.each("ours")
        wanted = f"featuretools takes at least {least} times our seconds an event, {said(question.days)}"
        where = "ours on all, its on the slice" if beside is whole else "both on the slice"
        yield Figure(wanted, f"{ratio:.1f} ({where})", ratio >= least)


def page(questions: Sequence[Question], peers: Sequence[Peer], start: Run) -> str:
    """The whole result as plain text."""
    whole, on_one_date, on_month_ends = questions
    lines = [
        "The same twenty features beside polars, pandas and featuretools",
        "",
        f"Written by `python -m bench.beside --contracts {whole.data.contracts} --slice {on_one_date.data.suppliers}`",
        f"on {os.cpu_count()} cores, {system()}, Python {python_version()}.",
        "",
        "Wanted",
        *map(str, figures(whole, on_one_date, on_month_ends)),
        "",
        *(line for question in questions for line in question.lines()),
        f"Of featuretools' seconds {start.seconds:.2f} are its import alone.",
        "",
        NOTES,
        "",
        "Features",
        *(f"  {name}" for name in FEATURES),
        "",
        "Versions",
        "  ours: " + " ".join(f"{name}=={version(name)}" for name in OUR_PACKAGES),
        *(f"  {peer.name}: {peer.versions()}" for peer in peers),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, compare and write docs/bench/beside.txt."""
    parser = argparse.ArgumentParser(description="Twenty features beside polars, pandas and featuretools.")
    parser.add_argument("--contracts", type=int, default=20_000_000, help="how many contracts")
    parser.add_argument("--slice", type=int, default=20_000, help="how many suppliers featuretools is run on")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        polars, pandas, featuretools = peers = [installed(name, folder / name) for name in PACKAGES]
        start = measured([str(featuretools.python), "-c", "import featuretools"], folder)
        # The slice goes first: what is not equal shows in a minute.
        part = imported(folder / "slice", contracts=asked.slice * CONTRACTS_A_SUPPLIER)
        on_one_date = ask(part, ONE_DATE, featuretools, {polars: 1, pandas: 1})
        on_month_ends = ask(part, MONTH_ENDS, featuretools, {polars: 1, pandas: 1})
        data = imported(folder / "whole", contracts=asked.contracts)
        whole = ask(data, ONE_DATE, polars, {pandas: PANDAS_RUNS})
        text = page((whole, on_one_date, on_month_ends), peers, start)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
