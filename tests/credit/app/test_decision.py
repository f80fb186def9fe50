from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest


def a_decision(demo_said: dict) -> str:
    return demo_said["next"][1].split()[-1]


def tamper(home: Path, decision: str, change) -> None:
    """Alter a stored record as someone with the database open would."""
    with sqlite3.connect(home / "book.db") as con:
        [(text,)] = con.execute("SELECT record FROM decisions WHERE decision_id = ?", [decision]).fetchall()
        con.execute("UPDATE decisions SET record = ? WHERE decision_id = ?", [change(text), decision])


def test_a_replay_prints_the_very_bytes_of_the_record(demo_said, credit):
    decision = a_decision(demo_said)
    shown = credit("decision", "show", decision, "--json")
    again = credit("decision", "replay", decision, "--json")
    assert again.code == 0 and again.out == shown.out


def test_a_replay_stays_the_same_when_the_ledger_learns_more(demo_said, changed):
    _, credit = changed
    decision = a_decision(demo_said)
    supplier = credit("decision", "show", decision, "--json").json["application"]["supplier_id"]
    assert credit("consent", "revoke", supplier, "--bank", "demo-bank").code in (0, 1)
    assert credit("consent", "grant", supplier, "--bank", "second-bank").code in (0, 1)
    said = credit("decision", "replay", decision)
    assert said.code == 0, said.err


def test_a_tampered_pd_is_found_and_named(demo_said, changed):
    home, credit = changed
    decision = a_decision(demo_said)

    def better_pd(text: str) -> str:
        record = json.loads(text)
        record["pd"] /= 2
        return json.dumps(record, ensure_ascii=False, sort_keys=True, indent=1) + "\n"

    tamper(home, decision, better_pd)
    said = credit("decision", "replay", decision)
    assert said.code == 6
    assert "pd: stored" in said.err


def test_other_bytes_of_the_same_values_are_found(demo_said, changed):
    home, credit = changed
    tamper(home, a_decision(demo_said), lambda text: text + " ")
    assert credit("decision", "replay", a_decision(demo_said)).code == 6


@pytest.mark.parametrize(("column", "value"), [("amount_fen", 1), ("decided_at", "2020-01-01T00:00:00")])
def test_a_column_altered_beside_the_record_is_found(demo_said, changed, column, value):
    home, credit = changed
    with sqlite3.connect(home / "book.db") as con:
        con.execute(f"UPDATE decisions SET {column} = ? WHERE decision_id = ?", [value, a_decision(demo_said)])
    said = credit("decision", "replay", a_decision(demo_said))
    assert said.code == 6 and f"{column} beside the record" in said.err


def test_a_parameter_edited_in_place_is_named_with_both_values(demo_said, changed):
    from credit.app.home import Home

    home, credit = changed
    shutil.copytree(Home(home).policies, home / "policy")
    assert credit("decision", "replay", a_decision(demo_said)).code == 0
    file = home / "policy" / "platform-line.toml"
    file.write_text(file.read_text().replace("value = 0.113 }", "value = 0.12 }"))
    said = credit("decision", "replay", a_decision(demo_said))
    assert said.code == 6
    assert "parameters.pd_max: stored 0.113, now 0.12" in said.err
    assert "policy.sha256" in said.err


def test_a_dated_line_added_for_later_leaves_old_decisions_as_they_are(demo_said, changed):
    from credit.app.home import Home

    home, credit = changed
    shutil.copytree(Home(home).policies, home / "policy")
    file = home / "policy" / "platform-line.toml"
    file.write_text(
        file.read_text().replace("value = 0.113 }]", "value = 0.113 }, { from = 2026-12-01, value = 0.2 }]")
    )
    assert (
        credit("policy", "show", "platform-line", "--on", "2026-12-01", "--json").json["parameters"]["pd_max"]["value"]
        == 0.2
    )
    said = credit("decision", "replay", a_decision(demo_said))
    assert said.code == 0, said.err


def test_a_stored_record_that_is_cut_short_is_named(demo_said, changed):
    home, credit = changed
    decision = a_decision(demo_said)
    tamper(home, decision, lambda text: text[:100])
    for word in ("show", "replay"):
        said = credit("decision", word, decision)
        assert said.code == 6 and f"record of {decision} is damaged" in said.err


def test_a_ledger_file_that_was_altered_is_named_even_where_the_case_does_not_read_it(demo_said, changed):
    from credit.app.home import Home

    home, credit = changed
    file = Home(home).ledger().file("outcomes", 1)
    file.write_bytes(file.read_bytes() + b" ")
    said = credit("decision", "replay", a_decision(demo_said))
    assert said.code == 6 and "outcomes/batch=000001" in said.err


def test_an_altered_decision_is_neither_answered_again_nor_sent_to_a_bank(demo_said, changed):
    home, credit = changed
    supplier = demo_said["next"][0].split()[-1]
    decision = credit("line", "decide", supplier, "--json").json["decision_id"]
    tamper(home, decision, lambda text: text.replace('"amount_fen": ', '"amount_fen": 9'))
    for words in (("line", "decide", supplier), ("export", "build", "--bank", "demo-bank")):
        said = credit(*words)
        assert said.code == 6 and f"{decision} was altered" in said.err


def test_a_model_edited_in_place_is_named(demo_said, changed):
    home, credit = changed
    model = home / "models" / "loan_default.platform" / "1" / "model.json"
    said = json.loads(model.read_text())
    said["mix"]["intercept"] += 0.5
    model.write_text(json.dumps(said))
    replayed = credit("decision", "replay", a_decision(demo_said))
    assert replayed.code == 6
    assert "loan_default.platform version 1 is not the model that its training wrote" in replayed.err


def test_decisions_are_listed_newest_first_and_by_supplier(demo_said, credit):
    rows = credit("decision", "list", "--json", "--limit", "5").json
    assert len(rows) == 5
    mine = credit("decision", "list", "--supplier", rows[0]["supplier_id"], "--json").json
    assert {r["supplier_id"] for r in mine} == {rows[0]["supplier_id"]}


def test_an_unknown_decision_is_an_error_with_a_hint(credit):
    said = credit("decision", "show", "D404")
    assert said.code == 1 and "credit decision list" in said.err


def test_a_tracking_server_that_is_down_blocks_no_decision_and_loses_none(demo_said, changed):
    _, credit = changed
    down = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    supplier = demo_said["next"][0].split()[-1]
    assert credit("line", "decide", supplier, "--amount", "12345", **down).code == 0
    track = credit("decision", "track", **down)
    assert track.code == 1 and "tracking-down" in track.err
    assert credit("decision", "track", "--json").json == {"sent": 1}
    assert credit("decision", "track", "--json").json == {"sent": 0}
