"""The term of a consent, through the command, on a ledger of one supplier."""

from __future__ import annotations

import pytest

from credit.app.home import Home

GRANT = ("consent", "grant", "S1", "--bank", "demo-bank")


@pytest.fixture
def standing(tmp_path, import_rows, empty):
    """The consents of S1 that hold at a moment."""
    import_rows(Home(tmp_path / "var").ledger(), suppliers=[{}])
    return lambda moment: empty("consent", "list", "S1", "--json", CREDIT_NOW=moment).json


def test_a_consent_holds_on_its_last_day_and_not_on_the_next(standing, empty):
    assert empty(*GRANT, "--until", "2026-12-31").code == 0
    assert [each["valid_to"] for each in standing("2026-12-31T01:00:00")] == ["2026-12-31"]
    assert standing("2027-01-01T01:00:00") == []


def test_a_consent_without_a_term_holds_until_it_is_revoked(standing, empty):
    assert empty(*GRANT).code == 0
    assert [each["valid_to"] for each in standing("2036-01-01T01:00:00")] == [None]
    assert empty("consent", "revoke", "S1", "--bank", "demo-bank").code == 0
    assert standing("2026-11-02T01:00:00") == []


def test_a_consent_may_end_today_and_not_yesterday(standing, empty):
    assert empty(*GRANT, "--until", "2026-11-01").code == 1
    assert empty(*GRANT, "--until", "2026-11-02").code == 0


def test_what_is_no_date_is_a_usage_error(standing, empty):
    assert empty(*GRANT, "--until", "soon").code == 2


def test_the_page_shows_the_term(standing, empty):
    empty(*GRANT, "--until", "2026-12-31")
    assert "2026-12-31" in empty("consent", "list").out


def test_a_consent_to_the_score_alone_is_granted_and_revoked_beside_others(standing, empty):
    assert empty(*GRANT).code == 0
    assert empty(*GRANT, "--purpose", "score").code == 0
    assert sorted(each["purpose"] for each in standing("2026-11-02T01:00:00")) == ["credit_line", "score"]
    assert empty("consent", "revoke", "S1", "--bank", "demo-bank", "--purpose", "score").code == 0
    assert [each["purpose"] for each in standing("2026-11-02T01:00:00")] == ["credit_line"]


def test_a_purpose_that_the_bank_did_not_agree_to_is_refused(standing, empty):
    assert empty(*GRANT, "--purpose", "marketing").code == 1
    assert empty("consent", "grant", "S1", "--bank", "second-bank", "--purpose", "guarantee").code == 1
    assert empty("consent", "grant", "S1", "--bank", "second-bank", "--purpose", "score").code == 0
