"""The monitoring report: counted anew from the files, the same in JSON, on the page and in tracking, about nobody."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from credit.app.home import Home
from credit.app.night.engines import run_of
from credit.app.night.monitoring import lending
from credit.app.night.monitoring.firms import concentrated, hidden
from credit.app.night.monitoring.page import page
from credit.app.night.report import metrics
from credit.app.night.run import Run
from credit.app.night.settings import Settings
from credit.domain.amounts import yuan
from data.exports.banks import SHIPPED
from data.nights import Night, said, write_frame
from data.regions import tags
from models import html
from tests import nightly
from tests.credit.app.conftest import run_credit
from tests.nightly import DAY, NOW

NEXT, NEXT_NOW = "2026-11-02", "2026-11-03T20:00:00"
LATER = "2026-11-20T01:00:00"


@pytest.fixture(scope="module")
def two(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two sealed nights; nobody changes it."""
    home = nightly.copied(demonstration / "var", tmp_path_factory.mktemp("two") / "var")
    for day, now in ((DAY, NOW), (NEXT, NEXT_NOW)):
        done = run_credit(home, "nightly", "run", "--as-of", day, CREDIT_NOW=now)
        assert done.code == 0, done.err
    return home


@pytest.fixture(scope="module")
def document(two: Path) -> dict[str, Any]:
    return run_credit(two, "monitor", "report", "--json", CREDIT_NOW=LATER).json


def night(home: Path, day: str = NEXT) -> Path:
    return home / "nights" / f"as_of={day}"


# -- the same everywhere -----------------------------------------------------------------------------------------------


def test_the_command_says_the_numbers_that_were_sealed_and_the_run_times_beside_them(two, document):
    times = document["run_times"]
    sealed = json.loads((night(two) / "monitoring" / "report.json").read_text())
    assert {name: each for name, each in document.items() if name != "run_times"} == sealed
    assert [each["night"] for each in times] == [DAY, NEXT]
    assert all(each["features"] is not None for each in times)
    first = run_credit(two, "monitor", "report", "--as-of", DAY, "--json", CREDIT_NOW=LATER).json
    first.pop("run_times")
    assert first == json.loads((night(two, DAY) / "monitoring" / "report.json").read_text())
    assert (first["nights"], document["nights"]) == (1, 2)


def test_the_page_is_that_of_the_document_to_the_byte(two, document, tmp_path):
    out = tmp_path / "page.html"
    told = run_credit(two, "monitor", "report", "--out", out, CREDIT_NOW=LATER)
    assert (told.code, f"The page is {out}" in told.out) == (0, True)
    assert out.read_text(encoding="utf-8") == page(document)
    sealed = {name: each for name, each in document.items() if name != "run_times"}
    assert (night(two) / "monitoring" / "report.html").read_text(encoding="utf-8") == page(sealed)


def leaves(part: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(part, dict):
        return [leaf for key, each in part.items() for leaf in leaves(each, str(key))]
    if isinstance(part, list):
        return [leaf for each in part for leaf in leaves(each, name)]
    return [(name, part)]


def test_the_page_shows_every_number_of_the_document(document):
    text = unescape(re.sub(r"<(?!5)[^>]+>", " ", page(document)))
    words = set(re.split(r"[\s;()]+", text)) | {word.rstrip(".,:") for word in text.split()}
    shown = {**document, "banks": {bank: each["rows"] for bank, each in document["banks"].items()}}
    for name, value in leaves(shown):
        if isinstance(value, int | float):
            figure = yuan(value) if name.endswith("fen") else html.figure(value)
            assert figure in words, (name, value)


def test_the_page_needs_nothing_else_and_is_about_nobody(two, document):
    text = page(document)
    assert "<script" not in text and "://" not in re.sub(r'xmlns="[^"]+"', "", text)
    ids = pd.read_parquet(night(two) / "scores" / "platform.parquet")["supplier_id"]
    for said_ in (text, json.dumps(document)):
        assert not set(re.findall(r"S\d{7}", said_)) & set(ids)


def test_what_is_told_is_escaped(document):
    spoilt = json.loads(json.dumps(document))
    spoilt["tiers"]["platform"]["drift"]["moved"][0]["feature"] = "<script>alert(1)</script>"
    spoilt["banks"] = {"<b>bank</b>": {"rows": 1, "sequence": 1}}
    text = page(spoilt)
    assert "<script>" not in text and "<b>bank" not in text
    assert escape("<script>alert(1)</script>") in text


def test_tracking_has_the_figures_the_document_and_the_page(two, document):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{(two / 'mlflow' / 'mlflow.db').resolve()}")
    runs = client.search_runs([client.get_experiment_by_name("nights").experiment_id])
    [run] = [run for run in runs if run.data.params["as_of"] == NEXT]
    assert run.data.metrics == pytest.approx(metrics(document))
    assert {each.path for each in client.list_artifacts(run.info.run_id)} == {"report.json", "report.html"}


def test_without_a_sealed_night_there_is_nothing_to_report(empty, two):
    nothing = empty("monitor", "report")
    assert (nothing.code, "no night is sealed" in nothing.err) == (1, True)
    early = run_credit(two, "monitor", "report", "--as-of", "2026-10-01")
    assert (early.code, "up to 2026-10-01" in early.err) == (1, True)


# -- counted anew ------------------------------------------------------------------------------------------------------


def test_population_and_grades_are_those_of_the_nights_files(two, document):
    for said_, day in zip(document["tiers"]["platform"]["population"], (DAY, NEXT), strict=True):
        scores = pd.read_parquet(night(two, day) / "scores" / "platform.parquet")
        decisions = pd.read_parquet(night(two, day) / "decisions" / "platform.parquet")
        assert (said_["suppliers"], said_["scored"]) == (len(scores), scores["pd"].notna().sum())
        assert said_["unscorable"] == scores["unscorable"].value_counts().to_dict()
        outcomes = decisions["outcome"].value_counts()
        assert {name: n for name, n in said_["outcomes"].items() if n} == outcomes.to_dict()
    grades = document["tiers"]["platform"]["scores"]["grades"]
    assert {row["grade"]: row["suppliers"] for row in grades} == scores["grade"].value_counts().to_dict()


def test_inclusion_and_concentration_are_those_of_the_decisions_and_registrations(two, document):
    tier = document["tiers"]["platform"]
    scores = pd.read_parquet(night(two) / "scores" / "platform.parquet")[["supplier_id", "pd"]]
    decisions = pd.read_parquet(night(two) / "decisions" / "platform.parquet").drop(columns="pd")
    firms = scores.merge(decisions, on="supplier_id", how="left")
    firms["is_offered"] = firms["outcome"].isin(("APPROVE", "REDUCE"))
    firms["county"] = firms["district"].map(tags()).fillna("other")
    with duckdb.connect() as con:
        rows = con.sql(f"SELECT * FROM '{two}/ledger/tables/suppliers/*/*.parquet' ORDER BY effective_on").df()
    firms["size"] = firms["supplier_id"].map(rows.groupby("supplier_id")["size_class"].last())
    merged = Home(two).ledger().gone_on_as(date.fromisoformat(NEXT))
    for by in ("size", "county"):
        # A firm whose ids were merged has the last registration of any.
        whole = firms if by == "county" else firms[~firms["supplier_id"].isin([*merged.values()])]
        counted = {
            name: {
                "firms": len(mine),
                "scored": int(mine["pd"].notna().sum()),
                "offered": int(mine["is_offered"].sum()),
                "total_fen": int(mine.loc[mine["is_offered"], "amount_fen"].sum()),
            }
            for name, mine in whole.groupby(by)
        }
        assert {row[by] for row in tier["inclusion"][by]} == set(counted)
        for row in tier["inclusion"][by]:
            for name, value in counted[row[by]].items():
                if isinstance(row[name], int) and by == "county":
                    assert row[name] == value, (row, name)
                elif isinstance(row[name], int):
                    assert row[name] >= value, (row, name)
    offered = firms[firms["is_offered"]].groupby("district")["amount_fen"].sum()
    said_ = tier["concentration"]["district"]
    assert (said_["fen"], said_["parts"]) == (offered.sum(), len(offered))
    assert [row["fen"] for row in said_["largest"]] == offered.sort_values(ascending=False).head(10).tolist()
    assert said_["herfindahl"] == pytest.approx(((offered / offered.sum()) ** 2).sum(), abs=1e-6)


def test_what_is_about_fewer_than_five_firms_is_hidden_and_cannot_be_had_by_subtraction(document):
    def row(offered: int) -> dict[str, Any]:
        return {"firms": 9, "scored": 4, "offered": offered, "total_fen": offered * 100, "mean_rate_bp": 400.0}

    alone = hidden([row(4), row(7), row(5), row(0)], parts=True)
    assert [each["offered"] for each in alone] == ["<5", 7, 5, 0]
    assert [each["total_fen"] for each in alone] == [None, 700, None, 0]
    assert {each["scored"] for each in alone} == {"<5"}
    # Where two are hidden, or a firm may be in several, there is nothing to subtract from.
    assert [each["total_fen"] for each in hidden([row(4), row(3), row(5)], parts=True)] == [None, None, 500]
    assert [each["total_fen"] for each in hidden([row(4), row(5)], parts=False)] == [None, 500]
    for rows in document["tiers"]["platform"]["inclusion"].values():
        assert all(each[name] == "<5" or each[name] == 0 or each[name] >= 5
                   for each in rows for name in ("firms", "scored", "offered"))  # fmt: skip


def test_what_is_offered_to_few_firms_of_a_district_is_told_by_its_rank():
    amounts = pd.DataFrame({"name": ["330102", "330106"], "firms": [5, 4], "fen": [100, 300]})
    assert [row["name"] for row in concentrated(amounts, named=True)["largest"]] == ["#1", "330102"]
    assert [row["name"] for row in concentrated(amounts, named=False)["largest"]] == ["#1", "#2"]
    assert concentrated(amounts, named=True)["herfindahl"] == pytest.approx(0.625)


# -- calibration -------------------------------------------------------------------------------------------------------


def sealed_night(home: Home, day: date, pds: dict[str, float]) -> Night:
    """A night that scored some firms and did nothing else."""
    settings = Settings(
        as_of=day, started_at=pd.Timestamp(day).to_pydatetime() + timedelta(days=1), started_by="night",
        engine="duckdb", master="local", inbox=(), ledger_before=0, models={"platform": {"name": "m", "version": 1}},
        banks=(),
    )  # fmt: skip
    found = home.nights().night(day)
    found.begin(settings.document(), policies=home.policies, agreements=SHIPPED)
    with found.doing("import") as folder:
        (folder / "done.json").write_bytes(said({"ledger_version": 1, "tiers": ["platform"]}))
    with found.doing("scores") as folder:
        grades = {name: "R03" if each < 0.1 else "R08" for name, each in pds.items()}
        rows = [(name, each, grades[name]) for name, each in pds.items()]
        write_frame(folder / "platform.parquet", pd.DataFrame(rows, columns=["supplier_id", "pd", "grade"]))
    found.seal({})
    return found


def test_what_a_night_said_is_held_against_draws_that_have_matured_since(tmp_path, import_rows):
    home = Home(tmp_path / "var")
    outcomes = [
        {"outcome_id": f"O{n}", "supplier_id": firm, "loan_id": f"L{n}", "opened_on": opened, "matured_on": matured,
         "happened": happened, "recorded_at": f"{matured}T12:00:00"}
        for n, (firm, opened, matured, happened) in enumerate([
            ("S1", "2025-01-02", "2025-08-01", "true"),
            ("S2", "2025-01-20", "2025-09-01", "false"),
            ("S1", "2025-01-01", "2025-08-01", "false"),  # drawn on the day of the first night
            ("S2", "2025-02-10", "2025-08-01", "false"),  # of the second night
            ("S2", "2025-02-11", "2026-01-10", "false"),  # has not matured
            ("S3", "2025-01-05", "2025-08-01", "true"),  # nobody had scored it
        ])
    ]  # fmt: skip
    suppliers = [{"supplier_id": name, "uscc": ""} for name in ("S1", "S2", "S3")]
    import_rows(home.ledger(), suppliers=suppliers, outcomes=outcomes)
    nights = [
        sealed_night(home, date(2025, 1, 1), {"S1": 0.2, "S2": 0.04}),
        # A later night of the month says nothing of its own.
        sealed_night(home, date(2025, 1, 15), {"S1": 0.9, "S2": 0.9}),
        sealed_night(home, date(2025, 2, 1), {"S1": 0.02, "S2": 0.06}),
        sealed_night(home, date(2025, 12, 31), {"S1": 0.02}),
    ]
    found = lending.lent(run_of(home, nights[-1]))["calibration"]["tiers"]["platform"]
    assert (found["matured"], found["bad"], found["validated"]) == (3, 1, None)
    assert found["expected"] == pytest.approx(0.2 + 0.04 + 0.06)
    by = {row["grade"]: (row["draws"], row["bad"], row["pd"]) for row in found["by_grade"]}
    assert by == {"R03": (2, 0, pytest.approx(0.05)), "R08": (1, 1, pytest.approx(0.2))}
    assert {row["month"]: row["draws"] for row in found["by_month"]} == {"2025-01": 2, "2025-02": 1}


def test_where_nothing_has_matured_the_page_says_on_which_day_the_first_will(two, document):
    calibration = document["calibration"]
    assert calibration["tiers"]["platform"]["matured"] == 0
    assert "nobody has drawn since" in page(document)
    waits = {**calibration, "draws_since": 2, "first_matures_on": "2027-02-01"}
    assert "the first of 2 draws since then will on 2027-02-01" in page({**document, "calibration": waits})


# -- the book ----------------------------------------------------------------------------------------------------------


def test_alerts_are_counted_by_rule_with_what_they_turned_out_to_be_by_the_end_of_the_day(two, monkeypatch):
    from credit.app.night.monitoring import book

    def alert(found_at: str, settled_at: str | None = None, outcome: str | None = None) -> dict[str, Any]:
        return {
            "rule": "EW-LISTED",
            "severity": "RED",
            "found_at": found_at,
            "settled_at": settled_at,
            "outcome": outcome,
        }

    there = [
        alert("2026-11-01T01:00:00", "2026-11-02T01:00:00", "FALSE"),
        alert("2026-11-01T01:00:00", "2026-11-02T15:59:59", "CONFIRMED"),
        alert("2026-11-01T01:00:00", "2026-11-02T16:00:00", "MITIGATED"),  # the 3rd in China
        alert("2026-11-02T16:00:00"),
    ]

    class Alerts:
        def listed(self, *, open_only: bool) -> list[dict[str, Any]]:
            assert not open_only
            return there

    monkeypatch.setattr(Home, "alerts", lambda _: Alerts())
    [row] = book.booked(of(two))["alerts"]["by_rule"]
    counts = {name: row[name] for name in ("raised", "open", "confirmed", "mitigated", "false", "median_days")}
    assert counts == {"raised": 3, "open": 1, "confirmed": 1, "mitigated": 0, "false": 1, "median_days": 1.0}


def of(home: Path, day: str = NEXT) -> Run:
    return run_of(Home(home), Home(home).nights().night(date.fromisoformat(day)))


def test_what_is_booked_later_does_not_change_the_report_of_a_night(two, document, tmp_path):
    home = nightly.copied(two, tmp_path / "var")
    batch = run_credit(home, "line", "decide", "--all", "--json", CREDIT_NOW=LATER).json["decisions"]
    granted = [each for each in batch if each["outcome"] in ("APPROVE", "REDUCE")]
    accepted = run_credit(home, "line", "accept", granted[0]["decision_id"], CREDIT_NOW=LATER)
    assert accepted.code == 0, accepted.err
    again = run_credit(home, "monitor", "report", "--json", CREDIT_NOW=LATER).json
    assert again == document
