from __future__ import annotations

from credit.domain.policy.rules import Outcome
from credit.domain.products import PRODUCTS
from credit.domain.reasons import REASONS, reason_for

RULES = {rule.code: rule for product in PRODUCTS for rule in product.rules}


def test_no_code_is_said_twice():
    codes = [reason.code for reason in REASONS]
    assert len(set(codes)) == len(codes)


def test_every_reason_is_said_in_both_languages():
    assert all(reason.zh and reason.en for reason in REASONS)
    assert all(bool(reason.advice_zh) == reason.actionable for reason in REASONS)


def test_every_limit_of_every_product_has_its_reason():
    for product in PRODUCTS:
        assert [reason_for(term.code).code for term in product.limits] == [term.code for term in product.limits]
    assert reason_for("LIM-requested").en


def test_every_rule_says_what_holds_what_went_wrong_and_where_that_comes_from():
    for rule in RULES.values():
        assert rule.statement.endswith(".")
        assert rule.zh and rule.en and rule.reference


def test_the_code_of_a_rule_tells_whether_it_declines_or_refers():
    for code, rule in RULES.items():
        assert rule.outcome is {"KO": Outcome.DECLINE, "R": Outcome.REFER}[code.split("-")[0]]


def test_one_code_is_one_rule_and_no_product_asks_it_twice():
    for product in PRODUCTS:
        codes = [rule.code for rule in product.rules]
        assert len(set(codes)) == len(codes)
        assert all(RULES[rule.code] is rule for rule in product.rules)
