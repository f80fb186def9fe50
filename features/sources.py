"""The sources that features aggregate: rows of one table as known, or one pre-aggregation of them.

Each is SQL over the views that the ledger's door opens, so nothing here can see what was not known. `feeds` is the
table that has to be part of the data for the source to say anything: without it a feature is missing, with it and
without a fitting event it takes the value that the feature declares.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.schema import CONTRACT_ENDS


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its name, the table that feeds it and its SQL, one row an event or group, with case_id and as_of."""

    name: str
    feeds: str
    sql: str


def _by(party: str, amount: str, table: str, on: str, where: str) -> str:
    """A year's amounts by known counterparty, from which concentration is read; what nets to nothing is left out.

    `events` counts what was sold or signed: a reversal is no second purchase.
    """
    return f"""SELECT case_id, as_of, {party} AS party, sum({amount}) AS amount,
                      count(*) FILTER (WHERE {amount} > 0) AS events,
                      sum(sum({amount})) OVER (PARTITION BY case_id) AS total
               FROM {table} WHERE {where} AND {party} IS NOT NULL AND {on} > as_of - INTERVAL 12 MONTH AND {on} <= as_of
               GROUP BY case_id, as_of, {party} HAVING sum({amount}) > 0"""


def months_back(on: str) -> str:
    """The SQL for how many whole months before `as_of` a date lies, counted as windows count them."""
    return f"date_diff('month', {on}, as_of) - CASE WHEN day({on}) > day(as_of) THEN 1 ELSE 0 END"


def _by_month(amount: str, table: str, on: str, where: str) -> str:
    """Amounts of the last 24 months back from as_of, month 0 being the last; empty months count as zero.

    Month m holds what lies in `(as_of - (m + 1) months, as_of - m months]`, the window that features have. `datesub`
    would put 29 February a month too far back on the 28th of a later one.
    """
    return f"""SELECT case_id, as_of, month, coalesce(amount, 0) AS amount
               FROM (SELECT case_id, as_of, unnest(range(24)) AS month FROM
                        (SELECT DISTINCT case_id, as_of FROM {table} WHERE {where}))
               LEFT JOIN (SELECT case_id, {months_back(on)} AS month, sum({amount}) AS amount
                          FROM {table} WHERE {where} GROUP BY 1, 2) USING (case_id, month)"""


_ISSUED = "direction = 'ISSUED' AND status = 'VALID'"
_RECEIVED = "direction = 'RECEIVED' AND status = 'VALID'"

# A contract is open until it is completed, terminated or otherwise ended; what is left is its changed amount less what
# was accepted.
_OPEN_CONTRACTS = f"""
    SELECT k.case_id, k.as_of, k.contract_id,
           greatest(0, k.amount_fen + coalesce(a.changed, 0) - coalesce(d.accepted, 0)) AS backlog_fen
    FROM contracts AS k
    LEFT JOIN (SELECT case_id, contract_id, sum(change_fen) AS changed,
                      count(*) FILTER (WHERE kind IN {CONTRACT_ENDS}) AS ended
               FROM amendments GROUP BY ALL) AS a USING (case_id, contract_id)
    LEFT JOIN (SELECT case_id, contract_id, sum(accepted_fen) AS accepted FROM acceptances GROUP BY ALL) AS d
         USING (case_id, contract_id)
    WHERE coalesce(a.ended, 0) = 0"""

_COMPLETED_CONTRACTS = """
    SELECT k.case_id, k.as_of, k.contract_id, k.amount_fen, a.amended_on AS completed_on
    FROM contracts AS k JOIN amendments AS a USING (case_id, contract_id) WHERE a.kind = 'COMPLETED'"""

# What was accepted, against what was paid for the same delivery.
_RECEIVABLES = """
    SELECT d.case_id, d.as_of, d.payment_due_on, d.accepted_fen,
           greatest(0, d.accepted_fen - coalesce(p.paid, 0)) AS unpaid_fen
    FROM acceptances AS d
    LEFT JOIN (SELECT case_id, delivery_id, sum(amount_fen) AS paid FROM payments WHERE delivery_id IS NOT NULL
               GROUP BY ALL) AS p USING (case_id, delivery_id)"""

# One row a draw: what it was for, when due, whether it is still open, and how late it ever was.
_DRAWS = """
    SELECT case_id, as_of, loan_id,
           min(happened_on) FILTER (WHERE kind = 'DRAWN') AS drawn_on,
           coalesce(max(amount_fen) FILTER (WHERE kind = 'DRAWN'), 0) AS drawn_fen,
           count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0 AS is_open,
           count(*) FILTER (WHERE kind = 'REPAID') > 0 AS is_repaid,
           coalesce(max(days_past_due), 0) AS worst_days_past_due
    FROM credit_events GROUP BY ALL"""

# One row a guarantee. A demand may be for a part; what stands is what was issued or left by the last reduction.
_GUARANTEES = """
    SELECT case_id, as_of, guarantee_id,
           arg_max(kind, (happened_on, kind)) AS last_kind,
           coalesce(arg_max(amount_fen, (happened_on, kind, guarantee_event_id))
                        FILTER (WHERE kind IN ('ISSUED', 'EFFECTIVE', 'REDUCED')),
                    max(amount_fen)) AS amount_fen,
           count(*) FILTER (WHERE kind IN ('DEMANDED', 'PAID')) > 0 AS was_called
    FROM guarantee_events GROUP BY ALL"""

# One row for each list that the supplier stands on: its last event there is an entry, or entries outnumber removals.
# Lists are counted apart, for the end of an entry from before the record must not hide another list.
_STANDING_LISTINGS = """
    SELECT case_id, as_of, list FROM listings GROUP BY ALL
    HAVING sum(CASE kind WHEN 'LISTED' THEN 1 ELSE -1 END) > 0
           OR max(happened_on) FILTER (WHERE kind = 'LISTED')
              >= coalesce(max(happened_on) FILTER (WHERE kind = 'REMOVED'), DATE '0001-01-01')"""

# The contract that the question is about, as it was signed; empty where the question is about the supplier alone.
_QUESTION = "SELECT k.* FROM contracts AS k JOIN cases AS c ON c.case_id = k.case_id AND c.contract_id = k.contract_id"

_REGISTRATION = """
    SELECT case_id, as_of, founded_on FROM suppliers
    QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1"""

SOURCES: tuple[Source, ...] = (
    Source("sales", "invoices", f"SELECT * FROM invoices WHERE {_ISSUED}"),
    Source("sales_papers", "invoices", "SELECT * FROM invoices WHERE direction = 'ISSUED'"),
    Source("sales_by_month", "invoices", _by_month("net_fen", "invoices", "issued_on", _ISSUED)),
    Source("sales_by_customer", "invoices", _by("counterparty_id", "net_fen", "invoices", "issued_on", _ISSUED)),
    Source("purchases", "invoices", f"SELECT * FROM invoices WHERE {_RECEIVED}"),
    Source("purchase_papers", "invoices", "SELECT * FROM invoices WHERE direction = 'RECEIVED'"),
    Source(
        "purchases_by_vendor",
        "invoices",
        _by("counterparty_id", "net_fen", "invoices", "issued_on", _RECEIVED),
    ),
    Source("contracts", "contracts", "SELECT * FROM contracts"),
    Source("contracts_by_buyer", "contracts", _by("buyer_id", "amount_fen", "contracts", "signed_on", "true")),
    Source("open_contracts", "contracts", _OPEN_CONTRACTS),
    Source("completed_contracts", "contracts", _COMPLETED_CONTRACTS),
    Source("amendments", "amendments", "SELECT * FROM amendments"),
    Source(
        "deliveries",
        "deliveries",
        "SELECT *, date_diff('day', due_on, delivered_on) AS days_late FROM deliveries",
    ),
    Source("acceptances", "acceptances", "SELECT * FROM acceptances"),
    Source("receivables", "acceptances", _RECEIVABLES),
    Source("payments", "payments", "SELECT *, date_diff('day', due_on, paid_on) AS days_late FROM payments"),
    Source("payments_by_month", "payments", _by_month("amount_fen", "payments", "paid_on", "true")),
    Source("disputes", "disputes", "SELECT * FROM disputes"),
    Source("listings", "listings", "SELECT * FROM listings"),
    Source("standing_listings", "listings", _STANDING_LISTINGS),
    Source("accounts", "accounts", "SELECT * FROM accounts"),
    Source("applications", "applications", "SELECT * FROM applications"),
    Source("credit_events", "credit_events", "SELECT * FROM credit_events"),
    Source("draws", "credit_events", _DRAWS),
    Source("guarantees", "guarantee_events", _GUARANTEES),
    Source("registration", "suppliers", _REGISTRATION),
    Source("question", "contracts", _QUESTION),
)


def source_named(name: str) -> Source:
    """The source of that name; raises KeyError."""
    for each in SOURCES:
        if each.name == name:
            return each
    raise KeyError(name)
