"""流水信用贷: a revolving line on the supplier's own record (DOMAIN 1.1, 5.4)."""

from __future__ import annotations

from typing import Any

from credit.domain import limits, pools
from credit.domain.policy import supplier_rules as rules
from credit.domain.policy.terms import Terms
from credit.domain.price import LOAN_REQUIRES, loan_rate
from credit.domain.products.product import Product


def _conditions(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    return {
        "zh": "循环使用，到期一次还本；提款时须仍满足准入条件",
        "en": "revolving; each draw is repaid at its end; every draw is checked against policy again",
    }


_POOLS = (pools.PORTFOLIO, pools.GROUP, pools.DISTRICT, pools.WEAK)
TURNOVER_LINE = Product(
    name="turnover_line",
    zh="流水信用贷",
    en="turnover line",
    purpose="credit_line",
    asks_contract=False,
    rules=(
        *rules.EVERY_SUPPLIER,
        *rules.BORROWERS,
        rules.has_traded_lately,
        rules.reaches_the_product_minimum,
        rules.voids_few_invoices,
    ),
    limits=(
        limits.PRODUCT,
        limits.GRADE,
        limits.TURNOVER,
        limits.NEED,
        limits.PRICE,
        limits.RELATIONSHIP,
        *(pool.term for pool in _POOLS),
    ),
    pools=_POOLS,
    rate=loan_rate,
    conditions=_conditions,
    observes=("programmes",),
    requires=(*LOAN_REQUIRES, "programme_subsidy_bp"),
    subsidised=True,
)
