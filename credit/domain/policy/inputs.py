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
    """One input."""

    name: str
    kind: Kind
    meaning: str


# What the application and the model bring to every case, whatever the pack.
GIVEN: tuple[Input, ...] = (
    Input("pd", Kind.NUMBER, "probability of default or breach; missing where the supplier cannot be scored"),
    Input("requested_fen", Kind.MONEY, "the amount asked for; missing where none was named"),
    Input("exposure_fen", Kind.MONEY, "what the supplier owes and is guaranteed for already"),
    Input("portfolio_headroom_fen", Kind.MONEY, "what is left of the portfolio's budget for this case"),
)

# What a pack maps from features and facts.
MAPPED: tuple[Input, ...] = (
    Input("identity_valid", Kind.FLAG, "both check digits of the unified social credit code agree"),
    Input("listings_active", Kind.NUMBER, "exclusion lists that the supplier stands on"),
    Input("consents_valid", Kind.NUMBER, "banks that may receive the record for this purpose"),
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
    Input("top_buyer_share", Kind.NUMBER, "the largest buyer's share of twelve months' business"),
    Input("buyer_days_late_p90", Kind.NUMBER, "days after the due date by which nine in ten payments arrived"),
    Input("guarantees_called", Kind.NUMBER, "guarantees of the supplier that were ever called"),
    Input("transactions_24m", Kind.NUMBER, "transactions in 24 months"),
    Input("voided_share", Kind.NUMBER, "share of twelve months' invoices that were voided"),
    Input("contract_fen", Kind.MONEY, "the contract as changed"),
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
)


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
    return cases.assign(**{i.name: _read(cases[i.name], i.kind) for i in (*GIVEN, *MAPPED) if i.name in cases.columns})


def _read(column: pd.Series[Any], kind: Kind) -> pd.Series[Any]:
    if kind is Kind.MONEY:
        return fen(column)
    if kind is Kind.NUMBER:
        return _numbers(column)
    if kind is Kind.FLAG:
        return column.astype("boolean")
    read = _date if kind is Kind.DATE else _text
    return pd.Series([None if pd.isna(v) else read(v) for v in column], index=column.index, dtype=object)


def _numbers(column: pd.Series[Any]) -> pd.Series[float]:
    values = column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(values), values, np.nan), index=column.index)


def _date(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _text(value: object) -> str | None:
    return str(value) or None
