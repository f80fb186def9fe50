"""Offers that are taken up: accepted, suspended, resumed, renewed, checked before a draw, counted while they live."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from credit.app.home import Home
from tests.credit.app.conftest import with_roles

LATER = "2026-12-20T01:00:00"


@pytest.fixture(scope="module")
def decided(demonstration, tmp_path_factory):
    """A home in which all were decided, and the first decision that grants a line; nobody works on it."""
    home = shutil.copytree(demonstration / "var", tmp_path_factory.mktemp("decided") / "var")
    with pytest.MonkeyPatch.context() as patch:
        _, as_ = with_roles(home, patch)
        batch = as_("li", "line", "decide", "--all", "--json").json["decisions"]
    return home, next(each for each in batch if each["outcome"] == "APPROVE")


@pytest.fixture
def desk(decided, tmp_path, monkeypatch):
    """The command as one of these people, and a decision that grants a line."""
    home = shutil.copytree(decided[0], tmp_path / "var")
    return *with_roles(home, monkeypatch), decided[1]


def test_an_accepted_line_lives_until_its_end_and_counts_so_long(desk):
    home, as_, record = desk
    line = as_("li", "line", "accept", record["decision_id"], "--json").json
    assert (line["state"], line["limit_fen"]) == ("ACTIVE", record["amount_fen"])
    assert as_("li", "line", "accept", record["decision_id"], "--json", CREDIT_NOW=LATER).json == line
    standing = Home(home).decisions().standing(date(2027, 6, 1), date(2027, 6, 1))
    assert [(each.supplier_id, each.amount_fen) for each in standing] == [(line["supplier_id"], line["limit_fen"])]
    assert as_("li", "line", "list", "--json").json == [line]
    assert "ACTIVE" in as_("li", "line", "show", line["line_id"]).out
    # Beyond its last day it takes what is owed of it, which is nothing, closed or not.
    ended = {"CREDIT_NOW": "2029-06-01T01:00:00"}
    assert as_("li", "line", "show", line["line_id"], "--json", **ended).json["state"] == "ENDED"
    assert Home(home).decisions().standing(date(2029, 6, 1), date(2029, 6, 1)) == []
    assert as_("li", "line", "close", line["line_id"], "--why", "over", **ended).code == 0
    assert Home(home).decisions().standing(date(2029, 6, 1), date(2029, 6, 1)) == []


def test_a_draw_is_checked_against_line_and_policy(desk):
    _, as_, record = desk
    line = as_("li", "line", "accept", record["decision_id"], "--json").json["line_id"]
    amount = str(record["amount_fen"] // 100)
    assert as_("li", "line", "check", line, "--amount", amount).code == 0
    above = as_("li", "line", "check", line, "--amount", str(record["amount_fen"] // 100 + 1), "--json")
    assert above.code == 6 and "above what is left of the limit" in above.json["against"][0]
    as_("li", "line", "suspend", line, "--why", "the account was unlocked")
    stopped = as_("li", "line", "check", line, "--amount", amount)
    assert stopped.code == 6 and "the line is suspended" in stopped.out
    refused = as_("li", "line", "resume", line, "--why", "it is locked")
    assert refused.code == 6 and "another person" in refused.err
    assert as_("zhang", "line", "resume", line, "--why", "it is locked", "--json").json["state"] == "ACTIVE"


def test_a_line_goes_on_by_a_new_decision_and_no_other(desk):
    _, as_, record = desk
    line = as_("li", "line", "accept", record["decision_id"], "--json").json["line_id"]
    same = as_("li", "line", "renew", line, "--decision", record["decision_id"])
    assert same.code == 6 and "a line stands on" in same.err
    supplier = record["application"]["supplier_id"]
    again = as_("li", "line", "decide", supplier, "--amount", str(record["amount_fen"] // 100 - 1), "--json").json
    assert again["decision_id"] != record["decision_id"]
    if again["outcome"] == "APPROVE":
        renewed = as_("li", "line", "renew", line, "--decision", again["decision_id"], "--json").json
        assert (renewed["state"], renewed["decision_id"]) == ("ACTIVE", again["decision_id"])
        assert [each["kind"] for each in renewed["events"]] == ["ACCEPTED", "RENEWED"]


def test_one_question_has_one_line_and_a_line_outlives_what_is_judged(desk):
    home, as_, record = desk
    line = as_("li", "line", "accept", record["decision_id"], "--json").json
    supplier, asked = record["application"]["supplier_id"], str(record["amount_fen"] // 100 - 1000)
    other = as_("li", "line", "decide", supplier, "--amount", asked, "--json").json
    if other["outcome"] == "APPROVE":
        second = as_("li", "line", "accept", other["decision_id"])
        assert second.code == 6 and "stands on what" in second.err
    why = ("--code", "TIGHTENING", "--text", "x", "--evidence", "y", "--lapses", "2026-11-20")
    judged = as_("zhang", "decision", "override", record["decision_id"], *why)
    assert judged.code == 6 and "a line stands on" in judged.err
    standing = Home(home).decisions().standing(date(2027, 6, 1), date(2027, 6, 1), accepted_only=True)
    assert [each.amount_fen for each in standing] == [line["limit_fen"]]


def test_what_is_found_since_stops_an_acceptance_and_a_draw(desk):
    _, as_, record = desk
    supplier, amount = record["application"]["supplier_id"], str(record["amount_fen"] // 100)
    line = as_("li", "line", "accept", record["decision_id"], "--json").json["line_id"]
    said = as_(
        "li", "decision", "dispute", supplier, "--datum", "delivery D1", "--text", "it was on time", "--json"
    ).json
    stopped = as_("li", "line", "check", line, "--amount", amount)
    assert stopped.code == 6 and "refers the supplier today" in stopped.out
    own = as_("li", "decision", "settle", str(said["number"]), "--rejected", "--text", "no")
    assert own.code == 6 and "another person" in own.err
    assert as_("zhang", "decision", "settle", str(said["number"]), "--rejected", "--text", "no").code == 0
    assert as_("li", "line", "check", line, "--amount", amount).code == 0


def test_what_grants_nothing_lapsed_or_is_unknown_begins_no_line(desk):
    _, as_, record = desk
    lapsed = as_("li", "line", "accept", record["decision_id"], CREDIT_NOW=LATER)
    assert lapsed.code == 6 and "lapsed" in lapsed.err
    rows = as_("li", "decision", "list", "--limit", "600", "--json").json
    declined = next(each for each in rows if each["outcome"] == "DECLINE")
    assert "grants nothing such" in as_("li", "line", "accept", declined["decision_id"]).err
    # What is no line is looked for among the suppliers.
    assert "no supplier 'L0'" in as_("li", "line", "show", "L0").err
    assert as_("li", "line", "suspend", "L0", "--why", "x").code == 6


def test_a_referred_line_has_a_counter_offer_that_is_then_granted(desk):
    """Who meets every rule and is referred for the amount alone is told what would be granted without a person."""
    home, as_, _ = desk
    offered = as_("li", "decision", "list", "--limit", "600", "--json").json
    largest = max((each for each in offered if each["outcome"] == "APPROVE"), key=lambda each: each["amount_fen"])
    exposed = as_("li", "line", "decide", largest["supplier_id"], "--json").json["inputs"]["group_exposure_fen"]
    own = shutil.copytree(Home(home).policies, home / "policy") / "platform-line.toml"
    table, key, rest = own.read_text().partition("[parameters.automatic_exposure_max_fen]")
    alone = exposed + largest["amount_fen"] // 2
    own.write_text(table + key + rest.replace("value = 100000000", f"value = {alone}", 1))
    assert as_("li", "line", "decide", largest["supplier_id"], "--json").json["outcome"] == "REFER"
    offers = as_("li", "line", "offer", largest["supplier_id"], "--json").json["alternatives"]
    amount = max(each["amount_fen"] for each in offers)
    assert 0 < amount <= alone - exposed
    answer = as_("li", "line", "decide", largest["supplier_id"], "--amount", str(amount // 100), "--json").json
    assert (answer["outcome"], answer["amount_fen"]) == ("APPROVE", amount)
    assert answer["yearly_rate_bp"] == offers[0]["yearly_rate_bp"]
    assert "costs" in as_("li", "line", "offer", largest["supplier_id"]).out
