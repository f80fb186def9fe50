"""Build the features of all suppliers from those that were kept: only what can have moved is computed anew.

From one day to the next a feature of a supplier changes where a row of its came to be known, or where a boundary
passed one that was: the end of a window, a date on which a source says something else (`Source.turns`), the day on
which what speaks against a firm lapses. Ages are kept as the dates that they are counted from. Series and buyers'
scores move when a month ends; on that day everything is built anew, as it is wherever that is cheaper.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import feather

from credit.domain.progress import Progress, silent
from credit.domain.windows import last_month_end, months_before
from data.batches import fed_by
from data.durable import exclusive, json_of, write_whole
from data.ledger import Ledger
from data.moved import Crossed, Reading, touched, values_where
from data.retention import lapsed_on
from data.schema import BUYERS, CONTRACTS, MERGES, TABLES, Table
from features import buyer_scores, engine
from features.catalogue import CATALOGUE, names
from features.queries import base_features, tables_read
from features.script import definition
from features.sources import WINDOWS, Source

# Above this share of suppliers to compute anew it is cheaper to compute all.
REBUILD_ABOVE = 0.6
# So many of them are computed at once: few enough for the memory of two such pieces, for they are the active ones.
ANEW_AT_ONCE = 45_000
RECORD = "reading.json"

Column = npt.NDArray[Any]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Built:
    """The features of every supplier, by supplier_id, and how many of them were computed anew, and why not fewer."""

    frame: pd.DataFrame
    anew: int
    why: str

    @property
    def share(self) -> float:
        """The share of suppliers that were computed anew."""
        return self.anew / len(self.frame) if len(self.frame) else 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """Features as they were settled at one reading: files of suppliers in order, from each first one on."""

    folder: Path
    reading: Reading
    firsts: list[str]
    scores: Path

    def part(self, number: int) -> tuple[Column, list[Column]]:
        """The supplier_ids of one file, and its settled features in the order of the catalogue."""
        table = feather.read_table(self.folder / _part(number))
        return table["supplier_id"].to_numpy(), [table[name].to_numpy() for name in names()]


def build_on(
    ledger: Ledger,
    as_of: date,
    *,
    tier: str,
    folder: Path,
    version: int | None = None,
    full: bool = False,
    progress: Progress = silent,
) -> Built:
    """The features of every supplier of a tier known on a date, as `engine.build_on` has them.

    What is computed is kept in the folder for the next day; what was kept there before is used where it can be, unless
    a `full` build is wanted. Raises Locked while another build keeps there.
    """
    with exclusive(folder / ".lock", "features that are kept"):
        reading = Reading(as_of, ledger.version if version is None else version)
        return _built(ledger, reading, tier, folder, full, progress)


def _built(ledger: Ledger, reading: Reading, tier: str, folder: Path, full: bool, progress: Progress) -> Built:
    as_of = reading.as_of
    cases = ledger.suppliers(as_of, tier=tier, version=reading.version)
    suppliers = pd.Index(cases["supplier_id"], dtype=object)  # text is looked up many times slower
    (scored,) = buyer_scores.scores(ledger, [as_of], version=reading.version)
    fed = sorted(fed_by(ledger.batches(reading.version), tier))
    kept, why = (None, "a full build was asked for") if full else _kept(folder, ledger, reading, fed)
    work = [Work(tuple(source for source, _ in base_features()), np.ones(len(cases), dtype=bool))]
    if kept is not None:
        progress("looking for what has moved")
        new = ~suppliers.isin(_suppliers(kept))
        partly = [
            Work(sources, suppliers.isin(list(moved)) | new) for sources, moved in _moved(ledger, kept, reading, scored)
        ]
        if np.mean(_anew(partly)) > REBUILD_ABOVE:
            kept, why = None, f"more than {REBUILD_ABOVE:.0%} of the suppliers can have moved"
        else:
            work, why = partly, "what can have moved"
    anew = _anew(work)
    build = _Build(ledger, cases, suppliers, kept, reading, tier, work, anew)
    frame = build.frame(_Writer(folder, ledger, reading, fed, scored), progress)
    return Built(frame, int(anew.sum()), why)


@dataclass(frozen=True, slots=True)
class Work:
    """Sources that read the same tables, and of which suppliers, by their places, they have to be asked anew."""

    sources: tuple[Source, ...]
    anew: npt.NDArray[np.bool_]


def _anew(work: Sequence[Work]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.any([each.anew for each in work], axis=0)
    return found


# -- what is kept ------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes a folder of parts beside the one that holds, and puts it in its place when it is whole."""

    def __init__(self, folder: Path, ledger: Ledger, reading: Reading, fed: list[str], scored: Path) -> None:
        self.folder, self.ledger, self.reading, self.fed = folder, ledger, reading, fed
        self.firsts: dict[int, str] = {}
        self.new = folder / f"{reading.as_of}-{reading.version:06d}-{uuid4().hex[:8]}"
        self.new.mkdir(parents=True)
        shutil.copyfile(scored, self.new / _SCORES)

    def add(self, number: int, suppliers: pd.Index[str], settled: npt.NDArray[np.float64]) -> None:
        """Write one part: a row a feature, a column a supplier."""
        table = pa.table({"supplier_id": suppliers.to_numpy(), **dict(zip(names(), settled, strict=True))})
        feather.write_feather(table, self.new / _part(number), compression="lz4")
        self.firsts[number] = suppliers[0] if len(suppliers) else ""

    def done(self) -> None:
        """Make what was written what is kept, and remove what was before."""
        record = {
            "as_of": str(self.reading.as_of),
            "version": self.reading.version,
            "fed": self.fed,
            "definition_sha256": definition(),
            "ledger_sha256": self.ledger.fingerprint(self.reading.version),
            "firsts": [first for _, first in sorted(self.firsts.items())],
            "folder": self.new.name,
            "bytes": {file.name: file.stat().st_size for file in sorted(self.new.iterdir())},
        }
        write_whole(self.folder / RECORD, json.dumps(record, indent=1).encode())
        for other in self.folder.glob(_BUILDS):
            if other != self.new:
                shutil.rmtree(other, ignore_errors=True)


_SCORES = "buyers.parquet"
_BUILDS = "[12]???-??-??-*-????????"


def _part(number: int) -> str:
    return f"part-{number:05d}.arrow"


def _kept(folder: Path, ledger: Ledger, reading: Reading, fed: list[str]) -> tuple[Kept | None, str]:
    """What can be built on at a reading, or None and why there is nothing."""
    file = folder / RECORD
    if not file.exists():
        return None, "nothing was kept"
    record = json_of(file.read_text(), file.name)
    found, then = folder / record["folder"], Reading(date.fromisoformat(record["as_of"]), record["version"])
    refused = {
        "what features mean has changed": record["definition_sha256"] != definition(),
        "what was kept is of another ledger": record["ledger_sha256"] != ledger.fingerprint(then.version),
        "another table has become part of the data": record["fed"] != fed,
        "what was kept is of a later day or version": then.as_of > reading.as_of or then.version > reading.version,
        "a month has ended": last_month_end(then.as_of) != last_month_end(reading.as_of),
        "what was kept is not whole": {e.name: e.stat().st_size for e in found.glob("*")} != record["bytes"],
    }
    why = next((why for why, holds in refused.items() if holds), "")
    return None if why else Kept(found, then, record["firsts"], found / _SCORES), why


def _suppliers(kept: Kept) -> Column:
    found = [feather.read_table(kept.folder / _part(n), columns=["supplier_id"]) for n in range(len(kept.firsts))]
    return np.concatenate([table["supplier_id"].to_numpy() for table in found])


# -- what can have moved -----------------------------------------------------------------------------------------------


def _moved(ledger: Ledger, kept: Kept, now: Reading, scored: Path) -> Iterator[tuple[tuple[Source, ...], set[str]]]:
    """Sources that read the same tables, each with the ids of suppliers of whom they can say something else."""
    moved: dict[str, set[str]] = {}
    for table, sources in _read_by().items():
        crossed = _crossed(table, sources, kept.reading.as_of, now.as_of)
        moved[table.name] = touched(ledger, table, "supplier_id", since=kept.reading, until=now, crossed=crossed)
    merged: set[str] = set()
    for column in ("supplier_id", "merged_id"):
        merged.update(touched(ledger, MERGES, column, since=kept.reading, until=now))
    buyers = touched(ledger, BUYERS, "buyer_id", since=kept.reading, until=now)
    buyers |= _scored_otherwise(kept.scores, scored)
    if buyers:
        moved[BUYERS.name] = values_where(ledger, CONTRACTS, "supplier_id", "buyer_id", buyers, version=now.version)
    same = ledger.identities(now.as_of, version=now.version)
    alike: dict[frozenset[str], list[Source]] = {}
    for source, _ in base_features():
        of_buyers = {BUYERS.name} if buyer_scores.BUYERS in source.sql else set()
        alike.setdefault(source.tables | of_buyers, []).append(source)
    for tables, found in alike.items():
        ids = merged.union(*(moved.get(name, ()) for name in tables))
        theirs = {number for each, number in same.items() if each in ids}
        yield tuple(found), ids.union(str(each) for each, number in same.items() if number in theirs)


def _read_by() -> dict[Table, list[Source]]:
    """The tables about suppliers that sources read, each with those."""
    sources = [source for source, _ in base_features()]
    tables = [table for table in TABLES if table.has_supplier and table is not MERGES]
    found = {table: [source for source in sources if table.name in source.tables] for table in tables}
    return {table: read for table, read in found.items() if read}


def _crossed(table: Table, sources: list[Source], before: date, now: date) -> Iterator[Crossed]:
    """The days of a table's columns that a boundary passed between two days."""
    wanted = {source.name for source in sources}
    said = " ".join(s.sql + f.aggregate for s, features in base_features() if s.name in wanted for f in features)
    for n in (n for n in WINDOWS if f"since_{n}m" in said):
        yield Crossed(table.on, months_before(before, n), months_before(now, n))
    if before != now:
        lapsed = sorted(lapsed_on(day) or date.min for day in (before, now))  # a law may let them be shown longer
        yield Crossed(table.on, *lapsed)
    for source in sources:
        for turn in (turn for turn in source.turns if turn.table == table.name):
            first, last = (months_before(day, turn.months) - timedelta(days=turn.days) for day in (before, now))
            yield Crossed(turn.column, first, last)


def _scored_otherwise(before: Path, now: Path) -> set[str]:
    """The buyers whose score is another than it was."""
    old, new = (pd.read_parquet(file, partitioning=None).set_index("buyer_id")["score"] for file in (before, now))
    old, new = old.align(new)
    return set(old.index[(old != new) & ~(old.isna() & new.isna())])


# -- building ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Build:
    """What is to be computed anew, of which sources and suppliers, beside what was kept."""

    ledger: Ledger
    cases: pd.DataFrame
    suppliers: pd.Index[str]
    kept: Kept | None
    reading: Reading
    tier: str
    work: Sequence[Work]
    anew: npt.NDArray[np.bool_]

    def frame(self, writer: _Writer, progress: Progress) -> pd.DataFrame:
        """Compute and keep the features of all suppliers."""
        values = np.empty((len(CATALOGUE), len(self.cases)))
        parts = list(_parts(self.suppliers, self.kept))
        if self.kept is not None:
            engine.side_by_side(lambda part: self._place(values, part), parts)
        places = self._together(parts)
        threads = engine.threads_for(len(places))
        told = engine.counted(progress, f"computing features of {int(self.anew.sum()):,} suppliers", len(places))
        engine.side_by_side(lambda each: self._compute(values, each, threads), places, told)

        def finish(part: _Part) -> None:
            self._derive(values, part)
            theirs = values[:, part.begin : part.end]
            writer.add(part.number, self.suppliers[part.begin : part.end], theirs)
            engine.round_all(theirs, CATALOGUE)

        engine.side_by_side(finish, parts)
        writer.done()
        with duckdb.connect() as con:
            engine.count_ages(values, self.cases["as_of"], CATALOGUE, con)
        index = pd.Index(self.cases["supplier_id"].array, name="supplier_id")
        return pd.DataFrame(values.T, index=index, columns=names(), copy=False)

    def _together(self, parts: list[_Part]) -> list[Places]:
        """The places of suppliers that are computed at once; of a full build, those of a part."""
        if self.kept is None:
            return [np.arange(part.begin, part.end) for part in parts]
        places = np.flatnonzero(self.anew)
        return np.array_split(places, engine.pieces_of(len(places), ANEW_AT_ONCE)) if len(places) else []

    def _compute(self, values: engine.Values, places: Places, threads: int | None) -> None:
        asked = self.cases.iloc[places].reset_index(drop=True)
        with engine.known_on(
            self.ledger, asked, version=self.reading.version, tables=tables_read(CATALOGUE), threads=threads
        ) as known:
            if self.kept is not None:
                engine.gather(known, self._read_of(places))
            found = engine.base_values(known, self.tier)
        for each in self.work:
            sources, anew = {source.name for source in each.sources}, each.anew[places]
            for row in (row for row, feature in enumerate(CATALOGUE) if feature.source in sources):
                values[row, places[anew]] = found[row, anew]

    def _read_of(self, places: Places) -> dict[str, npt.NDArray[np.bool_]]:
        """By table, of which of these suppliers a source that has to be asked anew reads it."""
        tables = {name for each in self.work for source in each.sources for name in source.tables}
        reading = {name: [e for e in self.work if any(name in s.tables for s in e.sources)] for name in tables}
        return {name: _anew(work)[places] for name, work in reading.items()}

    def _derive(self, values: engine.Values, part: _Part) -> None:
        places = part.begin + np.flatnonzero(self.anew[part.begin : part.end])
        if len(places) == 0:
            return
        found = values[:, places]
        with duckdb.connect(config={"threads": 1}) as con:
            engine.derive(found, CATALOGUE, con)
        values[:, places] = found

    def _place(self, values: engine.Values, part: _Part) -> None:
        """Put what is kept of a part's suppliers in its place; who is no supplier any more has none."""
        assert self.kept is not None
        held, settled = self.kept.part(part.number)
        within = self.suppliers[part.begin : part.end]
        if len(held) == len(within) and (held == within).all():
            for row, column in enumerate(settled):
                values[row, part.begin : part.end] = column
            return
        places = within.get_indexer(pd.Index(held, dtype=object))
        there = places >= 0
        for row, column in enumerate(settled):
            values[row, part.begin + places[there]] = column[there]


@dataclass(frozen=True, slots=True)
class _Part:
    """Suppliers that are kept in one file, and between which places they stand among all."""

    number: int
    begin: int
    end: int


def _parts(suppliers: pd.Index[str], kept: Kept | None) -> Iterator[_Part]:
    if kept is None:
        pieces = engine.pieces_of(len(suppliers), engine.CASES_AT_ONCE)
        ends = [len(suppliers) * (piece + 1) // pieces for piece in range(pieces)]
    else:
        ends = [*map(int, suppliers.searchsorted(kept.firsts[1:])), len(suppliers)]
    for number, (begin, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        yield _Part(number, begin, end)
