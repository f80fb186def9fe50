"""Stability: whether who is scored, and what is known of them, is still what the model was taught with."""

from __future__ import annotations

from typing import Any

import pandas as pd

from models.drift import Bins, Floats, by_chance, stability_index
from models.validation.check import Found, NotApplicable, check
from models.validation.subject import Kind, Subject

RECENT_MONTHS = 12


@check(
    "psi",
    zh="评分稳定性 PSI",
    en="Stability of the score (PSI)",
    statistic="population stability index against the reference, bins frozen on it",
    at_most="psi_max",
)
def the_scored_are_still_those_of_the_reference(subject: Subject) -> Found | NotApplicable:
    """The scores of later rows spread as those of the reference do."""
    halves = _halves(subject)
    if isinstance(halves, NotApplicable):
        return halves
    before, after, note = halves
    bins = Bins.of(before["score"].to_numpy(dtype=float))
    whole = _index(bins, before, after, after["score"].to_numpy(dtype=float))
    both = pd.concat([before, after]) if subject.kind is Kind.OUT_OF_TIME else subject.rows
    years = []
    for year, rows in both.groupby(pd.to_datetime(both["as_of"]).dt.year):
        index, chance = _index(bins, before, rows, rows["score"].to_numpy(dtype=float))
        years.append({"year": int(year), "rows": len(rows), "psi": index, "by_chance": chance})
    return Found(*_interval(*whole), rows=len(after), note=note, table=tuple(years))


@check(
    "csi",
    zh="特征稳定性 CSI",
    en="Stability of each feature (CSI)",
    statistic="largest characteristic stability index of a feature",
    at_most="csi_max",
    decisive=False,
)
def features_are_still_those_of_the_reference(subject: Subject) -> Found | NotApplicable:
    """Each feature spreads among later rows as it does in the reference; one that does not is looked into."""
    halves = _halves(subject)
    if isinstance(halves, NotApplicable):
        return halves
    before, after, note = halves
    early, late = _features_of(subject, before, after)
    found: list[dict[str, Any]] = []
    for name in subject.served.model.columns:
        index, chance = _index(Bins.of(early[name].to_numpy()), before, after, late[name].to_numpy())
        found.append({"feature": name, "csi": index, "by_chance": chance})
    # What is beyond chance comes first, or a feature of many bins would hide one that has moved.
    found.sort(key=lambda row: row["by_chance"] - row["csi"])
    moved = sum(row["csi"] - row["by_chance"] > subject.threshold("csi_max") for row in found)
    worst = found[0]
    said = f"{moved} of {len(found)} features moved, {worst['feature']} most; {note}"
    value = _interval(worst["csi"], worst["by_chance"])
    return Found(*value, rows=len(after), note=said, table=tuple(found[:_LISTED]))


_LISTED = 20


def _halves(subject: Subject) -> tuple[pd.DataFrame, pd.DataFrame, str] | NotApplicable:
    """The reference and what came after it: the training and the rows after it, or the training's last year."""
    if subject.kind is Kind.OUT_OF_TIME:
        return subject.taught, subject.rows, "the reference is the rows that taught the model"
    observed = pd.to_datetime(subject.rows["as_of"])
    since = observed.max() - pd.DateOffset(months=RECENT_MONTHS)
    before, after = subject.rows[observed <= since], subject.rows[observed > since]
    if before.empty:
        return NotApplicable(f"all rows were observed within {RECENT_MONTHS} months")
    return before, after, f"the rows of the last {RECENT_MONTHS} months against those before {since.date()}"


def _features_of(subject: Subject, before: pd.DataFrame, after: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers = subject.served.model.numbers
    if subject.kind is Kind.OUT_OF_TIME:
        return numbers(subject.taught_frame), numbers(subject.frame)
    return numbers(subject.frame.loc[before.index]), numbers(subject.frame.loc[after.index])


def _index(bins: Bins, before: pd.DataFrame, after: pd.DataFrame, values: Floats) -> tuple[float, float]:
    chance = by_chance(bins, reference=before["group"].nunique(), actual=after["group"].nunique())
    return stability_index(bins, values), chance


def _interval(index: float, chance: float) -> tuple[float, float, float]:
    """The index between what is left of it beyond chance, and itself: chance only ever adds to it."""
    return index, max(index - chance, 0.0), index
