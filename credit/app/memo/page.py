"""The memo as a page that needs nothing else: what a committee reads before it decides, on paper or on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credit.app.language import words
from credit.app.memo import alternatives, booked, score, terms
from credit.app.memo.charts import charts
from credit.app.memo.saying import (
    NOTHING,
    Fact,
    both,
    code,
    counted,
    facts,
    language,
    listed,
    money,
    named,
    percent,
    rate,
    said,
)
from credit.app.memo.style import STYLE
from models import html

# How an answer looks.
LOOKS = {"APPROVE": "pass", "REDUCE": "pass", "REFER": "warn", "DECLINE": "fail"}


def page(document: dict[str, Any]) -> str:
    """The memo of one answer as one HTML file, in the language that is asked for."""
    record = document["decision"]
    parts = [
        _head(document),
        _answer(document),
        _section("企业", "The firm", _firm(document)),
        _section("交易记录", "Record of trade", charts(document["history"]), _record(document["history"])),
        _section("评分与原因", "Score and reasons", score.way(document["score"])),
        _section("额度与定价", "Limits and price", terms.limits(record)),
        _section("准入规则", "Rules", terms.rules(record["findings"])),
        _section("敞口", "Exposure", booked.exposure(document["exposure"])),
        _section("条件", "Conditions", terms.conditions(record["conditions"] or {})),
        _section("如何改变结论", "What would change the answer", alternatives.changes(document)),
        _section("过往决定", "Decisions before", booked.past(document)),
        _section("依据", "What it stands on", _basis(document)),
    ]
    return html.document(_title(document), [f"<main>{''.join(parts)}</main>"], lang=language(), style=STYLE)


def score_page(document: dict[str, Any], name: str | None) -> str:
    """The explanation of a score as one HTML file: the part of the memo that is about the score alone."""
    model = document["model"]
    told = [
        html.text(document["supplier_id"]) if name else "",
        _known_on(document),
        f"<code>{html.text(model['name'])}/{html.text(model['version'])}</code>",
    ]
    parts = [
        _header(both("评分说明", "Score explained"), name or document["supplier_id"], [told]),
        _section("评分与原因", "Score and reasons", score.way(document)),
    ]
    if document["what_if"]:
        parts.append(_section("假设", "If it were so", score.what_if(document)))
    if not document["unscorable"]:
        parts.append(_section("如何改善等级", "What would better the grade", score.next_grade(document["next_grade"])))
    title = f"{words('评分说明', 'Score explained')} {document['supplier_id']}"
    return html.document(title, [f"<main>{''.join(parts)}</main>"], lang=language(), style=STYLE)


# -- the answer --------------------------------------------------------------------------------------------------------


def _title(document: dict[str, Any]) -> str:
    return f"{words('授信备忘录', 'Credit memo')} {document['supplier_id']} {document['as_of']}"


def _header(kind: str, name: str, lines: Sequence[Sequence[str]]) -> str:
    """The head of a page: what it is, about whom, and some lines of facts."""
    told = [" · ".join(f"<span>{each}</span>" for each in line if each) for line in lines]
    below = "".join(f'<p class="quiet">{line}</p>' for line in told if line)
    return f'<header><p class="kind">{kind}</p><h1><bdi>{html.text(name)}</bdi></h1>{below}</header>'


def _known_on(document: dict[str, Any]) -> str:
    return f"{both('已知截至', 'as known on')} {html.text(document['as_of'])}"


def _head(document: dict[str, Any]) -> str:
    prepared, uscc = document["prepared"], document["firm"].get("uscc")
    moment = html.text(prepared["at"][:16].replace("T", " "))
    ids = [html.text(document["supplier_id"]) if document["name"] else "", html.text(uscc) if uscc else ""]
    days = [
        _known_on(document),
        f"{both('账簿截至', 'book as of')} {html.text(document['book_on'])}",
        f"{both('编制', 'prepared')} {moment} UTC, {html.text(prepared['by'])}",
    ]
    return _header(both("授信备忘录", "Credit memo"), document["name"] or document["supplier_id"], [ids, days])


def _answer(document: dict[str, Any]) -> str:
    record = document["decision"]
    application, looks = record["application"], LOOKS[record["outcome"]]
    about = f" <code>{html.text(application['contract_id'])}</code>" if application["contract_id"] else ""
    amount = f"CNY\N{NO-BREAK SPACE}{money(record['amount_fen'])}" if record["amount_fen"] else NOTHING
    verdict = (
        f'<div class="answer {looks}"><p class="product">{said(record["product"])}{about}</p>'
        f'<p class="outcome">{named(record["outcome"])}</p><p class="amount">{amount}</p></div>'
    )
    indicative = "" if document["stored"] else _indicative(document)
    return (
        f'<section><h2 class="seen">{both("结论", "The answer")}</h2>{indicative}'
        f'<div class="verdicts">{verdict}{facts(_terms(record))}</div>{_because(record)}</section>'
    )


def _indicative(document: dict[str, Any]) -> str:
    how = f"<code>credit line decide {html.text(document['supplier_id'])}</code>"
    made, known = document["book_on"], document["as_of"]
    zh_en = both(
        f"示意结论：于 {made} 依据截至 {known} 的交易记录作出，模型、异议与已报价均为 {made} 当日；"
        "未存储，未向任何人提供；存储并提供：",
        f"Indicative: made on {made} on the record as known on {known}, with the model, the disputes and what stands "
        f"offered of {made}; stored nowhere and offered to nobody until",
    )
    return f'<p class="banner warn">{zh_en} {how}</p>'


def _terms(record: dict[str, Any]) -> list[Fact]:
    """The answer in figures."""
    asked, conditions = record["application"]["requested_fen"], record["conditions"] or {}
    told = [(both("申请金额", "asked for"), money(asked) if asked else both("以可得为限", "as much as can be"))]
    if record["amount_fen"]:
        told.append((both("价格", "price"), rate(record["yearly_rate_bp"])))
        if record["subsidy_bp"]:
            told.append((both("其中贴息", "of it subsidy"), rate(record["subsidy_bp"])))
        if "fee_fen" in conditions:
            told.append((both("费用", "fee"), f"CNY\N{NO-BREAK SPACE}{money(conditions['fee_fen'])}"))
        if "expiry" in conditions:
            told.append((both("到期", "expiry"), html.text(conditions["expiry"])))
        elif record["tenor_months"]:
            told.append((both("期限", "tenor"), counted(record["tenor_months"], "个月", "months")))
    if record["bound_by"]:
        told.append((both("约束条件", "bound by"), said(record["bound_by"])))
    if judged := record.get("judgement"):
        words_said = f": {html.text(judged['text'])}" if judged["text"] else ""
        told.append((both("审批", "judged by"), f"{html.text(judged['by'])}, {html.text(judged['role'])}{words_said}"))
    told.append((both("风险", "risk"), _risk(record)))
    told.append((both("有效期至", "valid until"), html.text(record["valid_until"])))
    return told


def _risk(record: dict[str, Any]) -> str:
    if record["unscorable"]:
        return f"<code>{html.text(record['unscorable']['code'])}</code> {said(record['unscorable'])}"
    if record["pd"] is None:
        return NOTHING
    months = record["pd_horizon_months"]
    over = f", {counted(months, '个月内', 'months')}" if months else ""
    return (
        f"{html.text(record['grade'])} · {both('评分', 'score')} {record['score']} · PD {percent(record['pd'])}{over}"
    )


def _because(record: dict[str, Any]) -> str:
    """What the rules found, which is why the answer is no plain yes."""
    found = [each for each in record["findings"] if each["finding"] in ("NOT_MET", "MISSING")]
    if not found:
        return ""
    rows = "".join(f"<li>{code(each['rule'])} {said(each)}{_lacking(each)}</li>" for each in found)
    return f'<ul class="why">{rows}</ul>'


def _lacking(finding: dict[str, Any]) -> str:
    if finding["finding"] != "MISSING":
        return ""
    names = ", ".join(finding["observed"])
    return f" ({both('缺', 'missing')}: <code>{html.text(names)}</code>)"


# -- the firm ----------------------------------------------------------------------------------------------------------


def _firm(document: dict[str, Any]) -> str:
    firm, history = document["firm"], document["history"]
    consents = [
        f"{html.text(each['bank_id'])} ({named(each['purpose'])}"
        + (f", {both('至', 'until')} {html.text(each['valid_to'])}" if each["valid_to"] else "")
        + ")"
        for each in firm["consents"]
    ]
    disputes = [each for each in document["disputes"] if each["settled_at"] is None]
    told = [
        (both("成立", "founded"), html.text(firm.get("founded_on") or NOTHING)),
        (both("平台注册", "registered here"), html.text(firm.get("registered_on") or NOTHING)),
        (both("形式", "form"), named(firm.get("legal_form"))),
        (both("规模", "size"), named(firm.get("size_class"))),
        (both("行业", "industry"), named(firm.get("industry"))),
        (both("区县代码", "county"), html.text(firm["region"] or NOTHING)),
        (both("专项", "programmes"), listed(named(each) for each in firm["programmes"])),
        (both("关联企业", "tied to"), listed(html.text(each) for each in firm["tied_to"])),
        (both("失信与处罚名单", "exclusion lists"), _lists(history["listings"])),
        (both("授权", "consents"), listed(consents)),
        (both("数据来源", "known by"), f"{named(firm['tier'])}, {counted(firm['feed_age_days'], '天前', 'days old')}"),
        (both("数据异议", "data disputed"), listed(html.text(each["datum"]) for each in disputes)),
    ]
    return facts(told, columns=True)


def _lists(listings: list[str] | None) -> str:
    return both("未知", "not known") if listings is None else listed(named(each) for each in listings)


def _record(history: dict[str, Any]) -> str:
    """What the firm signed, was lent, and was guaranteed for, in figures; that nothing is known is not that nothing
    was.
    """
    parts = {"contracts": _contracts, "draws": _draws, "guarantees": _guarantees}
    heads = {
        "contracts": both("合同", "contracts"),
        "draws": both("各家借款", "draws, any lender"),
        "guarantees": both("保函", "guarantees"),
    }
    told: list[Fact] = []
    for name, figures in parts.items():
        known = history[name]
        told += [(heads[name], both("未知", "not known"))] if known is None else figures(heads[name], known)
    return facts(told, columns=True)


def _contracts(head: str, contracts: dict[str, Any]) -> list[Fact]:
    told = [
        (head, f"{contracts['signed']:,} · CNY {money(contracts['signed_fen'])}"),
        (both("其中在履行", "of them open"), f"{contracts['open']:,} · CNY {money(contracts['open_fen'])}"),
        (both("最大已完成", "largest completed"), f"CNY {money(contracts['largest_completed_fen'])}"),
    ]
    if contracts["ended"] is None:
        return [*told, (both("提前终止", "ended early"), both("未知", "not known"))]
    ended = f"{contracts['ended']:,} · " + counted(contracts["ended_by_its_fault"], "因其过错", "by its fault")
    return [*told, (both("提前终止", "ended early"), ended)]


def _draws(head: str, draws: dict[str, Any]) -> list[Fact]:
    lenders = counted(draws["lenders"], "家", "lender" if draws["lenders"] == 1 else "lenders")
    return [
        (head, f"{draws['draws']:,} · CNY {money(draws['drawn_fen'])} · {lenders}"),
        (both("其中未还", "of them owed"), f"{draws['open']:,} · CNY {money(draws['open_fen'])}"),
        (both("最长逾期", "worst past due"), counted(draws["worst_days_past_due"], "天", "days")),
        (both("核销", "written off"), f"CNY {money(draws['written_off_fen'])}"),
    ]


def _guarantees(head: str, guarantees: dict[str, Any]) -> list[Fact]:
    return [
        (head, f"{guarantees['issued']:,} · CNY {money(guarantees['issued_fen'])}"),
        (both("其中有效", "of them standing"), f"{guarantees['standing']:,} · CNY {money(guarantees['standing_fen'])}"),
        (both("曾被索赔", "called"), f"{guarantees['called']:,}"),
    ]


def _basis(document: dict[str, Any]) -> str:
    record = document["decision"]
    policy, model = record["policy"], record["model"]
    told = [
        (
            both("决定", "decision"),
            code(record["decision_id"]) if document["stored"] else both("未存储", "not stored"),
        ),
        (both("作出", "made"), f"{html.text(record['decided_at'].replace('T', ' '))} UTC"),
        (both("模型", "model"), f"<code>{html.text(model['name'])}/{html.text(model['version'])}</code>"),
        (both("模型摘要", "its SHA-256"), f"<code>{html.text(model['sha256'][:16])}</code>"),
        (both("政策", "policy"), f"<code>{html.text(policy['pack'])} {html.text(policy['version'])}</code>"),
        (both("政策摘要", "its SHA-256"), f"<code>{html.text(policy['sha256'][:16])}</code>"),
        (both("台账版本", "ledger version"), html.text(record["ledger"]["version"])),
        (both("已知截至", "as known on"), html.text(record["as_of"])),
    ]
    advice = both("本结论为建议；银行保留最终决定权。", "The answer is advice: the bank keeps the final word.")
    return f'{facts(told, columns=True)}<p class="quiet">{advice}</p>'


# -- pieces ------------------------------------------------------------------------------------------------------------


def _section(zh: str, en: str, *parts: str) -> str:
    return f"<section><h2>{both(zh, en)}</h2>{''.join(parts)}</section>"
