"""Why a score is what it is: Shapley values grouped by reason code, so that twin features do not split a reason."""

from __future__ import annotations

import pandas as pd

from features.catalogue import CATALOGUE
from models.registry import Served

MOST_REASONS = 4
_REASON_OF = {feature.name: feature.reason for feature in CATALOGUE}


def by_reason(served: Served, frame: pd.DataFrame) -> pd.DataFrame:
    """Contribution of each reason to the log-odds, one column a reason code; above zero is toward risk."""
    values = served.model.explain(served.inputs(frame)).contributions
    return values.T.groupby(values.columns.map(_REASON_OF)).sum().T


def top_reasons(served: Served, frame: pd.DataFrame) -> list[list[tuple[str, float]]]:
    """For each row at most four reasons that push toward risk, strongest first; ties fall by code."""
    grouped = by_reason(served, frame).round(6)
    rows = []
    for values in grouped.to_numpy():
        toward = [(code, float(v)) for code, v in zip(grouped.columns, values, strict=True) if v > 0]
        rows.append(sorted(toward, key=lambda pair: (-pair[1], pair[0]))[:MOST_REASONS])
    return rows
