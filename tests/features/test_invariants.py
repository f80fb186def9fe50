"""What must hold for every feature of the catalogue, whatever the history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.ledger import Ledger
from features.catalogue import CATALOGUE
from features.engine import build, known_on
from tests.features.histories import AMOUNTS, AS_OF, KEYS, STRANGER, SUPPLIERS, History, events, histories

bounded = settings(max_examples=8)


@pytest.fixture(scope="module")
def of(import_rows: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ledger]:
    """The ledger of some histories, imported one after the other."""

    def ledger_of(*imports: History) -> Ledger:
        ledger = Ledger(tmp_path_factory.mktemp("ledger"))
        for history in imports:
            suppliers = [{"supplier_id": each, "founded_on": "2019-02-28"} for each in (*SUPPLIERS, STRANGER)]
            assert import_rows(ledger, suppliers=suppliers, **history).quarantined == 0
        return ledger

    return ledger_of


def cases(*asked: tuple[str, date], contract: str = "contracts-0") -> pd.DataFrame:
    frame = pd.DataFrame(asked, columns=["supplier_id", "as_of"])
    return frame.assign(case_id=range(len(asked)), contract_id=contract)


def built(ledger: Ledger, asked: pd.DataFrame, tier: str, version: int | None = None) -> pd.DataFrame:
    with known_on(ledger, asked, version=version) as known:
        return build(known, tier=tier)


ALL_TODAY = cases(*((each, AS_OF) for each in (*SUPPLIERS, STRANGER)))


@bounded
@given(before=histories(), later=st.data())
def test_what_is_recorded_after_as_of_changes_no_feature(
    of: Callable[..., Ledger], before: History, later: st.DataObject
) -> None:
    news = {
        table: [
            later.draw(events(table, 100 + number)) | {"recorded_at": f"{AS_OF}T16:00:00"}  # midnight in China
            for number in range(later.draw(st.integers(1, 4)))
        ]
        for table in before
    }
    ledger = of(before, news)
    assert ledger.version == 2
    pd.testing.assert_frame_equal(
        built(ledger, ALL_TODAY, tier="platform", version=1),
        built(ledger, ALL_TODAY, tier="platform"),
        check_exact=True,
    )


@settings(bounded, max_examples=5)
@given(first=histories(), second=st.data())
def test_the_order_of_imports_changes_no_feature(
    of: Callable[..., Ledger], first: History, second: st.DataObject
) -> None:
    other = {table: [second.draw(events(table, 50 + n)) for n in range(4)] for table in first}
    one, two = of(first, other), of(other, first)
    pd.testing.assert_frame_equal(
        built(one, ALL_TODAY, tier="platform"), built(two, ALL_TODAY, tier="platform"), check_exact=True
    )


@settings(bounded, max_examples=5)
@given(history=histories(), places=st.data())
def test_a_file_in_two_halves_is_the_file(of: Callable[..., Ledger], history: History, places: st.DataObject) -> None:
    cuts = {table: places.draw(st.integers(0, len(rows))) for table, rows in history.items()}
    first = {table: rows[: cuts[table]] for table, rows in history.items()}
    second = {table: rows[cuts[table] :] for table, rows in history.items()}
    pd.testing.assert_frame_equal(
        built(of(history), ALL_TODAY, tier="platform"),
        built(of(first, second), ALL_TODAY, tier="platform"),
        check_exact=True,
    )


@settings(bounded, max_examples=5)
@given(history=histories(), choice=st.data())
def test_a_correction_wins_from_the_day_it_was_recorded_on(
    of: Callable[..., Ledger], history: History, choice: st.DataObject
) -> None:
    table = choice.draw(st.sampled_from(sorted(history)))
    wrong, *others = history[table] or [choice.draw(events(table, 0))]
    wrong |= {"record_id": "wrong"}
    right = choice.draw(events(table, 0)) | {
        KEYS[table]: wrong[KEYS[table]],
        "record_id": "right",
        "recorded_at": f"{AS_OF}T00:00:00",
    }
    before, after = history | {table: [wrong, *others]}, history | {table: [right, *others]}
    corrected = of(before, {each: [right | {"replaces": "wrong"}] if each == table else [] for each in history})
    assert corrected.version == 2
    for day, truth in ((AS_OF - timedelta(days=1), before), (AS_OF, after)):
        asked = ALL_TODAY.assign(as_of=day)
        pd.testing.assert_frame_equal(
            built(corrected, asked, tier="platform"), built(of(truth), asked, tier="platform"), check_exact=True
        )


@bounded
@given(history=histories())
def test_doubling_all_amounts_leaves_every_share_ratio_and_index(of: Callable[..., Ledger], history: History) -> None:
    doubled = {
        table: [{k: 2 * v if k in AMOUNTS.get(table, ()) else v for k, v in row.items()} for row in rows]
        for table, rows in history.items()
    }
    relative = [f.name for f in CATALOGUE if f.unit in ("share", "ratio", "index")]
    pd.testing.assert_frame_equal(
        built(of(history), ALL_TODAY, tier="platform")[relative],
        built(of(doubled), ALL_TODAY, tier="platform")[relative],
        check_exact=True,
    )


@bounded
@given(history=histories(), data=st.data())
def test_a_case_asked_alone_answers_as_it_does_in_a_crowd_of_other_days(
    of: Callable[..., Ledger], history: History, data: st.DataObject
) -> None:
    ledger = of(history)
    days = (AS_OF, AS_OF - timedelta(days=1), AS_OF - timedelta(days=365))
    crowd = cases(*((each, day) for each in (*SUPPLIERS, STRANGER) for day in days))
    together = built(ledger, crowd, tier="platform")
    one = data.draw(st.sampled_from(range(len(crowd))))
    alone = built(ledger, crowd.iloc[[one]], tier="platform")
    pd.testing.assert_frame_equal(alone, together.loc[[one]], check_exact=True)


@bounded
@given(history=histories(), order=st.permutations(range(8)))
def test_every_case_has_one_row_and_every_share_lies_in_its_unit(
    of: Callable[..., Ledger], history: History, order: list[int]
) -> None:
    asked = cases(*((each, day) for each in (*SUPPLIERS, STRANGER) for day in (AS_OF, date(2024, 2, 29)))).iloc[order]
    frame = built(of(history), asked, tier="platform")
    assert frame.index.tolist() == order
    assert frame.columns.tolist() == [f.name for f in CATALOGUE]
    for feature in CATALOGUE:
        values = frame[feature.name].dropna()
        if feature.unit in ("share", "index"):
            assert values.between(0, 1).all(), feature.name
        if feature.unit not in ("fen", "ratio", "days", "difference"):
            assert (values >= 0).all(), feature.name
