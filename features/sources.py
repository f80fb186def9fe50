"""The sources that features aggregate: rows of one table as known, or one pre-aggregation of them.

Each is SQL over the views that the ledger's door opens, so nothing here can see what was not known. `feeds` is the
table that has to be part of the data for the source to say anything: without it a feature is missing, with it and
without a fitting event it takes the value that the feature declares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from data.schema import CONTRACT_ENDS, TABLES

_READ = re.compile(r"(?:FROM|JOIN) (\w+)")


@dataclass(frozen=True, slots=True)
class Turn:
    """A date on which a row says something else: when `as_of` comes to be `column` and so much more."""

    table: str
    column: str
    months: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its name, the table that feeds it and its SQL, one row an event or group, with case_id and as_of.

    `turns` are the dates on which what it says changes though nothing happens, beside the ends of windows: a table's
    column and by how many months `as_of` is earlier or later.
    """

    name: str
    feeds: str
    sql: str
    turns: tuple[Turn, ...] = ()

    @property
    def tables(self) -> frozenset[str]:
        """The tables of events that it reads."""
        read = set(re.findall(_READ, self.sql))
        read |= {name for relation in read & RELATIONS.keys() for name in re.findall(_READ, RELATIONS[relation])}
        return frozenset(read) & frozenset(table.name for table in TABLES)


# How many months a window may have. A series is of so many whole months.
WINDOWS = (3, 6, 12, 24, 36)
SERIES_MONTHS = 24
# What is due within so many months is due soon, what has been due for longer than so many days is very overdue.
DUE_SOON_MONTHS = 3
VERY_OVERDUE_DAYS = 90

_NEXT_MONTH = "date_trunc('month', as_of + INTERVAL 1 DAY)"
# For each `as_of` the days after which the windows begin (`since_<n>m`), the last day of the last month that is over
# (`month_end`), and the first day of the series of months that ends on it (`series_from`).
WINDOWS_SQL = f"""
    SELECT as_of, {", ".join(f"CAST(as_of - INTERVAL {n} MONTH AS DATE) AS since_{n}m" for n in WINDOWS)},
           CAST({_NEXT_MONTH} - INTERVAL 1 DAY AS DATE) AS month_end,
           CAST({_NEXT_MONTH} - INTERVAL {SERIES_MONTHS} MONTH AS DATE) AS series_from
    FROM (SELECT DISTINCT as_of FROM cases) AS asked"""
# The contract that the question is about, as it was signed; empty where the question is about the supplier alone.
_QUESTION = """
    SELECT k.* FROM contracts AS k JOIN cases AS c ON c.case_id = k.case_id AND c.contract_id = k.contract_id"""
_COMPLETED = """
    SELECT k.case_id, k.as_of, k.contract_id, k.category, k.amount_fen, k.planned_acceptance_on,
           a.amended_on AS completed_on
    FROM contracts AS k JOIN amendments AS a USING (case_id, contract_id) WHERE a.kind = 'COMPLETED'"""
# What several sources read, in the order in which it is made.
RELATIONS: dict[str, str] = {"windows": WINDOWS_SQL, "question": _QUESTION, "completed": _COMPLETED}


def quotient(part: str, whole: str) -> str:
    """The SQL for one number over another, missing where the other is 0; no engine divides them as whole numbers."""
    return f"CAST({part} AS DOUBLE) / nullif({whole}, 0)"


def months_back(on: str) -> str:
    """The SQL for how many whole months before `as_of` a date lies, counted as windows count them.

    Counting days of the month would put 29 February a month too far back on the 28th of a later one.
    """
    return (
        f"12 * (year(as_of) - year({on})) + month(as_of) - month({on})"
        f" - CASE WHEN day({on}) > day(as_of) THEN 1 ELSE 0 END"
    )


def _by(party: str, amount: str, table: str, on: str, where: str) -> str:
    """A year's amounts by known counterparty, from which concentration is read; what nets to nothing is left out.

    `events` counts what was sold or signed: a reversal is no second purchase.
    """
    return f"""SELECT case_id, as_of, {party} AS party, CAST(sum({amount}) AS DOUBLE) AS amount,
                      count(*) FILTER (WHERE {amount} > 0) AS events,
                      CAST(sum(sum({amount})) OVER (PARTITION BY case_id) AS DOUBLE) AS total
               FROM {table} JOIN windows USING (as_of)
               WHERE {where} AND {party} IS NOT NULL AND {on} > since_12m AND {on} <= as_of
               GROUP BY case_id, as_of, {party} HAVING sum({amount}) > 0"""


def _by_month(amount: str, table: str, on: str, where: str) -> str:
    """Amounts by calendar month back from `month_end`, its own being 0; a month without any has no row.

    Whole calendar months, as bank statements have them: the month that runs is in no series until it is over, so that
    a series does not depend on the day of the month and stays as it is while the month runs.
    """
    return f"""SELECT case_id, as_of,
                      12 * (year(month_end) - year({on})) + month(month_end) - month({on}) AS month,
                      CAST(sum({amount}) AS DECIMAL(38, 0)) AS amount
               FROM {table} JOIN windows USING (as_of)
               WHERE {where} AND {on} >= series_from AND {on} <= month_end
               GROUP BY case_id, as_of, 12 * (year(month_end) - year({on})) + month(month_end) - month({on})"""


def month_mean(months: int = 12) -> str:
    """The SQL aggregate over a source by month: the mean of its last months, one without any amount being 0."""
    return f"CAST(coalesce(sum(amount) FILTER (WHERE month < {months}), 0) AS DOUBLE) / {months}"


def month_deviation(months: int = 12) -> str:
    """The SQL aggregate over a source by month: the standard deviation of the last months.

    From exact sums of whole numbers, so that every engine has the same and a steady supplier has 0.
    """
    once, square = (f"coalesce(sum({x}) FILTER (WHERE month < {months}), 0)" for x in ("amount", "amount * amount"))
    return f"sqrt(CAST({months} * {square} - {once} * {once} AS DOUBLE) / {months * (months - 1)})"


def top_month_share(months: int = 12) -> str:
    """The SQL aggregate over a source by month: the best month's share in the positive amounts of the last months."""
    within = f"FILTER (WHERE month < {months} AND amount > 0)"
    return quotient(f"max(amount) {within}", f"sum(amount) {within}")


_ISSUED = "direction = 'ISSUED' AND status = 'VALID'"
_RECEIVED = "direction = 'RECEIVED' AND status = 'VALID'"

# A contract is open until it is completed, terminated or otherwise ended; what is left is its changed amount less what
# was accepted.
_OPEN_CONTRACTS = f"""
    WITH open AS (
        SELECT case_id, as_of, contract_id, amount_fen, planned_acceptance_on FROM contracts AS k
        WHERE NOT EXISTS (SELECT 1 FROM amendments AS a WHERE a.case_id = k.case_id AND a.contract_id = k.contract_id
                                                              AND a.kind IN {CONTRACT_ENDS})),
    changed AS (SELECT a.case_id, a.contract_id, sum(a.change_fen) AS fen
                FROM amendments AS a JOIN open USING (case_id, contract_id) GROUP BY a.case_id, a.contract_id),
    accepted AS (SELECT a.case_id, a.contract_id, sum(a.accepted_fen) AS fen
                 FROM acceptances AS a JOIN open USING (case_id, contract_id) GROUP BY a.case_id, a.contract_id),
    advanced AS (SELECT p.case_id, p.contract_id, sum(p.amount_fen) AS fen
                 FROM payments AS p JOIN open USING (case_id, contract_id) WHERE p.kind = 'ADVANCE'
                 GROUP BY p.case_id, p.contract_id)
    SELECT k.case_id, k.as_of, k.contract_id, k.planned_acceptance_on,
           greatest(0, k.amount_fen + coalesce(c.fen, 0) - coalesce(a.fen, 0)) AS backlog_fen,
           greatest(0, coalesce(v.fen, 0) - coalesce(a.fen, 0)) AS unworked_fen
    FROM open AS k LEFT JOIN changed AS c USING (case_id, contract_id)
    LEFT JOIN accepted AS a USING (case_id, contract_id)
    LEFT JOIN advanced AS v USING (case_id, contract_id)"""

# What was accepted, against what was paid for the same delivery.
_RECEIVABLES = """
    SELECT d.case_id, d.as_of, d.accepted_on, d.payment_due_on, d.accepted_fen, p.last_paid_on,
           greatest(0, d.accepted_fen - coalesce(p.paid, 0)) AS unpaid_fen
    FROM acceptances AS d
    LEFT JOIN (SELECT case_id, delivery_id, sum(amount_fen) AS paid, max(paid_on) AS last_paid_on
               FROM payments WHERE delivery_id IS NOT NULL GROUP BY case_id, delivery_id) AS p
         USING (case_id, delivery_id)"""

# One row a draw: what it was for, when due, whether it is still open, and how late it ever was.
_DRAWS = """
    SELECT case_id, as_of, loan_id,
           min(happened_on) FILTER (WHERE kind = 'DRAWN') AS drawn_on,
           max(happened_on) FILTER (WHERE kind = 'REPAID') AS repaid_on,
           max(due_on) AS due_on,
           coalesce(max(amount_fen) FILTER (WHERE kind = 'DRAWN'), 0) AS drawn_fen,
           count(*) FILTER (WHERE kind IN ('REPAID', 'WRITTEN_OFF')) = 0 AS is_open,
           count(*) FILTER (WHERE kind = 'REPAID') > 0 AS is_repaid,
           coalesce(max(days_past_due), 0) AS worst_days_past_due
    FROM credit_events GROUP BY case_id, as_of, loan_id"""

# One row a guarantee. A demand may be for a part; what stands is what was issued or left by the last reduction.
_GUARANTEES = """
    SELECT case_id, as_of, guarantee_id, form, min(happened_on) AS issued_on,
           max(kind) FILTER (WHERE place = 1) AS last_kind,
           coalesce(max(amount_fen) FILTER (WHERE sets_amount AND place_of_kind = 1), max(amount_fen)) AS amount_fen,
           count(*) FILTER (WHERE kind IN ('DEMANDED', 'PAID')) > 0 AS was_called
    FROM (SELECT *,
                 row_number() OVER (PARTITION BY case_id, guarantee_id, form
                                    ORDER BY happened_on DESC, kind DESC, guarantee_event_id DESC) AS place,
                 row_number() OVER (PARTITION BY case_id, guarantee_id, form, sets_amount
                                    ORDER BY happened_on DESC, kind DESC, guarantee_event_id DESC) AS place_of_kind
          FROM (SELECT *, kind IN ('ISSUED', 'EFFECTIVE', 'REDUCED') AND amount_fen IS NOT NULL AS sets_amount
                FROM guarantee_events) AS e) AS e
    GROUP BY case_id, as_of, guarantee_id, form"""

# One row for each list that the supplier stands on: its last event there is an entry, or entries outnumber removals.
# Lists are counted apart, for the end of an entry from before the record must not hide another list.
_STANDING_LISTINGS = """
    SELECT case_id, as_of, list FROM listings GROUP BY case_id, as_of, list
    HAVING sum(CASE kind WHEN 'LISTED' THEN 1 ELSE -1 END) > 0
           OR max(happened_on) FILTER (WHERE kind = 'LISTED')
              >= coalesce(max(happened_on) FILTER (WHERE kind = 'REMOVED'), DATE '0001-01-01')"""

# The same contract beside its buyer's score and how many contracts had been signed with that buyer before.
_QUESTION_BUYER = """
    SELECT q.case_id, q.as_of, max(b.score) AS score, count(k.contract_id) AS before
    FROM question AS q JOIN windows AS w USING (as_of)
    LEFT JOIN buyer_scores AS b ON b.month_end = w.month_end AND b.buyer_id = q.buyer_id
    LEFT JOIN contracts AS k ON k.case_id = q.case_id AND k.buyer_id = q.buyer_id AND k.signed_on < q.signed_on
    WHERE q.buyer_id IS NOT NULL GROUP BY q.case_id, q.as_of"""

# What was completed beside the contract asked about, and whether it is of the same kind.
_QUESTION_SIMILAR = """
    SELECT d.case_id, d.as_of, d.amount_fen, d.category = q.category AND d.contract_id <> q.contract_id AS is_similar
    FROM completed AS d JOIN question AS q USING (case_id)"""

# One row a buyer that the supplier ever had a contract with, with the buyer's level and score.
_BUYER_PAIRS = """
    SELECT p.case_id, p.as_of, p.buyer_id, p.first_on, p.count_12m, p.count_24m, p.amount_12m, s.score, r.level
    FROM (SELECT case_id, as_of, month_end, buyer_id, min(signed_on) AS first_on,
                 count(*) FILTER (WHERE signed_on > since_12m) AS count_12m,
                 count(*) FILTER (WHERE signed_on > since_24m) AS count_24m,
                 coalesce(CAST(sum(amount_fen) FILTER (WHERE signed_on > since_12m) AS DOUBLE), 0) AS amount_12m
          FROM contracts JOIN windows USING (as_of) WHERE buyer_id IS NOT NULL
          GROUP BY case_id, as_of, month_end, buyer_id) AS p
    LEFT JOIN buyer_scores AS s USING (month_end, buyer_id)
    LEFT JOIN (SELECT as_of, buyer_id, level FROM buyers
               QUALIFY row_number() OVER (PARTITION BY as_of, buyer_id
                                          ORDER BY effective_on DESC, record_id DESC) = 1) AS r
         USING (as_of, buyer_id)"""

# One row a dispute: what was last said of it, and what it was about.
_DISPUTE_MATTERS = """
    SELECT case_id, as_of, dispute_id, max(kind) FILTER (WHERE place = 1) AS last_kind, max(amount_fen) AS amount_fen
    FROM (SELECT *, row_number() OVER (
                        PARTITION BY case_id, dispute_id
                        ORDER BY happened_on DESC, CASE kind WHEN 'RAISED' THEN 1 ELSE 0 END, dispute_event_id DESC
                    ) AS place FROM disputes) AS d
    GROUP BY case_id, as_of, dispute_id"""

_STANDING_TIES = """
    SELECT case_id, as_of, related_id, tie
    FROM (SELECT * FROM relations
          QUALIFY row_number() OVER (PARTITION BY case_id, related_id, tie
                                     ORDER BY happened_on DESC, relation_event_id DESC) = 1) AS r
    WHERE kind = 'BEGAN'"""

_REGISTRATION = """
    SELECT case_id, as_of, founded_on, size_class, legal_form FROM suppliers
    QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY effective_on DESC, record_id DESC) = 1"""

SOURCES: tuple[Source, ...] = (
    Source("sales", "invoices", f"SELECT * FROM invoices WHERE {_ISSUED}"),
    Source("sales_papers", "invoices", "SELECT * FROM invoices WHERE direction = 'ISSUED'"),
    Source("sales_by_month", "invoices", _by_month("net_fen", "invoices", "issued_on", _ISSUED)),
    Source("sales_by_customer", "invoices", _by("counterparty_id", "net_fen", "invoices", "issued_on", _ISSUED)),
    Source("purchases", "invoices", f"SELECT * FROM invoices WHERE {_RECEIVED}"),
    Source(
        "papers_12m",
        "invoices",
        "SELECT * FROM invoices JOIN windows USING (as_of)\n"
        "    WHERE status = 'VALID' AND issued_on > since_12m AND issued_on <= as_of",
    ),
    Source(
        "purchases_by_vendor",
        "invoices",
        _by("counterparty_id", "net_fen", "invoices", "issued_on", _RECEIVED),
    ),
    Source("purchases_by_month", "invoices", _by_month("net_fen", "invoices", "issued_on", _RECEIVED)),
    # Whoever and wherever it is, a feature may count them and never name them.
    Source("contracts", "contracts", "SELECT *, region AS county FROM contracts"),
    Source("contracts_by_month", "contracts", _by_month("amount_fen", "contracts", "signed_on", "true")),
    Source("buyer_pairs", "contracts", _BUYER_PAIRS),
    Source("awards", "awards", "SELECT * FROM awards"),
    Source("contracts_by_buyer", "contracts", _by("buyer_id", "amount_fen", "contracts", "signed_on", "true")),
    Source("open_contracts", "contracts", _OPEN_CONTRACTS, (Turn("contracts", "planned_acceptance_on"),)),
    Source("completed_contracts", "contracts", "SELECT * FROM completed"),
    Source("amendments", "amendments", "SELECT * FROM amendments"),
    Source(
        "deliveries",
        "deliveries",
        "SELECT *, date_diff('day', due_on, delivered_on) AS days_late FROM deliveries",
    ),
    Source("acceptances", "acceptances", "SELECT * FROM acceptances"),
    Source(
        "receivables",
        "acceptances",
        _RECEIVABLES,
        (Turn("acceptances", "payment_due_on"), Turn("acceptances", "payment_due_on", days=VERY_OVERDUE_DAYS)),
    ),
    Source("payments", "payments", "SELECT *, date_diff('day', due_on, paid_on) AS days_late FROM payments"),
    Source("payments_by_month", "payments", _by_month("amount_fen", "payments", "paid_on", "true")),
    Source("dispute_matters", "disputes", _DISPUTE_MATTERS),
    Source("disputes", "disputes", "SELECT * FROM disputes"),
    Source("listings", "listings", "SELECT * FROM listings"),
    Source("standing_listings", "listings", _STANDING_LISTINGS),
    Source("accounts", "accounts", "SELECT * FROM accounts"),
    Source("applications", "applications", "SELECT * FROM applications"),
    Source("credit_events", "credit_events", "SELECT *, lender_id AS lender FROM credit_events"),
    Source("draws", "credit_events", _DRAWS, (Turn("credit_events", "due_on", months=-DUE_SOON_MONTHS),)),
    Source("guarantees", "guarantee_events", _GUARANTEES),
    Source("registration", "suppliers", _REGISTRATION),
    Source("registrations", "suppliers", "SELECT * FROM suppliers"),
    Source("relations", "relations", "SELECT * FROM relations"),
    Source("standing_ties", "relations", _STANDING_TIES),
    Source("question", "contracts", "SELECT * FROM question"),
    Source("question_buyer", "contracts", _QUESTION_BUYER),
    Source("question_similar", "contracts", _QUESTION_SIMILAR),
)


def source_named(name: str) -> Source:
    """The source of that name; raises KeyError."""
    for each in SOURCES:
        if each.name == name:
            return each
    raise KeyError(name)
