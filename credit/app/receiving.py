"""What banks send back: taken into the ledger, for firms that the bank has to do with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from credit.app import identity
from credit.app.clock import day_of, now
from credit.app.deciding import ledger_with_history
from credit.app.exporting import bank_named
from credit.app.home import Home
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.progress import Progress

if TYPE_CHECKING:
    from data.importing import ImportSummary


def take_feedback(home: Home, file: Path, bank_id: str | None, *, progress: Progress) -> ImportSummary:
    """Import a bank's feedback file, as known today.

    Raises UnknownName for a bank without agreement, NotAuthorised, EmptyLedger, and what an import raises.
    """
    from data.feedback import bank_in, feedback_of
    from data.importing import import_history

    refuse(home, Action.FEEDBACK, identity.who())
    ledger, moment = ledger_with_history(home), now()
    bank = bank_named(home, bank_id or bank_in(file))
    fmt = feedback_of(ledger, bank.bank_id, on=day_of(moment))
    return import_history(ledger, fmt, file, loaded_at=moment, progress=progress)
