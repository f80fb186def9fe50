"""Stored decisions and the outbox that carries them to tracking: SQLAlchemy on SQLite.

A decision is written once and never changed. Its row in the outbox is written in the same transaction, so that a
tracking server that is down loses nothing and blocks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import Connection

from credit.domain.errors import StoreDamaged
from data.durable import exclusive

_METADATA = MetaData()

DECISIONS = Table(
    "decisions",
    _METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("decided_at", String(19), nullable=False),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("contract_id", String(64)),
    Column("pack", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("product", String(32), nullable=False),
    Column("pd", Float),
    Column("district", String(6)),
    Column("buyer_id", String(64)),
    Column("category", String(16)),
    # Whether somebody applied, or the engine asked by itself, as the night does.
    Column("applied", Boolean, nullable=False),
    Column("cooling_until", Date),
    # Who asked, or judged; and the decision that a judgement took the place of.
    Column("maker", String(64), nullable=False),
    Column("supersedes", String(32), index=True),
    Column("record", Text, nullable=False),
)
OUTBOX = Table(
    "outbox",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("decision_id", String(32), nullable=False, unique=True),
    Column("sent_at", String(19)),
)

DISPUTES = Table(
    "disputes",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("datum", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_at", String(19), nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("settled_at", String(19)),
    Column("settled_by", String(64)),
    Column("upheld", Boolean),
    Column("settlement", Text),
)

# What happened to the lines that granted decisions became; a row is never changed.
LINE_EVENTS = Table(
    "line_events",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("line_id", String(32), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("decision_id", String(32), nullable=False, index=True),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("contract_id", String(64)),
    Column("product", String(32), nullable=False),
    Column("limit_fen", BigInteger, nullable=False),
    Column("yearly_rate_bp", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("at", String(19), nullable=False),
    Column("who", String(64), nullable=False),
    Column("text", Text, nullable=False),
)

GRANTING = ("APPROVE", "REDUCE")

_LATER = DECISIONS.alias("later")

# The option of a connection that only reads.
_READS = "credit_reads"

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
    """The decisions in one SQLite file, made on first use."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._engine_made: Engine | None = None

    def add(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        """Store decisions that are new; answers the stored record of every one that was there already, by id."""
        with self._begin() as con:
            known = self._records(con, [row["decision_id"] for row in rows])
            fresh = list({r["decision_id"]: r for r in rows if r["decision_id"] not in known}.values())
            if fresh:
                con.execute(insert(DECISIONS), fresh)
                con.execute(insert(OUTBOX), [{"decision_id": row["decision_id"]} for row in fresh])
        return known

    def row(self, decision_id: str) -> dict[str, Any] | None:
        """The whole row of a decision, its record included, or None."""
        with self._reading() as con:
            found = con.execute(select(DECISIONS).where(DECISIONS.c.decision_id == decision_id)).mappings().first()
            return dict(found) if found else None

    def listed(self, *, supplier_id: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """The last decisions, newest first, without their records."""
        columns = [column for column in DECISIONS.c if column.name != "record"]
        query = select(*columns).order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.decision_id).limit(limit)
        if supplier_id is not None:
            query = query.where(DECISIONS.c.supplier_id == supplier_id)
        with self._reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Wait for the turn to read what stands offered, decide and store; two at once would overdraw one budget."""
        with exclusive(self.file.with_suffix(".lock"), "decisions", wait=True):
            yield

    def latest(self, pack: str, as_of: date) -> list[tuple[str, str]]:
        """Each supplier's last decision under a pack on a date, as id and record, by supplier."""
        query = (
            select(DECISIONS.c.supplier_id, DECISIONS.c.decision_id, DECISIONS.c.record)
            .join(OUTBOX, OUTBOX.c.decision_id == DECISIONS.c.decision_id)
            .where(DECISIONS.c.pack == pack, DECISIONS.c.as_of == as_of)
            .order_by(DECISIONS.c.supplier_id, OUTBOX.c.number)
        )
        with self._reading() as con:
            return list({row[0]: (row[1], row[2]) for row in con.execute(query)}.values())

    def standing(self, since: date, until: date, *, accepted_only: bool = False) -> list[Offer]:
        """What stands granted at any time between two days: by question the largest that lives in between.

        The largest and not the last, for each was told to somebody who may still take it up; and later ones too, so
        that a question asked with an earlier date does not overlook what was offered since.
        """
        question = (DECISIONS.c.supplier_id, DECISIONS.c.contract_id, DECISIONS.c.pack, DECISIONS.c.product)
        rest = (
            DECISIONS.c.amount_fen,
            DECISIONS.c.pd,
            DECISIONS.c.district,
            DECISIONS.c.buyer_id,
            DECISIONS.c.category,
        )
        lines = (
            select(LINE_EVENTS.c.decision_id, func.max(LINE_EVENTS.c.ends_on).label("ends_on"))
            .group_by(LINE_EVENTS.c.decision_id)
            .subquery()
        )
        # What was accepted stands until the line ends, not until the offer would have lapsed.
        stands_until = func.coalesce(lines.c.ends_on, DECISIONS.c.valid_until)
        query = (
            select(*question, *(func.max(column) for column in rest))
            .select_from(DECISIONS.outerjoin(lines, lines.c.decision_id == DECISIONS.c.decision_id))
            .where(DECISIONS.c.as_of <= until, stands_until >= since, DECISIONS.c.outcome.in_(GRANTING))
            # What a person judged anew is no offer any more; a line that was begun by it goes on.
            .where(
                lines.c.ends_on.is_not(None)
                | DECISIONS.c.decision_id.not_in(select(_LATER.c.supersedes).where(_LATER.c.supersedes.is_not(None)))
            )
            .group_by(*question)
        )
        if accepted_only:
            query = query.where(lines.c.ends_on.is_not(None))
        with self._reading() as con:
            return [Offer(*row) for row in con.execute(query)]

    def superseding(self, decision_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The judgement that has taken the place of each of these decisions, as id and record, by the decision's id."""
        found: dict[str, tuple[str, str]] = {}
        with self._reading() as con:
            for start in range(0, len(decision_ids), _CHUNK):
                columns = (DECISIONS.c.supersedes, DECISIONS.c.decision_id, DECISIONS.c.record)
                query = select(*columns).where(DECISIONS.c.supersedes.in_(decision_ids[start : start + _CHUNK]))
                found |= {row[0]: (row[1], row[2]) for row in con.execute(query)}
        return found

    def happen(self, event: dict[str, Any]) -> None:
        """Store what happened to a line."""
        with self._begin() as con:
            con.execute(insert(LINE_EVENTS), event)

    def line_events(self, *, line_id: str | None = None, supplier_id: str | None = None) -> list[dict[str, Any]]:
        """What happened to lines, in order: to one, to those of a supplier, or to all."""
        columns = [column for column in LINE_EVENTS.c if column.name != "number"]
        query = select(*columns).order_by(LINE_EVENTS.c.number)
        if line_id is not None:
            query = query.where(LINE_EVENTS.c.line_id == line_id)
        if supplier_id is not None:
            query = query.where(LINE_EVENTS.c.supplier_id == supplier_id)
        with self._reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]

    def judgements(self) -> list[tuple[str, str]]:
        """The decisions that people made of earlier ones: id and record, oldest first."""
        query = (
            select(DECISIONS.c.decision_id, DECISIONS.c.record)
            .where(DECISIONS.c.supersedes.is_not(None))
            .order_by(DECISIONS.c.decided_at, DECISIONS.c.decision_id)
        )
        with self._reading() as con:
            return [(row[0], row[1]) for row in con.execute(query)]

    def open_dispute(self, supplier_id: str, datum: str, text: str, *, at: str, who: str) -> dict[str, Any]:
        """Record a dispute; answers its row."""
        said = {"supplier_id": supplier_id, "datum": datum, "text": text, "opened_at": at, "opened_by": who}
        with self._begin() as con:
            number = con.execute(insert(DISPUTES), said).inserted_primary_key
            return {"number": number[0] if number else None, **said}

    def settle_dispute(self, number: int, *, upheld: bool, text: str, at: str, who: str) -> dict[str, Any] | None:
        """Settle an open dispute and answer its row; None where there is none of that number."""
        open_ = (DISPUTES.c.number == number) & DISPUTES.c.settled_at.is_(None)
        with self._begin() as con:
            said = {"settled_at": at, "settled_by": who, "upheld": upheld, "settlement": text}
            if con.execute(update(DISPUTES).where(open_).values(said)).rowcount == 0:
                return None
            found = con.execute(select(DISPUTES).where(DISPUTES.c.number == number)).mappings().one()
            return dict(found)

    def disputes(self, *, open_only: bool = True) -> list[dict[str, Any]]:
        """The disputes, oldest first."""
        query = select(DISPUTES).order_by(DISPUTES.c.number)
        if open_only:
            query = query.where(DISPUTES.c.settled_at.is_(None))
        with self._reading() as con:
            return [dict(row) for row in con.execute(query).mappings()]

    def cooling(self, since: date) -> dict[tuple[str, str], date]:
        """Until when each supplier that applied under a pack before a day, and was declined, has to wait."""
        query = (
            select(DECISIONS.c.supplier_id, DECISIONS.c.pack, func.max(DECISIONS.c.cooling_until))
            .where(DECISIONS.c.applied, DECISIONS.c.as_of < since, DECISIONS.c.cooling_until > since)
            .group_by(DECISIONS.c.supplier_id, DECISIONS.c.pack)
        )
        with self._reading() as con:
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
        with self._reading() as con:
            return [(row[0], row[1]) for row in con.execute(query)]

    def mark_sent(self, decision_ids: list[str], at: str) -> None:
        """Remember that tracking has been told."""
        with self._begin() as con:
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

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine().begin() as con:
            yield con

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A transaction that waits for no writer; a store that was never written reads as empty and is not made."""
        if not self.file.exists():
            nothing = create_engine("sqlite://")
            _METADATA.create_all(nothing)
            with nothing.begin() as con:
                yield con
            return
        with self._engine().execution_options(**{_READS: True}).begin() as con:
            yield con

    def _engine(self) -> Engine:
        if self._engine_made is None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._engine_made = create_engine(f"sqlite:///{self.file}", connect_args={"timeout": 30})
            _begin_immediately(self._engine_made)
            _METADATA.create_all(self._engine_made)
            _refuse_older(self._engine_made, self.file)
        return self._engine_made


def _refuse_older(engine: Engine, file: Path) -> None:
    """Raise StoreDamaged for a store that an earlier release wrote: it lacks what limits have to see."""
    there = {column["name"] for column in inspect(engine).get_columns(DECISIONS.name)}
    lacking = [column.name for column in DECISIONS.c if column.name not in there]
    if lacking:
        raise StoreDamaged(
            f"{file.name} was written by an earlier release: its decisions have no {lacking[0]!r}",
            hint="keep it beside as a record and begin a new one, or decide with the release that wrote it",
        )


def _begin_immediately(engine: Engine) -> None:
    """Take SQLite's write lock when a transaction that writes begins: by default two would both read, then write."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE")
