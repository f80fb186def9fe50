"""The notebooks run, and their conclusions hold."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"


@pytest.mark.real_data
@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("[0-9]*.py")), ids=lambda p: p.stem)
def test_a_notebook_reaches_its_conclusion(notebook, tmp_path, monkeypatch):
    if not REAL_DATA.is_dir():
        pytest.skip("the real data is not here")
    monkeypatch.setenv("CREDIT_HOME", str(tmp_path))
    monkeypatch.setenv("CREDIT_REAL_DATA", str(REAL_DATA))
    runpy.run_path(str(notebook))
