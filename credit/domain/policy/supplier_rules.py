"""Rules on the supplier, whatever it asks for (DOMAIN 5.3)."""

from __future__ import annotations

from credit.domain.points import points
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
    "KO-CONNECTED-LISTED",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K11",
    zh="实际控制人或法定代表人名下企业处于失信、税务违法或采购禁入名单",
    en="a firm under the same controller or legal representative is on an exclusion list",
    observes=("connected_listings",),
)
def is_connected_to_nobody_listed(cases: Cases, terms: Terms) -> Met:
    """No firm under the same controller or legal representative stands on an exclusion list."""
    return cases.connected_listings <= 0


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
    return cases.age_months >= terms.of("age_months_min", cases)


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
    return cases.last_transaction_days <= terms.of("last_transaction_days_max", cases)


@rule(
    "KO-STALE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K12",
    zh="数据更新滞后",
    en="the platform's data are too old",
    observes=("feed_age_days",),
    requires=("feed_age_days_max",),
)
def is_known_by_fresh_data(cases: Cases, terms: Terms) -> Met:
    """The source of the record has said something lately."""
    return cases.feed_age_days <= terms.of("feed_age_days_max", cases)


@rule(
    "KO-RATING",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K05: rating below floor [GEM-F]",
    zh="采购人履约评价低于准入下限",
    en="the buyers' performance ratings are below the floor",
    observes=("rating_mean",),
    requires=("rating_min",),
)
def is_rated_well_enough(cases: Cases, terms: Terms) -> Met:
    """The mean performance rating by the supplier's buyers reaches the floor."""
    return cases.rating_mean >= terms.of("rating_min", cases)


@rule(
    "KO-USE",
    outcome=DECLINE,
    reference="DOMAIN 5.3 K14: no property or securities business [INTLOAN-DR]",
    zh="所属行业不在支持范围",
    en="credit is not given for this line of business",
    observes=("industry",),
    requires=("industry_excluded",),
)
def is_in_a_business_that_is_financed(cases: Cases, terms: Terms) -> Met:
    """The supplier's industry is not excluded."""
    return terms.by("industry_excluded", cases.industry).fillna(0.0) == 0


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
    return cases.past_due_days_12m <= terms.of("past_due_days_max", cases)


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
    return cases.pd <= terms.of("pd_max", cases)


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
    return cases.top_buyer_share <= terms.of("top_buyer_share_max", cases)


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
    return cases.buyer_days_late_p90 <= terms.of("buyer_days_late_p90_max", cases)


@rule(
    "R-GROWTH",
    outcome=REFER,
    reference="DOMAIN 5.3 R04; 5.1: more contractors die of gluttony than of starvation",
    zh="增长过快且退货或拒收增多",
    en="fast growth while goods are sent back",
    observes=("rejected_share",),
    may_lack=("growth_ratio",),
    requires=("growth_ratio_review", "rejected_share_review"),
)
def does_not_outgrow_its_quality(cases: Cases, terms: Terms) -> Met:
    """Sales did not more than double while goods were sent back; growth that nobody knows may be any."""
    slow = (cases.growth_ratio <= terms.of("growth_ratio_review", cases)) & cases.growth_ratio.notna()
    return slow | (cases.rejected_share <= terms.of("rejected_share_review", cases))


@rule(
    "R-CONTROL",
    outcome=REFER,
    reference="DOMAIN 5.3 R09",
    zh="近六个月实际控制人或法定代表人变更",
    en="a controller or legal representative changed within six months",
    observes=("controls_changed_6m",),
)
def is_in_steady_hands(cases: Cases, terms: Terms) -> Met:
    """No controller or legal representative changed within six months."""
    return cases.controls_changed_6m == 0


@rule(
    "R-CUT-OFF",
    outcome=REFER,
    reference="DOMAIN 5.3 R06: score within a band of the cut-off",
    zh="评分接近准入分数线",
    en="the score is close to the cut-off",
    observes=("score",),
    requires=("pd_max", "review_band_points"),
    asked_of_scored=True,
)
def is_clear_of_the_cut_off(cases: Cases, terms: Terms) -> Met:
    """The score lies a stated number of points above that of the cut-off; below it another rule declines."""
    highest = terms.of("pd_max", cases)
    return (cases.score >= points(highest) + terms.of("review_band_points", cases)) | (cases.pd > highest)


@rule(
    "R-REVIEW",
    outcome=REFER,
    reference="PIPL Art. 24; DOMAIN 5.3 R07",
    zh="申请人要求人工审核",
    en="the applicant asks that a person decides",
    observes=("review_requested",),
)
def leaves_it_to_the_engine(cases: Cases, terms: Terms) -> Met:
    """The applicant has not asked that a person decides."""
    return ~cases.review_requested


@rule(
    "R-DISPUTED",
    outcome=REFER,
    reference="征信业管理条例 Art. 25: a disputed datum is marked until it is settled",
    zh="申请人对数据提出异议，尚未处理完毕",
    en="the applicant disputes a datum, which is not settled yet",
    observes=("data_disputes_open",),
)
def disputes_no_datum(cases: Cases, terms: Terms) -> Met:
    """The applicant disputes nothing of what is known about it."""
    return cases.data_disputes_open == 0


@rule(
    "KO-COOLING",
    outcome=DECLINE,
    reference="DOMAIN 5.6: cooling-off after a decline",
    zh="距上次拒绝未满冷静期",
    en="the cooling-off period after an earlier decline is not over",
    observes=("cooling_days_left",),
)
def has_waited_after_a_decline(cases: Cases, terms: Terms) -> Met:
    """The cooling-off period after an earlier decline is over."""
    return cases.cooling_days_left <= 0


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
    return cases.transactions_24m >= terms.of("transactions_min", cases)


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
    return cases.voided_share <= terms.of("voided_share_max", cases)


@rule(
    "R-AUTHORITY",
    outcome=REFER,
    reference="DOMAIN 5.5 AUTO",
    zh="超出自动审批权限",
    en="above what may be granted without a person",
    observes=("granted_fen", "exposure_fen", "group_exposure_fen"),
    requires=("automatic_exposure_max_fen",),
    asked_of_scored=True,
)
def is_within_automatic_authority(cases: Cases, terms: Terms) -> Met:
    """What is granted and what the group owes already stay within what may be granted without a person."""
    owed = cases.group_exposure_fen.mask(cases.exposure_fen > cases.group_exposure_fen, cases.exposure_fen)
    return cases.granted_fen + owed <= terms.of("automatic_exposure_max_fen", cases)


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
    return cases.granted_fen >= terms.of("product_minimum_fen", cases)


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
    return cases.yearly_rate_bp <= terms.of("yearly_rate_bp_max", cases)


# What is asked of every supplier, whatever it applies for.
EVERY_SUPPLIER = (
    has_a_valid_identity,
    is_on_no_exclusion_list,
    is_connected_to_nobody_listed,
    has_consented,
    is_old_enough,
    is_known_by_fresh_data,
    is_rated_well_enough,
    is_in_a_business_that_is_financed,
    has_not_failed_a_contract,
    has_nothing_past_due,
    has_waited_after_a_decline,
    has_a_pd_within_the_cut_off,
    can_be_priced_within_the_ceiling,
    can_be_scored,
    is_clear_of_the_cut_off,
    is_in_steady_hands,
    does_not_outgrow_its_quality,
    was_never_called,
    leaves_it_to_the_engine,
    disputes_no_datum,
    is_within_automatic_authority,
)
# What is asked of one who borrows, beside.
BORROWERS = (
    has_paid_on_time,
    does_not_live_from_one_buyer,
    has_buyers_who_pay,
    has_a_record_to_judge,
)
