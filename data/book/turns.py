"""One request, one transaction: its key, its partition's turn, what moved on which account, and its entries in the log.

The same request under the same key has the same answer and does nothing again. What would go over a limit is refused by
the database itself, whatever the caller looked at before. All writers take their partition's head first and accounts in
one order after it, so that no two wait for each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, Table, bindparam, case, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from credit.domain.amounts import cny
from credit.domain.errors import DatedBack, IdRefused, InFlight, KeyTaken, LimitExceeded, StoreDamaged
from credit.domain.line import Happened
from data.book.accounts import called
from data.book.opening import Store
from data.book.statements import Row, Statement
from data.book.tables import BALANCES, ENTRIES, HEADS, LOG, MARKS, PARTITIONS, REQUESTS

Answer = dict[str, Any]
LONGEST_KEY = 128
LONGEST_SUBJECT = 160
# Of a payment, a draw or a guarantee: the names of its accounts and the key of a sweep hold it.
LONGEST_ID = 120
# How long before a chain's last entry a request may have been asked, for it may have waited or computed meanwhile, or
# come from a machine whose clock is behind. It is booked at the moment of that entry.
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks of the book: under which key, by which command with which arguments, who and when."""

    key: str
    command: str
    arguments: Mapping[str, Any]
    who: str
    at: str

    def __post_init__(self) -> None:
        # What has no command was asked by nobody: a decision of the engine is told by its own id.
        if self.command:
            refuse_id("key", self.key, longest=LONGEST_KEY)

    @property
    def fingerprint(self) -> str:
        """The hash of what is asked: not of who asks, nor of when."""
        return hashlib.sha256(canonical([self.command, self.arguments]).encode()).hexdigest()


def refuse_id(noun: str, name: str, *, longest: int = LONGEST_ID) -> None:
    """Raise IdRefused for an id that is blank, too long, or cannot be read on a page, whatever the database takes."""
    if not name.strip() or not name.isprintable() or len(name) > longest:
        said = f"{name[:longest]!r}{'…' if len(name) > longest else ''}"
        raise IdRefused(
            f"{said} is no {noun} that the book keeps",
            hint=f"1 to {longest} characters that can be read, not all blank",
        )


def not_before(at: str, last: str | None) -> str:
    """The moment (ISO, UTC) at which something is written after what was written last. Raises DatedBack."""
    if last is None or at >= last:
        return at
    if datetime.fromisoformat(last) - datetime.fromisoformat(at) > LONGEST_WAIT:
        raise DatedBack(
            f"it is {at} by the clock, and something was written at {last} already",
            hint="set the clock right, or leave CREDIT_NOW out: the past is read, with --as-of, and not written",
        )
    return last


_ONE_FORM = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def canonical(content: Any) -> str:
    """JSON in one form."""
    return _ONE_FORM.encode(content)


def partition_of(supplier_id: str) -> int:
    """The chain that a supplier's changes stand in."""
    return int.from_bytes(hashlib.sha256(supplier_id.encode()).digest()[:4]) % PARTITIONS


def done(
    store: Store,
    request: Request,
    partition: int,
    work: Callable[[Turn], Answer],
    *,
    glance: Callable[[Connection], None] | None = None,
) -> Answer:
    """The answer of a request: of the first time it was asked, or of `work`, all of which is stored or nothing.

    A `glance` at one state of the book raises what `work` would in a turn of that moment, so that what is refused keeps
    no writer waiting. What it lets pass is judged in the turn all the same. Raises KeyTaken, InFlight, LimitExceeded,
    and what `work` raises, after which a request may be asked again.
    """
    number = int.from_bytes(hashlib.sha256(request.key.encode()).digest()[:8]) >> 2
    try:
        with store.key_held(number) as is_ours:
            _refuse_in_flight(request, is_ours=is_ours)
            if glance is not None and (known := _glanced(store, request, glance, number)) is not None:
                return known
            return _done(store, request, partition, work, number)
    except _Over as over:
        raise _over_limit(store, over) from over


def _refuse_in_flight(request: Request, *, is_ours: bool) -> None:
    if not is_ours:
        raise InFlight(f"request {request.key} is being worked on", hint="ask again in a moment")


def _glanced(store: Store, request: Request, glance: Callable[[Connection], None], number: int) -> Answer | None:
    """The answer that a request was given, or None where a glance refuses nothing."""
    with store.reading() as con:
        _refuse_in_flight(request, is_ours=store.key_free(con, number))
        known = known_answer(con, request)
        if known is None:
            glance(con)
        return known


def _done(store: Store, request: Request, partition: int, work: Callable[[Turn], Answer], number: int) -> Answer:
    with store.writing() as con:
        _refuse_in_flight(request, is_ours=store.key_free(con, number))
        known = known_answer(con, request)
        if known is not None:
            return known
        turn = Turn(con, partition, request)
        answer = work(turn)
        # Where nothing came of it, nothing will if it is asked again: there is no answer to keep.
        if turn.has_logged:
            turn.add(REQUESTS, {
                "key": request.key, "command": request.command, "fingerprint": request.fingerprint,
                "at": turn.request.at, "who": request.who, "answer": canonical(answer),
            })  # fmt: skip
            turn.write_out()
    return answer


_REQUEST = Statement(select(REQUESTS.c.fingerprint, REQUESTS.c.answer).where(REQUESTS.c.key == bindparam("asked")))


def known_answer(con: Connection, request: Request) -> Answer | None:
    """The answer that a request was given, or None. Raises KeyTaken where its key was used for another one."""
    known = _REQUEST.first(con, asked=request.key)
    if known is None:
        return None
    if known["fingerprint"] != request.fingerprint:
        raise KeyTaken(f"key {request.key!r} was used for another request", hint="choose a new key")
    answer: Answer = json.loads(known["answer"])
    return answer


class _Over(Exception):
    """The database refused a move on an account."""

    def __init__(self, account: str, delta_fen: int) -> None:
        super().__init__(account)
        self.account, self.delta_fen = account, delta_fen


def _over_limit(store: Store, over: _Over) -> LimitExceeded:
    with store.reading() as con:
        [there] = _BALANCE.rows(con, account=over.account)
    return _said_over(over.account, over.delta_fen, there)


def _said_over(account: str, delta_fen: int, there: Row) -> LimitExceeded:
    used, limit = there["amount_fen"], there["limit_fen"] or 0
    return LimitExceeded(
        f"{cny(delta_fen)} more would be over the limit of {called(account)}: {cny(used)} of {cny(limit)} stand",
        hint=f"at most {cny(max(limit - used, 0))} are left",
    )


def refuse_over(con: Connection, account: str, delta_fen: int) -> None:
    """Raise LimitExceeded where the database would refuse so much more on an account, for a glance."""
    there = _BALANCE.first(con, account=account)
    if there and there["ceiling_fen"] is not None and there["amount_fen"] + delta_fen > there["ceiling_fen"]:
        raise _said_over(account, delta_fen, there)


_BALANCE = Statement(
    select(BALANCES.c.amount_fen, BALANCES.c.limit_fen, BALANCES.c.ceiling_fen).where(
        BALANCES.c.account == bindparam("account")
    )
)
# Once there is room again, a ceiling that was above its limit falls with what is used.
_AFTER = BALANCES.c.amount_fen + bindparam("delta")
_MOVE = Statement(
    update(BALANCES)
    .where(BALANCES.c.account == bindparam("moved"))
    .values(
        amount_fen=_AFTER,
        ceiling_fen=case(
            (BALANCES.c.ceiling_fen.is_(None), None),
            (bindparam("delta") >= 0, BALANCES.c.ceiling_fen),
            (BALANCES.c.limit_fen < _AFTER, _AFTER),
            else_=BALANCES.c.limit_fen,
        ),
    )
)
# What happened outside the book, such as a payment that a bank took back, is booked whatever the limit.
_FACT = Statement(
    update(BALANCES)
    .where(BALANCES.c.account == bindparam("moved"))
    .values(
        amount_fen=_AFTER,
        ceiling_fen=case((BALANCES.c.ceiling_fen < _AFTER, _AFTER), else_=BALANCES.c.ceiling_fen),
    )
)
_LIMIT = Statement(
    update(BALANCES)
    .where(BALANCES.c.account == bindparam("limited"))
    .values(
        limit_fen=bindparam("limit"),
        ceiling_fen=case((BALANCES.c.amount_fen > bindparam("limit"), BALANCES.c.amount_fen), else_=bindparam("limit")),
    )
)
_HEAD = Statement(
    select(HEADS.c.sequence, HEADS.c.hash).where(HEADS.c.partition == bindparam("part")).with_for_update()
)
_LAST = Statement(select(LOG.c.at).where(LOG.c.partition == bindparam("part"), LOG.c.sequence == bindparam("last")))
_HOLD = Statement(select(BALANCES.c.limit_fen).where(BALANCES.c.account == bindparam("held")).with_for_update())
_LOGGED, _ENTERED, _OPENED = Statement(insert(LOG)), Statement(insert(ENTRIES)), Statement(insert(BALANCES))
_NEXT = Statement(
    update(HEADS)
    .where(HEADS.c.partition == bindparam("part"))
    .values(sequence=bindparam("sequence_now"), hash=bindparam("hash_now"))
)


class Turn:
    """The turn of one request in its partition: what it does is stored whole when it ends, or not at all.

    Every row that a turn adds or changes is said, by its hash, in an entry of the turn, and so is every limit that it
    sets: what the tables say can be told from the log alone. The last entry waits for what is written after it.
    """

    def __init__(self, con: Connection, partition: int, request: Request) -> None:
        self.con, self.partition = con, partition
        head = _HEAD.first(con, part=partition)
        if head is None:
            raise StoreDamaged(f"the book has no head of partition {partition}", hint="restore it from a backup")
        self._sequence, self._hash = head["sequence"], head["hash"]
        # In a statement of its own: one that waited for the head sees nothing else that was written meanwhile.
        last = _LAST.first(con, part=partition, last=self._sequence)
        self.request = replace(request, at=not_before(request.at, last["at"] if last else None))
        # Limits that were set and rows that were written since the last entry: the next one says them.
        self._limits: dict[str, tuple[int | None, int]] = {}
        self._rows: dict[str, dict[str, str]] = {}
        # The last entry and what moves by it, until another comes or the turn ends.
        self._waits: tuple[dict[str, Any], dict[str, Any], dict[str, int]] | None = None
        self.has_logged = False
        # What happened to lines, once it was read.
        self.lines: dict[str, list[Happened]] = {}

    def log(
        self,
        subject_id: str,
        kind: str,
        on: date,
        body: Mapping[str, Any],
        moves: Mapping[str, int] | None = None,
        *,
        is_fact: bool = False,
    ) -> None:
        """Add an entry to the log, and what moves on which account by it, in fen.

        A move that would leave an account below zero or above its ceiling ends the turn, but for a fact.
        """
        moves = {account: delta for account, delta in sorted((moves or {}).items()) if delta}
        # First, for they can be refused.
        for account, delta in moves.items():
            self._move(account, delta, is_fact=is_fact)
        self._write_waiting()
        self._sequence, self.has_logged = self._sequence + 1, True
        row = {
            "partition": self.partition,
            "sequence": self._sequence,
            "subject_id": subject_id,
            "kind": kind,
            "on_day": on,
            "at": self.request.at,
            "who": self.request.who,
            "request": self.request.key,
        }
        refuse_long(LOG, row)
        self._waits = (row, {**body, "moves": moves}, moves)
        self._say_beside()

    def write_out(self) -> None:
        """Write the entry that waits, with all that was written after it: before the log is read, and at the end."""
        if self._waits is not None:
            self._say_beside()
            self._write_waiting()

    def _say_beside(self) -> None:
        """Let the entry that waits say what was written since the one before it."""
        assert self._waits is not None
        body = self._waits[1]
        if self._limits:
            body["limits"] = {**body.get("limits", {}), **self._limits}
        if self._rows:
            before = body.get("rows", {})
            body["rows"] = before | {table: before.get(table, {}) | rows for table, rows in self._rows.items()}
        self._limits, self._rows = {}, {}

    def _write_waiting(self) -> None:
        if self._waits is None:
            return
        (row, body, moves), self._waits = self._waits, None
        row |= {"body": canonical(body), "previous": self._hash}
        row["hash"] = self._hash = hash_of(row)
        _LOGGED.do(self.con, row)
        _NEXT.do(self.con, {"part": self.partition, "sequence_now": row["sequence"], "hash_now": self._hash})
        if moves:
            entry = {"partition": self.partition, "sequence": row["sequence"]}
            _ENTERED.do_each(
                self.con, [{**entry, "account": account, "delta_fen": delta} for account, delta in moves.items()]
            )

    def add(self, table: Table, row: Mapping[str, Any]) -> Any:
        """Add a row to a table and say so; answers its key. Raises IdRefused."""
        refuse_long(table, row)
        key = key_of(table)
        whole = {column.name: row.get(column.name) for column in table.c}
        if whole[key.name] is None:
            made = self.con.execute(insert(table), dict(row)).inserted_primary_key
            whole[key.name] = made[0] if made else None
        else:
            _adding(table).do(self.con, whole)
        self.says(table, whole)
        return whole[key.name]

    def change(self, table: Table, key: Any, **values: Any) -> dict[str, Any]:
        """Change a row of a table and say so; answers it as it is now. Raises IdRefused, StoreDamaged."""
        refuse_long(table, values)
        _changing(table, tuple(values)).do(
            self.con, {"of_key": key, **{f"new_{name}": value for name, value in values.items()}}
        )
        row = self.found(table, key)
        if row is None:
            raise StoreDamaged(f"{table.name}: {key} is gone", hint="`credit audit verify` says what is wrong")
        self.says(table, row)
        return row

    def found(self, table: Table, key: Any) -> dict[str, Any] | None:
        """The row of a table by its key, or None."""
        return _finding(table).first(self.con, of_key=key)

    def says(self, table: Table, row: Mapping[str, Any]) -> None:
        """Let the log say a row that was written to a table."""
        self._rows.setdefault(table.name, {})[str(row[key_of(table).name])] = hash_of_row(table, row)

    def _move(self, account: str, delta: int, *, is_fact: bool) -> None:
        try:
            moved = (_FACT if is_fact else _MOVE).do(self.con, {"moved": account, "delta": delta})
        except IntegrityError as refused:
            raise _Over(account, delta) from refused
        if moved != 1:
            raise StoreDamaged(f"the book has no account {account}", hint="`credit audit verify` says what is wrong")

    def hold(self, accounts: Iterable[str]) -> None:
        """Take accounts of pools before a turn of several entries moves them, in the order in which an entry would.

        Other partitions move them too, and would otherwise hold the next while they wait for the first.
        """
        if self.con.dialect.name == "sqlite":
            return
        # One by one, for a database sorts names by its own language.
        for account in sorted(set(accounts)):
            _HOLD.rows(self.con, held=account)

    def open_accounts(self, accounts: Mapping[str, int | None]) -> None:
        """Open accounts at nothing, each with its limit, or none."""
        rows = [
            {"account": account, "amount_fen": 0, "limit_fen": limit, "ceiling_fen": limit}
            for account, limit in sorted(accounts.items())
        ]
        for row in rows:
            refuse_long(BALANCES, row)
        _OPENED.do_each(self.con, rows)
        self._limits |= {account: (None, limit) for account, limit in accounts.items() if limit is not None}

    def limit(self, accounts: Mapping[str, int]) -> None:
        """Set the limits of accounts, opening those that are new. One cut below what is used lets that stand."""
        for account, limit in sorted(accounts.items()):
            was = self._limit_held(account, limit)
            _LIMIT.do(self.con, {"limited": account, "limit": limit})
            # Other partitions limit a pool too, and no order between theirs and ours is kept: each says what it found.
            self._limits[account] = (self._limits.get(account, (was, 0))[0], limit)

    def _limit_held(self, account: str, limit: int) -> int | None:
        """The limit of an account, held until the turn ends; None of one that was not there and is opened."""
        there = _HOLD.first(self.con, held=account)
        if there is None and not self._open_missing(account, limit):
            there = _HOLD.first(self.con, held=account)
        return there["limit_fen"] if there else None

    def known(self, accounts: Iterable[str]) -> dict[str, int]:
        """The balances of those accounts that there are."""
        found = {account: _BALANCE.first(self.con, account=account) for account in accounts}
        return {account: there["amount_fen"] for account, there in found.items() if there}

    def _open_missing(self, account: str, limit: int) -> bool:
        """Open an account, unless another partition did at this moment; whether it was this one."""
        if self.con.dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import insert as insert_
        else:
            from sqlalchemy.dialects.postgresql import insert as insert_  # type: ignore[assignment]
        row = {"account": account, "amount_fen": 0, "limit_fen": limit, "ceiling_fen": limit}
        refuse_long(BALANCES, row)
        opened = insert_(BALANCES).values(row).on_conflict_do_nothing(index_elements=["account"])
        return self.con.execute(opened.returning(BALANCES.c.account)).first() is not None


_HASHED = ("partition", "sequence", "subject_id", "kind", "on_day", "at", "who", "request", "body", "previous")


def hash_of(row: Mapping[str, Any]) -> str:
    """The hash of an entry of the log: of all that it says, and by `previous` of all entries before it."""
    return hashlib.sha256(canonical([str(row[each]) for each in _HASHED]).encode()).hexdigest()


def hash_of_row(table: Table, row: Mapping[str, Any]) -> str:
    """The hash of all that a table says in a row, but for marks."""
    said = {name: row[name] for name in _names_said(table)}
    return hashlib.sha256(canonical(said).encode()).hexdigest()


@cache
def _names_said(table: Table) -> tuple[str, ...]:
    # By identity: to ask whether two columns are equal makes SQL.
    return tuple(column.name for column in table.c if not any(column is mark for mark in MARKS))


@cache
def key_of(table: Table) -> Column[Any]:
    """The one column that tells the rows of a table apart."""
    [key] = table.primary_key.columns
    return key


@cache
def _lengths(table: Table) -> Mapping[str, int]:
    lengths = {column.name: getattr(column.type, "length", None) for column in table.c}
    return {name: length for name, length in lengths.items() if length}


def refuse_long(table: Table, row: Mapping[str, Any]) -> None:
    """Raise IdRefused where a row says something longer than its column: SQLite would take it, and PostgreSQL not."""
    for name, longest in _lengths(table).items():
        if len(row.get(name) or "") > longest:
            raise IdRefused(
                f"{name.replace('_', ' ')} of {table.name}: {row[name][:longest]!r}… is too long",
                hint=f"the book keeps up to {longest} characters",
            )


@cache
def _adding(table: Table) -> Statement:
    return Statement(insert(table))


@cache
def _changing(table: Table, names: tuple[str, ...]) -> Statement:
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return Statement(update(table).where(key_of(table) == bindparam("of_key")).values(new))


@cache
def _finding(table: Table) -> Statement:
    return Statement(select(table).where(key_of(table) == bindparam("of_key")))
