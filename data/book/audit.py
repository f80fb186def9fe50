"""The audit of a book: whether its log is whole, and whether all that moved is what the log says.

An entry's hash covers the one before it, so that the first that was altered, removed, put in or moved is found. Whoever
rewrites a chain to its end, head and all, is found by a seal: the hash of all heads at a moment, kept where they cannot
write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.engine import Connection

from data.book.opening import Store
from data.book.tables import (
    ALERTS,
    BALANCES,
    DECISIONS,
    ENTRIES,
    HEADS,
    LINE_EVENTS,
    LOG,
    NOTHING,
    PAYMENTS,
    REQUESTS,
    SEALS,
)
from data.book.turns import canonical, hash_of, hash_of_decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much was read, and the first thing that is wrong in each place, if anything."""

    entries: int
    seals: int
    faults: tuple[str, ...]


def verified(store: Store, *, anchored: str | None = None) -> Verdict:
    """Whether log, balances and seals of a book agree; `anchored` is a seal's hash that was kept outside."""
    with store.reading() as con:
        heads = {row.partition: (row.sequence, row.hash) for row in con.execute(select(HEADS))}
        chains = [_chain(con, partition, head) for partition, head in sorted(heads.items())]
        seals = con.execute(select(SEALS).order_by(SEALS.c.number)).mappings().all()
        faults = [fault for _, fault in chains if fault]
        faults += _wrong_seals(con, seals, anchored)
        faults += _wrong_balances(con)
        faults += _lost_requests(con)
        faults += _wrong_lines(con)
        faults += _wrong_records(con)
        for table in (LOG, ENTRIES):
            strange = select(table.c.partition).where(table.c.partition.not_in(list(heads))).limit(1)
            if found := con.execute(strange).first():
                faults.append(
                    f"{table.name}: a row stands in partition {found.partition}, which the book does not have"
                )
        faults += _wrong_limits(con)
        faults += _lost_alerts(con)
        faults += _lost_payments(con)
    return Verdict(entries=sum(read for read, _ in chains), seals=len(seals), faults=tuple(faults))


def _chain(con: Connection, partition: int, head: tuple[int, str]) -> tuple[int, str | None]:
    """How many entries of a chain were read, and the first that is wrong."""
    query = select(LOG).where(LOG.c.partition == partition).order_by(LOG.c.sequence)
    rows = con.execute(query.execution_options(yield_per=1_000)).mappings()
    return first_wrong(rows, _moved(con, partition), partition, head)


def first_wrong(
    rows: Iterable[Mapping[str, Any]],
    moved: Iterator[dict[str, int]],
    partition: int,
    head: tuple[int, str],
    *,
    start: tuple[int, str] = (0, NOTHING),
) -> tuple[int, str | None]:
    """How many entries of a chain are right, and what is wrong with the first that is not.

    `moved` is what the entries moved on accounts, one after another; `head` the last sequence and its hash, `start`
    those of the entry before the first.
    """
    last, previous = start
    for row in rows:
        where = f"log {partition}/{row['sequence']}"
        if row["sequence"] != last + 1:
            return last, f"{where}: entry {last + 1} is missing"
        if row["previous"] != previous or row["hash"] != hash_of(row):
            return last, f"{where}: the entry was altered, or another stood before it"
        if next(moved, {}) != json.loads(row["body"])["moves"]:
            return last, f"{where}: what moved on accounts is not what the entry says"
        last, previous = row["sequence"], row["hash"]
    if (last, previous) != head:
        return last, f"log {partition}/{last}: the chain ends here, and its head says {head[0]}"
    if any(moved):
        return last, f"log {partition}/{last}: the chain ends here, and more moved on accounts"
    return last, None


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


def _lost_requests(con: Connection) -> list[str]:
    """An answer without anything in the log."""
    query = select(REQUESTS.c.key).where(REQUESTS.c.key.not_in(select(LOG.c.request))).limit(1)
    if lost := con.execute(query).scalar():
        return [f"requests: {lost} was answered, and nothing in the log came of it"]
    query = select(LOG.c.request).where(LOG.c.request != "", LOG.c.request.not_in(select(REQUESTS.c.key))).limit(1)
    if lost := con.execute(query).scalar():
        return [f"requests: the answer of {lost} is gone"]
    return []


def _wrong_limits(con: Connection) -> list[str]:
    """A limit that nobody set, or a ceiling that is neither the limit nor what is used above it."""
    said: dict[str, set[int]] = {}
    query = select(LOG.c.body).where(LOG.c.body.contains('"limits":'))
    for body in con.execute(query.execution_options(yield_per=1_000)).scalars():
        for account, limit in json.loads(body).get("limits", {}).items():
            said.setdefault(account, set()).add(limit)
    for row in con.execute(select(BALANCES).order_by(BALANCES.c.account).execution_options(yield_per=1_000)):
        if row.limit_fen is None and row.ceiling_fen is None and row.account not in said:
            continue
        if row.limit_fen not in said.get(row.account, ()) or row.ceiling_fen != max(row.limit_fen, row.amount_fen):
            return [f"balances: the limit of {row.account} is not one that was set"]
    return []


def _lost_alerts(con: Connection) -> list[str]:
    query = select(LOG.c.subject_id).where(LOG.c.kind == "ALERT_RAISED")
    lost = con.execute(query.where(LOG.c.subject_id.not_in(select(ALERTS.c.alert_id))).limit(1)).scalar()
    if lost:
        return [f"alerts: {lost} is gone"]
    settled = select(LOG.c.subject_id).where(LOG.c.kind == "ALERT_SETTLED")
    query = select(ALERTS.c.alert_id).where(ALERTS.c.settled_at.is_not(None), ALERTS.c.alert_id.not_in(settled))
    forged = con.execute(query.limit(1)).scalar()
    return [f"alerts: {forged} was settled by nobody"] if forged else []


def _wrong_lines(con: Connection) -> list[str]:
    """An event of a line that the log has otherwise, or not."""
    logged: dict[str, list[dict[str, Any]]] = {}
    query = select(LOG.c.subject_id, LOG.c.body).where(LOG.c.kind.startswith("LINE_")).order_by(LOG.c.sequence)
    for row in con.execute(query.execution_options(yield_per=1_000)):
        logged.setdefault(row.subject_id, []).append(json.loads(row.body))
    query = select(LINE_EVENTS).order_by(LINE_EVENTS.c.number)
    for event in con.execute(query.execution_options(yield_per=1_000)).mappings():
        logs = next(iter(logged.get(event["line_id"], [])), {})
        said = {name: value for name, value in logs.items() if name in LINE_EVENTS.c}
        if {name: value for name, value in json.loads(canonical(dict(event))).items() if name != "number"} != said:
            return [f"line {event['line_id']}: an event of {event['starts_on']} is not what the log says"]
        logged[event["line_id"]].pop(0)
    lost = [line for line, events in logged.items() if events]
    return [f"line {lost[0]}: an event that the log has is gone"] if lost else []


def _wrong_records(con: Connection) -> list[str]:
    """A decision that is not the one that was logged, or was not logged, or is gone."""
    logged: dict[str, str] = {}
    query = select(LOG.c.body).where(LOG.c.kind == "DECIDED")
    for body in con.execute(query.execution_options(yield_per=100)).scalars():
        logged |= json.loads(body)["sha256"]
    for row in con.execute(select(DECISIONS).execution_options(yield_per=1_000)).mappings():
        if logged.pop(row["decision_id"], None) != hash_of_decision(row):
            return [f"decision {row['decision_id']}: it is not the one that was logged"]
    return [f"decision {next(iter(logged))}: it is gone"] if logged else []


def _lost_payments(con: Connection) -> list[str]:
    """A payment that the log says was used, and that could be used again."""
    there = set(con.execute(select(PAYMENTS.c.payment_id)).scalars())
    query = select(LOG.c.body).where(LOG.c.kind.in_(("DRAW_REPAID", "DRAW_SETTLED", "COLLECTED")))
    for body in con.execute(query.execution_options(yield_per=1_000)).scalars():
        # What was altered so that it names none was found in its chain.
        payment = json.loads(body).get("repayment_id")
        if payment is not None and payment not in there:
            return [f"payments: {payment} is gone"]
    return []


# -- seals


def sealed(store: Store, *, at: str) -> dict[str, Any]:
    """Seal the book as it stands: the hash of all heads, to be kept where nobody who writes the book can write."""
    # A book that nobody has written to yet is made, and has a seal like any other.
    store.engine()
    with store.alone() as con:
        heads = [
            [row.partition, row.sequence, row.hash] for row in con.execute(select(HEADS).order_by(HEADS.c.partition))
        ]
        before = con.execute(select(SEALS.c.hash).order_by(SEALS.c.number.desc()).limit(1)).scalar() or NOTHING
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
