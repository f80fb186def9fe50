"""Collection accounts through the command, on a ledger of one supplier and one contract."""

from __future__ import annotations

from datetime import date

import pytest

from credit.app import identity
from credit.app.home import Home
from data.facts import contract_facts

TODAY, TOMORROW = "2026-11-02T01:00:00", "2026-11-03T01:00:00"


@pytest.fixture
def account(tmp_path, import_rows, empty):
    """`account(verb)` on contract C1 of the small home, which nobody has named an account of."""
    home = tmp_path / "var"
    import_rows(Home(home).ledger(), suppliers=[{}], contracts=[{}])

    def run(verb, *words, now=TODAY):
        return empty("account", verb, "--contract", "C1", *words, "--json", CREDIT_NOW=now)

    run.home = home
    return run


def seen(home, day: date) -> tuple[bool, bool, bool]:
    """What a decision of a day reads: locked, confirmed, unlocked."""
    import pandas as pd

    asked = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [day], "contract_id": ["C1"]})
    with Home(home).ledger().known_on(asked) as known:
        row = contract_facts(known, form="PERFORMANCE").iloc[0]
    return bool(row["account_locked"]), bool(row["contract_confirmed"]), bool(row["account_unlocked"])


def test_an_account_that_is_locked_and_confirmed_on_one_day_is_both_for_a_decision_of_that_day(account):
    assert account("show").json["state"] is None
    assert account("lock").json["state"] == "LOCKED" and seen(account.home, date(2026, 11, 2)) == (True, False, False)
    confirmed = account("confirm").json
    assert (confirmed["state"], confirmed["locked"], confirmed["confirmed"]) == ("CONFIRMED", True, True)
    assert [each["kind"] for each in confirmed["history"]] == ["LOCKED", "CONFIRMED"]
    assert seen(account.home, date(2026, 11, 2)) == (True, True, False)


def test_a_decision_of_the_day_before_does_not_know_it(account):
    account("lock")
    assert seen(account.home, date(2026, 11, 1)) == (False, False, False)


def test_what_was_unlocked_is_locked_and_confirmed_anew_from_the_next_day_on(account):
    account("lock")
    account("confirm")
    assert account("unlock").json["state"] == "UNLOCKED"
    assert seen(account.home, date(2026, 11, 2)) == (False, False, True)
    refused = account("lock")
    assert refused.code == 6 and "was unlocked today" in refused.err
    assert account("lock", now=TOMORROW).json["state"] == "LOCKED"
    assert seen(account.home, date(2026, 11, 3)) == (True, False, False)


def test_what_is_not_locked_is_not_confirmed(account):
    said = account("confirm")
    assert said.code == 6 and "it is not named" in said.err and "account-refused" in said.err
    assert Home(account.home).ledger().version == 1


def test_an_entry_by_hand_does_not_make_a_feed_fresh_nor_say_that_the_platform_sends_accounts(account):
    ledger = Home(account.home).ledger()
    before = ledger.last_day("platform")
    account("lock")
    assert ledger.last_day("platform") == before
    with ledger.known_on(ledger.suppliers(before)) as known:
        assert "accounts" not in known.fed("platform")


def test_an_operator_records_it_and_an_analyst_does_not(account, monkeypatch):
    (account.home / "roles.toml").write_text('[roles]\nli = "analyst"\nnight = "operator"\n', encoding="utf-8")
    monkeypatch.setattr(identity, "who", lambda: "li")
    assert account("lock").code == 6 and account("show").code == 0
    monkeypatch.setattr(identity, "who", lambda: "night")
    assert account("lock").code == 0


def test_an_unknown_contract_names_the_nearest(account, empty):
    said = empty("account", "show", "--contract", "C9")
    assert said.code == 1 and "C1" in said.err


def test_the_page_says_what_the_account_is(account, empty):
    account("lock")
    said = empty("account", "show", "--contract", "C1")
    assert "C1: locked on 2026-11-02" in said.out
