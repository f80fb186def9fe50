"""What stands in the book, as a part of the page: exposure, and the decisions of before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credit.app.memo.saying import (
    NOTHING,
    both,
    code,
    facts,
    money,
    named,
    percent,
    said,
)
from models import html

Rows = Sequence[dict[str, Any]]


def exposure(taken: dict[str, Any]) -> str:
    """What the firm owes and is guaranteed for, the lines and guarantees it has with us, and what is wrong on them."""
    book = taken["book"]
    told = [
        (both("借款与保函合计", "loans and guarantees"), f"CNY {money(taken['exposure_fen'])}"),
        (both("其中借款", "of it borrowed"), f"CNY {money(taken['borrowed_fen'])}"),
        (both("集团合计", "its group"), f"CNY {money(taken['group_exposure_fen'])}"),
        (both("另有已报价", "offered besides"), f"CNY {money(taken['offered_fen'])}"),
        (both("本行承诺", "we committed"), f"CNY {money(book['committed_fen'])}"),
        (both("本行未还", "owed to us"), f"CNY {money(book['outstanding_fen'])}"),
        (both("本行保函", "we guarantee"), f"CNY {money(book['guaranteed_fen'])}"),
        (both("本行垫付", "we paid, still owed"), f"CNY {money(book['claimed_fen'])}"),
    ]
    return (
        facts(told, columns=True) + _lines(taken["lines"]) + _guarantees(taken["guarantees"]) + _alerts(taken["alerts"])
    )


def _lines(lines: Rows) -> str:
    if not lines:
        return ""
    heads = (both("额度", "line"), both("状态", "state"), "CNY", both("未还", "owed"), both("年价", "a year"),
             both("至", "until"))  # fmt: skip
    rows = [
        (
            f"{code(each['line_id'])} {said(each['product'])}",
            named(each["state"]),
            money(each["limit_fen"]),
            money(each["outstanding_fen"]),
            percent(each["yearly_rate_bp"] / 10_000),
            html.text(each["ends_on"]),
        )
        for each in lines
    ]
    return html.table(heads, rows, numbers=(2, 3, 4), named=True)


def _guarantees(guarantees: Rows) -> str:
    if not guarantees:
        return ""
    heads = (
        both("保函", "guarantee"),
        both("合同", "contract"),
        both("可索赔", "can be called"),
        both("已垫付", "paid"),
    )
    rows = [
        (
            f"{code(each['guarantee_id'])} {said(each['product'])}",
            html.text(each["contract_id"] or NOTHING),
            money(each["guaranteed_fen"]),
            money(each["claimed_fen"]),
        )
        for each in guarantees
    ]
    return html.table(heads, rows, numbers=(2, 3), named=True)


def _alerts(alerts: Rows) -> str:
    if not alerts:
        return ""
    heads = (both("未了结预警", "open alert"), both("额度", "line"), both("自", "since"))
    rows = [(f"{code(each['rule'])} {said(each)}", code(each["line_id"]), html.text(each["raised_on"]))
            for each in alerts]  # fmt: skip
    return html.table(heads, rows, named=True)


def past(document: dict[str, Any]) -> str:
    """The decisions that were made on the firm, newest first; the one that the page is about stands out."""
    rows, kinds = [], []
    for each in document["past"]:
        this = each["decision_id"] == document["decision"]["decision_id"]
        about = f" {code(each['contract_id'])}" if each["contract_id"] else ""
        rows.append(
            (
                html.text(each["decided_at"][:10]),
                f"{code(each['decision_id'])} {said(each['product'])}{about}{_judged(each)}",
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
    parts = [both("取代", "supersedes") + f" {code(row['supersedes'])}", html.text(why["role"])]
    parts += [html.text(why[name]) for name in ("code", "text", "evidence") if why[name]]
    return f'<br><span class="quiet">{", ".join(parts)}</span>'
