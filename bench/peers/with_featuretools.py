"""The twenty features with featuretools: `python with_featuretools.py CONTRACTS SUPPLIERS OUT AS_OF [AS_OF ...]`.

A cutoff time for each supplier and date, the end of that day. The contracts' time index is the moment from which each
was both signed and recorded, so featuretools itself keeps out what was not known. Its training window is one for all
features and counts from the time index; the windows by date of signature are vectorised transforms of the contracts,
which its own aggregations take as their condition.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from glob import glob
from typing import Any, ClassVar

import featuretools as ft
import numpy as np
import pandas as pd
from featuretools.primitives import Count, IsIn, Max, Mean, Min, NumUnique, Sum, TransformPrimitive
from woodwork.column_schema import ColumnSchema
from woodwork.logical_types import BooleanNullable, Datetime, Double

SIGNED = [
    *("contract_id", "supplier_id", "signed_on", "recorded_at", "channel", "category", "region"),
    *("amount_fen", "advance_fen", "planned_acceptance_on"),
]
LOGICAL_TYPES = {
    **dict.fromkeys(("contract_id", "supplier_id"), "Unknown"),
    **dict.fromkeys(("signed_on", "planned_acceptance_on", "known_at"), "Datetime"),
    **dict.fromkeys(("channel", "category", "region"), "Categorical"),
    **dict.fromkeys(("amount_fen", "advance_fen"), "Double"),
}
REGISTERED = ["supplier_id", "effective_on", "recorded_at"]
WINDOWS = (3, 6, 12, 24)
# Midnight in China, where the day ends, is 16:00 UTC; what is recorded at the cutoff time itself counts as known.
END_OF_DAY = pd.Timedelta(hours=16) - pd.Timedelta(microseconds=1)

_DATE = ColumnSchema(logical_type=Datetime)
_NUMBER = ColumnSchema(logical_type=Double, semantic_tags={"numeric"})


class Within(TransformPrimitive):
    """Whether a date lies in the last months."""

    name = "within"
    input_types: ClassVar = [_DATE]
    return_type = ColumnSchema(logical_type=BooleanNullable)
    uses_calc_time = True

    def __init__(self, months: int = 12) -> None:
        self.months = months

    def get_function(self) -> Callable[..., Any]:
        return lambda days, time: days > time.normalize() - pd.DateOffset(months=self.months)


class DaysBack(TransformPrimitive):
    """Days from a date to the cutoff time."""

    name = "days_back"
    input_types: ClassVar = [_DATE]
    return_type = _NUMBER
    uses_calc_time = True

    def get_function(self) -> Callable[..., Any]:
        return lambda days, time: (time.normalize() - days).dt.days


class MonthsBack(TransformPrimitive):
    """Whole months from a date to the cutoff time."""

    name = "months_back"
    input_types: ClassVar = [_DATE]
    return_type = _NUMBER
    uses_calc_time = True

    def get_function(self) -> Callable[..., Any]:
        def months_back(days: pd.Series, time: pd.Timestamp) -> pd.Series:
            calendar_months = (time.year - days.dt.year) * 12 + time.month - days.dt.month
            return calendar_months - (days.dt.day > time.day)

        return months_back


class DaysBetween(TransformPrimitive):
    """Days from one date to another."""

    name = "days_between"
    input_types: ClassVar = [_DATE, _DATE]
    return_type = _NUMBER
    commutative = False

    def get_function(self) -> Callable[..., Any]:
        return lambda since, until: (until - since).dt.days


def entity_set(contracts: pd.DataFrame, suppliers: pd.DataFrame) -> ft.EntitySet:
    """Suppliers and their contracts, each of which is known from when it was signed and recorded."""
    known_at = contracts[["signed_on", "recorded_at"]].max(axis=1)
    es = ft.EntitySet("platform")
    es.add_dataframe(
        dataframe_name="suppliers",
        dataframe=suppliers[["supplier_id"]].drop_duplicates(),
        index="supplier_id",
        logical_types={"supplier_id": "Unknown"},
    )
    es.add_dataframe(
        dataframe_name="contracts",
        dataframe=contracts.drop(columns="recorded_at").assign(known_at=known_at),
        index="contract_id",
        time_index="known_at",
        logical_types=LOGICAL_TYPES,
    )
    return es.add_relationship("suppliers", "supplier_id", "contracts", "supplier_id")


def features(es: ft.EntitySet) -> Iterator[ft.Feature]:
    """The features, each named as in the catalogue."""
    contract = {name: ft.Feature(es["contracts"].ww[name]) for name in es["contracts"].columns}
    amount, signed_on, channel = contract["amount_fen"], contract["signed_on"], contract["channel"]
    within = {n: ft.Feature(signed_on, primitive=Within(n)) for n in WINDOWS}
    days_planned = ft.Feature([signed_on, contract["planned_acceptance_on"]], primitive=DaysBetween)
    in_mall = ft.Feature(channel, primitive=IsIn(["EMALL", "ESTORE"]))

    def of(base: ft.Feature, primitive: type, name: str, where: ft.Feature | None = None) -> ft.Feature:
        return ft.Feature(base, parent_dataframe_name="suppliers", primitive=primitive, where=where).rename(name)

    sums = {n: of(amount, Sum, f"contract_amount_sum_{n}m", within[n]) for n in WINDOWS}
    yield from sums.values()
    for n in (3, 12, 24):
        yield of(contract["contract_id"], Count, f"contract_count_{n}m", within[n])
    yield of(amount, Max, "contract_largest_24m", within[24])
    yield of(ft.Feature(signed_on, primitive=MonthsBack), Max, "contract_tenure_months")
    yield of(ft.Feature(signed_on, primitive=DaysBack), Min, "contract_last_days")
    yield of(amount, Sum, "contract_project_sum_24m", within[24] & (channel == "PROJECT"))
    yield of(contract["category"], NumUnique, "contract_category_count_24m", within[24])
    yield of(amount, Sum, "contract_mall_sum_24m", within[24] & in_mall)
    yield of(contract["contract_id"], Count, "contract_framework_count_24m", within[24] & (channel == "FRAMEWORK"))
    yield of(amount, Sum, "contract_works_sum_24m", within[24] & (contract["category"] == "WORKS"))
    yield of(contract["advance_fen"], Sum, "contract_advance_sum_12m", within[12])
    yield of(contract["region"], NumUnique, "contract_county_count_24m", within[24])
    yield of(days_planned, Mean, "contract_days_planned_mean_12m", within[12])
    yield (sums[12] / (sums[24] - sums[12])).rename("contract_growth_12m")
    yield (sums[3] / sums[12]).rename("contract_momentum_3m")


def cutoffs(suppliers: pd.DataFrame, days: list[pd.Timestamp]) -> pd.DataFrame:
    """One row for each date and each supplier registered by its end."""
    pairs = suppliers.merge(pd.DataFrame({"time": [day + END_OF_DAY for day in days]}), how="cross")
    known = (pairs["effective_on"] <= pairs["time"]) & (pairs["recorded_at"] <= pairs["time"])
    return pairs.loc[known, ["supplier_id", "time"]].drop_duplicates()


def read(pattern: str, columns: list[str]) -> pd.DataFrame:
    """These columns, dates as NumPy's."""
    frame = pd.concat(pd.read_parquet(file, columns=columns) for file in glob(pattern))  # noqa: PTH207 (absolute)
    dates = [name for name in columns if name.endswith("_on")]
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in dates})


def main() -> None:
    """Write one file for all dates."""
    contracts, suppliers, out, *asked = sys.argv[1:]
    registered = read(suppliers, REGISTERED)
    es = entity_set(read(contracts, SIGNED), registered)
    matrix = ft.calculate_feature_matrix(
        list(features(es)),
        es,
        cutoff_time=cutoffs(registered, [pd.Timestamp(day) for day in asked]),
        cutoff_time_in_index=True,
    )
    found = matrix.astype("float64").replace([np.inf, -np.inf], np.nan).reset_index()
    counts = found.columns[found.columns.str.contains("_sum_|_count_")]
    found[counts] = found[counts].fillna(0)
    found.insert(1, "as_of", found.pop("time").dt.normalize())
    found.to_parquet(out, index=False)


if __name__ == "__main__":
    main()
