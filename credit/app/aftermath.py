"""What became of overrides: the line that was accepted by each, what was drawn since, and how that went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from credit.app.clock import day_of, now, span_of
from credit.app.home import Home
from credit.domain.line import Event, Happened, state_on


def became(
    home: Home, rows: Sequence[Mapping[str, Any]], *, on: date | None = None, version: int | None = None
) -> list[dict[str, Any]]:
    """What became of each override by the end of a day, by default of today, in the order of the rows.

    Rows have `decision_id`, `supplier_id` and `at`.

    Since its line began, or where none was accepted since it was judged: what the supplier drew, whoever lent, for no
    feed names the line; what of that is open, past due and written off; which guarantees were called. A firm that was
    refused may have borrowed elsewhere, and how that went is what refusing it was worth.
    """
    from data.facts import happened_since

    if not rows:
        return []
    on = on or day_of(now())
    lines = _lines_by_decision(home, on)
    found = [lines.get(row["decision_id"]) for row in rows]
    since = [_since(row, line) for row, line in zip(rows, found, strict=True)]
    facts = happened_since(home.ledger(), [row["supplier_id"] for row in rows], since, on, version=version)
    return [
        {
            "decision_id": row["decision_id"],
            "line_id": line[0].line_id if line else None,
            "line_state": state_on(line, on).value if line else None,
            "since": str(day),
            **{str(name): int(each) for name, each in fact.items()},
        }
        for row, line, day, (_, fact) in zip(rows, found, since, facts.iterrows(), strict=True)
    ]


def _lines_by_decision(home: Home, on: date) -> dict[str, list[Happened]]:
    """What had happened by the end of a day to the line that each decision began or renewed."""
    ends = span_of(on)[1].isoformat()
    by_line: dict[str, list[Happened]] = {}
    for row in home.decisions().line_events():
        if row["at"] < ends:
            by_line.setdefault(row["line_id"], []).append(Happened(**{**row, "kind": Event(row["kind"])}))
    return {event.decision_id: line for line in by_line.values() for event in line}


def _since(row: Mapping[str, Any], line: Sequence[Happened] | None) -> date:
    """From when on what happened came of an override: its acceptance or renewal, or the day on which it was judged."""
    taken_up = [event.starts_on for event in line or () if event.decision_id == row["decision_id"]]
    return min(taken_up, default=day_of(datetime.fromisoformat(row["at"])))
