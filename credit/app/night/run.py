"""One night while it runs: what it stands on, what its steps have found so far, and what it computes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from credit.app.deciding import Pinned
from credit.app.night.settings import NightHome, Settings
from credit.app.policies import pack_for
from credit.domain.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.decision import Decided
    from credit.domain.policy.terms import Pack
    from credit.domain.products import Product
    from data.ledger import Ledger
    from data.nights import Night
    from models.registry import Served

PRODUCT = "turnover_line"


# From features by supplier_id to what is kept of each supplier: numbers, and texts by these names.
Scoring = Callable[["pd.DataFrame"], "pd.DataFrame"]


class Computing(Protocol):
    """Features, scores and decisions of all suppliers of a kind of data."""

    def look(self, run: Run, tier: str, most: int) -> tuple[int, pd.DataFrame]:
        """How many suppliers there are, and the features of at most so many of them."""

    def score(self, run: Run, tier: str, scoring: Scoring, texts: tuple[str, ...]) -> pd.DataFrame:
        """What scoring makes of the features of all, by supplier_id; then their features are let go."""

    def decide(self, product: Product, pack: Pack, cases: pd.DataFrame, as_of: date) -> Decided:
        """What is decided of cases, each by itself."""


@dataclass(frozen=True, slots=True)
class Run:
    """A night that is being run."""

    home: NightHome
    settings: Settings
    progress: Progress
    computing: Computing

    @property
    def night(self) -> Night:
        """Its folder."""
        return self.home.night

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.home.ledger()

    def found(self, step: str) -> dict[str, Any]:
        """What an earlier step of this night found."""
        there = self.night.done(step)
        if there is None:
            raise ValueError(f"step {step} is not done")
        return there

    @property
    def version(self) -> int:
        """The version of the ledger that the night reads."""
        return int(self.found("import")["ledger_version"])

    @property
    def tiers(self) -> tuple[str, ...]:
        """The kinds of data that have suppliers and a champion."""
        return tuple(self.found("import")["tiers"])

    def suppliers(self, tier: str) -> pd.Series[str]:
        """The suppliers of a kind of data that the night is about, by id."""
        return self.ledger.suppliers(self.settings.as_of, tier=tier, version=self.version)["supplier_id"]

    def served(self, tier: str) -> Served:
        """The model that scores a kind of data tonight."""
        chosen = self.settings.models[tier]
        return self.home.registry().load(chosen["name"], chosen["version"])

    def former(self, tier: str) -> Served | None:
        """The model that scores a kind of data beside it, while a change of champion is new."""
        chosen = self.settings.former.get(tier)
        return None if chosen is None else self.home.registry().load(chosen["name"], chosen["version"])

    def pinned(self, tier: str) -> Pinned:
        """What the decisions about a kind of data stand on."""
        return Pinned(
            as_of=self.settings.as_of,
            decided_at=self.settings.started_at,
            ledger_version=self.version,
            served=self.served(tier),
            pack=pack_for(self.home, PRODUCT, tier),
        )

    def before(self) -> list[Night]:
        """The sealed nights before this one, the first day first."""
        return self.home.nights().sealed(before=self.settings.as_of)
