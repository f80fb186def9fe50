"""Segments: whether the model is as right, and policy as fair, for every size, region, sector and programme."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.validation.calibration import by_part, understated
from models.validation.check import Found, NotApplicable, check
from models.validation.measures import Compute, Flags, Floats, OutOfFold, auc
from models.validation.subject import Subject


@check(
    "segments",
    zh="分群校准",
    en="Calibration of each segment",
    statistic="least p-value of a segment's mean probability, Holm over segments",
    at_least="jeffreys_p_min",
    decisive=False,
)
def no_segment_is_worse_than_it_says(subject: Subject) -> Found | NotApplicable:
    """No segment of firms defaults more often than its mean probability allows."""
    found = _parts(subject)
    if found.empty:
        return NotApplicable(_too_small(subject))
    found["p"] = understated(found, subject.threshold("understated_tolerance"))
    least = found["p"].idxmin()
    return Found(float(found["p"].min()), rows=len(subject.rows), note=f"{least} is least", table=_table(found))


@check(
    "segment_auc",
    zh="分群区分能力",
    en="Discrimination in each segment",
    statistic="least AUC of a segment",
    at_least="auc_segment_min",
    decisive=False,
)
def ranks_in_every_segment(subject: Subject) -> Found | NotApplicable:
    """Among the firms of every segment bad cases rank above good ones."""
    found = []
    for segment, among in _members(subject).items():
        if subject.labels[among].any() and not subject.labels[among].all():
            measured = subject.measured(auc, among=among)
            found.append({"segment": segment, "rows": int(among.sum()), "value": measured.value, "low": measured.low,
                          "high": measured.high})  # fmt: skip
    if not found:
        return NotApplicable(_too_small(subject))
    worst = min(found, key=lambda row: row["value"])
    rows = len(subject.rows)
    return Found(worst["value"], worst["low"], worst["high"], rows, note=worst["segment"], table=tuple(found))


@check(
    "equal_errors",
    zh="分群误拒率",
    en="Approval and errors by segment",
    statistic="largest excess of a segment's share of good cases above the cut-off over that of all",
    at_most="false_decline_gap_max",
    decisive=False,
)
def good_firms_are_approved_alike(subject: Subject) -> Found | NotApplicable:
    """Good firms of every segment are approved about as often as good firms are in all."""
    if subject.pd_max is None:
        return NotApplicable("no policy has a cut-off for this target and kind of data")
    cutoff, found = subject.pd_max, []
    declined = subject.long_run > cutoff

    def excess(among: Flags) -> Compute:
        def gap(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
            good = weights * (1 - labels)
            turned_down = held.scores > cutoff
            theirs = good[:, among] @ turned_down[among] / good[:, among].sum(axis=1)
            return theirs - good @ turned_down / good.sum(axis=1)

        return gap

    for segment, among in _members(subject).items():
        bad, good = among & (subject.labels == 1), among & (subject.labels == 0)
        if good.any():
            measured = subject.measured(excess(among), of=subject.long_run)
            found.append({
                "segment": segment, "rows": int(among.sum()), "approved": float((~declined[among]).mean()),
                "good_declined": float(declined[good].mean()),
                "bad_approved": float((~declined[bad]).mean()) if bad.any() else None,
                "excess": measured.value, "low": measured.low, "high": measured.high,
            })  # fmt: skip
    if not found:
        return NotApplicable(_too_small(subject))
    worst = max(found, key=lambda row: row["excess"])
    rows = len(subject.rows)
    return Found(worst["excess"], worst["low"], worst["high"], rows, note=worst["segment"], table=tuple(found))


def _members(subject: Subject) -> dict[str, Flags]:
    """Which rows belong to each segment that is large enough to speak of, by `dimension value`."""
    fewest = subject.threshold("segment_rows_min")
    found = {}
    for dimension in subject.segments:
        values = subject.rows[dimension].fillna("unknown").astype(str)
        sizes = values.value_counts()
        for value in sorted(sizes[sizes >= fewest].index):
            among = (values == value).to_numpy()
            if not among.all():
                found[f"{dimension} {value}"] = among
    return found


def _parts(subject: Subject) -> pd.DataFrame:
    parts = [
        by_part(subject.labels[a], subject.scores[a], subject.rows["group"][a], np.repeat(segment, a.sum()))
        for segment, a in _members(subject).items()
    ]
    return pd.concat(parts) if parts else pd.DataFrame()


def _table(found: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    return tuple(found.rename_axis("segment").reset_index().to_dict(orient="records"))


def _too_small(subject: Subject) -> str:
    fewest = subject.threshold("segment_rows_min")
    return f"no segment that is not all of them has {fewest:.0f} rows"
