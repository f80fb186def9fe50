"""The book under many hands for long: nothing that was answered is lost, nothing goes over, whoever is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select

from bench import book_load
from credit.domain.draws import DrawTerms
from data.book.audit import first_wrong
from data.book.book import Asked, Book
from data.book.opening import Store
from data.book.tables import ENTRIES, HEADS, LOG
from tests.book_machine import STEPS, BookMachine
from tests.bookstore import DATABASES, new_store, server

pytestmark = pytest.mark.soak

WORKERS, ACTS, KILLS, STEPS_WANTED, ENTRIES_WANTED = 16, 1_000, 20, 10_000, 10_000


@pytest.fixture(params=DATABASES)
def store(request, tmp_path) -> Iterator[Store]:
    if request.param == "sqlite":
        with new_store(request.param, tmp_path) as made:
            yield made
        return
    with server(is_durable=True) as there, new_store(request.param, tmp_path, there) as made:
        yield made


def started(store: Store, worker: int, folder: Path) -> subprocess.Popen[bytes]:
    where = store.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "bench.book_load", where, str(worker), str(ACTS), str(folder / f"{worker}.txt")]
    return subprocess.Popen(command)


def test_sixteen_processes_of_which_twenty_are_killed_lose_nothing_and_go_over_nothing(store, tmp_path):
    book_load.begin(Book(store))
    dice = random.Random(0)
    running = {worker: started(store, worker, tmp_path) for worker in range(WORKERS)}
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.5, 3))
        alive = [worker for worker, process in running.items() if process.poll() is None]
        assert alive, "all had ended before the last kill: ask for more acts"
        worker = dice.choice(alive)
        running[worker].send_signal(signal.SIGKILL)
        running[worker].wait()
        # It begins at its first act again: what was answered is answered, and not done twice.
        running[worker] = started(store, worker, tmp_path)
    assert [process.wait() for process in running.values()] == [0] * WORKERS
    said = [
        line.split(maxsplit=1)
        for worker in range(WORKERS)
        for line in (tmp_path / f"{worker}.txt").read_text().splitlines()
    ]
    done = {key for key, what in said if not what.startswith("refused")}
    assert book_load.faults(store, done) == []
    assert len({key for key, _ in said}) == WORKERS * ACTS


def test_the_book_does_what_a_model_of_dictionaries_does_for_ten_thousand_steps(store):
    machine = type("Soaked", (BookMachine,), {"store": store})
    many = settings(max_examples=60, stateful_step_count=120, deadline=None, suppress_health_check=list(HealthCheck))
    while STEPS.get("Soaked", 0) < STEPS_WANTED:
        run_state_machine_as_test(machine, settings=many)
    STEPS.clear()


def test_any_of_ten_thousand_entries_altered_in_any_field_is_found(store):
    book = Book(store)
    book_load.begin(book)
    terms = DrawTerms(yearly_rate_bp=450, penalty_rate_bp=675, due_on=book_load.ENDS)
    for line in book_load.lines():
        wanted = Asked(
            draw_id=f"T{line}", line_id=line, contract_id=None, amount_fen=1_000, on=book_load.BEGINS,
            lapses_on=book_load.ENDS, terms=terms,
        )  # fmt: skip
        book.request_draw(book_load.asked(f"request {line}", "request"), wanted)
        book.post_draw(book_load.asked(f"post {line}", "post"), f"T{line}", book_load.BEGINS)
    for number in range(ENTRIES_WANTED):
        line = book_load.lines()[number % len(book_load.lines())]
        book.charge(book_load.asked(f"charge {number}", "charge"), f"T{line}", book_load.BEGINS, 1 + number % 7, "late")
    with store.reading() as con:
        heads = {row.partition: (row.sequence, row.hash) for row in con.execute(select(HEADS))}
    altered = 0
    for partition, head in heads.items():
        with store.reading() as con:
            rows = [dict(row) for row in con.execute(
                select(LOG).where(LOG.c.partition == partition).order_by(LOG.c.sequence)).mappings()]  # fmt: skip
            moves: list[dict[str, int]] = [{} for _ in rows]
            for entry in con.execute(select(ENTRIES).where(ENTRIES.c.partition == partition)):
                moves[entry.sequence - 1][entry.account] = entry.delta_fen
        assert first_wrong(rows, iter(moves), partition, head) == (len(rows), None)
        for place, row in enumerate(rows):
            # All that stands before it is as it was: read on from there.
            start = (place, row["previous"])
            for column, value in row.items():
                forged = [{**row, column: _OTHER[type(value)](value)}, *rows[place + 1 : place + 2]]
                right, fault = first_wrong(forged, iter(moves[place:]), partition, head, start=start)
                assert fault is not None and right == place, (partition, place, column)
                altered += 1
    assert altered >= ENTRIES_WANTED * len(LOG.c)


_OTHER = {int: lambda value: value + 1, str: lambda value: value + " ", date: lambda value: value.replace(year=2001)}
