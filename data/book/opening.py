"""How the book's database is opened: SQLite in one file, or PostgreSQL; made where there is none, never half changed.

SQLite takes its write lock when a transaction that writes begins (by default two would both read, then write), after a
lock of the operating system, which wakes who waits for it instead of letting each try again after a while.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Engine, bindparam, create_engine, event, func, insert, inspect, select, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError

from credit.domain.errors import MissingExtra, ServerAway, StoreDamaged, UnknownName
from data.book.statements import Statement, said
from data.book.tables import FORM, HEADS, METADATA, NOTHING, PARTITIONS
from data.durable import exclusive

# The newest migration; a book of another form is not written to.
NEWEST = "0002"

# The databases that a book is kept in.
BACKENDS = ("sqlite", "postgresql")

# The option of a connection that only reads.
_READS = "credit_reads"

# How a connection of PostgreSQL reads: one state of everything, so that what is written meanwhile is seen whole or not
# at all, as on SQLite.
_ONE_STATE = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

# Advisory locks of PostgreSQL are numbers: one for making the tables, one for deciding one at a time.
_MAKING, _DECIDING = 7_001, 7_002
_KEY = Statement(select(func.pg_try_advisory_xact_lock(bindparam("key", type_=BigInteger)).label("is_ours")))


class Store:
    """A book's database. `where` is a SQLAlchemy address, or the path of an SQLite file, which is made on first use."""

    def __init__(self, where: str | Path | URL) -> None:
        is_address = isinstance(where, URL) or "://" in str(where)
        self.url: URL = _address(where) if is_address else URL.create("sqlite", database=str(where))
        self._engine_made: Engine | None = None
        # Connections that were used and wait to be used again, by whether they only read.
        self._waiting: dict[bool, list[Connection]] = {True: [], False: []}

    @cached_property
    def is_embedded(self) -> bool:
        """Whether it is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @cached_property
    def file(self) -> Path:
        """The file of an embedded book."""
        return Path(str(self.url.database))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: on SQLite the only one at its time."""
        self.engine()
        with self._queued(), self._transaction(reads=False) as con:
            yield con

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that waits for no writer; a file that was never written reads as empty and is not made."""
        if self.is_embedded and not self.file.exists():
            nothing = create_engine("sqlite://")
            METADATA.create_all(nothing)
            with nothing.begin() as con:
                yield con
            return
        with self._transaction(reads=True) as con:
            yield con

    @contextmanager
    def _transaction(self, *, reads: bool) -> Iterator[Connection]:
        """A transaction on a connection that waits to be used again: to take one of a pool costs ten statements."""
        waiting = self._waiting[reads]
        con = waiting.pop() if waiting else self._connection(reads=reads)
        is_sound = True
        try:
            with con.begin():
                yield con
        except SQLAlchemyError:
            is_sound = False
            raise
        finally:
            if is_sound:
                waiting.append(con)
            else:
                con.close()

    def _connection(self, *, reads: bool) -> Connection:
        con = self.engine().connect()
        if not reads:
            return con
        return con.execution_options(**{_READS: True}, **({} if self.is_embedded else _ONE_STATE))

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        for waiting in self._waiting.values():
            while waiting:
                waiting.pop().close()
        if self._engine_made is not None:
            self._engine_made.dispose()

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Wait for the turn to read what stands offered, decide and store; two at once would overdraw one budget."""
        if self.is_embedded:
            with exclusive(self.file.with_suffix(".lock"), "decisions", wait=True):
                yield
            return
        with self.engine().connect() as con:
            con.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _DECIDING})
            con.commit()
            try:
                yield
            finally:
                con.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _DECIDING})
                con.commit()

    @contextmanager
    def key_held(self, number: int) -> Iterator[bool]:
        """Hold a request's key, a number below 2 ** 62, while this lasts; False where another process holds it.

        On PostgreSQL the transaction holds it: `key_free`.
        """
        if not self.is_embedded:
            yield True
            return
        self.engine()
        # One byte of one file a key: the operating system frees it when this process ends, however it ends.
        handle = os.open(self.file.with_suffix(".keys"), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(handle)

    def key_free(self, con: Connection, number: int) -> bool:
        """Take a request's key until the transaction ends; False where another transaction holds it."""
        if self.is_embedded:
            return True
        return bool(_KEY.rows(con, key=number)[0]["is_ours"])

    def form(self, *, seconds: int) -> str | None:
        """The form of the book as it lies there, None of one that is empty or not there; nothing is made or changed.

        A server is waited for so many seconds. Raises StoreDamaged, ServerAway, MissingExtra.
        """
        if self.is_embedded and not self.file.exists():
            return None
        engine = create_engine("sqlite://", creator=self._only_read) if self.is_embedded else self._served(seconds)
        try:
            with engine.connect() as con:
                return form_of(con)
        except DatabaseError as broken:
            raise StoreDamaged(f"{self.name} cannot be read", hint="restore a backup") from broken
        finally:
            engine.dispose()

    def _only_read(self) -> sqlite3.Connection:
        # What is not yet in the file itself lies beside it while others write; without it the file says everything,
        # and SQLite, told that nobody writes, makes no file of its own.
        beside = self.file.with_name(f"{self.file.name}-wal").exists()
        return sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=ro{'' if beside else '&immutable=1'}", uri=True)

    def engine(self) -> Engine:
        """The engine, made on first use. Raises StoreDamaged for a book of another form, ServerAway, MissingExtra."""
        if self._engine_made is None:
            self._engine_made = self._opened()
        return self._engine_made

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction that writes to a book of whatever form: no other makes, upgrades or seals one meanwhile."""
        with self._alone() as con:
            yield con

    def _opened(self) -> Engine:
        engine = self._connected()
        try:
            with engine.execution_options(**{_READS: True}).begin() as con:
                is_new = _is_new(con, self.name)
        except OperationalError as failed:
            if self.is_embedded and not os.access(self.file.parent, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.file)) from failed
            # That others write at this moment is no damage.
            raise
        except DatabaseError as broken:
            raise StoreDamaged(f"{self.name} is damaged and cannot be read", hint="restore a backup") from broken
        if is_new:
            with self._alone(engine) as con:
                _made(con, self.name)
        return engine

    @contextmanager
    def _alone(self, engine: Engine | None = None) -> Iterator[Connection]:
        engine = engine or self._connected()
        with self._queued(), engine.begin() as con:
            if not self.is_embedded:
                con.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MAKING})
            yield con

    def _queued(self) -> AbstractContextManager[None]:
        """The turn to write an embedded book, after all who came before."""
        if not self.is_embedded:
            return nullcontext()
        return exclusive(self.file.with_suffix(".turn"), "the book", wait=True)

    @property
    def name(self) -> str:
        """What people call it: the file's name, or the address without its password."""
        if self.is_embedded:
            return self.file.name
        # A password may stand among the options too.
        return self.url.difference_update_query(["password"]).render_as_string(hide_password=True)

    def _connected(self) -> Engine:
        if self.is_embedded:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(self.url, connect_args={"timeout": 30})
            _begin_immediately(engine)
            return engine
        return self._served(None)

    def _served(self, seconds: int | None) -> Engine:
        """The engine of a server that answers, within so many seconds where that is said."""
        try:
            waits = {"connect_timeout": seconds} if seconds else {}
            engine = create_engine(self.url.set(drivername="postgresql+psycopg"), connect_args=waits)
        except ModuleNotFoundError as missing:
            raise MissingExtra(
                "a book on PostgreSQL needs psycopg", hint="pip install 'supplier-credit[postgres]'"
            ) from missing
        try:
            engine.connect().close()
        except OperationalError as broken:
            raise ServerAway(f"the book at {self.name} does not answer", hint="is the server there?") from broken
        return engine


def _address(where: str | Path | URL) -> URL:
    """The address of a database. Raises UnknownName for what is none, or one that the book is not kept in."""
    try:
        url = make_url(where if isinstance(where, URL) else str(where))
        name = url.get_backend_name()
    except (ArgumentError, ValueError) as broken:
        raise UnknownName("the book's address cannot be read", hint="postgresql://user@host:port/database") from broken
    if name not in BACKENDS:
        raise UnknownName(f"the book is not kept in {name}", hint="choose from " + ", ".join(BACKENDS))
    return url


def form_of(con: Connection) -> str | None:
    """The form of a book's tables, by number; None of one that is empty. Raises StoreDamaged where none is said."""
    there = inspect(con).get_table_names()
    if not there:
        return None
    if FORM.name not in there:
        raise StoreDamaged(
            "the book was written by a release before the first",
            hint="keep it beside as a record and begin a new one, or decide with the release that wrote it",
        )
    return con.scalar(FORM.select())


def _is_new(con: Connection, name: str) -> bool:
    """Whether there are no tables yet. Raises StoreDamaged for those of another form."""
    form = form_of(con)
    if form not in (None, NEWEST):
        raise StoreDamaged(
            f"{name} has form {form} of the book, and this release form {NEWEST}",
            hint="`credit book upgrade` brings an older one up to date; a newer one needs a newer release",
        )
    return form is None


def _made(con: Connection, name: str) -> None:
    """Make the tables unless another process just did."""
    if _is_new(con, name):
        METADATA.create_all(con)
        con.execute(insert(FORM), {"version_num": NEWEST})
        con.execute(insert(HEADS), [{"partition": each, "sequence": 0, "hash": NOTHING} for each in range(PARTITIONS)])


def _begin_immediately(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        # Every commit is forced to disk before it is answered.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        said(connection, "BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE", ())
