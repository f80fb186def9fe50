"""Pools: what many cases draw on together, the portfolio, a group of firms, a buyer, a district, each with a cap.

What others have of a pool is the input `<pool>_exposure_fen` of a case: what stands offered, and what lines and
guarantees take by the book. Whoever fills it in, rules and limits read nothing else of exposure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from credit.domain.limits import LimitTerm
from credit.domain.money import fen, share_down
from credit.domain.policy.terms import Terms

BUDGET = "portfolio_budget_fen"


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. `key` says which one a case draws on, None where its grade or contract draws on none.

    What stands under any pack counts in it, or only what stands under the same one.
    """

    name: str
    term: LimitTerm
    key: Callable[[pd.DataFrame, Terms], pd.Series[str]]
    across_packs: bool

    @property
    def exposure(self) -> str:
        """The input that holds what others have of it."""
        return f"{self.name}_exposure_fen"


def _pool(
    name: str,
    cap: Callable[[pd.DataFrame, Terms], pd.Series[int]],
    key: Callable[[pd.DataFrame, Terms], pd.Series[str]],
    *,
    requires: tuple[str, ...],
    observes: tuple[str, ...] = (),
    across_packs: bool = False,
) -> Pool:
    def headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
        left: pd.Series[int] = cap(cases, terms) - cases[f"{name}_exposure_fen"]
        for each in observes:
            left = left.mask(cases[each].isna())
        return left

    term = LimitTerm(f"LIM-{name}", headroom, observes=(f"{name}_exposure_fen", *observes), requires=requires)
    return Pool(name, term, key, across_packs)


def _everything(cases: pd.DataFrame, terms: Terms) -> pd.Series[str]:
    return pd.Series("all", index=cases.index)


def _column(*names: str) -> Callable[[pd.DataFrame, Terms], pd.Series[str]]:
    def joined(cases: pd.DataFrame, terms: Terms) -> pd.Series[str]:
        known = cases[list(names)].notna().all(axis=1)
        key = cases[names[0]].astype("str")
        for name in names[1:]:
            key = key + "/" + cases[name].astype("str")
        return key.where(known, None)

    return joined


def _weak(cases: pd.DataFrame, terms: Terms) -> pd.Series[str]:
    return pd.Series("weak", index=cases.index).where(is_weak(cases, terms), None)


def is_weak(cases: pd.DataFrame, terms: Terms) -> pd.Series[bool]:
    """Whether a case is among the weak ones, whose share of the book is capped."""
    weak: pd.Series[bool] = cases["pd"] > terms["weak_pd"]
    return weak


def _stated(name: str) -> Callable[[pd.DataFrame, Terms], pd.Series[int]]:
    def cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
        return fen(terms.of(name, cases))

    return cap


def _share_of_budget(name: str) -> Callable[[pd.DataFrame, Terms], pd.Series[int]]:
    def cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
        return share_down(fen(terms.of(BUDGET, cases)), terms.of(name, cases))

    return cap


def _weak_cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    budget = fen(terms.of(BUDGET, cases))
    return budget.mask(is_weak(cases, terms), share_down(budget, terms["weak_share_max"]))


PORTFOLIO = _pool("portfolio", _stated(BUDGET), _everything, requires=(BUDGET,))
GROUP = _pool(
    "group",
    _stated("group_cap_fen"),
    _column("group_id"),
    requires=("group_cap_fen",),
    observes=("group_id",),
    across_packs=True,
)
DISTRICT = _pool(
    "district",
    _share_of_budget("district_share_max"),
    _column("district"),
    requires=(BUDGET, "district_share_max"),
    observes=("district",),
)
WEAK = _pool("weak", _weak_cap, _weak, requires=(BUDGET, "weak_pd", "weak_share_max"))
BUYER = _pool(
    "buyer",
    _share_of_budget("buyer_share_max"),
    _column("buyer_id"),
    requires=(BUDGET, "buyer_share_max"),
    observes=("buyer_id",),
)
PAIR = _pool(
    "pair",
    _stated("pair_cap_fen"),
    _column("group_id", "buyer_id"),
    requires=("pair_cap_fen",),
    observes=("group_id", "buyer_id"),
    across_packs=True,
)
CATEGORY = _pool(
    "category",
    _share_of_budget("category_share_max"),
    _column("category"),
    requires=(BUDGET, "category_share_max"),
    observes=("category",),
)
POOLS: tuple[Pool, ...] = (PORTFOLIO, GROUP, DISTRICT, WEAK, BUYER, PAIR, CATEGORY)
