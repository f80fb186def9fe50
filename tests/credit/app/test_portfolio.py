"""The portfolio: what stands, how a budget is allocated over the demonstration's firms, and what shocks do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from credit.app.allocating import read_churn, read_scenarios
from credit.app.home import Home
from credit.app.policies import portfolio_terms
from credit.domain.errors import FileMissing, WrongFormat

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "sme_invoices" / "att3_rate_vs_churn.xlsx"


@pytest.fixture
def churn(tmp_path):
    file = tmp_path / "churn.csv"
    file.write_text("rate,A,B,C\n0.04,0,0,0\n0.08,0.5,0.45,0.4\n0.15,0.9,0.88,0.85\n")
    return file


def test_what_stands_adds_up(credit, demo_home):
    document = credit("portfolio", "show", "--on", "2026-11-02", "--json").json
    assert document["offers"] > 0
    for name in ("by_pack", "by_grade"):
        for what in ("offers", "fen"):
            assert sum(each[what] for each in document[name]) == document[what]
    offered = Home(demo_home).decisions().standing(date(2026, 11, 2), date(2026, 11, 2))
    assert document["fen"] == sum(each.amount_fen for each in offered)
    assert all(0 <= each["used"] <= 1 and each["fen"] <= each["most_fen"] for each in document["pools"])
    assert "stand; expected loss" in credit("portfolio", "show", "--on", "2026-11-02").out


def test_a_budget_is_allocated_within_every_limit_and_beats_simpler_ways(credit, churn, demo_home):
    words = ("portfolio", "allocate", "--budget", "3,000,000", "--churn", churn, "--rates", "4:9:1", "--flat", "5,8")
    document = credit(*words, "--json").json
    offers = document["offers"]
    assert offers and sum(each["amount_fen"] for each in offers) == document["offered_fen"] <= 300_000_000
    assert document["gap"] < 1e-4
    assert len(document["beside"]) == 5
    assert all(each["expected_profit_fen"] <= document["expected_profit_fen"] for each in document["beside"])
    shares = portfolio_terms(Home(demo_home), date(2026, 10, 31))["grade_and_weaker_share_max"]
    offered = {each["grade"]: each["offered_fen"] for each in document["by_grade"]}
    for place, share in enumerate(shares.values()):
        assert sum(offered.get(grade, 0) for grade in list(shares)[place:]) <= share * 300_000_000
    # Nobody is offered more than the policy alone would grant.
    for each in offers[:3]:
        alone = credit("line", "decide", each["supplier_id"], "--json").json
        assert each["amount_fen"] <= min(v for k, v in alone["limits_fen"].items() if k != "LIM-portfolio")
    said = credit(*words).out
    assert "one more yuan" in said and "rank and fill" in said


def test_what_a_firm_has_a_line_for_is_not_offered_again(changed, churn):
    _, credit = changed
    words = ("portfolio", "allocate", "--budget", "3,000,000", "--churn", churn, "--flat", "5", "--json")
    most = credit(*words).json["offers"]
    first = max(most, key=lambda each: each["amount_fen"])
    decided = credit("line", "decide", first["supplier_id"], "--json").json
    line = credit("line", "accept", decided["decision_id"], "--json").json
    assert line["limit_fen"] >= first["amount_fen"]
    assert line["supplier_id"] not in [each["supplier_id"] for each in credit(*words).json["offers"]]


def test_a_simulation_of_what_is_asked_on_a_contract_is_refused_by_name(credit, demo_home):
    said = credit("policy", "simulate", "--policy", Home(demo_home).policies, "--product", "contract_loan")
    assert said.code == 1 and "asked for on a contract" in said.err


def test_a_shock_changes_what_is_held_and_an_allocation_anew_is_no_worse(credit, churn, tmp_path):
    shocks = tmp_path / "shocks.toml"
    shocks.write_text(
        '[[scenario]]\nname = "none"\n[[scenario]]\nname = "bad year"\npd_odds = 3\nloss_given_default = 0.2\n'
    )
    words = ("portfolio", "stress", "--budget", "3000000", "--churn", churn, "--scenarios", shocks)
    document = credit(*words, "--json").json
    none, bad = document["scenarios"]
    assert none["held"] == none["allocated_anew"] == document["without_shock"]
    assert bad["held"]["expected_profit_fen"] < document["without_shock"]["expected_profit_fen"]
    assert bad["allocated_anew"]["expected_profit_fen"] >= bad["held"]["expected_profit_fen"]
    assert "bad year" in credit(*words).out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("rate,A\n0.04,0\n0.05,x\n", "line 3, column 2: 'x' is no number"),
        ("0.04,0\n0.05,0.1\n", "no headings"),
        ("rate,A\nfour,0\n", "holds no rates"),
        ("rate,A\n0.04,0\n0.05,1.5\n", "lies from 0 to 1"),
        ("rate,A\n0.04,0\n", "two rates"),
        ("rate,A\n0.04,0\n0.04,0\n", "each once"),
        ("rate,A,A\n0.04,0,0\n0.05,0,0\n", "twice"),
        ("rate,A\n4,0\n15,0.9\n", "fractions"),
        ('"', "not a readable table"),
    ],
)
def test_a_broken_churn_file_is_refused_with_its_place(tmp_path, content, said):
    file = tmp_path / "churn.csv"
    file.write_text(content)
    with pytest.raises(WrongFormat, match=said):
        read_churn(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[scenario]]\npd_odds = 2\n", "has no name"),
        ('[[scenario]]\nname = "a"\npd_oods = 2\n', "'pd_oods' is no shock"),
        ('[[scenario]]\nname = "a"\npd_odds = 0\n', "above zero"),
        ('[[scenario]]\nname = "a"\npd_odds = "2"\n', "not a number"),
        ('[[scenario]]\nname = "a"\ngrades = "R01"\n', "list of grades"),
        ("", "holds no"),
        ("[[scenario]\n", "line 1"),
        ("scenario = 3\n", "no list of tables"),
        ('[[scenario]]\nname = "a"\npd_odds = nan\n', "not a number"),
        ('[[scenario]]\nname = "a"\nbudget = inf\n', "not a number"),
    ],
)
def test_a_broken_scenario_file_is_refused_with_its_entry(tmp_path, content, said):
    file = tmp_path / "shocks.toml"
    file.write_text(content)
    with pytest.raises(WrongFormat, match=said):
        read_scenarios(file)


def test_files_that_are_not_there_are_said_to_be_missing(tmp_path):
    for read in (read_churn, read_scenarios):
        with pytest.raises(FileMissing):
            read(tmp_path / "nothing")


def test_rates_beyond_policy_or_curve_are_refused(credit, churn):
    words = ("portfolio", "allocate", "--budget", "1000000", "--churn", churn)
    assert credit(*words, "--rates", "40").code == 1
    assert credit(*words, "--flat", "3.5").code == 1
    beyond = churn.with_name("beyond.csv")
    beyond.write_text("rate,A,B,C\n0.4,0,0,0\n0.5,0.5,0.45,0.4\n")
    none = credit("portfolio", "allocate", "--budget", "1000000", "--churn", beyond)
    assert none.code == 1 and "has no rate there" in none.err
    assert credit(*words, "--rates", "abc").code == 2
    for wrong in ("5:4:1", "nan", "4:inf:1", "4:15", "4:5:0.000001"):
        assert credit(*words, "--rates", wrong).code == 2


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_file(), reason="../shared/data is not here")
def test_the_published_curve_is_read_with_its_ratings():
    churn = read_churn(REAL)
    assert list(churn.lost) == ["A", "B", "C"] and len(churn.rates) == 29
    assert (churn.rates[0], churn.rates[-1]) == (0.04, 0.15)
    for lost in churn.lost.values():
        assert list(lost) == sorted(lost) and lost[0] == 0
