"""`make exam`: what the models reach on a platform whose truth is known, to docs/exam.md. Needs `.[exam]`.

`python -m bench.exam --folder FOLDER` keeps the platform there, and a second run begins with what it finds.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier

from bench.truths import breach_probabilities, default_probabilities
from credit.domain.packs import read_parameters
from credit.domain.scale import grades
from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.simulator import Platform, Question, simulate, truth
from data.simulator.settings import VERSION
from models import peers
from models.anchoring import anchored, long_run, years_of
from models.pd_model import PdModel, folds_of
from models.reject_inference import parcel_rates
from models.targets import LOAN_DEFAULT, PERFORMANCE_BREACH, TARGETS, Lessons, Target, lessons
from models.training import MODEL, Walk, calibrated, features_of, fitted, measured_on, walks
from models.validation import OutOfFold, auc, log_loss

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = ROOT / "credit" / "parameters"
PLATFORM = Platform(suppliers=500_000, start=date(2019, 1, 1), end=date(2026, 10, 31), seed=1)
TIER = "platform"
# Of the contracts so many are enough; groups of firms are drawn whole.
MOST_ROWS = {LOAN_DEFAULT.name: 100_000, PERFORMANCE_BREACH.name: 40_000}
SHARE_WANTED = {LOAN_DEFAULT.name: 0.70, PERFORMANCE_BREACH.name: 0.60}
BEHIND_AT_MOST = 0.01
SLOPE = (0.9, 1.1)
TOO_EASY_ALONE, TUNED_FROM, TUNED_TO = 0.75, 0.70, 0.85
# What nobody had seen before: the bad year of one industry and of county budgets, and the slow-down of one region.
SHOCKS = ((date(2023, 4, 1), date(2024, 3, 31)), (date(2025, 11, 1), PLATFORM.end))
# Evenings within the years that are forecast, on which the truth is looked for.
DRAW_WEEKS = tuple(day.date() for day in pd.date_range("2022-08-14", "2025-07-20", freq="119D"))
CONTRACT_DAYS = tuple(day.date() for day in pd.bdate_range("2022-10-03", "2025-09-15", freq="153B"))
DRAW_FUTURES, CONTRACT_FUTURES = 600, 300
ANY_FIRM = Question((date(2022, 9, 30), date(2022, 12, 31), date(2024, 4, 30), date(2024, 6, 30), date(2024, 9, 30)),
                    firms=3_000, futures=1_000)  # fmt: skip
# Adjacent grades are taken together until they hold so many bad rows: of fewer, chance moves a rate by over a fifth.
FEWEST_BAD = 20
SETTINGS = [
    {"depth": depth, "learning_rate": rate, "l2_leaf_reg": l2, "rsm": 0.3}
    for depth, rate, l2 in ((6, 0.03, 30), (8, 0.03, 30))
]
MOST_TREES, PATIENCE = 1_500, 60
ALONE_TRIED = 10
LEVELS = (0.8, 0.9, 0.95)
CATBOOST, ALONE = "catboost", "best feature alone"


@dataclass(frozen=True)
class Paper:
    """One target's exam: its lessons with their features, the years to forecast, and the models that forecast them."""

    target: Target
    rows: Lessons
    frame: pd.DataFrame
    steps: list[Walk]
    models: list[PdModel]
    rates: list[float]
    terms: dict[str, Any]

    @property
    def labels(self) -> np.ndarray:
        """1 where it went bad."""
        return self.rows.happened.to_numpy(dtype=float)

    @property
    def tested(self) -> np.ndarray:
        """The places of all rows that are forecast."""
        return np.concatenate([step.tested for step in self.steps])

    def over_years(self, score: Any) -> np.ndarray:
        """What is said of every row of a year by `score(step place)`; NaN for rows of no year."""
        found = np.full(len(self.frame), np.nan)
        for place, step in enumerate(self.steps):
            found[step.tested] = score(place)
        return found

    @property
    def fold(self) -> np.ndarray:
        """The year of each row, by its place."""
        return np.nan_to_num(self.over_years(lambda place: place)).astype(np.int64)

    def taught(self, place: int) -> tuple[pd.DataFrame, np.ndarray]:
        """What taught the model of a year."""
        step = self.steps[place]
        return self.frame.iloc[step.taught], step.happened.to_numpy(dtype=float)

    def held(self, place: int) -> pd.DataFrame:
        """The features of the year's rows."""
        return self.frame.iloc[self.steps[place].tested]


def paper(ledger: Ledger, target: Target, terms: dict[str, Any]) -> Paper:
    """All lessons of a target, or those of as many groups of firms as give enough, and a model before each year."""
    whole = lessons(ledger, target, tier=TIER, as_of=PLATFORM.end, terms=terms)
    groups = np.random.default_rng(PLATFORM.seed).permutation(whole.groups.unique())
    order = whole.groups.map(pd.Series(np.arange(groups.size), index=groups)).to_numpy()
    kept = np.sort(np.argsort(order, kind="stable")[: MOST_ROWS[target.name]])
    cases = whole.cases.iloc[kept].reset_index(drop=True).assign(case_id=range(len(kept)))
    happened, firms, theirs = (
        each.iloc[kept].reset_index(drop=True) for each in (whole.happened, whole.firms, whole.groups)
    )
    rows = Lessons(cases, happened, firms, theirs, whole.dated, whole.cohorts, whole.set_aside)
    frame = features_of(ledger, cases, tier=TIER, version=ledger.version)
    steps = list(walks(ledger, target, rows, tier=TIER, terms=terms))
    models, rates = [], []
    for step in steps:
        learn = frame.iloc[step.taught]
        outcomes, firms = (each.set_axis(learn.index) for each in (step.happened, step.groups))
        opened = rows.cases["opened_on"].iloc[step.taught]
        model, newest = fitted(learn, outcomes, firms, terms, opened=opened, interval=True)
        models.append(model)
        rates.append(newest.rate)
        print(f"{target.name}: taught before {step.year.first} by {len(learn):,} rows", flush=True)
    return Paper(target, rows, frame, steps, models, rates, terms)


# -- what is set beside the model


def alone(frame: pd.DataFrame, labels: np.ndarray) -> pd.Series:
    """The AUC of each feature by itself, whichever way it points and on whichever side the missing stand."""
    once, ones = np.zeros(len(frame), dtype=np.int64), np.ones((1, len(frame)))

    def best(column: pd.Series) -> float:
        if column.notna().sum() == 0:
            return 0.5
        low, high = column.min() - 1, column.max() + 1
        filled = [column.fillna(missing).to_numpy() for missing in (low, high)]
        found = [float(auc(labels, OutOfFold(values, once), ones)[0]) for values in filled]
        return max(max(each, 1 - each) for each in found)

    return frame.apply(best).sort_values(ascending=False)


def alone_over_years(given: Paper) -> dict[str, np.ndarray]:
    """The features that ranked best before each year, each made a probability by a logistic regression."""
    ranked = alone(*given.taught(0)).index[:ALONE_TRIED]

    def scored(name: str, place: int) -> np.ndarray:
        learn, labels = given.taught(place)
        return peers.logistic_regression(learn[[name]], labels, given.held(place)[[name]])

    return {name: given.over_years(lambda place, name=name: scored(name, place)) for name in ranked}


def catboost_over_years(given: Paper) -> tuple[np.ndarray, dict[str, float]]:
    """CatBoost with the settings that lose least over folds of the newest year's lessons, taught before each year.

    Those lessons hold what the older years still had before them: a help that the model does not get.
    """
    frame, labels = given.taught(0)
    folds = folds_of(labels, given.steps[0].groups.to_numpy(), seed=0)[:3]
    tried: list[tuple[float, int, dict[str, float]]] = []
    for settings in SETTINGS:
        losses, counts = [], []
        for learn, hold in folds:
            model = catboost({**settings, "iterations": MOST_TREES})
            held = frame.iloc[hold], labels[hold]
            model.fit(frame.iloc[learn], labels[learn], eval_set=held, early_stopping_rounds=PATIENCE)
            losses.append(model.get_best_score()["validation"]["Logloss"])
            counts.append(model.tree_count_)
        tried.append((float(np.mean(losses)), int(np.mean(counts)), settings))
    _, trees, best = min(tried, key=lambda each: each[0])

    def scored(place: int) -> np.ndarray:
        model = catboost({**best, "iterations": trees})
        model.fit(*given.taught(place))
        return model.predict_proba(given.held(place))[:, 1]

    return given.over_years(scored), {**best, "iterations": trees}


def catboost(settings: dict[str, float]) -> CatBoostClassifier:
    """One with these settings."""
    return CatBoostClassifier(**settings, random_seed=0, verbose=False, allow_writing_files=False)


# -- what the truth is set against


@dataclass(frozen=True)
class Known:
    """Cases whose true probability is known: it, what the model says, the evening of each, and what each stands for."""

    true: np.ndarray
    said: np.ndarray
    evening: np.ndarray
    weight: np.ndarray

    def taken(self, rows: np.ndarray) -> Known:
        """Only those."""
        return Known(self.true[rows], self.said[rows], self.evening[rows], self.weight[rows])

    def auc(self, scores: np.ndarray) -> float:
        """The AUC that scores would have over outcomes drawn from the truth again and again, within each evening."""
        return float(auc(self.true, OutOfFold(scores, self.evening), self.weight[None, :])[0])

    @property
    def share(self) -> float:
        """The share of the true probability's accuracy ratio that the model reaches."""
        return (2 * self.auc(self.said) - 1) / (2 * self.auc(self.true) - 1)


def draws_known(given: Paper, said: np.ndarray, file: Path) -> Known:
    """The forecast draws of some weeks, with the true probability of each."""
    if not file.exists():
        default_probabilities(PLATFORM, DRAW_WEEKS, DRAW_FUTURES).to_parquet(file)
    true = pd.read_parquet(file)
    probability = pd.Series(true["probability"].to_numpy(), index=given.target.name + "-" + true["loan_id"])
    true_of = given.rows.cases["outcome_id"].map(probability).to_numpy()
    rows = np.flatnonzero(~np.isnan(true_of) & ~np.isnan(said))
    return Known(true_of[rows], said[rows], given.fold[rows], np.ones(len(rows)))


def contracts_known(ledger: Ledger, given: Paper, file: Path) -> Known:
    """Contracts of some days, with the true probability that each breaks."""
    if not file.exists():
        breach_probabilities(PLATFORM, CONTRACT_DAYS, CONTRACT_FUTURES).to_parquet(file)
    true = pd.read_parquet(file)
    # The evening after the signature, when nearly all are on record.
    days = (pd.to_datetime(true["known_on"]) + pd.Timedelta(days=1)).dt.date
    cases = pd.DataFrame({"case_id": range(len(true)), "supplier_id": true["supplier_id"], "as_of": days})
    said, year = _said_of(ledger, given, cases.assign(contract_id=true["contract_id"]))
    return Known(true["probability"].to_numpy(), said, year, np.ones(len(true)))


def coverage_said(given: Paper, known: Known) -> Iterator[str]:
    """How often the model's intervals hold the true probability: its cases, the year's model each."""
    held = []
    for level in LEVELS:
        low, high = np.empty(len(known.said)), np.empty(len(known.said))
        for place, model in enumerate(given.models):
            rows = known.evening == place
            low[rows], high[rows] = model.scorer_.interval(known.said[rows], level=level)
        held.append(f"{level:.0%}: {((low <= known.true) & (known.true <= high)).mean():.0%}")
    yield (
        f"How often the model's interval holds the true probability of such a case: {', '.join(held)}. It says how far "
        "off the learned probability may be of firms that look alike to the columns (docs/bench/intervals.txt, where "
        "the columns tell all); how far firms that look alike differ, no column says.\n"
    )


def any_firm_known(ledger: Ledger, given: Paper, folder: Path) -> tuple[Known, pd.Series]:
    """Firms of all kinds as if each had drawn that evening (`credit simulate truth`), and the standing of each."""
    if not folder.exists():
        truth(folder, PLATFORM, ANY_FIRM)
    true = pd.read_parquet(folder / "default_probabilities.parquet")
    days = pd.to_datetime(true["as_of"]).dt.date
    cases = pd.DataFrame({"case_id": range(len(true)), "supplier_id": true["supplier_id"], "as_of": days})
    said, _ = _said_of(ledger, given, cases)
    evening = pd.factorize(days)[0].astype(np.int64)
    return Known(true["pd"].to_numpy(), said, evening, true["weight"].to_numpy()), true["standing"]


def _said_of(ledger: Ledger, given: Paper, cases: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The PDs of cases by the last model that was taught before each, and the place of that model's year."""
    frame = features_of(ledger, cases, tier=TIER, version=ledger.version)
    said, year = np.empty(len(cases)), np.empty(len(cases), dtype=np.int64)
    for day in cases["as_of"].unique():
        there = (cases["as_of"] == day).to_numpy()
        place = next(place for place, step in enumerate(given.steps) if step.known_on < day)
        said[there], year[there] = given.models[place].scorer_.probabilities(frame[there]), place
    return said, year


# -- what the page says


def results(given: Paper, said: np.ndarray, known: Known, about_truth: Iterable[str]) -> Iterable[str]:
    """The lines about one target."""
    target, labels, share = given.target, given.labels, known.share
    by_catboost, settings = catboost_over_years(given)
    singles = alone_over_years(given)
    tested, fold, groups = given.tested, given.fold, given.rows.groups
    normal = tested[_in_normal_times(given.rows.cases.iloc[tested])]

    def loss(scores: np.ndarray, rows: np.ndarray) -> float:
        held = OutOfFold(scores[rows], fold[rows])
        return float(log_loss(labels[rows], held, np.ones((1, len(rows))))[0])

    best = min(singles, key=lambda name: loss(singles[name], normal))
    scores = {MODEL: said, CATBOOST: by_catboost, ALONE: singles[best]}
    whole = measured_on(tested, labels, scores, fold, groups)
    held = calibrated(labels[normal], said[normal])
    behind = whole["metrics"][CATBOOST]["auc"]
    ours, theirs = (whole["metrics"][name]["auc"] for name in (MODEL, CATBOOST))
    easiest = alone(given.frame, labels)
    wanted = SHARE_WANTED[target.name]
    losses = loss(said, normal), loss(singles[best], normal)
    order, orders = rank_orders(given, said)
    rows = [
        ("share of the true PD's accuracy ratio", f"{share:.2f}", f"at least {wanted:.2f}", share >= wanted),
        ("AUC out of time", _interval(ours), "", None),
        ("AUC of a tuned CatBoost on the same rows", _interval(theirs), f"{TUNED_FROM} to {TUNED_TO}",
         TUNED_FROM <= theirs["value"] <= TUNED_TO),
        ("ours less CatBoost's, paired",
         f"{behind['versus']:+.4f} ({behind['versus_low']:+.4f} to {behind['versus_high']:+.4f})",
         f"no less than {-BEHIND_AT_MOST}", behind["versus"] >= -BEHIND_AT_MOST),
        ("calibration slope, normal months", f"{held['slope']:.3f}", f"{SLOPE[0]} to {SLOPE[1]}",
         SLOPE[0] <= held["slope"] <= SLOPE[1]),
        ("calibration error, normal months", f"{held['error']:.4f}",
         f"below {held['error_of_perfect_p95']:.4f}, a perfect model's 95th percentile",
         held["error"] < held["error_of_perfect_p95"]),
        (f"log-loss, normal months, beside the best feature's (`{best}`)", f"{losses[0]:.5f}", f"below {losses[1]:.5f}",
         losses[0] < losses[1]),
        ("grades in order in every year", f"{orders} of {len(given.steps)} years", "all", orders == len(given.steps)),
        (f"easiest feature alone (`{easiest.index[0]}`)", f"{easiest.iloc[0]:.3f}", f"below {TOO_EASY_ALONE}",
         easiest.iloc[0] < TOO_EASY_ALONE),
    ]  # fmt: skip
    yield f"\n## {target.name}\n"
    yield (
        f"{len(labels):,} rows of {groups.nunique():,} groups of firms, {labels.mean():.2%} bad; {len(tested):,} "
        f"are forecast out of time, and {len(normal):,} of these in normal months."
    )
    if given.rows.set_aside:
        yield "\nSet aside: " + "; ".join(f"{why}: {count:,}" for why, count in given.rows.set_aside.items()) + "."
    yield "\n| | found | wanted | holds |\n| --- | --- | --- | --- |"
    yield from (f"| {name} | {found} | {wish} | {_holds(holds)} |" for name, found, wish, holds in rows)
    yield "\nCatBoost's settings: " + ", ".join(f"{name} {each:g}" for name, each in settings.items()) + ".\n"
    yield from about_truth
    yield from _by_year(given, scores, normal)
    yield from order


def _in_normal_times(cases: pd.DataFrame) -> np.ndarray:
    """Rows whose whole window lies outside of both shocks."""
    touched = np.zeros(len(cases), dtype=bool)
    for began, ended in SHOCKS:
        touched |= (
            (cases["opened_on"] <= pd.Timestamp(ended)) & (cases["closed_on"] >= pd.Timestamp(began))
        ).to_numpy()
    return ~touched


def _by_year(given: Paper, scores: dict[str, np.ndarray], normal: np.ndarray) -> Iterable[str]:
    yield "Year by year, each by a model that was taught before it; the shocks are in these years:\n"
    yield "| year | taught rows (bad) | rows | bad | mean PD | AUC | CatBoost | slope | error | perfect's 95 % |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    parts = [(f"{s.year.first} to {s.year.last}", s.happened, s.tested) for s in given.steps]
    parts += [("normal months of all", None, normal), ("all months of all", None, given.tested)]
    for name, taught, places in parts:
        found = measured_on(places, given.labels, scores, given.fold, given.rows.groups)
        held, metrics = found["calibration"], found["metrics"]
        before = "" if taught is None else f"{len(taught):,} ({int(taught.sum())})"
        yield (
            f"| {name} | {before} | {len(places):,} | {held['rate']:.2%} | {held['mean_pd']:.2%} | "
            f"{metrics[MODEL]['auc']['value']:.3f} | {metrics[CATBOOST]['auc']['value']:.3f} | {held['slope']:.2f} | "
            f"{held['error']:.4f} | {held['error_of_perfect_p95']:.4f} |"
        )


def rank_orders(given: Paper, said: np.ndarray) -> tuple[list[str], int]:
    """The default rate of the grades in every year, and in how many years they are in order."""
    scale = _shared_scale()
    years = years_of(given.rows)
    lines = ["\nRates by grade (adjacent ones together until they hold " + f"{FEWEST_BAD} bad):\n"]
    right = 0
    for step, rate in zip(given.steps, given.rates, strict=True):
        before = [year for year in years if year.last < step.year.first]
        anchor = long_run(before, given.target, given.terms, calibrated_rate=rate)
        found = pd.DataFrame(
            {
                "grade": grades(pd.Series(anchored(said[step.tested], anchor.shift)), scale),
                "bad": given.labels[step.tested],
            }
        )
        counts = found.groupby("grade")["bad"].agg(["size", "sum"])
        merged: list[list[Any]] = []
        for grade, (size, bad) in zip(counts.index, counts.to_numpy(), strict=True):
            if merged and merged[-1][2] < FEWEST_BAD:
                merged[-1] = [merged[-1][0], grade, merged[-1][2] + bad, merged[-1][3] + size]
            else:
                merged.append([grade, grade, bad, size])
        if len(merged) > 1 and merged[-1][2] < FEWEST_BAD:
            last = merged.pop()
            merged[-1] = [merged[-1][0], last[1], merged[-1][2] + last[2], merged[-1][3] + last[3]]
        rates = [bad / size for _, _, bad, size in merged]
        right += all(a < b for a, b in pairwise(rates))
        named = (f"{a}-{b}" if a != b else a for a, b, _, _ in merged)
        lines.append(
            f"- {step.year.first} to {step.year.last} (long-run rate {anchor.long_run_rate:.2%}): "
            + ", ".join(f"{name} {rate:.2%}" for name, rate in zip(named, rates, strict=True))
        )
    return lines, right


def _shared_scale() -> dict[str, Any]:
    return {"grade_pd_upper": _read("shared.toml")["grade_pd_upper"]}


def _read(name: str) -> dict[str, Any]:
    content = tomllib.loads((PARAMETERS / name).read_text(encoding="utf-8"))
    return {key: each.on(PLATFORM.end) for key, each in read_parameters(content, file=name).items()}


def truth_said(found: Known, of_what: str, futures: int) -> Iterator[str]:
    """What the share stands on."""
    yield (
        f"The truth is of {len(found.true):,} {of_what}, the future of each run {futures} times as ADR 7 does it for "
        f"any firm: on average {found.true.mean():.2%}, by the model {found.said.mean():.2%}; AUC of the truth "
        f"{found.auc(found.true):.3f}, of the model {found.auc(found.said):.3f}.\n"
    )


def any_firm_said(found: Known, standing: pd.Series) -> Iterator[str]:
    """How near the model comes to the truth about firms that did not draw, and whether the rejects' band holds it."""
    yield (
        f"And as if {len(standing):,} firms of all kinds had drawn on {len(ANY_FIRM.days)} evenings, weighted to all "
        "that they stand for. The model learned from firms that drew because they were short of money, which on such "
        "an evening few are and no file shows:\n"
    )
    yield "| standing | firms | true PD, mean | model's, mean | AUC of the truth | of the model | share |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    parts = [("all", np.ones(len(standing), dtype=bool))]
    parts += [(name, (standing == name).to_numpy()) for name in sorted(standing.unique())]
    for name, rows in parts:
        part = found.taken(rows)
        means = (np.average(each, weights=part.weight) for each in (part.true, part.said))
        yield (
            f"| {name} | {rows.sum():,} | " + " | ".join(f"{mean:.2%}" for mean in means)
            + f" | {part.auc(part.true):.3f} | {part.auc(part.said):.3f} | {part.share:.2f} |"
        )  # fmt: skip
    yield ""
    yield from _band_said(found, standing)


def _band_said(found: Known, standing: pd.Series) -> Iterator[str]:
    """Parcelling, with the borrowers' true rates, against the true rate of those who were refused."""
    financed = found.taken((standing == "BORROWER").to_numpy())
    refused = found.taken((standing == "REFUSED").to_numpy())
    true = float(np.average(refused.true, weights=refused.weight))
    terms = _read("training.toml")
    low, high = (
        float(np.average(parcel_rates(financed.said, financed.true, refused.said, terms[name]), weights=refused.weight))
        for name in ("parcel_factor_low", "parcel_factor_high")
    )
    yield (
        f"Reject inference: by parcelling, {low:.2%} to {high:.2%} of the refused would default had they drawn; the "
        f"truth is {true:.2%}, {'within' if low <= true <= high else '**outside of**'} the band.\n"
    )


def _interval(found: dict[str, float]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _holds(holds: bool | None) -> str:
    return "" if holds is None else "yes" if holds else "**no**"


INTRODUCTION = """# The exam

Written by `make exam` from {p.suppliers:,} suppliers, {p.start} to {p.end}, seed {p.seed}, simulator version
{version}, which was fixed before any model was tuned. Every row is forecast by a model of what was known before its
year (labels that were on record, whole months that were all but closed; ADR 11), and every figure comes from the
functions that write a model's card. A bad year hits building firms and county budgets from {shock[0]} to {shock[1]},
and a region slows down from {slow[0]}, which nobody had seen before: normal months are rows whose whole window touches
neither.

The share is (2·AUC − 1) of the model against that of the true probability, both over outcomes drawn from the truth; the
rest is what a platform cannot see, and what too few lessons teach. That what drifts is left to trees alone
(`linear_rows_max`) was decided by what this page had said of fewer suppliers. Intervals are of resampled groups of
connected firms.
"""


@contextmanager
def _in(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
    else:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)


def main() -> None:
    """Simulate, import, examine and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the platform here, and begin with what is there")
    with _in(parser.parse_args().folder) as folder:
        ledger = Ledger(folder / "ledger")
        if not ledger.version:
            simulate(folder / "platform", PLATFORM)
            import_history(ledger, format_named("platform"), folder / "platform", loaded_at=datetime(2026, 11, 1))
        lines = [INTRODUCTION.format(p=PLATFORM, version=VERSION, shock=SHOCKS[0], slow=SHOCKS[1])]
        terms = _read("training.toml")
        for target in TARGETS:
            given = paper(ledger, target, terms)
            said = given.over_years(
                lambda place, given=given: given.models[place].scorer_.probabilities(given.held(place))
            )
            if target is LOAN_DEFAULT:
                known = draws_known(given, said, folder / "draws.parquet")
                about = [
                    *truth_said(known, f"draws of {len(DRAW_WEEKS)} weeks", DRAW_FUTURES),
                    *coverage_said(given, known),
                    *any_firm_said(*any_firm_known(ledger, given, folder / "truth")),
                ]
            else:
                known = contracts_known(ledger, given, folder / "contracts.parquet")
                about = [
                    *truth_said(known, f"contracts signed on {len(CONTRACT_DAYS)} days", CONTRACT_FUTURES),
                    *coverage_said(given, known),
                ]
            lines += results(given, said, known, about)
    text = "\n".join(lines) + "\n"
    (ROOT / "docs" / "exam.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
