"""The laboratory: another policy over past days, what it changes in words, and what it would have decided."""

from __future__ import annotations

import shutil

import pytest

from credit.app.home import Home


@pytest.fixture
def stricter(demo_home, tmp_path):
    """The shipped parameter files with a stricter cut-off and a smaller share of turnover for one grade."""
    folder = tmp_path / "policy"
    shutil.copytree(Home(demo_home).policies, folder)
    file = folder / "platform-line.toml"
    text = file.read_text().replace("value = 0.113 }", "value = 0.02 }").replace("R08 = 0.14", "R08 = 0.10")
    file.write_text(text)
    return folder


def test_a_change_is_said_in_words_and_no_change_too(credit, stricter, demo_home):
    lines = credit("policy", "diff", stricter, "--json").json
    assert "platform-line: pd_max from 2016-01-01: 0.113 → 0.02 (probability of default)" in lines
    assert len(lines) == 2
    assert credit("policy", "diff", Home(demo_home).policies).out == "nothing differs\n"


def test_a_stricter_policy_swaps_nobody_in_and_every_sum_adds_up(credit, stricter):
    said = credit(
        "policy", "simulate", "--policy", stricter, "--as-of", "2026-09-30", "--as-of", "2026-10-31", "--json"
    )
    document = said.json
    parts = {each["part"]: each for each in document["parts"]}
    assert parts["swapped in"]["cases"] == 0 and parts["swapped out"]["cases"] > 0
    assert parts["swapped out"]["after"]["fen"] == 0
    for sums in (document["parts"], *document["segments"].values()):
        assert sum(each["cases"] for each in sums) == document["total"]["cases"]
        for name in ("before", "after"):
            for what in ("approved", "fen", "loss_fen", "income_fen"):
                assert sum(each[name][what] for each in sums) == document["total"][name][what]
    assert document["total"]["after"]["fen"] < document["total"]["before"]["fen"]
    for what, each in document["difference"].items():
        assert each["value"] == document["total"]["after"][what] - document["total"]["before"][what]
        assert each["low"] <= each["value"] <= each["high"]
    for name in ("before", "after"):
        sums = document["total"][name]
        assert sums["financed"] <= sums["approved"] and sums["supposed_low_fen"] <= sums["supposed_high_fen"]


def test_a_simulation_is_also_a_page_that_needs_nothing_else(credit, stricter, tmp_path):
    file = tmp_path / "simulation.html"
    said = credit("policy", "simulate", "--policy", stricter, "--html", file)
    assert said.code == 0 and "is supposed" in said.out
    page = file.read_text(encoding="utf-8")
    assert "swapped out" in page and "pd_max" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_what_was_realised_is_of_firms_that_drew_and_needs_no_uplift(credit, demo_home):
    words = ("policy", "simulate", "--policy", Home(demo_home).policies, "--as-of", "2024-10-31", "--json")
    sums = credit(*words).json["total"]["before"]
    assert sums["financed"] > 0
    assert 0 <= sums["realised_fen"] <= sums["fen"]
    if sums["financed"] == sums["approved"]:
        assert sums["supposed_high_fen"] == 0


def test_a_sweep_tells_each_value_and_the_one_in_force_is_as_it_is(credit, demo_home):
    day = ("--as-of", "2025-10-31", "--json")
    rows = credit("policy", "sweep", "pd_max", "--values", "0.005,0.02,0.113", *day).json
    assert [row["approved"] for row in rows] == sorted(row["approved"] for row in rows)
    in_force = credit("policy", "simulate", "--policy", Home(demo_home).policies, *day).json["total"]["before"]
    assert {what: rows[-1][what] for what in ("approved", "fen", "loss_fen")} == {
        what: in_force[what] for what in ("approved", "fen", "loss_fen")
    }
    halved, same = credit("policy", "sweep", "grade_cap_fen", "--values", "0.01,1", *day).json
    assert halved["fen"] < same["fen"] == rows[-1]["fen"]
    assert "nearest are pd_max" in credit("policy", "sweep", "pd_mx", "--values", "1").err
    assert credit("policy", "sweep", "pd_max", "--values", "much").code == 2
    for wrong in ("-1", "5", "nan"):
        assert credit("policy", "sweep", "pd_max", f"--values={wrong}").code == 1


def test_the_policy_in_force_simulated_against_itself_changes_nothing(credit, demo_home):
    document = credit("policy", "simulate", "--policy", Home(demo_home).policies, "--json").json
    assert document["changes"] == [] and document["total"]["before"] == document["total"]["after"]


def test_a_decision_says_what_another_policy_would_have_made_of_it(credit, demo_said, stricter, demo_home):
    decision = demo_said["next"][1].split()[-1]
    same = credit("decision", "replay", decision, "--policy", Home(demo_home).policies)
    assert same.code == 0 and "nothing would differ" in same.out
    lines = credit("decision", "replay", decision, "--policy", stricter, "--json").json
    record = credit("decision", "show", decision, "--json").json
    if record["pd"] > 0.02:
        assert any(line.startswith("outcome: stored") for line in lines)
    else:
        assert all("pd_max" in line or "turnover" in line or "fen" in line or "points" in line for line in lines)


def test_a_folder_without_the_pack_is_refused(credit, stricter):
    (stricter / "platform-line.toml").unlink()
    said = credit("policy", "simulate", "--policy", stricter)
    assert said.code == 1 and "has no pack 'platform-line'" in said.err
