"""Train, register and promote models."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import now, span_of
from credit.app.home import Home
from credit.app.policies import training_terms
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.errors import EmptyLedger, NoModel, TrackingDown, UnknownName

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


def train_and_register(
    home: Home, target_name: str, *, data: str | None, as_of: date | None, author: str
) -> dict[str, Any]:
    """Train a target, log it to MLflow, and keep the copy that serves; answers the card with name, version and run."""
    from models.registry import registered_name
    from models.targets import target_named
    from models.training import train

    refuse(home, Action.TRAIN, author)
    target, ledger = target_named(target_name), home.ledger()
    tier = tier_chosen(ledger, data)
    day = as_of or ledger.last_day(tier)
    terms = training_terms(home, day)
    trained = train(ledger, target, tier=tier, as_of=day, terms=terms, progress=console.progress)
    name = registered_name(target.name, tier)
    console.progress("logging to MLflow")
    signed = {**trained.card, "author": author, "trained_at": now().isoformat()}
    tracked, run = home.tracking().log_training(name, trained.model, signed)
    registry = home.registry()
    version = registry.next_version(name)
    card = {**signed, "mlflow": {"version": tracked, "run": run}}
    registry.add(name, version, trained.model, card, trained.learned, trained.held)
    console.progress_done()
    return {"name": name, "version": version, **card}


def promote(home: Home, name: str, version: int | None, *, who: str, why: str) -> dict[str, Any]:
    """Make a version champion, in our history and in MLflow; the last one trained where no version is named.

    Raises PromotionRefused for a version that has not passed its validation, or whose author this is.
    """
    from credit.app.validating import chosen

    refuse(home, Action.PROMOTE, who)
    registry = home.registry()
    entry = registry.promote(name, chosen(registry, name, version), at=now().isoformat(), who=who, why=why)
    _point_alias(home, name, entry)
    return {"name": name, **entry}


def rollback(home: Home, name: str, *, who: str, why: str) -> dict[str, Any]:
    """Make the version before the champion decide again, in our history and in MLflow. Raises NoModel."""
    registry = home.registry()
    registry.refuse_unknown(name)
    entry = registry.rollback(name, at=now().isoformat(), who=who, why=why)
    _point_alias(home, name, entry)
    return {"name": name, **entry}


def scorecard_of(home: Home, name: str, version: int | None, *, out: Path | None = None) -> list[dict[str, Any]]:
    """The points of the scorecard taught beside a version, the champion's by default; also as CSV. Raises NoModel."""
    import pandas as pd

    from data.durable import write_whole

    registry = home.registry()
    served = registry.champion(name) if version is None else registry.load(name, version)
    points: list[dict[str, Any]] | None = served.card.get("scorecard")
    if points is None:
        raise NoModel(
            f"no scorecard was taught beside {name} version {served.version}",
            hint="pip install 'supplier-credit[scorecard]', then `credit model train`",
        )
    if out is not None:
        write_whole(out, pd.DataFrame(points).to_csv(index=False).encode())
    return points


def _point_alias(home: Home, name: str, entry: dict[str, Any]) -> None:
    """Let MLflow's alias follow our history, which decides whether it does or not. Raises TrackingDown."""
    number = home.registry().load(name, entry["to"]).card["mlflow"]["version"]
    try:
        home.tracking().promote(name, number)
    except Exception as down:
        raise TrackingDown(
            f"{name} version {entry['to']} is champion, but MLflow's alias did not follow ({type(down).__name__})",
            hint=f"when the server is back: `credit model promote {name} --version {entry['to']} --why …`",
        ) from down


def decided_on(home: Home, name: str, day: date) -> dict[str, Any]:
    """Which version decided on a day in China: the one at its end, and all with the moment each began (UTC)."""
    registry = home.registry()
    registry.refuse_unknown(name)
    since, until = (moment.isoformat() for moment in span_of(day))
    versions = registry.champions(name, since=since, until=until)
    return {
        "name": name,
        "on": str(day),
        "version": versions[-1]["version"] if versions else None,
        "versions": versions,
    }
