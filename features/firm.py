"""The firm itself."""

from __future__ import annotations

from features.feature import FALLS, Feature

FEATURES: tuple[Feature, ...] = (
    Feature(
        name="firm_age_months",
        meaning="Whole months since the firm was founded.",
        source="registration",
        sql="max(datesub('month', founded_on, as_of))",
        unit="months",
        risk=FALLS,
        reason="TEN",
        missing="the day it was founded is not part of the data",
    ),
)
