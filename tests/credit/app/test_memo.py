"""The credit memo: the same numbers as the record, nothing from later, nobody's name to who may not read it."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit.app import identity
from credit.app.home import Home
from credit.app.memo.changing import narrowly_met, next_limit
from credit.app.memo.gathering import name_for
from credit.app.memo.page import page
from models import html

DAY = date(2026, 10, 31)
VOID = ("meta", "br", "wbr", "path", "circle", "line", "polyline", "rect")


class Read(HTMLParser):
    """What a page says: its elements as they nest, its text, and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, *sorted(name for name, _ in attrs)))
        self.attributes.setdefault(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)

    @property
    def levels(self):
        return [int(tag[1]) for tag, *_ in self.elements if re.fullmatch("h[1-6]", tag)]


@pytest.fixture(scope="module")
def decisions(spoilt):
    _, credit = spoilt
    rows = credit("decision", "list", "--limit", "1000", "--json").json
    return [row for row in rows if row["product"] == "turnover_line"]


@pytest.fixture(scope="module")
def granted(decisions):
    return next(row for row in decisions if row["outcome"] == "APPROVE")


@pytest.fixture(scope="module")
def memo(spoilt, granted, tmp_path_factory):
    """The document of a firm that was granted a line, and its page."""
    _, credit = spoilt
    file = tmp_path_factory.mktemp("memo") / "memo.html"
    said = credit("line", "show", granted["supplier_id"], "--html", file, "--json")
    assert said.code == 0, said.err
    return said.json, file.read_text(encoding="utf-8")


def test_it_is_about_the_decision_that_stands_and_says_what_its_record_says(spoilt, memo, granted):
    _, credit = spoilt
    document, text = memo
    record = credit("decision", "show", granted["decision_id"], "--json").json
    assert document["stored"] is True and document["decision"] == record
    assert document["score"]["pd"] == record["pd"] and document["score"]["grade"] == record["grade"]
    assert [each["decision_id"] for each in document["past"]] == [record["decision_id"]]
    said = " ".join(Read(text).said)
    for shown in (record["decision_id"], f"{record['amount_fen'] // 100:,}", record["grade"], record["valid_until"]):
        assert shown in said
    for each in (*record["findings"], record["bound_by"]):
        assert each["zh"] in said and each["en"] in said


def test_its_history_is_what_the_features_were_computed_from(memo):
    document, _ = memo
    features, months = document["decision"]["features"], document["history"]["months"]
    assert len(months) == 24 and months[-1]["month"] == "2026-10"
    # The day is the last of its month, so a year is twelve whole ones.
    year = months[-12:]
    assert sum(each["paid_fen"] or 0 for each in year) == features["paid_amount_sum_12m"]
    assert sum(each["deliveries"] for each in year) == features["delivery_count_12m"]
    assert sum(each["late"] for each in year) == round(
        features.get("delivery_late_share_12m", 0) * features["delivery_count_12m"]
    )
    assert document["history"]["buyers"][0]["share"] == pytest.approx(features["buyer_top_share_12m"], rel=1e-6)
    assert sum(each["share"] for each in document["history"]["buyers"]) == pytest.approx(1)
    assert document["history"]["contracts"]["open_fen"] == features["backlog_amount"]


def test_it_is_one_page_that_fetches_and_runs_nothing(memo):
    _, text = memo
    parsed = Read(text)
    assert parsed.open == []
    assert "default-src 'none'" in text and "<script" not in text and "url(" not in text and "<link" not in text
    assert set(re.findall(r"https?://[^\"]*", text)) == {"http://www.w3.org/2000/svg"}
    levels = parsed.levels
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    pictures = [attributes for tag, *attributes in parsed.elements if tag == "svg"]
    assert pictures and all({"role", "aria-label"} <= set(attributes) for attributes in pictures)
    assert text.count("<details>") == text.count('<svg class="plot"')


@pytest.mark.parametrize(("language", "lang"), [("zh", "zh-CN"), ("en", "en"), ("both", "zh-CN")])
def test_it_is_in_the_language_that_is_asked_for(memo, monkeypatch, language, lang):
    document, _ = memo
    monkeypatch.setenv("CREDIT_LANG", language)
    parsed = Read(page({**document, "name": None}))
    said = " ".join(parsed.said)
    assert parsed.attributes["html"]["lang"] == lang
    assert ("额度与定价" in said) == (language != "en") and ("Limits and price" in said) == (language != "zh")
    if language == "en":
        assert not re.search("[\u4e00-\u9fff]", said.partition("</style>")[2] or "".join(parsed.said[2:]))


STRANGE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["<script>alert(1)</script>", "\"'><img src=x onerror=y>", "]]>", "</title><h1>", "\u202egnp.exe", "a\u2066b",
         "&lt;b&gt;", "\x00\x1b[0m", "\ud800", "\u2028", "</style><svg onload=x>"]
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def plain(memo):
    document, _ = memo
    return document, Read(page({**_named(document, "plain"), "name": "plain"})).elements


@settings(max_examples=40)
@given(name=STRANGE)
def test_nothing_that_a_name_says_becomes_markup_or_turns_the_line(plain, name):
    document, elements = plain
    text = page({**_named(document, name), "name": f"x{name}"})
    assert Read(text).elements == elements
    text.encode("utf-8")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029\x00\x1b]", text)
    assert html.text(name) in text


def _named(document, name):
    """The document with all that others wrote named so: ids, who decided, what was said in a judgement or dispute."""
    judgement = {"role": name, "code": name, "text": f"y{name}", "evidence": f"z{name}", "lapses_on": None}
    past = [{**each, "maker": name, "supersedes": name, "judgement": judgement} for each in document["past"]]
    buyers = [{**each, "buyer_id": f"b{name}"} for each in document["history"]["buyers"]]
    dispute = {"number": 1, "datum": f"d{name}", "settled_at": None}
    firm = {**document["firm"], "industry": f"i{name}", "uscc": f"u{name}", "tied_to": [f"t{name}"], "founded_on": name}
    return {
        **document,
        "supplier_id": f"s{name}",
        "firm": firm,
        "history": {**document["history"], "buyers": buyers},
        "past": past,
        "disputes": [dispute],
        "prepared": {**document["prepared"], "by": name},
    }


def test_a_firm_without_a_decision_has_an_indicative_answer_that_nobody_keeps(changed, granted, tmp_path):
    home, credit = changed
    (home / "book.db").unlink()
    said = credit("line", "show", granted["supplier_id"], "--html", tmp_path / "memo.html", "--json").json
    assert said["stored"] is False and said["past"] == []
    assert credit("decision", "list", "--json").json == []
    assert "Indicative" in (tmp_path / "memo.html").read_text()
    decided = credit("line", "decide", granted["supplier_id"], "--json").json
    assert decided == said["decision"]


def test_asked_with_a_day_its_history_knows_nothing_of_later_ones(spoilt, granted):
    _, credit = spoilt
    day = "2026-06-15"
    said = credit("line", "show", granted["supplier_id"], "--as-of", day, "--json").json
    assert said["as_of"] == day
    assert max(re.findall(r"\d{4}-\d{2}-\d{2}", json.dumps(said["history"])), default=day) <= day
    assert said["history"]["months"][-1]["month"] == "2026-06"


def test_an_answer_that_is_made_today_on_an_earlier_history_says_so_and_has_the_book_of_today(changed, granted):
    _, credit = changed
    supplier, day = granted["supplier_id"], "2026-06-15"
    assert credit("decision", "dispute", supplier, "--datum", "delivery D1", "--text", "on time").code == 0
    said = credit("line", "show", supplier, "--as-of", day, "--json").json
    found = {each["rule"]: each["finding"] for each in said["decision"]["findings"]}
    assert found["R-DISPUTED"] == "NOT_MET" and [each["datum"] for each in said["disputes"]] == ["delivery D1"]
    assert (said["as_of"], said["book_on"], said["stored"]) == (day, "2026-11-02", False)
    assert f"made on 2026-11-02 on the record as known on {day}" in page(said)


def test_a_day_before_a_firm_registered_is_said_to_be_one(spoilt, granted):
    _, credit = spoilt
    said = credit("line", "show", granted["supplier_id"], "--as-of", "2016-01-01")
    assert said.code == 1 and "it registered later" in said.err


def test_a_sole_trader_who_consents_to_nothing_has_no_name_here(spoilt):
    home, credit = spoilt
    stored = (json.loads(text) for _, text in Home(home).decisions().made_on("platform-line", DAY))
    silent = next(each for each in stored if each["unscorable"] and each["unscorable"]["code"] == "U04")
    supplier = silent["application"]["supplier_id"]
    said = credit("line", "show", supplier, "--json").json
    assert said["name"] is None and said["score"]["unscorable"]["code"] == "U04"
    assert supplier in Read(page(said)).said


def test_what_a_person_made_of_it_stands_by_the_answer(memo):
    document, _ = memo
    judged = {
        "by": "zhang",
        "role": "senior",
        "code": None,
        "text": "<known> for years",
        "evidence": "",
        "lapses_on": None,
    }
    said = page({**document, "decision": {**document["decision"], "judgement": judged}})
    answer = said.partition("<section>")[2].partition("</section>")[0]
    assert "zhang, senior: &lt;known&gt; for years" in answer


def test_the_parts_of_a_price_lead_to_the_rate_that_is_answered(memo):
    document, _ = memo
    text = " ".join(Read(page(document)).said)
    assert f"rounded up, less any subsidy {document['decision']['yearly_rate_bp'] / 100:.2f}" in " ".join(text.split())


def test_who_may_not_read_names_reads_an_id(spoilt, memo, granted, monkeypatch):
    home, _ = spoilt
    name = memo[0]["name"]
    assert name
    (home / "roles.toml").write_text('[roles]\nli = "analyst"\nnight = "operator"\n', encoding="utf-8")
    try:
        for who, read in (("li", name), ("night", None), ("nobody", None)):
            monkeypatch.setattr(identity, "who", lambda who=who: who)
            assert name_for(Home(home), granted["supplier_id"], DAY) == read
    finally:
        (home / "roles.toml").unlink()


def test_what_was_erased_is_on_no_page(changed, memo, granted, tmp_path):
    _, credit = changed
    name = memo[0]["name"]
    assert credit("ledger", "erase", granted["supplier_id"]).code == 0
    for words in (("line", "show"), ("score", "explain")):
        file = tmp_path / f"{words[0]}.html"
        assert credit(*words, granted["supplier_id"], "--html", file).code == 0
        text = file.read_text(encoding="utf-8")
        assert name not in text and f"<bdi>{granted['supplier_id']}</bdi>" in text


def test_an_accepted_line_is_on_the_memo_and_leads_to_it(changed, granted, tmp_path):
    _, credit = changed
    line = credit("line", "accept", granted["decision_id"], "--json").json
    said = credit("line", "show", granted["supplier_id"], "--json").json
    [there] = said["exposure"]["lines"]
    assert (there["line_id"], there["state"], there["limit_fen"]) == (line["line_id"], "ACTIVE", line["limit_fen"])
    assert said["exposure"]["book"]["committed_fen"] == line["limit_fen"]
    file = tmp_path / "memo.html"
    assert credit("line", "show", line["line_id"], "--html", file, "--json").json == line
    assert line["line_id"] in file.read_text(encoding="utf-8")
    assert credit("line", "show", line["line_id"], "--as-of", "2026-10-31").code == 2
    # No decision stood on that day: what is answered now on its history stands beside the line of now.
    before = credit("line", "show", granted["supplier_id"], "--as-of", "2026-10-31", "--json").json
    assert before["stored"] is False and len(before["exposure"]["lines"]) == 1


def test_a_decision_on_a_contract_has_a_memo_too(spoilt, tmp_path):
    _, credit = spoilt
    rows = credit("decision", "list", "--limit", "1000", "--json").json
    guarantee = next(row for row in rows if row["product"] == "advance_payment_guarantee")
    file = tmp_path / "memo.html"
    assert credit("decision", "show", guarantee["decision_id"], "--html", file).code == 0
    text = " ".join(Read(file.read_text(encoding="utf-8")).said)
    assert guarantee["contract_id"] in text and "预付款保函" in text


def test_a_score_is_explained_on_a_page_with_the_numbers_of_its_document(spoilt, granted, tmp_path):
    _, credit = spoilt
    file = tmp_path / "score.html"
    words = (granted["supplier_id"], "--what-if", "paid_amount_sum_12m=1000000", "--html", file, "--json")
    document = credit("score", "explain", *words).json
    text = file.read_text(encoding="utf-8")
    said = " ".join(Read(text).said)
    assert document["grade"] in said and f"{document['pd'] * 100:.2f}" in said
    assert "If it were so" in said and "default-src 'none'" in text
    strongest = document["reasons"][0]
    assert strongest["zh"] in said and f"{abs(strongest['log_odds']):.3f}" in said


def test_what_is_neither_a_line_nor_a_supplier_is_named(spoilt, tmp_path):
    _, credit = spoilt
    said = credit("line", "show", "nobody", "--html", tmp_path / "memo.html")
    assert said.code == 1 and "no supplier 'nobody'" in said.err
    assert not (tmp_path / "memo.html").exists()


def test_a_page_that_cannot_be_written_is_an_error_and_no_traceback(spoilt, granted, tmp_path):
    _, credit = spoilt
    (tmp_path / "file").write_text("")
    said = credit("line", "show", granted["supplier_id"], "--html", tmp_path / "file" / "memo.html")
    assert said.code == 1 and "cannot be written" in said.err
    assert credit("line", "show", granted["supplier_id"], "--html", tmp_path).code == 2


# -- what would change an answer ---------------------------------------------------------------------------------------


def _finding(observed, required, finding="MET"):
    return {"rule": "R-X", "zh": "某", "en": "x", "finding": finding, "observed": observed, "required": required}


@pytest.mark.parametrize(("value", "narrow"), [(120, True), (121, False), (100, True), (80, True), (79, False)])
def test_a_rule_is_met_narrowly_within_the_share_of_its_threshold(value, narrow):
    found = narrowly_met({"findings": [_finding({"days": value}, {"days_max": 100})]}, 0.2)
    assert bool(found) is narrow


def test_only_a_figure_against_a_threshold_can_be_met_narrowly():
    others = [
        _finding({"days": 100}, {"days_max": 100}, finding="NOT_MET"),
        _finding({"days": 100, "share": 0.1}, {"days_max": 100}),
        _finding({"listed": True}, {"flag": True}),
        _finding({"days": None}, {"days_max": 100}),
        _finding({"days": 0}, {"days_max": 0}),
    ]
    assert narrowly_met({"findings": others}, 1.0) == []


def test_the_next_limit_is_the_smallest_of_the_others_in_whole_steps():
    record = {
        "bound_by": {"code": "LIM-need"},
        "limits_fen": {"LIM-need": 100, "LIM-grade": 7_654_321, "LIM-turnover": 9_000_000, "LIM-group": None},
        "parameters": {"rounding_step_fen": 100_000},
    }
    found = next_limit(record)
    assert found is not None and (found["code"], found["amount_fen"]) == ("LIM-grade", 7_600_000)
    assert next_limit({**record, "bound_by": None}) is None
    asked = next_limit({**record, "bound_by": {"code": "LIM-requested"}})
    assert asked is not None and asked["code"] == "LIM-need" and asked["amount_fen"] == 0
