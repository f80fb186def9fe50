"""The memo as a page that needs nothing else: what a committee reads before it decides, on paper or on a screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from credit.app.language import words
from credit.app.memo import score
from credit.app.memo.charts import charts
from credit.app.memo.saying import (
    NO,
    NOTHING,
    YES,
    both,
    counted,
    in_language,
    language,
    money,
    named,
    observed,
    percent,
    rate,
    said,
)
from credit.app.memo.style import STYLE
from models import html

# How an answer looks.
LOOKS = {"APPROVE": "pass", "REDUCE": "pass", "REFER": "warn", "DECLINE": "fail"}
Fact = tuple[str, str]


def page(document: dict[str, Any]) -> str:
    """The memo of one answer as one HTML file, in the language that is asked for."""
    record = document["decision"]
    parts = [
        _head(document),
        _answer(document),
        _section("企业", "The firm", _firm(document)),
        _section("交易记录", "Record of trade", charts(document["history"]), _record(document["history"])),
        _section("评分与原因", "Score and reasons", score.way(document["score"])),
        _section("额度与定价", "Limits and price", _limits(record)),
        _section("准入规则", "Rules", _rules(record["findings"])),
        _section("敞口", "Exposure", _exposure(document["exposure"])),
        _section("条件", "Conditions", _conditions(record["conditions"] or {})),
        _section("如何改变结论", "What would change the answer", _changes(document)),
        _section("过往决定", "Decisions before", _past(document)),
        _section("依据", "What it stands on", _basis(document)),
    ]
    return html.document(_title(document), [f"<main>{''.join(parts)}</main>"], lang=language(), style=STYLE)


def score_page(document: dict[str, Any], name: str | None) -> str:
    """The explanation of a score as one HTML file: the part of the memo that is about the score alone."""
    facts = [
        html.text(document["supplier_id"]) if name else "",
        _known_on(document),
        f"<code>{html.text(_label(document['model']))}</code>",
    ]
    parts = [
        _header(both("评分说明", "Score explained"), name or document["supplier_id"], facts),
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


def _header(kind: str, name: str, facts: Sequence[str]) -> str:
    told = " · ".join(f"<span>{each}</span>" for each in facts if each)
    return (
        f'<header><p class="kind">{kind}</p><h1><bdi>{html.text(name)}</bdi></h1><p class="quiet">{told}</p></header>'
    )


def _known_on(document: dict[str, Any]) -> str:
    return f"{both('已知截至', 'as known on')} {html.text(document['as_of'])}"


def _head(document: dict[str, Any]) -> str:
    prepared, uscc = document["prepared"], document["firm"].get("uscc")
    moment = html.text(prepared["at"][:16].replace("T", " "))
    facts = [
        html.text(document["supplier_id"]) if document["name"] else "",
        html.text(uscc) if uscc else "",
        _known_on(document),
        f"{both('账簿截至', 'book as of')} {html.text(document['book_on'])}",
        f"{both('编制', 'prepared')} {moment} UTC, {html.text(prepared['by'])}",
    ]
    return _header(both("授信备忘录", "Credit memo"), document["name"] or document["supplier_id"], facts)


def _answer(document: dict[str, Any]) -> str:
    record = document["decision"]
    application, looks = record["application"], LOOKS[record["outcome"]]
    about = f" <code>{html.text(application['contract_id'])}</code>" if application["contract_id"] else ""
    amount = f"CNY\N{NO-BREAK SPACE}{money(record['amount_fen'])}" if record["amount_fen"] else NOTHING
    verdict = (
        f'<div class="answer {looks}"><p class="product">{said(record["product"])}{about}</p>'
        f'<p class="outcome">{named(record["outcome"])}</p><p class="amount">{amount}</p></div>'
    )
    indicative = "" if document["stored"] else _indicative(document["supplier_id"])
    return (
        f'<section><h2 class="seen">{both("结论", "The answer")}</h2>{indicative}'
        f'<div class="verdicts">{verdict}{_facts(_terms(record))}</div>{_because(record)}</section>'
    )


def _indicative(supplier: str) -> str:
    how = f"<code>credit line decide {html.text(supplier)}</code>"
    zh_en = both(
        "示意结论，未存储，未向任何人提供；存储并提供：", "Indicative: stored nowhere and offered to nobody until"
    )
    return f'<p class="banner warn">{zh_en} {how}</p>'


def _terms(record: dict[str, Any]) -> list[Fact]:
    """The answer in figures."""
    asked, conditions = record["application"]["requested_fen"], record["conditions"] or {}
    facts = [(both("申请金额", "asked for"), money(asked) if asked else both("以可得为限", "as much as can be"))]
    if record["amount_fen"]:
        facts.append((both("价格", "price"), rate(record["yearly_rate_bp"])))
        if record["subsidy_bp"]:
            facts.append((both("其中贴息", "of it subsidy"), rate(record["subsidy_bp"])))
        if "fee_fen" in conditions:
            facts.append((both("费用", "fee"), f"CNY\N{NO-BREAK SPACE}{money(conditions['fee_fen'])}"))
        if "expiry" in conditions:
            facts.append((both("到期", "expiry"), html.text(conditions["expiry"])))
        if record["tenor_months"]:
            facts.append((both("期限", "tenor"), counted(record["tenor_months"], "个月", "months")))
    if record["bound_by"]:
        facts.append((both("约束条件", "bound by"), said(record["bound_by"])))
    facts.append((both("风险", "risk"), _risk(record)))
    facts.append((both("有效期至", "valid until"), html.text(record["valid_until"])))
    return facts


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
    rows = "".join(f"<li>{_code(each['rule'])} {said(each)}{_lacking(each)}</li>" for each in found)
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
    facts = [
        (both("成立", "founded"), html.text(firm.get("founded_on") or NOTHING)),
        (both("平台注册", "registered here"), html.text(firm.get("registered_on") or NOTHING)),
        (both("形式", "form"), named(firm.get("legal_form"))),
        (both("规模", "size"), named(firm.get("size_class"))),
        (both("行业", "industry"), named(firm.get("industry"))),
        (both("区县代码", "county"), html.text(firm["region"] or NOTHING)),
        (both("专项", "programmes"), _listed(named(each) for each in firm["programmes"])),
        (both("关联企业", "tied to"), _listed(html.text(each) for each in firm["tied_to"])),
        (both("失信与处罚名单", "exclusion lists"), _listed(named(each) for each in history["listings"])),
        (both("授权", "consents"), _listed(consents)),
        (both("数据来源", "known by"), f"{named(firm['tier'])}, {counted(firm['feed_age_days'], '天前', 'days old')}"),
        (both("数据异议", "data disputed"), _listed(html.text(each["datum"]) for each in disputes)),
    ]
    return _facts(facts, columns=True)


def _record(history: dict[str, Any]) -> str:
    """What the firm signed, was lent, and was guaranteed for, in figures."""
    contracts, draws, guarantees = history["contracts"], history["draws"], history["guarantees"]
    facts = [
        (both("合同", "contracts"), f"{contracts['signed']:,} · CNY {money(contracts['signed_fen'])}"),
        (both("其中在履行", "of them open"), f"{contracts['open']:,} · CNY {money(contracts['open_fen'])}"),
        (both("最大已完成", "largest completed"), f"CNY {money(contracts['largest_completed_fen'])}"),
        (
            both("提前终止", "ended early"),
            f"{contracts['ended']:,} · " + counted(contracts["ended_by_its_fault"], "因其过错", "by its fault"),
        ),
        (
            both("各家借款", "draws, any lender"),
            f"{draws['draws']:,} · CNY {money(draws['drawn_fen'])} · " + counted(draws["lenders"], "家", "lenders"),
        ),
        (both("其中未还", "of them owed"), f"{draws['open']:,} · CNY {money(draws['open_fen'])}"),
        (
            both("最长逾期", "worst past due"),
            counted(draws["worst_days_past_due"], "天", "days"),
        ),
        (both("核销", "written off"), f"CNY {money(draws['written_off_fen'])}"),
        (both("保函", "guarantees"), f"{guarantees['issued']:,} · CNY {money(guarantees['issued_fen'])}"),
        (both("其中有效", "of them standing"), f"{guarantees['standing']:,} · CNY {money(guarantees['standing_fen'])}"),
        (both("曾被索赔", "called"), f"{guarantees['called']:,}"),
    ]
    return _facts(facts, columns=True)


# -- the limits, the price, the rules ----------------------------------------------------------------------------------


def _limits(record: dict[str, Any]) -> str:
    from credit.domain.record import said as reason

    bound = record["bound_by"]["code"] if record["bound_by"] else None
    terms = sorted(record["limits_fen"].items(), key=lambda term: (term[1] is None, term[1] or 0, term[0]))
    smallest = record["limits_fen"].get(bound) or next((fen for _, fen in terms if fen), None)
    rows, kinds = [], []
    for code, fen in terms:
        times = f"{fen / smallest:,.1f}×" if smallest and fen is not None else NOTHING
        mark = f' <span class="tag">{both("约束", "bound")}</span>' if code == bound else ""
        rows.append((f"{_code(code)} {said(reason(code))}{mark}", money(fen), times))
        kinds.append("bound" if code == bound else "")
    heads = (both("额度项", "term"), "CNY", both("倍数", "times"))
    table = html.table(heads, rows, numbers=(1, 2), kinds=kinds, named=True)
    note = both(
        "额度取各项之最小；倍数以约束项为一。", "The limit is the smallest of them; times: against the one that bound."
    )
    return f'<div class="aside"><div>{table}<p class="quiet">{note}</p></div><div>{_price(record)}</div></div>'


def _price(record: dict[str, Any]) -> str:
    parts = {name: value for name, value in record["price"].items() if value is not None}
    if not parts:
        return f'<h3>{both("定价", "Price")}</h3><p class="quiet">{both("未定价。", "Not priced.")}</p>'
    order = sorted(parts, key=lambda name: (name == "rate", name))
    rows = [(named(name), percent(parts[name])) for name in order]
    kinds = ["bound" if name == "rate" else "" for name in order]
    heads = (both("定价", "price"), both("每年", "a year"))
    return html.table(heads, rows, numbers=(1,), kinds=kinds, named=True)


def _rules(findings: Sequence[dict[str, Any]]) -> str:
    against = [each for each in findings if each["finding"] in ("NOT_MET", "MISSING")]
    clear = [each for each in findings if each["finding"] == "MET"]
    out = [each for each in findings if each["finding"] == "NOT_APPLICABLE"]
    counts = both(
        f"共 {len(findings)} 条：触发或缺数据 {len(against)}，未触发 {len(clear)}，不适用 {len(out)}。",
        f"{len(findings)} run: {len(against)} found or missing, {len(clear)} clear, {len(out)} not applicable.",
    )
    parts = [f"<p>{counts}</p>"]
    if against:
        heads = (both("触发", "found"), both("结果", "leads to"), both("实际", "observed"), both("要求", "required"))
        rows = [(_rule(each), named(each["outcome"]), *_held(each)) for each in against]
        parts.append(html.table(heads, rows, named=True))
    if clear:
        heads = (both("已检查，未触发", "looked for, not found"), both("实际", "observed"), both("要求", "required"))
        parts.append(html.table(heads, [(_rule(each), *_held(each)) for each in clear], named=True))
    if out:
        rows_out = [(_rule(each), in_language("en", each["why_not_applicable"])) for each in out]
        parts.append(html.table((both("不适用", "not applicable"), both("原因", "why")), rows_out, named=True))
    return "".join(parts)


def _rule(finding: dict[str, Any]) -> str:
    return f"{_code(finding['rule'])} {said(finding)}"


def _held(finding: dict[str, Any]) -> tuple[str, str]:
    """What a rule observed, and what it was held against."""
    return _values(finding["observed"]), _values(finding["required"])


def _values(told: dict[str, Any]) -> str:
    cells = [(name, observed(name, value)) for name, value in told.items()]
    known = [f'<span class="held"><code lang="en">{html.text(name)}</code> {value}</span>' for name, value in cells
             if value != NOTHING]  # fmt: skip
    return " ".join(known) or NOTHING


# -- the book ----------------------------------------------------------------------------------------------------------


def _exposure(exposure: dict[str, Any]) -> str:
    book = exposure["book"]
    facts = [
        (both("借款与保函合计", "loans and guarantees"), f"CNY {money(exposure['exposure_fen'])}"),
        (both("其中借款", "of it borrowed"), f"CNY {money(exposure['borrowed_fen'])}"),
        (both("集团合计", "its group, with it"), f"CNY {money(exposure['group_exposure_fen'])}"),
        (both("另有已报价", "offered besides"), f"CNY {money(exposure['offered_fen'])}"),
        (both("本行承诺", "we committed"), f"CNY {money(book['committed_fen'])}"),
        (both("本行未还", "owed to us"), f"CNY {money(book['outstanding_fen'])}"),
        (both("本行保函", "we guarantee"), f"CNY {money(book['guaranteed_fen'])}"),
        (both("本行垫付", "we paid, still owed"), f"CNY {money(book['claimed_fen'])}"),
    ]
    parts = [_facts(facts, columns=True)]
    if exposure["lines"]:
        heads = (both("额度", "line"), both("状态", "state"), "CNY", both("未还", "owed"), both("年价", "a year"),
                 both("至", "until"))  # fmt: skip
        rows = [
            (
                f"{_code(each['line_id'])} {said(each['product'])}",
                named(each["state"]),
                money(each["limit_fen"]),
                money(each["outstanding_fen"]),
                percent(each["yearly_rate_bp"] / 10_000),
                html.text(each["ends_on"]),
            )
            for each in exposure["lines"]
        ]
        parts.append(html.table(heads, rows, numbers=(2, 3, 4), named=True))
    if exposure["guarantees"]:
        heads = (
            both("保函", "guarantee"),
            both("合同", "contract"),
            both("可索赔", "can be called"),
            both("已垫付", "paid"),
        )
        rows = [
            (
                f"{_code(each['guarantee_id'])} {said(each['product'])}",
                html.text(each["contract_id"] or NOTHING),
                money(each["guaranteed_fen"]),
                money(each["claimed_fen"]),
            )
            for each in exposure["guarantees"]
        ]
        parts.append(html.table(heads, rows, numbers=(2, 3), named=True))
    if exposure["alerts"]:
        heads = (both("未了结预警", "open alert"), both("额度", "line"), both("自", "since"))
        rows = [(f"{_code(each['rule'])} {said(each)}", _code(each["line_id"]), html.text(each["raised_on"]))
                for each in exposure["alerts"]]  # fmt: skip
        parts.append(html.table(heads, rows, named=True))
    return "".join(parts)


def _conditions(conditions: dict[str, Any]) -> str:
    if not conditions:
        return f'<p class="quiet">{both("未授信，无条件。", "Nothing is granted, so there are none.")}</p>'
    points = [said(conditions)] if "zh" in conditions else []
    points += [said(conditions[name]) for name in ("effective", "reduction") if name in conditions]
    points += [
        f"{html.text(step['on'])}: CNY {money(step['amount_fen'])}"
        for step in conditions.get("reduction", {}).get("planned", [])
    ]
    for each in conditions.get("precedent", []):
        met = {True: both("已满足", "met"), False: both("未满足", "not met yet"), None: both("待查", "to be looked up")}
        points.append(f"{_code(each['code'])} {said(each)} ({met[each['met']]})")
    return f"<ul>{''.join(f'<li>{each}</li>' for each in points)}</ul>"


# -- what would change it ----------------------------------------------------------------------------------------------


def _changes(document: dict[str, Any]) -> str:
    change, record = document["change"], document["decision"]
    parts = [
        f"<h3>{both('无需人工即可获得', 'What could be had without a person')}</h3>",
        _alternatives(change),
        f"<h3>{both('下一项额度', 'The next limit')}</h3>",
        _next_limit(change["next_limit"], record),
        f"<h3>{both('临界规则', 'Rules met narrowly')}</h3>",
        _narrow(change),
        f"<h3>{both('更好的等级', 'A better grade')}</h3>",
        score.next_grade(document["score"]["next_grade"]),
    ]
    return "".join(parts)


def _alternatives(change: dict[str, Any]) -> str:
    if not change["alternatives"]:
        nothing = both("无；须人工审批或不可授信。", "Nothing; it takes a person, or cannot be.")
        return f'<p class="quiet">{nothing}</p>'
    # An amount and what it takes are a row, how long it is lent a column, and the cost of it the cell.
    costs: dict[tuple[str, int, int], dict[int | None, int]] = {}
    for each in change["alternatives"]:
        row = costs.setdefault((each["security"], each["amount_fen"], each["yearly_rate_bp"]), {})
        row[each["tenor_months"]] = each["cost_fen"]
    tenors = sorted({months for row in costs.values() for months in row}, key=lambda months: months or 0)
    rows = [
        (
            said(change["securities"][security]),
            money(fen),
            percent(price / 10_000),
            *(money(row.get(months)) for months in tenors),
        )
        for (security, fen, price), row in costs.items()
    ]
    heads = (both("前提", "if"), "CNY", both("每年", "a year"), *map(_costs_for, tenors))
    return html.table(heads, rows, numbers=range(1, len(heads)))


def _costs_for(months: int | None) -> str:
    """The head of a column of costs."""
    return both("费用", "fee") if months is None else both(f"{months} 个月费用", f"cost of {months} months")


def _next_limit(found: dict[str, Any] | None, record: dict[str, Any]) -> str:
    if found is None or record["bound_by"] is None:
        return f'<p class="quiet">{both("无约束项。", "No term bound.")}</p>'
    bound = record["bound_by"]
    zh = f"若无 {bound['code']}，额度为 CNY {_yuan(found)}，由 {found['code']} 约束。"
    en = f"Without {bound['code']} it would be CNY {_yuan(found)}, by {found['code']}."
    return f'<p>{both(zh, en)} <span class="quiet">{said(found)}</span></p>'


def _yuan(found: dict[str, Any]) -> str:
    from credit.domain.amounts import yuan

    return yuan(found["amount_fen"])


def _narrow(change: dict[str, Any]) -> str:
    if not change["narrowly_met"]:
        share = percent(change["narrow_margin_max"], 0)
        nothing = both(f"无规则距门槛在 {share} 以内。", f"No rule was met by {share} of its threshold or less.")
        return f'<p class="quiet">{nothing}</p>'
    heads = (both("规则", "rule"), both("余量", "margin"), both("实际", "observed"), both("门槛", "threshold"))
    rows = [(_rule(each), percent(each["margin"], 0), *_held(each)) for each in change["narrowly_met"]]
    return html.table(heads, rows, numbers=(1,), named=True)


def _past(document: dict[str, Any]) -> str:
    rows, kinds = [], []
    for each in document["past"]:
        this = each["decision_id"] == document["decision"]["decision_id"]
        about = f" {_code(each['contract_id'])}" if each["contract_id"] else ""
        rows.append(
            (
                html.text(each["decided_at"][:10]),
                f"{_code(each['decision_id'])} {said(each['product'])}{about}{_judged(each)}",
                named(each["outcome"]),
                money(each["amount_fen"]),
                html.text(each["maker"]),
            )
        )
        kinds.append("bound" if this else "")
    if not rows:
        return f'<p class="quiet">{both("无。", "None.")}</p>'
    heads = (both("日期", "on"), both("决定", "decision"), both("结果", "outcome"), "CNY", both("经办", "by"))
    return html.table(heads, rows, numbers=(3,), kinds=kinds)


def _judged(row: dict[str, Any]) -> str:
    why = row["judgement"]
    if why is None:
        return ""
    parts = [both("取代", "supersedes") + f" {_code(row['supersedes'])}", html.text(why["role"])]
    parts += [html.text(why[name]) for name in ("code", "text", "evidence") if why[name]]
    return f'<br><span class="quiet">{", ".join(parts)}</span>'


def _basis(document: dict[str, Any]) -> str:
    record = document["decision"]
    policy, model = record["policy"], record["model"]
    facts = [
        (
            both("决定", "decision"),
            _code(record["decision_id"]) if document["stored"] else both("未存储", "not stored"),
        ),
        (both("作出", "made"), f"{html.text(record['decided_at'].replace('T', ' '))} UTC"),
        (both("已存储", "stored"), both(*(YES if document["stored"] else NO))),
        (both("模型", "model"), f"<code>{html.text(_label(model))}</code>"),
        (both("政策", "policy"), f"<code>{html.text(policy['pack'])} {html.text(policy['version'])}</code>"),
        (both("政策摘要", "its SHA-256"), f"<code>{html.text(policy['sha256'][:16])}</code>"),
        (both("台账版本", "ledger version"), html.text(record["ledger"]["version"])),
        (both("已知截至", "as known on"), html.text(record["as_of"])),
    ]
    advice = both("本结论为建议；银行保留最终决定权。", "The answer is advice: the bank keeps the final word.")
    return f'{_facts(facts, columns=True)}<p class="quiet">{advice}</p>'


# -- pieces ------------------------------------------------------------------------------------------------------------


def _section(zh: str, en: str, *parts: str) -> str:
    return f"<section><h2>{both(zh, en)}</h2>{''.join(parts)}</section>"


def _facts(facts: Iterable[Fact], *, columns: bool = False) -> str:
    """Names and what they are, of HTML already; side by side in `columns`."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f"<dl{' class=columns' if columns else ''}>{rows}</dl>"


def _listed(each: Iterable[str]) -> str:
    return ", ".join(each) or NOTHING


def _code(code: str) -> str:
    return f"<code>{html.text(code)}</code>"


def _label(model: dict[str, Any]) -> str:
    return f"{model['name']}/{model['version']} {model['sha256'][:8]}"
