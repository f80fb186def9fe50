"""How far a distribution has moved from a reference whose bins stay as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS = 10
# A bin that is empty on one side counts as half a row there: its logarithm would be infinite.
HALF_A_ROW = 0.5


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins frozen on a reference: deciles, and one for what is missing. `counts` are the reference's rows."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, reference: Floats) -> Bins:
        """The bins of a reference; values that many rows share fall into one bin.

        >>> Bins.of(np.array([1.0, 1.0, 2.0, 3.0, np.nan]))
        Bins(bounds=(1.0, 2.0), counts=(2, 1, 1, 1))
        """
        known = reference[~np.isnan(reference)]
        inner = np.linspace(0, 1, BINS + 1)[1:-1]
        bounds = np.unique(np.quantile(known, inner, method="lower")) if known.size else np.empty(0)
        # The greatest value as a bound would leave the bin above it empty.
        kept = tuple(bounds[bounds < known.max()].tolist()) if known.size else ()
        bins = cls(kept, ())
        return cls(kept, tuple(bins.count(reference).tolist()))

    def count(self, values: Floats) -> npt.NDArray[np.int64]:
        """How many values fall into each bin; the last one is of what is missing."""
        missing = np.isnan(values)
        place = np.searchsorted(self.bounds, values[~missing], side="left")
        return np.r_[np.bincount(place, minlength=len(self.bounds) + 1), missing.sum()]


def stability_index(bins: Bins, values: Floats) -> float:
    """The population stability index of values against the reference: the sum over bins of (a − r) · ln(a / r).

    Half and half that become nine to one: (0.9 − 0.5) · ln 1.8 + (0.1 − 0.5) · ln 0.2.

    >>> bins = Bins.of(np.repeat([1.0, 2.0], 500))
    >>> round(stability_index(bins, np.repeat([1.0, 2.0], [900, 100])), 3)
    0.879
    """
    reference, actual = np.array(bins.counts), bins.count(values)
    used = (reference > 0) | (actual > 0)
    r, a = (np.maximum(counts[used], HALF_A_ROW) / max(counts.sum(), 1) for counts in (reference, actual))
    return float(np.sum((a - r) * np.log(a / r)))


def by_chance(bins: Bins, *, reference: int, actual: int, level: float = 0.95) -> float:
    """What the index would exceed once in twenty times though nothing moved, with so many firms on either side.

    It then is (1 / n + 1 / m) times a chi-squared of one degree less than there are bins (Yurdakul and Naranjo 2020).

    >>> round(by_chance(Bins.of(np.arange(1000.0)), reference=1000, actual=200), 3)
    0.102
    """
    from scipy.stats import chi2

    used = sum(count > 0 for count in bins.counts)
    return float((1 / reference + 1 / actual) * chi2.ppf(level, max(used - 1, 1)))
