"""A platform of any size as blocks of suppliers, each a world of its own that shares its buyers with the others.

Blocks know nothing of each other, so they run side by side, and the order in which they end changes no byte.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import fields, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from credit.domain.progress import Progress, silent
from data.simulator.clock import run
from data.simulator.ids import SUPPLIERS_A_BLOCK
from data.simulator.settings import Settings
from data.simulator.summary import Summary
from data.simulator.writer import Files, summary, tables, unfinished

# So many finished blocks may wait to be written, beside those that run.
_WAITING = 2

Made = TypeVar("Made")


def blocks(settings: Settings) -> list[Settings]:
    """The settings of each block; the last takes the rest."""
    sizes = range(0, settings.suppliers, SUPPLIERS_A_BLOCK)
    return [
        replace(
            settings,
            suppliers=min(SUPPLIERS_A_BLOCK, settings.suppliers - first),
            block=number,
            platform_suppliers=settings.suppliers,
        )
        for number, first in enumerate(sizes)
    ]


def write(settings: Settings, folder: Path, progress: Progress = silent) -> Summary:
    """Run all blocks and write their tables; the folder appears whole or not at all."""
    parts = blocks(settings)
    with unfinished(folder) as beside:
        files = Files(beside)
        try:
            if len(parts) == 1:
                total = _write_alone(parts[0], files, progress)
            else:
                total = _write_side_by_side(parts, files, beside.parent, progress)
        finally:
            files.close()
    return replace(total, rows=files.rows)


def _write_alone(settings: Settings, files: Files, progress: Progress) -> Summary:
    world = run(settings, progress)
    made = tables(world)
    for place, (name, table) in enumerate(made.items()):
        files.add(name, table)
        progress("writing", place + 1, len(made))
    return summary(world)


def _write_side_by_side(parts: list[Settings], files: Files, beside: Path, progress: Progress) -> Summary:
    """What a block has made waits in a file until the blocks before it are written."""
    scratch = Path(tempfile.mkdtemp(prefix=".blocks-", dir=beside))
    total: Summary | None = None
    try:
        for number, (made, counted) in enumerate(in_order(partial(_make, scratch=scratch), parts)):
            for file in sorted(made.iterdir()):
                with pa.memory_map(str(file)) as content:
                    files.add(file.stem, pa.ipc.open_file(content).read_all())
            shutil.rmtree(made)
            total = counted if total is None else _together(total, counted)
            progress("blocks", number + 1, len(parts))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    assert total is not None
    return total


def in_order(make: Callable[[Settings], Made], parts: list[Settings]) -> Iterator[Made]:
    """What is made of each block, one process a core, in the order of the blocks; few wait, for each takes space."""
    workers = min(os.cpu_count() or 1, len(parts))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: list[Future[Made]] = []
        waiting = iter(parts)
        try:
            for part in waiting:
                running.append(pool.submit(make, part))
                if len(running) > workers + _WAITING:
                    yield running.pop(0).result()
            while running:
                yield running.pop(0).result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make(settings: Settings, scratch: Path) -> tuple[Path, Summary]:
    """Run one block, in a process of its own."""
    world = run(settings)
    made = scratch / f"{settings.block:04}"
    made.mkdir()
    for name, table in tables(world).items():
        with pa.OSFile(str(made / f"{name}.arrow"), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
    return made, summary(world)


def _together(one: Summary, other: Summary) -> Summary:
    """The counts of two sets of blocks; their buyers are the same."""
    counts = [field.name for field in fields(Summary) if field.name not in ("rows", "buyers")]
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in counts})
