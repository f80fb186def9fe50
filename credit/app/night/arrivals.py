"""What has arrived: imported from the inbox, each file or folder whole or not at all, and put aside once it is in.

The inbox is `$CREDIT_HOME/inbox/FORMAT/NAME`: a file or folder of one of the import formats. Those of `mapped` lie in a
folder named after their mapping, `mappings/NAME.toml`. What banks answered to their files lies in `acknowledgements`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import exporting
from credit.app.home import Home
from credit.app.night.run import Run
from credit.app.night.settings import INBOX
from credit.domain.errors import (
    AcknowledgementRefused,
    AllRejected,
    BrokenFile,
    FileMissing,
    UnknownName,
    WrongFormat,
)

if TYPE_CHECKING:
    from data.batches import Batch
    from data.formats.format import Format

TAKEN, REFUSED = ".taken", ".refused"
MAPPINGS, ACKNOWLEDGEMENTS = "mappings", "acknowledgements"
# What is wrong with a file is said and passed over: the other files are not at fault.
_OF_THE_FILE = (AcknowledgementRefused, AllRejected, BrokenFile, FileMissing, WrongFormat, UnknownName)


def take_in(run: Run, out: Path) -> dict[str, Any]:
    """Import what had arrived when the night began.

    What is counted is what the ledger keeps of it, so that an import that a killed run had finished counts the same.
    """
    refused = []
    for entry in run.settings.inbox:
        try:
            _import(run, entry, run.home.root / INBOX / entry)
        except _OF_THE_FILE as error:
            refused.append({"entry": entry, "error": error.code, "message": error.message, "hint": error.hint})
    ledger = run.ledger
    batches = ledger.batches()
    own = [batch for batch in batches if batch.number > run.settings.ledger_before]
    known = {tier for tier in ledger.tiers() if tier in run.settings.models} if batches else set()
    return {
        "ledger_version": ledger.version,
        "tiers": sorted(known),
        "entries": len(run.settings.inbox),
        "refused": refused,
        "batches": [batch.number for batch in own],
        **{what: _added(own, what) for what in ("read", "imported", "duplicates", "quarantined")},
        "rows": _added(batches, "imported"),
    }


def put_aside(run: Run) -> None:
    """Move what was imported, or could not be, out of the inbox, once the gate has let it pass.

    Until then it is judged again whenever the night is begun anew: to run it twice is no way past the gate.
    """
    refused = {each["entry"] for each in run.found("import")["refused"]}
    inbox = run.home.root / INBOX
    for entry in run.settings.inbox:
        aside = inbox / (REFUSED if entry in refused else TAKEN) / str(run.settings.as_of) / entry
        if (inbox / entry).exists() and not aside.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            (inbox / entry).rename(aside)


def _import(run: Run, entry: str, path: Path) -> None:
    from data.importing import import_history

    if _kind(entry) == ACKNOWLEDGEMENTS:
        for file in _files(path):
            exporting.take_answer(run.home, file)
        return
    at = run.settings.started_at
    for fmt, file in _formats(run.home, entry, path):
        import_history(run.ledger, fmt, file, loaded_at=at, progress=run.progress)


def _formats(home: Home, entry: str, path: Path) -> list[tuple[Format, Path]]:
    """The formats that an entry is read by, each with its file or folder. Raises UnknownName, WrongFormat."""
    from data.formats import format_named
    from data.formats.bank_feedback import BANK_FEEDBACK
    from data.formats.mapped import MAPPED, read_mapping

    fmt = format_named(_kind(entry))
    if fmt is MAPPED:
        return [(read_mapping(home.root / MAPPINGS / f"{path.name}.toml", database=None), path)]
    if fmt is BANK_FEEDBACK:
        return [(_feedback(home, file), file) for file in _files(path)]
    return [(fmt, path)]


def _kind(entry: str) -> str:
    """The folder of the inbox that an entry lies in."""
    return entry.partition("/")[0]


def _files(path: Path) -> list[Path]:
    """The files of an entry, each of which is read by itself."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _feedback(home: Home, file: Path) -> Format:
    from credit.app.clock import day_of, now
    from credit.app.exporting import bank_named
    from data.feedback import bank_in, feedback_of

    return feedback_of(home.ledger(), bank_named(home, bank_in(file)).bank_id, on=day_of(now()))


def _added(batches: list[Batch], what: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for batch in batches:
        total.update(getattr(batch, what))
    return dict(sorted(total.items()))
