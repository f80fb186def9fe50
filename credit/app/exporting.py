"""Bank files: the firms that consent to this bank and purpose, their scores and decisions, in the agreed fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import identity
from credit.app.clock import day_of, now
from credit.app.deciding import altered, record_of
from credit.app.home import Home
from credit.app.identity import DEMO
from credit.app.policies import pack_for
from credit.app.roles import refuse
from credit.app.scoring import scale_terms
from credit.domain.authority import Action
from credit.domain.errors import EmptyLedger, NotAuthorised

if TYPE_CHECKING:
    import pandas as pd

    from data.exports.banks import Bank
    from data.scores import StoredScores

# A line is what these files are about; guarantees are decided contract by contract.
PURPOSE = "credit_line"


def bank_named(home: Home, bank_id: str) -> Bank:
    """A bank's agreement: this installation's own where it has some, else one that ships. Raises UnknownName."""
    from data.exports.banks import load_bank, shipped_bank

    own = home.banks / f"{bank_id}.toml" if home.banks else None
    return load_bank(own) if own and own.is_file() else shipped_bank(bank_id)


def build(home: Home, bank_id: str) -> Path:
    """Write the next full export for a bank from the last kept scores and the decisions of their date.

    Answers its folder. Raises EmptyLedger where nothing was scored, and NotAuthorised where the demonstration approved
    what scored it: its signatures are nobody's, and go to the banks that ship with the program alone.
    """
    import pandas as pd

    from data.exports.build import ExportFacts, build_export
    from data.exports.layout import next_sequence
    from data.scores import latest

    refuse(home, Action.EXPORT, identity.who())
    bank = bank_named(home, bank_id)
    runs = [run for tier in home.ledger().tiers() if (run := latest(home.scores, tier)) is not None]
    if not runs:
        raise EmptyLedger("no scores are kept", hint="`credit score run` first")
    refuse_demonstration(home, [bank.bank_id], [run.facts["model"] for run in runs])
    moment = now()
    # One file speaks of one date: the last one that was scored.
    last = max(run.as_of for run in runs)
    runs = [run for run in runs if run.as_of == last]
    records = pd.concat([_records(home, bank, run, moment) for run in runs], ignore_index=True)
    terms = [pack_for(home, "turnover_line", run.tier).terms(last) for run in runs]
    used = {each.pack.name: f"{each.version}+{each.sha256[:12]}" for each in terms}
    facts = ExportFacts(
        as_of=last,
        generated_at=moment.replace(tzinfo=UTC),
        models={run.facts["model"]["name"]: str(run.facts["model"]["version"]) for run in runs},
        policies=used,
        ledger_version=str(home.ledger().version),
        sequence=next_sequence(home.exports / bank.bank_id),
    )
    return build_export(home.exports / bank.bank_id, bank=bank, records=records, facts=facts)


def build_from(home: Home, bank_id: str, records: pd.DataFrame, about: dict[str, Any], *, since: int) -> dict[str, Any]:
    """Write a bank's next file from records that were made for it; answers what it is.

    `about` has what `ExportFacts` says but for the sequence. One that was made of the same, of that sequence or a later
    one, stands.
    """
    from data.exports.build import ExportFacts, build_export
    from data.exports.layout import committed_exports, next_sequence
    from data.exports.manifest import moment_text

    bank, root = bank_named(home, bank_id), home.exports / bank_id
    for name in committed_exports(root):
        if name.as_of == about["as_of"] and name.sequence >= since:
            made = manifest_of(root / str(name))
            if made["generated_at"] == moment_text(about["generated_at"]):
                return _made(root / str(name), made)
    facts = ExportFacts(**about, sequence=next_sequence(root))
    folder = build_export(root, bank=bank, records=records, facts=facts)
    return _made(folder, manifest_of(folder))


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a committed export."""
    from data.durable import json_of
    from data.exports.layout import MANIFEST

    found: dict[str, Any] = json_of((folder / MANIFEST).read_text(), f"{MANIFEST} of {folder.name}")
    return found


def _made(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    from data.durable import sha256_of
    from data.exports.layout import MANIFEST

    return {
        "export_id": manifest["export_id"],
        "folder": f"{folder.parent.name}/{folder.name}",
        "sequence": manifest["sequence"],
        "type": manifest["type"],
        "rows": manifest["control_totals"]["rows"],
        "manifest_sha256": sha256_of(folder / MANIFEST),
    }


def refuse_demonstration(home: Home, banks: Sequence[str], models: Sequence[Mapping[str, Any]]) -> None:
    """Raise NotAuthorised where a model of the demonstration would score for a real bank."""
    from data.exports.banks import shipped_banks
    from models.registry import ROLLBACK

    if set(banks) <= set(shipped_banks()):
        return
    for model in models:
        name, version = model["name"], model["version"]
        # A rollback is nobody's approval.
        moves = [move for move in home.registry().history(name) if move["to"] == version]
        approved_by = [move["who"] for move in moves if move.get("move") != ROLLBACK]
        if approved_by and all(who.startswith(DEMO) for who in approved_by):
            raise NotAuthorised(
                f"{name} version {version} was approved by {approved_by[-1]}, which is nobody",
                hint="a file for a real bank needs a model that a person approved: `credit model promote`, then score",
            )


def _records(home: Home, bank: Bank, run: StoredScores, moment: datetime) -> pd.DataFrame:
    """The export's rows of one score run: consenting firms alone, each with its score and its last decision."""
    import pandas as pd

    from data import facts

    ledger = home.ledger()
    consents = facts.valid_consents(ledger, run.frame.index.to_series(), on=day_of(moment))
    consents = consents[(consents["bank_id"] == bank.bank_id) & (consents["purpose"] == PURPOSE)]
    consents = consents.drop_duplicates("supplier_id").set_index("supplier_id")
    scores = run.frame.loc[run.frame.index.isin(consents.index)]
    cases = pd.DataFrame({"case_id": range(len(scores)), "supplier_id": scores.index, "as_of": run.as_of})
    with ledger.known_on(cases) as known:
        registered = facts.supplier_facts(known).set_axis(scores.index)
        span = facts.data_span(known).set_axis(scores.index)
    decisions = _decisions(home, run).reindex(scores.index)
    model = run.facts["model"]
    scored = scores["pd"].notna()
    valid_days = int(scale_terms(home, run.as_of)["valid_days"])
    frame = pd.DataFrame(
        {
            "uscc": registered["uscc"],
            "consent_id": consents["consent_id"].reindex(scores.index),
            "bank_id": consents["bank_id"].reindex(scores.index),
            "purpose": PURPOSE,
            "scored_at": datetime.fromisoformat(run.facts["scored_at"]).replace(tzinfo=UTC),
            "valid_until": run.as_of + timedelta(days=valid_days),
            "status": scored.map({True: "SCORED", False: "UNSCORABLE"}),
            "unscorable_code": scores["unscorable"],
            "score": scores["score"],
            "grade": scores["grade"],
            "pd": scores["pd"],
            "pd_horizon_months": pd.Series(model["horizon_months"], index=scores.index, dtype="Int64").where(scored),
            **reasons(scores),
            **{name: decisions[name] for name in decisions.columns},
            "model_name": model["name"],
            "model_version": str(model["version"]),
            "data_from": span["first_on"],
            "data_to": span["last_on"],
        },
        index=scores.index,
    )
    return frame.reset_index()


def reasons(scores: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """The columns of the reasons: their codes, and their Chinese texts."""
    from credit.domain.reasons import reason_for

    columns = {}
    for n in range(1, 5):
        codes = scores[f"reason_{n}"]
        columns[f"reason_{n}"] = codes
        columns[f"reason_{n}_zh"] = codes.map(lambda code: reason_for(code).zh, na_action="ignore")
    return columns


def _decisions(home: Home, run: StoredScores) -> pd.DataFrame:
    """Each supplier's last line decision of the run's own date, as the export's columns, by supplier_id.

    Raises ReplayDiffers where a stored record was altered: it must not reach a bank.
    """
    import pandas as pd

    from credit.domain.record import is_whole

    stored = home.decisions().latest(pack_for(home, "turnover_line", run.tier).name, run.as_of)
    records = [record_of(*each) for each in stored]
    for (decision_id, _), record in zip(stored, records, strict=True):
        if not is_whole(record):
            raise altered(decision_id)
    rows = [
        {
            "supplier_id": r["application"]["supplier_id"],
            "decision_id": r["decision_id"],
            "decision": r["outcome"],
            # What a person could grant after a referral is no limit that a bank could act on.
            "indicative_limit_fen": None if r["outcome"] == "REFER" else r["amount_fen"],
            "currency": r["currency"],
            "yearly_rate_bp": None if r["outcome"] == "REFER" else r["yearly_rate_bp"],
            "tenor_months": None if r["outcome"] == "REFER" else r["tenor_months"],
            "limit_bound_by": r["bound_by"]["code"] if r["bound_by"] else None,
            "product": r["product"]["name"],
            "policy_version": f"{r['policy']['version']}+{r['policy']['sha256'][:12]}",
        }
        for r in records
    ]
    names = ["supplier_id", "decision_id", "decision", "indicative_limit_fen", "currency", "yearly_rate_bp"]
    names += ["tenor_months", "limit_bound_by", "product", "policy_version"]
    whole = {"indicative_limit_fen": "Int64", "yearly_rate_bp": "Int64", "tenor_months": "Int64"}
    texts = {name: "str" for name in names if name not in whole}
    return pd.DataFrame(rows, columns=names).astype({**whole, **texts}).set_index("supplier_id")
