"""What nobody on the platform can know: each firm's hidden quality, and its true probability of default.

The probability is that of a draw made on a given evening, of what the firm is short of within a line by the lenders'
rule, to be 90 days past due. It is found by giving every firm drawn into the sample such a draw and running its future
many times over. Written apart from the platform's files, for evaluation alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from credit.domain.progress import Progress, silent
from data.simulator import Question
from data.simulator.arrays import Floats, Ints
from data.simulator.blocks import blocks, in_order
from data.simulator.borrowing import reached
from data.simulator.clock import advance
from data.simulator.credit import creditworthy, lend_to_all
from data.simulator.futures import copies_of
from data.simulator.ids import SUPPLIERS_A_BLOCK
from data.simulator.settings import SIZE_CLASSES, VERSION, Settings, day_number, day_of_number
from data.simulator.sheets import labels
from data.simulator.summary import TruthSummary
from data.simulator.weekly import in_business
from data.simulator.world import World, build
from data.simulator.writer import unfinished

# Whose experience with credit puts it into which stratum, beside its size.
STANDINGS = ("BORROWER", "REFUSED", "CREDITWORTHY", "OTHER")
# So many futures of firms are run side by side: more fill the memory and are no faster.
_SIDE_BY_SIDE = 150_000

_FIRM = ("skill", "scale", "orders_a_year", "gross_margin", "overhead_share", "buffer_months", "appetite")


def write(settings: Settings, question: Question, folder: Path, progress: Progress = silent) -> TruthSummary:
    """Run the platform of these settings and write its truth; the folder appears whole or not at all."""
    parts = blocks(settings)
    with unfinished(folder) as beside:
        made: dict[str, list[pa.Table]] = {}
        if len(parts) == 1:
            found = iter([_of_block(parts[0], question, progress)])
        else:
            found = in_order(partial(_of_block, question=question), parts)
        for number, tables in enumerate(found):
            for name, table in tables.items():
                made.setdefault(name, []).append(table)
            progress("blocks", number + 1, len(parts))
        whole = {name: pa.concat_tables(tables) for name, tables in made.items()}
        for name, table in whole.items():
            pq.write_table(table, beside / f"{name}.parquet", compression="zstd")
        about = {"simulator_version": VERSION, **_asked(settings), **asdict(question)}
        (beside / "about.json").write_text(json.dumps(about, default=str, indent=1), encoding="utf-8")
    return _summary(whole["default_probabilities"], question)


def _asked(settings: Settings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in ("suppliers", "borrower_share", "start", "end", "seed")}


def _of_block(settings: Settings, question: Question, progress: Progress = silent) -> dict[str, pa.Table]:
    """The truth about one block's firms, by table."""
    world = build(settings)
    days = sorted(day_number(day) for day in question.days)
    found = []
    for place, day in enumerate(days):
        while world.day < day:
            advance(world)
        found.append(_default_probabilities(world, question))
        progress("looking ahead", place + 1, len(days))
    tables = {"default_probabilities": pa.concat_tables(found), "firms": _hidden(world)}
    return tables if settings.block else {**tables, "buyers": _hidden_of_buyers(world)}


def _hidden(world: World) -> pa.Table:
    """What drives each firm and is never written with the platform."""
    everyone = np.arange(world.firms.count)
    own = {name: getattr(world.firms, name) for name in _FIRM}
    return pa.table({"supplier_id": world.ids.suppliers(everyone), **own})


def _hidden_of_buyers(world: World) -> pa.Table:
    everyone = np.arange(world.buyers.count)
    return pa.table({"buyer_id": world.ids.buyers(everyone), "pays_after_days": world.buyers.pays_after})


def _default_probabilities(world: World, question: Question) -> pa.Table:
    """Draw firms by stratum and find the true probability of each."""
    standing, stratum = _strata(world)
    firms, weight = _drawn(world, stratum, question)
    defaults, amount = np.zeros(firms.size, dtype=np.int64), np.zeros(firms.size, dtype=np.int64)
    for tenor, futures in _futures_by_tenor(world.settings, question.futures):
        at_once = max(1, _SIDE_BY_SIDE // max(firms.size, 1))
        for first in range(0, futures, at_once):
            copies = min(at_once, futures - first)
            rng = world.settings.generator(f"futures {world.day} {tenor} {first}")
            happened, amount = _run_ahead(world, firms, copies, tenor, rng)
            defaults += happened
    share = defaults / question.futures
    # Half a default and half a repayment more: an event that never came has an error too (Jeffreys).
    careful = (defaults + 0.5) / (question.futures + 1)
    return pa.table(
        {
            "supplier_id": world.ids.suppliers(firms),
            "as_of": pa.array(np.full(firms.size, world.day, dtype=np.int32), pa.int32()).cast(pa.date32()),
            "standing": labels(STANDINGS, standing[firms]),
            "size_class": labels([name for name, _ in SIZE_CLASSES], world.firms.size_class[firms]),
            "weight": weight,
            "draw_fen": amount,
            "futures": np.full(firms.size, question.futures, dtype=np.int32),
            "defaults": defaults,
            "pd": share,
            "standard_error": np.sqrt(careful * (1 - careful) / question.futures),
        }
    )


def _strata(world: World) -> tuple[Ints, Ints]:
    """Each firm's standing with lenders, and its stratum: standing by size; -1 where it is not to be drawn.

    Firms are drawn that are in business, have signed a contract, and owe nothing overdue: of the others the answer is
    known, or nobody asks.
    """
    everyone, lines = np.arange(world.firms.count), world.lines
    asked = np.zeros(world.firms.count, dtype=bool)
    asked[lines.applications["firm"]] = True
    standing = np.select([lines.ever_drew, asked, creditworthy(world, everyone)], [0, 1, 2], 3)
    there = np.zeros(world.firms.count, dtype=bool)
    there[in_business(world, everyone)] = True
    there &= (world.condition.first_signed_on <= world.day) & (lines.overdue == 0) & ~lines.ever_defaulted
    return standing, np.where(there, standing * len(SIZE_CLASSES) + world.firms.size_class, -1)


def _drawn(world: World, stratum: Ints, question: Question) -> tuple[Ints, Floats]:
    """Firms drawn evenly from the strata, as many as this block and evening have to give, each with its weight.

    A stratum that has too few gives all, and the others more.
    """
    rng = world.settings.generator(f"drawn {world.day}")
    members = [np.flatnonzero(stratum == each) for each in range(len(STANDINGS) * len(SIZE_CLASSES))]
    members.sort(key=len)
    left = firms_wanted(world.settings, question, day_of_number(world.day))
    chosen, weights = [], []
    for place, firms in enumerate(members):
        take = min(firms.size, left // (len(members) - place))
        left -= take
        chosen.append(rng.choice(firms, take, replace=False))
        weights.append(np.full(take, firms.size / max(take, 1)))
    firms, weight = np.concatenate(chosen), np.concatenate(weights)
    order = np.argsort(firms)
    return firms[order], weight[order]


def firms_wanted(settings: Settings, question: Question, day: date) -> int:
    """How many firms a block gives on an evening, so that all blocks and evenings together give those asked."""
    suppliers = settings.platform_suppliers or settings.suppliers
    begins = sorted(question.days).index(day) * suppliers + settings.block * SUPPLIERS_A_BLOCK
    ends = begins + settings.suppliers
    whole = suppliers * len(question.days)
    return question.firms * ends // whole - question.firms * begins // whole


def _futures_by_tenor(settings: Settings, futures: int) -> list[tuple[int, int]]:
    """How many futures have a draw of each tenor, in the shares in which tenors are drawn."""
    ends = np.rint(np.cumsum(settings.lending.tenor_shares) * futures).astype(int)
    return list(zip(settings.lending.tenor_days, np.diff(ends, prepend=0).tolist(), strict=True))


def _run_ahead(world: World, firms: Ints, copies: int, tenor: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """In how many copies the draw of each firm defaults, and the amount of the draw."""
    last_day = world.day + tenor + world.settings.lending.default_days
    ahead = copies_of(world, firms, copies, rng, last_day=last_day)
    draws = lend_to_all(ahead, tenor)
    while ahead.day < last_day:
        advance(ahead)
    happened = reached(ahead, draws, world.settings.lending.default_days)
    amount = ahead.loans["principal"][draws[: firms.size]].copy()
    return happened.reshape(copies, firms.size).sum(axis=0), amount


def _summary(found: pa.Table, question: Question) -> TruthSummary:
    frame = found.select(["standing", "weight", "pd", "standard_error"]).to_pandas()
    weighted = frame.assign(mass=frame["weight"] * frame["pd"]).groupby("standing")[["mass", "weight"]].sum()
    return TruthSummary(
        firms=len(frame),
        futures=question.futures,
        mean_pd=float(weighted["mass"].sum() / weighted["weight"].sum()),
        mean_pd_by_standing=(weighted["mass"] / weighted["weight"]).to_dict(),
        largest_standard_error=float(frame["standard_error"].max()),
    )
