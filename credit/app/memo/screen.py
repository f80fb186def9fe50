"""The memo's history and outlook as lines of text, for who reads it at a terminal before deciding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from credit.app.language import said_of, words
from credit.domain.amounts import cny

YEAR, BUYERS = 12, 3


def lines(document: dict[str, Any]) -> Iterator[str]:
    """Who the firm is, what it did in the last year and the one before, and what would change the answer."""
    yield from _firm(document)
    yield from _history(document["history"])
    yield from _change(document)


def _firm(document: dict[str, Any]) -> Iterator[str]:
    firm = document["firm"]
    known = (document["name"], firm["uscc"], firm["legal_form"], firm["size_class"], firm["industry"], firm["region"])
    yield _line(words("企业", "firm"), ", ".join(str(each) for each in known if each) or _unknown())
    yield _line(
        words("成立", "founded"),
        f"{firm['founded_on'] or _unknown()}, {words('平台注册', 'registered')} {firm['registered_on'] or _unknown()}",
    )
    if firm["tied_to"]:
        yield _line(words("关联企业", "tied to"), ", ".join(firm["tied_to"]))


def _history(history: dict[str, Any]) -> Iterator[str]:
    months = history["months"]
    last, before = months[-YEAR:], months[-2 * YEAR : -YEAR]
    sold = history["sold_as"]
    yield _line(
        words("十二个月销售", "sales 12m"),
        f"{_money(last, sold)}; {words('上一年', 'the year before')} {_money(before, sold)}",
    )
    delivered, late = _total(last, "deliveries"), _total(last, "late")
    if delivered is not None:
        yield _line(words("交货", "deliveries"), f"{delivered:,}, {late or 0:,} {words('逾期', 'late')}")
    paid = [each for each in last if each["days_late"] is not None]
    if paid:
        yield _line(
            words("付款延迟", "paid late"),
            f"{paid[-1]['days_late']:g} {words('天（中位数）', 'days, median')}, {paid[-1]['month']}",
        )
    shares = [
        f"{each['buyer_id'] or words('其余', 'others')} {each['share']:.0%}" for each in history["buyers"][:BUYERS]
    ]
    yield _line(words("采购人", "buyers"), ", ".join(shares) or words("无记录", "none on record"))
    if contracts := history["contracts"]:
        yield _line(
            words("合同", "contracts"),
            f"{contracts['signed']:,} {words('份', 'signed')}, {cny(contracts['signed_fen'])}; "
            f"{contracts['open']:,} {words('未完成', 'open')}, "
            f"{contracts['ended_by_its_fault']:,} {words('因其违约终止', 'ended by its fault')}",
        )
    if draws := history["draws"]:
        yield _line(
            words("借款", "borrowed"),
            f"{draws['draws']:,} {words('笔', 'draws')}, {words('最长逾期', 'worst past due')} "
            f"{draws['worst_days_past_due'] or 0:,} {words('天', 'days')}",
        )


def _change(document: dict[str, Any]) -> Iterator[str]:
    record, change = document["decision"], document["change"]
    conditions = record["conditions"] or {}
    # A loan's say it themselves; a guarantee's by what each is about: its effect, its reduction.
    for each in (conditions, *conditions.values()):
        if isinstance(each, dict) and "zh" in each:
            yield _line(words("条件", "conditions"), said_of(each))
    offers = [each["amount_fen"] for each in change["alternatives"]]
    if offers:
        yield _line(words("无需人工可批", "without you"), f"{cny(max(offers))} {words('以内', 'at most')}")
    if limit := change["next_limit"]:
        yield _line(words("下一约束", "next limit"), f"{cny(limit['amount_fen'])}, {said_of(limit)}")


def _total(months: Sequence[dict[str, Any]], name: str) -> int | None:
    known = [each[name] for each in months if each[name] is not None]
    return sum(known) if known else None


def _money(months: Sequence[dict[str, Any]], name: str) -> str:
    total = _total(months, name)
    return _unknown() if total is None else cny(total)


def _unknown() -> str:
    return words("未知", "not known")


def _line(head: str, text: str) -> str:
    return f"  {head}  {text}"
