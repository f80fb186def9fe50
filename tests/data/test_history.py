"""A supplier's history for people: what was known on the day, by month and by buyer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import pytest

from data.history import MONTHS, history

DAY = date(2025, 6, 15)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory, import_rows):
    from data.ledger import Ledger

    ledger = Ledger(tmp_path_factory.mktemp("history") / "ledger")
    contracts = [
        {"contract_id": f"C{number}", "buyer_id": f"B{number:02d}", "amount_fen": number * 1_000_00,
         "signed_on": "2025-02-01"}
        for number in range(1, 12)
    ]  # fmt: skip
    import_rows(
        ledger,
        suppliers=[{"size_class": "SMALL", "legal_form": "COMPANY"}],
        buyers=[{"buyer_id": f"B{number:02d}"} for number in range(1, 12)],
        contracts=contracts,
        deliveries=[
            {"delivery_id": "D1", "due_on": "2025-05-10", "delivered_on": "2025-05-10"},
            {"delivery_id": "D2", "due_on": "2025-05-10", "delivered_on": "2025-05-11"},
            {
                "delivery_id": "D3",
                "due_on": "2025-06-16",
                "delivered_on": "2025-06-16",
                "recorded_at": "2025-06-16T02:00:00Z",
            },
        ],
        payments=[
            {"payment_id": f"P{days}", "due_on": "2025-04-10", "paid_on": f"2025-04-{10 + days}", "amount_fen": 10_00}
            for days in (1, 2, 12)
        ],
        amendments=[{"kind": "COMPLETED", "amended_on": "2025-06-01"}],
        credit_events=[
            {},
            {"credit_event_id": "V2", "kind": "PAST_DUE", "happened_on": "2025-06-14", "days_past_due": 30},
        ],
        guarantee_events=[
            {},
            {"guarantee_event_id": "H2", "kind": "REDUCED", "happened_on": "2025-03-01", "amount_fen": 400_000},
        ],
        listings=[{}],
    )
    return ledger


def test_a_month_has_what_happened_in_it_until_the_day(ledger):
    months = {month["month"]: month for month in history(ledger, "S1", DAY, tier="platform").months}
    assert len(months) == MONTHS and max(months) == "2025-06" and min(months) == "2023-07"
    assert (months["2025-05"]["deliveries"], months["2025-05"]["late"]) == (2, 1)
    assert months["2025-06"]["deliveries"] == 0
    assert months["2025-04"]["paid_fen"] == 30_00 and months["2025-04"]["days_late"] == 2
    assert months["2025-02"]["signed_fen"] == sum(range(1, 12)) * 1_000_00


def test_a_delivery_of_the_day_itself_is_known_and_one_of_the_next_is_not(ledger):
    june = history(ledger, "S1", date(2025, 6, 16), tier="platform").months[-1]
    assert june["deliveries"] == 1 and june["late"] == 0


def test_the_largest_buyers_have_names_and_the_others_one_row(ledger):
    buyers = history(ledger, "S1", DAY, tier="platform").buyers
    assert [each["buyer_id"] for each in buyers] == [f"B{number:02d}" for number in range(11, 3, -1)] + [None]
    assert buyers[-1]["others"] == 3 and buyers[-1]["amount_fen"] == (3 + 2 + 1) * 1_000_00
    assert sum(each["share"] for each in buyers) == pytest.approx(1)


def test_what_was_lent_guaranteed_and_listed_is_summed_up(ledger):
    found = history(ledger, "S1", DAY, tier="platform")
    assert found.draws["open_fen"] == 2_000_000 and found.draws["worst_days_past_due"] == 30
    assert (found.guarantees["standing"], found.guarantees["standing_fen"]) == (1, 400_000)
    assert found.listings == ["TAX"] and found.registration["size_class"] == "SMALL"
    assert (found.contracts["completed"], found.contracts["open"]) == (1, 10)
    assert found.contracts["largest_completed_fen"] == 1_000_00
    assert history(ledger, "S1", date(2025, 6, 13), tier="platform").draws["worst_days_past_due"] == 0


def test_what_is_recorded_later_changes_nothing(tmp_path, import_rows, small_ledger):
    from data.ledger import Ledger

    ledger = Ledger(tmp_path / "ledger")
    tables = ("suppliers", "buyers", "contracts", "deliveries", "payments")
    import_rows(ledger, **{table: [{}] for table in tables})
    before = asdict(history(ledger, "S1", DAY, tier="platform"))
    import_rows(
        ledger,
        payments=[{"payment_id": "P9", "paid_on": "2025-05-02", "recorded_at": "2025-06-15T16:00:00Z"}],
        deliveries=[{"delivery_id": "D9", "delivered_on": "2025-06-16", "recorded_at": "2025-06-16T02:00:00Z"}],
    )
    assert asdict(history(ledger, "S1", DAY, tier="platform")) == before
    assert asdict(history(ledger, "S1", date(2025, 6, 16), tier="platform")) != before


def test_a_firm_of_which_nothing_is_known_has_an_empty_history(small_ledger):
    found = history(small_ledger, "nobody", DAY, tier="platform")
    assert found.registration == {} and found.buyers == [] and found.contracts["signed"] == 0
    assert all(month["invoiced_fen"] is None and month["deliveries"] == 0 for month in found.months)


def test_what_no_feed_tells_of_is_not_known(tmp_path, import_rows):
    from data.ledger import Ledger

    ledger = Ledger(tmp_path / "ledger")
    import_rows(ledger, suppliers=[{}], buyers=[{}], contracts=[{}])
    found = history(ledger, "S1", DAY, tier="platform")
    assert (found.draws, found.guarantees, found.listings) == (None, None, None)
    assert found.contracts["signed"] == 1 and found.contracts["ended"] is None
    # A file with a header and no row says that there was nothing.
    import_rows(ledger, amendments=[], credit_events=[], guarantee_events=[], listings=[])
    found = history(ledger, "S1", DAY, tier="platform")
    assert (found.draws["draws"], found.guarantees["issued"], found.listings) == (0, 0, [])
    assert found.contracts["ended"] == 0
