"""Who is offered how much at what rate so that the expected profit of a budget is greatest, and what proves it.

A customer who is asked a higher rate goes elsewhere more often (`Churn`). The program is mixed-integer: a firm has one
offer or none, of whole steps between its least and its most, and the offers keep within the budget and every pool.
HiGHS solves it and says how far from the best the answer can be at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

BUDGET = "budget"
# A proven gap below this is none: amounts go in whole steps.
GAP = 1e-6
SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Churn:
    """The share of customers who go elsewhere, by yearly rate and rating; between two rates it is a straight line."""

    rates: tuple[float, ...]
    lost: Mapping[str, tuple[float, ...]]

    @classmethod
    def fitted(cls, table: pd.DataFrame) -> Churn:
        """The curves nearest to what was observed that never fall with the rate (isotonic least squares).

        `table` has the yearly rates as its index and a column a rating, all as fractions. Raises ValueError.

        >>> seen = pd.DataFrame({"A": [0.0, 0.3, 0.2]}, index=[0.04, 0.05, 0.06])
        >>> Churn.fitted(seen).lost["A"]
        (0.0, 0.25, 0.25)
        """
        from scipy.optimize import isotonic_regression

        if len(table) < 2 or not table.index.is_unique or table.shape[1] == 0:
            raise ValueError("it takes two rates or more, each once, and a column for each rating")
        whole = table.sort_index().astype("float64")
        if (
            whole.isna().any(axis=None)
            or not ((whole >= 0) & (whole <= 1)).all(axis=None)
            or not ((whole.index > 0) & (whole.index < 1)).all()
        ):
            raise ValueError("rates are fractions between 0 and 1, and each share lost lies from 0 to 1")
        curves = {str(name): tuple(isotonic_regression(whole[name].to_numpy()).x.tolist()) for name in whole.columns}
        return cls(tuple(float(rate) for rate in whole.index), curves)

    def at(self, rating: pd.Series[str], rate: float) -> Floats:
        """The share lost at a rate, by the rating of each row. Raises ValueError beyond the rates that were seen."""
        if not self.rates[0] <= rate <= self.rates[-1]:
            raise ValueError(f"of {rate:.2%} nothing is known: the curve goes from {self.rates[0]:.2%} to "
                             f"{self.rates[-1]:.2%}")  # fmt: skip
        if unknown := sorted(set(rating) - set(self.lost)):
            raise ValueError(f"the curve has no rating {unknown[0]!r}")
        by_rating = {name: float(np.interp(rate, self.rates, lost)) for name, lost in self.lost.items()}
        return np.array([by_rating[each] for each in rating], dtype="float64")

    def shifted(self, odds: float) -> Churn:
        """The curves with the odds of going elsewhere so many times as high; who never goes still never does."""
        moved = {
            name: tuple(odds * share / (1 - share + odds * share) for share in lost) for name, lost in self.lost.items()
        }
        return replace(self, lost=moved)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a lent yuan costs in a year beside the loss of `loss_given_default` of it: funding and work, fractions."""

    loss_given_default: float
    funding: float
    work: float

    def margin(self, pd_: Floats, rate: float | Floats) -> Floats:
        """The expected profit of a yuan lent for a year: interest of who pays, less loss, funding and work.

        >>> Costs(0.45, 0.019, 0.008).margin(np.array([0.02]), 0.06).round(4).tolist()
        [0.0228]
        """
        earned: Floats = rate * (1 - pd_) - pd_ * self.loss_given_default - self.funding - self.work
        return earned


@dataclass(frozen=True, slots=True)
class Pooled:
    """What some firms may be offered together: their places among the firms, and the most in fen."""

    name: str
    firms: npt.NDArray[np.int64]
    most_fen: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Firms to allocate a budget over.

    `firms` has a row each: `pd`, `rating`, `least_fen` and `most_fen` of an offer. With `counts_expected` the budget
    and the pools bind what is expected to be taken up, which is exceeded when more take up than expected; else all that
    is offered.
    """

    firms: pd.DataFrame
    budget_fen: int
    rates: tuple[float, ...]
    churn: Churn
    costs: Costs
    pools: tuple[Pooled, ...]
    step_fen: int
    counts_expected: bool = False


@dataclass(frozen=True, slots=True)
class Allocation:
    """Offers and what they are worth. `offers` has a row for each firm that is offered something, indexed as the firms:
    amount_fen, rate, taken (the share expected to take it up), profit_fen, expected over all answers.

    `bound_fen` is what no allocation can exceed; `duals` what one more yuan of the budget, or of a pool, would earn a
    year by the program without whole steps and leasts, those above nothing.
    """

    offers: pd.DataFrame
    bound_fen: int
    duals: Mapping[str, float]

    @property
    def profit_fen(self) -> int:
        """The expected profit of a year."""
        return int(self.offers["profit_fen"].sum())

    @property
    def offered_fen(self) -> int:
        """What is offered in all."""
        return int(self.offers["amount_fen"].sum())

    @property
    def gap(self) -> float:
        """By what share the best allocation could earn more, at most."""
        return max(self.bound_fen - self.profit_fen, 0) / self.bound_fen if self.bound_fen > 0 else 0.0


def choices(problem: Problem) -> pd.DataFrame:
    """The offers that could be worth making: firm (its place), rate, taken, margin (expected, of a yuan offered), used
    (of the budget by a yuan offered). One that earns no more than another of the firm, and uses no less, is left out.
    """
    whole = pd.concat([_at(problem, np.full(len(problem.firms), rate)) for rate in problem.rates], ignore_index=True)
    # By what is used and then the most earned: of those, each that earns more than all that use less is worth a look.
    ordered = whole.sort_values(["firm", "used", "margin", "rate"], ascending=[True, True, False, True])
    before = ordered.groupby("firm")["margin"].cummax().groupby(ordered["firm"]).shift(fill_value=0.0)
    return ordered[ordered["margin"] > before].reset_index(drop=True)


def _at(problem: Problem, rates: Floats) -> pd.DataFrame:
    """One offer a firm, at a rate of its own; of who could have one and is expected to earn something."""
    firms = problem.firms
    taken = _taken(problem.churn, firms["rating"], rates)
    margin = taken * problem.costs.margin(firms["pd"].to_numpy(dtype="float64"), rates)
    used = taken if problem.counts_expected else np.ones(len(firms))
    offers = pd.DataFrame({"firm": range(len(firms)), "rate": rates, "taken": taken, "margin": margin, "used": used})
    possible = firms["most_fen"].to_numpy() >= firms["least_fen"].to_numpy()
    return offers[(margin > 0) & possible]


def _taken(churn: Churn, rating: pd.Series[str], rates: Floats) -> Floats:
    """The share of each that is expected to take up its offer at its rate."""
    taken = np.empty(len(rates))
    for rate in np.unique(rates):
        taken[rates == rate] = 1 - churn.at(rating[rates == rate], float(rate))
    return taken


def allocate(problem: Problem, *, seconds: float = SECONDS) -> Allocation:
    """The offers whose expected profit is greatest. Raises ValueError where the solver finds none in its time."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    offers = choices(problem)
    if offers.empty:
        return Allocation(_made(problem, offers, np.zeros(0, dtype="int64")), 0, {})
    count, limits = len(offers), _limits(problem, offers)
    least, most = (_steps(problem, offers, name) for name in ("least_fen", "most_fen"))
    # Variables: the steps of each offer, and whether it is made.
    whole = _program(limits.rows, least, most, offers["firm"].to_numpy())
    upper = np.concatenate([limits.most, np.zeros(2 * count), np.ones(int(offers["firm"].nunique()))])
    earned = np.concatenate([offers["margin"].to_numpy(), np.zeros(count)])
    found = milp(
        -earned,
        constraints=LinearConstraint(whole, ub=upper),
        bounds=Bounds(0, np.concatenate([most, np.ones(count)])),
        integrality=np.ones(2 * count),
        options={"mip_rel_gap": GAP, "time_limit": seconds},
    )
    if found.x is None:
        raise ValueError(f"no allocation was found: {found.message}")
    made = _made(problem, offers, found.x[:count].round().astype("int64"))
    bound = -float(found.mip_dual_bound) * problem.step_fen
    return Allocation(made, max(int(np.ceil(bound)), int(made["profit_fen"].sum())), _duals(earned, whole, upper, most,
                                                                                           limits.names))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Limits:
    """The budget and the pools as rows over the steps of each offer."""

    names: tuple[str, ...]
    rows: Floats
    most: Floats


def _limits(problem: Problem, offers: pd.DataFrame) -> _Limits:
    used, firm = offers["used"].to_numpy(), offers["firm"].to_numpy()
    everyone = Pooled(BUDGET, np.arange(len(problem.firms)), problem.budget_fen)
    among = [each for each in (everyone, *problem.pools) if np.isin(firm, each.firms).any()]
    rows = np.array([np.where(np.isin(firm, each.firms), used, 0.0) for each in among])
    most = np.array([max(each.most_fen, 0) / problem.step_fen for each in among])
    # Of what is offered only whole steps count, and a sum of them that is exact has no need of a tolerance.
    return _Limits(tuple(each.name for each in among), rows, most if problem.counts_expected else np.floor(most))


def _program(limits: Floats, least: Floats, most: Floats, firm: npt.NDArray[np.int64]) -> object:
    """All rows: the limits, at most and at least the steps of an offer that is made, and one offer a firm."""
    from scipy import sparse

    count = len(firm)
    each = sparse.eye_array(count)
    one = sparse.csr_array((np.ones(count), (pd.factorize(firm)[0], np.arange(count))))
    rows = [
        [sparse.csr_array(limits), sparse.csr_array((limits.shape[0], count))],
        [each, sparse.diags_array(-most)],
        [-each, sparse.diags_array(least)],
        [sparse.csr_array(one.shape), one],
    ]
    return sparse.block_array(rows, format="csr")


def _duals(earned: Floats, whole: object, upper: Floats, most: Floats, names: Sequence[str]) -> dict[str, float]:
    """What one more yuan of the budget and of each pool would earn, by the program without whole steps."""
    from scipy.optimize import linprog

    bounds = np.column_stack([np.zeros(2 * len(most)), np.concatenate([most, np.ones(len(most))])])
    relaxed = linprog(-earned, A_ub=whole, b_ub=upper, bounds=bounds, method="highs")
    found = -relaxed.ineqlin.marginals[: len(names)]
    return {name: float(value) for name, value in zip(names, found, strict=True) if value > 0}


def _steps(problem: Problem, offers: pd.DataFrame, name: str) -> Floats:
    """The least or the most steps of each offer; a least that is no whole number of them is the next one."""
    fen = problem.firms[name].to_numpy(dtype="int64")[offers["firm"].to_numpy()]
    steps = -(-fen // problem.step_fen) if name == "least_fen" else fen // problem.step_fen
    found: Floats = steps.astype("float64")
    return found


def _made(problem: Problem, offers: pd.DataFrame, steps: npt.NDArray[np.int64]) -> pd.DataFrame:
    """The offers that are made, indexed as the firms, in their order."""
    kept = offers.assign(amount_fen=steps * problem.step_fen)[steps > 0].sort_values("firm")
    profit = np.floor(kept["amount_fen"] * kept["margin"]).astype("int64")
    index = problem.firms.index[kept["firm"].to_numpy()]
    return kept.assign(profit_fen=profit)[["amount_fen", "rate", "taken", "profit_fen"]].set_index(index)


# -- what it is set beside


def rank_and_fill(problem: Problem, prices: Floats | None = None) -> Allocation:
    """The safest first, each as much as it may have, until the budget is used up.

    Each at its price; where none is named, at the rate that earns most of what is offered, or of what is used of the
    budget, whichever comes to more.
    """
    if prices is not None:
        return _in_turn(problem, _at(problem, prices), problem.firms["most_fen"])
    offers = choices(problem)
    ways = (offers["margin"], offers["margin"] / offers["used"])
    made = [_in_turn(problem, _first(offers, by), problem.firms["most_fen"]) for by in ways]
    return max(made, key=lambda each: each.profit_fen)


def equal_split(problem: Problem, prices: Floats) -> Allocation:
    """To every firm that earns something at its price the same share of the budget within its bounds, safest first."""
    offers = _at(problem, prices)
    share = problem.budget_fen // max(len(offers), 1)
    wanted = problem.firms["most_fen"].clip(upper=share).clip(lower=problem.firms["least_fen"])
    return _in_turn(problem, offers, wanted)


def _first(offers: pd.DataFrame, by: pd.Series[float]) -> pd.DataFrame:
    """Of each firm the choice that is first by something."""
    order = by.sort_values(ascending=False, kind="stable").index
    return offers.loc[order].drop_duplicates("firm")


def _in_turn(problem: Problem, best: pd.DataFrame, wanted_fen: pd.Series[int]) -> Allocation:
    """Offers in the order of PD, each what is wanted of it or what its pools leave, if that is enough."""
    best = best.assign(pd=problem.firms["pd"].to_numpy()[best["firm"]]).sort_values(["pd", "firm"])
    everyone = Pooled(BUDGET, np.arange(len(problem.firms)), problem.budget_fen)
    pools = [(set(each.firms.tolist()), each.most_fen) for each in (everyone, *problem.pools)]
    taken = [0.0] * len(pools)
    wanted, least = (_firm_steps(problem, each) for each in (wanted_fen, problem.firms["least_fen"]))
    steps = np.zeros(len(best), dtype="int64")
    for place, (firm, used) in enumerate(zip(best["firm"].tolist(), best["used"].tolist(), strict=True)):
        mine = [number for number, (firms, _) in enumerate(pools) if firm in firms]
        left = min((pools[number][1] - taken[number]) / used for number in mine)
        given = min(int(wanted[firm]), int(left // problem.step_fen))
        if given >= least[firm]:
            steps[place] = given
            for number in mine:
                taken[number] += given * problem.step_fen * used
    made = _made(problem, best, steps)
    return Allocation(made, int(made["profit_fen"].sum()), {})


def _firm_steps(problem: Problem, fen: pd.Series[int]) -> npt.NDArray[np.int64]:
    return np.asarray(fen.to_numpy(dtype="int64") // problem.step_fen, dtype=np.int64)


def valued(problem: Problem, offers: pd.DataFrame) -> pd.DataFrame:
    """Offers that were made already, as they are worth under another problem's PDs, costs and churn."""
    firms, rates = problem.firms.loc[offers.index], offers["rate"].to_numpy(dtype="float64")
    taken = _taken(problem.churn, firms["rating"], rates)
    margin = taken * problem.costs.margin(firms["pd"].to_numpy(dtype="float64"), rates)
    profit = np.floor(offers["amount_fen"] * margin).astype("int64")
    return offers.assign(taken=taken, profit_fen=profit)
