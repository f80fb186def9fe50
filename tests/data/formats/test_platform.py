"""The platform's own files: every table has a mapping, and the formats explain themselves."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

import pytest

from credit.domain.errors import FileMissing, UnknownName, WrongFormat
from data.formats import FORMATS, format_named
from data.formats.platform import PLATFORM, schema
from data.importing import import_history
from data.ledger import Ledger
from data.schema import TABLES


def test_every_table_of_the_ledger_has_a_file() -> None:
    assert [m.table for m in PLATFORM.mappings] == list(TABLES)


@pytest.mark.parametrize("table", [t.name for t in TABLES])
def test_a_table_is_fed_by_the_file_of_its_name_alone(tmp_path: Path, table: str) -> None:
    for name in (f"{table}.csv", f"old_{table}.csv", f"{table}.csv.bak", f".{table}.csv"):
        (tmp_path / name).write_text("x")
    assert [(m.table.name, p.name) for m, p in PLATFORM.sources(tmp_path)] == [(table, f"{table}.csv")]


def test_files_that_are_not_read_are_listed_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("buyers.csv", "notes.txt", ".DS_Store"):
        (tmp_path / name).write_text("x")
    assert PLATFORM.not_read(tmp_path) == ["notes.txt"]


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"^gone: there is no such file or folder$"):
        PLATFORM.sources(tmp_path / "gone")


def test_a_folder_without_a_file_of_the_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFormat, match="no file of format platform there"):
        PLATFORM.sources(tmp_path)


def test_a_format_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(UnknownName) as caught:
        format_named("excel")
    assert all(f.name in caught.value.hint for f in FORMATS)


@pytest.mark.parametrize("fmt", [f for f in FORMATS if f.mappings], ids=lambda f: f.name)
def test_the_sample_of_a_format_has_the_columns_that_the_format_needs(fmt: object) -> None:
    name, *lines = fmt.sample.splitlines()  # type: ignore[attr-defined]
    needs = next(m.needs for m, _ in _matching(fmt, name.removeprefix("# ")))
    sample = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert set(needs) <= set(sample[0])


def _matching(fmt: object, file: str) -> list[tuple[object, str]]:
    import re

    return [(m, file) for m in fmt.mappings if re.fullmatch(m.files, file)]  # type: ignore[attr-defined]


def test_the_sample_is_a_file_that_can_be_imported(ledger: Ledger, tmp_path: Path, import_rows: object) -> None:
    name, *lines = PLATFORM.sample.splitlines()
    (tmp_path / name.removeprefix("# ")).write_text("\n".join(lines))
    import_rows(ledger, suppliers=[{"supplier_id": "S0000001"}])  # type: ignore[operator]
    summary = import_history(ledger, PLATFORM, tmp_path, loaded_at=datetime(2026, 1, 1))
    assert [(t.read, t.imported) for t in summary.tables] == [(1, 1)]


def test_the_published_schema_has_every_table_and_column_with_what_the_import_checks() -> None:
    published = {each["path"].removesuffix(".csv"): each["schema"] for each in schema()["resources"]}
    assert list(published) == [table.name for table in TABLES]
    for table in TABLES:
        fields = {field["name"]: field for field in published[table.name]["fields"]}
        assert list(fields) == [*table.names, "record_id", "replaces", "recorded_at"]
        for column in table.columns:
            constraints = fields[column.name]["constraints"]
            assert constraints["required"] is column.required
            assert tuple(constraints.get("enum", ())) == column.choices
            if column.at_least is not None:
                assert constraints["minimum"] == column.at_least
