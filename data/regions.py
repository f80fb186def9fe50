"""Old codes of counties and what they are called now, so that a rule for a region finds firms registered long ago."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd

FILE = Path(__file__).with_name("regions.toml")


@dataclass(frozen=True, slots=True)
class Change:
    """A code that was replaced from a day on, and why."""

    old: str
    new: str
    since: date
    why: str


@cache
def changes() -> tuple[Change, ...]:
    """All changes, oldest first."""
    said = tomllib.loads(FILE.read_text(encoding="utf-8"))["changes"]
    return tuple(sorted((Change(c["old"], c["new"], c["from"], c["why"]) for c in said), key=lambda c: c.since))


def current_regions(codes: pd.Series, on: pd.Series) -> pd.Series:
    """The code that each region has on its own day, by the index of `codes`; what never changed stays as it is.

    >>> on = pd.Series([date(2021, 4, 8), date(2021, 4, 9), date(2026, 1, 1)])
    >>> current_regions(pd.Series(["330104", "330104", "330106"]), on).tolist()
    ['330104', '330102', '330106']
    """
    current = codes.copy()
    days = pd.to_datetime(on).set_axis(codes.index)
    for change in changes():
        current = current.mask((current == change.old) & (days >= pd.Timestamp(change.since)), change.new)
    return current


@cache
def _tags() -> dict[str, str]:
    said = tomllib.loads(FILE.read_text(encoding="utf-8"))["tags"]
    return {code: tag["name"] for tag in said for code in tag["codes"]}


@cache
def tags() -> frozenset[str]:
    """All that counties are named for in programmes."""
    return frozenset(_tags().values())


def tag_of(code: str | None) -> str | None:
    """What a county is named for in programmes, such as MOUNTAIN_26, or None.

    >>> tag_of("330127"), tag_of("330106"), tag_of(None)
    ('MOUNTAIN_26', None, None)
    """
    return None if code is None else _tags().get(code)
