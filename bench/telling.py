"""Whether each feature tells something that no other does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from data.ledger import Ledger
from features.engine import build_cases

SAMPLE = 50_000
TIER = "platform"
MOST_CORRELATED = 0.999


def telling(folder: Path, as_of: date) -> dict[str, Any]:
    """Of a sample of suppliers, each asked about a contract of its own: what is constant, what goes together.

    `suppliers` is how many there are, `constant` the names, `together` the pairs correlated beyond MOST_CORRELATED, and
    `most` the largest correlation.
    """
    ledger = Ledger(folder)
    cases = ledger.suppliers(as_of, tier=TIER)
    cases = cases.iloc[:: -(-len(cases) // SAMPLE)].reset_index(drop=True)
    with ledger.known_on(cases) as known:
        last = dict(known.con.execute("SELECT case_id, max(contract_id) FROM contracts GROUP BY case_id").fetchall())
    frame = build_cases(ledger, cases.assign(contract_id=cases["case_id"].map(last)), tier=TIER)
    rho = np.triu(np.abs(frame.corr().to_numpy(copy=True)), k=1)
    places = np.argwhere(rho > MOST_CORRELATED)
    return {
        "suppliers": len(frame),
        "constant": [name for name in frame if frame[name].nunique(dropna=False) < 2],
        "together": [f"{frame.columns[a]} and {frame.columns[b]}" for a, b in places],
        "most": float(np.nanmax(rho)),
    }
