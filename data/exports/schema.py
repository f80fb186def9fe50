"""The record a bank receives: one row a supplier, and what each of its cells may hold.

The CSV, the Parquet file, the descriptor, the agreements with the banks and the JSON Schema all read `RECORD`, and
the check of a received file reads the descriptor; nothing about a field is said twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.exports.verify import KNOWN_VERSIONS, MOMENTS, Column, Kind
from data.schema import CONSENTS

# A new optional field is a minor version, a changed or removed one a major version (DOMAIN 6.1). 2.0.0 is a major
# one: a row that takes a firm out leaves cells empty that 1.0.0 always fills, and who does not know `op` would take it
# for a firm. 2.1.0 adds fields, and tables beside the scores.
VERSIONS = KNOWN_VERSIONS
FIRST_VERSION, SCHEMA_VERSION = VERSIONS[0], VERSIONS[-1]

PURPOSES: tuple[str, ...] = next(c.choices for c in CONSENTS.columns if c.name == "purpose")
CREDIT_LINE, SCORE_ONLY = "credit_line", "score"

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

# Who consents that a bank sees the score alone is not advised on.
NO_ADVICE = (SCORE_ONLY,)

RECORD: tuple[Field, ...] = (
    SUPPLIER_ID,
    OP,
    CHANGE_REASON,
    Field("uscc", Kind.TEXT, "unified social credit code; empty where the supplier has none"),
    Field(
        "consent_id",
        Kind.TEXT,
        "the consent under which the bank receives the row",
        True,
        in_deletion=True,
        for_every_bank=True,
    ),
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

FIELD_NAMES: tuple[str, ...] = tuple(each.name for each in RECORD)
FOR_EVERY_BANK: tuple[str, ...] = tuple(each.name for each in RECORD if each.for_every_bank)
ADVICE: tuple[str, ...] = tuple(each.name for each in RECORD if SCORE_ONLY in each.not_for)
# What an export says by itself, whatever the records are.
SAID_HERE: tuple[str, ...] = (OP.name, CHANGE_REASON.name, AS_OF.name, ADVISORY_ONLY.name, ROW_HASH.name)
# What rows are compared by is all but these: they say how the file is read, or move every night.
BESIDE_THE_CONTENT: tuple[str, ...] = (OP.name, CHANGE_REASON.name, ROW_HASH.name, *MOMENTS)


def fields_named(names: tuple[str, ...], version: str = SCHEMA_VERSION) -> tuple[Field, ...]:
    """The fields of these names that a version has, in the record's order whatever the order of the names.

    >>> [each.name for each in fields_named(("row_hash", "op", "supplier_id"), "1.0.0")]
    ['supplier_id', 'row_hash']
    """
    known = VERSIONS[: VERSIONS.index(version) + 1]
    return tuple(each for each in RECORD if each.name in names and each.since in known)
