"""Reading a file as text: every row with the line it starts on, and a refusal that says where and what next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.errors import BrokenFile, FileMissing, WrongFormat
from data.staging import literal, quoted, stage_file

Rows = list[tuple[object, ...]]
Stage = Callable[..., Rows]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def staged(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Stage:
    """The staged rows of a CSV file with this content, in order of their lines."""

    def of(content: str | bytes, name: str = "rows.csv") -> Rows:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        stage_file(con, path, "staged")
        return con.execute("SELECT * EXCLUDE (_row) FROM staged ORDER BY _row").fetchall()

    return of


def refusal(error: type[Exception], act: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        act()
    return str(caught.value)


# -- lines and values --------------------------------------------------------------------------------------------------


def test_each_row_knows_its_line(staged: Stage) -> None:
    assert staged("a,b\n1,2\n3,4\n") == [("1", "2", 2, None), ("3", "4", 3, None)]


def test_a_row_after_a_cell_of_several_lines_knows_the_line_it_starts_on(staged: Stage) -> None:
    assert [row[2] for row in staged('a,b\n"x\ny\nz",2\n3,4\n')] == [2, 5]


def test_a_header_of_several_lines_moves_the_first_row_down(staged: Stage) -> None:
    assert staged('"a\nb",c\n1,2\n') == [("1", "2", 3, None)]


def test_an_empty_line_is_no_row_and_is_counted(staged: Stage) -> None:
    assert [row[2] for row in staged("a,b\n\n1,2\n\n3,4\n")] == [3, 5]


def test_lines_that_end_as_on_windows_are_read(staged: Stage) -> None:
    assert staged("a,b\r\n1,2\r\n") == [("1", "2", 2, None)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(staged: Stage, con: duckdb.DuckDBPyConnection) -> None:
    staged("\ufeffa,b\n1,2\n")
    assert con.execute("SELECT a FROM staged").fetchall() == [("1",)]


def test_blanks_of_any_width_are_cut_and_an_empty_value_is_none(staged: Stage) -> None:
    assert staged("a,b,c\n\u3000x \u00a0, ,\t\n") == [("x", None, None, 2, None)]


def ragged(said: str) -> dict[str, str]:
    return {"c": "", "v": said, "p": "ragged-row"}


def test_a_row_with_a_field_too_many_says_so(staged: Stage) -> None:
    assert staged("a,b\n1,2,3\n") == [(None, None, 2, ragged("3 fields where the header has 2"))]


def test_a_row_with_a_field_too_few_says_so(staged: Stage) -> None:
    assert staged("a,b\n1\n") == [(None, None, 2, ragged("1 fields where the header has 2"))]


def test_names_that_look_like_sql_are_only_names(staged: Stage) -> None:
    assert staged('"a""; DROP TABLE staged; --",b\n1,2\n') == [("1", "2", 2, None)]


def test_a_file_whose_name_holds_quotes_and_wildcards_is_that_file_alone(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    odd, other = tmp_path / "it's [a]*.parquet", tmp_path / "it's a1.parquet"
    pq.write_table(pa.table({"a": ["odd"]}), odd)
    pq.write_table(pa.table({"a": ["other"]}), other)
    stage_file(con, odd, "staged")
    assert con.execute("SELECT a FROM staged").fetchall() == [("odd",)]


def test_a_folder_named_like_a_column_does_not_replace_the_column(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "a=wrong"
    folder.mkdir()
    pq.write_table(pa.table({"a": ["right"]}), folder / "rows.parquet")
    assert stage_file(con, folder / "rows.parquet", "staged").header == ["a"]
    assert con.execute("SELECT a, _line FROM staged").fetchall() == [("right", 1)]


@given(st.text(min_size=1).filter(lambda s: "\x00" not in s))
def test_any_name_and_any_text_come_back_from_sql_as_they_were(name: str) -> None:
    with duckdb.connect() as con:
        described = con.execute(f"SELECT {literal(name)} AS {quoted(name)}")
        assert described.fetchall() == [(name,)]


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_missing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    said = refusal(FileMissing, lambda: stage_file(con, tmp_path / "gone.csv", "staged"))
    assert said == "gone.csv: there is no such file"


def test_an_empty_file_is_missing_too(staged: Stage) -> None:
    assert refusal(FileMissing, lambda: staged("")) == "rows.csv: the file is empty"


def test_a_file_of_another_kind_is_refused(staged: Stage) -> None:
    assert "not a .csv or .parquet file" in refusal(WrongFormat, lambda: staged("x", "rows.xlsx"))


def test_a_header_without_names_is_refused(staged: Stage) -> None:
    assert "no column names" in refusal(WrongFormat, lambda: staged(",,\n1,2,3\n"))


def test_a_column_without_a_name_is_refused_by_its_place(staged: Stage) -> None:
    assert "column 2 has no name" in refusal(WrongFormat, lambda: staged("a,,c\n1,2,3\n"))


@pytest.mark.parametrize("header", ["a,b,a", "a,b,A"])
def test_two_columns_of_one_name_are_refused_by_their_places(staged: Stage, header: str) -> None:
    assert "columns 1 and 3 have the same name" in refusal(WrongFormat, lambda: staged(f"{header}\n1,2,3\n"))


@pytest.mark.parametrize("name", ["_line", "_REFUSED", "file_row_number"])
def test_a_column_that_takes_a_name_of_the_import_is_refused(staged: Stage, name: str) -> None:
    assert "column 2 is called" in refusal(WrongFormat, lambda: staged(f"a,{name}\n1,2\n"))


def test_a_parquet_column_that_takes_a_name_of_the_import_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"_line": ["1"]}), tmp_path / "rows.parquet")
    refusal(WrongFormat, lambda: stage_file(con, tmp_path / "rows.parquet", "staged"))


def test_text_in_another_encoding_is_refused_with_its_line(staged: Stage) -> None:
    content = b"a,b\n" + b"1,2\n" * 5000 + "作废,2\n".encode("gb18030")
    assert "(line 5002)" in refusal(BrokenFile, lambda: staged(content))


def test_a_quote_that_never_closes_is_refused(staged: Stage) -> None:
    assert "not a readable CSV file" in refusal(BrokenFile, lambda: staged('a,b\n1,"2\n3,4\n'))


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.9, 0.999])
def test_a_half_written_parquet_file_is_broken(con: duckdb.DuckDBPyConnection, tmp_path: Path, kept: float) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": [str(i) for i in range(10_000)]}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    refusal(BrokenFile, lambda: stage_file(con, path, "staged"))


@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=20))
def test_a_parquet_file_with_altered_bytes_is_read_or_broken_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("altered") / "rows.parquet"
    pq.write_table(pa.table({"a": [str(i) for i in range(500)], "b": [float(i) for i in range(500)]}), path)
    content = bytearray(path.read_bytes())
    for place, change in flips:
        content[place % len(content)] ^= change
    path.write_bytes(content)
    with duckdb.connect() as con:
        try:
            stage_file(con, path, "staged")
        except (BrokenFile, WrongFormat) as refused:
            assert refused.message.startswith("rows.parquet: ")


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_a_csv_file_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "rows.csv"
    path.write_bytes(content)
    with duckdb.connect() as con:
        try:
            stage_file(con, path, "staged")
        except (BrokenFile, WrongFormat) as refused:
            assert refused.message.startswith("rows.csv: ")
