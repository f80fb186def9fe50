"""The record: complete, the same bytes each time, and no change to it goes unseen."""

from __future__ import annotations

import copy
import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.record import canonical, differences, plain, record, records, said

GOLDEN = Path(__file__).parent / "golden"
CONTEXT = {
    "application": {"supplier_id": "S000123", "contract_id": None, "requested_fen": 30_000_000},
    "decided_at": "2026-07-01T01:00:00+00:00",
    "pd_horizon_months": 12,
    "unscorable": None,
    "model": {"name": "loan_default.platform", "version": 1},
    "ledger": {"version": 7},
    "features": {"paid_amount_sum_12m": 300_000_000},
    "reasons": [],
}
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
CONTENT = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def leaves(content, path=()):
    """The path of every leaf."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    found = [deeper for key, value in inside for deeper in leaves(value, (*path, key))]
    return found or [path]


def changed(content, path, value):
    """A copy with one leaf set to another value."""
    if not path:
        return value
    copied = copy.deepcopy(content)
    place = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copied


@pytest.fixture(scope="module")
def line(ask):
    return record(ask("platform-line"), 0, CONTEXT)


@pytest.mark.parametrize("name", ["platform-line", "advance-payment-guarantee", "contract-loan"])
def test_what_a_record_says_is_as_reviewed(ask, name):
    """The golden file is indented to be reviewed; where it differs on purpose, write it anew with `indent=1`."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert canonical(record(ask(name), 0, CONTEXT)) == canonical(golden)


def test_the_records_of_a_frame_are_those_of_its_cases(pack, ask):
    decided = ask(pack, {}, {"pd": None}, {"pd": 0.9}, {"requested_fen": 1})
    contexts = {case: CONTEXT | {"application": {"supplier_id": f"S{case}"}} for case in decided.cases.index}
    assert records(decided, contexts) == [record(decided, case, context) for case, context in contexts.items()]


def test_a_record_is_json_and_reads_back_as_it_was_written(pack, ask):
    decided = ask(pack, {}, {"pd": None}, {"exposure_fen": None}, {"requested_fen": 1}, {"pd": 0.9})
    for case in decided.cases.index:
        made = record(decided, case, CONTEXT)
        assert canonical(json.loads(canonical(made))) == canonical(made)
        assert b"NaN" not in canonical(made)


def test_a_record_keeps_what_every_rule_observed_and_required(line):
    finding = next(each for each in line["findings"] if each["rule"] == "R-AUTHORITY")
    assert finding["observed"] == {"granted_fen": 30_000_000, "exposure_fen": 0, "group_exposure_fen": 0}
    assert finding["required"] == {"automatic_exposure_max_fen": 100_000_000}
    assert (finding["finding"], finding["outcome"]) == ("MET", None)


def test_a_record_keeps_all_that_the_application_brought(line):
    assert {"pd", "requested_fen", "exposure_fen", "portfolio_exposure_fen"} <= set(line["inputs"])


def test_a_record_keeps_what_its_pack_assumed(ask):
    assert record(ask("invoice-line"), 0, CONTEXT)["inputs"]["advances_held_fen"] == 0


def test_a_rule_that_is_not_asked_says_why(ask):
    def why(made):
        return {each["rule"]: each["why_not_applicable"] for each in made["findings"] if "why_not_applicable" in each}

    unscored = why(record(ask("platform-line", {"pd": None}), 0, CONTEXT))
    assert set(unscored) == {"R-VOIDED", "KO-SCORE", "KO-PRICE", "KO-MINIMUM", "R-AUTHORITY", "R-CUT-OFF"}
    assert "no score" in unscored["KO-SCORE"]
    assert "checked against contracts" in unscored["R-VOIDED"]


def test_a_missing_input_is_said_to_refer(ask):
    made = record(ask("platform-line", {"age_months": None}), 0, CONTEXT)
    finding = next(each for each in made["findings"] if each["rule"] == "KO-AGE")
    assert (finding["finding"], finding["outcome"], finding["observed"]) == ("MISSING", "REFER", {"age_months": None})


def test_a_regional_parameter_is_kept_with_all_its_values(ask):
    kept = record(ask("performance-guarantee"), 0, CONTEXT)["parameters"]["performance_security_max"]
    assert kept[-1] == {"from": "2022-07-01", "region": "33", "value": 0.01}


@pytest.mark.parametrize("given", [{"pd": 0.99}, {"pd": None}])
def test_a_record_that_grants_nothing_offers_nothing(ask, pack, given):
    made = record(ask(pack, given), 0, CONTEXT)
    assert made["amount_fen"] == 0
    assert [made[name] for name in ("yearly_rate_bp", "tenor_months", "conditions")] == [None, None, None]


def test_an_unscorable_firm_has_no_binding_limit(ask, pack):
    assert record(ask(pack, {"pd": None}), 0, CONTEXT)["bound_by"] is None


def test_the_same_question_has_the_same_id_whenever_it_is_asked(ask):
    first = record(ask("platform-line"), 0, CONTEXT)
    later = record(ask("platform-line"), 0, CONTEXT | {"decided_at": "2026-07-02T01:00:00+00:00"})
    assert first["decision_id"] == later["decision_id"]
    assert differences(first, later) == [
        'decided_at: stored "2026-07-01T01:00:00+00:00", now "2026-07-02T01:00:00+00:00"'
    ]


def test_another_answer_has_another_id(ask, line):
    other = record(ask("platform-line", {"requested_fen": 29_999_999}), 0, CONTEXT)
    assert other["decision_id"] != line["decision_id"]


def test_a_case_has_the_same_record_alone_and_in_a_crowd(pack, ask):
    # The others lack a value in every column, which makes floats of the integers beside them.
    alone = ask(pack)
    crowd = ask(pack, {}, *({name: None} for name in alone.terms.pack.inputs))
    assert canonical(record(crowd, 0, CONTEXT)) == canonical(record(alone, 0, CONTEXT))


@given(CONTENT, st.data())
def test_any_changed_leaf_is_found(content, data):
    path = data.draw(st.sampled_from(leaves(content)))
    before = content
    for key in path:
        before = before[key]
    after = data.draw(LEAVES.filter(lambda value: canonical(value) != canonical(before)))
    assert len(differences(content, changed(content, path, after))) == 1


@given(CONTENT)
def test_a_record_does_not_differ_from_itself(content):
    assert differences(content, json.loads(canonical(content))) == []


@pytest.mark.parametrize(("one", "other"), [(True, 1), (False, 0), (1, 1.0), (None, 0), ([], {}), ("1", 1), (0, "")])
def test_values_that_python_takes_for_equal_differ_in_a_record(one, other):
    assert len(differences({"a": one}, {"a": other})) == 1


def test_an_absent_leaf_is_found_on_either_side():
    assert differences({"a": 1}, {"b": None}) == ["a: stored 1, now absent", "b: not stored, now null"]


@given(st.dictionaries(st.text(), LEAVES))
def test_the_order_of_keys_changes_no_byte(content):
    assert canonical(dict(reversed(content.items()))) == canonical(content)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_place_in_a_record(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": value})


@pytest.mark.parametrize(
    ("cell", "said_as"),
    [
        (np.int8(3), 3),
        (2**60 + 1, 2**60 + 1),
        (np.float64(5), 5),
        (-0.0, 0),
        (np.bool_(True), True),
        (True, True),
        (pd.NA, None),
        (pd.NaT, None),
        (None, None),
        (float("inf"), None),
        ("330106", "330106"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),
        (1 / 3, 0.333333333),
    ],
)
def test_a_cell_has_one_form_in_a_record(cell, said_as):
    assert plain(cell) == said_as
    assert type(plain(cell)) is type(said_as)


def test_a_code_is_said_with_its_text():
    assert said("LIM-law")["en"] == "bound by the law's cap on the security"
