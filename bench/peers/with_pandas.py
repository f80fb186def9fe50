"""The twenty features with pandas: `python with_pandas.py CONTRACTS SUPPLIERS OUT AS_OF [AS_OF ...]`.

Only the needed columns and rows are read, once for all dates: texts as categories, dates as NumPy's, not as Python's.
Each window is a part of the frame, grouped by supplier; with suppliers as categories, all groups have the same index.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from glob import glob

import pandas as pd
from pandas.core.groupby import DataFrameGroupBy

TEXTS = ["supplier_id", "channel", "category", "region"]
SIGNED = [*TEXTS, "signed_on", "recorded_at", "planned_acceptance_on", "amount_fen", "advance_fen"]
REGISTERED = ["supplier_id", "effective_on", "recorded_at"]


def read(pattern: str, columns: list[str], last: pd.Timestamp, *, on: str, texts: Sequence[str] = ()) -> pd.DataFrame:
    """What had happened and was recorded by a date; these texts as categories."""
    read_parquet = partial(
        pd.read_parquet,
        glob(pattern),  # noqa: PTH207 (absolute)
        columns=columns,
        filters=[(on, "<=", last.date()), ("recorded_at", "<", _ended(last))],
        to_pandas_kwargs={"date_as_object": False, "categories": texts},
    )
    try:
        return read_parquet(read_dictionary=texts)
    except OSError:
        # Saves memory where it can be done: in a small file a text may be no dictionary, which pyarrow cannot make one.
        return read_parquet()


def features(contracts: pd.DataFrame, suppliers: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row for each supplier registered by a date."""
    registered = _known(suppliers, as_of, on="effective_on")["supplier_id"].unique()
    found = pd.concat(_found(_known(contracts, as_of, on="signed_on"), as_of), axis=1)
    found = found.reindex(pd.Index(registered, dtype="str", name="supplier_id"))
    zeros = found.columns[found.columns.str.contains("_sum_|_count_")]
    found[zeros] = found[zeros].fillna(0)
    sum_3m, sum_12m, sum_24m = (found[f"contract_amount_sum_{n}m"] for n in (3, 12, 24))
    found["contract_growth_12m"] = _ratio(sum_12m, sum_24m - sum_12m)
    found["contract_momentum_3m"] = _ratio(sum_3m, sum_12m)
    found.insert(0, "as_of", as_of)
    return found.reset_index()


def _found(known: pd.DataFrame, as_of: pd.Timestamp) -> Iterator[pd.DataFrame | pd.Series]:
    signed_on = _by_supplier(known)["signed_on"].agg(["min", "max"])
    yield _whole_months(signed_on["min"], as_of).rename("contract_tenure_months")
    yield (as_of - signed_on["max"]).dt.days.rename("contract_last_days")
    for n in (24, 12, 6, 3):
        known = known[known["signed_on"] > as_of - pd.DateOffset(months=n)]
        suppliers = _by_supplier(known)
        yield suppliers["amount_fen"].sum().rename(f"contract_amount_sum_{n}m")
        if n != 6:
            yield suppliers.size().rename(f"contract_count_{n}m")
        if n == 24:
            yield from _last_24m(known)
        if n == 12:
            yield suppliers["advance_fen"].sum().rename("contract_advance_sum_12m")
            days = (known["planned_acceptance_on"] - known["signed_on"]).dt.days
            yield _by_supplier(known.assign(days=days))["days"].mean().rename("contract_days_planned_mean_12m")


def _last_24m(known: pd.DataFrame) -> Iterator[pd.DataFrame | pd.Series]:
    yield _by_supplier(known).agg(
        contract_largest_24m=("amount_fen", "max"),
        contract_category_count_24m=("category", "nunique"),
        contract_county_count_24m=("region", "nunique"),
    )
    channel = known["channel"]
    yield _amount_sum(known[channel == "PROJECT"]).rename("contract_project_sum_24m")
    yield _amount_sum(known[channel.isin(["EMALL", "ESTORE"])]).rename("contract_mall_sum_24m")
    yield _amount_sum(known[known["category"] == "WORKS"]).rename("contract_works_sum_24m")
    yield _by_supplier(known[channel == "FRAMEWORK"]).size().rename("contract_framework_count_24m")


def _by_supplier(rows: pd.DataFrame) -> DataFrameGroupBy:
    return rows.groupby("supplier_id", observed=False)


def _amount_sum(rows: pd.DataFrame) -> pd.Series:
    return _by_supplier(rows)["amount_fen"].sum()


def _known(rows: pd.DataFrame, as_of: pd.Timestamp, *, on: str) -> pd.DataFrame:
    return rows[(rows[on] <= as_of) & (rows["recorded_at"] < _ended(as_of))]


def _ended(as_of: pd.Timestamp) -> pd.Timestamp:
    """Midnight in China, where the day ends, as UTC."""
    return as_of + pd.Timedelta(hours=16)


def _whole_months(since: pd.Series, as_of: pd.Timestamp) -> pd.Series:
    return (as_of.year - since.dt.year) * 12 + as_of.month - since.dt.month - (since.dt.day > as_of.day)


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole != 0)


def main() -> None:
    """Write one file for all dates."""
    contracts, suppliers, out, *asked = sys.argv[1:]
    days = [pd.Timestamp(day) for day in asked]
    signed = read(contracts, SIGNED, max(days), on="signed_on", texts=TEXTS)
    registered = read(suppliers, REGISTERED, max(days), on="effective_on")
    pd.concat([features(signed, registered, day) for day in days]).to_parquet(out, index=False)


if __name__ == "__main__":
    main()
