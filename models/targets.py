"""The targets: what a model forecasts, over which horizon, and which rows teach it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from credit.domain.errors import MixedOutcomes, TooFewOutcomes, UnknownName
from data.ledger import Ledger

FEWEST_OF_EACH_KIND = 5


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    `horizon_months` is how far ahead its probability looks; None where each contract has its own. `channels` are the
    ways of buying whose contracts it is about; empty where it is about no contract.
    """

    name: str
    meaning: str
    row: str
    horizon_months: int | None
    asks_contract: bool
    channels: tuple[str, ...] = ()


LOAN_DEFAULT = Target(
    name="loan_default",
    meaning="90 days past due or written off within 12 months, for a draw repaid at its end until 90 days after it",
    row="draw",
    horizon_months=12,
    asks_contract=False,
)
PERFORMANCE_BREACH = Target(
    name="performance_breach",
    meaning="contract ended by the supplier's fault, or a guarantee on it called, until its release or expiry",
    row="contract",
    horizon_months=None,
    asks_contract=True,
    # Guarantees are asked for on tenders and frameworks; a basket in the e-mall has none, and hardly ever breaks.
    channels=("PROJECT", "FRAMEWORK"),
)
TARGETS: tuple[Target, ...] = (LOAN_DEFAULT, PERFORMANCE_BREACH)


def target_named(name: str) -> Target:
    """The target of that name; raises UnknownName with the choices."""
    for each in TARGETS:
        if each.name == name:
            return each
    raise UnknownName(f"there is no target {name!r}", hint="choose from " + ", ".join(t.name for t in TARGETS))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model is taught with: cases for the feature engine, labels, and the firm that each row belongs to.

    `groups` is the firm of each row, by the id that it goes on as: none may stand on both sides of a split. `dated` is
    False where the outcomes carry no date: such a model is concurrent, not predictive.
    """

    cases: pd.DataFrame
    happened: pd.Series
    groups: pd.Series
    dated: bool


def lessons(ledger: Ledger, target: Target, *, tier: str, as_of: date, version: int | None = None) -> Lessons:
    """The rows that teach a target, as known on a date: one a draw or contract, by firm for undated labels.

    A dated row is observed on the day before the risk was taken, for the draw itself is no reason to expect its
    default, and is taught only once its performance window is over. Undated labels are observed on `as_of`, where the
    features may see what the label saw. Raises TooFewOutcomes, and MixedOutcomes where only some carry a date.
    """
    known = ledger.outcomes(target.name, known_on=as_of, version=version)
    known = known[known["tier"] == tier]
    with_dates = known[["opened_on", "matured_on"]].notna().all(axis=1)
    dated = bool(with_dates.any())
    if dated and not with_dates.all():
        raise MixedOutcomes(
            f"{target.name}: {int((~with_dates).sum()):,} of {len(known):,} outcomes of {tier} firms carry no dates",
            hint="a model is taught by dated outcomes or by undated ones; keep the two kinds in ledgers of their own",
        )
    if dated:
        known = known[pd.to_datetime(known["matured_on"]).dt.date <= as_of]
        # A contract is asked about on the day of its signature, when its own terms are known; a draw the day before.
        back = pd.Timedelta(days=0 if target.asks_contract else 1)
        observed = (pd.to_datetime(known["opened_on"]) - back).dt.date
    else:
        observed = pd.Series(as_of, index=known.index)
    cases = pd.DataFrame(
        {"case_id": range(len(known)), "supplier_id": known["supplier_id"].array, "as_of": observed.array}
    )
    happened = pd.Series(known["happened"].astype(int).array, index=cases.index)
    if target.asks_contract:
        cases["contract_id"] = known["contract_id"].array
        asked = _of_channels(ledger, cases, target.channels, version)
        cases, happened = cases[asked], happened[asked]
    counts = happened.value_counts()
    if min(counts.get(0, 0), counts.get(1, 0)) < FEWEST_OF_EACH_KIND:
        raise TooFewOutcomes(
            f"{target.name}: {counts.get(1, 0)} bad and {counts.get(0, 0)} good outcomes of {tier} firms on {as_of}",
            hint="import labels, or train on the other kind of data with `--data`",
        )
    groups = cases["supplier_id"].replace(ledger.gone_on_as(as_of, version=version))
    return Lessons(cases, happened, groups, dated)


def _of_channels(ledger: Ledger, cases: pd.DataFrame, channels: tuple[str, ...], version: int | None) -> pd.Series:
    """Whether each case's contract was bought in one of these ways, by the index of `cases`."""
    with ledger.known_on(cases, version=version) as by_then:
        found = by_then.con.execute(
            """SELECT k.case_id FROM contracts AS k
               JOIN cases AS c ON c.case_id = k.case_id AND c.contract_id = k.contract_id
               WHERE list_contains(?, k.channel)""",
            [list(channels)],
        ).fetchnumpy()["case_id"]
    return cases["case_id"].isin(found)
