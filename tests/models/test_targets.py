from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from credit.domain.errors import MixedOutcomes, TooFewOutcomes
from models.targets import LOAN_DEFAULT, PERFORMANCE_BREACH, lessons


class Outcomes:
    """A ledger that holds outcomes alone."""

    def __init__(self, rows: list[dict]) -> None:
        self.rows = rows

    def gone_on_as(self, day, *, version=None):
        return {"S1": "S2"}

    def outcomes(self, target, *, known_on, version=None):
        columns = ["supplier_id", "loan_id", "contract_id", "opened_on", "matured_on", "happened", "tier"]
        return pd.DataFrame(self.rows, columns=columns)


def outcome(number: int, *, opened: date | None, matured: date | None, tier: str = "platform") -> dict:
    return {
        "supplier_id": f"S{number}",
        "opened_on": opened,
        "matured_on": matured,
        "happened": number % 2 == 0,
        "tier": tier,
    }


AS_OF = date(2026, 10, 31)
MATURE = [outcome(n, opened=date(2025, 1, n), matured=date(2026, 1, n)) for n in range(1, 13)]


def test_a_draw_is_observed_on_the_day_before_it():
    rows = lessons(Outcomes(MATURE), LOAN_DEFAULT, tier="platform", as_of=AS_OF)
    assert list(rows.cases["as_of"])[:2] == [date(2024, 12, 31), date(2025, 1, 1)]
    assert rows.dated


def test_the_ids_of_one_firm_stay_on_one_side_of_a_split():
    rows = lessons(Outcomes(MATURE), LOAN_DEFAULT, tier="platform", as_of=AS_OF)
    assert list(rows.groups[:3]) == ["S2", "S2", "S3"]
    assert list(rows.cases["supplier_id"][:3]) == ["S1", "S2", "S3"]


def test_a_window_that_ends_on_the_day_is_taught_and_one_that_ends_the_day_after_is_not():
    on_the_day = outcome(20, opened=date(2025, 7, 1), matured=AS_OF)
    day_after = outcome(22, opened=date(2025, 7, 1), matured=date(2026, 11, 1))
    rows = lessons(Outcomes([*MATURE, on_the_day, day_after]), LOAN_DEFAULT, tier="platform", as_of=AS_OF)
    assert "S20" in set(rows.cases["supplier_id"])
    assert "S22" not in set(rows.cases["supplier_id"])


def test_undated_labels_are_observed_on_the_day_asked_and_make_a_concurrent_model():
    undated = [outcome(n, opened=None, matured=None, tier="invoice") for n in range(12)]
    rows = lessons(Outcomes(undated), LOAN_DEFAULT, tier="invoice", as_of=AS_OF)
    assert set(rows.cases["as_of"]) == {AS_OF}
    assert not rows.dated


def test_outcomes_of_which_only_some_carry_dates_teach_nothing():
    with pytest.raises(MixedOutcomes, match="1 of 13"):
        lessons(Outcomes([*MATURE, outcome(14, opened=None, matured=None)]), LOAN_DEFAULT, tier="platform", as_of=AS_OF)


def test_outcomes_of_the_other_kind_of_data_teach_nothing():
    with pytest.raises(TooFewOutcomes):
        lessons(Outcomes(MATURE), LOAN_DEFAULT, tier="invoice", as_of=AS_OF)


def test_a_performance_model_is_taught_by_tenders_and_frameworks_alone():
    assert PERFORMANCE_BREACH.channels == ("PROJECT", "FRAMEWORK")
