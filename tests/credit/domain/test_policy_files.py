"""A policy file that says what nobody meant is refused, and the message names the file and the entry."""

from __future__ import annotations

import copy
from datetime import date, datetime

import pytest

from credit.domain.decision import decide
from credit.domain.errors import PolicyBroken
from credit.domain.packs import read_pack, read_region
from credit.domain.policy.inputs import INPUTS, MAPPED
from credit.domain.policy.rules import Finding
from credit.domain.policy.terms import Dated, Parameter
from credit.domain.products import PRODUCTS, product_named
from credit.domain.reachable import unreachable

LINE = "platform-line"
HOLDS = date(2016, 1, 1)


def broken(file, change, *, name=LINE, shared=None):
    """The message about a shipped file after a change to its content."""
    content, common = file(name), file("shared")
    change(common if shared else content)
    with pytest.raises(PolicyBroken) as refused:
        read_pack(content, shared=common, file=f"{name}.toml")
    assert refused.value.hint
    return refused.value.message


def put(*path, value):
    """A change that sets one entry."""

    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def drop(*path):
    """A change that removes one entry."""

    def change(content):
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


def test_the_four_packs_load(pack, packs):
    assert packs[pack].name == pack
    assert product_named(packs[pack].product) in PRODUCTS


def test_the_packs_that_ship_cover_every_product(packs):
    assert {each.product for each in packs.values()} == {each.name for each in PRODUCTS}


def test_a_product_that_does_not_exist_has_no_entry():
    with pytest.raises(KeyError):
        product_named("letter_of_credit")


CAP = ("parameters", "product_cap_fen")
CASES = {
    "an unknown section": (put("parameter", value={}), "unknown entry 'parameter'"),
    "a section that is no table": (put("inputs", value=[]), "'inputs' is no table"),
    "no head": (drop("pack"), "[pack] name is missing"),
    "a head without a version": (drop("pack", "version"), "[pack] version is missing"),
    "an unknown entry in the head": (put("pack", "author", value="me"), "unknown entry 'author'"),
    "a product that does not exist": (
        put("pack", "product", value="letter_of_credit"),
        "no product 'letter_of_credit'",
    ),
    "a parameter without unit": (drop(*CAP, "unit"), "parameter 'product_cap_fen' has no unit"),
    "a parameter without source": (put(*CAP, "reference", value=""), "parameter 'product_cap_fen' has no reference"),
    "a parameter without values": (put(*CAP, "values", value=[]), "parameter 'product_cap_fen' has no values"),
    "values that are no list": (put(*CAP, "values", value={"from": HOLDS}), "no list of values"),
    "a parameter that is no table": (put(*CAP, value=10), "parameter 'product_cap_fen' is no table"),
    "an unknown entry in a parameter": (put(*CAP, "note", value="x"), "unknown entry 'note'"),
    "a line that is no table": (put(*CAP, "values", value=[10]), "a line that is no table"),
    "an unknown entry in a line": (put(*CAP, "values", 0, "until", value=HOLDS), "unknown entry 'until'"),
    "a line without a date": (drop(*CAP, "values", 0, "from"), "a line without 'from'"),
    "a line without a value": (drop(*CAP, "values", 0, "value"), "a line without 'value'"),
    "a date in quotes": (put(*CAP, "values", 0, "from", value="2016-01-01"), "is no date"),
    "a date with a time": (put(*CAP, "values", 0, "from", value=datetime(2016, 1, 1)), "is no date"),
    "a region that is no code": (put(*CAP, "values", 0, "region", value="Zhejiang"), "is no region code"),
    "a region that is a number": (put(*CAP, "values", 0, "region", value=33), "is no region code"),
    "a number in quotes": (put(*CAP, "values", 0, "value", value="10"), "'10' is no number"),
    "a truth for a number": (put(*CAP, "values", 0, "value", value=True), "True is no number"),
    "a negative number": (put(*CAP, "values", 0, "value", value=-1), "-1 is no number from zero up"),
    "a number without end": (put(*CAP, "values", 0, "value", value=float("inf")), "inf is no number"),
    "an amount that is no whole number": (put(*CAP, "values", 0, "value", value=1.5), "1.5 is no whole number"),
    "a share of more than all": (
        put("parameters", "top_buyer_share_max", "values", 0, "value", value=60),
        "60 is more than the whole",
    ),
    "a step of nothing": (
        put("parameters", "rounding_step_fen", "values", 0, "value", value=0),
        "'rounding_step_fen': nothing can be divided by zero",
    ),
    "a table where one number belongs": (put(*CAP, "values", 0, "value", value={"R01": 1}), "is not one number"),
    "one number where a table belongs": (
        put("parameters", "turnover_share", "values", 0, "value", value=0.3),
        "parameter 'turnover_share': 0.3 is not a table",
    ),
    "a grade left out": (
        drop("parameters", "grade_cap_fen", "values", 0, "value", "R05"),
        "'grade_cap_fen' does not name every grade",
    ),
    "a weaker grade that has more": (
        put("parameters", "grade_cap_fen", "values", 0, "value", "R09", value=10**9),
        "'grade_cap_fen' gives a weaker grade more",
    ),
    "two values for one day": (
        lambda content: content["parameters"]["pd_max"]["values"].append({"from": HOLDS, "value": 0.2}),
        "parameter 'pd_max' has two values for one day and region",
    ),
    "a parameter that a rule needs": (drop("parameters", "pd_max"), "parameter 'pd_max' is missing"),
    "a parameter that a limit needs": (drop("parameters", "turns"), "parameter 'turns' is missing"),
    "a parameter that the price needs": (drop("parameters", "work_cost"), "parameter 'work_cost' is missing"),
    "a parameter that nothing reads": (
        lambda content: content["parameters"].update(pd_maximum=content["parameters"]["pd_max"]),
        "reads 'pd_maximum'",
    ),
    "a rule that does not exist": (put("not_applicable", "KO-STARS", value="none"), "not_applicable names 'KO-STARS'"),
    "a rule of another product": (put("not_applicable", "R-ACCOUNT", value="none"), "not_applicable names 'R-ACCOUNT'"),
    "a rule that is waived without a reason": (put("not_applicable", "KO-AGE", value=" "), "not_applicable 'KO-AGE'"),
    "the rule that refers whom nobody can score": (
        put("not_applicable", "R-UNSCORABLE", value="we score all"),
        "not_applicable names 'R-UNSCORABLE'",
    ),
    "an input that a rule needs": (drop("inputs", "age_months"), "reads input 'age_months', which [inputs] does not"),
    "an input that a limit needs": (drop("inputs", "cost_share"), "reads input 'cost_share', which [inputs] does not"),
    "an input that does not exist": (put("inputs", "horoscope", value="stars"), "'horoscope' is no input"),
    "an input that nothing reads": (put("inputs", "contract_fen", value="x"), "reads input 'contract_fen'"),
    "an input that is read from nothing": (put("inputs", "age_months", value=""), "input 'age_months' is missing"),
    "an input that is mapped and assumed": (
        put("assumed", value={"age_months": {"value": 99, "why": "x"}}),
        "'age_months' is both mapped and assumed",
    ),
    "no day since which it is offered": (drop("pack", "since"), "[pack] since is missing or no date"),
    "a parameter that begins after the product": (
        put(*CAP, "values", 0, "from", value=date(2020, 1, 1)),
        "'product_cap_fen' has no value on 2016-01-01, when the product begins",
    ),
    "a least above its most": (
        put("parameters", "cost_share_max", "values", 0, "value", value=0.4),
        "on 2016-01-01 'cost_share_min' is above 'cost_share_max'",
    ),
    "a region where one value holds for everybody": (
        lambda content: content["parameters"]["work_cost"]["values"].append(
            {"from": HOLDS, "region": "33", "value": 0.1}
        ),
        "'work_cost' cannot differ by region",
    ),
    "a region of a pack that does not read it": (
        lambda content: (
            content["parameters"]["age_months_min"]["values"].append({"from": HOLDS, "region": "33", "value": 6}),
            content["inputs"].pop("region"),
        ),
        "'age_months_min' differs by region, and [inputs] does not map 'region'",
    ),
    "an assumption without a reason": (put("assumed", value={"voided_share": {"value": 0}}), "assumed 'voided_share'"),
    "an assumption that is no number": (
        put("assumed", value={"voided_share": {"value": "0", "why": "x"}}),
        "assumed 'voided_share' is no number",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_is_refused_for(case, file):
    change, says = CASES[case]
    message = broken(file, change)
    assert says in message
    assert "platform-line.toml" in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("pack", value={}), "unknown entry 'pack'"),
        (drop("parameters", "hurdle", "unit"), "parameter 'hurdle' has no unit"),
        (put("parameters", "tax", "values", 0, "value", value=25), "25 is more than the whole"),
    ],
)
def test_what_is_wrong_with_the_shared_parameters_is_laid_to_them(change, says, file):
    message = broken(file, change, shared=True)
    assert says in message
    assert "the shared parameters" in message


@pytest.mark.parametrize(("grade", "bound"), [("R10", 0.9), ("R02", 0.00141)])
def test_a_scale_that_does_not_rise_to_one_is_refused(grade, bound, file):
    change = put("parameters", "grade_pd_upper", "values", 0, "value", grade, value=bound)
    assert "do not rise to 1" in broken(file, change, shared=True)


def test_an_input_of_a_rule_that_is_not_applicable_need_not_be_mapped(file):
    content = file(LINE)
    content["not_applicable"]["KO-AGE"] = "founding dates are not part of the data"
    del content["inputs"]["age_months"], content["parameters"]["age_months_min"]
    assert "KO-AGE" in read_pack(content, shared=file("shared"), file="x.toml").not_applicable


def test_every_input_has_one_kind_and_a_product_that_reads_it():
    names = [each.name for each in INPUTS]
    assert len(set(names)) == len(names)
    # The region says which values of a regional parameter hold, whatever the product.
    read = {"region", *(name for product in PRODUCTS for name in product.inputs())}
    assert {each.name for each in MAPPED} <= read


def test_the_hash_is_of_what_decides_and_of_nothing_else(file):
    def hashed(change=lambda content: None):
        content = file("performance-guarantee")
        change(content)
        return read_pack(content, shared=file("shared"), file="x.toml").sha256

    law = ("parameters", "performance_security_max", "values")
    assert hashed(put("pack", "title", value="Another title")) == hashed()
    assert hashed(lambda content: content["parameters"]["performance_security_max"]["values"].reverse()) == hashed()
    assert hashed(put(*law, 0, "value", value=0.2)) != hashed()
    assert hashed(put(*law, 0, "from", value=date(2015, 3, 2))) != hashed()
    assert hashed(put("inputs", "age_months", value="other")) != hashed()
    assert hashed(put("not_applicable", value={"KO-AGE": "x"})) != hashed()


LAW = Parameter(
    "law",
    "share",
    "x",
    (
        Dated(date(2022, 7, 1), 0.01, "33"),
        Dated(date(2015, 3, 1), 0.10),
        Dated(date(2024, 1, 1), 0.05),
        Dated(date(2019, 1, 1), 0.025, "33"),
        Dated(date(2020, 1, 1), 0.2, "3301"),
    ),
)


@pytest.mark.parametrize(
    ("day", "region", "value"),
    [
        (date(2022, 7, 1), "33", 0.01),
        (date(2022, 6, 30), "33", 0.025),
        (date(2018, 12, 31), "33", 0.10),
        (date(2023, 12, 31), "110101", 0.10),
        (date(2024, 1, 1), "110101", 0.05),
        (date(2024, 1, 1), "330201", 0.01),
        (date(2024, 1, 1), "330106", 0.2),
        (date(2024, 1, 1), "3", 0.05),
        (date(2024, 1, 1), "", 0.05),
    ],
)
def test_a_parameter_picks_the_narrowest_region_then_the_latest_day(day, region, value):
    assert LAW.on(day, region) == value


def test_a_parameter_holds_from_its_first_day_and_not_before():
    assert LAW.on(date(2015, 3, 1)) == 0.10
    with pytest.raises(PolicyBroken, match="'law' has no value on 2015-02-28"):
        LAW.on(date(2015, 2, 28))


def test_a_decision_of_the_past_reads_the_value_of_the_past(packs):
    pack = packs[LINE]
    assert pack.terms(date(2025, 5, 19))["funding_rate"] == 0.026
    assert pack.terms(date(2025, 5, 20))["funding_rate"] == 0.019


def test_a_parameter_that_a_pack_does_not_have_is_named(packs):
    with pytest.raises(PolicyBroken, match=r"'platform-line' has no parameter 'stars'"):
        packs[LINE].terms(date(2026, 6, 30))["stars"]


ZHEJIANG = {
    "region": {"code": "33", "name": "浙江"},
    "parameters": {
        "age_months_min": {
            "unit": "months",
            "reference": "a rule of the province",
            "values": [{"from": HOLDS, "value": 6}, {"from": HOLDS, "region": "330127", "value": 3}],
        }
    },
}


def region(change=lambda content: None):
    content = copy.deepcopy(ZHEJIANG)
    change(content)
    return read_region(content, file="33.toml")


def test_a_province_is_a_file_and_its_values_hold_in_it_alone(file, frame):
    pack = read_pack(file(LINE), shared=file("shared"), file="x.toml", regions=[region()])
    assert "浙江: a rule of the province" in pack.parameters["age_months_min"].reference
    places = ("330106", "330127", "320106", None)
    cases = frame(LINE, *({"age_months": 5, "region": place} for place in places))
    found = decide(product_named(pack.product), pack, cases, date(2026, 6, 30)).found["KO-AGE"]
    assert found.tolist() == [Finding.NOT_MET, Finding.MET, Finding.NOT_MET, Finding.NOT_MET]


def test_a_region_says_nothing_to_a_pack_without_the_parameter(file):
    def other(content):
        content["parameters"] = {"turns_of_luck": content["parameters"].pop("age_months_min")}

    pack = read_pack(file(LINE), shared=file("shared"), file="x.toml", regions=[region(other)])
    assert not pack.parameters["age_months_min"].is_regional


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("regions", value={}), "unknown entry 'regions'"),
        (drop("region", "name"), "[region] name is missing"),
        (put("region", "code", value="浙"), "[region] code = '浙' is no region code"),
        (put("parameters", "age_months_min", "values", 1, "region", value="320106"), "which is not in 33"),
    ],
)
def test_a_file_of_a_region_is_refused_for(change, says):
    with pytest.raises(PolicyBroken) as refused:
        region(change)
    assert says in refused.value.message and refused.value.hint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("parameters", "age_months_min", "unit", value="years"), "'age_months_min' is in 'months', and in 浙江"),
        (
            lambda content: content["parameters"]["age_months_min"]["values"].append(
                {"from": HOLDS, "region": "33", "value": 7}
            ),
            "has two values for one day and region",
        ),
    ],
)
def test_a_region_that_does_not_fit_the_pack_is_refused(change, says, file):
    with pytest.raises(PolicyBroken) as refused:
        read_pack(file(LINE), shared=file("shared"), file="x.toml", regions=[region(), region(change)])
    assert "two values" in refused.value.message or says in refused.value.message


# -- every rule can be met and not met, and every limit can bind, on every day of a pack


def test_every_rule_of_a_pack_that_ships_can_be_met_and_not_met(pack, packs):
    assert unreachable(packs[pack]) == []


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("top_buyer_share_max", 1.0, "R-CONCENTRATION"),
        ("rating_min", 1.0, "KO-RATING"),
        ("rating_min", 5.1, "KO-RATING"),
    ],
)
def test_a_threshold_that_no_case_can_pass_or_fail_is_found(file, name, value, rule):
    content, shared = file(LINE), file("shared")
    holder = content if name in content["parameters"] else shared
    holder["parameters"][name]["values"].append({"from": date(2026, 1, 1), "value": value})
    [found] = unreachable(read_pack(content, shared=shared, file="x.toml"))
    assert rule in found and "2026-01-01" in found
