"""Early warning after lending: which events are alerts, what each does to a line, who looks and how soon (DOMAIN 5.7).

Each rule is what a ledger can show to have happened since a line began; `data/early_warnings.py` finds it. Draws of our
own that are past due and guarantees of our own that are called are in the book: `data/book/signs.py` finds them, and
what a feed says of the same ones raises no second alert. Of DOMAIN 5.7 these are left out, for no table shows them:
sales that are not routed through the account (the supplier's other accounts; what goes past a locked one is
EW-MISPAID), round trips and large transfers (bank statements), letters of credit, ad-hoc requests for a higher limit, a
fall in staff, a buyer's cut budget, certificates that expire, and a drop of the score (scores are no events of the
ledger).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from credit.domain.authority import Role
from credit.domain.errors import PolicyBroken
from credit.domain.policy.terms import Parameter
from credit.domain.record import canonical, plain

if TYPE_CHECKING:
    import pandas as pd


class Severity(IntEnum):
    """How bad an alert is; a higher one is worse."""

    WATCH = 0
    AMBER = 1
    RED = 2


class Response(StrEnum):
    """What an alert does to its line until its owner has looked."""

    FREEZE = "FREEZE"
    CUT = "CUT"
    REVIEW = "REVIEW"
    WATCH = "WATCH"


# What each response means, in both languages.
RESPONSES: Mapping[Response, tuple[str, str]] = {
    Response.FREEZE: ("停止提款", "no draw is let through"),
    Response.CUT: ("提款前重新核定额度", "the limit is decided anew before the next draw"),
    Response.REVIEW: ("限期复核，可继续提款", "somebody reviews the line; draws go on"),
    Response.WATCH: ("列入观察", "the line is watched; draws go on"),
}


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule: what went wrong, how bad that is, what it does, who owns the alert and what that person can do.

    `requires` are the parameters that it is held against; `unit` is that of the number that the evidence has observed,
    empty where there is none.
    """

    code: str
    severity: Severity
    response: Response
    owner: Role
    reference: str
    zh: str
    en: str
    advice_zh: str
    advice_en: str
    requires: tuple[str, ...] = ()
    unit: str = ""

    @property
    def look_days(self) -> str:
        """The parameter that says within how many days the owner looks."""
        return f"{self.severity.name.lower()}_look_days"


# What a severity does to a line unless its rule says otherwise, and who owns such alerts.
_USUAL: Mapping[Severity, tuple[Response, Role]] = {
    Severity.RED: (Response.FREEZE, Role.SENIOR),
    Severity.AMBER: (Response.REVIEW, Role.ANALYST),
    Severity.WATCH: (Response.WATCH, Role.ANALYST),
}


def _rule(
    severity: Severity,
    code: str,
    reference: str,
    *texts: str,
    cuts: bool = False,
    requires: tuple[str, ...] = (),
    unit: str = "",
) -> AlertRule:
    """A rule from its four texts: what went wrong and what to do, each in Chinese and English."""
    zh, en, advice_zh, advice_en = texts
    usual, owner = _USUAL[severity]
    response = Response.CUT if cuts else usual
    return AlertRule(code, severity, response, owner, reference, zh, en, advice_zh, advice_en, requires, unit)


_red, _amber, _watch = (partial(_rule, each) for each in (Severity.RED, Severity.AMBER, Severity.WATCH))

# The worst first. A line on a contract is warned of what happens on it; one that is granted on the whole record, of
# what happens on any of the supplier's contracts.
RULES: tuple[AlertRule, ...] = (
    _red(
        "EW-MISPAID",
        "DOMAIN 5.7, 1.2 #4: the buyer pays the locked account and nowhere else",
        "采购人付款未进入锁定账户",
        "a buyer paid into another account than the locked one",
        "要求供应商将款项转入锁定账户，并由采购人书面确认收款账户",
        "have the money moved to the locked account, and the buyer confirm the account in writing",
    ),
    _red(
        "EW-UNLOCKED",
        "DOMAIN 5.7, 1.2 #2: no change of the account without the buyer's and the bank's consent",
        "收款账户被解锁或变更，尚未重新锁定",
        "the collection account was unlocked or changed and is not locked again",
        "核实变更原因，重新锁定账户后方可提款",
        "find out why, and have the account locked before anything is drawn",
    ),
    _red(
        "EW-LISTED",
        "DOMAIN 5.7, 2.3: new listing or ban [EWS1]",
        "新列入失信、税收违法或政府采购禁入名单",
        "entered on an exclusion list",
        "核对名单原文；误列的，由供应商申请移出",
        "compare with the list itself; where it is wrong, the supplier applies for removal",
    ),
    _red(
        "EW-CONTROLLER",
        "DOMAIN 5.7: enforcement against the controller [EWS2]",
        "实际控制人或负责人被列为失信被执行人",
        "whoever controls or answers for the supplier entered the list of judgments not honoured",
        "了解执行案件金额与进展，评估对供应商的影响",
        "learn how much is enforced and what it means for the supplier",
    ),
    _red(
        "EW-CALLED",
        "DOMAIN 5.7: guarantee demand",
        "保函被索赔",
        "a guarantee was demanded",
        "按索赔条款核对单据，并停止该合同项下融资",
        "examine the demand, and lend no more on the contract",
    ),
    _red(
        "EW-TERMINATED",
        "DOMAIN 5.7: contract terminated",
        "合同被终止",
        "the contract was terminated",
        "确认已交付部分的应付款，安排提前还款",
        "settle what is owed for what was delivered, and arrange repayment",
    ),
    _red(
        "EW-OVERDUE",
        "DOMAIN 5.7: one day past due [EWS1]",
        "借款逾期或到期后无还款记录",
        "a draw is past due, or due with no repayment known",
        "联系供应商还款；已还款的，请贷款人补报",
        "ask for repayment; where it was repaid, have the lender report it",
        requires=("past_due_days", "past_due_silent_days"),
        unit="days past due",
    ),
    _amber(
        "EW-CALLED-ELSEWHERE",
        "DOMAIN 5.7: guarantee invoked elsewhere [EWS1]",
        "其他合同的保函被索赔",
        "a guarantee on another contract was demanded",
        "了解索赔原因，评估供应商履约能力",
        "learn why, and whether the supplier can still perform",
        cuts=True,
    ),
    _amber(
        "EW-CANCELLED",
        "DOMAIN 5.7: cancelled bulk orders [EWS2]",
        "大额订单被取消或削减",
        "a large order was cancelled or cut",
        "按剩余订单重新核定额度",
        "decide the limit anew on the orders that are left",
        requires=("cancelled_share",),
        unit="share of a year's orders",
        cuts=True,
    ),
    _amber(
        "EW-DISPUTE",
        "DOMAIN 5.7: new dispute",
        "合同出现新的争议",
        "a new dispute on a contract",
        "核实争议金额，并从可融资净额中扣除",
        "find out the amount, and take it off what can be lent on",
        cuts=True,
    ),
    _amber(
        "EW-SLOW-BUYER",
        "DOMAIN 5.7: a buyer that pays later than is its own habit",
        "采购人付款明显晚于其自身惯例",
        "a buyer has left an acceptance unpaid for longer than is its habit",
        "向采购人核实付款安排，必要时展期",
        "ask the buyer when it pays; extend where that is needed",
        requires=("buyer_beyond_days",),
        unit="days beyond the buyer's p90",
    ),
    _amber(
        "EW-LATE",
        "DOMAIN 5.7: delivery more than 15 days late",
        "交货明显延迟",
        "a delivery came late",
        "了解延迟原因及违约金",
        "learn why, and what damages are due",
        requires=("delivery_late_days",),
        unit="days late",
    ),
    _amber(
        "EW-UNFINISHED",
        "DOMAIN 5.7: delivery more than 15 days late; it has not come at all",
        "已过计划验收日，合同仍未全部验收",
        "the planned last acceptance is past, and not everything was accepted",
        "向采购人核实进度；有延期协议的，补录变更",
        "ask the buyer how far it is; where more time was agreed, have the change recorded",
        requires=("delivery_late_days",),
        unit="days late",
    ),
    _amber(
        "EW-RATING",
        "DOMAIN 5.7: acceptance score drops by two standard deviations",
        "验收评分明显下降",
        "the last three acceptances were rated well below those before",
        "与采购人沟通质量问题",
        "speak with the buyers about what was wrong",
        requires=("rating_drop_sigmas", "rating_drop_points", "ratings_before"),
        unit="points below",
    ),
    _amber(
        "EW-SCOPE",
        "DOMAIN 5.7: frequent scope change [EWS2]",
        "合同频繁变更",
        "a contract was changed again and again",
        "核实变更内容及剩余合同额",
        "learn what changed and what is left of the contract",
        requires=("scope_changes", "scope_change_days"),
        unit="changes",
    ),
    _watch(
        "EW-ORDERS",
        "DOMAIN 5.7: orders fall by 40 % from quarter to quarter",
        "季度订单大幅下降",
        "the orders of a quarter fell far below those of the quarter before and of the same quarter a year before",
        "了解订单减少的原因",
        "learn why there are fewer orders",
        requires=("orders_fall_share", "orders_before"),
        unit="share by which they fell",
    ),
    _watch(
        "EW-ENQUIRIES",
        "DOMAIN 5.7: three enquiries within 30 days",
        "短期内多次申请融资",
        "credit was applied for again and again",
        "了解资金用途及其他贷款",
        "learn what the money is for and who else lends",
        requires=("enquiries", "enquiry_days"),
        unit="applications",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert on a line, each field as a table has it.

    `rule_version` is that of the parameters it was held against; `raised_on` the first day on which it could be known;
    `evidence` the JSON of what was found: the rows of the ledger, the contract, when it happened and was known.
    """

    alert_id: str
    rule: str
    rule_version: str
    severity: str
    action: str
    supplier_id: str
    contract_id: str | None
    line_id: str
    raised_on: date
    due_on: date
    owner: str
    evidence: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Alert:
        """An alert as it was written: the same one."""
        days = {name: date.fromisoformat(document[name]) for name in ("raised_on", "due_on")}
        return cls(**{**document, **days})


def alert_id(rule: str, line_id: str, about: str) -> str:
    """The id of an alert: of what it is about on a line, so that it is the same one on every night.

    >>> alert_id("EW-LISTED", "L0064A99340D3C75", "L1")
    'W1E119FF623A7681'
    """
    return "W" + hashlib.sha256(canonical([rule, line_id, about])).hexdigest()[:15].upper()


def rule_named(code: str) -> AlertRule:
    """The rule of a code. Raises KeyError."""
    for each in RULES:
        if each.code == code:
            return each
    raise KeyError(code)


def version_on(parameters: Mapping[str, Parameter], day: date) -> str:
    """Which parameters hold on a day: when the newest of their lines began, and a hash over all that hold.

    >>> from credit.domain.policy.terms import Dated
    >>> days = Parameter("late", "days", "law", (Dated(date(2016, 1, 1), 15), Dated(date(2026, 1, 1), 10)))
    >>> version_on({"late": days}, date(2025, 12, 31)), version_on({"late": days}, date(2026, 1, 1))
    ('2016-01-01-878b8f3f', '2026-01-01-d40b4c53')
    """
    began = [v.since for p in parameters.values() for v in p.values if v.since <= day]
    said = canonical({name: parameter.history(day) for name, parameter in parameters.items()})
    return f"{max(began, default=day)}-{hashlib.sha256(said).hexdigest()[:8]}"


def refuse_incomplete(parameters: Mapping[str, Parameter], file: str) -> None:
    """Raise PolicyBroken where a rule's parameter is missing, differs by region, or is there that no rule reads."""
    read = {name for rule in RULES for name in (rule.look_days, *rule.requires)}
    for name in sorted(read - set(parameters)):
        raise PolicyBroken(f"{file}: parameter {name!r} is missing", hint="compare with the file that ships")
    for name in sorted(set(parameters) - read):
        raise PolicyBroken(f"{file}: no alert rule reads parameter {name!r}", hint="remove it, or mend its name")
    for name, parameter in parameters.items():
        if parameter.is_regional:
            raise PolicyBroken(f"{file}: {name!r} cannot differ by region", hint="one value holds for everybody")


def raised(found: pd.DataFrame, lines: pd.DataFrame, terms: Mapping[str, Any], *, version: str) -> list[Alert]:
    """The alerts that findings raise, the worst and then the oldest first.

    `found` has a row for each finding: line_id, rule, about, table, records, contract_id, happened_on, known_on,
    observed. `lines` has line_id, supplier_id, contract_id and since. What was found was not known when the line
    began, so it is raised on a later day, whenever it happened.
    """
    by_line: dict[str, dict[Any, Any]] = {each["line_id"]: each for each in lines.to_dict("records")}
    rules = {rule.code: rule for rule in RULES}
    alerts = []
    for each in found.to_dict("records"):
        rule, line = rules[each["rule"]], by_line[each["line_id"]]
        raised_on = max(each["happened_on"], each["known_on"], line["since"] + timedelta(days=1))
        alerts.append(
            Alert(
                alert_id=alert_id(rule.code, line["line_id"], each["about"]),
                rule=rule.code,
                rule_version=version,
                severity=rule.severity.name,
                action=rule.response.value,
                supplier_id=line["supplier_id"],
                contract_id=plain(each["contract_id"]) or plain(line["contract_id"]),
                line_id=line["line_id"],
                raised_on=raised_on,
                due_on=raised_on + timedelta(days=int(terms[rule.look_days])),
                owner=rule.owner.value,
                evidence=_evidence(rule, each, terms),
            )
        )
    return in_order(alerts)


def in_order(alerts: Sequence[Alert]) -> list[Alert]:
    """Alerts as somebody works through them: the worst first, of those the oldest, each day in one order."""
    return sorted(alerts, key=lambda each: (-Severity[each.severity], each.raised_on, each.line_id, each.alert_id))


def _evidence(rule: AlertRule, found: Mapping[Any, Any], terms: Mapping[str, Any]) -> str:
    """What was found as one line of JSON: ids and days, what was observed and what it was held against; no names."""
    said = {
        "table": found["table"],
        "records": list(found["records"]),
        "contract_id": plain(found["contract_id"]),
        "happened_on": str(found["happened_on"]),
        "known_on": str(found["known_on"]),
        "observed": plain(found["observed"]),
        "unit": rule.unit,
        "required": {name: terms[name] for name in rule.requires},
    }
    return canonical(said).decode().rstrip("\n")
