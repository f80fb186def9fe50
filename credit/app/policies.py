"""Read the policy packs: the parameter files in force, parsed and checked."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from credit.app import console
from credit.app.home import Home
from credit.domain.errors import PolicyBroken, UnknownName
from credit.domain.packs import SHARED_SECTIONS, Region, read_pack, read_parameters, read_region, refuse_unknown
from credit.domain.policy.terms import Pack, Parameter

SHARED, TRAINING, EXPLAINING = "shared.toml", "training.toml", "explaining.toml"
VALIDATION, AUTHORITY, PORTFOLIO = "validation.toml", "authority.toml", "portfolio.toml"
BOOK, ALERTS, NIGHT, EXPORT = "book.toml", "alerts.toml", "night.toml", "export.toml"
REGIONS = "regions"
# Files of parameters that are no pack.
NO_PACK = (SHARED, TRAINING, EXPLAINING, VALIDATION, AUTHORITY, PORTFOLIO, BOOK, ALERTS, NIGHT, EXPORT)


def packs(home: Home) -> list[Pack]:
    """All packs, by name. Raises PolicyBroken naming the file."""
    return packs_in(home.policies)


def packs_in(folder: Path) -> list[Pack]:
    """All packs of a folder of parameter files, by name. Raises PolicyBroken naming the file."""
    shared, found = _read(folder / SHARED), regions_in(folder)
    files = sorted(file for file in folder.glob("*.toml") if file.name not in NO_PACK)
    return [read_pack(_read(file), shared=shared, file=file.name, regions=found) for file in files]


def regions_in(folder: Path) -> list[Region]:
    """The regions that differ from the rest of the country, by file. Raises PolicyBroken naming the file."""
    files = sorted((folder / REGIONS).glob("*.toml"))
    return [read_region(_read(file), file=file.name) for file in files]


def pack_named(home: Home, name: str) -> Pack:
    """The pack of that name. Raises UnknownName with the choices."""
    own = home.policies / f"{name}.toml"
    if own.name in {file.name for file in home.policies.glob("*.toml")} - {*NO_PACK}:
        # A pack is named as its file is: the others need not be read.
        shared, regions = _read(home.policies / SHARED), regions_in(home.policies)
        pack = read_pack(_read(own), shared=shared, file=own.name, regions=regions)
        if pack.name == name:
            return pack
    found = {pack.name: pack for pack in packs(home)}
    if name not in found:
        raise UnknownName(f"there is no policy pack {name!r}", hint="choose from " + ", ".join(found))
    return found[name]


def pack_for(home: Home, product: str, tier: str) -> Pack:
    """The pack that decides a product for one kind of data. Raises UnknownName."""
    for pack in packs(home):
        if (pack.product, pack.tier) == (product, tier):
            return pack
    raise UnknownName(
        f"no policy pack decides {product} for {tier} firms",
        hint="they are decided on: " + ", ".join(f"{p.product} ({p.tier})" for p in packs(home)),
    )


def prove(home: Home) -> dict[str, Any]:
    """What holds of all parameter files, or the first thing that does not. Raises PolicyBroken naming the file."""
    from credit.domain.products import product_named
    from credit.domain.reachable import unreachable
    from credit.domain.reasons import reason_for

    console.waiting("checking the parameter files")
    found = packs(home)
    products = {pack.name: product_named(pack.product) for pack in found}
    for pack in found:
        if wrong := unreachable(pack):
            raise PolicyBroken(
                f"{pack.name}: {wrong[0]}", hint="a rule that decides nothing hides a mistyped threshold"
            )
        limits, _ = products[pack.name].applying(pack.not_applicable)
        for term in limits:
            reason_for(term.code)
    known = {name for pack in found for name in pack.parameters}
    for region in regions_in(home.policies):
        for name in region.parameters:
            if name not in known:
                raise PolicyBroken(
                    f"{region.name}: no pack has a parameter {name!r}", hint="a region differs in what packs have"
                )
    validation_thresholds(home)
    alert_parameters(home)
    night_parameters(home.policies)
    for file in (TRAINING, EXPLAINING, AUTHORITY, PORTFOLIO, BOOK, EXPORT):
        parameters_in(home.policies / file)
    asked = [
        len(products[p.name].rules) - sum(r.code in p.not_applicable for r in products[p.name].rules) for p in found
    ]
    return {
        "folder": str(home.policies),
        "packs": [pack.name for pack in found],
        "regions": [region.name for region in regions_in(home.policies)],
        "rules": sum(asked),
        "limits": sum(len(products[pack.name].applying(pack.not_applicable)[0]) for pack in found),
    }


def training_terms(home: Home, as_of: date) -> dict[str, Any]:
    """What models are taught with, as it stands on a date. Raises PolicyBroken naming the file."""
    return _terms(home, TRAINING, as_of)


def explaining_terms(home: Home, as_of: date) -> dict[str, Any]:
    """What may be proposed to a firm, as it stands on a date. Raises PolicyBroken naming the file."""
    return _terms(home, EXPLAINING, as_of)


def authority_terms(home: Home, as_of: date) -> dict[str, Any]:
    """Who may grant how much, as it stands on a date. Raises PolicyBroken naming the file."""
    return _terms(home, AUTHORITY, as_of)


def portfolio_terms(home: Home, as_of: date) -> dict[str, Any]:
    """How a budget is allocated, as it stands on a date. Raises PolicyBroken naming the file."""
    return _terms(home, PORTFOLIO, as_of)


def book_terms(home: Home, as_of: date) -> dict[str, Any]:
    """How draws are held and repaid, as it stands on a date. Raises PolicyBroken naming the file."""
    return _terms(home, BOOK, as_of)


def export_terms(home: Home, as_of: date) -> dict[str, Any]:
    """What banks are sent, as it stands on a date. Raises PolicyBroken naming the file."""
    return _terms(home, EXPORT, as_of)


def alert_parameters(home: Home) -> dict[str, Parameter]:
    """From when what happens after lending is an alert, by name. Raises PolicyBroken naming the entry."""
    from credit.domain.alerts import refuse_incomplete

    content = _read(home.policies / ALERTS)
    refuse_unknown(content, SHARED_SECTIONS, ALERTS)
    found = read_parameters(content, file=ALERTS)
    refuse_incomplete(found, ALERTS)
    return found


def night_parameters(folder: Path) -> dict[str, Parameter]:
    """From when the quality gate warns and stops, by check, of a folder of parameter files. Raises PolicyBroken."""
    from credit.domain.quality import refuse_incomplete

    content = _read(folder / NIGHT)
    refuse_unknown(content, SHARED_SECTIONS, NIGHT)
    found = read_parameters(content, file=NIGHT)
    refuse_incomplete(found, NIGHT)
    return found


def parameters_in(file: Path) -> dict[str, Parameter]:
    """The parameters of a file that is no pack, by name. Raises PolicyBroken naming the entry."""
    return read_parameters(_read(file), file=file.name)


def _terms(home: Home, file: str, as_of: date) -> dict[str, Any]:
    found = parameters_in(home.policies / file)
    return {name: parameter.on(as_of) for name, parameter in found.items()}


def validation_thresholds(home: Home) -> dict[str, Parameter]:
    """What a model has to show before it may decide, by name. Raises PolicyBroken naming the entry."""
    from models.validation.check import refuse_incomplete
    from models.validation.run import CHECKS

    content = _read(home.policies / VALIDATION)
    refuse_unknown(content, SHARED_SECTIONS, VALIDATION)
    thresholds = read_parameters(content, file=VALIDATION)
    refuse_incomplete(CHECKS, thresholds, VALIDATION)
    return thresholds


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise PolicyBroken(f"{file.name} is missing", hint=f"it belongs in {file.parent}") from missing
    except NotADirectoryError as wrong:
        raise PolicyBroken(f"{file.parent} is no folder", hint="a policy is a folder of parameter files") from wrong
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise PolicyBroken(f"{file.name}: {broken}", hint="the file is not valid TOML") from broken
