"""Whether a granted decision would still be granted: what comes before a line begins or a guarantee is issued."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

from credit.app.clock import day_of, now
from credit.app.deciding import record_of
from credit.app.home import Home
from credit.app.judging import GRANTING, decided_today, decision_row
from credit.domain.amounts import cny
from credit.domain.authority import open_findings
from credit.domain.errors import CreditError
from credit.domain.policy.rules import Outcome

if TYPE_CHECKING:
    from credit.domain.record import Record


def granted_today(
    home: Home, decision_id: str, products: Collection[str], error: type[CreditError]
) -> tuple[Record, Record]:
    """The record of a decision that grants one of these products, and the same question decided today.

    Raises UnknownDecision, and `error` where it grants nothing such, was superseded, has lapsed, was of an id that the
    supplier no longer goes by, or would not be granted today.
    """
    record, today = record_of(decision_id, decision_row(home, decision_id)["record"]), day_of(now())
    if record["product"]["name"] not in products or record["outcome"] not in [each.name for each in GRANTING]:
        raise error(
            f"{decision_id} grants nothing such: {record['outcome']} of a {record['product']['en']}",
            hint="what is referred is granted first: `credit decision approve`",
        )
    if home.decisions().superseding([decision_id]):
        raise error(f"{decision_id} was superseded", hint="`credit decision list` shows what stands")
    if date.fromisoformat(record["valid_until"]) < today:
        raise error(f"{decision_id} lapsed on {record['valid_until']}", hint="ask again: `credit line decide`")
    gone_on_as = home.ledger().gone_on_as(today)
    if (supplier := record["application"]["supplier_id"]) in gone_on_as:
        raise error(
            f"{supplier} was found to be another id of a supplier",
            hint=f"it goes on as {gone_on_as[supplier]}: ask again",
        )
    again = decided_by_now(home, record)
    if against := against_granting(record, again, record["amount_fen"]):
        raise error(
            f"decided today, {decision_id} would not be granted: {'; '.join(against)}",
            hint="ask again: `credit line decide`",
        )
    return record, again


def against_granting(record: Record, again: Record, amount_fen: int) -> list[str]:
    """What speaks against an amount by the question decided again: what was found since, and a limit that is less.

    What was found already when the decision was made was judged then.
    """
    said = []
    if again["outcome"] == Outcome.DECLINE.name:
        refused = [each["rule"] for each in again["findings"] if each["outcome"] == Outcome.DECLINE.name]
        return ["policy declines the supplier today: " + ", ".join(refused)]
    if new := [each for each in open_findings(again) if each not in open_findings(record)]:
        said.append("policy refers the supplier today: " + ", ".join(new))
    if again["amount_fen"] < amount_fen:
        said.append(f"policy leaves {cny(again['amount_fen'])} today")
    return said


def decided_by_now(home: Home, record: Record) -> Record:
    """The question of a decision decided on the newest history up to today, and beside what stands by now."""
    return decided_today(home, {**record, "as_of": str(_newest_day(home, record))})


def _newest_day(home: Home, record: Record) -> date:
    from credit.app.policies import pack_named

    pack = pack_named(home, record["policy"]["pack"])
    known = min(home.ledger().last_day(pack.tier), day_of(now()))
    return max(known, date.fromisoformat(record["as_of"]))
