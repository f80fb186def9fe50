"""A score keeps two probabilities: of the long run, and of the times."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.anchoring import Anchor
from models.scoring import HistoryFloor, score

FLOOR = HistoryFloor(months_min=6, events_min=3, last_days_max=365)


@pytest.fixture
def frame():
    known = {"contract_tenure_months": [12.0, 12.0, 1.0], "contract_count_24m": [5.0] * 3}
    return pd.DataFrame(known | {"contract_last_days": [10.0] * 3}, index=["S1", "S2", "S3"])


def served(anchor):
    model = SimpleNamespace(probabilities=lambda rows: np.array([0.01, 0.2, 0.5])[: len(rows)])
    card = {"tier": "platform", "dated": True, "anchor": anchor}
    return SimpleNamespace(card=card, learned=frozenset(), model=model, inputs=lambda rows: rows)


def test_the_pd_of_the_long_run_is_that_of_the_times_moved_by_one_factor_of_odds(frame):
    found = score(frame, frame.index.to_series(), served(Anchor(0.02, "", 0.04).said()), FLOOR)
    both = found[["pd", "pd_pit"]].astype(float)
    odds = both / (1 - both)
    assert (odds["pd"] / odds["pd_pit"])[:2].to_numpy() == pytest.approx((0.02 / 0.98) / (0.04 / 0.96), abs=1e-6)
    assert found["pd_pit"][:2].tolist() == [0.01, 0.2]


def test_without_an_anchor_both_are_one(frame):
    found = score(frame, frame.index.to_series(), served(None), FLOOR)
    assert found["pd"][:2].tolist() == found["pd_pit"][:2].tolist()


def test_a_firm_without_history_has_neither(frame):
    found = score(frame, frame.index.to_series(), served(None), FLOOR)
    assert found.loc["S3", "unscorable"] == "U01" and found.loc["S3", ["pd", "pd_pit"]].isna().all()
