"""How the memo says things: in the languages that its reader wants, each marked as what it is, amounts in yuan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from credit.app.language import spoken
from credit.app.waterfall import value_said
from credit.domain.amounts import yuan
from models import html

# A name of something, and what it is, of HTML already.
Fact = tuple[str, str]
# What a page in a language says it is.
TAGS = {"zh": "zh-CN", "en": "en"}

# Names of closed sets as people say them; a name that is not here is shown as it is.
NAMES: dict[str, tuple[str, str]] = {
    "APPROVE": ("同意", "approve"),
    "REDUCE": ("核减后同意", "approve for less"),
    "REFER": ("转人工审批", "refer to a person"),
    "DECLINE": ("拒绝", "decline"),
    "MET": ("未触发", "clear"),
    "NOT_MET": ("触发", "found"),
    "MISSING": ("缺数据", "missing"),
    "NOT_APPLICABLE": ("不适用", "not applicable"),
    "MICRO": ("微型", "micro"),
    "SMALL": ("小型", "small"),
    "MEDIUM": ("中型", "medium"),
    "LARGE": ("大型", "large"),
    "COMPANY": ("公司", "company"),
    "SOLE_TRADER": ("个体工商户", "sole trader"),
    "FARM_COOP": ("农民专业合作社", "farmers' cooperative"),
    "JUDGMENT": ("失信被执行人", "judgment defaulters"),
    "TAX": ("重大税收违法", "serious tax offenders"),
    "PROCUREMENT": ("政府采购严重违法失信", "excluded from procurement"),
    "RURAL_HALL": ("乡村馆", "rural hall"),
    "GREEN_PRODUCT": ("绿色产品", "green products"),
    "FIRST_SET": ("首台套", "first-set manufacturing"),
    "INDUSTRY_HALL": ("产业馆", "industry hall"),
    "SPECIALISED_NEW": ("专精特新", "specialised and new"),
    "MOUNTAIN_26": ("山区海岛县", "mountain and island counties"),
    "platform": ("平台交易数据", "the platform's record"),
    "invoice": ("增值税发票数据", "VAT invoices"),
    "credit_line": ("授信", "credit line"),
    "guarantee": ("保函", "guarantee"),
    "score": ("评分", "score"),
    "ACTIVE": ("可用", "active"),
    "SUSPENDED": ("已暂停", "suspended"),
    "ENDED": ("已到期", "ended"),
    "CLOSED": ("已关闭", "closed"),
    "funding": ("资金成本", "funding"),
    "work": ("运营成本", "work"),
    "loss": ("预期损失", "expected loss"),
    "capital": ("资本成本", "capital"),
    "rate": ("合计", "together"),
}


def language() -> str:
    """The language of the page: the first that is spoken."""
    return TAGS[spoken()[0]]


def both(zh: str, en: str) -> str:
    """Two texts of one meaning as HTML: the one that is asked for, or both, the second marked as the other language."""
    texts = {"zh": zh, "en": en}
    first, *others = spoken()
    return " ".join([html.text(texts[first]), *(in_language(each, texts[each]) for each in others)])


def said(texts: Any) -> str:
    """What has its words in both languages, such as a reason."""
    return both(str(texts["zh"]), str(texts["en"]))


def in_language(name: str, text: str) -> str:
    """A text that there is in one language only, marked where it is not the page's."""
    shown = html.text(text)
    return shown if TAGS[name] == language() else f'<span lang="{TAGS[name]}">{shown}</span>'


def named(code: Any) -> str:
    """A name of a closed set as people say it; others as they are."""
    return both(*NAMES[code]) if code in NAMES else html.text(NOTHING if code is None else code)


NOTHING = "–"
YES, NO = ("是", "yes"), ("否", "no")


def counted(count: int, zh: str, en: str) -> str:
    """So many of something."""
    return f"{count:,} {both(zh, en)}"


def money(fen: int | None) -> str:
    """An amount in yuan."""
    return html.text(yuan(fen))


def column(amounts: Sequence[int | None]) -> list[str]:
    """Amounts in yuan below one another: where one has fen, all have."""
    if not any(fen % 100 for fen in amounts if fen is not None):
        return [money(fen) for fen in amounts]
    return [money(fen) + (".00" if fen is not None and fen % 100 == 0 else "") for fen in amounts]


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction as a percentage, its sign kept beside the figure."""
    return NOTHING if fraction is None else f"{fraction * 100:.{digits}f}\N{NO-BREAK SPACE}%"


def signed(log_odds: float, *, plus: bool = True) -> str:
    """Log-odds, with a minus that is as wide as a plus."""
    return f"{log_odds:{'+' if plus else ''}.3f}".replace("-", "\N{MINUS SIGN}")


def rate(basis_points: int | None) -> str:
    """A yearly rate."""
    return NOTHING if basis_points is None else f"{percent(basis_points / 10_000)} {both('每年', 'a year')}"


def observed(name: str, value: Any) -> str:
    """What a rule saw, or held it against, as people read it: by what its name says it is."""
    if isinstance(value, bool):
        return both(*(YES if value else NO))
    if isinstance(value, int | float):
        return _figure(name, value)
    # All dated values of a parameter that differs by region are the record's, and no cell for people.
    if isinstance(value, list) or value is None:
        return NOTHING
    return html.text(", ".join(map(str, value)) if isinstance(value, dict) else value)


def _figure(name: str, value: float) -> str:
    if name.endswith("_fen"):
        return f"CNY\N{NO-BREAK SPACE}{money(int(value))}"
    if "_bp" in name:
        return percent(value / 10_000)
    if name in ("pd", "pd_max") or "share" in name:
        return percent(value, 1)
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"


def moved(feature: Any) -> str:
    """A feature that would change: its name, from what it is to what is proposed."""
    before, after = (in_language("en", value_said({**feature, "value": feature[name]})) for name in ("before", "value"))
    return f'<code lang="en">{html.text(feature["name"])}</code> {before} → {after}'


def facts(pairs: Iterable[Fact], *, columns: bool = False) -> str:
    """Names and what they are, of HTML already; side by side in `columns`."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs)
    return f"<dl{' class=columns' if columns else ''}>{rows}</dl>"


def listed(each: Iterable[str]) -> str:
    """One after the other, of HTML already; or that there is none."""
    return ", ".join(each) or NOTHING


def code(text: str) -> str:
    """An id or a code of ours."""
    return f"<code>{html.text(text)}</code>"
