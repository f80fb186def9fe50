"""What may be wrong with a row, and what whoever sent it can do about it."""

from __future__ import annotations

from data.schema import FIRST_YEAR, LAST_YEAR

HINTS: dict[str, str] = {
    "missing-value": "this column must not be empty",
    "bad-date": "this format expects YYYY-MM-DD, a day without a time zone",
    "bad-moment": "this format expects YYYY-MM-DDTHH:MM:SS, in UTC or with its offset",
    "in-the-future": "what has not happened by the day of the import is no history; plans have columns of their own",
    "unlikely-date": f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}",
    "bad-number": "this format expects a number without separators or unit",
    "not-whole": "this column holds a whole number",
    "not-whole-fen": "an amount must be a whole number of the currency's smallest unit; for yuan two decimals",
    "not-a-currency": "this column holds an ISO 4217 code of three capital letters, XXX where there is none",
    "too-large": "no amount here exceeds ten trillion yuan, no count two billion; check the unit",
    "too-small": "the value lies below the least that this column takes",
    "not-a-choice": "docs/tables.md has the values that this column takes",
    "bad-id": "an id has no invisible characters and does not begin with = + - @, which spreadsheets run as a formula",
    "bad-flag": "this format expects true or false",
    "ragged-row": "the row has more or fewer fields than the header; a comma inside a value needs quotes",
    "not-json": "the line is no JSON document, or one that is nested too deep; ask the publisher for it again",
    "not-a-release": "no OCDS release, record or package of them stands here, or it links to one elsewhere: fetch that",
    "not-a-list": "OCDS has a list of objects here; ask the publisher to write it so",
    "no-party-id": "neither the party nor its identifier has an id; nobody is identified by name",
    "several-suppliers": "what each of several suppliers was awarded is not said; the award is nobody's alone",
    "duplicate-key": "another row has the same id and says something else; a correction needs its own `record_id`"
    " and names this one in `replaces`",
    "unknown-record": "`replaces` names a row that the ledger does not hold; this one is kept, and goes in with that",
    "corrected-before": "a correction of a correction is recorded no earlier than the one that it corrects; this one"
    " is kept, and goes in once that is known from earlier on",
    "replaced-twice": "that row has a correction already; a further one replaces the correction",
    "not-of-the-bank": "a bank reports on firms that consented to it or that it lent to, by the id or the code of its"
    " file; no other firm's record is touched",
    "other-bank": "the row is another bank's; import each bank's file with its own --bank",
    "not-one-supplier": "several suppliers have this code; name the supplier_id of the bank's file",
    "not-its-code": "the code is another supplier's than the supplier_id; leave out what is wrong",
    "not-its-contract": "the supplier has no contract of that id on record; the guarantee's text has the platform's id",
    "erased": "the supplier's personal data were erased and are not taken in again",
    "unknown-supplier": "no supplier of that id is registered; the row is kept, and goes in with the registration",
}

# What is said of a column's own: the pattern of its days where a mapping gives one, and the values that it takes.
DATED, CHOICES = "the mapping says how a day of this column is written: ", "this column takes one of: "


def describe(row: dict[str, object]) -> str:
    """One quarantined row as an error message: file, line, column, value.

    >>> describe({"file": "a.csv", "line": 48, "column": "signed_on", "value": "31/02/2025", "problem": "bad-date"})
    'a.csv line 48, column "signed_on": "31/02/2025" (bad-date)'
    """
    value = "empty" if row["value"] is None else f'"{row["value"]}"'
    return f'{row["file"]} line {row["line"]}, column "{row["column"]}": {value} ({row["problem"]})'
