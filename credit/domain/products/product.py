"""What a product is: its rules, the terms that limit its amount, and how it is priced."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit.domain.limits import LimitTerm
from credit.domain.policy.rules import Rule
from credit.domain.policy.terms import Terms
from credit.domain.pools import Pool


def as_they_are(cases: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The cases, of which nothing more follows."""
    return cases


def longest_tenor(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The longest tenor that the product has, in months."""
    return pd.Series(int(terms["tenor_months"]), index=cases.index)


@dataclass(frozen=True, slots=True)
class Security:
    """What an applicant could still give: its name and text, and what inputs it makes true."""

    code: str
    zh: str
    en: str
    gives: tuple[str, ...]


LOCKED = Security("LOCKED", "锁定回款账户", "the collection account is locked", ("account_locked",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product. `purpose` is what a consent has to name; `conditions` are said with an answer that grants.

    `derive` adds to cases what follows from their inputs, before anything else reads them; `pools` are what all cases
    draw on, each among the limits; `tenor` is how many months credit is given for. `conditions` takes one decided case
    as a mapping and answers what the offer says beyond amount and price: for a guarantee when it takes effect, how it
    falls and when it ends. `observes` and `requires` are the inputs and the parameters that price and conditions read.
    A `subsidised` product may be paid for by a programme in part; `needs` is, for a guarantee, the amount that the
    contract needs one for. `securities` are what an applicant could still give.
    """

    name: str
    zh: str
    en: str
    purpose: str
    asks_contract: bool
    rules: tuple[Rule, ...]
    limits: tuple[LimitTerm, ...]
    pools: tuple[Pool, ...]
    derive: Callable[[pd.DataFrame, Terms], pd.DataFrame] = as_they_are
    rate: Callable[[pd.DataFrame, Terms], pd.DataFrame]
    conditions: Callable[[dict[str, Any], Terms], dict[str, Any]]
    requires: tuple[str, ...]
    observes: tuple[str, ...] = ()
    tenor: Callable[[pd.DataFrame, Terms], pd.Series[int]] = longest_tenor
    subsidised: bool = False
    needs: LimitTerm | None = None
    guarantee_form: str = ""
    securities: tuple[Security, ...] = ()

    def applying(self, not_applicable: Collection[str]) -> tuple[tuple[LimitTerm, ...], tuple[Pool, ...]]:
        """The limits that apply, and the pools among them."""
        limits = tuple(term for term in self.limits if term.code not in not_applicable)
        return limits, tuple(pool for pool in self.pools if pool.term in limits)

    def inputs(self, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """What its limits and its rules observe, each once, without the rules that are not applicable."""
        lacked = [name for rule in self.rules if rule.code not in but for name in rule.may_lack]
        return self._each_once("observes", but, (*lacked, *self.observes))

    def parameters(self, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """What its limits, its rules and its price require, each once, without the rules that are not applicable."""
        return self._each_once("requires", but, self.requires)

    def _each_once(self, what: str, but: Collection[str], more: tuple[str, ...] = ()) -> tuple[str, ...]:
        of_limits = [name for term in self.limits if term.code not in but for name in getattr(term, what)]
        of_rules = [name for rule in self.rules if rule.code not in but for name in getattr(rule, what)]
        return tuple(dict.fromkeys([*of_limits, *of_rules, *more]))
