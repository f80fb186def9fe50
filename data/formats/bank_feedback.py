"""`bank-feedback`: what became of the firms that a bank was told about: granted, drawn, past due, lost, called.

One row an event, by the identifiers that the bank has from our files. Which firms a bank may report on the ledger says:
`data/feedback.py` reads such a file for one bank, `credit feedback import` calls it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from credit.domain.errors import WrongFormat
from data.formats.format import Format, Mapping, Rows
from data.formats.platform import described
from data.schema import APPLICATIONS, CREDIT_EVENTS, CURRENCY, GUARANTEE_EVENTS, Column, Table, date, fen, text, whole
from data.staging import literal

FEEDBACK_VERSION = "1.0.0"

# What a row may say, and what the ledger calls it in the table that it goes to.
ANSWERS = {"GRANTED": "GRANTED", "DECLINED": "REFUSED"}
DRAWS = {name: name for name in ("DRAWN", "PAST_DUE", "REPAID", "WRITTEN_OFF")}
GUARANTEES = {
    **{name: name for name in ("ISSUED", "EFFECTIVE", "REDUCED", "DEMANDED")},
    "DEMAND_REFUSED": "REFUSED",
    **{name: name for name in ("PAID", "RELEASED", "EXPIRED")},
}
EVENTS: dict[Table, dict[str, str]] = {APPLICATIONS: ANSWERS, CREDIT_EVENTS: DRAWS, GUARANTEE_EVENTS: GUARANTEES}


def _same(table: Table, name: str, meaning: str) -> Column:
    """A column that holds what one of the ledger does, and may stay empty in rows about something else."""
    found = next(c for c in table.columns if c.name == name)
    return Column(name, found.kind, meaning, False, found.choices, found.at_least)


_REASONS = next(c.choices for c in APPLICATIONS.columns if c.name == "refused_for")
COLUMNS: tuple[Column, ...] = (
    text("event_id", "the bank's id of the row: the same event has the same id in every file"),
    text("supplier_id", "the supplier's id, as in our file; or else its uscc", required=False),
    text(
        "uscc", "its unified social credit code, where our file has it and the row has no supplier_id", required=False
    ),
    text("bank_id", "the bank that says so, where the command does not name it", required=False),
    text("event", "what happened", choices=tuple(name for words in EVENTS.values() for name in words)),
    date("happened_on", "day of the event; of GRANTED and DECLINED, of the answer"),
    date("reported_on", "day on which the bank first reported it: from then on it counts as known"),
    fen(
        "amount_fen",
        "whole fen: of GRANTED the limit, of PAST_DUE what is owed, of WRITTEN_OFF the loss, of a guarantee the amount "
        "that the event is about (of ISSUED, EFFECTIVE and REDUCED what stands from then on)",
        required=False,
    ),
    CURRENCY,
    text("application_id", "GRANTED, DECLINED: the bank's id of the application", required=False),
    date("applied_on", "GRANTED, DECLINED: day of the application", required=False),
    _same(APPLICATIONS, "requested_fen", "GRANTED, DECLINED: amount asked for"),
    text("reason", "DECLINED: why", required=False, choices=_REASONS),
    text("loan_id", "DRAWN, PAST_DUE, REPAID, WRITTEN_OFF: the bank's id of the draw", required=False),
    date("due_on", "the same: maturity of the draw", required=False),
    whole("days_past_due", "PAST_DUE, WRITTEN_OFF: days past due that were reached", required=False),
    text("guarantee_id", "ISSUED and what follows: the bank's id of the guarantee", required=False),
    text("contract_id", "the same: the contract's id on the platform, as in the guarantee's text", required=False),
    _same(GUARANTEE_EVENTS, "form", "the same: advance-payment or performance"),
    text("corrects", "the event_id of an earlier row that this one takes the place of", required=False),
)
NEEDS = tuple(c.name for c in COLUMNS if c.required)


def _of_bank(column: str) -> str:
    """An id of the bank's, told apart from other banks'; no bank's id has a slash."""
    return f"bank_id || '/' || {column}"


def _mapping(table: Table, columns: dict[str, str]) -> Mapping:
    cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in EVENTS[table].items())
    return Mapping(
        table=table,
        files=r".*\.(csv|parquet)",
        relation=table.name,
        needs=NEEDS,
        columns={
            "supplier_id": "supplier_id",
            "answer" if table is APPLICATIONS else "kind": f"CASE event {cases} END",
            "currency": "currency",
            "replaces": _of_bank("corrects"),
            "recorded_at": "reported_on",
            **columns,
        },
    )


def _alone(path: Path) -> Iterator[Rows]:
    raise WrongFormat(
        f"{path.name}: whose feedback it is decides what is taken in", hint="`credit feedback import FILE --bank BANK`"
    )


BANK_FEEDBACK = Format(
    name="bank-feedback",
    meaning="What a bank sends back: granted or declined and why, drawn, past due, lost, guarantees called.",
    # A tier of its own: that one bank lent nothing does not say that nobody did, nor that the platform's feed is fresh.
    tier="bank",
    lag_days=0,
    reader=_alone,
    mappings=(
        _mapping(
            APPLICATIONS,
            {
                "record_id": _of_bank("event_id"),
                "application_id": _of_bank("application_id"),
                "lender_id": "bank_id",
                "applied_on": "applied_on",
                "requested_fen": "requested_fen",
                "granted_fen": "CASE WHEN event = 'GRANTED' THEN amount_fen END",
                "refused_for": "CASE WHEN event = 'DECLINED' THEN reason END",
            },
        ),
        _mapping(
            CREDIT_EVENTS,
            {
                "credit_event_id": _of_bank("event_id"),
                "loan_id": _of_bank("loan_id"),
                "lender_id": "bank_id",
                "happened_on": "happened_on",
                "due_on": "due_on",
                "amount_fen": "amount_fen",
                "days_past_due": "CASE WHEN event IN ('PAST_DUE', 'WRITTEN_OFF') THEN days_past_due ELSE '0' END",
            },
        ),
        _mapping(
            GUARANTEE_EVENTS,
            {
                "guarantee_event_id": _of_bank("event_id"),
                "guarantee_id": _of_bank("guarantee_id"),
                "contract_id": "contract_id",
                "form": "form",
                "happened_on": "happened_on",
                "amount_fen": "amount_fen",
            },
        ),
    ),
    page=(
        "`credit feedback import FILE --bank BANK`. One CSV or Parquet file, one row an event, with the columns of "
        "`docs/feedback-schema.json`; those that do not concern a row stay empty, and may be left out where they "
        "concern none. A firm is named by the `supplier_id` of the bank's file or by its `uscc`. A bank reports on "
        "firms that consented to it, whether or not the consent still stands, or that the ledger knows it lent to; a "
        "row about any other goes to quarantine. `REPAID` says that nothing of the draw is left. The bank's ids are "
        "kept as `bank/id`, so two banks may use the same. A row counts as known from `reported_on` on: what a bank "
        "tells today was not known last year. A correction is a row with an `event_id` of its own that names the other "
        "in `corrects`. A bank that reports here is not fed through the platform's `credit_events` as well, or its "
        "draws would count twice. Draws and contracts whose end is known teach the models (docs/adr/0018)."
    ),
    sample=(
        "# feedback.csv\n"
        "event_id,supplier_id,event,happened_on,reported_on,amount_fen,currency,loan_id,due_on,days_past_due\n"
        "1,S0000001,DRAWN,2025-02-15,2025-03-10,20000000,CNY,L7,2025-08-15,\n"
        "2,S0000001,PAST_DUE,2025-09-14,2025-10-10,20000000,CNY,L7,2025-08-15,30\n"
        "3,S0000001,REPAID,2025-09-20,2025-10-10,20000000,CNY,L7,2025-08-15,\n"
    ),
)


def schema() -> dict[str, Any]:
    """The published schema: a Data Package descriptor of the one file, for a bank's engineers."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "supplier-credit-feedback",
        "title": "What a bank sends back: one CSV or Parquet file, one row an event",
        "version": FEEDBACK_VERSION,
        "resources": [
            {
                "name": "feedback",
                "path": "feedback.csv",
                "type": "table",
                "format": "csv",
                "encoding": "utf-8",
                "description": BANK_FEEDBACK.meaning,
                "schema": {
                    "fields": [described(column) for column in COLUMNS],
                    "missingValues": [""],
                    "primaryKey": ["event_id"],
                },
            }
        ],
    }
