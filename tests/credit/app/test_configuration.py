"""What is set for an installation: from where, which wins, and what is refused."""

from __future__ import annotations

import ast
import tomllib
from datetime import date
from pathlib import Path

import pytest

from credit.app import configuration
from credit.app.building import Engine
from credit.app.home import Home
from credit.app.night.settings import fix
from credit.app.settings import SETTINGS
from data.ledger_files import MEMORY_LIMIT

ROOT = Path(__file__).resolve().parents[3]
SET_IN_FILES = [setting for setting in SETTINGS if not setting.variable_only and setting.key != "home"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)


@pytest.fixture
def said(empty, tmp_path):
    """What a file of settings says, and the command on its home."""

    def write(text: str) -> Path:
        file = tmp_path / "var" / "credit.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def shown(credit, *words, **env):
    answer = credit("config", "show", "--json", *words, **env)
    assert answer.code == 0, answer.err
    return {each["key"]: each for each in answer.json["settings"]}


def line_of(setting) -> str:
    section, _, name = setting.key.rpartition(".")
    value = setting.example if isinstance(setting.example, int) else f'"{setting.example}"'
    return f"[{section}]\n{name} = {value}\n" if section else f"{name} = {value}\n"


def reads_of_the_environment(file: Path) -> list[str]:
    """Where a module asks the environment: all but `os.environ[...] = …` and `os.environ.setdefault(…)`."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    told = {id(n.value) for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)}
    told |= {id(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr == "setdefault"}
    asked = [n for n in nodes if isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv") and id(n) not in told]
    by_typer = [n for n in nodes if isinstance(n, ast.keyword) and n.arg in ("envvar", "auto_envvar_prefix")]
    return [str(file.relative_to(ROOT))] * len(asked + by_typer)


def test_nothing_but_the_configuration_reads_the_environment():
    # A library that can be told in no other way is told there; that is not reading.
    parts = [file for part in ("credit", "data", "features", "models") for file in (ROOT / part).rglob("*.py")]
    assert {name for file in (ROOT / "cli.py", *parts) for name in reads_of_the_environment(file)} == {
        "credit/app/configuration.py"
    }


def test_every_setting_and_its_variable_is_documented():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert all(f"`{s.key}`" in page and f"`{s.variable}`" in page and s.meaning in page for s in SETTINGS)


@pytest.mark.parametrize("setting", SET_IN_FILES, ids=lambda s: s.key)
def test_a_variable_wins_over_the_file_and_the_file_over_the_default(setting, empty, said):
    default = shown(empty)[setting.key]
    assert default["source"] == "default"
    file = said(line_of(setting))
    of_file = shown(empty)[setting.key]
    assert (of_file["source"], of_file["place"]) == ("file", f"{file} line {2 if '.' in setting.key else 1}")
    assert str(of_file["value"]) == str(setting.example)
    of_variable = shown(empty, **{setting.variable: str(setting.example)})[setting.key]
    assert (of_variable["source"], of_variable["place"]) == ("variable", setting.variable)
    assert shown(empty, **{setting.variable: ""})[setting.key] == of_file


def test_an_option_wins_over_the_variable(empty):
    found = shown(empty, "--lang", "en", CREDIT_LANG="zh")["lang"]
    assert (found["value"], found["source"]) == ("en", "option")
    assert shown(empty, CREDIT_LANG="zh")["lang"]["value"] == "zh"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ('# ours\n[book]\nulr = "x"\n', 3, 'did you mean "book.url"?'),
        ('\nlanguage = "zh"\n', 2, 'did you mean "lang"?'),
        ('[tracking]\nurl = "http://x"\n', 2, "did you mean"),
        ('book = "x"\n', 1, 'did you mean "book.url"?'),
        ("[zzz]\nqqq = 1\n", 1, "choose from"),
        ('signing.kye = "x"\n', 1, 'did you mean "signing.key"?'),
        ('now = "2026-11-02T01:00:00"\n', 1, "CREDIT_NOW"),
        ('home = "/elsewhere"\n', 1, "CREDIT_HOME"),
    ],
)
def test_a_key_that_there_is_not_is_refused_with_file_line_and_the_nearest(empty, said, text, line, hint):
    file = said(text)
    answer = empty("config", "show")
    assert answer.code == 1
    assert f"{file} line {line}" in answer.err and hint in answer.err
    assert "docs/errors.md#configuration-broken" in answer.err


@pytest.mark.parametrize(
    "text",
    [
        'lang = "fr"\n',
        "lang = 1\n",
        '[tracking]\nretries = "three"\n',
        "[tracking]\nretries = -1\n",
        "[tracking]\nretries = true\n",
        '[compute]\nmemory = "much"\n',
        '[compute]\nmemory = "0GB"\n',
        "[compute]\nmemory = 4\n",
        '[compute]\nengine = "sparks"\n',
        "[book]\nurl = { host = 1 }\n",
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_line(empty, said, text):
    file = said(text)
    answer = empty("ledger", "summary")
    assert answer.code == 1
    assert f"{file} line {1 if text.startswith('lang') else 2}" in answer.err and "is not" in answer.err


def test_a_broken_variable_is_named_and_a_broken_clock_too(empty):
    for env in (
        {"CREDIT_LANG": "fr"}, {"CREDIT_NOW": "tomorrow"}, {"MLFLOW_HTTP_REQUEST_TIMEOUT": "soon"},
        {"CREDIT_BOOK_URL": "postgres//u@h/db"}, {"CREDIT_SOURCE_URL": "erp"}, {"CREDIT_MEMORY": "1KB"},
    ):  # fmt: skip
        answer = empty("config", "show", **env)
        assert answer.code == 1 and next(iter(env)) in answer.err


@pytest.mark.parametrize(("name", "meant"), [("CREDIT_HOEM", "CREDIT_HOME"), ("CREDIT_BOOK_ULR", "CREDIT_BOOK_URL")])
def test_a_mistyped_variable_is_refused_with_what_was_meant(empty, name, meant):
    answer = empty("config", "show", **{name: "elsewhere"})
    assert answer.code == 1 and name in answer.err and f"did you mean {meant}?" in answer.err


def test_a_variable_of_another_program_is_left_alone(empty):
    assert empty("config", "show", CREDIT_HOST="card.example", CREDIT_DEBUG="1", CREDIT_CONFIG="").code == 0


def test_a_file_that_cannot_be_read_is_refused_and_help_works_all_the_same(empty, said, tmp_path):
    file = said("lang = \n")
    assert "credit.toml" in empty("config", "show").err
    assert empty("--help").code == 0
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in empty("config", "show").err
    file.unlink()
    file.mkdir()
    answer = empty("config", "show")
    assert answer.code == 1 and "Traceback" not in answer.err and "cannot be read" in answer.err


def test_a_named_file_that_is_not_there_is_an_error_and_one_that_is_may_say_where_the_home_is(empty, tmp_path):
    file = tmp_path / "etc" / "credit.toml"
    assert "is not there" in empty("config", "show", CREDIT_CONFIG=str(file)).err
    file.parent.mkdir()
    file.write_text('home = "../data"\n[signing]\nkey = "own.key"\n', encoding="utf-8")
    found = shown(empty, CREDIT_CONFIG=str(file), CREDIT_HOME="")
    # A path in a file begins at the file's folder, from wherever the command is called.
    assert Path(found["home"]["value"]).resolve() == (tmp_path / "data").resolve()
    assert found["signing.key"]["value"] == str(file.parent / "own.key")


def test_passwords_are_never_shown(empty, said):
    said('[book]\nurl = "postgresql://credit:hunter2@db/credit"\n[source]\nurl = "mysql://db/x?password=hunter2"\n')
    for words in (("config", "show"), ("config", "show", "--json"), ("doctor",), ("doctor", "--json")):
        answer = empty(*words, MLFLOW_TRACKING_URI="http://me:hunter2@127.0.0.1:9")
        assert "hunter2" not in answer.out + answer.err


def test_a_new_file_sets_nothing_and_every_line_of_it_can_be_switched_on(empty, tmp_path):
    before = shown(empty)
    assert empty("config", "new").code == 0
    file = tmp_path / "var" / "credit.toml"
    assert shown(empty) == before
    assert file.stat().st_mode & 0o077 == 0
    lines = file.read_text(encoding="utf-8").splitlines()
    switched = "\n".join(line.removeprefix("# ") if " = " in line and line.count("`") == 0 else line for line in lines)
    assert set(tomllib.loads(switched)) == {"lang", "book", "tracking", "source", "signing", "compute"}
    file.write_text(switched, encoding="utf-8")
    assert {each["key"] for each in shown(empty).values() if each["source"] == "file"} == {s.key for s in SET_IN_FILES}
    again = empty("config", "new")
    assert again.code == 1 and "is there already" in again.err


def test_the_ledger_takes_the_memory_that_is_set(monkeypatch, tmp_path):
    assert configuration.current()["compute.memory"] == MEMORY_LIMIT
    monkeypatch.setenv("CREDIT_MEMORY", "123MB")
    with Home(tmp_path).ledger().connection() as con:
        [(limit,)] = con.execute("SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'").fetchall()
    assert limit == "117.3 MiB"


def test_a_night_that_has_begun_goes_on_with_the_engine_it_began_with(monkeypatch, tmp_path):
    monkeypatch.setenv("CREDIT_NOW", "2026-11-02T01:00:00")
    home = Home(tmp_path)
    night = home.nights().night(date(2026, 11, 1))
    fix(home, night, engine=Engine.DUCKDB, master="local[*]")
    fix(home, night, engine=Engine.SPARK, master="spark://other:7077")
    kept = night.settings()
    assert kept is not None and (kept["engine"], kept["master"]) == ("duckdb", "local[*]")
