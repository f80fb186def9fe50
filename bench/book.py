"""`python -m bench.book`: sixteen processes on one book beside the same statements in bare SQL, to docs/bench/book.txt.

Each process does a thousand random acts (`bench.book_load`) and keeps every statement that they came to, by
transaction. On a new database those are said again through the bare driver, by as many processes. Both are forced to
disk at every commit. What is compared is acts a second, from the first begun to the last done.
"""

from __future__ import annotations

import argparse
import pickle
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from platform import python_version, system
from typing import Any

from sqlalchemy import event

from bench import book_load
from bench.measuring import ROOT
from data.book.book import Book
from data.book.opening import Store
from tests.bookstore import DATABASES, new_store
from tests.postgres import server

RESULT = ROOT / "docs" / "bench" / "book.txt"
WORKERS, ACTS, RUNS, LEAST = 16, 1_000, 3, 0.40


@contextmanager
def databases(database: str, folder: Path) -> Iterator[Any]:
    """A function that makes an empty book of a database that forces its commits to disk."""
    if database == "sqlite":
        yield lambda: new_store(database, folder)
        return
    with server(is_durable=True) as there:
        yield lambda: new_store(database, folder, there)


def together(mode: str, store: Store, folder: Path, acts: int) -> float:
    """Acts a second of all workers, started at one moment once each has loaded."""
    where, go = store.url.render_as_string(hide_password=False), folder / "go"
    go.unlink(missing_ok=True)
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.book", mode, "--where", where, "--worker", str(worker), "--acts", str(acts),
             "--folder", str(folder)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        for worker in range(WORKERS)
    ]  # fmt: skip
    for process in workers:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in workers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    spans = [process.communicate()[0].split() for process in workers]
    assert all(process.returncode == 0 for process in workers)
    first, last = min(float(begun) for begun, _ in spans), max(float(ended) for _, ended in spans)
    return WORKERS * acts / (last - first)


def ours(where: str, worker: int, acts: int, folder: Path) -> None:
    """Do the acts, and keep their statements and what came of them."""
    store = Store(where)
    kept: list[tuple[bool, list[tuple[str, Any, bool]]]] = []
    now: list[tuple[str, Any, bool]] = []

    def said(_con: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            now.append((statement, parameters, many))

    def over(whole: bool) -> None:
        if now:
            kept.append((whole, list(now)))
            now.clear()

    engine = store.engine()
    event.listen(engine, "before_cursor_execute", said)
    event.listen(engine, "commit", lambda _con: over(True))
    event.listen(engine, "rollback", lambda _con: over(False))
    wait()
    begun = time.time()
    done = list(book_load.acts(Book(store), worker, acts))
    print(begun, time.time())
    (folder / f"{worker}.kept").write_bytes(pickle.dumps(kept))
    (folder / f"{worker}.done").write_bytes(pickle.dumps(done))


def bare(where: str, worker: int, folder: Path) -> None:
    """Say the kept statements again through the driver alone."""
    kept = pickle.loads((folder / f"{worker}.kept").read_bytes())
    con, begin, refused = _driver(where)
    wait()
    begun = time.time()
    for whole, statements in kept:
        writes = any(not statement.startswith("SELECT") for statement, _, _ in statements)
        con.execute(begin if writes else "BEGIN")
        try:
            for statement, parameters, many in statements:
                if many:
                    con.cursor().executemany(statement, parameters)
                    continue
                cursor = con.execute(statement, parameters)
                if statement.startswith("SELECT"):
                    cursor.fetchall()
            con.execute("COMMIT" if whole else "ROLLBACK")
        except refused:
            con.execute("ROLLBACK")
    print(begun, time.time())


def _driver(where: str) -> tuple[Any, str, type[Exception]]:
    store = Store(where)
    if store.is_embedded:
        con = sqlite3.connect(store.file, timeout=60, isolation_level=None)
        con.execute("PRAGMA synchronous = FULL")
        return con, "BEGIN IMMEDIATE", sqlite3.IntegrityError
    import psycopg

    address = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True), "BEGIN", psycopg.Error


def wait() -> None:
    """Say that all is loaded, and wait for the others."""
    print("ready", flush=True)
    sys.stdin.readline()


def measure(database: str, acts: int) -> list[str]:
    """The lines of one database."""
    rates, answers = [], Counter[str]()
    with tempfile.TemporaryDirectory() as scratch, databases(database, Path(scratch)) as new:
        folder = Path(scratch)
        for _ in range(RUNS):
            with new() as store:
                book_load.begin(Book(store))
                mine = together("ours", store, folder, acts)
                done = [
                    each for worker in range(WORKERS) for each in pickle.loads((folder / f"{worker}.done").read_bytes())
                ]
                keys = [key for key, what in done if not what.startswith("refused")]
                wrong = book_load.faults(store, keys)
                assert wrong == [], wrong[:3]
                answers = Counter(" ".join(what.split()[: 2 if what.startswith("refused") else 1]) for _, what in done)
            with new() as store:
                book_load.begin(Book(store))
                rates.append((mine, together("bare", store, folder, acts)))
    ratios = sorted(mine / theirs for mine, theirs in rates)
    ratio = statistics.median(ratios)
    met = "met" if ratio >= LEAST else "MISSED"
    said = ", ".join(f"{count:,} {what}" for what, count in answers.most_common())
    return [
        f"{database}: {statistics.median(mine for mine, _ in rates):,.0f} acts a second, bare SQL "
        f"{statistics.median(theirs for _, theirs in rates):,.0f}; ratio {ratio:.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}), wanted {LEAST:.2f}: {met}",
        f"  of {WORKERS * acts:,} acts: {said}",
        "  no limit exceeded, no balance beside the sum of its entries, nothing that was answered lost or done twice",
    ]


def main() -> None:
    """Measure both databases, or be one of the workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", nargs="?", choices=["measure", "ours", "bare"], default="measure")
    parser.add_argument("--where")
    parser.add_argument("--worker", type=int)
    parser.add_argument("--acts", type=int, default=ACTS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    if asked.mode == "ours":
        ours(asked.where, asked.worker, asked.acts, asked.folder)
    elif asked.mode == "bare":
        bare(asked.where, asked.worker, asked.folder)
    else:
        machine = f"2 cores, Python {python_version()}, {system()}"
        head = f"{WORKERS} processes x {asked.acts:,} acts, medians of {RUNS} runs; {machine}"
        lines = [head, *(line for database in DATABASES for line in measure(database, asked.acts))]
        text = "\n".join(lines) + "\n"
        print(text)
        if not asked.no_page:
            RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
