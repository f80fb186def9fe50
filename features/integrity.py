"""Disputes and exclusion lists."""

from __future__ import annotations

from features.feature import RISES, Feature, over_windows

_NO_DISPUTES = "disputes are not part of the data"
_NO_LISTINGS = "exclusion lists are not part of the data"

FEATURES: tuple[Feature, ...] = (
    *over_windows(
        12,
        24,
        feature=Feature(
            name="dispute_raised_count",
            meaning="Disputes raised on contracts of the supplier in the last {months} months.",
            source="disputes",
            on="happened_on",
            where="kind = 'RAISED'",
            sql="count(*)",
            unit="disputes",
            risk=RISES,
            reason="DSP",
            missing=_NO_DISPUTES,
            none=0,
        ),
    ),
    Feature(
        name="dispute_upheld_count_24m",
        meaning="Disputes decided against the supplier in the last 24 months.",
        source="disputes",
        on="happened_on",
        months=24,
        where="kind = 'UPHELD'",
        sql="count(*)",
        unit="disputes",
        risk=RISES,
        reason="DSP",
        missing=_NO_DISPUTES,
        none=0,
    ),
    Feature(
        name="listing_count_24m",
        meaning="Entries on an exclusion list in the last 24 months.",
        source="listings",
        on="happened_on",
        months=24,
        where="kind = 'LISTED'",
        sql="count(*)",
        unit="entries",
        risk=RISES,
        reason="PEN",
        missing=_NO_LISTINGS,
        none=0,
    ),
    Feature(
        name="listing_active_count",
        meaning="Exclusion lists that the supplier stands on.",
        source="standing_listings",
        sql="count(*)",
        unit="lists",
        risk=RISES,
        reason="PEN",
        missing=_NO_LISTINGS,
        none=0,
    ),
)
