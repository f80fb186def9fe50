"""A small model and what judges it, without a ledger: quick to make, and the truth is known."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import credit
from credit.domain.packs import read_parameters
from credit.domain.policy.terms import Parameter
from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from models.fingerprints import fingerprint
from models.pd_model import PdModel
from models.registry import Served
from models.validation.subject import Kind, Subject
from tests.models.platforms import Platform

PARAMETERS = Path(credit.__file__).parent / "parameters"
DIRECTIONS = {"late": 1, "paid": -1, "noise": 0}
GRADES = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 1.0])


def shipped(name: str) -> dict[str, Parameter]:
    """The parameters of a file that ships."""
    return read_parameters(tomllib.loads((PARAMETERS / name).read_text(encoding="utf-8")), file=name)


@pytest.fixture(scope="session")
def terms() -> dict[str, Any]:
    """What models are taught with."""
    return {name: each.on(date(2026, 10, 31)) for name, each in shipped("training.toml").items()}


def true_pd(frame: pd.DataFrame) -> np.ndarray:
    return 1 / (1 + np.exp(3.0 - 0.25 * frame["late"] + 0.8 * (np.log(frame["paid"]) - 10)).to_numpy())


def rows_of(rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and cases of firms with two rows each, whose risk rises with delay and falls with what was paid."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"late": rng.exponential(5, rows), "paid": rng.lognormal(10, 1, rows), "noise": rng.random(rows)}
    )
    truth = true_pd(frame)
    ids = [f"E{place // 2 * 7919 % 99_991}" for place in range(rows)]
    cases = pd.DataFrame(
        {
            "supplier_id": ids,
            "group": ids,
            "as_of": [date(2022, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 1_400, rows)],
            "happened": (rng.random(rows) < truth).astype(int),
            "truth": truth,
            "size": rng.choice(["MICRO", "SMALL"], rows),
            "region": "3301",
            "sector": "works",
            "programme": "none",
        }
    )
    return frame, cases


@pytest.fixture(scope="session")
def sound() -> Subject:
    """A model that is right: it was taught with 1,500 rows and is judged out of fold."""
    frame, cases = rows_of(1_500, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.pd_model.REPEATS", ())
        model = PdModel(DIRECTIONS).fit(frame, cases["happened"], cases["group"])
    taught = cases.assign(score=model.out_of_fold_, turnover_alone=0.1, logistic_regression=model.out_of_fold_)
    card = {
        "dated": True,
        "directions": DIRECTIONS,
        "taught_as": {"linear": True, "settings": None},
        "anchor": None,
        "data": {"fingerprint": fingerprint(frame, cases["happened"])},
    }
    thresholds = shipped("validation.toml")
    grade = [f"R{place:02}" for place in np.searchsorted(GRADES, taught["score"])]
    return Subject(
        served=Served("loan_default.platform", 2, "0" * 64, model.scorer_, card, frozenset()),
        as_of=date(2026, 10, 31),
        kind=Kind.OUT_OF_FOLD,
        rows=taught.assign(grade=grade),
        frame=frame,
        taught=taught,
        taught_frame=frame,
        rivals=("turnover_alone", "logistic_regression"),
        segments=("size", "region"),
        champion=None,
        pd_max=0.2,
        losses=(),
        thresholds=thresholds,
        fingerprint=fingerprint(frame, cases["happened"]),
    )


@pytest.fixture
def judged(sound: Subject) -> Callable[..., Subject]:
    """The same with other columns of its rows: `judged(score=…)`."""

    def changed(**columns: Any) -> Subject:
        return replace(sound, rows=sound.rows.assign(**columns))

    return changed


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
