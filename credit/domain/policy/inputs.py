"""The inputs: what the rules and limits may read about a case, each with its kind, so that one dtype reaches a rule.

A frame comes from features, facts and files, where a count may be a float because another row lacks it, a flag an
object column and a date a timestamp. Here each becomes what its kind says, with what is missing marked as missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd

from credit.domain.money import fen


class Kind(Enum):
    """What kind of thing an input is, and how a column of it is read."""

    MONEY = "whole fen"
    NUMBER = "number"
    FLAG = "yes or no"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Input:
    """One input; a number lies between a least and a most."""

    name: str
    kind: Kind
    meaning: str
    least: float = 0.0
    most: float = 10.0**12


# What the application and the model bring to every case, whatever the pack.
GIVEN: tuple[Input, ...] = (
    Input("pd", Kind.NUMBER, "probability of default or breach; missing where the supplier cannot be scored", most=1.0),
    Input("requested_fen", Kind.MONEY, "the amount asked for; missing where none was named"),
    Input("exposure_fen", Kind.MONEY, "what the supplier owes and is guaranteed for already"),
)

# What others have of what many draw on (credit.domain.pools).
POOLED: tuple[Input, ...] = (
    Input("portfolio_exposure_fen", Kind.MONEY, "what others have of the portfolio's budget"),
    Input("group_exposure_fen", Kind.MONEY, "what the supplier's group of firms owes and is guaranteed for already"),
    Input("district_exposure_fen", Kind.MONEY, "what others have of the district's share"),
    Input("weak_exposure_fen", Kind.MONEY, "what weak grades have of the portfolio's budget"),
    Input("buyer_exposure_fen", Kind.MONEY, "what others have of the buyer's share"),
    Input("pair_exposure_fen", Kind.MONEY, "what the supplier's group has already on this buyer"),
    Input("category_exposure_fen", Kind.MONEY, "what others have of the category's share"),
)

# What a pack maps from features and facts.
MAPPED: tuple[Input, ...] = (
    Input("identity_valid", Kind.FLAG, "both check digits of the unified social credit code agree"),
    Input("listings_active", Kind.NUMBER, "exclusion lists that the supplier stands on"),
    Input("consents_valid", Kind.NUMBER, "banks that may receive the record for this purpose"),
    Input("region", Kind.TEXT, "the county that the supplier is registered in"),
    Input("group_id", Kind.TEXT, "the group of firms that the supplier belongs to, or its own id"),
    Input("district", Kind.TEXT, "the county whose share of the book is capped"),
    Input("industry", Kind.TEXT, "industry of the 2011 size standard"),
    Input("programmes", Kind.TEXT, "programmes that the supplier is a member of, joined by ' + '"),
    Input("connected_listings", Kind.NUMBER, "exclusion lists that other firms of the group stand on"),
    Input("controls_changed_6m", Kind.NUMBER, "changes of controller or legal representative in six months"),
    Input("feed_age_days", Kind.NUMBER, "days since the source of the record said anything"),
    Input("rating_mean", Kind.NUMBER, "mean performance rating of twelve months, 1 to 5", least=1.0, most=5.0),
    Input("rejected_share", Kind.NUMBER, "share of twelve months' deliveries that was sent back", most=1.0),
    Input("review_requested", Kind.FLAG, "the applicant asks that a person decides"),
    Input("data_disputes_open", Kind.NUMBER, "data that the applicant disputes and that are not settled"),
    Input("cooling_days_left", Kind.NUMBER, "days until the cooling-off after an earlier decline is over"),
    Input("age_months", Kind.NUMBER, "whole months since the firm was founded"),
    Input("turnover_fen", Kind.MONEY, "what the supplier took in twelve months"),
    Input("cost_share", Kind.NUMBER, "cost as a share of twelve months' sales; may be missing"),
    Input("growth_ratio", Kind.NUMBER, "twelve months' sales against the twelve before; may be missing"),
    Input("borrowed_fen", Kind.MONEY, "working capital that is borrowed already"),
    Input("advances_held_fen", Kind.MONEY, "advances received in twelve months, which pay part of the need"),
    Input("last_transaction_days", Kind.NUMBER, "days since the last transaction"),
    Input("terminations_36m", Kind.NUMBER, "contracts ended by the supplier's fault in three years"),
    Input("draws_overdue", Kind.NUMBER, "draws past due today"),
    Input("past_due_days_12m", Kind.NUMBER, "the most days past due in twelve months"),
    Input("top_buyer_share", Kind.NUMBER, "the largest buyer's share of twelve months' business", most=1.0),
    Input("buyer_days_late_p90", Kind.NUMBER, "days after the due date by which nine in ten payments arrived"),
    Input("guarantees_called", Kind.NUMBER, "guarantees of the supplier that were ever called"),
    Input("transactions_24m", Kind.NUMBER, "transactions in 24 months"),
    Input("voided_share", Kind.NUMBER, "share of twelve months' invoices that were voided", most=1.0),
    Input("contract_fen", Kind.MONEY, "the contract as changed"),
    Input("buyer_id", Kind.TEXT, "the contract's buyer"),
    Input("buyer_related", Kind.FLAG, "the buyer and the supplier are tied to one another"),
    Input("buyer_pay_days_p80", Kind.NUMBER, "days after acceptance by which the buyer has paid in eight of ten cases"),
    Input("category", Kind.TEXT, "kind of purchase"),
    Input("contract_last_days", Kind.NUMBER, "days since anything was recorded of the contract"),
    Input("contract_confirmed", Kind.FLAG, "the buyer has confirmed contract and account"),
    Input("prepaid_fen", Kind.MONEY, "advance that the buyer has paid"),
    Input("paid_fen", Kind.MONEY, "what the buyer has paid beside the advance"),
    Input("retention_fen", Kind.MONEY, "retention money of the contract"),
    Input("disputed_fen", Kind.MONEY, "amount in dispute"),
    Input("assigned_fen", Kind.MONEY, "what of the receivable is assigned or lent on already"),
    Input("delivered_fen", Kind.MONEY, "contract value delivered"),
    Input("accepted_fen", Kind.MONEY, "contract value accepted"),
    Input("invoiced_fen", Kind.MONEY, "what was invoiced on the contract"),
    Input("advance_guaranteed_fen", Kind.MONEY, "advance-payment guarantees that stand on the contract"),
    Input("loans_on_contract_fen", Kind.MONEY, "loans that stand offered on the contract"),
    Input("backlog_ratio", Kind.NUMBER, "open work with this contract against twelve months' completed work"),
    Input("backlog_fen", Kind.MONEY, "open work beside this contract"),
    Input("completed_12m_fen", Kind.MONEY, "contracts completed in twelve months"),
    Input("similar_contracts", Kind.NUMBER, "contracts of this category completed before"),
    Input("city_contracts", Kind.NUMBER, "contracts in this city signed before"),
    Input("tender_region", Kind.TEXT, "the region whose law the tender is under"),
    Input("tender_budget_fen", Kind.MONEY, "the budget of the tender"),
    Input("contract_open", Kind.FLAG, "the contract is neither completed nor terminated"),
    Input("contract_region", Kind.TEXT, "the region whose law the contract is under"),
    Input("signed_on", Kind.DATE, "when the contract was signed"),
    Input("planned_acceptance_on", Kind.DATE, "when the last acceptance is planned"),
    Input("largest_completed_fen", Kind.MONEY, "the largest contract that the supplier has completed"),
    Input("guaranteed_fen", Kind.MONEY, "guarantees that stand on the contract, of any form"),
    Input("guaranteed_same_form_fen", Kind.MONEY, "guarantees of the same form that stand on the contract"),
    Input("advance_fen", Kind.MONEY, "the advance that the contract agrees"),
    Input("advance_received_fen", Kind.MONEY, "what of the advance has arrived"),
    Input("account_locked", Kind.FLAG, "the collection account is locked"),
    Input("account_unlocked", Kind.FLAG, "the collection account was unlocked again"),
)

INPUTS: tuple[Input, ...] = (*GIVEN, *POOLED, *MAPPED)


def as_read(cases: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The cases with every known input in the form of its kind; raises ValueError where a named input has no column.

    Other columns stay as they are. Money is a nullable integer, a number a float with NaN, a flag a nullable boolean,
    a date a `date` or None, a text a string or None. What is infinite, such as growth from nothing, is not known.
    """
    absent = sorted(set(names) - set(cases.columns))
    if absent:
        raise ValueError(f"the cases have no column {', '.join(absent)}")
    if not cases.index.is_unique:
        raise ValueError("each case has a row and an index of its own")
    kinds = {each.name: each.kind for each in INPUTS}
    columns = {name: cases[name] for name in cases.columns}
    # Made at once: of a single case, to set forty columns one by one is what takes the time.
    read = {name: _read(each, kinds[name]) if name in kinds else each for name, each in columns.items()}
    return pd.DataFrame(read, index=cases.index)


def _read(column: pd.Series[Any], kind: Kind) -> pd.Series[Any]:
    if kind is Kind.MONEY:
        return fen(column)
    if kind is Kind.NUMBER:
        return _numbers(column)
    if kind is Kind.FLAG:
        return column if column.dtype == "boolean" else column.astype("boolean")
    read = _date if kind is Kind.DATE else _text
    # What is missing is told for the whole column: one by one it would take most of the time of a million cases.
    pairs = zip(column.to_numpy(dtype=object), column.isna().to_numpy(), strict=True)
    return pd.Series([None if missing else read(v) for v, missing in pairs], index=column.index, dtype=object)


def _numbers(column: pd.Series[Any]) -> pd.Series[float]:
    plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
    values = (column if plain else column.astype("Float64")).to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(values), values, np.nan), index=column.index, copy=False)


def _date(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _text(value: object) -> str | None:
    return str(value) or None
