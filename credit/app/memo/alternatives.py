"""What would change the answer, as a part of the page."""

from __future__ import annotations

from typing import Any

from credit.app.memo import score
from credit.app.memo.saying import (
    both,
    column,
    counted,
    percent,
    said,
)
from credit.app.memo.terms import held, rule
from models import html


def changes(document: dict[str, Any]) -> str:
    """Other amounts, the limit behind the one that bound, rules that were met narrowly, and a better grade."""
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
    given = [(said(change["securities"][security]), percent(price / 10_000)) for security, _, price in costs]
    amounts = column([fen for _, fen, _ in costs])
    by_tenor = [column([row.get(months) for row in costs.values()]) for months in tenors]
    rows = [
        (amount, price, *paid, security)
        for amount, (security, price), *paid in zip(amounts, given, *by_tenor, strict=True)
    ]
    spans = [both("费用", "fee") if months is None else counted(months, "个月", "months") for months in tenors]
    heads = ("CNY", both("每年", "a year"), *spans, both("前提", "if"))
    note = both("各期限下为费用合计。", "Under each tenor: what it costs in all.")
    return f'{html.table(heads, rows, numbers=range(len(heads) - 1))}<p class="quiet">{note}</p>'


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
    rows = [(rule(each), percent(each["margin"], 0), *held(each)) for each in change["narrowly_met"]]
    return html.table(heads, rows, numbers=(1,), named=True)
