"""Train a target on one kind of data, measure it honestly, and write its card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit.domain.errors import TooFewOutcomes
from credit.domain.progress import Progress, silent
from data.ledger import Ledger
from features import engine
from features.catalogue import CATALOGUE, DIRECTIONS, catalogue_hash, definition_hashes
from models import reject_inference
from models.anchoring import Recent, Year, long_run, recent, years_of
from models.fingerprints import fingerprint
from models.logistic import Floats
from models.pd_model import PdModel, folds_of
from models.peers import has_scorecard, rivals
from models.reference import approved
from models.scorer import Scorer
from models.targets import Lessons, Target, lessons
from models.validation import OutOfFold, ece, measure, perfect_ece, slope

MODEL = "model"
# On fewer rows what is chosen on the folds flatters them: the whole training is repeated within each, and over folds
# that are drawn anew so many times.
SMALL_ROWS, TINY_ROWS = 1_000, 300
REPEATS_SMALL, REPEATS_TINY = 2, 5

Terms = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model with its card and the suppliers that taught it.

    `held` has a row for each that taught it: the case, group, happened, the out-of-fold probability of the model
    (`score`) and of each peer, and `out_of_time`, that of the model of what was known before the row's year (NaN where
    that year was not forecast), by which the way of training is tested back.
    """

    model: Scorer
    card: dict[str, Any]
    learned: list[str]
    held: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Walk:
    """A step through time: the year that is forecast, and what was known on the evening before it.

    `taught` are places among the lessons, with the labels and groups as they were known on `known_on`; `tested` are the
    places of the year's rows.
    """

    year: Year
    known_on: date
    taught: npt.NDArray[np.int64]
    happened: pd.Series
    groups: pd.Series
    tested: npt.NDArray[np.int64]


def train(
    ledger: Ledger,
    target: Target,
    *,
    tier: str,
    as_of: date,
    terms: Terms,
    progress: Progress = silent,
) -> Trained:
    """Train on what the ledger knows on a date, by the parameters of training on it. Raises TooFewOutcomes."""
    version = ledger.version
    progress("gathering outcomes")
    rows = lessons(ledger, target, tier=tier, as_of=as_of, terms=terms, version=version)
    frame = features_of(ledger, rows.cases, tier=tier, version=version, progress=progress)
    progress("training on all rows")
    opened = rows.cases["opened_on"] if rows.dated else None
    model, newest = fitted(frame, rows.happened, rows.groups, terms, opened=opened, interval=True)
    reference = approved(model.out_of_fold_, pd_max=terms["reference_pd_max"], rows_min=terms["reference_rows_min"])
    runs = cross_validate(model, frame, rows, terms, tier, progress)
    measured = measure(rows.happened.to_numpy(dtype=float), runs, rows.groups, model=MODEL)
    steps = list(walks(ledger, target, rows, tier=tier, terms=terms, version=version))
    out_of_time, tested = forecast(steps, frame, rows, terms, tier, progress)
    years = years_of(rows)
    band = None
    if rows.dated and not target.asks_contract:
        refused = reject_inference.refused(ledger, tier=tier, as_of=as_of, version=version)
        if len(refused):
            theirs = features_of(ledger, refused, tier=tier, version=version, progress=progress)
            weight = float(refused["weight"].iloc[0])
            assert newest is not None
            moved = newest.shift
            band = reject_inference.band(model, frame, rows, theirs, weight=weight, moved=moved, terms=terms)
    card = {
        "target": target.name,
        "meaning": target.meaning,
        "row": target.row,
        "window": target.window if rows.dated else "undated",
        "observed": target.observed if rows.dated else f"on {as_of}",
        "horizon_months": target.horizon_months,
        "tier": tier,
        "as_of": str(as_of),
        **_taught(rows),
        "terms": dict(terms),
        "yearly": [year.said() for year in years],
        "recent": newest.said() if newest else None,
        "anchor": long_run(years, target, terms, calibrated_rate=newest.rate).said() if newest else None,
        "features": list(model.scorer_.columns),
        "directions": DIRECTIONS,
        "catalogue_sha256": catalogue_hash(),
        "definitions": definition_hashes(),
        "mix": asdict(model.scorer_.mix),
        "reference": {"rows": int(reference.sum()), "pd_max": terms["reference_pd_max"]},
        "settings": model.settings_,
        "taught_as": {"linear": model.linear, "settings": model.settings},
        "data": {"ledger_version": version, "fingerprint": fingerprint(frame, rows.happened)},
        "metrics": {peer: {name: asdict(m) for name, m in found.items()} for peer, found in measured.items()},
        "calibration": calibrated(rows.happened.to_numpy(dtype=float), model.out_of_fold_),
        "out_of_time": out_of_time,
        "reject_inference": band,
        "scorecard": _points(frame, rows) if has_scorecard() else None,
    }
    held = _held(rows, runs).assign(out_of_time=tested)
    learned = sorted({*rows.firms, *rows.cases["supplier_id"]})
    return Trained(model.scorer_.against(frame[reference]), card, learned, held)


def features_of(
    ledger: Ledger, cases: pd.DataFrame, *, tier: str, version: int, progress: Progress = silent
) -> pd.DataFrame:
    """The catalogue's features of cases, indexed as they are. A column from elsewhere cannot get in here."""
    frame = engine.build_cases(ledger, cases, tier=tier, version=version, progress=progress).set_axis(cases.index)
    return frame[[feature.name for feature in CATALOGUE]]


def fitted(
    frame: pd.DataFrame,
    happened: pd.Series,
    groups: pd.Series,
    terms: Terms,
    *,
    opened: pd.Series | None,
    interval: bool = False,
) -> tuple[PdModel, Recent | None]:
    """The estimator on these rows alone, its settings searched among as many as the parameters say.

    `opened` says when each risk was taken, where that is known: then the model says what the newest of them say, and of
    many rows it is trees alone. What it said of each row while it had not seen it (`out_of_fold_`) stays as it was.
    """
    settings: dict[str, Any] = {}
    if trials := int(terms["tuning_trials"]):
        from models.tuning import settings_found

        settings = settings_found(frame, happened, groups, directions=DIRECTIONS, trials=trials)
    linear = opened is None or len(frame) <= terms["linear_rows_max"]
    directions = {name: DIRECTIONS[name] for name in frame}
    model = PdModel(directions, settings or None, interval=interval, linear=linear).fit(frame, happened, groups)
    if opened is None:
        return model, None
    newest = recent(model.out_of_fold_, happened.to_numpy(dtype=float), opened, terms)
    model.scorer_ = model.scorer_.shifted(newest.shift)
    return model, newest


def _points(frame: pd.DataFrame, rows: Lessons) -> list[dict[str, Any]]:
    """The scorecard that all rows teach, as a table that can be read."""
    from models.scorecard import Scorecard

    points = Scorecard(DIRECTIONS).fit(frame, rows.happened).points_
    said: list[dict[str, Any]] = points.astype(object).where(points.notna(), None).to_dict("records")
    return said


def _held(rows: Lessons, runs: dict[str, list[OutOfFold]]) -> pd.DataFrame:
    """Each row that taught the model with its out-of-fold probabilities, the mean of all rounds."""
    scores = {name: np.mean([run.scores for run in found], axis=0) for name, found in runs.items()}
    own = {"group": rows.groups, "happened": rows.happened, "score": scores.pop(MODEL), **scores}
    return rows.cases.drop(columns="case_id").assign(**own)


def cross_validate(
    model: PdModel,
    frame: pd.DataFrame,
    rows: Lessons,
    terms: Terms,
    tier: str,
    progress: Progress = silent,
) -> dict[str, list[OutOfFold]]:
    """Out-of-fold scores of a fitted model beside its peers on the same folds, no group of firms on both sides of any.

    On few rows the whole training, calibration included, is repeated on each fold's other rows.
    """
    labels = rows.happened.to_numpy(dtype=float)
    against = rivals(tier)
    runs: dict[str, list[OutOfFold]] = {MODEL: [], **{rival.name: [] for rival in against}}
    small = len(frame) < SMALL_ROWS
    repeats = REPEATS_TINY if len(frame) < TINY_ROWS else REPEATS_SMALL if small else 1
    for repeat in range(repeats):
        scores = {name: np.empty(len(frame)) for name in runs}
        folds = np.empty(len(frame), dtype=np.int64)
        splits = list(folds_of(labels, rows.groups, seed=repeat) if small else model.folds_)
        for fold, (learn, hold) in enumerate(splits):
            progress("cross-validating", repeat * len(splits) + fold, repeats * len(splits))
            folds[hold] = fold
            taught, held = frame.iloc[learn], frame.iloc[hold]
            if small:
                outcomes, firms = rows.happened.iloc[learn], rows.groups.iloc[learn]
                # What all rows teach is judged, as it is where rows are many.
                again, _ = fitted(taught, outcomes, firms, terms, opened=None)
                scores[MODEL][hold] = again.scorer_.probabilities(held)
            else:
                scores[MODEL][hold] = model.out_of_fold_[hold]
            for rival in against:
                scores[rival.name][hold] = rival.score(taught, labels[learn], held)
        for name, found in scores.items():
            runs[name].append(OutOfFold(found, folds))
    return runs


def walks(
    ledger: Ledger, target: Target, rows: Lessons, *, tier: str, terms: Terms, version: int | None = None
) -> Iterator[Walk]:
    """Forecasts of whole years back from the last, each by the lessons as they were known before its first row.

    They end at a year that has too few bad outcomes, or before which too few were known.
    """
    months = rows.cases["opened_on"].dt.to_period("M") if rows.dated else None
    for year in years_of(rows, int(terms["test_years_max"])):
        tested = np.flatnonzero(months.between(year.first, year.last))
        known_on = min(rows.cases["as_of"].iloc[tested]) - timedelta(days=1)
        try:
            then = lessons(ledger, target, tier=tier, as_of=known_on, terms=terms, version=version)
        except TooFewOutcomes:
            return
        if min(then.happened.sum(), year.bad) < terms["test_bad_min"]:
            return
        # A lesson that has been taken back since has no features here, and would teach what is known to be wrong.
        places = pd.Series(rows.cases.index, index=rows.cases["outcome_id"])
        kept = then.cases["outcome_id"].isin(places.index)
        taught = places[then.cases.loc[kept, "outcome_id"]].to_numpy()
        yield Walk(year, known_on, taught, then.happened[kept], then.groups[kept], tested)


def forecast(
    steps: list[Walk],
    frame: pd.DataFrame,
    rows: Lessons,
    terms: Terms,
    tier: str,
    progress: Progress = silent,
) -> tuple[dict[str, Any] | None, Floats]:
    """What the card says of the years that were forecast, and each row's PD by the model that had not seen its year.

    None, and nothing but NaN, where no year could be.
    """
    labels = rows.happened.to_numpy(dtype=float)
    against = rivals(tier)
    scores = {name: np.full(len(frame), np.nan) for name in (MODEL, *(rival.name for rival in against))}
    fold = np.zeros(len(frame), dtype=np.int64)
    said = []
    for place, step in enumerate(steps):
        progress("forecasting past years", place, len(steps))
        taught, held = frame.iloc[step.taught], frame.iloc[step.tested]
        known = step.happened.to_numpy(dtype=float)
        outcomes, firms = (each.set_axis(taught.index) for each in (step.happened, step.groups))
        opened = rows.cases["opened_on"].iloc[step.taught]
        model, _ = fitted(taught, outcomes, firms, terms, opened=opened)
        scores[MODEL][step.tested] = model.scorer_.probabilities(held)
        for rival in against:
            scores[rival.name][step.tested] = rival.score(taught, known, held)
        fold[step.tested] = place
        year = measured_on(step.tested, labels, scores, fold, rows.groups)
        before = {"known_on": str(step.known_on), "taught_rows": len(known), "taught_bad": int(known.sum())}
        said.append({**step.year.said(), **before, **year})
    if not steps:
        return None, scores[MODEL]
    everything = np.concatenate([step.tested for step in steps])
    return {**measured_on(everything, labels, scores, fold, rows.groups), "years": said}, scores[MODEL]


def measured_on(
    places: npt.NDArray[np.int64], labels: Floats, scores: Mapping[str, Floats], fold: Any, groups: pd.Series
) -> dict[str, Any]:
    """Metrics with intervals of every peer on these rows, and how well the model's probabilities hold on them."""
    held = {name: [OutOfFold(found[places], fold[places])] for name, found in scores.items()}
    measured = measure(labels[places], held, groups.iloc[places], model=MODEL)
    metrics = {peer: {name: asdict(m) for name, m in found.items()} for peer, found in measured.items()}
    return {"metrics": metrics, "calibration": calibrated(labels[places], scores[MODEL][places])}


def calibrated(labels: Floats, probabilities: Floats) -> dict[str, float]:
    """Rate and mean PD, slope, and the calibration error beside that of a perfect model."""
    held, once = OutOfFold(probabilities, np.zeros(len(labels), dtype=np.int64)), np.ones((1, len(labels)))
    found = {
        "rate": float(labels.mean()),
        "mean_pd": float(probabilities.mean()),
        "slope": float(slope(labels, held, once)[0]),
        "error": float(ece(labels, held, once)[0]),
        "error_of_perfect_p95": perfect_ece(probabilities),
    }
    return {name: round(value, 6) for name, value in found.items()}


def _taught(rows: Lessons) -> dict[str, Any]:
    """What the card says of the rows that taught the model."""
    said: dict[str, Any] = {
        "dated": rows.dated,
        "use": "predictive" if rows.dated else "concurrent, not predictive: the outcomes carry no date",
        "rows": len(rows.cases),
        "suppliers": int(rows.firms.nunique()),
        "groups": int(rows.groups.nunique()),
        "bad": int(rows.happened.sum()),
        "base_rate": round(float(rows.happened.mean()), 6),
        "set_aside": dict(rows.set_aside),
        "cohorts": None,
        "window_days": None,
    }
    if rows.dated:
        used = rows.cohorts[rows.cohorts["used"]]
        days = (rows.cases["closed_on"] - rows.cases["opened_on"]).dt.days
        said["cohorts"] = {
            "first": str(used.index.min()),
            "last": str(used.index.max()),
            "used": len(used),
            "open": int((~rows.cohorts["used"]).sum()),
            "rows_in_open": int(rows.cohorts.loc[~rows.cohorts["used"], "opened"].sum()),
        }
        said["window_days"] = {"shortest": int(days.min()), "median": int(days.median()), "longest": int(days.max())}
    return said
