"""A bank's feedback read for that bank: only rows about firms that it has to do with, by whatever id it names them.

A bank has to do with a firm that ever consented to it, or that the ledger knows it lent to before the file came: what
became of a loan is the bank's own record, and to tell it outlives the consent. A row about any other firm would be a
way to write into a stranger's history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd

from credit.domain.errors import UnknownName, WrongFormat
from data.formats.bank_feedback import BANK_FEEDBACK, COLUMNS, EVENTS, NEEDS
from data.formats.format import Format, Rows
from data.ledger import Ledger
from data.schema import CONSENTS, CONTRACTS, CREDIT_EVENTS, GUARANTEE_EVENTS, SUPPLIERS
from data.staging import LINE, REFUSED, ROW, listed_literals, literal, quoted, stage_file

_STRANGER = "named_as NOT IN (SELECT firm FROM theirs) AND firm NOT IN (SELECT firm FROM theirs)"
# The relation of the rows that go to no table.
_REFUSED_ROWS = "feedback"
# A complaint names the first column that its expression reads: those that stand in many expressions come last.
_LAST = ("event", "bank_id")
_NAMES = (*(column.name for column in COLUMNS if column.name not in _LAST), *_LAST)
_SHOWN = 80


def feedback_of(ledger: Ledger, bank_id: str, *, on: date) -> Format:
    """The format by which a bank's feedback is read; `on` is the day of the import."""
    return replace(BANK_FEEDBACK, reader=partial(_read, ledger=ledger, bank_id=bank_id, on=on))


def bank_in(path: Path) -> str:
    """The one bank that a file's rows name. Raises UnknownName where they name none, or several."""
    with duckdb.connect() as con:
        staged = stage_file(con, path, "told")
        found = ["bank_id"] if "bank_id" in staged.header else []
        rows = con.execute("SELECT DISTINCT bank_id FROM told WHERE bank_id IS NOT NULL").fetchall() if found else []
    if len(rows) != 1:
        raise UnknownName(f"{path.name}: its rows name {len(rows) or 'no'} banks", hint="say whose it is with --bank")
    return str(rows[0][0])


def _read(path: Path, *, ledger: Ledger, bank_id: str, on: date) -> Iterator[Rows]:
    """The rows by the table that they go to, each with the id of its supplier; those that are refused by themselves."""
    with ledger.connection() as con:
        staged = stage_file(con, path, "file")
        missing = [name for name in NEEDS if name not in staged.header]
        if missing:
            raise WrongFormat(
                f"{path.name}: column {missing[0]!r} is missing",
                hint=f"`credit ledger formats {BANK_FEEDBACK.name}` shows a sample",
            )
        columns = ", ".join(f"{quoted(n) if n in staged.header else 'CAST(NULL AS VARCHAR)'} AS {n}" for n in _NAMES)
        con.execute(f"CREATE TEMP TABLE told AS SELECT {columns}, {ROW}, {LINE}, {REFUSED} FROM file")
        _name_firms(con, ledger, on)
        _know_firms(con, ledger, bank_id, on)
        con.execute(f"CREATE TEMP TABLE judged AS {_judged_sql(bank_id)}")
        shown = ", ".join(quoted(name) for name in (*_NAMES, ROW, LINE, REFUSED))
        pieces = {table.name: f"{REFUSED} IS NULL AND event IN {_words(words)}" for table, words in EVENTS.items()}
        found = {
            name: con.sql(f"SELECT {shown} FROM judged WHERE {which} ORDER BY {ROW}").to_arrow_table()
            for name, which in (pieces | {_REFUSED_ROWS: f"{REFUSED} IS NOT NULL"}).items()
        }
    yield from ((name, rows) for name, rows in found.items() if rows.num_rows)


def _name_firms(con: duckdb.DuckDBPyConnection, ledger: Ledger, on: date) -> None:
    """Fill `named`: each row with the `firm` that it is about by the id that it goes on as, and what its code says."""
    gone = pd.DataFrame(list(ledger.gone_on_as(on).items()), columns=["gone_id", "goes_on_as"], dtype="str")
    con.register("gone", gone)
    con.execute(
        f"""CREATE TEMP TABLE coded AS
            SELECT uscc, min(firm) AS coded_firm, count(DISTINCT firm) AS firms FROM (
                SELECT s.uscc, coalesce(goes_on_as, s.supplier_id) AS firm
                FROM ({ledger.rows(SUPPLIERS, ledger.batches())}) AS s LEFT JOIN gone ON gone_id = s.supplier_id
                WHERE s.uscc IN (SELECT uscc FROM told)) GROUP BY uscc"""
    )
    con.execute(
        """CREATE TEMP TABLE named AS
           SELECT t.*, c.coded_firm, c.firms, coalesce(t.supplier_id, c.coded_firm) AS named_as,
                  coalesce(goes_on_as, t.supplier_id, c.coded_firm) AS firm
           FROM told AS t LEFT JOIN coded AS c USING (uscc) LEFT JOIN gone ON gone_id = t.supplier_id"""
    )


def _know_firms(con: duckdb.DuckDBPyConnection, ledger: Ledger, bank_id: str, on: date) -> None:
    """Fill `theirs`, the ids of firms that the bank has to do with, and `contracted`, the contracts of each firm.

    A consent covers the id that gave it, a loan the firm by whatever id.
    """
    firms = con.execute(
        """SELECT firm AS supplier_id FROM named WHERE firm IS NOT NULL
           UNION SELECT named_as FROM named WHERE named_as IS NOT NULL ORDER BY 1"""
    ).df()
    cases = firms.assign(case_id=range(len(firms)), as_of=on)
    with ledger.known_on(cases, tables=(CONSENTS, CREDIT_EVENTS, CONTRACTS)) as known:
        theirs = known.con.execute(
            """SELECT c.supplier_id AS firm FROM cases AS c JOIN consents USING (case_id)
               WHERE bank_id = $bank AND kind = 'GRANTED'
               UNION SELECT c.supplier_id FROM cases AS c JOIN credit_events USING (case_id) WHERE lender_id = $bank""",
            {"bank": bank_id},
        ).df()
        contracted = known.con.execute(
            "SELECT c.supplier_id AS firm, k.contract_id FROM contracts AS k JOIN cases AS c USING (case_id)"
        ).df()
    for name, frame in (("theirs", theirs), ("contracted", contracted)):
        con.register("known", frame.astype("str"))
        con.execute(f"CREATE TEMP TABLE {name} AS SELECT DISTINCT * FROM known")
        con.unregister("known")


def _judged_sql(bank_id: str) -> str:
    """Each row with the id of its supplier, the bank, and why it is refused, if it is."""
    every = tuple(name for words in EVENTS.values() for name in words)
    guarantees = _words(EVENTS[GUARANTEE_EVENTS])
    checks = (
        ("event IS NULL", "event", "missing-value"),
        (f"event NOT IN {listed_literals(every)}", "event", "not-a-choice"),
        (f"bank_id <> {literal(bank_id)}", "bank_id", "other-bank"),
        ("reported_on IS NULL", "reported_on", "missing-value"),
        ("supplier_id IS NULL AND uscc IS NULL", "supplier_id", "missing-value"),
        ("supplier_id IS NULL AND firms > 1", "uscc", "not-one-supplier"),
        ("supplier_id IS NOT NULL AND firms = 1 AND coded_firm <> firm", "uscc", "not-its-code"),
        (f"supplier_id IS NOT NULL AND {_STRANGER}", "supplier_id", "not-of-the-bank"),
        (f"coalesce({_STRANGER}, true)", "uscc", "not-of-the-bank"),
        (
            f"event IN {guarantees} AND contract_id IS NOT NULL "
            "AND (firm, contract_id) NOT IN (SELECT (firm, contract_id) FROM contracted)",
            "contract_id",
            "not-its-contract",
        ),
        ("event = 'DECLINED' AND reason IS NULL", "reason", "missing-value"),
        ("event = 'GRANTED' AND amount_fen IS NULL", "amount_fen", "missing-value"),
    )
    said = " ".join(
        f"WHEN {condition} THEN {{'c': {literal(column)}, 'v': left({column}, {_SHOWN}), 'p': {literal(problem)}}}"
        for condition, column, problem in checks
    )
    return f"""
        SELECT * REPLACE (coalesce(supplier_id, firm) AS supplier_id, {literal(bank_id)} AS bank_id,
                          CASE WHEN {REFUSED} IS NOT NULL THEN {REFUSED} {said} END AS {REFUSED})
        FROM named"""


def _words(words: dict[str, str]) -> str:
    return listed_literals(tuple(words))
