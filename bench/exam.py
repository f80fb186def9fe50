"""`make exam`: how hard the national platform is, to docs/exam.md. Needs CatBoost: `pip install -e '.[exam]'`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.simulator import Platform, simulate
from data.simulator.settings import VERSION
from features import engine
from features.catalogue import CATALOGUE
from models.pd_model import PdModel
from models.targets import TARGETS, Target, lessons

ROOT = Path(__file__).resolve().parents[1]
PLATFORM = Platform(suppliers=200_000, start=date(2019, 1, 1), end=date(2026, 10, 31), seed=1)
LAST_YEAR = PLATFORM.end - timedelta(days=365)
TOO_EASY_ALONE, TUNED_FROM, TUNED_TO = 0.75, 0.70, 0.85
# So many rows of a target are enough to rank a hundred features and tune a model; firms are drawn whole.
MOST_ROWS = 60_000
HELD_OUT = 1 / 3
RESAMPLES = 300
MOST_TREES = 1_500
SHOWN = 10
SETTINGS = [
    {"depth": depth, "learning_rate": rate, "l2_leaf_reg": l2, "rsm": 0.3}
    for depth, rate, l2 in ((3, 0.05, 3), (4, 0.05, 10), (5, 0.03, 10), (6, 0.03, 30), (6, 0.06, 10), (8, 0.03, 30))
]

INTRODUCTION = """# How hard the exam is

Written by `make exam` from {p.suppliers:,} suppliers, {p.start} to {p.end}, seed {p.seed}, simulator version {version}.
No feature of the catalogue may reach an AUC of {alone} alone, and a tuned CatBoost is to land between {low} and {high}:
neither a giveaway nor noise. A third of all firms is held out whole; settings are chosen on the others, by three folds
of firms. Intervals are of 300 resamples of the firms held out. The last year is out of time: a slow-down of one region
falls into it that nobody has seen before.
"""


@dataclass(frozen=True)
class Paper:
    """One target's rows: features as known when the risk was taken, what came of it, whose it was, and when."""

    target: Target
    frame: pd.DataFrame
    happened: np.ndarray
    firm: np.ndarray
    last_year: np.ndarray

    def taken(self, rows: np.ndarray) -> Paper:
        """Only those rows."""
        return Paper(self.target, self.frame.iloc[rows], self.happened[rows], self.firm[rows], self.last_year[rows])


def paper(ledger: Ledger, target: Target) -> Paper:
    """All lessons of a target, or those of as many firms as give enough."""
    found = lessons(ledger, target, tier="platform", as_of=PLATFORM.end)
    firms = np.random.default_rng(PLATFORM.seed).permutation(found.groups.unique())
    rows = found.groups.map(pd.Series(np.arange(firms.size), index=firms)).to_numpy()
    kept = np.argsort(rows, kind="stable")[:MOST_ROWS]
    kept.sort()
    cases = found.cases.iloc[kept].reset_index(drop=True)
    cases["case_id"] = range(len(cases))
    with ledger.known_on(cases) as known:
        frame = engine.build(known, tier="platform")[[feature.name for feature in CATALOGUE]]
    taken_on = pd.to_datetime(cases["as_of"]).dt.date
    return Paper(
        target,
        frame.reset_index(drop=True),
        found.happened.iloc[kept].to_numpy(),
        found.groups.iloc[kept].to_numpy(),
        (taken_on > LAST_YEAR).to_numpy(),
    )


def alone(given: Paper) -> pd.Series:
    """The AUC of each feature by itself, whichever way it points and on whichever side the missing stand."""

    def best(column: pd.Series) -> float:
        if column.notna().sum() == 0:
            return 0.5
        low, high = column.min() - 1, column.max() + 1
        found = [roc_auc_score(given.happened, column.fillna(missing)) for missing in (low, high)]
        return max(max(each, 1 - each) for each in found)

    return given.frame.apply(best).sort_values(ascending=False)


def tuned(taught: Paper) -> tuple[CatBoostClassifier, dict[str, float]]:
    """The CatBoost whose settings rank best over folds of firms, trained on all rows that were given."""
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    scored: list[tuple[float, int, dict[str, float]]] = []
    for settings in SETTINGS:
        ranked, counts = [], []
        for learn, hold in folds.split(taught.frame, taught.happened, taught.firm):
            model = catboost({**settings, "iterations": MOST_TREES})
            model.fit(
                taught.frame.iloc[learn],
                taught.happened[learn],
                eval_set=(taught.frame.iloc[hold], taught.happened[hold]),
                early_stopping_rounds=60,
            )
            ranked.append(model.get_best_score()["validation"]["AUC"])
            counts.append(model.tree_count_)
        scored.append((float(np.mean(ranked)), int(np.median(counts)), settings))
    _, trees, best = max(scored, key=lambda each: each[0])
    model = catboost({**best, "iterations": trees})
    model.fit(taught.frame, taught.happened)
    return model, {**best, "iterations": trees}


def catboost(settings: dict[str, float]) -> CatBoostClassifier:
    """One with these settings."""
    return CatBoostClassifier(**settings, eval_metric="AUC", random_seed=0, verbose=False, allow_writing_files=False)


def auc(given: Paper, scores: np.ndarray) -> str:
    """AUC with its interval over resamples of the firms."""
    firms, place = np.unique(given.firm, return_inverse=True)
    rng = np.random.default_rng(0)
    drawn = [rng.multinomial(firms.size, np.full(firms.size, 1 / firms.size))[place] for _ in range(RESAMPLES)]
    low, high = np.percentile([roc_auc_score(given.happened, scores, sample_weight=w) for w in drawn], [2.5, 97.5])
    return f"{roc_auc_score(given.happened, scores):.3f} ({low:.3f} to {high:.3f})"


def results(given: Paper) -> Iterable[str]:
    """The lines about one target."""
    ranked = alone(given)
    splitter = GroupShuffleSplit(1, test_size=HELD_OUT, random_state=0)
    learn, hold = next(splitter.split(given.frame, given.happened, given.firm))
    taught, held = given.taken(learn), given.taken(hold)
    model, settings = tuned(taught)
    directions = {feature.name: int(feature.risk) for feature in CATALOGUE}
    own = PdModel(directions).fit(taught.frame, taught.happened, taught.firm)
    by_catboost = model.predict_proba(held.frame)[:, 1]
    value = float(roc_auc_score(held.happened, by_catboost))
    wanted = f"{TUNED_FROM} to {TUNED_TO}", said(TUNED_FROM <= value <= TUNED_TO)
    rows = [
        (
            f"best feature alone (`{ranked.index[0]}`)",
            f"{ranked.iloc[0]:.3f}",
            f"below {TOO_EASY_ALONE}",
            said(ranked.iloc[0] < TOO_EASY_ALONE),
        ),
        ("tuned CatBoost, firms held out", auc(held, by_catboost), *wanted),
        ("PdModel, firms held out", auc(held, own.predict_proba(held.frame)[:, 1]), "", ""),
    ]
    before, after = given.taken(learn[~given.last_year[learn]]), given.taken(hold[given.last_year[hold]])
    if 5 < after.happened.sum() < len(after.happened):
        earlier = catboost(settings)
        earlier.fit(before.frame, before.happened)
        score = auc(after, earlier.predict_proba(after.frame)[:, 1])
        rows.append(("CatBoost taught before the last year, firms held out, in the last year", score, "", ""))
    yield f"\n## {given.target.name}\n"
    firms = np.unique(given.firm).size
    yield f"{len(given.happened):,} rows of {firms:,} firms, {given.happened.mean():.2%} bad.\n"
    yield "| | AUC | wanted | holds |\n| --- | --- | --- | --- |"
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield "\nCatBoost's settings: " + ", ".join(f"{name} {each:g}" for name, each in settings.items()) + ".\n"
    yield "| feature alone | AUC |\n| --- | --- |"
    yield from (f"| `{name}` | {each:.3f} |" for name, each in ranked.head(SHOWN).items())


def said(holds: bool) -> str:
    """Yes or a loud no."""
    return "yes" if holds else "**no**"


def main() -> None:
    """Simulate, import, examine and write the page."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, ledger = Path(scratch) / "platform", Ledger(Path(scratch) / "ledger")
        simulate(folder, PLATFORM)
        import_history(ledger, format_named("platform"), folder, loaded_at=datetime(2026, 11, 1))
        lines = [
            INTRODUCTION.format(p=PLATFORM, version=VERSION, alone=TOO_EASY_ALONE, low=TUNED_FROM, high=TUNED_TO),
            *(line for target in TARGETS for line in results(paper(ledger, target))),
        ]
    text = "\n".join(lines) + "\n"
    (ROOT / "docs" / "exam.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
