"""Who may decide what: levels, two people, what an override says, and what becomes of the record."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from credit.domain.authority import (
    Action,
    Code,
    Judgement,
    Role,
    judged,
    level_for,
    overrides,
    refuse_judgement,
    refuse_without,
)
from credit.domain.errors import NotAuthorised
from credit.domain.packs import read_parameters
from credit.domain.policy.rules import Outcome
from credit.domain.record import is_whole, record

TODAY = date(2026, 7, 1)
FILE = Path(__file__).resolve().parents[3] / "credit" / "parameters" / "authority.toml"
TERMS = {
    name: each.on(TODAY)
    for name, each in read_parameters(tomllib.loads(FILE.read_text(encoding="utf-8")), file=FILE.name).items()
}
GRANT = Judgement(
    by="zhang", role=Role.SENIOR, at="2026-07-01T02:00:00", outcome=Outcome.APPROVE, amount_fen=30_000_000
)
BECAUSE = {"code": Code.MITIGANT, "text": "a larger buyer", "evidence": "contract 7", "lapses_on": date(2026, 7, 20)}


@pytest.fixture
def referred(ask):
    """A decision that waits for a person, asked for by `li`."""

    def of(pack="platform-line", **change):
        asked = {"requested_fen": 30_000_000, "review_requested": True}
        context = {
            "application": {"supplier_id": "S1", "contract_id": None, "requested_fen": 30_000_000},
            "decided_at": "2026-07-01T01:00:00", "pd_horizon_months": 12, "unscorable": None,
            "model": {"name": "m", "version": 1}, "ledger": {"version": 1}, "features": {}, "reasons": [],
        }  # fmt: skip
        return record(ask(pack, asked | change), 0, context)

    return of


def refused(stored, judgement, *, maker="li", again=None, today=TODAY):
    with pytest.raises(NotAuthorised) as found:
        refuse_judgement(stored, judgement, TERMS, maker=maker, again=again or stored, today=today)
    return str(found.value)


def test_what_asks_for_a_person_alone_is_granted_without_more(referred):
    stored = referred()
    assert stored["outcome"] == "REFER" and not overrides(stored, GRANT)
    refuse_judgement(stored, GRANT, TERMS, maker="li", again=stored, today=TODAY)
    made = judged(stored, GRANT)
    assert (made["outcome"], made["amount_fen"], made["supersedes"]) == ("APPROVE", 30_000_000, stored["decision_id"])
    assert is_whole(made) and not is_whole({**made, "amount_fen": 1})
    assert made["decided_at"] == GRANT.at and made["yearly_rate_bp"] == stored["yearly_rate_bp"]


def test_who_may_is_refused_by_role_person_and_state(referred):
    stored = referred()
    assert "may not judge" in refused(stored, replace(GRANT, role=Role.AUDITOR))
    assert "cannot be the one who judges it" in refused(stored, GRANT, maker="zhang")
    assert "a judgement already" in refused(judged(stored, GRANT), GRANT)
    assert "lapsed" in refused(stored, GRANT, today=date(2027, 7, 1))
    with pytest.raises(NotAuthorised, match="no role is given"):
        refuse_without(None, Action.JUDGE, "nobody")


def test_no_amount_beyond_a_limit_and_no_part_of_a_guarantee(referred):
    stored = referred()
    for amount in (0, stored["amount_fen"] + 1):
        assert "not within what the limits" in refused(stored, replace(GRANT, amount_fen=amount))
    step = stored["parameters"]["rounding_step_fen"]
    for amount in (step + 1, step):
        assert "no amount of the product" in refused(stored, replace(GRANT, amount_fen=amount))
    guarantee = referred("advance-payment-guarantee", requested_fen=None)
    assert guarantee["amount_fen"] > 0
    assert "in full or not at all" in refused(guarantee, replace(GRANT, amount_fen=guarantee["amount_fen"] - 1))


def test_knock_outs_are_nobodys_to_override(referred):
    stored = referred(draws_overdue=1)
    assert "knocked out" in refused(stored, replace(GRANT, role=Role.COMMITTEE, **BECAUSE))


def test_a_level_ends_by_exposure_and_by_distance_to_the_cut_off(referred):
    stored = referred()
    owes = {**stored, "inputs": {**stored["inputs"], "group_exposure_fen": TERMS["exposure_max_fen"]["senior"]}}
    assert "may grant up to" in refused(stored, GRANT, again=owes)
    close = {**stored, "points_above_cut_off": TERMS["points_above_cut_off_min"]["analyst"] - 1}
    assert "points above the cut-off" in refused(close, replace(GRANT, role=Role.ANALYST, **BECAUSE))
    unscored = {**stored, "points_above_cut_off": None}
    refuse_judgement(unscored, GRANT, TERMS, maker="li", again=unscored, today=TODAY)


def test_the_first_level_that_may_grant_a_case_is_named(referred):
    stored = referred()

    def owing(fen):
        return {**stored, "inputs": {**stored["inputs"], "group_exposure_fen": fen - stored["amount_fen"]}}

    most = TERMS["exposure_max_fen"]
    assert level_for(owing(most["analyst"]), TERMS) is Role.ANALYST
    assert level_for(owing(most["analyst"] + 1), TERMS) is Role.SENIOR
    assert level_for(owing(most["committee"]), TERMS) is Role.COMMITTEE
    assert level_for(owing(most["committee"] + 1), TERMS) is None


def test_what_would_not_be_granted_today_is_not(referred):
    stored = referred()
    for again in ({**stored, "outcome": "DECLINE"}, {**stored, "amount_fen": GRANT.amount_fen - 1}):
        assert "decided today" in refused(stored, GRANT, again=again)


@pytest.mark.parametrize("lacking", BECAUSE)
def test_an_override_says_everything(referred, lacking):
    stored = referred(top_buyer_share=1.0)
    assert overrides(stored, GRANT)
    whole = replace(GRANT, **BECAUSE)
    refuse_judgement(stored, whole, TERMS, maker="li", again=stored, today=TODAY)
    assert judged(stored, whole)["valid_until"] == "2026-07-20"
    bare = replace(whole, **{lacking: " " if isinstance(BECAUSE[lacking], str) and lacking != "code" else None})
    assert "and lacks" in refused(stored, bare)


def test_to_give_less_or_nothing_overrides_and_takes_the_terms_away(referred):
    stored = referred()
    assert overrides(stored, replace(GRANT, outcome=Outcome.REDUCE, amount_fen=stored["amount_fen"] - 1))
    nothing = replace(GRANT, outcome=Outcome.DECLINE, amount_fen=0, **BECAUSE)
    assert overrides(stored, nothing)
    refuse_judgement(stored, nothing, TERMS, maker="li", again=stored, today=TODAY)
    assert "would have lapsed" in refused(stored, nothing, today=date(2026, 7, 21))
    made = judged(stored, nothing)
    assert (made["outcome"], made["amount_fen"], made["conditions"]) == ("DECLINE", 0, None)
    assert made["judgement"]["code"] == "MITIGANT"
