"""Facts about a case that a decision needs beside features: who is asked about, the contract, exposure, consents.

Read through the ledger's door like everything else, so a fact is what was known on the case's own date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from credit.domain.identifiers import are_usccs
from credit.domain.windows import last_month_end
from data.ledger import Known, Ledger
from data.regions import current_regions, tags
from data.schema import (
    ACCEPTANCES,
    ACCOUNT_STEPS,
    ACCOUNTS,
    AMENDMENTS,
    CONSENTS,
    CONTRACT_ENDS,
    CONTRACTS,
    CREDIT_EVENTS,
    GROUP_TIES,
    GUARANTEE_EVENTS,
    INVOICES,
    LISTINGS,
    PAYMENTS,
    PROGRAMMES,
    RELATIONS,
    SUPPLIERS,
)
from data.staging import literal

# What each guarantee leaves standing: the amount it was issued for or last reduced to, until it ends. A demand may be
# for a part of it and takes nothing off.
_STANDING = """standing AS (
        SELECT case_id, contract_id, form,
               coalesce(arg_max(amount_fen, (happened_on, kind, guarantee_event_id))
                            FILTER (WHERE kind IN ('ISSUED', 'EFFECTIVE', 'REDUCED')), max(amount_fen)) AS fen
        FROM guarantee_events GROUP BY case_id, contract_id, guarantee_id, form
        HAVING arg_max(kind, (happened_on, kind)) IN ('ISSUED', 'EFFECTIVE', 'REDUCED', 'DEMANDED', 'REFUSED'))"""

# Every programme that the supplier is a member of on the case's day.
_PROGRAMMES = """memberships AS (
        SELECT case_id, programme FROM programmes GROUP BY ALL
        HAVING arg_max(kind, (happened_on, kind)) = 'JOINED'
           AND coalesce(arg_max(valid_to, (happened_on, kind)) >= any_value(as_of), true)),
    joined AS (SELECT case_id, string_agg(programme, ' + ' ORDER BY programme) AS programme
               FROM memberships GROUP BY case_id)"""

# The last registration as known, and what is drawn and guaranteed by then. The ties that a firm came with are no
# change of its control.
_SUPPLIER_FACTS = f"""
    WITH registration AS (
        SELECT case_id, uscc, region, industry FROM suppliers
        QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1),
    draws AS (
        SELECT case_id, sum(drawn) AS drawn_fen FROM (
            SELECT case_id, loan_id, max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS drawn
            FROM credit_events GROUP BY ALL HAVING count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0)
        GROUP BY case_id),
    {_STANDING},
    guaranteed AS (SELECT case_id, sum(fen) AS guaranteed_fen FROM standing GROUP BY case_id),
    {_PROGRAMMES},
    ties AS (
        SELECT case_id, as_of, happened_on, min(happened_on) OVER (PARTITION BY case_id) AS first_on
        FROM relations WHERE tie IN {GROUP_TIES}),
    changed AS (
        SELECT case_id, count(*) AS changes FROM ties
        WHERE happened_on > first_on AND happened_on > as_of - INTERVAL 6 MONTH GROUP BY case_id),
    listed AS (
        SELECT case_id, list FROM listings GROUP BY ALL HAVING arg_max(kind, (happened_on, kind)) = 'LISTED'),
    lists AS (SELECT case_id, count(*) AS lists FROM listed GROUP BY case_id)
    SELECT c.case_id, r.uscc, r.region, r.industry, j.programme AS programmes,
           coalesce(x.changes, 0) AS controls_changed_6m, coalesce(l.lists, 0) AS lists,
           CAST(coalesce(d.drawn_fen, 0) AS BIGINT) AS drawn_fen,
           CAST(coalesce(d.drawn_fen, 0) + coalesce(g.guaranteed_fen, 0) AS BIGINT) AS exposure_fen
    FROM cases AS c LEFT JOIN registration AS r USING (case_id) LEFT JOIN draws AS d USING (case_id)
    LEFT JOIN guaranteed AS g USING (case_id) LEFT JOIN joined AS j USING (case_id)
    LEFT JOIN changed AS x USING (case_id) LEFT JOIN lists AS l USING (case_id) ORDER BY c.case_id"""

# Within a day an account only goes forward: the table lists what can happen to it in that order.
_STEP = f"list_position([{', '.join(map(literal, ACCOUNT_STEPS))}], kind)"

# The contract as changed by then: open or ended, its account, what stands on it, what advance has arrived.
_CONTRACT_FACTS = f"""
    WITH {_STANDING},
    stands AS (
        SELECT case_id, contract_id, sum(fen) AS guaranteed_fen, sum(fen) FILTER (WHERE form = ?) AS same_form_fen,
               sum(fen) FILTER (WHERE form = 'ADVANCE_PAYMENT') AS advance_fen
        FROM standing GROUP BY ALL),
    changes AS (
        SELECT case_id, contract_id, sum(change_fen) AS changed_fen,
               count(*) FILTER (WHERE kind IN {CONTRACT_ENDS}) AS ends
        FROM amendments GROUP BY ALL),
    account AS (
        SELECT case_id, contract_id, arg_max(kind, (happened_on, {_STEP})) AS last_kind,
               arg_max(account_event_id, (happened_on, account_event_id)) FILTER (WHERE kind = 'LOCKED') AS lock_ref
        FROM accounts GROUP BY ALL),
    paid AS (
        SELECT case_id, contract_id,
               sum(amount_fen) FILTER (WHERE kind = 'ADVANCE') AS received_fen,
               sum(amount_fen) FILTER (WHERE kind IS DISTINCT FROM 'ADVANCE') AS paid_fen,
               sum(amount_fen) FILTER (WHERE kind = 'RETENTION') AS retained_fen
        FROM payments GROUP BY ALL),
    delivered AS (SELECT case_id, contract_id, sum(value_fen) AS fen FROM deliveries GROUP BY ALL),
    accepted AS (SELECT case_id, contract_id, sum(accepted_fen) AS fen FROM acceptances GROUP BY ALL),
    invoiced AS (
        SELECT case_id, contract_id, sum(total_fen) AS fen FROM invoices
        WHERE direction = 'ISSUED' AND status = 'VALID' AND contract_id IS NOT NULL GROUP BY ALL),
    dispute AS (
        SELECT case_id, contract_id, dispute_id, max(amount_fen) AS fen FROM disputes GROUP BY ALL
        HAVING arg_max(kind, (happened_on, kind)) <> 'DISMISSED'),
    disputed AS (SELECT case_id, contract_id, sum(fen) AS fen FROM dispute GROUP BY ALL),
    recorded AS (
        SELECT case_id, contract_id, max(on_day) AS last_on FROM (
            SELECT case_id, contract_id, signed_on AS on_day FROM contracts
            UNION ALL SELECT case_id, contract_id, amended_on FROM amendments
            UNION ALL SELECT case_id, contract_id, delivered_on FROM deliveries
            UNION ALL SELECT case_id, contract_id, accepted_on FROM acceptances
            UNION ALL SELECT case_id, contract_id, paid_on FROM payments) GROUP BY ALL),
    tied AS (
        SELECT case_id, related_id FROM relations GROUP BY case_id, related_id, tie
        HAVING arg_max(kind, (happened_on, kind)) = 'BEGAN'),
    cities AS (
        SELECT c.case_id, count(*) AS contracts FROM cases AS c
        JOIN contracts AS k ON k.case_id = c.case_id AND k.contract_id = c.contract_id
        JOIN contracts AS o ON o.case_id = c.case_id AND o.contract_id <> k.contract_id
             AND o.signed_on <= k.signed_on AND left(o.region, 4) = left(k.region, 4)
        GROUP BY c.case_id)
    SELECT c.case_id, CAST(k.amount_fen + coalesce(x.changed_fen, 0) AS BIGINT) AS contract_fen,
           k.advance_fen, k.signed_on, k.region AS contract_region, k.planned_acceptance_on, k.buyer_id,
           coalesce(x.ends, 0) = 0 AS contract_open,
           coalesce(a.last_kind IN ('LOCKED', 'CONFIRMED'), false) AS account_locked,
           coalesce(a.last_kind = 'UNLOCKED', false) AS account_unlocked,
           coalesce(a.last_kind = 'CONFIRMED', false) AS contract_confirmed, a.lock_ref,
           k.category, coalesce(t.contracts, 0) AS city_contracts,
           k.buyer_id IN (SELECT related_id FROM tied WHERE tied.case_id = c.case_id) AS buyer_related,
           date_diff('day', w.last_on, CAST(c.as_of AS DATE)) AS contract_silent_days,
           CAST(coalesce(v.received_fen, 0) AS BIGINT) AS advance_received_fen,
           CAST(coalesce(v.paid_fen, 0) AS BIGINT) AS paid_fen,
           CAST(greatest(k.retention_fen - coalesce(v.retained_fen, 0), 0) AS BIGINT) AS retention_fen,
           CAST(coalesce(d.fen, 0) AS BIGINT) AS delivered_fen, CAST(coalesce(e.fen, 0) AS BIGINT) AS accepted_fen,
           CAST(coalesce(i.fen, 0) AS BIGINT) AS invoiced_fen, CAST(coalesce(p.fen, 0) AS BIGINT) AS disputed_fen,
           CAST(coalesce(s.advance_fen, 0) AS BIGINT) AS advance_guaranteed_fen,
           CAST(coalesce(s.guaranteed_fen, 0) AS BIGINT) AS guaranteed_fen,
           CAST(coalesce(s.same_form_fen, 0) AS BIGINT) AS guaranteed_same_form_fen
    FROM cases AS c JOIN contracts AS k ON k.case_id = c.case_id AND k.contract_id = c.contract_id
    LEFT JOIN changes AS x ON x.case_id = c.case_id AND x.contract_id = c.contract_id
    LEFT JOIN account AS a ON a.case_id = c.case_id AND a.contract_id = c.contract_id
    LEFT JOIN paid AS v ON v.case_id = c.case_id AND v.contract_id = c.contract_id
    LEFT JOIN delivered AS d ON d.case_id = c.case_id AND d.contract_id = c.contract_id
    LEFT JOIN accepted AS e ON e.case_id = c.case_id AND e.contract_id = c.contract_id
    LEFT JOIN invoiced AS i ON i.case_id = c.case_id AND i.contract_id = c.contract_id
    LEFT JOIN disputed AS p ON p.case_id = c.case_id AND p.contract_id = c.contract_id
    LEFT JOIN recorded AS w ON w.case_id = c.case_id AND w.contract_id = c.contract_id
    LEFT JOIN cities AS t ON t.case_id = c.case_id
    LEFT JOIN stands AS s ON s.case_id = c.case_id AND s.contract_id = c.contract_id
    ORDER BY c.case_id"""

# The last that was said of each consent.
_LAST_OF_CONSENTS = """last AS (
        SELECT * FROM consents
        QUALIFY row_number() OVER (PARTITION BY case_id, consent_id
                                   ORDER BY happened_on DESC, kind DESC, consent_event_id DESC) = 1)"""

# A consent holds from the day it was signed until it is revoked or its last day is over.
_VALID_CONSENTS = f"""
    WITH {_LAST_OF_CONSENTS}
    SELECT c.supplier_id, l.consent_id, l.bank_id, l.purpose, l.valid_to
    FROM last AS l JOIN cases AS c USING (case_id)
    WHERE l.kind = 'GRANTED' AND (l.valid_to IS NULL OR l.valid_to >= c.as_of)
    ORDER BY c.supplier_id, l.consent_id"""

_REVOKED_CONSENTS = f"WITH {_LAST_OF_CONSENTS} SELECT consent_id FROM last WHERE kind = 'REVOKED'"

# A sole trader is a natural person: by the form it is registered in, or by its code, whatever form is stated beside it.
# A firm of which neither is known is no person to anybody's knowledge; KO-IDENTITY refers it to one.
_WITHHELD = f"""
    WITH valid AS ({_VALID_CONSENTS}),
    registration AS (
        SELECT case_id, legal_form, uscc FROM suppliers
        QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1)
    SELECT c.supplier_id FROM cases AS c JOIN registration AS r USING (case_id)
    WHERE (coalesce(r.legal_form = 'SOLE_TRADER', false) OR coalesce(starts_with(r.uscc, '92'), false))
      AND c.supplier_id NOT IN (SELECT supplier_id FROM valid)"""

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
    """Registration, exposure, programmes, lists and changes of control of each case's supplier, indexed by case_id.

    `identity_valid` is missing where the source gives no unified social credit code; `region` is the code that the
    county has on the case's date; what a region is named for, such as the mountain counties, counts as a programme;
    `lists` are the exclusion lists it stands on; amounts are fen.
    """
    frame = known.con.execute(_SUPPLIER_FACTS).df().set_index("case_id")
    frame["region"] = current_regions(frame["region"], _days(known, frame))
    valid = are_usccs(frame["uscc"].astype("str"))
    # Where nobody is in any, a column of nothing but what is missing is no text to pandas.
    joined, named = (each.astype("str") for each in (frame["programmes"], frame["region"].map(tags())))
    both = joined + " + " + named
    return frame.assign(identity_valid=valid, programmes=both.fillna(joined).fillna(named))


def contract_facts(known: Known, *, form: str) -> pd.DataFrame:
    """The contract of each case as changed by its date, by case_id; a case whose contract nobody knows has no row."""
    frame = known.con.execute(_CONTRACT_FACTS, [form]).df().set_index("case_id")
    frame["contract_region"] = current_regions(frame["contract_region"], _days(known, frame))
    for name in ("signed_on", "planned_acceptance_on"):
        frame[name] = pd.to_datetime(frame[name]).dt.date
    return frame


def valid_consents(ledger: Ledger, suppliers: pd.Series, *, on: date, version: int | None = None) -> pd.DataFrame:
    """The consents of these suppliers that hold on a day: supplier_id, consent_id, bank_id, purpose, valid_to.

    `on` is the day on which something is done with the data, not the date of the history: a revocation binds at once.
    """
    asked = pd.DataFrame({"supplier_id": pd.unique(suppliers)})
    asked = asked.assign(case_id=range(len(asked)), as_of=on)
    with ledger.known_on(asked, version=version, tables=(CONSENTS,)) as known:
        found = known.con.execute(_VALID_CONSENTS).df()
    return found.assign(valid_to=pd.to_datetime(found["valid_to"]).dt.date)


def revoked_consents(ledger: Ledger, suppliers: pd.Series, *, on: date, version: int | None = None) -> frozenset[str]:
    """The ids of these suppliers' consents that were revoked by a day; one that ran out by itself was not."""
    asked = pd.DataFrame({"supplier_id": pd.unique(suppliers)})
    asked = asked.assign(case_id=range(len(asked)), as_of=on)
    with ledger.known_on(asked, version=version, tables=(CONSENTS,)) as known:
        return frozenset(consent for (consent,) in known.con.execute(_REVOKED_CONSENTS).fetchall())


def withheld(ledger: Ledger, suppliers: pd.Series, *, on: date, version: int | None = None) -> frozenset[str]:
    """Of these suppliers the sole traders who consent on a day to no bank's receiving their record, for any purpose.

    A natural person's credit is not judged without consent (征信业管理条例 Art. 13; DOMAIN 2.5, U04).
    """
    asked = pd.DataFrame({"supplier_id": pd.unique(suppliers)})
    asked = asked.assign(case_id=range(len(asked)), as_of=on)
    with ledger.known_on(asked, version=version, tables=(SUPPLIERS, CONSENTS)) as known:
        return frozenset(supplier for (supplier,) in known.con.execute(_WITHHELD).fetchall())


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


SPAN_TABLES = (INVOICES, CONTRACTS, PAYMENTS)


def data_span(known: Known) -> pd.DataFrame:
    """The first and last day of each supplier's events as known, `first_on` and `last_on` by case_id."""
    frame = known.con.execute(_SPAN).df().set_index("case_id")
    return frame.apply(lambda column: pd.to_datetime(column).dt.date)


# Contracts that have not ended and whose collection account is locked.
_OPEN_AND_LOCKED = f"""
    SELECT c.supplier_id, k.contract_id FROM contracts AS k JOIN cases AS c USING (case_id)
    WHERE k.contract_id NOT IN (SELECT contract_id FROM amendments WHERE kind IN {CONTRACT_ENDS})
      AND k.contract_id IN (SELECT contract_id FROM accounts GROUP BY contract_id
                            HAVING arg_max(kind, (happened_on, {_STEP})) IN ('LOCKED', 'CONFIRMED'))"""


def open_and_locked(ledger: Ledger, suppliers: pd.Series, as_of: date, *, version: int | None = None) -> pd.DataFrame:
    """The open contracts of these suppliers on a date whose collection account is locked: supplier_id, contract_id."""
    cases = pd.DataFrame({"case_id": range(len(suppliers)), "supplier_id": suppliers.to_numpy(), "as_of": as_of})
    with ledger.known_on(cases, version=version, tables=(CONTRACTS, AMENDMENTS, ACCOUNTS)) as known:
        return known.con.execute(f"{_OPEN_AND_LOCKED} ORDER BY k.contract_id").df()


def contracts_awaiting_advance(ledger: Ledger, as_of: date, *, version: int | None = None) -> list[str]:
    """Open contracts on a date whose agreed advance is neither paid nor guaranteed and whose account is locked."""
    cases = ledger.suppliers(as_of, version=version)
    with ledger.known_on(cases, version=version) as known:
        rows = known.con.execute(
            f"""{_OPEN_AND_LOCKED} AND k.advance_fen > 0
               AND k.contract_id NOT IN (SELECT contract_id FROM payments WHERE kind = 'ADVANCE')
               AND k.contract_id NOT IN (SELECT contract_id FROM guarantee_events WHERE form = 'ADVANCE_PAYMENT')
               ORDER BY k.contract_id"""
        ).fetchall()
        return [row[1] for row in rows]


def account_events(ledger: Ledger, supplier_id: str, contract_id: str, *, on: date) -> list[dict[str, str]]:
    """What happened to the collection account of a contract by a day, in order: happened_on, kind, account_event_id."""
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [supplier_id], "as_of": [on]})
    with ledger.known_on(cases, tables=(ACCOUNTS,)) as known:
        rows = known.con.execute(
            f"""SELECT CAST(happened_on AS VARCHAR), kind, account_event_id FROM accounts WHERE contract_id = ?
                ORDER BY happened_on, {_STEP}, account_event_id""",
            [contract_id],
        ).fetchall()
    return [dict(zip(("happened_on", "kind", "account_event_id"), row, strict=True)) for row in rows]


_SEGMENTS = f"""
    WITH registration AS (
        SELECT case_id, size_class, industry, region FROM suppliers
        QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1),
    {_PROGRAMMES}
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


# What the facts about a supplier itself are read from.
SUPPLIER_TABLES = (SUPPLIERS, RELATIONS, PROGRAMMES, CREDIT_EVENTS, GUARANTEE_EVENTS, LISTINGS)


def groups_on(ledger: Ledger, as_of: date, *, version: int | None = None) -> pd.Series:
    """The group of each connected firm on a day, by supplier_id; computed once a day and version of the ledger."""
    name = f"groups-{as_of}"
    file = ledger.derived(name, version)
    if file is None:
        found = ledger.groups(as_of, version=version)
        file = ledger.keep_derived(name, found.to_parquet(index=False), version)
    return pd.read_parquet(file).set_index("supplier_id")["group_id"]


_DRAWN_SINCE = """
    SELECT CAST(coalesce(sum(drawn), 0) AS BIGINT) FROM (
        SELECT max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS drawn
        FROM credit_events GROUP BY loan_id
        HAVING min(happened_on) FILTER (WHERE kind = 'DRAWN') >= CAST(? AS DATE)
           AND count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0)"""


def drawn_since(ledger: Ledger, supplier_id: str, since: date, as_of: date, *, version: int | None = None) -> int:
    """What a supplier has drawn from a day on and not repaid, in fen, whoever lent it: no feed names the line."""
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [supplier_id], "as_of": [as_of]})
    with ledger.known_on(cases, version=version, tables=(CREDIT_EVENTS,)) as known:
        found = known.con.execute(_DRAWN_SINCE, [since]).fetchone()
    assert found is not None
    return int(found[0])


def programmes_on(ledger: Ledger, suppliers: pd.Series, as_of: date, *, version: int | None = None) -> pd.DataFrame:
    """The programmes that each of these suppliers is in on a day, a row each: supplier_id, programme."""
    asked = pd.unique(suppliers)
    cases = pd.DataFrame({"case_id": range(len(asked)), "supplier_id": asked, "as_of": as_of})
    with ledger.known_on(cases, version=version, tables=SUPPLIER_TABLES) as known:
        joined = supplier_facts(known)["programmes"].reindex(cases["case_id"])
    found = cases[["supplier_id"]].assign(programme=joined.str.split(" + ", regex=False).to_numpy())
    return found.explode("programme").dropna().reset_index(drop=True)


# Of each case, the draws and the calls of guarantees from its own day on; what was repaid since was drawn all the same.
_HAPPENED_SINCE = """
    WITH asked AS (SELECT unnest(CAST(? AS BIGINT[])) AS case_id, unnest(CAST(? AS DATE[])) AS since),
    draws AS (
        SELECT case_id, min(happened_on) FILTER (WHERE kind = 'DRAWN') AS drawn_on,
               max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS fen,
               count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0 AS is_open,
               max(days_past_due) AS days, max(amount_fen) FILTER (WHERE kind = 'WRITTEN_OFF') AS lost
        FROM credit_events GROUP BY case_id, loan_id),
    drawn AS (
        SELECT case_id, sum(fen) AS drawn_fen, sum(fen) FILTER (WHERE is_open) AS open_fen, max(days) AS days,
               sum(lost) AS lost_fen
        FROM draws JOIN asked USING (case_id) WHERE drawn_on >= since GROUP BY case_id),
    called AS (
        SELECT case_id, count(DISTINCT guarantee_id) AS guarantees,
               sum(amount_fen) FILTER (WHERE kind = 'PAID') AS paid_fen
        FROM guarantee_events JOIN asked USING (case_id)
        WHERE kind IN ('DEMANDED', 'PAID') AND happened_on >= since GROUP BY case_id)
    SELECT a.case_id, coalesce(d.drawn_fen, 0)::BIGINT AS drawn_fen, coalesce(d.open_fen, 0)::BIGINT AS open_fen,
           coalesce(d.days, 0)::BIGINT AS worst_days_past_due, coalesce(d.lost_fen, 0)::BIGINT AS written_off_fen,
           coalesce(g.guarantees, 0)::BIGINT AS guarantees_called,
           coalesce(g.paid_fen, 0)::BIGINT AS guarantees_paid_fen
    FROM asked AS a LEFT JOIN drawn AS d USING (case_id) LEFT JOIN called AS g USING (case_id) ORDER BY a.case_id"""


def happened_since(
    ledger: Ledger, suppliers: Sequence[str], since: Sequence[date], as_of: date, *, version: int | None = None
) -> pd.DataFrame:
    """What became of each supplier from a day of its own on, as known by `as_of`, in the order asked.

    What it drew, whoever lent, and what of it is open; the worst days past due and what was written off of those draws;
    how many guarantees were demanded or paid, and how much was paid. Amounts are fen; nothing known is 0.
    """
    cases = pd.DataFrame({"case_id": range(len(suppliers)), "supplier_id": list(suppliers), "as_of": as_of})
    with ledger.known_on(cases, version=version, tables=(CREDIT_EVENTS, GUARANTEE_EVENTS)) as known:
        asked = [cases["case_id"].tolist(), list(since)]
        return known.con.execute(_HAPPENED_SINCE, asked).df().set_index("case_id")


def paid_into_locked(
    ledger: Ledger, since: Mapping[str, date], as_of: date
) -> list[tuple[str, str, str | None, date, int]]:
    """What buyers paid into locked accounts, by supplier from a day of its own on, as known by `as_of`.

    Of each payment, in the order of their days: its id, supplier, contract, day and amount in fen.
    """
    cases = pd.DataFrame({"case_id": range(len(since)), "supplier_id": list(since), "as_of": as_of})
    with ledger.known_on(cases, tables=(PAYMENTS,)) as known:
        return known.con.execute(
            """WITH asked AS (SELECT unnest(CAST(? AS BIGINT[])) AS case_id, unnest(CAST(? AS DATE[])) AS since)
               SELECT p.payment_id, c.supplier_id, p.contract_id, p.paid_on, p.amount_fen
               FROM payments AS p JOIN asked USING (case_id) JOIN cases AS c USING (case_id)
               WHERE p.to_locked_account AND p.amount_fen > 0 AND p.paid_on >= since
               ORDER BY p.paid_on, p.payment_id""",
            [cases["case_id"].tolist(), list(since.values())],
        ).fetchall()


def group_facts(ledger: Ledger, suppliers: pd.Series, as_of: date, *, version: int | None = None) -> pd.DataFrame:
    """The group of each of these suppliers, what it owes and is guaranteed for, and what its other members are listed.

    `group_id` (its own id where it is tied to nobody), `group_exposure_fen` and `connected_listings`, by supplier_id;
    the exposure is that of the other members, for the supplier's own is known.
    """
    groups = groups_on(ledger, as_of, version=version)
    asked = pd.Index(pd.unique(suppliers), name="supplier_id")
    mine = groups.reindex(asked)
    # Looked up as objects: texts of Arrow take ten times as long.
    members = groups[groups.astype(object).isin(set(mine.dropna()))]
    found = pd.DataFrame({"group_id": mine.fillna(asked.to_series()), "group_exposure_fen": 0, "connected_listings": 0})
    if members.empty:
        return found
    cases = pd.DataFrame({"case_id": range(len(members)), "supplier_id": members.index, "as_of": as_of})
    with ledger.known_on(cases, version=version, tables=SUPPLIER_TABLES) as known:
        each = known.con.execute(f"SELECT exposure_fen, lists FROM ({_SUPPLIER_FACTS})").df().set_axis(members.index)
    whole = each.groupby(members)[["exposure_fen", "lists"]].sum()
    own = each[["exposure_fen", "lists"]].reindex(asked).fillna(0)
    total = whole.reindex(mine).set_axis(asked).fillna(0)
    others = (total - own).astype("int64")
    return found.assign(group_exposure_fen=others["exposure_fen"], connected_listings=others["lists"])


# Days from acceptance to payment of what each buyer paid within two years, as known at the end of a month.
_PAY_DAYS = """
    SELECT p.buyer_id, quantile_disc(greatest(date_diff('day', a.accepted_on, p.paid_on), 0), ?) AS days,
           count(*) AS payments
    FROM payments AS p JOIN acceptances AS a USING (as_of, delivery_id)
    WHERE p.kind = 'PROGRESS' AND p.paid_on > p.as_of - INTERVAL 24 MONTH AND p.buyer_id IS NOT NULL
    GROUP BY p.buyer_id HAVING count(*) >= ? ORDER BY p.buyer_id"""
# Of fewer payments nobody knows how the buyer pays.
FEWEST_PAYMENTS = 5


def buyer_pay_days(ledger: Ledger, as_of: date, *, share: float = 0.8, version: int | None = None) -> pd.Series:
    """Days after acceptance by which each buyer has paid in eight of ten cases, or a `share`, by buyer_id (DOMAIN 5.4).

    From everybody's record as known at the end of the last month that is over; computed once a month and version.
    """
    end = last_month_end(as_of)
    name = f"pay-days-{share:g}-{end}"
    file = ledger.derived(name, version)
    if file is None:
        with ledger.everyone_on([end], tables=(PAYMENTS, ACCEPTANCES), version=version) as con:
            found = con.execute(_PAY_DAYS, [share, FEWEST_PAYMENTS]).df()
        file = ledger.keep_derived(name, found.to_parquet(index=False), version)
    return pd.read_parquet(file).set_index("buyer_id")["days"].astype("float64")
