"""VAT invoices as a bank exports them: what counts, what is set aside, and where the labels go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit.domain.errors import WrongFormat
from data.formats import format_named
from data.importing import ImportSummary, import_history
from data.ledger import Ledger
from features.engine import build_on

Row = dict[str, Any]
VAT = format_named("vat-invoices")
LOADED_AT = datetime(2026, 1, 1)
AS_OF = date(2019, 12, 31)

SALE: Row = {
    "company": "E1",
    "invoice_no": "1001",
    "date": "2019-06-01",
    "counterparty": "B1",
    "amount": "9401.71",
    "tax": "1598.29",
    "total": "11000.00",
    "status": "有效发票",
}
COMPANY: Row = {"company": "E1", "name": "张三", "rating": "A", "default": "否"}


@pytest.fixture(params=["csv", "parquet"])
def given_files(request: pytest.FixtureRequest, tmp_path: Path, csv_file: Callable[..., Path]) -> Callable[..., Path]:
    """A folder with these sales, purchases and companies, as CSV and as Parquet."""

    def folder(
        sales: list[Row], purchases: list[Row] | None = None, companies: list[Row] | None = None, name: str = "in"
    ) -> Path:
        into = tmp_path / name
        into.mkdir()
        for stem, rows in (
            ("output_invoices", sales),
            ("input_invoices", purchases or []),
            ("companies", companies or [COMPANY]),
        ):
            if rows and request.param == "csv":
                csv_file(into / f"{stem}.csv", rows)
            elif rows:
                pd.DataFrame(rows).astype("str").to_parquet(into / f"{stem}.parquet")
        return into

    return folder


def put(ledger: Ledger, folder: Path) -> ImportSummary:
    return import_history(ledger, VAT, folder, loaded_at=LOADED_AT)


def counts(summary: ImportSummary, table: str = "invoices") -> tuple[int, int, int, int]:
    return next((t.read, t.imported, t.duplicate, t.quarantined) for t in summary.tables if t.table == table)


def sale(**changes: str) -> Row:
    return SALE | changes


def sales_12m(ledger: Ledger) -> list[float]:
    return build_on(ledger, AS_OF, tier="invoice")["sales_amount_sum_12m"].tolist()


Files = Callable[..., Path]


def test_an_amount_in_yuan_is_kept_to_the_fen(ledger: Ledger, given_files: Files) -> None:
    put(ledger, given_files([SALE]))
    assert sales_12m(ledger) == [940_171]


def test_a_voided_invoice_is_kept_and_never_counted(ledger: Ledger, given_files: Files) -> None:
    summary = put(ledger, given_files([SALE, sale(invoice_no="1002", status="作废发票")]))
    assert counts(summary) == (2, 2, 0, 0)
    assert sales_12m(ledger) == [940_171]


def test_a_blank_before_the_status_changes_nothing(ledger: Ledger, given_files: Files) -> None:
    put(ledger, given_files([SALE, sale(invoice_no="1002", status=" 作废发票")]))
    assert build_on(ledger, AS_OF, tier="invoice")["sales_voided_count_12m"].tolist() == [1]


def test_a_red_letter_invoice_nets_the_one_it_reverses(ledger: Ledger, given_files: Files) -> None:
    put(ledger, given_files([SALE, sale(invoice_no="1002", amount="-9401.71", tax="-1598.29", total="-11000.00")]))
    assert sales_12m(ledger) == [0]


def test_rows_equal_in_every_column_are_one_invoice(ledger: Ledger, given_files: Files) -> None:
    assert counts(put(ledger, given_files([SALE, SALE, SALE]))) == (3, 1, 2, 0)


def test_a_number_used_again_for_another_invoice_is_another_invoice(ledger: Ledger, given_files: Files) -> None:
    assert counts(put(ledger, given_files([SALE, sale(counterparty="B2")]))) == (2, 2, 0, 0)


def test_the_same_paper_issued_and_received_is_two_invoices(ledger: Ledger, given_files: Files) -> None:
    assert counts(put(ledger, given_files([SALE], [SALE]))) == (2, 2, 0, 0)


def test_an_unknown_status_is_set_aside_with_its_place(ledger: Ledger, given_files: Files) -> None:
    summary = put(ledger, given_files([SALE, sale(status="红冲")]))
    assert counts(summary) == (2, 1, 0, 1)
    (found,) = summary.quarantine
    assert (found["column"], found["value"], found["problem"]) == ("status", "红冲", "not-a-choice")


def test_an_invoice_of_a_firm_that_is_not_listed_is_set_aside_by_the_name_of_its_column(
    ledger: Ledger, given_files: Files
) -> None:
    summary = put(ledger, given_files([SALE, sale(company="E9")]))
    assert counts(summary) == (2, 1, 0, 1)
    (found,) = summary.quarantine
    assert (found["column"], found["value"], found["problem"]) == ("company", "E9", "unknown-supplier")


def test_a_broken_date_does_not_move_the_day_from_which_firms_are_known(ledger: Ledger, given_files: Files) -> None:
    broken = [sale(invoice_no="2", date="9008-01-01"), sale(invoice_no="3", date="1900-01-01")]
    summary = put(ledger, given_files([SALE, *broken]))
    assert counts(summary) == (3, 1, 0, 2)
    assert counts(summary, "suppliers") == (1, 1, 0, 0)
    assert counts(summary, "outcomes") == (1, 1, 0, 0)
    assert len(ledger.suppliers(date(2019, 6, 1))) == 1
    assert len(ledger.suppliers(date(2019, 5, 31))) == 0


def test_labels_go_to_the_outcomes_and_firms_without_one_have_none(ledger: Ledger, given_files: Files) -> None:
    companies = [COMPANY, COMPANY | {"company": "E2", "default": "是"}, COMPANY | {"company": "E3", "default": ""}]
    summary = put(ledger, given_files([SALE], companies=companies))
    assert counts(summary, "outcomes") == (2, 2, 0, 0)
    found = ledger.outcomes("loan_default", known_on=AS_OF)
    assert dict(zip(found["supplier_id"], found["happened"], strict=True)) == {"E1": False, "E2": True}


def test_a_label_that_is_neither_yes_nor_no_is_set_aside(ledger: Ledger, given_files: Files) -> None:
    summary = put(ledger, given_files([SALE], companies=[COMPANY | {"default": "也许"}]))
    assert counts(summary, "outcomes") == (1, 0, 0, 1)


def test_importing_the_same_files_again_changes_nothing(ledger: Ledger, given_files: Files) -> None:
    folder = given_files([SALE, SALE, sale(invoice_no="2", date="31/02/2025")], [SALE])
    put(ledger, folder)
    before = build_on(ledger, AS_OF, tier="invoice")
    again = put(ledger, folder)
    assert again.batch is None
    assert counts(again) == (4, 0, 3, 1)
    assert ledger.version == 1
    pd.testing.assert_frame_equal(build_on(ledger, AS_OF, tier="invoice"), before, check_exact=True)


def test_the_same_history_as_csv_and_as_parquet_is_one_history(
    ledger: Ledger, tmp_path: Path, csv_file: Callable[..., Path]
) -> None:
    text, typed = tmp_path / "text", tmp_path / "typed"
    text.mkdir()
    typed.mkdir()
    csv_file(text / "output_invoices.csv", [SALE])
    csv_file(text / "companies.csv", [COMPANY])
    frame = pd.DataFrame([SALE]).astype({"amount": float, "tax": float, "total": float})
    frame.assign(date=pd.to_datetime(frame["date"]), status="\u3000有效发票").to_parquet(
        typed / "output_invoices.parquet"
    )
    csv_file(typed / "companies.csv", [COMPANY])
    put(ledger, text)
    assert counts(put(ledger, typed)) == (1, 0, 1, 0)


def test_a_list_of_companies_alone_is_refused(ledger: Ledger, tmp_path: Path, csv_file: Callable[..., Path]) -> None:
    with pytest.raises(WrongFormat, match="cannot be read without invoices"):
        put(ledger, csv_file(tmp_path / "companies.csv", [COMPANY]))


def test_invoices_without_their_companies_wait_for_them(ledger: Ledger, tmp_path: Path, csv_file: Files) -> None:
    (row,) = put(ledger, csv_file(tmp_path / "output_invoices.csv", [SALE])).quarantine
    assert (row["file"], row["line"], row["column"], row["value"]) == ("output_invoices.csv", 2, "company", "E1")
    csv_file(tmp_path / "companies.csv", [COMPANY])
    assert put(ledger, tmp_path).quarantined == 0


def test_the_quarantine_shows_no_name(ledger: Ledger, given_files: Files) -> None:
    companies = [COMPANY, COMPANY | {"company": "", "name": "李四"}]
    put(ledger, given_files([SALE], companies=companies))
    assert "李四" not in ledger.quarantine().to_string()
    assert set(ledger.quarantine()["table"]) == {"suppliers", "names", "outcomes"}


@pytest.mark.real_data
def test_the_real_invoices_are_all_accounted_for(real_import: tuple[Ledger, ImportSummary]) -> None:
    ledger, summary = real_import
    assert counts(summary) == (1_099_441, 1_087_776, 11_665, 0)
    assert counts(summary, "suppliers") == (425, 425, 0, 0)
    assert ledger.last_day() == date(2020, 2, 21)
    found = ledger.outcomes("loan_default", known_on=ledger.last_day())
    assert (len(found), int(found["happened"].sum())) == (123, 27)
