from __future__ import annotations

from datetime import date

import pytest

from credit.app.home import Home
from data.facts import contracts_awaiting_advance


@pytest.fixture(scope="module")
def waiting(demo_home) -> list[str]:
    ledger = Home(demo_home).ledger()
    found = contracts_awaiting_advance(ledger, ledger.last_day("platform"))
    assert found
    return found


def test_an_advance_payment_guarantee_never_exceeds_the_advance(credit, waiting):
    for contract in waiting[:4]:
        record = credit("guarantee", "decide", "advance-payment", "--contract", contract, "--json").json
        assert record["amount_fen"] in (0, record["inputs"]["advance_fen"]) or record["outcome"] == "REFER"
        assert record["amount_fen"] <= record["inputs"]["advance_fen"]


def test_a_granted_guarantee_says_when_it_takes_effect_how_it_falls_and_when_it_ends(credit, waiting):
    records = [
        credit("guarantee", "decide", "advance-payment", "--contract", contract, "--json").json for contract in waiting
    ]
    granted = [r for r in records if r["amount_fen"]]
    assert granted
    for record in granted:
        conditions = record["conditions"]
        assert "credited" in conditions["effective"]["en"]
        left = [step["amount_fen"] for step in conditions["reduction"]["planned"]]
        assert left == sorted(left, reverse=True) and left[-1] == 0
        assert date.fromisoformat(conditions["expiry"]) > date.fromisoformat(record["as_of"])
        assert conditions["fee_fen"] >= 30_000


def test_performance_security_stays_within_the_law_of_the_province(credit, waiting):
    for contract in waiting[:3]:
        record = credit("guarantee", "decide", "performance", "--contract", contract, "--json").json
        assert record["limits_fen"]["LIM-law"] <= record["inputs"]["contract_fen"] // 100 + 1
        assert record["amount_fen"] <= record["limits_fen"]["LIM-law"]


def test_a_guarantee_is_replayed_to_the_byte(credit, waiting):
    record = credit("guarantee", "decide", "advance-payment", "--contract", waiting[0], "--json").json
    said = credit("decision", "replay", record["decision_id"])
    assert said.code == 0, said.err


def test_an_unknown_contract_hears_the_nearest_ids(credit):
    said = credit("guarantee", "decide", "performance", "--contract", "C1")
    assert said.code == 1 and "the nearest ids are" in said.err


def test_a_form_that_does_not_exist_is_a_usage_error(credit):
    assert credit("guarantee", "decide", "letter", "--contract", "C1").code == 2


def test_what_is_offered_on_a_contract_counts_against_the_next_question_about_its_supplier(changed, waiting):
    _, credit = changed
    for contract in waiting:
        advance = credit("guarantee", "decide", "advance-payment", "--contract", contract, "--json").json
        if advance["outcome"] != "APPROVE":
            continue
        performance = credit("guarantee", "decide", "performance", "--contract", contract, "--json").json
        assert performance["application"]["beside"]["guarantees_on_contract_fen"] == advance["amount_fen"]
        assert performance["inputs"]["guaranteed_fen"] >= advance["amount_fen"]
        line = credit("line", "decide", performance["application"]["supplier_id"], "--json").json
        assert line["inputs"]["exposure_fen"] >= advance["amount_fen"] + performance["amount_fen"]
        assert credit("decision", "replay", line["decision_id"]).code == 0
        return
    pytest.fail("no waiting contract was granted a guarantee")


def test_bid_security_is_answered_with_the_rule_that_abolished_it(demo_said, credit):
    supplier = demo_said["next"][0].split()[-1]
    asked = ("guarantee", "decide", "bid-security", "--supplier", supplier, "--budget", "5000000", "--json")
    here = credit(*asked, "--region", "330106").json
    assert here["outcome"] == "DECLINE"
    [rule] = [f for f in here["findings"] if f["finding"] == "NOT_MET" and f["outcome"] == "DECLINE"]
    assert rule["rule"] == "KO-ABOLISHED" and "浙财采监〔2019〕5号" in rule["reference"]
    elsewhere = credit(*asked, "--region", "320106").json
    assert elsewhere["limits_fen"]["LIM-law"] == 10_000_000
    assert credit("decision", "replay", elsewhere["decision_id"]).code == 0


@pytest.mark.parametrize(
    "words", [("bid-security", "--contract", "C1"), ("bid-security", "--supplier", "S1"), ("performance",)]
)
def test_what_a_form_does_not_ask_about_is_a_usage_error(credit, words):
    assert credit("guarantee", "decide", *words).code == 2
