"""What became of draws: whether as many went bad as was said, by when they were opened, and from month to month."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from credit.app.night.computing import SCORES
from credit.app.night.run import Run
from credit.app.scoring import TARGET

if TYPE_CHECKING:
    import pandas as pd

    from data.nights import Night

# A draw repaid at its end is watched until so many days after it.
WATCHED_DAYS = 90
# Draws are held against the first night of their month, of so many months back.
MONTHS = 24
MONTH_DAYS = 31

Rows = list[dict[str, Any]]


def lent(run: Run) -> dict[str, Any]:
    """Calibration, vintages and roll rates as known on the night's day."""
    from data.monitoring import draws_on

    nights = [*run.before(), run.night]
    draws = draws_on(run.ledger, run.settings.as_of, since=nights[0].as_of, version=run.version)
    first = draws.first_due_on + timedelta(days=WATCHED_DAYS) if draws.first_due_on else None
    waiting = {
        "first_night": str(nights[0].as_of),
        "draws_since": draws.since,
        "first_matures_on": str(first) if first else None,
    }
    return {
        "calibration": {**waiting, "tiers": {tier: _calibration(run, nights, tier) for tier in run.tiers}},
        "vintages": [_rounded(row) for row in draws.vintages],
        "rolls": [_roll(was, became) for was, became in draws.rolls.items()],
    }


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(each, 6) if isinstance(each, float) else each for name, each in row.items()}


def _roll(was: str, became: Any) -> dict[str, Any]:
    whole = sum(became.values())
    from data.monitoring import LATE, LOST

    order = [*LATE, LOST]
    moved = {**became, "worse": sum(became[name] for name in order[order.index(was) + 1 :])}
    return {
        "bucket": was,
        "draws": whole,
        **{name: round(n / whole, 6) if whole else None for name, n in moved.items()},
    }


# -- calibration -------------------------------------------------------------------------------------------------------


def _calibration(run: Run, nights: list[Night], tier: str) -> dict[str, Any]:
    """What nights said of firms that then drew, against what became of the draws, by month and by grade.

    Beside it what the model's last validation before the night found of cases that it had not learned.
    """
    matured = _matured(run, nights, tier)
    return {
        "matured": len(matured),
        "bad": int(matured["happened"].sum()),
        "expected": round(float(matured["pd"].sum()), 6),
        "by_month": _parts(matured, "month"),
        "by_grade": _parts(matured, "grade"),
        "validated": _validated(run, tier),
    }


def _matured(run: Run, nights: list[Night], tier: str) -> pd.DataFrame:
    """The draws whose window is over, each with what the last of the months' nights before it had said."""
    import pandas as pd

    said = _first_of_months([night for night in nights if night.path(SCORES, f"{tier}.parquet").is_file()])
    columns = ["supplier_id", "happened", "pd", "grade", "month"]
    # Nothing that was drawn since has been watched for long enough.
    if not said or said[0].as_of + timedelta(days=WATCHED_DAYS) > run.settings.as_of:
        return pd.DataFrame(columns=columns)
    known = run.ledger.outcomes(TARGET, known_on=run.settings.as_of, version=run.version)
    known = known[(known["tier"] == tier) & known["opened_on"].notna() & known["matured_on"].notna()]
    known = known[known["matured_on"] <= pd.Timestamp(run.settings.as_of)]
    goes_on_as = run.ledger.gone_on_as(run.settings.as_of, version=run.version)
    known = known.assign(supplier_id=known["supplier_id"].replace(goes_on_as))
    parts = [_forecast(night, until, tier, known) for night, until in _spans(said)]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _first_of_months(nights: list[Night]) -> list[Night]:
    first: dict[tuple[int, int], Night] = {}
    for night in nights:
        first.setdefault((night.as_of.year, night.as_of.month), night)
    return list(first.values())[-MONTHS:]


def _spans(said: list[Night]) -> list[tuple[Night, Any]]:
    """Each night with the last day of the draws that it speaks for: a month, or until the next one."""
    ends = [min(later.as_of, night.as_of + timedelta(days=MONTH_DAYS)) for night, later in pairwise(said)]
    return list(zip(said, [*ends, said[-1].as_of + timedelta(days=MONTH_DAYS)], strict=True))


def _forecast(night: Night, until: Any, tier: str, known: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from data.monitoring import probabilities

    opened = known["opened_on"]
    mine = known[(opened > pd.Timestamp(night.as_of)) & (opened <= pd.Timestamp(until))]
    if mine.empty:
        return mine
    said = probabilities(night.path(SCORES, f"{tier}.parquet"), mine["supplier_id"].tolist())
    return mine.join(said, on="supplier_id", how="inner").assign(month=f"{night.as_of:%Y-%m}")


def _parts(matured: pd.DataFrame, name: str) -> Rows:
    """By part: draws, firms, those that went bad, what was expected, and the interval of the rate."""
    from models.validation.calibration import by_part

    if matured.empty:
        return []
    found = by_part(
        matured["happened"].to_numpy(dtype=float),
        matured["pd"].to_numpy(dtype=float),
        matured["supplier_id"],
        matured[name].to_numpy(),
    )
    rows = found.round(6).rename(columns={"rows": "draws"}).rename_axis(name).reset_index().to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _validated(run: Run, tier: str) -> dict[str, Any] | None:
    """What the model's last validation before the night began found; None without one."""
    chosen = run.settings.models[tier]
    found = run.home.registry().last_validation(
        chosen["name"], chosen["version"], before=run.settings.started_at.isoformat()
    )
    if found is None:
        return None
    by_check = {result["check"]: result for result in found["results"]}
    cohorts = by_check.get("cohorts", {}).get("table", [])
    return {
        "number": found["number"],
        "as_of": found["as_of"],
        "back_test": by_check.get("back_test", {}).get("value"),
        "observed_to_expected": by_check.get("observed_to_expected", {}).get("value"),
        "cohorts": [
            {name: row[name] for name in ("year", "rows", "bad", "pd", "rate", "low", "high")} for row in cohorts
        ],
    }
