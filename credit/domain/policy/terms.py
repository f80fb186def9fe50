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

Value = float | int | str | dict[str, float]


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
        fits = [v for v in self.values if v.since <= day and region.startswith(v.region)]
        if not fits:
            raise PolicyBroken(
                f"parameter {self.name!r} has no value on {day}",
                hint="add a dated line that begins on or before that day",
            )
        return max(fits, key=lambda v: (len(v.region), v.since)).value


@dataclass(frozen=True, slots=True)
class Pack:
    """A product's policy: its parameters, which of the product's rules do not apply and why, and its inputs.

    `inputs` says from which feature or fact each of the product's inputs is read. `sha256` is the hash of the content
    that decides, whatever file it came from.
    """

    name: str
    title: str
    version: str
    product: str
    target: str
    tier: str
    currency: str
    parameters: Mapping[str, Parameter]
    not_applicable: Mapping[str, str]
    inputs: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """A hash over all that decides: parameters with their dates, rules that do not apply, inputs."""
        said = {
            "name": self.name,
            "product": self.product,
            "target": self.target,
            "tier": self.tier,
            "parameters": {
                p.name: [[str(v.since), v.region, v.value] for v in p.values] for p in self.parameters.values()
            },
            "not_applicable": dict(self.not_applicable),
            "inputs": dict(self.inputs),
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

    def __getitem__(self, name: str) -> Any:
        return self._parameter(name).on(self.as_of)

    def where(self, name: str, *, on: pd.Series[Any], region: pd.Series[str]) -> pd.Series[float]:
        """The value for each row's own day and region."""
        parameter = self._parameter(name)
        rows = zip(on, region, strict=True)
        return pd.Series([float(parameter.on(d, r)) for d, r in rows], index=on.index, dtype=float)  # type: ignore[arg-type]

    def by(self, name: str, key: pd.Series[str]) -> pd.Series[float]:
        """The value for each row's key, such as its grade; NaN for a row without key."""
        return key.map(self[name]).astype(float)

    def resolved(self) -> dict[str, Value]:
        """Every parameter's value on this date, as the record keeps them."""
        return {name: self[name] for name in self.pack.parameters}

    def _parameter(self, name: str) -> Parameter:
        try:
            return self.pack.parameters[name]
        except KeyError:
            raise PolicyBroken(
                f"policy pack {self.pack.name!r} has no parameter {name!r}",
                hint=f"add [parameters.{name}] to its file",
            ) from None


def pack_from(content: dict[str, Any], *, shared: dict[str, Any], file: str) -> Pack:
    """A pack from its parsed file and the parameters that all packs share. Raises PolicyBroken naming file and entry."""
    try:
        head = content["pack"]
        entries = {**shared.get("parameters", {}), **content["parameters"]}
        return Pack(
            name=head["name"],
            title=head["title"],
            version=head["version"],
            product=head["product"],
            target=head["target"],
            tier=head["tier"],
            currency=head["currency"],
            parameters={name: _parameter(name, entry, file) for name, entry in entries.items()},
            not_applicable=dict(content.get("not_applicable", {})),
            inputs=dict(content.get("inputs", {})),
        )
    except KeyError as missing:
        raise PolicyBroken(f"{file}: {missing} is missing", hint="compare with the packs that ship") from missing


def _parameter(name: str, entry: dict[str, Any], file: str) -> Parameter:
    for needed in ("unit", "reference", "values"):
        if not entry.get(needed):
            raise PolicyBroken(
                f"{file}: parameter {name!r} has no {needed}",
                hint="every number has a unit, a source and a date",
            )
    values = tuple(Dated(v["from"], v["value"], v.get("region", "")) for v in entry["values"])
    twice = {(v.since, v.region) for v in values}
    if len(twice) != len(values):
        raise PolicyBroken(f"{file}: parameter {name!r} has two values for one day and region", hint="keep one of them")
    return Parameter(name, entry["unit"], entry["reference"], values)
