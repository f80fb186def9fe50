"""Exact Shapley values of a booster: what each column adds, were the columns told one after the other in every order.

What is not told yet is averaged over the rows that the booster learned from, as its counts of them in each node say:
the values of LightGBM's `pred_contrib` (Lundberg et al. 2020, "path-dependent"), for a million rows in a minute.

A leaf of value w whose path asks about d columns adds to the i-th w · (hᵢ − rᵢ) · ∫₀¹ ∏_{j≠i} (t·hⱼ + (1−t)·rⱼ) dt:
hⱼ is 1 where the row meets all conditions on column j, rⱼ the share of the learned rows that do. Under the integral is
a polynomial of degree d − 1, of which a sum over ⌈d/2⌉ Gauss–Legendre points is exact. So a leaf has one value for
each of 2ᵈ patterns of h, a piece of a tree one for each pattern of its conditions, and rows look theirs up in a table.

One row and a million are summed in the same order, so that a replay comes out the same to the byte.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from models.logistic import Floats

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# A piece of a tree has at most so many conditions: its table of two to this power stays in a core's own memory.
MOST_CONDITIONS = 11
# To make all tables takes as long as to explain so many rows one by one.
MANY_ROWS = 300
ROWS_AT_ONCE, PIECES_AT_ONCE, FEW_AT_ONCE = 2**15, 64, 16

# How LightGBM's text says that a split is one of words, that what is missing goes left, and what counts as missing.
_OF_WORDS, _MISSING_LEFT = 1, 2
_ZERO, _NAN = 1, 2
_NEARLY_ZERO = 1e-35


class Shapley:
    """The Shapley values of a booster, given by LightGBM's text. `base` is its mean over the rows that it learned."""

    def __init__(self, booster: str) -> None:
        self._read(booster)
        self._walk()

    def values(self, rows: Floats, groups: Sequence[int], count: int) -> Floats:
        """What each group of columns adds to each row, rows × groups; `groups` says of each column which it is in."""
        places, found = np.asarray(groups, dtype=int), np.zeros((count, len(rows)))
        if len(rows) < MANY_ROWS:
            for at in range(0, len(rows), FEW_AT_ONCE):
                self._one_by_one(rows[at : at + FEW_AT_ONCE], places, found[:, at : at + FEW_AT_ONCE])
        else:
            self._by_tables(rows, places, found)
        return found.T

    # -- what the booster says

    def _read(self, booster: str) -> None:
        """All trees as one row of splits and one of leaves; a leaf's number follows those of all splits."""
        blocks = booster.partition("\nend of trees")[0].split("\nTree=")[1:]
        said = [dict(re.findall(r"^(\w+)=(.*)$", block, re.MULTILINE)) for block in blocks]
        # A tree of a single leaf says the same of every row.
        self.base = sum(float(tree["leaf_value"]) for tree in said if tree["num_leaves"] == "1")
        trees = [tree for tree in said if tree["num_leaves"] != "1"]

        def numbers(name: str, kind: type) -> Any:
            return np.array(" ".join(tree[name] for tree in trees).split(), dtype=kind)

        leaves = np.array([int(tree["num_leaves"]) for tree in trees], dtype=int)
        first_split, first_leaf = np.cumsum(leaves - 1) - (leaves - 1), np.cumsum(leaves) - leaves
        of_tree = np.repeat(np.arange(len(trees)), leaves - 1)
        self._column, self._threshold = numbers("split_feature", int), numbers("threshold", float)
        decision = numbers("decision_type", int)
        self._missing_left, self._missing_is = (decision & _MISSING_LEFT) > 0, decision >> 2 & 3
        self._words = {
            int(split): _words(trees[of_tree[split]], int(self._threshold[split]))
            for split in np.flatnonzero(decision & _OF_WORDS)
        }
        self._value = numbers("leaf_value", float)
        rows = np.r_[numbers("internal_count", float), numbers("leaf_count", float)]
        self._parent, self._on_left = np.full(len(rows), -1), np.zeros(len(rows), dtype=bool)
        splits = len(self._column)
        for name in ("left_child", "right_child"):
            child = numbers(name, int)
            child += np.where(child >= 0, first_split[of_tree], 0)
            child = np.where(child >= 0, child, splits + first_leaf[of_tree] + ~child)
            self._parent[child], self._on_left[child] = np.arange(splits), name == "left_child"
        self._share = np.where(self._parent >= 0, rows / np.maximum(rows[self._parent], 1), 1.0)

    def _walk(self) -> None:
        """The way from every leaf up to its root, as conditions; those of a leaf on one column are a pair of the two.

        Also finds the piece of each leaf: the largest subtree that, with the splits above it, has few enough.
        """
        splits, leaves = len(self._column), len(self._value)
        size = (np.arange(splits + leaves) < splits).astype(int)
        for node in range(splits - 1, 0, -1):
            if self._parent[node] >= 0:
                size[self._parent[node]] += size[node]
        ways = [np.empty((3, 0), dtype=int)]
        leaf, at, below = np.arange(leaves), np.arange(splits, splits + leaves), 0
        while leaf.size:
            leaf, at, below = leaf[self._parent[at] >= 0], at[self._parent[at] >= 0], below + 1
            ways.append(np.stack([leaf, at, np.full(len(leaf), below)]))
            at = self._parent[at]
        leaf, child, below = np.concatenate(ways, axis=1)
        node = self._parent[child]
        self._level = np.full(splits, 0)
        self._level[node] = np.bincount(leaf, minlength=leaves)[leaf] - below
        fits = np.flatnonzero(self._level[node] + size[node] <= MOST_CONDITIONS)
        self._piece = np.arange(splits, splits + leaves)
        # The highest is written last.
        fits = fits[np.argsort(-self._level[node[fits]], kind="stable")]
        self._piece[leaf[fits]] = node[fits]

        order = np.lexsort((self._level[node], self._column[node], leaf))
        leaf, child, node = leaf[order], child[order], node[order]
        self._split, self._way = node, self._on_left[child]
        column = self._column[node]
        starts = np.ones(len(leaf), dtype=bool)
        starts[1:] = (leaf[1:] != leaf[:-1]) | (column[1:] != column[:-1])
        self._pair = np.flatnonzero(starts)
        self._pair_leaf, self._pair_column = leaf[self._pair], column[self._pair]
        self._pairs = np.r_[0, np.cumsum(np.bincount(self._pair_leaf, minlength=leaves))]
        self._ratio = _of_each(np.multiply, self._share[child], self._pair)
        self.base += float(np.sum(self._value * _of_each(np.multiply, self._ratio, self._pairs[:-1])))

    # -- one row after the other

    def _one_by_one(self, rows: Floats, groups: Ints, found: Floats) -> None:
        """Every pair's value, summed by leaf, then by piece, then over all, as the tables are."""
        held = _of_each(np.logical_and, self._goes_left(rows)[:, self._split] == self._way, self._pair)
        added, columns = np.empty(held.shape), np.diff(self._pairs)
        for d in np.unique(columns):
            leaves = np.flatnonzero(columns == d)
            pairs = self._pairs[leaves] + np.arange(d)[:, None]
            told = np.moveaxis(held[:, pairs], 1, 0)
            added[:, pairs] = np.moveaxis(_added(self._ratio[pairs][:, None], told, self._value[leaves]), 0, 1)
        of_leaf, leaf_of = np.unique(self._pair_leaf * len(found) + groups[self._pair_column], return_inverse=True)
        leaf, group = np.divmod(of_leaf, len(found))
        of_piece, piece_of = np.unique(self._piece[leaf] * len(found) + group, return_inverse=True)
        for row, values in enumerate(added):
            of_pieces = np.bincount(piece_of, np.bincount(leaf_of, values, len(of_leaf)), len(of_piece))
            found[:, row] = np.bincount(of_piece % len(found), of_pieces, len(found))

    def _goes_left(self, rows: Floats) -> Bools:
        """Whether each row goes left at each split, rows × splits."""
        values = rows[:, self._column]
        missing = np.isnan(values)
        values[missing] = 0.0
        zero = np.abs(values) <= _NEARLY_ZERO
        missing = np.where(self._missing_is == _NAN, missing, zero & (self._missing_is == _ZERO))
        left = np.where(missing, self._missing_left, values <= self._threshold)
        for split, words in self._words.items():
            left[:, split] = np.isin(np.trunc(rows[:, self._column[split]]), words)
        return left

    # -- many rows

    def _by_tables(self, rows: Floats, groups: Ints, found: Floats) -> None:
        """Every row looks up in each piece's table what its pattern of conditions adds."""
        blocks = [slice(at, at + ROWS_AT_ONCE) for at in range(0, len(rows), ROWS_AT_ONCE)]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            ranked = list(pool.map(lambda block: self._ranked(rows[block]), blocks))
            for at in range(0, len(self._pieces), PIECES_AT_ONCE):
                pieces = self._pieces[at : at + PIECES_AT_ONCE]
                tables = self._tables([piece for piece in pieces if len(piece.bits) <= MOST_CONDITIONS], groups)

                def look_up(place: int, pieces: list[_Piece] = pieces, tables: dict[int, _Table] = tables) -> None:
                    for piece in pieces:
                        code = self._code(piece, rows[blocks[place]], ranked[place])
                        if piece.root in tables:
                            in_groups, table = tables[piece.root]
                        else:
                            # One leaf far down, of more patterns than there may be rows: only theirs are computed.
                            codes, code = np.unique(code, return_inverse=True)
                            in_groups, table = self._tables([piece], groups, codes)[piece.root]
                        for group, added in zip(in_groups, table, strict=True):
                            found[group, blocks[place]] += added.take(code)

                list(pool.map(look_up, range(len(blocks))))

    @cached_property
    def _pieces(self) -> list[_Piece]:
        order = np.argsort(self._piece, kind="stable")
        starts = np.flatnonzero(np.diff(self._piece[order], prepend=-1))
        return [self._piece_of(leaves) for leaves in np.split(order, starts[1:])] if len(order) else []

    def _piece_of(self, leaves: Ints) -> _Piece:
        """The conditions of these leaves as bits of a code: one a split, and one a column that is asked above them."""
        root = self._piece[leaves[0]]
        above = self._level[root] if root < len(self._column) else np.inf
        bits: dict[int, list[tuple[int, bool]]] = {}
        asked: list[_Leaf] = []
        for leaf in leaves.tolist():
            matters, wanted = [], []
            pairs = range(self._pairs[leaf], self._pairs[leaf + 1])
            for pair in pairs:
                end = self._pair[pair + 1] if pair + 1 < len(self._pair) else len(self._split)
                mask = want = 0
                for at in range(self._pair[pair], end):
                    split, way = int(self._split[at]), bool(self._way[at])
                    inside = self._level[split] >= above
                    name = split if inside else ~int(self._column[split])
                    conditions = bits.setdefault(name, [])
                    if (split, way or inside) not in conditions:
                        conditions.append((split, way or inside))
                    bit = 1 << list(bits).index(name)
                    mask, want = mask | bit, want | bit * (way or not inside)
                matters.append(mask)
                wanted.append(want)
            asked.append(_Leaf(leaf, pairs, np.array(matters)[:, None], np.array(wanted)[:, None]))
        return _Piece(int(root), list(bits.values()), asked)

    def _tables(self, pieces: list[_Piece], groups: Ints, codes: Ints | None = None) -> dict[int, _Table]:
        """The tables of pieces by their roots, for these codes or for all that there are."""
        of_pairs = self._of_patterns(np.array([leaf.number for piece in pieces for leaf in piece.leaves], dtype=int))
        tables = {}
        for piece in pieces:
            asked = np.arange(1 << len(piece.bits), dtype=np.uint16) if codes is None else codes
            in_groups = sorted({int(groups[self._pair_column[pair]]) for leaf in piece.leaves for pair in leaf.pairs})
            table = np.zeros((len(in_groups), len(asked)))
            for leaf in piece.leaves:
                held = (asked & leaf.matters.astype(asked.dtype)) == leaf.wanted.astype(asked.dtype)
                if leaf.number in of_pairs:
                    added, pattern = of_pairs[leaf.number], _packed(held)
                else:
                    added, pattern = _added(self._ratio[leaf.pairs, None], held, self._value[leaf.number]), slice(None)
                of_leaf: dict[int, Floats] = {}
                for group, each in zip(groups[self._pair_column[leaf.pairs]].tolist(), added, strict=True):
                    of_leaf[group] = of_leaf[group] + each if group in of_leaf else each
                for group, each in of_leaf.items():
                    table[in_groups.index(group)] += each[pattern]
            tables[piece.root] = (in_groups, table)
        return tables

    def _of_patterns(self, leaves: Ints) -> dict[int, Floats]:
        """What each pair of these leaves adds, pairs × patterns; none of a leaf of too many pairs."""
        found, columns = {}, np.diff(self._pairs)[leaves]
        for d in range(1, MOST_CONDITIONS + 1):
            alike = leaves[columns == d]
            if len(alike):
                pairs = self._pairs[alike] + np.arange(d)[:, None]
                held = (np.arange(1 << d) >> np.arange(d)[:, None] & 1) == 1
                added = _added(self._ratio[pairs][..., None], held[:, None], self._value[alike][:, None])
                found.update(zip(alike.tolist(), np.moveaxis(added, 1, 0), strict=True))
        return found

    @cached_property
    def _cuts(self) -> dict[_Asked, Floats]:
        """The thresholds of each column, apart by what counts as missing."""
        found: dict[_Asked, set[float]] = {}
        for split, asked in enumerate(self._asked):
            if split not in self._words:
                found.setdefault(asked, set()).add(self._threshold[split])
        return {asked: np.array(sorted(cuts)) for asked, cuts in found.items()}

    @cached_property
    def _asked(self) -> list[_Asked]:
        return list(zip(self._column.tolist(), self._missing_is.tolist(), self._missing_left.tolist(), strict=True))

    @cached_property
    def _rank(self) -> list[int]:
        """The place of each split's threshold among those of its column."""
        asked = enumerate(self._asked)
        return [0 if s in self._words else int(np.searchsorted(self._cuts[a], self._threshold[s])) for s, a in asked]

    def _ranked(self, rows: Floats) -> dict[_Asked, npt.NDArray[Any]]:
        """The values of each column as their places among its thresholds, small numbers, which compare much faster.

        They are one higher than those of `_rank`; what is missing and goes left is 0, and what goes right the largest.
        """
        found = {}
        for (column, missing_is, left), cuts in self._cuts.items():
            values = np.ascontiguousarray(rows[:, column])
            missing = np.isnan(values)
            values = np.where(missing, 0.0, values)
            if missing_is != _NAN:
                missing = (np.abs(values) <= _NEARLY_ZERO) & (missing_is == _ZERO)
            places = np.searchsorted(cuts, values) + 1
            places[missing] = 0 if left else len(cuts) + 1
            found[column, missing_is, left] = places.astype(np.min_scalar_type(len(cuts) + 1))
        return found

    def _code(self, piece: _Piece, rows: Floats, ranked: Mapping[_Asked, npt.NDArray[Any]]) -> Ints:
        """Each row's code for a piece."""
        # Eight conditions fill a byte, which costs a fraction of wider numbers.
        whole = np.zeros(len(rows), dtype=np.int64)
        for first in range(0, len(piece.bits), 8):
            byte = np.zeros(len(rows), dtype=np.uint8)
            for place, conditions in enumerate(piece.bits[first : first + 8]):
                met = self._met(conditions[0], rows, ranked)
                for condition in conditions[1:]:
                    met &= self._met(condition, rows, ranked)
                bit = met.view(np.uint8)
                byte |= np.left_shift(bit, place, out=bit)
            whole |= np.left_shift(byte, first, dtype=np.int64)
        return whole

    def _met(self, condition: tuple[int, bool], rows: Floats, ranked: Mapping[_Asked, npt.NDArray[Any]]) -> Bools:
        """Whether each row goes the way that a condition says."""
        split, way = condition
        if split in self._words:
            return np.isin(np.trunc(rows[:, self._column[split]]), self._words[split]) == way
        places, most = ranked[self._asked[split]], self._rank[split] + 1
        return places <= most if way else places > most


# A column, what counts as missing in it, and whether that goes left.
_Asked = tuple[int, int, bool]
# Groups, and what each adds by the code of a row.
_Table = tuple[list[int], Floats]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A leaf: of each of its pairs which bits of a code matter, and which of them have to be set."""

    number: int
    pairs: range
    matters: Ints
    wanted: Ints


@dataclass(frozen=True, slots=True)
class _Piece:
    """Leaves of one subtree and what they ask: a bit is set where all its splits go the way that it says."""

    root: int
    bits: list[list[tuple[int, bool]]]
    leaves: list[_Leaf]


def _added(ratio: Floats, held: Bools, value: Any) -> Floats:
    """What each column of a leaf's path adds, columns first; `held` says which of them a row meets."""
    points, weights = _gauss((len(ratio) + 1) // 2)
    found = np.zeros(np.broadcast_shapes(held.shape, ratio.shape))
    for point, weight in zip(points, weights, strict=True):
        factors = (1 - point) * ratio + point * held
        before, after = np.ones(found.shape), np.ones(found.shape)
        for at in range(1, len(ratio)):
            before[at] = before[at - 1] * factors[at - 1]
            after[-at - 1] = after[-at] * factors[-at]
        found += weight * (before * after)
    return np.asarray((held - ratio) * found * value)


@cache
def _gauss(points: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Points and weights of Gauss and Legendre between 0 and 1."""
    at, weights = np.polynomial.legendre.leggauss(points)
    return tuple(((at + 1) / 2).tolist()), tuple((weights / 2).tolist())


def _packed(held: Bools) -> Ints:
    """Each column of bits as a number, the first bit the least."""
    return sum(
        (
            np.left_shift(byte, 8 * at, dtype=np.int64)
            for at, byte in enumerate(np.packbits(held, axis=0, bitorder="little"))
        ),
        start=np.zeros(held.shape[1], dtype=np.int64),
    )


def _of_each(reduced: np.ufunc, values: npt.NDArray[Any], starts: Ints) -> Any:
    """A reduction of the last axis over stretches that begin at `starts`; none is empty."""
    return reduced.reduceat(values, starts, axis=-1) if len(starts) else values


def _words(tree: Mapping[str, str], place: int) -> Ints:
    """The words, by number, that go left at a tree's split of words: those whose bit is set."""
    first, last = (int(bound) for bound in tree["cat_boundaries"].split()[place : place + 2])
    bits = [int(word) for word in tree["cat_threshold"].split()[first:last]]
    return np.array([32 * at + bit for at, word in enumerate(bits) for bit in range(32) if word >> bit & 1])
