"""What the gate of a night measures of what arrived, on nights that are written as documents."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from credit.app.night import gate
from credit.app.policies import night_parameters
from credit.domain.quality import Verdict, judged
from data.durable import write_whole
from data.nights import DONE, SETTINGS, Night, Nights, said

FIRST = date(2026, 11, 1)


def night(root: Path, as_of: date, *, begun: date, rows: int) -> Night:
    """A night that was begun on a day at two in the morning in China, and what it imported."""
    there = Nights(root).night(as_of)
    started = datetime.combine(begun, datetime.min.time()) - timedelta(hours=6)
    write_whole(there.folder / SETTINGS, said({"started_at": started.isoformat()}))
    imported = {"read": {"payments": rows}, "imported": {"payments": rows}, "duplicates": {}, "quarantined": {}}
    write_whole(there.folder / "import" / DONE, said({**imported, "refused": []}))
    return there


@pytest.fixture
def usual(tmp_path: Path) -> list[Night]:
    """Six nights of a hundred payments each."""
    days = [FIRST + timedelta(days=n) for n in range(6)]
    return [night(tmp_path, day, begun=day + timedelta(days=1), rows=100) for day in days]


def verdicts(before: list[Night], tonight: Night) -> dict[str, str]:
    run: Any = SimpleNamespace(
        tiers=(),
        night=tonight,
        before=lambda: before,
        settings=SimpleNamespace(as_of=tonight.as_of),
        found=tonight.done,
    )
    folder = Path(gate.__file__).parents[2] / "parameters"
    terms = {name: each.on(tonight.as_of) for name, each in night_parameters(folder).items()}
    return {each.check: each.verdict for each in judged(gate._of_inputs(run), terms)}


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [(0, "STOP", "PASS"), (20, "WARN", "PASS"), (100, "PASS", "PASS"), (600, "PASS", "WARN"), (10_000, "PASS", "STOP")],
)
def test_rows_are_held_against_the_usual_night(tmp_path, usual, rows, low, high):
    day = FIRST + timedelta(days=6)
    found = verdicts(usual, night(tmp_path, day, begun=day + timedelta(days=1), rows=rows))
    assert (found["rows_share_low"], found["rows_share_high"]) == (low, high)


def test_of_few_nights_nothing_is_usual(tmp_path, usual):
    day = FIRST + timedelta(days=4)
    found = verdicts(usual[:4], night(tmp_path, day, begun=day + timedelta(days=1), rows=0))
    assert "rows_share_low" not in found


def test_what_came_for_several_nights_is_judged_with_the_last_of_them(tmp_path, usual):
    today = FIRST + timedelta(days=9)
    first, second, last = (FIRST + timedelta(days=n) for n in (6, 7, 8))
    # All of it is taken in by the first one that is caught up.
    one = night(tmp_path, first, begun=today, rows=300)
    two = night(tmp_path, second, begun=today, rows=0)
    assert "rows_share_low" not in verdicts(usual, one)
    assert "rows_share_low" not in verdicts([*usual, one], two)
    found = verdicts([*usual, one, two], night(tmp_path, last, begun=today, rows=0))
    assert (found["rows_share_low"], found["rows_share_high"]) == ("PASS", "PASS")
    assert Verdict.STOP.name not in found.values()


def test_a_tenure_that_grew_by_itself_stops_no_night(tmp_path):
    features = {name: {"missing": 0.0, "psi": 2.0} for name in ("contract_tenure_months", "paid_sales_12m")}
    run: Any = SimpleNamespace(
        tiers=("platform",),
        before=lambda: [],
        night=SimpleNamespace(document=lambda *_: {"features": features}),
        found=lambda _: {"tiers": {"platform": {"psi": 0.0}}},
    )
    folder = Path(gate.__file__).parents[2] / "parameters"
    terms = {name: each.on(FIRST) for name, each in night_parameters(folder).items()}
    found = {each.about: each.verdict for each in judged(gate._of_results(run), terms)}
    assert (found["platform contract_tenure_months"], found["platform paid_sales_12m"]) == ("WARN", "STOP")
