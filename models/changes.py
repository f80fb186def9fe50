"""What would change a score: a firm with some features taken to be others, and the smallest changes that suffice.

A proposal moves what a supplier can act on, only in the direction that lowers its risk, and only to values that firms
of the reference population have. The windows of one quantity move together, and derived features follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from credit.domain.reasons import reason_for
from features.catalogue import CATALOGUE
from features.derived import follow
from features.feature import DERIVED, EITHER, RISES, Feature
from models.logistic import Floats
from models.reference import STEPS, Reference
from models.registry import Served
from models.scoring import probability_of

# So many of the quantities that lower the risk most are tried in pairs, each in so many steps.
PAIRED, PAIR_STEPS = 12, 5


@dataclass(frozen=True, slots=True)
class Move:
    """A feature from what it is to what is proposed."""

    feature: Feature
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """Moves that together lower the PD to `pd`; `passed` is the share of the reference population they overtake."""

    moves: tuple[Move, ...]
    pd: float
    passed: float


@dataclass(frozen=True, slots=True)
class _Step:
    """One quantity, in all its windows, at a share of the reference population that it is then better than."""

    moves: tuple[Move, ...]
    passed: float


def smallest(
    served: Served, row: pd.Series, *, pd_max: float, better_than_max: float, change_max: float, most: int
) -> tuple[list[Proposal], float]:
    """The smallest proposals that lower a firm's PD to `pd_max` or below, and the lowest PD that any of the tried has.

    Single quantities first; pairs only where none suffices by itself. Smallest is what overtakes the smallest share of
    the reference population; ties fall by the features' names. No figure changes by more than `change_max` times its
    own size. None where none suffices or the model has no reference.
    """
    reference = served.model.reference
    quantities = _quantities(row, reference, better_than_max, change_max) if reference else []
    singles = _judged(served, row, [(step,) for steps in quantities for step in steps])
    found, lowest = singles, min((p.pd for p in singles), default=float(probability_of(served, row.to_frame().T)[0]))
    if not any(p.pd <= pd_max for p in singles):
        found = _judged(served, row, _pairs(quantities, singles))
        lowest = min([lowest, *(p.pd for p in found)])
    enough = sorted((p for p in found if p.pd <= pd_max), key=lambda p: (round(p.passed, 6), _named(p)))
    kept: dict[tuple[str, ...], Proposal] = {}
    for proposal in enough:
        kept.setdefault(_named(proposal), proposal)
    return list(kept.values())[:most], lowest


def _quantities(row: pd.Series, reference: Reference, better_than_max: float, change_max: float) -> list[list[_Step]]:
    """The steps of each quantity that can be acted on, from the smallest; none where nothing would get better."""
    windows: dict[str, list[Feature]] = {}
    for feature in CATALOGUE:
        acted_on = feature.source != DERIVED and feature.risk is not EITHER and reason_for(feature.reason).actionable
        if acted_on and reference.quantiles.get(feature.name) and not np.isnan(row[feature.name]):
            windows.setdefault(re.sub(r"_\d+m$", "", feature.name), []).append(feature)
    levels = [level / STEPS for level in range(STEPS + 1) if level / STEPS <= better_than_max]
    steps = [[_step(features, row, reference, level, change_max) for level in levels] for features in windows.values()]
    return [moving for quantity in steps if (moving := [step for step in quantity if step.moves])]


def _step(features: Sequence[Feature], row: pd.Series, reference: Reference, level: float, change_max: float) -> _Step:
    moves, passed = [], 0.0
    for feature in features:
        # From the worst firm of the reference population to the best.
        ladder = np.array(reference.quantiles[feature.name][:: -1 if feature.risk is RISES else 1])
        before, after = float(row[feature.name]), float(ladder[round(level * STEPS)])
        if (after - before) * feature.risk < 0:
            if abs(after - before) > change_max * abs(before):
                return _Step((), 0.0)
            moves.append(Move(feature, before, after))
            passed = max(passed, level - _better_than(ladder * -feature.risk, -before * feature.risk))
    return _Step(tuple(moves), passed)


def _better_than(rising: Floats, value: float) -> float:
    """The share of the ladder's steps that lie below a value."""
    return float(np.searchsorted(rising, value, side="left")) / STEPS


def _pairs(quantities: list[list[_Step]], singles: list[Proposal]) -> list[tuple[_Step, ...]]:
    lowest = {p.moves: p.pd for p in singles}
    best = sorted(quantities, key=lambda steps: (lowest[steps[-1].moves], steps[-1].moves[0].feature.name))[:PAIRED]
    some = [[steps[at] for at in sorted({*np.linspace(0, len(steps) - 1, PAIR_STEPS).astype(int)})] for steps in best]
    return [(a, b) for one, other in combinations(some, 2) for a in one for b in other]


def _judged(served: Served, row: pd.Series, tried: Sequence[tuple[_Step, ...]]) -> list[Proposal]:
    """What each of these comes to."""
    if not tried:
        return []
    values = np.tile(row.to_numpy(dtype=float), (len(tried), 1))
    for place, steps in enumerate(tried):
        for move in (move for step in steps for move in step.moves):
            values[place, row.index.get_loc(move.feature.name)] = move.after
    frame = follow(pd.DataFrame(values, columns=row.index), row)
    return [
        Proposal(tuple(move for step in steps for move in step.moves), float(pd_), sum(step.passed for step in steps))
        for steps, pd_ in zip(tried, probability_of(served, frame), strict=True)
    ]


def _named(proposal: Proposal) -> tuple[str, ...]:
    return tuple(re.sub(r"_\d+m$", "", move.feature.name) for move in proposal.moves)
