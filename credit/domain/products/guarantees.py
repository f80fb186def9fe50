"""预付款保函 and 履约保函: what they share, and each with what sets it apart (DOMAIN 3)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from credit.domain import limits, pools
from credit.domain.limits import LimitTerm
from credit.domain.money import share_down
from credit.domain.policy import contract_rules, supplier_rules
from credit.domain.policy.terms import Terms
from credit.domain.price import GUARANTEE_REQUIRES, fee_fen, guarantee_rate
from credit.domain.products.product import LOCKED, Product

# The reduction schedule is stated at these shares of the contract's value delivered and accepted, in percent.
SCHEDULE_STEPS = (25, 50, 75, 100)


def advance_to_secure(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The guarantee equals the advance and never exceeds it."""
    return cases["advance_fen"]


def lawful_performance_security(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The share of the contract that the buyer may ask for, by the law of its region on the day of signature.

    Works have a cap of their own; where nobody knows what is bought, the lower one holds.
    """
    asked = {"on": cases["signed_on"], "region": cases["contract_region"]}
    goods, works = (terms.where(name, **asked) for name in _LAW_SHARES)
    kind = cases["category"]
    share = goods.mask(kind == "WORKS", works).mask(kind.isna(), np.minimum(goods, works))
    return share_down(cases["contract_fen"], share)


def contract_headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left of the cap on one contract: supplier failure calls the guarantees and destroys the receivable."""
    cap = share_down(cases["contract_fen"], terms.of("contract_exposure_max", cases))
    return cap - cases["guaranteed_fen"] - cases["loans_on_contract_fen"]


def beside_a_loan(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left for the advance guarantee beside loans, whose receivable is lost when it is called."""
    return share_down(cases["contract_fen"], terms.of("loan_and_advance_max", cases)) - cases["loans_on_contract_fen"]


def reduction_schedule(amount_fen: int, start: date, end: date) -> list[dict[str, Any]]:
    """How the guarantee falls with the value accepted, at the planned pace: rows of `on` and `amount_fen` left.

    G = max(0, A − Σ recouped), recouped pro rata to accepted value (DOMAIN 3.2); what is left is rounded up, so that
    it never falls below the advance still open.

    >>> [row["amount_fen"] for row in reduction_schedule(1_000_001, date(2026, 1, 1), date(2026, 12, 27))]
    [750001, 500001, 250001, 0]
    """
    days = (end - start).days
    return [
        {
            "on": str(start + timedelta(days=-(-days * percent // 100))),
            "accepted_share": percent / 100,
            "amount_fen": -(-amount_fen * (100 - percent) // 100),
        }
        for percent in SCHEDULE_STEPS
    ]


def _advance_conditions(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    end: date | None = case["planned_acceptance_on"]
    lies_ahead = end is not None and end > terms.as_of
    return {
        "effective": {
            "zh": "预付款足额到达约定回款账户之日起生效",
            "en": "takes effect on the day the whole advance is credited to the named collection account, not before",
        },
        "reduction": {
            "zh": "按验收金额占合同金额的比例递减",
            "en": "falls with each acceptance by the accepted share of the contract amount",
            "planned": reduction_schedule(case["amount_fen"], terms.as_of, end) if end and lies_ahead else [],
        },
        **_end_and_fee(case, terms),
    }


def _performance_conditions(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    return {
        "effective": {"zh": "自合同签订之日起生效", "en": "takes effect with the signature of the contract"},
        "reduction": _step_down(case, terms),
        **_end_and_fee(case, terms),
    }


def _end_and_fee(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """Expiry and fee; both open where nobody knows when the last acceptance is planned, which refers the case."""
    end: date | None = case["planned_acceptance_on"]
    expiry = max(end, terms.as_of) + timedelta(days=int(terms["expiry_days"])) if end else None
    days = (expiry - terms.as_of).days if expiry else 0
    fee = fee_fen(case["amount_fen"], case["yearly_rate_bp"], days, int(terms["minimum_fee_fen"]))
    return {
        # The guarantee outlives delivery: exposure ends when the buyer releases it (URDG 25), not on the due date.
        "expiry": str(expiry) if expiry else None,
        "fee_fen": fee if expiry else None,
        "nature": "INDEPENDENT",
        "governing_rules": "URDG 758",
    }


def _step_down(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """How a performance guarantee falls: by a stated step at the planned acceptance, or not at all (DOMAIN 3.2)."""
    step, end = float(terms["performance_step_down"]), case["planned_acceptance_on"]
    if not step:
        return {"zh": "金额不变，验收后释放", "en": "flat until the last acceptance, then released", "planned": []}
    left = -(-case["amount_fen"] * round((1 - step) * 1_000_000) // 1_000_000)
    return {
        "zh": f"验收后减至 {1 - step:.0%}，期满释放",
        "en": f"falls to {1 - step:.0%} with the last acceptance, and is released at its expiry",
        "planned": [{"on": str(end), "accepted_share": 1.0, "amount_fen": left}] if end else [],
    }


_LAW_SHARES = ("performance_security_max", "performance_security_works_max")
_ADVANCE = LimitTerm("LIM-advance", advance_to_secure, observes=("advance_fen",))
_LAW = LimitTerm(
    "LIM-law",
    lawful_performance_security,
    observes=("contract_fen", "contract_region", "signed_on"),
    requires=_LAW_SHARES,
)
_POOLS = (pools.PORTFOLIO, pools.GROUP, pools.DISTRICT, pools.WEAK, pools.BUYER)
_SHARED_LIMITS = (
    LimitTerm(
        "LIM-contract",
        contract_headroom,
        observes=("contract_fen", "guaranteed_fen", "loans_on_contract_fen"),
        requires=("contract_exposure_max",),
    ),
    limits.GRADE,
    limits.RELATIONSHIP,
    *(pool.term for pool in _POOLS),
)
_WRONG_WAY = LimitTerm(
    "LIM-wrong-way",
    beside_a_loan,
    observes=("contract_fen", "loans_on_contract_fen"),
    requires=("loan_and_advance_max",),
)
_RULES = (
    *supplier_rules.EVERY_SUPPLIER,
    *contract_rules.EVERY_CONTRACT,
    contract_rules.is_not_guaranteed_yet,
    contract_rules.covers_what_the_contract_needs,
    contract_rules.is_to_be_accepted_later,
    contract_rules.ends_within_the_longest_term,
)
_REQUIRES = (*GUARANTEE_REQUIRES, "expiry_days", "minimum_fee_fen")

ADVANCE_PAYMENT_GUARANTEE = Product(
    name="advance_payment_guarantee",
    zh="预付款保函",
    en="advance-payment guarantee",
    purpose="guarantee",
    asks_contract=True,
    rules=(
        *_RULES,
        contract_rules.has_an_advance_to_secure,
        contract_rules.has_a_locked_account,
        contract_rules.has_an_account_that_was_not_unlocked,
    ),
    limits=(_ADVANCE, _WRONG_WAY, *_SHARED_LIMITS),
    pools=_POOLS,
    rate=guarantee_rate,
    conditions=_advance_conditions,
    requires=_REQUIRES,
    needs=_ADVANCE,
    guarantee_form="ADVANCE_PAYMENT",
    securities=(LOCKED,),
)

PERFORMANCE_GUARANTEE = Product(
    name="performance_guarantee",
    zh="履约保函",
    en="performance guarantee",
    purpose="guarantee",
    asks_contract=True,
    rules=_RULES,
    limits=(_LAW, *_SHARED_LIMITS),
    pools=_POOLS,
    rate=guarantee_rate,
    conditions=_performance_conditions,
    observes=("category",),
    requires=(*_REQUIRES, "performance_step_down"),
    needs=_LAW,
    guarantee_form="PERFORMANCE",
)
