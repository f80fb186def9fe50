"""The night at its command: sealed once, the same however often it was killed, stopped by its gate, rendered later."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyrage
import pytest

from credit.app import exporting, identity, sweeping, warning
from credit.app.home import Home
from credit.app.night import keeping, running
from credit.app.night.settings import Settings
from credit.app.night.steps import STEPS
from credit.domain.alerts import Alert
from credit.domain.errors import CreditError
from data.exports.banks import SHIPPED
from data.nights import Nights
from tests import nightly
from tests.credit.app.conftest import Credit, run_credit
from tests.nightly import DAY, NOW

Night = tuple[Path, Credit]
NEXT, NEXT_NOW = ("nightly", "run", "--as-of", "2026-11-02"), "2026-11-03T20:00:00"


def command(home: Path) -> Credit:
    return lambda *words, **env: run_credit(home, *words, **{"CREDIT_NOW": NOW, **env})


def paid(home: Path) -> list[str]:
    """Payments that arrived the day before, of firms that were paid before."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"""SELECT supplier_id, buyer_id, contract_id FROM '{home}/ledger/tables/payments/*/*.parquet'
                ORDER BY payment_id LIMIT 3"""
        ).fetchall()
    return [
        f"NEW-{n},{supplier},{buyer},{contract},2026-10-31,{100_00 * (n + 1)},CNY,PROGRESS,,2026-10-31T12:00:00"
        for n, (supplier, buyer, contract) in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def arrived(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with something in its inbox; nobody works on it."""
    home = nightly.copied(demonstration / "var", tmp_path_factory.mktemp("arrived") / "var")
    nightly.arrive(home, "2026-11-01", paid(home))
    return home


@pytest.fixture(scope="module")
def sealed(arrived: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A home with one sealed night, and what its command said; nobody changes it."""
    home = nightly.copied(arrived, tmp_path_factory.mktemp("sealed") / "var")
    said = command(home)("nightly", "run", "--as-of", DAY, "--json")
    assert said.code == 0, said.err
    return home, said.json[0]


@pytest.fixture
def after(sealed: tuple[Path, dict], tmp_path: Path) -> Night:
    """A home with one sealed night that a test may change, and the command on it."""
    home = nightly.copied(sealed[0], tmp_path / "var")
    return home, command(home)


@pytest.fixture
def before(arrived: Path, tmp_path: Path) -> Night:
    """A home whose night has not begun, and the command on it."""
    home = nightly.copied(arrived, tmp_path / "var")
    return home, command(home)


# -- one night ---------------------------------------------------------------------------------------------------------


def test_a_night_imports_scores_decides_and_writes_a_file_for_every_bank(sealed):
    home, said = sealed
    assert said["state"] == "sealed"
    assert [each["step"] for each in said["steps"]] == [step.name for step in STEPS]
    assert {each["state"] for each in said["steps"]} == {"done"}
    assert said["steps"][0]["counts"]["imported"] == 3
    assert not list((home / "inbox" / "platform").iterdir())
    assert [each.name for each in (home / "inbox" / ".taken" / DAY / "platform").iterdir()] == ["2026-11-01"]
    assert set(said["banks"]) == {"demo-bank", "second-bank"}
    for bank in said["banks"].values():
        assert bank["rows"] > 0
        assert command(home)("export", "verify", home / "exports" / bank["folder"]).code == 0
    assert said["tracked"]


def test_a_night_tells_a_line_a_step_where_there_is_no_terminal(after):
    _, credit = after
    lines = [json.loads(line) for line in credit(*NEXT, "--json", CREDIT_NOW=NEXT_NOW).err.splitlines()]
    assert [line["step"] for line in lines] == [*(step.name for step in STEPS), "tracking"]
    assert all(line["night"] == "2026-11-02" and line["seconds"] >= 0 for line in lines)


def test_a_sealed_night_is_not_run_again(after):
    home, credit = after
    was = nightly.plaintext(home)
    again = credit("nightly", "run", "--as-of", DAY, "--json", CREDIT_NOW="2026-11-05T01:00:00")
    assert (again.code, again.json[0]["state"]) == (0, "sealed")
    assert nightly.plaintext(home) == was


def test_what_is_no_day_for_a_night_is_refused(after):
    _, credit = after
    assert "is not over" in credit("nightly", "run", "--as-of", "2026-11-03").err
    early = credit("nightly", "run", "--as-of", "2026-10-30")
    assert (early.code, "is sealed" in early.err) == (1, True)


def test_a_home_without_suppliers_or_model_has_no_night(before, tmp_path):
    night = ("nightly", "run", "--as-of", "2026-10-30")
    # What would be missing at the end is said at the beginning.
    assert "no-key" in run_credit(tmp_path / "none", *night).err
    assert run_credit(tmp_path / "none", "export", "keys", "new").code == 0
    nothing = run_credit(tmp_path / "none", *night)
    assert (nothing.code, "no suppliers" in nothing.err) == (1, True)
    assert "no night was run" in run_credit(tmp_path / "none", "nightly", "status").err
    home, credit = before
    (home / "models").rename(home / "aside")
    assert "champion" in credit("nightly", "run", "--as-of", DAY).err
    # Once there is one, the night begins as if nothing had been.
    (home / "aside").rename(home / "models")
    assert credit("nightly", "run", "--as-of", DAY).code == 0


def test_only_one_night_runs_at_a_time(after):
    home, credit = after
    with Nights(home / "nights").alone():
        assert credit("nightly", "run", "--as-of", "2026-11-02").code == 5


def test_missed_nights_are_caught_up_one_by_one(after):
    home, credit = after
    said = credit("nightly", "run", "--as-of", "2026-11-03", "--json", CREDIT_NOW="2026-11-04T01:00:00")
    assert [night["as_of"] for night in said.json] == ["2026-11-02", "2026-11-03"]
    sequences = [night["banks"]["second-bank"]["sequence"] for night in said.json]
    assert sequences == [2, 3]
    seals = [json.loads(each.read_text()) for each in sorted(home.glob("nights/*/manifest.json"))]
    hashes = [night["manifest_sha256"] for night in said.json]
    assert [each["previous"] for each in seals[2:]] == hashes[:1]


# -- killed ------------------------------------------------------------------------------------------------------------


def test_a_night_that_failed_at_a_write_goes_on_to_the_same_plaintext(before, sealed, tmp_path):
    home, _ = before
    whole = nightly.plaintext(sealed[0])
    with nightly.fault_at(0) as counted:
        assert command(nightly.copied(home, tmp_path / "counted"))("nightly", "run", "--as-of", DAY).code == 0
    for number in range(3, counted["calls"], max(counted["calls"] // 6, 1)):
        disturbed = nightly.copied(home, tmp_path / f"at-{number}")
        with nightly.fault_at(number):
            assert command(disturbed)("nightly", "run", "--as-of", DAY).code == 1
        assert command(disturbed)("nightly", "run", "--as-of", DAY).code == 0
        assert nightly.plaintext(disturbed) == whole, number
        shutil.rmtree(disturbed)


def test_a_night_that_is_killed_goes_on_to_the_same_plaintext(before, sealed):
    home, _ = before
    for step in ("features", "decisions", "bank-files"):
        process = nightly.night_process(home)
        assert process.stderr is not None
        for line in process.stderr:
            if json.loads(line)["step"] == step:
                break
        process.kill()
        process.wait()
    assert command(home)("nightly", "run", "--as-of", DAY).code == 0
    assert nightly.plaintext(home) == nightly.plaintext(sealed[0])


def test_each_file_is_made_by_the_consents_of_its_own_moment_and_comes_out_again(before, monkeypatch):
    home, credit = before
    first = pd.read_parquet(next((home / "exports-kept" / "demo-bank").glob("*_FULL_*")) / "scores.parquet")
    gone = first.loc[first["purpose"] == "credit_line", "supplier_id"].iloc[0]
    with monkeypatch.context() as patch:
        broken_for(patch, "second-bank", KeyboardInterrupt())
        assert credit("nightly", "run", "--as-of", DAY).code != 0
    # Between two banks' files midnight passes, and a firm revokes its consent to both.
    next_day = {"CREDIT_NOW": "2026-11-04T01:00:00"}
    for bank in ("demo-bank", "second-bank"):
        assert credit("consent", "revoke", gone, "--bank", bank, CREDIT_NOW="2026-11-03T20:00:00").code == 0
    said = credit("nightly", "run", "--as-of", DAY, "--json", **next_day).json[0]
    assert said["started_at"] == NOW
    on = {bank: (each["consents_on"], each["sequence"]) for bank, each in said["banks"].items()}
    assert on == {"demo-bank": ("2026-11-03", 2), "second-bank": ("2026-11-04", 1)}
    held = {
        bank: set(pd.read_parquet(home / "exports-kept" / each["folder"] / "scores.parquet")["supplier_id"])
        for bank, each in said["banks"].items()
    }
    assert gone in held["demo-bank"] and gone not in held["second-bank"]
    assert credit("nightly", "replay", "--json", **next_day).json == {"as_of": DAY, "differences": []}
    assert credit("nightly", "verify", **next_day).code == 0


def test_what_arrives_after_the_night_began_waits_for_the_next(before):
    home, credit = before
    with nightly.fault_at(60):
        assert credit("nightly", "run", "--as-of", DAY).code == 1
    nightly.arrive(home, "late", ["LATE-1,S0000001,,,2026-10-31,500,CNY,PROGRESS,,2026-10-31T12:00:00"])
    said = credit("nightly", "run", "--as-of", DAY, "--json")
    assert said.json[0]["steps"][0]["counts"]["imported"] == 3
    assert (home / "inbox" / "platform" / "late").is_dir()


def test_the_model_and_the_policy_are_those_of_the_first_start(before, sealed):
    home, credit = before
    with nightly.fault_at(60):
        assert credit("nightly", "run", "--as-of", DAY).code == 1
    assert (home / "nights" / f"as_of={DAY}" / "settings.json").exists()
    own = home / "policy"
    shutil.copytree(Home(home).policies, own)
    (own / "platform-line.toml").write_text(
        (own / "platform-line.toml").read_text().replace("2016-01-01", "2016-01-02")
    )
    (home / "banks").mkdir()
    (home / "banks" / "demo-bank.toml").write_text("no agreement")
    credit("nightly", "run", "--as-of", DAY)
    assert nightly.plaintext(home) == nightly.plaintext(sealed[0])


def test_a_bank_that_was_sent_a_later_day_by_hand_stops_no_missed_night(after):
    _, credit = after
    later = {"CREDIT_NOW": "2026-11-04T01:00:00"}
    for words in (("score", "run"), ("line", "decide", "--all")):
        assert credit(*words, "--as-of", "2026-11-03", **later).code == 0
    sent = credit("export", "build", "--bank", "second-bank", "--json", **later).json
    assert sent["export_id"].endswith("2026-11-03")
    said = credit("nightly", "run", "--as-of", "2026-11-03", "--json", **later)
    missed, last = said.json
    assert (missed["state"], missed["ahead"], sorted(missed["banks"])) == ("sealed", ["second-bank"], ["demo-bank"])
    assert (last["state"], last["ahead"]) == ("sealed", []) and "second-bank" in last["banks"]


def test_answers_that_cannot_be_read_stop_no_other_banks_file(after):
    home, credit = after
    answers = home / "inbox" / "acknowledgements" / "demo-bank"
    answers.mkdir(parents=True)
    for number in range(4):
        (answers / f"{number}.json").write_text("{")
    said = credit(*NEXT, "--json", CREDIT_NOW=NEXT_NOW)
    assert (said.code, said.json[0]["state"], len(said.json[0]["refused"])) == (4, "sealed", 4)


def test_a_night_that_was_begun_is_finished_before_a_later_one(before):
    home, credit = before
    with nightly.fault_at(60):
        assert credit("nightly", "run", "--as-of", DAY).code == 1
    assert not list(home.glob("nights/*/manifest.json"))
    said = credit(*NEXT, "--json", CREDIT_NOW=NEXT_NOW)
    assert [(night["as_of"], night["state"]) for night in said.json] == [(DAY, "sealed"), ("2026-11-02", "sealed")]
    assert said.json[0]["started_at"] == NOW


def test_a_tracking_server_that_is_down_does_not_stop_the_night(before):
    _, credit = before
    said = credit("nightly", "run", "--as-of", DAY, "--json", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert (said.code, said.json[0]["tracked"]) == (0, False)
    assert credit(*NEXT, CREDIT_NOW=NEXT_NOW).code == 0
    assert credit("nightly", "status", "--as-of", DAY, "--json").json["tracked"]


def test_a_night_takes_in_what_banks_answered_and_compacts_the_ledger(after, monkeypatch):
    home, credit = after
    monkeypatch.setattr(keeping, "BATCHES_BESIDE", 1)
    sent = credit("nightly", "status", "--json").json["banks"]["demo-bank"]["export_id"]
    answers = home / "inbox" / "acknowledgements" / "demo-bank"
    answers.mkdir(parents=True)
    (answers / "one.json").write_text(json.dumps({"export_id": sent, "status": "REJECTED"}))
    (answers / "stray.json").write_text(
        json.dumps({"export_id": "demo-bank_000099_FULL_2026-10-31", "status": "RECEIVED"})
    )
    said = credit(*NEXT, "--json", CREDIT_NOW=NEXT_NOW)
    assert said.code == 4
    assert said.json[0]["banks"]["demo-bank"]["supersedes"] == sent
    assert [each["entry"] for each in said.json[0]["refused"]] == ["acknowledgements/demo-bank/stray.json"]
    assert (home / "inbox" / ".taken" / "2026-11-02" / "acknowledgements" / "demo-bank" / "one.json").is_file()
    # A compaction changes no answer: both nights come out again.
    ledger = Home(home).ledger()
    assert ledger.compaction().upto == ledger.version
    for day in (DAY, "2026-11-02"):
        assert credit("nightly", "replay", "--as-of", day, CREDIT_NOW=NEXT_NOW).code == 0


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_in(before):
    home, credit = before
    broken = home / "inbox" / "platform" / "broken"
    broken.mkdir()
    (broken / "suppliers.csv").write_text("nonsense\n1\n")
    said = credit("nightly", "run", "--as-of", DAY, "--json")
    assert said.code == 4
    assert [each["entry"] for each in said.json[0]["refused"]] == ["platform/broken"]
    assert said.json[0]["warnings"][0]["check"] == "refused_files"
    assert (home / "inbox" / ".refused" / DAY / "platform" / "broken").is_dir()
    assert said.json[0]["steps"][0]["counts"]["imported"] == 3


def test_rows_in_quarantine_leave_exit_code_4(before):
    home, credit = before
    nightly.arrive(home, "partly", [*paid(home), "X,S0000001,,,someday,500,CNY,PROGRESS,,2026-10-31T12:00:00"])
    said = credit("nightly", "run", "--as-of", DAY, "--json")
    assert (said.code, said.json[0]["quarantined"]) == (4, 1)


def test_what_banks_send_is_taken_file_by_file_and_what_is_misplaced_is_said(before, monkeypatch):
    home, credit = before
    inbox, sent = home / "inbox", next((home / "exports" / "demo-bank").glob("*_FULL_*")).name
    answer = json.dumps({"export_id": sent, "status": "RECEIVED"})
    files = {
        "acknowledgements/demo-bank/broken.json": "{",
        "acknowledgements/demo-bank/good.json": answer,
        # Another bank cannot answer for the one that was sent the file.
        "acknowledgements/second-bank/forged.json": answer,
        "stray.csv": "x",
    }
    for name, text in files.items():
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_text(text)
    (inbox / "bank-feedback" / "two").mkdir(parents=True)
    refused = ["acknowledgements/demo-bank/broken.json", "acknowledgements/second-bank/forged.json"]

    def no_sweep(*_: object, **__: object) -> None:
        raise CreditError("the night ends here", hint="it is enough")

    monkeypatch.setattr(sweeping, "sweep", no_sweep)
    # The second time it begins anew: what it refused, and has put aside by then, is still said.
    for _ in range(2):
        assert "the night ends here" in credit("nightly", "run", "--as-of", DAY).err
        said = credit("nightly", "status", "--json").json
        assert [each["entry"] for each in said["refused"]] == refused
        assert said["misplaced"] == ["bank-feedback/two", "stray.csv"]
        assert {str(each.relative_to(inbox / ".refused" / DAY)) for each in inbox.rglob(".refused/**/*.json")} == set(
            refused
        )
    assert (inbox / ".taken" / DAY / "acknowledgements" / "demo-bank" / "good.json").is_file()
    assert "Not looked at: inbox/stray.csv" in credit("nightly", "status").out
    assert len(list((home / "exports-kept" / "demo-bank" / sent / "acknowledgements").iterdir())) == 1
    assert not list((home / "exports-kept" / "second-bank").rglob("acknowledgements"))


def test_an_inbox_that_is_no_folder_is_refused_before_the_night_begins(before):
    home, credit = before
    shutil.rmtree(home / "inbox")
    (home / "inbox").write_text("x")
    said = credit("nightly", "run", "--as-of", DAY)
    assert (said.code, "inbox is no folder" in said.err) == (1, True)
    assert not (home / "nights" / f"as_of={DAY}").exists()


def test_rows_that_were_mended_do_not_count_against_the_feed(before):
    home, credit = before
    good, bad = ("2026-10-31", "someday")
    rows = [f"M-{{n}},S0000001,,,{day},500,CNY,PROGRESS,,2026-10-31T12:00:00" for day in (good, bad)]
    folder = nightly.arrive(home, "feed", [rows[n > 0].format(n=n) for n in range(9)])

    def stops() -> list[str]:
        assert credit("nightly", "run", "--as-of", DAY).code == 6
        return [each["check"] for each in credit("nightly", "status", "--json").json["stopped_by"]]

    assert stops() == ["quarantined_share"]
    # To run it again is no way past the gate, also where another row came by.
    (folder / "payments.csv").write_text((folder / "payments.csv").read_text() + rows[0].format(n=9) + "\n")
    assert stops() == ["quarantined_share"]
    shutil.rmtree(folder)
    nightly.arrive(home, "feed", [rows[0].format(n=n) for n in range(10)])
    for name in "abc":
        nightly.arrive(home, name, ["1"], table="suppliers", header="nonsense\n")
    assert stops() == ["refused_files"]
    said = credit("nightly", "status", "--json").json
    # Of the feed ten rows came in, two of them by the first tries; three came beside it.
    assert (said["steps"][0]["counts"]["imported"], said["quarantined"]) == (13, 0)


def test_what_was_not_swept_is_said_and_what_is_raised_is_what_was_sealed(before, monkeypatch):
    home, credit = before
    late = {"payment_id": "P9", "why": "something was booked on a later day"}
    monkeypatch.setattr(sweeping, "sweep", lambda *_, **__: {"swept": [], "refused": [late]})
    told = Alert(
        alert_id="W1", rule="EW-LISTED", rule_version="1", severity="WATCH", action="WATCH", supplier_id="S0000001",
        contract_id=None, line_id="L1", raised_on=date(2026, 10, 1), due_on=date(2026, 12, 1), owner="analyst",
        evidence="{}",
    )  # fmt: skip
    answers = [[told]]
    # Whoever asks a second time finds more than what the night has sealed.
    monkeypatch.setattr(
        warning, "found", lambda *_, **__: answers.pop() if answers else [told, replace(told, alert_id="W2")]
    )
    said = credit("nightly", "run", "--as-of", DAY, "--json")
    assert (said.code, said.json[0]["state"], said.json[0]["not_swept"]) == (4, "sealed", [late])
    assert next(each["counts"] for each in said.json[0]["steps"] if each["step"] == "book")["not_swept"] == 1
    assert "Not swept: payment P9" in credit("nightly", "status").out
    assert {each["alert_id"] for each in Home(home).alerts().listed()} >= {"W1"}
    assert "W2" not in {each["alert_id"] for each in Home(home).alerts().listed()}


def stopped(home: Path, credit: Credit) -> None:
    """Three files that cannot be read stop a night."""
    for name in "abc":
        folder = home / "inbox" / "platform" / name
        folder.mkdir(parents=True)
        (folder / "suppliers.csv").write_text("nonsense\n1\n")
    said = credit("nightly", "run", "--as-of", DAY)
    assert said.code == 6
    assert "refused_files" not in said.err
    assert "files that could not be read, inbox: 3" in said.err


def test_the_gate_stops_a_night_and_nothing_is_published(before):
    home, credit = before
    exports = sorted(home.glob("exports/*/*"))
    stopped(home, credit)
    assert sorted(home.glob("exports/*/*")) == exports
    status = credit("nightly", "status", "--json").json
    assert (status["state"], status["failed"]["step"]) == ("failed", "input-gate")
    assert [each["check"] for each in status["stopped_by"]] == ["refused_files"]
    # To run it once more is no way past the gate.
    assert credit("nightly", "run", "--as-of", DAY).code == 6
    assert "look at" in credit("nightly", "status").out


def test_a_stopped_night_begins_anew_once_the_feed_is_mended(before):
    home, credit = before
    stopped(home, credit)
    for name in "abc":
        shutil.rmtree(home / "inbox" / "platform" / name)
    nightly.arrive(home, "again", ["AGAIN-1,S0000001,,,2026-10-31,500,CNY,PROGRESS,,2026-10-31T12:00:00"])
    said = credit("nightly", "run", "--as-of", DAY, "--json", CREDIT_NOW="2026-11-03T05:00:00")
    assert (said.code, said.json[0]["state"], said.json[0]["stopped_by"]) == (0, "sealed", [])
    # What the first try had taken in arrived for this night too.
    assert said.json[0]["steps"][0]["counts"]["imported"] == 4
    assert said.json[0]["started_at"] == "2026-11-03T05:00:00"
    assert credit("nightly", "verify").code == 0


def test_nothing_leaves_about_a_firm_that_revoked_while_the_night_lay(before, monkeypatch):
    home, credit = before
    stopped(home, credit)
    first = pd.read_parquet(next((home / "exports-kept" / "demo-bank").glob("*_FULL_*")) / "scores.parquet")
    gone = first.loc[first["purpose"] == "credit_line", "supplier_id"].iloc[0]
    assert credit("consent", "revoke", gone, "--bank", "demo-bank", CREDIT_NOW="2026-11-04T01:00:00").code == 0
    monkeypatch.setattr(identity, "who", lambda: "zhang")
    late = {"CREDIT_NOW": "2026-11-05T01:00:00"}
    said = credit("nightly", "run", "--as-of", DAY, "--accept", "the feed is known to be down", "--json", **late)
    kept = home / "exports-kept" / said.json[0]["banks"]["demo-bank"]["folder"] / "scores.parquet"
    assert gone not in set(pd.read_parquet(kept)["supplier_id"])


def test_a_second_person_accepts_what_stopped_the_night(before, monkeypatch):
    home, credit = before
    stopped(home, credit)
    alone = credit("nightly", "run", "--as-of", DAY, "--accept", "the feed is known to be down")
    assert "another person" in alone.err
    monkeypatch.setattr(identity, "who", lambda: "zhang")
    assert "said why" in credit("nightly", "run", "--as-of", DAY, "--accept", " ").err
    said = credit("nightly", "run", "--as-of", DAY, "--accept", "the feed is known to be down", "--json")
    assert (said.code, said.json[0]["state"]) == (4, "sealed")
    kept = json.loads((home / "nights" / f"as_of={DAY}" / "accepted.json").read_text())["accepted"][0]
    assert (kept["who"], kept["findings"][0]["check"]) == ("zhang", "refused_files")
    assert "has not begun" in credit(*NEXT, "--accept", "x", CREDIT_NOW=NEXT_NOW).err


def broken_for(monkeypatch: pytest.MonkeyPatch, bank_id: str, error: BaseException | None = None) -> None:
    """No file can be written for a bank."""
    raised = error or CreditError("a column of a row is bad", hint="correct it")
    real = exporting.build_from

    def build_from(home, bank, *words, **named):
        if bank.bank_id == bank_id:
            raise raised
        return real(home, bank, *words, **named)

    monkeypatch.setattr(exporting, "build_from", build_from)


def test_what_would_stop_the_bank_files_is_said_before_the_night_begins(before):
    home, credit = before
    shutil.copytree(SHIPPED, home / "banks", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    agreed = home / "banks" / "second-bank.toml"
    right = str(pyrage.x25519.Identity.generate().to_public())
    wrong = right[:-1] + ("q" if right[-1] != "q" else "p")
    whole = agreed.read_text()
    agreed.write_text(f'age_recipient = "{wrong}"\n{whole}')
    said = credit("nightly", "run", "--as-of", DAY)
    assert (said.code, "second-bank.toml: 'age_recipient' is not a public key" in said.err) == (1, True)
    assert not (home / "nights" / f"as_of={DAY}").exists()


def test_a_night_that_failed_before_anything_was_sent_begins_anew_once_it_is_mended(before, monkeypatch):
    _, credit = before
    later = "2026-11-03T05:00:00"
    with monkeypatch.context() as patch:
        broken_for(patch, "demo-bank")
        assert "a column of a row is bad" in credit("nightly", "run", "--as-of", DAY).err
    with monkeypatch.context() as patch:
        broken_for(patch, "second-bank")
        assert credit("nightly", "run", "--as-of", DAY, CREDIT_NOW=later).code == 1
    # It began anew, and then one bank was sent its file: from here on the night is what it is.
    said = credit("nightly", "run", "--as-of", DAY, "--json", CREDIT_NOW="2026-11-03T09:00:00").json[0]
    assert (said["state"], said["started_at"]) == ("sealed", later)
    assert said["steps"][0]["counts"]["imported"] == 3
    assert {bank: each["sequence"] for bank, each in said["banks"].items()} == {"demo-bank": 2, "second-bank": 1}
    assert credit("nightly", "replay", "--json").json == {"as_of": DAY, "differences": []}


def test_scores_that_moved_as_a_whole_stop_the_night(after, monkeypatch):
    home, credit = after
    from credit.app.night import computing

    monkeypatch.setattr(computing, "_score_index", lambda *_: (0.3, {"bounds": [], "counts": []}))
    said = credit(*NEXT, CREDIT_NOW=NEXT_NOW)
    assert (said.code, "stability index of the score" in said.err) == (6, True)
    assert not (home / "nights" / "as_of=2026-11-02" / "bank-files").exists()


def test_an_unexpected_error_is_noted_by_its_type_alone(before, monkeypatch):
    _, credit = before

    def broken(*_: object) -> None:
        raise RuntimeError("S0000001 owes 5 yuan")

    monkeypatch.setattr(running, "_refuse_empty", broken)
    assert credit("nightly", "run", "--as-of", DAY).code == 1
    failed = credit("nightly", "status", "--json").json["failed"]
    assert failed["message"] == "something unexpected happened (RuntimeError)"


# -- afterwards --------------------------------------------------------------------------------------------------------


def decisions(home: Path) -> pd.DataFrame:
    return pd.read_parquet(home / "nights" / f"as_of={DAY}" / "decisions" / "platform.parquet")


def test_the_record_of_every_kind_of_answer_is_rendered_on_demand(sealed):
    home, _ = sealed
    rows = decisions(home)
    assert rows["decision_id"].is_unique
    for outcome in rows["outcome"].unique():
        row = rows[rows["outcome"] == outcome].iloc[0]
        record = command(home)("decision", "show", row["decision_id"], "--json").json
        assert record["decision_id"] == row["decision_id"]
        assert (record["outcome"], record["amount_fen"]) == (outcome, row["amount_fen"])
        assert record["application"]["supplier_id"] == row["supplier_id"]
    assert command(home)("decision", "replay", rows["decision_id"].iloc[0]).out.count("identical") == 1


def test_the_nights_answer_is_that_of_the_single_case(sealed):
    home, _ = sealed
    rows = decisions(home).set_index("supplier_id")
    granted = rows[rows["outcome"].isin(("APPROVE", "REDUCE"))].index[0]
    record = command(home)("decision", "show", rows.loc[granted, "decision_id"], "--json").json
    alone = command(home)("score", "explain", granted, "--as-of", DAY, "--json").json
    assert f"{record['pd']:.9f}" == f"{alone['pd']:.9f}"


def test_an_altered_row_does_not_render(after):
    home, credit = after
    file = home / "nights" / f"as_of={DAY}" / "decisions" / "platform.parquet"
    rows = pd.read_parquet(file)
    rows.loc[0, "amount_fen"] += 100
    rows.to_parquet(file)
    said = credit("decision", "show", rows.loc[0, "decision_id"])
    assert (said.code, "amount_fen" in said.err) == (6, True)
    assert "altered since it was sealed" in credit("nightly", "verify").err


def test_a_sealed_night_is_made_again_to_the_byte(after):
    home, credit = after
    was = {str(each): each.stat().st_mtime_ns for each in home.rglob("*") if each.is_file()}
    assert credit("nightly", "replay", "--json").json == {"as_of": DAY, "differences": []}
    assert credit(*NEXT, CREDIT_NOW=NEXT_NOW).code == 0
    assert credit("nightly", "replay", "--as-of", "2026-11-02", CREDIT_NOW=NEXT_NOW).out.endswith("to the byte.\n")
    # It is still the same once a later night is there, and nothing of it was touched.
    assert credit("nightly", "replay", "--as-of", DAY, CREDIT_NOW=NEXT_NOW).code == 0
    night = home / "nights" / f"as_of={DAY}"
    assert all(each.stat().st_mtime_ns == was[str(each)] for each in night.rglob("*") if each.is_file())
    scores = night / "scores" / "platform.parquet"
    scores.write_bytes(scores.read_bytes() + b" ")
    said = credit("nightly", "replay", "--as-of", DAY, CREDIT_NOW=NEXT_NOW)
    assert (said.code, "scores/platform.parquet comes out otherwise" in said.err) == (6, True)


def test_a_night_with_the_model_before_and_a_guarantee_is_made_again_to_the_byte(before, demo_said):
    home, credit = before
    contract = demo_said["guarantee"]["contract_id"]
    early = {"CREDIT_NOW": "2026-11-02T02:00:00"}
    record = credit("guarantee", "decide", "performance", "--contract", contract, "--json", **early).json
    granting = (
        "consent",
        "grant",
        record["application"]["supplier_id"],
        "--bank",
        "demo-bank",
        "--purpose",
        "guarantee",
    )
    credit(*granting, **early)
    issue = ("guarantee", "issue", record["decision_id"], "--bank", "demo-bank", "--json")
    guarantee = credit(*issue, **early).json["guarantee_id"]
    nightly.second_model(home, "2026-11-02T01:00:00")
    with nightly.fault_at(60):
        assert credit(*NEXT, CREDIT_NOW=NEXT_NOW).code == 1
    # What changes once it has begun is the next night's: it goes on with the models, and the book, that it began with.
    Home(home).registry().rollback("loan_default.platform", at=NEXT_NOW, who="ann", why="it fails")
    demand = ("guarantee", "demand", guarantee, "--amount", "100", "--on", "2026-11-02")
    credit(*demand, CREDIT_NOW="2026-11-03T20:00:01")
    said = credit(*NEXT, "--json", CREDIT_NOW="2026-11-03T20:00:02").json[0]
    assert said["state"] == "sealed" and said["banks"]["demo-bank"]["further"]["guarantees"]["rows"] == 1
    assert "further" not in said["banks"]["second-bank"]
    folder = home / "exports" / said["banks"]["demo-bank"]["folder"]
    rows = pd.read_csv(folder / "scores.csv").dropna(subset=["pd"])
    assert set(rows["previous_model_version"]) == {1} and set(rows["model_version"]) == {2}
    assert (rows["previous_pd"] > rows["pd"]).all()
    assert list(pd.read_csv(folder / "guarantees.csv")["status"]) == ["EFFECTIVE"]
    assert credit("nightly", "replay", "--json", CREDIT_NOW=NEXT_NOW).json == {"as_of": "2026-11-02", "differences": []}
    settings = json.loads((home / "nights" / "as_of=2026-11-02" / "settings.json").read_text())
    assert settings["former"] == {"platform": {"name": "loan_default.platform", "version": 1}}
    # Nights that were sealed before there was such a thing are read all the same.
    assert Settings.read({name: value for name, value in settings.items() if name != "former"}).former == {}


def test_a_nights_answer_is_no_offer(sealed):
    home, _ = sealed
    said = command(home)("line", "accept", decisions(home)["decision_id"].iloc[0])
    assert (said.code, "indicative" in said.err) == (1, True)
    assert command(home)("decision", "show", "N261101FFFFFFFFFFFFFFFF").code == 1


def test_a_sealed_night_is_verified(after):
    home, credit = after
    assert credit("nightly", "verify").code == 0
    night = home / "nights" / f"as_of={DAY}"
    (night / "scores" / "more.txt").write_text("x")
    assert "not in the manifest" in credit("nightly", "verify").err
    (night / "scores" / "more.txt").unlink()
    (night / "settings.json").unlink()
    assert credit("nightly", "verify").code != 0


def test_a_night_that_was_altered_and_sealed_by_hand_breaks_the_chain(after):
    home, credit = after
    assert credit(*NEXT, CREDIT_NOW=NEXT_NOW).code == 0
    night, later = (home / "nights" / f"as_of={day}" for day in (DAY, "2026-11-02"))
    for folder in (night, later):
        scores, manifest = folder / "scores" / "platform.parquet", folder / "manifest.json"
        whole = {file: file.read_bytes() for file in (scores, manifest)}
        scores.write_bytes(whole[scores] + b" ")
        was, now = (hashlib.sha256(each).hexdigest() for each in (whole[scores], scores.read_bytes()))
        manifest.write_text(manifest.read_text().replace(was, now))
        if folder == night:
            for day in (DAY, "2026-11-02"):
                assert "names another night before it" in credit("nightly", "verify", "--as-of", day).err
        assert "not the one that sealed it" in credit("nightly", "verify", "--as-of", folder.name[-10:]).err
        # Without its manifest a night that was altered is damage, and not sealed again.
        manifest.unlink()
        assert credit("nightly", "verify", "--as-of", folder.name[-10:]).code == 6
        if folder == later:
            again = credit(*NEXT, CREDIT_NOW=NEXT_NOW)
            assert (again.code, "was sealed, its manifest is gone" in again.err) == (6, True)
            assert not manifest.exists()
        for file, content in whole.items():
            file.write_bytes(content)
        assert credit("nightly", "verify", "--as-of", folder.name[-10:]).code == 0
    # Where nothing was altered, what is sealed again is the same seal.
    manifest.unlink()
    assert credit(*NEXT, CREDIT_NOW=NEXT_NOW).code == 0
    assert manifest.read_bytes() == whole[manifest]


def test_a_bank_file_that_is_not_as_it_was_sent_is_found_by_verify(after):
    home, credit = after
    bank = credit("nightly", "status", "--json").json["banks"]["second-bank"]
    folder = home / "exports" / bank["folder"]
    rows = folder / "scores.csv"
    rows.write_bytes(rows.read_bytes() + b" ")
    assert "scores.csv: gone, or altered since it was sent" in credit("nightly", "verify").err
    shutil.rmtree(folder)
    said = credit("nightly", "verify")
    assert (said.code, "not in the bank's folder" in said.err) == (6, True)


def test_a_revoked_consent_is_gone_by_the_next_file(after):
    home, credit = after
    bank = credit("nightly", "status", "--json").json["banks"]["second-bank"]
    scores = pd.read_csv(home / "exports" / bank["folder"] / "scores.csv")
    gone = scores["supplier_id"].iloc[0]
    assert credit("consent", "revoke", gone, "--bank", "second-bank").code == 0
    said = credit(*NEXT, "--json", CREDIT_NOW=NEXT_NOW)
    later = pd.read_csv(home / "exports" / said.json[0]["banks"]["second-bank"]["folder"] / "scores.csv")
    assert gone not in set(later["supplier_id"])


def test_the_next_night_is_a_delta_of_what_changed(before):
    home, credit = before
    shipped = Path(running.__file__).parents[3] / "data" / "exports" / "banks" / "demo-bank.toml"
    (home / "banks").mkdir()
    (home / "banks" / "demo-bank.toml").write_text(shipped.read_text() + "full_every_days = 7\n")
    first = credit("nightly", "run", "--as-of", DAY, "--json").json[0]["banks"]["demo-bank"]
    then = credit(*NEXT, "--json", CREDIT_NOW=NEXT_NOW).json[0]["banks"]["demo-bank"]
    # What the demonstration wrote is the full file that both stand on.
    whole = pd.read_parquet(next((home / "exports-kept" / "demo-bank").glob("*_FULL_*")) / "scores.parquet")
    assert (first["type"], then["type"]) == ("DELTA", "DELTA")
    assert 0 < then["rows"] < len(whole)
    checked = credit("export", "verify", home / "exports" / then["folder"], "--last-sequence", first["sequence"])
    assert checked.code == 0, checked.err
    # An answer that stays keeps its id, and is rendered by it.
    later = pd.read_parquet(home / "nights" / "as_of=2026-11-02" / "decisions" / "platform.parquet")
    kept = later[later["decision_id"].str.startswith("N261101")]
    assert 0 < len(kept) < len(later)
    assert credit("decision", "show", kept["decision_id"].iloc[0], "--json").json["as_of"] == DAY


def test_what_would_stop_a_night_at_its_end_is_said_before_it_begins(before):
    home, credit = before
    (home / "banks").mkdir()
    (home / "banks" / "demo-bank.toml").write_text('bank_id = "demo-bank"')
    assert "demo-bank.toml" in credit("nightly", "run", "--as-of", DAY).err
    assert not (home / "nights" / f"as_of={DAY}").exists()


def test_only_an_operator_runs_nights(people):
    _, as_ = people
    said = as_("li", "nightly", "run", "--as-of", DAY, CREDIT_NOW=NOW)
    assert (said.code, "not-authorised" in said.err) == (6, True)
    assert as_("night", "nightly", "run", "--as-of", DAY, CREDIT_NOW=NOW).code == 0


def test_a_real_bank_gets_nothing_that_a_demonstration_approved(before):
    home, credit = before
    shipped = Path(running.__file__).parents[3] / "data" / "exports" / "banks" / "second-bank.toml"
    (home / "banks").mkdir()
    (home / "banks" / "real.toml").write_text(shipped.read_text().replace("second-bank", "real"))
    said = credit("nightly", "run", "--as-of", DAY)
    assert (said.code, "which is nobody" in said.err) == (6, True)
