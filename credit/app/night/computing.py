"""Features, scores with reasons and indicative decisions of every supplier, each kind of data by itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app.clock import day_of
from credit.app.deciding import Pinned, beside, cases_for, gather, standing, stood_beside
from credit.app.night.run import Run
from credit.app.scoring import floor_of, graded, kept_of, with_reasons
from credit.domain.policy.rules import Finding, Outcome

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.decision import Decided
    from models.registry import Served
    from models.scoring import HistoryFloor

FEATURES, SCORES, DECISIONS = "features", "scores", "decisions"
# What stood beside a case has a column each in its row, named so.
BESIDE = "beside_"
# Distributions are looked at on so many suppliers at most.
LOOKED_AT = 100_000


def build_features(run: Run, out: Path) -> dict[str, Any]:
    """Compute the features of all suppliers, those that can have moved since the last night, and how they spread."""
    from data.durable import write_whole
    from data.nights import said

    found: dict[str, Any] = {}
    for tier in run.tiers:
        suppliers, looked = run.computing.look(run, tier, LOOKED_AT)
        write_whole(out / f"{tier}.json", said(spread_of(run, tier, looked)))
        found[tier] = {"suppliers": suppliers, "features": looked.shape[1]}
    return {"tiers": found}


def spread_of(run: Run, tier: str, looked: pd.DataFrame) -> dict[str, Any]:
    """How each feature spreads: the share that is missing, and its bins as the model's first night froze them."""
    from models.drift import Bins, stability_index

    frozen = _frozen(run, tier)
    found = {}
    for name in map(str, looked.columns):
        values = looked[name].to_numpy(dtype=float)
        bins = Bins(**{key: tuple(each) for key, each in frozen[name]["bins"].items()}) if name in frozen else None
        bins = bins or Bins.of(values)
        found[name] = {
            "missing": float(f"{looked[name].isna().mean():.6g}"),
            "psi": float(f"{stability_index(bins, values):.6g}") if len(values) else 0.0,
            "bins": {"bounds": bins.bounds, "counts": bins.counts},
        }
    return {"suppliers": len(looked), "model": dict(run.settings.models[tier]), "features": found}


def _frozen(run: Run, tier: str) -> dict[str, Any]:
    """The bins of the features on the first sealed night of the model in force; nothing on that night itself."""
    for night in run.before():
        if night.path(FEATURES, f"{tier}.json").is_file():
            spread = night.document(FEATURES, f"{tier}.json")
            if spread["model"] == dict(run.settings.models[tier]):
                return dict(spread["features"])
    return {}


# -- scores ------------------------------------------------------------------------------------------------------------


def score(run: Run, out: Path) -> dict[str, Any]:
    """Score every supplier with up to four reasons, and keep beside it what the decisions read of its features."""
    from data.facts import withheld
    from data.nights import write_frame
    from features.catalogue import names

    found: dict[str, Any] = {}
    for tier in run.tiers:
        pinned = run.pinned(tier)
        today, suppliers = day_of(run.settings.started_at), run.suppliers(tier)
        silent = withheld(run.ledger, suppliers, on=today, version=run.version)
        read = [name for name in dict.fromkeys(pinned.pack.inputs.values()) if name in names()]
        floor, former = floor_of(run.home, run.settings.as_of), run.former(tier)
        scoring = partial(_scored, pinned.served, floor, silent, read, former)
        made = run.computing.score(run, tier, scoring, _TEXTS)
        kept = kept_of(graded(run.home, made, run.settings.as_of)).reset_index()
        write_frame(out / f"{tier}.parquet", kept)
        write_frame(out / f"inputs-{tier}.parquet", made[[f"{_INPUT}{name}" for name in read]].reset_index())
        codes = kept["unscorable"].value_counts()
        psi, bins = _score_index(run, tier, kept["score"])
        found[tier] = {
            "model": dict(run.settings.models[tier]),
            "psi": psi,
            "bins": bins,
            "suppliers": len(kept),
            "scored": int(kept["pd"].notna().sum()),
            "unscorable": {str(code): int(count) for code, count in sorted(codes.items())},
            "grades": {str(g): int(count) for g, count in sorted(kept["grade"].value_counts().items())},
            "pd_mean": float(f"{kept['pd'].mean():.9g}") if kept["pd"].notna().any() else None,
        }
    return {"tiers": found}


_TEXTS = ("unscorable", "reason_1", "reason_2", "reason_3", "reason_4")
_INPUT = "input_"


def _scored(
    served: Served,
    floor: HistoryFloor,
    silent: frozenset[str],
    read: list[str],
    former: Served | None,
    frame: pd.DataFrame,
) -> pd.DataFrame:
    """The scores of a frame of features with reasons, and beside them the features that decisions read."""
    import pandas as pd

    scores = with_reasons(served, frame, floor, withheld=silent, former=former)
    inputs = frame[read].add_prefix(_INPUT)
    return pd.concat([scores.astype(dict.fromkeys(_TEXTS, "str")), inputs], axis=1)


def _score_index(run: Run, tier: str, score: pd.Series) -> tuple[float, dict[str, Any]]:
    """How far the scores have moved since the model's first night, and the bins that were frozen then."""
    from models.drift import Bins, stability_index

    values = score.dropna().to_numpy(dtype=float)
    bins = Bins.of(values)
    for night in run.before():
        there = (night.done(SCORES) or {"tiers": {}})["tiers"].get(tier)
        if there is not None and there["model"] == dict(run.settings.models[tier]):
            bins = Bins(tuple(there["bins"]["bounds"]), tuple(there["bins"]["counts"]))
            break
    index = float(f"{stability_index(bins, values):.6g}") if len(values) else 0.0
    return index, {"bounds": bins.bounds, "counts": bins.counts}


def scores_of(run: Run, tier: str) -> pd.DataFrame:
    """The scores of tonight, by row: supplier_id and what is kept of each."""
    from data.nights import read_frame

    return read_frame(run.night.path(SCORES, f"{tier}.parquet"))


# -- decisions ---------------------------------------------------------------------------------------------------------


def decide(run: Run, out: Path) -> dict[str, Any]:
    """Decide a line for every supplier together, for as much as policy grants without a person.

    What a firm asked one lender for is not for another to see, neither as an amount nor as what bound it.

    The answers are indicative: nothing is offered by them, and no pool is drawn on. What stands offered counts.
    """
    from data.nights import prefix_of, write_frame

    found: dict[str, Any] = {}
    for tier in run.tiers:
        rows = carried(run, tier, decided_rows(run, tier))
        write_frame(out / f"{tier}.parquet", rows)
        outcomes = rows["outcome"].value_counts()
        granted = rows[rows["outcome"].isin(("APPROVE", "REDUCE"))]
        found[tier] = {
            "decided": len(rows),
            "outcomes": {each.name: int(outcomes.get(each.name, 0)) for each in Outcome},
            "granted_fen": int(granted["amount_fen"].sum()),
            "bound_by": {str(k): int(v) for k, v in sorted(rows["limit_bound_by"].value_counts().items())},
            "stands_on": _stands_on(run.pinned(tier)),
            "carried": int((~rows["decision_id"].str.startswith(prefix_of(run.settings.as_of))).sum()),
        }
    return {"tiers": found}


def decided_rows(run: Run, tier: str, *, stood: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row a decision: the answer, what it asked for and found beside it, by which its record is rendered.

    With what `stood` beside each, by supplier_id, as the rows of a night have it, each is decided again by itself.
    """
    from credit.domain.decision import decide_together

    pinned = run.pinned(tier)
    applications, scores, inputs = _applications(run, tier, pinned)
    run.progress(f"reading facts of {len(applications):,} {tier} suppliers")
    known = gather(run.home, pinned, applications, scored=(inputs, scores))
    run.progress(f"deciding {len(applications):,} {tier} suppliers")
    if stood is None:
        stands = beside(run.home, pinned, known, standing(run.home, pinned, applications["supplier_id"]))
        decided = decide_together(
            pinned.product, pinned.pack, cases_for(pinned, known, stands), pinned.as_of, decide=run.computing.decide
        )
    else:
        stands = stood.reindex(applications["supplier_id"]).set_axis(known.cases.index)
        decided = run.computing.decide(pinned.product, pinned.pack, cases_for(pinned, known, stands), pinned.as_of)
    found = stood_beside(pinned, known, stands, decided)
    rows = _rows(pinned, decided).assign(**{f"{BESIDE}{name}": column for name, column in found.items()})
    about = {
        "supplier_id": known.cases["supplier_id"],
        "uscc": known.facts["uscc"],
        "requested_fen": known.cases["requested_fen"],
        "unscorable": known.scores["unscorable"],
        "pd": known.scores["pd"],
    }
    return with_ids(rows.assign(**about), pinned)


def _applications(run: Run, tier: str, pinned: Pinned) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The suppliers that are decided, each for as much as can be, and their scores and inputs in the same order.

    Ids that go on as another by now are left out, and firms that a concurrent model has learned from: the answer about
    them would be a memory.
    """
    import pandas as pd

    from data.nights import read_frame

    scores = scores_of(run, tier)
    gone = run.ledger.gone_on_as(day_of(pinned.decided_at), version=pinned.ledger_version)
    # Looked up as objects: texts of Arrow take ten times as long.
    ids = scores["supplier_id"].astype(object)
    stays = ~ids.isin(set(gone))
    if not pinned.served.card["dated"]:
        stays &= ~ids.isin(pinned.served.learned)
    inputs = read_frame(run.night.path(SCORES, f"inputs-{tier}.parquet"))[stays].reset_index(drop=True)
    inputs.columns = inputs.columns.str.removeprefix(_INPUT)
    scores = scores[stays].reset_index(drop=True)
    nothing = pd.array([None] * len(scores), dtype="Int64")
    applications = pd.DataFrame({"supplier_id": scores["supplier_id"], "requested_fen": nothing})
    return applications, scores.drop(columns="supplier_id"), inputs.drop(columns="supplier_id")


def _rows(pinned: Pinned, decided: Decided) -> pd.DataFrame:
    """The answers, each as its record would say it."""
    import numpy as np
    import pandas as pd

    answers = decided.answers
    outcome = answers["outcome"].to_numpy()
    grants = (outcome != Outcome.DECLINE) & (answers["amount_fen"].to_numpy() > 0)
    names = np.array([each.name for each in sorted(Outcome)], dtype=object)
    columns = {
        "pack": pinned.pack.name,
        "product": pinned.product.name,
        "outcome": names[outcome],
        "amount_fen": answers["amount_fen"].astype("int64"),
        **{
            name: pd.to_numeric(answers[name]).where(grants).astype("Int64")
            for name in ("yearly_rate_bp", "subsidy_bp", "tenor_months")
        },
        "limit_bound_by": answers["bound_by"].astype(object).where(answers["bound_by"].notna(), None),
        "grade": answers["grade"].astype(object),
        "score": answers["score"].astype("Int64"),
        "valid_until": answers["valid_until"],
        "cooling_until": answers["cooling_until"],
        "not_met": _against(decided),
        "programme": decided.cases["programmes"].astype(object) if "programmes" in decided.cases else None,
        "district": decided.cases["district"].astype(object) if "district" in decided.cases else None,
    }
    return pd.DataFrame(columns, index=answers.index)


def _against(decided: Decided) -> list[str | None]:
    """The codes of the rules that each case does not meet or lacks an input for, joined; None where there is none."""
    import numpy as np
    import pandas as pd

    codes = [str(code) for code in decided.found.columns]
    against = decided.found.isin([Finding.NOT_MET, Finding.MISSING]).to_numpy()
    # Few patterns, many cases: each pattern, a number of a bit a rule, is written once.
    place, patterns = pd.factorize(against @ (1 << np.arange(len(codes), dtype=np.uint64)))
    words = [" ".join(code for n, code in enumerate(codes) if int(each) >> n & 1) or None for each in patterns]
    return [words[each] for each in place]


# What a bank is told by an answer, beside what all answers of a night share.
_TOLD = (
    "outcome",
    "amount_fen",
    "yearly_rate_bp",
    "subsidy_bp",
    "tenor_months",
    "limit_bound_by",
    "grade",
    "score",
    "pd",
    "unscorable",
    "uscc",
)


def carried(run: Run, tier: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, with the id of an earlier night where the answer is the same and that night's still holds.

    An id names an answer for as long as the answer stays, or every row of a bank's file would change every night.
    """
    import duckdb

    from data.staging import parquet

    before = run.before()
    last = before[-1] if before else None
    then = ((last.done(DECISIONS) or {"tiers": {}})["tiers"] if last else {}).get(tier)
    if last is None or then is None or then["stands_on"] != _stands_on(run.pinned(tier)):
        return rows
    days = int(run.pinned(tier).pack.terms(run.settings.as_of)["valid_days"])
    same = " AND ".join(
        f"CAST(was.{name} AS VARCHAR) IS NOT DISTINCT FROM CAST(now.{name} AS VARCHAR)" for name in _TOLD
    )
    with duckdb.connect() as con:
        con.register("tonight", rows[["supplier_id", "decision_id", *_TOLD]].assign(place=range(len(rows))))
        ids = con.execute(
            f"""SELECT CASE WHEN {same} AND strptime(substr(was.decision_id, 2, 6), '%y%m%d') >= $oldest
                            THEN was.decision_id ELSE now.decision_id END AS id
                FROM tonight AS now LEFT JOIN {parquet(last.path(DECISIONS, f"{tier}.parquet"))} AS was
                USING (supplier_id) ORDER BY place""",
            {"oldest": run.settings.as_of - timedelta(days=days)},
        ).df()["id"]
    return rows.assign(decision_id=ids.to_numpy())


def _stands_on(pinned: Pinned) -> str:
    """What all answers about a kind of data stand on, but for the ledger: model and policy."""
    return f"{pinned.served.sha256} {pinned.pack.terms(pinned.as_of).sha256}"


def with_ids(rows: pd.DataFrame, pinned: Pinned) -> pd.DataFrame:
    """The rows with an id each, made of all that the row says and of what it stands on."""
    import duckdb

    from data.nights import prefix_of

    stands_on = f"{pinned.ledger_version} {_stands_on(pinned)}"
    rows = rows[sorted(rows.columns)]
    cells = ", ".join(f'coalesce(CAST("{name}" AS VARCHAR), chr(0))' for name in rows.columns)
    with duckdb.connect() as con:
        con.register("decided", rows)
        ids = con.execute(
            f"SELECT $prefix || upper(left(sha256(concat_ws(chr(31), $stands, {cells})), 16)) AS id FROM decided",
            {"prefix": prefix_of(pinned.as_of), "stands": stands_on},
        ).df()["id"]
    rows.insert(0, "decision_id", ids.to_numpy())
    return rows
