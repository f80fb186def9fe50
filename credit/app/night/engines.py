"""What a night computes with: this process, or the partitions of a Spark cluster, by the same functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app.building import Engine, cluster
from credit.app.home import Home
from credit.app.night.run import Computing, Run, Scoring
from credit.app.night.settings import NightHome, Settings
from credit.app.scoring import ROWS_AT_ONCE
from credit.domain.progress import Progress, silent

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.decision import Decided
    from credit.domain.policy.terms import Pack
    from credit.domain.products import Product
    from data.nights import Night
    from features.spark import Cluster


def computing(settings: Settings) -> Computing:
    """What a night computes with, as its settings say."""
    return OnSpark(cluster(settings.master)) if settings.engine == Engine.SPARK else Embedded()


def run_of(home: Home, night: Night, progress: Progress = silent) -> Run:
    """A night that has begun, with what it runs with."""
    document = night.settings()
    if document is None:
        raise ValueError(f"the night of {night.as_of} has not begun")
    settings = Settings.read(document)
    return Run(NightHome(home.root, night), settings, progress, computing(settings))


@dataclass(slots=True)
class Embedded:
    """DuckDB and LightGBM in this process; what cannot have moved since the last night is not computed anew.

    Unless it `keeps`, all is computed anew, and what is kept for the next night stays as it is.
    """

    keeps: bool = True
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    def look(self, run: Run, tier: str, most: int) -> tuple[int, pd.DataFrame]:
        """As `Computing` says."""
        frame = self._built(run, tier)
        return len(frame), frame.iloc[:: 1 + len(frame) // most]

    def score(self, run: Run, tier: str, scoring: Scoring, texts: tuple[str, ...]) -> pd.DataFrame:
        """As `Computing` says."""
        import pandas as pd

        frame = self._built(run, tier)
        # What is asked of it later is in what was made of it.
        del self.frames[tier]
        parts = []
        for at in range(0, max(len(frame), 1), ROWS_AT_ONCE):
            run.progress(f"scoring {len(frame):,} {tier} suppliers", at, len(frame))
            parts.append(scoring(frame.iloc[at : at + ROWS_AT_ONCE]))
        return parts[0] if len(parts) == 1 else pd.concat(parts)

    def decide(self, product: Product, pack: Pack, cases: pd.DataFrame, as_of: date) -> Decided:
        """As `Computing` says."""
        from credit.domain.decision import decide

        return decide(product, pack, cases, as_of)

    def _built(self, run: Run, tier: str) -> pd.DataFrame:
        from features import engine, kept

        if tier in self.frames:
            return self.frames[tier]
        folder, as_of = run.home.root / "features" / tier, run.settings.as_of
        if not self.keeps:
            frame = engine.build_on(run.ledger, as_of, tier=tier, version=run.version, progress=run.progress)
        else:
            built = kept.build_on(
                run.ledger, as_of, tier=tier, folder=folder, version=run.version, progress=run.progress
            )
            anew = {"anew": built.anew, "share_anew": round(built.share, 4), "why": built.why}
            run.night.note(f"features-{tier}", anew)
            frame = built.frame
        self.frames[tier] = frame.rename_axis("supplier_id")
        return self.frames[tier]


@dataclass(slots=True)
class OnSpark:
    """Spark: features stay on its partitions, and what is made of them comes back."""

    cluster: Cluster
    tables: dict[str, Any] = field(default_factory=dict)

    def look(self, run: Run, tier: str, most: int) -> tuple[int, pd.DataFrame]:
        """As `Computing` says."""
        table = self._table(run, tier)
        count = table.count()
        looked = table.filter(f"case_id % {1 + count // most} = 0").orderBy("case_id").toArrow().to_pandas()
        return count, looked.drop(columns=["case_id", "supplier_id"])

    def score(self, run: Run, tier: str, scoring: Scoring, texts: tuple[str, ...]) -> pd.DataFrame:
        """As `Computing` says."""
        from features import spark

        found = spark.mapped(self._table(run, tier), scoring, texts)
        self.tables.pop(tier).unpersist()
        return found

    def decide(self, product: Product, pack: Pack, cases: pd.DataFrame, as_of: date) -> Decided:
        """As `Computing` says."""
        from functools import partial

        from credit.domain.decision import decide, joined
        from features import spark

        return joined(spark.in_parts(self.cluster, partial(_decided, decide, product, pack, as_of), cases))

    def _table(self, run: Run, tier: str) -> Any:
        from features import spark

        if tier not in self.tables:
            cases = run.ledger.suppliers(run.settings.as_of, tier=tier, version=run.version)
            self.tables[tier] = spark.table(
                run.ledger, cases, tier=tier, cluster=self.cluster, version=run.version
            ).persist()
        return self.tables[tier]


def _decided(decide: Callable[..., Decided], product: Product, pack: Pack, as_of: date, cases: pd.DataFrame) -> Decided:
    return decide(product, pack, cases, as_of)
