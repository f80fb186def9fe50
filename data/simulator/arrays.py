"""Vector tools that the simulator's modules share. Days are whole days since 1970, money is integer fen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEN_A_YUAN = 100
DAYS_A_YEAR = 365
WEEKS_A_YEAR = 52
NEVER = 10**7  # a day far beyond any calendar: it has not happened

Columns = TypeVar("Columns")  # a dataclass of vectors that belong together, one position each


def to_fen(amount: Floats | Ints) -> Ints:
    """An amount of fen as the whole number next to it."""
    return np.rint(amount).astype(np.int64)


def never(size: int) -> Ints:
    """Days of something that has not happened to anyone yet."""
    return np.full(size, NEVER, dtype=np.int64)


def days_between(rng: np.random.Generator, bounds: tuple[int, int], size: int) -> Ints:
    """Whole days drawn evenly between both bounds, both included."""
    return rng.integers(bounds[0], bounds[1] + 1, size)


def pick(rng: np.random.Generator, shares: Sequence[float] | Floats, size: int) -> Ints:
    """Positions drawn with those shares."""
    ladder = np.cumsum(shares)
    return np.searchsorted(ladder, rng.random(size) * ladder[-1], side="right").astype(np.int64)


def pick_by_row(rng: np.random.Generator, shares: Floats, rows: Ints) -> Ints:
    """Positions drawn for each row with the shares of that row of a table."""
    ladder = np.cumsum(shares, axis=1)
    height = rng.random(rows.size) * ladder[rows, -1]
    return (ladder[rows] <= height[:, None]).sum(axis=1).astype(np.int64)


def running_total_by(groups: Ints, amounts: Ints) -> Ints:
    """The running total of the amounts within each group, in the order given."""
    order = np.argsort(groups, kind="stable")
    sorted_groups, total = groups[order], np.cumsum(amounts[order])
    first = np.flatnonzero(np.r_[True, np.diff(sorted_groups) != 0]) if groups.size else groups
    before = np.repeat(total[first] - amounts[order][first], np.diff(np.r_[first, groups.size]))
    result = np.empty_like(amounts)
    result[order] = total - before
    return result


def place_in_group(counts: Ints) -> Ints:
    """0, 1, 2 … within each group, groups of those sizes one after the other."""
    starts = np.cumsum(counts) - counts
    return np.arange(counts.sum(), dtype=np.int64) - np.repeat(starts, counts)


def taken(columns: Columns, rows: Ints) -> Columns:
    """Only those rows of every vector."""
    return _each(lambda vector: vector[rows], columns)


def repeated(columns: Columns, times: int) -> Columns:
    """Every vector so many times, one after the other."""
    return _each(lambda vector: np.concatenate([vector] * times), columns)


def one_after_the_other(first: Columns, second: Columns) -> Columns:
    """The rows of both, vector by vector."""
    return _each(lambda one, other: np.concatenate([one, other]), first, second)


def _each(made: Callable[..., Any], first: Columns, *others: Columns) -> Columns:
    result = copy(first)
    for each in fields(first):  # type: ignore[arg-type]
        vectors = [getattr(columns, each.name) for columns in (first, *others)]
        if isinstance(vectors[0], np.ndarray):
            setattr(result, each.name, made(*vectors))
    return result
