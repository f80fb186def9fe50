"""The words of the trade, in Chinese and English: what screens, records and pages call a thing, and what it means here.

One word for one thing. A page written by hand uses no Chinese term that does not stand here, and a test reads them all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """One term in both languages; `name` is what code and files call it, where they have one word for it."""

    zh: str
    en: str
    meaning: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """Terms that belong together."""

    zh: str
    en: str
    terms: tuple[Term, ...]


PRODUCTS_AND_LIMITS = Subject(
    "产品与额度",
    "products and limits",
    (
        Term(
            "政采贷", "procurement finance", "credit to suppliers of public buyers on their record or their contracts"
        ),
        Term("流水信用贷", "turnover line", "a revolving line on a supplier's own record", "turnover_line"),
        Term("采购合同贷", "contract loan", "a loan on one contract, repaid by what its buyer pays", "contract_loan"),
        Term(
            "预付款保函",
            "advance-payment guarantee",
            "pays the buyer back an advance that was not worked off",
            "advance_payment_guarantee",
        ),
        Term("履约保函", "performance guarantee", "pays the buyer where the contract fails", "performance_guarantee"),
        Term("投标保函", "bid security", "security for a bid; where it is abolished none may be asked", "bid_security"),
        Term("授信额度", "line", "what a supplier may draw, once it has accepted a decision that grants", "line"),
        Term("额度", "limit", "an amount that we set; what the law sets is a ceiling", "limit_fen"),
        Term("提款", "draw", "a part of a line that is reserved, then paid out or voided, once", "draw"),
        Term("放款", "pay-out", "the bank pays a reserved draw out", "POSTED"),
        Term(
            "还款", "repayment", "what pays fees, overdue interest, interest and principal, in that order", "repayment"
        ),
        Term("循环", "revolving", "what is repaid can be drawn again"),
        Term("营运资金需求", "working capital needed", "what the business turns over, less what it has", "LIM-need"),
        Term("集中度", "concentration", "how much of the book hangs on one district, buyer, category or grade"),
        Term("敞口", "exposure", "what is committed, owed and guaranteed together", "exposure_fen"),
        Term("产品", "product", "what is asked for: its rules, its limits and its price", "product"),
        Term("流水", "turnover", "what buyers paid in twelve months", "turnover_fen"),
        Term("利率", "rate", "the yearly price of a loan, in basis points", "yearly_rate_bp"),
        Term("法定", "ceiling", "what the law sets, with its region and day"),
        Term("采购人", "buyer", "the public body that orders and pays", "buyer_id"),
        Term("供应商", "supplier", "the firm that sells to public buyers and asks for credit", "supplier_id"),
    ),
)

CONTRACTS_AND_CASH = Subject(
    "合同与资金",
    "contracts and cash",
    (
        Term("合同", "contract", "what was signed after an award; its changes are amendments", "contract_id"),
        Term(
            "预付款", "advance", "what the buyer pays before delivery; it takes away from the receivable", "advance_fen"
        ),
        Term("扣回", "recoupment", "the advance is worked off against later payments"),
        Term("质保金", "retention", "what the buyer keeps back until the warranty is over", "retention_fen"),
        Term("应收账款", "receivable", "what the buyer still owes"),
        Term(
            "应收账款净额",
            "net receivable",
            "contract with its changes less prepaid, paid, retained, disputed and assigned",
            "net_base_fen",
        ),
        Term("回款", "collection", "what the buyer pays on a contract", "collect"),
        Term(
            "回款账户", "collection account", "the one account that the buyer pays into, locked at the bank", "account"
        ),
        Term("锁定", "locked", "nobody changes the account without bank and buyer", "LOCKED"),
        Term("验收", "acceptance", "the buyer says that a delivery is as ordered", "accepted_on"),
        Term("履约评价", "performance rating", "the buyer's mark for a delivery", "rating"),
        Term("交货", "delivery", "goods or services handed over", "delivered_on"),
        Term("发票", "invoice", "a VAT invoice, issued to a customer or received", "invoice_no"),
        Term("争议", "dispute", "buyer and supplier disagree about a contract", "dispute_id"),
        Term("异议", "dispute of data", "the applicant says that a datum is wrong; a person looks first", "dispute"),
        Term("交易", "transaction", "an order, a delivery, an invoice or a payment of the supplier's"),
        Term("客户", "customer", "whom a supplier sells to, a public buyer or not"),
        Term("退货", "goods sent back", "what the buyer rejected or returned", "rejected_fen"),
        Term("进销差", "margin", "sales less purchases, as the invoices have them"),
        Term("增长", "growth", "this year's payments against last year's", "growth_ratio"),
        Term("履约能力", "capacity", "the work that a supplier can still take on", "LIM-capacity"),
        Term("逾期", "past due", "not paid on the day agreed", "days_past_due"),
    ),
)

GUARANTEES = Subject(
    "保函",
    "guarantees",
    (
        Term("保函", "guarantee", "an undertaking to pay on a complying demand, up to a stated amount", "guarantee_id"),
        Term("索赔", "demand", "the buyer asks the guarantor to pay", "demand"),
        Term("相符交单", "complying presentation", "a demand that says and brings all that the guarantee asks"),
        Term("不延即付", "extend or pay", "a demand for a longer term, or else for payment", "extend"),
        Term("减额", "reduction", "the amount falls, by schedule or by the buyer's word", "reduce"),
        Term("失效", "expiry", "the guarantee's last day is over", "expire"),
        Term("释放", "release", "the buyer gives the guarantee back", "release"),
        Term("代偿", "payment under a guarantee", "the guarantor pays a demand", "pay"),
        Term("开立", "issue", "the guarantor gives the guarantee", "issue"),
    ),
)

DECISIONS = Subject(
    "审批与风险",
    "decisions and risk",
    (
        Term("审批", "decision", "approved, reduced, referred or declined, and never changed", "decision_id"),
        Term("申请", "application", "what was asked for; a part of the decision's record", "application"),
        Term("要约", "offer", "a decision that grants, until its last day", "offer"),
        Term("批准", "approve", "grants what was asked, or as much as can be", "APPROVE"),
        Term("降额", "reduce", "grants less than was asked", "REDUCE"),
        Term("人工复核", "refer", "a person has to look", "REFER"),
        Term("否决", "decline", "grants nothing, by a rule that nobody may override", "DECLINE"),
        Term("人工推翻", "override", "a person decides otherwise, with a code, evidence and a last day", "override"),
        Term("准入", "eligibility", "the rules that a supplier has to meet; each says what went wrong", "KO-"),
        Term("授权", "consent", "the firm lets a named bank have its record for a named purpose", "consent_id"),
        Term("征信", "credit reporting", "telling banks about firms; needs consent, a source list and disputes"),
        Term("评分", "score", "the probability of default as points: 40 points double the odds", "score"),
        Term(
            "违约概率", "probability of default (PD)", "of being 90 days past due or worse within twelve months", "pd"
        ),
        Term("主标尺", "master scale", "ten grades, each a range of probabilities", "grade_pd_upper"),
        Term("等级", "grade", "R01, the best, to R10", "grade"),
        Term("违约损失率", "loss given default", "the share of the exposure that is lost", "loss_given_default"),
        Term("信用转换系数", "credit conversion factor", "how much of a guarantee becomes a claim"),
        Term("评分卡", "scorecard", "points for ranges of each feature; the challenger beside the model", "scorecard"),
        Term("原因代码", "reason code", "why an answer is what it is, in fixed words", "reason"),
        Term("关联企业", "group", "firms under one controller or legal representative", "group_id"),
        Term("冷静期", "cooling-off", "days after a decline before the same is asked again", "cooling_days"),
        Term("股东", "shareholder", "who owns a part of the firm", "SHAREHOLDER"),
        Term("名单", "exclusion list", "of the courts, the tax authority or public procurement", "listings"),
        Term("失信被执行人", "judgment defaulter", "on the courts' list of those who did not pay", "JUDGMENT"),
        Term("重大税收违法", "major tax violation", "on the tax authority's list", "TAX"),
        Term("政府采购禁入名单", "procurement blacklist", "barred from public procurement", "PROCUREMENT"),
        Term("小微企业", "micro and small firms", "by the size standard of 2011", "size_class"),
        Term("个体工商户", "sole trader", "a person in business; not scored without consent", "SOLE_TRADER"),
        Term("统一社会信用代码", "unified social credit code", "18 characters with two check digits", "uscc"),
        Term("贷款市场报价利率", "loan prime rate", "the rate that prices are quoted against"),
    ),
)

AFTERWARDS = Subject(
    "贷后与报送",
    "after lending, and what banks are sent",
    (
        Term("贷后", "after lending", "what is watched once a line stands"),
        Term("预警", "alert", "what went wrong on a line since its decision; raised once, settled once", "alerts"),
        Term("监测报告", "monitoring report", "drift, calibration, vintages and alerts on one page", "report"),
        Term("全量", "full file", "takes the place of all that the bank holds", "FULL"),
        Term("增量", "delta", "what changed since the file before", "DELTA"),
        Term("对账", "reconciliation", "what the bank received and processed, and its errors by line", "acknowledge"),
        Term("隔离", "quarantine", "rows that could not be read, each with what to do", "quarantine"),
        Term("仅供参考", "advisory", "the bank keeps the final word", "advisory_only"),
        Term("校准", "calibration", "what was forecast beside what happened", "calibration"),
    ),
)

SUBJECTS: tuple[Subject, ...] = (PRODUCTS_AND_LIMITS, CONTRACTS_AND_CASH, GUARANTEES, DECISIONS, AFTERWARDS)
TERMS: tuple[Term, ...] = tuple(term for subject in SUBJECTS for term in subject.terms)
