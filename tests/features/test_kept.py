"""What is kept from one day to the next comes out as if it had been computed anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.domain.errors import Locked
from data.durable import exclusive
from data.ledger import Ledger
from data.upkeep import compact
from features import engine, kept
from features.script import READABLE
from tests.features.histories import AS_OF, STRANGER, SUPPLIERS, History, events, histories

ImportRows = Callable[..., Any]
TIER = "platform"
STEPS = st.lists(st.sampled_from((0, 1, 1, 1, 2, 29, 31)), min_size=2, max_size=4)


def held_equal(ledger: Ledger, day: date, folder: Path) -> kept.Built:
    """Build on what is kept, and compare with everything computed anew."""
    built = kept.build_on(ledger, day, tier=TIER, folder=folder)
    pd.testing.assert_frame_equal(built.frame, engine.build_on(ledger, day, tier=TIER), check_exact=True)
    return built


def registered(*names: str) -> list[dict[str, Any]]:
    return [{"supplier_id": name, "founded_on": "2019-02-28"} for name in names]


@settings(max_examples=12)
@given(history=histories(), news=st.data(), start=st.integers(-3, 1), steps=STEPS)
def test_day_after_day_it_is_what_a_full_build_gives(
    import_rows: ImportRows,
    tmp_path_factory: pytest.TempPathFactory,
    history: History,
    news: st.DataObject,
    start: int,
    steps: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    ledger = Ledger(folder / "ledger")
    import_rows(ledger, suppliers=registered(*SUPPLIERS, STRANGER, *(f"Q{n}" for n in range(12))), **history)
    day = AS_OF + timedelta(days=start)
    held_equal(ledger, day, folder / "features")
    for place, step in enumerate(steps):
        day += timedelta(days=step)
        if news.draw(st.booleans()):
            later = {table: [news.draw(events(table, 100 + place))] for table in history}
            import_rows(ledger, **later)
        if news.draw(st.sampled_from((False, False, True))):
            compact(ledger)
        held_equal(ledger, day, folder / "features")


def test_most_suppliers_of_a_platform_are_kept_from_one_day_to_the_next(simulated: Ledger, tmp_path: Path) -> None:
    first, *nights = (held_equal(simulated, date(2025, 3, day), tmp_path) for day in range(10, 15))
    assert (first.share, first.why) == (1, "nothing was kept")
    assert all(0 < night.share < 0.5 for night in nights)
    assert {night.why for night in nights} == {"what can have moved"}


def test_when_a_month_ends_all_are_computed_anew(simulated: Ledger, tmp_path: Path) -> None:
    held_equal(simulated, date(2025, 3, 30), tmp_path)
    assert held_equal(simulated, date(2025, 3, 31), tmp_path).why == "a month has ended"
    assert held_equal(simulated, date(2025, 4, 1), tmp_path).share < 1


def test_a_build_of_an_earlier_day_uses_nothing_of_a_later_one(simulated: Ledger, tmp_path: Path) -> None:
    held_equal(simulated, date(2025, 3, 12), tmp_path)
    assert held_equal(simulated, date(2025, 3, 11), tmp_path).why == "what was kept is of a later day or version"


def test_what_is_kept_of_another_definition_is_not_used(
    simulated: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_equal(simulated, date(2025, 3, 11), tmp_path)
    monkeypatch.setattr(kept, "definition", lambda: "another")
    assert held_equal(simulated, date(2025, 3, 12), tmp_path).why == "what features mean has changed"


def test_what_is_kept_and_was_cut_off_is_not_used(simulated: Ledger, tmp_path: Path) -> None:
    held_equal(simulated, date(2025, 3, 11), tmp_path)
    (part,) = tmp_path.glob("*/part-*.arrow")
    part.write_bytes(part.read_bytes()[:-1])
    assert held_equal(simulated, date(2025, 3, 12), tmp_path).why == "what was kept is not whole"


def test_what_is_kept_of_another_ledger_is_not_used(
    simulated: Ledger, ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    held_equal(simulated, date(2025, 3, 11), tmp_path / "kept")
    import_rows(ledger, **{name: [] for name in READABLE} | {"suppliers": registered("S1", "S2")})
    found = held_equal(ledger, date(2025, 3, 12), tmp_path / "kept")
    assert (found.why, len(found.frame)) == ("what was kept is of another ledger", 2)


def test_two_builds_do_not_keep_in_one_folder_at_once(simulated: Ledger, tmp_path: Path) -> None:
    with exclusive(tmp_path / ".lock", "another build"), pytest.raises(Locked):
        kept.build_on(simulated, date(2025, 3, 12), tier=TIER, folder=tmp_path)


def test_a_build_that_was_cut_off_leaves_what_was_kept(
    simulated: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_equal(simulated, date(2025, 3, 11), tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(kept, "write_whole", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            kept.build_on(simulated, date(2025, 3, 12), tier=TIER, folder=tmp_path)
    assert held_equal(simulated, date(2025, 3, 13), tmp_path).why == "what can have moved"
    assert len([each for each in tmp_path.iterdir() if each.is_dir()]) == 1


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_how_many_are_taken_at_once_changes_nothing(
    simulated: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(engine, "CASES_AT_ONCE", 40)
    monkeypatch.setattr(kept, "ANEW_AT_ONCE", at_once)
    kept.build_on(simulated, date(2025, 3, 11), tier=TIER, folder=tmp_path)
    built = kept.build_on(simulated, date(2025, 3, 12), tier=TIER, folder=tmp_path)
    monkeypatch.undo()
    full = engine.build_on(simulated, date(2025, 3, 12), tier=TIER)
    pd.testing.assert_frame_equal(built.frame, full, check_exact=True)


def test_a_supplier_who_registers_or_is_found_to_be_another_comes_and_goes(
    ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    many = [f"Q{n:02}" for n in range(20)]
    import_rows(ledger, suppliers=registered(*many), contracts=[{"supplier_id": "Q03"}], merges=[])
    held_equal(ledger, date(2025, 6, 10), tmp_path / "kept")
    new = {"effective_on": "2025-06-10", "recorded_at": "2025-06-11T00:00:00"}
    merge = {
        "supplier_id": "Q07",
        "merged_id": "Q03",
        "happened_on": "2025-06-11",
        "recorded_at": "2025-06-11T01:00:00",
    }
    import_rows(ledger, suppliers=[each | new for each in registered("A1", "Q05x")], merges=[merge])
    built = held_equal(ledger, date(2025, 6, 11), tmp_path / "kept")
    assert {"A1", "Q05x"} < set(built.frame.index)
    assert "Q03" not in built.frame.index
    assert built.frame.loc["Q07", "contract_count_12m"] == 1
    assert built.share < 0.5


def test_a_table_that_is_fed_for_the_first_time_says_something_about_everybody(
    ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    import_rows(ledger, suppliers=registered("S1", "S2"), contracts=[{}])
    held_equal(ledger, date(2025, 6, 10), tmp_path / "kept")
    import_rows(ledger, payments=[{}])
    built = held_equal(ledger, date(2025, 6, 11), tmp_path / "kept")
    assert built.why == "another table has become part of the data"


def test_a_buyer_whose_late_word_changes_its_score_moves_its_suppliers(
    ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    many = [f"Q{n:02}" for n in range(20)]
    import_rows(ledger, suppliers=registered(*many), contracts=[{"supplier_id": "Q03"}], payments=[])
    before = held_equal(ledger, date(2025, 6, 10), tmp_path / "kept").frame.loc["Q03", "buyer_score_mean_12m"]
    late = {"supplier_id": "Q09", "due_on": "2025-03-01", "paid_on": "2025-05-01", "recorded_at": "2025-05-02T00:00:00"}
    import_rows(ledger, payments=[late])
    built = held_equal(ledger, date(2025, 6, 11), tmp_path / "kept")
    assert built.frame.loc["Q03", "buyer_score_mean_12m"] < before
    assert built.share < 0.5
