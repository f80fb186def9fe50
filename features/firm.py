"""The firm itself."""

from __future__ import annotations

from features.feature import FALLS, Feature
from features.sources import months_back

FEATURES: tuple[Feature, ...] = (
    Feature(
        name="firm_age_months",
        meaning="Whole months since the firm was founded.",
        source="registration",
        sql=f"max({months_back('founded_on')})",
        unit="months",
        risk=FALLS,
        reason="TEN",
        missing="the day it was founded is not part of the data",
    ),
)
