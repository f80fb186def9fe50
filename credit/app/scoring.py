"""Score suppliers: features as known, the champion's probability, grade, points and reasons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import day_of, span_of
from credit.app.home import Home
from credit.app.policies import export_terms, packs
from credit.domain.errors import EmptyLedger, NoModel
from credit.domain.progress import Progress, silent

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.policy.terms import Terms
    from models.registry import Served
    from models.scoring import HistoryFloor

TARGET = "loan_default"
# What is kept of each supplier's score.
KEPT = (
    "pd",
    "pd_low",
    "pd_high",
    "pd_pit",
    "unscorable",
    "grade",
    "score",
    "reason_1",
    "reason_2",
    "reason_3",
    "reason_4",
)
# What is kept beside it while the model that was champion before scores too.
PREVIOUS = ("previous_pd", "previous_grade", "previous_score")
ROWS_AT_ONCE = 250_000


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """One run over all suppliers of a kind of data: the frame that was kept and where."""

    tier: str
    as_of: date
    model: dict[str, Any]
    file: Path
    frame: pd.DataFrame


def scale_terms(home: Home, as_of: date) -> Terms:
    """The master scale and the floor of history on a date; every pack shares them."""
    return packs(home)[0].terms(as_of)


def floor_of(home: Home, as_of: date) -> HistoryFloor:
    """How much history a score needs on a date."""
    from models.scoring import HistoryFloor

    terms = scale_terms(home, as_of)
    return HistoryFloor(
        months_min=int(terms["score_history_months_min"]),
        events_min=int(terms["score_events_min"]),
        last_days_max=int(terms["score_last_days_max"]),
    )


def reasons_said(served: Served, frame: pd.DataFrame, pd_: pd.Series) -> list[list[dict[str, Any]]]:
    """The top reasons of each row with their fixed texts; a row without a score has none."""
    from credit.domain.reasons import reason_for
    from credit.domain.record import said
    from models.explain import top_reasons

    scored = pd_.notna()
    found = iter(top_reasons(served, frame[scored])) if scored.any() else iter(())
    rows: list[list[dict[str, Any]]] = []
    for has_score in scored:
        listed = []
        for code, weight in next(found) if has_score else []:
            reason = reason_for(code)
            listed.append(
                {**said(code), "advice_zh": reason.advice_zh, "advice_en": reason.advice_en, "log_odds": weight}
            )
        rows.append(listed)
    return rows


def tiers_to_score(home: Home) -> list[str]:
    """The kinds of data that have suppliers and a champion. Raises EmptyLedger or NoModel where there is none."""
    from models.registry import registered_name

    tiers = home.ledger().tiers()
    if not tiers:
        raise EmptyLedger("the ledger holds no suppliers", hint="`credit ledger import` or `credit simulate platform`")
    registry = home.registry()
    ready = [tier for tier in tiers if registry.history(registered_name(TARGET, tier))]
    if not ready:
        raise NoModel(
            f"no {TARGET} model is champion", hint=f"`credit model train {TARGET}`, then `credit model promote`"
        )
    return ready


def former_of(home: Home, tier: str, *, on: date) -> Served | None:
    """The model that was champion before, for the cycle in which it scores beside the one that is (DOMAIN 6.4).

    After a rollback none does, nor where features are no longer as that model learned them.
    """
    from models.registry import registered_name

    days = int(export_terms(home, on)["parallel_days"])
    since, _ = span_of(on - timedelta(days=days - 1))
    former = home.registry().superseded(registered_name(TARGET, tier), since=since.isoformat())
    return former if former is not None and former.is_of_this_catalogue else None


def with_reasons(
    served: Served,
    frame: pd.DataFrame,
    floor: HistoryFloor,
    *,
    withheld: Collection[str],
    former: Served | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """The scores of a frame of features by supplier_id: pd, unscorable, and the codes reason_1..4 of those with a PD.

    With a `former` model also its own PD, previous_pd, where it can score. A part at a time, so that what is held
    beside the frame does not grow with it.
    """
    import pandas as pd

    from models.explain import top_codes
    from models.scoring import score

    parts = []
    for at in range(0, max(len(frame), 1), ROWS_AT_ONCE):
        progress(f"scoring {len(frame):,} suppliers", at, len(frame))
        part = frame.iloc[at : at + ROWS_AT_ONCE]
        scores = score(part, part.index.to_series(), served, floor, withheld=withheld)
        codes = top_codes(served, part[scores["pd"].notna()]).reindex(part.index)
        if former is not None:
            scores["previous_pd"] = score(part, part.index.to_series(), former, floor, withheld=withheld)["pd"]
        parts.append(pd.concat([scores, codes], axis=1))
    return pd.concat(parts)


def graded(home: Home, scored: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Scores with the grade on the master scale of the day and the points of each PD."""
    from credit.domain.points import points
    from credit.domain.scale import grades

    terms = scale_terms(home, as_of)

    def on_the_scale(pd_: pd.Series, prefix: str) -> dict[str, Any]:
        return {f"{prefix}grade": grades(pd_, terms), f"{prefix}score": points(pd_).astype("Int64")}

    said = on_the_scale(scored["pd"], "")
    if "previous_pd" in scored:
        said |= on_the_scale(scored["previous_pd"], "previous_")
    return scored.assign(**said)


def kept_of(scored: pd.DataFrame) -> pd.DataFrame:
    """Of graded scores what is kept of each."""
    return scored[[*KEPT, *(name for name in PREVIOUS if name in scored)]]


def score_all(home: Home, tier: str, *, as_of: date, scored_at: datetime) -> ScoreRun:
    """Score every supplier of a kind of data known on a date and keep the result.

    The frame has one row a supplier, by supplier_id, and the columns `KEPT`; those of `PREVIOUS` for one cycle after a
    change of champion.
    """
    from data.facts import withheld
    from data.scores import keep
    from features import engine
    from models.registry import registered_name

    served = home.registry().champion(registered_name(TARGET, tier))
    ledger = home.ledger()
    frame = engine.build_on(ledger, as_of, tier=tier, progress=console.progress)
    unconsenting = withheld(ledger, frame.index.to_series(), on=day_of(scored_at), version=ledger.version)
    former = former_of(home, tier, on=day_of(scored_at))
    scored = with_reasons(
        served, frame, floor_of(home, as_of), withheld=unconsenting, former=former, progress=console.progress
    )
    console.progress_done()
    kept = kept_of(graded(home, scored, as_of))
    model = {**served.label, "horizon_months": served.card["horizon_months"], "use": served.card["use"]}
    facts = {"model": model, "ledger_version": ledger.version, "scored_at": scored_at.isoformat()}
    if former is not None:
        facts["previous_model"] = former.label
    return ScoreRun(tier, as_of, model, keep(home.scores, tier, as_of, kept, facts), kept)
