"""The score on a page: the way from the reference population to the firm, and what would better the grade."""

from __future__ import annotations

from typing import Any

from credit.app.language import words
from credit.app.memo.saying import both, moved, percent, said, signed
from credit.app.waterfall import Step, steps
from models import html
from models.plots import strip

# A reason that moves the log-odds by less is summed up with the others: a committee reads a page, not all of them.
LEAST = 0.03


def way(document: dict[str, Any]) -> str:
    """The waterfall of an explanation as a table, a reason a row; or why there is no score."""
    if document["unscorable"]:
        code = document["unscorable"]
        cannot = both("无法评分：", "There is no score:")
        return f"<p>{cannot} <code>{html.text(code['code'])}</code> {said(code)}</p>"
    reference, found = document["reference"], steps(document, LEAST)
    levels = [reference["log_odds"], *(step.after for step in found)]
    low, high = min(levels), max(levels)
    compared = reference["rows"]
    of = both(f"{compared:,} 家获批企业均值", f"mean of {compared:,} approved cases") if compared else both(
        "全部训练样本均值", "mean of all firms that taught it"
    )  # fmt: skip
    rows = [(of, signed(levels[0], plus=False), _level(levels[0], low, high), f"PD {percent(reference['pd'])}")]
    rows += [(_reason(step), signed(step.weight), _bar(step, low, high), _advice(step)) for step in found]
    reached = f"{html.text(document['grade'])}, {document['score']}, PD {percent(document['pd'])}"
    firm = both("本企业", "this firm")
    rows.append((firm, signed(document["log_odds"], plus=False), _level(levels[-1], low, high), reached))
    kinds = ["bound", *("risk" if step.weight > 0 else "" for step in found), "bound"]
    heads = (both("原因", "reason"), both("对数几率", "log-odds"), "", both("可采取的措施", "what it can do"))
    note = both(
        "右为风险上升（深色），左为风险下降（浅色）；各原因按影响大小排列，合计为本企业与参照群体之差。",
        "Dark bars to the right raise the risk, light ones to the left lower it, the strongest first. Together they "
        "are the way from the reference population to the firm.",
    )
    table = html.table(heads, rows, numbers=(1,), kinds=kinds, named=True)
    return f'<div class="way">{table}</div><p class="quiet">{note}</p>'


def _reason(step: Step) -> str:
    code = f"<code>{html.text(step.code)}</code> " if step.code else ""
    return f"{code}{both(step.zh, step.en)}"


def _bar(step: Step, low: float, high: float) -> str:
    label = words(f"{step.before:.3f} 至 {step.after:.3f}", f"{step.before:.3f} to {step.after:.3f}")
    return strip(step.before, step.after, low=low, high=high, label=label, mark=step.weight > 0)


def _level(level: float, low: float, high: float) -> str:
    return strip(level, level, low=low, high=high, label=f"{level:.3f}", faint=True)


def _advice(step: Step) -> str:
    """What the firm can do about a reason that counts against it."""
    reason = step.reason
    if step.weight <= 0 or not reason.get("advice_en"):
        return ""
    return both(reason["advice_zh"], reason["advice_en"])


def what_if(document: dict[str, Any]) -> str:
    """What the score would be with some features taken to be others."""
    given = document["what_if"]
    reached = f"{html.text(given['grade'])}, {given['score']}, PD {percent(given['pd'])}"
    now = f"{html.text(document['grade'])}, {document['score']}, PD {percent(document['pd'])}"
    rows = [(both("给定", "given"), moved(each)) for each in given["given"]]
    rows += [(both("随之", "follows"), moved(each)) for each in given["followed"]]
    rows += [(f"<code>{html.text(each['code'])}</code> {said(each)}", signed(each["log_odds_change"]))
             for each in given["reasons"]]  # fmt: skip
    kept = both(
        "其他特征（例如其他时间窗口）保持不变。", "Other features, such as other windows, were kept as they are."
    )
    table = html.table((both("项目", "what"), both("变化", "change")), rows, named=True)
    return f'<p><strong>{reached}</strong> ({both("目前", "now")}: {now})</p>{table}<p class="quiet">{kept}</p>'


def next_grade(aim: dict[str, Any] | None) -> str:
    """The smallest realistic changes that reach the next better grade."""
    if aim is None:
        return f'<p class="quiet">{both("无更好等级，或无评分。", "It has the best grade, or no score.")}</p>'
    grade, most = aim["grade"], percent(aim["pd_max"])
    if not aim["proposals"]:
        zh = f"一两项可行的改变不足以达到 {grade}（PD 不高于 {most}）；所试最低 PD 为 {percent(aim['lowest_pd'])}。"
        en = (f"No realistic change of one or two quantities reaches {grade} (PD up to {most}); the best found has PD "
              f"{percent(aim['lowest_pd'])}.")  # fmt: skip
        return f'<p class="quiet">{both(zh, en)}</p>'
    rows = []
    for proposal in aim["proposals"]:
        codes = {each["reason"]: each for each in proposal["moves"]}
        advice = "<br>".join(both(each["advice_zh"], each["advice_en"]) for each in codes.values())
        rows.append(("<br>".join(moved(each) for each in proposal["moves"]), advice, percent(proposal["pd"])))
    head = both(f"以下任一即可达到 {grade}，其余不变：", f"Each of these would reach {grade}, all else as it is:")
    heads = (both("改变", "change"), both("如何", "how"), "PD")
    return f"<p>{head}</p>{html.table(heads, rows, numbers=(2,))}"
