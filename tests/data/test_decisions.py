from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import ArgumentError

from credit.domain.errors import NotAuthorised, StoreDamaged, UnknownDecision
from data.book.opening import Store
from data.book.turns import Request
from data.decisions import DecisionStore


def row(number: int, **changes) -> dict:
    return {
        "decision_id": f"D{number}",
        "decided_at": "2026-11-01T00:00:00",
        "supplier_id": "S1",
        "contract_id": None,
        "pack": "platform-line",
        "as_of": date(2026, 10, 31),
        "outcome": "APPROVE",
        "amount_fen": 100 * number,
        "valid_until": date(2026, 11, 30),
        "product": "turnover_line",
        "pd": 0.01,
        "district": "330106",
        "buyer_id": None,
        "category": None,
        "applied": True,
        "cooling_until": None,
        "maker": "wang",
        "supersedes": None,
        "record": f'{{"n": {number}}}\n',
        **changes,
    }


@pytest.fixture
def store(tmp_path) -> DecisionStore:
    return DecisionStore(Store(tmp_path / "book.db"))


def test_a_decision_is_stored_once_and_the_stored_one_stands(store):
    assert store.add([row(1)]) == {}
    assert store.add([row(1, record="other")]) == {"D1": '{"n": 1}\n'}
    assert store.row("D1") == row(1)


def test_a_decision_and_its_place_in_the_outbox_are_written_together(store, monkeypatch):
    monkeypatch.setattr("data.decisions.OUTBOX", None)
    with pytest.raises(ArgumentError):
        store.add([row(1)])
    monkeypatch.undo()
    assert store.row("D1") is None
    store.add([row(1)])
    assert [decision for decision, _ in store.unsent()] == ["D1"]


def test_what_was_sent_is_not_sent_again(store):
    store.add([row(1), row(2)])
    store.mark_sent(["D1"], "2026-11-01T00:00:01")
    assert [decision for decision, _ in store.unsent()] == ["D2"]


def test_an_offer_stands_on_its_last_day_and_not_the_day_after(store):
    store.add([row(1)])
    far = date(2027, 1, 1)
    assert [o.amount_fen for o in store.standing(date(2026, 11, 30), far)] == [100]
    assert store.standing(date(2026, 12, 1), far) == []


def test_a_question_with_an_earlier_date_sees_what_was_offered_since(store):
    store.add([row(1)])
    assert [o.amount_fen for o in store.standing(date(2026, 10, 1), date(2026, 10, 31))] == [100]
    assert store.standing(date(2026, 9, 1), date(2026, 10, 30)) == []


def test_of_two_answers_to_one_question_the_larger_offer_counts(store):
    store.add([row(2), row(1), row(3, outcome="DECLINE"), row(4, supplier_id="S2")])
    assert {(o.supplier_id, o.amount_fen) for o in store.standing(date(2026, 11, 1), date(2026, 11, 1))} == {
        ("S1", 200),
        ("S2", 400),
    }


def test_the_decisions_of_a_day_come_in_the_order_in_which_each_suppliers_were_stored(store):
    store.add([row(2)])
    store.add([row(1)])
    assert [each[0] for each in store.made_on("platform-line", date(2026, 10, 31))] == ["D2", "D1"]
    assert store.made_on("platform-line", date(2026, 10, 30)) == []


def test_processes_that_store_the_same_decisions_at_once_store_each_once(tmp_path):
    store = DecisionStore(Store(tmp_path / "book.db"))
    store.add([row(0)])
    code = (
        "import sys; from pathlib import Path; from datetime import date; from data.decisions import DecisionStore; "
        "from data.book.opening import Store\n"
        "store = DecisionStore(Store(Path(sys.argv[1])))\n"
        "base = dict(decided_at='2026-11-01T00:00:00', supplier_id='S1', contract_id=None, pack='p',"
        " as_of=date(2026, 10, 31), outcome='APPROVE', amount_fen=1, valid_until=date(2026, 11, 30), record='{}',"
        " product='turnover_line', applied=True, maker='wang', pd=None, district=None, buyer_id=None, category=None,"
        " cooling_until=None, supersedes=None)\n"
        "[store.add([dict(base, decision_id=f'D{n}')]) for n in range(1, 40)]"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "book.db")]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(store.unsent()) == 40


def test_a_store_that_was_never_written_reads_as_empty_and_is_not_made(store):
    assert store.listed() == [] and store.row("D1") is None and store.unsent() == []
    assert not store.store.file.exists()


def test_reading_waits_for_no_writer(store):
    store.add([row(1)])
    with sqlite3.connect(store.store.file, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert [r["decision_id"] for r in store.listed()] == ["D1"]


def test_what_was_judged_stands_and_what_it_took_the_place_of_does_not(store):
    day = date(2026, 11, 1)
    store.add([row(2)])
    store.add([row(1, supersedes="D2")])
    assert [offer.amount_fen for offer in store.standing(day, day)] == [100]
    assert store.superseding(["D1", "D2"]) == {"D2": ("D1", '{"n": 1}\n')}
    assert [decision for decision, _ in store.judgements()] == ["D1"]


def test_only_who_applied_before_the_day_waits(store):
    until = date(2026, 12, 30)
    store.add([row(1, cooling_until=until), row(2, supplier_id="S2", cooling_until=until, applied=False)])
    assert store.cooling(date(2026, 10, 31)) == {}
    assert store.cooling(date(2026, 11, 1)) == {("S1", "platform-line"): until}
    assert store.cooling(until) == {}


def asked(key, command, **arguments):
    return Request(key=key, command=command, arguments=arguments, who="li", at="2026-11-01T00:00:00")


def test_a_dispute_is_open_until_it_is_settled_once(store):
    opened = store.open_dispute(asked("K1", "dispute"), "S1", "delivery D1", "on time")
    assert [each["number"] for each in store.disputes()] == [opened["number"]]
    number, said = opened["number"], {"upheld": False, "text": "late"}
    settled = store.settle_dispute(asked("K2", "settle", **said), number, **said)
    assert (settled["settled_by"], settled["upheld"]) == ("li", False)
    for key, which in (("K3", number), ("K4", number + 1)):
        with pytest.raises(UnknownDecision, match=f"no open dispute {which}"):
            store.settle_dispute(asked(key, "settle", **said), which, **said)
    assert store.disputes() == [] and len(store.disputes(open_only=False)) == 1


def test_a_store_of_an_earlier_release_is_refused_by_name(tmp_path):
    file = tmp_path / "book.db"
    with sqlite3.connect(file) as con:
        con.execute("CREATE TABLE decisions (decision_id TEXT PRIMARY KEY, record TEXT)")
    with pytest.raises(StoreDamaged, match="written by a release before the first"):
        DecisionStore(Store(file)).add([row(1)])


WAITS = {"outcome": "REFER"}


def referred(store, on=date(2026, 11, 2), before="2026-11-02T16:00:00", **which):
    return [row["decision_id"] for row in store.referred(on, before=before, **which)]


def test_a_referred_decision_waits_on_its_last_day_and_not_the_day_after(store):
    store.add([row(1, **WAITS), row(2, supplier_id="S2")])
    assert referred(store, date(2026, 11, 30)) == ["D1"]
    assert referred(store, date(2026, 12, 1)) == []


def test_what_was_decided_after_the_day_ended_did_not_wait_on_it(store):
    store.add([row(1, **WAITS)])
    assert referred(store, before="2026-11-01T00:00:00") == []
    assert referred(store, before="2026-11-01T00:00:01") == ["D1"]


def test_what_was_judged_waits_no_more_and_did_before(store):
    store.add([row(1, **WAITS)])
    store.add([row(2, supersedes="D1", decided_at="2026-11-02T10:00:00")])
    assert referred(store) == []
    assert referred(store, before="2026-11-02T10:00:00") == ["D1"]


DAYS = [date(2026, 10, day) for day in (29, 30, 31)]
STORED = st.lists(
    st.fixed_dictionaries(
        {
            "supplier_id": st.sampled_from(["S1", "S2"]),
            "contract_id": st.sampled_from([None, "C1"]),
            "pack": st.sampled_from(["line", "loan"]),
            "as_of": st.sampled_from(DAYS),
            "outcome": st.sampled_from(["REFER", "APPROVE", "DECLINE"]),
        }
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(STORED)
def test_of_each_question_waits_what_was_stored_last_on_no_older_history(stored):
    with tempfile.TemporaryDirectory() as folder:
        store = DecisionStore(Store(Path(folder) / "book.db"))
        rows = [row(number, **each) for number, each in enumerate(stored)]
        store.add(rows)

        def question(each):
            return each["supplier_id"], each["contract_id"], each["pack"]

        expected = [
            each["decision_id"]
            for number, each in enumerate(rows)
            if each["outcome"] == "REFER"
            and not any(
                question(later) == question(each) and later["as_of"] >= each["as_of"] for later in rows[number + 1 :]
            )
        ]
        assert referred(store) == expected
        assert all(referred(store, decision_id=each) == [each] for each in expected)
        store.store.close()


def test_where_a_case_was_passed_on_to_is_the_last_level_and_a_judged_one_goes_nowhere(store):
    store.add([row(1, **WAITS)])

    def passes(to, key, at="2026-11-02T01:00:00"):
        asked = Request(key=key, command="decision pass", arguments={"to": to}, who="li", at=at)
        return store.pass_on(asked, row(1), {"to": to, "text": "large"})

    passes("senior", "K1")
    passes("committee", "K2", "2026-11-03T01:00:00")
    assert store.passed_on(["D1"], before="2026-11-02T16:00:00")["D1"]["to"] == "senior"
    assert store.passed_on(["D1", "D2"], before="2026-11-03T16:00:00") == {
        "D1": {"to": "committee", "text": "large", "by": "li", "at": "2026-11-03T01:00:00"}
    }
    store.add([row(2, decided_at="2026-11-03T02:00:00", supersedes="D1")])
    with pytest.raises(NotAuthorised, match="superseded by D2"):
        passes("senior", "K3", "2026-11-03T03:00:00")
