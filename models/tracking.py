"""MLflow: where trainings, models and decisions are tracked. The one module that imports it.

Deciding never waits for it: what it should know goes through an outbox, and the serving copy of a model is ours.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.registry import CARD, REST
from models.scorer import Scorer

DECISIONS_EXPERIMENT = "decisions"
NIGHTS_EXPERIMENT = "nights"
CHAMPION = "champion"


class Tracking:
    """A tracking server by its URI, with the folder for artefacts where the server is a local database."""

    def __init__(self, uri: str, artefacts: Path, *, timeout_seconds: int = 10, retries: int = 1) -> None:
        # MLflow has no other way to be told. A server that is down should say so within seconds; what was meant for it
        # stays in the outbox.
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(timeout_seconds)
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = str(retries)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("DO_NOT_TRACK", "true")
        warnings.filterwarnings("ignore", module=r"mlflow\..*")
        import mlflow

        # Importing it sets its loggers up; only then can they be told that schema migrations are not our users' news.
        for noisy in ("mlflow", "mlflow.store.db.utils", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        self._mlflow = mlflow
        self._artefacts = artefacts
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)

    def log_training(self, name: str, model: Scorer, card: dict[str, Any]) -> tuple[int, str]:
        """Log a training and register its model; answers the version and the run's id.

        Kept: parameters, metrics with intervals, the native text booster with its signature and what installs to load
        it, the linear part and the mix, feature list and data fingerprint (all in the card).
        """
        import lightgbm as lgb
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, DataType, Schema

        self._experiment(name)
        columns = [ColSpec(DataType.double, feature, required=False) for feature in card["features"]]
        signature = ModelSignature(Schema(columns), Schema([ColSpec(DataType.double, "log_odds")]))
        with self._mlflow.start_run(run_name=f"{name} {card['as_of']}") as run:
            turns = enumerate(card["settings"], start=1)
            settings = {f"{setting}_{turn}": value for turn, each in turns for setting, value in each.items()}
            self._mlflow.log_params({**settings, **_said(card)})
            self._mlflow.log_metrics(_flat(card["metrics"]))
            self._mlflow.log_dict(card, CARD)
            self._mlflow.log_dict({"features": card["features"], "directions": card["directions"]}, "features.json")
            self._mlflow.log_dict(model.said(), REST)
            # It prints what it registers; stdout belongs to the command's own answer.
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                logged = self._mlflow.lightgbm.log_model(
                    lgb.Booster(model_str=model.booster),
                    name="model",
                    signature=signature,
                    registered_model_name=name,
                    pip_requirements=[f"lightgbm=={version('lightgbm')}"],
                )
            return int(logged.registered_model_version), run.info.run_id

    def log_validation(self, run: str, number: int, document: dict[str, Any], page: str) -> None:
        """Keep a validation with the run of the training: its document, its report, and its figures as metrics."""
        folder = f"validation/{number}"
        measured = {
            f"validation.{result['check']}": float(result["value"])
            for result in document["results"]
            if result["value"] is not None
        }
        client = self._mlflow.MlflowClient()
        client.log_text(run, page, f"{folder}/report.html")
        client.log_dict(run, document, f"{folder}/validation.json")
        for name, value in measured.items():
            client.log_metric(run, name, value, step=number)
        client.set_tag(run, "validation", "passed" if document["passed"] else "not passed")

    def promote(self, name: str, number: int) -> None:
        """Let the alias `champion` point to a version."""
        self._mlflow.MlflowClient().set_registered_model_alias(name, CHAMPION, str(number))

    def log_decisions(self, records: Iterable[dict[str, Any]]) -> int:
        """Track decisions by their figures, never by a name: one run for those handed over together."""
        rows = [_figures(record) for record in records]
        if not rows:
            return 0
        self._experiment(DECISIONS_EXPERIMENT)
        with self._mlflow.start_run(run_name=f"{len(rows)} decisions"):
            table = {key: [row[key] for row in rows] for key in rows[0]}
            self._mlflow.log_table(table, "decisions.json")
            outcomes = {f"outcome_{o}": float(table["outcome"].count(o)) for o in sorted(set(table["outcome"]))}
            self._mlflow.log_metrics(
                {"decisions": float(len(rows)), "amount_fen": float(sum(table["amount_fen"])), **outcomes}
            )
        return len(rows)

    def log_night(
        self, document: dict[str, Any], page: str, metrics: dict[str, float], *, lies: dict[str, str]
    ) -> None:
        """Track a night: where it lies and the hash of its manifest, what it stood on, its report and its figures."""
        self._experiment(NIGHTS_EXPERIMENT)
        with self._mlflow.start_run(run_name=f"night of {document['as_of']}"):
            self._mlflow.log_params({"as_of": document["as_of"], "ledger_version": document["ledger_version"]})
            self._mlflow.set_tags(lies)
            self._mlflow.log_dict(document, "report.json")
            self._mlflow.log_text(page, "report.html")
            self._mlflow.log_metrics(metrics)

    def _experiment(self, name: str) -> None:
        if self._mlflow.get_experiment_by_name(name) is None:
            self._mlflow.create_experiment(name, artifact_location=(self._artefacts / name).resolve().as_uri())
        self._mlflow.set_experiment(name)


def _said(card: dict[str, Any]) -> dict[str, Any]:
    kept = ("target", "tier", "as_of", "use", "rows", "suppliers", "bad", "base_rate", "catalogue_sha256")
    return {**{key: card[key] for key in kept}, **{f"data_{k}": v for k, v in card["data"].items()}}


def _flat(metrics: dict[str, dict[str, dict[str, float | None]]]) -> dict[str, float]:
    return {
        f"{peer}.{name}.{part}": value
        for peer, found in metrics.items()
        for name, parts in found.items()
        for part, value in parts.items()
        if value is not None
    }


def _figures(record: dict[str, Any]) -> dict[str, Any]:
    kept = ("decision_id", "as_of", "outcome", "amount_fen", "yearly_rate_bp", "grade", "pd")
    return {
        **{key: record[key] for key in kept},
        "product": record["product"]["name"],
        "policy": record["policy"]["sha256"],
        "model": f"{record['model']['name']}/{record['model']['version']}",
    }
