"""The audit of a book: whether its log is whole, and whether every table is what the log says.

An entry's hash covers the one before it, so that the first that was altered, removed, put in or moved is found. Whoever
rewrites a chain to its end, head and all, is found by a seal: the hash of all heads at a moment, kept where they cannot
write.

An entry says what moved on which account, which limits were set, and the hash of every row that was written with it.
The last that was said of a row is the row; a balance is the sum of what moved, with the limit that was set last.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.engine import Connection

from data.book import accounts
from data.book.opening import Store
from data.book.tables import (
    ALERTS,
    BALANCES,
    DECISIONS,
    DISPUTES,
    ENTRIES,
    HEADS,
    LINE_EVENTS,
    LOG,
    NOTHING,
    OUTBOX,
    PAYMENTS,
    REQUESTS,
    SEALS,
    SUBJECTS,
)
from data.book.turns import canonical, hash_of, hash_of_row, key_of, not_before

# The tables whose every row the log says. The others are the log itself, its heads and seals, and what is summed of it.
SAID = (DECISIONS, OUTBOX, DISPUTES, LINE_EVENTS, SUBJECTS, ALERTS, PAYMENTS, REQUESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much was read, and the first thing that is wrong in each place, if anything."""

    entries: int
    seals: int
    faults: tuple[str, ...]


@dataclass(slots=True)
class _Said:
    """What the log says of the tables: the hash of each row by table and key, and how often each limit was set."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    # Of each account, how much more often a limit was set than it was replaced by another.
    limits: dict[str, Counter[int | None]] = field(default_factory=dict)

    def hear(self, body: Mapping[str, Any]) -> None:
        """Take in what an entry says."""
        for table, rows in body.get("rows", {}).items():
            self.rows.setdefault(table, {}).update(rows)
        for account, (was, now) in body.get("limits", {}).items():
            self.limits.setdefault(account, Counter()).update({now: 1} if was != now else {})
            self.limits[account].subtract({was: 1} if was != now else {})


def verified(store: Store, *, anchored: str | None = None) -> Verdict:
    """Whether the log is whole and all tables say what it says; `anchored` is a seal's hash that was kept outside."""
    with store.reading() as con:
        heads = {row.partition: (row.sequence, row.hash) for row in con.execute(select(HEADS))}
        said = _Said()
        chains = [_chain(con, partition, head, said) for partition, head in sorted(heads.items())]
        seals = con.execute(select(SEALS).order_by(SEALS.c.number)).mappings().all()
        faults = [fault for _, fault in chains if fault]
        faults += _wrong_seals(con, seals, anchored)
        faults += _strange_partitions(con, list(heads))
        faults += _wrong_balances(con)
        faults += _wrong_limits(con, said)
        faults += _wrong_accounts(con, said)
        for table in SAID:
            faults += _wrong_rows(con, table, said.rows.get(table.name, {}))
    return Verdict(entries=sum(read for read, _ in chains), seals=len(seals), faults=tuple(faults))


def _strange_partitions(con: Connection, known: list[int]) -> list[str]:
    found = []
    for table in (LOG, ENTRIES):
        strange = select(table.c.partition).where(table.c.partition.not_in(known)).limit(1)
        if (partition := con.execute(strange).scalar()) is not None:
            found.append(f"{table.name}: a row stands in partition {partition}, which the book does not have")
    return found


def _chain(con: Connection, partition: int, head: tuple[int, str], said: _Said) -> tuple[int, str | None]:
    """How many entries of a chain were read, and the first that is wrong; what it says is heard until there."""
    query = select(LOG).where(LOG.c.partition == partition).order_by(LOG.c.sequence)
    rows = con.execute(query.execution_options(yield_per=1_000)).mappings()
    return first_wrong(rows, _moved(con, partition), partition, head, hear=said.hear)


def first_wrong(
    rows: Iterable[Mapping[str, Any]],
    moved: Iterator[dict[str, int]],
    partition: int,
    head: tuple[int, str],
    *,
    start: tuple[int, str] = (0, NOTHING),
    hear: Callable[[Mapping[str, Any]], None] = lambda _body: None,
) -> tuple[int, str | None]:
    """How many entries of a chain are right, and what is wrong with the first that is not.

    `moved` is what the entries moved on accounts, one after another; `head` the last sequence and its hash, `start`
    those of the entry before the first. The body of each that is right is heard.
    """
    (last, previous), at = start, ""
    for row in rows:
        if wrong := _out_of_turn(row, last, previous, at):
            return last, f"log {partition}/{row['sequence']}: {wrong}"
        body = json.loads(row["body"])
        if next(moved, {}) != body["moves"]:
            return last, f"log {partition}/{row['sequence']}: what moved on accounts is not what the entry says"
        hear(body)
        last, previous, at = row["sequence"], row["hash"], row["at"]
    if (last, previous) != head:
        return last, f"log {partition}/{last}: the chain ends here, and its head says {head[0]}"
    if any(moved):
        return last, f"log {partition}/{last}: the chain ends here, and more moved on accounts"
    return last, None


def _out_of_turn(row: Mapping[str, Any], last: int, previous: str, at: str) -> str | None:
    """What is wrong with an entry after the one before it, by whose sequence, hash and moment."""
    if row["sequence"] != last + 1:
        return f"entry {last + 1} is missing"
    if row["previous"] != previous or row["hash"] != hash_of(row):
        return "the entry was altered, or another stood before it"
    return "the entry is dated before the one before it" if row["at"] < at else None


def _moved(con: Connection, partition: int) -> Iterator[dict[str, int]]:
    """What moved by each entry of a chain, one after another from the first."""
    query = select(ENTRIES).where(ENTRIES.c.partition == partition).order_by(ENTRIES.c.sequence)
    sequence, moves = 1, {}
    for row in con.execute(query.execution_options(yield_per=1_000)):
        while row.sequence > sequence:
            yield moves
            sequence, moves = sequence + 1, {}
        moves[row.account] = row.delta_fen
    yield moves


def _wrong_balances(con: Connection) -> list[str]:
    sums = select(ENTRIES.c.account, func.sum(ENTRIES.c.delta_fen).label("fen")).group_by(ENTRIES.c.account).subquery()
    query = (
        select(BALANCES.c.account, BALANCES.c.amount_fen, func.coalesce(sums.c.fen, 0).label("fen"))
        .select_from(BALANCES.outerjoin(sums, sums.c.account == BALANCES.c.account))
        .where(BALANCES.c.amount_fen != func.coalesce(sums.c.fen, 0))
        .order_by(BALANCES.c.account)
        .limit(1)
    )
    wrong = con.execute(query).first()
    if wrong:
        return [f"balances: {wrong.account} says {wrong.amount_fen} fen, its entries {wrong.fen}"]
    there = select(BALANCES.c.account)
    lost = con.execute(select(ENTRIES.c.account).where(ENTRIES.c.account.not_in(there)).limit(1)).first()
    return [f"balances: {lost.account} is missing"] if lost else []


def _wrong_limits(con: Connection, said: _Said) -> list[str]:
    """A limit that is not the one that was set last, or a ceiling that is neither it nor what is used above it."""
    for row in con.execute(select(BALANCES).order_by(BALANCES.c.account).execution_options(yield_per=1_000)):
        # Whoever sets a limit says what it replaces. So, in whatever order that was, each was set as often as it was
        # replaced, but for the last; and nothing was replaced once, by the first.
        steps = {limit: times for limit, times in said.limits.get(row.account, {}).items() if times}
        if steps != ({} if row.limit_fen is None else {None: -1, row.limit_fen: 1}):
            return [f"balances: the limit of {row.account} is not the one that was set last"]
        if row.ceiling_fen != (None if row.limit_fen is None else max(row.limit_fen, row.amount_fen)):
            return [f"balances: the ceiling of {row.account} is neither its limit nor what is used"]
    return []


def _wrong_accounts(con: Connection, said: _Said) -> list[str]:
    """An account that nothing in the book has, or that is gone before anything moved on it."""
    named = con.execute(select(SUBJECTS.c.kind, SUBJECTS.c.subject_id).execution_options(yield_per=1_000))
    due = {account for kind, subject in named for account in accounts.of(kind, subject)} | set(said.limits)
    for account in con.execute(select(BALANCES.c.account).execution_options(yield_per=1_000)).scalars():
        if account not in due:
            return [f"balances: {account} is an account of nothing"]
        due.remove(account)
    return [f"balances: {min(due)} is missing"] if due else []


def _wrong_rows(con: Connection, table: Table, said: dict[str, str]) -> list[str]:
    """The first row of a table that is not what the log says, that it does not say, or that is gone."""
    key = key_of(table)
    for row in con.execute(select(table).order_by(key).execution_options(yield_per=1_000)).mappings():
        name = str(row[key.name])
        if (hash_ := said.pop(name, None)) is None:
            return [f"{table.name}: {name} is not in the log"]
        if hash_ != hash_of_row(table, row):
            return [f"{table.name}: {name} is not what the log says"]
    return [f"{table.name}: {next(iter(said))} is gone"] if said else []


# -- seals


def sealed(store: Store, *, at: str) -> dict[str, Any]:
    """Seal the book as it stands: the hash of all heads, to be kept where nobody who writes the book can write.

    Raises DatedBack.
    """
    # A book that nobody has written to yet is made, and has a seal like any other.
    store.engine()
    with store.alone() as con:
        heads = [
            [row.partition, row.sequence, row.hash] for row in con.execute(select(HEADS).order_by(HEADS.c.partition))
        ]
        last = con.execute(select(SEALS.c.hash, SEALS.c.at).order_by(SEALS.c.number.desc()).limit(1)).first()
        before = last.hash if last else NOTHING
        written = con.execute(select(func.max(LOG.c.at))).scalar()
        at = not_before(at, max((each for each in (written, last and last.at) if each), default=None))
        row = {"at": at, "heads": canonical(heads), "hash": _seal(at, canonical(heads), before)}
        made = con.execute(insert(SEALS), row).inserted_primary_key
    return {
        "number": made[0] if made else None,
        "at": at,
        "hash": row["hash"],
        "entries": sum(each[1] for each in heads),
    }


def _seal(at: str, heads: str, before: str) -> str:
    return hashlib.sha256(canonical([at, heads, before]).encode()).hexdigest()


def _wrong_seals(con: Connection, seals: Any, anchored: str | None) -> list[str]:
    before = NOTHING
    for seal in seals:
        if seal["hash"] != _seal(seal["at"], seal["heads"], before):
            return [f"seal {seal['number']}: it was altered, or one before it was"]
        for partition, sequence, said in json.loads(seal["heads"]):
            query = select(LOG.c.hash).where(LOG.c.partition == partition, LOG.c.sequence == sequence)
            if sequence and con.execute(query).scalar() != said:
                return [f"seal {seal['number']}: log {partition}/{sequence} is not the entry that was sealed"]
        before = seal["hash"]
    if anchored is not None and anchored not in [seal["hash"] for seal in seals]:
        return [f"seals: none has the hash {anchored} that was kept outside"]
    return []
