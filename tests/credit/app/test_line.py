from __future__ import annotations

import re
import shutil
from datetime import date

import pytest

from credit.app.home import Home


def granted_supplier(demo_said: dict) -> str:
    return demo_said["next"][0].split()[-1]


def test_a_decision_says_all_that_defends_it(demo_said, credit):
    record = credit("line", "decide", granted_supplier(demo_said), "--json").json
    assert record["outcome"] == "APPROVE"
    assert record["amount_fen"] == min(record["limits_fen"].values()) // 100_000 * 100_000
    assert record["limits_fen"][record["bound_by"]["code"]] == min(record["limits_fen"].values())
    assert {"grade", "score", "pd", "pd_horizon_months", "tenor_months", "yearly_rate_bp"} <= record.keys()
    assert all(f["zh"] and f["en"] and f["reference"] for f in record["findings"])
    assert all(r["zh"] and r["en"] for r in record["reasons"]) and len(record["reasons"]) <= 4
    assert record["model"]["version"] == 1 and record["policy"]["sha256"] and record["advisory_only"] is True


def test_the_page_speaks_chinese_and_english(demo_said, credit):
    said = credit("line", "decide", granted_supplier(demo_said))
    assert "流水信用贷 turnover line" in said.out
    assert "bound by" in said.out


def test_an_amount_equal_to_the_limit_is_approved(demo_said, credit):
    supplier = granted_supplier(demo_said)
    limit = credit("line", "decide", supplier, "--json").json["amount_fen"]
    record = credit("line", "decide", supplier, "--amount", limit // 100, "--json").json
    assert (record["outcome"], record["amount_fen"]) == ("APPROVE", limit)
    assert record["bound_by"]["code"] == "LIM-requested"


def test_an_amount_one_fen_above_the_limit_is_reduced(demo_said, credit):
    supplier = granted_supplier(demo_said)
    limit = credit("line", "decide", supplier, "--json").json["amount_fen"]
    record = credit("line", "decide", supplier, "--amount", f"{limit // 100}.01", "--json").json
    assert (record["outcome"], record["amount_fen"]) == ("REDUCE", limit)


def test_the_same_question_has_the_same_decision_to_the_byte_from_the_first_answer_on(demo_said, changed):
    home, credit = changed
    (home / "book.db").unlink()
    supplier = granted_supplier(demo_said)
    first = credit("line", "decide", supplier, "--json").out
    assert credit("line", "decide", supplier, "--json", CREDIT_NOW="2026-11-02T05:00:00").out == first


def test_one_supplier_and_the_whole_queue_are_decided_alike(demo_said, credit):
    whole = {r["application"]["supplier_id"]: r for r in credit("line", "decide", "--all", "--json").json["decisions"]}
    for supplier in list(whole)[:3]:
        alone = credit("line", "decide", supplier, "--json").json
        assert alone["pd"] == whole[supplier]["pd"]
        assert alone["features"] == whole[supplier]["features"]
        assert [f["finding"] for f in alone["findings"]] == [f["finding"] for f in whole[supplier]["findings"]]


def test_an_unknown_supplier_hears_the_nearest_ids(credit):
    said = credit("line", "decide", "S000000l")
    assert said.code == 1
    assert "no supplier 'S000000l' is known" in said.err
    assert "the nearest ids are S000000" in said.err
    assert "docs/errors.md#unknown-supplier" in said.err


def test_a_file_is_decided_and_its_broken_rows_are_named_with_line_column_and_hint(demo_said, credit, tmp_path):
    file = tmp_path / "queue.csv"
    supplier = granted_supplier(demo_said)
    file.write_text(f"supplier_id,amount\n{supplier},10000\nNOBODY,5\n{supplier},1\nS0000002,ten\n")
    said = credit("line", "decide", "--file", file, "--json")
    assert said.code == 4
    assert [d["application"]["supplier_id"] for d in said.json["decisions"]] == [supplier]
    assert [(r["line"], r["column"]) for r in said.json["refused"]] == [
        (3, "supplier_id"),
        (4, "supplier_id"),
        (5, "amount"),
    ]


def test_a_file_of_broken_rows_alone_is_all_rejected(credit, tmp_path):
    file = tmp_path / "queue.csv"
    file.write_text("supplier_id,amount\nNOBODY,5\n")
    assert credit("line", "decide", "--file", file).code == 3


def test_a_file_without_its_column_is_refused(credit, tmp_path):
    file = tmp_path / "queue.csv"
    file.write_text("firm\nS0000001\n")
    said = credit("line", "decide", "--file", file)
    assert said.code == 1 and "'supplier_id' is missing" in said.err


def test_a_firm_with_too_little_history_is_referred_with_a_code_and_granted_nothing(credit):
    records = credit("line", "decide", "--all", "--json").json["decisions"]
    thin = [r for r in records if r["unscorable"]]
    assert thin
    for record in thin:
        assert record["outcome"] in ("REFER", "DECLINE")
        assert record["amount_fen"] == 0 and record["pd"] is None and record["grade"] is None


def test_a_question_before_the_first_model_says_how_to_train_one(empty, tmp_path):
    (tmp_path / "suppliers.csv").write_text("supplier_id,effective_on,tier\nS1,2020-01-01,platform\n")
    empty("ledger", "import", tmp_path / "suppliers.csv", "--format", "platform")
    said = empty("line", "decide", "S1")
    assert said.code == 1 and "credit model train loan_default --data platform" in said.err


@pytest.mark.parametrize(
    "words", [("--all", "S0000001"), (), ("S0000001", "--amount", "-5"), ("S1", "--as-of", "31/02/2025")]
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(credit, words):
    assert credit("line", "decide", *words).code == 2


def test_an_amount_with_a_comma_outside_quotes_is_not_read_as_less(credit, tmp_path):
    file = tmp_path / "queue.csv"
    file.write_text('supplier_id,amount\nS0000006,500,000\nS0000007,"500,000"\n')
    said = credit("line", "decide", "--file", file, "--json")
    assert said.code == 4
    assert [(r["line"], "quotes" in r["hint"]) for r in said.json["refused"]] == [(2, True)]
    assert [d["application"]["requested_fen"] for d in said.json["decisions"]] == [50_000_000]


@pytest.mark.parametrize("content", [b"supplier_id,amount\n", b"supplier_id\n\xff\xfe\n", b'supplier_id,amount\nS1,"5'])
def test_a_file_that_cannot_be_read_is_named(credit, tmp_path, content):
    file = tmp_path / "queue.csv"
    file.write_bytes(content)
    said = credit("line", "decide", "--file", file)
    assert said.code == 1 and "queue.csv" in said.err


def test_a_day_that_has_not_come_cannot_be_asked_about(credit):
    assert credit("line", "decide", "S0000006", "--as-of", "2026-11-02").code == 0
    assert credit("line", "decide", "S0000006", "--as-of", "2026-11-03").code == 2


def test_an_amount_is_kept_to_the_fen_however_large(demo_said, credit):
    supplier = demo_said["next"][0].split()[-1]
    record = credit("line", "decide", supplier, "--amount", "9007199254740.93", "--json").json
    assert record["application"]["requested_fen"] == 900719925474093
    assert credit("line", "decide", supplier, "--amount", "1e30").code == 2


def test_no_way_of_asking_passes_the_portfolios_budget(demo_said, changed):
    home, credit = changed
    shutil.copytree(Home(home).policies, home / "policy")
    file = home / "policy" / "platform-line.toml"
    small = re.sub(r"(portfolio_budget_fen\](.*\n){3}.*value = )[0-9_]+", r"\g<1>150_000_000", file.read_text())
    assert small != file.read_text()
    file.write_text(small)
    (home / "book.db").unlink()
    for day in ("2026-10-20", "2026-10-31", "2026-10-10"):
        assert credit("line", "decide", "--all", "--as-of", day).code == 0
        credit("line", "decide", demo_said["next"][0].split()[-1], "--as-of", day)
    offers = Home(home).decisions().standing(date(2026, 10, 31), date(2026, 10, 31))
    assert 0 < sum(offer.amount_fen for offer in offers) <= 150_000_000


def test_a_firm_with_two_ids_has_one_limit(demo_said, changed, tmp_path):
    _, credit = changed
    stays = granted_supplier(demo_said)
    listed = credit("decision", "list", "--limit", "500", "--json").json
    offers = [d for d in listed if d["outcome"] in {"APPROVE", "REDUCE"}]
    goes = next(d["supplier_id"] for d in offers if d["contract_id"] is None and d["supplier_id"] != stays)
    offered = sum(d["amount_fen"] for d in offers if d["supplier_id"] == goes)
    merges = tmp_path / "merges.csv"
    merges.write_text(
        "merge_event_id,supplier_id,merged_id,happened_on,kind,recorded_at\n"
        f"M1,{stays},{goes},2026-10-01,MERGED,2026-10-31T02:00:00Z\n"
    )
    assert credit("ledger", "import", merges, "--format", "platform").code == 0
    refused = credit("line", "decide", goes)
    assert refused.code == 1 and f"it goes on as {stays}" in refused.err
    assert credit("line", "decide", stays, "--json").json["application"]["beside"]["offered_fen"] == offered
    queue = tmp_path / "queue.csv"
    queue.write_text(f"supplier_id\n{goes}\n{stays}\n")
    assert [r["hint"] for r in credit("line", "decide", "--file", queue, "--json").json["refused"]] == [
        f"it goes on as {stays}"
    ]
    decided = {r["application"]["supplier_id"] for r in credit("line", "decide", "--all", "--json").json["decisions"]}
    assert stays in decided and goes not in decided
