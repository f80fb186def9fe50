from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import update

from bench import book_load
from bench.book_load import BEGINS, ENDS, LIMIT, POOL, asked, group_of
from credit.domain import guaranteeing
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.guarantee import Falls, Form, Schedule, Wording
from data.book import accounts
from data.book.book import Asked
from data.book.guarantees import Guarantees
from data.book.tables import BALANCES


@pytest.fixture
def given_back(store, book):
    """A book in which a pool was filled by guarantees after a contract's draw was repaid."""
    book_load.begin(book)
    terms = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=ENDS)
    wanted = Asked(draw_id="T1", line_id="L0c", contract_id=None, amount_fen=400_000, on=BEGINS, lapses_on=ENDS,
                   terms=terms)  # fmt: skip
    book.request_draw(asked("request", "request"), wanted)
    book.post_draw(asked("post", "post"), "T1", BEGINS)
    book.repay(asked("repay", "repay"), "T1", "P1", 400_000, BEGINS, KINDS)
    for number in range(2):
        supplier, contract = f"S{number}", f"C{number}"
        wording = Wording(
            guarantee_id=f"G{number}", form=Form.PERFORMANCE, decision_id=f"D{number}", supplier_id=supplier,
            contract_id=contract, amount_fen=700_000, expires_on=ENDS,
            schedule=Schedule(falls=Falls.AT_ONCE, whole_fen=LIMIT, last_fen=1),
        )  # fmt: skip
        events = guaranteeing.issue(wording, on=BEGINS, who="load", signed_on=BEGINS)
        pools = {accounts.pool("contract", contract): LIMIT, group_of(supplier): POOL}
        request = asked(f"issue {number}", "issue")
        Guarantees(store).issue(request, events, product="performance_guarantee", about={}, pools=pools)
    return book


def test_a_repayment_that_is_taken_back_may_lift_a_pool_above_its_limit(store, given_back):
    assert book_load.faults(store) == []
    given_back.reverse(asked("reverse", "reverse"), "T1", "P1", BEGINS, "the bank")
    assert book_load.faults(store) == []


def test_nothing_else_may(store, given_back):
    pool = group_of("S0")
    with store.writing() as con:
        con.execute(update(BALANCES).where(BALANCES.c.account == pool).values(ceiling_fen=POOL + 1))
        con.execute(update(BALANCES).where(BALANCES.c.account == pool).values(amount_fen=POOL + 1))
    assert f"{pool} is over its limit" in book_load.faults(store)


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
