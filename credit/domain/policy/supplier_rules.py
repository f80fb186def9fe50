"""Rules on a supplier who asks for a credit line (DOMAIN 5.3), also asked of one who wants a guarantee."""

from __future__ import annotations

from credit.domain.policy.rules import Cases, Met, Outcome, rule
from credit.domain.policy.terms import Terms

DECLINE, REFER = Outcome.DECLINE, Outcome.REFER


@rule(
    "KO-IDENTITY",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K01",
    zh="统一社会信用代码无效",
    en="the unified social credit code is not valid",
    observes=("identity_valid",),
)
def has_a_valid_identity(cases: Cases, terms: Terms) -> Met:
    """Both check digits of the supplier's unified social credit code agree."""
    return cases.identity_valid


@rule(
    "KO-LISTED",
    outcome=DECLINE,
    reference="财库〔2016〕125号; DOMAIN 5.3 K02",
    zh="处于失信、税务违法或采购禁入名单",
    en="on an exclusion list",
    observes=("listings_active",),
)
def is_on_no_exclusion_list(cases: Cases, terms: Terms) -> Met:
    """The supplier stands on none of the three exclusion lists."""
    return cases.listings_active <= 0


@rule(
    "KO-CONSENT",
    outcome=DECLINE,
    reference="征信业管理条例 Art. 13; PIPL Art. 23; DOMAIN 5.3 K03",
    zh="未取得有效授权",
    en="no valid consent to use the record for this purpose",
    observes=("consents_valid",),
)
def has_consented(cases: Cases, terms: Terms) -> Met:
    """The supplier has authorised at least one bank to receive its record for this purpose."""
    return cases.consents_valid >= 1


@rule(
    "KO-AGE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K04",
    zh="成立时间过短",
    en="the firm is too young",
    observes=("age_months",),
    requires=("age_months_min",),
)
def is_old_enough(cases: Cases, terms: Terms) -> Met:
    """The firm was founded long enough ago."""
    return cases.age_months >= terms["age_months_min"]


@rule(
    "KO-INACTIVE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K05",
    zh="近期无交易",
    en="no recent transaction",
    observes=("last_transaction_days",),
    requires=("last_transaction_days_max",),
)
def has_traded_lately(cases: Cases, terms: Terms) -> Met:
    """The supplier has had a transaction lately."""
    return cases.last_transaction_days <= terms["last_transaction_days_max"]


@rule(
    "KO-BREACH",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K06",
    zh="近年存在因供应商原因终止合同",
    en="a contract was ended by the supplier's fault in recent years",
    observes=("terminations_36m",),
)
def has_not_failed_a_contract(cases: Cases, terms: Terms) -> Met:
    """No contract was ended by the supplier's fault within three years."""
    return cases.terminations_36m == 0


@rule(
    "KO-OVERDUE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K07",
    zh="存在当前逾期",
    en="a draw is past due now",
    observes=("draws_overdue",),
)
def has_nothing_past_due(cases: Cases, terms: Terms) -> Met:
    """No draw of the supplier is past due today."""
    return cases.draws_overdue == 0


@rule(
    "KO-PAST-DUE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K07",
    zh="近十二个月逾期天数过长",
    en="too many days past due in the last twelve months",
    observes=("past_due_days_12m",),
    requires=("past_due_days_max",),
)
def has_paid_on_time(cases: Cases, terms: Terms) -> Met:
    """No draw was past due for too long within the last twelve months."""
    return cases.past_due_days_12m <= terms["past_due_days_max"]


@rule(
    "KO-SCORE",
    outcome=DECLINE,
    reference="DOMAIN 6.4",
    zh="违约概率高于准入上限，主要原因见原因代码",
    en="the probability of default is above the cut-off, for the reasons listed",
    observes=("pd",),
    requires=("pd_max",),
    asked_of_scored=True,
)
def has_a_pd_within_the_cut_off(cases: Cases, terms: Terms) -> Met:
    """The supplier's probability of default is at most the cut-off."""
    return cases.pd <= terms["pd_max"]


@rule(
    "R-UNSCORABLE",
    outcome=REFER,
    reference="DOMAIN 6.4",
    zh="无法评分，需人工审核",
    en="cannot be scored; a person has to look",
    observes=(),
)
def can_be_scored(cases: Cases, terms: Terms) -> Met:
    """The supplier has enough recent history for a score."""
    return cases.pd.notna()


@rule(
    "R-CONCENTRATION",
    outcome=REFER,
    reference="DOMAIN 5.3 R03",
    zh="最大采购人占比过高",
    en="too much of the business comes from one buyer",
    observes=("top_buyer_share",),
    requires=("top_buyer_share_max",),
)
def does_not_live_from_one_buyer(cases: Cases, terms: Terms) -> Met:
    """The largest buyer's share is not too high."""
    return cases.top_buyer_share <= terms["top_buyer_share_max"]


@rule(
    "R-SLOW-BUYERS",
    outcome=REFER,
    reference="DOMAIN 5.3 R03",
    zh="采购人付款过慢",
    en="buyers pay very late",
    observes=("buyer_days_late_p90",),
    requires=("buyer_days_late_p90_max",),
)
def has_buyers_who_pay(cases: Cases, terms: Terms) -> Met:
    """Nine in ten payments of the supplier's buyers arrive without too much delay."""
    return cases.buyer_days_late_p90 <= terms["buyer_days_late_p90_max"]


@rule(
    "R-CALLED",
    outcome=REFER,
    reference="DOMAIN 5.3 R08",
    zh="曾发生保函索赔",
    en="a guarantee was called before",
    observes=("guarantees_called",),
)
def was_never_called(cases: Cases, terms: Terms) -> Met:
    """No guarantee of the supplier was ever called."""
    return cases.guarantees_called == 0


@rule(
    "R-THIN",
    outcome=REFER,
    reference="DOMAIN 5.3 R10",
    zh="交易笔数较少",
    en="thin file: few transactions",
    observes=("transactions_24m",),
    requires=("transactions_min",),
)
def has_a_record_to_judge(cases: Cases, terms: Terms) -> Met:
    """The supplier has had a fair number of transactions."""
    return cases.transactions_24m >= terms["transactions_min"]


@rule(
    "R-VOIDED",
    outcome=REFER,
    reference="our rule; 作废发票 in bulk hides sales that never were",
    zh="作废发票比例异常",
    en="an unusual share of invoices was voided",
    observes=("voided_share",),
    requires=("voided_share_max",),
)
def voids_few_invoices(cases: Cases, terms: Terms) -> Met:
    """The share of voided invoices is not unusual."""
    return cases.voided_share <= terms["voided_share_max"]


@rule(
    "R-AUTHORITY",
    outcome=REFER,
    reference="DOMAIN 5.5 AUTO",
    zh="超出自动审批权限",
    en="above what may be granted without a person",
    observes=("granted_fen", "exposure_fen"),
    requires=("automatic_exposure_max_fen",),
    asked_of_scored=True,
)
def is_within_automatic_authority(cases: Cases, terms: Terms) -> Met:
    """What is granted and already owed together stay within what may be granted without a person."""
    return cases.granted_fen + cases.exposure_fen <= terms["automatic_exposure_max_fen"]


@rule(
    "KO-MINIMUM",
    outcome=DECLINE,
    reference="the product's smallest ticket",
    zh="可授信金额或申请金额低于产品下限",
    en="what can be granted, or was asked for, is below the product's minimum",
    observes=("granted_fen",),
    requires=("product_minimum_fen",),
    asked_of_scored=True,
)
def reaches_the_product_minimum(cases: Cases, terms: Terms) -> Met:
    """What is granted reaches the product's minimum."""
    return cases.granted_fen >= terms["product_minimum_fen"]


@rule(
    "KO-PRICE",
    outcome=DECLINE,
    reference="the product's price ceiling; a price is never cut to fit",
    zh="覆盖风险所需价格高于上限",
    en="the price that covers the risk is above the ceiling",
    observes=("yearly_rate_bp",),
    requires=("yearly_rate_bp_max",),
    asked_of_scored=True,
)
def can_be_priced_within_the_ceiling(cases: Cases, terms: Terms) -> Met:
    """The price that covers the risk does not exceed the ceiling."""
    return cases.yearly_rate_bp <= terms["yearly_rate_bp_max"]
