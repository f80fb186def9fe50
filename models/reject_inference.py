"""What the model may look like on those who were refused: a band for the card, never part of the model.

Nobody knows what would have become of a refused applicant. Parcelling supposes that it does so many times as badly as
the financed ones with the same score; re-weighting lets the financed ones speak for the refused who resemble them. How
far the two lie apart is what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.ledger import Ledger
from data.schema import APPLICATIONS
from models import peers
from models.anchoring import anchored
from models.logistic import Floats
from models.pd_model import PdModel
from models.targets import Lessons
from models.validation import OutOfFold, auc

# So many refused applications say as much as all; they are drawn without regard to anything.
MOST_REFUSED = 20_000
PARCELS = 10
# No financed applicant speaks for more than so many.
HEAVIEST = 20.0
RESAMPLES, INTERVAL = 200, (2.5, 97.5)


def refused(ledger: Ledger, *, tier: str, as_of: date, version: int | None = None) -> pd.DataFrame:
    """The refused applications known on a date as cases of the evening before each, `weight` telling how many each
    stands for; no row where none is on record.
    """
    everyone = ledger.suppliers(as_of, tier=tier, version=version)
    with ledger.known_on(everyone, tables=(APPLICATIONS,), version=version) as known:
        found = known.con.execute(
            """SELECT application_id, supplier_id, applied_on FROM applications
               WHERE answer = 'REFUSED' ORDER BY application_id"""
        ).df()
    taken = np.random.default_rng(0).permutation(len(found))[:MOST_REFUSED]
    cases = found.iloc[np.sort(taken)].reset_index(drop=True)
    applied_on = pd.to_datetime(cases["applied_on"])
    return pd.DataFrame(
        {
            "case_id": range(len(cases)),
            "supplier_id": cases["supplier_id"].array,
            "as_of": (applied_on - pd.Timedelta(days=1)).dt.date.array,
            "weight": len(found) / max(len(cases), 1),
        }
    )


def band(
    model: PdModel,
    frame: pd.DataFrame,
    rows: Lessons,
    theirs: pd.DataFrame,
    *,
    weight: float,
    moved: float = 0.0,
    terms: Mapping[str, Any],
) -> dict[str, Any]:
    """How bad all applicants would be, how well the model would rank them, and how bad those would be that it approves.

    `frame` and `rows` are of the financed, `theirs` of the refused, of whom each stands for so many. Approved are as
    many of all as were financed, the safest first. The model was `moved` since it said what it did of the financed.
    """
    financed, labels = model.out_of_fold_, rows.happened.to_numpy(dtype=float)
    asked = anchored(model.scorer_.probabilities(theirs), -moved)
    factors = float(terms["parcel_factor_low"]), float(terms["parcel_factor_high"])
    parcelled = [_parcelled(financed, labels, asked, factor, weight) for factor in factors]
    reweighted = _reweighted(frame, labels, theirs, rows.groups, financed, weight)
    return {
        "financed": len(labels),
        "refused": round(len(theirs) * weight),
        "refused_read": len(theirs),
        "bad_rate_of_financed": round(float(labels.mean()), 6),
        "mean_pd_of_refused": round(float(asked.mean()), 6),
        "parcelling": {name: _low_high(*(found[name] for found in parcelled)) for name in parcelled[0]},
        "reweighting": reweighted,
    }


def parcel_rates(financed: Floats, labels: Floats, asked: Floats, factor: float) -> Floats:
    """The supposed chance of each refused applicant: that of the financed in its band of scores, so many times over."""
    edges = np.quantile(financed, np.linspace(0, 1, PARCELS + 1)[1:-1])
    parcel = np.searchsorted(edges, financed)
    rows = np.bincount(parcel, minlength=PARCELS)
    rates = np.bincount(parcel, labels, minlength=PARCELS) / np.maximum(rows, 1)
    return np.minimum(factor * rates[np.searchsorted(edges, asked)], 1.0)


def _parcelled(financed: Floats, labels: Floats, asked: Floats, factor: float, weight: float) -> dict[str, float]:
    supposed = parcel_rates(financed, labels, asked, factor)
    scores, chances = np.r_[financed, asked], np.r_[labels, supposed]
    weights = np.r_[np.ones(len(financed)), np.full(len(asked), weight)]
    safest = np.argsort(scores, kind="stable")
    approved = safest[np.cumsum(weights[safest]) <= len(financed)]
    return {
        "bad_rate_of_refused": float(supposed.mean()),
        "bad_rate_of_all": float(np.average(chances, weights=weights)),
        "bad_rate_of_approved": float(np.average(chances[approved], weights=weights[approved])),
        "auc_of_all": _auc(scores, chances, weights[None, :])[0],
    }


def _reweighted(
    frame: pd.DataFrame, labels: Floats, theirs: pd.DataFrame, groups: pd.Series, financed: Floats, weight: float
) -> dict[str, dict[str, float]]:
    """The financed counted as often as applicants like them asked; the band is of resamples of groups of firms."""
    both = pd.concat([frame, theirs], ignore_index=True)
    was_financed = np.r_[np.ones(len(frame)), np.zeros(len(theirs))]
    chance = peers.logistic_regression(both, was_financed, frame)
    odds = np.maximum(chance, 1e-9) / np.maximum(1 - chance, 1e-9) / weight
    stands_for = np.minimum(1 + 1 / odds, HEAVIEST)
    codes, firms = pd.factorize(groups)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(firms), np.full(len(firms), 1 / len(firms)), RESAMPLES)
    weights = stands_for * draws[:, codes]
    rates = weights @ labels / weights.sum(axis=1)
    ranked = _auc(financed, labels, weights)
    return {
        "bad_rate_of_all": _low_high(*np.percentile(rates, INTERVAL)),
        "auc_of_all": _low_high(*np.nanpercentile(ranked, INTERVAL)),
    }


def _auc(scores: Floats, chances: Floats, weights: Floats) -> Floats:
    return auc(chances, OutOfFold(scores, np.zeros(len(scores), dtype=np.int64)), weights)


def _low_high(*values: float) -> dict[str, float]:
    return {"low": round(float(min(values)), 6), "high": round(float(max(values)), 6)}
