from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from credit.domain.errors import StoreDamaged
from data.scores import keep, latest


def scores(pd_: float) -> pd.DataFrame:
    return pd.DataFrame({"pd": [pd_]}, index=pd.Index(["S1"], name="supplier_id"))


def test_the_latest_run_is_the_one_made_last_whatever_its_date(tmp_path):
    keep(tmp_path, "platform", date(2026, 11, 30), scores(0.1), {"scored_at": "2026-12-01T00:00:00"})
    keep(tmp_path, "platform", date(2026, 10, 31), scores(0.2), {"scored_at": "2026-12-01T00:00:01"})
    found = latest(tmp_path, "platform")
    assert found is not None
    assert (found.as_of, found.facts, found.frame.loc["S1", "pd"]) == (
        date(2026, 10, 31),
        {"scored_at": "2026-12-01T00:00:01"},
        0.2,
    )


def test_a_kind_of_data_that_was_never_scored_has_no_run(tmp_path):
    assert latest(tmp_path, "invoice") is None


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_a_kept_run_that_was_cut_short_is_named(tmp_path, kind):
    file = keep(tmp_path, "platform", date(2026, 10, 31), scores(0.1), {"scored_at": "2026-12-01T00:00:00"})
    spoilt = file.with_suffix(f".{kind}")
    spoilt.write_bytes(spoilt.read_bytes()[:20])
    with pytest.raises(StoreDamaged, match=spoilt.name):
        latest(tmp_path, "platform")
