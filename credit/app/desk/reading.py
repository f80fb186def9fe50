"""What is read on screen before a case or an alert is dealt with: as the commands print it, and what stands beside."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from credit.app import agreements, answers, console, exposing, line, monitor, warning, waterfall
from credit.app.clock import day_of, now
from credit.app.deciding import record_of
from credit.app.desk.queue import ALERT, Item
from credit.app.home import Home
from credit.app.judging import decision_row
from credit.app.language import words
from credit.app.memo import gathering, screen
from credit.domain.errors import CreditError

PAST = 8
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def memo(home: Home, item: Item) -> list[str]:
    """The lines of all that somebody should have read: the answer or the alert, exposure, lines, what was before."""
    return [*_about(home, item), *_beside(home, item)]


def _about(home: Home, item: Item) -> list[str]:
    if item.kind == ALERT:
        stored = next(each for each in home.alerts().listed(open_only=False) if each["alert_id"] == item.item_id)
        alert, warned = warning.said(stored), agreements.shown(home, stored["line_id"])
        return [*printed(lambda: monitor.alert_page(alert)), "", *printed(lambda: line.page(warned))]
    record = record_of(item.item_id, decision_row(home, item.item_id)["record"])
    return [*printed(lambda: answers.page(record)), *_behind(home, item)]


def _behind(home: Home, item: Item) -> Iterator[str]:
    """What the answer was made of; that it cannot be read again, where the model or its data are gone."""
    yield ""
    yield words("交易记录", "record of trade")
    try:
        document = gathering.of_decision(home, item.item_id)
    except CreditError as gone:
        yield f"  {gone.message}"
        return
    yield from screen.lines(document)
    yield ""
    yield from printed(lambda: waterfall.page(document["score"], features=False))


def _beside(home: Home, item: Item) -> Iterator[str]:
    supplier = item.supplier_id
    today = day_of(now())
    yield ""
    yield words("敞口", "exposure")
    if item.kind != ALERT:
        yield f"  group       CNY {console.yuan(item.exposure_fen)} with this, as it was decided"
    [has] = exposing.exposure(home, "supplier", today, key=supplier)["rows"] or [dict.fromkeys(exposing.SUMS, 0)]
    told = ", ".join(f"{name.removesuffix('_fen')} {console.yuan(has[name])}" for name in exposing.SUMS)
    yield f"  of us       CNY: {told}"
    for each in agreements.listed(home, supplier):
        used = f"CNY {console.yuan(each['used_fen'])} of {console.yuan(each['limit_fen'])} used"
        yield f"  line        {each['line_id']}  {each['state']}  {used}, until {each['ends_on']}"
    for alert in home.alerts().listed():
        if alert["supplier_id"] == supplier and alert["alert_id"] != item.item_id:
            yield f"  alert       {alert['severity']} {alert['rule']} on {alert['line_id']}, due {alert['due_on']}"
    for one in home.decisions().disputes():
        if one["supplier_id"] == supplier:
            yield f"  disputed    {one['datum']}: {one['text']} ({one['opened_by']}, {one['opened_at'][:10]})"
    if item.passed:
        yield f"  passed on   to {item.passed['to']} by {item.passed['by']}: {item.passed['text']}"
    yield ""
    yield words("以往决定", "past decisions")
    rows = home.decisions().listed(supplier_id=supplier, limit=PAST + 1)
    others = [each for each in rows if each["decision_id"] != item.item_id][:PAST]
    yield from printed(lambda: _past(others)) if others else ["  none"]


def _past(rows: list[dict[str, Any]]) -> None:
    cells = [
        (r["decided_at"][:10], r["outcome"], console.yuan(r["amount_fen"]), r["product"], r["maker"], r["decision_id"])
        for r in rows
    ]
    console.table(("decided", "outcome", "CNY", "product", "by", "decision"), cells, numbers=(2,))


def printed(page: Callable[[], None]) -> list[str]:
    """The lines that a command's page prints, without its colours."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        page()
    return _COLOUR.sub("", text.getvalue()).splitlines()
