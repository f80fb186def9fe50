from __future__ import annotations

import copy
from datetime import date

import pytest
from sqlalchemy import delete, select, update

from bench import book_load
from data.book.audit import sealed, verified
from data.book.tables import BALANCES, DECISIONS, ENTRIES, HEADS, LINE_EVENTS, LOG, REQUESTS, SEALS
from data.book.turns import hash_of
from data.decisions import DecisionStore


@pytest.fixture
def acted(store, book):
    """A book in which something happened."""
    book_load.begin(book)
    list(book_load.acts(book, 7, 40))
    assert verified(store).faults == ()
    return store


OTHER = {
    "partition": 63, "sequence": 900, "subject_id": "other", "kind": "OTHER", "on_day": date(2001, 1, 1), "at": "2001",
    "who": "other", "request": "other", "body": '{"moves":{}}', "previous": "f" * 64, "hash": "f" * 64,
}  # fmt: skip


def an_entry(store, place: float):
    with store.reading() as con:
        rows = con.execute(select(LOG.c.partition, LOG.c.sequence).order_by(LOG.c.partition, LOG.c.sequence)).all()
    return rows[int(place * (len(rows) - 1))]


def alter(store, statement) -> tuple[str, ...]:
    with store.writing() as con:
        con.execute(statement)
    return verified(store).faults


@pytest.mark.parametrize("column", OTHER)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_an_entry_altered_in_any_field_is_found(acted, column, place):
    partition, sequence = an_entry(acted, place)
    this = (LOG.c.partition == partition) & (LOG.c.sequence == sequence)
    faults = alter(acted, update(LOG).where(this).values({column: OTHER[column]}))
    assert any(fault.startswith(f"log {partition}/") for fault in faults)


@pytest.mark.parametrize("place", [0.0, 0.4, 1.0])
def test_an_entry_that_was_removed_is_found(acted, place):
    partition, sequence = an_entry(acted, place)
    faults = alter(acted, delete(LOG).where(LOG.c.partition == partition, LOG.c.sequence == sequence))
    assert any(fault.startswith(f"log {partition}/") for fault in faults)


def test_two_entries_in_each_others_place_are_found(acted):
    with acted.writing() as con:
        longest = con.execute(select(HEADS).order_by(HEADS.c.sequence.desc())).first()
        first, second = (
            dict(row)
            for row in con.execute(select(LOG).where(LOG.c.partition == longest.partition)).mappings().all()[:2]
        )
        for row, other in ((first, second), (second, first)):
            moved = {name: other[name] for name in ("subject_id", "kind", "on_day", "at", "who", "request", "body")}
            this = (LOG.c.partition == row["partition"]) & (LOG.c.sequence == row["sequence"])
            con.execute(update(LOG).where(this).values(moved))
    assert verified(acted).faults[0].startswith(f"log {longest.partition}/1:")


@pytest.mark.parametrize("what", [
    update(BALANCES).values(amount_fen=BALANCES.c.amount_fen + 1, ceiling_fen=None),
    update(ENTRIES).values(delta_fen=ENTRIES.c.delta_fen + 1),
    delete(ENTRIES),
    update(HEADS).values(hash="f" * 64),
    update(LINE_EVENTS).where(LINE_EVENTS.c.line_id == "L3r").values(limit_fen=LINE_EVENTS.c.limit_fen + 1),
    delete(LINE_EVENTS).where(LINE_EVENTS.c.line_id == "L3r"),
    update(REQUESTS).where(REQUESTS.c.command == "post").values(key=REQUESTS.c.key + "x"),
])  # fmt: skip
def test_what_the_log_does_not_say_is_found(acted, what):
    assert alter(acted, what)


def test_whoever_rewrites_a_chain_to_its_end_is_found_by_a_seal(acted):
    seal = sealed(acted, at="2026-01-02T00:00:00")
    assert verified(acted, anchored=seal["hash"]).faults == ()
    with acted.writing() as con:
        head = con.execute(select(HEADS).order_by(HEADS.c.sequence.desc())).first()
        rows = con.execute(select(LOG).where(LOG.c.partition == head.partition).order_by(LOG.c.sequence)).mappings()
        previous = None
        for row in [dict(each) for each in rows]:
            forged = copy.copy(row) | {"who": "somebody"} | ({"previous": previous} if previous else {})
            forged["hash"] = previous = hash_of(forged)
            this = (LOG.c.partition == row["partition"]) & (LOG.c.sequence == row["sequence"])
            con.execute(update(LOG).where(this).values(forged))
        con.execute(update(HEADS).where(HEADS.c.partition == head.partition).values(hash=previous))
    assert any("is not the entry that was sealed" in fault for fault in verified(acted).faults)
    # Whoever rewrites the seals too is found by the one that was kept outside.
    faults = alter(acted, delete(SEALS))
    assert faults == ()
    assert verified(acted, anchored=seal["hash"]).faults == (
        f"seals: none has the hash {seal['hash']} that was kept outside",
    )


@pytest.mark.parametrize("what", [
    update(DECISIONS).values(record="{}"),
    delete(DECISIONS),
    update(DECISIONS).values(decision_id="D2"),
])  # fmt: skip
def test_a_record_that_is_not_the_one_that_was_logged_is_found(store, what):
    row = {
        "decision_id": "D1", "decided_at": "2026-11-01T00:00:00", "supplier_id": "S1", "contract_id": None, "pack": "p",
        "as_of": date(2026, 10, 31), "outcome": "APPROVE", "amount_fen": 1, "valid_until": date(2026, 11, 30),
        "product": "turnover_line", "pd": 0.01, "district": None, "buyer_id": None, "category": None, "applied": True,
        "cooling_until": None, "maker": "wang", "supersedes": None, "record": '{"n": 1}',
    }  # fmt: skip
    DecisionStore(store).add([row])
    assert verified(store).faults == ()
    assert alter(store, what)[0].startswith("decision D")
