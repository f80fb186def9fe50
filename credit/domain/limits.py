"""Limits: the amount is the smallest of its named terms, and the answer says which one bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from credit.domain.money import floor_to, share_down
from credit.domain.policy.terms import Terms

# What stands for "no bound" in integers; far above any amount, far below overflow.
UNBOUNDED_FEN = 10**17


@dataclass(frozen=True, slots=True)
class LimitTerm:
    """One named term of the smallest-of; `code` is its reason code."""

    code: str
    fen: Callable[[pd.DataFrame, Terms], pd.Series]


def smallest(terms_of: tuple[LimitTerm, ...], cases: pd.DataFrame, terms: Terms, *, step_fen: int) -> pd.DataFrame:
    """Each term in fen, then `limit_fen` (the smallest, rounded down to the step, never negative) and `bound_by`.

    Of equal terms the first named binds. A case whose term cannot be computed has a limit of zero.
    """
    columns = {t.code: t.fen(cases, terms).astype("float64").fillna(0).astype("int64") for t in terms_of}
    frame = pd.DataFrame(columns, index=cases.index)
    values = frame.to_numpy()
    bound_by = np.array(list(columns), dtype=object)[values.argmin(axis=1)] if len(frame) else []
    limit = floor_to(pd.Series(values.min(axis=1) if len(frame) else [], index=frame.index, dtype="int64"), step_fen)
    return frame.assign(limit_fen=limit, bound_by=bound_by)


def product_cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The most the product lends to one supplier."""
    return pd.Series(terms["product_cap_fen"], index=cases.index)


def grade_cap(cases: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    """The most that a grade can have."""
    return terms.by("grade_cap_fen", cases.grade)


def turnover_share(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """A share of the last twelve months' turnover, less for weaker grades (KOSME: at most a third of sales)."""
    return share_down(whole(cases.turnover_fen), terms.by("turnover_share", cases.grade).fillna(0.0))


def working_capital_need(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What the business needs to turn over, less what it has borrowed and advances received already.

    prior sales × (1 − margin) × (1 + growth) / turns (流动资金贷款 demand test, DOMAIN 2.5), where 1 − margin is the
    share of cost in sales and 1 + growth this year's sales against last year's; an advance pays part of the need, so it
    lowers the loan. A share of cost that nobody knows is taken at its lower bound, unknown growth as none.
    """
    cost = cases.cost_share.astype("float64").fillna(0.0).clip(terms["cost_share_min"], terms["cost_share_max"])
    growth = cases.growth_ratio.astype("float64").fillna(1.0).clip(terms["growth_ratio_min"], terms["growth_ratio_max"])
    need = share_down(whole(cases.turnover_fen), cost * growth / terms["turns"])
    return need - whole(cases.borrowed_fen) - whole(cases.advances_held_fen)


def relationship_headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left of the cap on one supplier over loans and guarantees."""
    return terms["relationship_cap_fen"] - whole(cases.exposure_fen)


def portfolio_headroom(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What is left of the portfolio's budget when this case is decided."""
    return whole(cases.portfolio_headroom_fen)


def requested(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What was asked for; no bound where no amount was named."""
    return whole(cases.requested_fen.fillna(UNBOUNDED_FEN))


def whole(amount: pd.Series[float]) -> pd.Series[int]:
    """An amount that came as a float column because some of it is missing, as integers; what is missing is zero."""
    return amount.astype("float64").fillna(0).astype("int64")
