"""Alternatives around a decision: the largest amounts that need no person, by security and tenor.

They are the same case decided again, by the same code, with less asked for or with a security that could still be
given: so a case that is referred becomes a counter-offer. An alternative is no decision; who wants it asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit.domain.decision import Decided, decide
from credit.domain.policy.rules import Outcome
from credit.domain.policy.terms import Pack
from credit.domain.price import BASIS_POINTS
from credit.domain.products.product import Product, Security

Steps = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# So many amounts are tried between the least and the most, and so many again between the two that matter.
TRIED = 100
SHARES = (1.0, 0.75, 0.5, 0.25)
MONTHS = (3, 6, 9, 12, 18, 24)
MONTHS_A_YEAR = 12
AS_IT_IS = Security("AS_IT_IS", "按现状", "as it is", ())
COLUMNS = ("security", "amount_fen", "tenor_months", "yearly_rate_bp", "cost_fen")


def alternatives(product: Product, pack: Pack, case: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """What policy grants without a person, from the largest amount down, a row an alternative.

    `case` has one row, as `decide` takes it. Columns: security (its code), amount_fen, tenor_months (missing for a
    guarantee, which ends by its contract), yearly_rate_bp, cost_fen (the interest of the whole amount over the whole
    tenor, or the guarantee's fee; rounded up). A guarantee is given in full or not at all.
    """
    rows: list[dict[str, Any]] = []
    for security in (AS_IT_IS, *product.securities):
        # What is there already, or is not asked about, need not be given.
        if any(name not in case or bool(case[name].fillna(False).iloc[0]) for name in security.gives):
            continue
        found = _with(product, pack, case.assign(**dict.fromkeys(security.gives, True)), as_of, security.code)
        # Nobody gives what buys nothing.
        if _most(found) > _most(rows):
            rows += found
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _most(rows: list[dict[str, Any]]) -> int:
    return max((row["amount_fen"] for row in rows), default=0)


def _with(product: Product, pack: Pack, case: pd.DataFrame, as_of: date, security: str) -> list[dict[str, Any]]:
    terms = pack.terms(as_of)
    step = int(terms["rounding_step_fen"])
    decided = decide(product, pack, case, as_of)
    most = int(decided.cases["granted_fen"].fillna(0).iloc[0])
    if product.needs is not None:
        given = decided.answers["outcome"].iloc[0] <= Outcome.REDUCE and most > 0
        return [_guaranteed(decided, security)] if given else []
    least = int(terms["product_minimum_fen"])
    largest = _largest(product, pack, case, as_of, least=least, most=most, step=step)
    amounts = dict.fromkeys(int(largest * share) // step * step for share in SHARES)
    whole = [amount for amount in amounts if largest and amount >= least]
    return _by_tenor(product, pack, case, as_of, security, whole) if whole else []


def _largest(product: Product, pack: Pack, case: pd.DataFrame, as_of: date, *, least: int, most: int, step: int) -> int:
    """The largest amount that no rule refers or declines, in whole steps; 0 where there is none.

    What rules say of an amount they say of every smaller one too, down to the product's least.
    """
    low, high = -(-least // step), most // step
    while high >= low:
        tried = np.unique(np.linspace(low, high, TRIED).astype(np.int64))
        granted = _granted(product, pack, case, as_of, tried * step)
        if not granted.any():
            return 0
        best = int(np.flatnonzero(granted).max())
        if best == len(tried) - 1 or tried[best + 1] - tried[best] == 1:
            return int(tried[best] * step)
        low, high = int(tried[best]), int(tried[best + 1] - 1)
    return 0


def _granted(product: Product, pack: Pack, case: pd.DataFrame, as_of: date, amounts: Steps) -> Flags:
    answers = decide(product, pack, _asking(case, amounts.tolist()), as_of).answers
    whole = (answers["amount_fen"] == amounts) & (answers["outcome"] == Outcome.APPROVE)
    found: Flags = whole.to_numpy(dtype=bool)
    return found


def _by_tenor(
    product: Product, pack: Pack, case: pd.DataFrame, as_of: date, security: str, amounts: Sequence[int]
) -> list[dict[str, Any]]:
    """Each amount by how long it is lent: up to the tenor that the decision has."""
    answers = decide(product, pack, _asking(case, amounts), as_of).answers
    rates, longest = answers["yearly_rate_bp"].astype(int), answers["tenor_months"].astype(int)
    return [
        {"security": security, "amount_fen": amount, "tenor_months": months, "yearly_rate_bp": rate,
          "cost_fen": interest_fen(amount, rate, months)}
         for amount, rate, most in zip(amounts, rates.tolist(), longest.tolist(), strict=True)
         for months in [*(each for each in MONTHS if each < most), most]
    ]  # fmt: skip


def interest_fen(amount_fen: int, yearly_rate_bp: int, months: int) -> int:
    """The interest of a whole amount over whole months, rounded up.

    >>> interest_fen(4_700_000, 435, 12), interest_fen(1, 1, 1)
    (204450, 1)
    """
    return -(-amount_fen * yearly_rate_bp * months // (BASIS_POINTS * MONTHS_A_YEAR))


def _guaranteed(decided: Decided, security: str) -> dict[str, Any]:
    answer = decided.answers.iloc[0]
    facts = {str(name): decided.cases[name].iloc[0] for name in decided.cases.columns}
    facts |= {"amount_fen": int(answer["amount_fen"]), "yearly_rate_bp": int(answer["yearly_rate_bp"])}
    fee = decided.product.conditions(facts, decided.terms)["fee_fen"]
    return {"security": security, "amount_fen": facts["amount_fen"], "tenor_months": None,
            "yearly_rate_bp": facts["yearly_rate_bp"], "cost_fen": fee}  # fmt: skip


def _asking(case: pd.DataFrame, amounts: Sequence[int]) -> pd.DataFrame:
    many = case.loc[case.index.repeat(len(amounts))].reset_index(drop=True)
    return many.assign(requested_fen=pd.array(list(amounts), dtype="Int64"))
