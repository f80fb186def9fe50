"""`python -m bench.scoring`: score a nation with reasons, and how much faster that is than LightGBM's `pred_contrib`.

Writes docs/bench/scoring.txt. Suppliers are simulated, their features computed by the engine, and drawn again and
again, each number a little off, until they are as many as wanted: what is missing is missing as on the platform.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from platform import python_version, system
from typing import Any

import numpy as np
import pandas as pd

from bench.measuring import CREDIT, PYTHON, ROOT, apart, measured
from features.catalogue import CATALOGUE, catalogue_hash

RESULT = ROOT / "docs" / "bench" / "scoring.txt"
SUPPLIERS, NATION, CONTRIB_ROWS = 20_000, 1_100_000, 2_000
MOST_SECONDS, MOST_MIB, LEAST_TIMES, CLOSEST = 240, 6 * 1024, 4, 1e-6


def taught(folder: Path) -> None:
    """Features of all simulated suppliers, and a model that was taught with them and with outcomes drawn at random.

    The log-odds behind the outcomes rise and fall with the ranks of thirty features as the catalogue expects.
    """
    from scipy.special import expit, ndtri

    from credit.app.home import Home
    from features import engine
    from models.pd_model import PdModel

    ledger = Home(folder).ledger()
    frame = engine.build_on(ledger, ledger.last_day("platform"), tier="platform")[[f.name for f in CATALOGUE]]
    rng = np.random.default_rng(20)
    directions = {f.name: int(f.risk) for f in CATALOGUE}
    able = [name for name, way in directions.items() if way and frame[name].nunique() > 10]
    ranks = frame[able].rank(pct=True).fillna(0.5).clip(0.001, 0.999)
    chosen = rng.choice(able, 30, replace=False)
    pushed = sum(directions[name] * ndtri(ranks[name]) for name in chosen) / 5
    happened = (rng.random(len(frame)) < expit(pushed - 3.2)).astype(int)
    model = PdModel(directions).fit(frame, happened)
    scorer = model.scorer_.against(frame[model.out_of_fold_ < np.median(model.out_of_fold_)])
    frame.to_parquet(folder / "features.parquet")
    (folder / "model.json").write_text(json.dumps(scorer.said()))
    (folder / "model.lgb").write_text(scorer.booster)


def nation(folder: Path, rows: int) -> dict[str, Any]:
    """Score so many suppliers with reasons; seconds of wall and processor, peak memory, and against `pred_contrib`."""
    import lightgbm as lgb

    from credit.app.scoring import with_reasons
    from models.registry import Served
    from models.scorer import Scorer
    from models.scoring import HistoryFloor

    model = Scorer.of(json.loads((folder / "model.json").read_text()), (folder / "model.lgb").read_text())
    card = {"tier": "platform", "dated": True, "catalogue_sha256": catalogue_hash(), "anchor": None}
    served = Served("bench.platform", 1, "", model, card, frozenset())
    frame = pd.read_parquet(folder / "features.parquet")
    # A firm without a contract has no score, and would cost nothing.
    frame = drawn(frame[frame["contract_tenure_months"].notna()], rows)
    booster = lgb.Booster(model_str=model.booster)
    start, worked = time.perf_counter(), time.process_time()
    scores = with_reasons(served, frame, HistoryFloor(months_min=0, events_min=0, last_days_max=10**6), withheld=())
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    numbers = model.numbers(frame.head(CONTRIB_ROWS)).to_numpy()
    start, busy = time.perf_counter(), time.process_time()
    contributions = np.asarray(booster.predict(numbers, pred_contrib=True))
    slow, busy = time.perf_counter() - start, time.process_time() - busy
    every = list(range(numbers.shape[1]))
    many, few = (model._shapley.values(numbers[:count], every, len(every)) for count in (CONTRIB_ROWS, 100))
    return {
        "trees": booster.num_trees(),
        "scored": int(scores["pd"].notna().sum()),
        "with_reasons": int(scores["reason_1"].notna().sum()),
        "missing": float(frame.head(10_000).isna().to_numpy().mean()),
        "seconds": seconds,
        "processor_seconds": worked,
        "peak_mib": peak,
        "contrib_us": slow / CONTRIB_ROWS * 1e6,
        "contrib_processor_us": busy / CONTRIB_ROWS * 1e6,
        "largest_difference": float(np.abs(many - contributions[:, :-1]).max()),
        "one_is_many": bool((many[:100] == few).all()),
    }


def drawn(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """So many rows drawn from these, each number up to a tenth off; what is missing, zero or one stays so."""
    rng = np.random.default_rng(1)
    values = frame.to_numpy()
    found = np.empty((len(frame.columns), rows))
    places = rng.integers(0, len(frame), rows)
    for column in range(len(frame.columns)):
        taken = values[places, column]
        found[column] = np.where(np.isin(taken, (0.0, 1.0)), taken, taken * rng.uniform(0.9, 1.1, rows))
    index = pd.Index([f"S{place}" for place in range(rows)], name="supplier_id")
    return pd.DataFrame(found.T, index=index, columns=frame.columns, copy=False)


def main() -> None:
    """Simulate, teach, score, and write docs/bench/scoring.txt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=NATION)
    parser.add_argument("--score", type=Path, help="only score, with the model and the features of this folder")
    asked = parser.parse_args()
    if asked.score:
        print(json.dumps(nation(asked.score, asked.rows)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        platform = [
            "simulate",
            "platform",
            "--suppliers",
            str(SUPPLIERS),
            "--seed",
            "1",
            "--out",
            str(folder / "files"),
        ]
        measured([CREDIT, *platform], folder)
        measured([CREDIT, "ledger", "import", str(folder / "files"), "--format", "platform"], folder)
        apart("bench.scoring", "taught", folder)
        command = [PYTHON, "-m", "bench.scoring", "--rows", str(asked.rows), "--score", str(folder)]
        said = json.loads(measured(command, folder).said)
    text = report(said, asked.rows)
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def report(said: dict[str, Any], rows: int) -> str:
    """What was measured beside what was wanted."""

    def verdict(met: bool, line: str) -> str:
        return f"  {'met' if met else 'NOT MET':<8} {line}"

    times = said["contrib_us"] * rows / 1e6 / said["seconds"]
    busier = said["contrib_processor_us"] * rows / 1e6 / said["processor_seconds"]
    lines = [
        "A nation scored with reasons",
        "",
        f"Written by `python -m bench.scoring` on {os.cpu_count()} cores, {system()}, Python {python_version()}.",
        "Probability and four reason codes a supplier, from features in memory; peak memory of the process, features",
        "included. `pred_contrib`, which gives no probability, is measured on a slice of the same rows.",
        "",
        f"{said['scored']:,} suppliers, {len(CATALOGUE)} features, {said['missing']:.0%} of the values missing; "
        f"{said['trees']:,} trees and a linear part",
        verdict(
            said["seconds"] <= MOST_SECONDS,
            f"at most {MOST_SECONDS} s: {said['seconds']:.0f} s, {said['processor_seconds']:.0f} s of a processor",
        ),
        verdict(said["peak_mib"] <= MOST_MIB, f"at most {MOST_MIB:,} MiB: {said['peak_mib']:,.0f} MiB"),
        verdict(
            times >= LEAST_TIMES,
            f"at least {LEAST_TIMES} times as fast as pred_contrib: {times:.0f} times, {busier:.0f} by processor",
        ),
        verdict(
            said["largest_difference"] <= CLOSEST,
            f"within {CLOSEST:g} of pred_contrib: {said['largest_difference']:.1e} at most",
        ),
        verdict(said["one_is_many"], "a hundred explained one by one, and among many: the same to the byte"),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
