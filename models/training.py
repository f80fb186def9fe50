"""Train a target on one kind of data, measure it honestly, and write its card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.ledger import Ledger
from features import engine
from features.catalogue import CATALOGUE, catalogue_hash
from models import peers
from models.pd_model import PdModel, folds_of
from models.reference import approved
from models.scorer import Scorer
from models.targets import Lessons, Target, lessons
from models.validation import Measured, OutOfFold, measure

TURNOVER = {"invoice": "sales_amount_sum_24m", "platform": "paid_amount_sum_12m"}
MODEL = "model"
# On fewer rows what is chosen on the folds flatters them: the whole training is repeated within each.
SMALL_ROWS = 1_000
REPEATS_SMALL = 5


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model with its card and the suppliers that taught it."""

    model: Scorer
    card: dict[str, Any]
    learned: list[str]


def train(
    ledger: Ledger,
    target: Target,
    *,
    tier: str,
    as_of: date,
    compared: Mapping[str, Any],
    progress: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train on what the ledger knows on a date; `compared` says whom reasons compare with. Raises TooFewOutcomes."""
    version = ledger.version
    progress("gathering outcomes")
    rows = lessons(ledger, target, tier=tier, as_of=as_of, version=version)
    progress(f"building features of {len(rows.cases):,} rows")
    frame = engine.build_cases(ledger, rows.cases, tier=tier, version=version).set_axis(rows.cases.index)
    # The catalogue has no identifier, name or rating; a column from elsewhere cannot get in here.
    frame = frame[[feature.name for feature in CATALOGUE]]
    directions = {feature.name: int(feature.risk) for feature in CATALOGUE}
    progress("training on all rows")
    model = PdModel(directions).fit(frame, rows.happened, rows.groups)
    reference = approved(
        model.out_of_fold_, pd_max=compared["reference_pd_max"], rows_min=compared["reference_rows_min"]
    )
    scorer = model.scorer_.against(frame[reference])
    measured = cross_validate(model, frame, rows, TURNOVER[tier], progress)
    card = {
        "target": target.name,
        "meaning": target.meaning,
        "row": target.row,
        "horizon_months": target.horizon_months,
        "tier": tier,
        "as_of": str(as_of),
        **_taught(rows),
        "features": list(model.scorer_.columns),
        "directions": directions,
        "catalogue_sha256": catalogue_hash(),
        "mix": asdict(model.scorer_.mix),
        "reference": {"rows": int(reference.sum()), "pd_max": compared["reference_pd_max"]},
        "settings": model.settings_,
        "data": {"ledger_version": version, "fingerprint": fingerprint(frame, rows)},
        "metrics": {peer: {name: asdict(m) for name, m in found.items()} for peer, found in measured.items()},
    }
    return Trained(scorer, card, sorted({*rows.groups, *rows.cases["supplier_id"]}))


def cross_validate(
    model: PdModel,
    frame: pd.DataFrame,
    rows: Lessons,
    turnover: str,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, Measured]]:
    """Out-of-fold scores of a fitted model beside its peers on the same folds, no firm on both sides of any.

    On few rows the whole training, calibration included, is repeated on each fold's other rows.
    """
    labels = rows.happened.to_numpy(dtype=float)
    rivals = (
        peers.Comparison("turnover_alone", peers.turnover_alone(turnover)),
        peers.Comparison("logistic_regression", peers.logistic_regression),
    )
    runs: dict[str, list[OutOfFold]] = {MODEL: [], **{rival.name: [] for rival in rivals}}
    small = len(frame) < SMALL_ROWS
    for repeat in range(REPEATS_SMALL if small else 1):
        progress(f"cross-validating, round {repeat + 1} of {REPEATS_SMALL if small else 1}")
        scores = {name: np.empty(len(frame)) for name in runs}
        folds = np.empty(len(frame), dtype=np.int64)
        splits = folds_of(labels, rows.groups, seed=repeat, repeats=1) if small else model.folds_
        for fold, (learn, hold) in enumerate(splits):
            folds[hold] = fold
            taught, held = frame.iloc[learn], frame.iloc[hold]
            if small:
                again = PdModel(model.directions).fit(taught, rows.happened.iloc[learn], rows.groups.iloc[learn])
                scores[MODEL][hold] = again.scorer_.probabilities(held)
            else:
                scores[MODEL][hold] = model.out_of_fold_[hold]
            for rival in rivals:
                scores[rival.name][hold] = rival.score(taught, labels[learn], held)
        for name, found in scores.items():
            runs[name].append(OutOfFold(found, folds))
    return measure(labels, runs, rows.groups, model=MODEL)


def _taught(rows: Lessons) -> dict[str, Any]:
    """What the card says of the rows that taught the model."""
    return {
        "dated": rows.dated,
        "use": "predictive" if rows.dated else "concurrent, not predictive: the outcomes carry no date",
        "rows": len(rows.cases),
        "suppliers": int(rows.groups.nunique()),
        "bad": int(rows.happened.sum()),
        "base_rate": round(float(rows.happened.mean()), 6),
    }


def fingerprint(frame: pd.DataFrame, rows: Lessons) -> str:
    """A SHA-256 over the very numbers and labels that taught the model."""
    digest = hashlib.sha256()
    digest.update(",".join(frame.columns).encode())
    digest.update(np.ascontiguousarray(frame.to_numpy(dtype=float)).tobytes())
    digest.update(rows.happened.to_numpy(dtype=np.int8).tobytes())
    return digest.hexdigest()
