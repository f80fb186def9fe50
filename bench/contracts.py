"""A platform export of many contracts and nothing else, to measure on.

Suppliers differ in size as firms do: a few have thousands of contracts, some have none. They register over the years
and stay; most contracts are small orders of the e-mall, most money is in projects. Rows come in the order in which they
were signed, and some are recorded days or weeks later, as a platform's are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.simulator.regions import NATIONAL

FIRST, LAST = date(2021, 1, 1), date(2025, 12, 31)
DAYS = (LAST - FIRST).days + 1
ROWS_AT_ONCE = 1_000_000
SEED = 1

# The spread of the suppliers' sizes, as a standard deviation of logarithms.
SIZES_SPREAD = 1.5
# So many suppliers had registered before the first contract; the others did later, all alike.
REGISTERED_BEFORE = 0.6
AT_HOME = 0.7
# A budget year ends busy: how much is signed in each of its months against an average one.
SEASON = np.array([0.7, 0.5, 0.8, 0.9, 0.9, 1.0, 0.9, 0.9, 1.0, 1.1, 1.4, 1.9])

# How it was bought, how often, at which median amount in yuan, and how often as goods, services and works.
CHANNELS = ("PROJECT", "EMALL", "ESTORE", "FRAMEWORK", "RURAL_HALL")
CHANNEL_SHARES = np.array([0.16, 0.42, 0.20, 0.17, 0.05])
MEDIAN_YUAN = np.array([600_000, 6_000, 3_000, 25_000, 12_000])
AMOUNTS_SPREAD = np.array([1.3, 1.1, 1.0, 1.2, 0.8])
LARGEST_YUAN = 2_000_000_000
CATEGORIES = ("GOODS", "SERVICES", "WORKS")
CATEGORY_SHARES = np.array([[0.4, 0.3, 0.3], [0.95, 0.05, 0], [1, 0, 0], [0.3, 0.6, 0.1], [1, 0, 0]])
# Advances in percent of the contract, agreed in projects and framework agreements alone.
ADVANCES = np.array([0, 10, 20, 30, 40])
MEDIAN_DAYS_PLANNED = np.array([150, 12, 8, 60, 10])
# How often a source does not say.
ADVANCE_UNKNOWN, PLAN_UNKNOWN, REGION_UNKNOWN, CATEGORY_UNKNOWN = 0.08, 0.03, 0.02, 0.01
# Hours from the day of signature to the record: as a rule two days, some only after weeks, none after two months.
LATE_SHARE, HOURS_USUAL, HOURS_LATE, HOURS_MOST = 0.1, 36.0, 400.0, 1_400.0


def write(folder: Path, *, suppliers: int, contracts: int) -> None:
    """Write `suppliers.parquet` and `contracts.parquet` as the format `platform` has them; the same each time."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(SEED)
    registered = np.where(rng.random(suppliers) < REGISTERED_BEFORE, -1, rng.integers(0, DAYS - 1, suppliers))
    homes = _counties(rng, suppliers)
    pq.write_table(_suppliers(rng, registered, homes), folder / "suppliers.parquet")
    sizes = rng.lognormal(sigma=SIZES_SPREAD, size=suppliers)
    counts = rng.multinomial(contracts, sizes / sizes.sum())
    firms = np.repeat(np.arange(suppliers, dtype=np.int32), counts)
    days = _days(rng, registered[firms])
    order = np.argsort(days, kind="stable")
    firms, days = firms[order], days[order]
    schema = pa.schema(_CONTRACT_FIELDS)
    with pq.ParquetWriter(folder / "contracts.parquet", schema) as writer:
        for begin in range(0, contracts, ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            writer.write_table(pa.table(dict(_contracts(rng, begin, firms[rows], days[rows], homes)), schema))


_CONTRACT_FIELDS = (
    *((name, pa.string()) for name in ("contract_id", "supplier_id", "buyer_id")),
    *((name, pa.date32()) for name in ("awarded_on", "signed_on")),
    *((name, pa.string()) for name in ("channel", "category", "region")),
    *((name, pa.int64()) for name in ("amount_fen", "advance_fen", "retention_fen")),
    ("currency", pa.string()),
    ("planned_acceptance_on", pa.date32()),
    ("recorded_at", pa.timestamp("us")),
)


def _suppliers(rng: np.random.Generator, registered: np.ndarray, homes: np.ndarray) -> pa.Table:
    size = len(registered)
    founded = registered - rng.integers(30, 5_000, size)
    effective = np.where(registered < 0, -rng.integers(1, 1_500, size), registered)
    return pa.table(
        {
            "supplier_id": _ids("S", np.arange(size)),
            "effective_on": _dates(effective),
            "tier": _alike("platform", size),
            "founded_on": _dates(np.minimum(founded, effective)),
            "region": _texts(homes),
            "size_class": _named(("MICRO", "SMALL", "MEDIUM", "LARGE"), rng.choice(4, size, p=[0.5, 0.4, 0.08, 0.02])),
            "legal_form": _named(("COMPANY", "SOLE_TRADER"), rng.choice(2, size, p=[0.9, 0.1])),
            "recorded_at": _moments(effective, rng.integers(0, 15 * 3600, size)),
        }
    )


def _contracts(
    rng: np.random.Generator, begin: int, firms: np.ndarray, days: np.ndarray, homes: np.ndarray
) -> Iterator[tuple[str, pa.Array]]:
    size = len(firms)
    channel = rng.choice(len(CHANNELS), size, p=CHANNEL_SHARES)
    yuan = np.minimum(MEDIAN_YUAN[channel] * rng.lognormal(sigma=AMOUNTS_SPREAD[channel]), LARGEST_YUAN)
    # Offers of projects are round, orders of the mall have fen.
    fen = np.where(channel == 0, np.rint(yuan).astype(np.int64) * 100, np.rint(yuan * 100).astype(np.int64))
    advances = np.where(np.isin(channel, (0, 3)), ADVANCES[rng.integers(0, len(ADVANCES), size)], 0)
    category = (rng.random(size)[:, None] > CATEGORY_SHARES.cumsum(axis=1)[channel][:, :-1]).sum(axis=1)
    region = np.where(rng.random(size) < AT_HOME, homes[firms], _counties(rng, size))
    planned = np.rint(MEDIAN_DAYS_PLANNED[channel] * rng.lognormal(sigma=0.6, size=size)).astype(np.int64)
    hours = rng.exponential(np.where(rng.random(size) < LATE_SHARE, HOURS_LATE, HOURS_USUAL)).clip(max=HOURS_MOST)
    yield "contract_id", _ids("C", np.arange(begin, begin + size))
    yield "supplier_id", _ids("S", firms)
    yield "buyer_id", _ids("B", rng.zipf(1.5, size) % 60_000)
    yield "awarded_on", _dates(days - rng.integers(0, 30, size))
    yield "signed_on", _dates(days)
    yield "channel", _named(CHANNELS, channel)
    yield "category", _unsaid(_named(CATEGORIES, category), rng.random(size) < CATEGORY_UNKNOWN)
    yield "region", _unsaid(_texts(region), rng.random(size) < REGION_UNKNOWN)
    yield "amount_fen", pa.array(fen)
    yield "advance_fen", _unsaid(pa.array(fen * advances // 100), rng.random(size) < ADVANCE_UNKNOWN)
    yield "retention_fen", pa.array(np.where(channel == 0, fen * 3 // 100, 0))
    yield "currency", _alike("CNY", size)
    yield "planned_acceptance_on", _unsaid(_dates(days + planned), rng.random(size) < PLAN_UNKNOWN)
    yield "recorded_at", _moments(days, (hours * 3600).astype(np.int64))


def _days(rng: np.random.Generator, registered: np.ndarray) -> np.ndarray:
    """The days of signature, counted from the first, all after the supplier had registered."""
    calendar = np.datetime64(FIRST) + np.arange(DAYS)
    month = calendar.astype("datetime64[M]").astype(int) % 12
    passed = np.concatenate([[0.0], SEASON[month].cumsum()])
    since = passed[registered + 1]
    drawn = since + rng.random(len(registered)) * (passed[-1] - since)
    return np.clip(np.searchsorted(passed, drawn, side="right") - 1, 0, DAYS - 1).astype(np.int16)


def _counties(rng: np.random.Generator, size: int) -> np.ndarray:
    reach = NATIONAL.weights.cumsum()
    return NATIONAL.codes[np.searchsorted(reach, rng.random(size) * reach[-1])]


def _dates(days: np.ndarray) -> pa.Array:
    return pa.array((days + (FIRST - date(1970, 1, 1)).days).astype(np.int32)).cast(pa.date32())


def _moments(days: np.ndarray, seconds: np.ndarray) -> pa.Array:
    """So many seconds after a day began in China, UTC."""
    began = (days.astype(np.int64) + (FIRST - date(1970, 1, 1)).days) * 86_400 - 8 * 3_600
    return pa.array((began + seconds) * 1_000_000).cast(pa.timestamp("us"))


def _texts(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _ids(letter: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(_texts(numbers), 8, "0"), "")


def _named(names: tuple[str, ...], places: np.ndarray) -> pa.Array:
    return pa.array(names).take(pa.array(places))


def _alike(value: str, size: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), size)


def _unsaid(values: pa.Array, where: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(where), pa.scalar(None, values.type), values)
