"""Events that somebody enters by hand: recorded today, through the same door into the ledger as every import.

The ledger and the book are two stores. An entry is told to the ledger within its request's turn in the book, under ids
made of the request's key: where the one was written and the other was not, the same request finds its own events again.
"""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from credit.app.clock import day_of
from credit.app.home import Home
from credit.domain.errors import CreditError, KeyTaken

if TYPE_CHECKING:
    from data.book.turns import Answer, Request, Turn

# A kind of source of its own: an entry of today does not say that the platform's feed is fresh, nor that it has the
# table at all.
ENTERED = "entered"
# The tables that are entered by hand, the noun of each in the log, and what an event of it is about.
TABLES: Mapping[str, tuple[str, str]] = {
    "accounts": ("ACCOUNT", "contract_id"),
    "consents": ("CONSENT", "consent_id"),
}

Event = dict[str, str]


def mark_of(asked: Request) -> str:
    """What the ids of a request's events end in: of its key, then of what it asks, so that no other has the same."""
    return f"{_of_key(asked)}{asked.fingerprint[:8]}"


def _of_key(asked: Request) -> str:
    return f"-{hashlib.sha256(asked.key.encode()).hexdigest()[:16]}-"


def entered(
    home: Home,
    asked: Request,
    table: str,
    supplier_id: str,
    *,
    events: Callable[[], Sequence[Event]],
    answer: Callable[[Sequence[Event]], Answer],
) -> Answer:
    """The answer of a request that enters events of one table about a supplier, in the ledger and in the book's log.

    `events` says which, without their ids, or raises what is against them; `answer` is asked with what the ledger then
    has. Raises KeyTaken, InFlight, Locked while an import runs.
    """
    from data.book.turns import LONGEST_SUBJECT, done, partition_of

    def work(turn: Turn) -> Answer:
        told = _found(home, asked, table)
        if not told:
            _tell(home, asked, table, events())
            told = _found(home, asked, table)
        noun, about = TABLES[table]
        for event in told:
            on = date.fromisoformat(event["happened_on"])
            # Ids of feeds have any length; the entry itself has it whole.
            subject = f"{noun.lower()}:{event[about]}"[:LONGEST_SUBJECT]
            turn.log(subject, f"{noun}_{event['kind']}", on, event)
        return answer(told)

    return done(home.store(), asked, partition_of(supplier_id), work)


def _found(home: Home, asked: Request, table: str) -> list[Event]:
    """What a request told the ledger before it was cut off. Raises KeyTaken where its key told something else."""
    ledger = home.ledger()
    known = {name: ledger.marked(name, _of_key(asked)) for name in TABLES}
    others = [each for name in TABLES for each in known[name] if not each[_key(name)].endswith(mark_of(asked))]
    if others:
        raise KeyTaken(f"key {asked.key!r} was used for another request", hint="choose a new key")
    return known[table]


def _key(table: str) -> str:
    from data.schema import table as table_named

    return str(table_named(table).key)


def _tell(home: Home, asked: Request, table: str, events: Sequence[Event]) -> None:
    """Record events that happen at the moment of a request. Raises CreditError where one could not be recorded."""
    from data.formats import format_named
    from data.importing import import_history

    at, about = datetime.fromisoformat(asked.at), TABLES[table][1]
    told = {"happened_on": str(day_of(at)), "recorded_at": asked.at}
    rows = [{_key(table): f"{event[about]}-{event['kind']}{mark_of(asked)}", **event, **told} for event in events]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{table}.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        fmt = replace(format_named("platform"), name=ENTERED, tier=ENTERED)
        summary = import_history(home.ledger(), fmt, file, loaded_at=at)
    if sum(each.imported for each in summary.tables) != len(rows):
        raise CreditError(f"the entry in {table} was not recorded", hint="`credit ledger summary` shows the quarantine")
