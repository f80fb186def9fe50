"""Reasons: against the approved, at most four, toward risk; and what would change a score."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.domain.reasons import reason_for
from features.catalogue import CATALOGUE, catalogue_hash, feature_named, names
from features.derived import follow, following
from features.feature import RISES
from models.changes import smallest
from models.explain import _REASON_OF, UNKNOWN, by_reason, strongest, top_codes, top_reasons
from models.pd_model import PdModel
from models.reference import approved
from models.registry import Served
from models.scorer import Scorer
from models.scoring import probability_of

DRIVING = ("delivery_late_share_12m", "paid_amount_sum_12m", "paid_amount_sum_24m", "buyer_count_12m")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Firms by all features of the catalogue, a tenth of the values missing."""
    rng = np.random.default_rng(3)
    values = {
        f.name: rng.beta(1, 4, 600) if f.unit == "share" else np.floor(rng.lognormal(3, 1, 600)) for f in CATALOGUE
    }
    found = pd.DataFrame(values)
    return found.mask(rng.random(found.shape) < 0.1)


@pytest.fixture(scope="module")
def served(frame) -> Served:
    """A model that learned from these firms, of which those that deliver late and are paid little fail."""
    pushed = sum(int(feature_named(n).risk) * frame[n].rank(pct=True).fillna(0.5) for n in DRIVING)
    rng = np.random.default_rng(4)
    happened = (rng.random(len(frame)) < 1 / (1 + np.exp(-5 * (pushed - pushed.mean()) + 1))).astype(int)
    taught = frame[[name for place, name in enumerate(names()) if name in DRIVING or place % 8 == 0]]
    directions = {f.name: int(f.risk) for f in CATALOGUE if f.name in taught}
    model = PdModel(directions, {"learning_rate": 0.1}).fit(taught, happened)
    reference = approved(model.out_of_fold_, pd_max=0.1, rows_min=100)
    card = {"catalogue_sha256": catalogue_hash(), "anchor": {"log_odds_shift": -0.2}}
    return Served("x.platform", 1, "", model.scorer_.against(frame[reference]), card, frozenset())


def test_reference_and_contributions_add_up_to_the_log_odds(served, frame):
    for groups in (None, _REASON_OF):
        explained = served.model.explain(frame, groups)
        added = explained.base + explained.contributions.sum(axis=1)
        assert added.to_numpy() == pytest.approx(served.model.log_odds(frame), abs=1e-9)


def test_the_reference_population_has_no_reason_on_average(served, frame):
    taught = served.model.explain(frame).base
    alone = replace(served.model, reference=None).explain(frame).base
    assert taught < alone
    assert served.model.reference.rows >= 100


def test_a_reason_adds_what_its_features_add(served, frame):
    grouped, whole = by_reason(served, frame), served.model.explain(frame).contributions
    assert list(grouped.columns) == sorted({UNKNOWN, *(_REASON_OF[name] for name in whole)})
    for code in grouped.columns.drop(UNKNOWN):
        mine = [name for name in whole if _REASON_OF[name] == code]
        known = frame[mine].notna().any(axis=1)
        assert grouped[code].to_numpy() == pytest.approx(whole[mine].sum(axis=1).where(known, 0).to_numpy(), abs=1e-9)
    assert grouped.sum(axis=1).to_numpy() == pytest.approx(whole.sum(axis=1).to_numpy(), abs=1e-9)


def test_what_is_not_known_is_no_reason_of_its_own(served, frame):
    late = [name for name in served.model.columns if _REASON_OF[name] == "DEL"]
    silent = frame.assign(**dict.fromkeys(late, np.nan))
    assert (by_reason(served, silent)["DEL"] == 0).all()
    assert all("DEL" not in [code for code, _ in row] for row in top_reasons(served, silent))
    # What the model makes of it is not lost.
    assert by_reason(served, silent)[UNKNOWN].abs().max() > 0


def test_one_firm_has_the_reasons_that_it_has_among_many_to_the_byte(served, frame):
    many = top_reasons(served, frame)
    assert [top_reasons(served, frame.iloc[[row]])[0] for row in range(0, 600, 100)] == many[::100]
    codes = top_codes(served, frame)
    assert [[code for code, _ in row] for row in many] == [list(row[row.notna()]) for _, row in codes.iterrows()]


def test_a_firm_riskier_than_the_reference_always_has_a_reason(served, frame):
    riskier = frame[served.model.log_odds(frame) > served.model.explain(frame.head(1)).base]
    assert len(riskier) and all(top_reasons(served, riskier))


def test_no_firms_have_no_reasons(served, frame):
    assert top_reasons(served, frame.head(0)) == []
    assert top_codes(served, frame.head(0)).shape == (0, 4)


@given(st.lists(st.sampled_from([-1.0, 0.0, 4e-7, 0.25, 0.5, 0.5000001]), min_size=5, max_size=9))
def test_reasons_are_toward_risk_at_most_four_strongest_first_and_ties_fall_by_code(weights):
    codes = [f"R{place}" for place in range(len(weights))]
    places, found = strongest(pd.DataFrame([weights], columns=codes))
    kept = [(w, p) for p, w in zip(places[0].tolist(), found[0].tolist(), strict=True) if p >= 0]
    toward = sorted(((-round(w, 6), p) for p, w in enumerate(weights) if round(w, 6) > 0))
    assert kept == [(-w, p) for w, p in toward[:4]]


def test_the_model_keeps_its_reference_as_text(served, frame):
    said = json.loads(json.dumps(served.model.said()))
    again = Scorer.of(said, served.model.booster)
    assert again == served.model
    assert again.explain(frame.head(3)).contributions.equals(served.model.explain(frame.head(3)).contributions)


def test_approved_is_who_has_a_low_probability_out_of_fold():
    out_of_fold = np.array([0.01, 0.0191, 0.0192, np.nan])
    assert approved(out_of_fold, pd_max=0.0191, rows_min=1).tolist() == [True, True, False, False]


def test_where_few_are_that_good_the_best_stand_in():
    assert approved(np.array([0.5, 0.3, 0.4]), pd_max=0.01, rows_min=2).tolist() == [False, True, True]


@settings(max_examples=10)
@given(st.integers(0, 599), st.sampled_from([0.3, 0.6, 0.9]))
def test_proposals_do_what_they_say_and_no_more_than_is_realistic(served, frame, row, lowered):
    firm = frame.iloc[row]
    now = probability_of(served, frame.iloc[[row]])[0]
    proposals, lowest = smallest(served, firm, pd_max=now * lowered, better_than_max=0.75, change_max=np.inf, most=3)
    assert len(proposals) <= 3 and lowest <= now
    assert bool(proposals) == (lowest <= now * lowered)
    overtaken = [round(p.passed, 6) for p in proposals]
    assert overtaken == sorted(overtaken)
    for proposal in proposals:
        moved = frame.iloc[[row]].assign(**{m.feature.name: m.after for m in proposal.moves})
        assert probability_of(served, follow(moved, firm))[0] == proposal.pd <= now * lowered
        for move in proposal.moves:
            assert reason_for(move.feature.reason).actionable and (move.after - move.before) * move.feature.risk < 0
            seen = np.array(served.model.reference.quantiles[move.feature.name])
            assert move.after in seen
            assert np.mean(seen > move.after if move.feature.risk is not RISES else seen < move.after) >= 0.2


def test_a_model_without_a_reference_proposes_nothing(served, frame):
    bare = replace(served, model=replace(served.model, reference=None))
    assert smallest(bare, frame.iloc[0], pd_max=0.5, better_than_max=0.75, change_max=np.inf, most=3)[0] == []


def test_what_is_derived_follows_and_nothing_else_moves(frame):
    before = frame.iloc[0].fillna(2.0)
    rows = before.to_frame().T.assign(paid_amount_sum_12m=before["paid_amount_sum_12m"] * 2)
    after = follow(rows, before).iloc[0]
    assert after["receivable_overdue_to_paid"] == pytest.approx(
        before["receivable_overdue_amount"] / after["paid_amount_sum_12m"], rel=1e-8
    )
    moved = {name for name in names() if after[name] != before[name]}
    assert moved <= {"paid_amount_sum_12m", *(f.name for f in following(["paid_amount_sum_12m"]))}
    assert follow(before.to_frame().T, before).equals(before.to_frame().T)


def test_what_is_given_does_not_follow(frame):
    before = frame.iloc[0].fillna(2.0)
    given_too = {"paid_amount_sum_12m": 7.0, "receivable_overdue_to_paid": 0.5}
    rows = before.to_frame().T.assign(**given_too)
    assert follow(rows, before, given_too)["receivable_overdue_to_paid"].iloc[0] == 0.5
