from __future__ import annotations

import functools
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from bench.book_load import BEGINS, ENDS, asked
from credit.domain.alerts import Alert
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.errors import DrawRefused, IdRefused, LimitExceeded, LineRefused
from credit.domain.line import Event, Happened
from data.book import accounts
from data.book.alerts import Alerts, Outcome
from data.book.audit import sealed, verified
from data.book.book import Asked
from data.book.exposure import contracts_taken, exposure
from data.book.tables import BALANCES, ENTRIES, HEADS, PAYMENTS
from data.decisions import DecisionStore

ACCEPTED = Happened(
    line_id="L1", kind=Event.ACCEPTED, decision_id="D1", supplier_id="S1", contract_id=None, product="turnover_line",
    limit_fen=1_000, yearly_rate_bp=450, starts_on=BEGINS, ends_on=ENDS, at="", who="li", text="",
)  # fmt: skip
GROUP, OTHER = accounts.pool("group", "G1"), accounts.pool("group", "G2")
ABOUT = {"revolves": True, "buyer_id": None, "district": "330106", "category": None}


@pytest.fixture
def line(book):
    book.line_happens(asked("accept", "accept"), ACCEPTED, about=ABOUT, pools={GROUP: 5_000})
    return "L1"


def wanted(name, fen, *, line="L1", on=BEGINS):
    terms = DrawTerms(yearly_rate_bp=0, penalty_rate_bp=0, due_on=ENDS)
    return Asked(
        draw_id=name,
        line_id=line,
        contract_id=None,
        amount_fen=fen,
        on=on,
        lapses_on=on + timedelta(days=7),
        terms=terms,
    )


def draw(book, name, fen, *, line="L1", on=BEGINS, post=True):
    book.request_draw(asked(f"request {name}", "request"), wanted(name, fen, line=line, on=on))
    if post:
        book.post_draw(asked(f"post {name}", "post"), name, on)


def balance(store, account):
    with store.reading() as con:
        return con.execute(select(BALANCES.c.amount_fen).where(BALANCES.c.account == account)).scalar()


def test_the_limit_can_be_drawn_to_the_last_fen_and_not_beyond(book, line):
    draw(book, "T1", 999)
    with pytest.raises(LimitExceeded):
        draw(book, "T2", 2)
    draw(book, "T3", 1)
    assert book.used(line) == 1_000


def test_a_draw_that_lapsed_gives_its_room_to_the_next(book, line):
    draw(book, "T1", 1_000, post=False)
    with pytest.raises(LimitExceeded):
        draw(book, "T2", 1, on=date(2026, 1, 8))
    draw(book, "T2", 1_000, on=date(2026, 1, 9))
    with pytest.raises(DrawRefused, match="a draw that is voided cannot be posted"):
        book.post_draw(asked("late", "post"), "T1", date(2026, 1, 9))


def test_what_is_over_the_limit_is_refused_while_another_writes(book, line, store):
    draw(book, "T1", 990)
    answers = []

    def ask():
        try:
            draw(book, "T2", 11)
        except LimitExceeded as refused:
            answers.append((str(refused), refused.hint))

    with store.writing() as other:
        other.execute(select(HEADS).with_for_update())
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(timeout=30)
        assert not asking.is_alive()
    said = "CNY 0.11 more would be over the limit of line L1: CNY 9.90 of CNY 10 stand"
    assert answers == [(said, "at most CNY 0.10 are left")]


def test_a_draw_that_was_granted_is_answered_again_when_no_room_is_left(book, line):
    draw(book, "T1", 1_000)
    draw(book, "T1", 1_000)
    assert book.used(line) == 1_000


def test_what_was_written_off_is_not_drawn_again(book, line, store):
    draw(book, "T1", 600)
    book.write_off(asked("off", "off"), "T1", BEGINS, "gone")
    assert (book.used(line), balance(store, accounts.outstanding(line))) == (600, 0)
    with pytest.raises(LimitExceeded):
        draw(book, "T2", 401)


def test_a_payment_is_used_once_whoever_it_is_said_of(book, line):
    draw(book, "T1", 400)
    draw(book, "T2", 400)
    book.repay(asked("one", "repay"), "T1", "P1", 100, BEGINS, KINDS)
    for number, again in enumerate((
        lambda key: book.repay(key, "T2", "P1", 100, BEGINS, KINDS),
        lambda key: book.collect(key, "S1", None, "P1", 100, BEGINS, KINDS),
    )):  # fmt: skip
        with pytest.raises(DrawRefused, match="payment P1 was used already"):
            again(asked(f"again {number}", "again"))


def test_a_payment_that_is_known_late_repays_as_of_what_was_booked_before(book, line):
    draw(book, "T1", 100)
    book.charge(asked("fee", "charge"), "T1", date(2026, 1, 5), 30, "registration")
    swept = book.collect(asked("pay", "collect"), "S1", None, "P1", 50, date(2026, 1, 4), KINDS)
    assert (swept["repaid"], swept["released_fen"]) == ({}, 50)
    loan = replace(ACCEPTED, line_id="L2", decision_id="D2", contract_id="C1", product="contract_loan")
    book.line_happens(asked("loan", "accept"), loan, about={**ABOUT, "revolves": False}, pools={})
    draw(book, "T2", 100, line="L2", on=date(2026, 1, 6))
    swept = book.collect(asked("pay 2", "collect"), "S1", "C1", "P2", 150, date(2026, 1, 4), KINDS)
    assert (swept["repaid"]["T2"]["principal_fen"], swept["released_fen"]) == (100, 50)
    assert book.draw("T2", date(2026, 1, 7))["events"][-1]["on"] == "2026-01-06"


def test_a_repayment_that_is_taken_back_is_owed_above_the_limit_and_keeps_the_line_shut(book, line, store):
    draw(book, "T1", 1_000)
    book.repay(asked("repay", "repay"), "T1", "P1", 1_000, BEGINS, KINDS)
    draw(book, "T2", 800)
    book.reverse(asked("back", "reverse"), "T1", "P1", BEGINS, "bounced")
    assert book.used(line) == 1_800
    with pytest.raises(LimitExceeded):
        draw(book, "T3", 1)
    book.repay(asked("again", "repay"), "T1", "P2", 900, BEGINS, KINDS)
    assert (book.used(line), verified(store).faults) == (900, ())
    draw(book, "T4", 100)


def test_a_line_that_is_closed_takes_what_is_owed_of_it(book, line, store):
    draw(book, "T1", 300)
    draw(book, "T2", 200, post=False)
    book.line_happens(asked("close", "close"), replace(ACCEPTED, kind=Event.CLOSED), about={}, pools={})
    assert balance(store, GROUP) == 300
    book.repay(asked("repay", "repay"), "T1", "P1", 300, BEGINS, KINDS)
    assert balance(store, GROUP) == 0
    assert exposure(store, "2027").empty


def test_a_renewed_line_takes_of_the_pools_that_it_draws_on_then(book, line, store):
    renewed = replace(ACCEPTED, kind=Event.RENEWED, decision_id="D2", limit_fen=1_500)
    book.line_happens(asked("renew", "renew"), renewed, about={}, pools={OTHER: 5_000})
    assert (balance(store, GROUP), balance(store, OTHER)) == (0, 1_500)
    assert verified(store).faults == ()


def test_a_limit_that_is_cut_below_what_is_used_lets_that_stand_and_nothing_more(book, line):
    draw(book, "T1", 900)
    book.line_happens(asked("cut", "renew"), replace(ACCEPTED, kind=Event.RENEWED, limit_fen=500), about={}, pools={})
    with pytest.raises(LimitExceeded):
        draw(book, "T2", 1)
    book.repay(asked("repay", "repay"), "T1", "P1", 500, BEGINS, KINDS)
    draw(book, "T3", 100)
    with pytest.raises(LimitExceeded):
        draw(book, "T4", 1)


def test_a_frozen_line_is_not_resumed_before_somebody_looked(book, line, store):
    alert = Alert(
        alert_id="W1", rule="EW-LISTED", rule_version="1", severity="RED", action="FREEZE", supplier_id="S1",
        contract_id=None, line_id="L1", raised_on=BEGINS, due_on=BEGINS, owner="senior", evidence="{}",
    )  # fmt: skip
    alerts = Alerts(store)
    assert alerts.raise_(asked("watch", "watch"), "S1", [alert], BEGINS) == {"raised": ["W1"], "frozen": ["L1"]}
    assert alerts.raise_(asked("watch again", "watch"), "S1", [alert], BEGINS) == {"raised": [], "frozen": []}
    resumed = replace(ACCEPTED, kind=Event.RESUMED)
    with pytest.raises(LineRefused, match="alert W1 on L1 is open"):
        book.line_happens(asked("resume", "resume"), resumed, about={}, pools={})
    alerts.settle(asked("settle", "settle"), "W1", Outcome.FALSE, "it is another firm", BEGINS)
    book.line_happens(asked("resume", "resume"), resumed, about={}, pools={})
    draw(book, "T1", 1)
    assert verified(store).faults == ()


def test_a_payment_out_before_the_line_was_stopped_is_booked_after_it(book, line):
    draw(book, "T1", 100, post=False)
    stopped = replace(ACCEPTED, kind=Event.SUSPENDED, starts_on=date(2026, 1, 4))
    book.line_happens(asked("stop", "suspend"), stopped, about={}, pools={})
    with pytest.raises(DrawRefused, match="L1 is suspended"):
        book.post_draw(asked("post late", "post"), "T1", date(2026, 1, 4))
    assert book.post_draw(asked("post", "post"), "T1", date(2026, 1, 3))["state"] == "POSTED"


def test_a_key_has_a_length():
    assert asked("k" * 128, "x")
    for key in ("k" * 129, "", "  ", "k\n", "k\0"):
        with pytest.raises(IdRefused, match="no key that the book keeps"):
            asked(key, "x")


@pytest.mark.parametrize("payment", ["p" * 121, "", " \t ", "P\n1", "P\0"])
def test_an_id_has_bounds_on_either_database(book, line, store, payment):
    draw(book, "T1", 10)
    entries = verified(store).entries
    with pytest.raises(IdRefused, match="no payment that the book keeps"):
        book.repay(asked("repay", "repay"), "T1", payment, 5, BEGINS, KINDS)
    with pytest.raises(IdRefused, match="no payment that the book keeps"):
        book.collect(asked("collect", "collect"), "S1", None, payment, 5, BEGINS, KINDS)
    with pytest.raises(IdRefused, match="no draw that the book keeps"):
        book.request_draw(asked("request", "request"), wanted(payment, 10))
    assert (verified(store).entries, verified(store).faults) == (entries, ())


def test_the_longest_ids_fit_every_column(book, line, store):
    draw(book, "T" * 120, 10)
    book.repay(asked("sweep-" + "P" * 120, "repay"), "T" * 120, "P" * 120, 5, BEGINS, KINDS)
    assert verified(store).faults == ()


def test_what_is_longer_than_its_column_is_refused_by_name(store):
    with pytest.raises(IdRefused, match="datum of disputes"):
        DecisionStore(store).open_dispute(asked("dispute", "dispute"), "S0", "d" * 129, "text")


@pytest.mark.parametrize("forged", [
    update(BALANCES).values(limit_fen=10**9, ceiling_fen=10**9).where(BALANCES.c.limit_fen.is_not(None)),
    update(BALANCES).values(ceiling_fen=10**9).where(BALANCES.c.limit_fen.is_not(None)),
    delete(PAYMENTS),
    insert(ENTRIES).values(partition=5, sequence=99_999, account=accounts.used("L1"), delta_fen=0),
    insert(ENTRIES).values(partition=99, sequence=1, account=accounts.used("L1"), delta_fen=0),
])  # fmt: skip
def test_a_forged_limit_or_move_is_found(book, line, store, forged):
    draw(book, "T1", 10)
    book.repay(asked("repay", "repay"), "T1", "P1", 5, BEGINS, KINDS)
    assert verified(store).faults == ()
    with store.writing() as con:
        con.execute(forged)
    assert verified(store).faults != ()


def test_seals_follow_each_other(book, line, store):
    first, second = (sealed(store, at=f"2026-01-0{day}") for day in (1, 2))
    assert first["hash"] != second["hash"]
    assert verified(store, anchored=first["hash"]).faults == ()


def test_a_draw_for_a_contract_stands_on_it_from_its_day_until_it_is_repaid(book, line):
    late = BEGINS + timedelta(days=20)
    book.request_draw(asked("r", "r"), replace(wanted("W1", 300), contract_id="C1"))
    book.post_draw(asked("p", "p"), "W1", BEGINS)
    taken = functools.partial(contracts_taken, book.store)
    assert taken("9", BEGINS) == {"C1"}
    assert taken("9", BEGINS - timedelta(days=1)) == taken("2000", BEGINS) == set()
    book.repay(asked("b", "b"), "W1", "P1", 300, late, KINDS)
    assert taken("9", late) == set()
    assert taken("9", late - timedelta(days=1)) == {"C1"}
