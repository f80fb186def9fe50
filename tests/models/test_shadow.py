"""Two versions side by side on a night of which nobody knows the outcome yet."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from credit.app.home import Home
from credit.app.policies import packs
from models.registry import Served
from models.shadow import side_by_side

SCALE = packs(Home(Path("/nonexistent")))[0].terms(date(2026, 10, 31))


@pytest.fixture
def versions(sound, monkeypatch):
    monkeypatch.setattr(Served, "inputs", lambda self, frame: frame)
    return sound.served, sound.frame.head(200)


def test_a_version_beside_itself_changes_nothing(versions):
    served, frame = versions
    said = side_by_side(served, served, frame, SCALE, 0.1)
    assert said["rank_correlation"] == pytest.approx(1) and said["psi"] == 0
    assert said["same_grade"] == said["within_one_grade"] == 1
    assert said["swap_set"]["swapped_in"] == said["swap_set"]["swapped_out"] == 0
    assert sum(said["swap_set"].values()) == said["rows"] == 200


def test_where_hardly_anybody_is_asked_about_only_their_number_is_said(versions):
    served, frame = versions
    assert side_by_side(served, served, frame.head(1), SCALE, None) == {"rows": 1}
