"""In which order files arrive makes no difference: what lacks its supplier, or the row it corrects, waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import data.ledger_files
from credit.domain.errors import AllRejected, StoreDamaged
from data.formats import format_named
from data.importing import ImportSummary, import_history
from data.ledger import Ledger
from data.upkeep import erase

Row = dict[str, Any]
ImportRows = Callable[..., ImportSummary]
TABLES = ("contracts", "payments", "invoices")
DAYS = tuple(date(2025, month, day) for month in range(1, 5) for day in (1, 11, 21))


def known(ledger: Ledger) -> dict[date, Any]:
    """What the door shows on each day of every supplier and table, and who is a supplier."""
    shown: dict[date, Any] = {}
    for day in DAYS:
        cases = pd.DataFrame({"case_id": [1, 2], "supplier_id": ["S1", "S2"], "as_of": day})
        with ledger.known_on(cases) as door:
            shown[day] = {table: door.con.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in TABLES}
        shown[day]["suppliers"] = ledger.suppliers(day)["supplier_id"].tolist()
    return shown


def quarantined(ledger: Ledger) -> list[Any]:
    """What is set aside, and for what, wherever it came from."""
    aside = ledger.quarantine()
    return sorted(aside[["table", "value", "problem"]].itertuples(index=False)) if len(aside) else []


@st.composite
def true_histories(draw: st.DrawFn) -> list[tuple[str, Row]]:
    """Rows that do not contradict each other, in any order, some said more than once and recorded on several days.

    They correct each other in chains, also before they are there, and some name what never comes.
    """
    moments = st.sampled_from([f"2025-0{month}-{day:02}T00:00:00" for month in (1, 2, 3) for day in (1, 11, 21)])
    said: list[tuple[str, Row]] = [
        ("suppliers", {"supplier_id": supplier, "effective_on": "2025-01-01", "recorded_at": draw(moments)})
        for supplier in draw(st.sampled_from((("S1",), ("S1", "S2"))))
    ]
    for table, key in (("contracts", "contract_id"), ("payments", "payment_id"), ("invoices", "invoice_no")):
        for number in range(draw(st.integers(0, 2))):
            name = f"{table[0].upper()}{number}"
            corrected = name if key != "invoice_no" else f"{name}-0"
            for correction in range(draw(st.integers(0, 3)) + 1):
                row = {key: name, "supplier_id": draw(st.sampled_from(("S1", "S1", "S2")))}
                if table == "invoices" or correction:
                    row["record_id"] = f"{name}-{correction}"
                if correction:
                    row |= {"replaces": corrected}
                    corrected = row["record_id"]
                amount = {"contracts": "amount_fen", "payments": "amount_fen", "invoices": "net_fen"}[table]
                row[amount] = str(1000 + correction)
                if correction == 0 and draw(st.integers(0, 9)) == 0:
                    continue  # The first row never comes, and what corrects it waits for good.
                times = draw(st.lists(moments, min_size=1, max_size=3))
                said.extend((table, row | {"recorded_at": moment}) for moment in times)
    return draw(st.permutations(said))


def put_in(ledger: Ledger, import_rows: ImportRows, rows: list[tuple[str, Row]], cuts: list[int]) -> None:
    for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        tables: dict[str, list[Row]] = {}
        for table, row in rows[begin:end]:
            tables.setdefault(table, []).append(row)
        if tables:
            import_rows(ledger, **tables)


@settings(max_examples=12)
@given(data=st.data(), rows=true_histories())
def test_the_order_of_import_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, import_rows: ImportRows, data: st.DataObject, rows: list[tuple[str, Row]]
) -> None:
    whole, parts = (Ledger(tmp_path_factory.mktemp("ledger")) for _ in range(2))
    put_in(whole, import_rows, sorted(rows, key=str), [])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4), label="cuts"))
    put_in(parts, import_rows, rows, cuts)
    assert known(parts) == known(whole)
    assert quarantined(parts) == quarantined(whole)


def test_events_before_their_supplier_go_in_with_the_supplier(ledger: Ledger, import_rows: ImportRows) -> None:
    early = import_rows(ledger, contracts=[{}], payments=[{}, {"payment_id": "P2", "supplier_id": "S9"}])
    assert (early.quarantined, early.waiting, early.taken_in) == (3, 3, {})
    late = import_rows(ledger, suppliers=[{}])
    assert late.taken_in == {"contracts": 1, "payments": 1}
    assert late.quarantined == 0
    assert quarantined(ledger) == [("payments", "S9", "unknown-supplier")]


def test_a_row_that_waits_is_listed_where_it_came_from(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, contracts=[{}, {"contract_id": "C2", "supplier_id": "S9"}])
    import_rows(ledger, suppliers=[{}])
    (row,) = ledger.quarantine().to_dict("records")
    assert (row["file"], row["line"], row["column"], row["value"]) == ("contracts.csv", 3, "supplier_id", "S9")
    assert "is kept" in row["hint"]


def test_a_row_says_what_it_waits_for_now(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, contracts=[{"record_id": "R1", "replaces": "C1"}])
    assert quarantined(ledger) == [("contracts", "S1", "unknown-supplier")]
    import_rows(ledger, suppliers=[{}])
    assert quarantined(ledger) == [("contracts", "C1", "unknown-record")]


def test_a_row_that_comes_again_while_it_waits_waits_once(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, contracts=[{}, {}])
    again = import_rows(ledger, contracts=[{}])
    assert (again.batch, again.waiting) == (None, 1)
    assert len(ledger.quarantine()) == 1
    assert import_rows(ledger, suppliers=[{}]).taken_in == {"contracts": 1}


def test_a_row_that_waited_and_contradicts_another_is_set_aside_for_good(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, contracts=[{"record_id": "R1", "replaces": "C1", "amount_fen": 1}])
    import_rows(ledger, suppliers=[{}], contracts=[{}, {"record_id": "R2", "replaces": "C1", "amount_fen": 2}])
    assert quarantined(ledger) == [("contracts", "C1", "replaced-twice")]
    assert ledger.waiting() == {}


def test_no_reader_sees_what_waits(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{}, {"contract_id": "C2", "supplier_id": "S2"}])
    assert all(not shown["suppliers"] or shown["suppliers"] == ["S1"] for shown in known(ledger).values())
    assert not any(row for shown in known(ledger).values() for row in shown["contracts"] if "C2" in row)


def test_rows_of_each_kind_of_source_wait_for_a_supplier_of_any(
    ledger: Ledger, import_rows: ImportRows, tmp_path: Path
) -> None:
    invoices = tmp_path / "output_invoices.csv"
    invoices.write_text(
        "company,invoice_no,date,counterparty,amount,tax,total,status\nS1,1,2025-01-04,B1,1.00,0.13,1.13,有效发票\n",
        encoding="utf-8",
    )
    import_history(ledger, format_named("vat-invoices"), invoices, loaded_at=datetime(2026, 1, 1))
    import_rows(ledger, contracts=[{}])
    assert import_rows(ledger, suppliers=[{}]).taken_in == {"contracts": 1, "invoices": 1}
    assert [batch.tier for batch in ledger.batches()].count("invoice") == 2


def test_names_that_wait_are_erased_as_others_are(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, names=[{"name": "李四"}, {"supplier_id": "S2"}])
    erase(ledger, "S1", at=datetime(2026, 1, 1))
    import_rows(ledger, suppliers=[{}, {"supplier_id": "S2"}])
    with ledger.connection() as con:
        for file in (ledger.folder).glob("*/**/names.parquet"):
            assert con.execute(f"SELECT count(*) FROM '{file}' WHERE supplier_id = 'S1'").fetchone() == (0,)
    assert ledger.waiting() == {}
    assert quarantined(ledger) == []


def test_what_is_taken_in_after_the_import_was_cut_off_is_taken_in_by_the_next(
    ledger: Ledger, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(Exception):
        pass

    import_rows(ledger, contracts=[{}])
    with monkeypatch.context() as faulty:
        real = data.ledger_files.write_whole

        def once(path: Path, content: bytes) -> None:
            if path.stem == "000003":
                raise Cut
            real(path, content)

        faulty.setattr(data.ledger_files, "write_whole", once)
        with pytest.raises(Cut):
            import_rows(ledger, suppliers=[{}])
    assert (ledger.version, len(ledger.quarantine())) == (2, 1)
    assert import_rows(ledger, suppliers=[{}]).taken_in == {"contracts": 1}


def test_rows_that_wait_and_were_damaged_are_named(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, contracts=[{}])
    file = next(iter(ledger.waiting().values()))["contracts"]
    file.write_bytes(file.read_bytes()[:-30])
    assert [name.split(" is ")[0] for name in ledger.damaged()] == ["waiting/batch=000001/contracts.parquet"]
    with pytest.raises(StoreDamaged):
        import_rows(ledger, suppliers=[{}])


def test_only_what_can_never_go_in_makes_an_import_fail(ledger: Ledger, import_rows: ImportRows) -> None:
    with pytest.raises(AllRejected):
        import_rows(ledger, contracts=[{"amount_fen": "x"}])
    assert import_rows(ledger, contracts=[{"amount_fen": "x"}, {}]).waiting == 1
