"""People: who may judge what, what an override has to say, and what becomes of it."""

from __future__ import annotations

import pytest

from credit.app import identity

ROLES = """[roles]
maker = "analyst"
li = "analyst"
zhang = "senior"
board = "committee"
night = "operator"
eye = "auditor"
"""


@pytest.fixture
def desk(changed, monkeypatch, demo_said):
    """The command as one of these people, and a decision that waits for one of them."""
    home, credit = changed
    (home / "roles.toml").write_text(ROLES, encoding="utf-8")

    def as_(who, *words, **env):
        monkeypatch.setattr(identity, "who", lambda: who)
        return credit(*words, **env)

    supplier = demo_said["next"][0].split()[-1]
    record = as_("maker", "line", "decide", supplier, "--review", "--json").json
    assert record["outcome"] == "REFER" and record["amount_fen"] > 0
    return as_, record


def test_a_second_person_grants_what_was_referred_and_the_record_says_who(desk):
    as_, record = desk
    made = as_("zhang", "decision", "approve", record["decision_id"], "--json").json
    assert (made["outcome"], made["amount_fen"]) == ("APPROVE", record["amount_fen"])
    assert made["supersedes"] == record["decision_id"] and made["judgement"]["by"] == "zhang"
    assert as_("eye", "decision", "show", record["decision_id"], "--json").json == record
    assert as_("eye", "decision", "replay", made["decision_id"]).code == 0


def test_what_a_person_granted_counts_as_exposure(desk):
    as_, record = desk
    made = as_("zhang", "decision", "approve", record["decision_id"], "--json").json
    supplier = record["application"]["supplier_id"]
    bid = ("guarantee", "decide", "bid-security", "--supplier", supplier, "--region", "320106", "--budget", "100000")
    after = as_("maker", *bid, "--json").json
    assert after["inputs"]["exposure_fen"] >= made["amount_fen"]


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("maker", "cannot be the one who judges it"),
        ("night", "may not judge"),
        ("eye", "may not judge"),
        ("nobody", "no role is given to that account"),
    ],
)
def test_who_may_not_judge_is_refused(desk, who, why):
    as_, record = desk
    said = as_(who, "decision", "approve", record["decision_id"])
    assert said.code == 6 and why in said.err and "not-authorised" in said.err


def test_nobody_grants_more_than_the_limits_leave(desk):
    as_, record = desk
    more = record["amount_fen"] // 100 + 1
    said = as_("board", "decision", "approve", record["decision_id"], "--amount", more)
    assert said.code == 6 and "not within what the limits" in said.err


def test_a_decision_is_judged_once(desk):
    as_, record = desk
    made = as_("zhang", "decision", "approve", record["decision_id"], "--json").json
    assert "was superseded" in as_("board", "decision", "approve", record["decision_id"]).err
    assert "is a judgement already" in as_("board", "decision", "approve", made["decision_id"]).err


def test_a_knock_out_is_nobodys_to_override(desk):
    as_, _ = desk
    declined = next(
        row["decision_id"]
        for row in as_("eye", "decision", "list", "--limit", "500", "--json").json
        if row["outcome"] == "DECLINE"
    )
    said = as_("board", "decision", "approve", declined, "--code", "STRATEGIC", "--text", "x", "--evidence", "y",
               "--lapses", "2026-12-31")  # fmt: skip
    assert said.code == 6 and "nobody here can override" in said.err


def test_less_than_the_engine_would_give_is_an_override_and_says_why(desk):
    as_, record = desk
    bare = as_("zhang", "decision", "override", record["decision_id"])
    assert bare.code == 6 and "lacks a code, a text, evidence, a day on which it lapses" in bare.err
    why = ("--code", "TIGHTENING", "--text", "a rumour", "--evidence", "minute 7", "--lapses", "2026-11-20")
    made = as_("zhang", "decision", "override", record["decision_id"], *why, "--json").json
    assert (made["outcome"], made["amount_fen"], made["yearly_rate_bp"]) == ("DECLINE", 0, None)
    report = as_("eye", "decision", "overrides", "--json").json
    assert [(row["by"], row["code"], row["judged"]) for row in report["overrides"]] == [
        ("zhang", "TIGHTENING", "DECLINE")
    ]
    assert report["people"][0]["alert"] is True
    assert as_("eye", "decision", "replay", made["decision_id"]).code == 0


def test_an_override_lapses_on_its_day(desk):
    as_, record = desk
    why = ("--code", "TIGHTENING", "--text", "less", "--evidence", "minute 8", "--lapses", "2026-11-05")
    past = as_("zhang", "decision", "override", record["decision_id"], *why[:-1], "2026-10-05")
    assert past.code == 6 and "would have lapsed" in past.err
    odd = as_("zhang", "decision", "override", record["decision_id"], "--amount", "1.5", *why)
    assert odd.code == 6 and "no amount of the product" in odd.err
    made = as_("zhang", "decision", "override", record["decision_id"], *why, "--json").json
    assert made["outcome"] == "DECLINE" and made["valid_until"] == "2026-11-05"


def test_a_disputed_datum_asks_for_a_person_until_it_is_settled(desk):
    as_, record = desk
    supplier = record["application"]["supplier_id"]
    assert as_("li", "decision", "dispute", supplier, "--datum", "delivery D1", "--text", "it was on time").code == 0

    def found(record):
        return next(f["finding"] for f in record["findings"] if f["rule"] == "R-DISPUTED")

    assert found(as_("maker", "line", "decide", supplier, "--amount", "20000", "--json").json) == "NOT_MET"
    [row] = as_("eye", "decision", "disputes", "--json").json
    assert as_("li", "decision", "settle", row["number"], "--rejected", "--text", "it was late").code == 6
    assert as_("zhang", "decision", "settle", row["number"], "--rejected", "--text", "it was late").code == 0
    assert as_("li", "decision", "settle", row["number"], "--upheld", "--text", "again").code == 1
    assert found(as_("maker", "line", "decide", supplier, "--amount", "30000", "--json").json) == "MET"


def test_who_was_declined_waits_and_the_night_does_not(desk):
    as_, _ = desk
    whole = as_("night", "line", "decide", "--all", "--as-of", "2026-10-20", "--json").json["decisions"]
    declined = next(record for record in whole if record["cooling_until"])
    supplier = declined["application"]["supplier_id"]

    def waits(day):
        record = as_("maker", "line", "decide", supplier, "--as-of", day, "--json").json
        return next(f["finding"] for f in record["findings"] if f["rule"] == "KO-COOLING"), record

    first, record = waits("2026-10-21")
    assert first == "MET" and record["cooling_until"] > "2026-10-31"
    second, record = waits("2026-10-31")
    assert second == "NOT_MET" and record["cooling_until"] is None


def test_only_those_whose_business_it_is_train_promote_and_export(desk):
    as_, _ = desk
    assert as_("eye", "line", "decide", "S0000006").code == 6
    assert as_("li", "export", "build", "--bank", "demo-bank").code == 6
    assert as_("li", "model", "promote", "loan_default.platform", "--why", "x").code == 6
    assert as_("night", "model", "train", "loan_default").code == 6


def test_asked_again_what_a_person_made_of_it_is_the_answer(desk):
    as_, record = desk
    why = ("--code", "TIGHTENING", "--text", "a rumour", "--evidence", "minute 7", "--lapses", "2026-11-20")
    made = as_("zhang", "decision", "override", record["decision_id"], *why, "--json").json
    supplier = record["application"]["supplier_id"]
    assert as_("maker", "line", "decide", supplier, "--review", "--json").json == made


def test_a_decision_that_has_lapsed_or_lost_its_consent_is_granted_by_nobody(desk):
    as_, record = desk
    lapsed = as_("zhang", "decision", "approve", record["decision_id"], CREDIT_NOW="2026-12-15T01:00:00")
    assert lapsed.code == 6 and "lapsed on 2026-11-30" in lapsed.err
    supplier = record["application"]["supplier_id"]
    for consent in as_("zhang", "consent", "list", supplier, "--json").json:
        if consent["purpose"] == "credit_line":
            assert as_("zhang", "consent", "revoke", supplier, "--bank", consent["bank_id"]).code == 0
    said = as_("zhang", "decision", "approve", record["decision_id"])
    assert said.code == 6 and "a consent was taken back" in said.err


DOORS = {
    "consent grant": (("consent", "grant", "S1", "--bank", "demo-bank"), {"maker", "zhang", "board", "night"}),
    "consent revoke": (("consent", "revoke", "S1", "--bank", "demo-bank"), {"maker", "zhang", "board", "night"}),
    "ledger import": (("ledger", "import", "nothing", "--format", "platform"), {"night"}),
    "ledger erase": (("ledger", "erase", "S1"), {"night"}),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_the_ledger_is_told_is_told_by_those_whose_business_it_is(empty, tmp_path, monkeypatch, door):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "roles.toml").write_text(ROLES, encoding="utf-8")
    words, let_through = DOORS[door]
    for who in ("maker", "zhang", "board", "night", "eye", "nobody"):
        monkeypatch.setattr(identity, "who", lambda who=who: who)
        said = empty(*words)
        # In an empty home what is let through fails, for another reason.
        assert ("not-authorised" in said.err) is (who not in let_through), (who, said.err)


def as_a_dangling_link(file):
    file.symlink_to(file.parent / "nowhere.toml")


def as_a_link_in_a_circle(file):
    file.symlink_to(file)


def as_a_folder(file):
    file.mkdir()


def as_bytes(file):
    file.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("lies_there", [as_a_dangling_link, as_a_link_in_a_circle, as_a_folder, as_bytes])
@pytest.mark.parametrize("words", [("nightly", "run"), DOORS["ledger import"][0], ("audit", "seal")])
def test_roles_that_are_there_and_cannot_be_read_let_nobody_through(empty, tmp_path, lies_there, words):
    (tmp_path / "var").mkdir()
    lies_there(tmp_path / "var" / "roles.toml")
    said = empty(*words)
    assert said.code != 0 and "roles.toml" in said.err and "policy-broken" in said.err
    assert "nobody has a role" not in empty("doctor").out
