"""What the book itself shows to have gone wrong on lines since they began: its draws past due, its guarantees called.

The rules are those of `credit/domain/alerts.py`, and the columns those of what the ledger tells (FOUND of
`data/early_warnings.py`). A line is asked about as known on the day and as known when it began: what was known then was
judged by the decision that began it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from typing import Any

import pandas as pd
from sqlalchemy import select

from credit.domain.draws import DrawEvent, DrawHappened, DrawState
from credit.domain.guarantee import Event
from data.book.book import draw_event_of, draw_folded
from data.book.guarantees import guarantee_event_of
from data.book.opening import Store
from data.book.subjects import DRAW, GUARANTEE, Subject, subjects_where
from data.book.tables import LOG, SUBJECTS
from data.early_warnings import FOUND

OVERDUE, CALLED, CALLED_ELSEWHERE = "EW-OVERDUE", "EW-CALLED", "EW-CALLED-ELSEWHERE"
# Most variables that one statement may carry in SQLite.
_CHUNK = 500

# The day in China that a moment of the log, in UTC, falls on.
DayOf = Callable[[str], date]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An entry of the log about a draw or a guarantee: what it says, and on which day that was known."""

    body: Mapping[str, Any]
    known_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """What went wrong: its id, the same on every day, and when it happened and was known."""

    about: str
    happened_on: date
    known_on: date
    records: tuple[str, ...]
    observed: int | None = None


def found_in_book(
    store: Store,
    lines: pd.DataFrame,
    as_of: date,
    terms: Mapping[str, Any],
    *,
    day_of: DayOf,
    gone_on_as: Mapping[str, str],
) -> pd.DataFrame:
    """What the book knew on a day to have gone wrong since each line began: a row a finding, the columns of FOUND.

    `lines` has line_id, supplier_id, contract_id and since, as for the ledger. `gone_on_as` are the ids of firms that
    others have gone on as: what was lent to another id of a firm is the firm's. The first of a finding's records is the
    draw or the guarantee.
    """

    def firm(supplier_id: str) -> str:
        return gone_on_as.get(supplier_id, supplier_id)

    asked = [each for each in lines.to_dict("records") if each["since"] < as_of]
    signs = _Signs(store, {firm(each["supplier_id"]) for each in asked}, as_of, firm=firm, day_of=day_of)
    rows = []
    for line in asked:
        for own in signs.of.get(firm(line["supplier_id"]), []):
            told, days = signs.told[own.subject_id], (line["since"], as_of)
            here = _overdue(own, told, *days, terms["past_due_days"]) if own.kind == DRAW else _called(own, told, *days)
            rows += [_row(line, own, sign) for sign in here]
    found = pd.DataFrame(rows, columns=list(FOUND))
    return found.sort_values(["line_id", "about"], kind="stable", ignore_index=True)


def _row(line: Mapping[Any, Any], own: Subject, sign: _Sign) -> tuple[Any, ...]:
    rule = OVERDUE
    if own.kind == GUARANTEE:
        # A line that is granted on the whole record is warned of every contract.
        is_its_own = pd.isna(line["contract_id"]) or line["contract_id"] == own.contract_id
        rule = CALLED if is_its_own else CALLED_ELSEWHERE
    table = f"{own.kind}s"
    when = (sign.happened_on, sign.known_on)
    return (line["line_id"], rule, sign.about, table, list(sign.records), own.contract_id, *when, sign.observed)


class _Signs:
    """The draws and guarantees of some firms that a sign can be read off, by firm, and all that was told of each."""

    def __init__(
        self, store: Store, firms: set[str], as_of: date, *, firm: Callable[[str], str], day_of: DayOf
    ) -> None:
        self.of: dict[str, list[Subject]] = {}
        self.told: dict[str, list[_Told]] = {}
        if not firms:
            return
        # What has ended can be late on an earlier day, or where it was written off; what is nil or lapsed was called.
        since = select(LOG.c.subject_id).where((LOG.c.at >= as_of.isoformat()) | (LOG.c.kind == "DRAW_WRITTEN_OFF"))
        demanded = select(LOG.c.subject_id).where(LOG.c.kind == "GUARANTEE_DEMANDED")
        late = (SUBJECTS.c.kind == DRAW) & (SUBJECTS.c.is_open | SUBJECTS.c.subject_id.in_(since))
        called = (SUBJECTS.c.kind == GUARANTEE) & SUBJECTS.c.subject_id.in_(demanded)
        with store.reading() as con:
            for each in subjects_where(con, late | called):
                if firm(each.supplier_id) in firms:
                    self.of.setdefault(firm(each.supplier_id), []).append(each)
                    self.told[each.subject_id] = []
            ids = list(self.told)
            for start in range(0, len(ids), _CHUNK):
                query = select(LOG.c.subject_id, LOG.c.body, LOG.c.at).where(
                    LOG.c.subject_id.in_(ids[start : start + _CHUNK])
                )
                for row in con.execute(query.order_by(LOG.c.partition, LOG.c.sequence)):
                    self.told[row.subject_id].append(_Told(body=json.loads(row.body), known_on=day_of(row.at)))


def _until(told: Sequence[_Told], day: date) -> list[_Told]:
    """What was known by a day, of what the log says in its order."""
    return list(takewhile(lambda each: each.known_on <= day, told))


# -- draws


def _overdue(own: Subject, told: Sequence[_Told], since: date, as_of: date, past_due_days: int) -> list[_Sign]:
    """That a draw is past due, or was written off, unless that was known when the line began."""
    now, before = (_late(own, _until(told, day), day, past_due_days) for day in (as_of, since))
    return [] if now is None or (before is not None and before.about == now.about) else [now]


def _late(own: Subject, told: Sequence[_Told], day: date, past_due_days: int) -> _Sign | None:
    """That a draw was late on a day, by what was told until then; None where it was not."""
    events = [draw_event_of(each.body) for each in told]
    draw, begun = draw_folded(own, events).counted(day), _begun(events)
    late_on = max(draw.terms.due_on + timedelta(days=past_due_days), begun.on)
    is_lost = draw.state is DrawState.WRITTEN_OFF
    if is_lost and events[-1].on < late_on:
        # Who writes off what is not late yet has learned that nothing comes.
        happened_on, known_on = events[-1].on, told[-1].known_on
    elif is_lost or (draw.state is DrawState.POSTED and draw.days_past_due(day) >= past_due_days):
        happened_on, known_on = late_on, told[begun.place].known_on
    else:
        return None
    return _Sign(
        about=own.subject_id if begun.again is None else f"{own.subject_id}/{begun.again}",
        happened_on=happened_on,
        known_on=max(happened_on, known_on),
        records=(own.subject_id,),
        observed=max((day - draw.terms.due_on).days, 0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """Since when a draw has been owed: the place and day of what began that, and the repayment that was taken back."""

    place: int = 0
    on: date = date.min
    again: str | None = None


def _begun(events: Iterable[DrawHappened]) -> _Begun:
    """A draw that was repaid whole and whose repayment was taken back is owed anew, and is late anew."""
    begun, was_settled = _Begun(), False
    for place, event in enumerate(events):
        if event.kind is DrawEvent.POSTED:
            begun = _Begun(place=place, on=event.on)
        elif event.kind is DrawEvent.REVERSED and was_settled:
            begun = _Begun(place=place, on=event.on, again=event.repayment_id)
        was_settled = event.kind is DrawEvent.SETTLED
    return begun


# -- guarantees


def _called(own: Subject, told: Sequence[_Told], since: date, as_of: date) -> list[_Sign]:
    """The demands on a guarantee that came to be known since a line began, and the payments of those known before.

    What was taken back, or met by an extension, asks for nothing; a guarantee that was given back is called no more.
    """
    events = [(guarantee_event_of(each.body), each.known_on) for each in _until(told, as_of)]
    if any(event.kind in (Event.RELEASED, Event.EXPIRED) for event, _ in events):
        return []
    met = {event.demand_id for event, _ in events if event.kind in (Event.WITHDRAWN, Event.EXTENDED)}
    known = {event.demand_id for event, day in events if event.kind is Event.DEMANDED and day <= since}
    found = []
    for event, day in events:
        is_new = event.kind is Event.DEMANDED or (event.kind is Event.PAID and event.demand_id in known)
        if not is_new or day <= since or event.demand_id in met:
            continue
        demand = str(event.demand_id)
        about = demand if event.kind is Event.DEMANDED else f"{demand}/{event.kind.value}"
        found.append(_Sign(about=about, happened_on=event.on, known_on=day, records=(own.subject_id, demand)))
    return found
