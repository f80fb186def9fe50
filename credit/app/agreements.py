"""Lines that offers became: accepted, suspended, resumed, renewed, and what may be drawn on them today."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import booking
from credit.app.clock import day_of, now
from credit.app.deciding import record_of
from credit.app.granting import against_granting, decided_by_now, granted_today
from credit.app.home import Home
from credit.app.judging import decision_row
from credit.app.roles import refuse
from credit.domain.amounts import cny
from credit.domain.authority import Action
from credit.domain.errors import DrawRefused, LineRefused
from credit.domain.line import Event, Happened, State, line_id, moved, state_on
from credit.domain.policy.rules import Outcome
from credit.domain.windows import months_after

if TYPE_CHECKING:
    from credit.domain.record import Record
    from data.book.turns import Request

LENT = ("turnover_line", "contract_loan")


def accept(home: Home, decision_id: str, *, who: str, key: str | None = None) -> dict[str, Any]:
    """Begin the line that a granted decision offers; accepted again, the same line is the answer.

    It is decided once more as known today, for others may have drawn on the same pools since. Raises UnknownDecision,
    LineRefused, LimitExceeded or KeyTaken.
    """
    refuse(home, Action.DECIDE, who)
    line, asked = line_id(decision_id), booking.request("line accept", {"decision": decision_id}, who=who, key=key)
    with home.decisions().one_at_a_time():
        if home.book().answered(asked) is None and not events(home, line):
            _close_ended(home, decision_row(home, decision_id)["supplier_id"], who=who)
            _refuse_second(home, decision_id)
            begun, again = _granted(home, line, decision_id, Event.ACCEPTED, who=who, text="accepted")
            _store(home, begun, asked, again=again)
    return shown(home, line)


def renew(home: Home, line: str, decision_id: str, *, who: str, key: str | None = None) -> dict[str, Any]:
    """Go on with a line by a new decision on the same question. Raises UnknownDecision, LineRefused, LimitExceeded."""
    refuse(home, Action.DECIDE, who)
    asked = booking.request("line renew", {"line": line, "decision": decision_id}, who=who, key=key)
    with home.decisions().one_at_a_time():
        if home.book().answered(asked) is None:
            there = _known(home, line)
            moved(state_on(there, day_of(now())), Event.RENEWED)
            if _lines_by(home, decision_id):
                raise LineRefused(f"a line stands on {decision_id} already", hint="`credit line decide` first")
            event, again = _granted(home, line, decision_id, Event.RENEWED, who=who, text=f"renewed by {decision_id}")
            was, will = ((each.supplier_id, each.contract_id, each.product) for each in (there[-1], event))
            if was != will:
                raise LineRefused(
                    f"{decision_id} is no new decision on what {line} was granted for",
                    hint="`credit line decide` first",
                )
            _store(home, event, asked, again=again)
    return shown(home, line)


def suspend(home: Home, line: str, why: str, *, who: str, key: str | None = None) -> dict[str, Any]:
    """Stop all draws on a line. Raises LineRefused."""
    refuse(home, Action.SUSPEND, who)
    return _happens(home, line, Event.SUSPENDED, why, who=who, key=key)


def resume(home: Home, line: str, why: str, *, who: str, key: str | None = None) -> dict[str, Any]:
    """Let a suspended line be drawn on again: not by who suspended it. Raises LineRefused or NotAuthorised."""
    refuse(home, Action.JUDGE, who)
    return _happens(home, line, Event.RESUMED, why, who=who, key=key)


def close(home: Home, line: str, why: str, *, who: str, key: str | None = None) -> dict[str, Any]:
    """End a line for good: what is drawn is still repaid, and is all that it takes of its pools. Raises LineRefused.

    What is reserved and was not paid out lapses.
    """
    refuse(home, Action.SUSPEND, who)
    return _happens(home, line, Event.CLOSED, why, who=who, key=key)


_VERBS = {Event.SUSPENDED: "suspend", Event.RESUMED: "resume", Event.CLOSED: "close"}


def _happens(home: Home, line: str, kind: Event, why: str, *, who: str, key: str | None) -> dict[str, Any]:
    if not why.strip():
        raise LineRefused("it has to be said why", hint='--why "…"')
    asked = booking.request(f"line {_VERBS[kind]}", {"line": line, "why": why}, who=who, key=key)
    with home.decisions().one_at_a_time():
        if home.book().answered(asked) is None:
            there, today = _known(home, line), day_of(now())
            moved(state_on(there, today), kind)
            if kind is Event.RESUMED and there[-1].who == who:
                raise LineRefused(f"{who} suspended {line}", hint="another person looks at it and resumes it")
            happened = replace(there[-1], kind=kind, starts_on=today, at=asked.at, who=who, text=why)
            _store(home, happened, asked)
    return shown(home, line)


def _store(home: Home, event: Happened, asked: Request, *, again: Record | None = None) -> None:
    """Book what happened to a line; with the decision of today, where it begins or goes on by one."""
    about = booking.about(again) if again else {}
    pools = booking.pools(home, again) if again else {}
    home.book().line_happens(asked, event, about=about, pools=pools)


def close_ended(home: Home, *, who: str) -> list[str]:
    """Close all lines whose last day is over; answers them."""
    refuse(home, Action.SUSPEND, who)
    with home.decisions().one_at_a_time():
        return _close_ended(home, None, who=who)


def _close_ended(home: Home, supplier_id: str | None, *, who: str) -> list[str]:
    """Close the lines of a supplier, or all, whose last day is over, so that they take no more than what is drawn."""
    today, closed = day_of(now()), []
    for there in of_supplier(home, supplier_id):
        if state_on(there, today) is State.ENDED:
            line, at = there[-1].line_id, now().isoformat()
            over = replace(there[-1], kind=Event.CLOSED, starts_on=today, at=at, who=who, text="ended")
            _store(home, over, booking.request("line close", {"line": line, "why": "ended"}, who=who, key=None))
            closed.append(line)
    return closed


def _granted(home: Home, line: str, decision_id: str, kind: Event, *, who: str, text: str) -> tuple[Happened, Record]:
    """The event of a line that begins or goes on by a decision, and the decision made today.

    Raises UnknownDecision or LineRefused.
    """
    record, again = granted_today(home, decision_id, LENT, LineRefused)
    asked, today = record["application"], day_of(now())
    event = Happened(
        line_id=line,
        kind=kind,
        decision_id=decision_id,
        supplier_id=asked["supplier_id"],
        contract_id=asked["contract_id"],
        product=record["product"]["name"],
        limit_fen=record["amount_fen"],
        yearly_rate_bp=record["yearly_rate_bp"],
        starts_on=today,
        ends_on=months_after(today, record["tenor_months"]),
        at=now().isoformat(),
        who=who,
        text=text,
    )
    return event, again


def check_draw(home: Home, line: str, amount_fen: int, *, looked_up: Collection[str] = ()) -> dict[str, Any]:
    """Whether a draw of an amount would be let through today, with every reason against it; nothing is stored.

    The line is active, the amount within what is left of its limit, and policy, asked anew on what is known by now,
    neither declines or refers the supplier nor leaves less. What has to be met before money is paid out is met, or
    `looked_up` where no feed says it.
    """
    from data.facts import drawn_since

    there, today = _known(home, line), day_of(now())
    last, state = there[-1], state_on(there, today)
    against = []
    if state is not State.ACTIVE:
        against.append(f"the line is {state.value.lower()}")
    # A bank that lends by its own book tells of its draws, but not on which line: they count where ours are fewer.
    told = drawn_since(home.ledger(), last.supplier_id, there[0].starts_on, today)
    used = max(home.book().used(line, today), told)
    owed = max(home.book().outstanding(line, today), told)
    if amount_fen > last.limit_fen - used:
        against.append(
            f"the amount is above what is left of the limit, {cny(max(last.limit_fen - used, 0))}: {cny(used)} of "
            f"{cny(last.limit_fen)} are reserved or drawn"
        )
    record = record_of(last.decision_id, decision_row(home, last.decision_id)["record"])
    again = decided_by_now(home, record)
    # What was repaid of a loan out of its receivable is not lent any more, though it cannot be drawn again.
    against += against_granting(record, again, owed + amount_fen)
    precedent = (again["conditions"] or {}).get("precedent", [])
    if again["outcome"] != Outcome.DECLINE.name:
        _refuse_strange(precedent, looked_up)
    to_look_up = [each for each in precedent if each["met"] is None and each["code"] not in looked_up]
    not_met = [each for each in precedent if each["met"] is not None and not each["met"]]
    against += [f"{each['code']}: {each['en']}, not met yet" for each in not_met]
    against += [f"{each['code']}: {each['en']}, which no feed says and is to be looked up" for each in to_look_up]
    return {
        "line_id": line,
        "amount_fen": amount_fen,
        "on": str(today),
        "allowed": not against,
        "against": against,
        "to_look_up": [each["code"] for each in to_look_up],
    }


def _refuse_strange(precedent: list[dict[str, Any]], looked_up: Collection[str]) -> None:
    """Raise DrawRefused where somebody looked up what is no condition, or what a feed says."""
    may = [each["code"] for each in precedent if each["met"] is None]
    if strange := sorted(set(looked_up) - set(may)):
        raise DrawRefused(
            f"{strange[0]} is nothing that is looked up before this draw",
            hint="what is: " + (", ".join(may) or "nothing"),
        )


def _refuse_second(home: Home, decision_id: str) -> None:
    """Raise LineRefused where a line stands on the same question: two would each have the whole limit."""
    asked, today = decision_row(home, decision_id), day_of(now())
    gone_on_as = home.ledger().gone_on_as(today)

    def question(supplier: str, contract: str | None, product: str) -> tuple[str, str | None, str]:
        # A line that was granted to another id of the firm is the firm's.
        return gone_on_as.get(supplier, supplier), contract, product

    wanted = question(asked["supplier_id"], asked["contract_id"], asked["product"])
    for each in of_supplier(home, None):
        same = question(each[-1].supplier_id, each[-1].contract_id, each[-1].product) == wanted
        if not same:
            continue
        if state_on(each, today) is State.CLOSED and (owed := home.book().outstanding(each[-1].line_id, today)):
            raise LineRefused(
                f"{cny(owed)} are still owed on {each[-1].line_id}, which was granted on the same question",
                hint="what is owed is repaid first: it is not left of a new line",
            )
        if state_on(each, today) not in (State.ENDED, State.CLOSED):
            raise LineRefused(
                f"{each[-1].line_id} stands on what {decision_id} was asked for",
                hint=f"`credit line renew {each[-1].line_id} --decision {decision_id}`",
            )


def _lines_by(home: Home, decision_id: str) -> list[str]:
    """The lines that a decision was accepted or renewed for."""
    supplier = decision_row(home, decision_id)["supplier_id"]
    return [
        each[0].line_id for each in of_supplier(home, supplier) if decision_id in {event.decision_id for event in each}
    ]


def events(home: Home, line: str) -> list[Happened]:
    """What happened to a line, in order."""
    return [Happened(**{**row, "kind": Event(row["kind"])}) for row in home.decisions().line_events(line_id=line)]


def _known(home: Home, line: str) -> list[Happened]:
    found = events(home, line)
    if not found:
        raise LineRefused(
            f"there is no line {line!r}", hint="`credit line list` lists them; `credit line accept` begins one"
        )
    return found


def shown(home: Home, line: str) -> dict[str, Any]:
    """A line as it is today, with all that happened to it. Raises LineRefused."""
    return _document(home, _known(home, line), day_of(now()))


def _document(home: Home, there: list[Happened], today: date) -> dict[str, Any]:
    last = there[-1]
    terms = asdict(last)
    kept = ("line_id", "supplier_id", "contract_id", "product", "decision_id", "limit_fen", "yearly_rate_bp")
    return {
        **{name: terms[name] for name in kept},
        "state": state_on(there, today).value,
        "since": str(there[0].starts_on),
        "ends_on": str(last.ends_on),
        "used_fen": home.book().used(last.line_id, today),
        "events": [
            {
                "at": each.at,
                "kind": each.kind.value,
                "who": each.who,
                "text": each.text,
                "decision_id": each.decision_id,
            }
            for each in there
        ],
    }


def listed(home: Home, supplier_id: str | None) -> list[dict[str, Any]]:
    """The lines of a supplier, or all, as they are today."""
    today = day_of(now())
    return [_document(home, there, today) for there in of_supplier(home, supplier_id)]


def of_supplier(home: Home, supplier_id: str | None) -> list[list[Happened]]:
    """What happened to each line of a supplier, or of all."""
    by_line: dict[str, list[Happened]] = {}
    for row in home.decisions().line_events(supplier_id=supplier_id):
        by_line.setdefault(row["line_id"], []).append(Happened(**{**row, "kind": Event(row["kind"])}))
    return list(by_line.values())
