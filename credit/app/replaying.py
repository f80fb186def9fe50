"""Replay a stored decision, and carry decisions to tracking."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import now
from credit.app.deciding import record_of, replay, row_of
from credit.app.home import Home
from credit.app.night.rendering import rendered
from credit.domain.errors import CreditError, ReplayDiffers, StoreDamaged, TrackingDown, UnknownDecision, UnknownName

if TYPE_CHECKING:
    from credit.domain.record import Record

# A difference of a whole policy would fill the screen; the first ones say where to look.
_LISTED = 20

# What stands in columns of its own beside the record, where queries read it.
_BESIDE = (
    "decision_id",
    "decided_at",
    "supplier_id",
    "contract_id",
    "pack",
    "as_of",
    "outcome",
    "amount_fen",
    "valid_until",
    "product",
    "pd",
    "district",
    "buyer_id",
    "category",
    "cooling_until",
    "supersedes",
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came out of a replay: its text, and what differs from the stored record."""

    decision_id: str
    text: str
    differences: list[str]

    @property
    def sha256(self) -> str:
        """The hash of the record that came out."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def error(self) -> CreditError:
        """The differences as an error."""
        listed = "\n  ".join(self.differences[:_LISTED])
        more = f"\n  and {len(self.differences) - _LISTED} more" if len(self.differences) > _LISTED else ""
        return ReplayDiffers(
            f"{self.decision_id} does not replay; {len(self.differences)} values differ:\n  {listed}{more}",
            hint="a stored value was altered, or a parameter, model or ledger file was edited in place",
        )


def stored_text(home: Home, decision_id: str) -> str:
    """The stored record of a decision as its very text; that of a night's is rendered. Raises UnknownDecision."""
    from data.nights import is_of_a_night

    if is_of_a_night(decision_id):
        from credit.domain.record import canonical

        return canonical(rendered(home, decision_id)).decode()
    return str(_stored(home, decision_id)["record"])


def stored_record(home: Home, decision_id: str) -> Record:
    """The stored record of a decision. Raises UnknownDecision, StoreDamaged."""
    return record_of(decision_id, stored_text(home, decision_id))


def replay_decision(home: Home, decision_id: str) -> Replayed:
    """Decide a stored case again and compare, byte for byte; the columns beside the record are held against it too.

    A file of the ledger that was altered since is named even where this case does not read it.
    """
    from credit.domain.record import canonical, differences
    from data.nights import is_of_a_night

    console.waiting("deciding it again")
    if is_of_a_night(decision_id):
        record = rendered(home, decision_id)
        damaged = [f"ledger: {wrong}" for wrong in home.ledger().damaged(record["ledger"]["version"])]
        return Replayed(decision_id, canonical(record).decode(), damaged)
    row = _stored(home, decision_id)
    stored = record_of(decision_id, row["record"])
    again = _again(home, stored)
    text = canonical(again).decode()
    found = differences(stored, record_of(decision_id, text))
    found += [f"ledger: {wrong}" for wrong in home.ledger().damaged(stored["ledger"]["version"])]
    said = row_of(stored, stored["policy"]["pack"], applied=row["applied"], maker=row["maker"])
    found += [
        f"{name} beside the record: stored {row[name]}, the record says {said[name]}"
        for name in _BESIDE
        if row[name] != said[name]
    ]
    if not found and row["record"] != text:
        found = ["the stored text: same values, other bytes"]
    return Replayed(decision_id, text, found)


def _stored(home: Home, decision_id: str) -> dict[str, Any]:
    row = home.decisions().row(decision_id)
    if row is None:
        raise UnknownDecision(f"no decision {decision_id!r} is stored", hint="`credit decision list` shows what is")
    return row


def _again(home: Home, stored: Record) -> Record:
    """The record that comes out again: of the engine, or of the judgement of a decision of the engine."""
    if "judgement" not in stored:
        return replay(home, stored)
    from credit.app.judging import judged_again

    return judged_again(replay(home, stored_record(home, stored["supersedes"])), stored)


def would_differ(home: Home, decision_id: str, *, policy: Path | None, model: int | None) -> list[str]:
    """What of a decision would differ under other parameter files or another version of its model, one line each.

    The parameters themselves are left out, and what every record of another policy or model differs in.
    """
    from credit.app.policies import packs_in
    from credit.domain.record import differences

    stored = stored_record(home, decision_id)
    if "judgement" in stored:
        stored = stored_record(home, stored["supersedes"])
    pack = None
    if policy is not None:
        found = {each.name: each for each in packs_in(policy)}
        if stored["policy"]["pack"] not in found:
            raise UnknownName(
                f"{policy} has no pack {stored['policy']['pack']!r}", hint="it has " + (", ".join(found) or "none")
            )
        pack = found[stored["policy"]["pack"]]
    again = replay(home, stored, pack=pack, model=model)
    one, other = ({k: v for k, v in each.items() if k not in _OF_THE_POLICY} for each in (stored, again))
    return differences(one, other)


# What differs with the policy or the model whatever it says.
_OF_THE_POLICY = ("decision_id", "parameters", "policy", "model")


def send_outbox(home: Home) -> int:
    """Tell tracking of every decision it has not heard of; what fails stays for the next time. Raises TrackingDown."""
    console.waiting("handing over to MLflow")
    store = home.decisions()
    total = 0
    while waiting := store.unsent():
        try:
            total += home.tracking().log_decisions(record_of(*each) for each in waiting)
        except StoreDamaged:
            raise
        except Exception as down:
            raise TrackingDown(
                f"MLflow did not take {len(waiting):,} decisions ({type(down).__name__})",
                hint="they stay in the outbox; run `credit decision track` again when the server is back",
            ) from down
        store.mark_sent([decision_id for decision_id, _ in waiting], now().isoformat())
    return total
