"""Comparison: against the champion, the scorecard and what is simple, paired on the same rows and resamples."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.peers import SCORECARD
from models.validation.check import Check, Found, NotApplicable, check
from models.validation.measures import METRICS, Flags, Floats, Measured, OutOfFold, interval
from models.validation.subject import Subject, held

CHAMPION, CHAMPION_LONG_RUN = "champion", "champion_long_run"


@check(
    "champion",
    zh="与现行模型比较",
    en="Against the champion",
    statistic="the champion's AUC less the model's on the same rows, paired",
    at_most="champion_lead_max",
)
def ranks_no_worse_than_the_champion(subject: Subject) -> Found | NotApplicable:
    """The model ranks no worse than the champion on rows that neither has learned."""
    if subject.champion is None:
        return NotApplicable("there is no champion yet")
    if subject.champion == subject.served.version:
        return NotApplicable("it is the champion itself")
    among = _judged_by_champion(subject)
    if not _of_both_kinds(subject, among):
        return NotApplicable("the champion has learned these rows, or scored too few of them")
    return _against(subject, CHAMPION, among, note=f"version {subject.champion}")


@check(
    "scorecard",
    zh="与评分卡比较",
    en="Against the scorecard",
    statistic="the scorecard's AUC less the model's on the same rows, paired",
    at_most="rival_lead_max",
)
def ranks_no_worse_than_the_scorecard(subject: Subject) -> Found | NotApplicable:
    """The model ranks no worse than the scorecard that a supervisor understands."""
    if SCORECARD not in subject.rivals:
        return NotApplicable("no scorecard was taught beside it; it comes with the extra [scorecard]")
    return _against(subject, SCORECARD)


def _simple(rival: str, zh: str, en: str) -> Check:
    @check(
        rival,
        zh=zh,
        en=en,
        statistic="its AUC less the model's on the same rows, paired",
        at_most="rival_lead_max",
    )
    def ranks_no_worse_than_what_is_simple(subject: Subject) -> Found | NotApplicable:
        """The model ranks no worse than what is far simpler."""
        return _against(subject, rival) if rival in subject.rivals else NotApplicable("it was not taught beside it")

    return ranks_no_worse_than_what_is_simple


SIMPLE: tuple[Check, ...] = (
    _simple("turnover_alone", "与单一营业额比较", "Against turnover alone"),
    _simple("logistic_regression", "与逻辑回归比较", "Against a logistic regression"),
)


@check(
    "swap_set",
    zh="换入换出分析",
    en="Swap set against the champion",
    statistic="default rate of the newly approved less that of the newly declined",
    at_most="swap_gap_max",
    decisive=False,
)
def who_is_swapped_in_is_no_worse_than_who_is_swapped_out(subject: Subject) -> Found | NotApplicable:
    """At the policy's cut-off those whom it would approve anew default no more often than those it would turn down."""
    if subject.champion in (None, subject.served.version):
        return NotApplicable("there is no other champion")
    if subject.pd_max is None:
        return NotApplicable("no policy has a cut-off for this target and kind of data")
    judged = _judged_by_champion(subject)
    now = subject.long_run <= subject.pd_max
    before = subject.rows[CHAMPION_LONG_RUN].to_numpy(dtype=float) <= subject.pd_max
    swapped_in, swapped_out = judged & now & ~before, judged & ~now & before
    parts = (("approved by both", judged & now & before), ("swapped in", swapped_in), ("swapped out", swapped_out),
             ("declined by both", judged & ~now & ~before))  # fmt: skip
    table = tuple(_part(subject, name, among) for name, among in parts)
    if not swapped_in.any() or not swapped_out.any():
        return NotApplicable("nobody is swapped in, or nobody out")

    def gap(labels: Floats, held: OutOfFold, weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = [weights[:, a] @ labels[a] / weights[:, a].sum(axis=1) for a in (swapped_in, swapped_out)]
        return rates[0] - rates[1]

    found = subject.measured(gap)
    return Found(found.value, found.low, found.high, int(judged.sum()), table=table)


def _part(subject: Subject, name: str, among: Flags) -> dict[str, Any]:
    rate = float(subject.labels[among].mean()) if among.any() else None
    return {"part": name, "rows": int(among.sum()), "bad": int(subject.labels[among].sum()), "rate": rate}


def _judged_by_champion(subject: Subject) -> Flags:
    return subject.rows[CHAMPION].notna().to_numpy()


def _of_both_kinds(subject: Subject, among: Flags) -> bool:
    bad = subject.labels[among].sum()
    return bool(0 < bad < among.sum())


def _against(subject: Subject, rival: str, among: Flags | None = None, note: str = "") -> Found:
    """A rival's AUC less the model's, and the same of the other measures beside it, all on the same resamples."""
    among = np.ones(len(subject.rows), dtype=bool) if among is None else among
    labels, weights = subject.labels[among], subject.weights[:, among]
    ours, theirs = held(subject.scores[among]), held(subject.rows[rival].to_numpy(dtype=float)[among])
    table, leads = [], {}
    for metric in METRICS:
        one, other = (metric.compute(labels, scored, weights) for scored in (ours, theirs))
        lead = Measured(float(other[0] - one[0]), *interval(other - one))
        leads[metric.name] = lead
        table.append({"measure": metric.name, "model": float(one[0]), "rival": float(other[0]), "lead": lead.value,
                      "low": lead.low, "high": lead.high})  # fmt: skip
    found = leads["auc"]
    return Found(found.value, found.low, found.high, int(among.sum()), note=note, table=tuple(table))
