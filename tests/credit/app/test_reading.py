"""How answers read: in which language, how wide, in which colours, and what is said while they are made."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.app import progress, tables
from credit.app.tables import lines, width_of, wrapped

ROOT = Path(__file__).resolve().parents[3]
CHINESE = re.compile("[\u4e00-\u9fff]")
COLOUR = re.compile("\x1b\\[")


# -- language ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(demonstration, spoilt):
    """The id of a stored decision on a line, with reasons."""
    _, credit = spoilt
    rows = credit("decision", "list", "--limit", "600", "--json").json
    lines = [row for row in rows if row["product"] == "turnover_line"]
    return next(row for row in lines if row["outcome"] == "DECLINE")["decision_id"]


def test_an_answer_is_in_both_languages_or_in_the_one_that_is_asked_for_anywhere_on_the_line(spoilt, stored):
    _, credit = spoilt
    both = credit("decision", "show", stored).out
    chinese = credit("decision", "show", stored, "--lang", "zh").out
    english = credit("decision", "show", stored, "--lang", "en").out
    assert CHINESE.search(both) and CHINESE.search(chinese) and not CHINESE.search(english)
    assert "turnover line" in both and "turnover line" in english and "turnover line" not in chinese
    assert credit("--lang", "zh", "decision", "show", stored).out == chinese
    assert credit("decision", "--lang", "zh", "show", stored).out == chinese
    assert credit("decision", "show", stored, CREDIT_LANG="zh").out == chinese
    # What was asked for by one command is not asked for by the next.
    assert credit("decision", "show", stored).out == both


def test_the_record_says_both_whatever_language_is_asked_for(spoilt, stored):
    _, credit = spoilt
    assert (
        credit("decision", "show", stored, "--json", "--lang", "en").json
        == credit("decision", "show", stored, "--json").json
    )


def test_a_language_that_there_is_not_is_a_usage_error(empty):
    answer = empty("ledger", "formats", "--lang", "fr")
    assert answer.code == 2 and "zh" in answer.err


# -- width -------------------------------------------------------------------------------------------------------------

WORDS = st.text(st.sampled_from("abc 逾期，流水0-_/"), max_size=60)


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 10**9)), max_size=4), st.integers(0, 100))
def test_a_table_loses_nothing_but_the_end_of_words_that_are_no_ids(rows, width):
    heads = ("first", "second", "number")
    made = lines(heads, rows, (2,), width)
    said = "".join(made)
    for *texts, number in rows:
        assert f"{number:,}" in said
        for text in texts:
            assert all(piece in said for piece in text.split() if any(c.isdecimal() for c in piece) and piece.isascii())
    if not width:
        assert len(made) == len(rows) + 1


@given(WORDS, st.integers(1, 60))
def test_a_wrapped_text_is_the_text_and_no_line_is_wider_than_its_longest_word(text, width):
    found = wrapped(text, width)
    assert "".join("".join(found).split()) == "".join(text.split())
    longest = max((width_of(piece.strip()) for piece in tables._PIECES.findall(text)), default=0)
    assert all(
        width_of(line.strip()) <= max(width, longest, width_of(text) if len(found) == 1 else 0) for line in found
    )


def test_texts_wrap_words_are_cut_and_ids_and_numbers_stay_whole():
    rows = [("D297142621FF9B", "advance-payment-guarantee", "逾期应收账款较高 overdue receivables", 12_345_678)]
    made = lines(("decision", "pack", "why", "CNY"), rows, (3,), 60)
    assert all(width_of(line) <= 60 for line in made)
    said = "\n".join(made)
    assert "D297142621FF9B" in said and "12,345,678" in said and "…" in said
    assert "".join(CHINESE.findall(said)) == "逾期应收账款较高"


READ = [
    *[("ledger", "formats"), ("ledger", "summary"), ("features", "list"), ("decision", "list"), ("policy", "show")],
    *[("export", "list", "--bank", "demo-bank"), ("portfolio", "show"), ("config", "show"), ("decision", "overrides")],
    *[("model", "history", "loan_default.platform"), ("exposure", "show"), ("monitor", "open"), ("doctor",)],
]


@pytest.mark.parametrize("words", READ, ids=" ".join)
def test_tables_fit_eighty_columns_and_are_not_cut_through_a_pipe(spoilt, words):
    _, credit = spoilt
    narrow = credit(*words, COLUMNS="80")
    assert narrow.code == 0
    # A path is never broken, and its column is as wide; where the tests lie is no matter of ours.
    lines = narrow.out.splitlines()
    widest = max([80, *(width_of(line) for line in lines if "/" in line)])
    assert [line for line in lines if width_of(line) > widest] == []
    assert "…" not in credit(*words).out


# -- colour ------------------------------------------------------------------------------------------------------------


def test_colours_are_for_terminals_or_where_they_are_forced_and_never_in_json(spoilt):
    _, credit = spoilt
    words = ("decision", "list")
    assert not COLOUR.search(credit(*words).out)
    coloured = credit(*words, FORCE_COLOR="1").out
    assert COLOUR.search(coloured)
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == credit(*words).out
    for env in ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, {"FORCE_COLOR": "0"}):
        assert not COLOUR.search(credit(*words, **env).out)
    assert not COLOUR.search(credit(*words, "--json", FORCE_COLOR="1").out)


def test_a_dumb_terminal_has_no_colours(monkeypatch):
    from credit.app.configuration import colours

    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colours(terminal=True) and not colours(terminal=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not colours(terminal=True)


# -- progress ----------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def reported(monkeypatch, stream, steps, *, lasts=0.05):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "LASTS", lasts)
    monkeypatch.setenv("TERM", "xterm")
    reporter = progress.Reporter()
    for step in steps:
        reporter.tell(*step)
        time.sleep(0.02)
    said = stream.getvalue()
    reporter.clear()
    return said


def test_without_a_terminal_there_is_one_line_a_step(monkeypatch):
    steps = [("reading", 0, 10), ("reading", 5, 10), ("reading", 10, 10), ("writing",), ("writing", 1, 2)]
    assert reported(monkeypatch, io.StringIO(), steps) == "  reading\n  writing\n"


def test_a_short_step_on_a_terminal_is_a_line_that_the_next_one_overwrites(monkeypatch):
    said = reported(monkeypatch, Terminal(), [("reading",), ("writing",)], lasts=60)
    assert "\r\x1b[K  reading" in said and "\r\x1b[K  writing" in said and "\n" not in said


def test_what_is_over_in_a_moment_is_not_named_and_what_is_not_has_a_bar(monkeypatch):
    for lasts, shown in ((60, False), (0.05, True)):
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(progress, "LASTS", lasts)
        reporter = progress.Reporter()
        reporter.wait("deciding")
        time.sleep(1)
        assert ("deciding" in stream.getvalue()) is shown
        reporter.clear()


def test_a_step_that_lasts_has_a_bar_with_how_much_is_done_and_how_long_it_takes(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    said = reported(monkeypatch, Terminal(), [("reading", done, 30) for done in range(30)])
    assert re.search(r"\d+/30", said) and "━" in said
    assert re.search(r"/s|/min", said) and "left" in said


def test_a_step_whose_end_is_not_known_has_a_bar_without_one(monkeypatch):
    said = reported(monkeypatch, Terminal(), [("thinking",)] * 30)
    assert "thinking" in said and "━" in said and "left" not in said


# -- completion --------------------------------------------------------------------------------------------------------


def completed(shell: str, *words: str) -> str:
    """What the shell is told may come where the last word is."""
    line = " ".join(["credit", *words])
    env = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    code = "import sys, cli; sys.argv = ['credit']; cli.app(prog_name='credit')"
    asked = {"PATH": "", "PYTHONPATH": str(ROOT), "_CREDIT_COMPLETE": f"complete_{shell}", **env}
    return subprocess.run(
        [sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False, cwd=ROOT
    ).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nouns_verbs_options_and_choices_are_completed(shell):
    assert "ledger" in completed(shell, "le") and "doctor" in completed(shell, "do")
    assert "decide" in completed(shell, "line", "de")
    assert "--as-of" in completed(shell, "line", "decide", "--as")
    assert "--lang" in completed(shell, "line", "decide", "--la")
    assert "zh" in completed(shell, "line", "decide", "--lang", "z")
    assert "spark" in completed(shell, "features", "build", "--engine", "s")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("ledger", "import", "--format", "vat"), "vat-invoices"),
        (("ledger", "formats", "map"), "mapped"),
        (("ledger", "files", "pay"), "payments"),
        (("model", "train", "perf"), "performance_breach"),
        (("model", "train", "loan_default", "--data", "i"), "invoice"),
        (("features", "show", "sales_amount_sum_3"), "sales_amount_sum_3m"),
    ],
)
def test_names_that_the_product_knows_are_completed(words, name):
    assert name in completed("bash", *words).splitlines()
