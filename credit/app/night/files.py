"""The bank files of a night: for every bank that has an agreement, the firms whose consent names it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import exporting
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.night.computing import DECISIONS, scores_of
from credit.app.night.run import Run
from credit.app.scoring import scale_terms
from credit.domain.errors import StoreDamaged

if TYPE_CHECKING:
    import pandas as pd

    from data.exports.banks import Bank
    from data.exports.build import Origin
    from data.exports.verify import Table
    from data.nights import Night

STEP = "bank-files"
# By whose consents each bank's file was made, noted beside the night.
CONSENTS = "consents"
# What a file says of a decision, by the names of the night's rows.
_OF_DECISION = (
    "decision_id",
    "outcome",
    "amount_fen",
    "yearly_rate_bp",
    "tenor_months",
    "limit_bound_by",
    "product",
)


def written(home: Home, as_of: date, banks: Collection[str]) -> dict[str, Path]:
    """The files of a night that these banks have, by bank: what was committed stands, whatever became of the night."""
    from data.exports.layout import committed_exports, manifest_of

    found = {}
    for bank_id in banks:
        sent = home.exports / bank_id
        for name in reversed(committed_exports(sent)):
            if manifest_of(sent, name)["run_id"] == run_id_of(as_of):
                found[bank_id] = sent / str(name)
                break
    return found


def run_id_of(as_of: date) -> str:
    """What the files of a night are known by."""
    return f"night of {as_of}"


def sent(night: Night) -> dict[str, str]:
    """The SHA-256 of the rows of each of a night's files, by its id, as the night has it."""
    return {each["export_id"]: each["sha256"] for each in (night.done(STEP) or {"banks": {}})["banks"].values()}


def differences(home: Home, night: Night) -> list[str]:
    """Which of a sealed night's files do not lie in the banks' folders as they were sent, a line each."""
    from data.durable import sha256_of
    from data.exports.layout import ExportName, committed_exports

    manifest, found = night.manifest() or {"exports": {}}, []
    if manifest["exports"] != sent(night):
        found.append("the manifest names other bank files than were written")
    for export_id, sha256 in manifest["exports"].items():
        name = ExportName.parse(export_id)
        folder = home.exports / name.bank_id / export_id
        if name not in committed_exports(folder.parent):
            found.append(f"{export_id}: not in the bank's folder")
            continue
        if exporting.said_of(folder)["sha256"] != sha256:
            found.append(f"{export_id}: not the file that the night sent")
        for file, lying in exporting.lying(folder).items():
            if not (folder / file).is_file() or sha256_of(folder / file) != lying:
                found.append(f"{export_id}/{file}: gone, or altered since it was sent")
    return found


def write_files(run: Run, out: Path) -> dict[str, Any]:
    """Write every bank's next file; one that was committed before the night was killed stands.

    Who consents is asked when a file is written, of all that is known by then: whatever day the night is about, and
    however long it lay, nothing leaves about a firm that has revoked. By what day and version of the ledger that was is
    noted before, for a file that stands was made by those of the start that wrote it.
    """
    on, version = day_of(now()), run.ledger.version
    stand = written(run.home, run.settings.as_of, run.settings.banks)
    before = run.night.noted(CONSENTS) or {}
    if gone := sorted(stand.keys() - before.keys()):
        raise StoreDamaged(
            f"the night of {run.settings.as_of} does not say by whose consents {gone[0]} was sent its file",
            hint=f"restore {CONSENTS}.json of the night's log from a backup",
        )
    ahead = _ahead(run, stand)
    pending = [bank_id for bank_id in run.settings.banks if bank_id not in stand and bank_id not in ahead]
    asked = {"consents_on": str(on), "consents_version": version}
    noted = {bank_id: before[bank_id] for bank_id in stand} | dict.fromkeys(pending, asked)
    run.night.note(CONSENTS, noted)
    for bank, records in records_of(run, pending, on=on, version=version) if pending else ():
        run.progress(f"writing the file of {bank.bank_id}")
        folder = exporting.build_from(run.home, bank, records, origin_of(run), on=on, version=version)
        stand[bank.bank_id] = folder
    banks = {bank_id: {**exporting.said_of(stand[bank_id]), **noted[bank_id]} for bank_id in sorted(stand)}
    return {"files": len(banks), "banks": banks, "ahead": ahead}


def _ahead(run: Run, stand: Collection[str]) -> list[str]:
    """The banks that were sent a file of a later day by hand, which nothing takes back: the next night goes on for
    them."""
    from data.exports.layout import committed_exports

    sent = {bank_id: committed_exports(run.home.exports / bank_id) for bank_id in run.settings.banks}
    as_of = run.settings.as_of
    return [each for each, names in sent.items() if each not in stand and names and names[-1].as_of > as_of]


def records_of(
    run: Run, banks: Collection[str], *, on: date, version: int
) -> Iterator[tuple[Bank, dict[Table, pd.DataFrame]]]:
    """What each of these banks may hold by the consents of a day, as a version of the ledger knows them.

    The book is read as it was known when the night first began, so that what is issued meanwhile changes nothing.
    """
    import pandas as pd

    from credit.app.securing import Beside
    from data.exports.verify import SCORES
    from data.facts import valid_consents

    scores = pd.concat([scores_of(run, tier)[["supplier_id", "pd"]] for tier in run.tiers], ignore_index=True)
    consents = valid_consents(run.ledger, scores["supplier_id"], on=on, version=version)
    consents = consents[consents["bank_id"].isin(banks)]
    told = consents.loc[consents["purpose"].isin(exporting.PURPOSES), "supplier_id"]
    records = pd.concat([_records(run, tier, told) for tier in run.tiers], ignore_index=True)
    beside = Beside(
        home=run.home,
        as_of=run.settings.as_of,
        consents=consents,
        pds=scores.set_index("supplier_id")["pd"],
        known_before=run.settings.started_at,
        version=run.version,
    )
    for bank_id in banks:
        bank = exporting.bank_named(run.home, bank_id)
        yield bank, {SCORES: _theirs(bank, consents, records), **beside.rows(bank)}


def _theirs(bank: Bank, consents: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """A bank's own rows: those of firms that consent to it, without advice where they consent to the score alone."""
    from data.exports.schema import ADVICE, CREDIT_LINE

    own = bank.widest(consents, exporting.PURPOSES)
    own = own[["supplier_id", "consent_id", "bank_id", "purpose"]].merge(records, on="supplier_id")
    advised = own["purpose"] == CREDIT_LINE
    return own.assign(**{name: own[name].where(advised) for name in exporting.DECIDED if name in ADVICE})


def origin_of(run: Run) -> Origin:
    """Where the files come from."""
    from data.exports.build import Origin

    pinned = [run.pinned(tier) for tier in run.tiers]
    return Origin(
        as_of=run.settings.as_of,
        generated_at=run.settings.started_at.replace(tzinfo=UTC),
        models={each.served.name: str(each.served.version) for each in pinned},
        policies=exporting.policies_of(run.home, run.tiers, run.settings.as_of),
        ledger_version=str(run.version),
        code_version=exporting.code_version(),
        run_id=run_id_of(run.settings.as_of),
    )


def _records(run: Run, tier: str, consenting: pd.Series[str]) -> pd.DataFrame:
    """What a file may say of each consenting firm of a kind of data, without its consent."""
    import pandas as pd

    from data.nights import read_frame

    pinned = run.pinned(tier)
    scores = scores_of(run, tier)
    scores = scores[scores["supplier_id"].astype(object).isin(set(consenting))].set_index("supplier_id")
    decisions = read_frame(run.night.path(DECISIONS, f"{tier}.parquet"), ["supplier_id", "uscc", *_OF_DECISION])
    decided = decisions.set_index("supplier_id").reindex(scores.index)
    terms = pinned.pack.terms(pinned.as_of)
    # What a person could grant after a referral is no limit that a bank could act on.
    acts = decided["outcome"] != "REFER"
    valid_days = int(scale_terms(run.home, run.settings.as_of)["valid_days"])
    return pd.DataFrame(
        {
            "uscc": decided["uscc"],
            "scored_at": run.settings.started_at.replace(tzinfo=UTC),
            "valid_until": run.settings.as_of + timedelta(days=valid_days),
            **exporting.score_columns(
                scores, pinned.served.card["horizon_months"], former=run.settings.former.get(tier)
            ),
            "decision_id": decided["decision_id"],
            "decision": decided["outcome"],
            # Nobody looked at what the engine asks by itself.
            **dict.fromkeys(
                ("human_reviewed", "override_flag"),
                pd.Series(False, index=scores.index, dtype="boolean").where(decided["decision_id"].notna()),
            ),
            "indicative_limit_fen": decided["amount_fen"].astype("Int64").where(acts),
            "currency": pd.Series(pinned.pack.currency, index=scores.index).where(decided["decision_id"].notna()),
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

    def read(piece: pd.DataFrame, threads: int | None) -> pd.DataFrame:
        with run.ledger.known_on(piece, version=run.version, tables=SPAN_TABLES, threads=threads) as known:
            return data_span(known)

    span = engine.in_pieces(cases, read).set_axis(suppliers)
    return {"data_from": span["first_on"], "data_to": span["last_on"]}
