"""What has arrived: imported from the inbox, each file or folder whole or not at all, and put aside once it is in.

The inbox is `$CREDIT_HOME/inbox/FORMAT/NAME`: a file or folder of one of the import formats. Those of `mapped` lie in a
folder named after their mapping, `mappings/NAME.toml`. What a bank answered to its files lies in
`acknowledgements/BANK/`; that, and what lies in a folder of `bank-feedback`, is taken file by file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import exporting
from credit.app.home import Home
from credit.app.night.run import Run
from credit.app.night.settings import ACKNOWLEDGEMENTS, INBOX
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
    from data.importing import ImportSummary
    from data.nights import Night

TAKEN, REFUSED = ".taken", ".refused"
MAPPINGS = "mappings"
# What is wrong with a file is said and passed over: the other files are not at fault.
_OF_THE_FILE = (AcknowledgementRefused, AllRejected, BrokenFile, FileMissing, WrongFormat, UnknownName)


def take_in(run: Run, out: Path) -> dict[str, Any]:
    """Import what had arrived when the night began.

    Rows that were taken in arrived for this night, whichever of its beginnings took them in; those that were read and
    set aside are those of this one, for what an earlier one could not read may have been mended. An import that a
    killed run had finished counts the same.
    """
    from data.importing import refuse_all_rejected

    refused, read, aside = [], Counter[str](), Counter[str]()
    for entry in run.settings.inbox:
        try:
            for summary in _import(run, entry, run.home.root / INBOX / entry):
                read.update({each.table: each.read for each in summary.tables})
                aside.update(summary.set_aside)
                refuse_all_rejected(summary)
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
        "read": dict(sorted(read.items())),
        "imported": _added(own, "imported"),
        "duplicates": _added([each for each in own if each.number > run.settings.ledger_begun], "duplicates"),
        "quarantined": {table: aside[table] for table in sorted(read)},
        "rows": _added(batches, "imported"),
    }


def put_aside(run: Run) -> None:
    """Move what was imported, or could not be, out of the inbox, once the gate has let it pass.

    Until then it is judged again whenever the night is begun anew: to run it twice is no way past the gate. From then
    on it has been set aside for this night, whatever becomes of this beginning.
    """
    from data.nights import BEGAN

    run.night.note(BEGAN, {**(run.night.noted(BEGAN) or {}), "set_aside": set_aside(run.night)})
    refused = {each["entry"] for each in run.found("import")["refused"]}
    inbox = run.home.root / INBOX
    for entry in run.settings.inbox:
        aside = inbox / (REFUSED if entry in refused else TAKEN) / str(run.settings.as_of) / entry
        if (inbox / entry).exists() and not aside.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            (inbox / entry).rename(aside)
            # A delivery of several files is gone with its last one; a bank's own folder stays.
            if entry.count("/") > 1 and _kind(entry) != ACKNOWLEDGEMENTS and not any((inbox / entry).parent.iterdir()):
                (inbox / entry).parent.rmdir()


def set_aside(night: Night) -> dict[str, Any]:
    """The files that were refused for a night and how many rows were, by a beginning that the gate let pass too."""
    settings, found = night.settings() or {}, night.done("import") or {}
    before = settings.get("set_aside") or {"refused": [], "quarantined": 0}
    return {
        "refused": [*before["refused"], *found.get("refused", [])],
        "quarantined": before["quarantined"] + sum(found.get("quarantined", {}).values()),
    }


def _import(run: Run, entry: str, path: Path) -> Iterator[ImportSummary]:
    from data.importing import import_counted

    if _kind(entry) == ACKNOWLEDGEMENTS:
        exporting.take_answer(run.home, path, bank_id=_bank_of(entry))
        return
    at, since = run.settings.started_at, run.settings.ledger_before
    fmt = _format(run.home, entry, path)
    yield import_counted(run.ledger, fmt, path, loaded_at=at, since=since, progress=run.progress)


def _bank_of(entry: str) -> str:
    """The bank whose folder an answer lies in: who could write there, and not what the file says of itself."""
    _, bank, *rest = entry.split("/")
    if not rest:
        raise AcknowledgementRefused(
            f"{bank}: it does not lie in the folder of a bank", hint=f"{INBOX}/{ACKNOWLEDGEMENTS}/BANK/{bank}"
        )
    return bank


def _format(home: Home, entry: str, path: Path) -> Format:
    """The format that an entry is read by. Raises UnknownName, WrongFormat."""
    from data.formats import format_named
    from data.formats.bank_feedback import BANK_FEEDBACK
    from data.formats.mapped import MAPPED, read_mapping

    fmt = format_named(_kind(entry))
    if fmt is MAPPED:
        return read_mapping(home.root / MAPPINGS / f"{path.name}.toml", database=None)
    return _feedback(home, path) if fmt is BANK_FEEDBACK else fmt


def _kind(entry: str) -> str:
    """The folder of the inbox that an entry lies in."""
    return entry.partition("/")[0]


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
