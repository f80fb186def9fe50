"""Names are read one at a time, as they were on a day, and never once they were erased."""

from __future__ import annotations

import json
from datetime import date, datetime
from hashlib import sha256

import pytest

from data.durable import write_whole
from data.names import name_of
from data.upkeep import erase


@pytest.fixture
def named(ledger, import_rows):
    import_rows(
        ledger,
        suppliers=[{}, {"supplier_id": "S2"}],
        names=[
            {"recorded_at": "2020-01-01T02:00:00Z"},
            {"effective_on": "2023-01-01", "name": "李四", "recorded_at": "2023-01-01T02:00:00Z"},
            {"supplier_id": "S2", "name": "王五"},
        ],
    )
    return ledger


def test_a_name_is_the_one_that_held_on_the_day(named):
    days = (date(2019, 12, 31), date(2020, 1, 1), date(2022, 12, 31), date(2023, 1, 1))
    assert [name_of(named, "S1", day) for day in days] == [None, "张三", "张三", "李四"]
    assert name_of(named, "nobody", days[-1]) is None


def test_an_erased_name_is_read_no_more_and_the_others_are(named):
    erase(named, "S1", at=datetime(2026, 1, 1))
    assert name_of(named, "S1", date(2025, 1, 1)) is None
    assert name_of(named, "S2", date(2025, 1, 1)) == "王五"


def test_an_erasure_that_was_cut_off_is_one_all_the_same(named):
    note = {"supplier_id": "S1", "erased_at": "2026-01-01T00:00:00", "done": False}
    write_whole(named.folder / "erasures" / f"{sha256(b'S1').hexdigest()}.json", json.dumps(note).encode())
    assert name_of(named, "S1", date(2025, 1, 1)) is None
