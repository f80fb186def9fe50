"""From training to approval, on the real firms: few, undated, and still judged honestly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from credit.app.home import Home
from credit.app.training import promote, train_and_register
from credit.app.validating import validate
from credit.domain.errors import PromotionRefused, TrackingDown
from data.importing import ImportSummary
from data.ledger import Ledger

NAME = "loan_default.invoice"


@pytest.fixture(scope="module")
def home(real_import: tuple[Ledger, ImportSummary], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of the real invoices with one trained version, on folds that are drawn once."""
    root = tmp_path_factory.mktemp("validating")
    (root / "ledger").symlink_to(real_import[0].folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.pd_model.REPEATS", ())
        patch.setattr("models.training.REPEATS_SMALL", 1)
        train_and_register(Home(root), "loan_default", data="invoice", as_of=None, author="ann")
    return Home(root)


@pytest.fixture(scope="module")
def found(home: Home) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.pd_model.REPEATS", ())
        return validate(home, NAME, None, as_of=None, who="ann")


@pytest.mark.real_data
def test_few_firms_fail_nothing_that_they_cannot_show(found: Any) -> None:
    said = {result["check"]: result["verdict"] for result in found.document["results"]}
    assert found.document["passed"], [result for result in found.document["results"] if result["failed"]]
    assert found.document["rows"] == 123 and found.document["judged_on"].startswith("out of fold")
    assert said["auc"] == said["taught_again"] == said["monotone"] == "pass"
    # The list of firms is sorted by what became of them (TRAPS); no model reads an id, so it only warns.
    assert said["identifiers"] == "warn"
    for name in ("auc_by_year", "cohorts", "psi", "csi", "champion", "conversion"):
        assert said[name] == "not applicable"


@pytest.mark.real_data
def test_the_report_is_kept_beside_the_model_and_with_its_run(home: Home, found: Any) -> None:
    from mlflow import MlflowClient

    home.tracking()
    run = home.registry().load(NAME, 1).card["mlflow"]["run"]
    artefacts = {each.path for each in MlflowClient().list_artifacts(run, "validation/1")}
    assert artefacts == {"validation/1/report.html", "validation/1/validation.json"}
    assert Path(found.report).read_text().startswith("<!doctype html>")


@pytest.mark.real_data
def test_another_person_approves_what_passed(home: Home, found: Any) -> None:
    with pytest.raises(PromotionRefused, match="trained by ann"):
        promote(home, NAME, None, who="ann", why="mine")
    entry = promote(home, NAME, None, who="bob", why="it ranks")
    assert (entry["from"], entry["to"], entry["validation"]["number"]) == (None, 1, 1)
    assert home.registry().champion(NAME).version == 1


@pytest.mark.real_data
def test_a_tracking_server_that_is_down_holds_up_no_promotion(
    home: Home, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(self: Home) -> None:
        raise ConnectionError

    before = len(home.registry().history(NAME))
    monkeypatch.setattr(Home, "tracking", down)
    with pytest.raises(TrackingDown, match="is champion, but MLflow's alias did not follow"):
        promote(home, NAME, 1, who="bob", why="again")
    assert len(home.registry().history(NAME)) == before + 1
