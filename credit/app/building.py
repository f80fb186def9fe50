"""Build features: of one day and all suppliers from what was kept, of chosen features or days, here or on Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credit.app import configuration, console
from credit.app.describing import keep_spread
from credit.app.home import Home

if TYPE_CHECKING:
    import pandas as pd

    from data.ledger import Ledger
    from features.spark import Cluster


class Engine(StrEnum):
    """What computes the features."""

    DUCKDB = "duckdb"
    SPARK = "spark"


EngineAsked = Annotated[
    Engine | None, typer.Option("--engine", help="What computes the features; default: `compute.engine`.")
]
MasterAsked = Annotated[
    str | None, typer.Option("--master", help="The master of the Spark cluster; default: `compute.master`.")
]


def engine_asked(engine: Engine | None, master: str | None) -> tuple[Engine, str]:
    """What computes, and under which master: as the command says, else as the configuration does."""
    settings = configuration.current()
    return engine or Engine(settings["compute.engine"]), master or settings["compute.master"]


def cluster(master: str) -> Cluster:
    """The Spark of a master, with the memory that the configuration gives it."""
    from features.spark import Cluster

    return Cluster(master, configuration.current()["compute.spark_memory"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be built: the kind of data, the days, the features by name (none: all), and on what."""

    tier: str
    days: Sequence[date]
    features: Sequence[str] = ()
    engine: Engine = Engine.DUCKDB
    master: str
    full: bool = False


def build_wanted(home: Home, wanted: Wanted) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame and what is said of it: supplier_id, as_of where there are several days, and a column a feature."""
    ledger = home.ledger()
    (day, *more) = wanted.days
    if more or wanted.features or wanted.engine is Engine.SPARK:
        frame, anew = _asked(ledger, wanted), dict[str, Any]()
    else:
        frame, anew = _kept(home, ledger, wanted, day)
    said = {"as_of": [str(each) for each in wanted.days] if more else str(day), "data": wanted.tier}
    features = len([name for name in frame if name not in ("supplier_id", "as_of")])
    return frame, {**said, "rows": len(frame), "features": features, "engine": wanted.engine.value, **anew}


def _kept(home: Home, ledger: Ledger, wanted: Wanted, day: date) -> tuple[pd.DataFrame, dict[str, Any]]:
    from features import kept

    folder = home.root / "features" / wanted.tier
    built = kept.build_on(ledger, day, tier=wanted.tier, folder=folder, full=wanted.full, progress=console.progress)
    console.progress_done()
    keep_spread(home, built.frame, day, wanted.tier)
    return built.frame.reset_index(), {"anew": built.anew, "share_anew": round(built.share, 4), "why": built.why}


def _asked(ledger: Ledger, wanted: Wanted) -> pd.DataFrame:
    import pandas as pd

    from features import engine

    days = [ledger.suppliers(day, tier=wanted.tier) for day in wanted.days]
    cases = pd.concat(days, ignore_index=True).assign(case_id=range(sum(map(len, days))))
    if wanted.engine is Engine.SPARK:
        from features import spark

        frame = spark.build_cases(ledger, cases, tier=wanted.tier, cluster=cluster(wanted.master))
        frame = frame[list(wanted.features)] if wanted.features else frame
    else:
        frame = engine.build_cases(
            ledger, cases, tier=wanted.tier, chosen=wanted.features or None, progress=console.progress
        )
        console.progress_done()
    frame = frame.reset_index(drop=True)
    if len(wanted.days) > 1:
        frame.insert(0, "as_of", cases["as_of"])
    frame.insert(0, "supplier_id", cases["supplier_id"])
    return frame
