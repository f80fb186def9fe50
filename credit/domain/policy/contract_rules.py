"""Rules on the contract that a guarantee is asked for (DOMAIN 3.2, 5.3)."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from credit.domain.money import share_down
from credit.domain.policy.rules import Cases, Met, Outcome, rule
from credit.domain.policy.terms import Terms
from credit.domain.windows import months_after

DECLINE, REFER = Outcome.DECLINE, Outcome.REFER


@rule(
    "KO-CONTRACT",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K08",
    zh="合同已完成或已终止",
    en="the contract is completed or terminated",
    observes=("contract_open",),
)
def is_for_an_open_contract(cases: Cases, terms: Terms) -> Met:
    """The contract is signed and neither completed nor terminated."""
    return cases.contract_open


@rule(
    "KO-ADVANCE",
    outcome=DECLINE,
    reference="DOMAIN 3.2: the guarantee secures an advance",
    zh="合同未约定预付款或预付款已支付",
    en="the contract agrees no advance, or it was paid already",
    observes=("advance_fen", "advance_received_fen"),
)
def has_an_advance_to_secure(cases: Cases, terms: Terms) -> Met:
    """The contract agrees an advance that the supplier has not received yet."""
    return (cases.advance_fen > 0) & (cases.advance_received_fen == 0)


@rule(
    "KO-GUARANTEED",
    outcome=DECLINE,
    reference="a contract's security is given once; DOMAIN 5.3 K08",
    zh="该合同已开立同类保函",
    en="a guarantee of this form stands on the contract already",
    observes=("guaranteed_same_form_fen",),
)
def is_not_guaranteed_yet(cases: Cases, terms: Terms) -> Met:
    """No guarantee of the same form stands on the contract."""
    return cases.guaranteed_same_form_fen == 0


@rule(
    "R-ACCOUNT",
    outcome=REFER,
    reference="DOMAIN 1.2; EJCS designated account",
    zh="回款账户尚未锁定",
    en="the collection account is not locked yet",
    observes=("account_locked",),
)
def has_a_locked_account(cases: Cases, terms: Terms) -> Met:
    """The account that the advance is paid into is locked."""
    return cases.account_locked


@rule(
    "R-STRETCH",
    outcome=REFER,
    reference="FIA surety practice; DOMAIN 5.1, 5.3 R01",
    zh="合同金额超过已完成最大合同的倍数上限",
    en="the contract is much larger than any the supplier has completed",
    observes=("contract_fen", "largest_completed_fen"),
    requires=("contract_stretch_max",),
)
def stays_within_a_multiple_of_the_largest_completed(cases: Cases, terms: Terms) -> Met:
    """The contract is at most a stated multiple of the largest one the supplier has completed."""
    return cases.contract_fen <= share_down(cases.largest_completed_fen, terms["contract_stretch_max"])


@rule(
    "R-FULL",
    outcome=REFER,
    reference="a buyer accepts a guarantee in full or not at all; DOMAIN 3.2",
    zh="可开立金额或申请金额不足以覆盖所需保函金额",
    en="what can be issued, or was asked for, is less than the guarantee that the contract needs",
    observes=("granted_fen", "guarantee_needed_fen"),
    asked_of_scored=True,
)
def covers_what_the_contract_needs(cases: Cases, terms: Terms) -> Met:
    """What is granted is the whole guarantee; a part of one secures nobody."""
    return cases.granted_fen >= cases.guarantee_needed_fen


@rule(
    "R-LATE",
    outcome=REFER,
    reference="DOMAIN 3.2: the guarantee ends so many days after the planned acceptance",
    zh="计划验收日期已过，无法确定保函到期日",
    en="the planned acceptance is past, so that nothing tells when the guarantee ends",
    observes=("planned_acceptance_on",),
)
def is_to_be_accepted_later(cases: Cases, terms: Terms) -> Met:
    """The planned acceptance lies ahead."""
    return pd.to_datetime(cases.planned_acceptance_on) > pd.Timestamp(terms.as_of)


@rule(
    "R-TENOR",
    outcome=REFER,
    reference="the longest term that the price was made for",
    zh="保函期限超过最长期限",
    en="the guarantee would stand for longer than the longest term",
    observes=("planned_acceptance_on",),
    requires=("tenor_months", "expiry_days"),
)
def ends_within_the_longest_term(cases: Cases, terms: Terms) -> Met:
    """The guarantee ends within the longest term that is priced."""
    last = months_after(terms.as_of, int(terms["tenor_months"])) - timedelta(days=int(terms["expiry_days"]))
    return pd.to_datetime(cases.planned_acceptance_on) <= pd.Timestamp(last)
