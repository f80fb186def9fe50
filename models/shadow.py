"""The champion and a challenger side by side on the same rows of one night, of which nobody knows the outcome yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from credit.domain.policy.terms import Terms
from credit.domain.scale import grades
from models.drift import Bins, stability_index
from models.registry import Served
from models.scoring import probability_of


def side_by_side(
    champion: Served, challenger: Served, frame: pd.DataFrame, scale: Terms, pd_max: float | None
) -> dict[str, Any]:
    """How alike two versions rank and grade the rows of a frame, and who would be approved by which, on PDs of the long
    run, which grades and cut-offs stand on.

    `psi` is the challenger's spread against the champion's. Where fewer than two rows are asked about, only their
    number is answered.
    """
    if len(frame) < 2:
        return {"rows": len(frame)}
    one, other = (pd.Series(probability_of(each, frame), index=frame.index) for each in (champion, challenger))
    places = [np.searchsorted(list(scale["grade_pd_upper"].values()), found) for found in (one, other)]
    migrated = pd.crosstab(grades(one, scale), grades(other, scale))
    answer: dict[str, Any] = {
        "rows": len(frame),
        "mean_pd": {"champion": float(one.mean()), "challenger": float(other.mean())},
        "rank_correlation": float(one.corr(other, method="spearman")),
        "same_grade": float((places[0] == places[1]).mean()),
        "within_one_grade": float((np.abs(places[0] - places[1]) <= 1).mean()),
        "psi": stability_index(Bins.of(one.to_numpy()), other.to_numpy()),
        "grades": {str(g): {str(h): int(n) for h, n in row.items() if n} for g, row in migrated.iterrows()},
    }
    if pd_max is not None:
        before, now = one <= pd_max, other <= pd_max
        answer["swap_set"] = {
            "approved_by_both": int((before & now).sum()),
            "swapped_in": int((~before & now).sum()),
            "swapped_out": int((before & ~now).sum()),
            "declined_by_both": int((~before & ~now).sum()),
        }
    return answer
