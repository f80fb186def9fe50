"""Facts of a case: what was registered, drawn, guaranteed, consented to and asked for by its day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from data.facts import (
    buyer_pay_days,
    closed_conversions,
    closed_losses,
    contract_facts,
    contracts_signed,
    drawn_since,
    group_facts,
    happened_since,
    last_requests,
    segments,
    supplier_facts,
    valid_consents,
    withheld,
)
from data.ledger import Ledger

ImportRows = Callable[..., Any]
AS_OF = date(2025, 6, 30)
ASKED = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [AS_OF], "contract_id": ["C1"]})


@pytest.fixture
def fact(ledger: Ledger, import_rows: ImportRows) -> Callable[..., Any]:
    def of(name: str, **tables: list[dict[str, Any]]) -> Any:
        import_rows(ledger, **({"suppliers": [{}]} | tables))
        with ledger.known_on(ASKED) as known:
            return supplier_facts(known)[name].iloc[0]

    return of


@pytest.fixture
def contract(ledger: Ledger, import_rows: ImportRows) -> Callable[..., Any]:
    def of(name: str, form: str = "PERFORMANCE", **tables: list[dict[str, Any]]) -> Any:
        import_rows(ledger, suppliers=[{}], contracts=[{}], **tables)
        with ledger.known_on(ASKED) as known:
            return contract_facts(known, form=form)[name].iloc[0]

    return of


def event(number: int, kind: str, **changes: Any) -> dict[str, Any]:
    return {"guarantee_event_id": f"H{number}", "kind": kind, "happened_on": f"2025-02-0{number}"} | changes


# -- the supplier ------------------------------------------------------------------------------------------------------


def test_a_draw_is_exposure_until_it_is_repaid(fact: Callable[..., Any]) -> None:
    assert fact("exposure_fen", credit_events=[{}]) == 2_000_000


def test_a_repaid_draw_is_no_exposure(fact: Callable[..., Any]) -> None:
    assert fact("exposure_fen", credit_events=[{}, {"credit_event_id": "V2", "kind": "REPAID"}]) == 0


def test_a_demand_for_a_part_leaves_the_whole_guarantee_as_exposure(fact: Callable[..., Any]) -> None:
    assert fact("exposure_fen", guarantee_events=[{}, event(2, "DEMANDED", amount_fen=1)]) == 1_000_000


def test_a_paid_guarantee_is_no_exposure(fact: Callable[..., Any]) -> None:
    assert fact("exposure_fen", guarantee_events=[{}, event(2, "PAID")]) == 0


def test_money_is_whole_fen_and_never_a_float(small_ledger: Ledger) -> None:
    with small_ledger.known_on(ASKED) as known:
        supplier, of_contract = supplier_facts(known), contract_facts(known, form="PERFORMANCE")
    for frame in (supplier, of_contract):
        assert {str(frame[c].dtype) for c in frame.columns if c.endswith("_fen")} == {"int64"}


def test_a_code_whose_check_digits_agree_is_a_valid_identity(fact: Callable[..., Any]) -> None:
    assert fact("identity_valid")


def test_a_code_with_one_wrong_digit_is_no_valid_identity(fact: Callable[..., Any]) -> None:
    assert not fact("identity_valid", suppliers=[{"uscc": "91330100799655058A"}])


def test_a_source_without_codes_leaves_the_identity_open(fact: Callable[..., Any]) -> None:
    assert pd.isna(fact("identity_valid", suppliers=[{"uscc": ""}]))


def test_a_supplier_that_nobody_knows_has_no_exposure(small_ledger: Ledger) -> None:
    with small_ledger.known_on(ASKED.assign(supplier_id="NOBODY")) as known:
        assert supplier_facts(known)["exposure_fen"].tolist() == [0]


# -- the contract ------------------------------------------------------------------------------------------------------


def test_a_change_counts_into_the_contract(contract: Callable[..., Any]) -> None:
    assert contract("contract_fen", amendments=[{"change_fen": -1_000_000}]) == 9_000_000


def test_a_contract_that_was_completed_is_not_open(contract: Callable[..., Any]) -> None:
    assert not contract("contract_open", amendments=[{"kind": "COMPLETED"}])


def test_a_contract_that_was_changed_is_still_open(contract: Callable[..., Any]) -> None:
    assert contract("contract_open", amendments=[{}])


def test_a_locked_account_is_locked(contract: Callable[..., Any]) -> None:
    assert contract("account_locked", accounts=[{}])


def test_an_account_unlocked_on_the_day_it_was_locked_is_not_locked(contract: Callable[..., Any]) -> None:
    assert not contract("account_locked", accounts=[{}, {"account_event_id": "K2", "kind": "UNLOCKED"}])


def test_only_an_advance_counts_as_received_advance(contract: Callable[..., Any]) -> None:
    advance = {"payment_id": "P2", "kind": "ADVANCE", "amount_fen": 3}
    assert contract("advance_received_fen", payments=[{}, advance]) == 3


def test_a_guarantee_of_another_form_is_not_of_the_same_form(contract: Callable[..., Any]) -> None:
    assert contract("guaranteed_same_form_fen", form="ADVANCE_PAYMENT", guarantee_events=[{}]) == 0


def test_a_guarantee_of_another_form_still_stands_on_the_contract(contract: Callable[..., Any]) -> None:
    assert contract("guaranteed_fen", form="ADVANCE_PAYMENT", guarantee_events=[{}]) == 1_000_000


def test_a_contract_that_nobody_knows_has_no_row(small_ledger: Ledger) -> None:
    with small_ledger.known_on(ASKED.assign(contract_id="C9")) as known:
        assert contract_facts(known, form="PERFORMANCE").empty


# -- consents ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def consents(ledger: Ledger, import_rows: ImportRows) -> Callable[..., list[str]]:
    """The consents that hold on a day, given the events of consent G; all were recorded as they happened."""

    def of(on: date, *events: dict[str, Any]) -> list[str]:
        numbered = [{"consent_event_id": f"G{n}", "recorded_at": e["happened_on"]} | e for n, e in enumerate(events)]
        import_rows(ledger, suppliers=[{}], consents=numbered)
        return valid_consents(ledger, pd.Series(["S1", "S1"]), on=on)["consent_id"].tolist()

    return of


TRADER, COMPANY = "92330100MA27A1B2C3", "91330100799655058B"


@pytest.mark.parametrize(("who", "is_withheld"), [
    ({"legal_form": "SOLE_TRADER"}, True),
    ({"legal_form": "COMPANY"}, False),
    ({"uscc": TRADER}, True),
    ({"uscc": COMPANY}, False),
    ({"uscc": TRADER, "legal_form": "COMPANY"}, True),
    ({"uscc": COMPANY, "legal_form": "SOLE_TRADER"}, True),
    ({"uscc": ""}, False),
])  # fmt: skip
def test_a_sole_trader_without_a_consent_is_not_scored(ledger, import_rows, who, is_withheld) -> None:
    import_rows(ledger, suppliers=[{"legal_form": "", **who}])
    assert withheld(ledger, pd.Series(["S1"]), on=AS_OF) == ({"S1"} if is_withheld else set())


@pytest.mark.parametrize(("day", "is_withheld"), [(31, False), (1, True)])
def test_a_sole_trader_is_scored_until_the_last_day_of_a_consent(ledger, import_rows, day, is_withheld) -> None:
    import_rows(ledger, suppliers=[{"legal_form": "SOLE_TRADER"}], consents=[GRANT | {"recorded_at": "2025-02-01"}])
    on = date(2025, 12, 31) if day == 31 else date(2026, 1, day)
    assert bool(withheld(ledger, pd.Series(["S1"]), on=on)) is is_withheld


GRANT = {"happened_on": "2025-02-01", "valid_to": "2025-12-31"}


def test_a_consent_holds_on_its_last_day(consents: Callable[..., list[str]]) -> None:
    assert consents(date(2025, 12, 31), GRANT) == ["G"]


def test_a_consent_is_over_on_the_day_after_its_last(consents: Callable[..., list[str]]) -> None:
    assert consents(date(2026, 1, 1), GRANT) == []


def test_a_consent_holds_on_the_day_before_it_is_revoked(consents: Callable[..., list[str]]) -> None:
    assert consents(date(2025, 5, 4), GRANT, {"happened_on": "2025-05-05", "kind": "REVOKED"}) == ["G"]


def test_a_consent_is_over_on_the_day_it_is_revoked(consents: Callable[..., list[str]]) -> None:
    assert consents(date(2025, 5, 5), GRANT, {"happened_on": "2025-05-05", "kind": "REVOKED"}) == []


def test_a_consent_that_was_shortened_ends_on_its_new_last_day(consents: Callable[..., list[str]]) -> None:
    assert consents(date(2025, 7, 1), GRANT, {"happened_on": "2025-05-05", "valid_to": "2025-06-30"}) == []


def test_a_consent_granted_again_without_end_holds_on(consents: Callable[..., list[str]]) -> None:
    assert consents(date(2026, 7, 1), GRANT, {"happened_on": "2025-05-05", "valid_to": ""}) == ["G"]


# -- requests ----------------------------------------------------------------------------------------------------------


def test_the_last_request_within_a_year_is_found(ledger: Ledger, import_rows: ImportRows) -> None:
    later = {"application_id": "Q2", "applied_on": "2025-03-01", "requested_fen": 9}
    import_rows(ledger, suppliers=[{}], applications=[{}, later])
    with ledger.known_on(ASKED) as known:
        assert last_requests(known).tolist() == [9.0]


@pytest.mark.parametrize(("applied_on", "found"), [("2024-07-01", True), ("2024-06-30", False)])
def test_a_request_counts_for_twelve_months(
    ledger: Ledger, import_rows: ImportRows, applied_on: str, found: bool
) -> None:
    import_rows(ledger, suppliers=[{}], applications=[{"applied_on": applied_on}])
    with ledger.known_on(ASKED) as known:
        assert last_requests(known).notna().tolist() == [found]


# -- what belongs together, and how a buyer pays -----------------------------------------------------------------------


def test_a_group_owes_and_is_listed_for_what_its_other_members_are(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(
        ledger,
        suppliers=[{}, {"supplier_id": "S2", "uscc": ""}, {"supplier_id": "S3", "uscc": ""}],
        relations=[{"related_id": "S2", "tie": "CONTROLLER"}],
        credit_events=[
            {"amount_fen": 7},
            {"credit_event_id": "V2", "loan_id": "W2", "supplier_id": "S2", "amount_fen": 11},
            {"credit_event_id": "V3", "loan_id": "W3", "supplier_id": "S3", "amount_fen": 13},
        ],
        listings=[{"supplier_id": "S2"}],
    )
    found = group_facts(ledger, pd.Series(["S1", "S2", "S3", "S1"]), AS_OF)
    assert found.index.tolist() == ["S1", "S2", "S3"]
    assert found["group_id"].nunique() == 2 and found.at["S1", "group_id"] == found.at["S2", "group_id"]
    assert found["group_exposure_fen"].tolist() == [11, 7, 0]
    assert found["connected_listings"].tolist() == [1, 0, 0]


def test_a_firm_that_is_tied_to_nobody_is_its_own_group(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}])
    found = group_facts(ledger, pd.Series(["S1"]), AS_OF)
    assert found.loc["S1"].tolist() == ["S1", 0, 0]


@pytest.mark.parametrize(
    ("happened", "left"),
    [
        ({}, 2_000_000),
        ({"happened_on": "2025-02-09"}, 0),
        ({"happened_on": "2025-07-01"}, 0),
    ],
)
def test_what_was_drawn_from_a_day_on_and_is_known(
    ledger: Ledger, import_rows: ImportRows, happened: dict[str, Any], left: int
) -> None:
    import_rows(ledger, suppliers=[{}], credit_events=[happened])
    assert drawn_since(ledger, "S1", date(2025, 2, 10), AS_OF) == left


def test_a_draw_that_was_repaid_is_drawn_no_more(ledger: Ledger, import_rows: ImportRows) -> None:
    repaid = {"credit_event_id": "V2", "kind": "REPAID", "happened_on": "2025-04-01", "amount_fen": 2_000_000}
    import_rows(ledger, suppliers=[{}], credit_events=[{}, repaid])
    assert drawn_since(ledger, "S1", date(2025, 2, 1), AS_OF) == 0
    assert drawn_since(ledger, "S1", date(2025, 2, 1), date(2025, 3, 31)) == 2_000_000


def since(ledger: Ledger, day: date, as_of: date = AS_OF) -> dict[str, int]:
    return {str(name): int(each) for name, each in happened_since(ledger, ["S1"], [day], as_of).iloc[0].items()}


def test_what_became_of_draws_since_a_day(ledger: Ledger, import_rows: ImportRows) -> None:
    late = {"credit_event_id": "V2", "kind": "PAST_DUE", "happened_on": "2025-03-01", "days_past_due": 60}
    lost = late | {"credit_event_id": "V3", "kind": "WRITTEN_OFF", "happened_on": "2025-06-01", "days_past_due": 120,
                   "amount_fen": 700_000}  # fmt: skip
    more = {"credit_event_id": "V4", "loan_id": "L2", "happened_on": "2025-03-01", "amount_fen": 300_000}
    import_rows(ledger, suppliers=[{}], credit_events=[{}, late, lost, more])
    found = since(ledger, date(2025, 2, 10))
    assert (found["drawn_fen"], found["open_fen"]) == (2_300_000, 300_000)
    assert (found["worst_days_past_due"], found["written_off_fen"]) == (120, 700_000)
    before = since(ledger, date(2025, 2, 10), date(2025, 5, 31))
    assert (before["open_fen"], before["worst_days_past_due"], before["written_off_fen"]) == (2_300_000, 60, 0)


def test_an_older_draw_that_goes_bad_did_not_come_of_it(ledger: Ledger, import_rows: ImportRows) -> None:
    late = {"credit_event_id": "V2", "kind": "PAST_DUE", "happened_on": "2025-03-01", "days_past_due": 60}
    import_rows(ledger, suppliers=[{}], credit_events=[{}, late])
    assert set(since(ledger, date(2025, 2, 16)).values()) == {0}
    assert since(ledger, date(2025, 2, 15))["worst_days_past_due"] == 60


@pytest.mark.parametrize(("day", "called"), [(date(2025, 2, 2), (1, 400_000)), (date(2025, 2, 4), (0, 0))])
def test_a_guarantee_that_is_demanded_and_paid_was_called_once(
    ledger: Ledger, import_rows: ImportRows, day: date, called: tuple[int, int]
) -> None:
    asked = [event(2, "DEMANDED", amount_fen=400_000), event(3, "PAID", amount_fen=400_000)]
    import_rows(ledger, suppliers=[{}], contracts=[{}], guarantee_events=[{}, *asked])
    found = since(ledger, day)
    assert (found["guarantees_called"], found["guarantees_paid_fen"]) == called


def test_each_is_asked_about_from_its_own_day(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], credit_events=[{}])
    days = [date(2025, 2, 16), date(2025, 2, 15), date(2025, 2, 15)]
    assert happened_since(ledger, ["S1", "S1", "S9"], days, AS_OF)["drawn_fen"].tolist() == [0, 2_000_000, 0]
    assert happened_since(ledger, [], [], AS_OF).empty


def paid(*days: int) -> dict[str, list[dict[str, Any]]]:
    """Deliveries accepted on one day, and paid so many days later each."""
    accepted = date(2025, 3, 15)
    return {
        "suppliers": [{}],
        "contracts": [{}],
        "deliveries": [{"delivery_id": f"D{place}"} for place in range(len(days))],
        "acceptances": [{"acceptance_id": f"E{place}", "delivery_id": f"D{place}"} for place in range(len(days))],
        "payments": [
            {"payment_id": f"P{place}", "delivery_id": f"D{place}", "paid_on": str(accepted + timedelta(days=late))}
            for place, late in enumerate(days)
        ],
    }


def test_a_buyer_pays_when_it_has_in_eight_of_ten_cases(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **paid(10, 20, 30, 40, 50))
    assert buyer_pay_days(ledger, AS_OF).to_dict() == {"B1": 40.0}


def test_of_few_payments_and_of_those_after_the_month_nothing_is_known(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **paid(10, 20, 30, 40, 50))
    # The last month that is over ended before the fifth payment, on 4 May.
    assert buyer_pay_days(ledger, date(2025, 5, 30)).empty


# -- to validate a model with ------------------------------------------------------------------------------------------


def test_a_segment_is_what_the_firm_was_on_its_day(ledger: Ledger, import_rows: ImportRows) -> None:
    left = {"programme_event_id": "Y2", "kind": "LEFT", "happened_on": "2025-03-01"}
    joined = {"programme_event_id": "Y3", "programme": "GREEN_PRODUCT", "valid_to": "2025-06-30"}
    import_rows(
        ledger,
        suppliers=[{"size_class": "SMALL", "industry": "works"}],
        programmes=[{}, left, joined],
    )
    days = [date(2025, 2, 1), AS_OF, date(2025, 7, 1)]
    found = segments(ledger, pd.DataFrame({"case_id": range(3), "supplier_id": "S1", "as_of": days}))
    assert list(found["programme"]) == ["GREEN_PRODUCT + RURAL_HALL", "GREEN_PRODUCT", "none"]
    assert found.loc[0, ["size", "region", "sector"]].tolist() == ["SMALL", "3301", "works"]


@pytest.mark.parametrize(
    ("ends", "shares"),
    [
        ([], []),
        ([{"kind": "REPAID", "happened_on": "2025-05-20"}], [0.0]),
        ([{"kind": "WRITTEN_OFF", "happened_on": "2025-05-20", "amount_fen": 1_500_000, "days_past_due": 95}], [0.75]),
    ],
)
def test_the_loss_of_a_default_is_known_once_it_is_closed(
    ledger: Ledger, import_rows: ImportRows, ends: list[dict[str, Any]], shares: list[float]
) -> None:
    late = {"credit_event_id": "V2", "kind": "PAST_DUE", "happened_on": "2025-05-16", "days_past_due": 90}
    closed = [{"credit_event_id": f"V{n + 3}"} | end for n, end in enumerate(ends)]
    import_rows(ledger, suppliers=[{}], credit_events=[{}, late, *closed])
    assert closed_losses(ledger, AS_OF)["share"].tolist() == shares


def test_the_conversion_of_a_guarantee_is_the_share_that_was_paid_of_it(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    paid = event(3, "PAID", amount_fen=250_000)
    import_rows(ledger, suppliers=[{}], contracts=[{}], guarantee_events=[event(1, "ISSUED"), paid])
    found = closed_conversions(ledger, AS_OF, ["C1"])
    assert found[["form", "share"]].to_numpy().tolist() == [["PERFORMANCE", 0.25]]
    assert closed_conversions(ledger, AS_OF, ["C2"]).empty


def test_the_contracts_of_a_month_are_those_signed_within_it(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{}])
    before, signed = date(2025, 1, 19), date(2025, 1, 20)
    assert list(contracts_signed(ledger, before, AS_OF, channels=("PROJECT",))["contract_id"]) == ["C1"]
    assert contracts_signed(ledger, signed, AS_OF, channels=("PROJECT",)).empty
    assert contracts_signed(ledger, before, AS_OF, channels=("FRAMEWORK",)).empty
