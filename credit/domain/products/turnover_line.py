"""流水信用贷: a revolving line on the supplier's own record (DOMAIN 1.1, 5.4)."""

from __future__ import annotations

from typing import Any

from credit.domain import limits
from credit.domain.policy import supplier_rules as rules
from credit.domain.policy.terms import Terms
from credit.domain.price import LOAN_REQUIRES, loan_rate
from credit.domain.products.product import Product


def _conditions(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    return {
        "zh": "循环使用，到期一次还本；提款时须仍满足准入条件",
        "en": "revolving; each draw is repaid at its end; every draw is checked against policy again",
    }


TURNOVER_LINE = Product(
    name="turnover_line",
    zh="流水信用贷",
    en="turnover line",
    purpose="credit_line",
    asks_contract=False,
    rules=(
        rules.has_a_valid_identity,
        rules.is_on_no_exclusion_list,
        rules.has_consented,
        rules.is_old_enough,
        rules.has_traded_lately,
        rules.has_not_failed_a_contract,
        rules.has_nothing_past_due,
        rules.has_paid_on_time,
        rules.has_a_pd_within_the_cut_off,
        rules.reaches_the_product_minimum,
        rules.can_be_priced_within_the_ceiling,
        rules.can_be_scored,
        rules.does_not_live_from_one_buyer,
        rules.has_buyers_who_pay,
        rules.was_never_called,
        rules.has_a_record_to_judge,
        rules.voids_few_invoices,
        rules.is_within_automatic_authority,
    ),
    limits=(
        limits.PRODUCT,
        limits.GRADE,
        limits.TURNOVER,
        limits.NEED,
        limits.RELATIONSHIP,
        limits.PORTFOLIO,
    ),
    rate=loan_rate,
    conditions=_conditions,
    requires=LOAN_REQUIRES,
)
