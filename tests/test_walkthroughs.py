"""The walk-throughs of docs/ run as they are printed."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).resolve().parents[1] / "docs" / "walkthroughs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_walkthrough_comes_to_what_it_says(page):
    shown = "\n".join(re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE))
    test = doctest.DocTestParser().get_doctest(shown, {}, page.name, str(page), 0)
    said: list[str] = []
    found = doctest.DocTestRunner().run(test, out=said.append)
    assert found.attempted > 10
    assert found.failed == 0, "".join(said)
