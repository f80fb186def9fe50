"""What a buyer's score rests on: all its suppliers, two years, and only what was known by the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from data.ledger import Ledger
from features.buyer_scores import PRIOR_EVENTS, WEIGHTS, scores
from features.engine import build_cases, build_on

AS_OF = date(2025, 6, 30)
Row = dict[str, Any]
ImportRows = Callable[..., Any]
NEUTRAL = 0.5
SUPPLIERS: list[Row] = [{}, {"supplier_id": "S2"}]


def score_of(ledger: Ledger, buyer: str = "B1", day: date = AS_OF) -> float:
    (file,) = scores(ledger, [day])
    scored = pd.read_parquet(file, partitioning=None).set_index("buyer_id")["score"]
    return float(scored[buyer])


def paid(number: int, *, late: bool, **changes: Any) -> Row:
    return {
        "payment_id": f"P{number}",
        "supplier_id": "S2",
        "due_on": "2025-03-01",
        "paid_on": "2025-04-01" if late else "2025-02-20",
    } | changes


def moved(part: str, well: int, of: int) -> float:
    """How far so many events of a part move a score from the middle."""
    return WEIGHTS[part] * ((well + PRIOR_EVENTS / 2) / (of + PRIOR_EVENTS) - NEUTRAL)


def test_the_parts_add_up_to_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_a_buyer_who_pays_in_time_scores_above_one_who_does_not(ledger: Ledger, import_rows: ImportRows) -> None:
    rows = [paid(n, late=False) for n in range(4)] + [paid(10 + n, late=True, buyer_id="B2") for n in range(4)]
    import_rows(ledger, suppliers=SUPPLIERS, payments=rows)
    assert score_of(ledger) == pytest.approx(NEUTRAL + moved("paying", 4, 4))
    assert score_of(ledger, "B2") == pytest.approx(NEUTRAL + moved("paying", 0, 4))


def test_a_single_event_moves_a_score_little(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=SUPPLIERS, payments=[paid(1, late=True)])
    assert NEUTRAL - 0.05 < score_of(ledger) < NEUTRAL


def test_acceptance_within_the_days_counts_and_later_does_not(ledger: Ledger, import_rows: ImportRows) -> None:
    deliveries = [{"delivery_id": f"D{n}", "delivered_on": "2025-03-01"} for n in (1, 2)]
    acceptances = [
        {"acceptance_id": "Q1", "delivery_id": "D1", "accepted_on": "2025-03-16"},
        {"acceptance_id": "Q2", "delivery_id": "D2", "accepted_on": "2025-03-17"},
    ]
    import_rows(ledger, suppliers=SUPPLIERS, deliveries=deliveries, acceptances=acceptances)
    assert score_of(ledger) == pytest.approx(NEUTRAL + moved("accepting", 1, 2))


def test_a_contract_that_the_buyer_cut_was_not_ordered_well(ledger: Ledger, import_rows: ImportRows) -> None:
    open_ended = {"planned_acceptance_on": ""}
    contracts = [open_ended, open_ended | {"contract_id": "C2"}]
    import_rows(ledger, suppliers=SUPPLIERS, contracts=contracts, amendments=[{"change_fen": -1}])
    assert score_of(ledger) == pytest.approx(NEUTRAL + moved("ordering", 1, 2))


def test_what_is_not_known_yet_moves_no_score(ledger: Ledger, import_rows: ImportRows) -> None:
    late = [paid(n, late=True, recorded_at="2025-07-01T00:00:00") for n in range(9)]
    import_rows(ledger, suppliers=SUPPLIERS, payments=[paid(100, late=False), *late])
    assert score_of(ledger) == pytest.approx(NEUTRAL + moved("paying", 1, 1))
    assert score_of(ledger, day=date(2025, 7, 30)) == pytest.approx(NEUTRAL + moved("paying", 1, 1))
    assert score_of(ledger, day=date(2025, 7, 31)) < NEUTRAL


def test_what_lies_two_years_back_moves_no_score(ledger: Ledger, import_rows: ImportRows) -> None:
    old = [paid(n, late=True, due_on="2023-06-01", paid_on="2023-06-30") for n in range(9)]
    import_rows(ledger, suppliers=SUPPLIERS, payments=[paid(100, late=False), *old])
    assert score_of(ledger) == pytest.approx(NEUTRAL + moved("paying", 1, 1))


def test_a_supplier_has_its_buyers_scores_from_what_others_met_with(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=SUPPLIERS, contracts=[{}], payments=[paid(n, late=True) for n in range(4)])
    frame = build_on(ledger, AS_OF, tier="platform")
    assert frame.loc["S1", "buyer_score_mean_12m"] == pytest.approx(score_of(ledger))
    assert frame.loc["S1", "buyer_score_mean_12m"] < NEUTRAL + moved("ordering", 1, 1)


def test_scores_are_kept_and_computed_anew_for_a_ledger_that_grew(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=SUPPLIERS, payments=[paid(1, late=False)])
    before = scores(ledger, [AS_OF])
    assert scores(ledger, [AS_OF]) == before
    import_rows(ledger, payments=[paid(2, late=True)])
    assert scores(ledger, [AS_OF]) != before
    assert score_of(ledger) == pytest.approx(NEUTRAL + moved("paying", 1, 2))


def test_scores_that_somebody_altered_are_not_read(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=SUPPLIERS, payments=[paid(1, late=False)])
    (file,) = scores(ledger, [AS_OF])
    true = score_of(ledger)
    pd.DataFrame({"month_end": [AS_OF], "buyer_id": ["B1"], "score": [1.0]}).to_parquet(file)
    assert score_of(ledger) == true


def test_scores_of_an_older_version_go_with_the_next_import(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=SUPPLIERS, payments=[paid(1, late=False)])
    (old,) = scores(ledger, [AS_OF])
    import_rows(ledger, payments=[paid(2, late=True)])
    import_rows(ledger, payments=[paid(3, late=True)])
    assert not old.exists()


def test_features_are_the_same_however_many_suppliers_are_taken_at_once(
    ledger: Ledger, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_rows(ledger, suppliers=SUPPLIERS, contracts=[{}], payments=[paid(n, late=n % 2 == 0) for n in range(5)])
    days = [AS_OF, date(2025, 3, 31)]
    cases = pd.DataFrame(
        [(supplier, day) for day in days for supplier in ("S2", "S1", "S9")], columns=["supplier_id", "as_of"]
    ).assign(case_id=[7, 3, 5, 1, 9, 2])
    together = build_cases(ledger, cases, tier="platform")
    monkeypatch.setattr("features.engine.CASES_AT_ONCE", 1)
    pd.testing.assert_frame_equal(build_cases(ledger, cases, tier="platform"), together, check_exact=True)
    assert together.index.tolist() == cases["case_id"].tolist()
