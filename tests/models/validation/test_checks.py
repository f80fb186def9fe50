"""Each check: what is right passes, and what is wrong in just this respect is found."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from credit.domain.errors import PolicyBroken
from models.validation import calibration, comparison, losses, ranking, segments, soundness, stability
from models.validation.check import Check, Verdict, refuse_incomplete
from models.validation.measures import perfect_ece
from models.validation.run import CHECKS, run
from models.validation.subject import Kind, Losses, Subject


def verdict(check: Check, subject: Subject) -> Verdict:
    return check.ask(subject).verdict


def stretched(scores: pd.Series, by: float) -> np.ndarray:
    odds = np.log(scores / (1 - scores))
    return (1 / (1 + np.exp(-by * odds))).to_numpy()


@pytest.fixture
def quickly(monkeypatch):
    """Train again on few rows and on folds that are drawn once."""
    monkeypatch.setattr(soundness, "ROWS_TAUGHT_AGAIN", 600)
    monkeypatch.setattr(soundness, "ROWS_DEALT", 300)
    monkeypatch.setattr("models.pd_model.REPEATS", ())


QUICK = [check for check in CHECKS if check.name not in ("seeds", "shuffled_labels", "monotone")]


@pytest.mark.parametrize("check", QUICK, ids=lambda check: check.name)
def test_a_sound_model_passes(sound, check):
    assert verdict(check, sound) in (Verdict.PASS, Verdict.NOT_APPLICABLE)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_says_what_it_is(check):
    assert check.zh and check.en and check.statistic and check.thresholds
    assert check.statement.endswith(".")


def test_no_two_checks_share_a_name():
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_scores_of_chance_do_not_rank(judged):
    chance = judged(score=np.random.default_rng(0).random(1_500))
    for check in (ranking.ranks_bad_above_good, ranking.gini_is_enough, ranking.bad_and_good_lie_apart):
        assert verdict(check, chance) is Verdict.FAIL
    assert verdict(ranking.ranks_in_every_year, chance) in (Verdict.WARN, Verdict.FAIL)


def test_probabilities_that_are_half_of_what_happens_are_understated(judged, sound):
    half = judged(score=sound.scores / 2)
    assert verdict(calibration.as_many_turn_out_bad_as_expected, half) is Verdict.FAIL
    assert verdict(calibration.errs_no_more_than_a_perfect_model, half) is Verdict.FAIL
    assert verdict(calibration.no_grade_is_worse_than_it_says, half) is Verdict.FAIL
    assert verdict(calibration.no_year_was_worse_than_it_was_said_to_be, half) is Verdict.WARN
    assert verdict(segments.no_segment_is_worse_than_it_says, half) is Verdict.WARN


def test_probabilities_that_are_twice_what_happens_are_overstated_and_no_grade_is_understated(judged, sound):
    twice = judged(score=np.minimum(sound.scores * 2, 0.99))
    assert verdict(calibration.as_many_turn_out_bad_as_expected, twice) is Verdict.FAIL
    assert verdict(calibration.no_grade_is_worse_than_it_says, twice) is Verdict.PASS


@pytest.mark.parametrize("by", [0.5, 2.0])
def test_odds_that_are_squeezed_or_stretched_are_found(judged, sound, by):
    scores = stretched(sound.rows["score"], by)
    assert verdict(calibration.odds_are_neither_stretched_nor_squeezed, judged(score=scores)) is Verdict.FAIL


def test_a_few_rows_fail_nothing_that_they_cannot_show(judged, sound):
    few = replace(sound, rows=sound.rows.head(60), frame=sound.frame.head(60))
    few = replace(few, rows=few.rows.assign(score=few.rows["score"] * 0.8))
    for check in (calibration.as_many_turn_out_bad_as_expected, calibration.no_grade_is_worse_than_it_says):
        assert verdict(check, few) in (Verdict.PASS, Verdict.WARN)


def test_a_perfect_model_errs_less_on_more_rows():
    scores = np.random.default_rng(1).beta(1, 9, 20_000)
    assert perfect_ece(scores) < perfect_ece(scores[:500]) / 4


def test_grades_that_are_turned_round_are_found(judged, sound):
    names = dict(zip(sorted(set(sound.rows["grade"])), sorted(set(sound.rows["grade"]), reverse=True), strict=True))
    turned = judged(grade=sound.rows["grade"].map(names))
    assert verdict(calibration.a_worse_grade_has_a_higher_rate, turned) is Verdict.FAIL


def test_scores_that_move_with_time_are_unstable(judged, sound):
    days = pd.to_datetime(sound.rows["as_of"])
    late = (days > days.max() - pd.DateOffset(months=12)).to_numpy()
    moved = judged(score=np.where(late, stretched(sound.rows["score"], 0.2), sound.scores))
    assert verdict(stability.the_scored_are_still_those_of_the_reference, moved) is Verdict.FAIL


def test_a_feature_that_moves_warns_and_is_named(sound):
    days = pd.to_datetime(sound.rows["as_of"])
    late = (days > days.max() - pd.DateOffset(months=12)).to_numpy()
    moved = replace(sound, frame=sound.frame.assign(noise=sound.frame["noise"] + late))
    found = stability.features_are_still_those_of_the_reference.ask(moved)
    assert found.verdict is Verdict.WARN and "noise" in found.why


def test_later_rows_are_held_against_those_that_taught(sound):
    later = replace(sound, kind=Kind.OUT_OF_TIME, rows=sound.rows.assign(score=stretched(sound.rows["score"], 0.2)))
    found = stability.the_scored_are_still_those_of_the_reference.ask(later)
    assert found.verdict is Verdict.FAIL and "taught" in found.why


def test_rows_of_one_day_have_no_stability_and_no_years(sound):
    undated = replace(sound, served=replace(sound.served, card={**sound.served.card, "dated": False}))
    one_day = replace(undated, rows=undated.rows.assign(as_of=undated.rows["as_of"].iloc[0]))
    assert verdict(stability.the_scored_are_still_those_of_the_reference, one_day) is Verdict.NOT_APPLICABLE
    assert verdict(ranking.ranks_in_every_year, one_day) is Verdict.NOT_APPLICABLE


def test_directions_that_are_kept_pass_and_those_that_are_turned_round_fail(sound):
    assert verdict(soundness.risk_never_moves_against_a_direction, sound) is Verdict.PASS
    card = {**sound.served.card, "directions": {"late": -1, "paid": -1}}
    turned = replace(sound, served=replace(sound.served, card=card))
    found = soundness.risk_never_moves_against_a_direction.ask(turned)
    assert found.verdict is Verdict.FAIL and "late" in found.why


def test_another_seed_ranks_alike_and_shuffled_outcomes_teach_nothing(sound, quickly):
    assert verdict(soundness.another_seed_ranks_alike, sound) is Verdict.PASS
    assert verdict(soundness.nothing_is_learned_from_shuffled_outcomes, sound) is Verdict.PASS


def test_a_feature_that_holds_the_outcome_is_found(sound):
    noise = 0.1 * np.random.default_rng(0).random(1_500)
    leaking = replace(sound, frame=sound.frame.assign(noise=sound.labels + noise))
    found = soundness.no_feature_knows_the_outcome.ask(leaking)
    assert found.verdict is Verdict.FAIL and "noise" in found.why


def test_a_list_that_is_sorted_by_its_outcome_warns(sound):
    ordered = sound.rows.sort_values("happened", kind="stable").index
    ids = pd.Series([f"E{place}" for place in range(1_500)], index=ordered)
    assert verdict(soundness.ids_know_nothing, replace(sound, rows=sound.rows.assign(supplier_id=ids))) is Verdict.WARN


def test_training_rows_that_come_out_otherwise_fail(sound):
    other = replace(sound, taught_frame=sound.taught_frame.assign(noise=0.0))
    assert verdict(soundness.the_training_rows_are_what_they_were, other) is Verdict.FAIL


def test_a_rival_that_ranks_better_is_found_and_one_that_is_not_there_does_not_apply(sound):
    better = replace(sound, rows=sound.rows.assign(scorecard=sound.labels), rivals=("scorecard",))
    assert verdict(comparison.ranks_no_worse_than_the_scorecard, better) is Verdict.FAIL
    assert verdict(comparison.ranks_no_worse_than_the_scorecard, sound) is Verdict.NOT_APPLICABLE


def test_a_champion_is_compared_where_it_had_not_learned(sound):
    known = np.where(np.arange(1_500) % 2, np.nan, sound.scores)
    as_good = replace(sound, rows=sound.rows.assign(champion=known), champion=1)
    found = comparison.ranks_no_worse_than_the_champion.ask(as_good)
    assert (found.verdict, found.found.rows, found.found.value) == (Verdict.PASS, 750, 0.0)
    perfect = replace(sound, rows=sound.rows.assign(champion=sound.labels), champion=1)
    assert verdict(comparison.ranks_no_worse_than_the_champion, perfect) is Verdict.FAIL
    assert verdict(comparison.ranks_no_worse_than_the_champion, replace(sound, champion=2)) is Verdict.NOT_APPLICABLE


def test_those_who_are_swapped_in_and_turn_out_worse_warn(sound):
    clever = np.where(sound.labels == 1, 0.5, 0.01)
    swapped = replace(sound, rows=sound.rows.assign(champion=clever, champion_long_run=clever), champion=1)
    found = comparison.who_is_swapped_in_is_no_worse_than_who_is_swapped_out.ask(swapped)
    assert found.verdict is Verdict.WARN
    assert sum(row["rows"] for row in found.found.table) == 1_500


def test_a_segment_whose_good_firms_are_turned_down_warns(judged, sound):
    micro = (sound.rows["size"] == "MICRO").to_numpy()
    found = segments.good_firms_are_approved_alike.ask(judged(score=np.where(micro, 0.9, 0.01)))
    assert found.verdict is Verdict.WARN and found.why == "size MICRO"


def test_losses_as_priced_pass_and_twice_as_high_warn(sound):
    cases = pd.DataFrame({"group": [f"E{n}" for n in range(40)], "share": [1.0, 0.0] * 20})

    def priced(at: float) -> Subject:
        return replace(sound, losses=(Losses("loss_given_default of turnover_line", at, cases),))

    check = losses.no_more_is_lost_than_is_priced_in
    assert verdict(check, priced(0.5)) is Verdict.PASS
    assert verdict(check, priced(0.2)) is Verdict.WARN
    few = replace(sound, losses=(Losses("loss_given_default of turnover_line", 0.2, cases.head(5)),))
    assert verdict(check, few) is Verdict.NOT_APPLICABLE


def test_a_validation_says_of_each_check_what_it_was_held_against(sound, quickly):
    document = json.loads(json.dumps(run(sound), allow_nan=False))
    assert document["passed"]
    assert [result["check"] for result in document["results"]] == [check.name for check in CHECKS]
    for result in document["results"]:
        assert result["source"] and result["fingerprint"] == sound.fingerprint
        assert result["verdict"] == "not applicable" or result["value"] is not None
        assert result["at_least"] is not None or result["at_most"] is not None


def test_a_check_that_is_needed_and_has_no_answer_keeps_a_model_from_passing(sound, monkeypatch):
    monkeypatch.setattr("models.validation.run.CHECKS", (soundness.risk_never_moves_against_a_direction,))
    card = {**sound.served.card, "directions": {}}
    assert not run(replace(sound, served=replace(sound.served, card=card)))["passed"]


def test_a_threshold_that_is_missing_or_that_nobody_reads_is_refused(sound):
    refuse_incomplete(CHECKS, sound.thresholds, "validation.toml")
    less = {name: value for name, value in sound.thresholds.items() if name != "auc_min"}
    with pytest.raises(PolicyBroken, match="'auc_min' is missing"):
        refuse_incomplete(CHECKS, less, "validation.toml")
    with pytest.raises(PolicyBroken, match="no check reads parameter 'auc_minimum'"):
        refuse_incomplete(CHECKS, {**sound.thresholds, "auc_minimum": sound.thresholds["auc_min"]}, "validation.toml")


# -- looking back ------------------------------------------------------------------------------------------------------


def test_what_was_forecast_of_years_nobody_had_seen_is_tested_back(sound):
    checks = (
        calibration.as_many_turned_out_bad_as_was_forecast,
        calibration.forecast_odds_were_neither_stretched_nor_squeezed,
        ranking.forecasts_ranked_bad_above_good,
    )
    assert all(verdict(each, sound) is Verdict.NOT_APPLICABLE for each in checks)
    forecast = np.where(np.arange(len(sound.taught)) < 1_000, sound.taught["truth"], np.nan)
    right = replace(sound, taught=sound.taught.assign(out_of_time=forecast))
    assert [verdict(each, right) for each in checks] == [Verdict.PASS] * 3
    assert checks[0].ask(right).found.rows == 1_000
    far_too_low = replace(sound, taught=sound.taught.assign(out_of_time=forecast / 4))
    assert verdict(checks[0], far_too_low) is Verdict.WARN
    turned = replace(sound, taught=sound.taught.assign(out_of_time=1 - forecast))
    assert verdict(checks[2], turned) is Verdict.FAIL


def test_cut_offs_and_grades_read_the_probability_of_the_long_run(sound):
    anchor = {"log_odds_shift": -10.0}
    lower = replace(sound, served=replace(sound.served, card={**sound.served.card, "anchor": anchor}))
    assert (lower.long_run < sound.long_run).all() and sound.long_run == pytest.approx(sound.scores)
    # What was said out of fold was not moved to the newest year, as what serves is.
    moved = {**sound.served.card, "anchor": anchor, "recent": {"shift": 4.0}}
    unmoved = replace(sound, served=replace(sound.served, card=moved))
    assert (unmoved.long_run > lower.long_run).all()
    assert replace(unmoved, kind=Kind.OUT_OF_TIME).long_run == pytest.approx(lower.long_run)
    found = segments.good_firms_are_approved_alike.ask(lower).found
    assert all(row["approved"] == 1 for row in found.table)
