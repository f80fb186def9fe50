from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from bench import book_load
from bench.book_load import asked
from credit.domain.alerts import Alert
from credit.domain.errors import DatedBack
from credit.domain.line import Event, Happened
from data.book import accounts
from data.book.alerts import Alerts, Outcome
from data.book.audit import SAID, sealed, verified
from data.book.book import Book
from data.book.tables import (
    BALANCES,
    DECISIONS,
    ENTRIES,
    FORM,
    HEADS,
    LINE_EVENTS,
    LOG,
    MARKS,
    METADATA,
    REQUESTS,
    SEALS,
)
from data.book.turns import hash_of, key_of
from data.decisions import DecisionStore
from tests.bookstore import new_store


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


DECIDED = {
    "decision_id": "D1", "decided_at": "2026-11-01T00:00:00", "supplier_id": "S1", "contract_id": None, "pack": "p",
    "as_of": date(2026, 10, 31), "outcome": "APPROVE", "amount_fen": 1, "valid_until": date(2026, 11, 30),
    "product": "turnover_line", "pd": 0.01, "district": None, "buyer_id": None, "category": None, "applied": True,
    "cooling_until": None, "maker": "wang", "supersedes": None, "record": '{"n": 1}',
}  # fmt: skip
ALERT = {
    "alert_id": "A1", "rule": "EW-X", "rule_version": "1", "severity": "AMBER", "action": "REVIEW", "supplier_id": "S3",
    "contract_id": None, "line_id": "L3r", "raised_on": book_load.BEGINS, "due_on": book_load.ENDS, "owner": "analyst",
    "evidence": "{}",
}  # fmt: skip


@pytest.mark.parametrize("what", [
    update(DECISIONS).values(record="{}"),
    delete(DECISIONS),
    update(DECISIONS).values(decision_id="D2"),
])  # fmt: skip
def test_a_record_that_is_not_the_one_that_was_logged_is_found(store, what):
    DecisionStore(store).add([DECIDED])
    assert verified(store).faults == ()
    assert alter(store, what)[0].startswith("decisions: D")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A book with rows in every table, some of them changed since they were added."""
    with new_store("sqlite", tmp_path_factory.mktemp("full")) as store:
        book_load.begin(Book(store))
        list(book_load.acts(Book(store), 7, 60))
        decisions, alerts, on = DecisionStore(store), Alerts(store), book_load.BEGINS
        decisions.add([DECIDED | {"decided_at": book_load.AT}])
        decisions.open_dispute(asked("dispute", "dispute"), "S3", "delivery D1", "on time")
        decisions.settle_dispute(asked("settled", "settle"), 1, upheld=True, text="it was")
        alerts.raise_(asked("alert", "raise"), "S3", [Alert(**ALERT)], on)
        alerts.settle(asked("looked", "settle"), "A1", Outcome.FALSE, "nothing", on)
        sealed(store, at=book_load.AT)
        assert verified(store).faults == ()
        yield store


def changed(column, value):
    """Another value of the same kind."""
    if column.name in ("terms", "answer", "evidence", "record"):
        return (value or "") + " "
    kinds = {bool: lambda: not value, int: lambda: (value or 0) + 1, float: lambda: (value or 0) + 0.1,
             date: lambda: date(2001, 1, 1) if value is None else value + timedelta(days=1)}  # fmt: skip
    return kinds.get(column.type.python_type, lambda: f"{value or ''}x"[-(column.type.length or 9_999) :])()


def faults_of(store, statement) -> tuple[str, ...]:
    """What an audit says after a statement, which is taken back."""

    class Enough(Exception):
        pass

    found = []
    with pytest.raises(Enough), store.writing() as con:
        con.execute(statement)

        class AsItIs:
            reading = staticmethod(lambda: contextlib.nullcontext(con))

        found += verified(AsItIs).faults
        raise Enough
    return tuple(found)


def test_every_table_is_the_log_or_said_by_it():
    # What is neither said row by row nor here is a table that nobody audits.
    assert {*SAID, LOG, ENTRIES, HEADS, SEALS, BALANCES, FORM} == set(METADATA.tables.values())
    assert [f"{mark.table.name}.{mark.name}" for mark in MARKS] == ["outbox.sent_at"]


@pytest.mark.parametrize("column", [each for table in SAID for each in table.c if each not in MARKS], ids=str)
def test_a_row_altered_in_any_column_is_found(full, column):
    key = key_of(column.table)
    with full.reading() as con:
        row = con.execute(select(key, column).order_by(column.is_(None), key.desc()).limit(1)).one()
    this = update(column.table).where(key == row[0]).values({column.name: changed(column, row[1])})
    assert any(fault.startswith(f"{column.table.name}: ") for fault in faults_of(full, this))


@pytest.mark.parametrize("table", SAID, ids=str)
def test_a_row_that_is_gone_or_that_nobody_wrote_is_found(full, table):
    key = key_of(table)
    with full.reading() as con:
        row = dict(con.execute(select(table).order_by(key).limit(1)).mappings().one())
    assert f"{table.name}: {row[key.name]} is gone" in faults_of(full, delete(table).where(key == row[key.name]))
    new = 99_999 if isinstance(row[key.name], int) else "forged"
    forged = row | {key.name: new} | ({"decision_id": "D9"} if table.name == "outbox" else {})
    assert f"{table.name}: {new} is not in the log" in faults_of(full, insert(table).values(forged))


@pytest.mark.parametrize("column", ["amount_fen", "limit_fen", "ceiling_fen"])
@pytest.mark.parametrize("account", ["pool:group:G1", accounts.used("L3r"), accounts.outstanding("L3r")])
def test_a_balance_altered_in_any_column_is_found(full, account, column):
    this = BALANCES.c.account == account
    with full.reading() as con:
        was = con.execute(select(BALANCES.c[column]).where(this)).scalar()
    if column == "amount_fen" and was == 0:
        return
    to = was - 1 if column == "amount_fen" else (was or 10**9) + 1
    assert any("balances" in fault for fault in faults_of(full, update(BALANCES).where(this).values({column: to})))


def test_an_account_without_moves_is_missed_and_one_too_many_is_found(full):
    quiet = select(BALANCES.c.account).where(BALANCES.c.account.not_in(select(ENTRIES.c.account))).limit(1)
    with full.reading() as con:
        account = con.execute(quiet).scalar()
    assert f"balances: {account} is missing" in faults_of(full, delete(BALANCES).where(BALANCES.c.account == account))
    more = insert(BALANCES).values(account="line:L99:used", amount_fen=0)
    assert "balances: line:L99:used is an account of nothing" in faults_of(full, more)


def test_an_older_limit_that_was_higher_cannot_be_put_back(store, book):
    book_load.begin(book)
    pool = accounts.pool("group", "G1")
    # Several partitions set the limit of one pool, and no order between them is kept.
    for number, (line, limit) in enumerate(
        [("L3r", 5_000_000), ("L4r", 4_500_000), ("L5r", 5_000_000), ("L3r", 4_000_001)]
    ):
        event = Happened(
            line_id=line, kind=Event.RENEWED, decision_id=f"D{line[1:]}", supplier_id=f"S{line[1]}", contract_id=None,
            product="turnover_line", limit_fen=book_load.LIMIT // 2, yearly_rate_bp=450, starts_on=book_load.BEGINS,
            ends_on=book_load.ENDS, at="", who="load", text="renewed",
        )  # fmt: skip
        book.line_happens(asked(f"renew {number}", "renew"), event, about={}, pools={pool: limit})
    assert verified(store).faults == ()
    for older in (book_load.POOL, 4_500_000, 5_000_000):
        this = update(BALANCES).where(BALANCES.c.account == pool).values(limit_fen=older, ceiling_fen=older)
        assert alter(store, this) == (f"balances: the limit of {pool} is not the one that was set last",)


# -- the clock


def suspended(book, at, key="late"):
    with book.store.reading() as con:
        there = con.execute(select(LINE_EVENTS).where(LINE_EVENTS.c.line_id == "L3r")).mappings().first()
    event = Happened(**{**{name: there[name] for name in Happened.__dataclass_fields__}, "kind": Event.SUSPENDED})
    book.line_happens(replace(asked(key, "suspend"), at=at), event, about={}, pools={})
    with book.store.reading() as con:
        return con.execute(select(LOG.c.at).where(LOG.c.request == key)).scalar_one()


def test_nothing_is_written_into_the_past(store, book):
    book_load.begin(book)
    entries = verified(store).entries
    with pytest.raises(DatedBack, match="2025-12-31T22:59:59"):
        suspended(book, "2025-12-31T22:59:59")
    assert verified(store).entries == entries
    # Whoever waited or computed for up to an hour is booked at the moment of what came before.
    assert suspended(book, "2025-12-31T23:00:00") == book_load.AT
    with store.reading() as con:
        at = select(LINE_EVENTS.c.at).where(LINE_EVENTS.c.kind == "SUSPENDED")
        assert con.execute(at).scalar_one() == book_load.AT
    assert verified(store).faults == ()


def test_a_seal_is_not_dated_back(store, book):
    book_load.begin(book)
    with pytest.raises(DatedBack):
        sealed(store, at="2020-01-01T00:00:00")
    sealed(store, at="2026-06-01T00:00:00")
    with pytest.raises(DatedBack):
        sealed(store, at=book_load.AT)


def test_an_entry_that_is_dated_before_the_one_before_it_is_found(store, book):
    book_load.begin(book)
    suspended(book, "2026-02-01T00:00:00")
    with store.writing() as con:
        row = dict(con.execute(select(LOG).where(LOG.c.request == "late")).mappings().one()) | {"at": "2020-01-01"}
        row["hash"] = hash_of(row)
        here = (LOG.c.partition == row["partition"]) & (LOG.c.sequence == row["sequence"])
        con.execute(update(LOG).where(here).values(row))
        con.execute(update(HEADS).where(HEADS.c.partition == row["partition"]).values(hash=row["hash"]))
    assert f"log {row['partition']}/{row['sequence']}: the entry is dated before the one before it" in (
        verified(store).faults
    )
