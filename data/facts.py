"""Facts about a case that a decision needs beside features: who is asked about, the contract, exposure, consents.

Read through the ledger's door like everything else, so a fact is what was known on the case's own date.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from credit.domain.identifiers import is_uscc
from data.ledger import Ledger

# The last registration as known, and what is drawn and guaranteed by then.
_SUPPLIER_FACTS = """
    WITH registration AS (
        SELECT case_id, uscc, region FROM suppliers
        QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1),
    draws AS (
        SELECT case_id, sum(drawn) AS drawn_fen FROM (
            SELECT case_id, loan_id, max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS drawn
            FROM credit_events GROUP BY ALL HAVING count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0)
        GROUP BY case_id),
    standing AS (
        SELECT case_id, contract_id, form, arg_max(amount_fen, (happened_on, kind)) AS fen
        FROM guarantee_events GROUP BY case_id, contract_id, guarantee_id, form
        HAVING arg_max(kind, (happened_on, kind)) IN ('ISSUED', 'EFFECTIVE', 'REDUCED', 'DEMANDED')),
    guaranteed AS (SELECT case_id, sum(fen) AS guaranteed_fen FROM standing GROUP BY case_id)
    SELECT c.case_id, r.uscc, r.region, coalesce(d.drawn_fen, 0) AS drawn_fen,
           coalesce(d.drawn_fen, 0) + coalesce(g.guaranteed_fen, 0) AS exposure_fen
    FROM cases AS c LEFT JOIN registration AS r USING (case_id) LEFT JOIN draws AS d USING (case_id)
    LEFT JOIN guaranteed AS g USING (case_id) ORDER BY c.case_id"""

# The contract as changed by then: open or ended, its account, what stands on it, what advance has arrived.
_CONTRACT_FACTS = """
    WITH standing AS (
        SELECT case_id, contract_id, form, arg_max(amount_fen, (happened_on, kind)) AS fen
        FROM guarantee_events GROUP BY case_id, contract_id, guarantee_id, form
        HAVING arg_max(kind, (happened_on, kind)) IN ('ISSUED', 'EFFECTIVE', 'REDUCED', 'DEMANDED')),
    stands AS (
        SELECT case_id, contract_id, sum(fen) AS guaranteed_fen, sum(fen) FILTER (WHERE form = ?) AS same_form_fen
        FROM standing GROUP BY ALL),
    changes AS (
        SELECT case_id, contract_id, sum(change_fen) AS changed_fen,
               count(*) FILTER (WHERE kind IN ('COMPLETED', 'TERMINATED')) AS ends
        FROM amendments GROUP BY ALL),
    account AS (SELECT case_id, contract_id, arg_max(kind, (happened_on, kind)) AS last_kind FROM accounts GROUP BY ALL),
    advances AS (
        SELECT case_id, contract_id, sum(amount_fen) AS received_fen FROM payments WHERE kind = 'ADVANCE' GROUP BY ALL)
    SELECT c.case_id, k.amount_fen + coalesce(x.changed_fen, 0) AS contract_fen, k.advance_fen, k.signed_on,
           k.region AS contract_region, k.planned_acceptance_on, k.buyer_id,
           coalesce(x.ends, 0) = 0 AS contract_open,
           coalesce(a.last_kind IN ('LOCKED', 'CONFIRMED'), false) AS account_locked,
           coalesce(v.received_fen, 0) AS advance_received_fen,
           coalesce(s.guaranteed_fen, 0) AS guaranteed_fen, coalesce(s.same_form_fen, 0) AS guaranteed_same_form_fen
    FROM cases AS c JOIN contracts AS k ON k.case_id = c.case_id AND k.contract_id = c.contract_id
    LEFT JOIN changes AS x ON x.case_id = c.case_id AND x.contract_id = c.contract_id
    LEFT JOIN account AS a ON a.case_id = c.case_id AND a.contract_id = c.contract_id
    LEFT JOIN advances AS v ON v.case_id = c.case_id AND v.contract_id = c.contract_id
    LEFT JOIN stands AS s ON s.case_id = c.case_id AND s.contract_id = c.contract_id
    ORDER BY c.case_id"""

# A consent holds from the day it was signed until it is revoked or its last day is over.
_VALID_CONSENTS = """
    WITH last AS (
        SELECT case_id, consent_id, arg_max(kind, (happened_on, kind)) AS kind, any_value(bank_id) AS bank_id,
               any_value(purpose) AS purpose, max(valid_to) AS valid_to
        FROM consents GROUP BY ALL)
    SELECT c.supplier_id, l.consent_id, l.bank_id, l.purpose
    FROM last AS l JOIN cases AS c USING (case_id)
    WHERE l.kind = 'GRANTED' AND (l.valid_to IS NULL OR l.valid_to >= c.as_of)
    ORDER BY c.supplier_id, l.consent_id"""

# The last amount that the supplier itself asked a lender for within a year.
_LAST_REQUESTS = """
    SELECT case_id, arg_max(requested_fen, (applied_on, application_id)) AS requested_fen
    FROM applications WHERE applied_on > as_of - INTERVAL 12 MONTH GROUP BY case_id"""


def supplier_facts(ledger: Ledger, cases: pd.DataFrame, *, version: int | None = None) -> pd.DataFrame:
    """Registration and exposure of each case's supplier, indexed by case_id.

    `identity_valid` is missing where the source gives no unified social credit code; amounts are fen.
    """
    with ledger.known_on(cases, version=version) as con:
        frame = con.execute(_SUPPLIER_FACTS).df().set_index("case_id")
    valid = frame["uscc"].map(is_uscc, na_action="ignore").astype("boolean")
    return frame.assign(identity_valid=valid, exposure_fen=frame["exposure_fen"].astype("int64"))


def contract_facts(ledger: Ledger, cases: pd.DataFrame, *, form: str, version: int | None = None) -> pd.DataFrame:
    """The contract of each case as changed by its date, indexed by case_id; a case whose contract nobody knows has no row."""
    with ledger.known_on(cases, version=version) as con:
        frame = con.execute(_CONTRACT_FACTS, [form]).df().set_index("case_id")
    for name in ("signed_on", "planned_acceptance_on"):
        frame[name] = pd.to_datetime(frame[name]).dt.date
    return frame


def valid_consents(ledger: Ledger, suppliers: pd.Series, *, on: date, version: int | None = None) -> pd.DataFrame:
    """The consents of these suppliers that hold on a day: supplier_id, consent_id, bank_id, purpose.

    `on` is the day on which something is done with the data, not the date of the history: a revocation binds at once.
    """
    asked = pd.DataFrame({"supplier_id": pd.unique(suppliers)})
    asked = asked.assign(case_id=range(len(asked)), as_of=on)
    with ledger.known_on(asked, version=version) as con:
        return con.execute(_VALID_CONSENTS).df()


def last_requests(ledger: Ledger, cases: pd.DataFrame, *, version: int | None = None) -> pd.Series:
    """The amount that each supplier last asked a lender for within a year, in fen by case_id; NaN where it asked nobody."""
    with ledger.known_on(cases, version=version) as con:
        frame = con.execute(_LAST_REQUESTS).df().set_index("case_id")
    return frame["requested_fen"].reindex(cases["case_id"]).astype("float64")


def contract_supplier(ledger: Ledger, contract_id: str) -> str | None:
    """The supplier that a contract was signed with, or None where nobody knows the contract."""
    return ledger.lookup("contracts", "supplier_id", "contract_id", contract_id)
