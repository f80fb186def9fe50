"""A supplier's history for people to look at: by month, by buyer, its contracts, what it was lent and guaranteed for.

Read through the ledger's door like everything else, so that it is what was known on the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from data.batches import fed_by
from data.ledger import Known, Ledger
from data.schema import (
    ACCEPTANCES,
    AMENDMENTS,
    CONTRACTS,
    CREDIT_EVENTS,
    DELIVERIES,
    GUARANTEE_EVENTS,
    INVOICES,
    LISTINGS,
    PAYMENTS,
    SUPPLIERS,
)

TABLES = (
    ACCEPTANCES,
    AMENDMENTS,
    CONTRACTS,
    CREDIT_EVENTS,
    DELIVERIES,
    GUARANTEE_EVENTS,
    INVOICES,
    LISTINGS,
    PAYMENTS,
    SUPPLIERS,
)
# So many months back, and so many buyers by name; the others are summed up.
MONTHS, BUYERS = 24, 8

_REGISTRATION = """
    SELECT uscc, CAST(founded_on AS VARCHAR) AS founded_on, CAST(min(effective_on) OVER () AS VARCHAR) AS registered_on,
           region, size_class, industry, legal_form
    FROM suppliers QUALIFY row_number() OVER (ORDER BY effective_on DESC, record_id DESC) = 1"""

# The month that runs is among them, up to the day.
_BY_MONTH = f"""
    WITH months AS (
        SELECT CAST(unnest(generate_series(date_trunc('month', as_of) - INTERVAL {MONTHS - 1} MONTH,
                                           date_trunc('month', as_of), INTERVAL 1 MONTH)) AS DATE) AS month FROM cases),
    invoiced AS (
        SELECT date_trunc('month', issued_on) AS month, sum(net_fen) AS fen FROM invoices
        WHERE direction = 'ISSUED' AND status = 'VALID' GROUP BY 1),
    accepted AS (
        SELECT date_trunc('month', accepted_on) AS month, sum(accepted_fen) AS fen FROM acceptances GROUP BY 1),
    signed AS (
        SELECT date_trunc('month', signed_on) AS month, sum(amount_fen) AS fen FROM contracts GROUP BY 1),
    paid AS (
        SELECT date_trunc('month', paid_on) AS month, sum(amount_fen) AS fen,
               median(date_diff('day', due_on, paid_on)) AS days_late,
               quantile_cont(date_diff('day', due_on, paid_on), 0.9) AS days_late_p90
        FROM payments GROUP BY 1),
    delivered AS (
        SELECT date_trunc('month', delivered_on) AS month, count(*) AS deliveries,
               count(*) FILTER (WHERE delivered_on > due_on) AS late FROM deliveries GROUP BY 1)
    SELECT strftime(m.month, '%Y-%m') AS month, i.fen AS invoiced_fen, a.fen AS accepted_fen, s.fen AS signed_fen,
           p.fen AS paid_fen, p.days_late, p.days_late_p90, coalesce(d.deliveries, 0) AS deliveries,
           coalesce(d.late, 0) AS late
    FROM months AS m LEFT JOIN invoiced AS i USING (month) LEFT JOIN accepted AS a USING (month)
    LEFT JOIN signed AS s USING (month) LEFT JOIN paid AS p USING (month) LEFT JOIN delivered AS d USING (month)
    ORDER BY m.month"""

# A year's contracts by buyer, or its invoices where it has no contract; what nets to nothing is left out.
_BY_BUYER = """
    WITH bought AS (
        SELECT buyer_id AS buyer, amount_fen AS fen, signed_on AS on_day, as_of FROM contracts
        WHERE buyer_id IS NOT NULL
        UNION ALL
        SELECT counterparty_id, net_fen, issued_on, as_of FROM invoices
        WHERE direction = 'ISSUED' AND status = 'VALID' AND (SELECT count(*) FROM contracts) = 0),
    paid AS (
        SELECT buyer_id AS buyer, median(date_diff('day', due_on, paid_on)) AS days_late FROM payments
        WHERE buyer_id IS NOT NULL AND paid_on > as_of - INTERVAL 12 MONTH GROUP BY 1)
    SELECT b.buyer AS buyer_id, count(*) FILTER (WHERE on_day > as_of - INTERVAL 12 MONTH) AS bought,
           sum(fen) FILTER (WHERE on_day > as_of - INTERVAL 12 MONTH) AS amount_fen,
           CAST(min(on_day) AS VARCHAR) AS since, any_value(p.days_late) AS days_late
    FROM bought AS b LEFT JOIN paid AS p USING (buyer) GROUP BY b.buyer HAVING amount_fen > 0
    ORDER BY amount_fen DESC, b.buyer"""

_CONTRACTS = """
    WITH ends AS (
        SELECT contract_id, max(kind) FILTER (WHERE kind IN ('COMPLETED', 'TERMINATED', 'ENDED')) AS ended,
               max(fault) FILTER (WHERE kind = 'TERMINATED') AS fault, sum(change_fen) AS changed
        FROM amendments GROUP BY 1),
    accepted AS (SELECT contract_id, sum(accepted_fen) AS fen FROM acceptances GROUP BY 1)
    SELECT count(*) AS signed, coalesce(sum(k.amount_fen), 0) AS signed_fen,
           count(*) FILTER (WHERE e.ended = 'COMPLETED') AS completed,
           count(*) FILTER (WHERE e.ended IN ('TERMINATED', 'ENDED')) AS ended,
           count(*) FILTER (WHERE e.fault = 'SUPPLIER') AS ended_by_its_fault,
           count(*) FILTER (WHERE e.ended IS NULL) AS open,
           coalesce(sum(greatest(k.amount_fen + coalesce(e.changed, 0) - coalesce(a.fen, 0), 0))
                    FILTER (WHERE e.ended IS NULL), 0) AS open_fen,
           coalesce(max(k.amount_fen) FILTER (WHERE e.ended = 'COMPLETED'), 0) AS largest_completed_fen
    FROM contracts AS k LEFT JOIN ends AS e USING (contract_id) LEFT JOIN accepted AS a USING (contract_id)"""

_DRAWS = """
    WITH draws AS (
        SELECT loan_id, max(amount_fen) FILTER (WHERE kind = 'DRAWN') AS drawn,
               count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0 AS is_open, max(days_past_due) AS days,
               max(amount_fen) FILTER (WHERE kind = 'WRITTEN_OFF') AS lost, any_value(lender_id) AS lender
        FROM credit_events GROUP BY 1)
    SELECT count(*) AS draws, count(DISTINCT lender) AS lenders, coalesce(sum(drawn), 0) AS drawn_fen,
           count(*) FILTER (WHERE is_open) AS open, coalesce(sum(drawn) FILTER (WHERE is_open), 0) AS open_fen,
           coalesce(max(days), 0) AS worst_days_past_due, coalesce(sum(lost), 0) AS written_off_fen FROM draws"""

_GUARANTEES = """
    WITH each AS (
        SELECT guarantee_id, arg_max(kind, (happened_on, kind)) AS last, max(amount_fen) AS issued,
               coalesce(arg_max(amount_fen, (happened_on, kind))
                            FILTER (WHERE kind IN ('ISSUED', 'EFFECTIVE', 'REDUCED')), max(amount_fen)) AS fen,
               count(*) FILTER (WHERE kind IN ('DEMANDED', 'PAID')) > 0 AS called
        FROM guarantee_events GROUP BY 1)
    SELECT count(*) AS issued, coalesce(sum(issued), 0) AS issued_fen,
           count(*) FILTER (WHERE last IN ('ISSUED', 'EFFECTIVE', 'REDUCED', 'DEMANDED', 'REFUSED')) AS standing,
           coalesce(sum(fen) FILTER (WHERE last IN ('ISSUED', 'EFFECTIVE', 'REDUCED', 'DEMANDED', 'REFUSED')), 0)
               AS standing_fen,
           count(*) FILTER (WHERE called) AS called FROM each"""

_LISTINGS = """
    SELECT list FROM listings GROUP BY list HAVING arg_max(kind, (happened_on, kind)) = 'LISTED' ORDER BY list"""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a supplier on a day; amounts are fen, what is not known is None.

    `months` has the last so many, oldest first; `buyers` those of a year, the largest first, and what the others bought
    in one row; `sold_as` says which of a month's amounts are its sales. What no feed has ever told of is None: that
    nothing is known is not that nothing was.
    """

    registration: dict[str, Any]
    months: list[dict[str, Any]]
    sold_as: str
    buyers: list[dict[str, Any]]
    contracts: dict[str, Any] | None
    draws: dict[str, Any] | None
    guarantees: dict[str, Any] | None
    listings: list[str] | None


def history(ledger: Ledger, supplier_id: str, as_of: date, *, tier: str, version: int | None = None) -> History:
    """The history of one supplier as known on a day, by a kind of data."""
    fed = fed_by(ledger.batches(version), tier)
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [supplier_id], "as_of": [as_of]})
    with ledger.known_on(cases, version=version, tables=TABLES) as known:
        months = _rows(known, _BY_MONTH)
        registration = _rows(known, _REGISTRATION)
        return History(
            registration=registration[0] if registration else {},
            months=months,
            sold_as=_sold_as(months),
            buyers=_largest(_rows(known, _BY_BUYER)),
            contracts=_contracts(known, fed),
            draws=_rows(known, _DRAWS)[0] if CREDIT_EVENTS.name in fed else None,
            guarantees=_rows(known, _GUARANTEES)[0] if GUARANTEE_EVENTS.name in fed else None,
            listings=[row["list"] for row in _rows(known, _LISTINGS)] if LISTINGS.name in fed else None,
        )


def _contracts(known: Known, fed: frozenset[str]) -> dict[str, Any] | None:
    """What is known of contracts; of how they ended nothing where no feed tells of their changes."""
    if CONTRACTS.name not in fed:
        return None
    unknown = {} if AMENDMENTS.name in fed else dict.fromkeys(("completed", "ended", "ended_by_its_fault"))
    return {**_rows(known, _CONTRACTS)[0], **unknown}


def _sold_as(months: list[dict[str, Any]]) -> str:
    """Which amounts are a firm's sales: what it invoiced, else what was accepted of it, else what it signed."""
    names = ("invoiced_fen", "accepted_fen", "signed_fen")
    return next((name for name in names if any(month[name] is not None for month in months)), names[0])


def _largest(buyers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The largest buyers with their share of all, and one row for the others."""
    whole = sum(row["amount_fen"] for row in buyers)
    rows = [{**row, "others": 0} for row in buyers[:BUYERS]]
    if rest := buyers[BUYERS:]:
        sums = {name: sum(row[name] for row in rest) for name in ("bought", "amount_fen")}
        since = min(row["since"] for row in rest)
        rows.append({"buyer_id": None, **sums, "since": since, "days_late": None, "others": len(rest)})
    return [{**row, "share": row["amount_fen"] / whole} for row in rows]


def _rows(known: Known, query: str) -> list[dict[str, Any]]:
    """The rows of a query as plain values; sums of fen are whole numbers."""
    found = known.con.execute(query)
    names = [column[0] for column in found.description or []]
    return [{name: _plain(name, cell) for name, cell in zip(names, row, strict=True)} for row in found.fetchall()]


def _plain(name: str, value: Any) -> Any:
    return int(value) if value is not None and name.endswith("_fen") else value
