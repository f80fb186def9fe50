"""Bank files: the firms that consent to this bank and purpose, their scores and decisions, in the agreed fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console, identity, signing
from credit.app.clock import day_of, now
from credit.app.deciding import altered, record_of
from credit.app.home import Home
from credit.app.identity import DEMO
from credit.app.judging import is_override
from credit.app.policies import pack_for
from credit.app.roles import refuse
from credit.app.scoring import PREVIOUS, scale_terms
from credit.domain.authority import BY_PERSON, Action
from credit.domain.errors import EmptyLedger, ExportRefused, NotAuthorised, WrongFormat

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.record import Record
    from data.exports.acknowledging import Acknowledgement
    from data.exports.banks import Bank
    from data.exports.build import Origin
    from data.exports.layout import ExportName
    from data.exports.state import Folders
    from data.exports.verify import Table, Verified
    from data.scores import StoredScores

# What a line's file may be received for, the widest first: who consents to both is in it once, with the advice.
# Guarantees are decided contract by contract and are no part of it.
PURPOSES = ("credit_line", "score")
DISTRIBUTION = "supplier-credit"
# What comes of a decision, in the record's order.
DECIDED = (
    "decision_id",
    "decision",
    "human_reviewed",
    "override_flag",
    "indicative_limit_fen",
    "currency",
    "yearly_rate_bp",
    "tenor_months",
    "limit_bound_by",
    "product",
    "policy_version",
)
# Beside them: the last day on which a decision stands.
UNTIL = "decided_until"


def bank_named(home: Home, bank_id: str) -> Bank:
    """A bank's agreement: this installation's own where it has some, else one that ships. Raises UnknownName."""
    from data.exports.banks import load_bank, shipped_bank

    own = home.banks / f"{bank_id}.toml" if home.banks else None
    return load_bank(own) if own and own.is_file() else shipped_bank(bank_id)


def folders_of(home: Home, bank: Bank) -> Folders:
    """What a bank is sent, and what is kept of that."""
    from data.exports.state import Folders

    return Folders(home.exports / bank.bank_id, home.kept_exports / bank.bank_id)


def sent_to(home: Home, bank_id: str) -> list[tuple[ExportName, Acknowledgement | None]]:
    """The exports that a bank was sent, by sequence, each with the answer that stands, if any. Raises UnknownName."""
    from data.exports.acknowledging import answers_to, standing
    from data.exports.layout import committed_exports

    folders = folders_of(home, bank_named(home, bank_id))
    return [(name, standing(answers_to(folders, name))) for name in committed_exports(folders.sent)]


def acknowledge(home: Home, file: Path, *, bank_id: str | None = None) -> Acknowledgement:
    """Take in what a bank answered to an export, as `take_answer` does. Raises NotAuthorised too."""
    refuse(home, Action.FEEDBACK, identity.who())
    return take_answer(home, file, bank_id=bank_id)


def take_answer(home: Home, file: Path, *, bank_id: str | None = None) -> Acknowledgement:
    """Take in what a bank answered to an export; unless it is named, the bank is that of the export.

    Raises FileMissing, WrongFormat, UnknownName, AcknowledgementRefused.
    """
    from data.exports.acknowledging import bank_in, take_in

    return take_in(folders_of(home, bank_named(home, bank_id or bank_in(file))), file)


def check(
    folder: Path,
    *,
    sender_keys: Collection[bytes],
    decrypt_key: str | None = None,
    last_sequence: int | None = None,
    on: date | None = None,
) -> Verified:
    """Check an export as the bank does. Raises ExportRefused naming the first thing wrong."""
    from data.exports.verify import Refused, verify_export

    console.waiting("checking the bank file")
    try:
        return verify_export(
            folder, sender_keys=tuple(sender_keys), decrypt_key=decrypt_key, last_sequence=last_sequence, on=on
        )
    except Refused as refused:
        raise ExportRefused(refused.message, hint=refused.hint) from None


def build(home: Home, bank_id: str, *, of: str | None = None, supersedes: str | None = None) -> Path:
    """Write the next export for a bank from the last kept scores and the decisions of their date.

    Answers its folder. Raises EmptyLedger where nothing was scored, and what `build_from` raises.
    """
    import pandas as pd

    from credit.app.securing import Beside
    from data.exports.build import Origin
    from data.exports.verify import SCORES
    from data.facts import valid_consents
    from data.scores import latest

    console.waiting("writing the bank file")
    refuse(home, Action.EXPORT, identity.who())
    bank = bank_named(home, bank_id)
    runs = [run for tier in home.ledger().tiers() if (run := latest(home.scores, tier)) is not None]
    if not runs:
        raise EmptyLedger("no scores are kept", hint="`credit score run` first")
    moment = now()
    # One file speaks of one date: the last one that was scored.
    last = max(run.as_of for run in runs)
    runs = [run for run in runs if run.as_of == last]
    origin = Origin(
        as_of=last,
        generated_at=moment.replace(tzinfo=UTC),
        models={run.facts["model"]["name"]: str(run.facts["model"]["version"]) for run in runs},
        policies=policies_of(home, [run.tier for run in runs], last),
        ledger_version=str(home.ledger().version),
        code_version=code_version(),
    )
    _refuse_demonstration(home, bank, origin.models)
    rows = [records_of(home, bank, run, _decisions(home, run, day_of(moment)), on=day_of(moment)) for run in runs]
    suppliers = pd.concat([run.frame.index.to_series() for run in runs])
    consents = valid_consents(home.ledger(), suppliers, on=day_of(moment))
    beside = Beside(
        home=home,
        as_of=last,
        consents=consents[consents["bank_id"] == bank_id],
        pds=pd.concat([run.frame["pd"] for run in runs]),
        known_before=moment,
        version=home.ledger().version,
    )
    records = {SCORES: pd.concat(rows, ignore_index=True), **beside.rows(bank)}
    return build_from(home, bank, records, origin, on=day_of(moment), of=of, supersedes=supersedes)


def build_from(
    home: Home,
    bank: Bank,
    records: Mapping[Table, pd.DataFrame],
    origin: Origin,
    *,
    on: date,
    version: int | None = None,
    of: str | None = None,
    supersedes: str | None = None,
) -> Path:
    """Write a bank's next export from the records that were gathered for each of its tables; answers its folder.

    A run that names itself (`origin.run_id`) and asks again gets what it wrote before; its `generated_at` is then the
    moment at which it first began. `on` is the day on which the file is made, and `version` that of the ledger by which
    it is known which consents of firms that are gone were revoked. Unless `of` says FULL or DELTA, the agreement does,
    and what the bank rejected is sent anew and whole.

    Raises NotAuthorised where the demonstration approved what scored the records: its signatures are nobody's, and go
    to the banks that ship with the program alone. Raises WrongFormat for a bank whose files would leave unencrypted,
    NoKey where there is none to sign with, and what `data.exports.build.build_export` raises.
    """
    from data.exports.acknowledging import rejected
    from data.exports.build import build_export
    from data.exports.state import full_is_due
    from data.exports.verify import DELTA, FULL
    from data.facts import revoked_consents

    refuse_unready(home, bank, origin.models)
    folders = folders_of(home, bank)
    refused = rejected(folders)
    _refuse_what_cannot_stand(bank, folders, of, supersedes, refused)
    whole = refused is not None or full_is_due(bank, folders, origin.as_of)

    def revoked(consents: Mapping[str, str]) -> Collection[str]:
        import pandas as pd

        return revoked_consents(home.ledger(), pd.Series(list(consents)), on=on, version=version)

    return build_export(
        folders,
        bank=bank,
        records=records,
        origin=origin,
        signer=signing.signer(home),
        of=of or (FULL if whole else DELTA),
        supersedes=supersedes or (str(refused) if refused else None),
        revoked=revoked,
    )


def _refuse_what_cannot_stand(
    bank: Bank, folders: Folders, of: str | None, supersedes: str | None, refused: ExportName | None
) -> None:
    """Raise ExportRefused where the bank has nothing that what was asked for could stand on, or take the place of."""
    from data.exports.layout import committed_exports, manifest_of
    from data.exports.state import last_full
    from data.exports.verify import DELTA, FULL

    if supersedes is not None and supersedes not in {str(each) for each in committed_exports(folders.sent)}:
        raise ExportRefused(
            f"{bank.bank_id} was sent no export {supersedes!r}", hint=f"`credit export list --bank {bank.bank_id}`"
        )
    if of != DELTA:
        return
    base, instead = last_full(folders), f"leave out --type, or ask for --type {FULL}"
    if refused is not None:
        raise ExportRefused(f"{bank.bank_id} rejected {refused}: what it is sent next is whole", hint=instead)
    if base is None:
        raise ExportRefused(f"{bank.bank_id} was sent no full file for a delta to stand on", hint=instead)
    if manifest_of(folders.sent, base)["schema_version"] != bank.schema or not bank.has_deltas:
        raise ExportRefused(f"a delta of version {bank.schema} does not stand on {base}", hint=instead)


def code_version() -> str:
    """The version of this program."""
    from importlib.metadata import version

    return version(DISTRIBUTION)


def policies_of(home: Home, tiers: Collection[str], as_of: date) -> dict[str, str]:
    """The version of the line's policy for each kind of data, by its name."""
    terms = [pack_for(home, "turnover_line", tier).terms(as_of) for tier in tiers]
    return {each.pack.name: f"{each.version}+{each.sha256[:12]}" for each in terms}


def refuse_unready(home: Home, bank: Bank, models: Mapping[str, str]) -> None:
    """Raise where no file may be written for a bank, whatever is in it. Raises NotAuthorised, WrongFormat."""
    from data.exports.banks import shipped_banks

    _refuse_demonstration(home, bank, models)
    if bank.age_recipient is None and bank.bank_id not in shipped_banks():
        raise WrongFormat(
            f"the agreement with {bank.bank_id} names no age_recipient: its files would leave unencrypted",
            hint="the bank makes a key with `age-keygen` and tells its public part",
        )


def _refuse_demonstration(home: Home, bank: Bank, models: Mapping[str, str]) -> None:
    from data.exports.banks import shipped_banks
    from models.registry import ROLLBACK

    if bank.bank_id in shipped_banks():
        return
    for name, version in models.items():
        # A rollback is nobody's approval.
        moves = [move for move in home.registry().history(name) if str(move["to"]) == version]
        approved_by = [move["who"] for move in moves if move.get("move") != ROLLBACK]
        if approved_by and all(who.startswith(DEMO) for who in approved_by):
            raise NotAuthorised(
                f"{name} version {version} was approved by {approved_by[-1]}, which is nobody",
                hint="a file for a real bank needs a model that a person approved: `credit model promote`, then score",
            )


def records_of(home: Home, bank: Bank, run: StoredScores, decisions: pd.DataFrame, *, on: date) -> pd.DataFrame:
    """The export's rows of one score run: consenting firms alone, each with its score and its last decision.

    `decisions` is indexed by supplier_id and has the columns `DECIDED` and `UNTIL`; a firm that is not in it has no
    advice. `on` is the day on which the file is made: a consent revoked by then binds.
    """
    import pandas as pd

    from data import facts
    from data.exports.schema import ADVICE, CREDIT_LINE

    ledger = home.ledger()
    consents = _consents(home, bank, run, on)
    scores = run.frame.loc[run.frame.index.isin(consents.index)]
    cases = pd.DataFrame({"case_id": range(len(scores)), "supplier_id": scores.index, "as_of": run.as_of})
    with ledger.known_on(cases) as known:
        registered = facts.supplier_facts(known).set_axis(scores.index)
        span = facts.data_span(known).set_axis(scores.index)
    consents, decisions = consents.reindex(scores.index), decisions.reindex(scores.index)
    advised = consents["purpose"] == CREDIT_LINE
    model = run.facts["model"]
    until = pd.Series(run.as_of + timedelta(days=int(scale_terms(home, run.as_of)["valid_days"])), index=scores.index)
    ends = decisions[UNTIL].where(advised)
    frame = pd.DataFrame(
        {
            "uscc": registered["uscc"],
            "consent_id": consents["consent_id"],
            "bank_id": consents["bank_id"],
            "purpose": consents["purpose"],
            "scored_at": datetime.fromisoformat(run.facts["scored_at"]).replace(tzinfo=UTC),
            # What a person granted may lapse before the score does.
            "valid_until": until.mask((ends < until).fillna(False), ends),
            **score_columns(scores, model["horizon_months"], former=run.facts.get("previous_model")),
            # Who consents to the score alone is not advised on.
            **{name: decisions[name].where(advised) if name in ADVICE else decisions[name] for name in DECIDED},
            "model_name": model["name"],
            "model_version": str(model["version"]),
            "data_from": span["first_on"],
            "data_to": span["last_on"],
        },
        index=scores.index,
    )
    return frame.reset_index()


def _consents(home: Home, bank: Bank, run: StoredScores, on: date) -> pd.DataFrame:
    """The consent under which the bank receives each firm, by supplier_id: the widest of those that hold."""
    from data import facts

    valid = facts.valid_consents(home.ledger(), run.frame.index.to_series(), on=on)
    return bank.widest(valid, PURPOSES).set_index("supplier_id")


def score_columns(
    scores: pd.DataFrame, horizon_months: int | None, *, former: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a file says of each score, by the names of its fields; `former` is the model that scored beside, if one did.

    Scores of whose former there are none have cells all the same, and they are empty.
    """
    import pandas as pd

    scored = scores["pd"].notna()
    kinds = {"previous_pd": "float64", "previous_grade": "str", "previous_score": "Int64"}
    before = scores.reindex(columns=list(PREVIOUS)).astype(kinds)
    version = pd.Series("" if former is None else str(former["version"]), index=scores.index, dtype="str")
    return {
        "status": scored.map({True: "SCORED", False: "UNSCORABLE"}),
        "unscorable_code": scores["unscorable"],
        "score": scores["score"],
        "grade": scores["grade"],
        "pd": scores["pd"],
        "pd_horizon_months": pd.Series(horizon_months, index=scores.index, dtype="Int64").where(scored),
        **{name: scores[name] for name in ("pd_low", "pd_high", "pd_pit")},
        "previous_model_version": version.where(before["previous_pd"].notna()),
        **{name: before[name] for name in PREVIOUS},
        **_reasons(scores),
    }


def said_of(folder: Path) -> dict[str, Any]:
    """What a committed export is, in a few words; `sha256` is that of its rows before they were encrypted.

    Of the tables beside the scores, where it has any, `further` says the same.
    """
    from data.exports.layout import ExportName, manifest_of
    from data.exports.verify import SCORES, tables_of

    manifest = manifest_of(folder.parent, ExportName.parse(folder.name))
    files = {file["name"]: file for file in manifest["files"]}
    further = {
        each.name: {"rows": files[each.csv]["rows"], "sha256": files[each.csv]["sha256"]}
        for each in tables_of(manifest)[1:]
    }
    return {
        "export_id": manifest["export_id"],
        "folder": f"{folder.parent.name}/{folder.name}",
        "sequence": manifest["sequence"],
        "type": manifest["type"],
        "supersedes": manifest["supersedes"],
        "rows": manifest["control_totals"]["rows"],
        "sha256": files[SCORES.csv]["sha256"],
        **({"further": further} if further else {}),
    }


def lying(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a committed export as it lies there, by name, as its manifest says."""
    from data.exports.layout import ExportName, manifest_of

    files = manifest_of(folder.parent, ExportName.parse(folder.name))["files"]
    laid = [each.get("encrypted") or each for each in files]
    return {each["name"]: each["sha256"] for each in laid}


def _reasons(scores: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    from credit.domain.reasons import reason_for

    columns = {}
    for n in range(1, 5):
        codes = scores[f"reason_{n}"]
        columns[f"reason_{n}"] = codes
        columns[f"reason_{n}_zh"] = codes.map(lambda code: reason_for(code).zh, na_action="ignore")
    return columns


def _decisions(home: Home, run: StoredScores, on: date) -> pd.DataFrame:
    """Each supplier's last line decision of the run's own date, as the export's columns, by supplier_id.

    A firm that asked one lender for an amount did not ask the others for it, unless a person then granted less or
    nothing, and what has lapsed by the day on which the file is made is no advice (ADR 20). Raises ReplayDiffers where
    a stored record was altered: it must not reach a bank. Raises ExportRefused where nobody was decided on that day.
    """
    import pandas as pd

    from credit.domain.record import is_whole

    stored = home.decisions().made_on(pack_for(home, "turnover_line", run.tier).name, run.as_of)
    if not stored:
        raise ExportRefused(
            f"nothing was decided as of {run.as_of}, and the file would take all advice back",
            hint=f"`credit line decide --all --as-of {run.as_of}` first",
        )
    last: dict[str, Record] = {}
    for decision_id, text in stored:
        record = record_of(decision_id, text)
        if not is_whole(record):
            raise altered(decision_id)
        bound = record["bound_by"]["code"] if record["bound_by"] else None
        if record["application"]["requested_fen"] is None or bound == BY_PERSON:
            last[record["application"]["supplier_id"]] = record
    records = [each for each in last.values() if date.fromisoformat(each["valid_until"]) >= on]
    rows = [
        {
            "supplier_id": r["application"]["supplier_id"],
            "decision_id": r["decision_id"],
            "decision": r["outcome"],
            "human_reviewed": "judgement" in r,
            "override_flag": is_override(home, r),
            # What a person could grant after a referral is no limit that a bank could act on.
            "indicative_limit_fen": None if r["outcome"] == "REFER" else r["amount_fen"],
            "currency": r["currency"],
            "yearly_rate_bp": None if r["outcome"] == "REFER" else r["yearly_rate_bp"],
            "tenor_months": None if r["outcome"] == "REFER" else r["tenor_months"],
            "limit_bound_by": r["bound_by"]["code"] if r["bound_by"] else None,
            "product": r["product"]["name"],
            "policy_version": f"{r['policy']['version']}+{r['policy']['sha256'][:12]}",
            UNTIL: date.fromisoformat(r["valid_until"]),
        }
        for r in records
    ]
    names = ("supplier_id", *DECIDED, UNTIL)
    whole = {"indicative_limit_fen": "Int64", "yearly_rate_bp": "Int64", "tenor_months": "Int64"}
    flags = dict.fromkeys(("human_reviewed", "override_flag"), "boolean")
    texts = {name: "str" for name in names if name not in (*whole, *flags, UNTIL)}
    return pd.DataFrame(rows, columns=list(names)).astype({**whole, **flags, **texts}).set_index("supplier_id")
