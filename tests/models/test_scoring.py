"""A score keeps two probabilities: of the long run, and of the times."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.anchoring import Anchor, anchored
from models.scoring import HistoryFloor, score

FLOOR = HistoryFloor(months_min=6, events_min=3, last_days_max=365)


@pytest.fixture
def frame():
    known = {"contract_tenure_months": [12.0, 12.0, 1.0], "contract_count_24m": [5.0] * 3}
    return pd.DataFrame(known | {"contract_last_days": [10.0] * 3}, index=["S1", "S2", "S3"])


def served(anchor, band=None):
    model = SimpleNamespace(
        probabilities=lambda rows: np.array([0.01, 0.2, 0.5])[: len(rows)],
        band=band,
        interval=lambda probability, level: (probability * (1 - level), probability + (1 - probability) * level),
    )
    card = {"tier": "platform", "dated": True, "anchor": anchor, "terms": {"pd_interval_level": 0.9}}
    return SimpleNamespace(card=card, learned=frozenset(), model=model, inputs=lambda rows: rows)


def test_the_pd_of_the_long_run_is_that_of_the_times_moved_by_one_factor_of_odds(frame):
    found = score(frame, frame.index.to_series(), served(Anchor(0.02, "", 0.04).said()), FLOOR, withheld=())
    both = found[["pd", "pd_pit"]].astype(float)
    odds = both / (1 - both)
    assert (odds["pd"] / odds["pd_pit"])[:2].to_numpy() == pytest.approx((0.02 / 0.98) / (0.04 / 0.96), abs=1e-6)
    assert found["pd_pit"][:2].tolist() == [0.01, 0.2]


def test_without_an_anchor_both_are_one(frame):
    found = score(frame, frame.index.to_series(), served(None), FLOOR, withheld=())
    assert found["pd"][:2].tolist() == found["pd_pit"][:2].tolist()


def test_a_firm_without_history_has_neither(frame):
    found = score(frame, frame.index.to_series(), served(None), FLOOR, withheld=())
    assert found.loc["S3", "unscorable"] == "U01" and found.loc["S3", ["pd", "pd_pit"]].isna().all()


def test_the_interval_moves_with_the_pd_that_it_is_said_of(frame):
    anchor = Anchor(0.02, "", 0.04)
    found = score(frame, frame.index.to_series(), served(anchor.said(), band="known"), FLOOR, withheld=()).dropna(
        subset="pd"
    )
    assert (found["pd_low"] < found["pd"]).all() and (found["pd"] < found["pd_high"]).all()
    pit = found["pd_pit"].to_numpy()
    assert found["pd_low"].to_numpy() == pytest.approx(anchored(pit * 0.1, anchor.shift), abs=1e-9)


def test_a_model_of_too_few_outcomes_says_no_interval(frame):
    found = score(frame, frame.index.to_series(), served(Anchor(0.02, "", 0.04).said()), FLOOR, withheld=())
    assert found[["pd_low", "pd_high"]].isna().all(axis=None) and found["pd"].notna().any()


def test_whoever_has_not_consented_as_a_person_has_to_is_not_scored(frame):
    found = score(frame, frame.index.to_series(), served(None), FLOOR, withheld={"S1", "S3"})
    assert found["unscorable"].tolist() == ["U04", None, "U04"]
    assert found["pd"].isna().tolist() == [True, False, True]
