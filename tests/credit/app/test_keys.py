"""The key of a request that two stores answer: a consent, a step of an account. And of one that a person judges by."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from sqlalchemy import select, update

from credit.app.consenting import record_consent
from credit.app.home import Home
from credit.app.locking import record_step
from credit.domain.account import Account
from credit.domain.errors import AccountRefused, CreditError, InFlight, KeyTaken
from data.book.audit import verified
from data.book.tables import LOG
from data.book.turns import Turn
from tests.bookstore import DATABASES, new_store, server

TODAY, TOMORROW = "2026-11-02T01:00:00", "2026-11-03T01:00:00"


@pytest.fixture(scope="module")
def postgres():
    with server() as there:
        yield there


@pytest.fixture(params=DATABASES)
def home(request, tmp_path, import_rows, monkeypatch) -> Home:
    """A ledger of one supplier and one contract, and an empty book on either database."""
    there = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    made = Home(tmp_path / "var")
    import_rows(made.ledger(), suppliers=[{}], contracts=[{}])
    monkeypatch.setenv("CREDIT_NOW", TODAY)
    with new_store(request.param, tmp_path, there) as store:
        monkeypatch.setenv("CREDIT_BOOK_URL", store.url.render_as_string(hide_password=False))
        yield made


def grant(home, purpose="credit_line", **said):
    return record_consent(home, "S1", "demo-bank", purpose, kind="GRANTED", who="li", **said)


def revoke(home, **said):
    return record_consent(home, "S1", "demo-bank", "credit_line", kind="REVOKED", who="li", **said)


def lock(home, **said):
    return record_step(home, "C1", Account.LOCKED, who="li", **said)


def logged(home) -> list[tuple[str, str, str]]:
    query = select(LOG.c.kind, LOG.c.subject_id, LOG.c.request).order_by(LOG.c.partition, LOG.c.sequence)
    with home.store().reading() as con:
        return [tuple(row) for row in con.execute(query)]


@pytest.mark.parametrize("act", [grant, lock])
def test_the_same_request_under_its_key_has_the_same_answer_and_is_recorded_once(home, monkeypatch, act):
    first = act(home, key="K1")
    version = home.ledger().version
    monkeypatch.setenv("CREDIT_NOW", TOMORROW)
    assert act(home, key="K1") == first
    assert home.ledger().version == version and len(logged(home)) == 1
    with pytest.raises((CreditError, AccountRefused)):
        act(home, key="K2")
    assert verified(home.store()).faults == ()


def test_another_request_under_a_key_is_refused(home):
    grant(home, key="K1")
    for other in (
        lambda: revoke(home, key="K1"),
        lambda: grant(home, "guarantee", key="K1"),
        lambda: grant(home, until=date(2026, 12, 31), key="K1"),
        lambda: lock(home, key="K1"),
    ):
        with pytest.raises(KeyTaken, match="used for another request"):
            other()
    assert [kind for kind, _, _ in logged(home)] == ["CONSENT_GRANTED"]


def cut_off(monkeypatch):
    """The power fails when the ledger was told and the book was not."""

    def fails(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Turn, "log", fails)


@pytest.mark.parametrize("act", [grant, lock])
def test_what_was_cut_off_between_ledger_and_book_is_finished_by_the_same_request(home, monkeypatch, act):
    with monkeypatch.context() as fault:
        cut_off(fault)
        with pytest.raises(KeyboardInterrupt):
            act(home, key="K1")
    version = home.ledger().version
    assert logged(home) == []
    # Nor is it lost on the way that its key is taken.
    for other in (lambda: grant(home, "guarantee", key="K1"), lambda: revoke(home, key="K1")):
        with pytest.raises(KeyTaken):
            other()
    monkeypatch.setenv("CREDIT_NOW", TOMORROW)
    answer = act(home, key="K1")
    assert home.ledger().version == version and len(logged(home)) == 1
    assert "2026-11-02" in (answer.get("happened_on"), answer.get("as_of"))
    assert act(home, key="K1") == answer and verified(home.store()).faults == ()


def test_a_revocation_that_was_cut_off_revokes_once(home, monkeypatch):
    given = grant(home)
    with monkeypatch.context() as fault:
        cut_off(fault)
        with pytest.raises(KeyboardInterrupt):
            revoke(home, key="K1")
    assert revoke(home, key="K1")["consent_id"] == given["consent_id"]
    consent = f"consent:{given['consent_id']}"
    assert [row[:2] for row in logged(home)] == [("CONSENT_GRANTED", consent), ("CONSENT_REVOKED", consent)]
    with pytest.raises(CreditError, match="no standing consent"):
        revoke(home)


def test_what_is_refused_leaves_its_key_free(home):
    with pytest.raises(CreditError, match="no standing consent"):
        revoke(home, key="K1")
    assert logged(home) == []
    assert grant(home, key="K1")["kind"] == "GRANTED"


@pytest.mark.parametrize("act", [grant, lock])
def test_an_altered_entry_of_what_was_entered_by_hand_is_found(home, act):
    act(home)
    with home.store().writing() as con:
        con.execute(update(LOG).values(who="somebody"))
    assert any("the entry was altered" in fault for fault in verified(home.store()).faults)


_HOLDS = """
import hashlib, sys
from data.book.opening import Store
store = Store(sys.argv[1])
number = int.from_bytes(hashlib.sha256(b"K1").digest()[:8]) >> 2
with store.key_held(number), store.engine().connect() as con:
    if not store.is_embedded:
        store.key_free(con, number)
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_request_that_is_being_worked_on_says_so(home):
    address = home.store().url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _HOLDS, address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        for act in (grant, lock):
            with pytest.raises(InFlight):
                act(home, key="K1")
        other.stdin.close()
    assert grant(home, key="K1")["kind"] == "GRANTED"


# -- judgements, at the door


def test_a_judgement_under_its_key_is_made_once(people, demo_said):
    _, as_ = people
    record = as_("li", "line", "decide", demo_said["next"][0].split()[-1], "--review", "--json").json
    approve = ("decision", "approve", record["decision_id"], "--json", "--key", "K1")
    first = as_("zhang", *approve)
    assert first.code == 0, first.err
    again = as_("zhang", *approve, CREDIT_NOW=TOMORROW)
    assert again.json == first.json and again.json["judgement"]["by"] == "zhang"
    less = as_("zhang", *approve, "--amount", "10000")
    assert less.code == 6 and "used for another request" in less.err
    assert "was superseded" in as_("zhang", *approve[:-1], "K2").err
    assert as_("eye", "audit", "verify").code == 0


def test_a_dispute_under_its_key_is_recorded_and_settled_once(people, demo_said):
    _, as_ = people
    supplier = demo_said["next"][0].split()[-1]
    dispute = ("decision", "dispute", supplier, "--datum", "delivery D1", "--json", "--key", "K1", "--text")
    opened = as_("li", *dispute, "on time").json
    assert as_("li", *dispute, "on time").json == opened
    assert as_("li", *dispute, "early").code == 6
    settle = ("decision", "settle", str(opened["number"]), "--text", "late", "--json", "--key", "K2")
    settled = as_("zhang", *settle, "--rejected").json
    assert as_("zhang", *settle, "--rejected", CREDIT_NOW=TOMORROW).json == settled
    assert as_("zhang", *settle, "--upheld").code == 6
    assert len(as_("eye", "decision", "disputes", "--all", "--json").json) == 1
    assert as_("eye", "audit", "verify").code == 0
