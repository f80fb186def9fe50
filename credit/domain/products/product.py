"""What a product is: its rules, the terms that limit its amount, and how it is priced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit.domain.limits import LimitTerm
from credit.domain.policy.rules import Rule
from credit.domain.policy.terms import Terms


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `purpose` is what a consent has to name; `conditions` are said with an answer that grants.

    `conditions` takes one decided case as a mapping and answers what the offer says beyond amount and price: for a
    guarantee when it takes effect, how it falls and when it ends.
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
    guarantee_form: str = ""
