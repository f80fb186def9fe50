"""The life of an issued guarantee: what may happen to it when, until which day, and what is outstanding after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.domain import guaranteeing
from credit.domain.business_days import Closed
from credit.domain.errors import GuaranteeRefused
from credit.domain.guarantee import (
    ANSWERS,
    MOVES,
    Event,
    Falls,
    Form,
    Schedule,
    Standing,
    State,
    Wording,
    as_of,
    moved,
)

ISSUED = date(2026, 3, 2)
EXPIRY = date(2026, 11, 30)  # a Monday
CONTRACT_FEN, ADVANCE_FEN = 3_000_000, 1_000_000
ADVANCE = Wording(
    guarantee_id="G1", form=Form.ADVANCE_PAYMENT, decision_id="D1", supplier_id="S1", contract_id="C1",
    amount_fen=ADVANCE_FEN, expires_on=EXPIRY, account_id="A1",
    schedule=Schedule(falls=Falls.PRO_RATA, whole_fen=CONTRACT_FEN),
)  # fmt: skip
PERFORMANCE = replace(ADVANCE, form=Form.PERFORMANCE, account_id=None, schedule=Schedule())


class Life:
    """A guarantee under test: its events, and what is done to it by name."""

    def __init__(self, wording=ADVANCE, *, on=ISSUED, **said):
        self.events = list(guaranteeing.issue(wording, on=on, who="officer", **said))

    def do(self, act, *, on, **said):
        self.events.append(getattr(guaranteeing, act)(self.events, on=on, who="officer", **said))
        return self.on(on)

    def on(self, day):
        return as_of(self.events, day)


@pytest.fixture
def life():
    """An advance guarantee of 1,000,000 fen in effect since 9 March, on a contract of 3,000,000."""
    found = Life()
    found.do("receive_advance", account_id="A1", credited_fen=ADVANCE_FEN, on=date(2026, 3, 9))
    return found


def refused(life, act, **said):
    """How an act is refused; nothing of it is kept."""
    before = list(life.events)
    with pytest.raises(GuaranteeRefused) as found:
        life.do(act, **said)
    assert life.events == before
    assert found.value.hint
    return f"{found.value.message} ({found.value.hint})"


# Issue and effect


def test_an_advance_guarantee_takes_effect_when_the_whole_advance_is_credited_to_the_named_account():
    life = Life()
    assert life.on(ISSUED).state is State.ISSUED
    here = life.do("receive_advance", account_id="A1", credited_fen=ADVANCE_FEN, on=ISSUED)
    assert (here.state, here.effective_on) == (State.EFFECTIVE, ISSUED)


@pytest.mark.parametrize(("account", "credited"), [("A1", ADVANCE_FEN - 1), ("A2", ADVANCE_FEN)])
def test_it_takes_no_effect_by_a_fen_less_or_by_another_account(account, credited):
    life = Life()
    refused(life, "receive_advance", account_id=account, credited_fen=credited, on=ISSUED)
    assert "issued cannot be demanded" in refused(life, "demand", amount_fen=1, on=ISSUED)


@pytest.mark.parametrize(("signed", "state"), [(0, State.EFFECTIVE), (1, State.ISSUED), (None, State.ISSUED)])
def test_a_performance_guarantee_takes_effect_at_its_issue_if_the_contract_is_signed(signed, state):
    signed_on = None if signed is None else ISSUED + timedelta(days=signed)
    assert Life(PERFORMANCE, signed_on=signed_on).on(ISSUED).state is state


def test_a_performance_guarantee_that_came_first_takes_effect_with_the_signature():
    life = Life(PERFORMANCE)
    refused(life, "receive_advance", account_id="A1", credited_fen=ADVANCE_FEN, on=ISSUED)
    assert life.do("sign_contract", on=ISSUED + timedelta(days=1)).state is State.EFFECTIVE


def test_an_advance_guarantee_takes_no_effect_by_a_signature():
    refused(Life(), "sign_contract", on=ISSUED)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_fen": 0},
        {"expires_on": ISSUED},
        {"account_id": None},
        {"schedule": Schedule()},
        {"schedule": Schedule(falls=Falls.PRO_RATA, whole_fen=0)},
        {"schedule": Schedule(falls=Falls.PRO_RATA, whole_fen=CONTRACT_FEN, last_fen=1)},
        {"schedule": Schedule(falls=Falls.PRO_RATA, whole_fen=CONTRACT_FEN, last_fen=ADVANCE_FEN)},
    ],
)
def test_a_wording_that_must_not_go_out_is_refused(change):
    with pytest.raises(GuaranteeRefused):
        Life(replace(ADVANCE, **change))


def test_without_an_expiry_it_ends_three_years_after_its_issue():
    assert Life(replace(ADVANCE, expires_on=None)).on(ISSUED).expires_on == date(2029, 3, 2)


# Reduction


def test_it_falls_by_the_accepted_share_and_ends_when_nothing_is_left(life):
    left = [life.do("reduce", accepted_fen=a, on=date(2026, 5, 6)).outstanding_fen for a in (1_000_000, 2_000_000)]
    assert left == [666_667, 333_334]
    here = life.do("reduce", accepted_fen=CONTRACT_FEN, on=date(2026, 8, 3))
    assert (here.outstanding_fen, here.state) == (0, State.NIL)
    refused(life, "demand", amount_fen=1, on=date(2026, 8, 3))
    assert life.do("release", on=date(2026, 8, 10)).state is State.RELEASED


@pytest.mark.parametrize("accepted", [1_000_000, 999_999, 0])
def test_a_reduction_that_leaves_as_much_or_would_raise_is_refused(life, accepted):
    life.do("reduce", accepted_fen=1_000_000, on=date(2026, 5, 6))
    refused(life, "reduce", accepted_fen=accepted, on=date(2026, 5, 7))


def test_what_was_paid_is_no_advance_that_could_still_be_recouped(life):
    life.do("demand", amount_fen=400_000, on=date(2026, 4, 1))
    life.do("pay", demand_id="G1-1", on=date(2026, 4, 2))
    assert life.do("reduce", accepted_fen=1_500_000, on=date(2026, 5, 6)).outstanding_fen == 100_000
    assert life.do("reduce", accepted_fen=2_000_000, on=date(2026, 6, 6)).outstanding_fen == 0


def test_a_reduction_leaves_what_is_demanded(life):
    life.do("demand", amount_fen=666_667, on=date(2026, 4, 1))
    assert life.do("reduce", accepted_fen=1_000_000, on=date(2026, 4, 2)).outstanding_fen == 666_667
    refused(life, "reduce", accepted_fen=1_000_004, on=date(2026, 4, 2))


def test_a_performance_guarantee_may_fall_in_one_step():
    step = Schedule(falls=Falls.AT_ONCE, whole_fen=CONTRACT_FEN, last_fen=500_000)
    life = Life(replace(PERFORMANCE, schedule=step), signed_on=ISSUED)
    refused(life, "reduce", accepted_fen=CONTRACT_FEN - 1, on=date(2026, 5, 6))
    assert life.do("reduce", accepted_fen=CONTRACT_FEN, on=date(2026, 5, 6)).outstanding_fen == 500_000


# Demands


def test_a_demand_for_all_that_is_outstanding_is_taken(life):
    here = life.do("demand", amount_fen=ADVANCE_FEN, on=date(2026, 4, 1))
    assert (here.state, here.demanded_fen) == (State.DEMANDED, ADVANCE_FEN)


@pytest.mark.parametrize("amount", [ADVANCE_FEN + 1, 0])
def test_a_demand_for_one_fen_more_or_for_nothing_is_refused(life, amount):
    refused(life, "demand", amount_fen=amount, on=date(2026, 4, 1))


def test_several_demands_together_ask_for_no_more_than_is_outstanding(life):
    life.do("demand", amount_fen=600_000, on=date(2026, 4, 1))
    refused(life, "demand", amount_fen=400_001, on=date(2026, 4, 2))
    life.do("demand", amount_fen=400_000, on=date(2026, 4, 2))
    here = life.do("pay", demand_id="G1-1", on=date(2026, 4, 3))
    assert (here.state, here.outstanding_fen, [each.demand_id for each in here.demands]) == (
        State.DEMANDED,
        400_000,
        ["G1-2"],
    )
    assert life.do("withdraw", demand_id="G1-2", on=date(2026, 4, 3)).state is State.EFFECTIVE


def test_a_guarantee_that_is_paid_in_full_has_ended(life):
    life.do("demand", amount_fen=ADVANCE_FEN, on=date(2026, 4, 1))
    here = life.do("pay", demand_id="G1-1", on=date(2026, 4, 8))
    assert (here.state, here.paid_fen, here.outstanding_fen) == (State.NIL, ADVANCE_FEN, 0)


@pytest.mark.parametrize(
    ("presented", "fifth"), [(date(2026, 9, 30), date(2026, 10, 13)), (date(2026, 9, 18), date(2026, 9, 24))]
)
def test_a_demand_is_refused_by_the_fifth_business_day_and_precluded_on_the_sixth(life, presented, fifth):
    """Across National Day 2026 with its worked Saturday, and over Sunday the 20th of September that is worked."""
    demanded = life.do("demand", amount_fen=1, on=presented).demands[0]
    assert demanded.last_day == fifth
    assert not demanded.is_due(fifth)
    assert demanded.is_due(fifth + timedelta(days=1))
    said = refused(
        life, "refuse", demand_id="G1-1", discrepancies=["no statement of breach"], on=fifth + timedelta(days=1)
    )
    assert "precluded" in said
    assert "published" not in said
    here = life.do("refuse", demand_id="G1-1", discrepancies=["no statement of breach"], on=fifth)
    assert (here.state, here.outstanding_fen) == (State.EFFECTIVE, ADVANCE_FEN)


def test_where_business_days_are_not_published_a_late_refusal_says_so():
    life = Life(replace(PERFORMANCE, expires_on=date(2098, 12, 1)), on=date(2098, 1, 1), signed_on=date(2098, 1, 1))
    life.do("demand", amount_fen=1, on=date(2098, 9, 30))
    said = refused(life, "refuse", demand_id="G1-1", discrepancies=["unsigned"], on=date(2098, 12, 1))
    assert "not published" in said


@pytest.mark.parametrize("discrepancies", [[], ["no statement of breach", " "]])
def test_a_refusal_names_each_discrepancy(life, discrepancies):
    life.do("demand", amount_fen=1, on=date(2026, 4, 1))
    refused(life, "refuse", demand_id="G1-1", discrepancies=discrepancies, on=date(2026, 4, 2))


def test_a_demand_is_refused_once(life):
    life.do("demand", amount_fen=1, on=date(2026, 4, 1))
    life.do("refuse", demand_id="G1-1", discrepancies=["unsigned"], on=date(2026, 4, 2))
    assert "open: none" in refused(
        life, "refuse", demand_id="G1-1", discrepancies=["no statement"], on=date(2026, 4, 2)
    )


# Extend or pay


@pytest.fixture
def asked(life):
    """It is demanded to be extended to the end of the next March or paid, and the payment is put off."""
    life.do("demand", amount_fen=500_000, extend_to=date(2027, 3, 31), on=date(2026, 11, 20))
    life.do("suspend", demand_id="G1-1", on=date(2026, 11, 24))
    return life


def test_it_is_extended_on_the_thirtieth_day_after_it_would_have_expired(asked):
    day = date(2026, 12, 20)
    assert asked.on(day).demands[0].last_day == day
    assert asked.on(day).state is State.DEMANDED
    here = asked.do("extend", demand_id="G1-1", on=day)
    assert (here.state, here.expires_on, here.outstanding_fen) == (State.EFFECTIVE, date(2027, 3, 31), ADVANCE_FEN)


def test_on_the_thirty_first_day_it_is_to_be_paid(asked):
    day = date(2026, 12, 21)
    assert "is to be paid" in refused(asked, "extend", demand_id="G1-1", on=day)
    assert asked.on(day).demands[0].is_due(day)
    here = asked.do("pay", demand_id="G1-1", on=day)
    assert (here.state, here.outstanding_fen, here.callable_fen) == (State.LAPSED, 500_000, 0)


def test_the_beneficiary_may_agree_to_another_day_which_is_later_than_the_expiry(asked):
    refused(asked, "extend", demand_id="G1-1", expires_on=EXPIRY, on=date(2026, 11, 25))
    refused(asked, "extend", demand_id="G1-1", expires_on=date(2026, 12, 1), on=date(2026, 12, 1))
    here = asked.do("extend", demand_id="G1-1", expires_on=date(2026, 12, 31), on=date(2026, 12, 1))
    assert here.expires_on == date(2026, 12, 31)


def test_a_demand_that_was_put_off_was_found_to_comply_and_is_refused_no_more(asked):
    said = refused(asked, "refuse", demand_id="G1-1", discrepancies=["unsigned"], on=date(2026, 11, 25))
    assert "paid, extended, withdrawn" in said


def test_only_the_demand_that_was_put_off_changes(asked):
    asked.do("demand", amount_fen=1, on=date(2026, 11, 25))
    asked.do("demand", amount_fen=2, extend_to=date(2027, 1, 31), on=date(2026, 11, 25))
    here = asked.do("suspend", demand_id="G1-3", on=date(2026, 11, 26))
    assert [each.standing for each in here.demands] == [Standing.SUSPENDED, Standing.PRESENTED, Standing.SUSPENDED]


def test_a_demand_that_asks_for_no_extension_is_not_put_off(life):
    life.do("demand", amount_fen=1, on=date(2026, 4, 1))
    refused(life, "suspend", demand_id="G1-1", on=date(2026, 4, 2))


def test_a_demand_is_put_off_while_it_may_be_examined_and_not_a_day_longer(life):
    life.do("demand", amount_fen=1, extend_to=date(2027, 3, 31), on=date(2026, 9, 30))
    refused(life, "suspend", demand_id="G1-1", on=date(2026, 10, 14))
    assert life.do("suspend", demand_id="G1-1", on=date(2026, 10, 13)).demands[0].last_day == date(2026, 10, 30)


def test_extend_or_pay_asks_for_a_later_expiry(life):
    refused(life, "demand", amount_fen=1, extend_to=EXPIRY, on=date(2026, 4, 1))
    life.do("demand", amount_fen=1, extend_to=EXPIRY + timedelta(days=1), on=date(2026, 4, 1))


# Its end


def test_it_can_be_demanded_on_its_last_day_and_not_on_the_day_after(life):
    after = EXPIRY + timedelta(days=1)
    assert (life.on(EXPIRY).state, life.on(after).state) == (State.EFFECTIVE, State.LAPSED)
    assert (life.on(EXPIRY).callable_fen, life.on(after).callable_fen) == (life.on(EXPIRY).outstanding_fen, 0)
    refused(life, "demand", amount_fen=1, on=after)
    assert life.do("demand", amount_fen=1, on=EXPIRY).state is State.DEMANDED


def test_an_expiry_on_a_holiday_moves_to_the_next_business_day():
    life = Life(replace(PERFORMANCE, expires_on=date(2026, 10, 1)), signed_on=ISSUED)
    refused(life, "demand", amount_fen=1, on=date(2026, 10, 9))
    life.do("demand", amount_fen=1, on=date(2026, 10, 8))


def test_its_expiry_shortens_no_examination_that_runs_and_lets_no_demand_in(life):
    life.do("demand", amount_fen=1, on=EXPIRY)
    day = EXPIRY + timedelta(days=1)
    refused(life, "demand", amount_fen=1, on=day)
    assert "demanded cannot be expired" in refused(life, "expire", on=day)
    assert life.do("refuse", demand_id="G1-1", discrepancies=["unsigned"], on=day).state is State.LAPSED
    assert life.do("expire", on=day).state is State.EXPIRED
    assert "nothing" in refused(life, "release", on=day)


@pytest.mark.parametrize(("days", "accepted"), [(0, False), (1, True)])
def test_it_is_struck_off_on_the_day_after_its_last_and_not_before(life, days, accepted):
    day = EXPIRY + timedelta(days=days)
    if accepted:
        assert life.do("expire", on=day).state is State.EXPIRED
    else:
        refused(life, "expire", on=day)


def test_the_beneficiary_may_give_it_back_unless_it_demands(life):
    life.do("demand", amount_fen=1, on=date(2026, 4, 1))
    refused(life, "release", on=date(2026, 4, 1))
    life.do("withdraw", demand_id="G1-1", on=date(2026, 4, 1))
    assert life.do("release", on=date(2026, 4, 1)).state is State.RELEASED


def test_an_amendment_makes_it_end_later_by_a_decision_of_its_own(life):
    refused(life, "amend", expires_on=EXPIRY, decision_id="D2", on=date(2026, 11, 1))
    here = life.do("amend", expires_on=date(2027, 1, 29), decision_id="D2", on=date(2026, 11, 1))
    assert (here.expires_on, here.decision_id) == (date(2027, 1, 29), "D2")


# Force majeure


@pytest.mark.parametrize(
    ("first", "last", "expires"),
    [
        (date(2026, 11, 30), date(2026, 12, 8), date(2026, 12, 30)),
        (date(2026, 11, 20), date(2026, 11, 30), date(2026, 12, 30)),
        (date(2026, 12, 1), date(2026, 12, 8), EXPIRY),
        (date(2026, 11, 20), date(2026, 11, 29), EXPIRY),
    ],
)
def test_an_expiry_that_falls_into_a_closure_moves_thirty_days(life, first, last, expires):
    here = life.do("interrupt", closed=Closed(first, last), on=date(2026, 12, 9))
    assert here.expires_on == expires
    assert here.state is (State.LAPSED if expires == EXPIRY else State.EFFECTIVE)


def test_a_closure_is_recorded_once_it_is_over_and_once(life):
    closed = Closed(date(2026, 11, 3), date(2026, 11, 6))
    refused(life, "interrupt", closed=closed, on=date(2026, 11, 6))
    life.do("interrupt", closed=closed, on=date(2026, 11, 7))
    refused(life, "interrupt", closed=closed, on=date(2026, 11, 7))
    life.do("interrupt", closed=Closed(date(2026, 11, 7), date(2026, 11, 7)), on=date(2026, 11, 8))


def test_an_examination_goes_on_where_it_stood_before_the_closure(life):
    life.do("demand", amount_fen=1, on=date(2026, 11, 2))
    assert life.on(date(2026, 11, 2)).demands[0].last_day == date(2026, 11, 9)
    here = life.do("interrupt", closed=Closed(date(2026, 11, 4), date(2026, 11, 13)), on=date(2026, 11, 16))
    assert here.demands[0].last_day == date(2026, 11, 19)


# What must always hold


def test_nothing_happens_before_what_happened_last(life):
    refused(life, "reduce", accepted_fen=1_000_000, on=date(2026, 3, 8))
    refused(life, "release", on=ISSUED - timedelta(days=1))


def test_events_out_of_their_order_are_refused(life):
    turned = [life.events[0], life.events[1], replace(life.events[1], on=ISSUED)]
    with pytest.raises(GuaranteeRefused, match="lies before"):
        as_of(turned, EXPIRY)


def test_events_that_cannot_follow_are_refused(life):
    with pytest.raises(GuaranteeRefused, match="effective cannot be effective"):
        as_of([*life.events, life.events[1]], EXPIRY)
    with pytest.raises(GuaranteeRefused, match="none cannot be effective"):
        as_of(life.events[1:], EXPIRY)


def test_a_guarantee_is_nothing_before_its_issue(life):
    with pytest.raises(GuaranteeRefused, match="no guarantee was issued"):
        life.on(ISSUED - timedelta(days=1))


def test_what_happened_by_another_calendar_still_happened(life):
    """It was struck off as lapsed; that a notice published since gives it another day takes nothing back."""
    day = EXPIRY + timedelta(days=1)
    life.do("expire", on=day)
    life.events[-1] = replace(life.events[-1], on=EXPIRY)
    assert life.on(EXPIRY).state is State.EXPIRED


def test_every_event_has_its_message():
    assert {each.message for each in Event} <= {f"tsrv.{n:03}" for n in range(1, 20)}


@given(st.sampled_from(State), st.sampled_from(Event))
def test_every_move_is_in_the_table_or_refused_with_what_may_be_done(state, event):
    if (state, event) in MOVES:
        assert moved(state, event) is MOVES[state, event]
    else:
        with pytest.raises(GuaranteeRefused) as found:
            moved(state, event)
        assert found.value.hint


def test_every_answer_to_a_demand_is_a_move_of_a_demanded_guarantee():
    assert {(State.DEMANDED, each) for answers in ANSWERS.values() for each in answers} <= set(MOVES)


_FEN = st.integers(0, ADVANCE_FEN + 1)
_DEMAND = st.sampled_from(["G1-1", "G1-2", "G1-3"])
_LATER = st.one_of(st.none(), st.integers(1, 200).map(lambda n: EXPIRY + timedelta(days=n)))
_ACTS = st.one_of(
    st.tuples(st.just("reduce"), st.fixed_dictionaries({"accepted_fen": st.integers(0, CONTRACT_FEN + 1)})),
    st.tuples(st.just("demand"), st.fixed_dictionaries({"amount_fen": _FEN, "extend_to": _LATER})),
    st.tuples(st.sampled_from(["pay", "withdraw", "suspend", "extend"]), st.fixed_dictionaries({"demand_id": _DEMAND})),
    st.tuples(st.just("refuse"), st.fixed_dictionaries({"demand_id": _DEMAND, "discrepancies": st.just(["unsigned"])})),
    st.tuples(
        st.just("amend"),
        st.fixed_dictionaries({"expires_on": _LATER.map(lambda day: day or EXPIRY), "decision_id": st.just("D2")}),
    ),
    st.tuples(st.sampled_from(["release", "expire", "sign_contract"]), st.just({})),
    st.tuples(st.just("interrupt"), st.integers(1, 40).map(lambda n: {"for_days": n})),
    st.tuples(
        st.just("receive_advance"),
        st.fixed_dictionaries({"account_id": st.just("A1"), "credited_fen": st.sampled_from([1, ADVANCE_FEN])}),
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_ACTS, st.integers(0, 45)), max_size=14))
def test_whatever_is_tried_the_amounts_add_up_and_the_state_moves_by_the_table(tried):
    life, day = Life(), ISSUED
    for (act, said), days in [(("receive_advance", {"account_id": "A1", "credited_fen": ADVANCE_FEN}), 1), *tried]:
        day += timedelta(days=days)
        told = dict(said)
        if "for_days" in told:
            told = {"closed": Closed(day - timedelta(days=told["for_days"]), day - timedelta(days=1))}
        before = life.on(day)
        try:
            here = life.do(act, on=day, **told)
        except GuaranteeRefused as found:
            assert found.hint
            assert life.on(day) == before
            continue
        event = life.events[-1]
        assert here.state in MOVES[before.state, event.kind]
        assert here.outstanding_fen == here.amount_fen - here.reduced_fen - here.paid_fen
        assert 0 <= here.demanded_fen <= here.outstanding_fen <= before.outstanding_fen
        taken = {Event.PAID: event.amount_fen, Event.REDUCED: before.outstanding_fen - event.amount_fen}
        assert before.outstanding_fen - here.outstanding_fen == taken.get(event.kind, 0)
        assert here.expires_on >= before.expires_on
    for n, (event, following) in enumerate(zip(life.events, life.events[1:], strict=False), start=1):
        if following.on > event.on:
            eve = following.on - timedelta(days=1)
            assert as_of(life.events[:n], eve) == as_of(life.events, eve)
