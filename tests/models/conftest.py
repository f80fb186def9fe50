"""What the tests of models share: the parameters of training that ship."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import credit
from credit.domain.packs import read_parameters


@pytest.fixture(scope="session")
def terms() -> dict[str, Any]:
    file = Path(credit.__file__).parent / "parameters" / "training.toml"
    found = read_parameters(tomllib.loads(file.read_text(encoding="utf-8")), file=file.name)
    return {name: each.on(date(2026, 10, 31)) for name, each in found.items()}
