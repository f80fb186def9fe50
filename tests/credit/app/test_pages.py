"""Tutorial and how-to pages run as they are printed, each on a demonstration of its own."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from credit.app import demo, identity
from credit.app.home import Home
from tests.consoles import ROOT, Answer, Entered, Terminal, steps
from tests.credit.app.conftest import NOW, run_credit

# The supplier that the demonstration's screen says to try, as the pages print it.
GRANTED = "S0000036"
PAGES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]


@pytest.fixture
def terminal(
    demonstration: Path, demo_said: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A folder where somebody has run `make demo`: the home is `./var`, and its screen is there to be read."""
    shutil.copytree(demonstration / "var", tmp_path / "var")
    for name in ("credit", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    myself, screen = identity.who(), _screen(demo_said, demonstration / "var")

    def credit(words: list[str], env: dict[str, str], person: str | None) -> Answer:
        if words == ["demo"]:
            return Answer(0, screen)
        monkeypatch.setattr(identity, "who", lambda: person or myself)
        ours = {name: value for name, value in env.items() if name.startswith("CREDIT_")}
        said = run_credit(Path(ours.pop("CREDIT_HOME", "var")), *words, **ours)
        # A terminal overwrites progress; what is left on it are errors.
        errors = [line for line in said.err.splitlines() if line.startswith(("Error:", "Hint:", "More:"))]
        return Answer(said.code, said.out + "\n".join(errors))

    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    granted = demo_said["next"][0].split()[-1]
    return Terminal(tmp_path, credit, {**os.environ, "PATH": path, "CREDIT_NOW": NOW}, ids={GRANTED: granted})


def _granted_most(home: Path) -> str:
    """The supplier with the largest line that was approved: one that can be judged, drawn on and repaid."""
    rows = Home(home).decisions().listed(limit=10_000)
    approved = [row for row in rows if (row["product"], row["outcome"]) == ("turnover_line", "APPROVE")]
    return str(max(approved, key=lambda row: (row["amount_fen"], row["supplier_id"]))["supplier_id"])


def _screen(said: dict[str, Any], home: Path) -> str:
    """The screen with which the demonstration ended, as if it had been run here."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        demo.screen(said)
    return out.getvalue().replace(str(home), "var")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_as_it_is_printed(page: Path, terminal: Terminal):
    if page.parent.name == "how-to":
        terminal.ids[GRANTED] = _granted_most(terminal.folder / "var")
    done = [terminal.follow(step) for step in steps(page.read_text("utf-8"))]
    assert len(done) > 5


def test_the_screen_of_the_readme_is_what_is_printed(terminal: Terminal):
    shown = [
        step for step in steps((ROOT / "README.md").read_text("utf-8")) if isinstance(step, Entered) and step.shown
    ]
    assert shown
    for step in shown:
        terminal.follow(step)
