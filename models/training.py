"""Train a target on one kind of data, measure it honestly, and write its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.ledger import Ledger
from features import engine
from features.catalogue import CATALOGUE, catalogue_hash, definition_hashes
from models.fingerprints import fingerprint
from models.pd_model import PdModel, folds_of
from models.peers import rivals
from models.scorer import Scorer
from models.targets import Lessons, Target, lessons
from models.validation import OutOfFold, measure

MODEL = "model"
# On fewer rows what is chosen on the folds flatters them: the whole training is repeated within each.
SMALL_ROWS = 1_000
REPEATS_SMALL = 5


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model with its card and the suppliers that taught it.

    `held` has a row for each that taught it: supplier_id, contract_id where it is about one, as_of, group, happened,
    and the out-of-fold probability of the model (`score`) and of each peer.
    """

    model: Scorer
    card: dict[str, Any]
    learned: list[str]
    held: pd.DataFrame


def train(
    ledger: Ledger,
    target: Target,
    *,
    tier: str,
    as_of: date,
    progress: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train on what the ledger knows on a date. Raises TooFewOutcomes."""
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
    runs = cross_validate(model, frame, rows, tier, progress)
    measured = measure(rows.happened.to_numpy(dtype=float), runs, rows.groups, model=MODEL)
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
        "definitions": definition_hashes(),
        "mix": asdict(model.scorer_.mix),
        "settings": model.settings_,
        "data": {"ledger_version": version, "fingerprint": fingerprint(frame, rows.happened)},
        "metrics": {peer: {name: asdict(m) for name, m in found.items()} for peer, found in measured.items()},
    }
    learned = sorted({*rows.groups, *rows.cases["supplier_id"]})
    return Trained(model.scorer_, card, learned, _held(rows, runs))


def _held(rows: Lessons, runs: dict[str, list[OutOfFold]]) -> pd.DataFrame:
    """Each row that taught the model with its out-of-fold probabilities, the mean of all rounds."""
    scores = {name: np.mean([run.scores for run in found], axis=0) for name, found in runs.items()}
    own = {"group": rows.groups, "happened": rows.happened, "score": scores.pop(MODEL), **scores}
    return rows.cases.drop(columns="case_id").assign(**own)


def cross_validate(
    model: PdModel,
    frame: pd.DataFrame,
    rows: Lessons,
    tier: str,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, list[OutOfFold]]:
    """Out-of-fold scores of a fitted model beside its peers on the same folds, no firm on both sides of any.

    On few rows the whole training, calibration included, is repeated on each fold's other rows.
    """
    labels = rows.happened.to_numpy(dtype=float)
    against = rivals(tier)
    runs: dict[str, list[OutOfFold]] = {MODEL: [], **{rival.name: [] for rival in against}}
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
            for rival in against:
                scores[rival.name][hold] = rival.score(taught, labels[learn], held)
        for name, found in scores.items():
            runs[name].append(OutOfFold(found, folds))
    return runs


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
