"""Reason codes: why an answer is what it is, in Chinese and English, and what the supplier can do about it.

The text is fixed so that the same code says the same thing to every supplier. "Score too low" is not a reason.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason code; `advice` is empty where the supplier cannot act on it."""

    code: str
    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""

    @property
    def actionable(self) -> bool:
        """Whether there is something the supplier can do."""
        return bool(self.advice_en)


# What drives a score toward risk; features name one of these (DOMAIN 5.6).
DRIVERS: tuple[Reason, ...] = (
    Reason("TEN", "经营或交易历史较短", "short trading history"),
    Reason(
        "ACT",
        "近期交易不活跃或规模较小",
        "low recent activity",
        "保持稳定接单与开票",
        "keep orders and invoices coming in steadily",
    ),
    Reason(
        "CAP",
        "合同规模超出已完成业绩",
        "contract large against what was completed before",
        "先承接较小合同",
        "take a smaller contract first",
    ),
    Reason(
        "CHG",
        "近期股东、负责人或登记信息变更",
        "recent change of ownership or registration",
        "说明变更原因",
        "explain the change",
    ),
    Reason("BKL", "在手未完工合同较多", "high backlog", "先完成在手合同", "complete open contracts first"),
    Reason("DEL", "交货延迟", "late deliveries", "按期交货", "deliver on the agreed dates"),
    Reason(
        "REJ",
        "退货、拒收或作废比例较高",
        "goods or invoices returned",
        "改进质量与开票管理",
        "improve quality and invoicing",
    ),
    Reason(
        "RAT",
        "采购人履约评价较低",
        "low performance ratings",
        "与采购人沟通整改",
        "settle complaints with the buyers",
    ),
    Reason("CAN", "存在终止合同或保函索赔记录", "terminated contracts or called guarantees"),
    Reason("DSP", "争议较多或被认定成立", "disputes, some upheld", "妥善解决争议", "settle open disputes"),
    Reason(
        "PEN",
        "被列入失信或处罚名单",
        "entered on an exclusion list",
        "申请信用修复",
        "apply for removal from the list",
    ),
    Reason(
        "CON",
        "客户或供应来源集中",
        "concentrated on few customers or vendors",
        "拓展客户",
        "win further customers",
    ),
    Reason("BUY", "采购人付款较慢", "slow-paying buyers"),
    Reason("REC", "逾期应收账款较高", "overdue receivables", "催收到期账款", "collect what is due"),
    Reason("PPY", "预付款比例或未扣回余额较高", "advances not yet recouped"),
    Reason(
        "LCK",
        "回款账户未锁定或被变更",
        "collection account not locked or changed",
        "锁定回款账户",
        "lock the collection account",
    ),
    Reason("CRD", "既往融资还款记录", "repayment record on earlier credit", "按期还款", "repay on time"),
    Reason("ENQ", "近期融资申请较多", "many recent credit applications", "减少重复申请", "apply less often"),
    Reason("GRO", "增长过快或波动较大", "growth strain or unsteady sales"),
    Reason(
        "UNK",
        "部分记录未知，评分按未知处理",
        "some of the record is not known",
        "授权或补充数据",
        "have the data provided",
    ),
    Reason(
        "MAR",
        "进销差或税负水平偏弱",
        "thin margin between sales and purchases",
        "改善毛利",
        "improve the margin",
    ),
)

# Why a firm has no score at all (DOMAIN 6.4).
UNSCORABLE: tuple[Reason, ...] = (
    Reason(
        "U01",
        "历史数据不足，无法评分",
        "too little history to score",
        "积累交易记录",
        "build up a trading record",
    ),
    Reason(
        "U02",
        "近期无交易，数据过期",
        "no recent transaction: the history is stale",
        "恢复交易",
        "resume trading",
    ),
    Reason(
        "U04",
        "个体工商户未授权，不得评分",
        "a sole trader has consented to nobody, and may not be scored",
        "授权银行查询",
        "grant a bank consent",
    ),
    Reason(
        "U06",
        "模型已使用该企业的结果，不能再评分",
        "the model has learned this firm's own outcome and cannot score it",
    ),
)

# Which term bound the amount.
LIMITS: tuple[Reason, ...] = (
    Reason("LIM-product", "受产品上限约束", "bound by the product's cap"),
    Reason("LIM-grade", "受等级上限约束", "bound by the cap of the grade"),
    Reason("LIM-turnover", "受年流水比例约束", "bound by the share of a year's turnover"),
    Reason("LIM-need", "受营运资金需求约束", "bound by the working capital needed"),
    Reason("LIM-relationship", "受单户敞口约束", "bound by the exposure to one supplier"),
    Reason("LIM-portfolio", "受组合额度约束", "bound by what is left of the portfolio's budget"),
    Reason("LIM-requested", "按申请金额", "the amount asked for"),
    Reason("LIM-person", "由审批人核定", "what the person who judged it granted"),
    Reason("LIM-advance", "以预付款金额为限", "bound by the advance itself"),
    Reason("LIM-contract", "受单一合同敞口约束", "bound by the cap on one contract over loan and guarantees"),
    Reason("LIM-receivable", "受应收账款净额及放款比例约束", "bound by the share of the net receivable that is lent"),
    Reason("LIM-similar", "受已完成同类最大合同约束", "bound by the largest similar contract completed"),
    Reason("LIM-capacity", "受剩余履约能力约束", "bound by the work that can still be taken on"),
    Reason("LIM-cost", "受合同履行成本约束", "bound by what the contract costs to perform, less what was paid of it"),
    Reason("LIM-wrong-way", "受预付款保函与贷款合计上限约束", "bound by the cap over loan and advance guarantee"),
    Reason("LIM-price", "定价高于小微普通利率，仅限小额", "above the ordinary rate only a small amount is lent"),
    Reason("LIM-group", "受关联企业集团敞口约束", "bound by the exposure to the group of firms"),
    Reason("LIM-district", "受区县集中度约束", "bound by the district's share of the book"),
    Reason("LIM-weak", "受低等级占比约束", "bound by the share of weak grades in the book"),
    Reason("LIM-buyer", "受采购人集中度约束", "bound by the buyer's share of the book"),
    Reason("LIM-pair", "受供应商与采购人配对限额约束", "bound by the limit on one supplier and buyer"),
    Reason("LIM-category", "受品类集中度约束", "bound by the category's share of the book"),
    Reason("LIM-law", "受法定保证金上限约束", "bound by the law's cap on the security"),
)

REASONS: tuple[Reason, ...] = (*DRIVERS, *UNSCORABLE, *LIMITS)

_BY_CODE = {reason.code: reason for reason in REASONS}


def reason_for(code: str) -> Reason:
    """The reason of that code; raises KeyError.

    >>> reason_for("DEL").en
    'late deliveries'
    """
    return _BY_CODE[code]
