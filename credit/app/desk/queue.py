"""What waits for a person: referred decisions and open alerts, the largest exposure first, of those the oldest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from credit.app import exposing
from credit.app.clock import day_of, now, span_of
from credit.app.deciding import record_of
from credit.app.home import Home
from credit.app.language import words
from credit.app.policies import authority_terms
from credit.app.roles import role_of
from credit.domain.amounts import cny
from credit.domain.authority import (
    PEOPLE,
    Action,
    Role,
    exposure_after,
    level_for,
    open_findings,
    refuse_level,
    refuse_person,
    refuse_without,
)
from credit.domain.errors import NotAuthorised

if TYPE_CHECKING:
    from credit.domain.record import Record

CASE, ALERT = "case", "alert"
KINDS = (CASE, ALERT)
GRANT, DECLINE, SETTLE = "grant", "decline", "settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that waits.

    `exposure_fen` is what the group would owe with a case, as it was decided, or has of us by the book, for an alert.
    `may` is the most that who asks may do with it, `against` why that is not all, `level` the first that may grant a
    case. What was passed on says to whom, by whom and why.
    """

    kind: str
    item_id: str
    supplier_id: str
    contract_id: str | None
    about: str
    severity: str
    rules: tuple[str, ...]
    exposure_fen: int
    amount_fen: int | None
    since: str
    days: int
    due_on: str
    maker: str | None
    level: str | None
    may: str | None
    against: str | None
    passed: Mapping[str, Any] | None

    @property
    def order(self) -> tuple[int, int, str]:
        """What comes first: the larger exposure, then the longer wait."""
        return -self.exposure_fen, -self.days, self.item_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """All that waited at the end of a day, the one `asked` for or the last, and who looks."""

    asked: date | None
    as_of: date
    booked_on: date
    who: str
    role: Role | None
    items: tuple[Item, ...]

    def chosen(self, *, kind: str | None = None, mine: bool = False) -> tuple[Item, ...]:
        """Those of one kind, and those that who looks may do all with that there is to do."""
        return tuple(
            each for each in self.items if (kind in (None, each.kind)) and (not mine or is_mine(each, self.role))
        )


def is_mine(item: Item, role: Role | None) -> bool:
    """Whether nothing is against somebody's dealing with it, and it was not passed on to those above them."""
    if role not in PEOPLE or item.against is not None:
        return False
    return item.passed is None or PEOPLE.index(role) >= PEOPLE.index(Role(item.passed["to"]))


def queue(home: Home, as_of: date | None, *, who: str) -> Queue:
    """What waits, as the book knew it at the end of a day, by default of today. Raises EmptyLedger.

    Groups of firms are those that the ledger knows on that day, or on its last one.
    """
    today = day_of(now())
    known, booked_on = as_of or min(home.ledger().last_day(), today), as_of or today
    role = role_of(home, who)
    found = [*_cases(home, booked_on, who, role), *_alerts(home, booked_on, who, role)]
    return Queue(
        asked=as_of,
        as_of=known,
        booked_on=booked_on,
        who=who,
        role=role,
        items=tuple(sorted(found, key=lambda each: each.order)),
    )


def document(found: Queue, *, kind: str | None = None, mine: bool = False) -> dict[str, Any]:
    """The queue for those who script."""
    return {
        "as_of": str(found.as_of),
        "booked_on": str(found.booked_on),
        "who": found.who,
        "role": found.role.value if found.role else None,
        "items": [asdict(each) for each in found.chosen(kind=kind, mine=mine)],
    }


def _cases(home: Home, on: date, who: str, role: Role | None) -> Iterable[Item]:
    store, (_, ends) = home.decisions(), span_of(on)
    terms = authority_terms(home, on)
    found = [
        _case(row, record_of(row["decision_id"], row["record"]), on, terms, who, role)
        for row in store.referred(on, before=ends.isoformat())
    ]
    passed = store.passed_on([each["item_id"] for each in found], before=ends.isoformat())
    return [Item(**each, passed=passed.get(each["item_id"])) for each in found]


def _case(
    row: Mapping[str, Any], record: Record, on: date, terms: Mapping[str, Any], who: str, role: Role | None
) -> dict[str, Any]:
    level = level_for(record, terms)
    may, against = _may_judge(row, record, terms, who, role)
    since = day_of(datetime.fromisoformat(row["decided_at"]))
    return {
        "kind": CASE,
        "item_id": row["decision_id"],
        "supplier_id": row["supplier_id"],
        "contract_id": row["contract_id"],
        "about": words(record["product"]["zh"], record["product"]["en"]),
        "severity": record["outcome"],
        "rules": tuple(open_findings(record)),
        "exposure_fen": exposure_after(record, record["amount_fen"]),
        "amount_fen": record["amount_fen"],
        "since": str(since),
        "days": (on - since).days,
        "due_on": str(row["valid_until"]),
        "maker": row["maker"],
        "level": level.value if level else None,
        "may": may,
        "against": against,
    }


def _may_judge(
    row: Mapping[str, Any], record: Record, terms: Mapping[str, Any], who: str, role: Role | None
) -> tuple[str | None, str | None]:
    """The most that somebody may make of a case, and what is against more; where nothing can be granted, a decline."""
    try:
        refuse_person(record, role, who, maker=row["maker"])
    except NotAuthorised as refused:
        return None, refused.message
    if not record["amount_fen"]:
        return DECLINE, None
    try:
        refuse_level(record, role or PEOPLE[0], exposure_after(record, record["amount_fen"]), terms)
    except NotAuthorised as refused:
        return DECLINE, refused.message
    return GRANT, None


def _alerts(home: Home, on: date, who: str, role: Role | None) -> Iterable[Item]:
    _, ends = (each.isoformat() for each in span_of(on))
    waiting = [
        each
        for each in home.alerts().listed(open_only=False)
        if each["found_at"] < ends and (each["settled_at"] is None or each["settled_at"] >= ends)
    ]
    if not waiting:
        return []
    held = exposing.of_groups(home, [each["supplier_id"] for each in waiting], on)
    against = None
    try:
        refuse_without(role, Action.JUDGE, who)
    except NotAuthorised as refused:
        against = refused.message
    return [_alert(each, on, held[each["supplier_id"]], against) for each in waiting]


def _alert(alert: Mapping[str, Any], on: date, exposure_fen: int, against: str | None) -> Item:
    from credit.domain.alerts import rule_named

    rule = rule_named(alert["rule"])
    return Item(
        kind=ALERT,
        item_id=alert["alert_id"],
        supplier_id=alert["supplier_id"],
        contract_id=alert["contract_id"],
        about=words(rule.zh, rule.en),
        severity=alert["severity"],
        rules=(alert["rule"],),
        exposure_fen=exposure_fen,
        amount_fen=None,
        since=str(alert["raised_on"]),
        days=(on - alert["raised_on"]).days,
        due_on=str(alert["due_on"]),
        maker=None,
        level=None,
        may=None if against else SETTLE,
        against=against,
        passed=None,
    )


def closed_since(home: Home, item: Item) -> str | None:
    """Why an item of a queue waits no more at this moment, if it does not: what somebody else has made of it."""
    if item.kind == ALERT:
        now_is = next(each for each in home.alerts().listed(open_only=False) if each["alert_id"] == item.item_id)
        if now_is["settled_at"] is None:
            return None
        return f"{now_is['settled_by']} has settled it: {now_is['outcome']}, {now_is['text']}"
    store, (_, ends) = home.decisions(), span_of(day_of(now()))
    if any(store.referred(date.fromisoformat(item.since), before=ends.isoformat(), decision_id=item.item_id)):
        return None
    judged = store.superseding([item.item_id]).get(item.item_id)
    if judged is None:
        return "it was asked anew since; the newer answer stands"
    made = record_of(*judged)
    return f"{made['judgement']['by']} has judged it: {made['outcome']} with {cny(made['amount_fen'])}"
