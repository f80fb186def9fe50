"""One night while it runs: its settings, what its steps have found so far, and the frames that later steps need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from credit.app.deciding import Pinned
from credit.app.night.engines import Computing, computing
from credit.app.night.settings import NightHome, Settings
from credit.app.policies import pack_for

if TYPE_CHECKING:
    import pandas as pd

    from data.ledger import Ledger
    from data.nights import Night
    from models.registry import Served

PRODUCT = "turnover_line"


@dataclass(slots=True)
class Run:
    """A night that is being run."""

    home: NightHome
    settings: Settings
    progress: Callable[[str], None]
    computing: Computing = field(init=False)

    def __post_init__(self) -> None:
        self.computing = computing(self)

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
