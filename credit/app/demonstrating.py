"""The demonstration: every step is the use case behind its own command, called in order."""

from __future__ import annotations

from typing import Any

from credit.app import answers, console
from credit.app.clock import now
from credit.app.home import Home
from credit.app.simulate import DEFAULT_FROM, DEFAULT_SEED, DEFAULT_TO
from credit.domain.errors import AlreadyThere

TIER, BANK = "platform", "demo-bank"
TARGETS = ("loan_default", "performance_breach")
# Half of the suppliers borrow and many fail, so that a small world teaches something.
BORROWER_SHARE = 0.5


def demonstrate(home: Home, *, suppliers: int) -> dict[str, Any]:
    """Run the whole path and answer what its last screen says.

    Raises AlreadyThere where this home holds a real ledger: simulated suppliers must never stand among real ones.
    """
    from credit.app import exporting, signing
    from credit.app.lines import decide_all
    from credit.app.replaying import send_outbox
    from credit.app.scoring import score_all

    _history(home, suppliers)
    models = [_champion(home, target) for target in TARGETS]
    as_of = home.ledger().last_day(TIER)
    scores = score_all(home, TIER, as_of=as_of, scored_at=now())
    decided = decide_all(home, as_of)
    guarantee = _guarantee(home)
    console.progress("building the bank file")
    if not signing.is_ready(home):
        signing.new(home)
    folder = exporting.build(home, BANK)
    exported = exporting.check(folder, sender_keys=signing.trusted(home))
    console.progress("tracking decisions in MLflow")
    send_outbox(home)
    console.progress_done()
    granted = next((r for r in decided.records if r["outcome"] in ("APPROVE", "REDUCE")), decided.records[0])
    return {
        "home": str(home.root),
        "as_of": str(as_of),
        "suppliers": len(scores.frame),
        "scored": int(scores.frame["pd"].notna().sum()),
        "decisions": answers.summary(decided.records),
        "guarantee": guarantee,
        "models": models,
        "export": str(folder),
        "exported": exported.rows,
        "next": [
            f"credit line decide {granted['application']['supplier_id']}",
            f"credit decision replay {granted['decision_id']}",
            f"credit export verify {folder} --on {as_of}",
        ],
    }


def _history(home: Home, suppliers: int) -> None:
    from credit.app.simulating import simulate_platform
    from data.formats import format_named
    from data.importing import import_history
    from data.simulator import Platform

    folder, ledger = home.root / "platform", home.ledger()
    if ledger.version and not folder.is_dir():
        raise AlreadyThere(
            f"{home.root} holds a ledger that is no demonstration",
            hint="name an empty folder: CREDIT_HOME=/tmp/credit-demo credit demo",
        )
    if not folder.is_dir():
        simulate_platform(folder, Platform(suppliers, DEFAULT_FROM, DEFAULT_TO, DEFAULT_SEED, BORROWER_SHARE))
    import_history(ledger, format_named("platform"), folder, loaded_at=now(), progress=console.progress)
    console.progress_done()


def _champion(home: Home, target: str) -> dict[str, Any]:
    from credit.app.identity import DEMO_APPROVER, DEMO_AUTHOR
    from credit.app.training import promote, train_and_register
    from credit.app.validating import validate
    from models.registry import registered_name

    name, registry = registered_name(target, TIER), home.registry()
    if not registry.history(name):
        card = train_and_register(home, target, data=TIER, as_of=None, author=DEMO_AUTHOR)
        validate(home, name, card["version"], as_of=None, who=DEMO_AUTHOR)
        promote(home, name, card["version"], who=DEMO_APPROVER, why="the demonstration's own model")
    served = registry.champion(name)
    return {"name": name, "version": served.version, "auc": served.card["metrics"]["model"]["auc"]["value"]}


def _guarantee(home: Home) -> dict[str, Any]:
    """Decide an advance-payment guarantee on an open contract whose advance is agreed, locked and not yet paid."""
    from credit.app.asking import decide_on_contract
    from data.facts import contracts_awaiting_advance

    ledger = home.ledger()
    waiting = contracts_awaiting_advance(ledger, ledger.last_day(TIER))
    first: dict[str, Any] | None = None
    for contract_id in waiting[:_TRIED]:
        record = decide_on_contract(home, "advance_payment_guarantee", contract_id, None)
        said = {"contract_id": contract_id, "outcome": record["outcome"], "amount_fen": record["amount_fen"]}
        if record["outcome"] == "APPROVE":
            return said
        first = first or said
    return first or {"contract_id": None, "outcome": "none waits for one", "amount_fen": 0}


# Some of the contracts that wait belong to firms that policy declines; a few tries find one that it grants.
_TRIED = 5
