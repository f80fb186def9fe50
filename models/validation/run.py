"""All checks in order, and whether a version may be put forward for approval."""

from __future__ import annotations

from typing import Any

from credit.domain.progress import Progress, silent
from models.validation import calibration, comparison, losses, ranking, segments, soundness, stability
from models.validation.check import Check, Result, Verdict
from models.validation.subject import Subject

CHECKS: tuple[Check, ...] = (
    ranking.ranks_bad_above_good,
    ranking.gini_is_enough,
    ranking.bad_and_good_lie_apart,
    ranking.ranks_in_every_year,
    ranking.forecasts_ranked_bad_above_good,
    calibration.as_many_turn_out_bad_as_expected,
    calibration.odds_are_neither_stretched_nor_squeezed,
    calibration.as_many_turned_out_bad_as_was_forecast,
    calibration.forecast_odds_were_neither_stretched_nor_squeezed,
    calibration.errs_no_more_than_a_perfect_model,
    calibration.no_grade_is_worse_than_it_says,
    calibration.a_worse_grade_has_a_higher_rate,
    calibration.no_year_was_worse_than_it_was_said_to_be,
    stability.the_scored_are_still_those_of_the_reference,
    stability.features_are_still_those_of_the_reference,
    soundness.risk_never_moves_against_a_direction,
    soundness.another_seed_ranks_alike,
    soundness.nothing_is_learned_from_shuffled_outcomes,
    soundness.no_feature_knows_the_outcome,
    soundness.ids_know_nothing,
    soundness.the_training_rows_are_what_they_were,
    segments.no_segment_is_worse_than_it_says,
    segments.ranks_in_every_segment,
    segments.good_firms_are_approved_alike,
    comparison.ranks_no_worse_than_the_champion,
    comparison.ranks_no_worse_than_the_scorecard,
    *comparison.SIMPLE,
    comparison.who_is_swapped_in_is_no_worse_than_who_is_swapped_out,
    losses.no_more_is_lost_than_is_priced_in,
    losses.no_more_is_paid_than_is_priced_in,
)


def run(subject: Subject, progress: Progress = silent) -> dict[str, Any]:
    """Ask every check, and answer the document of the validation, JSON-ready.

    Passed has a version of which no check failed and every needed one had an answer.
    """
    results = []
    for place, each in enumerate(CHECKS):
        progress("checking the model", place, len(CHECKS))
        results.append(each.ask(subject))
    return {
        "model": subject.served.label,
        "as_of": str(subject.as_of),
        "judged_on": str(subject.kind),
        "rows": len(subject.rows),
        "firms": int(subject.rows["group"].nunique()),
        "bad": int(subject.labels.sum()),
        "first_observed": str(min(subject.rows["as_of"])),
        "last_observed": str(max(subject.rows["as_of"])),
        "input_fingerprint": subject.fingerprint,
        "passed": not any(failed(result) for result in results),
        "results": [{**result.document(), "failed": failed(result)} for result in results],
    }


def failed(result: Result) -> bool:
    """Whether a result keeps the version from passing: it failed, or was needed and had no answer."""
    unanswered = result.needed and result.verdict is Verdict.NOT_APPLICABLE
    return result.verdict is Verdict.FAIL or unanswered
