"""Train, register and promote models."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import now
from credit.app.home import Home
from credit.app.policies import training_terms
from credit.domain.errors import EmptyLedger, UnknownName

if TYPE_CHECKING:
    from data.ledger import Ledger


def tier_chosen(ledger: Ledger, wanted: str | None) -> str:
    """The kind of data asked for, or the only one there is. Raises EmptyLedger or UnknownName."""
    tiers = ledger.tiers()
    if not tiers:
        raise EmptyLedger("the ledger holds no suppliers", hint="`credit ledger import` or `credit simulate platform`")
    if wanted is None and len(tiers) > 1:
        raise UnknownName("the ledger holds two kinds of data", hint="say which: --data " + " or --data ".join(tiers))
    if wanted is not None and wanted not in tiers:
        raise UnknownName(f"the ledger holds no data of kind {wanted!r}", hint="it holds " + ", ".join(tiers))
    return wanted or tiers[0]


def train_and_register(home: Home, target_name: str, *, data: str | None, as_of: date | None) -> dict[str, Any]:
    """Train a target, log it to MLflow, and keep the copy that serves; answers the card with name, version and run."""
    from models.registry import registered_name
    from models.targets import target_named
    from models.training import train

    target, ledger = target_named(target_name), home.ledger()
    tier = tier_chosen(ledger, data)
    day = as_of or ledger.last_day(tier)
    terms = training_terms(home, day)
    trained = train(ledger, target, tier=tier, as_of=day, terms=terms, progress=console.progress)
    name = registered_name(target.name, tier)
    console.progress("logging to MLflow")
    tracked, run = home.tracking().log_training(name, trained.model, trained.card)
    registry = home.registry()
    version = registry.next_version(name)
    card = {**trained.card, "mlflow": {"version": tracked, "run": run}}
    registry.add(name, version, trained.model, card, trained.learned)
    console.progress_done()
    return {"name": name, "version": version, **card}


def promote(home: Home, name: str, version: int | None, *, who: str, why: str) -> dict[str, Any]:
    """Make a version champion, in our history and in MLflow; the last one trained where no version is named."""
    from credit.domain.errors import NoModel

    registry = home.registry()
    versions = registry.versions(name)
    if not versions:
        raise NoModel(f"there is no model {name!r}", hint="trained are: " + (", ".join(registry.names()) or "none"))
    chosen = versions[-1] if version is None else version
    home.tracking().promote(name, registry.load(name, chosen).card["mlflow"]["version"])
    return {"name": name, **registry.promote(name, chosen, at=now().isoformat(), who=who, why=why)}
