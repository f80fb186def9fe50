"""`python -m bench.decisions`: decide a nation's applications, and one of them, to docs/bench/decisions.txt.

The cases are good applicants of the policy tests whose risk, turnover, requests, groups, districts and habits are
drawn; what precedes a decision, features and PD, is measured elsewhere. One case decided by itself, with what it found
in the pools, is the same answer.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
import tomllib
from datetime import date
from pathlib import Path
from platform import python_version, system
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bench.measuring import PYTHON, ROOT, measured
from credit.domain.decision import decide, decide_together
from credit.domain.packs import read_pack, read_region
from credit.domain.products import product_named

RESULT = ROOT / "docs" / "bench" / "decisions.txt"
PACK, NATION, SINGLE = "platform-line", 1_100_000, 50
MOST_SECONDS, MOST_MILLISECONDS = 60, 50
PARAMETERS = ROOT / "credit" / "parameters"
AS_OF = date(2026, 6, 30)


def pack() -> Any:
    """The pack that ships."""

    def content(file: Path) -> dict[str, Any]:
        return tomllib.loads(file.read_text(encoding="utf-8"))

    regions = [read_region(content(file), file=file.name) for file in sorted((PARAMETERS / "regions").glob("*.toml"))]
    shared = content(PARAMETERS / "shared.toml")
    return read_pack(content(PARAMETERS / f"{PACK}.toml"), shared=shared, file=PACK, regions=regions)


def applications(rows: int) -> pd.DataFrame:
    """So many applications, drawn around the good applicant of the policy tests."""
    file = ROOT / "tests" / "credit" / "domain" / "policy_cases" / f"{PACK}.yaml"
    usual = yaml.safe_load(file.read_text(encoding="utf-8"))["applicant"]
    rng = np.random.default_rng(0)
    whole = {name: _plain(value) for name, value in usual.items()}
    cases = pd.DataFrame({name: np.repeat(np.array([value], dtype=object if value is None or isinstance(value, str)
                                                   else None), rows) for name, value in whole.items()})  # fmt: skip
    pds = np.clip(rng.lognormal(-4, 1, rows), 0, 1)
    return cases.assign(
        pd=np.where(rng.random(rows) < 0.3, np.nan, pds),
        turnover_fen=rng.lognormal(17, 1.5, rows).astype("int64"),
        requested_fen=pd.array((rng.lognormal(16, 1, rows) // 100 * 100).astype("int64"), dtype="Int64"),
        group_id=[f"S{place}" for place in range(rows)],
        district=[f"33{place % 1400:04d}" for place in range(rows)],
        top_buyer_share=rng.random(rows),
        buyer_days_late_p90=rng.integers(0, 120, rows).astype(float),
        portfolio_exposure_fen=0,
        held_fen=0,
    )


def _plain(value: Any) -> Any:
    """A value as the policy tests write it: ¥1,200 in fen, 11.3 % as a fraction."""
    if isinstance(value, str) and value.startswith("¥"):
        return round(float(value.removeprefix("¥").replace(",", "")) * 100)
    return float(value.removesuffix("%")) / 100 if isinstance(value, str) and value.endswith("%") else value


def nation(rows: int) -> dict[str, Any]:
    """Decide so many together: seconds, peak memory, outcomes; and some of them one by one."""
    found = pack()
    product, cases = product_named(found.product), applications(rows)
    start = time.perf_counter()
    together = decide_together(product, found, cases, AS_OF)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    singles, same = [], True
    for place in np.linspace(0, rows - 1, SINGLE).astype(int):
        # As it was decided: with what it found in the pools.
        case = together.cases.loc[[place], list(cases.columns)]
        start = time.perf_counter()
        alone = decide(product, found, case, AS_OF)
        singles.append((time.perf_counter() - start) * 1_000)
        same &= alone.answers.astype(object).equals(together.answers.loc[[place]].astype(object))
    outcomes = {str(outcome): int(count) for outcome, count in together.answers["outcome"].value_counts().items()}
    return {"seconds": seconds, "peak_mib": peak, "outcomes": outcomes, "same": bool(same),
            "single_ms": statistics.median(singles), "slowest_ms": max(singles[1:])}  # fmt: skip


def main() -> None:
    """Measure whole processes, three times, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="decide so many in this process and print what was found")
    if rows := parser.parse_args().rows:
        print(json.dumps(nation(rows)))
        return
    runs = [measured([PYTHON, "-m", "bench.decisions", "--rows", str(NATION)], ROOT) for _ in range(3)]
    said = [json.loads(run.said) for run in runs]
    whole, inside, single = ([*each] for each in zip(
        *((run.seconds, each["seconds"], each["single_ms"]) for run, each in zip(runs, said, strict=True)), strict=True
    ))  # fmt: skip
    lines = [
        f"Written by `python -m bench.decisions`: Python {python_version()}, {system()}, 2 cores; median of 3 processes"
        " and range.",
        f"{NATION:,} applications under {PACK} decided together: {_range(inside)} s, the whole process with making them"
        f" {_range(whole)} s (wanted: at most {MOST_SECONDS}), {max(each['peak_mib'] for each in said):,.0f} MiB.",
        f"One of them decided by itself: {_range(single)} ms (wanted: at most {MOST_MILLISECONDS}), the slowest of "
        f"{SINGLE} {max(each['slowest_ms'] for each in said):.0f} ms.",
        f"Each of {SINGLE} decided by itself is the answer that it had among all: "
        f"{'yes' if all(each['same'] for each in said) else 'NO'}.",
    ]
    text = "\n".join(lines) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def _range(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
