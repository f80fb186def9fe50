"""What holds for the command as a whole: documented, quick to start, one JSON document, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer.main

import cli
from credit.app.documenting import PAGES, check_pages, commands_under
from credit.domain.errors import ERRORS, EXIT_MEANINGS, Exit
from credit.domain.products import PRODUCTS
from credit.domain.reasons import REASONS
from data.formats import FORMATS
from data.quarantine import HINTS
from data.schema import TABLES
from features.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[3]


COMMAND = typer.main.get_command(cli.app)


def all_commands() -> list[tuple[tuple[str, ...], object]]:
    return list(commands_under(COMMAND))


def test_the_generated_pages_are_up_to_date():
    assert {name for name, _ in PAGES} < set(check_pages(ROOT / "docs", COMMAND))


@pytest.mark.parametrize(
    ("words", "command"), all_commands(), ids=lambda x: " ".join(x) if isinstance(x, tuple) else ""
)
def test_every_command_is_documented_and_takes_json(words, command):
    assert f"## `{' '.join(words)}`" in (ROOT / "docs" / "commands.md").read_text()
    assert command.help and all(getattr(p, "help", "") for p in command.params if p.name != "help")
    assert "as_json" in {p.name for p in command.params}


def test_every_feature_rule_reason_error_format_and_table_is_documented():
    pages = {name: (ROOT / "docs" / name).read_text() for name, _ in PAGES}
    assert all(f"`{f.name}`" in pages["features.md"] and f.meaning in pages["features.md"] for f in CATALOGUE)
    assert all(f"## {e.code}\n" in pages["errors.md"] for e in ERRORS)
    assert all(f"## {f.name}\n" in pages["formats.md"] for f in FORMATS)
    assert all(f"## {t.name}\n" in pages["tables.md"] for t in TABLES)
    assert all(f"`{r.code}`" in pages["reasons.md"] for r in REASONS)
    assert all(f"`{rule.code}`" in pages["policy.md"] for product in PRODUCTS for rule in product.rules)
    assert all(f"`{problem}`" in pages["errors.md"] for problem in HINTS)
    assert set(EXIT_MEANINGS) == set(Exit)


def test_the_cli_module_stays_small():
    assert len((ROOT / "cli.py").read_text().splitlines()) <= 150


HEAVY = ("pandas", "numpy", "duckdb", "lightgbm", "sklearn", "sqlalchemy", "mlflow", "rich")
DECIDING = "credit.app.lines, data.decisions, models.scoring, models.explain, models.registry"


def python(code: str, folder: Path) -> str:
    said = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def test_help_works_from_any_folder_and_imports_nothing_heavy(tmp_path):
    assert python(f"import sys, cli; print([m for m in {HEAVY} if m in sys.modules])", tmp_path) == "[]"
    command = [Path(sys.executable).parent / "credit", "--help"]
    assert "demo" in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


def test_a_decision_does_not_import_mlflow():
    assert python(f"import sys, {DECIDING}; print('mlflow' in sys.modules)", ROOT) == "False"


def test_an_unexpected_error_shows_neither_traceback_nor_data(empty, monkeypatch):
    from data import ledger

    def broken(self):
        raise RuntimeError("张三 330127199001011234")

    monkeypatch.setattr(ledger.Ledger, "batches", broken)
    said = empty("ledger", "summary")
    assert said.code == 1
    assert "Traceback" not in said.err and "张三" not in said.err


def test_a_home_that_holds_nothing_answers_json_lists_as_empty(empty):
    assert json.loads(empty("decision", "list", "--json").out) == []


@pytest.mark.parametrize(
    "words",
    [
        ("model", "history", "nosuch"),
        ("export", "list", "--bank", "../models"),
        ("consent", "list", "S404"),
        ("consent", "list", "--bank", "nosuch"),
        ("decision", "list", "--supplier", "S404"),
    ],
)
def test_a_name_that_nothing_has_is_an_error_and_no_empty_list(credit, words):
    said = credit(*words)
    assert said.code == 1 and "Hint:" in said.err and not said.out


@pytest.mark.parametrize("words", [("--format", "mapped"), ("--format", "platform", "--mapping", "erp.toml")])
def test_a_mapping_goes_with_its_format_and_with_no_other(empty, tmp_path, words):
    assert empty("ledger", "import", tmp_path, *words).code == 2


def test_a_mapped_import_is_one_command(empty, tmp_path):
    (tmp_path / "erp.toml").write_text(
        'name = "erp"\nmeaning = "firms"\ntier = "platform"\nlag_days = 0\n[[tables]]\ntable = "suppliers"\n'
        'files = \'firms.csv\'\n[tables.columns]\nsupplier_id = "vendor"\neffective_on = { column = "since", '
        'date = "%d.%m.%Y" }\ntier = { constant = "platform" }\n'
    )
    (tmp_path / "firms.csv").write_text("vendor,since\nV1,31.12.2024\nV2,31.02.2024\n")
    said = empty("ledger", "import", tmp_path, "--format", "mapped", "--mapping", tmp_path / "erp.toml", "--json")
    assert said.code == 4
    [table] = said.json["tables"]
    assert (table["imported"], table["quarantined"]) == (1, 1)
    assert said.json["quarantine"][0]["column"] == "since"
    assert said.json["not_read"] == ["erp.toml"]


def test_features_are_listed_by_group_direction_and_window(empty):
    listed = empty("features", "list", "--group", "buyers", "--risk", "rises", "--months", "12", "--json").json
    assert "buyer_days_late_mean_12m" in {each["name"] for each in listed}
    assert {(each["group"], each["risk"], each["months"]) for each in listed} == {("buyers", "RISES", 12)}


@pytest.mark.parametrize("option", ["--group", "--risk", "--source"])
def test_a_group_direction_or_source_that_there_is_not_is_refused_with_the_choices(empty, option):
    said = empty("features", "list", option, "nothing")
    assert said.code == 1
    assert "'nothing'" in said.err and "there are" in said.err


def test_a_feature_is_shown_with_its_meaning_and_its_sql(empty):
    shown = empty("features", "show", "buyer_score_mean_12m", "--json").json
    assert (shown["group"], shown["months"], shown["spread"]) == ("buyers", 12, None)
    assert "GROUP BY case_id" in shown["sql"]


def test_a_feature_that_there_is_not_is_refused_with_the_nearest(empty):
    said = empty("features", "show", "sales_grow")
    assert said.code == 1
    assert "sales_growth_12m" in said.err


def test_a_feature_is_shown_as_it_was_distributed_at_the_last_build(empty, tmp_path):
    write_suppliers(tmp_path / "in")
    empty("ledger", "import", tmp_path / "in", "--format", "platform")
    empty("features", "build", "--out", tmp_path / "features.parquet")
    spread = empty("features", "show", "firm_registered_months", "--json").json["spread"]
    assert (spread["suppliers"], spread["least"], spread["largest"], spread["missing"]) == (2, 0, 12, "0.0%")


def test_a_build_says_how_much_it_computed_anew(empty, tmp_path):
    write_suppliers(tmp_path / "in")
    empty("ledger", "import", tmp_path / "in", "--format", "platform")
    first, next_day, again = (
        empty("features", "build", "--as-of", day, *more, "--json").json
        for day, more in (("2025-03-10", ()), ("2025-03-11", ()), ("2025-03-11", ("--full",)))
    )
    assert (first["anew"], first["why"]) == (2, "nothing was kept")
    assert (next_day["anew"], next_day["why"]) == (0, "what can have moved")
    assert (again["anew"], again["why"]) == (2, "a full build was asked for")


def test_a_panel_of_chosen_features_has_a_row_for_each_supplier_and_day(empty, tmp_path):
    write_suppliers(tmp_path / "in")
    empty("ledger", "import", tmp_path / "in", "--format", "platform")
    asked = ("--as-of", "2025-01-31", "--as-of", "2024-01-31", "--feature", "firm_registered_months")
    said = empty("features", "build", *asked, "--out", tmp_path / "panel.parquet", "--json").json
    assert said["as_of"] == ["2024-01-31", "2025-01-31"]
    panel = pd.read_parquet(tmp_path / "panel.parquet")
    assert list(panel) == ["supplier_id", "as_of", "firm_registered_months"]
    assert panel["firm_registered_months"].tolist() == [1, 13, 1]


def test_a_panel_needs_a_file_to_go_to(empty, tmp_path):
    write_suppliers(tmp_path / "in")
    empty("ledger", "import", tmp_path / "in", "--format", "platform")
    said = empty("features", "build", "--feature", "firm_registered_months")
    assert said.code == 2 and "--out" in said.err


def test_spark_that_is_not_installed_is_asked_for(empty, tmp_path, monkeypatch):
    write_suppliers(tmp_path / "in")
    empty("ledger", "import", tmp_path / "in", "--format", "platform")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    said = empty("features", "build", "--engine", "spark", "--out", tmp_path / "f.parquet")
    assert said.code == 1 and "supplier-credit[spark]" in said.err


def test_the_computation_is_printed_for_another_engine(empty):
    statements = empty("features", "sql", "--dialect", "postgres", "--json").json
    assert (statements[0]["name"], statements[-1]["name"]) == ("case_suppliers", "features")
    assert "PERCENTILE_CONT" in " ".join(each["sql"] for each in statements)
    assert "CREATE TEMPORARY VIEW contracts AS" in empty("features", "sql", "--dialect", "spark").out


def test_a_dialect_that_there_is_not_is_refused_with_the_choices(empty):
    said = empty("features", "sql", "--dialect", "oracel")
    assert said.code == 1 and "postgres" in said.err


def write_suppliers(folder: Path) -> None:
    folder.mkdir()
    rows = "A,2023-12-31,platform\nB,2024-12-31,platform\n"
    (folder / "suppliers.csv").write_text(f"supplier_id,effective_on,tier\n{rows}")
