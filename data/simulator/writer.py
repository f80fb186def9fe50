"""The simulated platform as Parquet files in the ledger's own import format."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.simulator import borrowing, dealings, guarantees, invoices, outcomes, parties, sharing, ties
from data.simulator.demand import Ending
from data.simulator.sheets import Sheet, to_table
from data.simulator.summary import Summary
from data.simulator.world import World

ROW_GROUP_ROWS = 50_000

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
    ("invoices", invoices.invoices, "V"),
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
    """Every table of the ledger as the platform knows it in the evening of the last day, supplier by supplier.

    Buyers belong to all blocks and are written with the first.
    """
    made = {name: to_table(rows(world), world.settings, prefix) for name, rows, prefix in _SHEETS}
    return {name: _by_supplier(table) for name, table in made.items() if name != "buyers" or not world.settings.block}


def _by_supplier(table: pa.Table) -> pa.Table:
    """The rows of each supplier together, in the order in which they were."""
    if "supplier_id" not in table.column_names:
        return table
    number = pc.cast(pc.utf8_slice_codeunits(table["supplier_id"], 1), pa.int64())
    return table.take(np.argsort(number.to_numpy(), kind="stable"))


def refuse_filled(folder: Path) -> None:
    """Raise FileExistsError where the folder holds anything: a simulation never mixes with other data."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not an empty folder; name a new one or empty it first")


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is wanted, put in its place at once when all is well: half a world is never seen."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield beside
        beside.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


class Files:
    """The platform's files, one a table, to which the blocks are added one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows: dict[str, int] = {}

    def add(self, name: str, table: pa.Table) -> None:
        """Append a block's rows of a table."""
        if name not in self._writers:
            file = self._folder / f"{name}.parquet"
            self._writers[name] = pq.ParquetWriter(file, table.schema, compression="zstd")
        self._writers[name].write_table(table, row_group_size=ROW_GROUP_ROWS)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def close(self) -> None:
        """Write the ends of the files."""
        for writer in self._writers.values():
            writer.close()


def summary(world: World) -> Summary:
    """Counts of what happened in a block; of the rows nothing yet."""
    loans, plan = world.loans, world.contracts
    lost = np.flatnonzero(outcomes.defaulted(world, np.arange(loans.rows.count)))
    return Summary(
        rows={},
        suppliers=world.firms.count,
        buyers=world.buyers.count,
        contracts=int(plan.signed.sum()),
        open_contracts=int((plan.signed & (plan.ending == Ending.OPEN)).sum()),
        breached_contracts=int(outcomes.breached(world).sum()),
        borrowers=int(world.lines.ever_drew.sum()),
        lines=int(world.lines.applications["granted"].sum()),
        lines_fen=int(world.lines.applications["limit"].sum()),
        draws=loans.rows.count,
        drawn_fen=int(loans["principal"].sum()),
        matured_draws=int((loans["due_on"] + world.settings.lending.default_days <= world.day).sum()),
        defaulted_draws=int(lost.size),
        defaulted_borrowers=int(np.unique(loans["firm"][lost]).size),
    )
