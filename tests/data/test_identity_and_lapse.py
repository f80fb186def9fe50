"""Ids that are one supplier, firms that are one group, and what may no longer be said of a firm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.facts import valid_consents
from data.ledger import Ledger

ImportRows = Callable[..., Any]


def known(ledger: Ledger, supplier: str, table: str, columns: str, as_of: date) -> list[tuple[Any, ...]]:
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [supplier], "as_of": [as_of]})
    with ledger.known_on(cases) as door:
        return door.con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


# -- merges ------------------------------------------------------------------------------------------------------------


def merge(n: int, stays: str, goes: str, on: str, kind: str = "MERGED") -> dict[str, str]:
    return {
        "merge_event_id": f"M{n}",
        "supplier_id": stays,
        "merged_id": goes,
        "happened_on": on,
        "kind": kind,
        "recorded_at": on,
    }


@pytest.fixture
def three(ledger: Ledger, import_rows: ImportRows) -> Ledger:
    """S1, S2 and S3 with a payment each; S2 is found to be S1 in May, S3 to be S2 in June, and parted in July."""
    ids = ["S1", "S2", "S3"]
    import_rows(
        ledger,
        suppliers=[{"supplier_id": s} for s in ids],
        payments=[{"payment_id": f"P-{s}", "supplier_id": s, "recorded_at": "2025-04-20"} for s in ids],
        merges=[
            merge(1, "S1", "S2", "2025-05-01"),
            merge(2, "S2", "S3", "2025-06-01"),
            merge(3, "S2", "S3", "2025-07-01", "PARTED"),
        ],
    )
    return ledger


@pytest.mark.parametrize(
    ("as_of", "of_s1", "of_s3"),
    [
        (date(2025, 4, 30), ["S1"], ["S3"]),
        (date(2025, 5, 1), ["S1", "S2"], ["S3"]),
        (date(2025, 6, 1), ["S1", "S2", "S3"], ["S1", "S2", "S3"]),
        (date(2025, 7, 1), ["S1", "S2"], ["S3"]),
    ],
)
def test_a_supplier_has_the_rows_of_all_ids_that_were_known_to_be_its_own(
    three: Ledger, as_of: date, of_s1: list[str], of_s3: list[str]
) -> None:
    for asked, expected in (("S1", of_s1), ("S3", of_s3)):
        assert known(three, asked, "payments", "payment_id", as_of) == [(f"P-{s}",) for s in expected]


def test_of_merged_ids_one_is_listed_and_after_they_part_both_are(three: Ledger) -> None:
    listed = {
        as_of: three.suppliers(as_of)["supplier_id"].tolist()
        for as_of in (date(2025, 4, 30), date(2025, 6, 30), date(2025, 7, 1))
    }
    assert list(listed.values()) == [["S1", "S2", "S3"], ["S1"], ["S1", "S3"]]


def test_no_row_is_counted_twice_however_ids_are_merged(ledger: Ledger, import_rows: ImportRows) -> None:
    round_about = [("S1", "S2"), ("S2", "S3"), ("S3", "S1"), ("S1", "S1")]
    import_rows(
        ledger,
        suppliers=[{"supplier_id": s} for s in ("S1", "S2", "S3")],
        payments=[{"payment_id": s, "supplier_id": s} for s in ("S1", "S2", "S3")],
        merges=[merge(n, a, b, "2025-05-01") for n, (a, b) in enumerate(round_about)],
    )
    assert known(ledger, "S2", "payments", "payment_id", date(2025, 6, 1)) == [("S1",), ("S2",), ("S3",)]


IDS = st.sampled_from(["S1", "S2", "S3", "S4", "S5"])


@given(merges=st.lists(st.tuples(IDS, IDS, st.sampled_from(["MERGED", "MERGED", "PARTED"])), max_size=8))
def test_whatever_is_merged_each_supplier_is_listed_once_by_an_id_that_has_all_its_rows(
    import_rows: ImportRows, tmp_path_factory: pytest.TempPathFactory, merges: list[tuple[str, str, str]]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("merged") / "ledger")
    ids = ["S1", "S2", "S3", "S4", "S5"]
    days = [f"2025-05-{n + 1:02d}" for n in range(len(merges))]
    import_rows(
        ledger,
        suppliers=[{"supplier_id": s} for s in ids],
        payments=[{"payment_id": s, "supplier_id": s} for s in ids],
        **({"merges": [merge(n, a, b, days[n], kind) for n, (a, b, kind) in enumerate(merges)]} if merges else {}),
    )
    listed = ledger.suppliers(date(2025, 6, 1))
    with ledger.known_on(listed) as door:
        payments = door.con.execute("SELECT payment_id FROM payments ORDER BY 1").fetchall()
    assert payments == [(s,) for s in ids]
    gone_on_as = ledger.gone_on_as(date(2025, 6, 1))
    assert {*listed["supplier_id"], *gone_on_as} == set(ids)
    assert set(gone_on_as.values()) <= set(listed["supplier_id"])


def test_a_consent_of_one_id_is_none_of_another_and_a_revocation_under_any_counts(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    def consent(n: int, supplier: str, consent: str, kind: str) -> dict[str, str]:
        given = {"supplier_id": supplier, "consent_id": consent, "kind": kind}
        return {"consent_event_id": f"E{n}", "happened_on": f"2025-05-0{n}", "recorded_at": f"2025-05-0{n}", **given}

    import_rows(
        ledger,
        suppliers=[{"supplier_id": s} for s in ("S1", "S2")],
        consents=[
            consent(1, "S1", "C1", "GRANTED"),
            consent(2, "S1", "C2", "GRANTED"),
            consent(3, "S2", "C3", "GRANTED"),
            consent(4, "S2", "C2", "REVOKED"),
        ],
        merges=[merge(1, "S1", "S2", "2025-05-01")],
    )
    found = valid_consents(ledger, pd.Series(["S1", "S2"]), on=date(2025, 5, 10))
    assert found[["supplier_id", "consent_id"]].to_numpy().tolist() == [["S1", "C1"], ["S2", "C3"]]


# -- groups ------------------------------------------------------------------------------------------------------------


def test_firms_under_one_person_or_one_controller_are_one_group_until_the_tie_ends(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    def tie(n: int, supplier: str, other: str, tie: str, on: str, kind: str = "BEGAN") -> dict[str, str]:
        return {
            "relation_event_id": f"N{n}",
            "supplier_id": supplier,
            "related_id": other,
            "tie": tie,
            "happened_on": on,
            "kind": kind,
            "recorded_at": on,
        }

    import_rows(
        ledger,
        suppliers=[{"supplier_id": f"S{n}"} for n in range(1, 6)],
        relations=[
            tie(1, "S2", "person-1", "LEGAL_REPRESENTATIVE", "2020-01-01"),
            tie(2, "S3", "person-1", "LEGAL_REPRESENTATIVE", "2021-01-01"),
            tie(3, "S4", "S3", "CONTROLLER", "2022-01-01"),
            tie(4, "S5", "S3", "SHAREHOLDER", "2022-01-01"),
            tie(5, "S3", "person-1", "LEGAL_REPRESENTATIVE", "2023-01-01", "ENDED"),
        ],
    )
    groups = {
        day: ledger.groups(date(day, 6, 1)).set_index("supplier_id")["group_id"].to_dict() for day in (2022, 2023)
    }
    assert groups[2022] == {"S2": "S2", "S3": "S2", "S4": "S2"}
    assert groups[2023] == {"S2": "S2", "S3": "S3", "S4": "S3"}


# -- what has lapsed ---------------------------------------------------------------------------------------------------


def on(day: str) -> dict[str, str]:
    return {"happened_on": day, "recorded_at": day}


LAST_DAY, NEXT_DAY = date(2025, 4, 30), date(2025, 5, 1)
CASES: dict[str, tuple[dict[str, list[dict[str, Any]]], str, list[tuple[Any, ...]], list[tuple[Any, ...]]]] = {
    "a dispute goes as a whole five years after its end": (
        {
            "disputes": [
                {"dispute_event_id": "X1", "kind": "RAISED", **on("2020-03-01")},
                {"dispute_event_id": "X2", "kind": "UPHELD", **on("2020-05-01")},
            ]
        },
        "SELECT kind FROM disputes",
        [("RAISED",), ("UPHELD",)],
        [],
    ),
    "a listing goes five years after its end": (
        {
            "listings": [
                {"listing_event_id": "L1", "kind": "LISTED", **on("2018-03-01")},
                {"listing_event_id": "L2", "kind": "REMOVED", **on("2020-05-01")},
            ]
        },
        "SELECT kind FROM listings",
        [("LISTED",), ("REMOVED",)],
        [],
    ),
    "a listing that stands stays": (
        {"listings": [{"listing_event_id": "L1", "kind": "LISTED", **on("2010-03-01")}]},
        "SELECT kind FROM listings",
        [("LISTED",)],
        [("LISTED",)],
    ),
    "a draw that was written off goes as a whole": (
        {
            "credit_events": [
                {"credit_event_id": "V1", **on("2019-02-01"), "due_on": "2019-08-01"},
                {
                    "credit_event_id": "V2",
                    "kind": "WRITTEN_OFF",
                    "days_past_due": 200,
                    "due_on": "2019-08-01",
                    **on("2020-05-01"),
                },
            ]
        },
        "SELECT kind FROM credit_events",
        [("DRAWN",), ("WRITTEN_OFF",)],
        [],
    ),
    "a draw that is past due stays until five years after it ends": (
        {
            "credit_events": [
                {"credit_event_id": "V1", **on("2015-02-01"), "due_on": "2015-08-01"},
                {
                    "credit_event_id": "V2",
                    "kind": "PAST_DUE",
                    "days_past_due": 90,
                    "due_on": "2015-08-01",
                    **on("2015-11-01"),
                },
            ]
        },
        "SELECT kind FROM credit_events",
        [("DRAWN",), ("PAST_DUE",)],
        [("DRAWN",), ("PAST_DUE",)],
    ),
    "a draw that was repaid on time stays": (
        {
            "credit_events": [
                {"credit_event_id": "V1", **on("2015-02-01"), "due_on": "2015-08-01"},
                {"credit_event_id": "V2", "kind": "REPAID", "due_on": "2015-08-01", **on("2015-08-01")},
            ]
        },
        "SELECT kind FROM credit_events",
        [("DRAWN",), ("REPAID",)],
        [("DRAWN",), ("REPAID",)],
    ),
    "a guarantee that was paid goes as a whole": (
        {
            "guarantee_events": [
                {"guarantee_event_id": "H1", "kind": "ISSUED", **on("2019-02-01")},
                {"guarantee_event_id": "H2", "kind": "PAID", **on("2020-05-01")},
            ]
        },
        "SELECT kind FROM guarantee_events",
        [("ISSUED",), ("PAID",)],
        [],
    ),
    "a dispute that nobody decided stays": (
        {"disputes": [{"dispute_event_id": "X1", "kind": "RAISED", **on("2010-03-01")}]},
        "SELECT kind FROM disputes",
        [("RAISED",)],
        [("RAISED",)],
    ),
    "a guarantee that was demanded and never ended stays": (
        {
            "guarantee_events": [
                {"guarantee_event_id": "H1", "kind": "ISSUED", **on("2010-02-01")},
                {"guarantee_event_id": "H2", "kind": "DEMANDED", **on("2010-05-01")},
            ]
        },
        "SELECT kind FROM guarantee_events",
        [("DEMANDED",), ("ISSUED",)],
        [("DEMANDED",), ("ISSUED",)],
    ),
    "a termination stays an end, and whose fault it was is no longer said": (
        {
            "amendments": [
                {"kind": "TERMINATED", "fault": "SUPPLIER", "amended_on": "2020-05-01", "recorded_at": "2020-05-01"}
            ]
        },
        "SELECT kind, fault FROM amendments",
        [("TERMINATED", "SUPPLIER")],
        [("ENDED", "NONE")],
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_what_speaks_against_a_firm_lapses_five_years_after_the_matter_ended(
    ledger: Ledger, import_rows: ImportRows, case: str
) -> None:
    tables, query, before, after = CASES[case]
    import_rows(ledger, suppliers=[{}], **tables)
    for as_of, expected in ((LAST_DAY, before), (NEXT_DAY, after)):
        cases = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [as_of]})
        with ledger.known_on(cases) as door:
            assert sorted(door.con.execute(query).fetchall()) == expected
