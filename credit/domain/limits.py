"""Limits: the amount is the smallest of its named terms, and the answer says which one bound.

Every term is a column of nullable integers. A term that cannot be computed is missing, never zero and never without
bound: the limit is then not known, nothing is granted and a person has to look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from credit.domain.money import LARGEST_FEN, fen, floor_to, share_down
from credit.domain.policy.terms import Terms

REQUESTED = "LIM-requested"


@dataclass(frozen=True, slots=True)
class LimitTerm:
    """One named term of the smallest-of; `code` is its reason code.

    `observes` are the inputs it reads, `requires` the parameters it holds them against.
    """

    code: str
    fen: Callable[[pd.DataFrame, Terms], pd.Series[int]]
    observes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def smallest(terms_of: tuple[LimitTerm, ...], cases: pd.DataFrame, terms: Terms, *, step_fen: int) -> pd.DataFrame:
    """Each term in fen, then `limit_fen` (the smallest, rounded down to the step, never negative) and `bound_by`.

    Of equal terms the first named binds. Where a term is missing, the limit is missing and
    `bound_by` None.
    """
    columns = {t.code: t.fen(cases, terms) for t in terms_of}
    frame = pd.DataFrame(columns, index=cases.index)
    unknown = np.logical_or.reduce([column.isna().to_numpy() for column in columns.values()])
    values = np.array([column.to_numpy(dtype="int64", na_value=LARGEST_FEN) for column in columns.values()])
    limit = floor_to(pd.Series(values.min(axis=0), index=frame.index, dtype="Int64"), step_fen)
    codes = np.array([t.code for t in terms_of], dtype=object)
    bound_by = np.where(unknown, None, codes[values.argmin(axis=0)])
    return frame.assign(limit_fen=limit.mask(unknown), bound_by=pd.Series(bound_by, index=frame.index, dtype="object"))


def granted(limit_fen: pd.Series[int], requested_fen: pd.Series[int]) -> pd.Series[int]:
    """The limit, or what was asked for where that is less; never negative, missing where the limit is.

    >>> granted(pd.Series([500, 500, None], dtype="Int64"), pd.Series([300, None, 300], dtype="Int64")).tolist()
    [300, 500, <NA>]
    """
    asked = requested_fen.fillna(LARGEST_FEN)
    return limit_fen.mask((asked < limit_fen).fillna(False), asked).clip(lower=0)


def product_cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The most the product lends to one supplier."""
    return fen(terms.of("product_cap_fen", cases))


def grade_cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The most that a grade can have."""
    return fen(terms.by("grade_cap_fen", cases["grade"]))


def turnover_share(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """A share of the last twelve months' turnover, less for weaker grades (KOSME: at most a third of sales)."""
    return share_down(cases["turnover_fen"], terms.by("turnover_share", cases["grade"]))


def working_capital_need(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What the business needs to turn over, less what it has borrowed and advances received already.

    prior sales × (1 − margin) × (1 + growth) / turns (流动资金贷款 demand test, DOMAIN 2.5), where 1 − margin is the
    share of cost in sales and 1 + growth this year's sales against last year's; an advance pays part of the need, so it
    lowers the loan. A share of cost that nobody knows is taken at its lower bound, unknown growth as none.
    """
    growth = np.nan_to_num(cases["growth_ratio"].to_numpy(dtype="float64"), nan=1.0)
    believed = growth.clip(terms["growth_ratio_min"], terms["growth_ratio_max"])
    need = share_down(cases["turnover_fen"], cost_share(cases, terms) * believed / terms["turns"])
    return need - cases["borrowed_fen"] - cases["advances_held_fen"]


def cost_share(cases: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    """The share of cost in sales within what is believed; what nobody knows is taken at the lower bound."""
    least, most = terms["cost_share_min"], terms["cost_share_max"]
    known = np.nan_to_num(cases["cost_share"].to_numpy(dtype="float64"), nan=least)
    return pd.Series(known.clip(least, most), index=cases.index)


def relationship_headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left of the cap on one supplier over loans and guarantees."""
    return fen(terms.of("relationship_cap_fen", cases)) - cases["exposure_fen"]


def dear_cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """Above the rate that small firms ordinarily pay, a small ticket alone; below it, the product's own cap."""
    dear = cases["yearly_rate_bp"] > terms.of("ordinary_rate_bp", cases)
    return product_cap(cases, terms).mask(dear, fen(terms.of("dear_cap_fen", cases)))


PRODUCT = LimitTerm("LIM-product", product_cap, requires=("product_cap_fen",))
GRADE = LimitTerm("LIM-grade", grade_cap, requires=("grade_cap_fen",))
TURNOVER = LimitTerm("LIM-turnover", turnover_share, observes=("turnover_fen",), requires=("turnover_share",))
COST = ("cost_share_min", "cost_share_max")
NEED = LimitTerm(
    "LIM-need",
    working_capital_need,
    observes=("turnover_fen", "cost_share", "growth_ratio", "borrowed_fen", "advances_held_fen"),
    requires=(*COST, "growth_ratio_min", "growth_ratio_max", "turns"),
)
RELATIONSHIP = LimitTerm(
    "LIM-relationship", relationship_headroom, observes=("exposure_fen",), requires=("relationship_cap_fen",)
)
PRICE = LimitTerm("LIM-price", dear_cap, requires=("ordinary_rate_bp", "dear_cap_fen", "product_cap_fen"))
