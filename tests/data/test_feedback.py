"""What a bank sends back: where each event goes, about whom a bank may speak, and what it cannot change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit.domain.errors import AllRejected, UnknownName, WrongFormat
from data.facts import supplier_facts
from data.feedback import bank_in, feedback_of
from data.formats import format_named
from data.formats.bank_feedback import COLUMNS, EVENTS, schema
from data.importing import ImportSummary, import_history
from data.ledger import Ledger

Row = dict[str, Any]
Put = Callable[..., ImportSummary]
ON, AS_OF = date(2026, 1, 1), date(2025, 12, 31)
OTHER = "913300001429137111"

COMMON: Row = {"supplier_id": "S1", "reported_on": "2025-10-10", "amount_fen": 2_000_000, "currency": "CNY"}
DRAWN: Row = COMMON | {
    "event_id": "1",
    "event": "DRAWN",
    "happened_on": "2025-02-15",
    "loan_id": "L1",
    "due_on": "2025-08-15",
}
GRANTED: Row = COMMON | {
    "event_id": "2",
    "event": "GRANTED",
    "happened_on": "2025-02-12",
    "application_id": "Q7",
    "applied_on": "2025-02-10",
    "requested_fen": 5_000_000,
}
ISSUED: Row = COMMON | {
    "event_id": "3",
    "event": "ISSUED",
    "happened_on": "2025-02-01",
    "guarantee_id": "H7",
    "contract_id": "C1",
    "form": "PERFORMANCE",
}


@pytest.fixture
def known(ledger: Ledger, import_rows: Callable[..., Any]) -> Ledger:
    """S1 consented to the bank and has contract C1; S2 has to do with nobody."""
    suppliers = [{}, {"supplier_id": "S2", "uscc": OTHER}]
    import_rows(ledger, suppliers=suppliers, contracts=[{}], consents=[{}])
    return ledger


@pytest.fixture
def put(known: Ledger, tmp_path: Path, csv_file: Callable[..., Path]) -> Put:
    """Imports these rows as the file of a bank."""

    def of(*rows: Row, bank: str = "bank", name: str = "back.csv") -> ImportSummary:
        file = csv_file(tmp_path / name, rows)
        return import_history(known, feedback_of(known, bank, on=ON), file, loaded_at=datetime(2026, 1, 1))

    return of


def rows_of(ledger: Ledger, table: str, as_of: date = AS_OF) -> list[Row]:
    with ledger.known_on(pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [as_of]})) as known:
        return known.con.execute(f"FROM {table} ORDER BY record_id").df().to_dict("records")


def refused(summary: ImportSummary) -> list[tuple[Any, ...]]:
    return [(row["line"], row["column"], row["value"], row["problem"]) for row in summary.quarantine]


# -- where it goes -----------------------------------------------------------------------------------------------------


def test_each_event_goes_to_the_table_it_is_about_under_the_banks_own_ids(known: Ledger, put: Put) -> None:
    summary = put(DRAWN, GRANTED, ISSUED)
    assert {t.table: t.imported for t in summary.tables} == dict.fromkeys(
        ("applications", "credit_events", "guarantee_events"), 1
    )
    (drawn,), (answer,), (issued,) = (rows_of(known, t) for t in ("credit_events", "applications", "guarantee_events"))
    assert (drawn["loan_id"], drawn["lender_id"], drawn["kind"]) == ("bank/L1", "bank", "DRAWN")
    assert (answer["application_id"], answer["answer"], answer["granted_fen"]) == ("bank/Q7", "GRANTED", 2_000_000)
    assert (issued["guarantee_id"], issued["contract_id"], issued["kind"]) == ("bank/H7", "C1", "ISSUED")


def test_a_refusal_keeps_its_reason(known: Ledger, put: Put) -> None:
    put(GRANTED | {"event": "DECLINED", "amount_fen": "", "reason": "SCORE"})
    (answer,) = rows_of(known, "applications")
    assert (answer["answer"], answer["refused_for"]) == ("REFUSED", "SCORE") and pd.isna(answer["granted_fen"])


def test_a_refusal_without_a_reason_is_set_aside(put: Put) -> None:
    with pytest.raises(AllRejected, match='column "reason"'):
        put(GRANTED | {"event": "DECLINED", "amount_fen": ""})


@pytest.mark.parametrize("event", [name for words in EVENTS.values() for name in words])
def test_every_event_that_the_schema_lists_is_taken_in(put: Put, event: str) -> None:
    whole = GRANTED | ISSUED | DRAWN | {"event": event, "reason": "OTHER", "days_past_due": 30}
    assert sum(table.imported for table in put(whole).tables) == 1


def test_what_a_bank_reports_is_known_from_the_day_it_reported_it(known: Ledger, put: Put) -> None:
    put(DRAWN)
    assert rows_of(known, "credit_events", date(2025, 10, 9)) == []
    assert len(rows_of(known, "credit_events", date(2025, 10, 10))) == 1


def test_a_draw_is_exposure_and_a_loss_ends_it(known: Ledger, put: Put) -> None:
    def exposure() -> int:
        with known.known_on(pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [AS_OF]})) as seen:
            return int(supplier_facts(seen)["drawn_fen"].iloc[0])

    put(DRAWN)
    assert exposure() == 2_000_000
    lost = {"event_id": "9", "event": "WRITTEN_OFF", "happened_on": "2025-09-30", "days_past_due": 46}
    put(DRAWN | lost)
    assert exposure() == 0


def test_a_guarantee_whose_demand_was_refused_stands_for_what_it_stood_for(known: Ledger, put: Put) -> None:
    put(
        ISSUED,
        ISSUED | {"event_id": "4", "event": "DEMANDED", "happened_on": "2025-03-01", "amount_fen": 5},
        ISSUED | {"event_id": "5", "event": "DEMAND_REFUSED", "happened_on": "2025-03-09", "amount_fen": 5},
    )
    with known.known_on(pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [AS_OF]})) as seen:
        assert supplier_facts(seen)["exposure_fen"].tolist() == [2_000_000]


def test_the_same_file_twice_changes_nothing(known: Ledger, put: Put) -> None:
    put(DRAWN, GRANTED, ISSUED)
    version = known.version
    again = put(DRAWN, GRANTED, ISSUED)
    assert again.batch is None and [t.duplicate for t in again.tables] == [1, 1, 1] and known.version == version


def test_the_next_months_file_may_say_everything_again(put: Put) -> None:
    put(DRAWN)
    again = put(DRAWN | {"reported_on": "2025-11-10"}, name="november.csv")
    assert again.batch is None and again.quarantined == 0


def test_a_correction_takes_the_place_of_what_it_corrects(known: Ledger, put: Put) -> None:
    put(DRAWN)
    put(DRAWN | {"event_id": "1b", "corrects": "1", "amount_fen": 3_000_000, "reported_on": "2025-11-10"})
    assert [row["amount_fen"] for row in rows_of(known, "credit_events")] == [3_000_000]


def test_one_banks_feedback_does_not_say_that_nobody_else_borrowed(known: Ledger, put: Put) -> None:
    before = known.last_day("platform")
    put(DRAWN)
    with known.known_on(known.suppliers(AS_OF)) as seen:
        assert "credit_events" not in seen.fed("platform")
    assert known.last_day("platform") == before


# -- about whom --------------------------------------------------------------------------------------------------------


def test_a_firm_that_neither_consented_nor_borrowed_is_nobody_the_bank_speaks_of(put: Put) -> None:
    summary = put(DRAWN, DRAWN | {"event_id": "8", "supplier_id": "S2"})
    assert refused(summary) == [(3, "supplier_id", "S2", "not-of-the-bank")]


def test_the_consent_of_one_bank_lets_no_other_speak(put: Put) -> None:
    with pytest.raises(AllRejected):
        put(DRAWN, bank="other")


def test_what_became_of_a_loan_is_told_after_the_consent_was_revoked(
    known: Ledger, put: Put, import_rows: Callable[..., Any]
) -> None:
    import_rows(known, consents=[{"consent_event_id": "G2", "happened_on": "2025-06-01", "kind": "REVOKED"}])
    assert put(DRAWN).quarantined == 0


def test_a_bank_that_lent_speaks_of_the_firm_without_a_consent(
    known: Ledger, put: Put, import_rows: Callable[..., Any]
) -> None:
    import_rows(known, credit_events=[{"supplier_id": "S2"}])
    assert put(DRAWN | {"supplier_id": "S2"}).quarantined == 0


def test_a_loan_in_the_same_file_is_no_reason_to_speak_of_a_firm(put: Put) -> None:
    with pytest.raises(AllRejected):
        put(DRAWN | {"supplier_id": "S2"}, DRAWN | {"supplier_id": "S2", "event_id": "2", "event": "REPAID"})


def test_a_firm_is_named_by_its_code_where_the_row_has_no_id(known: Ledger, put: Put) -> None:
    put(DRAWN | {"supplier_id": "", "uscc": "91330100799655058B"})
    assert [row["supplier_id"] for row in rows_of(known, "credit_events")] == ["S1"]


def test_a_code_of_another_firm_than_the_id_is_set_aside(put: Put) -> None:
    summary = put(DRAWN | {"uscc": ""}, DRAWN | {"event_id": "8", "uscc": OTHER})
    assert refused(summary) == [(3, "uscc", OTHER, "not-its-code")]


def test_a_code_that_several_firms_have_names_none(known: Ledger, put: Put, import_rows: Callable[..., Any]) -> None:
    import_rows(known, suppliers=[{"supplier_id": "S3"}])
    summary = put(DRAWN, DRAWN | {"event_id": "8", "supplier_id": "", "uscc": "91330100799655058B"})
    assert refused(summary) == [(3, "uscc", "91330100799655058B", "not-one-supplier")]


def test_a_merged_firm_is_named_by_any_of_its_ids(known: Ledger, put: Put, import_rows: Callable[..., Any]) -> None:
    # S1 goes on as S3, whose code is the same; a bank that holds an old file still says S1.
    import_rows(known, suppliers=[{"supplier_id": "S3"}], merges=[{"supplier_id": "S3", "merged_id": "S1"}])
    summary = put(DRAWN, DRAWN | {"event_id": "8", "loan_id": "L2"}, ISSUED)
    assert summary.quarantined == 0
    lent = put(DRAWN | {"event_id": "9", "supplier_id": "S3", "loan_id": "L3"})
    assert lent.quarantined == 0
    with known.known_on(pd.DataFrame({"case_id": [0], "supplier_id": ["S3"], "as_of": [AS_OF]})) as seen:
        assert supplier_facts(seen)["drawn_fen"].tolist() == [6_000_000]


def test_a_guarantee_is_on_a_contract_of_the_firm(put: Put) -> None:
    summary = put(ISSUED, ISSUED | {"event_id": "8", "contract_id": "C9"})
    assert refused(summary) == [(3, "contract_id", "C9", "not-its-contract")]


# -- broken rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "column", "value", "problem"),
    [
        ({"event": "SOLD"}, "event", "SOLD", "not-a-choice"),
        ({"event": ""}, "event", None, "missing-value"),
        ({"supplier_id": ""}, "supplier_id", None, "missing-value"),
        ({"supplier_id": "", "uscc": "1"}, "uscc", "1", "not-of-the-bank"),
        ({"bank_id": "other"}, "bank_id", "other", "other-bank"),
        ({"happened_on": "31/02/2025"}, "happened_on", "31/02/2025", "bad-date"),
        ({"happened_on": "2027-01-01"}, "happened_on", "2027-01-01", "in-the-future"),
        ({"reported_on": ""}, "reported_on", None, "missing-value"),
        ({"amount_fen": "much"}, "amount_fen", "much", "bad-number"),
        ({"amount_fen": ""}, "amount_fen", None, "missing-value"),
        ({"loan_id": ""}, "loan_id", None, "missing-value"),
        ({"due_on": ""}, "due_on", None, "missing-value"),
        ({"event_id": ""}, "event_id", None, "missing-value"),
        ({"event": "PAST_DUE"}, "days_past_due", None, "missing-value"),
    ],
)
def test_a_broken_row_is_set_aside_with_its_place_and_the_rest_goes_in(
    put: Put, wrong: Row, column: str, value: str | None, problem: str
) -> None:
    summary = put(DRAWN, DRAWN | {"event_id": "8"} | wrong)
    assert refused(summary) == [(3, column, value, problem)]
    assert all(row["hint"] and row["file"] == "back.csv" for row in summary.quarantine)
    assert sum(t.imported for t in summary.tables) == 1


def test_a_file_without_a_needed_column_is_refused(put: Put) -> None:
    with pytest.raises(WrongFormat, match="column 'reported_on' is missing"):
        put({name: value for name, value in DRAWN.items() if name != "reported_on"})


def test_parquet_says_the_same_as_csv(known: Ledger, put: Put, tmp_path: Path) -> None:
    put(DRAWN)
    typed = pd.DataFrame([DRAWN]).astype({"happened_on": "datetime64[us]", "reported_on": "datetime64[us]"})
    typed.to_parquet(tmp_path / "back.parquet")
    fmt = feedback_of(known, "bank", on=ON)
    again = import_history(known, fmt, tmp_path / "back.parquet", loaded_at=datetime(2026, 1, 1))
    assert (again.batch, again.quarantined) == (None, 0)


# -- whose file --------------------------------------------------------------------------------------------------------


def test_a_file_that_names_one_bank_is_that_banks(tmp_path: Path, csv_file: Callable[..., Path]) -> None:
    assert bank_in(csv_file(tmp_path / "a.csv", [DRAWN | {"bank_id": "bank"}] * 2)) == "bank"
    for rows in ([DRAWN], [DRAWN | {"bank_id": "bank"}, DRAWN | {"bank_id": "other"}]):
        with pytest.raises(UnknownName, match="its rows name"):
            bank_in(csv_file(tmp_path / "b.csv", rows))


def test_without_a_bank_no_feedback_goes_in(known: Ledger, tmp_path: Path, csv_file: Callable[..., Path]) -> None:
    with pytest.raises(WrongFormat) as caught:
        file = csv_file(tmp_path / "a.csv", [DRAWN])
        import_history(known, format_named("bank-feedback"), file, loaded_at=datetime(2026, 1, 1))
    assert "--bank" in caught.value.hint


def test_the_published_schema_has_every_column() -> None:
    fields = {field["name"]: field for field in schema()["resources"][0]["schema"]["fields"]}
    assert list(fields) == [column.name for column in COLUMNS]
    assert fields["event"]["constraints"]["enum"] == [name for words in EVENTS.values() for name in words]
