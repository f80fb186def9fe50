"""The scorecard: it says what optbinning says, in plain numbers, and its points are those of the master scale."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from credit.domain.points import points
from models.scorer import Scorer

pytest.importorskip("optbinning", reason="the scorecard needs the extra `scorecard`")

from models.scorecard import Scorecard, binning

DIRECTIONS = {"late": 1, "paid": -1}


@pytest.fixture(scope="module")
def taught():
    rng = np.random.default_rng(1)
    rows = 1_500
    frame = pd.DataFrame(
        {
            "late": rng.exponential(5, rows),
            "paid": rng.lognormal(10, 1, rows),
            "currency": ["CNY"] * rows,
            "industry": rng.choice(["works", "goods", "services"], rows, p=[0.2, 0.5, 0.3]),
        }
    )
    frame.loc[rng.random(rows) < 0.1, "late"] = np.nan
    frame.loc[rng.random(rows) < 0.02, "industry"] = None
    odds = 0.25 * frame["late"].fillna(3) - 0.8 * (np.log(frame["paid"]) - 10) - 2.5 + (frame["industry"] == "works")
    happened = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return SimpleNamespace(card=Scorecard(DIRECTIONS).fit(frame, happened), frame=frame, happened=happened)


def test_each_column_adds_what_optbinning_says_of_it(taught):
    for name, missing in (("late", "empirical"), ("paid", 0), ("industry", 0)):
        levels = taught.card.scorer_.levels.get(name)
        bins = binning(taught.frame[name], taught.happened.astype(float), DIRECTIONS.get(name, 0), levels)
        column = (
            taught.frame[name].astype(object).where(taught.frame[name].notna(), None) if levels else taught.frame[name]
        )
        evidence = bins.transform(column.to_numpy(), metric="woe", metric_missing=missing)
        numbers = taught.card.scorer_.numbers(taught.frame)[name].to_numpy()
        added = taught.card.scorer_.linear.terms[name].added(numbers)
        weight = added @ evidence / (evidence @ evidence)
        assert weight < 0
        assert added == pytest.approx(weight * evidence, abs=1e-9)


def test_no_probability_goes_against_its_direction(taught):
    for name, direction in DIRECTIONS.items():
        grid = np.quantile(taught.frame[name].dropna(), np.linspace(0, 1, 50))
        for row in range(0, len(taught.frame), 150):
            moved = pd.concat([taught.frame.iloc[[row]]] * 50, ignore_index=True).assign(**{name: grid})
            assert (direction * np.diff(taught.card.predict_proba(moved)[:, 1]) >= 0).all()


def test_a_column_that_tells_nothing_is_not_on_the_card(taught):
    assert set(taught.card.points_["column"]) == {"", "late", "paid", "industry"}


def test_the_points_of_a_case_are_those_of_the_master_scale(taught):
    cases, table = taught.frame.head(100), taught.card.points_
    probability = taught.card.predict_proba(cases)[:, 1]
    explained = taught.card.scorer_.explain(cases).contributions
    everybody = table["points"].iloc[0]
    total = everybody - 40 / np.log(2) * explained.sum(axis=1).to_numpy()
    assert np.round(total).tolist() == pytest.approx(points(pd.Series(probability)).tolist(), abs=1)
    for name in ("late", "paid", "industry"):
        on_card = table.loc[table["column"] == name, "points"].to_numpy()
        of_cases = -40 / np.log(2) * explained[name].to_numpy()
        assert np.abs(of_cases[:, None] - on_card).min(axis=1) == pytest.approx(0, abs=1e-9)


def test_the_rows_of_each_column_are_all_rows(taught):
    counted = taught.card.points_.iloc[1:].groupby("column")["rows"].sum()
    assert (counted == len(taught.frame)).all()


def test_what_raises_the_pd_has_a_higher_default_rate(taught):
    table = taught.card.points_.iloc[1:]
    table = table[table["rows"] > 0]
    for _, bins in table[table["bin"] != "missing"].groupby("column"):
        assert (bins.sort_values("points")["default_rate"].diff().dropna() <= 0).all()


def test_it_survives_as_text(taught):
    again = Scorer.of(json.loads(json.dumps(taught.card.scorer_.said())), "")
    assert again == taught.card.scorer_
    assert (again.probabilities(taught.frame) == taught.card.predict_proba(taught.frame)[:, 1]).all()


def test_a_word_it_has_not_met_counts_as_missing(taught):
    strange, missing = (taught.frame.head(20).assign(industry=word) for word in ("mining", None))
    assert (taught.card.predict_proba(strange) == taught.card.predict_proba(missing)).all()
