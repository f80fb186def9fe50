from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pyrage

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
    # What a person could grant after a referral is no limit that a bank could act on.
    assert rows.loc[rows["decision"] == "REFER", "indicative_limit_fen"].isna().all()
    for row in rows[rows["decision"] != "REFER"].head(5).itertuples():
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


def test_no_file_for_a_real_bank_leaves_unencrypted(changed):
    home, credit = changed
    (home / "banks").mkdir()
    shipped = (SHIPPED / "demo-bank.toml").read_text(encoding="utf-8")
    (home / "banks" / "city-bank.toml").write_text(shipped.replace('"demo-bank"', '"city-bank"'), encoding="utf-8")
    history = home / "models" / "loan_default.platform" / "history.jsonl"
    moves = [json.loads(line) for line in history.read_text().splitlines()]
    history.write_text("".join(json.dumps({**move, "who": "zhang"}) + "\n" for move in moves))
    said = credit("export", "build", "--bank", "city-bank")
    assert said.code == 1 and "unencrypted" in said.err
    assert not (home / "exports" / "city-bank").exists()


def test_no_real_bank_gets_what_the_demonstration_approved(changed):
    home, credit = changed
    (home / "banks").mkdir()
    shipped = (SHIPPED / "demo-bank.toml").read_text(encoding="utf-8")
    theirs = f'age_recipient = "{pyrage.x25519.Identity.generate().to_public()}"\n'
    theirs += shipped.replace('"demo-bank"', '"city-bank"')
    (home / "banks" / "city-bank.toml").write_text(theirs, encoding="utf-8")
    said = credit("export", "build", "--bank", "city-bank")
    assert said.code == 6 and "approved by demo:approver" in said.err
    assert not (home / "exports" / "city-bank").exists()
    history = home / "models" / "loan_default.platform" / "history.jsonl"
    last = json.loads(history.read_text().splitlines()[-1])
    # A rollback by a person approves nothing; a promotion does.
    for move, code in (("rollback", 6), ("promotion", 0)):
        history.write_text("".join(json.dumps(each) + "\n" for each in (last, {**last, "who": "zhang", "move": move})))
        assert credit("export", "build", "--bank", "city-bank").code == code


# What a bank agreed to, and what it answers.


def agree(home: Path, **more: object) -> None:
    """The demonstration's agreement, changed for this installation."""
    (home / "banks").mkdir(exist_ok=True)
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in more.items()]
    shipped = (SHIPPED / "demo-bank.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in shipped if not line.startswith(tuple(f"{key} =" for key in more))]
    (home / "banks" / "demo-bank.toml").write_text("".join([*lines, *kept]), encoding="utf-8")


def test_a_bank_reads_what_was_encrypted_to_it_and_is_told_who_revoked(changed, tmp_path):
    home, credit = changed
    reader = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{reader}\n")
    agree(home, age_recipient=str(reader.to_public()), full_every_days=7)
    [gone, *_] = consenting(credit)
    assert credit("consent", "revoke", gone["supplier_id"], "--bank", "demo-bank").code == 0
    built = credit("export", "build", "--bank", "demo-bank", "--json").json
    assert (built["type"], built["contents_checked"]) == ("DELTA", False)
    [signing] = credit("export", "keys", "show", "--json").json
    words = ("--sender-key", signing["public_key"], "--decrypt-key", tmp_path / "identity", "--last-sequence", 1)
    said = credit("export", "verify", built["folder"], *words, "--json")
    assert said.code == 0 and said.json["contents_checked"], said.err
    sent = (Path(built["folder"]) / "scores.csv.age").read_bytes()
    [row] = csv.DictReader(io.StringIO(pyrage.decrypt(sent, [reader]).decode()))
    assert (row["supplier_id"], row["op"], row["change_reason"]) == (gone["supplier_id"], "D", "CONSENT_REVOKED")
    assert credit("export", "verify", built["folder"], *words[:4], "--last-sequence", 4).code == 6


def test_what_a_bank_rejects_is_sent_anew_whole_and_takes_its_place(changed, tmp_path):
    home, credit = changed
    agree(home, full_every_days=7)
    [first] = credit("export", "list", "--bank", "demo-bank", "--json").json
    answer = tmp_path / "answer.json"
    errors = [{"line": 2, "column": "grade", "code": "E7", "text": "等级不明"}]
    answer.write_text(json.dumps({"export_id": first["export_id"], "status": "REJECTED", "errors": errors}))
    said = credit("export", "acknowledge", answer, "--bank", "demo-bank")
    assert said.code == 0 and "E7" in said.out
    assert credit("export", "list", "--bank", "demo-bank", "--json").json[0]["status"] == "REJECTED"
    on_what_was_refused = credit("export", "build", "--bank", "demo-bank", "--type", "DELTA")
    assert on_what_was_refused.code == 6 and "what it is sent next is whole" in on_what_was_refused.err
    anew = credit("export", "build", "--bank", "demo-bank", "--json").json
    assert (anew["type"], anew["supersedes"], anew["sequence"]) == ("FULL", first["export_id"], 2)
    assert credit("export", "build", "--bank", "demo-bank", "--json").json["type"] == "DELTA"
    answer.write_text(json.dumps({"export_id": "demo-bank_000009_FULL_2026-10-31", "status": "RECEIVED"}))
    wrong = credit("export", "acknowledge", answer, "--bank", "demo-bank")
    assert wrong.code == 6 and "demo-bank_000009_FULL_2026-10-31" in wrong.err


def test_what_could_stand_on_nothing_is_refused_by_name(changed):
    home, credit = changed
    build = ("export", "build", "--bank", "demo-bank")
    unknown = credit(*build, "--supersedes", "nope")
    assert unknown.code == 6 and "was sent no export 'nope'" in unknown.err
    agree(home, schema="1.0.0")
    assert credit(*build).code == 0
    for schema in ("1.0.0", "2.1.0"):
        agree(home, schema=schema)
        refused = credit(*build, "--type", "DELTA")
        assert refused.code == 6 and "does not stand on" in refused.err
    shutil.rmtree(home / "exports" / "demo-bank")
    none = credit(*build, "--type", "DELTA")
    assert none.code == 6 and "no full file" in none.err


def test_a_day_of_which_nothing_was_decided_takes_no_advice_back(changed):
    _, credit = changed
    later = {"CREDIT_NOW": "2026-11-04T01:00:00"}
    assert credit("score", "run", "--as-of", "2026-11-03", **later).code == 0
    said = credit("export", "build", "--bank", "demo-bank", **later)
    assert said.code == 6 and "line decide --all --as-of 2026-11-03" in said.err


def test_who_consents_to_the_score_alone_is_not_advised_on(changed):
    home, credit = changed
    agree(home, purposes=["credit_line", "guarantee", "score"])
    [narrow, both, *_] = consenting(credit)
    assert credit("consent", "revoke", narrow["supplier_id"], "--bank", "demo-bank").code == 0
    for firm in (narrow, both):
        granted = credit("consent", "grant", firm["supplier_id"], "--bank", "demo-bank", "--purpose", "score")
        assert granted.code == 0, granted.err
    built = credit("export", "build", "--bank", "demo-bank", "--json").json
    rows = pd.read_csv(Path(built["folder"]) / "scores.csv").set_index("supplier_id")
    assert rows.loc[narrow["supplier_id"], "purpose"] == "score"
    assert rows.loc[narrow["supplier_id"], ["decision", "indicative_limit_fen", "yearly_rate_bp"]].isna().all()
    assert rows.loc[both["supplier_id"], "purpose"] == "credit_line"
    assert rows.loc[narrow["supplier_id"], "status"] in ("SCORED", "UNSCORABLE")


def test_the_check_that_is_printed_is_a_program_of_its_own(demo_said, credit, tmp_path):
    program = tmp_path / "verify.py"
    program.write_text(credit("export", "verifier").out, encoding="utf-8")
    [signing] = credit("export", "keys", "show", "--json").json
    words = [demo_said["export"], "--sender-key", signing["public_key"], "--on", "2026-11-02"]
    # Alone, in a folder where none of our packages is found.
    isolated = [sys.executable, "-I", str(program), *words]
    said = subprocess.run(isolated, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0 and "true to its manifest" in said.stdout, said.stderr
    imports = [line for line in program.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("from ")]
    assert not any(name in line for line in imports for name in ("data.", "credit.", "models.", "features."))


def test_a_key_is_made_once_and_changed_by_a_rotation(empty):
    first = empty("export", "keys", "new", "--json").json
    following = empty("export", "keys", "new", "--json").json
    assert (first["role"], following["role"]) == ("signing", "next")
    assert empty("export", "keys", "rotate").code == 0
    roles = {each["key_id"]: each["role"] for each in empty("export", "keys", "show", "--json").json}
    assert roles == {first["key_id"]: "former", following["key_id"]: "signing"}


def test_without_a_key_nothing_is_written(changed):
    home, credit = changed
    (home / "keys" / "signing.key").unlink()
    said = credit("export", "build", "--bank", "demo-bank")
    assert said.code == 1 and "credit export keys new" in said.err
    assert len(credit("export", "list", "--bank", "demo-bank", "--json").json) == 1
