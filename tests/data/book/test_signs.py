"""What the book shows of its own draws and guarantees: new since a line began, once, as known on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from bench.book_load import BEGINS, ENDS, asked
from credit.domain import guaranteeing as acts
from credit.domain.alerts import raised
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.guarantee import Form, Wording
from credit.domain.line import Event, Happened
from data.book.book import Asked
from data.book.guarantees import Guarantees
from data.book.signs import found_in_book
from data.early_warnings import FOUND

DUE = date(2026, 3, 1)
LATE = DUE + timedelta(days=1)
TERMS = {"past_due_days": 1, "past_due_silent_days": 7, "red_look_days": 1, "amber_look_days": 5}
LINE = Happened(
    line_id="L1", kind=Event.ACCEPTED, decision_id="D1", supplier_id="S1", contract_id=None, product="turnover_line",
    limit_fen=1_000, yearly_rate_bp=450, starts_on=BEGINS, ends_on=ENDS, at="", who="li", text="",
)  # fmt: skip


def told(key: str, command: str, on: date):
    """A request of the morning of a day."""
    return replace(asked(key, command), at=f"{on}T01:00:00")


@pytest.fixture
def drawn(book):
    """A draw on a line that is due on 1 March 2026."""
    book.line_happens(told("accept", "accept", BEGINS), LINE, about={"revolves": True}, pools={})
    terms = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=DUE)
    wanted = Asked(draw_id="T1", line_id="L1", contract_id="C1", amount_fen=100, on=BEGINS, lapses_on=ENDS, terms=terms)
    book.request_draw(told("request", "request", BEGINS), wanted)
    book.post_draw(told("post", "post", BEGINS), "T1", BEGINS)
    return book


def lines(since: date = BEGINS, contract: str | None = None, *, line="L1", supplier="S1") -> pd.DataFrame:
    row = (line, supplier, contract, since)
    return pd.DataFrame([row], columns=["line_id", "supplier_id", "contract_id", "since"])


def found(store, as_of: date, asked_about: pd.DataFrame | None = None, gone_on_as=()) -> pd.DataFrame:
    about = lines() if asked_about is None else asked_about
    return found_in_book(
        store, about, as_of, TERMS,
        day_of=lambda at: (datetime.fromisoformat(at) + timedelta(hours=8)).date(), gone_on_as=dict(gone_on_as),
    )  # fmt: skip


def about(store, as_of: date, *rest) -> list[str]:
    return found(store, as_of, *rest)["about"].tolist()


def test_a_draw_one_day_past_due_is_found_and_one_on_its_due_day_is_not(drawn, store):
    assert found(store, DUE).empty
    [sign] = found(store, LATE).to_dict("records")
    assert tuple(sign) == FOUND
    assert (sign["rule"], sign["table"], sign["records"]) == ("EW-OVERDUE", "draws", ["T1"])
    assert (sign["happened_on"], sign["known_on"], sign["observed"]) == (LATE, LATE, 1)


def test_asked_on_another_day_it_is_the_same_alert(drawn, store):
    ids = {
        alert.alert_id
        for later in (0, 1, 40)
        for alert in raised(found(store, LATE + timedelta(days=later)), lines(), TERMS, version="v")
    }
    assert len(ids) == 1


def test_another_line_of_the_firm_is_warned_and_another_firm_is_not(drawn, store):
    assert about(store, LATE, lines(line="L2", contract="C9")) == ["T1"]
    assert about(store, LATE, lines(line="L3", supplier="S2")) == []
    # Two ids that are one firm by the day.
    assert about(store, LATE, lines(line="L3", supplier="S2"), {"S1": "S2"}) == ["T1"]


def test_what_was_late_when_a_line_began_is_not_new(drawn, store):
    assert about(store, LATE + timedelta(days=5), lines(since=LATE)) == []
    assert about(store, LATE + timedelta(days=5), lines(since=DUE)) == ["T1"]


def test_a_repayment_counts_from_the_day_on_which_it_was_known(drawn, store):
    booked = LATE + timedelta(days=5)
    drawn.repay(told("repay", "repay", booked), "T1", "P1", 100, DUE, KINDS)
    assert about(store, booked - timedelta(days=1)) == ["T1"]
    assert about(store, booked) == []


def test_a_draw_whose_repayment_was_taken_back_is_late_anew(drawn, store):
    drawn.repay(told("repay", "repay", LATE), "T1", "P1", 100, LATE, KINDS)
    assert found(store, LATE).empty
    back = LATE + timedelta(days=2)
    drawn.reverse(told("back", "reverse", back), "T1", "P1", back, "bounced")
    [sign] = found(store, back).to_dict("records")
    assert (sign["about"], sign["happened_on"], sign["known_on"]) == ("T1/P1", back, back)


def test_what_is_written_off_before_it_is_late_is_found_and_after_it_is_the_same(drawn, store):
    early = DUE - timedelta(days=9)
    drawn.write_off(told("off", "off", early), "T1", early, "insolvent")
    assert found(store, early - timedelta(days=1)).empty
    [sign] = found(store, ENDS).to_dict("records")
    assert (sign["about"], sign["happened_on"]) == ("T1", early)


def test_a_late_draw_that_is_written_off_is_no_second_alert(drawn, store):
    off = LATE + timedelta(days=9)
    drawn.write_off(told("off", "off", off), "T1", off, "gone")
    before, after = (found(store, day).to_dict("records")[0] for day in (LATE, off))
    assert (before["about"], before["happened_on"]) == (after["about"], after["happened_on"]) == ("T1", LATE)


def test_what_is_only_reserved_is_not_late(book, store):
    book.line_happens(told("accept", "accept", BEGINS), LINE, about={"revolves": True}, pools={})
    terms = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=DUE)
    wanted = Asked(draw_id="T1", line_id="L1", contract_id=None, amount_fen=9, on=BEGINS, lapses_on=ENDS, terms=terms)
    book.request_draw(told("request", "request", BEGINS), wanted)
    assert found(store, LATE).empty


# -- guarantees


@pytest.fixture
def demanded(store) -> Guarantees:
    """A guarantee on contract C1 that was demanded on 2 February 2026."""
    guarantees = Guarantees(store)
    wording = Wording(guarantee_id="G1", form=Form.PERFORMANCE, decision_id="D1", supplier_id="S1", contract_id="C1",
                      amount_fen=40_000, expires_on=date(2026, 9, 30))  # fmt: skip
    events = acts.issue(wording, on=BEGINS, who="li", signed_on=BEGINS)
    guarantees.issue(told("issue", "issue", BEGINS), events, product="p", about={}, pools={})
    act(guarantees, "demand", date(2026, 2, 2), amount_fen=15_000)
    return guarantees


def act(guarantees, command, on, **said):
    do = getattr(acts, command)
    guarantees.act(told(command, command, on), "G1", lambda events: do(events, who="li", on=on, **said))


@pytest.mark.parametrize(
    ("contract", "rule"), [("C1", "EW-CALLED"), (None, "EW-CALLED"), ("C2", "EW-CALLED-ELSEWHERE")]
)
def test_a_demand_warns_the_line_on_its_contract_and_others_of_the_firm(demanded, store, contract, rule):
    assert found(store, date(2026, 2, 1), lines(contract=contract)).empty
    [sign] = found(store, date(2026, 2, 2), lines(contract=contract)).to_dict("records")
    assert (sign["rule"], sign["table"], sign["records"]) == (rule, "guarantees", ["G1", "G1-1"])
    assert (sign["contract_id"], sign["happened_on"], sign["known_on"]) == ("C1", date(2026, 2, 2), date(2026, 2, 2))


def test_what_is_paid_warns_where_the_demand_was_known_before_and_not_twice(demanded, store):
    act(demanded, "pay", date(2026, 2, 5), demand_id="G1-1")
    assert about(store, ENDS) == ["G1-1"]
    assert about(store, ENDS, lines(since=date(2026, 2, 2))) == ["G1-1/PAID"]
    assert about(store, ENDS, lines(since=date(2026, 2, 5))) == []


@pytest.mark.parametrize(("command", "stands"), [("withdraw", []), ("refuse", ["G1-1"])])
def test_a_demand_that_was_taken_back_asks_for_nothing_and_one_that_was_refused_did(demanded, store, command, stands):
    said = {"discrepancies": ["no statement"]} if command == "refuse" else {}
    act(demanded, command, date(2026, 2, 5), demand_id="G1-1", **said)
    assert about(store, date(2026, 2, 4)) == ["G1-1"]
    assert about(store, date(2026, 2, 5)) == stands


def test_a_guarantee_that_was_given_back_is_called_no_more(demanded, store):
    act(demanded, "pay", date(2026, 2, 5), demand_id="G1-1")
    act(demanded, "release", date(2026, 3, 5))
    assert about(store, date(2026, 3, 4)) == ["G1-1"]
    assert about(store, date(2026, 3, 5)) == []
