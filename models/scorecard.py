"""The challenger that a supervisor can check by hand: a scorecard of weights of evidence, a few bins a column.

What it has learned is a scorer like any other: an intercept, and for every column the log-odds that each bin adds. The
bins are found by optbinning (extra `scorecard`); nothing of it is needed to score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from credit.domain.errors import MissingExtra
from credit.domain.points import BASE_ODDS, BASE_POINTS, POINTS_TO_DOUBLE
from models import logistic
from models.estimator import Estimator
from models.linear import Linear, Term
from models.logistic import Floats, Prior
from models.scorer import Mix, Scorer, encoded, levels_of

if TYPE_CHECKING:
    from optbinning import OptimalBinning

# Below this information value a column is of no use (Siddiqi 2006), and a longer card is read by nobody.
LEAST_INFORMATION, MOST_COLUMNS = 0.02, 20
# To find bins takes its time: it is done for the columns that tell most in as many plain bins.
MOST_BINNED, PLAIN_BINS = 25, 20
# From so many bins at most the best ones are put together.
MOST_PREBINS = 12
# A bin has at least this share of the rows; of a column that is missing in fewer, missing says nothing.
BIN_SHARE = 0.05
# Neighbouring bins differ in their default rate by more than chance would have it once in so many times.
CHANCE = 0.05
RIDGE = 1.0
_TREND = {1: "ascending", -1: "descending", 0: "auto"}


@dataclass(frozen=True, slots=True)
class _Binned:
    """A column in bins: the weight of evidence of each and of what is missing, and how much they tell in all."""

    term: Term
    information: float


class Scorecard(Estimator):
    """A scorecard: bins found by their weight of evidence, monotone where there is a direction, and points for each.

    It takes what `PdModel` takes. `points_` is the card as a credit officer reads it.
    """

    def __init__(self, directions: Mapping[str, int] | None = None) -> None:
        self.directions = directions

    def fit(self, X: Any, y: Any, groups: Any = None) -> Scorecard:
        """Learn; of the two classes the second in their order is the bad one. Groups are not needed.

        Raises MissingExtra without the extra `scorecard`.
        """
        frame, labels = self._taught(X, y)
        levels, directions = levels_of(frame), self.directions or {}
        numbers = encoded(frame, levels)
        found = {
            name: _binned(binning(frame[name], labels, directions.get(name, 0), levels.get(name)), levels.get(name))
            for name in _worth_binning(numbers, labels)
        }
        telling = sorted(found, key=lambda name: -found[name].information)[:MOST_COLUMNS]
        chosen = [name for name in frame if name in telling and found[name].information >= LEAST_INFORMATION]
        evidence = np.column_stack(
            [np.empty((len(frame), 0)), *(found[name].term.added(numbers[name].to_numpy()) for name in chosen)]
        )
        # More evidence of good never raises risk: a weight of the other sign would turn a column's bins around.
        no_more_than = Prior(*(np.full(len(chosen), at) for at in (0.0, RIDGE, -np.inf, 0.0)))
        intercept, weights = logistic.fit(evidence, labels, no_more_than)
        terms = dict.fromkeys(frame, Term())
        for name, weight in zip(chosen, weights.tolist(), strict=True):
            if weight == 0:
                continue
            terms[name] = _weighed(found[name].term, weight, numbers[name].to_numpy())
        self.scorer_ = Scorer(tuple(frame), levels, "", Linear(intercept, terms), Mix(0.0, 0.0, 1.0))
        self.points_ = points_table(self.scorer_, numbers, labels)
        return self


def _worth_binning(numbers: pd.DataFrame, labels: Floats) -> list[str]:
    """The columns of the largest information value in bins of equally many rows, what is missing being one."""
    varied = [name for name in numbers if numbers[name].nunique() > 1]
    told = {name: _plain_information(numbers[name].to_numpy(dtype=float), labels) for name in varied}
    most = sorted(varied, key=lambda name: -told[name])[:MOST_BINNED]
    return [name for name in varied if name in most]


def _plain_information(values: Floats, labels: Floats) -> float:
    """The information value over equally full bins; half a case more of each kind keeps an empty one finite."""
    missing = np.isnan(values)
    edges = np.unique(np.quantile(values[~missing], np.linspace(0, 1, PLAIN_BINS + 1)[1:-1]))
    place = np.where(missing, len(edges) + 1, np.searchsorted(edges, values, side="right"))
    bad, good = (np.bincount(place, weights, len(edges) + 2) + 0.5 for weights in (labels, 1 - labels))
    bad, good = bad / bad.sum(), good / good.sum()
    return float(((good - bad) * np.log(good / bad)).sum())


def binning(column: pd.Series, labels: Floats, direction: int, words: tuple[str, ...] | None) -> OptimalBinning:
    """The bins of one column, fitted: of optimal information value, their default rates in order of the direction."""
    try:
        from optbinning import OptimalBinning
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            "a scorecard's bins are found by optbinning, which is not installed",
            hint="pip install 'supplier-credit[scorecard]'",
        ) from missing

    if words is None:
        values, kind, trend = column.to_numpy(dtype=float, na_value=np.nan), "numerical", _TREND[direction]
    else:
        values, kind, trend = (
            column.astype(object).where(column.notna(), None).map(_word).to_numpy(),
            "categorical",
            "auto",
        )
    found = OptimalBinning(
        dtype=kind,
        monotonic_trend=trend,
        max_n_prebins=MOST_PREBINS,
        min_prebin_size=BIN_SHARE,
        cat_cutoff=BIN_SHARE,
        max_pvalue=CHANCE,
    )
    return found.fit(values, labels.astype(int))


def _word(value: Any) -> str | None:
    return None if value is None else str(value)


def _binned(found: OptimalBinning, words: tuple[str, ...] | None) -> _Binned:
    table = found.binning_table.build()
    evidence = table["WoE"].iloc[:-1].astype(float).tolist()
    # The last two rows before the totals are of special codes, which we have none of, and of what is missing.
    *bins, _, missing = evidence
    missing = missing if table["Count (%)"].iloc[-2] >= BIN_SHARE else 0.0
    information = float(found.binning_table.iv)
    if words is None:
        return _Binned(Term(at=tuple(map(float, found.splits)), steps=tuple(bins), missing=missing), information)
    of_word = {str(word): value for group, value in zip(found.splits, bins, strict=False) for word in group}
    return _Binned(Term(levels=tuple(of_word.get(word, missing) for word in words), missing=missing), information)


def _weighed(term: Term, weight: float, values: Floats) -> Term:
    said = replace(
        term,
        steps=tuple(weight * value for value in term.steps),
        levels=tuple(weight * value for value in term.levels),
        missing=weight * term.missing,
    )
    return replace(said, mean=float(said.added(values).mean()))


def points_table(scorer: Scorer, numbers: pd.DataFrame, labels: Floats) -> pd.DataFrame:
    """The card: for each column and bin its rows, default rate, points, and whether it raises or lowers the PD.

    A case's points, with those of the first row, which everybody has, are those of the master scale (DOMAIN 6.4):
    600 at odds of 30 good to 1 bad, 40 more each time the odds double.
    """
    a_unit = POINTS_TO_DOUBLE / np.log(2)
    base = BASE_POINTS - a_unit * (np.log(BASE_ODDS) + scorer.linear.base)
    rows: list[dict[str, Any]] = [{"column": "", "bin": "everybody", "rows": len(labels), "points": base}]
    for name, term in scorer.linear.terms.items():
        if not (term.steps or term.levels):
            continue
        values = numbers[name].to_numpy(dtype=float)
        for said, holds, adds in _bins(term, values, scorer.levels.get(name, ())):
            rows.append({"column": name, "bin": said, "rows": int(holds.sum()), "points": a_unit * (term.mean - adds)})
            rows[-1]["default_rate"] = float(labels[holds].mean()) if holds.any() else np.nan
    table = pd.DataFrame(rows, columns=["column", "bin", "rows", "default_rate", "points"])
    table.loc[0, "default_rate"] = labels.mean()
    table["pd"] = np.where(table["points"] > 0, "lowers", np.where(table["points"] < 0, "raises", "as it is"))
    table.loc[0, "pd"] = ""
    return table


def _bins(term: Term, values: Floats, words: tuple[str, ...]) -> list[tuple[str, Any, float]]:
    """Each bin as it is said, which rows it holds, and what it adds to the log-odds."""
    found: list[tuple[str, Any, float]] = []
    if term.steps:
        edges = [-np.inf, *term.at, np.inf]
        for low, high, adds in zip(edges, edges[1:], term.steps, strict=False):
            said = (
                f"below {high:g}"
                if low == -np.inf
                else f"from {low:g}" + (f" to below {high:g}" if high < np.inf else "")
            )
            found.append((said if len(edges) > 2 else "any", (values >= low) & (values < high), adds))
    else:
        for adds in sorted(set(term.levels)):
            places = [place for place, value in enumerate(term.levels) if value == adds]
            found.append((", ".join(words[place] for place in places), np.isin(values, places), adds))
    return [*found, ("missing", np.isnan(values), term.missing)]
