"""What a shell completes an option or argument with: names that are looked up only when somebody presses the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Complete = Callable[[str], list[str]]


def offered(names: Callable[[], Iterable[str]]) -> Complete:
    """Those of some names that begin as what was typed."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def _formats() -> Iterable[str]:
    from data.formats import FORMATS

    return (each.name for each in FORMATS)


def _tiers() -> Iterable[str]:
    from data.schema import TIERS

    return TIERS


def _tables() -> Iterable[str]:
    from data.schema import TABLES

    return (each.name for each in TABLES)


def _targets() -> Iterable[str]:
    from models.targets import TARGETS

    return (each.name for each in TARGETS)


def _features() -> Iterable[str]:
    from features.catalogue import names

    return names()


formats, tiers, tables, targets, features = map(offered, (_formats, _tiers, _tables, _targets, _features))
