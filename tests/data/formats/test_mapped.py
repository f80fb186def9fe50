"""Files of any shape, through a mapping that names columns and holds no SQL."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit.domain.errors import AllRejected, BrokenFile, FileMissing, WrongFormat
from data.formats.mapped import MAPPED, read_mapping
from data.importing import ImportSummary, import_history
from data.ledger import Ledger
from data.schema import TABLES
from data.schema import table as table_named
from data.staging import _cell

ROWS = """list,entry,vendor,day,state
税务,1,S1,28/02/2025,FINAL
采购,2,S1,01/03/2025,FINAL
税务,3,S1,01/03/2025,DRAFT
司法,4,S1,01/03/2025,FINAL
税务,5,S1,29/02/2025,FINAL
税务,6,S9,01/03/2025,FINAL
"""

Imported = Callable[..., ImportSummary]


@pytest.fixture
def imported(tmp_path: Path, ledger: Ledger, import_rows: Callable[..., Any]) -> Imported:
    """Import `lists_1.csv` through a mapping, by default the sample's."""
    import_rows(ledger, suppliers=[{}])

    def run(text: str = ROWS, mapping: str = MAPPED.sample) -> ImportSummary:
        folder = tmp_path / "erp"
        folder.mkdir(exist_ok=True)
        (folder / "lists_1.csv").write_text(text)
        (tmp_path / "erp.toml").write_text(mapping)
        return import_history(ledger, read_mapping(tmp_path / "erp.toml"), folder, loaded_at=datetime(2026, 1, 1))

    return run


def test_the_sample_reads_a_file_of_another_shape(ledger: Ledger, imported: Imported) -> None:
    [listings] = imported().tables
    # The draft is passed over, as `only` says; every other row is one of three things.
    assert (listings.read, listings.imported, listings.duplicate, listings.quarantined) == (5, 2, 0, 3)
    cases = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [date(2025, 3, 2)]})
    with ledger.known_on(cases) as known:
        rows = known.con.execute("SELECT listing_event_id, list, happened_on, kind FROM listings ORDER BY 1").fetchall()
    assert rows == [
        ("税务/1", "TAX", date(2025, 2, 28), "LISTED"),
        ("采购/2", "PROCUREMENT", date(2025, 3, 1), "LISTED"),
    ]


def test_what_is_set_aside_shows_the_words_and_columns_of_the_source(ledger: Ledger, imported: Imported) -> None:
    imported()
    set_aside = ledger.quarantine()[["line", "column", "value", "problem"]].to_numpy().tolist()
    assert set_aside == [
        [5, "list", "司法", "not-a-choice"],
        [6, "day", "29/02/2025", "bad-date"],
        [7, "vendor", "S9", "unknown-supplier"],
    ]


def test_the_hint_for_a_day_says_how_the_mapping_wants_it(ledger: Ledger, imported: Imported) -> None:
    imported()
    hints = ledger.quarantine().set_index("column")["hint"]
    assert hints["day"] == "the mapping says how a day of this column is written: %d/%m/%Y"
    assert "%d" not in hints["list"]


def test_an_empty_cell_is_asked_for_as_an_empty_text(ledger: Ledger, imported: Imported) -> None:
    rows = "list,entry,vendor,day,state\n税务,1,S1,28/02/2025,\n税务,2,S1,28/02/2025,FINAL\n"
    open_ones = MAPPED.sample.replace('["FINAL"]', '["", "DRAFT"]')
    [listings] = imported(rows, open_ones).tables
    assert (listings.read, listings.imported) == (1, 1)
    [listings] = imported(rows, MAPPED.sample.replace("only", "except").replace('["FINAL"]', '[""]')).tables
    assert (listings.read, listings.imported) == (1, 1)


def test_the_same_file_again_changes_nothing(ledger: Ledger, imported: Imported) -> None:
    imported()
    version = ledger.version
    [again] = imported().tables
    assert (again.imported, again.duplicate, ledger.version) == (0, 2, version)


def test_a_row_is_known_after_the_lag_of_the_mapping(ledger: Ledger, imported: Imported) -> None:
    imported()
    cases = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [date(2025, 2, 28)]})
    with ledger.known_on(cases) as known:
        assert known.con.execute("SELECT count(*) FROM listings").fetchall() == [(0,)]


def test_the_record_of_the_import_names_the_mapping_and_its_hash(ledger: Ledger, imported: Imported) -> None:
    imported()
    name = ledger.batches()[-1].format
    assert name.startswith("mapped/erp-listings@") and len(name) == len("mapped/erp-listings@") + 12


def test_an_optional_column_may_be_left_out(ledger: Ledger, imported: Imported) -> None:
    mapping = MAPPED.sample + 'recorded_at = { column = "entered_at", optional = true }\n'
    assert imported(mapping=mapping).tables[0].imported == 2
    later = ROWS.replace("state\n", "state,entered_at\n").replace("FINAL\n", "FINAL,2025-05-01\n")
    assert imported(later.replace("DRAFT\n", "DRAFT,\n"), mapping).tables[0].duplicate == 2


def test_a_name_of_a_column_is_never_run(ledger: Ledger, imported: Imported) -> None:
    mapping = MAPPED.sample.replace('"vendor"', "'''\" || (SELECT 1) || \"'''")
    with pytest.raises(WrongFormat, match="is missing"):
        imported(mapping=mapping)


def test_a_constant_is_kept_whatever_columns_it_names(imported: Imported) -> None:
    mapping = MAPPED.sample.replace('{ constant = "LISTED" }', "{ constant = 'the \"gone\" one' }")
    mapping += 'recorded_at = { column = "gone", optional = true }\n'
    with pytest.raises(AllRejected, match='"the "gone" one"'):
        imported(mapping=mapping)


def test_ids_in_parts_that_differ_stay_apart(imported: Imported) -> None:
    rows = "list,entry,vendor,day,state\n税务/1,2,S1,28/02/2025,FINAL\n税务,1/2,S1,28/02/2025,FINAL\n"
    mapping = MAPPED.sample.replace('"税务" = "TAX"', '"税务" = "TAX", "税务/1" = "TAX"')
    assert imported(rows, mapping).tables[0].imported == 2


def test_rows_that_the_mapping_passes_over_are_counted(imported: Imported) -> None:
    assert imported().passed_over == {"rows of lists_1.csv that fill no listings": 1}


def test_except_reads_every_other_row_and_those_without_a_value(ledger: Ledger, imported: Imported) -> None:
    mapping = MAPPED.sample.replace('only = { state = ["FINAL"] }', 'except = { state = ["FINAL"] }')
    summary = imported(ROWS + "税务,7,S1,02/03/2025,\n", mapping)
    assert (summary.tables[0].read, summary.passed_over) == (2, {"rows of lists_1.csv that fill no listings": 5})


def test_a_row_without_an_id_may_be_called_by_its_place(ledger: Ledger, imported: Imported) -> None:
    mapping = MAPPED.sample.replace('{ columns = ["list", "entry"] }', "{ row = true }")
    twice = "list,vendor,day,state\n" + "税务,S1,01/03/2025,FINAL\n" * 2
    assert imported(twice, mapping).tables[0].imported == 2
    assert imported(twice, mapping).tables[0].duplicate == 2


# -- real files, through the mappings that ship as examples ------------------------------------------------------------

MAPPINGS = Path(__file__).resolve().parents[3] / "docs" / "mappings"


@pytest.mark.real_data
def test_the_canadian_contracts_agree_with_a_plain_count_of_the_source(ledger: Ledger, real_data: Path) -> None:
    file = real_data / "ocds" / "canada_contracts.parquet"
    fmt = read_mapping(MAPPINGS / "canada-contracts.toml")
    summary = import_history(ledger, fmt, file, loaded_at=datetime(2026, 1, 1))
    source = pd.read_parquet(file)
    awards = source[source["amendment"] == "0"]
    read = {t.table: t for t in summary.tables}
    assert read["contracts"].read == len(awards)
    assert read["amendments"].read == len(source) - len(awards)
    aside = ledger.quarantine()
    left_out = awards.loc[awards.index.isin(aside.loc[aside["table"] == "contracts", "line"] - 1)]
    again = awards.drop(left_out.index).duplicated("contract")
    kept = awards.drop(left_out.index)[~again]
    with ledger.connection() as con:
        rows = ledger.rows(table_named("contracts"), ledger.batches())
        held = con.execute(f"SELECT count(*), sum(amount_fen), count(DISTINCT supplier_id) FROM ({rows})").fetchone()
    assert held == (len(kept), round(kept["value"].sum() * 100), kept["supplier"].nunique())
    assert read["contracts"].duplicate == again.sum()


@pytest.mark.real_data
def test_the_payments_of_phoenix_agree_with_a_plain_count_of_the_source(ledger: Ledger, real_data: Path) -> None:
    file = real_data / "city_payments" / "phoenix_payments.parquet"
    fmt = read_mapping(MAPPINGS / "phoenix-payments.toml")
    summary = import_history(ledger, fmt, file, loaded_at=datetime(2026, 1, 1))
    source = pd.read_parquet(file)
    assert summary.quarantined == 0
    with ledger.connection() as con:
        rows = ledger.rows(table_named("payments"), ledger.batches())
        held = con.execute(
            f"""SELECT count(*), sum(amount_fen), count(*) FILTER (amount_fen < 0), count(DISTINCT supplier_id)
                FROM ({rows})"""
        ).fetchone()
    fen = (source["amount"] * 100).round().astype("int64")
    assert held == (len(source), fen.sum(), (fen < 0).sum(), source["supplier"].nunique())


# -- a query to a database ---------------------------------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path, ledger: Ledger, import_rows: Callable[..., Any]) -> Imported:
    """Import what a SQLite database answers to a query, through the sample's mapping."""
    import_rows(ledger, suppliers=[{}])
    database = tmp_path / "erp.db"
    with sqlite3.connect(database) as con:
        con.execute("CREATE TABLE lists (list TEXT, entry INTEGER, vendor TEXT, day DATE, state TEXT)")
        con.executemany("INSERT INTO lists VALUES (?, ?, ?, ?, ?)", csv.reader(ROWS.splitlines()[1:]))

    def run(query: str, url: str | None = f"sqlite:///{database}") -> ImportSummary:
        (tmp_path / "lists_1.sql").write_text(query)
        (tmp_path / "erp.toml").write_text(MAPPED.sample.replace("csv", "sql"))
        mapping = read_mapping(tmp_path / "erp.toml", database=url)
        return import_history(ledger, mapping, tmp_path, loaded_at=datetime(2026, 1, 1))

    return run


def test_a_query_is_imported_as_the_file_with_its_rows_would_be(ledger: Ledger, asked: Imported) -> None:
    [listings] = asked("SELECT * FROM lists ORDER BY entry;").tables
    assert (listings.read, listings.imported, listings.quarantined) == (5, 2, 3)
    assert ledger.quarantine()["line"].tolist() == [4, 5, 6]


def test_a_query_of_many_rows_keeps_them_all(monkeypatch: pytest.MonkeyPatch, asked: Imported) -> None:
    monkeypatch.setattr("data.staging.CHUNK_ROWS", 7)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
    query = numbers + "SELECT '税务' AS list, i AS entry, 'S1' AS vendor, '01/03/2025' AS day, 'FINAL' AS state FROM n"
    assert asked(query).tables[0].imported == 50


@pytest.mark.parametrize("query", ["SELEC 1", "SELECT * FROM nowhere"])
def test_a_query_that_fails_changes_nothing_and_is_named(ledger: Ledger, asked: Imported, query: str) -> None:
    with pytest.raises(BrokenFile, match=r"lists_1\.sql"):
        asked(query)
    assert ledger.version == 1


@pytest.mark.parametrize("url", ["postgresql://me:secret@nowhere.invalid/erp", "nosuch://me:secret@erp", "secret"])
def test_a_database_that_does_not_answer_is_never_shown_with_its_password(asked: Imported, url: str) -> None:
    with pytest.raises(BrokenFile) as caught:
        asked("SELECT 1", url)
    assert "secret" not in f"{caught.value.message} {caught.value.hint} {caught.value.__cause__}"


def test_a_query_without_a_database_says_how_to_name_one(asked: Imported) -> None:
    with pytest.raises(WrongFormat) as caught:
        asked("SELECT 1", None)
    assert "source.url" in caught.value.hint


def test_the_values_of_a_database_read_as_a_file_would_write_them() -> None:
    values = [None, " ", True, Decimal("1E+2"), Decimal("0.10"), date(2025, 3, 1), datetime(2025, 3, 1, 8), 7, " x "]
    said = [None, None, "true", "100", "0.10", "2025-03-01", "2025-03-01T08:00:00", "7", "x"]
    assert [_cell(value) for value in values] == said


# -- a mapping that is wrong -------------------------------------------------------------------------------------------

SAMPLE = MAPPED.sample
BROKEN = {
    "not TOML": (SAMPLE + "[", "not a TOML file"),
    "another tier": (SAMPLE.replace('"platform"\n', '"bank"\n', 1), "tier 'bank' must be one of"),
    "no lag": (SAMPLE.replace("lag_days = 1\n", ""), "lag_days must be"),
    "a flag as lag": (SAMPLE.replace("lag_days = 1", "lag_days = true"), "lag_days must be"),
    "a name with blanks": (SAMPLE.replace('"erp-listings"', '"ERP lists"'), "name 'ERP lists'"),
    "no such table": (SAMPLE.replace('"listings"', '"lists"'), "there is no table 'lists'"),
    "a pattern that is none": (SAMPLE.replace("'lists_.*", "'lists_(.*"), "not a regular expression"),
    "no such column": (SAMPLE + 'colour = "x"\n', "no column 'colour'"),
    "an unfilled column": (SAMPLE.replace('kind = { constant = "LISTED" }\n', ""), "nothing fills kind"),
    "no such setting": (SAMPLE.replace("constant", "fixed"), "'fixed' is no setting"),
    "two sources": (SAMPLE.replace('{ constant = "LISTED"', '{ column = "x", constant = "LISTED"'), "name one of"),
    "a date that is text": (SAMPLE.replace("kind = { constant", 'kind = { column = "a", date = "%d" }  #'), "pattern"),
    "a date that no day is written like": (SAMPLE.replace("%d/%m/%Y", "%Q%"), "pattern"),
    "an age as lag": (SAMPLE.replace("lag_days = 1", "lag_days = 99999999999"), "lag_days must be"),
    "values that are none": (SAMPLE.replace('{ "税务" = "TAX", "采购" = "PROCUREMENT" }', "3"), "values goes from"),
    "only of one value": (SAMPLE.replace('["FINAL"]', '"FINAL"'), "only.state must be a list"),
    "another unit": (SAMPLE.replace("[tables.columns]", 'money_in = "euro"\n[tables.columns]'), "money_in 'euro'"),
    "no tables": (SAMPLE[: SAMPLE.index("[[tables]]")], "[[tables]] entry"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_mapping_that_is_wrong_is_named_before_anything_is_read(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "erp.toml"
    file.write_text(text)
    with pytest.raises(WrongFormat) as caught:
        read_mapping(file)
    assert said in caught.value.message and caught.value.message.startswith("erp.toml: ")


def test_a_mapping_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"erp\.toml"):
        read_mapping(tmp_path / "erp.toml")


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_table_can_be_filled(tmp_path: Path, table: Any) -> None:
    file = tmp_path / "all.toml"
    columns = "".join(f'{c.name} = "{c.name}"\n' for c in table.columns)
    head = 'name = "all"\nmeaning = "all"\ntier = "platform"\nlag_days = 0\n'
    file.write_text(f'{head}[[tables]]\ntable = "{table.name}"\nfiles = "x"\n[tables.columns]\n{columns}')
    [mapping] = read_mapping(file).mappings
    assert mapping.table is table and set(mapping.needs) == set(table.names)
