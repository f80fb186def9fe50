"""What became of overrides: of the line that was accepted by one, and of the supplier since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from credit.app.aftermath import became
from credit.app.booking import request
from credit.app.home import Home
from credit.domain.line import Event, Happened

JUDGED = {"decision_id": "D1", "supplier_id": "S1", "at": "2025-02-09T17:00:00"}  # the 10th in China
ACCEPTED = Happened(
    line_id="L1", kind=Event.ACCEPTED, decision_id="D1", supplier_id="S1", contract_id=None, product="turnover_line",
    limit_fen=2_000_000, yearly_rate_bp=500, starts_on=date(2025, 2, 10), ends_on=date(2026, 2, 10),
    at="2025-02-10T01:00:00", who="li", text="accepted",
)  # fmt: skip
LATE = {"credit_event_id": "V2", "kind": "PAST_DUE", "happened_on": "2025-03-20", "days_past_due": 31}
NOTHING = {"drawn_fen": 0, "open_fen": 0, "worst_days_past_due": 0, "written_off_fen": 0, "guarantees_called": 0,
           "guarantees_paid_fen": 0}  # fmt: skip


@pytest.fixture
def home(tmp_path, import_rows, monkeypatch):
    """One supplier that draws 2,000,000 fen on 15 February 2025 and is 31 days late in March; it is April."""
    monkeypatch.setenv("CREDIT_NOW", "2025-04-15T02:00:00")
    found = Home(tmp_path / "home")
    import_rows(found.ledger(), suppliers=[{}], credit_events=[{}, LATE])
    return found


def happens(home, event):
    asked = request("line", {}, who="li", key=None)
    home.book().line_happens(asked, event, about={"revolves": True}, pools={})


def test_of_no_overrides_nothing_became(tmp_path):
    assert became(Home(tmp_path), []) == []


def test_a_line_that_was_accepted_is_said_with_what_was_drawn_and_how_it_went(home):
    happens(home, ACCEPTED)
    assert became(home, [JUDGED]) == [
        {
            "decision_id": "D1", "line_id": "L1", "line_state": "ACTIVE", "since": "2025-02-10",
            **NOTHING, "drawn_fen": 2_000_000, "open_fen": 2_000_000, "worst_days_past_due": 31,
        }
    ]  # fmt: skip


def test_its_line_is_what_it_is_today(home):
    suspended = replace(ACCEPTED, kind=Event.SUSPENDED, starts_on=date(2025, 4, 1), text="late")
    for event in (ACCEPTED, suspended):
        happens(home, event)
    assert became(home, [JUDGED])[0]["line_state"] == "SUSPENDED"


def test_what_was_drawn_before_the_line_began_did_not_come_of_it(home):
    happens(home, replace(ACCEPTED, starts_on=date(2025, 2, 16)))
    [found] = became(home, [JUDGED])
    assert (found["since"], found["drawn_fen"]) == ("2025-02-16", 0)


def test_a_refusal_has_no_line_and_says_what_was_drawn_elsewhere(home):
    [found] = became(home, [JUDGED])
    assert (found["line_id"], found["line_state"], found["since"]) == (None, None, "2025-02-10")
    assert found["worst_days_past_due"] == 31


def test_a_line_that_was_renewed_by_it_counts_from_the_renewal(home):
    renewed = replace(ACCEPTED, kind=Event.RENEWED, decision_id="D2", starts_on=date(2025, 3, 1))
    for event in (ACCEPTED, renewed):
        happens(home, event)
    rows = [JUDGED | {"decision_id": "D2"}, JUDGED]
    assert [(each["line_id"], each["since"], each["drawn_fen"]) for each in became(home, rows)] == [
        ("L1", "2025-03-01", 0),
        ("L1", "2025-02-10", 2_000_000),
    ]


def test_what_is_not_known_yet_did_not_happen(home, monkeypatch):
    monkeypatch.setenv("CREDIT_NOW", "2025-03-19T02:00:00")
    [found] = became(home, [JUDGED])
    assert (found["drawn_fen"], found["worst_days_past_due"]) == (2_000_000, 0)
