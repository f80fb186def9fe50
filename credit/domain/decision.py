"""The decision: from a frame of cases to a frame of answers.

One application is a frame of one row; the night's million is a frame of a million. All rules of the product run, the
strictest finding wins, the amount is the smallest of its named terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from credit.domain import limits
from credit.domain.policy.inputs import GIVEN, MAPPED, as_read
from credit.domain.policy.rules import Outcome, findings, strictest
from credit.domain.policy.terms import Pack, Terms
from credit.domain.price import basis_points_up
from credit.domain.products.product import Product
from credit.domain.scale import grades, points


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on a frame of cases; every frame is indexed as `cases`.

    `cases` holds what the rules observed, `limits` each term in fen, `found` each rule's finding, `price` the parts of
    the rate as yearly fractions, `answers` the answer: outcome (an Outcome), amount_fen (what is granted, or for a
    referred case what a person could grant), bound_by (None where no limit is known), grade, score, yearly_rate_bp
    (NaN without a score), tenor_months (at most), valid_until.
    """

    product: Product
    terms: Terms
    cases: pd.DataFrame
    limits: pd.DataFrame
    found: pd.DataFrame
    price: pd.DataFrame
    answers: pd.DataFrame

    def only(self, case: int) -> Decided:
        """What was decided on one of the cases."""
        frames = {name: getattr(self, name).loc[[case]] for name in ("cases", "limits", "found", "price", "answers")}
        return replace(self, **frames)


def decide(product: Product, pack: Pack, cases: pd.DataFrame, as_of: date) -> Decided:
    """Decide every case under a pack as it stood on a date.

    `cases` has the product's inputs as columns and beside them `pd` (NaN where unscorable), `requested_fen` (NaN where
    no amount was named), `exposure_fen` and `portfolio_headroom_fen`. Raises ValueError where a column is absent, an
    amount is no whole number of fen, or a PD no probability.
    """
    terms = pack.terms(as_of)
    read = _read(product, pack, cases)
    graded = read.assign(grade=grades(read["pd"], terms), score=points(read["pd"]))
    limited = limits.smallest(product.limits, graded, terms, step_fen=int(terms["rounding_step_fen"]))
    price = product.rate(graded["pd"], terms)
    rate = basis_points_up(price["rate"], int(terms["rate_step_bp"])).clip(lower=int(terms["yearly_rate_bp_min"]))
    whole = graded.assign(
        limit_fen=limited["limit_fen"],
        granted_fen=limits.granted(limited["limit_fen"], graded["requested_fen"]),
        yearly_rate_bp=rate,
    )
    if product.needs is not None:
        whole = whole.assign(guarantee_needed_fen=limited[product.needs.code])
    found = findings(product.rules, whole, terms, pack.not_applicable)
    return Decided(product, terms, whole, limited, found, price, _answers(product, whole, limited, found, terms))


def _read(product: Product, pack: Pack, cases: pd.DataFrame) -> pd.DataFrame:
    assumed = {name: each.value for name, each in pack.assumed.items()}
    brought = {each.name for each in (*GIVEN, *MAPPED)} & set(product.inputs(but=pack.not_applicable))
    return as_read(cases.assign(**assumed), [*(each.name for each in GIVEN), *brought])


def _answers(
    product: Product, cases: pd.DataFrame, limited: pd.DataFrame, found: pd.DataFrame, terms: Terms
) -> pd.DataFrame:
    granted, asked = cases["granted_fen"].fillna(0), cases["requested_fen"]
    outcome = strictest(product.rules, found).to_numpy()
    outcome = np.maximum(outcome, np.where((granted < asked).fillna(False), Outcome.REDUCE, Outcome.APPROVE))
    # To grant nothing is no approval, whatever the rules found.
    outcome = np.maximum(outcome, np.where(granted == 0, Outcome.REFER, Outcome.APPROVE))
    as_asked = (asked <= limited["limit_fen"]).fillna(False)
    return pd.DataFrame(
        {
            "outcome": outcome.astype("int8"),
            "amount_fen": np.where(outcome == Outcome.DECLINE, 0, granted.to_numpy(dtype="int64")),
            "bound_by": limited["bound_by"].mask(as_asked, limits.REQUESTED),
            "grade": cases["grade"],
            "score": cases["score"],
            "yearly_rate_bp": cases["yearly_rate_bp"],
            "tenor_months": int(terms["tenor_months"]),
            "valid_until": terms.as_of + timedelta(days=int(terms["valid_days"])),
        },
        index=cases.index,
    )


def decide_within_budget(
    product: Product,
    pack: Pack,
    cases: pd.DataFrame,
    as_of: date,
    budget_fen: int,
    held_fen: pd.Series[int] | None = None,
) -> Decided:
    """Decide many cases that share one budget: the safest are served first, and the total never exceeds the budget.

    Each case is first decided as if the budget were its own; in the order of PD (then of the frame) each is then given
    as headroom what the ones before it have left. The headroom is part of the case and of its record, so that a single
    case decided again with the same headroom comes out the same.

    `held_fen` is what stands offered on each case's own question already, outside the budget that is left: an answer
    up to it takes nothing more.
    """
    held = np.zeros(len(cases), dtype="int64") if held_fen is None else held_fen.to_numpy(dtype="int64")
    alone = decide(product, pack, cases.assign(portfolio_headroom_fen=budget_fen + held), as_of)
    # The sort is stable and puts what has no PD last.
    order = np.argsort(alone.cases["pd"].to_numpy(), kind="stable")
    taken = np.maximum(alone.answers["amount_fen"].to_numpy(dtype="int64") - held, 0)[order]
    before = np.empty_like(taken)
    before[order] = np.cumsum(taken) - taken
    if not before.any():
        return alone
    headroom = np.maximum(budget_fen - before, 0) + held
    return decide(product, pack, cases.assign(portfolio_headroom_fen=headroom), as_of)
