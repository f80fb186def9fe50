"""Columns that a Parquet file types already are taken as they are, and held to the same bounds as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from credit.domain.errors import AllRejected, BrokenFile, WrongFormat
from data import importing
from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.schema import TABLES, Kind
from data.schema import table as table_named

PLATFORM = format_named("platform")
TYPES = {
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.MOMENT: pa.timestamp("us", "UTC"),
    Kind.FEN: pa.int64(),
    Kind.WHOLE: pa.int32(),
    Kind.FLAG: pa.bool_(),
}
DAY = datetime(2025, 3, 1).date()


def put(ledger: Ledger, folder: Path) -> dict[str, Any]:
    summary = import_history(ledger, PLATFORM, folder, loaded_at=datetime(2026, 1, 1))
    with ledger.connection() as con:
        batches = ledger.batches()
        rows = {t.name: con.execute(f"FROM ({ledger.rows(t, batches)}) ORDER BY ALL").fetchall() for t in TABLES}
    aside = ledger.quarantine().drop(columns="file", errors="ignore").fillna("").to_dict("records")
    return {
        "rows": rows,
        "aside": aside,
        "counts": [(t.table, t.read, t.imported, t.duplicate) for t in summary.tables],
    }


def typed(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([(c.name, TYPES[c.kind]) for c in table_named(table).columns if c.name in rows[0]])
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.fixture
def both(tmp_path: Path, platform_row: Callable[..., dict[str, Any]]) -> Callable[..., tuple[Any, Any]]:
    """What becomes of payments with these values in a column: as a typed Parquet file, and as CSV."""

    def of(column: str, values: list[Any]) -> tuple[Any, Any]:
        base = typed_row(platform_row("payments"))
        rows = [base | {"payment_id": f"P{n}", column: value} for n, value in enumerate(values)]
        results = []
        for name in ("typed", "text"):
            folder = tmp_path / name
            folder.mkdir()
            suppliers = [platform_row("suppliers")]
            pyarrow.csv.write_csv(pa.Table.from_pylist(suppliers), folder / "suppliers.csv")
            table = typed("payments", rows)
            if name == "typed":
                pq.write_table(table, folder / "payments.parquet")
            else:
                pyarrow.csv.write_csv(table, folder / "payments.csv")
            results.append(put(Ledger(tmp_path / f"ledger-{name}"), folder))
        for row in results[1]["aside"]:
            row["line"] -= 1  # a line of CSV counts the header
        return results[0], results[1]

    return of


def typed_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the samples, with each value as its column's type."""
    read = {
        Kind.DATE: lambda v: datetime.fromisoformat(v).date(),
        Kind.FEN: int,
        Kind.WHOLE: int,
        Kind.FLAG: lambda v: str(v).lower() == "true",
    }
    kinds = {c.name: c.kind for c in table_named("payments").columns}
    return {
        name: read.get(kinds[name], str)(value) if value not in (None, "") else None
        for name, value in row.items()
        if name in kinds
    }


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("amount_fen", [0, 1, -1, 10**15, 10**15 + 1, -(2**63), 2**63 - 1, None]),
        ("paid_on", [DAY, DAY.replace(year=1949, month=1, day=1), DAY.replace(year=1948), DAY.replace(year=2100)]),
        ("due_on", [DAY, DAY.replace(year=9008), DAY.replace(year=2100, month=12, day=31), None]),
        ("supplier_id", ["S1", " S1\u3000", "=S1", "-S1", "S\u200b1", "", None, "S2"]),
        ("payment_id", ["a b", "a/b", "支付1", "P-1", "\tP9 ", "../x", "@x", "＝1"]),
        ("kind", ["ADVANCE", "advance", " ADVANCE ", None]),
        ("to_locked_account", [True, False, None]),
    ],
)
def test_a_typed_parquet_file_goes_in_as_its_text_would(
    both: Callable[..., tuple[Any, Any]], column: str, values: list[Any]
) -> None:
    parquet, csv = both(column, values)
    assert parquet == csv


def test_a_file_without_end_of_time_holds_no_infinite_date(tmp_path: Path, ledger: Ledger) -> None:
    with ledger.connection() as con:
        con.execute(
            f"""COPY (SELECT 'S' || i AS supplier_id, 'platform' AS tier,
                             CASE i WHEN 0 THEN 'infinity'::DATE ELSE DATE '2025-01-01' END AS effective_on
                      FROM range(2) AS t(i)) TO '{tmp_path / "suppliers.parquet"}' (FORMAT parquet)"""
        )
    import_history(ledger, PLATFORM, tmp_path, loaded_at=datetime(2026, 1, 1))
    assert ledger.quarantine()["problem"].tolist() == ["unlikely-date"]


def test_a_value_is_judged_by_itself_whatever_the_footer_of_its_file_says(
    tmp_path: Path, ledger: Ledger, platform_row: Callable[..., dict[str, Any]]
) -> None:
    file, late = tmp_path / "suppliers.parquet", DAY.replace(year=9008)
    row = {**platform_row("suppliers"), "effective_on": late}
    pq.write_table(pa.table({name: [value] for name, value in row.items()}), file)
    true, false = ((day - date(1970, 1, 1)).days.to_bytes(4, "little") for day in (late, DAY))
    whole = file.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    file.write_bytes(whole[:footer] + whole[footer:].replace(true, false))
    assert pq.read_metadata(file).row_group(0).column(1).statistics.max == DAY
    with pytest.raises(AllRejected, match=r"9008-03-01.*unlikely-date"):
        put(ledger, tmp_path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([1001.0, None]), ["1001", None]),
        (pa.array([123456792.0, 0.1], pa.float32()), ["123456792", "0.1"]),
        (pa.array(["杭州".encode(), b" x "], pa.binary()), ["杭州", "x"]),
        (pa.array(["a\u2009", "\u2003"]), ["a", None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
    ],
    ids=["whole numbers as floats", "small floats", "unmarked text", "thin blanks", "dictionary"],
)
def test_text_reads_as_it_was_meant_whatever_its_type(
    tmp_path: Path,
    ledger: Ledger,
    platform_row: Callable[..., dict[str, Any]],
    values: pa.Array,
    said: list[str | None],
) -> None:
    rows = [{**platform_row("suppliers"), "supplier_id": name} for name in ("S1", "S2")]
    table = pa.Table.from_pylist([{k: v for k, v in row.items() if k != "region"} for row in rows])
    pq.write_table(table.append_column("region", values), tmp_path / "suppliers.parquet")
    put(ledger, tmp_path)
    suppliers = ledger.rows(table_named("suppliers"), ledger.batches())
    with ledger.connection() as con:
        kept = con.execute(f"SELECT region FROM ({suppliers}) ORDER BY supplier_id").fetchall()
    assert [row[0] for row in kept] == said


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.append_column("tier", t["tier"]), "have the same name"),
        (lambda t: t.append_column("region", pa.array([["330100"]])), "'region' holds lists or records"),
    ],
    ids=["a name twice", "a list"],
)
def test_columns_that_cannot_be_told_apart_or_hold_lists_are_refused(
    tmp_path: Path, ledger: Ledger, platform_row: Callable[..., dict[str, Any]], spoil: Any, said: str
) -> None:
    row = {name: value for name, value in platform_row("suppliers").items() if name != "region"}
    pq.write_table(spoil(pa.Table.from_pylist([row])), tmp_path / "suppliers.parquet")
    with pytest.raises(WrongFormat, match=said):
        put(ledger, tmp_path)


def test_a_column_that_the_format_does_not_read_may_hold_anything(
    tmp_path: Path, ledger: Ledger, platform_row: Callable[..., dict[str, Any]]
) -> None:
    table = pa.Table.from_pylist([platform_row("suppliers") | {"tags": [{"a": [1]}]}])
    pq.write_table(table, tmp_path / "suppliers.parquet")
    assert put(ledger, tmp_path)["counts"] == [("suppliers", 1, 1, 0)]


def test_a_file_damaged_in_a_column_that_few_questions_read_is_named(
    tmp_path: Path, ledger: Ledger, platform_row: Callable[..., dict[str, Any]]
) -> None:
    pq.write_table(pa.Table.from_pylist([platform_row("suppliers")]), tmp_path / "suppliers.parquet")
    row, file = typed_row(platform_row("payments")), tmp_path / "payments.parquet"
    rows = [row | {"payment_id": f"P{n // 2}", "to_locked_account": n % 3 == 0} for n in range(5000)]
    pq.write_table(typed("payments", rows), file, compression="zstd")
    group = pq.read_metadata(file).row_group(0)
    [column] = [c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == "to_locked_account"]
    whole = bytearray(file.read_bytes())
    for at in range(column.data_page_offset, column.data_page_offset + 30):
        whole[at] ^= 0xFF
    file.write_bytes(whole)
    with pytest.raises(BrokenFile, match=r"payments\.parquet: not a whole Parquet file"):
        put(ledger, tmp_path)


def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_is_kept(
    tmp_path: Path, ledger: Ledger, platform_row: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "suppliers.csv"
    pyarrow.csv.write_csv(pa.Table.from_pylist([platform_row("suppliers")]), file)
    resolve = importing.resolve

    def written_to(*arguments: Any, **settings: Any) -> None:
        resolve(*arguments, **settings)
        file.write_bytes(file.read_bytes() + b"\n")

    monkeypatch.setattr(importing, "resolve", written_to)
    with pytest.raises(BrokenFile, match="changed while it was read"):
        put(ledger, tmp_path)
    assert ledger.version == 0
