"""A line and a loan as people live with them: drawn, paid out, repaid, taken back, watched and closed, day by day."""

from __future__ import annotations

import json
import sqlite3
from datetime import date

import pandas as pd
import pytest

from credit.app import booking, identity
from credit.app.home import Home
from credit.domain import guaranteeing as acts
from credit.domain.errors import LimitExceeded
from credit.domain.guarantee import Form, Wording
from tests.bookstore import new_store, server

REFUSED = 6


def on(day: str) -> dict[str, str]:
    return {"CREDIT_NOW": f"{day}T01:00:00"}


@pytest.fixture
def line(people):
    """A line that was accepted on 2 November 2026, the only answer to its question."""
    home, as_ = people
    accepted = as_("li", "line", "accept", granted(home, "APPROVE")[0]["decision_id"], "--json")
    assert accepted.code == 0, accepted.err
    return accepted.json


def granted(home, *outcomes):
    """The decisions that grant turnover lines, the largest first."""
    rows = Home(home).decisions().listed(limit=1_000)
    found = [row for row in rows if row["product"] == "turnover_line" and row["outcome"] in outcomes]
    return sorted(found, key=lambda row: (-row["amount_fen"], row["supplier_id"]))


def requested(as_, line_id, fen, *words, **env):
    return as_("night", "drawdown", "request", line_id, "--amount", f"{fen / 100:.2f}", *words, "--json", **env)


def test_a_draw_is_reserved_paid_out_repaid_taken_back_and_repaid_again(people, line):
    _, as_ = people
    line_id, fen = line["line_id"], line["limit_fen"]
    above = requested(as_, line_id, fen + 1)
    assert above.code == REFUSED and "above what is left of the limit" in above.err and "Hint:" in above.err
    draw = requested(as_, line_id, fen).json
    assert (draw["state"], draw["pending_fen"], draw["lapses_on"]) == ("PENDING", fen, "2026-11-09")
    full = requested(as_, line_id, 1)
    assert full.code == REFUSED and "CNY 0:" in full.err
    early = as_("night", "drawdown", "post", draw["draw_id"], "--on", "2026-11-01")
    assert early.code == REFUSED and "2026-11-01 is before 2026-11-02" in early.err
    future = as_("night", "drawdown", "post", draw["draw_id"], "--on", "2026-11-03")
    assert future.code == REFUSED and "has not come" in future.err
    assert as_("night", "drawdown", "post", draw["draw_id"], "--on", "2026-11-02", "--json").json["state"] == "POSTED"

    show = ("drawdown", "show", draw["draw_id"], "--json")
    interest = 30 * line["yearly_rate_bp"] * fen // (10_000 * 360)
    assert as_("eye", *show, **on("2026-12-02")).json["owed"]["interest_fen"] == interest
    record = ("repayment", "record", draw["draw_id"], "--on", "2026-12-02", "--json")
    half = as_("night", *record, "--payment", "P1", "--amount", f"{fen / 200:.2f}", **on("2026-12-02")).json
    assert half["paid"]["interest_fen"] == interest and half["released_fen"] == 0
    twice = as_("night", *record, "--payment", "P1", "--amount", "1", **on("2026-12-02"))
    assert twice.code == REFUSED and "was used already" in twice.err
    reverse = ("repayment", "reverse", draw["draw_id"], "--payment", "P1", "--why", "bounced", "--json")
    assert as_("li", *reverse, **on("2026-12-03")).code == REFUSED
    back = as_("night", *reverse, **on("2026-12-03")).json
    assert back["owed"]["principal_fen"] == fen
    late = as_("night", *record, "--payment", "P2", "--amount", "1", **on("2026-12-03"))
    assert late.code == REFUSED and "2026-12-02 is before 2026-12-03" in late.err

    owed = as_("eye", *show, **on("2026-12-04")).json["owed"]
    paid = ("repayment", "record", draw["draw_id"], "--payment", "P3", "--on", "2026-12-04", "--json")
    last = as_("night", *paid, "--amount", f"{(sum(owed.values()) + 100) / 100:.2f}", **on("2026-12-04")).json
    assert (last["state"], last["released_fen"]) == ("CLOSED", 100)
    page = as_("eye", "drawdown", "show", draw["draw_id"], **on("2026-12-04")).out
    assert "P1: bounced" in page and max(map(len, page.splitlines())) <= 80
    assert as_("eye", "drawdown", "list", "--line", line_id, **on("2026-12-04")).out.count("CLOSED") == 1
    assert as_("eye", "audit", "verify", **on("2026-12-04")).code == 0


def test_the_same_request_twice_is_one_draw_and_another_one_needs_another_key(people, line):
    _, as_ = people
    first = requested(as_, line["line_id"], 100_000, "--key", "K1").json
    assert requested(as_, line["line_id"], 100_000, "--key", "K1", **on("2026-11-03")).json == first
    other = requested(as_, line["line_id"], 100_001, "--key", "K1")
    assert other.code == REFUSED and "choose a new key" in other.err
    assert len(as_("eye", "drawdown", "list", "--json").json) == 1
    suspended = as_("li", "line", "suspend", line["line_id"], "--why", "odd", "--key", "K2", "--json").json
    again = as_("li", "line", "suspend", line["line_id"], "--why", "odd", "--key", "K2", "--json", **on("2026-11-03"))
    assert again.json["events"] == suspended["events"]
    assert as_("li", "line", "close", line["line_id"], "--why", "odd", "--key", "K2").code == REFUSED


def test_what_the_ledger_says_was_paid_into_a_locked_account_is_swept_once(
    people, line, csv_file, platform_row, tmp_path
):
    _, as_ = people
    draw = requested(as_, line["line_id"], 100_000, "--months", "1").json["draw_id"]
    as_("night", "drawdown", "post", draw, "--on", "2026-11-02")
    later = on("2026-12-05")
    paid = [
        platform_row(
            "payments", payment_id=name, supplier_id=line["supplier_id"], contract_id="", buyer_id="", delivery_id="",
            kind="", due_on="", paid_on="2026-12-04", amount_fen=fen, to_locked_account=locked,
            recorded_at="2026-12-04T10:00:00",
        )
        for name, fen, locked in (("Q1", 40_000, "true"), ("Q2", 90_000, "false"), ("Q3", 5_000, "true"))
    ]  # fmt: skip
    (tmp_path / "paid").mkdir()
    csv_file(tmp_path / "paid" / "payments.csv", paid)
    assert as_("night", "ledger", "import", tmp_path / "paid", "--format", "platform", **later).code == 0
    sweep = ("repayment", "sweep", "--as-of", "2026-12-04", "--json")
    first = as_("night", *sweep, **later).json
    assert [each["repayment_id"] for each in first["swept"]] == ["Q1", "Q3"] and first["refused"] == []
    owed = as_("eye", "drawdown", "show", draw, "--json", **later).json["owed"]
    assert 55_000 < owed["principal_fen"] < 56_000 and as_("night", *sweep, **later).json["swept"] == []
    # The day before it was known nobody could sweep it.
    assert as_("night", "repayment", "sweep", "--as-of", "2026-12-03", "--json", **later).json["swept"] == []
    assert as_("eye", "audit", "verify").code == 0


def test_a_draw_that_was_not_paid_out_lapses_and_gives_its_room_back(people, line):
    _, as_ = people
    line_id, fen = line["line_id"], line["limit_fen"]
    first = requested(as_, line_id, fen).json["draw_id"]
    assert requested(as_, line_id, fen, **on("2026-11-09")).code == REFUSED
    assert as_("eye", "line", "show", line_id, "--json", **on("2026-11-10")).json["used_fen"] == 0
    late = as_("night", "drawdown", "post", first, "--on", "2026-11-10", **on("2026-11-10"))
    assert late.code == REFUSED and "lapsed on 2026-11-09" in late.err
    second = requested(as_, line_id, fen, **on("2026-11-10"))
    assert second.code == 0, second.err
    assert as_("eye", "drawdown", "show", first, "--json", **on("2026-11-10")).json["state"] == "VOIDED"


def test_a_closed_line_takes_what_is_drawn_and_what_was_only_reserved_lapses(people, line):
    home, as_ = people
    line_id, supplier = line["line_id"], line["supplier_id"]
    drawn, held = (requested(as_, line_id, fen).json["draw_id"] for fen in (100_000, 200_000))
    as_("night", "drawdown", "post", drawn, "--on", "2026-11-02")

    def taken(**env):
        [row] = as_("eye", "exposure", "show", "--key", supplier, "--json", **env).json["rows"] or [{}]
        return row.get("committed_fen", 0), row.get("outstanding_fen", 0)

    def seen_by_others():
        standing = Home(home).decisions().standing(date(2026, 11, 2), date(2026, 11, 30))
        return sum(each.amount_fen for each in standing if each.supplier_id == supplier)

    assert taken() == (line["limit_fen"], 300_000) and seen_by_others() == line["limit_fen"]
    assert as_("night", "line", "close", line_id, "--why", "").code == REFUSED
    closed = as_("night", "line", "close", line_id, "--why", "asked for it", "--json").json
    assert (closed["state"], closed["used_fen"]) == ("CLOSED", 100_000)
    assert as_("eye", "drawdown", "show", held, "--json").json["state"] == "VOIDED"
    assert taken() == (100_000, 100_000) and seen_by_others() == 100_000
    record = ("repayment", "record", drawn, "--payment", "P1", "--amount", "400", "--on", "2026-11-02")
    assert as_("night", *record).code == 0
    assert taken() == (60_000, 60_000) and seen_by_others() == 60_000
    assert taken(**on("2026-11-03")) == (60_000, 60_000)
    assert as_("eye", "exposure", "show", "--on", "2026-11-01", "--json").json["rows"] == []
    as_("night", "drawdown", "write-off", drawn, "--why", "gone")
    assert taken() == (0, 0) and seen_by_others() == 0
    assert as_("eye", "audit", "verify").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("drawdown", "request", "L0", "--amount", "1"), 6, "there is no line 'L0'"),
        (("drawdown", "request", "{line}", "--amount", "0"), 2, "not a positive amount"),
        (("drawdown", "request", "{line}", "--amount", "-5"), 2, ""),
        (("drawdown", "request", "{line}", "--amount", "5", "--contract", "C1"), 1, "the nearest ids are"),
        (("drawdown", "request", "{line}", "--amount", "5", "--looked-up", "CP-LOCK"), 6, "nothing that is looked up"),
        (("drawdown", "post", "T0", "--on", "2026-11-02"), 6, "the book has no 'T0'"),
        (("drawdown", "post", "{line}", "--on", "2026-11-02"), 6, "is a line and no draw"),
        (("drawdown", "show", "T0"), 6, "credit drawdown list"),
        (("drawdown", "void", "T0", "--why", " "), 6, "it has to be said why"),
        (("repayment", "record", "T0", "--payment", "P", "--amount", "1", "--on", "2026-11-03"), 6, "has not come"),
        (("repayment", "collect", "S0", "--payment", "P", "--amount", "1", "--on", "2026-11-02"), 1, "nearest ids"),
        (("guarantee", "show", "G0"), 6, "credit guarantee list"),
        (("guarantee", "release", "G0", "--on", "2026-11-03"), 6, "has not come"),
        (("guarantee", "issue", "D0"), 1, "credit decision list"),
        (("exposure", "show", "--by", "moon"), 1, "choose from supplier, group"),
        (("exposure", "show", "--on", "2026-11-03"), 2, "has not come"),
        (("monitor", "settle", "A0", "--outcome", "FALSE", "--text", "x"), 6, "credit monitor open"),
        (("monitor", "settle", "A0", "--outcome", "MAYBE", "--text", "x"), 1, "choose from CONFIRMED"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_and_says_what_can(spoilt, monkeypatch, demo_said, words, code, said):
    home, credit = spoilt
    (home / "roles.toml").write_text('[roles]\nzhang = "senior"\n', encoding="utf-8")
    monkeypatch.setattr(identity, "who", lambda: "zhang")
    decided = credit("line", "decide", demo_said["next"][0].split()[-1], "--json").json["decision_id"]
    if not credit("line", "list", "--json").json:
        assert credit("line", "accept", decided).code == 0
    answer = credit(*(word.replace("{line}", f"L{decided[1:]}") for word in words))
    assert (answer.code, said in answer.err) == (code, True), answer.err


def test_who_may_not_book_draws_nothing_and_reads_everything(people, line):
    _, as_ = people
    denied = as_("eye", "drawdown", "request", line["line_id"], "--amount", "1000")
    assert denied.code == REFUSED and "eye may not book draws" in denied.err and "operator" in denied.err
    draw = requested(as_, line["line_id"], 100_000).json["draw_id"]
    assert as_("eye", "drawdown", "post", draw, "--on", "2026-11-02").code == REFUSED
    assert as_("eye", "drawdown", "show", draw).code == 0
    assert as_("li", "drawdown", "write-off", draw, "--why", "x").code == REFUSED
    assert as_("li", "audit", "seal").code == REFUSED


def test_an_entry_that_was_altered_is_named_and_a_seal_is_found_again(people, line):
    home, as_ = people
    seal = as_("eye", "audit", "seal", "--json").json
    requested(as_, line["line_id"], 100_000)
    whole = as_("eye", "audit", "verify", "--seal", seal["hash"], "--json")
    assert (whole.code, whole.json["faults"], whole.json["seals"]) == (0, [], 1)
    other = as_("eye", "audit", "verify", "--seal", "0" * 64)
    assert other.code == REFUSED and "that was kept outside" in other.out
    with sqlite3.connect(home / "book.db") as con:
        [(partition, sequence)] = con.execute(
            "SELECT partition, sequence FROM log WHERE kind = 'DRAW_REQUESTED'"
        ).fetchall()
        con.execute("UPDATE log SET who = 'x' WHERE kind = 'DRAW_REQUESTED'")
    con.close()
    spoilt = as_("eye", "audit", "verify")
    assert spoilt.code == REFUSED and f"log {partition}/{sequence}: the entry was altered" in spoilt.out


def test_a_red_alert_is_raised_once_and_freezes_until_it_is_settled(people, line, csv_file, platform_row, tmp_path):
    _, as_ = people
    later, line_id = on("2026-11-05"), line["line_id"]
    listing = platform_row(
        "listings", listing_event_id="L-1", supplier_id=line["supplier_id"], list="JUDGMENT",
        happened_on="2026-11-03", recorded_at="2026-11-04T01:00:00",
    )  # fmt: skip
    (tmp_path / "new").mkdir()
    csv_file(tmp_path / "new" / "listings.csv", [listing])
    assert as_("night", "ledger", "import", tmp_path / "new", "--format", "platform", **later).code == 0
    first = as_("night", "monitor", "watch", "--json", **later).json
    assert first["frozen"] == [line_id] and first["raised"]
    again = as_("night", "monitor", "watch", "--json", **later).json
    assert (again["raised"], again["frozen"]) == ([], [])
    assert as_("eye", "audit", "verify", **later).code == 0
    found = as_("li", "monitor", "open", "--line", line_id, "--json", **later).json
    assert max(map(len, as_("li", "monitor", "open", **later).out.splitlines())) <= 80
    stopped = requested(as_, line_id, 100_000, **later)
    assert stopped.code == REFUSED and "the line is suspended" in stopped.err
    resume = ("line", "resume", line_id, "--why", "looked at")
    still = as_("zhang", *resume, **later)
    assert still.code == REFUSED and "is open" in still.err and "credit monitor settle" in still.err
    for each in found:
        settle = ("monitor", "settle", each["alert_id"], "--outcome", "FALSE", "--text", "another firm")
        assert as_("li", *settle, **later).code == 0
        assert as_("li", *settle, **later).code == REFUSED
    assert as_("zhang", *resume, "--json", **later).json["state"] == "ACTIVE"
    assert as_("li", "monitor", "open", "--json", **later).json == []


def test_a_draw_of_our_own_that_is_past_due_freezes_its_line_by_the_clock(
    people, line, csv_file, platform_row, tmp_path
):
    _, as_ = people
    line_id = line["line_id"]
    draw = requested(as_, line_id, 100_000, "--months", "1").json["draw_id"]
    as_("night", "drawdown", "post", draw, "--on", "2026-11-02")
    due, late, after = (on(f"2026-12-0{day}") for day in (2, 3, 4))
    assert as_("night", "monitor", "watch", "--json", **due).json["raised"] == []
    seen = as_("li", "monitor", "alerts", "--json", **late).json
    [alert] = [each for each in seen["alerts"] if each["rule"] == "EW-OVERDUE"]
    assert (alert["line_id"], alert["raised_on"], alert["evidence"]["records"]) == (line_id, "2026-12-03", [draw])
    # The ledger's feeds ended before; the book knows what day it is.
    assert seen["as_of"] < seen["booked_on"] == "2026-12-03"
    page = as_("li", "monitor", "alerts", **late).out
    assert "by the book on 2026-12-03" in page and f"draws {draw}; happened 2026-12-03, known 2026-12-03" in page
    first = as_("night", "monitor", "watch", "--json", **late).json
    assert (first["raised"], first["frozen"]) == ([alert["alert_id"]], [line_id])
    stopped = requested(as_, line_id, 100_000, **late)
    assert stopped.code == REFUSED and "the line is suspended" in stopped.err

    # A bank's feed tells of the same draw on the next day: it is the same alert.
    (tmp_path / "fed").mkdir()
    about = {"loan_id": draw, "supplier_id": line["supplier_id"], "due_on": "2026-12-02", "amount_fen": 100_000}
    rows = [
        platform_row("credit_events", credit_event_id="F1", happened_on="2026-11-02", **about),
        platform_row("credit_events", credit_event_id="F2", kind="PAST_DUE", happened_on="2026-12-03", days_past_due=1,
                     recorded_at="2026-12-03T10:00:00", **about),
    ]  # fmt: skip
    csv_file(tmp_path / "fed" / "credit_events.csv", rows)
    assert as_("night", "ledger", "import", tmp_path / "fed", "--format", "platform", **after).code == 0
    again = as_("night", "monitor", "watch", "--json", **after).json
    assert again["as_of"] == "2026-12-03" and alert["alert_id"] not in again["raised"]
    opened = as_("li", "monitor", "open", "--line", line_id, "--json", **after).json
    assert [each["alert_id"] for each in opened if each["rule"] == "EW-OVERDUE"] == [alert["alert_id"]]
    assert as_("eye", "audit", "verify", **after).code == 0


def test_what_became_of_an_override_says_its_line(people):
    home, as_ = people
    record = as_("li", "line", "decide", granted(home, "APPROVE")[0]["supplier_id"], "--review", "--json").json
    less = str(record["amount_fen"] // 100 - 1_000)
    why = ("--code", "TIGHTENING", "--text", "less", "--evidence", "minute 8", "--lapses", "2026-11-20")
    made = as_("zhang", "decision", "override", record["decision_id"], "--amount", less, *why, "--json")
    assert made.code == 0, made.err
    line_id = as_("li", "line", "accept", made.json["decision_id"], "--json").json["line_id"]
    [row] = as_("eye", "decision", "overrides", "--json").json["overrides"]
    assert (row["became"]["line_id"], row["became"]["line_state"]) == (line_id, "ACTIVE")
    page = as_("eye", "decision", "overrides").out
    assert "ACTIVE" in page and max(map(len, page.splitlines())) <= 80


def test_a_book_is_upgraded_once_and_says_its_form(people, line):
    _, as_ = people
    said = as_("night", "book", "upgrade", "--json").json
    assert said["before"] == said["after"] and said["kept"] is None


# -- on a contract


@pytest.fixture
def contract(people, demo_said) -> str:
    """A contract that waits for its advance, of a supplier whom policy grants guarantees."""
    assert demo_said["guarantee"]["outcome"] == "APPROVE"
    return demo_said["guarantee"]["contract_id"]


@pytest.fixture
def unlocked(people):
    """A loan that was granted on a contract whose collection account is not locked yet."""
    home, as_ = people
    suppliers = [row["supplier_id"] for row in granted(home, "APPROVE", "REDUCE")]
    locked = pd.read_parquet(home / "platform" / "accounts.parquet", columns=["contract_id"])["contract_id"]
    contracts = pd.read_parquet(home / "platform" / "contracts.parquet")
    newest = contracts[contracts["supplier_id"].isin(suppliers) & ~contracts["contract_id"].isin(locked)]
    for contract in newest.sort_values("signed_on", ascending=False)["contract_id"].head(20):
        record = as_("li", "loan", "decide", "--contract", contract, "--json").json
        if record["outcome"] == "APPROVE" and record["amount_fen"] >= 1_000_000:
            return as_("li", "line", "accept", record["decision_id"], "--json").json
    pytest.fail("no loan was granted on a contract whose account is not locked")


def test_a_loan_is_drawn_once_its_conditions_are_met_and_repaid_by_what_the_buyer_pays(
    people, unlocked, csv_file, platform_row, tmp_path
):
    _, as_ = people
    loan, contract = unlocked, unlocked["contract_id"]
    line_id, supplier = loan["line_id"], loan["supplier_id"]

    def told(kind, day):
        folder = tmp_path / f"{kind}-{day}"
        folder.mkdir()
        row = platform_row(
            "accounts", account_event_id=f"A-{kind}", contract_id=contract, supplier_id=supplier, kind=kind,
            happened_on=day, recorded_at=f"{day}T01:30:00",
        )  # fmt: skip
        csv_file(folder / "accounts.csv", [row])
        assert as_("night", "ledger", "import", folder, "--format", "platform", **on(day)).code in (0, 4)

    looked_up = ("--looked-up", "CP-REGISTER")
    open_ = requested(as_, line_id, 1_000_000, *looked_up, **on("2026-11-04"))
    assert (
        open_.code == REFUSED
        and "CP-LOCK: the collection account is locked, not met yet" in open_.err
        and "CP-CONFIRM" in open_.err
    )
    told("LOCKED", "2026-11-05")
    told("CONFIRMED", "2026-11-06")
    blind = requested(as_, line_id, 1_000_000, **on("2026-11-06"))
    assert blind.code == REFUSED and "CP-REGISTER" in blind.err and "CP-LOCK" not in blind.err
    assert "--looked-up CP-REGISTER" in blind.err
    elsewhere = requested(as_, line_id, 1_000_000, *looked_up, "--contract", "C1", **on("2026-11-06"))
    assert elsewhere.code == REFUSED and "leave --contract out" in elsewhere.err
    asked = requested(as_, line_id, 1_000_000, *looked_up, **on("2026-11-06"))
    assert asked.code == 0, asked.err
    draw = asked.json["draw_id"]
    shown = as_("eye", "drawdown", "show", draw, "--json", **on("2026-11-06")).json
    assert shown["events"][0]["looked_up"] == ["CP-REGISTER"] and shown["contract_id"] == contract
    as_("night", "drawdown", "post", draw, "--on", "2026-11-06", **on("2026-11-06"))
    as_("night", "drawdown", "charge", draw, "--amount", "30", "--why", "registration", **on("2026-11-06"))

    collect = ("repayment", "collect", supplier, "--contract", contract, "--on", "2026-11-16", "--json")
    swept = as_("night", *collect, "--payment", "B1", "--amount", "20000", **on("2026-11-16")).json
    paid = swept["repaid"][draw]
    interest = 10 * loan["yearly_rate_bp"] * 1_000_000 // (10_000 * 360)
    assert paid == {"fees_fen": 3_000, "overdue_interest_fen": 0, "interest_fen": interest, "principal_fen": 1_000_000}
    assert swept["released_fen"] == 2_000_000 - sum(paid.values())
    twice = as_("night", *collect, "--payment", "B1", "--amount", "20000", **on("2026-11-16"))
    assert twice.code == REFUSED and "was used already" in twice.err
    # What a loan had lent and got back is not lent again, and is free for others.
    after = as_("eye", "line", "show", line_id, "--json", **on("2026-11-16")).json
    assert after["used_fen"] == 1_000_000
    [row] = as_("eye", "exposure", "show", "--by", "contract", "--json", **on("2026-11-16")).json["rows"]
    assert (row["key"], row["committed_fen"]) == (contract, loan["limit_fen"] - 1_000_000)


def test_an_advance_guarantee_lives_from_its_issue_to_its_release(people, contract):
    _, as_ = people
    decided = as_("li", "guarantee", "decide", "advance-payment", "--contract", contract, "--json").json
    fen, whole = decided["amount_fen"], decided["inputs"]["contract_fen"]

    def act(verb, *words, day="2026-11-02"):
        said = as_("night", "guarantee", verb, guarantee, *words, "--json", **on(day))
        return said if said.code else said.json

    bare = as_("night", "guarantee", "issue", decided["decision_id"])
    assert bare.code == REFUSED and "--account" in bare.err
    issue = ("guarantee", "issue", decided["decision_id"], "--account", "ACC-1", "--key", "K1", "--json")
    issued = as_("night", *issue).json
    assert as_("night", *issue).json == issued and issued["state"] == "ISSUED"
    guarantee = issued["guarantee_id"]
    second = as_("li", "guarantee", "decide", "advance-payment", "--contract", contract, "--as-of", "2026-11-01")
    assert second.code == 0
    for row in as_("li", "decision", "list", "--limit", "3", "--json").json:
        if row["product"] == "advance_payment_guarantee" and row["amount_fen"]:
            again = as_("night", "guarantee", "issue", row["decision_id"], "--account", "ACC-1")
            assert again.code == REFUSED and f"{guarantee} stands on what" in again.err

    early = act("demand", "--amount", "1")
    assert early.code == REFUSED and "it can be: effective" in early.err
    elsewhere = act("effective", "--account", "ACC-2", "--amount", f"{fen / 100:.2f}")
    assert elsewhere.code == REFUSED and "another account" in elsewhere.err
    short = act("effective", "--account", "ACC-1", "--amount", f"{(fen - 1) / 100:.2f}")
    assert short.code == REFUSED and "CNY 0.01 of the advance are missing" in short.err
    assert act("effective", "--account", "ACC-1", "--amount", f"{fen / 100:.2f}")["state"] == "EFFECTIVE"
    assert act("effective", "--account", "ACC-1").code == 2

    left = act("reduce", "--accepted", f"{whole // 2 / 100:.2f}", day="2026-11-10")["outstanding_fen"]
    assert fen // 2 <= left <= fen // 2 + 1
    past = act("release", "--on", "2026-11-09", day="2026-11-10")
    assert past.code == REFUSED and "lies before its last event" in past.err
    more = act("demand", "--amount", f"{(left + 1) / 100:.2f}", day="2026-11-12")
    assert more.code == REFUSED and "can be demanded" in more.err
    [demand] = act("demand", "--amount", "1000", "--text", "late", day="2026-11-12")["demands"]
    assert demand["last_day"] == "2026-11-19"
    page = as_("eye", "guarantee", "list", "--open", **on("2026-11-12")).out
    assert "DEMANDED" in page and "2026-11-19" in page and max(map(len, page.splitlines())) <= 80
    assert act("refuse", "--demand", demand["demand_id"], "--discrepancy", " ", day="2026-11-13").code == REFUSED
    paid = act("pay", "--demand", demand["demand_id"], day="2026-11-13")
    assert (paid["state"], paid["paid_fen"], paid["outstanding_fen"]) == ("EFFECTIVE", 100_000, left - 100_000)
    assert act("release", day="2026-11-20")["state"] == "RELEASED"
    shown = as_("eye", "guarantee", "show", guarantee, **on("2026-11-20")).out
    assert "can be called  no more" in shown and max(map(len, shown.splitlines())) <= 80
    # What was paid is owed by the supplier, and counts until it is paid back.
    [row] = as_("eye", "exposure", "show", "--by", "contract", "--json", **on("2026-11-20")).json["rows"]
    assert (row["key"], row["guaranteed_fen"], row["claimed_fen"]) == (contract, 0, 100_000)
    before = as_("eye", "exposure", "show", "--by", "contract", "--on", "2026-11-11", "--json", **on("2026-11-20")).json
    assert [(row["key"], row["guaranteed_fen"]) for row in before["rows"]] == [(contract, left)]
    assert as_("eye", "audit", "verify").code == 0


def test_a_demand_on_our_own_guarantee_freezes_the_line_of_its_supplier(people, contract):
    _, as_ = people
    decided = as_("li", "guarantee", "decide", "performance", "--contract", contract, "--json").json
    guarantee = as_("night", "guarantee", "issue", decided["decision_id"], "--json").json["guarantee_id"]
    record = as_("li", "loan", "decide", "--contract", contract, "--json").json
    loan = as_("li", "line", "accept", record["decision_id"], "--json").json["line_id"]
    assert as_("night", "monitor", "watch", "--json", **on("2026-11-04")).json["frozen"] == []
    demand = ("guarantee", "demand", guarantee, "--amount", "100")
    assert as_("night", *demand, **on("2026-11-05")).code == 0
    watched = as_("night", "monitor", "watch", "--json", **on("2026-11-05")).json
    assert watched["frozen"] == [loan] and len(watched["raised"]) == 1
    [alert] = as_("li", "monitor", "open", "--line", loan, "--json", **on("2026-11-05")).json
    assert alert["rule"] == "EW-CALLED"
    assert json.loads(alert["evidence"])["records"] == [guarantee, f"{guarantee}-1"]
    again = as_("night", "monitor", "watch", "--json", **on("2026-11-06")).json
    assert (again["raised"], again["frozen"]) == ([], [])


def test_loan_and_guarantees_on_one_contract_are_within_its_cap_and_the_database_refuses_more(people, contract):
    home, as_ = people
    decided = as_("li", "guarantee", "decide", "performance", "--contract", contract, "--json").json
    issued = as_("night", "guarantee", "issue", decided["decision_id"], "--json").json
    assert issued["state"] == "EFFECTIVE"
    record = as_("li", "loan", "decide", "--contract", contract, "--json").json
    loan = as_("li", "line", "accept", record["decision_id"], "--json").json
    rows = as_("eye", "exposure", "show", "--by", "contract", "--key", contract, "--json").json["rows"]
    assert [(row["committed_fen"], row["guaranteed_fen"]) for row in rows] == [
        (loan["limit_fen"], issued["amount_fen"])
    ]
    keys = ("supplier", "group", "buyer", "pair", "district", "category", "product", "programme")
    for by in keys:
        document = as_("eye", "exposure", "show", "--by", by, "--json").json
        assert document["whole"]["committed_fen"] == loan["limit_fen"], by
        if by != "programme":
            assert sum(row["committed_fen"] for row in document["rows"]) == loan["limit_fen"], by
        page = as_("eye", "exposure", "show", "--by", by).out
        assert "the whole book" in page and max(map(len, page.splitlines())) <= 80

    pools = booking.pools(Home(home), record)
    left = pools[f"pool:contract:{contract}"] - loan["limit_fen"] - issued["amount_fen"]

    def issue(number: int, fen: int) -> None:
        wording = Wording(
            guarantee_id=f"G{number}", form=Form.PERFORMANCE, decision_id=f"D{number}", contract_id=contract,
            supplier_id=loan["supplier_id"], amount_fen=fen, expires_on=date(2027, 6, 30),
        )  # fmt: skip
        asked = booking.request("guarantee issue", {"n": number}, who="night", key=None)
        events = acts.issue(wording, on=date(2026, 11, 2), who="night")
        only = {name: fen for name, fen in pools.items() if name.startswith("pool:contract:")}
        Home(home).guarantees().issue(asked, events, product="performance_guarantee", about={}, pools=only)

    with pytest.raises(LimitExceeded, match=f"over the limit of contract {contract}"):
        issue(1, left + 1)
    issue(2, left)


# -- on PostgreSQL


def test_the_whole_of_it_on_postgresql(people, demo_said, tmp_path):
    home, as_ = people
    (home / "book.db").unlink()
    supplier = demo_said["next"][0].split()[-1]
    with server() as postgres, new_store("postgresql", tmp_path, postgres) as store:
        here = {"CREDIT_BOOK_URL": store.url.render_as_string(hide_password=False)}
        decided = as_("li", "line", "decide", supplier, "--json", **here).json
        assert as_("li", "line", "decide", supplier, "--json", **here).json == decided
        line_id = as_("li", "line", "accept", decided["decision_id"], "--json", **here).json["line_id"]
        draw = requested(as_, line_id, 1_000_000, "--key", "K1", **here).json
        assert requested(as_, line_id, 1_000_000, "--key", "K1", **here).json == draw
        over = requested(as_, line_id, decided["amount_fen"] - 999_999, **here)
        assert over.code == REFUSED and "above what is left of the limit" in over.err
        words = (
            ("drawdown", "post", draw["draw_id"], "--on", "2026-11-02"),
            ("repayment", "record", draw["draw_id"], "--payment", "P1", "--amount", "5000", "--on", "2026-11-02"),
            ("repayment", "collect", supplier, "--payment", "P2", "--amount", "5", "--on", "2026-11-02"),
            ("decision", "list"),
            ("decision", "overrides"),
            ("line", "suspend", line_id, "--why", "odd"),
            ("line", "close", line_id, "--why", "done"),
            ("monitor", "watch"),
            ("exposure", "show", "--by", "group"),
            ("audit", "seal"),
            ("audit", "verify"),
            ("line", "decide", "--all"),
            ("book", "upgrade"),
        )
        for each in words:
            said = as_("night", *each, **here)
            assert said.code == 0, (each, said.err)
        disputed = as_(
            "li", "decision", "dispute", supplier, "--datum", "delivery D1", "--text", "no", "--json", **here
        )
        assert disputed.code == 0 and disputed.json["number"] == 1
        settled = as_("zhang", "decision", "settle", "1", "--rejected", "--text", "it was", **here)
        assert settled.code == 0, settled.err
        assert not (home / "book.db").exists()
