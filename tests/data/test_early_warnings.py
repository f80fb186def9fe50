"""Early warnings on tiny ledgers: each rule fires, and just below its boundary does not; nothing reads the future."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit.domain.alerts import RULES, raised
from credit.domain.packs import read_parameters
from data.early_warnings import FOUND, SIGNS, found_on
from data.ledger import Ledger
from data.schema import table

ImportRows = Callable[..., Any]
Rows = dict[str, list[dict[str, Any]]]

FILE = Path(__file__).resolve().parents[2] / "credit" / "parameters" / "alerts.toml"
SINCE, AS_OF = date(2025, 1, 31), date(2025, 6, 30)
TERMS = {
    name: each.on(AS_OF)
    for name, each in read_parameters(tomllib.loads(FILE.read_text(encoding="utf-8")), file=FILE.name).items()
}
OTHER = {"contract_id": "C2", "signed_on": "2024-06-01"}


def lines(contract: str | None = "C1", since: date = SINCE) -> pd.DataFrame:
    return pd.DataFrame([("LINE", "S1", contract, since)], columns=["line_id", "supplier_id", "contract_id", "since"])


def found(ledger: Ledger, contract: str | None = "C1", *, since: date = SINCE, as_of: date = AS_OF) -> pd.DataFrame:
    return found_on(ledger, lines(contract, since), as_of, TERMS)


@pytest.fixture
def import_rows(import_rows: ImportRows, platform_row: Callable[..., Any]) -> ImportRows:
    """Imports rows that were recorded in the morning of the day on which they happened, unless they say otherwise."""

    def imported(ledger: Ledger, **tables: list[dict[str, Any]]) -> Any:
        def told(name: str, changes: dict[str, Any]) -> dict[str, Any]:
            on = platform_row(name, **changes)[table(name).on]
            return {"recorded_at": f"{on}T01:00:00"} | changes

        return import_rows(ledger, **{name: [told(name, each) for each in rows] for name, rows in tables.items()})

    return imported


@dataclass(frozen=True)
class Pair:
    """Rows on which a rule fires, and rows just below its boundary; on the line's contract, or none."""

    fires: Rows
    below: Rows
    contract: str | None = "C1"
    about: list[str] = field(default_factory=list)


def day(text: str, later: int = 0) -> str:
    return str(date.fromisoformat(text) + timedelta(days=later))


def payment(**changes: Any) -> Rows:
    return {"accounts": [{}], "payments": [{"to_locked_account": "false"} | changes]}


def demand(contract: str, **changes: Any) -> Rows:
    issued = {"contract_id": contract, "happened_on": "2025-01-25"}
    demanded = {"guarantee_event_id": "H2", "kind": "DEMANDED", "happened_on": "2025-05-01", "contract_id": contract}
    return {"contracts": [{}, OTHER], "guarantee_events": [issued, demanded | changes]}


def ended(**changes: Any) -> Rows:
    return {"amendments": [{"kind": "TERMINATED", "fault": "SUPPLIER"} | changes]}


def draw(due_on: str, *events: dict[str, Any]) -> Rows:
    numbered = [{"credit_event_id": f"V{n}", "due_on": due_on} | each for n, each in enumerate(events, start=2)]
    return {"credit_events": [{"due_on": due_on}, *numbered]}


def paid_within(days: int, **unpaid: Any) -> Rows:
    """Ten deliveries that the buyer of another supplier paid within so many days, and one that it did not pay S1."""
    accepted = [
        {"acceptance_id": f"E{n}", "delivery_id": f"D{n}", "supplier_id": "S2", "accepted_on": "2025-01-10"}
        for n in range(10, 20)
    ]
    paid = [
        {"payment_id": f"P{n}", "delivery_id": f"D{n}", "supplier_id": "S2", "paid_on": day("2025-01-10", days)}
        for n in range(10, 20)
    ]
    return {
        "suppliers": [{}, {"supplier_id": "S2", "uscc": ""}],
        "contracts": [{}, {"contract_id": "C2", "supplier_id": "S2"}],
        "acceptances": [{"rating": 4, "contract_id": "C2"} | each for each in accepted] + [unpaid],
        "payments": [{"contract_id": "C2"} | each for each in paid],
    }


def rated(*ratings: int) -> Rows:
    return {
        "acceptances": [
            {"acceptance_id": f"E{n:02}", "rating": each, "accepted_on": day("2025-03-01", n)}
            for n, each in enumerate(ratings)
        ]
    }


def changed(*days: str) -> Rows:
    return {"amendments": [{"amendment_id": f"A{n}", "amended_on": each} for n, each in enumerate(days)]}


def signed(*orders: tuple[str, int]) -> Rows:
    rows = [{"contract_id": f"C{n}", "signed_on": on, "amount_fen": fen} for n, (on, fen) in enumerate(orders)]
    return {"contracts": [{"awarded_on": "", "planned_acceptance_on": ""} | each for each in rows]}


def applied(*days: str) -> Rows:
    return {"applications": [{"application_id": f"Q{n}", "applied_on": each} for n, each in enumerate(days)]}


def cut(share: float) -> Rows:
    return {"amendments": [{"change_fen": -int(share * 10_000_000)}]}


TWO = {"suppliers": [{}, {"supplier_id": "S9", "uscc": ""}], "relations": [{"related_id": "S9", "tie": "CONTROLLER"}]}
PAIRS: dict[str, Pair] = {
    "EW-MISPAID": Pair(payment(), payment(to_locked_account="true"), about=["P1"]),
    "EW-UNLOCKED": Pair(
        {"accounts": [{}, {"account_event_id": "K2", "kind": "UNLOCKED", "happened_on": "2025-03-01"}]},
        {
            "accounts": [
                {},
                {"account_event_id": "K2", "kind": "UNLOCKED", "happened_on": "2025-03-01"},
                {"account_event_id": "K3", "kind": "LOCKED", "happened_on": "2025-03-02"},
            ]
        },
        about=["K2"],
    ),
    "EW-LISTED": Pair(
        {"listings": [{}]}, {"listings": [{}, {"listing_event_id": "L2", "kind": "REMOVED"}]}, about=["L1"]
    ),
    "EW-CONTROLLER": Pair(
        TWO | {"listings": [{"supplier_id": "S9", "list": "JUDGMENT"}]},
        TWO | {"listings": [{"supplier_id": "S9", "list": "TAX"}]},
        about=["L1"],
    ),
    "EW-CALLED": Pair(demand("C1"), demand("C2"), about=["H2"]),
    "EW-TERMINATED": Pair(ended(fault="BUYER"), ended(kind="COMPLETED", fault="NONE"), about=["A1"]),
    "EW-OVERDUE": Pair(
        draw("2025-06-01", {"kind": "PAST_DUE", "days_past_due": 1, "happened_on": "2025-06-02"}),
        draw("2025-06-01", {"kind": "REPAID", "happened_on": "2025-06-01"}),
        about=["V2"],
    ),
    "EW-CALLED-ELSEWHERE": Pair(demand("C2"), demand("C1"), about=["H2"]),
    "EW-CANCELLED": Pair(cut(0.2), cut(0.19999), about=["A1"]),
    "EW-DISPUTE": Pair(
        {"disputes": [{}]}, {"disputes": [{}, {"dispute_event_id": "X2", "kind": "DISMISSED"}]}, about=["X"]
    ),
    # Accepted on 15 March: 107 days until 30 June. Nine in ten of the buyer's payments came within 76 or 77 days.
    "EW-SLOW-BUYER": Pair(paid_within(76), paid_within(77), about=["E1"]),
    "EW-LATE": Pair(
        {"deliveries": [{"delivered_on": "2025-03-26"}]}, {"deliveries": [{"delivered_on": "2025-03-25"}]}, about=["D1"]
    ),
    "EW-UNFINISHED": Pair(
        {"contracts": [{"planned_acceptance_on": "2025-06-14"}], "acceptances": [{"accepted_fen": 9_999_999}]},
        {"contracts": [{"planned_acceptance_on": "2025-06-15"}], "acceptances": [{"accepted_fen": 9_999_999}]},
        about=["C1"],
    ),
    # The eight before have mean 4 and a standard deviation of 1.069: two of them are 2.138 points.
    "EW-RATING": Pair(rated(*[5, 3] * 4, 2, 2, 1), rated(*[5, 3] * 4, 2, 2, 2), about=["E10"]),
    "EW-SCOPE": Pair(
        changed("2025-01-02", "2025-06-01", "2025-06-30"), changed("2025-01-01", "2025-06-01", "2025-06-30"),
        about=["A2"],
    ),
    "EW-ORDERS": Pair(
        signed(*[("2025-01-02", 1000)] * 3, ("2025-06-30", 1800)),
        signed(*[("2025-01-02", 1000)] * 3, ("2025-06-30", 1801)),
        contract=None, about=["2025-06-30"],
    ),
    "EW-ENQUIRIES": Pair(
        applied("2025-06-01", "2025-06-15", "2025-06-30"), applied("2025-05-31", "2025-06-15", "2025-06-30"),
        about=["Q2"],
    ),
}  # fmt: skip
CODES = [rule.code for rule in RULES]
WHOLE = {"suppliers": [{}], "contracts": [{}]}


@pytest.mark.parametrize("code", CODES)
def test_every_rule_fires(code: str, ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE | PAIRS[code].fires)
    about = found(ledger, PAIRS[code].contract).query("rule == @code")["about"]
    assert about.tolist() == PAIRS[code].about


@pytest.mark.parametrize("code", CODES)
def test_no_rule_fires_just_below_its_boundary(code: str, ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE | PAIRS[code].below)
    assert code not in found(ledger, PAIRS[code].contract)["rule"].tolist()


def test_every_rule_has_a_way_to_be_found_and_a_pair_of_tests() -> None:
    assert [sign.rule for sign in SIGNS] == CODES == list(PAIRS)
    assert [sign.reads for sign in SIGNS] == [rule.requires for rule in RULES]


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_found_before_it_was_recorded(code: str, ledger: Ledger, import_rows: ImportRows) -> None:
    late = str(datetime.combine(AS_OF, datetime.min.time()) + timedelta(hours=16))
    rows = (WHOLE | PAIRS[code].fires).items()
    import_rows(ledger, **{name: [each | {"recorded_at": late} for each in told] for name, told in rows})
    assert found(ledger, PAIRS[code].contract).empty
    # How a buyer pays is what was known of it at the end of the month before.
    if code != "EW-SLOW-BUYER":
        after = found(ledger, PAIRS[code].contract, as_of=AS_OF + timedelta(days=1)).query("rule == @code")
        assert after["about"].tolist() == PAIRS[code].about
        assert set(after["known_on"]) == {AS_OF + timedelta(days=1)}


@pytest.mark.parametrize("code", CODES)
def test_what_a_later_import_brings_changes_nothing_at_an_older_version(
    code: str, ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **{"suppliers": [{}], "buyers": [{}]})
    import_rows(ledger, **{"contracts": [{}]} | PAIRS[code].fires)
    assert not found(ledger, PAIRS[code].contract).empty
    assert found_on(ledger, lines(PAIRS[code].contract), AS_OF, TERMS, version=1).empty


# -- what is new -------------------------------------------------------------------------------------------------------


def test_what_was_known_when_the_line_began_is_judged_and_no_alert(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE, listings=[{"recorded_at": "2025-05-02T01:00:00"}])
    assert found(ledger, since=date(2025, 5, 2)).empty
    assert found(ledger, since=date(2025, 5, 1))["about"].tolist() == ["L1"]


def test_what_happened_before_the_line_began_and_came_to_be_known_later_is_new(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **WHOLE, listings=[{"happened_on": "2024-05-01", "recorded_at": "2025-05-02T01:00:00"}])
    new = found(ledger)
    assert new["about"].tolist() == ["L1"]
    assert (new["happened_on"][0], new["known_on"][0]) == (date(2024, 5, 1), date(2025, 5, 2))


def test_a_correction_that_changes_nothing_is_no_second_alert(ledger: Ledger, import_rows: ImportRows) -> None:
    late = {"delivered_on": "2025-03-26", "recorded_at": "2025-03-27T01:00:00"}
    corrected = {**late, "replaces": "D1", "record_id": "D1b", "value_fen": 1, "recorded_at": "2025-05-01T01:00:00"}
    import_rows(ledger, **WHOLE, deliveries=[late])
    import_rows(ledger, deliveries=[corrected])
    assert found(ledger, since=date(2025, 4, 1)).empty
    assert found(ledger)["about"].tolist() == ["D1"]


def test_a_listing_of_an_id_that_was_merged_later_is_new(ledger: Ledger, import_rows: ImportRows) -> None:
    other = {"supplier_id": "S1-old", "happened_on": "2024-05-01"}
    import_rows(
        ledger, contracts=[{}], merges=[{}], listings=[other], suppliers=[{}, {"supplier_id": "S1-old", "uscc": ""}]
    )
    new = found(ledger)
    assert new["about"].tolist() == ["L1"]
    alert = raised(new, lines(), TERMS, version="v")[0]
    assert alert.raised_on == SINCE + timedelta(days=1)


def test_a_line_that_begins_on_the_day_has_nothing_new(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE, listings=[{}])
    empty = found(ledger, since=AS_OF)
    assert empty.empty and tuple(empty.columns) == FOUND


def test_a_thousand_lines_are_asked_about_as_one_is(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE, listings=[{}], deliveries=[{"delivered_on": "2025-03-26"}])
    one = found(ledger)
    many = pd.concat([lines().assign(line_id=f"LINE{n}") for n in range(1000)], ignore_index=True)
    each = found_on(ledger, many, AS_OF, TERMS)
    assert len(each) == 1000 * len(one)
    last = each[each["line_id"] == "LINE999"].assign(line_id="LINE")
    pd.testing.assert_frame_equal(last.reset_index(drop=True), one, check_dtype=False)


# -- single rules ------------------------------------------------------------------------------------------------------


def only(code: str, ledger: Ledger, contract: str | None = "C1") -> list[str]:
    return found(ledger, contract).query("rule == @code")["about"].tolist()


def test_a_payment_on_the_day_of_the_lock_was_free_to_go_elsewhere(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE | payment(paid_on="2025-02-01"))
    assert only("EW-MISPAID", ledger) == []


def test_money_that_went_back_is_not_mispaid(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE | payment(amount_fen=-1))
    assert only("EW-MISPAID", ledger) == []


def test_an_account_named_anew_after_it_was_locked_is_changed(ledger: Ledger, import_rows: ImportRows) -> None:
    named = {"account_event_id": "K2", "kind": "NAMED", "happened_on": "2025-03-01"}
    import_rows(ledger, **WHOLE, accounts=[{}, named])
    assert only("EW-UNLOCKED", ledger) == ["K2"]


def test_an_account_that_was_never_locked_is_not_changed(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, **WHOLE, accounts=[{"kind": "NAMED"}])
    assert only("EW-UNLOCKED", ledger) == []


def test_the_account_of_a_completed_contract_may_be_unlocked(ledger: Ledger, import_rows: ImportRows) -> None:
    unlocked = {"account_event_id": "K2", "kind": "UNLOCKED", "happened_on": "2025-03-01"}
    import_rows(ledger, **WHOLE, accounts=[{}, unlocked], amendments=[{"kind": "COMPLETED"}])
    assert only("EW-UNLOCKED", ledger) == []


@pytest.mark.parametrize(("contract", "codes"), [("C1", ["EW-CALLED-ELSEWHERE"]), (None, ["EW-CALLED"])])
def test_no_contract_is_elsewhere_for_a_line_on_the_whole_record(
    contract: str | None, codes: list[str], ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **WHOLE | demand("C2"))
    rules = found(ledger, contract)["rule"]
    assert [each for each in rules if each.startswith("EW-CALLED")] == codes


def test_a_demand_that_was_withdrawn_is_no_alert(ledger: Ledger, import_rows: ImportRows) -> None:
    rows = demand("C1")
    back = {"guarantee_event_id": "H3", "kind": "RELEASED", "happened_on": "2025-06-01"}
    import_rows(ledger, **WHOLE | rows | {"guarantee_events": [*rows["guarantee_events"], back]})
    assert only("EW-CALLED", ledger) == []


def test_a_line_on_the_whole_record_freezes_only_where_the_supplier_was_at_fault(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **WHOLE | ended(fault="BUYER"))
    assert only("EW-TERMINATED", ledger, None) == []
    assert only("EW-CANCELLED", ledger, None) == ["A1"]


@pytest.mark.parametrize(("due_on", "said"), [("2025-06-23", ["V1"]), ("2025-06-24", [])])
def test_a_draw_of_which_nothing_is_heard_is_past_due_after_a_week(
    due_on: str, said: list[str], ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **WHOLE | draw(due_on))
    assert only("EW-OVERDUE", ledger) == said


@pytest.mark.parametrize(("own", "about"), [({"LINE": {"W1"}}, []), ({"OTHER": {"W1"}, "LINE": {"W2"}}, ["V2"])])
def test_a_draw_of_which_the_book_tells_is_not_told_again_by_a_feed(
    own: dict[str, set[str]], about: list[str], ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **WHOLE | PAIRS["EW-OVERDUE"].fires)
    assert found_on(ledger, lines(), AS_OF, TERMS, told=own)["about"].tolist() == about


def test_a_guarantee_of_which_the_book_tells_is_not_told_again_by_a_feed(
    ledger: Ledger, import_rows: ImportRows
) -> None:
    import_rows(ledger, **WHOLE | demand("C1"))
    assert found_on(ledger, lines(), AS_OF, TERMS, told={"LINE": {"H"}}).empty


def test_a_draw_that_gets_worse_is_another_alert(ledger: Ledger, import_rows: ImportRows) -> None:
    first = {"kind": "PAST_DUE", "days_past_due": 1, "happened_on": "2025-06-02"}
    lost = {"kind": "WRITTEN_OFF", "days_past_due": 29, "happened_on": "2025-06-30"}
    import_rows(ledger, **WHOLE | draw("2025-06-01", first, lost))
    assert only("EW-OVERDUE", ledger) == ["V3"]


def test_an_acceptance_that_was_paid_late_waits_no_more(ledger: Ledger, import_rows: ImportRows) -> None:
    rows = paid_within(76)
    import_rows(ledger, **WHOLE | rows | {"payments": [*rows["payments"], {"paid_on": "2025-06-30"}]})
    assert only("EW-SLOW-BUYER", ledger) == []


def test_where_nobody_delivers_acceptances_none_is_missed(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], contracts=[{"planned_acceptance_on": "2025-06-01"}])
    assert only("EW-UNFINISHED", ledger) == []


def test_a_fall_of_orders_that_the_year_before_had_too_is_the_season(ledger: Ledger, import_rows: ImportRows) -> None:
    spring = [(f"{year}-01-0{n}", 1000) for year in (2024, 2025) for n in (5, 6, 7)]
    summer = [("2024-06-01", 10), ("2025-06-01", 10)]
    import_rows(ledger, suppliers=[{}], **signed(("2023-06-01", 10), *spring, *summer))
    assert only("EW-ORDERS", ledger, None) == []


def test_two_orders_are_too_few_to_fall_from(ledger: Ledger, import_rows: ImportRows) -> None:
    import_rows(ledger, suppliers=[{}], **signed(("2025-01-02", 1000), ("2025-01-03", 1000)))
    assert only("EW-ORDERS", ledger, None) == []
