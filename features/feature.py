"""What a feature is: one SQL aggregate over one source and one window, with the words to explain it.

A base feature is one aggregate over one source; a derived one (source `features`) is an expression over base features.
Columns read noun, qualifier, statistic, window, so that related ones sort together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum

DERIVED = "features"
# One aggregate of one column.
_OF_A_COLUMN = re.compile(r"(count|sum|min|max|avg)\(((?:DISTINCT )?)(\w+)\)")


class Risk(IntEnum):
    """What happens to risk as the feature rises, as a credit officer expects; LightGBM's monotone constraint."""

    FALLS = -1
    EITHER = 0
    RISES = 1


FALLS, EITHER, RISES = Risk.FALLS, Risk.EITHER, Risk.RISES

# The groups in which a credit officer thinks (DOMAIN 5.2), by the reasons that features speak for.
GROUPS: dict[str, tuple[str, ...]] = {
    "activity": ("TEN", "ACT"),
    "trend": ("GRO",),
    "capacity": ("CAP", "BKL"),
    "performance": ("DEL", "REJ", "RAT", "CAN"),
    "integrity": ("DSP", "PEN"),
    "buyers": ("CON", "BUY"),
    "cash": ("REC", "PPY", "LCK", "MAR"),
    "credit": ("CRD", "ENQ"),
    "firm": ("CHG",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One entry of the catalogue.

    `sql` is one aggregate over the source's columns (or, derived, an expression over base features); `on` and `months`
    bound it to events with `as_of - months < on <= as_of`; `where` narrows it. Where the aggregate is a date, `age`
    says in what the feature counts how long ago that was, "days" or whole "months": the date stays as it is from one
    `as_of` to the next. `none` is the value where the source is fed and no event fits: 0 for counts and sums; None
    leaves it missing, which then means what `missing` says. Shares are fractions, amounts are fen.
    """

    name: str
    meaning: str
    source: str
    sql: str
    unit: str
    risk: Risk
    reason: str
    missing: str
    on: str | None = None
    months: int | None = None
    where: str | None = None
    none: float | None = None
    age: str | None = None

    @property
    def group(self) -> str:
        """The group of GROUPS that its reason belongs to."""
        return next(group for group, reasons in GROUPS.items() if self.reason in reasons)

    @property
    def window(self) -> int | None:
        """How many months it looks back, as its name says; None where it looks at everything known."""
        said = re.search(r"_(\d+)m$", self.name)
        return int(said[1]) if said else None

    @property
    def aggregate(self) -> str:
        """The aggregate with its window and condition as a SQL filter."""
        conditions = []
        if self.months is not None:
            conditions.append(f"{self.on} > since_{self.months}m AND {self.on} <= as_of")
        if self.where is not None:
            conditions.append(f"({self.where})")
        if not conditions:
            return self.sql
        met, simple = " AND ".join(conditions), _OF_A_COLUMN.fullmatch(self.sql)
        if simple:
            # The same as passing over rows, and a tenth faster.
            return f"{simple[1]}({simple[2]}CASE WHEN {met} THEN {simple[3]} END)"
        return f"{self.sql} FILTER (WHERE {met})"


def over_windows(*months: int, feature: Feature) -> tuple[Feature, ...]:
    """The same feature over several windows; `{months}` in its meaning and `_12m` in its name say which.

    >>> paid = Feature(name="paid_sum", meaning="Paid in {months} months.", source="payments", sql="sum(amount_fen)",
    ...                unit="fen", risk=FALLS, reason="ACT", missing="never")
    >>> [f.name for f in over_windows(3, 12, feature=paid)]
    ['paid_sum_3m', 'paid_sum_12m']
    """
    return tuple(
        replace(
            feature,
            name=f"{feature.name}_{m}m",
            meaning=feature.meaning.replace("{months}", str(m)),
            months=m,
        )
        for m in months
    )
