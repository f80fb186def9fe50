"""From the PD of the times to that of the long run."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anchoring import Anchor, Year, anchored, long_run, recent, shift_of, years_of
from models.targets import LOAN_DEFAULT, Lessons

RATES = st.floats(0.001, 0.5)


def taught(months: dict[str, tuple[int, int]], *, unused: tuple[str, ...] = ()) -> Lessons:
    """Lessons of these months, each with rows and bad ones."""
    opened, happened = [], []
    for month, (rows, bad) in months.items():
        opened += [pd.Timestamp(f"{month}-15")] * rows
        happened += [1] * bad + [0] * (rows - bad)
    cases = pd.DataFrame({"opened_on": opened, "as_of": date(2025, 1, 1)})
    index = pd.PeriodIndex(sorted({*months, *unused}), freq="M")
    cohorts = pd.DataFrame({"used": [str(month) not in unused for month in index]}, index=index)
    firms = pd.Series([f"S{n}" for n in range(len(cases))])
    return Lessons(cases, pd.Series(happened), firms, firms, True, cohorts)


def year(rows: int, bad: int) -> Year:
    return Year(pd.Period("2024-01", "M"), pd.Period("2024-12", "M"), rows, bad)


MONTHS = {f"{y}-{m:02}": (10, 1 if y == 2023 else 2) for y in (2022, 2023, 2024) for m in range(1, 13)}


def test_years_are_whole_and_go_back_from_the_last_month_that_is_used():
    found = years_of(taught(MONTHS, unused=("2025-01", "2025-02")))
    assert [(str(y.first), str(y.last), y.rows, y.bad) for y in found] == [
        ("2024-01", "2024-12", 120, 24),
        ("2023-01", "2023-12", 120, 12),
        ("2022-01", "2022-12", 120, 24),
    ]


def test_a_year_with_a_month_that_is_not_used_is_no_year():
    months = {month: counts for month, counts in MONTHS.items() if month != "2023-05"}
    assert len(years_of(taught(months, unused=("2023-05",)))) == 1


def test_every_year_counts_as_much_as_another_however_many_rows_it_has(terms):
    years = [year(10_000, 100), year(1_000, 30), year(1_000, 50)]
    anchor = long_run(years, LOAN_DEFAULT, terms, calibrated_rate=0.05)
    assert anchor.long_run_rate == pytest.approx(0.03)
    assert anchor.source == "mean of 3 yearly rates of the ledger"


def test_with_two_years_the_long_run_rate_is_the_dated_parameter(terms):
    years = [year(1_000, 30), year(1_000, 50), year(199, 20)]
    anchor = long_run(years, LOAN_DEFAULT, terms, calibrated_rate=0.05)
    assert anchor.long_run_rate == terms["long_run_rate_loan_default"]
    assert "long_run_rate_loan_default" in anchor.source and "2 years" in anchor.source


@given(RATES, RATES, st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_anchoring_keeps_probabilities_and_their_order_and_can_be_undone(ttc, pit, said):
    there, back = Anchor(ttc, "", pit).shift, Anchor(pit, "", ttc).shift
    before = np.sort(np.array(said))
    after = anchored(before, there)
    assert ((after >= 0) & (after <= 1)).all() and (np.diff(after) >= -1e-15).all()
    assert anchored(after, back) == pytest.approx(before, abs=1e-6)


@given(RATES, RATES)
def test_who_was_as_bad_as_the_times_is_as_bad_as_the_long_run(ttc, pit):
    assert anchored(np.array([pit]), Anchor(ttc, "", pit).shift)[0] == pytest.approx(ttc)


def test_a_model_of_undated_outcomes_has_no_anchor():
    assert shift_of({"anchor": None}) == 0.0
    assert years_of(Lessons(pd.DataFrame(), pd.Series(), pd.Series(), pd.Series(), False)) == []


RECENT = {"recent_months": 12, "recent_spread": 0.25}


def newest(bad, rows, *, said=0.05):
    """What the last of two years says where it had so many bad rows, and the first just as many as were forecast."""
    opened = pd.Series([pd.Timestamp("2024-06-01")] * rows + [pd.Timestamp("2025-06-01")] * rows)
    labels = np.r_[np.arange(rows) < said * rows, np.arange(rows) < bad].astype(float)
    return recent(np.full(2 * rows, said), labels, opened, RECENT)


def test_a_model_says_what_the_newest_year_says():
    found = newest(1_000, 10_000)
    assert found.shift == pytest.approx(np.log((0.1 / 0.9) / (0.05 / 0.95)), abs=0.03)
    assert found.rate == pytest.approx(0.1, abs=0.003) and (found.rows, found.bad) == (10_000, 1_000)


def test_few_outcomes_move_it_little():
    assert 0 < newest(10, 100).shift < newest(1_000, 10_000).shift / 2
    assert newest(500, 10_000).shift == pytest.approx(0, abs=1e-6)


def test_a_row_that_no_fold_held_out_says_nothing():
    opened = pd.Series([pd.Timestamp("2025-06-01")] * 100)
    said = np.r_[np.full(50, 0.1), np.full(50, np.nan)]
    assert recent(said, np.r_[np.zeros(45), np.ones(55)], opened, RECENT).rows == 50
