"""Allocate a budget over the firms that policy would lend to, and see what shocks would do to it."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.laboratory import everyone_on, with_value
from credit.app.policies import pack_for, portfolio_terms
from credit.domain.errors import FileMissing, PolicyBroken, UnknownName, WrongFormat

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.allocation import Allocation, Churn, Problem
    from credit.domain.decision import Decided
    from credit.domain.policy.terms import Pack

LINE, BUDGET = "turnover_line", "portfolio_budget_fen"
OWN_BUDGET = {"LIM-portfolio": "an allocation has a budget of its own"}
RATING_PREFIX = "信誉评级"
MOST_RATES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be allocated; without `rates` those of the churn file are tried, within the pack's bounds."""

    budget_fen: int
    churn: Churn
    rates: tuple[float, ...] | None = None
    as_of: date | None = None
    with_referred: bool = False
    counts_expected: bool = False


@dataclass(frozen=True, slots=True)
class Posed:
    """The problem with what is known of its firms beside it: supplier_id, grade, pd and the policy's own price.

    `bounds` are the least and the most that policy asks a year.
    """

    problem: Problem
    known: pd.DataFrame
    bounds: tuple[float, float]
    about: dict[str, Any]


def read_churn(file: Path) -> Churn:
    """The share of customers lost by yearly rate and rating, from a CSV or Excel file. Raises FileMissing, WrongFormat.

    A column of rates, then one a rating; what stands above the first number are headings, the last of which names the
    ratings. Rates and shares are fractions.
    """
    import pandas as pd

    from credit.domain.allocation import Churn

    if not file.is_file() or file.stat().st_size == 0:
        raise FileMissing(f"{file.name}: no such file, or it is empty", hint="a table of rate, and a column a rating")
    hint = "a column of yearly rates, then the share lost for each rating, as fractions: rate,A,B,C"
    try:
        read = pd.read_excel if file.suffix.lower() in (".xlsx", ".xlsm") else pd.read_csv
        cells = read(file, header=None, dtype=object)
    except (ValueError, OSError, KeyError) as broken:
        raise WrongFormat(f"{file.name}: not a readable table ({type(broken).__name__})", hint=hint) from broken
    numbers = cells.apply(pd.to_numeric, errors="coerce")
    starts = numbers[0].notna()
    if not starts.any() or cells.shape[1] < 2:
        raise WrongFormat(f"{file.name}: the first column holds no rates", hint=hint)
    first = int(starts.to_numpy().argmax())
    if first == 0:
        raise WrongFormat(f"{file.name}: line 1: there are no headings that name the ratings", hint=hint)
    below = numbers.iloc[first:]
    if below.isna().any(axis=None):
        line, column = (int(place[0]) for place in below.isna().to_numpy().nonzero())
        said = str(cells.iat[first + line, column])
        raise WrongFormat(
            f"{file.name}: line {first + line + 1}, column {column + 1}: {said!r} is no number", hint=hint
        )
    names = [str(each).strip().removeprefix(RATING_PREFIX) for each in cells.iloc[first - 1, 1:]]
    if len(set(names)) < len(names):
        raise WrongFormat(f"{file.name}: line {first}: a rating stands there twice", hint=hint)
    table = below.iloc[:, 1:].set_axis(names, axis=1).set_axis(below[0].astype("float64"), axis=0)
    try:
        return Churn.fitted(table)
    except ValueError as broken:
        raise WrongFormat(f"{file.name}: {broken}", hint=hint) from broken


def rates_of(text: str) -> tuple[float, ...]:
    """Yearly rates in per cent that a user wrote, as fractions: a list, or first:last:step. Raises ValueError.

    >>> rates_of("4.65, 5.85"), rates_of("4:5:0.5")
    ((0.0465, 0.0585), (0.04, 0.045, 0.05))
    """
    from decimal import Decimal, InvalidOperation

    try:
        if ":" in text:
            parts = [Decimal(each) for each in text.split(":")]
            if len(parts) != 3 or not all(each.is_finite() for each in parts):
                raise ValueError(f"{text!r} is no first:last:step in per cent, such as 4:15:0.25")
            first, last, step = parts
            if step <= 0 or last < first or (last - first) / step > MOST_RATES:
                raise ValueError(f"first:last:step rises by a step above zero, to {MOST_RATES} rates at most")
            found = [first + step * place for place in range(int((last - first) / step) + 1)]
        else:
            found = [Decimal(each.strip()) for each in text.split(",")]
    except InvalidOperation:
        raise ValueError(f"{text!r} is no list of rates in per cent, such as 4.65,5.85 or 4:15:0.25") from None
    if any(not each.is_finite() or not 0 < each < 100 for each in found):
        raise ValueError("a yearly rate lies between 0 and 100 per cent")
    return tuple(sorted({float(each / 100) for each in found}))


def pose(home: Home, tier: str, asked: Asked) -> Posed:
    """Every firm that policy would lend to alone, with its bounds and what they draw on together.

    The most of a firm is its limit under the pack less the line that it has, the least the product's. Offers that
    nobody took up are open, and count for nothing. Raises NoModel, UnknownName.
    """
    from credit.domain.allocation import Costs, Problem
    from credit.domain.decision import decide
    from credit.domain.policy.rules import Outcome

    in_force = pack_for(home, LINE, tier)
    day = asked.as_of or home.ledger().last_day(tier)
    # Lines are a matter of the day that the budget is given out, whatever date the history is read on.
    lines = home.decisions().standing(day, max(day, day_of(now())), accepted_only=True)
    # Shares are of the lines and of this budget together, where that is less than the policy's own.
    whole = asked.budget_fen + sum(each.amount_fen for each in lines if each.pack == in_force.name)
    pack = with_value(in_force, BUDGET, min(whole, int(in_force.terms(day)[BUDGET])))
    pack = replace(pack, not_applicable={**pack.not_applicable, **OWN_BUDGET})
    found = everyone_on(home, pack, day)
    # Each as much as it may have: what it once asked for is no bound of an offer.
    cases = found.cases(pack, lines).assign(requested_fen=_nothing(len(found.gathered.cases)))
    decided = decide(found.pinned.product, pack, cases, day)
    answers, terms = decided.answers, portfolio_terms(home, day)
    rating = _ratings(decided.cases["pd"], terms["rating_pd_upper"])
    lends = answers["outcome"] <= (Outcome.REFER if asked.with_referred else Outcome.REDUCE)
    known = found.gathered.cases["supplier_id"].to_frame().assign(
        grade=answers["grade"].to_numpy(),
        pd=decided.cases["pd"].to_numpy(),
        policy_rate_bp=answers["yearly_rate_bp"].to_numpy(),
    )  # fmt: skip
    kept = (lends & rating.notna() & (answers["amount_fen"] > 0)).to_numpy()
    firms = known[["pd"]].assign(
        rating=rating.to_numpy(),
        least_fen=int(decided.terms["product_minimum_fen"]),
        # What a firm has a line for already is not offered again.
        most_fen=answers["amount_fen"].to_numpy(dtype="int64") - cases["held_fen"].to_numpy(dtype="int64"),
    )
    places = kept.nonzero()[0]
    low, high = _bounds(pack, day)
    problem = Problem(
        firms=firms.iloc[places],
        budget_fen=asked.budget_fen,
        rates=asked.rates or tuple(rate for rate in asked.churn.rates if low <= rate <= high),
        churn=asked.churn,
        costs=Costs(*(float(decided.terms[name]) for name in ("loss_given_default", "funding_rate", "work_cost"))),
        pools=_pools(decided, pack, places, asked.budget_fen, terms["grade_and_weaker_share_max"]),
        step_fen=int(decided.terms["rounding_step_fen"]),
        counts_expected=asked.counts_expected,
    )
    if not problem.rates:
        raise UnknownName(
            f"{pack.name} lends between {low:.2%} and {high:.2%} a year, and the churn file has no rate there",
            hint="name `--rates` between those of the file",
        )
    if lacking := sorted(set(problem.firms["rating"]) - set(asked.churn.lost)):
        raise UnknownName(f"the churn file has no rating {lacking[0]!r}", hint="it has " + ", ".join(asked.churn.lost))
    about = {"as_of": str(day), "model": found.pinned.served.label, "policy": pack.name, "firms": len(known),
             "lent_to": len(places), "budget_fen": asked.budget_fen,
             "budget_counts": "expected" if asked.counts_expected else "offered",
             "grades": list(decided.terms["grade_pd_upper"])}  # fmt: skip
    posed = Posed(problem, known.iloc[places], (low, high), about)
    _refuse_rates(posed, problem.rates)
    return posed


def _nothing(count: int) -> Any:
    import pandas as pd

    return pd.array([None] * count, dtype="Int64")


def _ratings(pd_: pd.Series[float], upper: dict[str, float]) -> pd.Series[str]:
    """The rating of each PD: the first whose bound it does not exceed; None beyond them all."""
    import numpy as np
    import pandas as pd

    bounds = list(upper.values())
    if bounds != sorted(set(bounds)):
        raise PolicyBroken("portfolio.toml: the bounds of 'rating_pd_upper' do not rise", hint="from the best rating")
    names = np.array([*upper, None], dtype=object)
    return pd.Series(names[np.searchsorted(bounds, pd_.to_numpy(dtype=float), side="left")], index=pd_.index)


def _pools(
    decided: Decided, pack: Pack, places: Any, budget_fen: int, grade_shares: dict[str, float]
) -> tuple[Any, ...]:
    """What the firms draw on together: the product's pools, but the portfolio's, and the shares of weak grades."""
    import numpy as np
    import pandas as pd

    from credit.domain.allocation import Pooled
    from credit.domain.money import share_down

    cases, found = decided.cases.iloc[places], []
    for pool in decided.product.applying(pack.not_applicable)[1]:
        # What a firm has itself is not among what others have of its pool.
        left = (pool.term.fen(cases, decided.terms) - cases["held_fen"]).to_numpy()
        keys = pool.key(cases, decided.terms).to_numpy()
        for key, members in pd.Series(range(len(cases))).groupby(keys):
            # What one firm draws on alone is in its own limit.
            if len(members) > 1:
                found.append(Pooled(f"{pool.name} {key}", np.asarray(members, dtype=np.int64), int(min(left[members]))))
    scale = list(grade_shares)
    for place, (grade, share) in enumerate(grade_shares.items()):
        weak = np.flatnonzero(cases["grade"].isin(scale[place:]).to_numpy())
        if share < 1 and weak.size:
            most = int(share_down(pd.Series([budget_fen], dtype="Int64"), share)[0])
            found.append(Pooled(f"{grade} and weaker", weak, most))
    return tuple(found)


def _bounds(pack: Pack, day: date) -> tuple[float, float]:
    terms = pack.terms(day)
    return terms["yearly_rate_bp_min"] / 10_000, terms["yearly_rate_bp_max"] / 10_000


def _refuse_rates(posed: Posed, rates: Sequence[float]) -> None:
    """Raise UnknownName for a rate that policy does not lend at, or whose customers nobody has seen."""
    known = posed.problem.churn.rates
    said = {
        "lends between": (posed.about["policy"], posed.bounds),
        "ends at": ("the churn file", (known[0], known[-1])),
    }
    for verb, (who, (low, high)) in said.items():
        if wrong := [rate for rate in rates if not low <= rate <= high]:
            raise UnknownName(
                f"{who} {verb} {low:.2%} and {high:.2%} a year, and {wrong[0]:.2%} was asked for",
                hint="name other `--rates` or `--flat`",
            )


def allocated(posed: Posed, flat: Sequence[float]) -> dict[str, Any]:
    """The best allocation, what proves it, and what others would earn on the same firms and PDs."""
    from credit.domain import allocation

    problem = posed.problem
    _refuse_rates(posed, flat)
    console.progress(f"allocating over {len(problem.firms):,} firms")
    best = allocation.allocate(problem)
    low, high = problem.churn.rates[0], problem.churn.rates[-1]
    # What policy asks of each firm by itself; beyond the curve nothing is known of its customers.
    prices = (posed.known["policy_rate_bp"].to_numpy(dtype="float64") / 10_000).clip(low, high)
    beside = {
        "equal split at the policy's price": allocation.equal_split(problem, prices),
        "rank and fill at the policy's price": allocation.rank_and_fill(problem, prices),
        "rank and fill at these rates": allocation.rank_and_fill(problem),
    }
    for rate in flat:
        beside[f"flat {rate:.2%}"] = allocation.allocate(replace(problem, rates=(rate,)))
    console.progress_done()
    return {
        **posed.about,
        **_worth(best),
        "bound_fen": best.bound_fen,
        "gap": best.gap,
        "one_more_yuan_earns": dict(best.duals),
        "beside": [{"by": name, **_worth(each), "less_fen": best.profit_fen - each.profit_fen}
                   for name, each in beside.items()],
        "by_grade": _by_grade(posed, best),
        "offers": _offers(posed, best),
    }  # fmt: skip


def _worth(made: Allocation) -> dict[str, Any]:
    offers = made.offers
    taken = float((offers["amount_fen"] * offers["taken"]).sum())
    mean = float((offers["amount_fen"] * offers["taken"] * offers["rate"]).sum() / taken) if taken else 0.0
    return {
        "offered_to": len(offers),
        "offered_fen": made.offered_fen,
        "expected_taken_fen": round(taken),
        "mean_rate": round(mean, 6),
        "expected_profit_fen": made.profit_fen,
    }


def _by_grade(posed: Posed, made: Allocation) -> list[dict[str, Any]]:
    offers = made.offers.join(posed.known)
    return [
        {
            "grade": str(grade),
            "offered_to": len(rows),
            "offered_fen": int(rows["amount_fen"].sum()),
            "lowest_rate": float(rows["rate"].min()),
            "highest_rate": float(rows["rate"].max()),
            "expected_profit_fen": int(rows["profit_fen"].sum()),
        }
        for grade, rows in offers.groupby("grade")
    ]


def _offers(posed: Posed, made: Allocation) -> list[dict[str, Any]]:
    rows = made.offers.join(posed.known)
    said = rows[["supplier_id", "grade", "pd", "amount_fen"]].assign(
        yearly_rate_bp=(rows["rate"] * 10_000).round(4),
        policy_rate_bp=rows["policy_rate_bp"].astype("int64"),
        expected_taken=rows["taken"],
        expected_profit_fen=rows["profit_fen"],
    )
    return [{str(name): value for name, value in row.items()} for row in said.to_dict("records")]


# -- shocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A shock: what it does to the odds of default and of going elsewhere, to what is lost, to funding and the budget.

    `grades` keeps the shock of default to firms of these grades.
    """

    name: str
    pd_odds: float = 1.0
    churn_odds: float = 1.0
    loss_given_default: float = 0.0
    funding_rate: float = 0.0
    budget: float = 1.0
    grades: tuple[str, ...] = ()

    def on(self, posed: Posed) -> Problem:
        """The problem under the shock."""
        problem = posed.problem
        pd_ = problem.firms["pd"]
        scale = posed.about["grades"]
        if unknown := [grade for grade in self.grades if grade not in scale]:
            raise UnknownName(f"{self.name}: there is no grade {unknown[0]!r}", hint="one of " + ", ".join(scale))
        hit = posed.known["grade"].isin(self.grades) if self.grades else pd_.notna()
        odds = self.pd_odds * pd_ / (1 - pd_)
        costs = replace(
            problem.costs,
            loss_given_default=min(max(problem.costs.loss_given_default + self.loss_given_default, 0.0), 1.0),
            funding=max(problem.costs.funding + self.funding_rate, 0.0),
        )
        return replace(
            problem,
            firms=problem.firms.assign(pd=pd_.mask(hit, odds / (1 + odds))),
            budget_fen=self._of(problem.budget_fen),
            pools=tuple(replace(each, most_fen=self._of(each.most_fen)) for each in problem.pools),
            churn=problem.churn.shifted(self.churn_odds),
            costs=costs,
        )

    def _of(self, fen: int) -> int:
        """What is left of an amount where there is less or more of everything."""
        import pandas as pd

        from credit.domain.money import share_down

        return int(share_down(pd.Series([fen], dtype="Int64"), self.budget)[0])


def read_scenarios(file: Path) -> list[Scenario]:
    """The shocks of a TOML file, `[[scenario]]` each. Raises FileMissing, WrongFormat naming the entry."""
    if not file.is_file():
        raise FileMissing(f"{file.name}: no such file", hint="a TOML file of [[scenario]] with a name and its shocks")
    known = {name: each.type for name, each in Scenario.__dataclass_fields__.items()}
    hint = "an entry has: " + ", ".join(known)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise WrongFormat(f"{file.name}: {broken}", hint="the file is not valid TOML") from broken
    found = []
    listed = content.get("scenario", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise WrongFormat(f"{file.name}: scenario is no list of tables", hint="write [[scenario]], with two brackets")
    for place, entry in enumerate(listed, start=1):
        where = f"{file.name}: scenario {place}"
        if unknown := sorted(set(entry) - set(known)):
            raise WrongFormat(f"{where}: {unknown[0]!r} is no shock", hint=hint)
        if not str(entry.get("name", "")).strip():
            raise WrongFormat(f"{where}: it has no name", hint=hint)
        for name, value in entry.items():
            if name not in ("name", "grades") and not _is_finite(value):
                raise WrongFormat(f"{where}: {name} is {value!r}, not a number", hint=hint)
        for name in ("pd_odds", "churn_odds", "budget"):
            if entry.get(name, 1.0) <= 0:
                raise WrongFormat(f"{where}: {name} is a factor above zero", hint=hint)
        grades = entry.get("grades", [])
        if not isinstance(grades, list) or not all(isinstance(each, str) for each in grades):
            raise WrongFormat(f"{where}: grades is a list of grades", hint=hint)
        found.append(Scenario(**{**entry, "grades": tuple(grades)}))
    if not found or set(content) - {"scenario"}:
        raise WrongFormat(f"{file.name}: it holds no [[scenario]], or something beside them", hint=hint)
    return found


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def stressed(posed: Posed, scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """What each shock makes of the offers as they were made, and of the best that could be made under it."""
    from credit.domain import allocation

    console.progress("allocating without a shock")
    best = allocation.allocate(posed.problem)
    rows = []
    for place, scenario in enumerate(scenarios):
        console.progress("allocating under each shock", place, len(scenarios))
        problem = scenario.on(posed)
        held = replace(best, offers=allocation.valued(problem, best.offers))
        again = allocation.allocate(problem)
        rows.append({"scenario": asdict(scenario), "held": _worth(held), "allocated_anew": _worth(again),
                     "one_more_yuan_earns": dict(again.duals)})  # fmt: skip
    console.progress_done()
    return {**posed.about, "without_shock": _worth(best), "scenarios": rows}
