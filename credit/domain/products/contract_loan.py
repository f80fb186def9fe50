"""采购合同贷: a loan on one contract, repaid from what its buyer pays into a locked account (DOMAIN 0 #4, 1.2, 5.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from credit.domain import limits, pools
from credit.domain.limits import LimitTerm
from credit.domain.money import share_down
from credit.domain.policy import contract_rules, supplier_rules
from credit.domain.policy.terms import Terms
from credit.domain.price import LOAN_REQUIRES, loan_rate
from credit.domain.products.product import Product
from credit.domain.windows import months_after

# What was done of the contract, from the least to the most (DOMAIN 5.4); before it is signed nothing is lent.
STAGES = ("signed", "in_delivery", "accepted", "invoiced")
_BASE = ("contract_fen", "prepaid_fen", "paid_fen", "retention_fen", "disputed_fen", "assigned_fen")
_DONE = ("delivered_fen", "accepted_fen", "invoiced_fen")


def net_base(cases: pd.DataFrame) -> pd.Series[int]:
    """What the buyer still has to pay that can repay a loan; below zero where more was paid than was to be.

    contract with its changes − prepaid − paid − retention − disputed − assigned (DOMAIN 5.4). On CNY 2,000,000, of
    which 40 % are prepaid and 3 % retained, CNY 1,140,000 are left, and 80 % of that are CNY 912,000 (DOMAIN 0 #4).

    >>> case = {"contract_fen": 200_000_000, "prepaid_fen": 80_000_000, "retention_fen": 6_000_000}
    >>> base = net_base(pd.DataFrame([case | dict.fromkeys(("paid_fen", "disputed_fen", "assigned_fen"), 0)]))
    >>> base.tolist(), share_down(base, 0.8).tolist()
    ([114000000], [91200000])
    """
    contract, *taken = (cases[name] for name in _BASE)
    left: pd.Series[int] = contract
    for each in taken:
        left = left - each
    return left


def stage(cases: pd.DataFrame) -> pd.Series[str]:
    """The stage of each contract: invoiced or accepted in full, delivered in part, or signed."""
    contract = cases["contract_fen"]
    reached = [(cases["invoiced_fen"] >= contract) & (cases["accepted_fen"] >= contract),
               cases["accepted_fen"] >= contract, cases["delivered_fen"] > 0]  # fmt: skip
    flags = [each.fillna(False).to_numpy(dtype=bool) for each in reached]
    return pd.Series(np.select(flags, STAGES[:0:-1], STAGES[0]), index=cases.index)


def derived(cases: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The cases with what follows of the contract: net base, stage, and the day by which the buyer will have paid."""
    reached = stage(cases)
    accepted = reached.isin(STAGES[2:])
    today = pd.Timestamp(terms.as_of)
    planned = pd.to_datetime(cases["planned_acceptance_on"])
    accepted_on = planned.mask(accepted | (planned < today), today)
    days = cases["buyer_pay_days_p80"] + terms["due_buffer_days"]
    due = accepted_on + pd.to_timedelta(np.ceil(days), unit="D")
    return cases.assign(net_base_fen=net_base(cases), stage=reached, is_accepted=accepted, due_on=due)


def advance_rate(cases: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    """The share of the net base that is lent, by grade and stage."""
    rates = [terms.by(f"advance_rate_{each}", cases["grade"]).to_numpy() for each in STAGES]
    place = cases["stage"].map({each: place for place, each in enumerate(STAGES)}).to_numpy(dtype=int)
    return pd.Series(np.choose(place, rates), index=cases.index)


def receivable(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The advance rate of the net receivable base."""
    lent = share_down(cases["net_base_fen"].clip(lower=0), advance_rate(cases, terms))
    return lent.mask(cases[list(_DONE)].isna().any(axis=1))


def similar_work(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """As if the contract were no larger than a multiple of the largest similar one completed (FIA, DOMAIN 5.1)."""
    proven = share_down(cases["largest_completed_fen"], terms.of("contract_stretch_max", cases))
    return share_down(proven, advance_rate(cases, terms))


def residual_capacity(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What work the supplier can still take on: a multiple of a year's completed work less its other open work."""
    return share_down(cases["completed_12m_fen"], terms.of("backlog_ratio_max", cases)) - cases["backlog_fen"]


def cost_of_the_contract(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What the contract costs less what the buyer has paid of it: an advance lowers the need (DOMAIN 2.5)."""
    cost = share_down(cases["contract_fen"], limits.cost_share(cases, terms))
    return cost - cases["prepaid_fen"] - cases["paid_fen"]


def contract_headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left of the cap on one contract over loans and guarantees (DOMAIN 0 #6)."""
    cap = share_down(cases["contract_fen"], terms.of("contract_exposure_max", cases))
    return cap - cases["guaranteed_fen"] - cases["loans_on_contract_fen"]


def wrong_way_headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left beside the advance guarantee, whose call and the loss of the receivable come together."""
    cap = share_down(cases["contract_fen"], terms.of("loan_and_advance_max", cases))
    return cap - cases["advance_guaranteed_fen"] - cases["loans_on_contract_fen"]


def rate(cases: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The loan's rate; once the goods are accepted less is lost, for the buyer's debt stands (DOMAIN 3.6)."""
    loss = pd.Series(terms["loss_given_default"], index=cases.index).mask(
        cases["is_accepted"], terms["loss_given_default_accepted"]
    )
    return loan_rate(cases, terms, loss_given_default=loss)


def tenor(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """Whole months until the buyer will have paid, at most the longest tenor; that where nobody knows."""
    longest = int(terms["tenor_months"])
    ends = np.array([np.datetime64(months_after(terms.as_of, months)) for months in range(1, longest + 1)])
    due = cases["due_on"].to_numpy(dtype="datetime64[D]")
    # Not-a-time sorts after every day.
    return pd.Series(np.minimum(np.searchsorted(ends, due) + 1, longest), index=cases.index, dtype="int64")


def _conditions(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    due: date | None = None if pd.isna(case["due_on"]) else case["due_on"].date()
    return {
        "zh": "一合同一贷，以采购人付款归还；每次提款前核验账户与合同",
        "en": "repaid from the buyer's payments; account and contract are checked before each draw",
        "due_on": str(due) if due else None,
        "stage": case["stage"],
        "net_base_fen": None if pd.isna(case["net_base_fen"]) else int(case["net_base_fen"]),
        "precedent": [
            _precedent("CP-LOCK", "回款账户锁定于放款行", "the collection account is locked", case["account_locked"]),
            _precedent(
                "CP-CONFIRM", "采购人确认合同与账户", "the buyer has confirmed both", case["contract_confirmed"]
            ),
            _precedent("CP-REGISTER", "应收账款转让登记无在先权利", "no earlier assignment is registered", None),
        ],
    }


def _precedent(code: str, zh: str, en: str, met: Any) -> dict[str, Any]:
    """A condition that has to be met before money is paid out; `met` is None where somebody has to look."""
    return {"code": code, "zh": zh, "en": en, "met": None if met is None or pd.isna(met) else bool(met)}


def _by_grade(stages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"advance_rate_{each}" for each in stages)


_RATES = _by_grade(STAGES)
CONTRACT_LOAN = Product(
    name="contract_loan",
    zh="采购合同贷",
    en="contract loan",
    purpose="credit_line",
    asks_contract=True,
    rules=(
        *supplier_rules.EVERY_SUPPLIER,
        *supplier_rules.BORROWERS,
        supplier_rules.has_traded_lately,
        supplier_rules.reaches_the_product_minimum,
        *contract_rules.EVERY_CONTRACT,
        contract_rules.has_an_account_that_was_not_unlocked,
        contract_rules.has_something_left_to_receive,
        contract_rules.is_not_behind_its_plan,
        contract_rules.will_be_paid_within_the_longest_tenor,
    ),
    limits=(
        limits.PRODUCT,
        limits.GRADE,
        LimitTerm("LIM-receivable", receivable, observes=(*_BASE, *_DONE), requires=_RATES),
        LimitTerm(
            "LIM-similar",
            similar_work,
            observes=("largest_completed_fen",),
            requires=("contract_stretch_max", *_RATES),
        ),
        LimitTerm(
            "LIM-capacity",
            residual_capacity,
            observes=("completed_12m_fen", "backlog_fen"),
            requires=("backlog_ratio_max",),
        ),
        LimitTerm(
            "LIM-cost",
            cost_of_the_contract,
            observes=("contract_fen", "cost_share", "prepaid_fen", "paid_fen"),
            requires=limits.COST,
        ),
        LimitTerm(
            "LIM-contract",
            contract_headroom,
            observes=("contract_fen", "guaranteed_fen", "loans_on_contract_fen"),
            requires=("contract_exposure_max",),
        ),
        LimitTerm(
            "LIM-wrong-way",
            wrong_way_headroom,
            observes=("contract_fen", "advance_guaranteed_fen", "loans_on_contract_fen"),
            requires=("loan_and_advance_max",),
        ),
        limits.PRICE,
        limits.RELATIONSHIP,
        *(pool.term for pool in pools.POOLS),
    ),
    pools=pools.POOLS,
    derive=derived,
    rate=rate,
    conditions=_conditions,
    observes=("planned_acceptance_on", "buyer_pay_days_p80", "account_locked", "contract_confirmed", "programmes"),
    requires=(*LOAN_REQUIRES, "loss_given_default_accepted", "due_buffer_days", "programme_subsidy_bp"),
    tenor=tenor,
    subsidised=True,
)
