"""The decision: from a frame of cases to a frame of answers.

One application is a frame of one row; the night's million is a frame of a million. All rules of the product run, the
strictest finding wins, the amount is the smallest of its named terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from credit.domain import limits
from credit.domain.points import points
from credit.domain.policy.inputs import GIVEN, INPUTS, as_read
from credit.domain.policy.rules import Finding, Outcome, findings, strictest
from credit.domain.policy.supplier_rules import has_waited_after_a_decline
from credit.domain.policy.terms import Pack, Terms
from credit.domain.price import basis_points_up, subsidy_bp
from credit.domain.products.product import Product
from credit.domain.scale import grades

COOLING = has_waited_after_a_decline.code


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on a frame of cases; every frame is indexed as `cases`.

    `cases` holds what the rules observed, `limits` each term in fen, `found` each rule's finding, `price` the parts of
    the rate as yearly fractions, `answers` the answer: outcome (an Outcome), amount_fen (what is granted, or for a
    referred case what a person could grant), bound_by (None where no limit is known), grade, score,
    points_above_cut_off, yearly_rate_bp (NaN without a score), subsidy_bp (what of it a programme pays), tenor_months
    (at most), valid_until, cooling_until (for who is declined and has to wait).
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


def joined(parts: Sequence[Decided]) -> Decided:
    """What was decided on parts of a frame of cases, as it is on the whole frame."""
    frames = {
        name: pd.concat([getattr(part, name) for part in parts])
        for name in ("cases", "limits", "found", "price", "answers")
    }
    return replace(parts[0], **frames)


def decide(product: Product, pack: Pack, cases: pd.DataFrame, as_of: date) -> Decided:
    """Decide every case under a pack as it stood on a date.

    `cases` has the product's inputs as columns and beside them `pd` (NaN where unscorable), `requested_fen` (NaN where
    no amount was named) and the exposures of the product's pools. Raises ValueError where a column is absent, an amount
    is no whole number of fen, or a PD no probability.
    """
    terms = pack.terms(as_of)
    read = product.derive(_read(product, pack, cases), terms)
    graded = read.assign(grade=grades(read["pd"], terms), score=points(read["pd"]))
    price = product.rate(graded, terms)
    rate = basis_points_up(price["rate"], int(terms["rate_step_bp"])).clip(lower=int(terms["yearly_rate_bp_min"]))
    priced = graded.assign(yearly_rate_bp=rate)
    applying, _ = product.applying(pack.not_applicable)
    limited = limits.smallest(applying, priced, terms, step_fen=int(terms["rounding_step_fen"]))
    whole = priced.assign(
        limit_fen=limited["limit_fen"],
        granted_fen=limits.granted(limited["limit_fen"], graded["requested_fen"]),
    )
    if product.needs is not None:
        whole = whole.assign(guarantee_needed_fen=product.needs.fen(whole, terms))
    found = findings(product.rules, whole, terms, pack.not_applicable)
    return Decided(product, terms, whole, limited, found, price, _answers(product, whole, limited, found, terms))


def _read(product: Product, pack: Pack, cases: pd.DataFrame) -> pd.DataFrame:
    assumed = {name: each.value for name, each in pack.assumed.items()}
    needed = set(product.inputs(but=pack.not_applicable))
    brought = {each.name for each in INPUTS if each.name in needed or each in GIVEN}
    return as_read(cases.assign(**assumed), brought)


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
            "points_above_cut_off": cases["score"] - points(terms.of("pd_max", cases)),
            "yearly_rate_bp": cases["yearly_rate_bp"],
            "subsidy_bp": subsidy_bp(cases, terms) if product.subsidised else 0,
            "tenor_months": product.tenor(cases, terms).to_numpy(),
            "valid_until": terms.as_of + timedelta(days=int(terms["valid_days"])),
            "cooling_until": _cooling_until(outcome, found, terms),
        },
        index=cases.index,
    )


def _cooling_until(outcome: np.ndarray, found: pd.DataFrame, terms: Terms) -> list[date | None]:
    """Until when who is declined has to wait: the longest of what was not met; None where that can be mended at once.

    Who asks again too early is declined for that, and does not have to wait the longer for having asked.
    """
    days = np.zeros(len(found), dtype=int)
    for code, wait in terms["cooling_days"].items():
        if code in found:
            days = np.maximum(days, np.where(found[code].to_numpy() == Finding.NOT_MET, int(wait), 0))
    days = np.where(found[COOLING].to_numpy() == Finding.NOT_MET, 0, days)
    waits = (outcome == Outcome.DECLINE) & (days > 0)
    return [terms.as_of + timedelta(days=int(each)) if wait else None for each, wait in zip(days, waits, strict=True)]


def decide_together(
    product: Product, pack: Pack, cases: pd.DataFrame, as_of: date, *, decide: Callable[..., Decided] = decide
) -> Decided:
    """Decide many cases that draw on the same pools: the safest are served first, and no pool ever exceeds its cap.

    Each case is first decided as if it were alone; in the order of PD (then of the frame) each then finds in its pools
    what the ones before it took as well. What it finds is part of the case and of its record, so that a single case
    decided again with it comes out the same.

    `held_fen` is what stands offered on each case's own question already, which its exposures leave out: an answer up
    to it takes nothing more. Where the cases lie on many machines, `decide` decides each of them there.
    """
    alone = decide(product, pack, cases, as_of)
    # The sort is stable and puts what has no PD last.
    order = np.argsort(alone.cases["pd"].to_numpy(), kind="stable")
    held = cases["held_fen"].to_numpy(dtype="int64")
    taken = pd.Series(np.maximum(alone.answers["amount_fen"].to_numpy(dtype="int64") - held, 0)[order])
    if np.count_nonzero(taken) < 2:
        return alone
    found = {}
    for pool in product.applying(pack.not_applicable)[1]:
        # What has no key draws on no pool of this kind, and nothing is known of its limit.
        key = pool.key(alone.cases, alone.terms).reset_index(drop=True)[order].reset_index(drop=True)
        before = (taken.groupby(key).cumsum() - taken).fillna(0).astype("int64").to_numpy()
        more = np.empty_like(before)
        more[order] = before
        found[pool.exposure] = alone.cases[pool.exposure] + more
    return decide(product, pack, cases.assign(**found), as_of)
