"""One request, one transaction: its key, its partition's turn, what moved on which account, and its entries in the log.

The same request under the same key has the same answer and does nothing again. What would go over a limit is refused by
the database itself, whatever the caller looked at before. All writers take their partition's head first and accounts in
one order after it, so that no two wait for each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, case, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from credit.domain.amounts import cny
from credit.domain.errors import InFlight, KeyTaken, LimitExceeded, StoreDamaged
from credit.domain.line import Happened
from data.book.accounts import called
from data.book.opening import Store
from data.book.statements import Row, Statement
from data.book.tables import BALANCES, DECISIONS, ENTRIES, HEADS, LOG, PARTITIONS, REQUESTS

Answer = dict[str, Any]
LONGEST_KEY = 128
LONGEST_SUBJECT = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks of the book: under which key, by which command with which arguments, who and when."""

    key: str
    command: str
    arguments: Mapping[str, Any]
    who: str
    at: str

    def __post_init__(self) -> None:
        if len(self.key) > LONGEST_KEY:
            raise KeyTaken(f"a key has at most {LONGEST_KEY} characters", hint="choose a shorter one")

    @property
    def fingerprint(self) -> str:
        """The hash of what is asked: not of who asks, nor of when."""
        return hashlib.sha256(canonical([self.command, self.arguments]).encode()).hexdigest()


def canonical(content: Any) -> str:
    """JSON in one form."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


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
            _ANSWERED.do(con, {
                "key": request.key, "command": request.command, "fingerprint": request.fingerprint,
                "at": request.at, "who": request.who, "answer": canonical(answer),
            })  # fmt: skip
    return answer


_ANSWERED = Statement(insert(REQUESTS))
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
_HOLD = Statement(select(BALANCES.c.account).where(BALANCES.c.account == bindparam("held")).with_for_update())
_LOGGED, _ENTERED, _OPENED = Statement(insert(LOG)), Statement(insert(ENTRIES)), Statement(insert(BALANCES))
_NEXT = Statement(
    update(HEADS)
    .where(HEADS.c.partition == bindparam("part"))
    .values(sequence=bindparam("sequence_now"), hash=bindparam("hash_now"))
)


class Turn:
    """The turn of one request in its partition: what it does is stored whole when it ends, or not at all."""

    def __init__(self, con: Connection, partition: int, request: Request) -> None:
        self.con, self.partition, self.request = con, partition, request
        head = _HEAD.first(con, part=partition)
        if head is None:
            raise StoreDamaged(f"the book has no head of partition {partition}", hint="restore it from a backup")
        self._sequence, self._hash = head["sequence"], head["hash"]
        # Limits that were set since the last entry: the next one says them.
        self._limits: dict[str, int] = {}
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
            "body": canonical({**body, "moves": moves, **({"limits": self._limits} if self._limits else {})}),
            "previous": self._hash,
        }
        row["hash"] = self._hash = hash_of(row)
        self._limits = {}
        _LOGGED.do(self.con, row)
        _NEXT.do(self.con, {"part": self.partition, "sequence_now": self._sequence, "hash_now": self._hash})
        if moves:
            entry = {"partition": self.partition, "sequence": self._sequence}
            _ENTERED.do_each(
                self.con, [{**entry, "account": account, "delta_fen": delta} for account, delta in moves.items()]
            )

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
        _OPENED.do_each(self.con, rows)
        self._limits |= {account: limit for account, limit in accounts.items() if limit is not None}

    def limit(self, accounts: Mapping[str, int]) -> None:
        """Set the limits of accounts, opening those that are new. One cut below what is used lets that stand."""
        for account, limit in sorted(accounts.items()):
            said = {"limited": account, "limit": limit}
            if not _LIMIT.do(self.con, said):
                self._open_missing(account, limit)
                _LIMIT.do(self.con, said)
        self._limits |= accounts

    def known(self, accounts: Iterable[str]) -> dict[str, int]:
        """The balances of those accounts that there are."""
        found = {account: _BALANCE.first(self.con, account=account) for account in accounts}
        return {account: there["amount_fen"] for account, there in found.items() if there}

    def _open_missing(self, account: str, limit: int) -> None:
        """Open an account that another partition may be opening at this moment."""
        if self.con.dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import insert as insert_
        else:
            from sqlalchemy.dialects.postgresql import insert as insert_  # type: ignore[assignment]
        row = {"account": account, "amount_fen": 0, "limit_fen": limit, "ceiling_fen": limit}
        self.con.execute(insert_(BALANCES).values(row).on_conflict_do_nothing(index_elements=["account"]))


_HASHED = ("partition", "sequence", "subject_id", "kind", "on_day", "at", "who", "request", "body", "previous")


def hash_of(row: Mapping[str, Any]) -> str:
    """The hash of an entry of the log: of all that it says, and by `previous` of all entries before it."""
    return hashlib.sha256(canonical([str(row[each]) for each in _HASHED]).encode()).hexdigest()


def hash_of_decision(row: Mapping[str, Any]) -> str:
    """The hash of all that is stored of a decision."""
    said = {column.name: row[column.name] for column in DECISIONS.c}
    return hashlib.sha256(canonical(said).encode()).hexdigest()
