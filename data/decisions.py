"""Stored decisions, disputes, and the outbox that carries decisions to tracking.

A decision is written once and never changed. Its row in the outbox and its entry in the log are written in the same
transaction, so that a tracking server that is down loses nothing and blocks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import case, exists, func, insert, select, union_all, update
from sqlalchemy.engine import Connection

from credit.domain.errors import NotAuthorised, UnknownDecision
from data.book import accounts
from data.book.opening import Store
from data.book.subjects import GUARANTEE
from data.book.tables import BALANCES, DECISIONS, DISPUTES, LINE_EVENTS, LOG, OUTBOX, SUBJECTS
from data.book.turns import Answer, Request, Turn, done, partition_of

GRANTING = ("APPROVE", "REDUCE")

_LATER, _LATER_BOX = DECISIONS.alias("later"), OUTBOX.alias("later_box")

PASSED = "PASSED_ON"

# Most variables that one statement may carry in SQLite.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """What stands granted to a supplier by one question, in fen, and what else it draws on."""

    supplier_id: str
    contract_id: str | None
    pack: str
    product: str
    amount_fen: int
    pd: float | None
    district: str | None
    buyer_id: str | None
    category: str | None


class DecisionStore:
    """The decisions of one book."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def add(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        """Store decisions that are new; answers the stored record of every one that was there already, by id."""
        with self.store.writing() as con:
            known = self._records(con, [row["decision_id"] for row in rows])
            fresh = list({r["decision_id"]: r for r in rows if r["decision_id"] not in known}.values())
            if fresh:
                _log_decisions(con, fresh, _insert(con, fresh))
        return known

    def judge(self, request: Request, row: Mapping[str, Any]) -> Answer:
        """Store a decision that a person made of another, once. Raises KeyTaken, InFlight."""

        def work(turn: Turn) -> Answer:
            _log_decided(turn, [row], _insert(turn.con, [row]))
            return {"decision_id": row["decision_id"]}

        return done(self.store, request, partition_of(row["supplier_id"]), work)

    def row(self, decision_id: str) -> dict[str, Any] | None:
        """The whole row of a decision, its record included, or None."""
        with self.store.reading() as con:
            found = con.execute(select(DECISIONS).where(DECISIONS.c.decision_id == decision_id)).mappings().first()
            return dict(found) if found else None

    def listed(
        self, *, supplier_id: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """The last decisions, newest first, without their records; with `before`, of those made before a moment."""
        columns = [column for column in DECISIONS.c if column.name != "record"]
        query = (
            select(*columns)
            .join(OUTBOX, OUTBOX.c.decision_id == DECISIONS.c.decision_id)
            # Of those of one moment, the one stored last is the newest.
            .order_by(DECISIONS.c.decided_at.desc(), OUTBOX.c.number.desc())
            .limit(limit)
        )
        if supplier_id is not None:
            query = query.where(DECISIONS.c.supplier_id == supplier_id)
        if before is not None:
            query = query.where(DECISIONS.c.decided_at < before)
        with self.store.reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Wait for the turn to read what stands offered, decide and store; two at once would overdraw one budget."""
        with self.store.one_at_a_time():
            yield

    def made_on(self, pack: str, as_of: date) -> list[tuple[str, str]]:
        """The decisions under a pack on a date, as id and record: by supplier, each one's in their order."""
        query = (
            select(DECISIONS.c.decision_id, DECISIONS.c.record)
            .join(OUTBOX, OUTBOX.c.decision_id == DECISIONS.c.decision_id)
            .where(DECISIONS.c.pack == pack, DECISIONS.c.as_of == as_of)
            .order_by(DECISIONS.c.supplier_id, OUTBOX.c.number)
        )
        with self.store.reading() as con:
            return [(row.decision_id, row.record) for row in con.execute(query)]

    def standing(self, since: date, until: date, *, accepted_only: bool = False) -> list[Offer]:
        """What stands granted at any time between two days: by question the largest that lives in between.

        The largest and not the last, for each was told to somebody who may still take it up; and later ones too, so
        that a question asked with an earlier date does not overlook what was offered since.
        """
        question = (DECISIONS.c.supplier_id, DECISIONS.c.contract_id, DECISIONS.c.pack, DECISIONS.c.product)
        rest = (
            DECISIONS.c.pd,
            DECISIONS.c.district,
            DECISIONS.c.buyer_id,
            DECISIONS.c.category,
        )
        # What became of a decision: the line or guarantee, and the account of what that takes.
        last = select(LINE_EVENTS.c.line_id, func.max(LINE_EVENTS.c.ends_on).label("ends_on"))
        ends = last.group_by(LINE_EVENTS.c.line_id).subquery()
        begun = select(LINE_EVENTS.c.decision_id, LINE_EVENTS.c.line_id).distinct().subquery()
        # A line that has ended takes what is still owed of it, even before somebody closes it.
        takes = case(
            (ends.c.ends_on < since, accounts.outstanding_of(begun.c.line_id)),
            else_=accounts.committed_of(begun.c.line_id),
        )
        holds = union_all(
            select(begun.c.decision_id, takes.label("account")).join(ends, ends.c.line_id == begun.c.line_id),
            *(
                select(SUBJECTS.c.decision_id, account(SUBJECTS.c.subject_id).label("account")).where(
                    SUBJECTS.c.kind == GUARANTEE
                )
                for account in (accounts.guaranteed_of, accounts.claimed_of)
            ),
        ).subquery()
        held = (
            select(holds.c.decision_id, func.sum(BALANCES.c.amount_fen).label("fen"))
            .select_from(holds.join(BALANCES, BALANCES.c.account == holds.c.account))
            .group_by(holds.c.decision_id)
            .subquery()
        )
        query = (
            select(
                *question,
                func.max(func.coalesce(held.c.fen, DECISIONS.c.amount_fen)),
                *(func.max(column) for column in rest),
            )
            .select_from(DECISIONS.outerjoin(held, held.c.decision_id == DECISIONS.c.decision_id))
            .where(DECISIONS.c.as_of <= until, DECISIONS.c.outcome.in_(GRANTING))
            # What was taken up counts by what it takes; an offer until it lapses or is judged anew.
            .where(
                (held.c.fen > 0)
                | (
                    held.c.fen.is_(None)
                    & (DECISIONS.c.valid_until >= since)
                    & DECISIONS.c.decision_id.not_in(
                        select(_LATER.c.supersedes).where(_LATER.c.supersedes.is_not(None))
                    )
                )
            )
            .group_by(*question)
        )
        if accepted_only:
            query = query.where(held.c.fen > 0)
        with self.store.reading() as con:
            return [Offer(*row) for row in con.execute(query)]

    def superseding(self, decision_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The judgement that has taken the place of each of these decisions, as id and record, by the decision's id."""
        found: dict[str, tuple[str, str]] = {}
        with self.store.reading() as con:
            for start in range(0, len(decision_ids), _CHUNK):
                columns = (DECISIONS.c.supersedes, DECISIONS.c.decision_id, DECISIONS.c.record)
                query = select(*columns).where(DECISIONS.c.supersedes.in_(decision_ids[start : start + _CHUNK]))
                found |= {row[0]: (row[1], row[2]) for row in con.execute(query)}
        return found

    def referred(self, on: date, *, before: str, decision_id: str | None = None) -> Iterator[dict[str, Any]]:
        """The decisions that wait for a person at the end of a day, `before` that moment (ISO, UTC); one of them alone.

        Referred, not lapsed, neither judged nor asked anew on as recent a history. Their whole rows, one after another.
        """
        same = [_LATER.c[name] == DECISIONS.c[name] for name in ("supplier_id", "pack", "product")]
        replaced = (
            exists()
            .where(*same, _LATER.c.contract_id.is_not_distinct_from(DECISIONS.c.contract_id))
            .where(_LATER.c.as_of >= DECISIONS.c.as_of, _LATER.c.decided_at < before)
            .where(_LATER_BOX.c.decision_id == _LATER.c.decision_id, _LATER_BOX.c.number > OUTBOX.c.number)
        )
        query = (
            select(DECISIONS)
            .join(OUTBOX, OUTBOX.c.decision_id == DECISIONS.c.decision_id)
            .where(DECISIONS.c.outcome == "REFER", DECISIONS.c.valid_until >= on, DECISIONS.c.decided_at < before)
            .where(~replaced)
            .order_by(OUTBOX.c.number)
        )
        if decision_id is not None:
            query = query.where(DECISIONS.c.decision_id == decision_id)
        with self.store.reading() as con:
            for row in con.execute(query.execution_options(yield_per=_CHUNK)).mappings():
                yield dict(row)

    def pass_on(self, request: Request, row: Mapping[str, Any], said: Mapping[str, Any]) -> Answer:
        """Log to whom a decision that waits is passed on; it waits as before. Raises NotAuthorised, KeyTaken."""

        def work(turn: Turn) -> Answer:
            judged = select(DECISIONS.c.decision_id).where(DECISIONS.c.supersedes == row["decision_id"])
            if (by := turn.con.execute(judged).scalar()) is not None:
                raise NotAuthorised(f"{row['decision_id']} was superseded by {by}", hint="nobody has to judge it")
            turn.log(row["decision_id"], PASSED, _day(request.at), said)
            return {"decision_id": row["decision_id"], **said, "by": request.who, "at": request.at}

        return done(self.store, request, partition_of(row["supplier_id"]), work)

    def passed_on(self, decision_ids: Sequence[str], *, before: str) -> dict[str, dict[str, Any]]:
        """To whom each of these decisions was last passed on before a moment, by whom and why."""
        found: dict[str, dict[str, Any]] = {}
        with self.store.reading() as con:
            for start in range(0, len(decision_ids), _CHUNK):
                query = (
                    select(LOG.c.subject_id, LOG.c.body, LOG.c.who, LOG.c.at)
                    .where(LOG.c.subject_id.in_(decision_ids[start : start + _CHUNK]))
                    .where(LOG.c.kind == PASSED, LOG.c.at < before)
                    .order_by(LOG.c.sequence)
                )
                for row in con.execute(query):
                    said = json.loads(row.body)
                    found[row.subject_id] = {"to": said["to"], "text": said["text"], "by": row.who, "at": row.at}
        return found

    def line_events(self, *, line_id: str | None = None, supplier_id: str | None = None) -> list[dict[str, Any]]:
        """What happened to lines, in order: to one, to those of a supplier, or to all."""
        columns = [column for column in LINE_EVENTS.c if column.name != "number"]
        query = select(*columns).order_by(LINE_EVENTS.c.number)
        if line_id is not None:
            query = query.where(LINE_EVENTS.c.line_id == line_id)
        if supplier_id is not None:
            query = query.where(LINE_EVENTS.c.supplier_id == supplier_id)
        with self.store.reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]

    def judgements(self) -> list[tuple[str, str]]:
        """The decisions that people made of earlier ones: id and record, oldest first."""
        query = (
            select(DECISIONS.c.decision_id, DECISIONS.c.record)
            .where(DECISIONS.c.supersedes.is_not(None))
            .order_by(DECISIONS.c.decided_at, DECISIONS.c.decision_id)
        )
        with self.store.reading() as con:
            return [(row[0], row[1]) for row in con.execute(query)]

    def open_dispute(self, request: Request, supplier_id: str, datum: str, text: str) -> Answer:
        """Record a dispute; answers its row. Raises KeyTaken, InFlight."""

        def work(turn: Turn) -> Answer:
            said = {"supplier_id": supplier_id, "datum": datum, "text": text, "opened_at": turn.request.at,
                    "opened_by": request.who}  # fmt: skip
            number = turn.add(DISPUTES, said)
            turn.log(f"dispute:{number}", "DISPUTE_OPENED", _day(request.at), said)
            return {"number": number, **said}

        return done(self.store, request, partition_of(supplier_id), work)

    def settle_dispute(self, request: Request, number: int, *, upheld: bool, text: str) -> Answer:
        """Settle an open dispute and answer its row. Raises UnknownDecision, KeyTaken, InFlight."""
        none = UnknownDecision(f"there is no open dispute {number}", hint="`credit decision disputes` lists them")
        with self.store.reading() as con:
            supplier_id = con.execute(select(DISPUTES.c.supplier_id).where(DISPUTES.c.number == number)).scalar()
        if supplier_id is None:
            raise none

        def work(turn: Turn) -> Answer:
            said = {"settled_at": turn.request.at, "settled_by": request.who, "upheld": upheld, "settlement": text}
            there = turn.found(DISPUTES, number)
            if there is None or there["settled_at"] is not None:
                raise none
            row = turn.change(DISPUTES, number, **said)
            turn.log(f"dispute:{number}", "DISPUTE_SETTLED", _day(request.at), said)
            return row

        return done(self.store, request, partition_of(supplier_id), work)

    def disputes(self, *, open_only: bool = True) -> list[dict[str, Any]]:
        """The disputes, oldest first."""
        query = select(DISPUTES).order_by(DISPUTES.c.number)
        if open_only:
            query = query.where(DISPUTES.c.settled_at.is_(None))
        with self.store.reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]

    def cooling(self, since: date) -> dict[tuple[str, str], date]:
        """Until when each supplier that applied under a pack before a day, and was declined, has to wait."""
        query = (
            select(DECISIONS.c.supplier_id, DECISIONS.c.pack, func.max(DECISIONS.c.cooling_until))
            .where(DECISIONS.c.applied, DECISIONS.c.as_of < since, DECISIONS.c.cooling_until > since)
            .group_by(DECISIONS.c.supplier_id, DECISIONS.c.pack)
        )
        with self.store.reading() as con:
            return {(supplier, pack): until for supplier, pack, until in con.execute(query)}

    def unsent(self, limit: int = 10_000) -> list[tuple[str, str]]:
        """Decisions that tracking has not been told of: id and record, oldest first."""
        query = (
            select(DECISIONS.c.decision_id, DECISIONS.c.record)
            .join(OUTBOX, OUTBOX.c.decision_id == DECISIONS.c.decision_id)
            .where(OUTBOX.c.sent_at.is_(None))
            .order_by(OUTBOX.c.number)
            .limit(limit)
        )
        with self.store.reading() as con:
            return [(row[0], row[1]) for row in con.execute(query)]

    def mark_sent(self, decision_ids: list[str], at: str) -> None:
        """Remember that tracking has been told."""
        with self.store.writing() as con:
            for start in range(0, len(decision_ids), _CHUNK):
                part = decision_ids[start : start + _CHUNK]
                con.execute(update(OUTBOX).where(OUTBOX.c.decision_id.in_(part)).values(sent_at=at))

    def _records(self, con: Connection, decision_ids: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(decision_ids), _CHUNK):
            part = decision_ids[start : start + _CHUNK]
            query = select(DECISIONS.c.decision_id, DECISIONS.c.record).where(DECISIONS.c.decision_id.in_(part))
            found.update({row[0]: row[1] for row in con.execute(query)})
        return found


def _insert(con: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Store decisions, and answer the number of each in the outbox, by its id."""
    con.execute(insert(DECISIONS), list(rows))
    numbered = insert(OUTBOX).returning(OUTBOX.c.decision_id, OUTBOX.c.number, sort_by_parameter_order=True)
    return {row[0]: row[1] for row in con.execute(numbered, [{"decision_id": row["decision_id"]} for row in rows])}


def _log_decisions(con: Connection, rows: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]) -> None:
    """One entry a partition for all that was decided together."""
    by_partition: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_partition.setdefault(partition_of(row["supplier_id"]), []).append(row)
    for partition, own in sorted(by_partition.items()):
        # What the engine decides has no key: a decision is told by its own id.
        request = Request(key="", command="", arguments={}, who=own[0]["maker"], at=own[0]["decided_at"])
        turn = Turn(con, partition, request)
        _log_decided(turn, own, numbers)
        turn.write_out()


def _log_decided(turn: Turn, rows: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]) -> None:
    """One entry that says each decision, and its number, which tells what was decided after what."""
    for row in rows:
        turn.says(DECISIONS, row)
        turn.says(OUTBOX, {"number": numbers[row["decision_id"]], "decision_id": row["decision_id"]})
    turn.log(min(row["decision_id"] for row in rows), "DECIDED", rows[0]["as_of"], {})


def _day(at: str) -> date:
    return date.fromisoformat(at[:10])
