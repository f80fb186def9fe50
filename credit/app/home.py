"""Where everything lives that the program writes at run time: one folder, `$CREDIT_HOME`, by default `./var`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from credit.app import configuration

if TYPE_CHECKING:
    from data.book.alerts import Alerts
    from data.book.book import Book
    from data.book.guarantees import Guarantees
    from data.book.opening import Store
    from data.decisions import DecisionStore
    from data.ledger import Ledger
    from data.nights import Nights
    from models.registry import Registry
    from models.tracking import Tracking


@dataclass(frozen=True, slots=True)
class Home:
    """The folder and the doors to what is in it; each door loads what it needs when it is opened."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The folder that `$CREDIT_HOME` or the configuration names, else `./var`."""
        return cls(configuration.current().home)

    def ledger(self) -> Ledger:
        """The ledger."""
        from data.ledger import Ledger

        return Ledger(self.root / "ledger", memory=configuration.current()["compute.memory"])

    def registry(self) -> Registry:
        """The models that serve."""
        from models.registry import Registry

        return Registry(self.root / "models")

    def tracking(self) -> Tracking:
        """MLflow: the server that `tracking.uri` names, else a database in this folder."""
        from models.tracking import Tracking

        settings = configuration.current()
        return Tracking(
            self.tracking_uri,
            self.root / "mlflow" / "artefacts",
            timeout_seconds=settings["tracking.timeout_seconds"],
            retries=settings["tracking.retries"],
        )

    @property
    def tracking_uri(self) -> str:
        """Where MLflow is."""
        own = (self.root / "mlflow" / "mlflow.db").resolve()
        return configuration.current()["tracking.uri"] or f"sqlite:///{own}"

    def store(self) -> Store:
        """The book's database: the one that `book.url` names, else a file in this folder."""
        from data.book.opening import Store

        return Store(configuration.current()["book.url"] or self.root / "book.db")

    def decisions(self) -> DecisionStore:
        """The stored decisions."""
        from data.decisions import DecisionStore

        return DecisionStore(self.store())

    def book(self) -> Book:
        """The lines, and what was drawn on them."""
        from data.book.book import Book

        return Book(self.store())

    def guarantees(self) -> Guarantees:
        """The issued guarantees."""
        from data.book.guarantees import Guarantees

        return Guarantees(self.store())

    def alerts(self) -> Alerts:
        """What was found to have gone wrong on lines."""
        from data.book.alerts import Alerts

        return Alerts(self.store())

    def nights(self) -> Nights:
        """The nights that were run."""
        from data.nights import Nights

        return Nights(self.root / "nights")

    @property
    def scores(self) -> Path:
        """Where score runs are kept."""
        return self.root / "scores"

    @property
    def exports(self) -> Path:
        """Where bank files are written as the banks receive them."""
        return self.root / "exports"

    @property
    def kept_exports(self) -> Path:
        """Where what bank files said is kept, readable, and what banks answered to them; no bank looks here."""
        return self.root / "exports-kept"

    @property
    def keys(self) -> Path:
        """Where the keys are that sign bank files."""
        return self.root / "keys"

    @property
    def policies(self) -> Path:
        """The parameter files in force: `policy/` of this folder where it exists, else those that ship."""
        own = self.root / "policy"
        return own if own.is_dir() else Path(str(files("credit") / "parameters"))

    @property
    def banks(self) -> Path | None:
        """The banks' agreements of this installation, where it has its own."""
        own = self.root / "banks"
        return own if own.is_dir() else None
