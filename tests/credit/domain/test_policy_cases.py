"""The policy as a credit officer writes it: each line of policy_cases/*.yaml is asked and answered."""

from __future__ import annotations

from functools import cache

import pytest

from credit.domain.policy.rules import Finding, Outcome
from credit.domain.products import product_named

OPEN = (Finding.NOT_MET, Finding.MISSING)


@pytest.fixture(scope="module")
def answered(ask, policy):
    """The answer to every policy case, by pack and name; the cases of one pack and day are decided in one frame."""

    @cache
    def of(pack, as_of):
        cases = [case for case in policy[pack]["cases"] if case.get("as_of") == as_of]
        decided = ask(pack, *(case["given"] for case in cases), as_of=as_of)
        return {case["name"]: _said(decided, row) for row, case in enumerate(cases)}

    return of


def _said(decided, row):
    answer = decided.answers.loc[row]
    found = {code: Finding(finding) for code, finding in decided.found.loc[row].items()}
    return {
        "outcome": Outcome(answer["outcome"]).name,
        "findings": {code: finding.name for code, finding in found.items() if finding in OPEN},
        "amount": answer["amount_fen"],
        "bound_by": answer["bound_by"],
        "grade": answer["grade"],
        "rate_bp": answer["yearly_rate_bp"],
    }


def test_each_policy_case_is_answered_as_written(pack, policy_case, answered):
    said, expect = answered(pack, policy_case.get("as_of"))[policy_case["name"]], policy_case["expect"]
    unsaid = {"findings": {}} | ({"amount": 0} if expect["outcome"] == "DECLINE" else {})
    asked = unsaid | expect
    assert {name: said[name] for name in asked} == asked


def test_a_case_that_grants_says_how_much_and_what_bound_it(pack, policy_case):
    expect = policy_case["expect"]
    assert expect["outcome"] == "DECLINE" or {"amount", "bound_by"} <= set(expect)


def test_every_rule_that_is_asked_has_a_case_that_does_not_meet_it(pack, packs, policy):
    not_met = {
        code
        for case in policy[pack]["cases"]
        for code, finding in case["expect"].get("findings", {}).items()
        if finding == "NOT_MET"
    }
    asked = {rule.code for rule in product_named(packs[pack].product).rules} - set(packs[pack].not_applicable)
    assert asked <= not_met


def test_every_limit_has_a_case_that_it_bounds(pack, packs, policy):
    bounds = {case["expect"].get("bound_by") for case in policy[pack]["cases"]}
    limits, _ = product_named(packs[pack].product).applying(packs[pack].not_applicable)
    assert {term.code for term in limits} <= bounds


def test_no_two_policy_cases_of_a_pack_have_the_same_name(pack, policy):
    names = [case["name"] for case in policy[pack]["cases"]]
    assert len(set(names)) == len(names)
