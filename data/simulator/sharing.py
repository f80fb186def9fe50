"""Rows about consents to banks, and about the collection accounts of pledged contracts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from data.simulator.arrays import NEVER, Ints, days_between
from data.simulator.ids import joined
from data.simulator.settings import Settings
from data.simulator.sheets import Sheet, sheet, stacked
from data.simulator.world import World

_NAMED_AFTER_DAYS = (2, 3)
_LOCKED_AFTER_DAYS = (4, 6)
_CONFIRMED_AFTER_DAYS = (7, 11)
_UNLOCKED_AFTER_DAYS = (25, 60)
_CONSENT_BEFORE_DAYS = (1, 20)
_REVOKED_AFTER_DAYS = (60, 700)
_DATED_DAYS = 730
_PURPOSES = ("credit_line", "guarantee")


def _account_day(settings: Settings, name: str, after: tuple[int, int], signed_on: Ints) -> Ints:
    """The day of one step for every contract of the plan, always the same for the same world."""
    rng = settings.generator(f"account {name}")
    return signed_on + days_between(rng, after, signed_on.size)


def locked_on(world: World) -> Ints:
    """The day each contract's collection account is locked; NEVER where it is not."""
    plan = world.contracts
    on = _account_day(world.settings, "LOCKED", _LOCKED_AFTER_DAYS, plan.signed_on)
    return np.where(plan.pledged & (on <= plan.closed_on) & (on <= world.day), on, NEVER)


def to_locked_account(world: World, kind: str, contract: Ints, paid_on: Ints) -> pa.Array:
    """Whether each payment went to the locked account; unknown where none was ever locked."""
    locked = locked_on(world)[contract]
    rng = world.settings.generator(f"leaks {kind}")
    leaks = rng.random(contract.size) < world.settings.sharing.leaks
    return pa.array((paid_on >= locked) & ~leaks, mask=locked == NEVER)


def accounts(world: World) -> Sheet:
    """Collection accounts named, locked, confirmed by the buyer, and now and then unlocked."""
    plan, settings = world.contracts, world.settings
    unlocks = settings.generator("unlocks").random(plan.firm.size) < settings.sharing.unlocked
    steps = (
        ("NAMED", _NAMED_AFTER_DAYS, plan.pledged),
        ("LOCKED", _LOCKED_AFTER_DAYS, plan.pledged),
        ("CONFIRMED", _CONFIRMED_AFTER_DAYS, plan.pledged),
        ("UNLOCKED", _UNLOCKED_AFTER_DAYS, plan.pledged & unlocks),
    )
    events = []
    for kind, after, concerned in steps:
        on = _account_day(settings, kind, after, plan.signed_on)
        which = np.flatnonzero(concerned & (on <= plan.closed_on) & (on <= world.day))
        events.append(
            sheet(
                "accounts",
                contract_id=world.ids.contracts(which),
                supplier_id=world.ids.suppliers(plan.firm[which]),
                happened_on=on[which],
                kind=kind,
            )
        )
    return stacked(events)


def consents(world: World) -> Sheet:
    """Consents by bank and purpose, granted before the first application, some revoked."""
    granted = [
        each
        for bank in world.settings.sharing.banks
        for each in _consents_to(world, bank, world.settings.generator(f"consents {bank}"))
    ]
    return stacked(granted)


def _consents_to(world: World, bank: str, rng: np.random.Generator) -> list[Sheet]:
    firms, sharing = world.firms, world.settings.sharing
    share = np.where(world.lines.ever_drew, sharing.borrower_consents, sharing.other_consents)
    consenting = rng.random(firms.count) < share
    granted_on = _asked_on(world, rng)
    events = []
    for place, purpose in enumerate(_PURPOSES):
        wanted = rng.random(firms.count) < (1.0, sharing.guarantee_consents)[place]
        who = np.flatnonzero(consenting & wanted & (granted_on <= world.day))
        on = granted_on[who]
        dated = rng.random(who.size) < sharing.dated
        valid_to = np.where(dated, on + _DATED_DAYS, NEVER)
        revoked = rng.random(who.size) < sharing.revokes
        revoked_on = on + days_between(rng, _REVOKED_AFTER_DAYS, who.size)
        revoked &= (revoked_on <= world.day) & (revoked_on < valid_to)
        events.append(_consent(world, bank, purpose, who, "GRANTED", on, valid_to))
        events.append(_consent(world, bank, purpose, who[revoked], "REVOKED", revoked_on[revoked], revoked_on[revoked]))
    return events


def _asked_on(world: World, rng: np.random.Generator) -> Ints:
    """Shortly before the first application; without one, some day after registration."""
    firms, applications = world.firms, world.lines.applications
    opened = np.maximum(firms.registered_on, world.settings.first_day)
    some_day = opened + 1 + np.floor(rng.random(firms.count) * (world.day - opened)).astype(np.int64)
    applied_on = np.full(firms.count, NEVER, dtype=np.int64)
    np.minimum.at(applied_on, applications["firm"], applications["applied_on"])
    before = applied_on - days_between(rng, _CONSENT_BEFORE_DAYS, firms.count)
    return np.where(applied_on == NEVER, some_day, np.maximum(before, opened))


def _consent(world: World, bank: str, purpose: str, who: Ints, kind: str, on: Ints, valid_to: Ints) -> Sheet:
    return sheet(
        "consents",
        consent_id=joined(world.ids.suppliers(who), "-", bank, "-", purpose),
        supplier_id=world.ids.suppliers(who),
        bank_id=bank,
        purpose=purpose,
        happened_on=on,
        kind=kind,
        valid_to=valid_to,
    )
