"""What policy makes of the case: the limits, the price, the rules and the conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credit.app.memo.saying import (
    NOTHING,
    both,
    code,
    in_language,
    money,
    named,
    observed,
    percent,
    rate,
    said,
)
from models import html


def limits(record: dict[str, Any]) -> str:
    """The terms of the amount, the smallest first, beside the parts of the price."""
    from credit.domain.record import said as reason

    bound = record["bound_by"]["code"] if record["bound_by"] else None
    terms = sorted(record["limits_fen"].items(), key=lambda term: (term[1] is None, term[1] or 0, term[0]))
    least = record["limits_fen"].get(bound) or 0
    rows, kinds = [], []
    for name, fen in terms:
        times = f"{fen / least:,.1f}×" if least > 0 and fen is not None else NOTHING
        mark = f' <span class="tag">{both("约束", "bound")}</span>' if name == bound else ""
        rows.append((f"{code(name)} {said(reason(name))}{mark}", _rounded_down(fen), times))
        kinds.append("bound" if name == bound else "")
    heads = (both("额度项", "term"), "CNY", both("倍数", "times"))
    table = html.table(heads, rows, numbers=(1, 2), kinds=kinds, named=True)
    note = both(
        "额度取各项之最小；倍数以约束项为一。", "The limit is the smallest of them; times: against the one that bound."
    )
    return f'<div class="aside"><div>{table}<p class="quiet">{note}</p></div><div>{_price(record)}</div></div>'


def _rounded_down(fen: int | None) -> str:
    """A limit in whole yuan: limits go down."""
    return money(None if fen is None else fen // 100 * 100)


def _price(record: dict[str, Any]) -> str:
    parts = {name: value for name, value in record["price"].items() if value is not None}
    if not parts:
        return f'<h3>{both("定价", "Price")}</h3><p class="quiet">{both("未定价。", "Not priced.")}</p>'
    order = sorted(parts, key=lambda name: (name == "rate", name))
    rows = [(named(name), percent(parts[name])) for name in order]
    rows.append((both("取整（向上）并扣除贴息后", "rounded up, less any subsidy"), rate(record["yearly_rate_bp"])))
    kinds = [*("" for _ in order), "bound"]
    heads = (both("定价", "price"), both("每年", "a year"))
    return html.table(heads, rows, numbers=(1,), kinds=kinds, named=True)


def rules(findings: Sequence[dict[str, Any]]) -> str:
    """What each rule observed and was held against: those that found something first."""
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
        rows = [(rule(each), named(each["outcome"]), *held(each)) for each in against]
        parts.append(html.table(heads, rows, named=True))
    if clear:
        seen = (both("已检查，未触发", "looked for, not found"), both("实际", "observed"), both("要求", "required"))
        parts.append(html.table(seen, [(rule(each), *held(each)) for each in clear], named=True))
    if out:
        rows_out = [(rule(each), in_language("en", each["why_not_applicable"])) for each in out]
        parts.append(html.table((both("不适用", "not applicable"), both("原因", "why")), rows_out, named=True))
    return f'<div class="rules">{"".join(parts)}</div>'


def rule(finding: dict[str, Any]) -> str:
    """A rule by its code and what it says went wrong where it was not met."""
    return f"{code(finding['rule'])} {said(finding)}"


def held(finding: dict[str, Any]) -> tuple[str, str]:
    """What a rule observed, and what it was held against."""
    return _values(finding["observed"]), _values(finding["required"])


def _values(told: dict[str, Any]) -> str:
    cells = [(name, observed(name, value)) for name, value in told.items()]
    known = [f'<span class="held">{_broken(name)} {value}</span>' for name, value in cells
             if value != NOTHING]  # fmt: skip
    return " ".join(known) or NOTHING


def _broken(name: str) -> str:
    """The name of an input or a parameter, which may be broken where its words end."""
    return f'<code lang="en">{html.text(name).replace("_", "_<wbr>")}</code>'


def conditions(granted: dict[str, Any]) -> str:
    """What a grant is tied to."""
    if not granted:
        return f'<p class="quiet">{both("未授信，无条件。", "Nothing is granted, so there are none.")}</p>'
    points = [said(granted)] if "zh" in granted else []
    points += [said(granted[name]) for name in ("effective", "reduction") if name in granted]
    points += [
        f"{html.text(step['on'])}: CNY {money(step['amount_fen'])}"
        for step in granted.get("reduction", {}).get("planned", [])
    ]
    for each in granted.get("precedent", []):
        met = {True: both("已满足", "met"), False: both("未满足", "not met yet"), None: both("待查", "to be looked up")}
        points.append(f"{code(each['code'])} {said(each)} ({met[each['met']]})")
    return f"<ul>{''.join(f'<li>{each}</li>' for each in points)}</ul>"
