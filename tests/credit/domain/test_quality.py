from __future__ import annotations

import math
from datetime import date

import pytest

from credit.domain.errors import PolicyBroken
from credit.domain.policy.terms import Dated, Parameter
from credit.domain.quality import CHECKS, judged, refuse_incomplete

TERMS = {
    "rows_share_low": {"warn": 0.3, "stop": 0.02},
    "refused_files": {"warn": 1, "stop": 3},
    "duplicate_share": {"warn": 0.5},
    "score_psi": {"stop": 0.25},
}


def parameters(**other: object) -> dict[str, Parameter]:
    value = {"warn": 1.0}
    named = {check.name: value for check in CHECKS} | other
    return {
        name: Parameter(name, "unit", "reference", (Dated(date(2016, 1, 1), each),))  # type: ignore[arg-type]
        for name, each in named.items()
    }


@pytest.mark.parametrize(
    ("check", "value", "verdict"),
    [
        ("refused_files", 0.0, "PASS"),
        ("refused_files", 1.0, "WARN"),
        ("refused_files", 2.0, "WARN"),
        ("refused_files", 3.0, "STOP"),
        ("rows_share_low", 0.31, "PASS"),
        ("rows_share_low", 0.3, "WARN"),
        ("rows_share_low", 0.02, "STOP"),
        ("duplicate_share", 1.0, "WARN"),
        ("score_psi", 0.24, "PASS"),
        ("score_psi", 0.25, "STOP"),
    ],
)
def test_a_threshold_is_reached_from_its_own_side(check, value, verdict):
    (found,) = judged([(check, "all", value)], TERMS)
    assert (found.verdict, found.value, found.stop) == (verdict, value, TERMS[check].get("stop"))


def test_what_nobody_measured_says_nothing():
    assert judged([("score_psi", "platform", None), ("score_psi", "invoice", math.nan)], TERMS) == []


def test_the_worst_comes_first():
    measured = [
        ("score_psi", "b", 0.0),
        ("refused_files", "inbox", 1.0),
        ("score_psi", "a", 0.3),
        ("score_psi", "c", 0.0),
    ]
    assert [each.about for each in judged(measured, TERMS)] == ["a", "inbox", "b", "c"]


def test_every_check_has_thresholds_and_nothing_else_has():
    refuse_incomplete(parameters(), "night.toml")
    missing = parameters()
    del missing["score_psi"]
    with pytest.raises(PolicyBroken, match="'score_psi' is missing"):
        refuse_incomplete(missing, "night.toml")
    with pytest.raises(PolicyBroken, match="reads parameter 'scores_psi'"):
        refuse_incomplete(parameters(scores_psi={"warn": 1}), "night.toml")


@pytest.mark.parametrize("value", [1.0, {}, {"warn": 1, "halt": 2}])
def test_thresholds_are_told_as_such(value):
    with pytest.raises(PolicyBroken, match="'score_psi' says no thresholds"):
        refuse_incomplete(parameters(score_psi=value), "night.toml")
