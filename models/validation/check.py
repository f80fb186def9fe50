"""A check: one question about a model, answered by a statistic against a threshold that has a date and a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from credit.domain.errors import PolicyBroken
from credit.domain.policy.terms import Parameter
from credit.domain.record import plain
from models.validation.measures import Compute
from models.validation.subject import Subject


class Verdict(StrEnum):
    """What came of a check."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found: the statistic with its interval, on how many rows, and the table it was read off.

    Without an interval the statistic is exact. A threshold that depends on the rows, such as what a perfect model
    would show on them, is `at_most` here and takes the place of the check's own where it is the larger.
    """

    value: float
    low: float | None = None
    high: float | None = None
    rows: int = 0
    at_most: float | None = None
    note: str = ""
    table: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Why a check cannot be asked of this model or these rows."""

    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `at_least` and `at_most` name the parameters that its statistic is held against.

    One that is not `decisive` warns at worst; without an answer to one that is `needed` no model passes.
    """

    name: str
    zh: str
    en: str
    statement: str
    statistic: str
    at_least: str | None
    at_most: str | None
    decisive: bool
    needed: bool
    look: Callable[[Subject], Found | NotApplicable]

    @property
    def thresholds(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(name for name in (self.at_least, self.at_most) if name)

    def ask(self, subject: Subject) -> Result:
        """Ask it of a subject."""
        answer = self.look(subject)
        least, most = (subject.threshold(name) if name else None for name in (self.at_least, self.at_most))
        if isinstance(answer, NotApplicable):
            found, why, verdict = Found(float("nan")), answer.why, Verdict.NOT_APPLICABLE
        else:
            if answer.at_most is not None and most is not None:
                most = max(most, answer.at_most)
            found, why = answer, answer.note
            verdict = judge(found, at_least=least, at_most=most, decisive=self.decisive)
        sources = dict.fromkeys(subject.parameter(name).reference for name in self.thresholds)
        return Result(
            check=self.name,
            zh=self.zh,
            en=self.en,
            statement=self.statement,
            statistic=self.statistic,
            source="; ".join(sources),
            needed=self.needed,
            found=found,
            at_least=least,
            at_most=most,
            fingerprint=subject.fingerprint,
            verdict=verdict,
            why=why,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, what it was held against and by which source, on which input, and the verdict."""

    check: str
    zh: str
    en: str
    statement: str
    statistic: str
    source: str
    needed: bool
    found: Found
    at_least: float | None
    at_most: float | None
    fingerprint: str
    verdict: Verdict
    why: str

    def document(self) -> dict[str, Any]:
        """The result as JSON has it; what is not applicable has no value."""
        said = {**asdict(self), "verdict": str(self.verdict)}
        found = said.pop("found")
        figures = {name: plain(found[name]) for name in ("value", "low", "high")}
        table = [{name: plain(value) for name, value in row.items()} for row in found["table"]]
        return {**said, **figures, "rows": found["rows"], "table": table}


def judge(found: Found, *, at_least: float | None, at_most: float | None, decisive: bool) -> Verdict:
    """Fail where the whole interval lies beyond a threshold, warn where only the statistic does.

    So few rows, whose interval is wide, fail nothing that they cannot show.

    >>> judge(Found(0.55, 0.45, 0.65), at_least=0.6, at_most=None, decisive=True)
    <Verdict.WARN: 'warn'>
    >>> judge(Found(0.55, 0.52, 0.58), at_least=0.6, at_most=None, decisive=True)
    <Verdict.FAIL: 'fail'>
    >>> judge(Found(0.60, 0.52, 0.68), at_least=0.6, at_most=None, decisive=True)
    <Verdict.PASS: 'pass'>
    """
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    if (at_least is not None and high < at_least) or (at_most is not None and low > at_most):
        return Verdict.FAIL if decisive else Verdict.WARN
    within = (at_least is None or found.value >= at_least) and (at_most is None or found.value <= at_most)
    return Verdict.PASS if within else Verdict.WARN


def check(
    name: str,
    *,
    zh: str,
    en: str,
    statistic: str,
    at_least: str | None = None,
    at_most: str | None = None,
    decisive: bool = True,
    needed: bool = False,
) -> Callable[[Callable[[Subject], Found | NotApplicable]], Check]:
    """Make a check of a function whose docstring opens with what is true of a good model."""

    def make(look: Callable[[Subject], Found | NotApplicable]) -> Check:
        statement = " ".join((look.__doc__ or "").strip().partition("\n\n")[0].split())
        return Check(name, zh, en, statement, statistic, at_least, at_most, decisive, needed, look)

    return make


def looked_back(subject: Subject, compute: Compute) -> Found | NotApplicable:
    """What a measure finds of the forecasts of whole years by the models of the years before."""
    found = subject.looked_back(compute)
    if found is None:
        return NotApplicable("no year was forecast with enough bad cases in it")
    measured, rows = found
    return Found(measured.value, measured.low, measured.high, rows)


def refuse_incomplete(checks: tuple[Check, ...], thresholds: Mapping[str, Parameter], file: str) -> None:
    """Raise PolicyBroken where a check's threshold is missing, or one is there that no check reads."""
    asked = {name for each in checks for name in each.thresholds}
    for name in sorted(asked - set(thresholds)):
        raise PolicyBroken(f"{file}: parameter {name!r} is missing", hint="compare with the file that ships")
    for name in sorted(set(thresholds) - asked - set(SETTINGS)):
        raise PolicyBroken(f"{file}: no check reads parameter {name!r}", hint="remove it, or mend its name")


# Parameters that say how a check is made rather than what its statistic is held against.
SETTINGS = ("out_of_time_bad_min", "segment_rows_min", "understated_tolerance", "closed_losses_min")
