from __future__ import annotations

import json
import os
import pwd
import shutil

import pandas as pd
import pytest

from credit.app.identity import DEMO_APPROVER, DEMO_AUTHOR, who
from features.catalogue import names
from models.peers import has_scorecard, rivals


def test_every_supplier_is_scored_or_unscorable_with_a_code(credit):
    [run] = credit("score", "run", "--json").json
    # Of 600 ids some were found to be other firms of the list by then.
    assert 600 - 15 <= run["scored"] + run["unscorable"] < 600
    assert sum(run["unscorable_codes"].values()) == run["unscorable"]
    assert sum(g["suppliers"] for g in run["grades"].values()) == run["scored"]


def test_a_card_says_what_taught_the_model_and_how_well_it_does_beside_its_peers(credit):
    card = credit("model", "card", "loan_default.platform", "--json").json
    assert card["use"] == "predictive" and card["dated"]
    assert set(card["metrics"]) == {"model", *(rival.name for rival in rivals("platform"))}
    for metrics in card["metrics"].values():
        assert set(metrics) == {"auc", "ks", "brier", "log_loss"}
        assert all(m["low"] <= m["value"] <= m["high"] for m in metrics.values())


def test_no_model_reads_anything_that_is_not_in_the_catalogue(credit):
    for name in ("loan_default.platform", "performance_breach.platform"):
        assert credit("model", "card", name, "--json").json["features"] == names()


def test_a_champion_whose_files_were_altered_decides_nothing(demo_said, changed):
    home, credit = changed
    rest = home / "models" / "loan_default.platform" / "1" / "model.json"
    said = json.loads(rest.read_text())
    said["mix"]["intercept"] -= 3
    rest.write_text(json.dumps(said))
    answer = credit("line", "decide", demo_said["next"][0].split()[-1])
    assert answer.code == 6 and "is not the model that its training wrote" in answer.err


@pytest.mark.parametrize("name", ["1/card.json", "history.jsonl"])
def test_a_model_file_that_is_cut_short_is_named(demo_said, changed, name):
    home, credit = changed
    file = home / "models" / "loan_default.platform" / name
    file.write_text(file.read_text()[:30])
    said = credit("line", "decide", demo_said["next"][0].split()[-1])
    assert said.code == 6 and f"{file.name} of loan_default.platform" in said.err


def test_a_model_of_another_catalogue_is_refused_with_the_difference(demo_said, changed, monkeypatch):
    _, credit = changed
    monkeypatch.setattr("models.registry.catalogue_hash", lambda: "0" * 64)
    answer = credit("line", "decide", demo_said["next"][0].split()[-1])
    assert answer.code == 1 and "another catalogue" in answer.err


def test_a_version_is_never_written_twice(demo_home):
    from credit.app.home import Home
    from credit.domain.errors import AlreadyThere

    registry = Home(demo_home).registry()
    served = registry.champion("loan_default.platform")
    with pytest.raises(AlreadyThere):
        registry.add("loan_default.platform", 1, served.model, served.card, [], registry.held(served))
    assert registry.next_version("loan_default.platform") == 2


def test_promotions_keep_their_history(changed):
    _, credit = changed
    assert credit("model", "promote", "loan_default.platform", "--version", "1", "--why", "again").code == 0
    moves = credit("model", "history", "loan_default.platform", "--json").json
    assert [(m["from"], m["to"], m["why"]) for m in moves][-1] == (1, 1, "again")
    assert [m["who"] for m in moves] == [DEMO_APPROVER, who()]
    on = credit("model", "history", "loan_default.platform", "--on", "2026-11-02", "--json").json
    assert on["version"] == 1
    before = credit("model", "history", "loan_default.platform", "--on", "2026-11-01", "--json").json
    assert before["version"] is None


def test_the_author_of_a_model_cannot_approve_it(credit, monkeypatch):
    monkeypatch.setattr("credit.app.identity.who", lambda: DEMO_AUTHOR)
    said = credit("model", "promote", "loan_default.platform", "--why", "mine")
    assert said.code == 6 and "another person" in said.err


def test_who_promotes_is_the_account_and_not_what_the_environment_says(monkeypatch):
    for name in ("LOGNAME", "USER", "USERNAME", "LNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert who() == pwd.getpwuid(os.getuid()).pw_name


def test_without_a_version_before_it_a_champion_is_not_rolled_back(credit):
    said = credit("model", "rollback", "loan_default.platform", "--why", "it fails")
    assert said.code == 1 and "champion before" in said.err


def test_the_demonstrations_models_passed_a_validation_whose_report_stands(demo_home):
    from credit.app.home import Home
    from models.validation.run import CHECKS

    registry = Home(demo_home).registry()
    for name in ("loan_default.platform", "performance_breach.platform"):
        found = registry.last_validation(name, 1)
        assert found["passed"] and found["by"] == DEMO_AUTHOR
        assert [result["check"] for result in found["results"]] == [check.name for check in CHECKS]
        assert (demo_home / "models" / name / "1" / "validations" / "1.html").read_text().startswith("<!doctype html>")


def test_a_challenger_runs_in_shadow_over_the_nights_that_were_kept(changed):
    home, credit = changed
    assert credit("model", "compare", "loan_default.platform").code == 1
    folder = home / "models" / "loan_default.platform"
    shutil.copytree(folder / "1", folder / "2")
    said = credit("model", "compare", "loan_default.platform", "--json").json
    [night] = said["nights"]
    assert (said["champion"]["version"], said["challenger"]["version"]) == (1, 2)
    assert (
        night["rank_correlation"] == pytest.approx(1)
        and night["same_grade"] == 1
        and night["swap_set"]["swapped_in"] == 0
    )


def test_a_version_that_does_not_exist_cannot_be_promoted(credit):
    said = credit("model", "promote", "loan_default.platform", "--version", "9", "--why", "x")
    assert said.code == 1 and "no version 9" in said.err


def test_mlflow_holds_the_signature_the_native_booster_and_the_champion(demo_home, credit):
    import mlflow
    from mlflow import MlflowClient

    mlflow.set_tracking_uri(f"sqlite:///{demo_home / 'mlflow' / 'mlflow.db'}")
    client = MlflowClient()
    version = client.get_model_version_by_alias("loan_default.platform", "champion")
    assert int(version.version) == 1
    run = client.get_run(version.run_id)
    assert {
        "model.auc.value",
        "model.auc.low",
        "model.auc.high",
        "turnover_alone.auc.versus",
    } <= run.data.metrics.keys()
    assert {"num_leaves_1", "base_rate", "data_fingerprint", "use"} <= run.data.params.keys()
    artefacts = {a.path for a in client.list_artifacts(version.run_id)}
    assert {"card.json", "features.json", "model.json", "validation"} <= artefacts
    loaded = mlflow.lightgbm.load_model("models:/loan_default.platform@champion")
    info = mlflow.models.get_model_info("models:/loan_default.platform@champion")
    assert [c.name for c in info.signature.inputs] == names()
    served = demo_home / "models" / "loan_default.platform" / "1" / "model.lgb"
    assert loaded.num_trees() == served.read_text().count("Tree=")


def test_a_target_that_does_not_exist_names_the_choices(credit):
    said = credit("model", "train", "luck")
    assert said.code == 1 and "loan_default, performance_breach" in said.err


def test_too_few_outcomes_train_nothing(empty, tmp_path):
    (tmp_path / "suppliers.csv").write_text("supplier_id,effective_on,tier\nS1,2020-01-01,platform\n")
    empty("ledger", "import", tmp_path / "suppliers.csv", "--format", "platform")
    said = empty("model", "train", "loan_default")
    assert said.code == 1 and "0 bad and 0 good outcomes" in said.err


def test_an_empty_home_says_how_to_begin(empty):
    for words in (
        ("score", "run"),
        ("ledger", "summary"),
        ("line", "decide", "E1"),
        ("model", "train", "loan_default"),
    ):
        said = empty(*words)
        assert said.code == 1 and "credit ledger import" in said.err


def test_the_scorecard_beside_a_model_can_be_checked_by_hand(credit, tmp_path):
    file = tmp_path / "points.csv"
    said = credit("model", "scorecard", "loan_default.platform", "--out", str(file))
    if not has_scorecard():
        assert said.code == 1 and "supplier-credit[scorecard]" in said.err and not file.exists()
        return
    rows = pd.read_csv(file)
    assert said.code == 0 and rows["column"].isna().sum() == 1 and rows["column"].nunique() >= 3
    # Everybody's points and the mean of a column's bins, by their rows, come to the mean score.
    by_column = rows.dropna(subset="column").groupby("column")
    means = by_column.apply(lambda bins: (bins["points"] * bins["rows"]).sum() / bins["rows"].sum())
    assert means.abs().max() < 0.5
