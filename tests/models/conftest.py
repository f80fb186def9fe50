"""What the tests of models share: the parameters of training that ship, and a ledger of a platform's rows."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

import credit
from credit.domain.packs import read_parameters
from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from tests.models.platforms import Platform


@pytest.fixture(scope="session")
def terms() -> dict[str, Any]:
    file = Path(credit.__file__).parent / "parameters" / "training.toml"
    found = read_parameters(tomllib.loads(file.read_text(encoding="utf-8")), file=file.name)
    return {name: each.on(date(2026, 10, 31)) for name, each in found.items()}


@pytest.fixture
def imported(ledger, csv_file, platform_row, tmp_path):
    """Puts a platform's rows, all of them good, into the ledger."""

    def put(platform: Platform) -> Ledger:
        folder = tmp_path / "platform"
        folder.mkdir()
        for table, rows in platform.tables.items():
            csv_file(folder / f"{table}.csv", [platform_row(table, **row) for row in rows])
        said = import_history(ledger, format_named("platform"), folder, loaded_at=datetime(2026, 11, 1))
        assert not said.quarantined, said.quarantine
        return ledger

    return put
