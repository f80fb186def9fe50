"""What draws came to, on ledgers small enough to count by hand."""

from __future__ import annotations

from datetime import date

import pytest

from data.ledger import Ledger
from data.monitoring import draws_on

AS_OF = date(2025, 12, 31)


def draw(loan, drawn_on, *events):
    """The events of one draw: (kind, day, days past due)."""
    rows = [("DRAWN", drawn_on, 0), *events]
    return [
        {"credit_event_id": f"{loan}-{n}", "loan_id": loan, "kind": kind, "happened_on": day, "due_on": "2025-09-30",
         "days_past_due": days, "recorded_at": f"{day}T12:00:00"}
        for n, (kind, day, days) in enumerate(rows)
    ]  # fmt: skip


@pytest.fixture
def ledger(tmp_path, import_rows):
    """Four draws of one quarter: one goes well, one goes bad after eight months, one is written off, one is late."""
    found = Ledger(tmp_path / "ledger")
    events = [
        *draw("GOOD", "2025-01-10", ("REPAID", "2025-09-30", 0)),
        *draw("BAD", "2025-01-10", ("PAST_DUE", "2025-07-15", 30), ("PAST_DUE", "2025-09-13", 90)),
        *draw("LOST", "2025-02-10", ("PAST_DUE", "2025-10-15", 15), ("WRITTEN_OFF", "2025-11-20", 51)),
        *draw("LATE", "2025-03-31", ("PAST_DUE", "2025-12-01", 1)),
    ]
    import_rows(found, suppliers=[{}], credit_events=events)
    return found


def test_a_vintage_says_what_share_had_gone_bad_so_many_months_after_its_draws(ledger):
    [vintage] = draws_on(ledger, AS_OF, since=AS_OF, version=1).vintages
    assert (vintage["quarter"], vintage["draws"], vintage["bad"]) == ("2025Q1", 4, 2)
    # BAD was 90 days late on 13 September, eight months on; LOST was written off nine months and ten days on.
    assert (vintage["m6"], vintage["m9"]) == (0, 0.25)
    # The last draws of a quarter that ended on 31 March are nine months old on 31 December, and no older.
    assert vintage["m12"] is None


def test_what_was_not_known_by_the_day_counts_for_nothing(ledger):
    [vintage] = draws_on(ledger, date(2025, 9, 12), since=AS_OF, version=1).vintages
    assert (vintage["draws"], vintage["bad"], vintage["m6"]) == (4, 0, None)


def test_days_past_due_count_on_from_month_to_month_until_a_draw_ends(ledger):
    rolls = draws_on(ledger, AS_OF, since=AS_OF, version=1).rolls
    moved = {(was, to): n for was, became in rolls.items() for to, n in became.items() if n and was != "current"}
    assert moved == {
        ("30-59", "60-89"): 1,  # BAD, July to August: 30 days on 15 July are 46 at its end and 77 at the next
        ("60-89", "90+"): 1,
        ("90+", "90+"): 3,
        # LOST, 15 days on 15 October: 31 at its end, written off in November.
        ("30-59", "written off"): 1,
    }
    # BAD in July, LOST in October, LATE in December: one day past due on its first is 31 at its end.
    late = {to: n for to, n in rolls["current"].items() if to != "current" and n}
    assert late == {"30-59": 3, "repaid": 1}


def test_draws_since_a_day_say_when_the_first_of_them_is_due(ledger):
    assert draws_on(ledger, AS_OF, since=date(2025, 2, 10), version=1).since == 1
    found = draws_on(ledger, AS_OF, since=date(2024, 12, 31), version=1)
    assert (found.since, found.first_due_on) == (4, date(2025, 9, 30))
