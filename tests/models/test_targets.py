"""Which draws and contracts teach a model, on which evening they are observed, and which are set aside."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from credit.domain.errors import MixedOutcomes, TooFewOutcomes
from models import targets
from models.targets import LOAN_DEFAULT, PERFORMANCE_BREACH, lessons
from tests.models.platforms import SHOWS, TERM, Platform

AS_OF = date(2026, 10, 31)


@pytest.fixture
def platform():
    """Twelve draws and twelve contracts of January 2025, half of them bad."""
    made = Platform()
    for number in range(12):
        day, bad = date(2025, 1, 1 + number), number % 2 == 0
        made.draw(number, day, past_due=90 if bad else 0, happened=bad)
        made.contract(number, day, ended=("TERMINATED", "SUPPLIER") if bad else ("COMPLETED", "NONE"))
    return made


@pytest.fixture
def taught(imported, terms):
    """The lessons of a platform's rows."""

    def found(platform, target=LOAN_DEFAULT, *, as_of=AS_OF, **changed):
        return lessons(imported(platform), target, tier="platform", as_of=as_of, terms=terms | changed)

    return found


def suppliers(found) -> set[str]:
    return set(found.cases["supplier_id"])


def test_a_draw_is_observed_on_the_evening_before_it(platform, taught):
    found = taught(platform)
    assert list(found.cases["as_of"][:2]) == [date(2024, 12, 31), date(2025, 1, 1)]
    assert found.dated and list(found.happened[:2]) == [1, 0]


def test_a_contract_is_observed_on_the_first_evening_that_it_is_on_record(platform, taught):
    platform.contract(20, date(2025, 1, 20), recorded=date(2025, 1, 22))
    found = taught(platform, PERFORMANCE_BREACH)
    observed = found.cases.set_index("supplier_id")["as_of"]
    assert observed["S0"] == date(2025, 1, 1)
    assert observed["S20"] == date(2025, 1, 22)


def test_a_contract_that_nobody_recorded_for_a_week_is_set_aside(platform, taught):
    platform.contract(20, date(2025, 1, 20), recorded=date(2025, 1, 29))
    assert taught(platform, PERFORMANCE_BREACH).set_aside == {targets.NOT_ON_RECORD: 1}


# -- windows and months


@pytest.mark.parametrize(("as_of", "is_taught"), [(date(2025, 12, 1), True), (date(2025, 11, 30), False)])
def test_a_draw_teaches_from_the_day_its_window_is_over(platform, taught, as_of, is_taught):
    opened = as_of - TERM - SHOWS if is_taught else as_of - TERM - SHOWS + timedelta(days=1)
    platform.draw(20, opened)
    assert ("S20" in suppliers(taught(platform, as_of=as_of))) == is_taught


def test_a_month_of_which_a_draw_is_open_teaches_nothing(platform, taught):
    platform.draw(20, date(2025, 2, 3))
    platform.draw(21, date(2025, 2, 20), past_due=1, outcome=False)
    found = taught(platform)
    assert suppliers(found) == {f"S{n}" for n in range(12)}
    assert found.cohorts["used"].tolist() == [True, False]


def test_a_month_teaches_from_the_share_of_it_that_has_to_be_over(platform, taught):
    platform.draw(20, date(2025, 1, 20), past_due=1, outcome=False)
    assert len(taught(platform, cohort_closed_min=12 / 13).cases) == 12


def test_a_month_just_below_that_share_teaches_nothing(platform, taught):
    platform.draw(20, date(2025, 1, 20), past_due=1, outcome=False)
    with pytest.raises(TooFewOutcomes, match="0 bad and 0 good"):
        taught(platform, cohort_closed_min=12 / 13 + 1e-9)


def test_a_bad_draw_does_not_teach_before_the_good_ones_of_its_month_can(platform, taught):
    # Written off before a draw of its month could be called good.
    platform.draw(20, date(2026, 3, 1), past_due=30, happened=True, matured=date(2026, 10, 1))
    assert "S20" not in suppliers(taught(platform))


def test_a_contract_teaches_only_when_every_guarantee_on_it_has_ended(platform, taught):
    platform.contract(20, date(2025, 2, 1), guarantee=("ISSUED", "EFFECTIVE"))
    platform.contract(21, date(2025, 3, 1), guarantee=("ISSUED", "RELEASED"))
    assert {"S20", "S21"} & suppliers(taught(platform, PERFORMANCE_BREACH)) == {"S21"}


def test_contracts_that_were_bought_otherwise_teach_nothing(platform, taught):
    platform.contract(20, date(2025, 1, 20), channel="EMALL")
    assert "S20" not in suppliers(taught(platform, PERFORMANCE_BREACH))


def test_a_label_that_was_recorded_later_is_not_known_before(platform, imported, terms):
    platform.draw(20, date(2025, 1, 20), past_due=1)
    platform.tables["outcomes"][-1]["recorded_at"] = "2026-06-02"
    ledger, asked = imported(platform), {"tier": "platform", "terms": terms | {"cohort_closed_min": 0.9}}
    early, late = (lessons(ledger, LOAN_DEFAULT, as_of=date(2026, 6, day), **asked) for day in (1, 2))
    assert (len(early.cases), len(late.cases)) == (12, 13)


# -- where nobody says an outcome


@pytest.mark.parametrize(("days", "happened"), [(89, 0), (90, 1)])
def test_a_draw_that_nobody_labelled_is_bad_where_it_was_repaid_ninety_days_late(platform, taught, days, happened):
    opened = date(2025, 1, 20)
    platform.draw(20, opened, past_due=30, repaid=opened + TERM + timedelta(days=days), outcome=False)
    found = taught(platform)
    assert found.happened[found.cases["supplier_id"] == "S20"].tolist() == [happened]


def test_a_draw_that_nobody_labelled_and_that_was_marked_or_written_off_is_bad(platform, taught):
    platform.draw(20, date(2025, 1, 20), past_due=90, outcome=False)
    platform.draw(21, date(2025, 1, 20), past_due=1, outcome=False)
    lost = platform.tables["credit_events"][-1] | {"credit_event_id": "V21-X", "kind": "WRITTEN_OFF"}
    platform.tables["credit_events"].append(lost)
    found = taught(platform)
    assert found.happened[found.cases["supplier_id"].isin(["S20", "S21"])].tolist() == [1, 1]


@pytest.mark.parametrize(("evenings", "is_taught"), [(0, False), (1, True)])
def test_what_happened_says_an_outcome_on_the_evening_after_its_window(platform, taught, evenings, is_taught):
    opened = date(2025, 2, 20)
    platform.draw(20, opened, outcome=False)
    as_of = opened + TERM + SHOWS + timedelta(days=evenings)
    assert ("S20" in suppliers(taught(platform, as_of=as_of))) == is_taught


def test_a_contract_that_nobody_labelled_teaches_once_it_and_its_guarantee_have_ended(platform, taught):
    platform.contract(20, date(2025, 2, 1), guarantee=("ISSUED", "RELEASED"), outcome=False)
    platform.contract(21, date(2025, 3, 1), guarantee=("ISSUED", "PAID"), outcome=False)
    platform.contract(22, date(2025, 4, 1), guarantee=("ISSUED",), outcome=False)
    found = taught(platform, PERFORMANCE_BREACH)
    ours = found.cases["supplier_id"].isin(["S20", "S21", "S22"])
    assert dict(zip(found.cases["supplier_id"][ours], found.happened[ours], strict=True)) == {"S20": 0, "S21": 1}


def test_a_guarantee_that_was_paid_is_a_breach_whatever_was_said_of_the_contract(platform, taught):
    platform.contract(20, date(2025, 2, 1), guarantee=("ISSUED", "PAID"))
    found = taught(platform, PERFORMANCE_BREACH)
    assert found.happened[found.cases["supplier_id"] == "S20"].tolist() == [1]


# -- neither good nor bad


def test_a_draw_past_due_and_not_repaid_is_neither_good_nor_bad(platform, taught):
    platform.draw(20, date(2025, 1, 20), past_due=30)
    found = taught(platform)
    assert "S20" not in suppliers(found) and found.set_aside == {targets.NOT_CURED: 1}


def test_a_draw_that_was_late_and_repaid_before_a_default_is_good(platform, taught):
    platform.draw(20, date(2025, 1, 20), past_due=60, repaid=date(2025, 1, 20) + TERM + timedelta(days=80))
    found = taught(platform)
    assert found.happened[found.cases["supplier_id"] == "S20"].tolist() == [0]


def test_a_draw_that_was_repaid_at_once_says_nothing(platform, taught):
    platform.draw(20, date(2025, 1, 20), repaid=date(2025, 1, 20) + timedelta(days=29))
    platform.draw(21, date(2025, 1, 20), repaid=date(2025, 1, 20) + timedelta(days=30))
    found = taught(platform)
    assert {"S20", "S21"} & suppliers(found) == {"S21"} and found.set_aside == {targets.NO_EXPOSURE: 1}


def test_a_window_that_ends_before_a_default_can_show_says_nothing(platform, taught):
    platform.draw(20, date(2025, 1, 20), past_due=1, matured=date(2025, 1, 20) + TERM + timedelta(days=20))
    assert taught(platform).set_aside == {targets.WINDOW_TOO_SHORT: 1}


@pytest.mark.parametrize("ended", [("TERMINATED", "BUYER"), ("TERMINATED", "NONE"), ("ENDED", "NONE")])
def test_a_contract_that_ended_without_the_suppliers_fault_is_neither_good_nor_bad(platform, taught, ended):
    platform.contract(20, date(2025, 1, 20), ended=ended)
    found = taught(platform, PERFORMANCE_BREACH)
    assert "S20" not in suppliers(found) and found.set_aside == {targets.NO_FAULT: 1}


def test_a_contract_that_is_open_at_the_end_of_its_window_is_neither_good_nor_bad(platform, taught):
    platform.contract(20, date(2025, 1, 20), ended=None)
    assert taught(platform, PERFORMANCE_BREACH).set_aside == {targets.STILL_OPEN: 1}


# -- whose rows they are


def test_connected_firms_and_merged_ids_stay_on_one_side_of_a_split(platform, taught):
    platform.tables["relations"] = [{"relation_event_id": "N1", "supplier_id": "S2", "related_id": "S3"}]
    platform.tables["relations"][0] |= {"tie": "CONTROLLER", "happened_on": "2025-01-01"}
    platform.tables["merges"] = [{"supplier_id": "S5", "merged_id": "S4", "happened_on": "2025-06-01"}]
    found = taught(platform)
    group = found.groups.groupby(found.cases["supplier_id"]).first()
    firm = found.firms.groupby(found.cases["supplier_id"]).first()
    assert group["S2"] == group["S3"] and group["S4"] == group["S5"] and group.nunique() == 10
    assert firm["S4"] == "S5" and firm["S2"] != firm["S3"]


# -- undated labels


def test_undated_labels_are_observed_on_the_day_asked_and_make_a_concurrent_model(platform, taught):
    for row in platform.tables["outcomes"]:
        row |= {"opened_on": "", "matured_on": ""}
    found = taught(platform)
    assert set(found.cases["as_of"]) == {AS_OF} and not found.dated


def test_outcomes_of_which_only_some_carry_dates_teach_nothing(platform, taught):
    platform.tables["outcomes"][0] |= {"opened_on": "", "matured_on": ""}
    with pytest.raises(MixedOutcomes, match="1 of 12"):
        taught(platform)


def test_outcomes_of_the_other_kind_of_data_teach_nothing(imported, platform, terms):
    with pytest.raises(TooFewOutcomes):
        lessons(imported(platform), LOAN_DEFAULT, tier="invoice", as_of=AS_OF, terms=terms)
