"""The book against a model that a child could check: dictionaries, and interest counted anew from the first day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from bench.book_load import BEGINS, ENDS, LIMIT, asked, begin, faults, lines, supplier_of
from credit.domain.draws import KINDS, DrawTerms
from credit.domain.errors import DrawRefused, KeyTaken, LimitExceeded
from credit.domain.line import Event, Happened
from data.book.book import Asked, Book
from data.book.opening import Store
from data.book.tables import HEADS, METADATA

RATE, PENALTY, HELD = 450, 675, 7
AMOUNTS = st.integers(1, LIMIT // 3)
STEPS: dict[str, int] = {}


@dataclass
class Modelled:
    """A draw as its own history of days: what was lent, charged and paid, by day."""

    line: str
    amount: int
    due: date
    lapses: date
    state: str = "PENDING"
    last: date = BEGINS
    charged: int = 0
    written_off: bool = False
    lost: int = 0
    # Of the principal: day and change; of each payment: what it paid.
    principal: list[tuple[date, int]] = field(default_factory=list)
    paid: dict[str, dict[str, int]] = field(default_factory=dict)

    def owed(self, day: date) -> dict[str, int]:
        """What is owed on a day, each kind summed from the beginning."""
        if self.written_off or not self.principal:
            return dict.fromkeys(KINDS, 0)
        on_time = late = 0
        today = self.principal[0][0]
        while today < day:
            held = sum(change for at, change in self.principal if at <= today)
            if today < self.due:
                on_time += held * RATE
            else:
                late += held * PENALTY
            today += timedelta(days=1)
        owed = {
            "fees_fen": self.charged,
            "overdue_interest_fen": late // 3_600_000,
            "interest_fen": on_time // 3_600_000,
            "principal_fen": self.amount,
        }
        for parts in self.paid.values():
            for kind in KINDS:
                owed[kind] -= parts[kind]
        return owed


class BookMachine(RuleBasedStateMachine):
    """Random requests, each answered or refused as the model says it has to be."""

    store: Store
    draws: Any = Bundle("draws")

    @initialize()
    def opened(self) -> None:
        self.book = Book(self.store)
        self.store.engine()
        with self.store.writing() as con:
            for table in METADATA.sorted_tables:
                if table.name != "alembic_version" and table is not HEADS:
                    con.execute(table.delete())
            con.execute(HEADS.update().values(sequence=0, hash="0" * 64))
        begin(self.book)
        self.known: dict[str, Modelled] = {}
        self.state = dict.fromkeys(lines(), "ACTIVE")
        self.drawn_ever = dict.fromkeys(lines(), 0)
        self.day, self.number = BEGINS, 0

    def key(self) -> str:
        self.number += 1
        STEPS[type(self).__name__] = STEPS.get(type(self).__name__, 0) + 1
        return f"K{self.number}"

    def used(self, line: str) -> int:
        """What of a line's limit is used, by the model."""
        mine = [each for each in self.known.values() if each.line == line]
        held = sum(each.amount for each in mine if each.state == "PENDING")
        if line.endswith("r"):
            owed = sum(each.owed(each.last)["principal_fen"] for each in mine if each.state == "POSTED")
            return held + owed + sum(each.lost for each in mine)
        return held + sum(each.amount for each in mine if each.state in ("POSTED", "CLOSED", "WRITTEN_OFF"))

    @rule(days=st.integers(1, 40))
    def time_goes_by(self, days: int) -> None:
        self.day = min(self.day + timedelta(days=days), ENDS - timedelta(days=1))

    @rule(target=draws, line=st.sampled_from(lines()), amount=AMOUNTS, months=st.integers(1, 6))
    def request(self, line: str, amount: int, months: int) -> str:
        key, due_on = self.key(), self.day + timedelta(days=30 * months)
        wanted = Asked(
            draw_id=f"W{key}", line_id=line, contract_id=None, amount_fen=amount, on=self.day,
            lapses_on=self.day + timedelta(days=HELD),
            terms=DrawTerms(yearly_rate_bp=RATE, penalty_rate_bp=PENALTY, due_on=due_on),
        )  # fmt: skip
        request = asked(key, "request", line=line, amount=amount)
        if self.state[line] == "ACTIVE":
            for each in self.known.values():
                if each.line == line and each.state == "PENDING" and self.day > each.lapses:
                    each.state = "LAPSING"
        free = LIMIT // 2 - self.used(line)
        try:
            answer = self.book.request_draw(request, wanted)
        except (DrawRefused, LimitExceeded) as refused:
            assert (self.state[line] != "ACTIVE") if isinstance(refused, DrawRefused) else amount > free
            for each in self.known.values():
                # What would have lapsed did not: nothing of a refused request is kept.
                each.state = "PENDING" if each.state == "LAPSING" else each.state
            return ""
        assert self.state[line] == "ACTIVE" and amount <= free
        for each in self.known.values():
            each.state = "VOIDED" if each.state == "LAPSING" else each.state
        self.known[wanted.draw_id] = Modelled(line, amount, wanted.terms.due_on, wanted.lapses_on)
        # The same again is the same; another under its key is refused.
        assert self.book.request_draw(request, wanted) == answer
        try:
            self.book.request_draw(asked(key, "request", line=line, amount=amount + 1), wanted)
            raise AssertionError("a key was used twice")
        except KeyTaken:
            return wanted.draw_id

    @rule(draw=draws, share=st.sampled_from([1, 2]))
    def post(self, draw: str, share: int) -> None:
        each = self.known.get(draw)
        if each is None:
            return
        amount = each.amount if share == 1 else max(each.amount // 2, 1)
        may = each.state == "PENDING" and self.day <= each.lapses and self.state[each.line] == "ACTIVE"
        if self.answered(may, lambda key: self.book.post_draw(asked(key, "post"), draw, self.day, amount_fen=amount)):
            each.state, each.amount, each.last = "POSTED", amount, self.day
            each.principal.append((self.day, amount))

    @rule(draw=consumes(draws))
    def void(self, draw: str) -> None:
        each = self.known.get(draw)
        if each is not None and self.answered(
            each.state == "PENDING", lambda key: self.book.void_draw(asked(key, "void"), draw, self.day, "why")
        ):
            each.state = "VOIDED"

    @rule(draw=draws, amount=st.integers(1, 5_000))
    def charge(self, draw: str, amount: int) -> None:
        each = self.known.get(draw)
        if each is not None and self.answered(
            each.state == "POSTED", lambda key: self.book.charge(asked(key, "charge"), draw, self.day, amount, "late")
        ):
            each.charged, each.last = each.charged + amount, self.day

    @rule(draw=draws, amount=AMOUNTS)
    def repay(self, draw: str, amount: int) -> None:
        each = self.known.get(draw)
        if each is None:
            return
        answer = self.answered(
            each.state == "POSTED",
            lambda key: self.book.repay(asked(key, "repay"), draw, f"P{key}", amount, self.day, KINDS),
        )
        if answer:
            owed = each.owed(self.day)
            assert answer["released_fen"] == max(amount - sum(owed.values()), 0)
            self.paid(draw, f"PK{self.number}", answer["paid"], owed, amount)

    def paid(self, draw: str, payment: str, parts: dict[str, int], owed: dict[str, int], amount: int) -> None:
        each, left = self.known[draw], amount
        for kind in KINDS:
            assert parts[kind] == min(left, owed[kind])
            left -= parts[kind]
        each.paid[payment], each.last = parts, self.day
        each.principal.append((self.day, -parts["principal_fen"]))
        if parts == owed:
            each.state = "CLOSED"

    @rule(line=st.sampled_from(lines()), amount=AMOUNTS)
    def collect(self, line: str, amount: int) -> None:
        supplier, contract = supplier_of(line), f"C{line[1:-1]}"
        before = {
            draw: each.owed(self.day)
            for draw, each in self.known.items()
            if supplier_of(each.line) == supplier and each.state == "POSTED"
        }
        answer = self.answered(
            any(supplier_of(each.line) == supplier for each in self.known.values()),
            lambda key: self.book.collect(
                asked(key, "collect"), supplier, contract, f"P{key}", amount, self.day, KINDS
            ),
        )
        if not answer:
            return
        own = [draw for draw in before if self.known[draw].line.endswith("c")]
        due = [draw for draw in before if draw not in own and self.known[draw].due <= self.day]
        left = amount
        for draws in (own, due):
            for draw in sorted(draws, key=lambda draw: (self.known[draw].due, draw)):
                part = min(left, sum(before[draw].values()))
                assert sum(answer["repaid"].get(draw, {}).values()) == part
                if part:
                    self.paid(draw, f"PK{self.number}", answer["repaid"][draw], before[draw], part)
                left -= part
        assert answer["released_fen"] == left

    @rule(draw=draws, which=st.integers(0, 5))
    def reverse(self, draw: str, which: int) -> None:
        each = self.known.get(draw)
        if each is None or not each.paid:
            return
        payment = list(each.paid)[which % len(each.paid)]
        answer = self.answered(
            each.state in ("POSTED", "CLOSED"),
            lambda key: self.book.reverse(asked(key, "reverse"), draw, payment, self.day, "bounced"),
        )
        if answer:
            parts = each.paid.pop(payment)
            each.principal.append((self.day, parts["principal_fen"]))
            each.state, each.last = "POSTED", self.day

    @rule(draw=consumes(draws))
    def write_off(self, draw: str) -> None:
        each = self.known.get(draw)
        if each is not None and self.answered(
            each.state == "POSTED", lambda key: self.book.write_off(asked(key, "off"), draw, self.day, "gone")
        ):
            each.lost = each.owed(self.day)["principal_fen"]
            each.state, each.written_off, each.last = "WRITTEN_OFF", True, self.day

    @precondition(lambda self: self.number % 5 == 0)
    @rule(line=st.sampled_from(lines()), kind=st.sampled_from([Event.SUSPENDED, Event.RESUMED]))
    def suspend_or_resume(self, line: str, kind: Event) -> None:
        if (self.state[line] == "ACTIVE") != (kind is Event.SUSPENDED):
            return
        event = Happened(
            line_id=line, kind=kind, decision_id=f"D{line[1:]}", supplier_id=supplier_of(line), contract_id=None,
            product="turnover_line", limit_fen=LIMIT // 2, yearly_rate_bp=RATE, starts_on=self.day, ends_on=ENDS,
            at="", who="load", text="why",
        )  # fmt: skip
        self.book.line_happens(asked(self.key(), "line"), event, about={}, pools={})
        self.state[line] = "SUSPENDED" if kind is Event.SUSPENDED else "ACTIVE"

    def answered(self, may: bool, ask: Any) -> Any:
        """The answer where the model lets it through; nothing where it does not, and then the book refused."""
        try:
            answer = ask(self.key())
        except DrawRefused:
            assert not may
            return None
        assert may
        return answer

    @invariant()
    def a_draw_is_what_the_model_says(self) -> None:
        for draw, each in list(getattr(self, "known", {}).items())[-3:]:
            if each.state == "LAPSING":
                continue
            found = self.book.draw(draw, self.day)
            assert found["state"] == each.state, (draw, found["state"], each.state)
            assert found["owed"] == each.owed(self.day)

    def teardown(self) -> None:
        if hasattr(self, "known"):
            assert faults(self.store) == []
            for line in lines():
                assert self.book.used(line) == self.used(line)
