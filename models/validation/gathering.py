"""Gather what a validation looks at: rows with outcomes that a version has not learned from, and what taught it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from credit.domain.errors import TooFewOutcomes
from credit.domain.policy.terms import Parameter, Terms
from credit.domain.progress import Progress, silent
from credit.domain.scale import grades
from data.facts import closed_conversions, closed_losses, segments
from data.ledger import Ledger
from features import engine
from models.anchoring import anchored, shift_of, unmoved_shift_of
from models.fingerprints import fingerprint
from models.peers import rivals
from models.registry import Registry, Served
from models.targets import Target, lessons, target_named
from models.validation.comparison import CHAMPION, CHAMPION_LONG_RUN
from models.validation.losses import CONVERSION, LOSS_GIVEN_DEFAULT
from models.validation.subject import Kind, Losses, Subject

# Of more rows some firms are taken: an interval would be no narrower to the eye.
MOST_ROWS = 50_000
SEGMENTS = ("size", "region", "sector", "programme")
KEY = ("supplier_id", "as_of", "contract_id")


@dataclass(frozen=True, slots=True)
class Priced:
    """A loss factor that a product's price stands on; `form` is the guarantee's, empty for a loan."""

    product: str
    form: str
    factor: str
    value: float


@dataclass(frozen=True, slots=True)
class Policy:
    """What a validation has to know of policy: the master scale, the cut-off, and what prices stand on."""

    scale: Terms
    pd_max: float | None
    priced: tuple[Priced, ...]


def gather(
    ledger: Ledger,
    registry: Registry,
    served: Served,
    *,
    as_of: date,
    policy: Policy,
    thresholds: Mapping[str, Parameter],
    progress: Progress = silent,
) -> Subject:
    """What judges a version, as known on a date. Raises TooFewOutcomes, StoreDamaged or ModelMismatch."""
    target, tier = target_named(served.card["target"]), served.card["tier"]
    taught = registry.held(served)
    progress(f"building features of the {len(taught):,} rows that taught it")
    then = served.card["data"]["ledger_version"]
    taught_frame = served.inputs(_features(ledger, taught, tier, version=then))
    later = _later(ledger, target, served, as_of, tier)
    fewest = thresholds["out_of_time_bad_min"].on(as_of)
    named = tuple(rival.name for rival in rivals(tier) if rival.name in taught)
    bad = 0 if later is None else int(later["happened"].sum())
    if later is not None and fewest <= bad < len(later):
        kind = Kind.OUT_OF_TIME
        progress(f"building features of {len(later):,} later rows")
        frame = served.inputs(_features(ledger, later, tier))
        rows = later.assign(score=served.model.probabilities(frame))
        labels = taught["happened"].to_numpy(dtype=float)
        rows = rows.assign(**{r.name: r.score(taught_frame, labels, frame) for r in rivals(tier) if r.name in named})
    else:
        kind, rows, frame = Kind.OUT_OF_FOLD, taught[taught["score"].notna()], taught_frame
    rows = _some(rows)
    frame = frame.loc[rows.index]
    seen = fingerprint(frame, rows["happened"])
    champion, theirs = _champion(registry, served, rows, frame)
    progress("reading segments and losses")
    kinds = segments(ledger, _cases(rows)).set_axis(rows.index)
    beside = {} if theirs is None else {CHAMPION: theirs[0], CHAMPION_LONG_RUN: theirs[1]}
    subject = Subject(
        served=served,
        as_of=as_of,
        kind=kind,
        rows=rows.assign(**kinds[list(SEGMENTS)], **beside),
        frame=frame,
        taught=taught,
        taught_frame=taught_frame,
        rivals=named,
        segments=SEGMENTS,
        champion=champion,
        pd_max=policy.pd_max,
        losses=_losses(ledger, target, as_of, policy.priced),
        thresholds=thresholds,
        fingerprint=seen,
    )
    grade = grades(pd.Series(subject.long_run, index=rows.index), policy.scale)
    return replace(subject, rows=subject.rows.assign(grade=grade))


def _cases(rows: pd.DataFrame) -> pd.DataFrame:
    asked = [name for name in KEY if name in rows]
    return rows[asked].assign(case_id=range(len(rows))).reset_index(drop=True)


def _features(ledger: Ledger, rows: pd.DataFrame, tier: str, *, version: int | None = None) -> pd.DataFrame:
    return engine.build_cases(ledger, _cases(rows), tier=tier, version=version).set_axis(rows.index)


def _later(ledger: Ledger, target: Target, served: Served, as_of: date, tier: str) -> pd.DataFrame | None:
    """The rows observed after the training, known by a date; None where outcomes carry no date or there are too few."""
    if not served.card["dated"]:
        return None
    try:
        rows = lessons(ledger, target, tier=tier, as_of=as_of, terms=served.card["terms"])
    except TooFewOutcomes:
        return None
    known = rows.cases.drop(columns="case_id").assign(group=rows.groups, happened=rows.happened)
    trained_on = date.fromisoformat(served.card["as_of"])
    return known[[day > trained_on for day in known["as_of"]]].reset_index(drop=True)


def _some(rows: pd.DataFrame) -> pd.DataFrame:
    if len(rows) <= MOST_ROWS:
        return rows
    firms = np.random.default_rng(0).permutation(rows["group"].unique())
    counted = np.cumsum(rows["group"].value_counts()[firms].to_numpy())
    return rows[rows["group"].isin(firms[: max(int((counted <= MOST_ROWS).sum()), 1)])]


def _champion(
    registry: Registry, served: Served, rows: pd.DataFrame, frame: pd.DataFrame
) -> tuple[int | None, tuple[pd.Series, pd.Series] | None]:
    """The champion and its probability of each row, of the times and of the long run; NaN where it has learned the row.

    What it learned it is judged on out of fold; what came after its training it scores as it serves.
    """
    if not registry.history(served.name):
        return None, None
    champion = registry.champion(served.name)
    if champion.version == served.version:
        return champion.version, None
    key = [name for name in KEY if name in rows]
    once = registry.held(champion).drop_duplicates(key).set_index(key)["score"]
    learned = pd.Series(once.reindex(pd.MultiIndex.from_frame(rows[key])).to_numpy(), index=rows.index)
    trained_on = date.fromisoformat(champion.card["as_of"])
    after = rows["as_of"].map(lambda day: bool(champion.card["dated"]) and day > trained_on)
    long_run = pd.Series(anchored(learned.to_numpy(dtype=float), unmoved_shift_of(champion.card)), index=rows.index)
    if after.any():
        served_as = champion.model.probabilities(champion.inputs(frame))
        learned = learned.mask(after, pd.Series(served_as, rows.index))
        long_run = long_run.mask(after, pd.Series(anchored(served_as, shift_of(champion.card)), rows.index))
    return champion.version, (learned, long_run)


def _losses(ledger: Ledger, target: Target, as_of: date, priced: tuple[Priced, ...]) -> tuple[Losses, ...]:
    """What became of the defaults of a target by a date, for each factor that a price stands on."""
    if not priced:
        return ()
    if target.asks_contract:
        known = ledger.outcomes(target.name, known_on=as_of)
        broken = known.loc[known["happened"].astype(bool), "contract_id"].dropna().tolist()
        found = closed_conversions(ledger, as_of, broken)
        asked = [(each, found[found["form"] == each.form]) for each in priced if each.factor == CONVERSION]
    else:
        lost = closed_losses(ledger, as_of)
        asked = [(each, lost) for each in priced if each.factor == LOSS_GIVEN_DEFAULT]
    groups = ledger.gone_on_as(as_of)
    return tuple(
        Losses(
            f"{each.factor} of {each.product}",
            each.value,
            pd.DataFrame({"group": cases["supplier_id"].replace(groups), "share": cases["share"].astype(float)}),
        )
        for each, cases in asked
    )


def used(policy: Policy) -> dict[str, Any]:
    """What of policy a validation stood on, for its document."""
    return {
        "scale": policy.scale["grade_pd_upper"],
        "pd_max": policy.pd_max,
        "priced": {f"{each.factor} of {each.product}": each.value for each in policy.priced},
    }
