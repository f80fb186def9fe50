"""`python -m bench.estimators`: PdModel as it comes beside its peers as they come, to docs/bench/estimators.txt.

Needs `pip install -e '.[bench]'`. Every estimator learns from the same folds. The data are in `../shared/data`: German
and Taiwan loans (UCI), and the 123 labelled firms of the invoices, through our own ledger and features.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tomllib
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from credit.domain.packs import read_parameters
from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from features import engine
from features.catalogue import CATALOGUE
from models.pd_model import PdModel
from models.targets import LOAN_DEFAULT, lessons

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
OURS = "PdModel"
FOLDS = 5
NOT_WORSE = -0.01
INTRODUCTION = """Estimators as they come, nothing tuned, on the same stratified folds. AUC: higher is better; Brier
score and log-loss: lower. `gap` is PdModel's AUC less that of the best peer, paired over folds, with a 95 % interval
whose variance is corrected for folds that share rows (Nadeau and Bengio 2003). Seconds: the mean of a fit.
"""


@dataclass(frozen=True)
class Set:
    """Cases to learn from and forecast: features, labels, and how often the folds are drawn."""

    name: str
    frame: pd.DataFrame
    labels: np.ndarray
    repeats: int


Peer = Callable[[pd.DataFrame, np.ndarray, pd.DataFrame], np.ndarray]


def sets() -> Iterable[Set]:
    """The sets that are here."""
    loans = DATA / "credit_benchmarks"
    german = pd.read_csv(loans / "german.csv", index_col=0)
    taiwan = pd.read_csv(loans / "taiwan.csv", index_col=0)
    yield firms()
    yield Set("german", german.drop(columns="BAD"), (german["BAD"] == "BAD").to_numpy(int), 5)
    defaulted = "default.payment.next.month"
    yield Set("taiwan", taiwan.drop(columns=defaulted), taiwan[defaulted].to_numpy(int), 1)


def firms() -> Set:
    """The firms whose outcome is known, as their invoices show them on the last day."""
    with tempfile.TemporaryDirectory() as scratch:
        ledger = Ledger(Path(scratch) / "ledger")
        import_history(ledger, format_named("vat-invoices"), DATA / "sme_invoices", loaded_at=datetime(2026, 11, 1))
        day = ledger.last_day("invoice")
        content = tomllib.loads((ROOT / "credit" / "parameters" / "training.toml").read_text(encoding="utf-8"))
        terms = {name: each.on(day) for name, each in read_parameters(content, file="training.toml").items()}
        rows = lessons(ledger, LOAN_DEFAULT, tier="invoice", as_of=day, terms=terms)
        frame = engine.build_cases(ledger, rows.cases, tier="invoice")[[feature.name for feature in CATALOGUE]]
    told = frame.columns[frame.notna().any()]
    return Set("123 firms", frame[told].reset_index(drop=True), rows.happened.to_numpy(int), 5)


def ours(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    return PdModel().fit(learn, labels).predict_proba(hold)[:, 1]


def logistic_regression(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    return _piped(LogisticRegression(max_iter=2_000), learn, labels, hold)


def random_forest(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from sklearn.ensemble import RandomForestClassifier

    return _piped(RandomForestClassifier(500, random_state=0, n_jobs=-1), learn, labels, hold)


def woe_scorecard(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from optbinning import BinningProcess
    from sklearn.linear_model import LogisticRegression

    known = [name for name in learn if learn[name].nunique() > 1]
    words = [name for name in _words(learn) if name in known]
    woe = BinningProcess(known, categorical_variables=words, selection_criteria={"iv": {"min": 0.02}})
    evidence = woe.fit_transform(learn[known], labels, metric="woe", metric_missing="empirical")
    card = LogisticRegression(max_iter=2_000).fit(evidence, labels)
    return card.predict_proba(woe.transform(hold[known], metric="woe", metric_missing="empirical"))[:, 1]


def histogram_boosting(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _native(
        HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0), learn, labels, hold
    )


def lightgbm(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from lightgbm import LGBMClassifier

    return _native(LGBMClassifier(random_state=0, verbose=-1), learn, labels, hold)


def xgboost(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from xgboost import XGBClassifier

    return _native(XGBClassifier(enable_categorical=True, random_state=0), learn, labels, hold)


def catboost(learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    from catboost import CatBoostClassifier

    words = _words(learn)
    model = CatBoostClassifier(cat_features=words, random_seed=0, verbose=False, allow_writing_files=False)
    filled = [
        frame.assign(**{name: frame[name].fillna("missing").astype(str) for name in words}) for frame in (learn, hold)
    ]
    return model.fit(filled[0], labels).predict_proba(filled[1])[:, 1]


ESTIMATORS: dict[str, Peer] = {
    OURS: ours,
    "logistic regression": logistic_regression,
    "WoE scorecard": woe_scorecard,
    "random forest": random_forest,
    "histogram boosting": histogram_boosting,
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "CatBoost": catboost,
}


def _words(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]


def _piped(model: Any, learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    """For models that know neither words nor gaps: one column a level, the median and a flag for what is missing."""
    words = _words(learn)
    numbers = [name for name in learn if name not in words]
    levels = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore")
    )
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    piped = make_pipeline(make_column_transformer((scaled, numbers), (levels, words)), model)
    return piped.fit(learn, labels).predict_proba(hold)[:, 1]


def _native(model: Any, learn: pd.DataFrame, labels: np.ndarray, hold: pd.DataFrame) -> np.ndarray:
    """For models that take categories and gaps as they are."""
    kinds = {name: pd.CategoricalDtype(sorted(learn[name].dropna().unique())) for name in _words(learn)}
    return model.fit(learn.astype(kinds), labels).predict_proba(hold.astype(kinds))[:, 1]


MEASURES: dict[str, tuple[Callable[[np.ndarray, np.ndarray], float], bool]] = {
    "AUC": (roc_auc_score, True),
    "Brier": (brier_score_loss, False),
    "log-loss": (log_loss, False),
}


def measured(given: Set) -> pd.DataFrame:
    """A row an estimator and fold: its measures and the seconds of its fit and forecast."""
    splitter = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=given.repeats, random_state=0)
    rows = []
    for fold, (learn, hold) in enumerate(splitter.split(given.frame, given.labels)):
        for name, estimator in ESTIMATORS.items():
            start = time.perf_counter()
            found = estimator(given.frame.iloc[learn], given.labels[learn], given.frame.iloc[hold])
            seconds = time.perf_counter() - start
            found = np.clip(found, 1e-6, 1 - 1e-6)
            told = {measure: compute(given.labels[hold], found) for measure, (compute, _) in MEASURES.items()}
            rows.append({"estimator": name, "fold": fold, **told, "seconds": seconds})
            print(f"\r{given.name}: fold {fold + 1}, {name}".ljust(60), end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return pd.DataFrame(rows)


def gap(found: pd.DataFrame) -> tuple[str, float, float, float]:
    """The best peer by AUC, and PdModel's AUC less its own: mean and 95 % interval (Nadeau and Bengio 2003)."""
    by_fold = found.pivot(index="fold", columns="estimator", values="AUC")
    best = str(by_fold.drop(columns=OURS).mean().idxmax())
    less = by_fold[OURS] - by_fold[best]
    # Folds share rows that they learn from; for each of those there are 1 / (FOLDS - 1) rows held out.
    error = np.sqrt((1 / len(less) + 1 / (FOLDS - 1)) * less.var(ddof=1))
    reach = student.ppf(0.975, len(less) - 1) * error
    return best, less.mean(), less.mean() - reach, less.mean() + reach


def told(given: Set, found: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What is said of one set, and the ranks of the estimators on it."""
    means = found.groupby("estimator", sort=False)[[*MEASURES, "seconds"]].mean()
    ranks = pd.DataFrame({name: means[name].rank(ascending=not higher) for name, (_, higher) in MEASURES.items()})
    table = means.round({"AUC": 4, "Brier": 4, "log-loss": 4, "seconds": 1})
    table = table.join(ranks.add_prefix("rank ").round(1))
    best, mean, low, high = gap(found)
    verdict = "holds" if high >= NOT_WORSE else "DOES NOT HOLD"
    head = f"{given.name}: {len(given.frame):,} rows, {given.frame.shape[1]} columns, {given.labels.mean():.1%} bad"
    head += f", {given.repeats} x {FOLDS} folds"
    line = f"gap to {best}: {mean:+.4f} ({low:+.4f} to {high:+.4f}); not wholly below {NOT_WORSE}: {verdict}"
    return f"{head}\n{table.to_string()}\n{line}\n", ranks


def main() -> None:
    """Measure, print and write."""
    warnings.filterwarnings("ignore", module="(sklearn|optbinning)")
    said, ranks = [INTRODUCTION], []
    for given in sets():
        text, of_set = told(given, measured(given))
        said.append(text)
        ranks.append(of_set)
    mean = sum(ranks) / len(ranks)
    said.append(f"Mean rank over {len(ranks)} sets\n{mean.round(2).to_string()}\n")
    written = "\n".join(said)
    (ROOT / "docs" / "bench" / "estimators.txt").write_text(written, encoding="utf-8")
    print(written)


if __name__ == "__main__":
    main()
