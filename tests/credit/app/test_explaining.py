"""`credit score explain`: the way to the score adds up, and what would change it is said in words."""

from __future__ import annotations

import math
from typing import Any

import pytest

from credit.app.explaining import feature_value
from credit.app.waterfall import page
from credit.domain.errors import UnknownName
from features.derived import following


@pytest.fixture
def supplier(demo_said) -> str:
    return str(demo_said["next"][0].split()[-1])


def test_the_way_from_the_reference_to_the_firm_adds_up_by_reason_and_by_feature(supplier, credit):
    said = credit("score", "explain", supplier, "--json").json
    reached = said["reference"]["log_odds"] + sum(r["log_odds"] for r in said["reasons"])
    assert reached == pytest.approx(said["log_odds"], abs=1e-4)
    assert 1 / (1 + math.exp(-said["log_odds"])) == pytest.approx(said["pd"], abs=1e-6)
    assert said["reference"]["rows"] > 0
    for reason in said["reasons"]:
        behind = sum(f["log_odds"] for f in reason["features"])
        assert behind == pytest.approx(reason["log_odds"], abs=1e-4)
    weights = [abs(r["log_odds"]) for r in said["reasons"]]
    assert weights == sorted(weights, reverse=True)


def test_an_explanation_fits_eighty_columns_and_needs_no_colour(supplier, credit):
    for more in ((), ("--features",)):
        said = credit("score", "explain", supplier, *more)
        assert said.code == 0 and "\033" not in said.out
        bars = [line for line in said.out.splitlines() if line.endswith(("+", "-", "|"))]
        assert len(bars) > 2 and max(map(len, bars)) <= 80


def test_a_decision_stands_on_what_the_explanation_says(supplier, credit):
    explained = credit("score", "explain", supplier, "--json").json
    decided = credit("line", "decide", supplier, "--json").json
    toward = [(r["code"], r["log_odds"]) for r in explained["reasons"] if r["log_odds"] > 0][:4]
    assert [(r["code"], r["log_odds"]) for r in decided["reasons"]] == toward
    assert [decided[name] for name in ("pd", "grade", "score")] == [explained[n] for n in ("pd", "grade", "score")]


def test_a_what_if_says_what_follows_and_what_moves(supplier, credit):
    now = credit("score", "explain", supplier, "--json").json
    said = credit("score", "explain", supplier, "--what-if", "paid_amount_sum_12m=1,000,000.50", "--json").json
    assert said["pd"] == now["pd"] and said["what_if"]["pd"] is not None
    [given] = said["what_if"]["given"]
    assert given["value"] == 100_000_050 and given["unit"] == "fen"
    followed = {f["name"] for f in said["what_if"]["followed"]}
    assert followed and followed <= {f.name for f in following(["paid_amount_sum_12m"])}
    page = credit("score", "explain", supplier, "--what-if", "paid_amount_sum_12m=1000000").out
    assert "If it were so: PD" in page and "1,000,000 yuan" in page


def test_a_what_if_of_what_is_already_so_changes_nothing(supplier, credit):
    now = credit("score", "explain", supplier, "--json").json
    known = {f["name"]: f for r in now["reasons"] for f in r["features"] if f["unit"] == "days"}
    name, feature = next(iter(known.items()))
    value = "missing" if feature["value"] is None else feature["value"]
    said = credit("score", "explain", supplier, "--what-if", f"{name}={value}", "--json").json["what_if"]
    assert said["pd"] == now["pd"] and said["reasons"] == [] and said["followed"] == []


def test_what_would_reach_the_next_grade_does(supplier, credit):
    said = credit("score", "explain", supplier, "--json").json
    aim = said["next_grade"]
    assert aim["grade"] < said["grade"]
    for proposal in aim["proposals"]:
        assert proposal["pd"] <= aim["pd_max"]
        asked = []
        for move in proposal["moves"]:
            value = move["value"] / 100 if move["unit"] == "fen" else move["value"]
            asked += ["--what-if", f"{move['name']}={value}"]
        again = credit("score", "explain", supplier, *asked, "--json").json["what_if"]
        assert again["pd"] == proposal["pd"] and again["grade"] <= aim["grade"]


def test_a_feature_that_does_not_exist_names_the_nearest(supplier, credit):
    said = credit("score", "explain", supplier, "--what-if", "paid_amount_sum_12=5")
    assert said.code == 1 and "paid_amount_sum_12m" in said.err


@pytest.mark.parametrize("words", ["paid_amount_sum_12m", "paid_amount_sum_12m=much", "paid_momentum_3m=30"])
def test_a_value_that_a_feature_cannot_have_is_a_usage_error(words, supplier, credit):
    assert credit("score", "explain", supplier, "--what-if", words).code == 2


def test_amounts_are_written_in_yuan_and_shares_as_fractions():
    assert feature_value("paid_amount_sum_12m=912,000.50") == ("paid_amount_sum_12m", 91_200_050)
    assert feature_value("paid_momentum_3m = 0.3") == ("paid_momentum_3m", 0.3)
    assert math.isnan(feature_value("paid_momentum_3m=missing")[1])
    for wrong in ("paid_momentum_3m=1.01", "paid_momentum_3m=-0.01", "paid_amount_sum_12m=nan"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            feature_value(wrong)
    with pytest.raises(UnknownName):
        feature_value("luck=1")


def explanation(**changes: Any) -> dict[str, Any]:
    """A document as `explain_score` answers it."""
    late = {"name": "delivery_late_share_12m", "value": 0.4, "unit": "share", "risk": "rises", "log_odds": 0.8}
    reason = {"zh": "交货延迟", "en": "late deliveries", "advice_zh": "按期交货", "advice_en": "deliver on time"}
    return {
        "supplier_id": "S1",
        "as_of": "2026-10-31",
        "model": {"name": "loan_default.platform", "version": 1},
        "unscorable": None,
        **{"pd": 0.0474, "grade": "R07", "score": 577, "log_odds": -3.0},
        "reference": {"log_odds": -4.0, "pd": 0.018, "rows": 1234},
        "reasons": [
            {"code": "DEL", **reason, "log_odds": 1.2, "features": [late]},
            {"code": "ACT", **reason, "en": "low activity", "log_odds": -0.197, "features": []},
            {"code": "CAP", **reason, "log_odds": -0.003, "features": []},
        ],
        "what_if": None,
        "next_grade": None,
        **changes,
    }


def test_a_waterfall_goes_up_toward_risk_and_down_away_from_it(capsys):
    page(explanation(), features=False)
    lines = capsys.readouterr().out.splitlines()
    start, up, down, small, end = (line for line in lines if line.endswith(("+", "-", "|")))
    assert start.startswith("mean of 1,234 approved cases") and end.startswith("this supplier")
    assert up.index("+" * 10) == start.index("|") and "1 smaller reasons" in small
    assert down.rstrip().endswith("-") and len(up) <= 80


def test_features_stand_under_their_reason_with_value_unit_and_direction(capsys):
    page(explanation(), features=True)
    assert "delivery_late_share_12m" in (said := capsys.readouterr().out) and "40.0 %, risk +" in said


def test_a_firm_that_nothing_realistic_helps_is_told_so(capsys):
    aim = {"grade": "R06", "pd_max": 0.0353, "lowest_pd": 0.041, "better_than_max": 0.75, "proposals": []}
    page(explanation(next_grade=aim), features=False)
    assert "No realistic change of one or two quantities reaches R06" in capsys.readouterr().out
