"""A page that lies is found: what a terminal prints is held against it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.consoles import Answer, Saved, Terminal, steps

RECORD = """S0000001: APPROVE
  amount      CNY 5,000
  reason      ACT  slow
  decision    D0123456789ABCDE
"""
SAID = {
    "decide S0000001": Answer(0, RECORD),
    "show D0123456789ABCDE": Answer(0, "D0123456789ABCDE of S0000001\n"),
    "refuse": Answer(6, "Error: no\n"),
}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    def credit(words, env, person):
        return SAID[" ".join(words)]

    return Terminal(tmp_path, credit, dict(os.environ), ids={"S0000009": "S0000001"})


def follow(terminal: Terminal, block: str, *, info: str = "console") -> None:
    for step in steps(f"# A page\n\n```{info}\n{block}\n```\n"):
        terminal.follow(step)


DECIDED = "$ credit decide S0000009\nS0000009: APPROVE\n  amount      CNY 5,000\n…\n  decision    DAAAAAAAAAAAAAAA\n"


def test_an_id_stands_for_the_one_that_was_printed_in_its_place(terminal):
    follow(terminal, DECIDED + "$ credit show DAAAAAAAAAAAAAAA\nDAAAAAAAAAAAAAAA of S0000009")


@pytest.mark.parametrize(("true", "false"), [("APPROVE", "DECLINE"), ("5,000", "6,000"), ("…\n", "")])
def test_another_word_figure_or_line_is_found(terminal, true, false):
    with pytest.raises(AssertionError, match="and the page says"):
        follow(terminal, DECIDED.replace(true, false))


def test_figures_and_reasons_of_a_block_that_varies_may_be_others_and_words_may_not(terminal):
    varied = DECIDED.replace("5,000", "12.50").replace("…", "  reason      REJ  other\n  reason      DSP  more")
    follow(terminal, varied, info="console varies")
    with pytest.raises(AssertionError):
        follow(terminal, varied.replace("amount", "limit"), info="console varies")


def test_a_command_that_ends_otherwise_is_found(terminal):
    follow(terminal, "$ credit refuse  # exit code 6\nError: no")
    with pytest.raises(AssertionError, match="ended with 6, not 0"):
        follow(terminal, "$ credit refuse")


def test_what_a_shell_does_is_done_and_what_it_exports_holds(terminal):
    follow(terminal, "$ export WORD=here\n$ echo $WORD > said && cat said\nhere")


def test_a_file_that_the_page_prints_is_saved(terminal):
    [saved] = steps("# A page\n\nSave `in/a.csv`:\n\n```csv\nx\n1\n```\n")
    assert isinstance(saved, Saved)
    terminal.follow(saved)
    assert (terminal.folder / "in" / "a.csv").read_text() == "x\n1\n"
