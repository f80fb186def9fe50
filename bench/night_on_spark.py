"""`python -m bench.night_on_spark`: the same night by DuckDB and on Spark, held against each other row by row.

Writes docs/bench/night_on_spark.txt. The home is the smaller one of `bench.night`; both nights begin from copies of it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.measuring import CREDIT, ROOT, apart, measured
from bench.night import FIRST, SMALLER, begun_anew, prepared

RESULT = ROOT / "docs" / "bench" / "night_on_spark.txt"
MASTER = "local[2]"


def night_of(home: Path, *words: str) -> float:
    """Run the night; answers its seconds."""
    shutil.copytree(home / "arrives" / str(FIRST), home / "inbox" / "platform" / str(FIRST))
    return measured([CREDIT, "nightly", "run", "--as-of", str(FIRST), *words], home, allow=4).seconds


def differing(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, int]:
    """In how many rows each column differs; two cells that are both empty do not. Rows are matched by place."""
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return {"columns or rows": abs(len(one) - len(other)) or 1}
    found = {}
    for name in one.columns:
        a, b = one[name].to_numpy(dtype=object), other[name].to_numpy(dtype=object)
        differs = ~((a == b) | (pd.isna(a) & pd.isna(b)))
        if differs.any():
            found[str(name)] = int(differs.sum())
    return found


def features_differing(home: Path) -> dict[str, Any]:
    """How many features of how many suppliers differ between the engines, and by how much at most."""
    from credit.app.home import Home
    from features import engine, spark

    ledger = Home(home).ledger()
    mine = engine.build_on(ledger, FIRST, tier="platform")
    cases = ledger.suppliers(FIRST, tier="platform")
    theirs = spark.build_cases(ledger, cases, tier="platform", cluster=spark.Cluster(MASTER)).set_axis(mine.index)
    theirs = theirs[list(mine.columns)]
    a, b = mine.to_numpy(dtype=float), theirs.to_numpy(dtype=float)
    differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    counts = pd.Series(differs.sum(axis=0), index=mine.columns)
    worst = float(np.nanmax(np.abs(a - b)[differs] / np.maximum(np.abs(a)[differs], 1e-12))) if differs.any() else 0.0
    return {
        "rows": len(mine),
        "columns": mine.shape[1],
        "differing": {str(name): int(count) for name, count in counts[counts > 0].items()},
        "worst": worst,
    }


def main() -> None:
    """Run both nights, compare, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where platforms and homes are kept")
    parser.add_argument("--suppliers", type=int, default=SMALLER)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        prepared(folder, asked.suppliers)
        home = folder / f"home-{asked.suppliers}"
        begun_anew(home)
        embedded, on_spark = (Path(shutil.copytree(home, Path(scratch) / name)) for name in ("embedded", "spark"))
        seconds = night_of(embedded), night_of(on_spark, "--engine", "spark", "--master", MASTER)
        lines = [
            f"The night of {FIRST} of {asked.suppliers:,} suppliers by DuckDB ({seconds[0]:.0f} s) and on Spark "
            f"{MASTER} ({seconds[1]:.0f} s)",
            "",
        ]
        lines.append(_said_of_features(apart("bench.night_on_spark", "features_differing", embedded)))
        for name in ("scores/platform.parquet", "scores/inputs-platform.parquet", "decisions/platform.parquet"):
            one, other = (pd.read_parquet(each / "nights" / f"as_of={FIRST}" / name) for each in (embedded, on_spark))
            lines.append(_said(name, len(one), differing(one, other)))
        for file in sorted((embedded / "exports-kept").glob("*/*/scores.parquet")):
            own = file.relative_to(embedded)
            one, other = pd.read_parquet(file), pd.read_parquet(on_spark / own)
            # When it was scored is when each night began.
            lines.append(_said(str(own.parent), len(one), differing(*(_without(each) for each in (one, other)))))
    text = "\n".join(lines) + "\n"
    print(text)
    RESULT.write_text(text, encoding="utf-8")


def _without(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["scored_at", "row_hash"])


def _said_of_features(found: dict[str, Any]) -> str:
    cells = sum(found["differing"].values())
    named = "".join(f"\n    {name}: {count:,} rows" for name, count in found["differing"].items())
    most = f", by at most {found['worst']:.1e} of the value" if cells else ""
    return f"  features: {found['rows']:,} rows of {found['columns']}, {cells:,} cells differ{most}{named}"


def _said(name: str, rows: int, found: dict[str, int]) -> str:
    named = "".join(f"\n    {column}: {count:,} rows differ" for column, count in found.items())
    return f"  {name}: {rows:,} rows, {len(found)} columns differ{named}"


if __name__ == "__main__":
    main()
