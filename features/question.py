"""The contract that the question is about, against what the supplier has shown it can do."""

from __future__ import annotations

from features.feature import DERIVED, EITHER, RISES, Feature

_NO_CONTRACT = "the question is about the supplier alone"

FEATURES: tuple[Feature, ...] = (
    Feature(
        name="question_amount",
        meaning="Amount of the contract asked about.",
        source="question",
        sql="max(amount_fen)",
        unit="fen",
        risk=RISES,
        reason="CAP",
        missing=_NO_CONTRACT,
    ),
    Feature(
        name="question_advance_share",
        meaning="Share of the advance in the contract asked about.",
        source="question",
        sql="max(advance_fen / nullif(amount_fen, 0))",
        unit="share",
        risk=EITHER,
        reason="PPY",
        missing=_NO_CONTRACT,
    ),
    Feature(
        name="question_days",
        meaning="Days from signature to planned acceptance of the contract asked about.",
        source="question",
        sql="max(date_diff('day', signed_on, planned_acceptance_on))",
        unit="days",
        risk=RISES,
        reason="CAP",
        missing=_NO_CONTRACT,
    ),
    Feature(
        name="question_to_completed_largest",
        meaning="Contract asked about against the largest that the supplier has completed.",
        source=DERIVED,
        sql="question_amount / nullif(contract_completed_largest, 0)",
        unit="ratio",
        risk=RISES,
        reason="CAP",
        missing="no contract asked about, or none completed before",
    ),
    Feature(
        name="question_to_paid_12m",
        meaning="Contract asked about against the payments of the last 12 months.",
        source=DERIVED,
        sql="question_amount / nullif(paid_amount_sum_12m, 0)",
        unit="ratio",
        risk=RISES,
        reason="CAP",
        missing="no contract asked about, or no payment in 12 months",
    ),
)
