"""What a product is: its rules, the terms that limit its amount, and how it is priced."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit.domain.limits import LimitTerm
from credit.domain.policy.rules import Rule
from credit.domain.policy.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product. `purpose` is what a consent has to name; `conditions` are said with an answer that grants.

    `conditions` takes one decided case as a mapping and answers what the offer says beyond amount and price: for a
    guarantee when it takes effect, how it falls and when it ends. `requires` are the parameters that price and
    conditions read; `needs` is, for a guarantee, the amount that the contract needs one for.
    """

    name: str
    zh: str
    en: str
    purpose: str
    asks_contract: bool
    rules: tuple[Rule, ...]
    limits: tuple[LimitTerm, ...]
    rate: Callable[[pd.Series[float], Terms], pd.DataFrame]
    conditions: Callable[[dict[str, Any], Terms], dict[str, Any]]
    requires: tuple[str, ...]
    needs: LimitTerm | None = None
    guarantee_form: str = ""

    def inputs(self, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """What its limits and its rules observe, each once, without the rules that are not applicable."""
        return self._each_once("observes", but)

    def parameters(self, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """What its limits, its rules and its price require, each once, without the rules that are not applicable."""
        return self._each_once("requires", but, self.requires)

    def _each_once(self, what: str, but: Collection[str], more: tuple[str, ...] = ()) -> tuple[str, ...]:
        of_limits = [name for term in self.limits for name in getattr(term, what)]
        of_rules = [name for rule in self.rules if rule.code not in but for name in getattr(rule, what)]
        return tuple(dict.fromkeys([*of_limits, *of_rules, *more]))
