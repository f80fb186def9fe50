"""The simulated platform as Parquet files in the ledger's own import format."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.simulator import borrowing, dealings, guarantees, invoices, outcomes, parties, sharing, ties
from data.simulator.demand import Ending
from data.simulator.sheets import Sheet, to_table
from data.simulator.summary import Summary
from data.simulator.world import Progress, World

# Table, its rows, and the letter that its events are numbered after where they carry no id of their own.
_SHEETS: tuple[tuple[str, Callable[[World], Sheet], str], ...] = (
    ("suppliers", parties.suppliers, ""),
    ("buyers", parties.buyers, ""),
    ("relations", ties.relations, "T"),
    ("merges", ties.merges, "M"),
    ("awards", dealings.awards, ""),
    ("contracts", dealings.contracts, ""),
    ("amendments", dealings.amendments, "A"),
    ("deliveries", dealings.deliveries, ""),
    ("acceptances", dealings.acceptances, "E"),
    ("invoices", invoices.invoices, ""),
    ("payments", dealings.payments, "P"),
    ("disputes", dealings.disputes, "QE"),
    ("listings", parties.listings, "LE"),
    ("accounts", sharing.accounts, "AE"),
    ("programmes", ties.programmes, "Y"),
    ("consents", sharing.consents, "NE"),
    ("applications", borrowing.applications, "R"),
    ("credit_events", borrowing.credit_events, "CE"),
    ("guarantee_events", guarantees.guarantee_events, "GE"),
    ("outcomes", outcomes.outcomes, ""),
    ("names", parties.names, ""),
)


def tables(world: World) -> dict[str, pa.Table]:
    """Every table of the ledger as the platform knows it in the evening of the last day."""
    return {name: to_table(rows(world), world.settings, prefix) for name, rows, prefix in _SHEETS}


def refuse_filled(folder: Path) -> None:
    """Raise FileExistsError where the folder holds anything: a simulation never mixes with other data."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not an empty folder; name a new one or empty it first")


def write(world: World, folder: Path, progress: Progress | None = None) -> Summary:
    """Write all tables beside the folder, then put them in place at once: half a world is never seen."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        rows = _write_tables(world, unfinished, progress)
        unfinished.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return summary(world, rows)


def _write_tables(world: World, folder: Path, progress: Progress | None) -> dict[str, int]:
    written: dict[str, int] = {}
    for place, (name, table) in enumerate(tables(world).items()):
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        written[name] = table.num_rows
        if progress is not None:
            progress("writing", (place + 1) / len(_SHEETS))
    return written


def summary(world: World, rows: dict[str, int]) -> Summary:
    """Counts of what happened."""
    loans, plan = world.loans, world.contracts
    lost = np.flatnonzero(outcomes.defaulted(world, np.arange(loans.rows.count)))
    return Summary(
        rows=rows,
        suppliers=world.firms.count,
        buyers=world.buyers.count,
        contracts=int(plan.signed.sum()),
        open_contracts=int((plan.signed & (plan.ending == Ending.OPEN)).sum()),
        breached_contracts=int(outcomes.breached(world).sum()),
        borrowers=int(world.lines.ever_drew.sum()),
        draws=loans.rows.count,
        defaulted_draws=int(lost.size),
        defaulted_borrowers=int(np.unique(loans["firm"][lost]).size),
    )
