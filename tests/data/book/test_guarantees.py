from __future__ import annotations

from dataclasses import asdict
from datetime import date

import pytest

from bench import book_load
from bench.book_load import asked
from credit.domain import guaranteeing as acts
from credit.domain.business_days import Closed
from credit.domain.errors import GuaranteeRefused, LimitExceeded
from credit.domain.guarantee import Falls, Form, Schedule, Wording
from data.book import accounts
from data.book.audit import verified
from data.book.exposure import exposure
from data.book.guarantees import Guarantees, answer_of

CONTRACT = accounts.pool("contract", "C1")
ADVANCE = Wording(
    guarantee_id="G1", form=Form.ADVANCE_PAYMENT, decision_id="D1", supplier_id="S1", contract_id="C1",
    amount_fen=40_000, expires_on=date(2026, 9, 30), account_id="A1",
    schedule=Schedule(falls=Falls.PRO_RATA, whole_fen=100_000),
)  # fmt: skip


@pytest.fixture
def guarantees(store) -> Guarantees:
    return Guarantees(store)


def issue(guarantees, wording=ADVANCE, *, limit=100_000, key="K1"):
    events = acts.issue(wording, on=date(2026, 1, 5), who="li", signed_on=date(2026, 1, 5))
    about = {"buyer_id": "B1", "district": "330106", "category": "GOODS"}
    return guarantees.issue(
        asked(key, "issue", guarantee=wording.guarantee_id), events, product="p", about=about, pools={CONTRACT: limit}
    )


def act(guarantees, number, command, **arguments):
    do = getattr(acts, command)
    request = asked(f"A{number}", command, **{name: str(value) for name, value in arguments.items()})
    return guarantees.act(request, "G1", lambda events: do(events, who="li", **arguments))


def taken(store) -> dict[str, int]:
    with store.reading() as con:
        from sqlalchemy import select

        from data.book.tables import BALANCES

        return {row.account: row.amount_fen for row in con.execute(select(BALANCES))}


def test_a_guarantee_takes_of_its_contract_what_can_be_called_until_it_is_given_back(store, guarantees):
    assert issue(guarantees)["state"] == "ISSUED"
    assert taken(store)[CONTRACT] == 40_000
    act(guarantees, 1, "receive_advance", account_id="A1", credited_fen=40_000, on=date(2026, 1, 9))
    left = [
        act(guarantees, number, "reduce", accepted_fen=fen, on=date(2026, month, 1))["outstanding_fen"]
        for number, (fen, month) in enumerate(((25_000, 3), (50_000, 4), (75_000, 5)), start=2)
    ]
    assert left == [30_000, 20_000, 10_000]
    assert taken(store)[CONTRACT] == 10_000
    assert act(guarantees, 5, "release", on=date(2026, 6, 1))["state"] == "RELEASED"
    assert taken(store) == {CONTRACT: 0, accounts.guaranteed("G1"): 0, accounts.claimed("G1"): 0}
    assert verified(store).faults == () and guarantees.listed(open_only=True) == []


def test_what_is_paid_is_owed_by_the_supplier_and_called_no_more(store, guarantees):
    issue(guarantees)
    act(guarantees, 1, "receive_advance", account_id="A1", credited_fen=40_000, on=date(2026, 1, 9))
    asked_for = act(guarantees, 2, "demand", amount_fen=15_000, on=date(2026, 2, 2), extend_to=date(2026, 12, 31))
    (demand,) = asked_for["demands"]
    assert act(guarantees, 3, "suspend", demand_id=demand["demand_id"], on=date(2026, 2, 4))["state"] == "DEMANDED"
    answer = act(guarantees, 4, "pay", demand_id=demand["demand_id"], on=date(2026, 3, 4))
    assert (answer["state"], answer["outstanding_fen"], answer["paid_fen"]) == ("EFFECTIVE", 25_000, 15_000)
    # What was paid still takes of the contract: it is owed.
    assert taken(store) == {CONTRACT: 40_000, accounts.guaranteed("G1"): 25_000, accounts.claimed("G1"): 15_000}


def test_two_guarantees_on_one_contract_do_not_go_over_its_cap(store, guarantees):
    issue(guarantees, limit=79_999)
    with pytest.raises(LimitExceeded, match="CNY 400 more would be over the limit of contract C1"):
        issue(guarantees, Wording(**{**vars_of(ADVANCE), "guarantee_id": "G2"}), limit=79_999, key="K2")
    assert issue(guarantees, Wording(**{**vars_of(ADVANCE), "guarantee_id": "G2"}), limit=80_000, key="K2")


def vars_of(wording) -> dict:
    return {name: getattr(wording, name) for name in wording.__dataclass_fields__}


def test_an_act_that_may_not_be_is_refused_and_leaves_nothing(store, guarantees):
    issue(guarantees)
    before = verified(store).entries
    with pytest.raises(GuaranteeRefused, match="the advance went to another account"):
        act(guarantees, 1, "receive_advance", account_id="A2", credited_fen=40_000, on=date(2026, 1, 9))
    with pytest.raises(GuaranteeRefused, match="issued already"):
        issue(guarantees, key="K2")
    with pytest.raises(GuaranteeRefused, match="no guarantee 'G9'"):
        guarantees.events("G9")
    assert verified(store).entries == before and book_load.faults(store) == []


def test_what_the_log_keeps_is_the_events_to_the_last_field(store, guarantees):
    issue(guarantees)
    done = [*acts.issue(ADVANCE, on=date(2026, 1, 5), who="li")]
    for number, (command, told) in enumerate([
        ("receive_advance", {"account_id": "A1", "credited_fen": 40_000, "on": date(2026, 1, 9)}),
        ("demand", {"amount_fen": 9_000, "on": date(2026, 2, 2), "text": "late"}),
        ("interrupt", {"closed": Closed(date(2026, 2, 3), date(2026, 2, 4)), "on": date(2026, 2, 5)}),
        ("refuse", {"demand_id": "G1-1", "discrepancies": ["no statement", "no date"], "on": date(2026, 2, 6)}),
    ]):  # fmt: skip
        act(guarantees, number, command, **told)
        done.append(getattr(acts, command)(done, who="li", **told))
    assert [asdict(each) for each in guarantees.events("G1")] == [asdict(each) for each in done]


def test_exposure_is_what_was_known_at_a_moment(store, guarantees):
    issue(guarantees)
    assert exposure(store, book_load.AT).empty
    (row,) = exposure(store, "2026-01-01T00:00:01").to_dict("records")
    assert (row["supplier_id"], row["buyer_id"], row["guaranteed_fen"], row["committed_fen"]) == ("S1", "B1", 40_000, 0)


def test_the_answer_says_by_when_a_demand_is_to_be_answered(store, guarantees):
    issue(guarantees)
    act(guarantees, 1, "receive_advance", account_id="A1", credited_fen=40_000, on=date(2026, 1, 9))
    answer = act(guarantees, 2, "demand", amount_fen=1, on=date(2026, 9, 29))
    # National Day: 9/29 and 9/30 are worked, and then nobody works before 10/8.
    assert answer == answer_of(acts.as_of(guarantees.events("G1"), date(2026, 9, 29)))
    assert answer["demands"][0]["last_day"] == "2026-10-12"
