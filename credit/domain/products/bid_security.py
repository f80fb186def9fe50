"""投标保证金: security for a bid. Zhejiang asks for none; the engine says so, with the rule (DOMAIN 0 #7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from credit.domain import limits, pools
from credit.domain.limits import LimitTerm
from credit.domain.money import share_down
from credit.domain.policy import supplier_rules
from credit.domain.policy.rules import Cases, Met, Outcome, rule
from credit.domain.policy.terms import Terms
from credit.domain.price import GUARANTEE_REQUIRES, fee_fen, guarantee_rate
from credit.domain.products.product import Product


def lawful_share(cases: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    """The share of the tender's budget that may be asked for, by the law of its region on the day."""
    today = pd.Series(terms.as_of, index=cases.index)
    return terms.where("bid_security_max", on=today, region=cases["tender_region"])


def lawful_security(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What may be asked of a bidder."""
    return share_down(cases["tender_budget_fen"], lawful_share(cases, terms))


@rule(
    "KO-ABOLISHED",
    outcome=Outcome.DECLINE,
    reference="浙财采监〔2019〕5号; 政府采购法实施条例 Art. 33; DOMAIN 0 finding 7",
    zh="该地区政府采购不收取投标保证金，无需开立",
    en="no bid security may be asked for in this region, so none is needed",
    observes=("tender_region",),
    requires=("bid_security_max",),
)
def may_be_asked_for(cases: Cases, terms: Terms) -> Met:
    """The law of the region lets a buyer ask for bid security."""
    return lawful_share(cases, terms) > 0


def _conditions(case: dict[str, Any], terms: Terms) -> dict[str, Any]:
    expiry = terms.as_of + timedelta(days=int(terms["expiry_days"]))
    days = (expiry - terms.as_of).days
    return {
        "effective": {"zh": "自开立之日起生效", "en": "takes effect when it is issued"},
        "expiry": str(expiry),
        "fee_fen": fee_fen(case["amount_fen"], case["yearly_rate_bp"], days, int(terms["minimum_fee_fen"])),
        "nature": "INDEPENDENT",
        "governing_rules": "URDG 758",
    }


_LAW = LimitTerm(
    "LIM-law", lawful_security, observes=("tender_budget_fen", "tender_region"), requires=("bid_security_max",)
)
_POOLS = (pools.PORTFOLIO, pools.GROUP, pools.DISTRICT, pools.WEAK)
BID_SECURITY = Product(
    name="bid_security",
    zh="投标保函",
    en="bid security",
    purpose="guarantee",
    asks_contract=False,
    rules=(may_be_asked_for, *supplier_rules.EVERY_SUPPLIER),
    limits=(_LAW, limits.GRADE, limits.RELATIONSHIP, *(pool.term for pool in _POOLS)),
    pools=_POOLS,
    rate=guarantee_rate,
    conditions=_conditions,
    requires=(*GUARANTEE_REQUIRES, "expiry_days", "minimum_fee_fen"),
    needs=_LAW,
)
