"""A bounded search for better settings of the trees, judged by rows that no fold had seen; off unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from models.pd_model import PdModel

SEED = 20


def settings_found(
    frame: pd.DataFrame, labels: pd.Series, groups: pd.Series, *, directions: Mapping[str, int], trials: int
) -> dict[str, Any]:
    """The settings whose out-of-fold loss is least among so many, those by the size of the data being the first.

    Nothing but the rows given is looked at, so a test set stays unseen. Needs Optuna: `pip install '.[tuning]'`.
    """
    import optuna
    from sklearn.metrics import log_loss

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def loss(trial: optuna.Trial) -> float:
        model = PdModel(directions, _drawn(trial) if trial.number else None).fit(frame, labels, groups)
        seen = ~np.isnan(model.out_of_fold_)
        return float(log_loss(labels[seen], model.out_of_fold_[seen]))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
    # The first trial takes what PdModel would; its own values are named so that the sampler learns from it.
    study.enqueue_trial({"num_leaves": 15, "learning_rate": 0.03, "min_data_in_leaf": 40, "lambda_l2": 5.0})
    study.optimize(loss, n_trials=trials)
    best = study.best_trial
    return _drawn(best) if best.number else {}


def _drawn(trial: Any) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 200, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.15, 0.8),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.3, 50.0, log=True),
    }
