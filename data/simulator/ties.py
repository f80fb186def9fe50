"""Rows about who belongs together: persons behind firms, groups, ids that are one firm, programmes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from data.simulator.arrays import DAYS_A_YEAR, NEVER, Ints
from data.simulator.population import to_days
from data.simulator.settings import CHANNELS, INDUSTRIES
from data.simulator.sheets import Sheet, labels, sheet, stacked
from data.simulator.world import World

_PROGRAMMES = ("RURAL_HALL", "GREEN_PRODUCT", "FIRST_SET", "INDUSTRY_HALL", "SPECIALISED_NEW")
_MEMBER_YEARS = 3


def relations(world: World) -> Sheet:
    """Who is responsible for each firm, and who controls it; some persons answer for several firms."""
    firms, settings = world.firms, world.settings
    assumed, rng = settings.ties, settings.generator("relations")
    everyone = np.arange(firms.count)
    person = _persons(rng, firms.count, assumed.shared_person)
    wait = to_days(rng.exponential(DAYS_A_YEAR / assumed.representative_changes_a_year, firms.count))
    changed_on = np.maximum(firms.registered_on, settings.first_day) + 1 + wait
    changed = np.flatnonzero(changed_on <= settings.last_day)
    handed_over = changed_on[changed]
    controlled = np.flatnonzero(rng.random(firms.count) < assumed.controlled)
    parent = _parents(rng, controlled, firms.size_class)
    controlled, parent = controlled[parent != controlled], parent[parent != controlled]
    begins = np.maximum(firms.registered_on[controlled], firms.registered_on[parent])
    return stacked(
        [
            _tie(world, everyone, world.ids.persons(person), "LEGAL_REPRESENTATIVE", firms.registered_on, "BEGAN"),
            _tie(world, changed, world.ids.persons(person[changed]), "LEGAL_REPRESENTATIVE", handed_over, "ENDED"),
            _tie(
                world,
                changed,
                world.ids.persons(firms.count + changed),
                "LEGAL_REPRESENTATIVE",
                handed_over,
                "BEGAN",
            ),
            _tie(world, controlled, world.ids.suppliers(parent), "CONTROLLER", begins, "BEGAN"),
        ]
    )


def _persons(rng: np.random.Generator, count: int, shared: float) -> Ints:
    """The person behind each firm; some answer for an earlier firm as well."""
    person = np.arange(count)
    serial = np.flatnonzero(rng.random(count) < shared)
    person[serial] = rng.integers(0, np.maximum(serial, 1))
    return person


def _parents(rng: np.random.Generator, controlled: Ints, size_class: Ints) -> Ints:
    """A firm at least as large that controls each of them."""
    by_size = np.argsort(size_class, kind="stable")
    place = np.empty(size_class.size, dtype=np.int64)
    place[by_size] = np.arange(size_class.size)
    above = place[controlled] + np.floor(rng.random(controlled.size) * (size_class.size - place[controlled]))
    return by_size[above.astype(np.int64)]


def _tie(world: World, who: Ints, other: pa.Array, tie: str, on: Ints, kind: str) -> Sheet:
    return sheet(
        "relations", supplier_id=world.ids.suppliers(who), related_id=other, tie=tie, happened_on=on, kind=kind
    )


def merges(world: World) -> Sheet:
    """Firms that came back under a new id, found to be the same some months later; a few findings were wrong."""
    firms, settings = world.firms, world.settings
    assumed, rng = settings.ties, settings.generator("merges")
    gone = np.flatnonzero((firms.leaves_on != NEVER) & (rng.random(firms.count) < assumed.comes_back))
    back = np.full(gone.size, -1, dtype=np.int64)
    by_entry = np.argsort(firms.registered_on, kind="stable")
    later = np.searchsorted(firms.registered_on[by_entry], firms.leaves_on[gone], side="right")
    found = later < firms.count
    back[found] = by_entry[later[found]]
    gone, back = gone[found], back[found]
    on = firms.registered_on[back] + 30 + to_days(rng.exponential(90, gone.size))
    wrong = rng.random(gone.size) < assumed.merged_in_error
    parted_on = on + 10 + to_days(rng.exponential(60, gone.size))
    known, undone = on <= settings.last_day, wrong & (parted_on <= settings.last_day)
    return stacked(
        [
            _merge(world, back[known], gone[known], on[known], "MERGED"),
            _merge(world, back[undone], gone[undone], parted_on[undone], "PARTED"),
        ]
    )


def _merge(world: World, stays: Ints, goes: Ints, on: Ints, kind: str) -> Sheet:
    return sheet(
        "merges", supplier_id=world.ids.suppliers(stays), merged_id=world.ids.suppliers(goes), happened_on=on, kind=kind
    )


def programmes(world: World) -> Sheet:
    """Memberships: the rural hall for those who sell there, the others at random among those who could."""
    firms, settings = world.firms, world.settings
    rng = settings.generator("programmes")
    hall = [each.name for each in CHANNELS].index("RURAL_HALL")
    sells_there = np.array([each.channels[hall] for each in INDUSTRIES])[firms.industry]
    makes = np.array([each.name == "INDUSTRY" for each in INDUSTRIES])[firms.industry]
    chances = (sells_there, 0.04 * np.ones(firms.count), 0.01 * makes, 0.05 * makes, 0.02 * makes)
    rows = []
    for name, chance in zip(_PROGRAMMES, chances, strict=True):
        who = np.flatnonzero(rng.random(firms.count) < chance)
        on = np.maximum(firms.registered_on[who], settings.first_day) + to_days(rng.exponential(300, who.size))
        joined = on <= settings.last_day
        rows.append(_membership(world, name, who[joined], on[joined], "JOINED"))
        left = on + DAYS_A_YEAR * _MEMBER_YEARS
        rows.append(_membership(world, name, who[left <= settings.last_day], left[left <= settings.last_day], "LEFT"))
    return stacked(rows)


def _membership(world: World, name: str, who: Ints, on: Ints, kind: str) -> Sheet:
    until = on + DAYS_A_YEAR * _MEMBER_YEARS if kind == "JOINED" else np.full(on.size, NEVER, dtype=np.int64)
    programme = labels(_PROGRAMMES, np.full(on.size, _PROGRAMMES.index(name)))
    return sheet(
        "programmes",
        supplier_id=world.ids.suppliers(who),
        programme=programme,
        happened_on=on,
        kind=kind,
        valid_to=until,
    )
