"""Facts about a case that a decision needs beside features: who is asked about, the contract, exposure, consents.

Read through the ledger's door like everything else, so a fact is what was known on the case's own date.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from credit.domain.identifiers import is_uscc
from data.ledger import Known, Ledger
from data.regions import current_regions
from data.schema import CONSENTS, CONTRACT_ENDS, CONTRACTS, CREDIT_EVENTS, GUARANTEE_EVENTS, PROGRAMMES, SUPPLIERS

# What each guarantee leaves standing: the amount it was issued for or last reduced to, until it ends. A demand may be
# for a part of it and takes nothing off.
_STANDING = """standing AS (
        SELECT case_id, contract_id, form,
               coalesce(arg_max(amount_fen, (happened_on, kind, guarantee_event_id))
                            FILTER (WHERE kind IN ('ISSUED', 'EFFECTIVE', 'REDUCED')), max(amount_fen)) AS fen
        FROM guarantee_events GROUP BY case_id, contract_id, guarantee_id, form
        HAVING arg_max(kind, (happened_on, kind)) IN ('ISSUED', 'EFFECTIVE', 'REDUCED', 'DEMANDED'))"""

# The last registration as known, and what is drawn and guaranteed by then.
_SUPPLIER_FACTS = f"""
    WITH registration AS (
        SELECT case_id, uscc, region FROM suppliers
        QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1),
    draws AS (
        SELECT case_id, sum(drawn) AS drawn_fen FROM (
            SELECT case_id, loan_id, max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS drawn
            FROM credit_events GROUP BY ALL HAVING count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0)
        GROUP BY case_id),
    {_STANDING},
    guaranteed AS (SELECT case_id, sum(fen) AS guaranteed_fen FROM standing GROUP BY case_id)
    SELECT c.case_id, r.uscc, r.region, CAST(coalesce(d.drawn_fen, 0) AS BIGINT) AS drawn_fen,
           CAST(coalesce(d.drawn_fen, 0) + coalesce(g.guaranteed_fen, 0) AS BIGINT) AS exposure_fen
    FROM cases AS c LEFT JOIN registration AS r USING (case_id) LEFT JOIN draws AS d USING (case_id)
    LEFT JOIN guaranteed AS g USING (case_id) ORDER BY c.case_id"""

# The contract as changed by then: open or ended, its account, what stands on it, what advance has arrived.
_CONTRACT_FACTS = f"""
    WITH {_STANDING},
    stands AS (
        SELECT case_id, contract_id, sum(fen) AS guaranteed_fen, sum(fen) FILTER (WHERE form = ?) AS same_form_fen
        FROM standing GROUP BY ALL),
    changes AS (
        SELECT case_id, contract_id, sum(change_fen) AS changed_fen,
               count(*) FILTER (WHERE kind IN {CONTRACT_ENDS}) AS ends
        FROM amendments GROUP BY ALL),
    account AS (
        SELECT case_id, contract_id, arg_max(kind, (happened_on, kind)) AS last_kind FROM accounts GROUP BY ALL),
    advances AS (
        SELECT case_id, contract_id, sum(amount_fen) AS received_fen FROM payments WHERE kind = 'ADVANCE' GROUP BY ALL)
    SELECT c.case_id, CAST(k.amount_fen + coalesce(x.changed_fen, 0) AS BIGINT) AS contract_fen,
           k.advance_fen, k.signed_on, k.region AS contract_region, k.planned_acceptance_on, k.buyer_id,
           coalesce(x.ends, 0) = 0 AS contract_open,
           coalesce(a.last_kind IN ('LOCKED', 'CONFIRMED'), false) AS account_locked,
           CAST(coalesce(v.received_fen, 0) AS BIGINT) AS advance_received_fen,
           CAST(coalesce(s.guaranteed_fen, 0) AS BIGINT) AS guaranteed_fen,
           CAST(coalesce(s.same_form_fen, 0) AS BIGINT) AS guaranteed_same_form_fen
    FROM cases AS c JOIN contracts AS k ON k.case_id = c.case_id AND k.contract_id = c.contract_id
    LEFT JOIN changes AS x ON x.case_id = c.case_id AND x.contract_id = c.contract_id
    LEFT JOIN account AS a ON a.case_id = c.case_id AND a.contract_id = c.contract_id
    LEFT JOIN advances AS v ON v.case_id = c.case_id AND v.contract_id = c.contract_id
    LEFT JOIN stands AS s ON s.case_id = c.case_id AND s.contract_id = c.contract_id
    ORDER BY c.case_id"""

# A consent holds from the day it was signed until it is revoked or its last day is over.
_VALID_CONSENTS = """
    WITH last AS (
        SELECT * FROM consents
        QUALIFY row_number() OVER (PARTITION BY case_id, consent_id
                                   ORDER BY happened_on DESC, kind DESC, consent_event_id DESC) = 1)
    SELECT c.supplier_id, l.consent_id, l.bank_id, l.purpose
    FROM last AS l JOIN cases AS c USING (case_id)
    WHERE l.kind = 'GRANTED' AND (l.valid_to IS NULL OR l.valid_to >= c.as_of)
    ORDER BY c.supplier_id, l.consent_id"""

# The last amount that the supplier itself asked a lender for within a year.
_LAST_REQUESTS = """
    SELECT case_id, arg_max(requested_fen, (applied_on, application_id)) AS requested_fen
    FROM applications WHERE applied_on > as_of - INTERVAL 12 MONTH GROUP BY case_id"""


def registered(known: Known, *, tier: str) -> pd.Series[bool]:
    """Whether each case's supplier has registered with that kind of data, by the index of the cases."""
    found = known.con.execute("SELECT DISTINCT case_id FROM suppliers WHERE tier = ?", [tier]).fetchnumpy()["case_id"]
    return known.cases["case_id"].isin(found)


def _days(known: Known, frame: pd.DataFrame) -> pd.Series:
    """The `as_of` of each row of a frame that is indexed by case_id."""
    return known.cases.set_index("case_id")["as_of"].reindex(frame.index)


def supplier_facts(known: Known) -> pd.DataFrame:
    """Registration and exposure of each case's supplier, indexed by case_id.

    `identity_valid` is missing where the source gives no unified social credit code; `region` is the code that the
    county has on the case's date; amounts are fen.
    """
    frame = known.con.execute(_SUPPLIER_FACTS).df().set_index("case_id")
    frame["region"] = current_regions(frame["region"], _days(known, frame))
    valid = frame["uscc"].map(is_uscc, na_action="ignore").astype("boolean")
    return frame.assign(identity_valid=valid)


def contract_facts(known: Known, *, form: str) -> pd.DataFrame:
    """The contract of each case as changed by its date, by case_id; a case whose contract nobody knows has no row."""
    frame = known.con.execute(_CONTRACT_FACTS, [form]).df().set_index("case_id")
    frame["contract_region"] = current_regions(frame["contract_region"], _days(known, frame))
    for name in ("signed_on", "planned_acceptance_on"):
        frame[name] = pd.to_datetime(frame[name]).dt.date
    return frame


def valid_consents(ledger: Ledger, suppliers: pd.Series, *, on: date, version: int | None = None) -> pd.DataFrame:
    """The consents of these suppliers that hold on a day: supplier_id, consent_id, bank_id, purpose.

    `on` is the day on which something is done with the data, not the date of the history: a revocation binds at once.
    """
    asked = pd.DataFrame({"supplier_id": pd.unique(suppliers)})
    asked = asked.assign(case_id=range(len(asked)), as_of=on)
    with ledger.known_on(asked, version=version, tables=(CONSENTS,)) as known:
        return known.con.execute(_VALID_CONSENTS).df()


def last_requests(known: Known) -> pd.Series:
    """What each supplier last asked a lender for within a year, in fen by case_id; NaN where it asked nobody."""
    frame = known.con.execute(_LAST_REQUESTS).df().set_index("case_id")
    return frame["requested_fen"].reindex(known.cases["case_id"]).astype("float64")


# The first and last day of what was known of a supplier: invoices, contracts and payments.
_SPAN = """
    SELECT c.case_id, min(e.on_day) AS first_on, max(e.on_day) AS last_on
    FROM cases AS c LEFT JOIN (
        SELECT case_id, issued_on AS on_day FROM invoices
        UNION ALL SELECT case_id, signed_on FROM contracts UNION ALL SELECT case_id, paid_on FROM payments) AS e
    USING (case_id) GROUP BY c.case_id ORDER BY c.case_id"""


def data_span(known: Known) -> pd.DataFrame:
    """The first and last day of each supplier's events as known, `first_on` and `last_on` by case_id."""
    frame = known.con.execute(_SPAN).df().set_index("case_id")
    return frame.apply(lambda column: pd.to_datetime(column).dt.date)


def contracts_awaiting_advance(ledger: Ledger, as_of: date, *, version: int | None = None) -> list[str]:
    """Open contracts on a date whose agreed advance is neither paid nor guaranteed and whose account is locked."""
    cases = ledger.suppliers(as_of, version=version)
    with ledger.known_on(cases, version=version) as known:
        rows = known.con.execute(
            f"""SELECT contract_id FROM contracts WHERE advance_fen > 0
               AND contract_id NOT IN (SELECT contract_id FROM amendments WHERE kind IN {CONTRACT_ENDS})
               AND contract_id NOT IN (SELECT contract_id FROM payments WHERE kind = 'ADVANCE')
               AND contract_id NOT IN (SELECT contract_id FROM guarantee_events WHERE form = 'ADVANCE_PAYMENT')
               AND contract_id IN (SELECT contract_id FROM accounts GROUP BY contract_id
                                   HAVING arg_max(kind, (happened_on, kind)) IN ('LOCKED', 'CONFIRMED'))
               ORDER BY contract_id"""
        ).fetchall()
        return [row[0] for row in rows]


# The last registration as known, and every programme that the supplier is a member of on the case's day.
_SEGMENTS = """
    WITH registration AS (
        SELECT case_id, size_class, industry, region FROM suppliers
        QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1),
    memberships AS (
        SELECT case_id, programme FROM programmes GROUP BY ALL
        HAVING arg_max(kind, (happened_on, kind)) = 'JOINED'
           AND coalesce(arg_max(valid_to, (happened_on, kind)) >= any_value(as_of), true)),
    joined AS (SELECT case_id, string_agg(programme, ' + ' ORDER BY programme) AS programme
               FROM memberships GROUP BY case_id)
    SELECT c.case_id, r.size_class AS size, r.region, r.industry AS sector, coalesce(j.programme, 'none') AS programme
    FROM cases AS c LEFT JOIN registration AS r USING (case_id) LEFT JOIN joined AS j USING (case_id)
    ORDER BY c.case_id"""


def segments(ledger: Ledger, cases: pd.DataFrame, *, version: int | None = None) -> pd.DataFrame:
    """What kind of firm each case's supplier was on its day: size, region (a city), sector and programme, by case_id.

    To report on, never to score by.
    """
    with ledger.known_on(cases, version=version, tables=(SUPPLIERS, PROGRAMMES)) as known:
        frame = known.con.execute(_SEGMENTS).df().set_index("case_id")
        frame["region"] = current_regions(frame["region"], _days(known, frame)).str[:4]
    return frame


# Of each draw that was written off, or repaid though it had been 90 days past due, the share that was lost.
_LOSSES = """
    SELECT supplier_id, loan_id,
           coalesce(max(amount_fen) FILTER (WHERE kind = 'WRITTEN_OFF'), 0)
               / max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS share
    FROM credit_events GROUP BY ALL
    HAVING max(days_past_due) >= ? AND count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) > 0
       AND max(amount_fen) FILTER (WHERE kind = 'DRAWN') > 0
    ORDER BY loan_id"""

# Of each guarantee that has ended on these contracts, the share of its first amount that was paid.
_CONVERSIONS = """
    SELECT g.supplier_id, g.form, g.guarantee_id,
           coalesce(sum(g.amount_fen) FILTER (WHERE g.kind = 'PAID'), 0)
               / max(g.amount_fen) FILTER (WHERE g.kind = 'ISSUED') AS share
    FROM guarantee_events AS g WHERE g.contract_id IN (SELECT unnest(CAST(? AS VARCHAR[])))
    GROUP BY ALL
    HAVING count(*) FILTER (WHERE g.kind IN ('PAID', 'RELEASED', 'EXPIRED')) > 0
       AND max(g.amount_fen) FILTER (WHERE g.kind = 'ISSUED') > 0
    ORDER BY g.guarantee_id"""

DEFAULT_DAYS = 90


def closed_losses(ledger: Ledger, as_of: date, *, version: int | None = None) -> pd.DataFrame:
    """The share lost of each defaulted draw that is closed by a day: supplier_id, loan_id, share."""
    cases = ledger.suppliers(as_of, version=version)
    with ledger.known_on(cases, version=version, tables=(CREDIT_EVENTS,)) as known:
        return known.con.execute(_LOSSES, [DEFAULT_DAYS]).df()


def closed_conversions(
    ledger: Ledger, as_of: date, contracts: list[str], *, version: int | None = None
) -> pd.DataFrame:
    """The share paid of each guarantee on these contracts that has ended by a day: supplier_id, form, share."""
    cases = ledger.suppliers(as_of, version=version)
    with ledger.known_on(cases, version=version, tables=(GUARANTEE_EVENTS,)) as known:
        return known.con.execute(_CONVERSIONS, [contracts]).df()


def contracts_signed(
    ledger: Ledger, after: date, until: date, *, channels: tuple[str, ...], version: int | None = None
) -> pd.DataFrame:
    """A case for each contract signed in a window and bought in one of these ways, as known at its end.

    case_id, supplier_id, contract_id, as_of; by contract_id.
    """
    cases = ledger.suppliers(until, version=version)
    with ledger.known_on(cases, version=version, tables=(CONTRACTS,)) as known:
        found = known.con.execute(
            """SELECT c.supplier_id, k.contract_id FROM contracts AS k JOIN cases AS c USING (case_id)
               WHERE k.signed_on > ? AND k.signed_on <= ? AND list_contains(?, k.channel) ORDER BY k.contract_id""",
            [after, until, list(channels)],
        ).df()
    return found.assign(case_id=range(len(found)), as_of=until)
