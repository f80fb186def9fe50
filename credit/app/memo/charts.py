"""The history of the memo as charts, each with the table of its numbers for who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credit.app.language import words
from credit.app.memo.saying import NOTHING, both, column, money, percent
from models import html
from models.plots import Series, plot, strip

SIZE = (350, 190)
# Amounts of charts are in ten thousand yuan, as a bank writes them.
TEN_THOUSAND = 1_000_000
SOLD_AS = {
    "invoiced_fen": ("开票额", "invoiced"),
    "accepted_fen": ("验收额", "accepted"),
    "signed_fen": ("签约额", "signed"),
}
Months = Sequence[dict[str, Any]]


def charts(history: dict[str, Any]) -> str:
    """Sales, deliveries, how late buyers pay, and who they are."""
    months = history["months"]
    drawn = [_sales(months, history["sold_as"]), _deliveries(months), _delays(months), _buyers(history["buyers"])]
    return f'<div class="charts">{"".join(drawn)}</div>'


def _sales(months: Months, sold_as: str) -> str:
    zh, en = SOLD_AS[sold_as]
    sold = Series(words(zh, en), _points(months, sold_as, TEN_THOUSAND), bars=True)
    paid = Series(words("回款", "received"), _points(months, "paid_fen", TEN_THOUSAND, empty=0.0), line=True, mark=True)
    series = [each for each in (sold, paid) if any(point[1] for point in each.points)]
    heads = [both("月份", "month"), both(zh, en), both("回款", "received")]
    amounts = (column([month[name] for month in months]) for name in (sold_as, "paid_fen"))
    rows = list(zip((month["month"] for month in months), *amounts, strict=True))
    keys = _key("own", zh, en) + _key("mark", "回款", "received", line=True)
    drawn = plot(
        series,
        x="",
        y=words("万元", "CNY 10,000"),
        names=_names(months),
        size=SIZE,
        label=words(f"按月{zh}与回款，万元", f"{en} and received by month, in CNY 10,000"),
    )
    return _figure(both("月度销售与回款", "Sales by month"), keys, drawn, heads, rows, numbers=(1, 2))


def _deliveries(months: Months) -> str:
    late = [float(month["late"]) for month in months]
    punctual = Series(
        words("按期", "on time"),
        [(float(place), float(month["deliveries"])) for place, month in enumerate(months)],
        floors=late,
        bars=True,
    )
    behind = Series(
        words("迟交", "late"), list(zip(map(float, range(len(late))), late, strict=True)), bars=True, mark=True
    )
    drawn = plot(
        [punctual, behind] if any(month["deliveries"] for month in months) else [],
        x="",
        y=words("笔", "deliveries"),
        names=_names(months),
        size=SIZE,
        label=words("按月交货笔数，按期与迟交", "deliveries by month, on time and late"),
    )
    heads = [both("月份", "month"), both("交货", "deliveries"), both("其中迟交", "late")]
    rows = [(month["month"], str(month["deliveries"]), str(month["late"])) for month in months]
    keys = _key("own", "按期", "on time") + _key("mark", "迟交", "late")
    return _figure(both("月度交货", "Deliveries by month"), keys, drawn, heads, rows, numbers=(1, 2))


def _delays(months: Months) -> str:
    known = [place for place, month in enumerate(months) if month["days_late"] is not None]
    usual = Series(
        words("中位数", "median"),
        [(float(place), float(months[place]["days_late"])) for place in known],
        [_span(months[place]) for place in known],
    )
    drawn = plot(
        [usual] if known else [],
        x="",
        y=words("逾到期日天数", "days after due"),
        names=_names(months),
        size=SIZE,
        label=words("采购人付款晚于到期日的天数，按月", "days after the due date that buyers paid, by month"),
    )
    heads = [both("月份", "month"), both("中位数", "median"), both("九成不超过", "nine in ten within")]
    rows = [(month["month"], _days(month["days_late"]), _days(month["days_late_p90"])) for month in months]
    keys = _key("own", "中位数至九成", "median to nine in ten", line=True)
    return _figure(both("采购人付款延迟", "Payment delay"), keys, drawn, heads, rows, numbers=(1, 2))


def _span(month: dict[str, Any]) -> tuple[float, float]:
    low, high = sorted((float(month["days_late"]), float(month["days_late_p90"])))
    return low, high


def _buyers(buyers: Sequence[dict[str, Any]]) -> str:
    heads = [
        both("采购人", "buyer"),
        both("采购额 CNY", "bought, CNY"),
        both("占比", "share"),
        "",
        both("延迟", "late"),
    ]
    most = max((each["share"] for each in buyers), default=1.0)
    rows = []
    for each in buyers:
        others = both(f"其余 {each['others']} 家", f"{each['others']} others")
        name = others if each["buyer_id"] is None else html.text(each["buyer_id"])
        share = percent(each["share"], 0)
        bar = strip(0.0, each["share"], low=0.0, high=most, label=share)
        rows.append((name, money(each["amount_fen"]), share, bar, _days(each["days_late"])))
    table = html.table(heads, rows, numbers=(1, 2, 4), named=True) if rows else _nothing()
    title = both("近十二个月采购人", "Buyers of twelve months")
    note = both("延迟：付款晚于到期日的天数，中位数。", "Late: median days after the due date.") if rows else ""
    return f'<figure class="buyers"><figcaption>{title}</figcaption>{table}<p class="quiet">{note}</p></figure>'


# -- pieces ------------------------------------------------------------------------------------------------------------


def _figure(
    title: str,
    keys: str,
    drawn: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int],
) -> str:
    """A chart under its title, with the table of its numbers; or that there is nothing to draw."""
    caption = f"<figcaption>{title}</figcaption>"
    if not drawn:
        return f"<figure>{caption}{_nothing()}</figure>"
    shown = [[html.text(row[0]), *row[1:]] for row in rows]
    table = html.table(heads, shown, numbers=numbers, named=True)
    numbers_of = f"<details><summary>{both('数据', 'numbers')}</summary>{table}</details>"
    return f'<figure>{caption}<p class="keys">{keys}</p>{drawn}{numbers_of}</figure>'


def _nothing() -> str:
    return f'<p class="quiet">{both("无记录。", "Nothing on record.")}</p>'


def _key(kind: str, zh: str, en: str, *, line: bool = False) -> str:
    """A line of the legend: what a colour means."""
    shape = " line" if line else ""
    return f'<span class="key"><i class="{kind}{shape}" aria-hidden="true"></i>{both(zh, en)}</span>'


def _points(months: Months, name: str, unit: int, *, empty: float | None = None) -> list[tuple[float, float]]:
    """The points of a month's figure; a month without is left out, or `empty`."""
    values = [(place, empty if month[name] is None else month[name] / unit) for place, month in enumerate(months)]
    return [(float(place), float(value)) for place, value in values if value is not None]


def _names(months: Months) -> list[str]:
    return [month["month"][2:] for month in months]


def _days(days: float | None) -> str:
    return NOTHING if days is None else f"{days:,.0f}"
