"""How long what speaks against a firm may be seen."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from credit.domain.packs import read_parameters
from credit.domain.policy.terms import Parameter
from credit.domain.windows import months_before

FILE = Path(__file__).with_name("retention.toml")


@cache
def negative_data_months() -> Parameter:
    """The dated parameter: months after the end of a matter for which it may be shown."""
    return read_parameters(tomllib.loads(FILE.read_text(encoding="utf-8")), file=FILE.name)["negative_data_months"]


def lapsed_by(day: str) -> str:
    """The SQL for the last day on which a matter must have ended not to be shown any more on `day`; NULL for none."""
    lines = sorted(negative_data_months().values, key=lambda line: line.since, reverse=True)
    cases = " ".join(f"WHEN {day} >= DATE '{line.since}' THEN {day} - INTERVAL {line.value} MONTH" for line in lines)
    return f"CASE {cases} END"


def lapsed_on(day: date) -> date | None:
    """The last day on which a matter must have ended not to be shown any more on a day; None before there was such."""
    lines = [line for line in negative_data_months().values if line.since <= day]
    return months_before(day, int(max(lines, key=lambda line: line.since).value)) if lines else None
