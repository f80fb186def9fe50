"""Price: what funds, expected loss, capital and work cost, rounded up (DOMAIN 3.6)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from credit.domain.policy.terms import Terms

BASIS_POINTS = 10_000
DAYS_A_YEAR = 365

LOAN_REQUIRES = (
    "loss_given_default",
    "capital_ratio",
    "risk_weight",
    "work_cost",
    "hurdle",
    "tax",
    "funding_rate",
)
GUARANTEE_REQUIRES = (*LOAN_REQUIRES, "conversion_economic", "conversion_regulatory")


def loan_rate(
    cases: pd.DataFrame, terms: Terms, *, loss_given_default: pd.Series[float] | float | None = None
) -> pd.DataFrame:
    """The yearly rate of a loan by its parts, fractions a year: funding, loss, work, capital, rate.

    What is lost of a default is the product's share, or each case's own.

    rate = funding + PD·LGD + work + capital·(hurdle / (1 − tax) − funding), capital = k·RW: capital earns the funding
    rate, and the return after tax reaches the hurdle. The worked case of DOMAIN 3.6 (PD 2 %, LGD 45 %, RW 75 %,
    k 10.5 %, funding 1.9 %, work 0.8 %, hurdle 12 %, tax 25 %) gives 4.71 %.
    """
    lost = terms["loss_given_default"] if loss_given_default is None else loss_given_default
    loss = cases["pd"] * lost
    capital = terms["capital_ratio"] * terms["risk_weight"]
    return _parts(loss, capital, terms, funding=terms["funding_rate"])


def guarantee_rate(cases: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The yearly fee rate of a guarantee by its parts: no funding, loss by the economic conversion factor, capital by
    the regulatory one.

    The worked case of DOMAIN 3.6 (PD 2 %, conversion 10 %, loss given call 60 %, regulatory factor 50 %) gives 0.73 %.
    """
    loss = cases["pd"] * terms["conversion_economic"] * terms["loss_given_default"]
    capital = terms["capital_ratio"] * terms["risk_weight"] * terms["conversion_regulatory"]
    return _parts(loss, capital, terms, funding=0.0)


def _parts(loss: pd.Series[float], capital: float, terms: Terms, *, funding: float) -> pd.DataFrame:
    return_on_capital = capital * (terms["hurdle"] / (1 - terms["tax"]) - terms["funding_rate"])
    parts = pd.DataFrame({"funding": funding, "loss": loss, "work": terms["work_cost"], "capital": return_on_capital})
    return parts.assign(rate=parts.sum(axis=1, skipna=False))


def subsidy_bp(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """What a programme pays of the yearly rate, in basis points: that of the membership which pays most, if any.

    The price stays what covers the risk; who pays a part of it is stated beside. `programmes` holds the names of all
    memberships, joined by " + ".
    """
    paid: dict[str, float] = terms["programme_subsidy_bp"]
    known = {each: max((paid.get(name, 0) for name in each.split(" + ")), default=0) for each in _named(cases)}
    most = np.array([0 if each is None else known[each] for each in cases["programmes"]], dtype="int64")
    whole = cases["yearly_rate_bp"].fillna(0).to_numpy(dtype="int64")
    return pd.Series(np.minimum(most, whole), index=cases.index)


def _named(cases: pd.DataFrame) -> set[str]:
    return {each for each in cases["programmes"] if each is not None}


def basis_points_up(rate: pd.Series[float], step_bp: int) -> pd.Series[float]:
    """A rate in whole steps of basis points, rounded up; NaN stays NaN.

    >>> basis_points_up(pd.Series([0.04710375, 0.05]), 1).tolist()
    [472.0, 500.0]
    """
    # Seven digits of a step first: 0.05 is 500.00000000000006 basis points in binary, which must not become 501.
    steps = (rate * BASIS_POINTS / step_bp).round(7).to_numpy()
    return pd.Series(np.ceil(steps) * step_bp, index=rate.index)


def fee_fen(amount_fen: int, rate_bp: int, days: int, minimum_fen: int) -> int:
    """The fee of a guarantee for so many days, rounded up to the fen and at least the minimum.

    >>> fee_fen(2_000_000, 73, 365, 30_000), fee_fen(80_000_000, 73, 365, 30_000)
    (30000, 584000)
    """
    return max(minimum_fen, -(-amount_fen * rate_bp * days // (BASIS_POINTS * DAYS_A_YEAR)))
