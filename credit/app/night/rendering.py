"""The full record of a night's decision: decided again from what the night stood on, and held against its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credit.app.deciding import ASKED, Pinned, decide
from credit.app.home import Home
from credit.app.night.computing import BESIDE
from credit.app.night.engines import run_of
from credit.app.policies import pack_named
from credit.domain.errors import ReplayDiffers

if TYPE_CHECKING:
    from credit.domain.record import Record

# What the row says of the answer, under the names of the record.
_ANSWER = (
    "outcome", "amount_fen", "yearly_rate_bp", "subsidy_bp", "tenor_months", "valid_until", "cooling_until", "grade",
    "score", "pd",
)  # fmt: skip


def rendered(home: Home, decision_id: str) -> Record:
    """The record of a night's decision, with the night's id; `night` says where it lies and what its own id would be.

    Raises UnknownDecision, and ReplayDiffers where it does not come out as the night has it.
    """
    import pandas as pd

    night, row = home.nights().decision(decision_id)
    run = run_of(home, night)
    pack = pack_named(run.home, row["pack"])
    pinned = Pinned(
        as_of=run.settings.as_of,
        decided_at=run.settings.started_at,
        ledger_version=run.version,
        served=run.served(pack.tier),
        pack=pack,
    )
    stood = {name.removeprefix(BESIDE): value for name, value in row.items() if name.startswith(BESIDE)}
    asked = {name: row[name] for name in ASKED if name in row}
    record = decide(run.home, pinned, pd.DataFrame([{**asked, **stood}]).astype({"requested_fen": "Int64"}))[0]
    if wrong := _differences(row, record):
        listed = "\n  ".join(wrong)
        raise ReplayDiffers(
            f"{decision_id} does not come out as the night of {night.as_of} has it:\n  {listed}",
            hint="`credit nightly verify` says whether the night was altered; a model or the ledger may have been",
        )
    return {**record, "decision_id": decision_id, "night": {"as_of": str(night.as_of), "record": record["decision_id"]}}


def _differences(row: dict[str, Any], record: Record) -> list[str]:
    from credit.domain.record import plain

    said = {name: plain(row[name]) for name in _ANSWER} | {"limit_bound_by": row["limit_bound_by"]}
    now = {name: record[name] for name in _ANSWER}
    now["limit_bound_by"] = record["bound_by"]["code"] if record["bound_by"] else None
    return [f"{name}: stored {said[name]}, now {now[name]}" for name in said if said[name] != now[name]]
