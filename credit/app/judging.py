"""People: who is what, what they make of decisions, and what applicants dispute."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import aftermath, exposures
from credit.app.booking import request
from credit.app.clock import day_of, now, span_of
from credit.app.deciding import decide, of_applicants, pinned_unchanged, record_of, row_of, supplier_tier
from credit.app.home import Home
from credit.app.policies import authority_terms
from credit.app.roles import refuse, role_of
from credit.domain.authority import (
    PEOPLE,
    Action,
    Code,
    Judgement,
    Role,
    judged,
    level_for,
    overrides,
    refuse_grant,
    refuse_judgement,
)
from credit.domain.errors import NotAuthorised, UnknownDecision, UnknownName
from credit.domain.policy.rules import Outcome

if TYPE_CHECKING:
    from credit.domain.record import Record

GRANTING = (Outcome.APPROVE, Outcome.REDUCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says of a decision; an amount that is not named is the whole of it."""

    outcome: Outcome
    amount_fen: int | None = None
    code: str | None = None
    text: str = ""
    evidence: str = ""
    lapses_on: date | None = None


def judge(home: Home, decision_id: str, said: Said, *, who: str, key: str | None = None) -> Record:
    """Judge a decision: store what a person makes of it, which supersedes it, and answer that record.

    The limits are looked at again, for others may have drawn on them since. Raises UnknownDecision, NotAuthorised or
    KeyTaken.
    """
    store = home.decisions()
    refuse(home, Action.JUDGE, who)
    verb = "approve" if said.outcome is Outcome.APPROVE else "override"
    arguments = {"decision": decision_id, **asdict(said), "outcome": said.outcome.name}
    asked = request(f"decision {verb}", arguments, who=who, key=key)
    with store.one_at_a_time():
        if known := home.book().answered(asked):
            return record_of(known["decision_id"], decision_row(home, known["decision_id"])["record"])
        row = decision_row(home, decision_id)
        made = _weighed(home, row, said, who=who)
        store.judge(asked, row_of(made, row["pack"], applied=row["applied"], maker=who))
    return made


def weighed(home: Home, decision_id: str, said: Said, *, who: str) -> Record:
    """What `judge` would make of a decision at this moment, of which nothing is stored; raises what it would."""
    refuse(home, Action.JUDGE, who)
    return _weighed(home, decision_row(home, decision_id), said, who=who)


def _weighed(home: Home, row: dict[str, Any], said: Said, *, who: str) -> Record:
    store, decision_id = home.decisions(), row["decision_id"]
    record = record_of(decision_id, row["record"])
    judgement = judgement_of(home, record, said, who=who)
    today = day_of(now())
    if store.superseding([decision_id]):
        raise NotAuthorised(f"{decision_id} was superseded", hint="`credit decision list` shows what stands")
    if any(each["decision_id"] == decision_id for each in store.line_events(supplier_id=row["supplier_id"])):
        raise NotAuthorised(f"a line stands on {decision_id}", hint="`credit line suspend` stops its draws")
    if home.guarantees().issued_by(decision_id):
        raise NotAuthorised(f"a guarantee was issued by {decision_id}", hint="it binds until it is given back")
    again = decided_today(home, record)
    terms = authority_terms(home, today)
    refuse_judgement(record, judgement, terms, maker=row["maker"], again=again, today=today)
    return judged(record, judgement)


def refuse_amount(home: Home, record: Record, said: Said, *, who: str) -> None:
    """Raise NotAuthorised where so much is not somebody's to grant, before they are asked why they would."""
    if said.outcome in GRANTING:
        terms = authority_terms(home, day_of(now()))
        refuse_grant(record, judgement_of(home, record, said, who=who), terms, again=record)


def judgement_of(home: Home, record: Record, said: Said, *, who: str) -> Judgement:
    """What somebody says of a decision as their judgement of it, whether it is theirs to make or not.

    Raises NotAuthorised where they judge nothing at all.
    """
    refuse(home, Action.JUDGE, who)
    role = role_of(home, who)
    assert role is not None
    return Judgement(
        by=who,
        role=role,
        at=now().isoformat(),
        outcome=said.outcome,
        amount_fen=_amount(record, said),
        code=Code(said.code) if said.code else None,
        text=said.text,
        evidence=said.evidence,
        lapses_on=said.lapses_on,
    )


def pass_on(
    home: Home, decision_id: str, text: str, *, to: str | None = None, who: str, key: str | None = None
) -> dict[str, Any]:
    """Pass a referred decision on to the level that may grant it, or to another one, with what they should know.

    It waits as before, and whoever may can judge it. Raises UnknownDecision, UnknownName, NotAuthorised, KeyTaken.
    """
    refuse(home, Action.JUDGE, who)
    arguments = {"decision": decision_id, "to": to, "text": text}
    asked = request("decision pass", arguments, who=who, key=key)
    if known := home.book().answered(asked):
        return known
    row = decision_row(home, decision_id)
    record = record_of(decision_id, row["record"])
    if record["outcome"] != Outcome.REFER.name:
        raise NotAuthorised(f"{decision_id} is {record['outcome']} and waits for nobody", hint="`credit desk --json`")
    if not text.strip():
        raise NotAuthorised("it has to be said why", hint='--text "…"')
    level = _level_named(to) if to else _level_after(home, row, record, who)
    return home.decisions().pass_on(asked, row, {"to": level.value, "text": text})


def _level_named(name: str) -> Role:
    if name not in list(PEOPLE):
        raise UnknownName(f"{name!r} judges nothing", hint="choose from " + ", ".join(PEOPLE))
    return Role(name)


def _level_after(home: Home, row: dict[str, Any], record: Record, who: str) -> Role:
    """The first level that may grant it: another person of one's own where one may not judge what one asked for.

    Raises NotAuthorised above the last.
    """
    own = role_of(home, who)
    least = PEOPLE.index(own) + (row["maker"] != who) if own in PEOPLE else 0
    found = level_for(record, authority_terms(home, day_of(now())))
    if found is None or least >= len(PEOPLE):
        raise NotAuthorised(
            f"{record['decision_id']} is above what the committee may grant, or with it already",
            hint="the bank itself decides; --to names a level all the same",
        )
    return PEOPLE[max(least, PEOPLE.index(found))]


def _amount(record: Record, said: Said) -> int:
    if said.outcome not in GRANTING:
        return 0
    return int(record["amount_fen"]) if said.amount_fen is None else said.amount_fen


def decided_today(home: Home, record: Record, *, requested_fen: int | None = None) -> Record:
    """The same case on the same history, with the consents, disputes and waits of today, beside what stands by now.

    Nothing of it is stored. With `requested_fen`, what would be answered had so much been asked for.

    Raises ModelMismatch where the model is no longer the one that the record says.
    """
    import pandas as pd

    ledger, moment = home.ledger(), now()
    pinned = replace(pinned_unchanged(home, record), decided_at=moment, ledger_version=ledger.version)
    gone_on_as = ledger.gone_on_as(day_of(moment), version=ledger.version)
    offers = exposures.standing(home.decisions().standing(pinned.as_of, day_of(moment)), gone_on_as)
    asked = {name: value for name, value in record["application"].items() if name != "beside"}
    if requested_fen is not None:
        asked["requested_fen"] = requested_fen
    applied = of_applicants(home.decisions(), pinned, pd.DataFrame([asked]))
    return decide(home, pinned, applied, offers=offers)[0]


def decision_row(home: Home, decision_id: str) -> dict[str, Any]:
    """The stored row of a decision. Raises UnknownDecision."""
    from data.nights import is_of_a_night

    row = home.decisions().row(decision_id)
    if row is None and is_of_a_night(decision_id):
        raise UnknownDecision(
            f"{decision_id} is the indicative answer of a night, which nobody was offered",
            hint="`credit decision show` says for whom; `credit line decide` asks for an offer",
        )
    if row is None:
        raise UnknownDecision(f"no decision {decision_id!r} is stored", hint="`credit decision list` shows what is")
    return row


def overridden(home: Home, *, on: date | None = None, version: int | None = None) -> dict[str, Any]:
    """The overrides: each with what became of it, and by person how many of their judgements override the engine.

    As it stood at the end of a day, by default of today.
    """
    on = on or day_of(now())
    store, ends = home.decisions(), span_of(on)[1].isoformat()
    judgements = [record_of(*each) for each in store.judgements()]
    judgements = [each for each in judgements if each["judgement"]["at"] < ends]
    before = {each["supersedes"]: record_of(each["supersedes"], decision_row(home, each["supersedes"])["record"])
              for each in judgements}  # fmt: skip
    rows, by_person, against = [], Counter[str](), Counter[str]()
    for each in judgements:
        said, engine = each["judgement"], before[each["supersedes"]]
        by_person[said["by"]] += 1
        if not overrides(engine, _of(said)):
            continue
        against[said["by"]] += 1
        rows.append(
            {
                "decision_id": each["decision_id"],
                "supplier_id": each["application"]["supplier_id"],
                **{name: said[name] for name in ("by", "role", "at", "code", "text", "evidence", "lapses_on")},
                "engine": engine["outcome"],
                "engine_fen": engine["amount_fen"],
                "judged": each["outcome"],
                "judged_fen": each["amount_fen"],
            }
        )
    most = float(authority_terms(home, on)["override_share_alert"])
    people = [
        {"by": who, "judgements": n, "overrides": against[who], "share": against[who] / n,
         "alert": against[who] / n > most}
        for who, n in sorted(by_person.items())
    ]  # fmt: skip
    later = aftermath.became(home, rows, on=on, version=version)
    return {"overrides": [{**row, "became": each} for row, each in zip(rows, later, strict=True)], "people": people}


def is_override(home: Home, record: Record) -> bool:
    """Whether a record is a judgement that overrides the engine."""
    if "judgement" not in record:
        return False
    engine = record_of(record["supersedes"], decision_row(home, record["supersedes"])["record"])
    return overrides(engine, _of(record["judgement"]))


def _of(said: dict[str, Any]) -> Judgement:
    """The judgement that a record keeps."""
    lapses = said["lapses_on"]
    return Judgement(
        by=said["by"],
        role=Role(said["role"]),
        at=said["at"],
        outcome=Outcome[said["outcome"]],
        amount_fen=said["amount_fen"],
        code=Code(said["code"]) if said["code"] else None,
        text=said["text"],
        evidence=said["evidence"],
        lapses_on=date.fromisoformat(lapses) if lapses else None,
    )


def judged_again(again: Record, stored: Record) -> Record:
    """What a stored judgement makes of a decision that was decided again."""
    return judged(again, _of(stored["judgement"]))


def dispute(home: Home, supplier: str, datum: str, text: str, *, who: str, key: str | None = None) -> dict[str, Any]:
    """Record that a supplier disputes a datum: until it is settled, a person decides on it.

    Raises UnknownSupplier, NotAuthorised, KeyTaken.
    """
    supplier_tier(home, supplier)
    refuse(home, Action.DISPUTE, who)
    arguments = {"supplier": supplier, "datum": datum, "text": text}
    return home.decisions().open_dispute(
        request("decision dispute", arguments, who=who, key=key), supplier, datum, text
    )


def settle(home: Home, number: int, *, upheld: bool, text: str, who: str, key: str | None = None) -> dict[str, Any]:
    """Settle a dispute: the datum was wrong and has been corrected, or it stands, which another person says than who
    recorded it. Raises UnknownDecision, NotAuthorised, KeyTaken.
    """
    refuse(home, Action.DISPUTE, who)
    opened = [each["opened_by"] for each in home.decisions().disputes() if each["number"] == number]
    if not upheld and who in opened:
        raise NotAuthorised(f"{who} recorded dispute {number}", hint="another person looks at it before it is rejected")
    arguments = {"number": number, "upheld": upheld, "text": text}
    asked = request("decision settle", arguments, who=who, key=key)
    return home.decisions().settle_dispute(asked, number, upheld=upheld, text=text)
