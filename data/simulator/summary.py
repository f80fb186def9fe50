"""What a simulation reports when it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written, and what happened, whether or not the platform knew of it by the end."""

    rows: dict[str, int]  # by table
    suppliers: int
    buyers: int
    contracts: int
    open_contracts: int
    breached_contracts: int
    borrowers: int
    lines: int
    lines_fen: int  # limits of all lines granted
    draws: int
    drawn_fen: int
    matured_draws: int  # whose window is over
    defaulted_draws: int
    defaulted_borrowers: int


@dataclass(frozen=True, slots=True)
class TruthSummary:
    """What was found. Means and shares are weighted, so that they speak of all firms that were drawn from."""

    firms: int
    futures: int
    mean_pd: float
    mean_pd_by_standing: dict[str, float]
    largest_standard_error: float
