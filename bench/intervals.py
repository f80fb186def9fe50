"""`python -m bench.intervals`: how often the interval of a PD holds the true PD, to docs/bench/intervals.txt.

The true probability is known only where the world is made: log-odds that are straight, that bend and step, and that
depend on two columns at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from models.pd_model import PdModel

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bench" / "intervals.txt"
LEVELS = (0.8, 0.9, 0.95)
# Rows that are learned from, and how many such samples of each world.
ROWS = {500: 10, 5_000: 4, 50_000: 1}
COLUMNS, ASKED = 10, 5_000

Floats = np.ndarray
WORLDS: dict[str, Callable[[Floats], Floats]] = {
    "straight": lambda z: z @ np.linspace(0.8, -0.6, COLUMNS) - 1.7,
    "bends and steps": lambda z: 0.7 * np.exp(z[:, 0] / 2) + 0.8 * (z[:, 1] > 1) - 0.5 * z[:, 2] - 2.5,
    "two at once": lambda z: 0.6 * z[:, 0] - 0.5 * z[:, 1] + 0.9 * np.maximum(z[:, 2], 0) * (z[:, 3] > 0) - 2.0,
}


def measured(world: Callable[[Floats], Floats], rows: int, samples: int) -> dict[str, float]:
    """Mean share of new cases whose true PD the interval holds, mean width, root mean squared error, seconds."""
    found = []
    for seed in range(samples):
        rng = np.random.default_rng(seed)
        z, asked = rng.normal(size=(rows, COLUMNS)), rng.normal(size=(ASKED, COLUMNS))
        start = time.perf_counter()
        model = PdModel(interval=True).fit(pd.DataFrame(z), rng.random(rows) < expit(world(z)))
        told: dict[str, float] = {"seconds": time.perf_counter() - start}
        truth, frame = expit(world(asked)), pd.DataFrame(asked)
        told["error"] = float(np.sqrt(np.mean((model.predict_proba(frame)[:, 1] - truth) ** 2)))
        for level in LEVELS:
            low, high = model.predict_interval(frame, level=level).T
            told[f"{level:.0%}"] = float(np.mean((low <= truth) & (truth <= high)))
            told["width"] = told.get("width", float(np.mean(high - low)))
        found.append(told)
    return pd.DataFrame(found).mean().to_dict()


def main() -> None:
    """Measure, print and write."""
    rows = {
        (name, rows): measured(world, rows, samples) for name, world in WORLDS.items() for rows, samples in ROWS.items()
    }
    table = pd.DataFrame(rows).T[[*(f"{level:.0%}" for level in LEVELS), "width", "error", "seconds"]]
    text = f"""Share of new cases whose true PD lies in the interval of each level (PdModel(interval=True)), the width
of the {LEVELS[0]:.0%} interval, the error of the PD, and the seconds of a fit with its interval.

{table.round(3).to_string()}
"""
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
