from __future__ import annotations


def test_the_demo_ends_with_one_screen_that_adds_up(demo_said):
    said = demo_said["decisions"]
    assert sum(said["outcomes"].values()) == said["decided"] == demo_said["suppliers"]
    assert said["granted_fen"] == sum(row["amount_fen"] for row in said["by_grade"].values())
    # Nobody asks for an amount, so none is reduced.
    assert all(said["outcomes"][outcome] > 0 for outcome in ("APPROVE", "REFER", "DECLINE"))
    assert said["outcomes"]["REDUCE"] == 0


def test_the_three_commands_worth_trying_next_work(demo_said, credit):
    assert len(demo_said["next"]) == 3
    for command in demo_said["next"]:
        said = credit(*command.split()[1:])
        assert said.code == 0, said.err


def test_a_demo_run_again_changes_nothing_that_stands(changed):
    _, credit = changed
    before = credit("ledger", "summary", "--json").json
    said = credit("demo", "--json")
    assert said.code == 0, said.err
    after = credit("ledger", "summary", "--json").json
    assert after == before
    assert said.json["models"][0]["version"] == 1


def test_a_demo_never_mixes_simulated_suppliers_into_a_real_ledger(empty, tmp_path):
    (tmp_path / "listings.csv").write_text("listing_event_id,supplier_id,list,happened_on,kind\n")
    (tmp_path / "suppliers.csv").write_text("supplier_id,effective_on,tier\nS1,2020-01-01,platform\n")
    assert empty("ledger", "import", tmp_path / "suppliers.csv", "--format", "platform").code == 0
    said = empty("demo")
    assert said.code == 1
    assert "no demonstration" in said.err
