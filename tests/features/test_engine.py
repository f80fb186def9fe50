"""What the features of a history are: windows at their edges, and what counts in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from credit.domain.windows import months_after, months_before
from data.ledger import Ledger
from features.catalogue import CATALOGUE, feature_named
from features.engine import build, build_on, known_on
from features.feature import DERIVED, Feature

AS_OF = date(2025, 6, 30)
Row = dict[str, Any]
ImportRows = Callable[..., Any]


def asked(supplier: str = "S1", as_of: date = AS_OF, contract: str | None = None) -> pd.DataFrame:
    return pd.DataFrame({"case_id": [0], "supplier_id": [supplier], "as_of": [as_of], "contract_id": [contract]})


def built(ledger: Ledger, cases: pd.DataFrame, tier: str) -> pd.DataFrame:
    with known_on(ledger, cases) as known:
        return build(known, tier=tier)


@pytest.fixture
def value(ledger: Ledger, import_rows: ImportRows) -> Callable[..., float]:
    """A feature of supplier S1 on AS_OF, given the rows of some tables."""

    def of(name: str, **tables: list[Row]) -> float:
        import_rows(ledger, suppliers=[{}], **tables)
        return float(built(ledger, asked(), tier="platform")[name].iloc[0])

    return of


# -- windows -----------------------------------------------------------------------------------------------------------

# Each windowed feature and how many months it looks back. Some windows are part of the source, not of the entry.
# What these count does not happen on the same day as all the rest, or not in every month.
OTHERWISE = {
    *("contract_quarter4_sum_24m", "receivable_paid_days_mean_12m", "draw_days_held_mean_24m", "draw_due_3m"),
    *("buyer_lost_count_12m", "buyer_poor_sum_12m", "buyer_county_sum_12m", "tax_burden_12m"),
}
WINDOWED = {
    f.name: f.months or int(re.sub(r".*_(\d+)m", r"\1", f.name))
    for f in CATALOGUE
    if f.source != DERIVED and (f.months or re.search(r"_\d+m$", f.name)) and f.name not in OTHERWISE
}
ENDS = (date(2025, 3, 31), date(2025, 2, 28), date(2024, 2, 29))
EDGES = ("start", "day after start", "as_of", "day after as_of")
# A series of whole months that ends with a month begins after the end of one, which may be a later day.
SERIES_EDGES = ("start of series", "day after start of series", "as_of", "day after as_of")


def day_of(edge: str, as_of: date, months: int) -> date:
    start = months_before(as_of, months)
    month_end = months_after(start.replace(day=1), 1) - timedelta(days=1)
    return {
        "start": start,
        "day after start": start + timedelta(days=1),
        "start of series": month_end,
        "day after start of series": month_end + timedelta(days=1),
        "as_of": as_of,
        "day after as_of": as_of + timedelta(days=1),
    }[edge]


def all_that_can_happen(supplier: str, day: date, as_of: date) -> dict[str, list[Row]]:
    """Events of every kind on one day, each of which some feature counts; all of them were announced on `as_of`."""
    late = str(day - timedelta(days=5))
    dated = {"supplier_id": supplier, "recorded_at": f"{min(day, as_of)}T00:00:00"}

    def ids(key: str, *changes: Row) -> list[Row]:
        return [
            dated | {key: f"{supplier}-{n}", "contract_id": f"{supplier}-0"} | each for n, each in enumerate(changes)
        ]

    invoice = dated | {"issued_on": str(day)}
    happened = {"happened_on": str(day)}
    return {
        "invoices": [
            invoice | {"direction": direction, "invoice_no": f"{n}"} | change
            for direction in ("ISSUED", "RECEIVED")
            for n, change in enumerate(
                ({}, {}, {"counterparty_id": "B2", "net_fen": -30_000}, {"status": "VOIDED"}), start=1
            )
        ],
        "suppliers": [dated | {"effective_on": str(day)}],
        "awards": ids("award_id", {"awarded_on": str(day)}),
        "relations": ids("relation_event_id", happened),
        "contracts": ids(
            "contract_id",
            {"signed_on": str(day), "planned_acceptance_on": late},
            {"contract_id": f"{supplier}-1", "signed_on": str(day), "channel": "EMALL"},
            {"contract_id": f"{supplier}-2", "signed_on": str(day), "channel": "FRAMEWORK", "category": "WORKS"},
        ),
        "amendments": ids(
            "amendment_id",
            {"amended_on": str(day), "kind": "VALUE", "change_fen": 700},
            {"amended_on": str(day), "kind": "COMPLETED"},
            {"amended_on": str(day), "kind": "TERMINATED", "fault": "SUPPLIER"},
            {"amended_on": str(day), "kind": "TERMINATED", "fault": "BUYER"},
            {"amended_on": str(day), "kind": "VALUE", "change_fen": -500},
            {"amended_on": str(day), "kind": "DATE"},
        ),
        "deliveries": ids(
            "delivery_id",
            {"delivered_on": str(day), "due_on": late},
            {"delivered_on": str(day), "due_on": str(day - timedelta(days=20))},
            {"delivered_on": str(day), "due_on": str(day + timedelta(days=3))},
        ),
        "acceptances": ids(
            "acceptance_id",
            {"accepted_on": str(day), "rejected_fen": 900, "rating": 5},
            {"accepted_on": str(day), "rating": 1},
        ),
        "payments": ids(
            "payment_id",
            {"paid_on": str(day), "due_on": late, "to_locked_account": "true"},
            {"paid_on": str(day), "due_on": late, "kind": "ADVANCE"},
            {"paid_on": str(day), "due_on": str(day - timedelta(days=70)), "kind": "RETENTION"},
        ),
        "disputes": ids("dispute_event_id", happened, happened | {"kind": "UPHELD"}, happened | {"kind": "DISMISSED"}),
        "listings": ids("listing_event_id", happened),
        "accounts": ids("account_event_id", happened | {"kind": "UNLOCKED"}, happened | {"kind": "LOCKED"}),
        "guarantee_events": ids("guarantee_event_id", happened | {"guarantee_id": supplier}),
        "applications": ids("application_id", {"applied_on": str(day), "answer": "REFUSED"}),
        "credit_events": ids(
            "credit_event_id",
            happened | {"loan_id": supplier},
            happened | {"loan_id": supplier, "kind": "PAST_DUE", "days_past_due": 30},
            happened | {"loan_id": f"{supplier}-2", "due_on": str(day + timedelta(days=9))},
            happened | {"loan_id": f"{supplier}-2", "due_on": str(day + timedelta(days=9)), "kind": "REPAID"},
        ),
    }


@pytest.fixture(scope="module")
def at_the_edges(tmp_path_factory: pytest.TempPathFactory, import_rows: ImportRows) -> pd.DataFrame:
    """Features of firms to whom everything happened on one day: an edge of some window that ends on some day."""
    grid = list(product(ENDS, sorted(set(WINDOWED.values())), dict.fromkeys(EDGES + SERIES_EDGES)))
    tables: dict[str, list[Row]] = {"suppliers": []}
    for as_of, months, edge in grid:
        supplier = f"{as_of}/{months}/{edge}"
        tables["suppliers"].append({"supplier_id": supplier, "effective_on": "2015-01-01"})
        for table, rows in all_that_can_happen(supplier, day_of(edge, as_of, months), as_of).items():
            tables.setdefault(table, []).extend({k: v for k, v in row.items() if k in columns(table)} for row in rows)
    ledger = Ledger(tmp_path_factory.mktemp("edges"))
    summary = import_rows(ledger, **tables)
    assert summary.quarantined == 0, summary.quarantine[:2]
    cases = pd.DataFrame(
        {
            "case_id": range(len(grid)),
            "supplier_id": [f"{as_of}/{months}/{edge}" for as_of, months, edge in grid],
            "as_of": [as_of for as_of, _, _ in grid],
        }
    )
    return built(ledger, cases, tier="platform").set_axis(pd.MultiIndex.from_tuples(grid), axis=0)


def columns(table: str) -> set[str]:
    from data.schema import table as table_named

    return {*table_named(table).names, "recorded_at"}


def test_more_than_half_of_the_base_features_have_a_window() -> None:
    assert len(WINDOWED) > len([f for f in CATALOGUE if f.source != DERIVED]) / 2


@pytest.mark.parametrize("end", ENDS, ids=str)
@pytest.mark.parametrize(("name", "months"), WINDOWED.items(), ids=WINDOWED)
def test_a_window_holds_its_last_day_and_not_its_start(
    at_the_edges: pd.DataFrame, end: date, name: str, months: int
) -> None:
    edges = SERIES_EDGES if feature_named(name).source.endswith("_by_month") else EDGES
    counts = [at_the_edges.loc[[(end, months, edge)], name].fillna(0).iloc[0] != 0 for edge in edges]
    assert counts == [False, True, True, False]


def test_the_month_that_runs_is_in_no_series_until_it_is_over(ledger: Ledger, import_rows: ImportRows) -> None:
    paid = [
        {"payment_id": day, "paid_on": day, "recorded_at": f"{day}T00:00:00"} for day in ("2025-05-31", "2025-06-01")
    ]
    import_rows(ledger, suppliers=[{}], payments=paid)
    days = [date(2025, 5, 30), date(2025, 5, 31), date(2025, 6, 29), date(2025, 6, 30)]
    cases = pd.concat([asked().assign(case_id=n, as_of=day) for n, day in enumerate(days)], ignore_index=True)
    assert built(ledger, cases, tier="platform")["paid_active_months_12m"].tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("feature", [f for f in CATALOGUE if f.source != DERIVED], ids=lambda f: f.name)
def test_what_happens_on_the_day_after_as_of_is_not_known(at_the_edges: pd.DataFrame, feature: Feature) -> None:
    tomorrow = at_the_edges.xs("day after as_of", level=2)[feature.name]
    if not feature.source.startswith("registration"):
        assert (tomorrow.fillna(0) == 0).all()


# -- what counts -------------------------------------------------------------------------------------------------------

SALE: Row = {"issued_on": "2025-06-01", "net_fen": 100_000}


def test_a_voided_invoice_is_no_sale(value: Callable[..., float]) -> None:
    voided = SALE | {"invoice_no": "2", "status": "VOIDED"}
    assert value("sales_amount_sum_12m", invoices=[SALE, voided]) == 100_000


def test_a_voided_invoice_is_counted_among_the_voided_ones(value: Callable[..., float]) -> None:
    assert value("sales_voided_share_12m", invoices=[SALE, SALE | {"invoice_no": "2", "status": "VOIDED"}]) == 0.5


def test_a_reversal_is_subtracted_from_sales(value: Callable[..., float]) -> None:
    assert value("sales_amount_sum_12m", invoices=[SALE, SALE | {"invoice_no": "2", "net_fen": -40_000}]) == 60_000


def test_a_customer_whose_invoices_were_all_taken_back_is_no_customer(value: Callable[..., float]) -> None:
    assert value("sales_customer_count_12m", invoices=[SALE, SALE | {"invoice_no": "2", "net_fen": -100_000}]) == 0


def test_a_customer_who_bought_twice_is_a_repeat_customer(value: Callable[..., float]) -> None:
    assert value("sales_customer_repeat_count_12m", invoices=[SALE, SALE | {"invoice_no": "2"}]) == 1


def test_a_reversal_does_not_make_a_repeat_customer(value: Callable[..., float]) -> None:
    part_back = SALE | {"invoice_no": "2", "net_fen": -40_000}
    assert value("sales_customer_repeat_count_12m", invoices=[SALE, part_back]) == 0


def test_a_supplier_on_one_list_stands_on_it(value: Callable[..., float]) -> None:
    assert value("listing_active_count", listings=[{}]) == 1


def test_a_supplier_that_left_a_list_stands_on_none(value: Callable[..., float]) -> None:
    left = {"listing_event_id": "L2", "kind": "REMOVED", "happened_on": "2025-05-20"}
    assert value("listing_active_count", listings=[{}, left]) == 0


def test_leaving_a_list_entered_before_the_record_does_not_hide_another_list(value: Callable[..., float]) -> None:
    left = {"listing_event_id": "L2", "list": "JUDGMENT", "kind": "REMOVED"}
    assert value("listing_active_count", listings=[{}, left]) == 1


def test_one_of_two_entries_on_a_list_that_ended_leaves_the_other(value: Callable[..., float]) -> None:
    again = {"listing_event_id": "L2", "happened_on": "2025-05-10"}
    left = {"listing_event_id": "L3", "kind": "REMOVED", "happened_on": "2025-05-20"}
    assert value("listing_active_count", listings=[{}, again, left]) == 1


def test_a_demand_for_a_part_leaves_the_whole_guarantee_standing(value: Callable[..., float]) -> None:
    demand = {"guarantee_event_id": "H2", "kind": "DEMANDED", "happened_on": "2025-02-01", "amount_fen": 200_000}
    assert value("guarantee_open_amount", guarantee_events=[{}, demand]) == 1_000_000


def test_a_reduction_leaves_what_it_says(value: Callable[..., float]) -> None:
    reduced = {"guarantee_event_id": "H2", "kind": "REDUCED", "happened_on": "2025-02-01", "amount_fen": 400_000}
    assert value("guarantee_open_amount", guarantee_events=[{}, reduced]) == 400_000


def test_a_released_guarantee_leaves_nothing(value: Callable[..., float]) -> None:
    assert value("guarantee_open_amount", guarantee_events=[{}, {"guarantee_event_id": "H2", "kind": "RELEASED"}]) == 0


# -- what is missing ---------------------------------------------------------------------------------------------------


def test_a_table_that_was_fed_without_rows_counts_zero(value: Callable[..., float]) -> None:
    assert value("dispute_raised_count_12m", disputes=[]) == 0


def test_a_table_that_was_never_fed_is_missing(value: Callable[..., float]) -> None:
    assert np.isnan(value("dispute_raised_count_12m", listings=[]))


def test_a_table_fed_by_another_kind_of_data_is_missing(small_ledger: Ledger) -> None:
    assert built(small_ledger, asked(), tier="invoice").isna().all(axis=None)


def test_a_supplier_that_nobody_knows_has_a_row_without_history(small_ledger: Ledger) -> None:
    frame = built(small_ledger, asked("NOBODY"), tier="platform")
    assert frame.index.tolist() == [0]
    assert frame["sales_amount_sum_12m"].tolist() == [0.0]
    assert frame["sales_last_days"].isna().all()


def test_no_case_is_answered_with_no_row(small_ledger: Ledger) -> None:
    assert built(small_ledger, asked().iloc[:0], tier="platform").shape == (0, len(CATALOGUE))


def test_before_any_supplier_registered_there_is_no_row(small_ledger: Ledger) -> None:
    assert build_on(small_ledger, date(2019, 12, 31), tier="platform").empty


def test_two_cases_of_one_id_are_refused(small_ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="same case_id"):
        built(small_ledger, pd.concat([asked(), asked()]), tier="platform")


def test_the_contract_asked_about_is_read_for_the_case_that_asks(small_ledger: Ledger) -> None:
    frame = built(small_ledger, asked(contract="C1"), tier="platform")
    assert frame["question_amount"].tolist() == [10_000_000]


def test_a_case_that_asks_about_no_contract_has_no_amount(small_ledger: Ledger) -> None:
    assert built(small_ledger, asked(), tier="platform")["question_amount"].isna().all()


def test_the_contract_of_another_supplier_is_not_read(small_ledger: Ledger) -> None:
    frame = built(small_ledger, asked("S2", contract="C1"), tier="platform")
    assert frame["question_amount"].isna().all()


# -- real invoices -----------------------------------------------------------------------------------------------------


@pytest.mark.real_data
def test_features_of_real_firms_are_what_pandas_computes(real_data: Path, real_import: tuple[Ledger, Any]) -> None:
    folder, ledger = real_data / "sme_invoices", real_import[0]
    as_of = date(2019, 9, 30)
    engine = build_on(ledger, as_of, tier="invoice")
    sold = pd.concat([pd.read_parquet(f) for f in sorted(folder.glob("*output*.parquet"))])
    sold = sold.drop_duplicates().assign(fen=lambda f: (f["amount"] * 100).round().astype("int64"))
    sold = sold[(sold["date"] <= pd.Timestamp(as_of))]
    written = sold[sold["date"] > pd.Timestamp(2018, 9, 30)]
    for firm in engine.index[::21][:20]:
        papers = written[written["company"] == firm]
        valid = papers[papers["status"] == "有效发票"]
        ever = sold[(sold["company"] == firm) & (sold["status"] == "有效发票") & (sold["fen"] > 0)]
        by_customer = valid.groupby("counterparty")["fen"].sum().loc[lambda s: s > 0]
        month = valid["date"].dt.to_period("M")  # as_of ends a month
        expected = {
            "sales_amount_sum_12m": float(valid["fen"].sum()),
            "sales_voided_share_12m": (papers["status"] != "有效发票").mean() if len(papers) else np.nan,
            "sales_customer_hhi_12m": ((by_customer / by_customer.sum()) ** 2).sum() if len(by_customer) else np.nan,
            "sales_last_days": (pd.Timestamp(as_of) - ever["date"].max()).days if len(ever) else np.nan,
            "sales_active_months_12m": float((valid.groupby(month)["fen"].sum() > 0).sum()),
        }
        got = engine.loc[firm, list(expected)].to_dict()
        assert got == pytest.approx(expected, rel=1e-8, nan_ok=True), firm
