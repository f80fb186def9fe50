"""Why a score is what it is: Shapley values grouped by reason code, so that twin features do not split a reason."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalogue import CATALOGUE
from models.registry import Served

MOST_REASONS = 4
# The reason that stands for all of which nothing is known.
UNKNOWN = "UNK"
# As records keep them; less than half of the last digit is no reason.
DIGITS = 6
_REASON_OF = {feature.name: feature.reason for feature in CATALOGUE}


def by_reason(served: Served, frame: pd.DataFrame) -> pd.DataFrame:
    """What each reason adds to the log-odds beyond the reference population's mean, one column a reason code.

    Above zero is toward risk. Columns are in the order of the codes, rows those of the frame. A firm of which nothing
    is known that a reason speaks of is not said to deliver late, or to have repaid badly: what the model makes of not
    knowing is summed up under `UNKNOWN`.
    """
    grouped = served.model.explain(served.inputs(frame), _REASON_OF).contributions
    silent = unknown(served, frame)[grouped.columns].to_numpy()
    values = grouped.to_numpy()
    found = grouped.where(~silent, 0.0)
    found[UNKNOWN] = np.where(silent, values, 0.0).sum(axis=1)
    return found[sorted(found.columns)]


def unknown(served: Served, frame: pd.DataFrame) -> pd.DataFrame:
    """Whether nothing is known of all that a reason speaks of to this model, a column a reason code, rows as given."""
    inputs = served.inputs(frame)
    groups: dict[str, list[str]] = {}
    for name in map(str, inputs.columns):
        groups.setdefault(_REASON_OF[name], []).append(name)
    return pd.DataFrame({code: inputs[mine].isna().all(axis=1) for code, mine in groups.items()}, index=frame.index)


def strongest(grouped: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each row the places of at most four columns that push toward risk, strongest first, and how strongly.

    Ties fall by the order of the columns, which is that of the codes; a place is -1 where no further reason is.
    """
    values = np.round(grouped.to_numpy(), DIGITS)
    places = np.argsort(-values, axis=1, kind="stable")[:, :MOST_REASONS]
    weights = np.take_along_axis(values, places, axis=1)
    return np.where(weights > 0, places, -1), weights


def top_reasons(served: Served, frame: pd.DataFrame) -> list[list[tuple[str, float]]]:
    """For each row at most four reasons that push toward risk, strongest first; ties fall by code."""
    grouped = by_reason(served, frame)
    places, weights = strongest(grouped)
    return [
        [(str(grouped.columns[place]), weight) for place, weight in zip(*row, strict=True) if place >= 0]
        for row in zip(places.tolist(), weights.tolist(), strict=True)
    ]


def top_codes(served: Served, frame: pd.DataFrame) -> pd.DataFrame:
    """The codes of the same reasons, a column for each of four, missing where there is no further one."""
    grouped = by_reason(served, frame)
    codes, (places, _) = pd.Index(grouped.columns, dtype="str"), strongest(grouped)
    named = {f"reason_{n + 1}": codes.take(places[:, n], fill_value=np.nan) for n in range(places.shape[1])}
    return pd.DataFrame({f"reason_{n + 1}": None for n in range(MOST_REASONS)} | named, index=frame.index, dtype="str")
