"""The book: lines, the draws on them and their repayment, each request whole or not at all.

What a draw is, and what an event makes of it, says `credit.domain.draws`; here it is read and written under the turn of
its supplier, and moved on accounts that the database keeps within their limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from credit.domain import draws
from credit.domain.alerts import Response
from credit.domain.amounts import cny
from credit.domain.draws import Draw, DrawEvent, DrawHappened, DrawState, DrawTerms, Owed
from credit.domain.errors import DrawRefused, LineRefused
from credit.domain.line import Event, Happened, State, moved, state_on
from data.book import accounts
from data.book.opening import Store
from data.book.statements import Row, Statement
from data.book.subjects import DRAW, LINE, Subject, draws_of, opened, pending_on, row_like, subject_named
from data.book.tables import ALERTS, BALANCES, LINE_EVENTS, LOG, PAYMENTS, REQUESTS, SUBJECTS
from data.book.turns import Answer, Request, Turn, canonical, done, known_answer, partition_of, refuse_id, refuse_over

_NOT_A_COLUMN = ("number",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A draw that is asked for: how much, until when it is repaid and at what rates, and how long it is held back."""

    draw_id: str
    line_id: str
    contract_id: str | None
    amount_fen: int
    on: date
    lapses_on: date
    terms: DrawTerms
    # The conditions that no feed says and that who asks has looked up.
    looked_up: tuple[str, ...] = ()


class Book:
    """The lines and draws of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def answered(self, request: Request) -> Answer | None:
        """The answer that a request was given before, if it was. Raises KeyTaken for another one under its key."""
        with self.store.reading() as con:
            return known_answer(con, request)

    def knows(self, key: str) -> bool:
        """Whether a request was done under this key, for who broke off before its answer came."""
        with self.store.reading() as con:
            return con.execute(select(REQUESTS.c.key).where(REQUESTS.c.key == key)).first() is not None

    # -- lines

    def line_happens(
        self, request: Request, event: Happened, *, about: Mapping[str, Any], pools: Mapping[str, int]
    ) -> Answer:
        """Store what happened to a line, and what it takes of its pools, each with its limit.

        `about` says buyer, district, category of a new line, and whether it can be drawn again once repaid. Raises
        LineRefused, LimitExceeded, KeyTaken, InFlight.
        """

        def work(turn: Turn) -> Answer:
            line_happens(turn, event, about=about, pools=pools)
            return {"line_id": event.line_id}

        return done(self.store, request, partition_of(event.supplier_id), work)

    # -- draws

    def request_draw(self, request: Request, asked: Asked) -> Answer:
        """Reserve a draw on its line, which is to be active on the day, within what is left of its limit.

        Draws on the line that were never paid out and have lapsed give back what they held first. Raises DrawRefused,
        LimitExceeded, KeyTaken, InFlight.
        """
        if asked.amount_fen <= 0:
            raise DrawRefused(f"{asked.amount_fen} fen cannot be drawn", hint="name an amount above zero")
        line = self._subject(asked.line_id, LINE)

        def glance(con: Connection) -> None:
            _refuse_inactive(_line_events(con, line.subject_id), line.subject_id, asked.on)
            # Where a draw has lapsed, there will be more room than there is.
            if not any(_has_lapsed(each, asked.on) for each in pending_on(con, line.subject_id)):
                refuse_over(con, accounts.used(line.subject_id), asked.amount_fen)

        def work(turn: Turn) -> Answer:
            _refuse_inactive(line_events_of(turn, line.subject_id), line.subject_id, asked.on)
            for each in pending_on(turn.con, line.subject_id):
                if _has_lapsed(each, asked.on):
                    _lapses(turn, line, each, asked.on)
            terms = {**_said(asdict(asked.terms)), "lapses_on": str(asked.lapses_on)}
            own = row_like(
                line,
                subject_id=asked.draw_id,
                kind=DRAW,
                contract_id=asked.contract_id or line.contract_id,
                parent_id=line.subject_id,
                terms=terms,
                opened_at=turn.request.at,
            )
            opened(turn, own, {})
            event = DrawHappened(kind=DrawEvent.REQUESTED, on=asked.on, amount_fen=asked.amount_fen)
            told = {"terms": terms, "looked_up": list(asked.looked_up)}
            drawn = _happens(turn, line, asked.draw_id, Draw(terms=asked.terms), event, told)
            days = {"due_on": str(asked.terms.due_on), "lapses_on": str(asked.lapses_on)}
            return {**_answer(asked.draw_id, drawn), **days}

        return done(self.store, request, line.partition, work, glance=glance)

    def post_draw(self, request: Request, draw_id: str, on: date, *, amount_fen: int | None = None) -> Answer:
        """Record that a reserved draw was paid out, in whole or in part; the rest is given back. Raises DrawRefused."""

        def work(turn: Turn, line: Subject, own: Subject, draw: Draw) -> Answer:
            paid = draw.pending_fen if amount_fen is None else amount_fen
            event = DrawHappened(kind=DrawEvent.POSTED, on=on, amount_fen=paid)
            draws.after(draw, event)
            # What was paid out before the line was stopped is booked; what comes after it is not paid out.
            before = [each for each in line_events_of(turn, line.subject_id) if each.starts_on <= on]
            _refuse_inactive(before, line.subject_id, on)
            if _has_lapsed(own, on):
                raise DrawRefused(
                    f"{draw_id} lapsed on {own.terms['lapses_on']}", hint="request it anew: `credit drawdown request`"
                )
            if not 0 < paid <= draw.pending_fen:
                raise DrawRefused(
                    f"{cny(paid)} of {cny(draw.pending_fen)} cannot be paid out", hint="void it, or pay less"
                )
            return _answer(draw_id, _happens(turn, line, draw_id, draw, event))

        return self._on_draw(request, draw_id, work)

    def void_draw(self, request: Request, draw_id: str, on: date, why: str) -> Answer:
        """Give back what a draw that was not paid out holds. Raises DrawRefused."""

        def work(turn: Turn, line: Subject, own: Subject, draw: Draw) -> Answer:
            event = DrawHappened(kind=DrawEvent.VOIDED, on=on, amount_fen=draw.pending_fen)
            return _answer(draw_id, _happens(turn, line, draw_id, draw, event, {"why": why}))

        return self._on_draw(request, draw_id, work)

    def charge(self, request: Request, draw_id: str, on: date, amount_fen: int, why: str) -> Answer:
        """Add a fee to what is owed of a draw. Raises DrawRefused."""
        if amount_fen <= 0:
            raise DrawRefused(f"{amount_fen} fen cannot be charged", hint="name an amount above zero")

        def work(turn: Turn, line: Subject, own: Subject, draw: Draw) -> Answer:
            event = DrawHappened(kind=DrawEvent.CHARGED, on=on, amount_fen=amount_fen)
            return _answer(draw_id, _happens(turn, line, draw_id, draw, event, {"why": why}))

        return self._on_draw(request, draw_id, work)

    def write_off(self, request: Request, draw_id: str, on: date, why: str) -> Answer:
        """Write off all that is owed of a draw. Raises DrawRefused."""

        def work(turn: Turn, line: Subject, own: Subject, draw: Draw) -> Answer:
            lost = draw.counted(on).owed.total_fen
            event = DrawHappened(kind=DrawEvent.WRITTEN_OFF, on=on, amount_fen=lost)
            return _answer(draw_id, _happens(turn, line, draw_id, draw, event, {"why": why}))

        return self._on_draw(request, draw_id, work)

    # -- repayments

    def repay(
        self, request: Request, draw_id: str, repayment_id: str, amount_fen: int, on: date, order: Sequence[str]
    ) -> Answer:
        """Repay a draw by the waterfall; what is above all that is owed is the payer's. Raises DrawRefused."""
        _refuse_amount(amount_fen)

        def work(turn: Turn, line: Subject, own: Subject, draw: Draw) -> Answer:
            draws.moved(draw.state, DrawEvent.REPAID)
            _use_payment(turn, repayment_id, own.supplier_id, on, amount_fen)
            event = draws.repayment(draw, repayment_id, amount_fen, on, order)
            drawn = _happens(turn, line, draw_id, draw, event)
            return {
                **_answer(draw_id, drawn),
                "paid": _by_kind(event.paid),
                "released_fen": amount_fen - event.amount_fen,
            }

        return self._on_draw(request, draw_id, work)

    def collect(
        self,
        request: Request,
        supplier_id: str,
        contract_id: str | None,
        repayment_id: str,
        amount_fen: int,
        on: date,
        order: Sequence[str],
    ) -> Answer:
        """Sweep a buyer's payment on a contract into the draws of its supplier; the rest is the supplier's.

        Raises DrawRefused.
        """
        _refuse_amount(amount_fen)
        with self.store.reading() as con:
            has_drawn = _DRAWN.first(con, supplier=supplier_id) is not None
        if not has_drawn:
            raise DrawRefused(
                f"{supplier_id} has drawn nothing in the book", hint="`credit drawdown list` says who has"
            )

        def work(turn: Turn) -> Answer:
            _use_payment(turn, repayment_id, supplier_id, on, amount_fen)
            found = {
                each.subject_id: each
                for each in draws_of(turn.con, supplier_id=supplier_id, line_id=None, open_only=True)
            }
            rows: dict[str, list[Row]] = {each: [] for each in found}
            for row in _OPEN_EVENTS.rows(turn.con, supplier=supplier_id):
                rows[row["subject_id"]].append(row)
            states = {each: draw_folded(own, _events_of(rows[each])) for each, own in found.items()}
            states = {each: draw for each, draw in states.items() if draw.state is DrawState.POSTED}
            own = [each for each in states if contract_id is not None and found[each].contract_id == contract_id]
            sweep = draws.swept(amount_fen, states, own, repayment_id, on, order)
            lines = {each: subject_named(turn.con, str(found[each].parent_id)) for each in sweep.repaid}
            turn.hold(pool for line in lines.values() for pool in line.terms["pools"])
            for each, event in sweep.repaid.items():
                _happens(turn, lines[each], each, states[each], event)
            about = {"repayment_id": repayment_id, "released_fen": sweep.released_fen}
            fen = {each: event.amount_fen for each, event in sweep.repaid.items()}
            body = {**about, "amount_fen": amount_fen, "contract_id": contract_id, "repaid": fen}
            turn.log(f"payment:{repayment_id}", "COLLECTED", on, body)
            return {**about, "repaid": {each: _by_kind(event.paid) for each, event in sweep.repaid.items()}}

        return done(self.store, request, partition_of(supplier_id), work)

    def payments(self) -> set[str]:
        """The payments that repaid anything or were swept."""
        with self.store.reading() as con:
            return set(con.execute(select(PAYMENTS.c.payment_id)).scalars())

    def reverse(self, request: Request, draw_id: str, repayment_id: str, on: date, why: str) -> Answer:
        """Take a repayment back, which a bank did: what it paid is owed again, above the limit if it must be.

        Raises DrawRefused.
        """

        def work(turn: Turn, line: Subject, own: Subject, draw: Draw) -> Answer:
            event = draws.reversal(draw, repayment_id, on)
            return _answer(draw_id, _happens(turn, line, draw_id, draw, event, {"why": why}))

        return self._on_draw(request, draw_id, work)

    # -- reading

    def used(self, line_id: str, on: date | None = None) -> int:
        """What of a line's limit is reserved or drawn, in fen; on a day, less what the next request would let lapse."""
        return self._balance(accounts.used(line_id)) - (self._lapsed_fen(line_id, on) if on else 0)

    def outstanding(self, line_id: str, on: date) -> int:
        """What is reserved on a line on a day or owed of its draws' principal, in fen."""
        return self._balance(accounts.outstanding(line_id)) - self._lapsed_fen(line_id, on)

    def _lapsed_fen(self, line_id: str, on: date) -> int:
        """What draws on a line hold that were not paid out in time."""
        with self.store.reading() as con:
            found = pending_on(con, line_id)
        late = [each for each in found if _has_lapsed(each, on)]
        return sum(self._balance(accounts.of_draw(each.subject_id)["pending_fen"]) for each in late)

    def _balance(self, account: str) -> int:
        query = select(BALANCES.c.amount_fen).where(BALANCES.c.account == account)
        with self.store.reading() as con:
            return int(con.execute(query).scalar() or 0)

    def draw(self, draw_id: str, day: date) -> Answer:
        """A draw as it is on a day, with all that happened to it. Raises DrawRefused."""
        own = self._subject(draw_id, DRAW)
        with self.store.reading() as con:
            rows = _EVENTS.rows(con, subject=draw_id)
        draw = draw_folded(own, _events_of(rows)).counted(day)
        return {
            **_answer(draw_id, draw),
            "line_id": own.parent_id,
            "supplier_id": own.supplier_id,
            "contract_id": own.contract_id,
            "days_past_due": draw.days_past_due(day),
            **own.terms,
            "events": [{**_told(row["body"]), "at": row["at"], "who": row["who"]} for row in rows],
        }

    def draws_listed(
        self, *, supplier_id: str | None = None, line_id: str | None = None, open_only: bool = False
    ) -> list[Subject]:
        """The draws of a supplier, of a line, or all, as they were opened; or only those that can still be owed."""
        with self.store.reading() as con:
            return draws_of(con, supplier_id=supplier_id, line_id=line_id, open_only=open_only)

    def _subject(self, subject_id: str, kind: str) -> Subject:
        with self.store.reading() as con:
            found = subject_named(con, subject_id)
        if found.kind != kind:
            noun = {DRAW: "drawdown"}.get(kind, kind)
            raise DrawRefused(f"{subject_id} is a {found.kind} and no {kind}", hint=f"`credit {noun} list`")
        return found

    def _on_draw(self, request: Request, draw_id: str, work: Any) -> Answer:
        own = self._subject(draw_id, DRAW)

        def within(turn: Turn) -> Answer:
            answer: Answer = work(turn, subject_named(turn.con, str(own.parent_id)), own, _draw(turn, own))
            return answer

        return done(self.store, request, own.partition, within)


# -- what a turn does


def line_happens(turn: Turn, event: Happened, *, about: Mapping[str, Any], pools: Mapping[str, int]) -> None:
    """Store what happened to a line within a turn. Raises LineRefused where it cannot, or somebody was faster."""
    event = replace(event, at=turn.request.at)
    line, before = event.line_id, line_events_of(turn, event.line_id)
    moved(state_on(before, event.starts_on), event.kind)
    if event.kind is Event.RESUMED:
        _refuse_frozen(turn, line)
    if event.kind is Event.CLOSED:
        # What is not paid out by now never will be.
        for each in pending_on(turn.con, line):
            _lapses(turn, subject_named(turn.con, line), each, event.starts_on)
    turn.add(LINE_EVENTS, asdict(event))
    turn.lines.pop(line, None)
    moves, taken = {}, list(pools)
    if event.kind is Event.ACCEPTED:
        row = {
            "subject_id": line,
            "kind": LINE,
            "partition": turn.partition,
            "parent_id": None,
            "terms": {"pools": sorted(pools), "revolves": about["revolves"]},
            "opened_at": turn.request.at,
            "is_open": True,
            **{each: getattr(event, each) for each in ("supplier_id", "contract_id", "product", "decision_id")},
            **{each: about.get(each) for each in ("buyer_id", "district", "category")},
        }
        opened(turn, {**row, "terms": canonical(row["terms"])}, {accounts.used(line): event.limit_fen})
        moves = {accounts.committed(line): event.limit_fen}
    elif event.kind is Event.RENEWED:
        turn.limit({accounts.used(line): event.limit_fen})
        moves = {accounts.committed(line): event.limit_fen - before[-1].limit_fen}
    elif event.kind is Event.CLOSED:
        balances = turn.known([accounts.outstanding(line), accounts.committed(line)])
        moves = {accounts.committed(line): balances[accounts.outstanding(line)] - balances[accounts.committed(line)]}
    if event.kind is not Event.ACCEPTED:
        taken = subject_named(turn.con, line).terms["pools"]
        turn.hold([*taken, *pools])
    turn.limit(pools)
    moves |= dict.fromkeys(taken, moves.get(accounts.committed(line), 0))
    if event.kind is Event.RENEWED and sorted(pools) != taken:
        moves |= _changed_pools(turn, line, taken, pools, committed=(before[-1].limit_fen, event.limit_fen))
    turn.log(line, f"LINE_{event.kind.value}", event.starts_on, _said(asdict(event)), moves)


def _changed_pools(
    turn: Turn, line: str, before: list[str], after: Mapping[str, int], *, committed: tuple[int, int]
) -> dict[str, int]:
    """What moves where a renewed line draws on other pools than before: all of it, from the one to the other."""
    terms = subject_named(turn.con, line).terms
    turn.change(SUBJECTS, line, terms=canonical({**terms, "pools": sorted(after)}))
    held = turn.known([accounts.committed(line)])[accounts.committed(line)]
    left = {pool: -held for pool in before if pool not in after}
    return left | {pool: held + committed[1] - committed[0] for pool in after if pool not in before}


def _refuse_frozen(turn: Turn, line: str) -> None:
    """Raise LineRefused where an alert that freezes a line was looked at by nobody."""
    query = select(ALERTS.c.alert_id).where(
        ALERTS.c.line_id == line, ALERTS.c.settled_at.is_(None), ALERTS.c.action == Response.FREEZE.value
    )
    if alert := turn.con.execute(query.order_by(ALERTS.c.alert_id)).scalar():
        raise LineRefused(
            f"alert {alert} on {line} is open",
            hint=f'`credit monitor settle {alert} --outcome … --text "…"` comes first',
        )


def _refuse_inactive(events: Sequence[Happened], line_id: str, on: date) -> None:
    """Raise DrawRefused where a line cannot be drawn on on a day, by what happened to it."""
    state = state_on(events, on)
    if state is not State.ACTIVE:
        raise DrawRefused(f"{line_id} is {state.value.lower()}", hint="`credit line show` says since when, and why")


def _has_lapsed(own: Subject, on: date) -> bool:
    return on > date.fromisoformat(own.terms["lapses_on"])


def _lapses(turn: Turn, line: Subject, own: Subject, on: date) -> None:
    draw = _draw(turn, own)
    if draw.state is DrawState.PENDING:
        event = DrawHappened(kind=DrawEvent.LAPSED, on=on, amount_fen=draw.pending_fen)
        _happens(turn, line, own.subject_id, draw, event)


def _happens(
    turn: Turn, line: Subject, draw_id: str, before: Draw, event: DrawHappened, told: Mapping[str, Any] | None = None
) -> Draw:
    """Store an event of a draw with all that moves by it, and what is told beside; answers the draw after it."""
    after = draws.after(before, event)
    moves = accounts.moves_of_draw(draw_id, before, after)
    held = after.pending_fen + after.owed.principal_fen - before.pending_fen - before.owed.principal_fen
    used = held
    if event.kind in _ENDS_PRINCIPAL:
        # What is repaid of a line that does not revolve cannot be drawn again, and is not committed any more; what is
        # written off of any line is not drawn again.
        revolves = line.terms["revolves"] and event.kind is not DrawEvent.WRITTEN_OFF
        used, given_back = (held, 0) if revolves else (0, held)
    else:
        given_back = 0
    state = state_on(line_events_of(turn, line.subject_id), event.on)
    if state is State.CLOSED:
        given_back = held
    moves[accounts.used(line.subject_id)] = used
    moves[accounts.outstanding(line.subject_id)] = held
    moves |= dict.fromkeys((accounts.committed(line.subject_id), *line.terms["pools"]), given_back)
    said = {**_body(event), **(told or {})}
    turn.log(draw_id, f"DRAW_{event.kind.value}", event.on, said, moves, is_fact=event.kind is DrawEvent.REVERSED)
    was_open, is_open = _is_open(before.state), _is_open(after.state)
    if was_open != is_open and before.state is not DrawState.NONE:
        turn.change(SUBJECTS, draw_id, is_open=is_open)
    return after


_ENDS_PRINCIPAL = (DrawEvent.REPAID, DrawEvent.SETTLED, DrawEvent.REVERSED, DrawEvent.WRITTEN_OFF)


def _is_open(state: DrawState) -> bool:
    return state in (DrawState.NONE, DrawState.PENDING, DrawState.POSTED)


def line_events_of(turn: Turn, line_id: str) -> list[Happened]:
    """What happened to a line, as its turn sees it, which alone can add to it."""
    if line_id not in turn.lines:
        turn.lines[line_id] = _line_events(turn.con, line_id)
    return turn.lines[line_id]


def _line_events(con: Connection, line_id: str) -> list[Happened]:
    return [Happened(**{**row, "kind": Event(row["kind"])}) for row in _LINE_EVENTS.rows(con, line=line_id)]


def _draw(turn: Turn, own: Subject) -> Draw:
    turn.write_out()
    return draw_folded(own, _events_of(_EVENTS.rows(turn.con, subject=own.subject_id)))


def draw_folded(own: Subject, events: Iterable[DrawHappened]) -> Draw:
    """The draw that its events make of what the book keeps of it."""
    terms = DrawTerms(
        yearly_rate_bp=own.terms["yearly_rate_bp"],
        penalty_rate_bp=own.terms["penalty_rate_bp"],
        due_on=date.fromisoformat(own.terms["due_on"]),
    )
    return draws.folded(terms, events)


def _body(event: DrawHappened) -> dict[str, Any]:
    """An event of a draw as the log has it."""
    return {
        "kind": event.kind.value,
        "on": str(event.on),
        "amount_fen": event.amount_fen,
        "paid": _by_kind(event.paid),
        "repayment_id": event.repayment_id,
    }


def _told(body: str) -> dict[str, Any]:
    """What an entry of the log tells of its event, without the hashes of the rows that it wrote."""
    return {name: value for name, value in json.loads(body).items() if name != "rows"}


def _events_of(rows: Iterable[Mapping[str, Any]]) -> list[DrawHappened]:
    return [draw_event_of(json.loads(row["body"])) for row in rows]


def draw_event_of(body: Mapping[str, Any]) -> DrawHappened:
    """An event of a draw from its entry's body."""
    return DrawHappened(
        kind=DrawEvent(body["kind"]),
        on=date.fromisoformat(body["on"]),
        amount_fen=body["amount_fen"],
        paid=Owed(**body["paid"]),
        repayment_id=body["repayment_id"],
    )


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Days as text, as JSON has them."""
    return {name: str(value) if isinstance(value, date) else value for name, value in fields.items()}


def _by_kind(owed: Owed) -> dict[str, int]:
    return {kind: getattr(owed, kind) for kind in draws.KINDS}


def _answer(draw_id: str, draw: Draw) -> Answer:
    return {"draw_id": draw_id, "state": draw.state.value, "pending_fen": draw.pending_fen, "owed": _by_kind(draw.owed)}


def _use_payment(turn: Turn, payment_id: str, supplier_id: str, on: date, amount_fen: int) -> None:
    """Use a payment, which is used once, whatever became of the draws it repaid. Raises DrawRefused, IdRefused."""
    refuse_id("payment", payment_id)
    row = {"payment_id": payment_id, "supplier_id": supplier_id, "on_day": on, "amount_fen": amount_fen,
           "request": turn.request.key}  # fmt: skip
    try:
        turn.add(PAYMENTS, row)
    except IntegrityError as used:
        raise DrawRefused(
            f"payment {payment_id} was used already", hint="the bank names each payment once: name this one as it does"
        ) from used


def _refuse_amount(amount_fen: int) -> None:
    if amount_fen <= 0:
        raise DrawRefused(f"{amount_fen} fen repay nothing", hint="name an amount above zero")


_EVENTS = Statement(
    select(LOG.c.body, LOG.c.at, LOG.c.who).where(LOG.c.subject_id == bindparam("subject")).order_by(LOG.c.sequence)
)
_DRAWN = Statement(
    select(SUBJECTS.c.subject_id)
    .where(SUBJECTS.c.supplier_id == bindparam("supplier"), SUBJECTS.c.kind == DRAW)
    .limit(1)
)
# Of all draws of a supplier that can still be owed, which stand in one partition.
_OPEN_EVENTS = Statement(
    select(LOG.c.subject_id, LOG.c.body)
    .join(SUBJECTS, SUBJECTS.c.subject_id == LOG.c.subject_id)
    .where(SUBJECTS.c.supplier_id == bindparam("supplier"), SUBJECTS.c.kind == DRAW, SUBJECTS.c.is_open)
    .order_by(LOG.c.sequence)
)
_LINE_EVENTS = Statement(
    select(*(column for column in LINE_EVENTS.c if column.name not in _NOT_A_COLUMN))
    .where(LINE_EVENTS.c.line_id == bindparam("line"))
    .order_by(LINE_EVENTS.c.number)
)
