"""Loans on a contract, through the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from credit.app.home import Home
from data.facts import contracts_signed

CHANNELS = ("PROJECT", "EMALL", "ESTORE", "FRAMEWORK", "RURAL_HALL")


@pytest.fixture(scope="module")
def loans(spoilt) -> list[dict]:
    """What is answered on contracts of firms that were granted a line."""
    home, credit = spoilt
    rows = Home(home).decisions().listed(limit=10_000)
    granted = {row["supplier_id"] for row in rows if row["outcome"] in ("APPROVE", "REDUCE")}
    ledger = Home(home).ledger()
    day = ledger.last_day("platform")
    signed = contracts_signed(ledger, day - timedelta(days=90), day, channels=CHANNELS)
    mine = signed[signed["supplier_id"].isin(granted)]["contract_id"].tolist()[:25]
    answers = [credit("loan", "decide", "--contract", each, "--json") for each in mine]
    assert all(each.code == 0 for each in answers)
    return [each.json for each in answers]


def test_a_loan_is_at_most_its_share_of_what_the_buyer_still_owes(loans):
    assert loans
    for record in loans:
        given = record["inputs"]
        base = given["contract_fen"] - sum(
            given[name] or 0 for name in ("prepaid_fen", "paid_fen", "retention_fen", "disputed_fen", "assigned_fen")
        )
        assert record["amount_fen"] <= max(base, 0) * 0.85 + 1
        assert all(record["amount_fen"] <= limit for limit in record["limits_fen"].values() if record["amount_fen"])


def test_what_is_granted_says_what_has_to_be_met_before_money_is_paid_out(loans):
    granted = [record for record in loans if record["amount_fen"]]
    assert granted
    for record in granted:
        conditions = record["conditions"]
        assert [each["code"] for each in conditions["precedent"]] == ["CP-LOCK", "CP-CONFIRM", "CP-REGISTER"]
        assert conditions["due_on"] is None or conditions["due_on"] > record["as_of"]
        assert 1 <= record["tenor_months"] <= 12


def test_a_loan_is_replayed_to_the_byte(loans, spoilt):
    _, credit = spoilt
    for record in loans[:5]:
        said = credit("decision", "replay", record["decision_id"])
        assert said.code == 0, said.err


def test_a_loan_that_is_offered_counts_on_the_contract_and_on_the_supplier(loans, spoilt):
    _, credit = spoilt
    granted = [r for r in loans if r["outcome"] in ("APPROVE", "REDUCE")]
    if not granted:
        pytest.skip("no loan of these was granted without a person")
    asked = granted[0]["application"]
    guarantee = credit("guarantee", "decide", "performance", "--contract", asked["contract_id"], "--json").json
    assert guarantee["application"]["beside"]["loans_on_contract_fen"] == granted[0]["amount_fen"]
    assert guarantee["inputs"]["exposure_fen"] >= granted[0]["amount_fen"]


def test_who_asks_for_a_person_gets_one(loans, spoilt):
    _, credit = spoilt
    contract = loans[0]["application"]["contract_id"]
    record = credit("loan", "decide", "--contract", contract, "--review", "--json").json
    assert [f["finding"] for f in record["findings"] if f["rule"] == "R-REVIEW"] == ["NOT_MET"]
    assert record["outcome"] in ("REFER", "DECLINE")
