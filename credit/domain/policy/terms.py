"""Parameters: numbers with a home, a date, a unit and a source; and the pack that gathers a product's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from credit.domain.errors import PolicyBroken

# The input that says which region's values a case has.
REGION = "region"

Value = float | int | dict[str, float]


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a pack takes an input to be where its data cannot know it, and why that is right."""

    value: int | float
    why: str


@dataclass(frozen=True, slots=True)
class Dated:
    """One value: from when it holds and where (a region code's beginning; empty for everywhere)."""

    since: date
    value: Value
    region: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter with all the values it ever had."""

    name: str
    unit: str
    reference: str
    values: tuple[Dated, ...]

    def on(self, day: date, region: str = "") -> Value:
        """The value on a day: that of the narrowest region that fits, then the latest. Raises PolicyBroken.

        >>> cap = Parameter("cap", "share", "law", (Dated(date(2015, 3, 1), 0.1), Dated(date(2022, 7, 1), 0.01, "33")))
        >>> cap.on(date(2024, 1, 1), "330127"), cap.on(date(2024, 1, 1), "110101"), cap.on(date(2020, 1, 1), "330127")
        (0.01, 0.1, 0.1)
        """
        value = self.known_on(day, region)
        if value is None:
            raise PolicyBroken(
                f"parameter {self.name!r} has no value on {day}",
                hint="name a later day with `--as-of`, or add a dated line that begins by then",
            )
        return value

    def known_on(self, day: date, region: str = "") -> Value | None:
        """The value on a day as `on` answers it, or None where there was none yet."""
        fits = [v for v in self.values if v.since <= day and region.startswith(v.region)]
        return max(fits, key=lambda v: (len(v.region), v.since)).value if fits else None

    @property
    def is_regional(self) -> bool:
        """Whether the value depends on the region."""
        return any(v.region for v in self.values)

    def history(self, until: date = date.max) -> list[dict[str, Any]]:
        """The values that began by a day, by region and date, JSON-ready."""
        ordered = sorted((v for v in self.values if v.since <= until), key=lambda v: (v.region, v.since))
        return [{"from": str(v.since), "region": v.region, "value": v.value} for v in ordered]


@dataclass(frozen=True, slots=True)
class Pack:
    """A product's policy: its parameters, which of the product's rules and limits do not apply and why, and its inputs.

    It is offered since a day, on which every parameter has a value. `inputs` says from which feature or fact each of
    the product's inputs is read, `assumed` what the others are taken to be. `sha256` is the hash of the content that
    decides, whatever file it came from.
    """

    name: str
    title: str
    version: str
    product: str
    target: str
    tier: str
    currency: str
    since: date
    parameters: Mapping[str, Parameter]
    not_applicable: Mapping[str, str]
    inputs: Mapping[str, str]
    assumed: Mapping[str, Assumed]

    @property
    def sha256(self) -> str:
        """A hash over all that decides, on whatever day."""
        return self.sha256_until(date.max)

    def sha256_until(self, day: date) -> str:
        """A hash over all that decides on a day: a line that begins later changes no earlier decision."""
        said = {
            "name": self.name,
            "product": self.product,
            "target": self.target,
            "tier": self.tier,
            "parameters": {p.name: p.history(day) for p in self.parameters.values() if p.history(day)},
            "not_applicable": dict(self.not_applicable),
            "inputs": dict(self.inputs),
            "assumed": {name: each.value for name, each in self.assumed.items()},
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def terms(self, as_of: date) -> Terms:
        """The parameters as they stand on a date."""
        return Terms(self, as_of)


@dataclass(frozen=True, slots=True)
class Terms:
    """A pack's parameters on a date."""

    pack: Pack
    as_of: date

    @property
    def sha256(self) -> str:
        """A hash over all of the pack that decides on this date."""
        return self.pack.sha256_until(self.as_of)

    @property
    def version(self) -> str:
        """The day on which the newest line that holds on this date began; a later line leaves it as it is."""
        began = [v.since for p in self.pack.parameters.values() for v in p.values if v.since <= self.as_of]
        return str(max(began, default=self.as_of))

    def __getitem__(self, name: str) -> Any:
        return self._parameter(name).on(self.as_of)

    def of(self, name: str, cases: pd.DataFrame) -> pd.Series[float]:
        """The value of each case on this date: the same, or its own where it differs by the supplier's `region`.

        A supplier whose region nobody knows has the value that holds everywhere.
        """
        if not self._parameter(name).is_regional:
            return pd.Series(self[name], index=cases.index, dtype="float64")
        region = cases[REGION].map(lambda each: each or "", na_action=None)
        return self.where(name, on=pd.Series(self.as_of, index=cases.index), region=region)

    def where(self, name: str, *, on: pd.Series[Any], region: pd.Series[Any]) -> pd.Series[float]:
        """The value for each row's own day and region; NaN where either is missing or there was no value yet."""
        parameter = self._parameter(name)
        asked = list(zip(on, region, strict=True))
        known = {each: None if None in each else parameter.known_on(*each) for each in set(asked)}
        return pd.Series([known[each] for each in asked], index=on.index, dtype="float64")

    def by(self, name: str, key: pd.Series[str]) -> pd.Series[float]:
        """The value for each row's key, such as its grade; NaN for a row without key."""
        values: dict[str, float] = self[name]
        return pd.Series([values.get(each) for each in key], index=key.index, dtype="float64")

    def resolved(self) -> dict[str, Any]:
        """Every parameter's value on this date, as the record keeps them; all dated values of one that is regional.

        A regional one has no single value: each case reads it on its own day and in its own region.
        """
        return {
            name: each.history(self.as_of) if each.is_regional else self[name]
            for name, each in self.pack.parameters.items()
        }

    def _parameter(self, name: str) -> Parameter:
        try:
            return self.pack.parameters[name]
        except KeyError:
            raise PolicyBroken(
                f"policy pack {self.pack.name!r} has no parameter {name!r}",
                hint=f"add [parameters.{name}] to its file",
            ) from None
