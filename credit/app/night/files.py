"""The bank files of a night: for every bank that has an agreement, the firms whose consent names it."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import exporting
from credit.app.clock import day_of
from credit.app.night.computing import DECISIONS, scores_of
from credit.app.night.run import Run
from credit.app.scoring import scale_terms

if TYPE_CHECKING:
    import pandas as pd

# What a file says of a decision, by the names of the night's rows.
_OF_DECISION = (
    "decision_id", "outcome", "amount_fen", "yearly_rate_bp", "tenor_months", "limit_bound_by", "product"
)  # fmt: skip


def write_files(run: Run, out: Path) -> dict[str, Any]:
    """Write every bank's next file; one that was committed before the night was killed stands.

    Who consents is asked on the day the night began: a revocation binds by the next run, whatever day it is about.
    """
    import pandas as pd

    from data.facts import valid_consents

    exporting.refuse_demonstration(run.home, list(run.settings.banks), list(run.settings.models.values()))
    suppliers = pd.concat([scores_of(run, tier)["supplier_id"] for tier in run.tiers], ignore_index=True)
    today = day_of(run.settings.started_at)
    consents = valid_consents(run.ledger, suppliers, on=today, version=run.version)
    consents = consents[consents["bank_id"].isin(run.settings.banks) & (consents["purpose"] == exporting.PURPOSE)]
    records = pd.concat([_records(run, tier, consents["supplier_id"]) for tier in run.tiers], ignore_index=True)
    found = {}
    for bank_id, sequence in run.settings.banks.items():
        run.progress(f"writing the file of {bank_id}")
        theirs = consents[consents["bank_id"] == bank_id].drop_duplicates("supplier_id")
        own = theirs[["supplier_id", "consent_id", "bank_id", "purpose"]].merge(records, on="supplier_id")
        found[bank_id] = exporting.build_from(run.home, bank_id, own, _facts(run), since=sequence)
    return {"banks": found, "consents": len(consents)}


def _facts(run: Run) -> dict[str, Any]:
    """Where the files come from."""
    pinned = [run.pinned(tier) for tier in run.tiers]
    terms = [each.pack.terms(each.as_of) for each in pinned]
    return {
        "as_of": run.settings.as_of,
        "generated_at": run.settings.started_at.replace(tzinfo=UTC),
        "models": {each.served.name: str(each.served.version) for each in pinned},
        "policies": {each.pack.name: f"{each.version}+{each.sha256[:12]}" for each in terms},
        "ledger_version": str(run.version),
    }


def _records(run: Run, tier: str, consenting: pd.Series[str]) -> pd.DataFrame:
    """What a file may say of each consenting firm of a kind of data, without its consent."""
    import pandas as pd

    from data.nights import read_frame

    pinned = run.pinned(tier)
    scores = scores_of(run, tier)
    scores = scores[scores["supplier_id"].isin(consenting)].set_index("supplier_id")
    decisions = read_frame(run.night.path(DECISIONS, f"{tier}.parquet"), ["supplier_id", "uscc", *_OF_DECISION])
    decided = decisions.set_index("supplier_id").reindex(scores.index)
    terms = pinned.pack.terms(pinned.as_of)
    # What a person could grant after a referral is no limit that a bank could act on.
    acts = decided["outcome"] != "REFER"
    scored = scores["pd"].notna()
    valid_days = int(scale_terms(run.home, run.settings.as_of)["valid_days"])
    return pd.DataFrame(
        {
            "uscc": decided["uscc"],
            "scored_at": run.settings.started_at.replace(tzinfo=UTC),
            "valid_until": run.settings.as_of + timedelta(days=valid_days),
            "status": scored.map({True: "SCORED", False: "UNSCORABLE"}),
            "unscorable_code": scores["unscorable"],
            "score": scores["score"],
            "grade": scores["grade"],
            "pd": scores["pd"],
            "pd_horizon_months": pd.Series(
                pinned.served.card["horizon_months"], index=scores.index, dtype="Int64"
            ).where(scored),
            **exporting.reasons(scores),
            "decision_id": decided["decision_id"],
            "decision": decided["outcome"],
            "indicative_limit_fen": decided["amount_fen"].astype("Int64").where(acts),
            "currency": pinned.pack.currency,
            "yearly_rate_bp": decided["yearly_rate_bp"].where(acts),
            "tenor_months": decided["tenor_months"].where(acts),
            "limit_bound_by": decided["limit_bound_by"],
            "product": decided["product"],
            "policy_version": f"{terms.version}+{terms.sha256[:12]}",
            "model_name": pinned.served.name,
            "model_version": str(pinned.served.version),
            **_span(run, scores.index),
        },
        index=scores.index,
    ).reset_index()


def _span(run: Run, suppliers: pd.Index) -> dict[str, pd.Series[Any]]:
    """The first and last day of what was known of each firm, read some firms at a time."""
    import pandas as pd

    from data.facts import SPAN_TABLES, data_span
    from features import engine

    cases = pd.DataFrame({"case_id": range(len(suppliers)), "supplier_id": suppliers, "as_of": run.settings.as_of})
    pieces = range(0, max(len(cases), 1), engine.CASES_AT_ONCE)
    found: dict[int, pd.DataFrame] = {}

    def read(start: int) -> None:
        piece = cases.iloc[start : start + engine.CASES_AT_ONCE]
        threads = engine.threads_for(len(pieces))
        with run.ledger.known_on(piece, version=run.version, tables=SPAN_TABLES, threads=threads) as known:
            found[start] = data_span(known)

    engine.side_by_side(read, list(pieces))
    span = pd.concat([found[start] for start in pieces]).set_axis(suppliers)
    return {"data_from": span["first_on"], "data_to": span["last_on"]}
