from __future__ import annotations

import subprocess
import sys

from bench import book_load


def test_many_processes_on_shared_lines_leave_every_limit_and_every_sum_in_place(store, book, tmp_path):
    book_load.begin(book)
    where = store.url.render_as_string(hide_password=False)
    files = [tmp_path / f"{worker}.txt" for worker in range(4)]
    running = [
        subprocess.Popen([sys.executable, "-m", "bench.book_load", where, str(worker), "120", str(file)])
        for worker, file in enumerate(files)
    ]
    assert [process.wait() for process in running] == [0] * 4
    said = [line.split(maxsplit=1) for file in files for line in file.read_text().splitlines()]
    assert len(said) == 4 * 120
    done = [key for key, what in said if not what.startswith("refused")]
    refused = {what for _, what in said if what.startswith("refused")}
    assert book_load.faults(store, done) == []
    assert "refused: LimitExceeded" in refused and "refused: DrawRefused" in refused


def test_the_same_acts_again_are_answered_and_change_nothing(store, book):
    book_load.begin(book)
    first = list(book_load.acts(book, 1, 60))
    entries = book_load.verified(store).entries
    done = [(key, said) for key, said in first if not said.startswith("refused")]
    again = dict(book_load.acts(book, 1, 60))
    assert [again[key] for key, _ in done] == [said for _, said in done]
    # What was refused may be let through now; what was done is not done again.
    later = sum(not again[key].startswith("refused") for key, said in first if said.startswith("refused"))
    assert book_load.faults(store, [key for key, _ in done]) == []
    assert entries <= book_load.verified(store).entries <= entries + 3 * later
