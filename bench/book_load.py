"""Random acts on a book: draws, repayments, collections, reversals, by which tests, soaks and the benchmark try it.

Every act is drawn from a seed, so that a process that is asked again asks for the same. What the book refuses is an
answer too: a limit, a state. What it acknowledged is written down, line by line, for who looks afterwards.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import and_, select

from credit.domain import guaranteeing
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.errors import DrawRefused, GuaranteeRefused, InFlight, LimitExceeded
from credit.domain.guarantee import Falls, Form, Schedule, Wording
from credit.domain.line import Event, Happened
from data.book import accounts
from data.book.audit import verified
from data.book.book import Asked, Book
from data.book.guarantees import Guarantees
from data.book.opening import Store
from data.book.tables import BALANCES, ENTRIES, LOG, REQUESTS, SUBJECTS
from data.book.turns import Request

BEGINS, ENDS = date(2026, 1, 1), date(2026, 12, 31)
LIMIT, POOL = 1_000_000, 4_000_000
# Two lines a supplier, the second of which does not revolve; all on one pool of three suppliers.
SUPPLIERS, SHARED_BY = 12, 3
AT = "2026-01-01T00:00:00"


def asked(key: str, command: str, **arguments: object) -> Request:
    return Request(key=key, command=command, arguments=arguments, who="load", at=AT)


def lines() -> list[str]:
    return [f"L{number}{kind}" for number in range(SUPPLIERS) for kind in "rc"]


def supplier_of(line: str) -> str:
    return f"S{line[1:-1]}"


def group_of(supplier: str) -> str:
    return accounts.pool("group", f"G{int(supplier[1:]) // SHARED_BY}")


def begin(book: Book) -> None:
    """Open the lines that the load draws on."""
    for line in lines():
        supplier, revolves = supplier_of(line), line.endswith("r")
        event = Happened(
            line_id=line, kind=Event.ACCEPTED, decision_id=f"D{line[1:]}", supplier_id=supplier,
            contract_id=None if revolves else f"C{line[1:-1]}",
            product="turnover_line" if revolves else "contract_loan", limit_fen=LIMIT // 2, yearly_rate_bp=450,
            starts_on=BEGINS, ends_on=ENDS, at=AT, who="load", text="accepted",
        )  # fmt: skip
        pools = {group_of(supplier): POOL}
        book.line_happens(asked(f"begin-{line}", "accept", line=line), event, about={"revolves": revolves}, pools=pools)


def acts(book: Book, worker: int, count: int) -> Iterator[tuple[str, str]]:
    """Do that many acts, each in a month not before the last; yields the key of each and what came of it."""
    drawn: list[str] = []
    repaid: list[tuple[str, str]] = []
    issued: list[str] = []
    for number in range(count):
        key, on = f"{worker}-{number}", BEGINS + timedelta(days=30 * (number * 10 // count))
        try:
            yield key, _act(book, (key, on), drawn, repaid, issued)
        except (DrawRefused, GuaranteeRefused, LimitExceeded, InFlight) as refused:
            yield key, f"refused: {type(refused).__name__}"


def _act(book: Book, this: tuple[str, date], drawn: list[str], repaid: list[tuple[str, str]], issued: list[str]) -> str:
    """One act, which its key alone decides: asked again it is the same."""
    key, on = this
    dice = random.Random(key)
    line, amount, choice = dice.choice(lines()), dice.randrange(1, LIMIT // 5), dice.random()
    # A draw is asked for and then paid out; every third act is any other.
    turn = int(key.rpartition("-")[2]) % 3
    if turn == 0:
        drawn.append(f"W{key}")
        terms = DrawTerms(yearly_rate_bp=450, penalty_rate_bp=675, due_on=on + timedelta(days=90))
        wanted = Asked(draw_id=drawn[-1], line_id=line, contract_id=None, amount_fen=amount, on=on,
                       lapses_on=on + timedelta(days=7), terms=terms)  # fmt: skip
        book.request_draw(asked(key, "request", line=line, amount=amount), wanted)
        return f"requested {wanted.draw_id} {amount}"
    draw, payment = drawn[-1] if turn == 1 else dice.choice(drawn[-5:]), f"P{key}"
    if turn == 1 and choice < 0.9:
        book.post_draw(asked(key, "post", draw=draw), draw, on)
        return f"posted {draw}"
    if turn == 1 or choice < 0.1:
        book.void_draw(asked(key, "void", draw=draw), draw, on, "load")
        return f"voided {draw}"
    if choice < 0.5:
        repaid.append((draw, payment))
        book.repay(asked(key, "repay", draw=draw, amount=amount), draw, payment, amount, on, KINDS)
        return f"repaid {draw} {payment}"
    if choice < 0.7:
        return _guarantee(book, dice, (key, on, line, amount), issued)
    if choice < 0.9 or not repaid:
        request = asked(key, "collect", line=line, amount=amount)
        book.collect(request, supplier_of(line), f"C{line[1:-1]}", payment, amount, on, KINDS)
        return f"collected {payment} {amount}"
    draw, payment = dice.choice(repaid)
    book.reverse(asked(key, "reverse", draw=draw, payment=payment), draw, payment, on, "load")
    return f"reversed {draw} {payment}"


def _guarantee(book: Book, dice: random.Random, this: tuple[str, date, str, int], issued: list[str]) -> str:
    """Issue a guarantee, or reduce the last one, pay what is demanded of it, or give it back."""
    key, on, line, amount = this
    guarantees, supplier, contract = Guarantees(book.store), supplier_of(line), f"C{line[1:-1]}"
    if not issued or dice.random() < 0.4:
        issued.append(f"G{key}")
        wording = Wording(
            guarantee_id=issued[-1], form=Form.PERFORMANCE, decision_id=f"D{key}", supplier_id=supplier,
            contract_id=contract, amount_fen=amount, expires_on=ENDS,
            schedule=Schedule(falls=Falls.AT_ONCE, whole_fen=LIMIT, last_fen=amount // 2),
        )  # fmt: skip
        pools = {accounts.pool("contract", contract): LIMIT, group_of(supplier): POOL}
        request = asked(key, "issue", contract=contract, amount=amount)
        events = guaranteeing.issue(wording, on=on, who="load", signed_on=on)
        guarantees.issue(request, events, product="performance_guarantee", about={}, pools=pools)
        return f"issued {issued[-1]} {amount}"
    name = issued[-1]
    act = dice.choice(["reduce", "demand", "pay", "release"])
    told = {"reduce": {"accepted_fen": LIMIT}, "demand": {"amount_fen": 100}, "pay": {"demand_id": f"{name}-1"}}
    do = getattr(guaranteeing, act)
    request = asked(key, act, guarantee=name)
    guarantees.act(request, name, lambda events: do(events, on=on, who="load", **told.get(act, {})))
    return f"{act}: {name}"


def faults(store: Store, acknowledged: Iterable[str] = ()) -> list[str]:
    """What is wrong with a book after a load: all that was acknowledged is there once, and all sums and limits hold."""
    found = list(verified(store).faults)
    with store.reading() as con:
        keys = set(con.execute(select(REQUESTS.c.key)).scalars())
        found += [f"{key} was acknowledged and is not there" for key in acknowledged if key not in keys]
        balances = {row.account: row for row in con.execute(select(BALANCES))}
        subjects = con.execute(select(SUBJECTS)).mappings().all()
        # A repayment that a bank took back is booked above the limit of its line, and of the pools that it had left.
        booked = and_(LOG.c.partition == ENTRIES.c.partition, LOG.c.sequence == ENTRIES.c.sequence)
        taken_back = select(ENTRIES.c.account).join(LOG, booked).where(LOG.c.kind == "DRAW_REVERSED")
        lifted = set(con.execute(taken_back.where(ENTRIES.c.delta_fen > 0)).scalars())
    book = Book(store)
    for line in (each["subject_id"] for each in subjects if each["kind"] == "line"):
        used = balances[accounts.used(line)]
        if used.amount_fen > used.limit_fen and used.account not in lifted:
            found.append(f"{line} is over its limit")
        draws = [book.draw(each["subject_id"], BEGINS) for each in subjects if each["parent_id"] == line]
        owed = sum(each["pending_fen"] + each["owed"]["principal_fen"] for each in draws)
        if owed != balances[accounts.outstanding(line)].amount_fen:
            found.append(f"{line}: its draws are {owed} fen, its account says otherwise")
        for each in draws:
            said = {"pending_fen": each["pending_fen"], **each["owed"]}
            for kind, account in accounts.of_draw(each["draw_id"]).items():
                if balances[account].amount_fen != said[kind]:
                    found.append(f"{account} is not what its events say")
    for account, row in balances.items():
        if not account.startswith("pool:"):
            continue
        if row.amount_fen > row.limit_fen and account not in lifted:
            found.append(f"{account} is over its limit")
        holders = [
            each for each in subjects if each["parent_id"] is None and account in json.loads(each["terms"])["pools"]
        ]
        held = {
            "line": lambda each: balances[accounts.committed(each["subject_id"])].amount_fen,
            "guarantee": lambda each: sum(
                balances[account(each["subject_id"])].amount_fen for account in (accounts.guaranteed, accounts.claimed)
            ),
        }
        if sum(held[each["kind"]](each) for each in holders) != row.amount_fen:
            found.append(f"{account} is not the sum of what draws on it")
    return found


def main() -> None:
    """`python -m bench.book_load ADDRESS WORKER COUNT FILE`: do the acts and write down what was acknowledged."""
    where, worker, count, file = sys.argv[1:]
    book = Book(Store(where))
    with Path(file).open("a", encoding="utf-8", buffering=1) as out:
        for key, said in acts(book, int(worker), int(count)):
            out.write(f"{key} {said}\n")


if __name__ == "__main__":
    main()
