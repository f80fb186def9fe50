"""Who may decide what: roles, levels by exposure and by distance to the cut-off, and what an override has to say.

Authority is over the total exposure of the connected group (DOMAIN 5.5), existing and granted. The engine enforces it
before anything is written; it does not report a breach afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from credit.domain.amounts import cny
from credit.domain.errors import NotAuthorised
from credit.domain.policy.rules import Outcome
from credit.domain.record import Record, decision_id, said


class Role(StrEnum):
    """What somebody is to the engine."""

    ANALYST = "analyst"
    SENIOR = "senior"
    COMMITTEE = "committee"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What somebody does that not everybody may; to read is everybody's, but for what names a person."""

    DECIDE = "decide"
    JUDGE = "judge"
    SUSPEND = "suspend a line"
    BOOK = "book draws, repayments and guarantees"
    REVERSE = "take a repayment back, or write off a draw"
    AUDIT = "seal the log"
    DISPUTE = "record a dispute"
    TRAIN = "train a model"
    PROMOTE = "promote a model"
    EXPORT = "write bank files"
    FEEDBACK = "import a bank's feedback"
    CONSENT = "record a consent"
    IMPORT = "import history"
    ERASE = "erase the names of a supplier"
    ACCOUNT = "record what became of a collection account"
    NIGHT = "run a night"
    ACCEPT = "accept what stopped a night"
    NAMES = "read the names of suppliers"


PEOPLE = (Role.ANALYST, Role.SENIOR, Role.COMMITTEE)
MAY: Mapping[Action, tuple[Role, ...]] = {
    Action.DECIDE: (*PEOPLE, Role.OPERATOR),
    Action.JUDGE: PEOPLE,
    Action.SUSPEND: (*PEOPLE, Role.OPERATOR),
    Action.BOOK: (Role.OPERATOR, *PEOPLE),
    Action.REVERSE: (Role.OPERATOR, Role.SENIOR, Role.COMMITTEE),
    Action.AUDIT: (Role.AUDITOR, Role.OPERATOR),
    Action.DISPUTE: PEOPLE,
    Action.TRAIN: PEOPLE,
    Action.PROMOTE: (Role.SENIOR, Role.COMMITTEE),
    Action.EXPORT: (Role.OPERATOR,),
    Action.FEEDBACK: (Role.OPERATOR,),
    # A firm signs or revokes with whom it deals, and what it revoked binds at once: nobody waits for an operator.
    Action.CONSENT: (*PEOPLE, Role.OPERATOR),
    Action.IMPORT: (Role.OPERATOR,),
    Action.ERASE: (Role.OPERATOR,),
    Action.ACCOUNT: (Role.OPERATOR,),
    Action.NIGHT: (Role.OPERATOR,),
    Action.ACCEPT: (Role.OPERATOR, Role.SENIOR, Role.COMMITTEE),
    Action.NAMES: PEOPLE,
}


class Code(StrEnum):
    """Why a person decides otherwise than the engine."""

    MITIGANT = "MITIGANT"
    DATA_ERROR = "DATA_ERROR"
    STRATEGIC = "STRATEGIC"
    TIGHTENING = "TIGHTENING"


# What binds where a person granted less than the limits leave, or nothing.
BY_PERSON = "LIM-person"
# What asks for a person and nothing more: to grant what it refers overrides no finding.
ASKS_FOR_A_PERSON = ("R-AUTHORITY", "R-REVIEW")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person made of a decision: the outcome and the amount, and where it overrides the engine, why.

    An override names a code, says it in words, points at evidence, and lapses on a day.
    """

    by: str
    role: Role
    at: str
    outcome: Outcome
    amount_fen: int
    code: Code | None = None
    text: str = ""
    evidence: str = ""
    lapses_on: date | None = None

    def said(self) -> dict[str, Any]:
        """As the record keeps it."""
        return {
            "by": self.by,
            "role": self.role.value,
            "at": self.at,
            "outcome": self.outcome.name,
            "amount_fen": self.amount_fen,
            "code": self.code.value if self.code else None,
            "text": self.text,
            "evidence": self.evidence,
            "lapses_on": str(self.lapses_on) if self.lapses_on else None,
        }


def refuse_without(role: Role | None, action: Action, who: str) -> None:
    """Raise NotAuthorised where a role does not do such things."""
    if role is None or role not in MAY[action]:
        raise NotAuthorised(
            f"{who} may not {action.value}: {role or 'no role is given to that account'}",
            hint="it takes one of: " + ", ".join(MAY[action]) + "; roles.toml says who is what",
        )


def exposure_after(record: Record, amount_fen: int) -> int:
    """What the group would owe and be guaranteed for with this amount."""
    return int(record["inputs"]["group_exposure_fen"]) + amount_fen


def open_findings(record: Record) -> list[str]:
    """The rules that were not met or could not be answered."""
    return [each["rule"] for each in record["findings"] if each["finding"] in ("NOT_MET", "MISSING")]


def overrides(record: Record, judgement: Judgement) -> bool:
    """Whether a judgement overrides the engine: grants beside a finding, or gives less than the engine would."""
    grants = judgement.outcome in (Outcome.APPROVE, Outcome.REDUCE)
    if not grants:
        return bool(record["outcome"] != Outcome.DECLINE.name)
    less = judgement.amount_fen < record["amount_fen"]
    return less or any(code not in ASKS_FOR_A_PERSON for code in open_findings(record))


def refuse_judgement(
    record: Record, judgement: Judgement, terms: Mapping[str, Any], *, maker: str, again: Record, today: date
) -> None:
    """Raise NotAuthorised where a judgement is not this person's to make, or does not say what it has to.

    `terms` are the parameters of authority on the day: by level the largest exposure and the least points above the
    cut-off; `maker` is who asked for the decision. `again` is the same case decided today, which knows what others were
    granted since, and whether the consent still holds.
    """
    refuse_person(record, judgement.role, judgement.by, maker=maker)
    if judgement.outcome in (Outcome.APPROVE, Outcome.REDUCE):
        if date.fromisoformat(record["valid_until"]) < today:
            raise NotAuthorised(f"{record['decision_id']} lapsed on {record['valid_until']}", hint="ask again")
        refuse_grant(record, judgement, terms, again=again)
    if overrides(record, judgement):
        _refuse_bare_override(record, judgement)
    if judgement.lapses_on is not None and judgement.lapses_on < today:
        raise NotAuthorised(f"it would have lapsed on {judgement.lapses_on}", hint="--lapses names a day to come")


def refuse_person(record: Record, role: Role | None, who: str, *, maker: str) -> None:
    """Raise NotAuthorised where a decision is not this person's to judge, whatever the judgement."""
    refuse_without(role, Action.JUDGE, who)
    if who == maker:
        raise NotAuthorised(
            f"{maker} asked for {record['decision_id']} and cannot be the one who judges it",
            hint="maker and checker are two people",
        )
    if "judgement" in record:
        raise NotAuthorised(
            f"{record['decision_id']} is a judgement already", hint="a new request supersedes it; it is never edited"
        )


def refuse_level(record: Record, role: Role, exposure_fen: int, terms: Mapping[str, Any]) -> None:
    """Raise NotAuthorised where so much exposure of a group, or so few points above the cut-off, is another level's."""
    level = role.value
    most, points = int(terms["exposure_max_fen"][level]), terms["points_above_cut_off_min"][level]
    if exposure_fen > most:
        raise NotAuthorised(
            f"with this the group would owe {cny(exposure_fen)}, and {level} may grant up to {cny(most)}",
            hint="hand it to the next level: analyst, senior, committee",
        )
    if record["points_above_cut_off"] is not None and record["points_above_cut_off"] < points:
        raise NotAuthorised(
            f"the score is {record['points_above_cut_off']} points above the cut-off, and {level} decides from "
            f"{points:g} on",
            hint="hand it to the next level: analyst, senior, committee",
        )


def level_for(record: Record, terms: Mapping[str, Any]) -> Role | None:
    """The first level that may grant all that a decision is about; None where that is above all of them."""
    for role in PEOPLE:
        try:
            refuse_level(record, role, exposure_after(record, record["amount_fen"]), terms)
        except NotAuthorised:
            continue
        return role
    return None


def refuse_grant(record: Record, judgement: Judgement, terms: Mapping[str, Any], *, again: Record) -> None:
    """Raise NotAuthorised where so much may not be granted, whatever is said for it; the rest as `refuse_judgement` has
    it, with the record itself as `again` where nobody has decided it again yet."""
    knocked_out = [each["rule"] for each in record["findings"] if each["outcome"] == Outcome.DECLINE.name]
    if knocked_out:
        raise NotAuthorised(
            f"{record['decision_id']} was knocked out by {', '.join(knocked_out)}, which nobody here can override",
            hint="where a datum is wrong, have it corrected: `credit decision dispute`",
        )
    if not 0 < judgement.amount_fen <= record["amount_fen"]:
        raise NotAuthorised(
            f"{cny(judgement.amount_fen)} is not within what the limits of {record['decision_id']} leave, "
            f"{cny(record['amount_fen'])}",
            hint="a person may grant less than a limit and never more",
        )
    parameters = record["parameters"]
    step, least = int(parameters["rounding_step_fen"]), int(parameters.get("product_minimum_fen", 0))
    if judgement.amount_fen != record["amount_fen"] and (judgement.amount_fen % step or judgement.amount_fen < least):
        raise NotAuthorised(
            f"{cny(judgement.amount_fen)} is no amount of the product: whole steps of {cny(step)}, from {cny(least)} "
            "on",
            hint="name another --amount",
        )
    if "fee_fen" in (record["conditions"] or {}) and judgement.amount_fen != record["amount_fen"]:
        raise NotAuthorised(
            f"{record['decision_id']} is about a guarantee, which is given in full or not at all",
            hint="leave out --amount",
        )
    refuse_level(record, judgement.role, exposure_after(again, judgement.amount_fen), terms)
    if again["outcome"] == Outcome.DECLINE.name or again["amount_fen"] < judgement.amount_fen:
        raise NotAuthorised(
            f"decided today, {record['decision_id']} would be {again['outcome']} with {cny(again['amount_fen'])}: "
            "others were granted what it draws on, or a consent was taken back",
            hint="ask again, and judge the new decision",
        )


def _refuse_bare_override(record: Record, judgement: Judgement) -> None:
    wants = {
        "a code": judgement.code,
        "a text": judgement.text.strip(),
        "evidence": judgement.evidence.strip(),
        "a day on which it lapses": judgement.lapses_on,
    }
    lacking = [name for name, there in wants.items() if not there]
    if lacking:
        raise NotAuthorised(
            f"this overrides {record['decision_id']} ({', '.join(open_findings(record)) or record['outcome']}) "
            f"and lacks {', '.join(lacking)}",
            hint="--code " + "|".join(Code) + " --text … --evidence … --lapses YYYY-MM-DD",
        )


def judged(record: Record, judgement: Judgement) -> Record:
    """The record that a judgement makes of a decision: the same case, what was judged of it, and which it supersedes.

    A function of both, so that a replay of the decision and the same judgement give the same bytes.
    """
    grants = judgement.outcome in (Outcome.APPROVE, Outcome.REDUCE)
    amount_fen = judgement.amount_fen if grants else 0
    until = min(filter(None, (record["valid_until"], judgement.said()["lapses_on"])))
    body = {
        **{name: value for name, value in record.items() if name not in ("decision_id", "decided_at")},
        "outcome": judgement.outcome.name,
        "amount_fen": amount_fen,
        "bound_by": said(BY_PERSON) if amount_fen < record["amount_fen"] else record["bound_by"],
        "valid_until": until,
        **({} if grants else dict.fromkeys(("yearly_rate_bp", "subsidy_bp", "tenor_months", "conditions"))),
        "judgement": judgement.said(),
        "supersedes": record["decision_id"],
    }
    return {"decision_id": decision_id(body), "decided_at": judgement.at, **body}
