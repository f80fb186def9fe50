"""The notebooks run, their conclusions hold, and their list says what they ask and answer."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.conftest import REAL_DATA

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.py"))
# A row of the list: number with its file, question, answer.
ROW = re.compile(r"^\| \[\d\d\]\((\w+\.py)\) \| (.+) \| (.+) \|$", re.MULTILINE)
CELL = re.compile(r"^# %%(?: \[markdown\])?$", re.MULTILINE)


def asks_for(notebook: Path, material: str) -> bool:
    return f" {material}(" in notebook.read_text(encoding="utf-8")


def marked(notebook: Path) -> object:
    marks = [pytest.mark.real_data] if asks_for(notebook, "records") else []
    return pytest.param(notebook, id=notebook.stem, marks=marks)


@pytest.mark.parametrize("notebook", [marked(each) for each in NOTEBOOKS])
def test_a_notebook_reaches_its_conclusion(notebook, request, tmp_path, monkeypatch):
    home = tmp_path
    if asks_for(notebook, "demonstration"):
        home = request.getfixturevalue("demonstration") / "var"
    for name, value in {"CREDIT_HOME": str(home), "CREDIT_REAL_DATA": str(REAL_DATA), "CREDIT_NOW": ""}.items():
        monkeypatch.setenv(name, value)
    for name in ("CREDIT_BOOK_URL", "CREDIT_SIGNING_KEY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    runpy.run_path(str(notebook))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_asks_first_concludes_last_and_opens_as_cells(notebook):
    text = notebook.read_text(encoding="utf-8")
    begins, *cells = CELL.split(text)
    kinds = [each.endswith("]") for each in CELL.findall(text)]
    assert begins == ""
    assert kinds[0] and not kinds[-1]
    for is_words, cell in zip(kinds, cells, strict=True):
        assert not is_words or all(line.startswith("#") for line in cell.strip().splitlines())
    assert "# ## What we conclude" in text and "# ## What would change our mind" in text
    assert re.search(r"^assert ", cells[-1], re.MULTILINE)


def test_the_list_of_notebooks_names_each_with_its_question_and_its_answer():
    listed = ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    said = [re.match(r"# %% \[markdown\]\n# # (.+)\n#\n# \*(.+)\*\n", each.read_text("utf-8")) for each in NOTEBOOKS]
    assert listed == [(each.name, *found.groups()) for each, found in zip(NOTEBOOKS, said, strict=True)]
