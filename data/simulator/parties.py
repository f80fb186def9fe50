"""Rows about who is on the platform: suppliers, buyers, names, and the exclusion lists."""

from __future__ import annotations

import numpy as np

from data.simulator import identity
from data.simulator.arrays import DAYS_A_YEAR, NEVER, Ints, days_between
from data.simulator.population import COMPANY, FARM_COOP, LEGAL_FORMS, SOLE_TRADER
from data.simulator.settings import INDUSTRIES, LEVELS, SIZE_CLASSES
from data.simulator.sheets import Sheet, labels, sheet, stacked
from data.simulator.world import World

_FORM_WORDS = {COMPANY: "有限公司", SOLE_TRADER: "经营部", FARM_COOP: "专业合作社"}
_JUDGMENT_AFTER_DAYS = (30, 150)
_LISTED_DAYS = (300, 730)


def suppliers(world: World) -> Sheet:
    """Registrations, and a second row where size or county changed."""
    first = _registrations(world, np.arange(world.firms.count), world.firms.county, world.firms.size_class)
    return stacked([first, _changed_registrations(world)])


def _registrations(world: World, who: Ints, county: Ints, size_class: Ints, since: Ints | None = None) -> Sheet:
    firms, codes = world.firms, world.settings.regions.codes
    return sheet(
        "suppliers",
        supplier_id=world.ids.suppliers(who),
        effective_on=firms.registered_on[who] if since is None else since,
        tier="platform",
        # The code keeps the county of first registration for ever (DOMAIN 2.4).
        uscc=identity.usccs(
            world.ids.serial(who), world.settings.regions.codes[firms.county[who]], firms.legal_form[who]
        ),
        founded_on=firms.founded_on[who],
        region=codes[county].astype(str),
        size_class=labels([name for name, _ in SIZE_CLASSES], size_class),
        industry=labels([each.name for each in INDUSTRIES], firms.industry[who]),
        legal_form=labels([LEGAL_FORMS[form] for form in sorted(LEGAL_FORMS)], firms.legal_form[who] - 1),
    )


def _changed_registrations(world: World) -> Sheet:
    """Firms that grow or shrink by a size class, or move to another county."""
    firms, settings = world.firms, world.settings
    rng = settings.generator("registration changes")
    begins = np.maximum(firms.registered_on, settings.first_day)
    wait = rng.exponential(DAYS_A_YEAR / settings.population.registration_change_a_year, firms.count)
    on = begins + 1 + np.floor(wait).astype(np.int64)
    who = np.flatnonzero(on <= settings.last_day)
    step = rng.choice([-1, 0, 1], who.size)
    size_class = np.clip(firms.size_class[who] + step, 0, len(SIZE_CLASSES) - 1)
    county = np.where(step == 0, rng.integers(0, world.settings.regions.codes.size, who.size), firms.county[who])
    return _registrations(world, who, county, size_class, on[who])


def names(world: World) -> Sheet:
    """Invented names; those of sole traders would be personal."""
    firms = world.firms
    form_words = np.array([_FORM_WORDS[form] for form in sorted(_FORM_WORDS)])
    return sheet(
        "names",
        supplier_id=world.ids.suppliers(np.arange(firms.count)),
        effective_on=firms.registered_on,
        name=identity.names(
            world.settings.generator("names"),
            world.settings.regions.names[firms.county],
            np.array([each.word for each in INDUSTRIES])[firms.industry],
            form_words[firms.legal_form - 1],
        ),
    )


def buyers(world: World) -> Sheet:
    """Buyers as they registered."""
    drawn = world.buyers
    return sheet(
        "buyers",
        buyer_id=world.ids.buyers(np.arange(drawn.count)),
        effective_on=drawn.registered_on,
        region=world.settings.regions.codes[drawn.county].astype(str),
        level=labels([name for name, _ in LEVELS], drawn.level),
    )


def listings(world: World) -> Sheet:
    """Entries on the three exclusion lists, and their ends."""
    entries = [_bans(world), _tax_cases(world), _judgments(world)]
    return stacked(
        [
            _listing(world, name, firms, on, kind)
            for name, firms, listed_on, removed_on in entries
            for kind, on in (("LISTED", listed_on), ("REMOVED", removed_on))
        ]
    )


def _listing(world: World, name: str, firms: Ints, on: Ints, kind: str) -> Sheet:
    known = on != NEVER
    return sheet("listings", supplier_id=world.ids.suppliers(firms[known]), list=name, happened_on=on[known], kind=kind)


def _bans(world: World) -> tuple[str, Ints, Ints, Ints]:
    """Procurement bans that followed a breach."""
    if not world.bans:
        nobody = np.empty(0, dtype=np.int64)
        return "PROCUREMENT", nobody, nobody, nobody
    firms, listed_on, removed_on = (np.concatenate(parts) for parts in zip(*world.bans, strict=True))
    return "PROCUREMENT", firms, listed_on, removed_on


def _tax_cases(world: World) -> tuple[str, Ints, Ints, Ints]:
    """Rare tax cases that have nothing to do with anything else here."""
    settings, firms = world.settings, world.firms
    rng = settings.generator("tax listings")
    wait = rng.exponential(DAYS_A_YEAR / settings.trade.tax_listing_a_year, firms.count)
    on = np.maximum(firms.registered_on, settings.first_day) + np.floor(wait).astype(np.int64)
    who = np.flatnonzero(on <= settings.last_day)
    return "TAX", who, on[who], on[who] + days_between(rng, _LISTED_DAYS, who.size)


def _judgments(world: World) -> tuple[str, Ints, Ints, Ints]:
    """Some lenders take a written-off debt to court."""
    loans, rng = world.loans, world.settings.generator("judgments")
    lost = np.flatnonzero(loans["written_off_on"] != NEVER)
    _, first = np.unique(loans["firm"][lost], return_index=True)
    lost = lost[first]
    sued = lost[rng.random(lost.size) < world.settings.trade.judgment_after_write_off]
    on = loans["written_off_on"][sued] + days_between(rng, _JUDGMENT_AFTER_DAYS, sued.size)
    return "JUDGMENT", loans["firm"][sued], on, on + days_between(rng, _LISTED_DAYS, sued.size)
