from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd

from credit.app.home import Home
from data.exports.banks import SHIPPED


def consenting(credit) -> list[dict]:
    listed = credit("consent", "list", "--bank", "demo-bank", "--json").json
    return [consent for consent in listed if consent["purpose"] == "credit_line"]


def test_a_bank_file_holds_consenting_firms_alone_by_the_ids_they_go_by(demo_said, demo_home, credit):
    rows = pd.read_csv(Path(demo_said["export"]) / "scores.csv")
    consents = credit("consent", "list", "--bank", "demo-bank", "--json").json
    allowed = {c["consent_id"]: c["supplier_id"] for c in consents if c["purpose"] == "credit_line"}
    assert len(rows) and set(rows["consent_id"]) <= set(allowed)
    assert [allowed[c] for c in rows["consent_id"]] == list(rows["supplier_id"])
    gone = Home(demo_home).ledger().gone_on_as(date(2026, 10, 31))
    assert set(rows["supplier_id"]) == set(allowed.values()) - set(gone)


def test_its_limits_are_the_decisions_limits(demo_said, credit):
    rows = pd.read_csv(Path(demo_said["export"]) / "scores.csv").dropna(subset=["decision_id"])
    for row in rows.head(5).itertuples():
        record = credit("decision", "show", row.decision_id, "--json").json
        assert record["application"]["supplier_id"] == row.supplier_id
        assert (record["outcome"], record["amount_fen"]) == (row.decision, row.indicative_limit_fen)


def test_a_file_verifies_and_one_changed_byte_is_named(demo_said, changed):
    home, credit = changed
    folder = home / Path(demo_said["export"]).relative_to(Path(demo_said["home"]))
    assert credit("export", "verify", folder).code == 0
    file = folder / "scores.csv"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    said = credit("export", "verify", folder)
    assert said.code == 6 and "scores.csv" in said.err


def test_a_revoked_consent_is_gone_from_the_next_file_and_the_sequence_rises_by_one(changed):
    _, credit = changed
    [gone, *_] = [
        c for c in credit("consent", "list", "--bank", "demo-bank", "--json").json if c["purpose"] == "credit_line"
    ]
    assert credit("consent", "revoke", gone["supplier_id"], "--bank", "demo-bank").code == 0
    built = credit("export", "build", "--bank", "demo-bank", "--json").json
    assert built["sequence"] == 2
    assert gone["supplier_id"] not in set(pd.read_csv(Path(built["folder"]) / "scores.csv")["supplier_id"])
    again = credit("consent", "grant", gone["supplier_id"], "--bank", "demo-bank", CREDIT_NOW="2026-11-02T02:00:00")
    assert again.code == 0, again.err
    rebuilt = credit("export", "build", "--bank", "demo-bank", "--json", CREDIT_NOW="2026-11-02T02:00:01").json
    assert gone["supplier_id"] in set(pd.read_csv(Path(rebuilt["folder"]) / "scores.csv")["supplier_id"])


def test_a_consent_is_granted_once_and_a_missing_one_cannot_be_revoked(changed):
    _, credit = changed
    [held, *_] = [
        c for c in credit("consent", "list", "--bank", "demo-bank", "--json").json if c["purpose"] == "credit_line"
    ]
    assert credit("consent", "grant", held["supplier_id"], "--bank", "demo-bank").code == 1
    assert credit("consent", "revoke", held["supplier_id"], "--bank", "demo-bank").code == 0
    assert credit("consent", "revoke", held["supplier_id"], "--bank", "demo-bank").code == 1


def test_an_unknown_bank_names_the_choices(credit):
    said = credit("export", "build", "--bank", "no-bank")
    assert said.code == 1 and "demo-bank" in said.err


def test_exports_are_listed(demo_said, credit):
    rows = credit("export", "list", "--bank", "demo-bank", "--json").json
    assert rows[0]["sequence"] == 1 and rows[0]["export_id"] in demo_said["export"]


def test_a_revocation_ends_every_consent_of_that_bank_and_purpose(changed, tmp_path):
    _, credit = changed
    held = next(
        c for c in credit("consent", "list", "--bank", "demo-bank", "--json").json if c["purpose"] == "credit_line"
    )
    second = tmp_path / "consents.csv"
    second.write_text(
        "consent_event_id,consent_id,supplier_id,bank_id,purpose,happened_on,kind,recorded_at\n"
        f"X-1,X,{held['supplier_id']},demo-bank,credit_line,2026-10-01,GRANTED,2026-10-01T08:00:00\n"
    )
    assert credit("ledger", "import", second, "--format", "platform").code == 0
    assert credit("consent", "revoke", held["supplier_id"], "--bank", "demo-bank").code == 0
    left = credit("consent", "list", held["supplier_id"], "--bank", "demo-bank", "--json").json
    assert [c for c in left if c["purpose"] == "credit_line"] == []


def test_a_firm_may_consent_revoke_and_consent_again_within_a_second(changed):
    _, credit = changed
    held = next(
        c for c in credit("consent", "list", "--bank", "demo-bank", "--json").json if c["purpose"] == "credit_line"
    )
    for act in ("revoke", "grant", "revoke", "grant"):
        assert credit("consent", act, held["supplier_id"], "--bank", "demo-bank").code == 0
    assert held["supplier_id"] in {
        c["supplier_id"] for c in credit("consent", "list", "--bank", "demo-bank", "--json").json
    }


def test_no_real_bank_gets_what_the_demonstration_approved(changed):
    home, credit = changed
    (home / "banks").mkdir()
    shipped = (SHIPPED / "demo-bank.toml").read_text(encoding="utf-8")
    (home / "banks" / "city-bank.toml").write_text(shipped.replace('"demo-bank"', '"city-bank"'), encoding="utf-8")
    said = credit("export", "build", "--bank", "city-bank")
    assert said.code == 6 and "approved by demo:approver" in said.err
    assert not (home / "exports" / "city-bank").exists()
    history = home / "models" / "loan_default.platform" / "history.jsonl"
    last = json.loads(history.read_text().splitlines()[-1])
    # A rollback by a person approves nothing; a promotion does.
    for move, code in (("rollback", 6), ("promotion", 0)):
        history.write_text("".join(json.dumps(each) + "\n" for each in (last, {**last, "who": "zhang", "move": move})))
        assert credit("export", "build", "--bank", "city-bank").code == code
