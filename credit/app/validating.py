"""Validate a version of a model, keep what was found, and compare it with the champion over past nights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import now
from credit.app.home import Home
from credit.app.policies import packs, validation_thresholds
from credit.app.scoring import floor_of, scale_terms
from credit.domain.errors import NoModel, TrackingDown

if TYPE_CHECKING:
    import pandas as pd

    from models.registry import Registry, Served
    from models.validation.gathering import Policy

FACTORS = ("loss_given_default", "conversion_economic")
DRAWN_OF = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Validated:
    """What a validation found, and the file of its report."""

    document: dict[str, Any]
    report: Path


def chosen(registry: Registry, name: str, version: int | None) -> int:
    """The version asked for, or the last one trained. Raises NoModel."""
    versions = registry.versions(name)
    if not versions:
        raise NoModel(f"there is no model {name!r}", hint="trained are: " + (", ".join(registry.names()) or "none"))
    return versions[-1] if version is None else version


def validate(home: Home, name: str, version: int | None, *, as_of: date | None, who: str) -> Validated:
    """Ask every check of a version on what is known by a date, keep the report, and log it to MLflow's run.

    Raises NoModel, TooFewOutcomes, ModelMismatch or StoreDamaged.
    """
    from models.report import page
    from models.validation.gathering import gather, used
    from models.validation.run import run

    ledger, registry = home.ledger(), home.registry()
    served = registry.load(name, chosen(registry, name, version))
    day = as_of or ledger.last_day(served.card["tier"])
    policy = _policy(home, served, day)
    subject = gather(
        ledger,
        registry,
        served,
        as_of=day,
        policy=policy,
        thresholds=validation_thresholds(home),
        progress=console.progress,
    )
    found = run(subject, console.progress)
    document = {**found, "ledger_version": ledger.version, "policy": used(policy), "by": who, "at": now().isoformat()}
    html = page(document, served.card)
    number, file = registry.keep_validation(name, served.version, document, html)
    console.progress("logging to MLflow")
    try:
        home.tracking().log_validation(served.card["mlflow"]["run"], number, document, html)
    except Exception as down:
        raise TrackingDown(
            f"MLflow did not take validation {number} of {name} ({type(down).__name__}); it counts all the same",
            hint=f"its report is {file}",
        ) from down
    console.progress_done()
    return Validated({"number": number, **document}, file)


def _policy(home: Home, served: Served, day: date) -> Policy:
    """Master scale, cut-off and priced factors of the packs that read this model."""
    from credit.domain.products import product_named
    from models.validation.gathering import Policy, Priced

    reading = [p for p in packs(home) if (p.target, p.tier) == (served.card["target"], served.card["tier"])]
    priced = tuple(
        Priced(pack.product, product_named(pack.product).guarantee_form, factor, float(pack.terms(day)[factor]))
        for pack in reading
        for factor in FACTORS
        if factor in pack.parameters
    )
    cutoffs = [float(pack.terms(day)["pd_max"]) for pack in reading if "pd_max" in pack.parameters]
    return Policy(scale_terms(home, day), min(cutoffs, default=None), priced)


def compare(home: Home, name: str, version: int | None, *, nights: int) -> dict[str, Any]:
    """The champion against a challenger in shadow, over the nights whose scores were kept, newest first.

    Both score everybody as known on each night; nothing is kept and nothing decided. Without kept scores it is the
    last day that the ledger knows. Raises NoModel.
    """
    from models.shadow import side_by_side

    registry, ledger = home.registry(), home.ledger()
    champion = registry.champion(name)
    number = chosen(registry, name, version)
    if number == champion.version:
        raise NoModel(
            f"version {number} of {name} is the champion itself", hint="train a challenger, or name one: --version"
        )
    challenger = registry.load(name, number)
    tier = champion.card["tier"]
    kept = sorted(date.fromisoformat(f.parent.name[6:]) for f in home.scores.glob(f"as_of=*/{tier}.parquet"))
    rows = []
    shown = kept[-nights:] or [ledger.last_day(tier)]
    for place, night in enumerate(reversed(shown)):
        console.progress("scoring nights with both", place, len(shown))
        frame = _asked_on(home, champion, night)
        policy = _policy(home, champion, night)
        rows.append({"night": str(night), **side_by_side(champion, challenger, frame, policy.scale, policy.pd_max)})
    console.progress_done()
    return {"name": name, "champion": champion.label, "challenger": challenger.label, "nights": rows}


def _asked_on(home: Home, served: Served, night: date) -> pd.DataFrame:
    """The features of who would be asked about on a night: every supplier, or the contracts of the month before it."""
    import pandas as pd

    from data.facts import contracts_signed, withheld
    from features import engine
    from models.scoring import unscorable
    from models.targets import target_named

    ledger, tier = home.ledger(), served.card["tier"]
    target = target_named(served.card["target"])
    if not target.asks_contract:
        frame = engine.build_on(ledger, night, tier=tier)
        # Whom nobody scores is in neither population.
        suppliers = pd.Series(frame.index, index=frame.index)
        silent = withheld(ledger, suppliers, on=night)
        codes = unscorable(frame, suppliers, served, floor_of(home, night), withheld=silent)
        return frame[codes.isna()]
    cases = contracts_signed(ledger, night - DRAWN_OF, night, channels=target.channels)
    return engine.build_cases(ledger, cases, tier=tier)
