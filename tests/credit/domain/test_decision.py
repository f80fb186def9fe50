"""What must hold of every decision, whatever the case: on each pack that ships."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from credit.domain.decision import decide, decide_together, joined
from credit.domain.money import LARGEST_FEN
from credit.domain.policy.inputs import INPUTS, Kind
from credit.domain.policy.rules import Finding, Outcome
from credit.domain.products import product_named

AS_OF = date(2026, 6, 30)
# A frame of twenty costs what a frame of one does, so few examples hold many cases; to shrink one takes minutes.
MANY = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
RAISES_RISK = ("pd", "exposure_fen", "advances_held_fen", "borrowed_fen", "guaranteed_fen", "group_exposure_fen",
               "portfolio_exposure_fen", "district_exposure_fen", "weak_exposure_fen", "buyer_exposure_fen",
               "pair_exposure_fen", "category_exposure_fen", "loans_on_contract_fen", "prepaid_fen", "paid_fen",
               "retention_fen", "disputed_fen", "backlog_fen")  # fmt: skip
MAY_BE_UNKNOWN = {"cost_share", "growth_ratio", "requested_fen", "programmes", "region"}
# What somebody looks at before money is paid out, and where nothing is known yet has to.
MAY_BE_UNKNOWN |= {"account_locked", "contract_confirmed"}

BY_KIND = {
    Kind.MONEY: st.integers(0, 3 * 10**9),
    Kind.NUMBER: st.integers(0, 400) | st.floats(0, 2),
    Kind.FLAG: st.sampled_from([True, True, True, False]),
    Kind.DATE: st.dates(date(2014, 1, 1), date(2032, 1, 1)),
    Kind.TEXT: st.sampled_from(["330106", "33", "320106", "110000", ""]),
}
PD = st.floats(0, 1) | st.floats(0, 0.15) | st.sampled_from([0.00141, 0.113, 0.201, 1.0])
KINDS = {each.name: each.kind for each in INPUTS}


def changes(applicant, *, known=()):
    """Anything that a case may say, each input near the good applicant's or anything of its kind or missing."""

    def of(name, usual):
        value = PD if name == "pd" else BY_KIND[KINDS[name]]
        return st.just(usual) | value if name in known else st.just(usual) | value | st.none()

    return st.fixed_dictionaries({name: of(name, usual) for name, usual in applicant.items()})


def drawn(data, policy, pack, *, size=20, known=()):
    return data.draw(st.lists(changes(policy[pack]["applicant"], known=known), min_size=1, max_size=size))


def limits_of(decided):
    """The codes of the limits that apply under the pack."""
    limits, _ = decided.product.applying(decided.terms.pack.not_applicable)
    return [term.code for term in limits]


def what_is_granted_exceeds_no_limit_and_no_request_and_is_rounded_down(decided):
    amount, asked = decided.answers["amount_fen"], decided.cases["requested_fen"]
    for code in limits_of(decided):
        assert (amount[amount > 0] <= decided.limits.loc[amount > 0, code]).all()
    assert (amount >= 0).all()
    assert (amount <= asked.fillna(LARGEST_FEN)).all()
    assert ((amount % decided.terms["rounding_step_fen"] == 0) | (amount == asked)).all()
    assert amount.dtype == "int64"


def the_outcome_is_the_strictest_finding(decided):
    for case in decided.cases.index:
        found = {rule: Finding(decided.found.at[case, rule.code]) for rule in decided.product.rules}
        granted, asked = decided.cases.loc[case, ["granted_fen", "requested_fen"]]
        outcomes = [Outcome.APPROVE]
        outcomes += [rule.outcome for rule, finding in found.items() if finding is Finding.NOT_MET]
        nothing = pd.isna(granted) or granted == 0
        outcomes += [Outcome.REFER] if nothing or Finding.MISSING in found.values() else []
        outcomes += [Outcome.REDUCE] if not pd.isna(asked) and (nothing or granted < asked) else []
        assert decided.answers.at[case, "outcome"] == max(outcomes)


def a_decline_grants_nothing(decided):
    declined = decided.answers["outcome"] == Outcome.DECLINE
    assert (decided.answers.loc[declined, "amount_fen"] == 0).all()


def an_unscorable_firm_is_granted_nothing_and_seen_by_a_person(decided):
    answers = decided.answers[decided.cases["pd"].isna()]
    assert (answers["amount_fen"] == 0).all()
    assert (answers["outcome"] >= Outcome.REFER).all()
    assert answers[["grade", "bound_by"]].isna().all(axis=None)


def only_an_amount_that_was_asked_for_is_reduced_and_nothing_is_never_approved(decided):
    amount, asked = decided.answers["amount_fen"], decided.cases["requested_fen"]
    reduced, approved = (decided.answers["outcome"] == each for each in (Outcome.REDUCE, Outcome.APPROVE))
    assert ((amount > 0) & (amount < asked))[reduced].all()
    assert ((amount > 0) & (asked.isna() | (amount == asked)))[approved].all()


def the_term_that_is_said_to_bind_is_the_smallest(decided):
    codes = limits_of(decided)
    for case, code in decided.answers["bound_by"].items():
        if code == "LIM-requested":
            assert decided.cases.at[case, "requested_fen"] <= decided.limits.at[case, "limit_fen"]
        elif code is not None:
            assert decided.limits.at[case, code] == min(decided.limits.loc[case, codes])


PROMISES = (
    what_is_granted_exceeds_no_limit_and_no_request_and_is_rounded_down,
    the_outcome_is_the_strictest_finding,
    a_decline_grants_nothing,
    an_unscorable_firm_is_granted_nothing_and_seen_by_a_person,
    only_an_amount_that_was_asked_for_is_reduced_and_nothing_is_never_approved,
    the_term_that_is_said_to_bind_is_the_smallest,
)


@settings(MANY, max_examples=15)
@given(data=st.data())
def test_every_answer_keeps_every_promise(pack, policy, ask, data):
    decided = ask(pack, *drawn(data, policy, pack), as_of=AS_OF)
    for promise in PROMISES:
        promise(decided)


@settings(MANY, max_examples=10)
@given(data=st.data())
def test_more_risk_exposure_or_advance_never_raises_the_amount(pack, policy, ask, data):
    name = data.draw(st.sampled_from([name for name in RAISES_RISK if name in policy[pack]["applicant"]]))
    rows = drawn(data, policy, pack, known=[name])
    most = 1 if name == "pd" else 10**15
    more = [row | {name: data.draw((st.floats if name == "pd" else st.integers)(row[name], most))} for row in rows]
    before, after = ask(pack, *rows, as_of=AS_OF).answers, ask(pack, *more, as_of=AS_OF).answers
    assert (after["amount_fen"] <= before["amount_fen"]).all()


@MANY
@given(data=st.data())
def test_a_higher_pd_never_lowers_the_price(pack, policy, ask, data):
    rows = drawn(data, policy, pack, known=["pd"])
    riskier = [row | {"pd": data.draw(st.floats(row["pd"], 1))} for row in rows]
    before, after = ask(pack, *rows, as_of=AS_OF).answers, ask(pack, *riskier, as_of=AS_OF).answers
    assert (after["yearly_rate_bp"] >= before["yearly_rate_bp"]).all()
    assert (after["score"] <= before["score"]).all()


@MANY
@given(data=st.data())
def test_a_case_is_decided_alike_alone_and_in_a_crowd(pack, policy, ask, data):
    rows = drawn(data, policy, pack)
    crowd = ask(pack, *rows, as_of=AS_OF)
    place = data.draw(st.integers(0, len(rows) - 1))
    alone = ask(pack, rows[place], as_of=AS_OF)
    for name in ("limits", "found", "price", "answers"):
        in_crowd, by_itself = getattr(crowd, name).iloc[[place]], getattr(alone, name)
        pd.testing.assert_frame_equal(in_crowd.reset_index(drop=True), by_itself, check_dtype=False)


@MANY
@given(data=st.data(), budget=st.integers(-5, 10**9) | st.integers(0, 10**12))
def test_many_cases_never_exceed_the_budget_that_they_share(pack, packs, policy, frame, data, budget):
    cases = frame(
        pack,
        *drawn(
            data,
            policy,
            pack,
        ),
    )
    product = product_named(packs[pack].product)
    taken = int(packs[pack].terms(AS_OF)["portfolio_budget_fen"]) - budget
    cases = cases.assign(portfolio_exposure_fen=taken, held_fen=0)
    shared = decide_together(product, packs[pack], cases, AS_OF)
    assert shared.answers["amount_fen"].sum() <= max(budget, 0)
    again = decide(product, packs[pack], shared.cases[list(cases.columns)], AS_OF)
    pd.testing.assert_frame_equal(shared.answers, again.answers)


def test_the_safest_are_served_first_and_the_budget_may_be_used_to_the_end(packs, frame):
    pack = packs["invoice-line"]
    asked = 50_000_000
    rows = [{"pd": pd_, "turnover_fen": 10**9, "requested_fen": asked} for pd_ in (0.01, 0.002, None, 0.002, 0.03)]
    left = 2 * asked + 20_000_000
    taken = int(pack.terms(AS_OF)["portfolio_budget_fen"]) - left
    cases = frame("invoice-line", *rows).assign(portfolio_exposure_fen=taken, held_fen=0)
    decided = decide_together(product_named(pack.product), pack, cases, AS_OF)
    assert decided.answers["amount_fen"].tolist() == [20_000_000, asked, 0, asked, 0]


@MANY
@given(data=st.data())
def test_cases_that_are_decided_in_parts_are_decided_as_the_whole(pack, packs, policy, frame, data):
    cases = frame(pack, *drawn(data, policy, pack)).assign(held_fen=0)
    product, cut = product_named(packs[pack].product), data.draw(st.integers(1, max(len(cases) - 1, 1)))

    def in_parts(product, pack, cases, as_of):
        parts = [each for each in (cases.iloc[:cut], cases.iloc[cut:]) if len(each)]
        return joined([decide(product, pack, each, as_of) for each in parts])

    whole = decide_together(product, packs[pack], cases, AS_OF)
    parted = decide_together(product, packs[pack], cases, AS_OF, decide=in_parts)
    for name in ("answers", "found", "limits"):
        pd.testing.assert_frame_equal(getattr(parted, name), getattr(whole, name), check_dtype=False)


def has_to_be_known(pack, applicant):
    """The inputs of a pack that it cannot do without; what is bought merely decides which of two caps holds."""
    read = {"pd", "exposure_fen", *product_named(pack.product).inputs(but=pack.not_applicable)}
    other = {"category"} if pack.name == "performance-guarantee" else set()
    return [name for name in applicant if name in read - MAY_BE_UNKNOWN - other]


def test_an_input_that_is_missing_never_approves(pack, packs, policy, ask):
    names = has_to_be_known(packs[pack], policy[pack]["applicant"])
    answers = ask(pack, *({name: None} for name in names)).answers.set_axis(names)
    assert (answers["outcome"] == Outcome.REFER).all(), answers["outcome"]


def test_a_firm_without_a_score_is_not_asked_what_follows_from_one(pack, ask):
    found = ask(pack, {"pd": None}).found.iloc[0]
    assert found["KO-SCORE"] == found["KO-PRICE"] == Finding.NOT_APPLICABLE
    assert found["R-UNSCORABLE"] == Finding.NOT_MET


def test_a_rule_that_is_not_applicable_differs_from_one_whose_input_is_missing(ask):
    waived = ask("invoice-line", {"turnover_fen": None}).found.iloc[0]
    assert (waived["KO-AGE"], waived["KO-MINIMUM"]) == (Finding.NOT_APPLICABLE, Finding.MISSING)


def test_an_empty_frame_is_an_empty_answer(pack, packs, frame):
    product = product_named(packs[pack].product)
    for empty in (frame(pack).iloc[:0], frame(pack).convert_dtypes().iloc[:0]):
        decided = decide(product, packs[pack], empty, AS_OF)
        assert len(decided.answers) == 0
        assert {"outcome", "amount_fen", "bound_by"} <= set(decided.answers)
        together = decide_together(product, packs[pack], empty.assign(held_fen=0), AS_OF)
        assert len(together.answers) == 0


def test_a_column_that_is_missing_throughout_refers_every_case(pack, packs, policy, frame):
    product = product_named(packs[pack].product)
    names = has_to_be_known(packs[pack], policy[pack]["applicant"])
    for name, nothing in zip(names, cycle([np.nan, None, pd.NA]), strict=False):
        cases = frame(pack, {}, {}).assign(**{name: nothing})
        assert (decide(product, packs[pack], cases, AS_OF).answers["outcome"] == Outcome.REFER).all(), name


def test_the_dtype_of_a_column_changes_no_answer(pack, packs, policy, frame):
    """The same two cases as objects, nullable, floats, timestamps and pandas' own choice."""
    product = product_named(packs[pack].product)
    cases = frame(pack, {}, {"requested_fen": 1_234_567})
    dated = {n: pd.to_datetime(cases[n]) for n in ("signed_on", "planned_acceptance_on") if n in cases}
    numbers = {n: cases[n].astype(float) for n in cases if n not in dated and KINDS[n] is not Kind.TEXT}
    forms = [cases, cases.convert_dtypes(), cases.infer_objects(), cases.assign(**numbers), cases.assign(**dated)]
    answers = [decide(product, packs[pack], form, AS_OF).answers for form in forms]
    for other in answers[1:]:
        pd.testing.assert_frame_equal(answers[0], other)


def test_amounts_beyond_what_a_float_can_count_stay_exact(packs, frame):
    pack = packs["platform-line"]
    cases = frame("platform-line", {"portfolio_exposure_fen": 2**53 + 1}).astype({"portfolio_exposure_fen": "int64"})
    decided = decide(product_named(pack.product), pack, cases, AS_OF)
    assert decided.limits["LIM-portfolio"].tolist() == [pack.terms(AS_OF)["portfolio_budget_fen"] - 2**53 - 1]


def test_growth_from_nothing_is_unknown_growth(ask):
    unnamed = {"requested_fen": None}
    answers = ask("platform-line", unnamed | {"growth_ratio": float("inf")}, unnamed | {"growth_ratio": None}).answers
    assert answers["amount_fen"].nunique() == 1


def test_a_negative_request_is_granted_nothing(ask, pack):
    answer = ask(pack, {"requested_fen": -100}).answers.iloc[0]
    assert answer["amount_fen"] == 0
    assert answer["outcome"] >= Outcome.REFER


@pytest.mark.parametrize("pd_", [-0.0001, 1.0001])
def test_what_is_no_probability_is_refused(ask, pack, pd_):
    with pytest.raises(ValueError, match="between 0 and 1"):
        ask(pack, {"pd": pd_})


@pytest.mark.parametrize("pd_", [0.0, 1.0])
def test_a_certain_outcome_is_a_probability(ask, pack, pd_):
    assert ask(pack, {"pd": pd_}).answers.at[0, "grade"] == {0.0: "R01", 1.0: "R10"}[pd_]


def test_an_amount_with_half_a_fen_is_refused(ask, pack):
    with pytest.raises(ValueError, match="no whole number of fen"):
        ask(pack, {"exposure_fen": 0.5})


def test_a_column_that_is_absent_is_named(pack, packs, frame):
    with pytest.raises(ValueError, match="no column exposure_fen"):
        decide(product_named(packs[pack].product), packs[pack], frame(pack).drop(columns="exposure_fen"), AS_OF)


def test_two_cases_under_one_index_are_refused(pack, packs, frame):
    with pytest.raises(ValueError, match="index of its own"):
        decide(product_named(packs[pack].product), packs[pack], frame(pack, {}, {}).set_axis([7, 7]), AS_OF)


def test_an_offer_stands_for_thirty_days(ask, pack, policy):
    assert ask(pack).answers.at[0, "valid_until"] == policy[pack]["as_of"] + timedelta(days=30)
