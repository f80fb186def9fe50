"""The desk: what waits, in which order, for whom; and what becomes of it at the keyboard, or through a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.app import identity, judging
from credit.app.desk.terminal import cells, fitted, printable, wrapped
from credit.app.home import Home
from credit.domain.alerts import Alert
from credit.domain.policy.rules import Outcome
from data.book.turns import Request

ROOT = Path(__file__).resolve().parents[3]
NOW = "2026-11-02T01:00:00"
ME = identity.who()
ROLES = f"""[roles]
maker = "analyst"
li = "analyst"
zhang = "senior"
board = "committee"
eye = "auditor"
"{ME}" = "senior"
"""
LAPSES = "2026-11-20"
WHY = ("TIGHT", "a rumour", "minute 7", LAPSES)


class Typed:
    """What somebody types, line by line; what can be called happens meanwhile, and what is an error breaks off."""

    def __init__(self, *lines):
        self._lines = list(lines)

    def isatty(self):
        return False

    def readline(self):
        while self._lines:
            line = self._lines.pop(0)
            if isinstance(line, type):
                raise line
            if not callable(line):
                return f"{line}\n"
            line()
        return ""


class People:
    """The command and the desk as one of these people, on one home."""

    def __init__(self, home, credit, monkeypatch):
        self.home, self._credit, self._patch = home, credit, monkeypatch

    def as_(self, who, *words, **env):
        self._patch.setattr(identity, "who", lambda: who)
        return self._credit(*words, **env)

    def at_desk(self, who, *typed, words=(), **env):
        self._patch.setattr(sys, "stdin", Typed(*typed))
        said = self.as_(who, "desk", *words, **{"COLUMNS": "80", **env})
        assert said.code == 0, said.err
        return said.out

    def waiting(self, who, *words):
        return self.as_(who, "desk", "--json", *words).json["items"]

    def number_of(self, who, decision_id, *words):
        """Where in somebody's queue a decision is, as they would type it."""
        return str([each["item_id"] for each in self.waiting(who, *words)].index(decision_id) + 1)

    def judged(self, decision_id):
        return Home(self.home).decisions().superseding([decision_id]).get(decision_id)


@pytest.fixture
def people(spoilt, monkeypatch):
    """A home that the tests of this module spoil together, each by a case of its own, and who works there."""
    home, credit = spoilt
    (home / "roles.toml").write_text(ROLES, encoding="utf-8")
    # Use cases that are called without the command have its clock too.
    monkeypatch.setenv("CREDIT_NOW", NOW)
    return People(home, credit, monkeypatch)


_taken, _untouched = iter(range(100)), []


@pytest.fixture
def case(people):
    """The record of a decision that waits for a person because its supplier wants one; another's, if untouched."""
    record = _untouched.pop() if _untouched else _asked_for(people)
    yield record
    if any(each["item_id"] == record["decision_id"] and not each["passed"] for each in people.waiting("zhang")):
        _untouched.append(record)


def _asked_for(people):
    rows = Home(people.home).decisions().listed(limit=2_000)
    offered = [row for row in rows if row["outcome"] == "APPROVE" and not row["applied"]]
    supplier = sorted(offered, key=lambda row: -row["amount_fen"])[next(_taken)]["supplier_id"]
    record = people.as_("maker", "line", "decide", supplier, "--review", "--json").json
    assert record["outcome"] == "REFER" and record["amount_fen"] > 0
    return record


# -- what waits


def test_what_was_referred_waits_and_the_largest_exposure_comes_first(people, case):
    items = people.waiting("zhang")
    assert case["decision_id"] in {each["item_id"] for each in items}
    outcomes = {row["decision_id"]: row["outcome"] for row in Home(people.home).decisions().listed(limit=5_000)}
    assert {outcomes[each["item_id"]] for each in items} == {"REFER"} and len(items) > 20
    order = [(-each["exposure_fen"], -each["days"]) for each in items]
    assert order == sorted(order)


def test_who_may_do_what_is_said_before_they_try(people, case):
    def seen_by(who, *words):
        return next((e for e in people.waiting(who, *words) if e["item_id"] == case["decision_id"]), None)

    assert (seen_by("zhang")["may"], seen_by("zhang")["against"]) == ("grant", None)
    assert seen_by("maker")["may"] is None and "cannot be the one who judges it" in seen_by("maker")["against"]
    assert seen_by("eye")["may"] is None and "may not judge" in seen_by("eye")["against"]
    assert seen_by("nobody")["may"] is None
    assert seen_by("zhang", "--mine") and not seen_by("maker", "--mine") and not seen_by("zhang", "--kind", "alert")
    nothing = [each for each in people.waiting("zhang", "--mine") if not each["amount_fen"]]
    assert nothing and {each["may"] for each in nothing} == {"decline"}


def test_a_day_before_anything_was_decided_has_an_empty_queue(people):
    assert people.waiting("zhang", "--as-of", "2026-10-20") == []
    out = people.at_desk("zhang", "", "j", "k", "a", "m", "q", words=("--as-of", "2026-10-20"))
    assert "没有待办 nothing waits" in out and "nothing was booked" in out


def test_without_a_history_there_is_no_desk(empty):
    said = empty("desk", "--json")
    assert said.code == 1 and "no history" in said.err


def test_a_kind_that_there_is_not_is_refused(people):
    assert people.as_("zhang", "desk", "--kind", "case", "--json").code == 0
    said = people.as_("zhang", "desk", "--kind", "tea")
    assert said.code == 2 and "case, alert" in said.err


# -- judging


def test_a_case_is_opened_tried_with_another_amount_and_granted(people, case):
    number, fen = people.number_of("zhang", case["decision_id"]), case["amount_fen"]
    half = fen // 200 // 1_000 * 1_000
    out = people.at_desk("zhang", number, "w", half, "6", "a", "", "she knows them", "y", "b", "q")
    assert f"what if: CNY {half:,}" in out and "in 6 months" in out and "R-REVIEW" in out
    assert out.index("将入账 to be booked") < out.index("y books it")
    made, text = people.judged(case["decision_id"])
    assert f"{case['decision_id']} → {made} APPROVE" in out
    assert '"by": "zhang"' in text and '"text": "she knows them"' in text
    assert case["decision_id"] not in {each["item_id"] for each in people.waiting("zhang")}
    assert people.as_("eye", "decision", "replay", made).code == 0
    assert people.as_("eye", "audit", "verify").code == 0


def test_what_was_tried_is_stored_nowhere(people, case):
    before = Home(people.home).decisions().listed(limit=5_000)
    people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "w", "20000", "", "q")
    assert Home(people.home).decisions().listed(limit=5_000) == before


@pytest.mark.parametrize("wrong", ["much", "-5", "1.001"])
def test_an_amount_that_is_none_is_said_to_be_none(people, case, wrong):
    out = people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "w", wrong, "q")
    assert wrong in out.split("w\n")[-1] and "没有入账" in out


def test_more_than_the_limits_leave_is_refused_and_nothing_is_booked(people, case):
    more = case["amount_fen"] // 100 + 10_000
    out = people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "a", more, "q")
    assert "not within what the limits" in " ".join(out.split()) and "理由" not in out
    assert people.judged(case["decision_id"]) is None


def test_a_decline_says_why_on_what_evidence_and_until_when(people, case):
    number = people.number_of("zhang", case["decision_id"])
    out = people.at_desk("zhang", number, "d", "x", *WHY, "y", "q")
    assert "DECLINE" in out and "TIGHTENING: a rumour" in out
    made = people.as_("eye", "decision", "show", people.judged(case["decision_id"])[0], "--json").json
    said = made["judgement"]
    assert (made["outcome"], said["code"], said["text"], said["evidence"]) == (
        "DECLINE", "TIGHTENING", "a rumour", "minute 7"
    )  # fmt: skip
    assert made["valid_until"] == LAPSES


def test_a_case_is_read_with_what_it_was_made_of_and_without_colours(people, case):
    out = people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "q", FORCE_COLOR="1")
    told = out.split("交易记录")[1]
    assert "采购人 buyers" in told and "Log-odds; + is toward risk" in told
    assert "?[" not in out and "\x1b" not in told


def test_a_guarantee_is_read_with_its_conditions(people, demo_said):
    asked = ("guarantee", "decide", "performance", "--contract", demo_said["guarantee"]["contract_id"], "--review")
    record = people.as_("maker", *asked, "--json").json
    assert record["outcome"] == "REFER"
    out = people.at_desk("zhang", people.number_of("zhang", record["decision_id"]), "q")
    assert record["conditions"]["effective"]["zh"] in out


def test_a_code_that_is_none_is_said_to_be_none_and_asked_again(people, case):
    number = people.number_of("zhang", case["decision_id"])
    out = people.at_desk("zhang", number, "d", "x", "zz", *WHY, "n", "q")
    assert "ZZ 无此项 is none of them" in out and "TIGHTENING: a rumour" in out


@pytest.mark.parametrize("typed", [("",), ("", "", "n"), ("", "text")])
def test_whatever_is_left_open_books_nothing(people, case, typed):
    """An answer other than y, none at all, or the end of the input."""
    people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "a", *typed)
    assert people.judged(case["decision_id"]) is None


def test_who_breaks_off_at_a_question_is_back_at_the_case(people, case):
    number = people.number_of("zhang", case["decision_id"])
    out = people.at_desk("zhang", number, "a", KeyboardInterrupt, "a", "", "", KeyboardInterrupt, "q")
    assert out.count("没有入账") >= 2 and people.judged(case["decision_id"]) is None


@pytest.mark.parametrize("books_first", [True, False])
def test_who_breaks_off_a_booking_is_told_whether_it_was_booked(people, case, monkeypatch, books_first):
    really, broken = judging.judge, []

    def interrupted(*about, **said):
        if broken:
            return really(*about, **said)
        broken.append(1)
        if books_first:
            really(*about, **said)
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "judge", interrupted)
    out = people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "a", "", "", "y", "q")
    assert (people.judged(case["decision_id"]) is not None) is books_first
    assert out.rstrip().splitlines()[-1].startswith(case["decision_id"]) is books_first


def test_what_one_asked_for_oneself_is_shown_and_refused(people, case):
    out = people.at_desk("maker", people.number_of("maker", case["decision_id"]), "a", "d", "q")
    assert " ".join(out.split()).count("cannot be the one who judges it") >= 2
    assert people.judged(case["decision_id"]) is None


def test_what_is_above_ones_level_is_shown_passed_on_and_granted_there(people, case, monkeypatch):
    decision = case["decision_id"]
    # An analyst may grant next to nothing today.
    terms = judging.authority_terms(Home(people.home), date(2026, 11, 2))
    less = {**terms, "exposure_max_fen": {**terms["exposure_max_fen"], "analyst": 100}}
    for module in ("credit.app.judging", "credit.app.desk.queue"):
        monkeypatch.setattr(f"{module}.authority_terms", lambda *_: less)
    seen = next(each for each in people.waiting("li") if each["item_id"] == decision)
    assert (seen["may"], seen["level"]) == ("decline", "senior") and "may grant up to CNY 1" in seen["against"]
    out = people.at_desk("li", people.number_of("li", decision), "a", "", "p", "too large for me", "q")
    assert "hand it to the next level" in " ".join(out.split()) and f"{decision} is passed on to senior" in out
    assert people.judged(decision) is None
    passed = next(each for each in people.waiting("zhang", "--mine") if each["item_id"] == decision)["passed"]
    assert (passed["to"], passed["by"], passed["text"]) == ("senior", "li", "too large for me")
    out = people.at_desk(
        "zhang", people.number_of("zhang", decision, "--mine"), "a", "", "", "y", "q", words=("--mine",)
    )
    assert "too large for me" in out and people.judged(decision)
    late = people.as_("li", "decision", "pass", decision, "--text", "again")
    assert late.code == 6 and "was superseded" in late.err


def test_a_case_is_passed_on_once_under_a_key_and_only_while_it_waits(people, case):
    words = ("decision", "pass", case["decision_id"], "--text", "look at the buyer", "--key", "P1", "--json")
    first = people.as_("zhang", *words)
    assert first.json["to"] == "committee" and people.as_("zhang", *words).json == first.json
    assert case["decision_id"] not in {each["item_id"] for each in people.waiting("zhang", "--mine")}
    assert people.as_("board", "decision", "pass", case["decision_id"], "--text", "x").code == 6
    assert "has to be said why" in people.as_("zhang", "decision", "pass", case["decision_id"], "--text", " ").err
    assert "judges nothing" in people.as_("zhang", *words[:5], "--to", "auditor").err
    own = people.as_("maker", "decision", "pass", case["decision_id"], "--text", "not mine", "--json")
    assert own.json["to"] == "analyst"


# -- two at once


def test_a_case_that_a_colleague_judges_before_it_is_confirmed_says_so_and_the_next_one_comes(people, case):
    said = judging.Said(outcome=Outcome.APPROVE)

    def colleague():
        judging.judge(Home(people.home), case["decision_id"], said, who="board")

    number = people.number_of("zhang", case["decision_id"])
    out = people.at_desk("zhang", number, "a", "", "mine", colleague, "y", "q")
    assert f"{case['decision_id']}: board has judged it: APPROVE" in " ".join(out.split())
    assert '"by": "board"' in people.judged(case["decision_id"])[1]
    assert out.rstrip().endswith("nothing was booked")


def test_a_case_that_a_colleague_judged_or_asked_anew_is_not_opened(people, case):
    supplier = case["application"]["supplier_id"]

    def asked_anew():
        people.as_("maker", "line", "decide", supplier, "--amount", "20000")

    number = people.number_of("zhang", case["decision_id"])
    out = people.at_desk("zhang", asked_anew, number, "q")
    assert f"{case['decision_id']}: it was asked anew since" in " ".join(out.split())
    assert case["decision_id"] not in {each["item_id"] for each in people.waiting("zhang")}


# -- alerts


@pytest.fixture
def alert(people):
    """An alert on a line that stands, raised today."""
    rows = Home(people.home).decisions().listed(limit=5_000)
    offered = [row for row in rows if row["outcome"] == "APPROVE"]
    line = people.as_("li", "line", "accept", offered[next(_taken) % len(offered)]["decision_id"], "--json").json
    number = f"W{next(_taken):015d}"
    found = Alert(
        alert_id=number, rule="EW-LISTED", rule_version="v", severity="RED", action="WATCH", contract_id=None,
        supplier_id=line["supplier_id"], line_id=line["line_id"], raised_on=date(2026, 11, 1), owner="senior",
        due_on=date(2026, 11, 3),
        evidence='{"table":"listings","records":["L1"],"happened_on":"2026-11-01","known_on":"2026-11-01",'
        '"observed":null,"unit":"","contract_id":null}',
    )  # fmt: skip
    asked = Request(key=number, command="monitor watch", arguments={}, who="night", at=NOW)
    Home(people.home).alerts().raise_(asked, line["supplier_id"], [found], date(2026, 11, 2))
    return found, line


def test_an_alert_is_shown_with_its_line_and_settled_with_what_was_found(people, alert):
    found, line = alert
    [item] = [each for each in people.waiting("li", "--kind", "alert") if each["item_id"] == found.alert_id]
    assert (item["may"], item["exposure_fen"], item["days"]) == ("settle", line["limit_fen"], 1)
    number = people.number_of("li", found.alert_id, "--kind", "alert")
    out = people.at_desk("li", number, "s", "C", "the court says so", "y", "q", words=("--kind", "alert"))
    assert f"{line['line_id']}: ACTIVE" in out and "entered on an exclusion list" in out
    assert f"{found.alert_id} is settled: CONFIRMED" in out
    row = next(r for r in Home(people.home).alerts().listed(open_only=False) if r["alert_id"] == found.alert_id)
    assert (row["outcome"], row["text"], row["settled_by"]) == ("CONFIRMED", "the court says so", "li")
    assert found.alert_id not in {each["item_id"] for each in people.waiting("li")}


def test_an_alert_that_a_colleague_settled_says_so(people, alert):
    found, _ = alert

    def colleague():
        with contextlib.suppress(StopIteration):
            from credit.app import warning

            warning.settle(Home(people.home), found.alert_id, "FALSE", "a namesake", who="zhang", key=None)

    number = people.number_of("li", found.alert_id, "--kind", "alert")
    out = people.at_desk("li", number, colleague, "s", "F", "nothing", "y", "q", words=("--kind", "alert"))
    assert "zhang has settled it: FALSE, a namesake" in " ".join(out.split())


def test_an_auditor_reads_alerts_and_settles_none(people, alert):
    number = people.number_of("eye", alert[0].alert_id, "--kind", "alert")
    out = people.at_desk("eye", number, "s", "M", "seen", "y", "q", words=("--kind", "alert"))
    assert "may not judge" in " ".join(out.split())


# -- on the screen


@pytest.mark.parametrize(("columns", "language"), [(80, ""), (60, "zh"), (60, "en")])
def test_no_line_is_wider_than_the_terminal(people, case, columns, language):
    number = people.number_of("zhang", case["decision_id"])
    env = {"COLUMNS": str(columns), **({"CREDIT_LANG": language} if language else {})}
    out = people.at_desk("zhang", "?", "", number, "w", "20000", "", "q", **env)
    assert [line for line in out.splitlines() if cells(line) > columns] == []
    assert ("敞口" in out, "exposure" in out) == (language != "en", language != "zh")


def test_what_a_colleague_wrote_is_no_command_to_a_terminal(people, case):
    people.as_("zhang", "decision", "pass", case["decision_id"], "--text", "\x1b[2Jclear \u202e")
    out = people.at_desk("zhang", people.number_of("zhang", case["decision_id"]), "q")
    assert "?[2Jclear ?" in out and "\x1b" not in out and "\u202e" not in out


@given(st.text(), st.integers(min_value=4, max_value=90), st.booleans())
def test_a_fitted_text_takes_exactly_its_columns(text, width, right):
    assert cells(fitted(printable(text), width, right=right)) == width


@given(st.text(alphabet=st.characters(codec="utf-8")), st.integers(min_value=4, max_value=90))
def test_a_wrapped_line_loses_nothing_and_fits(text, width):
    shown = printable(text)
    lines = wrapped(shown, width)
    assert all(cells(line) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", shown)


# The terminal becomes that of the command's session, so that Ctrl-C reaches it.
# Who was started in the background hands down an ear that is deaf to Ctrl-C.
AT_A_TERMINAL = (
    "import cli, fcntl, signal, termios; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); cli.main()"
)


class Screen:
    """The command at a terminal of its own, driven by keys."""

    def __init__(self, home, *words, lines=24, columns=80, **env):
        self.master, slave = pty.openpty()
        self.slave, self.seen = slave, ""
        self.resize(lines, columns)
        self.before = termios.tcgetattr(slave)
        setting = {**os.environ, "CREDIT_HOME": str(home), "CREDIT_NOW": NOW, "TERM": "xterm", "PYTHONPATH": str(ROOT)}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            setting.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_A_TERMINAL, "desk", *words], cwd=ROOT, env={**setting, **env}, stdin=slave,
            stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip

    def resize(self, lines, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, text, seconds=60):
        """What is on the screen once a text has come: all since it was last cleared."""
        ends = time.monotonic() + seconds
        while text not in self.seen:
            if not select.select([self.master], [], [], max(ends - time.monotonic(), 0))[0]:
                raise AssertionError(f"{text!r} did not come, but: {self.seen[-2000:]}")
            self.seen += os.read(self.master, 65_536).decode("utf-8", "replace")
        shown, self.seen = (
            self.seen[: self.seen.index(text) + len(text)],
            self.seen[self.seen.index(text) + len(text) :],
        )
        return shown.rpartition("\x1b[2J")[2]

    def press(self, keys):
        os.write(self.master, keys.encode())

    def breaks_off(self, key):
        """Press a key that breaks off, once the process sleeps: a question is seen before it is listened for."""
        calm = 0
        while calm < 3:
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            calm = calm + 1 if state == "S" else 0
            time.sleep(0.1)
        self.press(key)

    def left(self):
        """The exit code, and whether the terminal is as it was."""
        code = self.process.wait(60)
        is_same = termios.tcgetattr(self.slave) == self.before
        os.close(self.slave)
        os.close(self.master)
        return code, is_same


def test_at_a_terminal_a_case_is_opened_read_tried_granted_and_the_next_one_comes(people, case):
    number = people.number_of(ME, case["decision_id"], "--mine")
    at = Screen(people.home, "--mine")
    shown = at.until("离开 quit")
    assert "\x1b[7m>" in shown and len(shown.split("\r\n")) <= 24
    at.press("?")
    at.until("any key goes back")
    at.press(" g")
    at.until("number:")
    at.press(f"{number}\r")
    shown = at.until("离开 quit")
    assert case["decision_id"] in shown and len(shown.split("\r\n")) <= 24
    at.press(" ")
    assert f"{case['decision_id']}" in at.until("离开 quit")
    at.press("w")
    at.until("CNY:")
    at.press("20000\r")
    at.until("[12]:")
    at.press("\r")
    assert "what if: CNY 20,000" in at.until("离开 quit")
    at.resize(12, 60)
    shown = at.until("离开 quit")
    assert len(shown.split("\r\n")) <= 12 and all(cells(line) <= 60 for line in shown.split("\r\n"))
    at.resize(24, 80)
    at.until("离开 quit")
    at.press("a")
    at.until("]:")
    at.press("\r")
    at.until(":")
    at.press("老客户\x7f户\r")
    assert "to be booked" in at.until("does not:")
    at.press("y\r")
    assert "APPROVE" in at.until("离开 quit")
    at.press("\x1b")
    at.until("离开 quit")
    at.press("q")
    assert case["decision_id"] in at.until("APPROVE")
    assert at.left() == (0, True)
    assert "老客户" in people.judged(case["decision_id"])[1]


@pytest.mark.parametrize("ends", ["\x03", "\x04"])
def test_at_a_terminal_ctrl_c_and_ctrl_d_leave_it_as_it_was(people, case, ends):
    at = Screen(people.home, "--mine", "--kind", "case", NO_COLOR="1")
    assert "\x1b[7m" not in at.until("离开 quit")
    at.press("\x1b[B\x1b[A\r")
    at.until("返回 back")
    at.press("d")
    at.until("TIGHTENING]:")
    at.press("\r")
    at.until("why:")
    at.breaks_off(ends)
    at.until("没有入账")
    at.until("离开 quit")
    at.breaks_off(ends)
    assert at.left() == (0, True)
    assert people.judged(case["decision_id"]) is None


def test_on_a_dumb_terminal_pages_follow_each_other_and_lines_are_keys(people):
    at = Screen(people.home, TERM="dumb")
    assert "\x1b" not in at.until("> ")
    at.press("q\n")
    assert at.left() == (0, True)
