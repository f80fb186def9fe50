"""Importing: every row is imported, recognised as a duplicate, or set aside with its place; or nothing happens."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import data.durable
import data.importing
import data.ledger_files
from credit.domain.errors import AllRejected, BrokenFile, CreditError, FileMissing, Locked, WrongFormat
from data.formats import format_named
from data.importing import ImportSummary, import_history
from data.ledger import Ledger
from data.quarantine import HINTS
from data.resolving import FATES
from data.schema import TABLES, Table
from data.schema import table as table_named

Row = dict[str, Any]
ImportRows = Callable[..., ImportSummary]
PLATFORM = format_named("platform")
LOADED_AT = datetime(2026, 1, 1)


def put(ledger: Ledger, path: Path) -> ImportSummary:
    return import_history(ledger, PLATFORM, path, loaded_at=LOADED_AT)


def counts(summary: ImportSummary, table: str) -> tuple[int, int, int, int]:
    return next((t.read, t.imported, t.duplicate, t.quarantined) for t in summary.tables if t.table == table)


def rows_of(ledger: Ledger, table: str, column: str = "record_id") -> list[Any]:
    """What the ledger holds of a column, in order."""
    return held(ledger, [table_named(table)], column)[table]


def held(ledger: Ledger, tables: Iterable[Table], column: str) -> dict[str, list[Any]]:
    batches = ledger.batches()
    with ledger.connection() as con:
        return {
            t.name: [
                r[0] for r in con.execute(f"SELECT {column} FROM ({ledger.rows(t, batches)}) ORDER BY 1").fetchall()
            ]
            for t in tables
        }


# -- nothing at all ---------------------------------------------------------------------------------------------------


def test_a_file_without_a_row_says_once_that_there_was_nothing(ledger, import_rows, tmp_path):
    import_rows(ledger, suppliers=[{}])
    (tmp_path / "listings.csv").write_text("listing_event_id,supplier_id,list,happened_on,kind\n")
    case = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [date(2025, 1, 1)]})
    with ledger.known_on(case) as known:
        assert "listings" not in known.fed("platform")
    assert put(ledger, tmp_path).batch == 2
    with ledger.known_on(case) as known:
        assert "listings" in known.fed("platform")
    assert put(ledger, tmp_path).batch is None


# -- single values -----------------------------------------------------------------------------------------------------


@pytest.fixture
def problems(ledger: Ledger, import_rows: ImportRows) -> Callable[..., dict[str, str | None]]:
    """What is wrong with each value of a column of a table, given the table's key; None where the row goes in."""

    def of(table: str, key: str, column: str, values: Iterable[str]) -> dict[str, str | None]:
        listed = list(values)
        import_rows(ledger, suppliers=[{}], **{table: [{key: f"K{n}", column: v} for n, v in enumerate(listed)]})
        set_aside = ledger.quarantine()
        found = {int(line): str(said) for line, said in zip(set_aside["line"], set_aside["problem"], strict=True)}
        return {value: found.get(line) for line, value in enumerate(listed, start=2)}

    return of


AMOUNTS = {
    "100.0001": None,
    "100.00011": "not-whole-fen",
    "99.9999": None,
    "99.99989": "not-whole-fen",
    "1000000000000000": None,
    "1000000000000001": "too-large",
    "9223372036854775807": "too-large",
    "99999999999999999999999999999999999999999": "too-large",
    "1e300": "too-large",
    "1e5": None,
    "0": None,
    "-0.0": None,
    "-1": "too-small",
    "nan": "bad-number",
    "NaN": "bad-number",
    "inf": "bad-number",
    "-Infinity": "bad-number",
    "1_000": "bad-number",
    "0x10": "bad-number",
    "1,000": "bad-number",
    "１００": "bad-number",
    "100元": "bad-number",
    "'; DROP TABLE staged; --": "bad-number",
    "": "missing-value",
    "  ": "missing-value",
}
DATES = {
    "2025-02-28": None,
    "2025/2/8": None,
    "2025-02-28 00:00:00": None,
    "2025-02-28T10:31": None,
    "1949-01-01": None,
    "1948-12-31": "unlikely-date",
    "2100-12-31": "in-the-future",
    "2101-01-01": "unlikely-date",
    "9008-01-01": "unlikely-date",
    "31/02/2025": "bad-date",
    "2025-02-29": "bad-date",
    "20250228": "bad-date",
    "2025-02-28 (BC)": "bad-date",
    "2025-02-28T00:00:00+08:00": "bad-date",
    "infinity": "bad-date",
    "epoch": "bad-date",
    "today": "bad-date",
    "": "missing-value",
}
MOMENTS = {
    "2025-02-28T10:31:00Z": None,
    "2025-02-28": None,
    "": None,
    "infinity": "bad-moment",
    "now": "bad-moment",
    "3025-01-01": "unlikely-date",
    "2026-01-02T00:00:00Z": None,
    "2026-01-02T00:00:01Z": "in-the-future",
    "2025-02-28T10:31:00-99": "bad-moment",
}
COUNTS = {
    "3": None,
    "3.0": None,
    "3.7": "not-whole",
    "0": "too-small",
    "1": None,
    "3000000000": "too-large",
    "x": "bad-number",
}
CHOICES = {"TAX": None, "tax": "not-a-choice", "": "missing-value"}
IDS = {
    "Q-1": None,
    "浙财采[2025]1号/3": None,
    "=1+1": "bad-id",
    "-1": "bad-id",
    "＠x": "bad-id",
    "a\u200bb": "bad-id",
    "a\u202eb": "bad-id",
    "a\x07b": "bad-id",
    "": "missing-value",
}
FLAGS = {"true": None, "false": None, "": None, "maybe": "bad-flag"}

Problems = Callable[..., dict[str, str | None]]


def test_an_amount_is_a_whole_number_of_fen_or_set_aside(problems: Problems) -> None:
    assert problems("contracts", "contract_id", "amount_fen", AMOUNTS) == AMOUNTS


def test_a_date_is_a_day_that_can_be_or_set_aside(problems: Problems) -> None:
    assert problems("listings", "listing_event_id", "happened_on", DATES) == DATES


def test_a_moment_is_one_or_set_aside(problems: Problems) -> None:
    assert problems("listings", "listing_event_id", "recorded_at", MOMENTS) == MOMENTS


def test_a_count_is_a_whole_number_or_set_aside(problems: Problems) -> None:
    assert problems("acceptances", "acceptance_id", "rating", COUNTS) == COUNTS


def test_a_choice_is_one_of_its_list_or_set_aside(problems: Problems) -> None:
    assert problems("listings", "listing_event_id", "list", CHOICES) == CHOICES


def test_an_id_is_one_that_any_reader_sees_whole_or_set_aside(problems: Problems) -> None:
    assert problems("applications", "application_id", "lender_id", IDS) == IDS


def test_a_flag_is_true_or_false_or_set_aside(problems: Problems) -> None:
    assert problems("payments", "payment_id", "to_locked_account", FLAGS) == FLAGS


@pytest.fixture
def problem(ledger: Ledger, import_rows: ImportRows) -> Callable[..., str | None]:
    """What is wrong with a row of a table that is changed like this; None where it goes in."""

    def of(table: str, **changes: Any) -> str | None:
        summary = import_rows(ledger, suppliers=[{}], **{table: [changes]})
        return str(summary.quarantine[0]["problem"]) if summary.quarantine else None

    return of


def test_an_outcome_that_carries_no_day_at_all_is_set_aside(problem: Callable[..., str | None]) -> None:
    assert problem("outcomes", matured_on="") == "missing-value"


def test_an_undated_outcome_that_says_when_it_was_recorded_goes_in(problem: Callable[..., str | None]) -> None:
    assert problem("outcomes", matured_on="", opened_on="", recorded_at="2025-12-01") is None


@settings(max_examples=10)
@given(yuan=st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=40))
def test_an_amount_in_yuan_of_any_size_is_kept_to_the_fen(
    tmp_path_factory: pytest.TempPathFactory, csv_file: Callable[..., Path], yuan: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("yuan")
    sale = {"company": "E1", "date": "2019-06-01", "counterparty": "B1", "tax": 0, "total": 0, "status": "有效发票"}
    amounts = [f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}" for fen in yuan]
    invoices = [sale | {"invoice_no": n, "amount": amount} for n, amount in enumerate(amounts)]
    csv_file(folder / "output_invoices.csv", invoices)
    csv_file(folder / "companies.csv", [{"company": "E1", "name": "x"}])
    ledger = Ledger(folder / "ledger")
    import_history(ledger, format_named("vat-invoices"), folder, loaded_at=LOADED_AT)
    assert rows_of(ledger, "invoices", "net_fen") == sorted(yuan)


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_row_set_aside_names_its_file_line_column_value_and_what_to_do(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    summary = import_rows(
        ledger, suppliers=[{}], listings=[{}, {"listing_event_id": "L2", "happened_on": "31/02/2025"}]
    )
    assert summary.quarantine == [
        {
            "table": "listings",
            "file": "listings.csv",
            "line": 3,
            "column": "happened_on",
            "value": "31/02/2025",
            "problem": "bad-date",
            "hint": HINTS["bad-date"],
        }
    ]
    assert ledger.quarantine().drop(columns="batch").to_dict("records") == summary.quarantine


def test_a_row_that_is_ragged_is_set_aside_and_its_neighbours_are_not(
    ledger: Ledger, tmp_path: Path, csv_file: Callable[..., Path], platform_row: Callable[..., Row]
) -> None:
    csv_file(tmp_path / "suppliers.csv", [platform_row("suppliers"), platform_row("suppliers", supplier_id="S2")])
    with (tmp_path / "suppliers.csv").open("a") as more:
        more.write("S3,2020-01-01\n")
    summary = put(ledger, tmp_path)
    assert counts(summary, "suppliers") == (3, 2, 0, 1)
    assert (summary.quarantine[0]["line"], summary.quarantine[0]["problem"]) == (4, "ragged-row")


def test_an_event_of_a_supplier_that_nobody_registered_is_set_aside(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(ledger, suppliers=[{}], listings=[{}, {"listing_event_id": "L2", "supplier_id": "S9"}])
    assert counts(summary, "listings") == (2, 1, 0, 1)
    assert (summary.quarantine[0]["value"], summary.quarantine[0]["problem"]) == ("S9", "unknown-supplier")


def test_an_event_of_a_supplier_whose_registration_was_set_aside_is_set_aside_too(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    same_id = [{"record_id": "R1"}, {"record_id": "R1", "supplier_id": "S2"}]
    summary = import_rows(ledger, suppliers=same_id, listings=[{}, {"listing_event_id": "L2", "supplier_id": "S2"}])
    assert counts(summary, "suppliers") == (2, 1, 0, 1)
    assert counts(summary, "listings") == (2, 1, 0, 1)


def test_the_name_of_a_person_is_never_shown(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(ledger, suppliers=[{}], names=[{"name": "李四", "effective_on": "李四"}])
    assert counts(summary, "names") == (1, 0, 0, 1)
    assert "李四" not in str(summary.quarantine)
    assert "李四" not in ledger.quarantine().to_string()


def test_every_problem_has_a_hint() -> None:
    assert set(FATES) <= set(HINTS)


# -- one and the same row ----------------------------------------------------------------------------------------------


def test_a_row_with_the_id_of_another_that_says_something_else_is_set_aside(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    summary = import_rows(ledger, suppliers=[{}], contracts=[{}, {"amount_fen": 1}])
    assert counts(summary, "contracts") == (2, 1, 0, 1)
    found = summary.quarantine[0]
    assert (found["line"], found["column"], found["value"]) == (3, "contract_id", "C1")
    assert found["problem"] == "duplicate-key"
    assert rows_of(ledger, "contracts", "amount_fen") == [10_000_000]


def test_a_later_import_cannot_say_something_else_under_the_same_id(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{}])
    with pytest.raises(AllRejected):
        import_rows(ledger, contracts=[{"amount_fen": 1}])
    assert rows_of(ledger, "contracts", "amount_fen") == [10_000_000]


def test_another_record_id_does_not_let_the_same_contract_in_twice(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(
        ledger, suppliers=[{}], contracts=[{}, {"record_id": "R9", "amount_fen": 1}, {"record_id": "R8"}]
    )
    assert counts(summary, "contracts") == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("table", "change"),
    [("suppliers", {"region": "330109"}), ("buyers", {"level": "CITY"}), ("names", {"name": "李四"})],
)
def test_two_registrations_of_one_day_that_contradict_each_other_do_not_both_stand(
    ledger: Ledger, import_rows: ImportRows, table: str, change: Row
) -> None:
    first = {"suppliers": [{}], table: [{}]}
    import_rows(ledger, **first)
    assert counts(import_rows(ledger, **(first | {table: [{}, change]})), table) == (2, 0, 1, 1)
    assert set(ledger.quarantine()["problem"]) == {"duplicate-key"}


def test_a_registration_is_corrected_by_a_row_that_names_it(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{"record_id": "R1"}])
    correction = {"record_id": "R2", "replaces": "R1", "region": "330109"}
    assert counts(import_rows(ledger, suppliers=[correction]), "suppliers") == (1, 1, 0, 0)


def test_another_record_id_does_not_let_it_in_later_either(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{}])
    assert counts(import_rows(ledger, contracts=[{"record_id": "R8"}]), "contracts") == (1, 0, 1, 0)


def test_two_rows_that_differ_are_never_one_however_their_text_is_cut(ledger: Ledger, import_rows: ImportRows) -> None:
    tricky = [
        {"invoice_no": "1:2025", "counterparty_id": "B"},
        {"invoice_no": "1", "counterparty_id": "2025:B"},
        {"invoice_no": "1", "counterparty_id": "B", "contract_id": "."},
        {"invoice_no": "1", "counterparty_id": "B", "contract_id": ""},
    ]
    assert counts(import_rows(ledger, suppliers=[{}], invoices=tricky), "invoices") == (4, 4, 0, 0)


def test_a_correction_of_a_row_that_is_not_there_is_set_aside(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(ledger, suppliers=[{}], payments=[{}, {"record_id": "R2", "replaces": "P9"}])
    assert counts(summary, "payments") == (2, 1, 0, 1)
    found = summary.quarantine[0]
    assert (found["column"], found["value"], found["problem"]) == ("replaces", "P9", "unknown-record")


def test_a_row_without_an_id_is_corrected_by_what_its_content_is_called(
    ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    said = {"net_fen": "10000", "recorded_at": "2025-03-01"}
    import_rows(ledger, suppliers=[{}], invoices=[said])
    with ledger.connection() as con:
        rows = ledger.rows(table_named("invoices"), ledger.batches())
        ((called,),) = con.execute(f"SELECT record_id FROM ({rows})").fetchall()
    both = Ledger(tmp_path / "both")
    correction = {"net_fen": "5000", "recorded_at": "2025-04-01", "replaces": called}
    summary = import_rows(both, suppliers=[{}], invoices=[said, correction])
    assert summary.quarantined == 0
    cases = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [date(2025, 6, 1)]})
    with both.known_on(cases) as door:
        assert door.con.execute("SELECT net_fen FROM invoices").fetchall() == [(5000,)]


def test_a_row_does_not_correct_itself(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(ledger, suppliers=[{}], payments=[{"record_id": "P1", "replaces": "P1"}])
    assert counts(summary, "payments") == (1, 0, 0, 1)


def test_a_row_is_corrected_once(ledger: Ledger, import_rows: ImportRows) -> None:
    one, two = {"record_id": "R1", "replaces": "P1"}, {"record_id": "R2", "replaces": "P1"}
    summary = import_rows(ledger, suppliers=[{}], payments=[{}, one, two])
    assert counts(summary, "payments") == (3, 2, 0, 1)
    assert summary.quarantine[0]["problem"] == "replaced-twice"


def test_a_row_that_was_corrected_by_an_earlier_import_is_not_corrected_again(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, suppliers=[{}], payments=[{}, {"record_id": "R1", "replaces": "P1"}])
    with pytest.raises(AllRejected):
        import_rows(ledger, payments=[{"record_id": "R2", "replaces": "P1"}])


def test_the_same_correction_again_is_a_duplicate(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], payments=[{}, {"record_id": "R1", "replaces": "P1"}])
    again = import_rows(ledger, payments=[{}, {"record_id": "R1", "replaces": "P1"}])
    assert counts(again, "payments") == (2, 0, 2, 0)


@settings(max_examples=10)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "contract_id": st.sampled_from(("C1", "C2")),
                "amount_fen": st.sampled_from(("1", "2", "x", "")),
                "supplier_id": st.sampled_from(("S1", "S9")),
                "record_id": st.sampled_from(("", "", "C1", "R1", "R2")),
                "replaces": st.sampled_from(("", "", "C1", "R1")),
            }
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_row_that_was_read_is_imported_a_duplicate_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, import_rows: ImportRows, rows: list[Row]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    summary = import_rows(ledger, suppliers=[{}], contracts=rows)
    read, imported, duplicate, quarantined = counts(summary, "contracts")
    assert read == len(rows) == imported + duplicate + quarantined
    assert len(rows_of(ledger, "contracts")) == len(set(rows_of(ledger, "contracts"))) == imported
    assert len(ledger.quarantine()) == quarantined
    again = import_rows(ledger, suppliers=[{}], contracts=rows)
    assert again.batch is None
    assert counts(again, "contracts") == (read, 0, imported + duplicate, quarantined)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Contracts as a platform tells of them: some again, some corrected later, some wrong."""
    rows: list[Row] = []
    for number in range(draw(st.integers(2, 8))):
        if rows and draw(st.integers(0, 4)) == 0:
            rows.append(draw(st.sampled_from(rows)))
            continue
        row = {
            "contract_id": draw(st.sampled_from(("C1", "C2", "C3"))),
            "amount_fen": draw(st.sampled_from(("1", "2", "x"))),
            "supplier_id": draw(st.sampled_from(("S1", "S1", "S9"))),
            "record_id": f"R{number}",
            "recorded_at": f"2025-02-{draw(st.integers(10, 12))}",
            "replaces": draw(st.sampled_from(["", "", "R99", *(row["record_id"] for row in rows)])),
        }
        rows.append(row)
    return rows


@settings(max_examples=15)
@given(rows=histories(), cut=st.integers(1, 7))
def test_a_file_in_two_halves_is_the_file(
    tmp_path_factory: pytest.TempPathFactory, import_rows: ImportRows, rows: list[Row], cut: int
) -> None:
    whole, halves = (Ledger(tmp_path_factory.mktemp("ledger")) for _ in range(2))
    for ledger in (whole, halves):
        import_rows(ledger, suppliers=[{}])
    for ledger, parts in ((whole, [rows]), (halves, [rows[:cut], rows[cut:]])):
        for part in filter(None, parts):
            with suppress(AllRejected):
                import_rows(ledger, contracts=part)
    assert rows_of(whole, "contracts") == rows_of(halves, "contracts")


# -- all or nothing ----------------------------------------------------------------------------------------------------


def test_one_good_row_beside_a_bad_one_makes_a_batch(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(ledger, suppliers=[{}, {"supplier_id": "S2", "tier": "bank"}])
    assert summary.batch == ledger.version == 1
    assert counts(summary, "suppliers") == (2, 1, 0, 1)


def test_when_every_row_is_bad_the_quarantine_is_kept_and_the_import_fails(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    with pytest.raises(AllRejected, match=r'suppliers.csv line 2, column "tier": "bank" \(not-a-choice\)') as caught:
        import_rows(ledger, suppliers=[{"tier": "bank"}])
    assert caught.value.hint == "this column takes one of: platform, invoice"
    assert len(ledger.quarantine()) == 1
    assert ledger.suppliers(date(2026, 1, 1)).empty


def test_bad_rows_that_come_again_fail_again_and_are_kept_once(ledger: Ledger, import_rows: ImportRows) -> None:
    for _ in range(2):
        with pytest.raises(AllRejected):
            import_rows(ledger, suppliers=[{"tier": "bank"}])
    assert len(ledger.quarantine()) == 1
    assert ledger.version == 1


def test_a_file_without_rows_says_nothing_where_nobody_is_known(ledger: Ledger, import_rows: ImportRows) -> None:
    summary = import_rows(ledger, suppliers=[])
    assert (summary.batch, ledger.version) == (None, 0)


def broken_header(folder: Path) -> None:
    (folder / "payments.csv").write_text("payment_id,supplier_id\nP1,S1\n")


def no_header(folder: Path) -> None:
    (folder / "names.csv").write_text("S1,2020-01-01,李四\n")


def header_with_one_name_twice(folder: Path) -> None:
    (folder / "payments.csv").write_text("payment_id,payment_id\nP1,P1\n")


def half_parquet(folder: Path) -> None:
    pd.DataFrame({"payment_id": ["P1"]}).to_parquet(folder / "payments.parquet")
    whole = (folder / "payments.parquet").read_bytes()
    (folder / "payments.parquet").write_bytes(whole[: len(whole) // 2])


def open_quote(folder: Path) -> None:
    (folder / "payments.csv").write_text('payment_id,supplier_id\nP1,"S1\n')


def other_encoding(folder: Path) -> None:
    (folder / "payments.csv").write_bytes("payment_id\n付款\n".encode("gb18030"))


def nothing_in_it(folder: Path) -> None:
    (folder / "payments.csv").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (broken_header, WrongFormat, "payments.csv: column 'paid_on' is missing"),
        (no_header, WrongFormat, "names.csv: column 'supplier_id' is missing"),
        (header_with_one_name_twice, WrongFormat, "columns 1 and 2 have the same name"),
        (half_parquet, BrokenFile, "payments.parquet: not a whole Parquet file"),
        (open_quote, BrokenFile, "payments.csv: not a readable CSV file"),
        (other_encoding, BrokenFile, "payments.csv: not UTF-8 text (line 2)"),
        (nothing_in_it, FileMissing, "payments.csv: the file is empty"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_file_that_cannot_be_read_leaves_the_ledger_as_it_was(
    ledger: Ledger,
    tmp_path: Path,
    import_rows: ImportRows,
    csv_file: Callable[..., Path],
    platform_row: Callable[..., Row],
    spoil: Callable[[Path], None],
    error: type[CreditError],
    said: str,
) -> None:
    import_rows(ledger, suppliers=[{}])
    folder = tmp_path / "in"
    folder.mkdir()
    csv_file(folder / "listings.csv", [platform_row("listings")])
    spoil(folder)
    with pytest.raises(error) as caught:
        put(ledger, folder)
    assert said in caught.value.message
    assert "李四" not in caught.value.message + caught.value.hint
    assert str(tmp_path) not in caught.value.message
    assert (ledger.version, rows_of(ledger, "listings")) == (1, [])


# -- at the same time, and cut short -----------------------------------------------------------------------------------


def hold(folder: Path, holding: Event, done: Event) -> None:
    with Ledger(folder).writing():
        holding.set()
        done.wait(60)


def test_a_second_process_that_imports_is_locked_out_until_the_first_is_done(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    spawn = multiprocessing.get_context("spawn")
    holding, done = spawn.Event(), spawn.Event()
    first = spawn.Process(target=hold, args=(ledger.folder, holding, done))
    first.start()
    try:
        assert holding.wait(60)
        with pytest.raises(Locked):
            import_rows(ledger, suppliers=[{}])
        assert ledger.version == 0
    finally:
        done.set()
        first.join(60)
    assert import_rows(ledger, suppliers=[{}]).batch == 1


class Fault(Exception):
    pass


STEPS = ("move_whole", "write_whole")
TABLES_IN = {"suppliers": [{}], "listings": [{}, {"listing_event_id": "L2", "happened_on": "x"}], "payments": [{}]}


def fail_at(nth: int, *, after: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the n-th step that puts something in place fail, before or after it is done; answers the steps taken."""
    steps: list[str] = []

    def failing(step: str, real: Callable[..., None]) -> Callable[..., None]:
        def act(*args: Any) -> None:
            steps.append(step)
            if len(steps) == nth and not after:
                raise Fault
            real(*args)
            if len(steps) == nth:
                raise Fault

        return act

    monkeypatch.setattr(data.importing, "move_whole", failing("move", data.durable.move_whole))
    monkeypatch.setattr(data.ledger_files, "write_whole", failing("commit", data.durable.write_whole))
    return steps


def contents(ledger: Ledger) -> dict[str, Any]:
    rows = held(ledger, TABLES, "(record_id, recorded_at)")
    return {**rows, "quarantine": ledger.quarantine().to_dict("records"), "version": ledger.version}


def test_an_import_puts_each_table_and_the_quarantine_in_place_and_commits_last(
    ledger: Ledger, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = fail_at(0, after=False, monkeypatch=monkeypatch)
    import_rows(ledger, **TABLES_IN)
    assert steps == ["move", "move", "move", "move", "commit"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
def test_an_import_cut_short_at_any_step_has_not_happened_or_happened_whole(
    ledger: Ledger, tmp_path: Path, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch, nth: int, after: bool
) -> None:
    undisturbed = Ledger(tmp_path / "undisturbed")
    for each in (ledger, undisturbed):
        import_rows(each, suppliers=[{"supplier_id": "S0"}])
    before = contents(ledger)
    import_rows(undisturbed, **TABLES_IN)
    with monkeypatch.context() as faulty:
        fail_at(nth, after=after, monkeypatch=faulty)
        with pytest.raises(Fault):
            import_rows(ledger, **TABLES_IN)
    committed = nth == 5 and after
    assert contents(ledger) == (contents(undisturbed) if committed else before)
    import_rows(ledger, **TABLES_IN)
    assert contents(ledger) == contents(undisturbed)


def test_what_an_import_that_was_cut_short_left_behind_is_removed_by_the_next(
    ledger: Ledger, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as faulty:
        fail_at(5, after=False, monkeypatch=faulty)
        with pytest.raises(Fault):
            import_rows(ledger, **TABLES_IN)
    assert ledger.file("payments", 1).exists()
    import_rows(ledger, suppliers=[{}])
    assert ledger.file("suppliers", 1).exists()
    assert not ledger.file("payments", 1).exists()
    assert not ledger.quarantine_file(1).exists()
