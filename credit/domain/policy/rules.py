"""Rules: each is one function over columns and one reason; all run, and the strictest finding wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit.domain.policy.terms import Terms

Cases: TypeAlias = pd.DataFrame
Met: TypeAlias = "pd.Series[bool]"


class Outcome(IntEnum):
    """What is answered; a higher one is stricter."""

    APPROVE = 0
    REDUCE = 1
    REFER = 2
    DECLINE = 3


class Finding(IntEnum):
    """What a rule found. Not applicable differs from missing: one was never asked, the other cannot be answered."""

    MET = 0
    NOT_MET = 1
    NOT_APPLICABLE = 2
    MISSING = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `observes` are the inputs it reads, `requires` the parameters it holds them against.

    What it reads beside them and can do without is in `may_lack`.

    A rule that is `asked_of_scored` holds what follows from a score against policy: it is not asked of a supplier that
    has none, whom R-UNSCORABLE refers.
    """

    code: str
    outcome: Outcome
    reference: str
    statement: str
    zh: str
    en: str
    observes: tuple[str, ...]
    requires: tuple[str, ...]
    may_lack: tuple[str, ...]
    asked_of_scored: bool
    holds: Callable[[Cases, Terms], Met]


def rule(  # noqa: PLR0913 - each is an entry of the rule, and named
    code: str,
    *,
    outcome: Outcome,
    reference: str,
    zh: str,
    en: str,
    observes: tuple[str, ...],
    requires: tuple[str, ...] = (),
    may_lack: tuple[str, ...] = (),
    asked_of_scored: bool = False,
) -> Callable[[Callable[[Cases, Terms], Met]], Rule]:
    """Make a rule of a function whose name and docstring state what is true of a good applicant.

    `zh` and `en` say what went wrong when it is not true.
    """

    def make(holds: Callable[[Cases, Terms], Met]) -> Rule:
        statement = (holds.__doc__ or "").strip().splitlines()[0]
        return Rule(code, outcome, reference, statement, zh, en, observes, requires, may_lack, asked_of_scored, holds)

    return make


def findings(rules: tuple[Rule, ...], cases: Cases, terms: Terms, not_applicable: Mapping[str, str]) -> pd.DataFrame:
    """What every rule found on every case: one column a rule code, values of Finding, indexed as `cases`.

    A rule whose input is missing for a case finds MISSING there, whatever it would have computed.
    """
    asked = [each for each in rules if each.code not in not_applicable]
    # Each column is looked at once, whichever rules read it: of a single case that is half of the time.
    observed = dict.fromkeys(["pd", *(name for each in asked for name in each.observes)])
    lacks = {name: cases[name].isna().to_numpy() for name in observed}
    nowhere = np.full(len(cases), Finding.NOT_APPLICABLE, dtype=np.int8)
    found = {each.code: _found(each, cases, terms, lacks) if each in asked else nowhere for each in rules}
    return pd.DataFrame(found, index=cases.index)


def _found(each: Rule, cases: Cases, terms: Terms, lacks: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.int8]:
    never_asked = lacks["pd"] & each.asked_of_scored
    missing = np.logical_or.reduce([lacks[name] for name in each.observes])
    met = each.holds(cases, terms).to_numpy(dtype=bool, na_value=False)
    found = np.where(met, np.int8(Finding.MET), np.int8(Finding.NOT_MET))
    found[missing] = Finding.MISSING
    found[never_asked] = Finding.NOT_APPLICABLE
    return found


def strictest(rules: tuple[Rule, ...], found: pd.DataFrame) -> pd.Series[int]:
    """The strictest outcome of all findings; a missing input refers, for a person can look it up."""
    outcome = np.zeros(len(found), dtype=np.int8)
    for each in rules:
        column = found[each.code].to_numpy()
        outcome = np.maximum(outcome, np.where(column == Finding.NOT_MET, each.outcome, Outcome.APPROVE))
        outcome = np.maximum(outcome, np.where(column == Finding.MISSING, Outcome.REFER, Outcome.APPROVE))
    return pd.Series(outcome, index=found.index)
