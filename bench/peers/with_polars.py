"""The twenty features with polars: `python with_polars.py CONTRACTS SUPPLIERS OUT AS_OF [AS_OF ...]`.

One lazy query a date on the streaming engine. What is outside a window becomes null before it is aggregated, and nulls
are passed over: as fast as filtering within the aggregates, in less memory.
"""

from __future__ import annotations

import sys
from datetime import date, datetime, time

import polars as pl

WINDOWS = (3, 6, 12, 24)
NONE = 0


def features(contracts: str, suppliers: str, as_of: date) -> pl.LazyFrame:
    """One row for each supplier registered by a date."""
    # The day ends at midnight in China.
    recorded = pl.col("recorded_at") < datetime.combine(as_of, time(16))
    registered = pl.scan_parquet(suppliers).filter(pl.col("effective_on") <= as_of, recorded)
    known = pl.scan_parquet(contracts).filter(pl.col("signed_on") <= as_of, recorded)
    within = known.with_columns(pl.col("signed_on").gt(_months_before(as_of, n)).alias(f"in_{n}m") for n in WINDOWS)
    found = within.group_by("supplier_id").agg(_aggregates())
    joined = registered.select("supplier_id").unique().join(found, on="supplier_id", how="left")
    return joined.with_columns(_none_as_zero()).select(_columns(as_of))


def _months_before(as_of: date, months: int) -> pl.Expr:
    return pl.lit(as_of).dt.offset_by(f"-{months}mo")


def _aggregates() -> list[pl.Expr]:
    amount, channel, category = pl.col("amount_fen"), pl.col("channel"), pl.col("category")
    days_planned = (pl.col("planned_acceptance_on") - pl.col("signed_on")).dt.total_days()
    last_24m, last_12m = pl.col("in_24m"), pl.col("in_12m")
    return [
        *(_where(pl.col(f"in_{n}m"), amount).sum().alias(f"contract_amount_sum_{n}m") for n in WINDOWS),
        *(pl.col(f"in_{n}m").sum().alias(f"contract_count_{n}m") for n in (3, 12, 24)),
        _where(last_24m, amount).max().alias("contract_largest_24m"),
        pl.col("signed_on").min().alias("first_on"),
        pl.col("signed_on").max().alias("last_on"),
        _where(last_24m & (channel == "PROJECT"), amount).sum().alias("contract_project_sum_24m"),
        _where(last_24m, category).drop_nulls().n_unique().alias("contract_category_count_24m"),
        _where(last_24m & channel.is_in(["EMALL", "ESTORE"]), amount).sum().alias("contract_mall_sum_24m"),
        (last_24m & (channel == "FRAMEWORK")).sum().alias("contract_framework_count_24m"),
        _where(last_24m & (category == "WORKS"), amount).sum().alias("contract_works_sum_24m"),
        _where(last_12m, pl.col("advance_fen")).sum().alias("contract_advance_sum_12m"),
        _where(last_24m, pl.col("region")).drop_nulls().n_unique().alias("contract_county_count_24m"),
        _where(last_12m, days_planned).mean().alias("contract_days_planned_mean_12m"),
    ]


def _where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(value)


def _none_as_zero() -> list[pl.Expr]:
    return [pl.col("^contract_(.*_)?(sum|count)_.*$").fill_null(NONE)]


def _columns(as_of: date) -> list[pl.Expr]:
    first_on, last_on = pl.col("first_on"), pl.col("last_on")
    calendar_months = (as_of.year - first_on.dt.year()) * 12 + as_of.month - first_on.dt.month()
    sums = {n: pl.col(f"contract_amount_sum_{n}m") for n in WINDOWS}
    return [
        pl.col("supplier_id"),
        pl.lit(as_of).alias("as_of"),
        pl.col("^contract_.*$"),
        (calendar_months - (first_on.dt.day() > as_of.day)).alias("contract_tenure_months"),
        (pl.lit(as_of) - last_on).dt.total_days().alias("contract_last_days"),
        _ratio(sums[12], sums[24] - sums[12]).alias("contract_growth_12m"),
        _ratio(sums[3], sums[12]).alias("contract_momentum_3m"),
    ]


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole != 0).then(part / whole)


def main() -> None:
    """Write one file for all dates."""
    contracts, suppliers, out, *days = sys.argv[1:]
    asked = [features(contracts, suppliers, date.fromisoformat(day)) for day in days]
    pl.concat(asked).sink_parquet(out, engine="streaming")


if __name__ == "__main__":
    main()
