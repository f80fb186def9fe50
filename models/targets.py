"""The targets: what a model forecasts, over which horizon, and which rows teach it (docs/adr/0011)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from credit.domain.errors import MixedOutcomes, TooFewOutcomes, UnknownName
from data import endings
from data.ledger import Ledger
from data.schema import CONTRACTS

FEWEST_OF_EACH_KIND = 5


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    `horizon_months` is how far ahead its probability looks; None where each contract has its own. `channels` are the
    ways of buying whose contracts it is about; empty where it is about no contract. `window` says until when a row is
    watched, `observed` on which evening its features are taken.
    """

    name: str
    meaning: str
    row: str
    horizon_months: int | None
    asks_contract: bool
    window: str
    observed: str
    channels: tuple[str, ...] = ()


LOAN_DEFAULT = Target(
    name="loan_default",
    meaning="90 days past due or written off within 12 months, for a draw repaid at its end until 90 days after it",
    row="draw",
    horizon_months=12,
    asks_contract=False,
    window="from the draw until 90 days after its maturity",
    observed="on the evening before the draw",
)
PERFORMANCE_BREACH = Target(
    name="performance_breach",
    meaning="contract ended by the supplier's fault, or a guarantee on it called, until its release or expiry",
    row="contract",
    horizon_months=None,
    asks_contract=True,
    window="from the signature until the contract has ended and every guarantee on it is released, paid or expired",
    observed="on the first evening on which the signed contract is on record, with its own terms",
    # Guarantees are asked for on tenders and frameworks; a basket in the e-mall has none, and hardly ever breaks.
    channels=("PROJECT", "FRAMEWORK"),
)
TARGETS: tuple[Target, ...] = (LOAN_DEFAULT, PERFORMANCE_BREACH)

# Why a row whose window is over teaches nothing: it is neither good nor bad.
WINDOW_TOO_SHORT = "its window ended before a default could show"
NOT_CURED = "past due and not repaid at the end of its window"
NO_EXPOSURE = "repaid before it had stood long enough to say anything"
NO_FAULT = "ended early without the supplier's fault"
STILL_OPEN = "still open at the end of its window"
NOT_ON_RECORD = "its contract was not on record for days after it was signed"
# A contract is observed on the first evening that it is on record, at most so many days after its signature.
LATEST_RECORD_DAYS = 7


def target_named(name: str) -> Target:
    """The target of that name; raises UnknownName with the choices."""
    for each in TARGETS:
        if each.name == name:
            return each
    raise UnknownName(f"there is no target {name!r}", hint="choose from " + ", ".join(t.name for t in TARGETS))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model is taught with: cases for the feature engine and labels, a row a draw or contract.

    `cases` has beside the engine's columns `outcome_id`, `opened_on` and `closed_on`. `firms` is the firm of each row
    by the id that it goes on as, `groups` its group of connected firms: none may stand on both sides of a split.
    `dated` is False where the outcomes carry no date: such a model is concurrent, not predictive. `cohorts` has a row
    a month of opening: rows that were opened, how many of them are over, and whether the month is used. `set_aside`
    counts rows of used months that teach nothing, by the reason.
    """

    cases: pd.DataFrame
    happened: pd.Series
    firms: pd.Series
    groups: pd.Series
    dated: bool
    cohorts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"opened": [], "over": [], "used": []}))
    set_aside: Mapping[str, int] = field(default_factory=dict)


def lessons(
    ledger: Ledger, target: Target, *, tier: str, as_of: date, terms: Mapping[str, Any], version: int | None = None
) -> Lessons:
    """The rows that teach a target, as known on a date: one a draw or contract, by firm for undated labels.

    A dated row is observed before its outcome could show, and is taught once its window is over and its whole month
    all but so (`cohort_closed_min`): what ends early ends otherwise than what runs. What is neither good nor bad is set
    aside. Undated labels are observed on `as_of`, where the features may see what the label saw. `terms` are the
    parameters of training on the date. Raises TooFewOutcomes, and MixedOutcomes where only some carry a date.
    """
    known = ledger.outcomes(target.name, known_on=as_of, version=version)
    known = known[known["tier"] == tier]
    with_dates = known[["opened_on", "matured_on"]].notna().all(axis=1)
    # Where nobody has said an outcome, what happened on draws and contracts says it, and has its dates.
    dated = bool(with_dates.any()) or known.empty
    if dated and not with_dates.all():
        raise MixedOutcomes(
            f"{target.name}: {int((~with_dates).sum()):,} of {len(known):,} outcomes of {tier} firms carry no dates",
            hint="a model is taught by dated outcomes or by undated ones; keep the two kinds in ledgers of their own",
        )
    if dated:
        found = _dated(ledger, target, known, tier=tier, as_of=as_of, terms=terms, version=version)
    else:
        cases = pd.DataFrame({"supplier_id": known["supplier_id"].array, "outcome_id": known["outcome_id"].array})
        cases = cases.assign(as_of=as_of, happened=known["happened"].astype(int).array)
        cases = cases.assign(contract_id=known["contract_id"].array) if target.asks_contract else cases
        found = _Found(cases, {}, None)
    cases = found.rows.reset_index(drop=True)
    happened = cases.pop("happened").astype(int)
    counts = happened.value_counts()
    if min(counts.get(0, 0), counts.get(1, 0)) < FEWEST_OF_EACH_KIND:
        raise TooFewOutcomes(
            f"{target.name}: {counts.get(1, 0)} bad and {counts.get(0, 0)} good outcomes of {tier} firms on {as_of}",
            hint="import labels, or train on the other kind of data with `--data`",
        )
    cases.insert(0, "case_id", range(len(cases)))
    gone_on_as = ledger.gone_on_as(as_of, version=version)
    firms = pd.Series([gone_on_as.get(each, each) for each in cases["supplier_id"]], dtype="str")
    tied = ledger.groups(as_of, version=version)
    group_of = dict(zip(tied["supplier_id"], tied["group_id"], strict=True))
    groups = pd.Series([group_of.get(each, each) for each in firms], dtype="str")
    cohorts = {} if found.cohorts is None else {"cohorts": found.cohorts}
    return Lessons(cases, happened, firms, groups, dated, set_aside=found.set_aside, **cohorts)


@dataclass(frozen=True, slots=True)
class _Found:
    rows: pd.DataFrame
    set_aside: Mapping[str, int]
    cohorts: pd.DataFrame | None


def _dated(
    ledger: Ledger,
    target: Target,
    known: pd.DataFrame,
    *,
    tier: str,
    as_of: date,
    terms: Mapping[str, Any],
    version: int | None,
) -> _Found:
    whole = _watched(ledger, target, known, tier=tier, as_of=as_of, terms=terms, version=version)
    cohorts = _cohorts(whole, float(terms["cohort_closed_min"]))
    used = whole[whole["is_over"] & whole["opened_on"].dt.to_period("M").map(cohorts["used"])]
    used = used.sort_values("outcome_id")
    if target.asks_contract:
        used = used.assign(as_of=_first_on_record(ledger, used, version))
        used["unclear"] = used["unclear"].mask(used["as_of"].isna(), NOT_ON_RECORD)
    else:
        # The draw itself is no reason to expect its default.
        used = used.assign(as_of=(used["opened_on"] - pd.Timedelta(days=1)).dt.date)
    set_aside = {str(why): int(rows) for why, rows in used["unclear"].value_counts().sort_index().items()}
    kept = ["supplier_id", "outcome_id", "as_of", "opened_on", "closed_on", "happened"]
    kept += ["contract_id"] if target.asks_contract else []
    return _Found(used.loc[used["unclear"].isna(), kept], set_aside, cohorts)


def _watched(
    ledger: Ledger,
    target: Target,
    known: pd.DataFrame,
    *,
    tier: str,
    as_of: date,
    terms: Mapping[str, Any],
    version: int | None,
) -> pd.DataFrame:
    """Every draw or contract that anybody knows of, with or without an outcome: is_over, closed_on, and if unclear why.

    A source that sends outcomes alone is taken at its word; a guarantee that was called since is a breach whatever was
    said before. Where nobody said an outcome, what happened says it (ADR 18): so a bank's feedback teaches.
    """
    said = known.astype({"opened_on": "datetime64[us]", "matured_on": "datetime64[us]"})
    if target.asks_contract:
        key = "contract_id"
        ended = endings.of_contracts(ledger, as_of, tier=tier, channels=target.channels, version=version)
        # Contracts that were bought otherwise teach nothing about those.
        said = said[said[key].isin(ended.index)]
    else:
        key, ended = "loan_id", endings.of_draws(ledger, as_of, tier=tier, version=version)
    said = said.assign(key=said[key].fillna(said["outcome_id"])).set_index("key")
    whole = said.join(ended.drop(columns=["supplier_id", "opened_on"]), how="left")
    shown = _shown_by_contracts if target.asks_contract else _shown_by_draws
    unsaid = _as_outcomes(ended[~ended.index.isin(said.index)], shown, target, terms, as_of)
    whole = pd.concat([whole, unsaid.drop(columns=[c for c in unsaid if c not in whole])]) if len(unsaid) else whole
    if target.asks_contract:
        whole["happened"] = whole["happened"].mask(whole["called_on"].notna() & whole["matured_on"].notna(), True)
    bad = whole["happened"].eq(True).to_numpy(dtype=bool)
    judge = _judge_contracts if target.asks_contract else _judge_draws
    closed_on, is_open, unclear = judge(whole, terms, as_of)
    is_over = whole["matured_on"].notna() & (closed_on <= pd.Timestamp(as_of)) & ~(is_open & ~bad)
    return whole.assign(closed_on=closed_on, is_over=is_over, unclear=unclear.where(~bad, None))


def _as_outcomes(
    unsaid: pd.DataFrame,
    shown: Callable[[pd.DataFrame, Mapping[str, Any]], tuple[pd.Series, pd.Series]],
    target: Target,
    terms: Mapping[str, Any],
    as_of: date,
) -> pd.DataFrame:
    """Draws or contracts of which nobody said an outcome, as outcomes; without one where it has not shown.

    An outcome shows on the evening after its window: what happened on the last day of it is on record by then.
    """
    happened, matured_on = shown(unsaid, terms)
    known = matured_on.notna() & (matured_on < pd.Timestamp(as_of))
    about = {"contract_id": unsaid.index} if target.asks_contract else {}
    return unsaid.assign(
        outcome_id=[f"{target.name}-{key}" for key in unsaid.index],
        happened=happened.astype(object).where(known, None),
        matured_on=matured_on.where(known),
        **about,
    )


def _shown_by_draws(draws: pd.DataFrame, terms: Mapping[str, Any]) -> tuple[pd.Series, pd.Series]:
    """Whether each draw defaulted, and when that could be said: 90 days after it was due, as of any draw.

    Of one that was neither repaid nor marked so late nor written off nobody knows.
    """
    days = int(terms["default_days_past_due"])
    late = (draws["repaid_on"] - draws["due_on"]).dt.days >= days
    bad = (draws["worst_days"] >= days) | draws["lost_on"].notna() | late
    known = bad | draws["repaid_on"].notna()
    return bad, (draws["due_on"] + pd.Timedelta(days=days)).where(known)


def _shown_by_contracts(contracts: pd.DataFrame, terms: Mapping[str, Any]) -> tuple[pd.Series, pd.Series]:
    """Whether each contract was broken, and when that could be said: when it and every guarantee on it have ended."""
    faulty = contracts["ended_by"].eq("TERMINATED") & contracts["fault"].eq("SUPPLIER")
    shows = contracts["planned_on"] + pd.Timedelta(days=int(terms["breach_shows_days"]))
    last = pd.concat([shows, contracts["ended_on"], contracts["released_on"]], axis=1).max(axis=1)
    known = contracts["planned_on"].notna() & contracts["ended_by"].notna() & ~contracts["is_guaranteed"].eq(True)
    return faulty | contracts["called_on"].notna(), last.where(known)


def _judge_draws(whole: pd.DataFrame, terms: Mapping[str, Any], as_of: date) -> tuple[pd.Series, pd.Series, pd.Series]:
    """When the window of each draw closes, whether it is open whatever its source says, and why it is unclear."""
    default_shows = whole["due_on"] + pd.Timedelta(days=int(terms["default_days_past_due"]))
    closed_on = whole[["matured_on"]].assign(shows=default_shows).max(axis=1)
    repaid = whole["repaid_on"] <= closed_on
    stood = (whole["repaid_on"] - whole["opened_on"]).dt.days
    short = (whole["matured_on"] < default_shows) & ~repaid
    late = (whole["worst_days"] >= terms["past_due_days_unclear"]) & ~repaid
    idle = repaid & (stood < terms["exposure_days_min"])
    unclear = np.select([late, short, idle], [NOT_CURED, WINDOW_TOO_SHORT, NO_EXPOSURE], "")
    return closed_on, pd.Series(False, index=whole.index), _or_none(unclear, whole)


def _judge_contracts(
    whole: pd.DataFrame, terms: Mapping[str, Any], as_of: date
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """The same of each contract: one is open while a guarantee on it stands."""
    is_open = whole["is_guaranteed"].eq(True)
    unended = whole["ended_by"].isna()
    early = whole["ended_by"].eq("ENDED") | (whole["ended_by"].eq("TERMINATED") & whole["fault"].ne("SUPPLIER"))
    unclear = np.select([unended, early], [STILL_OPEN, NO_FAULT], "")
    return whole["matured_on"], is_open, _or_none(unclear, whole)


def _or_none(words: Any, whole: pd.DataFrame) -> pd.Series:
    return pd.Series(words, index=whole.index, dtype=object).replace("", None)


def _cohorts(whole: pd.DataFrame, closed_min: float) -> pd.DataFrame:
    """Rows opened and over by month of opening, and whether so many are over that the month is used."""
    month = whole["opened_on"].dt.to_period("M").rename("month")
    cohorts = whole.groupby(month).agg(opened=("is_over", "size"), over=("is_over", "sum"))
    return cohorts.assign(used=cohorts["over"] >= closed_min * cohorts["opened"])


def _first_on_record(ledger: Ledger, rows: pd.DataFrame, version: int | None) -> pd.Series:
    """The evening from which each row's contract is on record; missing where that takes too long."""
    found = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    for days in range(LATEST_RECORD_DAYS + 1):
        left = rows[found.isna()]
        evening = left["opened_on"] + pd.Timedelta(days=days)
        cases = pd.DataFrame({"case_id": range(len(left)), "supplier_id": left["supplier_id"].array})
        cases = cases.assign(as_of=evening.dt.date.array, contract_id=left["contract_id"].array)
        with ledger.known_on(cases, tables=(CONTRACTS,), version=version) as known:
            there = known.con.execute(
                """SELECT k.case_id FROM contracts AS k
                   JOIN cases AS c ON c.case_id = k.case_id AND c.contract_id = k.contract_id"""
            ).fetchnumpy()["case_id"]
        on_record = cases["case_id"].isin(there).to_numpy()
        found[left.index[on_record]] = evening[on_record]
        if found.notna().all():
            break
    return found.dt.date
