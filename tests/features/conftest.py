"""What the tests of features share."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.simulator import Platform, simulate


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A simulated platform of 250 suppliers and three years, with merged ids, corrections and all else that one has."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder / "platform", Platform(suppliers=250, start=date(2022, 6, 1), end=date(2025, 4, 30), seed=7))
    ledger = Ledger(folder / "ledger")
    import_history(ledger, format_named("platform"), folder / "platform", loaded_at=pd.Timestamp(2025, 5, 1))
    return ledger
