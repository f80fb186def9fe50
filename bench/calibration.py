"""`make calibration`: simulate a platform and write docs/calibration.md, target against produced."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from data.simulator import Platform, Summary, simulate
from data.simulator.calibration import (
    Shape,
    produced,
    shapes_of_canada,
    shapes_of_phoenix,
    shapes_of_platform,
)
from data.simulator.settings import VERSION

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"
SUPPLIERS, SEED = 200_000, 1
START, END = date(2019, 1, 1), date(2026, 10, 31)

INTRODUCTION = """# Calibration of the national platform

Written by `make calibration` from {suppliers:,} suppliers, {start} to {end}, seed {seed}, simulator version
{version}; a test holds the targets on a smaller platform of the same settings. Version {version} was fixed before any
model was tuned on it: a model may be improved for it, the exam may not.

`credit simulate platform --suppliers 1100000 --from 2019-01-01 --to 2026-10-31 --seed 1` writes the whole of it. A firm
defaults because its account runs dry and breaches because a delivery fails; neither is ever drawn. What moves accounts
besides contracts (private trade, customers that fail) is in no file, which is why no file can tell all.
"""


def number(value: float) -> str:
    """As many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def targets(folder: Path, summary: Summary) -> list[str]:
    """The table of targets."""
    rows = [
        f"| {p.target.name} | {number(p.target.low)} to {number(p.target.high)} | {number(p.value)} |"
        f" {'yes' if p.holds else '**no**'} | {p.target.source} |"
        for p in produced(folder, summary)
    ]
    return ["## Targets\n", "| figure | target | produced | holds | source |", "| --- | --- | --- | --- | --- |", *rows]


def shapes(folder: Path) -> list[str]:
    """Real records beside the simulated ones; without the real data, the simulated ones alone."""
    real: list[tuple[str, Shape]] = []
    if REAL_DATA.is_dir():
        phoenix = shapes_of_phoenix(REAL_DATA / "city_payments" / "phoenix_payments.parquet")
        canada = shapes_of_canada(REAL_DATA / "ocds" / "canada_contracts.parquet")
        real = [("Phoenix", shape) for shape in phoenix] + [("Canada", shape) for shape in canada]
    lines = [
        "\n## Beside real records\n",
        "Quartiles among suppliers with five or more; for amendments what the name says. Phoenix pays through its "
        "departments and Canada buys through 84 offices, where the platform has a buyer for every fifteen suppliers; "
        "neither is China, so these are for judgement and not for fitting.\n",
        "| shape | simulated | real |",
        "| --- | --- | --- |",
    ]
    for shape in shapes_of_platform(folder):
        beside = "; ".join(f"{who} {quartiles(other)}" for who, other in real if other.name == shape.name)
        lines.append(f"| {shape.name} | {quartiles(shape)} | {beside} |")
    return lines


def quartiles(shape: Shape) -> str:
    """Three numbers."""
    return f"{shape.low:.3g} / {shape.middle:.3g} / {shape.high:.3g}"


def main() -> None:
    """Simulate, measure and write the page."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "platform"
        summary = simulate(folder, Platform(SUPPLIERS, START, END, SEED))
        said = INTRODUCTION.format(suppliers=SUPPLIERS, start=START, end=END, seed=SEED, version=VERSION)
        text = "\n".join([said, *targets(folder, summary), *shapes(folder)]) + "\n"
    (ROOT / "docs" / "calibration.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
