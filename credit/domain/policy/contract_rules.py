"""Rules on the contract that a loan or a guarantee is asked for (DOMAIN 3.2, 5.3)."""

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
    "KO-RELATED",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K13",
    zh="采购人与供应商存在关联关系",
    en="the buyer and the supplier are related",
    observes=("buyer_related",),
)
def has_a_buyer_of_its_own(cases: Cases, terms: Terms) -> Met:
    """The buyer neither controls the supplier nor is controlled with it."""
    return ~cases.buyer_related


@rule(
    "KO-STALLED",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K12: the state of the work is no older than 90 days (SBA form 994F)",
    zh="合同履行情况长期未更新",
    en="nothing has been recorded of the contract for too long",
    observes=("contract_last_days",),
    requires=("contract_last_days_max",),
)
def has_work_that_is_reported(cases: Cases, terms: Terms) -> Met:
    """Something was recorded of the contract lately: its signature, a delivery, an acceptance, a payment, a change."""
    return cases.contract_last_days <= terms.of("contract_last_days_max", cases)


@rule(
    "KO-UNLOCKED",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K09, 1.2",
    zh="回款账户已被解锁，付款不可控",
    en="the collection account was unlocked again; the payments cannot be controlled",
    observes=("account_unlocked",),
)
def has_an_account_that_was_not_unlocked(cases: Cases, terms: Terms) -> Met:
    """The collection account was not unlocked after it had been locked."""
    return ~cases.account_unlocked


@rule(
    "KO-BASE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K10, 0 finding 4",
    zh="合同应收账款净额不足",
    en="nothing is left to receive on the contract",
    observes=("net_base_fen",),
)
def has_something_left_to_receive(cases: Cases, terms: Terms) -> Met:
    """After what was prepaid, paid, retained, disputed or assigned something is left to receive."""
    return cases.net_base_fen > 0


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
    return cases.contract_fen <= share_down(cases.largest_completed_fen, terms.of("contract_stretch_max", cases))


@rule(
    "R-BACKLOG",
    outcome=REFER,
    reference="DOMAIN 5.3 R02",
    zh="在手合同与本合同合计超过近一年完成量的倍数上限",
    en="open work with this contract is much more than a year's completed work",
    observes=("backlog_ratio",),
    requires=("backlog_ratio_max",),
)
def can_work_off_its_backlog(cases: Cases, terms: Terms) -> Met:
    """Open work, this contract included, is at most a stated multiple of what was completed in twelve months."""
    return cases.backlog_ratio <= terms.of("backlog_ratio_max", cases)


@rule(
    "R-NEW-KIND",
    outcome=REFER,
    reference="DOMAIN 5.3 R05",
    zh="首次承接该类采购或进入该地区",
    en="the first contract of its category, or in its city",
    observes=("similar_contracts", "city_contracts"),
)
def has_done_its_like_before(cases: Cases, terms: Terms) -> Met:
    """The supplier has had a contract of this category, and one in this city."""
    return (cases.similar_contracts > 0) & (cases.city_contracts > 0)


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
    "R-BEHIND",
    outcome=REFER,
    reference="DOMAIN 5.7: delivery late; a plan that is past says nothing of when the buyer will pay",
    zh="计划验收日期已过而合同尚未验收",
    en="the planned acceptance is past and the work is not accepted",
    observes=("planned_acceptance_on",),
    may_lack=("accepted_fen",),
)
def is_not_behind_its_plan(cases: Cases, terms: Terms) -> Met:
    """The work is accepted, or its planned acceptance lies ahead."""
    return cases.is_accepted | (pd.to_datetime(cases.planned_acceptance_on) > pd.Timestamp(terms.as_of))


@rule(
    "R-DUE",
    outcome=REFER,
    reference="DOMAIN 5.4: p80 of the buyer's payments and 15 days, at most twelve months",
    zh="按采购人付款记录预计回款超过最长期限",
    en="by its own record the buyer will have paid later than the longest tenor",
    observes=("planned_acceptance_on", "buyer_pay_days_p80"),
    requires=("tenor_months", "due_buffer_days"),
)
def will_be_paid_within_the_longest_tenor(cases: Cases, terms: Terms) -> Met:
    """By its own payment record the buyer will have paid within the longest tenor."""
    return cases.due_on <= pd.Timestamp(months_after(terms.as_of, int(terms["tenor_months"])))


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


# What is asked of every contract, whatever is granted on it.
EVERY_CONTRACT = (
    is_for_an_open_contract,
    has_a_buyer_of_its_own,
    has_work_that_is_reported,
    stays_within_a_multiple_of_the_largest_completed,
    can_work_off_its_backlog,
    has_done_its_like_before,
)
