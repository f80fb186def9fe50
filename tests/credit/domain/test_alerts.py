"""Alert rules and alerts: what each says, its stable id, when its owner has to have looked, and in what order."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from credit.domain.alerts import (
    RESPONSES,
    RULES,
    Alert,
    Response,
    Severity,
    in_order,
    raised,
    refuse_incomplete,
    rule_named,
    version_on,
)
from credit.domain.errors import PolicyBroken
from credit.domain.packs import read_parameters
from credit.domain.policy.terms import Dated

FILE = Path(__file__).resolve().parents[3] / "credit" / "parameters" / "alerts.toml"
PARAMETERS = read_parameters(tomllib.loads(FILE.read_text(encoding="utf-8")), file=FILE.name)
DAY = date(2025, 6, 30)
TERMS = {name: each.on(DAY) for name, each in PARAMETERS.items()}
LINES = pd.DataFrame(
    {
        "line_id": ["L1", "L2"],
        "supplier_id": ["S1", "S2"],
        "contract_id": ["C1", None],
        "since": [date(2025, 1, 31)] * 2,
    }
)
FOUND = {
    "line_id": "L1",
    "rule": "EW-LATE",
    "about": "D1",
    "table": "deliveries",
    "records": ["D1"],
    "contract_id": "C1",
    "happened_on": date(2025, 3, 26),
    "known_on": date(2025, 3, 28),
    "observed": 16.0,
}


def alerts(*changes):
    return raised(pd.DataFrame([FOUND | each for each in changes or ({},)]), LINES, TERMS, version="v")


def test_every_rule_is_said_in_both_languages_with_what_a_person_can_do():
    for rule in RULES:
        assert all((rule.zh, rule.en, rule.advice_zh, rule.advice_en, rule.reference))
        assert rule.reference.startswith("DOMAIN 5.7")
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_only_a_red_alert_freezes_and_every_red_one_does():
    assert all((rule.severity is Severity.RED) == (rule.response is Response.FREEZE) for rule in RULES)
    assert all((rule.severity is Severity.WATCH) == (rule.response is Response.WATCH) for rule in RULES)
    assert set(RESPONSES) == {rule.response for rule in RULES}


def test_the_rules_stand_from_the_worst_down():
    severities = [rule.severity for rule in RULES]
    assert severities == sorted(severities, reverse=True)


def test_a_code_that_is_no_rule_has_none():
    assert rule_named("EW-LATE").code == "EW-LATE"
    with pytest.raises(KeyError):
        rule_named("EW-NOTHING")


def test_an_alert_says_what_was_found_and_when_somebody_looks():
    (alert,) = alerts()
    assert (alert.severity, alert.action, alert.owner) == ("AMBER", "REVIEW", "analyst")
    assert (alert.raised_on, alert.due_on) == (date(2025, 3, 28), date(2025, 4, 2))
    assert json.loads(alert.evidence) == {
        "table": "deliveries",
        "records": ["D1"],
        "contract_id": "C1",
        "happened_on": "2025-03-26",
        "known_on": "2025-03-28",
        "observed": 16,
        "unit": "days late",
        "required": {"delivery_late_days": 15},
    }


def test_the_same_event_is_the_same_alert_on_another_night_and_under_other_parameters():
    (first,) = alerts()
    (second,) = raised(pd.DataFrame([FOUND | {"observed": 17.0}]), LINES, TERMS | {"amber_look_days": 9}, version="w")
    assert first.alert_id == second.alert_id


def test_another_rule_line_or_event_is_another_alert():
    ids = [each.alert_id for each in alerts({}, {"rule": "EW-UNFINISHED"}, {"line_id": "L2"}, {"about": "D2"})]
    assert len(set(ids)) == 4


def test_what_is_on_no_contract_is_on_that_of_the_line_where_it_has_one():
    on = {
        each.line_id: each.contract_id for each in alerts({"contract_id": None}, {"contract_id": None, "line_id": "L2"})
    }
    assert on == {"L1": "C1", "L2": None}


def test_what_was_known_before_is_raised_on_the_day_after_the_line_began():
    (alert,) = alerts({"happened_on": date(2024, 5, 1), "known_on": date(2024, 5, 1)})
    assert alert.raised_on == date(2025, 2, 1)


def test_the_worst_come_first_and_of_those_the_oldest():
    late = {"rule": "EW-LISTED", "happened_on": date(2025, 6, 1), "known_on": date(2025, 6, 1)}
    earlier = {"about": "D0", "known_on": date(2025, 3, 27)}
    said = alerts({}, earlier, late)
    assert [(each.rule, each.raised_on.day) for each in said] == [("EW-LISTED", 1), ("EW-LATE", 27), ("EW-LATE", 28)]
    assert in_order(said[::-1]) == said


def test_an_alert_is_read_as_it_was_written():
    found = alerts({}, {"line_id": "L2", "contract_id": None})
    assert [Alert.read(json.loads(json.dumps(asdict(each), default=str))) for each in found] == found


def test_nothing_found_raises_nothing():
    assert raised(pd.DataFrame(columns=list(FOUND)), LINES, TERMS, version="v") == []


def test_a_value_that_begins_later_leaves_the_version_as_it_is():
    days = PARAMETERS["delivery_late_days"]
    later = {**PARAMETERS, days.name: replace(days, values=(*days.values, Dated(date(2026, 1, 1), 10)))}
    assert version_on(later, DAY) == version_on(PARAMETERS, DAY)
    assert version_on(later, date(2026, 1, 1)).startswith("2026-01-01-")


def test_the_file_that_ships_has_what_the_rules_read_and_nothing_else():
    refuse_incomplete(PARAMETERS, FILE.name)


def test_a_parameter_that_is_missing_or_that_no_rule_reads_is_named():
    without = {name: each for name, each in PARAMETERS.items() if name != "enquiries"}
    with pytest.raises(PolicyBroken, match="'enquiries' is missing"):
        refuse_incomplete(without, FILE.name)
    with pytest.raises(PolicyBroken, match="no alert rule reads parameter 'enquires'"):
        refuse_incomplete({**PARAMETERS, "enquires": PARAMETERS["enquiries"]}, FILE.name)


def test_no_parameter_of_the_rules_differs_by_region():
    days = PARAMETERS["delivery_late_days"]
    regional = replace(days, values=(*days.values, Dated(date(2016, 1, 1), 10, "33")))
    with pytest.raises(PolicyBroken, match="cannot differ by region"):
        refuse_incomplete({**PARAMETERS, days.name: regional}, FILE.name)
