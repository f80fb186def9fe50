"""What a bank's file says beside the scores, at the command: contracts, the bank's own guarantees, the model before."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from credit.app.home import Home
from credit.domain.products.contract_loan import STAGES as LOAN_STAGES
from data.exports.schema import STAGES
from tests import nightly

MODEL = "loan_default.platform"
LATER = "2026-11-03T01:00:00"


def table(folder: str | Path, name: str) -> pd.DataFrame:
    return pd.read_csv(Path(folder) / f"{name}.csv", dtype=str, keep_default_na=False)


def consents_of(credit, bank: str, purpose: str) -> dict[str, str]:
    listed = credit("consent", "list", "--bank", bank, "--json").json
    return {each["consent_id"]: each["supplier_id"] for each in listed if each["purpose"] == purpose}


def test_the_stages_of_the_record_are_those_of_the_loan():
    assert tuple(each.upper() for each in LOAN_STAGES) == STAGES


# -- contracts ---------------------------------------------------------------------------------------------------------


def test_a_bank_is_told_of_the_contracts_with_a_locked_account_of_firms_that_consent_to_it(demo_said, credit):
    rows = table(demo_said["export"], "contracts")
    theirs = {**consents_of(credit, "demo-bank", "credit_line"), **consents_of(credit, "demo-bank", "guarantee")}
    assert len(rows) and [theirs[consent] for consent in rows["consent_id"]] == list(rows["supplier_id"])
    steps = pd.read_parquet(Path(demo_said["home"]) / "platform" / "accounts.parquet")
    last = steps.sort_values(["happened_on"], kind="stable").groupby("contract_id")["kind"].last()
    assert set(last[rows["contract_id"]]) <= {"LOCKED", "CONFIRMED"}
    locks = steps[steps["kind"] == "LOCKED"].set_index("contract_id")["account_event_id"]
    assert list(locks[rows["contract_id"]]) == list(rows["lock_ref"])
    assert set(rows["account_locked"]) == {"true"}


def test_what_is_said_of_a_contract_is_what_the_loan_on_it_would_be_decided_by(demo_said, credit):
    rows = table(demo_said["export"], "contracts")
    told = rows[rows["draw_max_fen"] != ""]
    assert (told["draw_max_fen"] != "0").any()
    for row in told.sort_values("draw_max_fen", key=lambda fen: -fen.astype(int)).iloc[[0, 1, 2, -1]].itertuples():
        record = credit("loan", "decide", "--contract", row.contract_id, "--as-of", demo_said["as_of"], "--json").json
        inputs = record["inputs"]
        assert (inputs["contract_fen"], inputs["prepaid_fen"]) == (int(row.amount_fen), int(row.prepaid_fen))
        assert (inputs["paid_fen"], inputs["retention_fen"]) == (int(row.paid_fen), int(row.retention_fen))
        # A guarantee that is offered on it takes of the loan here, and is nothing that stands on it.
        caps = () if inputs["guaranteed_fen"] else ("contract", "wrong-way")
        of_the_contract = ("product", "grade", "receivable", "cost", *caps)
        most = min(record["limits_fen"][f"LIM-{each}"] for each in of_the_contract)
        assert max(most, 0) >= int(row.draw_max_fen) >= 0
        assert int(row.draw_max_fen) == 0 or int(row.draw_max_fen) >= record["parameters"]["product_minimum_fen"]
        if record["conditions"]:
            assert record["conditions"]["net_base_fen"] == int(row.net_base_fen)
            assert record["conditions"]["due_on"] == row.expected_pay_date
            assert record["conditions"]["stage"].upper() == row.stage


def test_what_stands_on_a_contract_is_a_flag_and_nothing_is_said_of_what_could_be_drawn(demo_said):
    rows = table(demo_said["export"], "contracts")
    financed = rows[rows["other_financing_flag"] == "true"]
    assert 0 < len(financed) < len(rows)
    assert set(financed["draw_max_fen"]) == {""}


def test_what_was_drawn_for_a_contract_on_the_suppliers_line_stands_on_it(people, demo_said):
    home, as_ = people
    rows = table(demo_said["export"], "contracts")
    scores = table(demo_said["export"], "scores").set_index("supplier_id")
    granted = scores[scores["decision"] == "APPROVE"].index
    free = rows[rows["supplier_id"].isin(granted) & (rows["draw_max_fen"] != "")].iloc[0]
    line = as_("li", "line", "accept", scores.at[free["supplier_id"], "decision_id"], "--json").json
    words = ("--amount", "20000", "--contract", free["contract_id"], "--json")
    assert as_("night", "drawdown", "request", line["line_id"], *words).code == 0
    scored_later(home, as_)
    assert as_("night", "line", "decide", "--all", "--as-of", "2026-11-02", CREDIT_NOW=LATER).code == 0
    built = as_("night", "export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    now = table(built["folder"], "contracts").set_index("contract_id").loc[free["contract_id"]]
    assert (now["other_financing_flag"], now["draw_max_fen"]) == ("true", "")


def test_a_firm_that_consents_to_guarantees_alone_is_in_no_score_and_no_draw(changed):
    _, credit = changed
    rows = table(credit("export", "build", "--bank", "demo-bank", "--json").json["folder"], "contracts")
    both = consents_of(credit, "demo-bank", "guarantee").values()
    firm = next(each for each in rows["supplier_id"] if each in both)
    assert credit("consent", "revoke", firm, "--bank", "demo-bank", CREDIT_NOW=LATER).code == 0
    built = credit("export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    told = table(built["folder"], "contracts")
    told = told[told["supplier_id"] == firm]
    assert firm not in set(table(built["folder"], "scores")["supplier_id"])
    assert set(told["purpose"]) == {"guarantee"} and set(told["draw_max_fen"]) == {""}
    assert (
        credit("consent", "revoke", firm, "--bank", "demo-bank", "--purpose", "guarantee", CREDIT_NOW=LATER).code == 0
    )
    built = credit("export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    assert firm not in set(table(built["folder"], "contracts")["supplier_id"])


# -- guarantees --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(people, demo_said):
    """A granted performance guarantee, by its decision and its supplier, and the command as any of these people."""
    home, as_ = people
    contract = demo_said["guarantee"]["contract_id"]
    record = as_("li", "guarantee", "decide", "performance", "--contract", contract, "--json").json
    assert record["amount_fen"] > 0
    return home, as_, record["decision_id"], record["application"]["supplier_id"]


def second_bank_agrees(home: Path, as_, supplier: str) -> None:
    """The second bank wants all that the first one gets, and the firm consents to it too."""
    shipped = Path(__file__).parents[3] / "data" / "exports" / "banks" / "demo-bank.toml"
    (home / "banks").mkdir()
    (home / "banks" / "second-bank.toml").write_text(shipped.read_text().replace('"demo-bank"', '"second-bank"'))
    said = as_("night", "consent", "grant", supplier, "--bank", "second-bank", "--purpose", "guarantee")
    assert said.code == 0, said.err


def scored_later(home: Path, as_) -> None:
    """Scores and decisions of the day on which a guarantee was issued: what a file says is as of the last scores."""
    for words in (("score", "run"), ("line", "decide", "--all")):
        assert as_("night", *words, "--as-of", "2026-11-02", CREDIT_NOW=LATER).code == 0


def test_a_guarantee_is_in_the_files_of_the_bank_that_issued_it_and_in_no_others(asked):
    home, as_, decision, supplier = asked
    as_("night", "consent", "grant", supplier, "--bank", "demo-bank", "--purpose", "guarantee")
    second_bank_agrees(home, as_, supplier)
    issued = as_("night", "guarantee", "issue", decision, "--bank", "demo-bank", "--json").json
    assert issued["issuer"] == "demo-bank"
    # As of the day before it was issued, there is none.
    before = as_("night", "export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    assert before["further"]["guarantees"] == 0
    scored_later(home, as_)
    built = as_("night", "export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    [row] = table(built["folder"], "guarantees").to_dict("records")
    assert (row["guarantee_id"], row["supplier_id"]) == (issued["guarantee_id"], supplier)
    assert (row["amount_fen"], row["outstanding_fen"]) == (str(issued["amount_fen"]), str(issued["outstanding_fen"]))
    assert (row["status"], row["last_event"], row["event_seq"]) == ("EFFECTIVE", "EFFECTIVE", "2")
    assert (row["reduction_schedule"], row["reduction_left_fen"]) == ("NEVER", "")
    assert (row["expiry"], row["effective_trigger"]) == (issued["expires_on"], "CONTRACT_SIGNED")
    # Another bank that the firm consents to, and that wants guarantees, is not told of it.
    other = as_("night", "export", "build", "--bank", "second-bank", "--json", CREDIT_NOW=LATER).json
    assert other["further"]["guarantees"] == 0
    assert issued["guarantee_id"].encode() not in b"".join(
        each.read_bytes() for each in Path(other["folder"]).iterdir()
    )
    words = ("consent", "revoke", supplier, "--bank", "demo-bank", "--purpose", "guarantee")
    assert as_("night", *words, CREDIT_NOW=LATER).code == 0
    gone = as_("night", "export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    assert gone["further"]["guarantees"] == 0


def test_a_guarantee_of_which_nobody_said_who_issued_it_goes_to_no_bank(asked):
    home, as_, decision, supplier = asked
    as_("night", "consent", "grant", supplier, "--bank", "demo-bank", "--purpose", "guarantee")
    assert as_("night", "guarantee", "issue", decision, "--json").json["issuer"] is None
    scored_later(home, as_)
    built = as_("night", "export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json
    assert built["further"]["guarantees"] == 0


def test_a_bank_issues_guarantees_for_firms_that_consent_to_it_where_that_was_agreed(asked):
    home, as_, decision, supplier = asked
    unknown = as_("night", "guarantee", "issue", decision, "--bank", "third-bank")
    assert unknown.code != 0 and "demo-bank, second-bank" in unknown.err
    narrow = as_("night", "guarantee", "issue", decision, "--bank", "second-bank")
    assert narrow.code == 6 and "is not about guarantees" in narrow.err
    # Some bank has the firm's consent, or policy declines it; but not the one that would issue.
    second_bank_agrees(home, as_, supplier)
    as_("night", "consent", "revoke", supplier, "--bank", "demo-bank", "--purpose", "guarantee")
    without = as_("night", "guarantee", "issue", decision, "--bank", "demo-bank")
    assert without.code == 6 and "does not consent that demo-bank" in without.err


# -- the model before --------------------------------------------------------------------------------------------------


def previous(folder: str | Path) -> pd.DataFrame:
    rows = table(folder, "scores").set_index("supplier_id")
    return rows[["pd", "grade", "previous_pd", "previous_grade", "previous_score", "previous_model_version"]]


def test_after_a_promotion_the_model_before_scores_beside_for_a_cycle_and_then_no_more(changed):
    home, credit = changed
    first = previous(credit("export", "build", "--bank", "demo-bank", "--json").json["folder"])
    assert set(first["previous_pd"]) == set(first["previous_model_version"]) == {""}
    nightly.second_model(home, "2026-11-02T01:00:00")

    def built(moment: str) -> pd.DataFrame:
        assert credit("score", "run", "--as-of", "2026-10-31", CREDIT_NOW=moment).code == 0
        return previous(credit("export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=moment).json["folder"])

    # The last moment of the thirty-first day, and the first of the next one, in China.
    within, after = built("2026-12-02T15:59:59"), built("2026-12-02T16:00:00")
    scored = within["pd"] != ""
    assert list(within.loc[scored, "previous_pd"]) == list(first.loc[within.index[scored], "pd"])
    assert list(within.loc[scored, "previous_grade"]) == list(first.loc[within.index[scored], "grade"])
    assert set(within.loc[scored, "previous_model_version"]) == {"1"}
    assert not (within.loc[scored, "pd"] == within.loc[scored, "previous_pd"]).all()
    assert set(after["previous_pd"]) == set(after["previous_score"]) == {""}
    assert list(after["pd"]) == list(within["pd"])


def test_what_was_rolled_back_is_not_sent_again(changed):
    home, credit = changed
    nightly.second_model(home, "2026-11-02T01:00:00")
    Home(home).registry().rollback(MODEL, at="2026-11-02T01:00:01", who="ann", why="it fails")
    assert credit("score", "run", "--as-of", "2026-10-31", CREDIT_NOW=LATER).code == 0
    rows = previous(credit("export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW=LATER).json["folder"])
    assert set(rows["previous_pd"]) == {""}


def test_an_advice_that_a_person_judged_says_so(people, demo_said):
    _, as_ = people
    rows = table(demo_said["export"], "scores").set_index("decision_id")
    assert set(rows["human_reviewed"]) == set(rows["override_flag"]) == {"false"}
    approved = rows[rows["decision"] == "APPROVE"].index[0]
    why = ("--code", "TIGHTENING", "--text", "a rumour", "--evidence", "minute 7", "--lapses", "2026-11-20")
    made = as_("zhang", "decision", "override", approved, *why, "--json")
    assert made.code == 0, made.err
    later = table(as_("night", "export", "build", "--bank", "demo-bank", "--json").json["folder"], "scores")
    [mine] = later[later["decision_id"] == made.json["decision_id"]].to_dict("records")
    assert (mine["decision"], mine["human_reviewed"], mine["override_flag"]) == ("DECLINE", "true", "true")
    assert set(later.loc[later["supplier_id"] != mine["supplier_id"], "human_reviewed"]) == {"false"}
    # It stands until the day on which it lapses, and is no advice after that.
    assert mine["valid_until"] == "2026-11-20"
    lapsed = as_("night", "export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW="2026-11-21T01:00:00").json
    [mine] = table(lapsed["folder"], "scores").query("supplier_id == @mine['supplier_id']").to_dict("records")
    assert (mine["decision"], mine["decision_id"], mine["human_reviewed"]) == ("", "", "")


def test_what_a_firm_asked_one_lender_for_is_no_limit_of_another(people, demo_said):
    _, as_ = people
    rows = table(demo_said["export"], "scores")
    approved = rows[rows["decision"] == "APPROVE"]
    firm = approved.loc[approved["indicative_limit_fen"].astype(int).idxmax()]
    less = int(firm["indicative_limit_fen"]) // 100 - 1_000
    asked = as_("li", "line", "decide", firm["supplier_id"], "--amount", str(less), "--json").json
    assert asked["bound_by"]["code"] == "LIM-requested"
    built = as_("night", "export", "build", "--bank", "demo-bank", "--json").json
    again = table(built["folder"], "scores").set_index("supplier_id").loc[firm["supplier_id"]]
    assert (again["indicative_limit_fen"], again["limit_bound_by"]) == (
        firm["indicative_limit_fen"],
        firm["limit_bound_by"],
    )
    # But that a person then declined it is told.
    why = ("--code", "TIGHTENING", "--text", "a rumour", "--evidence", "minute 7", "--lapses", "2026-11-20")
    assert as_("zhang", "decision", "override", asked["decision_id"], *why, "--json").code == 0
    built = as_("night", "export", "build", "--bank", "demo-bank", "--json").json
    told = table(built["folder"], "scores").set_index("supplier_id").loc[firm["supplier_id"]]
    assert (told["decision"], told["indicative_limit_fen"], told["limit_bound_by"]) == ("DECLINE", "0", "LIM-person")
