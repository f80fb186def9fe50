"""The records a bank receives, of suppliers, contracts and guarantees, and what each of their cells may hold.

The CSV, the Parquet file, the descriptor, the agreements with the banks and the JSON Schema all read `RECORDS`, and
the check of a received file reads the descriptor; nothing about a field is said twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from data.exports.verify import CONTRACTS, GUARANTEES, KNOWN_VERSIONS, TABLES, Column, Kind, Table
from data.schema import CONSENTS

# A new optional field is a minor version, a changed or removed one a major version (DOMAIN 6.1). 2.0.0 is a major
# one: a row that takes a firm out leaves cells empty that 1.0.0 always fills, and who does not know `op` would take it
# for a firm. 2.1.0 adds fields, and tables beside the scores.
VERSIONS = KNOWN_VERSIONS
FIRST_VERSION, SCHEMA_VERSION = VERSIONS[0], VERSIONS[-1]

PURPOSES: tuple[str, ...] = next(c.choices for c in CONSENTS.columns if c.name == "purpose")
CREDIT_LINE, GUARANTEE, SCORE_ONLY = "credit_line", "guarantee", "score"

SCORED, UNSCORABLE = "SCORED", "UNSCORABLE"
STATUSES = (SCORED, UNSCORABLE)
DECISIONS = ("APPROVE", "REDUCE", "REFER", "DECLINE")
# The master scale, and D for a firm in default (DOMAIN 6.4).
GRADES = ("R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R10", "D")
# Thin, stale, conflicting, no consent, identity unclear, excluded (DOMAIN 6.4).
UNSCORABLE_CODES = ("U01", "U02", "U03", "U04", "U05", "U06")

# Why a delta has a row. DOMAIN 6.1 says SCORE_CHANGE for the first; but a limit may change under the same score.
CHANGED, CORRECTED, EXPIRED, CONSENT_REVOKED = "CHANGED", "CORRECTED", "EXPIRED", "CONSENT_REVOKED"
CHANGE_REASONS = (CHANGED, CORRECTED, EXPIRED, CONSENT_REVOKED)


@dataclass(frozen=True)
class Field(Column):
    """One field of the record. One that is `for_every_bank` is part of every agreement, from version `since` on."""

    for_every_bank: bool = False
    since: str = FIRST_VERSION


SUPPLIER_ID = Field(
    "supplier_id", Kind.TEXT, "the supplier's id on the platform", True, in_deletion=True, for_every_bank=True
)
OP = Field(
    "op",
    Kind.TEXT,
    "U: the row is what now holds of the supplier; D: the bank takes the supplier out of what it holds",
    required=True,
    choices=("U", "D"),
    in_deletion=True,
    for_every_bank=True,
    since="2.0.0",
)
CHANGE_REASON = Field(
    "change_reason",
    Kind.TEXT,
    "why a delta has the row: new or changed, corrected, no longer valid, consent revoked; empty in a full file",
    choices=CHANGE_REASONS,
    in_deletion=True,
    in_delta=True,
    for_every_bank=True,
    since="2.0.0",
)
PURPOSE = Field("purpose", Kind.TEXT, "what the supplier consented to", True, PURPOSES, for_every_bank=True)
AS_OF = Field("as_of", Kind.DATE, "last day whose events were used", True, in_deletion=True, for_every_bank=True)
ADVISORY_ONLY = Field(
    "advisory_only",
    Kind.FLAG,
    "always true: the decision is advice, the bank keeps the final word",
    required=True,
    choices=("true",),
    for_every_bank=True,
)
ROW_HASH = Field(
    "row_hash",
    Kind.TEXT,
    "SHA-256 of the row's other CSV cells in order, joined by the unit separator (U+001F), as lower-case hex",
    required=True,
    in_deletion=True,
    for_every_bank=True,
)

CONSENT_ID = Field(
    "consent_id",
    Kind.TEXT,
    "the consent under which the bank receives the row",
    True,
    in_deletion=True,
    for_every_bank=True,
)

# Who consents that a bank sees the score alone is not advised on.
NO_ADVICE = (SCORE_ONLY,)

RECORD: tuple[Field, ...] = (
    SUPPLIER_ID,
    OP,
    CHANGE_REASON,
    Field("uscc", Kind.TEXT, "unified social credit code; empty where the supplier has none"),
    CONSENT_ID,
    PURPOSE,
    AS_OF,
    Field("scored_at", Kind.MOMENT, "when the supplier was scored", required=True),
    Field("valid_until", Kind.DATE, "last day on which the row may be used", True, for_every_bank=True),
    Field("status", Kind.TEXT, "whether there was enough history to score", True, STATUSES),
    Field("unscorable_code", Kind.TEXT, "why not scored", choices=UNSCORABLE_CODES, only_when=UNSCORABLE),
    Field("score", Kind.WHOLE, "score; 40 points more double the odds of repayment", only_when=SCORED),
    Field("grade", Kind.TEXT, "grade on the master scale, R01 best", choices=GRADES, only_when=SCORED),
    Field("pd", Kind.PROBABILITY, "probability of default within the horizon", only_when=SCORED),
    Field("pd_horizon_months", Kind.WHOLE, "months the PD looks ahead", at_least=1, only_when=SCORED),
    Field("pd_low", Kind.PROBABILITY, "low end of the interval of the PD", since="2.1.0"),
    Field("pd_high", Kind.PROBABILITY, "high end of the interval of the PD", since="2.1.0"),
    Field(
        "pd_pit",
        Kind.PROBABILITY,
        "probability of default in the times that the model learned from; `pd` is that of the long run",
        since="2.1.0",
    ),
    Field("reason_1", Kind.TEXT, "code of the reason that weighs most"),
    Field("reason_2", Kind.TEXT, "code of the second reason"),
    Field("reason_3", Kind.TEXT, "code of the third reason"),
    Field("reason_4", Kind.TEXT, "code of the fourth reason"),
    Field("reason_1_zh", Kind.TEXT, "the first reason in words, in Chinese"),
    Field("reason_2_zh", Kind.TEXT, "the second reason in words, in Chinese"),
    Field("reason_3_zh", Kind.TEXT, "the third reason in words, in Chinese"),
    Field("reason_4_zh", Kind.TEXT, "the fourth reason in words, in Chinese"),
    Field("decision_id", Kind.TEXT, "the decision record that can be replayed", not_for=NO_ADVICE),
    Field("decision", Kind.TEXT, "what the engine advises", choices=DECISIONS, not_for=NO_ADVICE),
    Field("human_reviewed", Kind.FLAG, "whether a person judged the advice", not_for=NO_ADVICE, since="2.1.0"),
    Field(
        "override_flag",
        Kind.FLAG,
        "whether the person overrode the engine: granted beside a finding, or gave less",
        not_for=NO_ADVICE,
        since="2.1.0",
    ),
    Field("indicative_limit_fen", Kind.FEN, "limit the engine advises, in fen", at_least=0, not_for=NO_ADVICE),
    Field("currency", Kind.TEXT, "ISO 4217 code of the amounts in the row", choices=("CNY",), not_for=NO_ADVICE),
    Field(
        "yearly_rate_bp", Kind.WHOLE, "yearly rate the engine advises, in basis points", at_least=0, not_for=NO_ADVICE
    ),
    Field("tenor_months", Kind.WHOLE, "months until the advised credit is due", at_least=1, not_for=NO_ADVICE),
    Field("limit_bound_by", Kind.TEXT, "the term that set the limit", not_for=NO_ADVICE),
    Field("product", Kind.TEXT, "the product the decision is about", not_for=NO_ADVICE),
    Field("model_name", Kind.TEXT, "the model that scored"),
    Field("model_version", Kind.TEXT, "its version"),
    Field(
        "previous_model_version",
        Kind.TEXT,
        "version of the model before; filled, like what follows, for one cycle after a change of model",
        since="2.1.0",
    ),
    Field("previous_score", Kind.WHOLE, "score by the model before", since="2.1.0"),
    Field("previous_grade", Kind.TEXT, "grade by the model before", choices=GRADES, since="2.1.0"),
    Field("previous_pd", Kind.PROBABILITY, "probability of default by the model before", since="2.1.0"),
    Field("policy_version", Kind.TEXT, "version of the policy that decided", not_for=NO_ADVICE),
    ADVISORY_ONLY,
    Field("data_from", Kind.DATE, "day of the supplier's first event that was used"),
    Field("data_to", Kind.DATE, "day of the supplier's last event that was used"),
    ROW_HASH,
)

# What was done of a contract by then, from the least to the most (DOMAIN 5.4).
STAGES = ("SIGNED", "IN_DELIVERY", "ACCEPTED", "INVOICED")


def _key(table: Table, meaning: str) -> Field:
    return Field(table.key, Kind.TEXT, meaning, True, for_every_bank=True, since=table.since)


def _whose(table: Table) -> tuple[Field, ...]:
    """Of which firm, under which consent, and as of when: what every table beside the scores says of a row."""
    supplier = Field(
        SUPPLIER_ID.name, Kind.TEXT, "the supplier's id on the platform", True, for_every_bank=True, since=table.since
    )
    return (supplier, *(replace(each, in_deletion=False, since=table.since) for each in (CONSENT_ID, PURPOSE, AS_OF)))


CONTRACT_RECORD: tuple[Field, ...] = (
    _key(CONTRACTS, "the contract's id on the platform"),
    *_whose(CONTRACTS),
    Field("buyer_id", Kind.TEXT, "the buyer's id on the platform", since="2.1.0"),
    Field("stage", Kind.TEXT, "what was done of it, from the least to the most", choices=STAGES, since="2.1.0"),
    Field("amount_fen", Kind.FEN, "amount of the contract with its changes", since="2.1.0"),
    Field("prepaid_fen", Kind.FEN, "advance that has arrived", since="2.1.0"),
    Field("paid_fen", Kind.FEN, "what else the buyer has paid", since="2.1.0"),
    Field("retention_fen", Kind.FEN, "retention money that is still held back", since="2.1.0"),
    Field(
        "net_base_fen",
        Kind.FEN,
        "what the buyer still has to pay that can repay a loan: amount less prepaid, paid, retention and disputed",
        since="2.1.0",
    ),
    Field("confirmed_by_buyer", Kind.FLAG, "whether the buyer has confirmed contract and account", since="2.1.0"),
    Field("account_locked", Kind.FLAG, "whether the collection account is locked", since="2.1.0"),
    Field("lock_ref", Kind.TEXT, "id of the step by which it was locked", since="2.1.0"),
    Field(
        "other_financing_flag",
        Kind.FLAG,
        "whether a loan or a guarantee stands on the contract, whoever gave it",
        since="2.1.0",
    ),
    Field("expected_pay_date", Kind.DATE, "day by which the buyer will have paid, as it pays others", since="2.1.0"),
    Field(
        "draw_max_fen",
        Kind.FEN,
        "most that the loan's limits on a contract leave: the advance rate of the net base by grade and stage, within "
        "the contract's cost and the caps on contract, grade and product; 0 below the least that is lent; empty where "
        "something stands on it. Rules and the supplier's own limits are not in it",
        at_least=0,
        not_for=(GUARANTEE,),
        since="2.1.0",
    ),
    replace(ROW_HASH, in_deletion=False, since="2.1.0"),
)

GUARANTEE_RECORD: tuple[Field, ...] = (
    _key(GUARANTEES, "the guarantee's id"),
    *_whose(GUARANTEES),
    Field("type", Kind.TEXT, "what it secures", choices=("ADVANCE_PAYMENT", "PERFORMANCE"), since="2.1.0"),
    Field("contract_id", Kind.TEXT, "the contract that it is on", since="2.1.0"),
    Field("beneficiary", Kind.TEXT, "the buyer's id on the platform, who may call it", since="2.1.0"),
    Field("amount_fen", Kind.FEN, "what it was issued for", at_least=0, since="2.1.0"),
    Field("outstanding_fen", Kind.FEN, "what can still be called; nothing once it is over", at_least=0, since="2.1.0"),
    Field("demanded_fen", Kind.FEN, "what open demands ask for", at_least=0, since="2.1.0"),
    Field("paid_fen", Kind.FEN, "what was paid under it", at_least=0, since="2.1.0"),
    Field(
        "effective_trigger",
        Kind.TEXT,
        "what it takes effect by: the advance is credited to the account that it names, or the contract is signed",
        choices=("ADVANCE_CREDITED", "CONTRACT_SIGNED"),
        since="2.1.0",
    ),
    Field("effective_date", Kind.DATE, "day on which it took effect", since="2.1.0"),
    Field(
        "reduction_schedule",
        Kind.TEXT,
        "how it falls by its own text with what is accepted of the contract",
        choices=("NEVER", "PRO_RATA", "AT_ONCE"),
        since="2.1.0",
    ),
    Field("reduction_accepted_fen", Kind.FEN, "what is accepted once it has fallen", at_least=0, since="2.1.0"),
    Field("reduction_left_fen", Kind.FEN, "what is left of it then", at_least=0, since="2.1.0"),
    Field("expiry", Kind.DATE, "its last day", since="2.1.0"),
    Field(
        "status",
        Kind.TEXT,
        "what it is on the day; it can be called while it is effective or demanded",
        choices=("ISSUED", "EFFECTIVE", "DEMANDED", "NIL", "LAPSED", "RELEASED", "EXPIRED"),
        since="2.1.0",
    ),
    Field("last_event", Kind.TEXT, "what happened to it last", since="2.1.0"),
    Field("last_event_on", Kind.DATE, "when that was", since="2.1.0"),
    Field("event_seq", Kind.WHOLE, "how many events it has had", at_least=1, since="2.1.0"),
    replace(ROW_HASH, in_deletion=False, since="2.1.0"),
)

RECORDS: Mapping[Table, tuple[Field, ...]] = dict(zip(TABLES, (RECORD, CONTRACT_RECORD, GUARANTEE_RECORD), strict=True))

FIELD_NAMES: tuple[str, ...] = tuple(each.name for each in RECORD)
ADVICE: tuple[str, ...] = tuple(each.name for each in RECORD if SCORE_ONLY in each.not_for)
# What says how a row is to be read, and nothing of what a bank holds by it.
NOT_CONTENT: tuple[str, ...] = (OP.name, CHANGE_REASON.name, ROW_HASH.name)
# What an export says by itself, whatever the records are.
SAID_HERE: tuple[str, ...] = (*NOT_CONTENT, AS_OF.name, ADVISORY_ONLY.name)


def fields_named(
    names: Collection[str], version: str = SCHEMA_VERSION, record: tuple[Field, ...] = RECORD
) -> tuple[Field, ...]:
    """The fields of these names that a version has, and those of every bank, in the record's order.

    >>> [each.name for each in fields_named(("grade",), "1.0.0") if not each.for_every_bank]
    ['grade']
    """
    known = VERSIONS[: VERSIONS.index(version) + 1]
    return tuple(each for each in record if (each.for_every_bank or each.name in names) and each.since in known)
