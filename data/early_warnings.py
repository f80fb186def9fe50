"""What the ledger shows to have gone wrong on lines since they began: one query a rule of `credit/domain/alerts.py`.

Every line is asked about twice, as known on the day and as known when it began. What was known then was judged by the
decision that began it; the rest is new, however long ago it happened. So a listing that came to be known late warns,
and a correction or merge brings what it changes and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import duckdb
import pandas as pd

from data.batches import Batch
from data.facts import buyer_pay_days
from data.ledger import Ledger
from data.schema import (
    ACCEPTANCES,
    ACCOUNTS,
    AMENDMENTS,
    APPLICATIONS,
    CONTRACT_ENDS,
    CONTRACTS,
    CREDIT_EVENTS,
    DELIVERIES,
    DISPUTES,
    GROUP_TIES,
    GUARANTEE_EVENTS,
    LISTINGS,
    PAYMENTS,
    RELATIONS,
    Table,
)

FOUND = ("line_id", "rule", "about", "table", "records", "contract_id", "happened_on", "known_on", "observed")

# A buyer's habit: the share of its payments that arrive within so many days of acceptance (DOMAIN 5.7: p90).
BUYER_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Sign:
    """How one rule's findings are read off the ledger.

    `sql` answers case_id, about (the id of what happened, the same on every night), records (ids of rows of `table`),
    contract_id, happened_on, known_on and observed. It reads the parameters `reads`, and the `silence` of tables: it is
    not asked where nobody ever delivered those.
    """

    rule: str
    table: Table
    sql: str
    reads: tuple[str, ...] = ()
    silence: tuple[Table, ...] = ()


def _on_the_contract(table: str) -> str:
    """The SQL condition that a row is about the line's contract; every row where the line is on none."""
    return f"(c.contract_id IS NULL OR {table}.contract_id = c.contract_id)"


def _row(table: str, key: str, on: str, observed: str = "NULL") -> str:
    """What is answered where one row of the ledger is what happened."""
    return (
        f"{table}.case_id, {table}.{key} AS about, [{table}.{key}] AS records, {table}.contract_id, "
        f"{on} AS happened_on, {table}.known_on, {observed} AS observed"
    )


def _not_told(own_id: str) -> str:
    """The SQL condition that the book does not tell the same of a draw or guarantee of its own."""
    return f"NOT EXISTS (FROM told AS t WHERE t.case_id = c.case_id AND t.own_id = {own_id})"


# Of two events of an account on one day, the later step of its life comes last.
_STEP = "list_position(['NAMED', 'LOCKED', 'CONFIRMED', 'UNLOCKED'], a.kind)"
_LOCKED = "('LOCKED', 'CONFIRMED')"

# An account that was locked before the day of the payment was the only one that it could go to.
_MISPAID = f"""
    WITH past AS (
        SELECT p.case_id, p.payment_id
        FROM payments AS p JOIN accounts AS a
          ON a.case_id = p.case_id AND a.contract_id = p.contract_id AND a.happened_on < p.paid_on
        WHERE NOT p.to_locked_account AND p.amount_fen > 0
        GROUP BY ALL HAVING arg_max(a.kind, (a.happened_on, {_STEP}, a.account_event_id)) IN {_LOCKED})
    SELECT {_row("p", "payment_id", "p.paid_on")}
    FROM payments AS p JOIN past USING (case_id, payment_id) JOIN cases AS c USING (case_id)
    WHERE {_on_the_contract("p")}"""

# The account of a completed contract may be unlocked. One that is named after it was locked is another account.
_UNLOCKED = f"""
    WITH completed AS (
        SELECT case_id, contract_id, min(amended_on) AS completed_on
        FROM amendments WHERE kind = 'COMPLETED' GROUP BY ALL)
    SELECT {_row("a", "account_event_id", "a.happened_on")}
    FROM accounts AS a LEFT JOIN completed AS e USING (case_id, contract_id) JOIN cases AS c USING (case_id)
    WHERE {_on_the_contract("a")}
    QUALIFY row_number() OVER (PARTITION BY a.case_id, a.contract_id
                               ORDER BY a.happened_on DESC, {_STEP} DESC, a.account_event_id DESC) = 1
        AND (a.kind = 'UNLOCKED'
             OR a.kind = 'NAMED' AND bool_or(a.kind IN {_LOCKED}) OVER (PARTITION BY a.case_id, a.contract_id))
        AND (e.completed_on IS NULL OR e.completed_on > a.happened_on)"""

_STANDING_LISTINGS = """standing AS (
        SELECT *, NULL AS contract_id FROM listings
        QUALIFY row_number() OVER (PARTITION BY case_id, list
                                   ORDER BY happened_on DESC, kind DESC, listing_event_id DESC) = 1
            AND kind = 'LISTED')"""

_LISTED = f"WITH {_STANDING_LISTINGS} SELECT {_row('s', 'listing_event_id', 's.happened_on')} FROM standing AS s"

# The table `behind` tells which case asks about whoever stands behind the supplier of another.
_CONTROLLER = f"""
    WITH {_STANDING_LISTINGS}
    SELECT b.case_id, s.listing_event_id AS about, [s.listing_event_id] AS records, NULL AS contract_id,
           s.happened_on, greatest(s.known_on, b.tied_on) AS known_on, NULL AS observed
    FROM standing AS s JOIN behind AS b ON b.behind_case_id = s.case_id WHERE s.list = 'JUDGMENT'"""


def _called(where: str) -> str:
    """Demands on guarantees that have not been given back since; a payment without a demand is one too."""
    return f"""
    WITH demands AS (
        SELECT *, arg_max(kind, (happened_on, kind)) OVER one AS now,
               bool_or(kind = 'DEMANDED') OVER one AS demanded
        FROM guarantee_events WINDOW one AS (PARTITION BY case_id, guarantee_id))
    SELECT {_row("g", "guarantee_event_id", "g.happened_on")}
    FROM demands AS g JOIN cases AS c USING (case_id)
    WHERE (g.kind = 'DEMANDED' OR g.kind = 'PAID' AND NOT g.demanded)
      AND g.now NOT IN ('RELEASED', 'EXPIRED') AND {where} AND {_not_told("g.guarantee_id")}"""


# On its own contract a line is warned whosever fault it was, for what repays it is gone.
_ENDED_ON_IT = "(a.contract_id = c.contract_id OR c.contract_id IS NULL AND a.fault = 'SUPPLIER')"

_TERMINATED = f"""
    SELECT {_row("a", "amendment_id", "a.amended_on")}
    FROM amendments AS a JOIN cases AS c USING (case_id) WHERE a.kind = 'TERMINATED' AND {_ENDED_ON_IT}"""

# Of each draw that is not repaid, the worst that is known of it.
_OVERDUE = f"""
    WITH worst AS (
        SELECT *, date_diff('day', due_on, as_of) AS silent_days FROM credit_events
        QUALIFY NOT bool_or(kind = 'REPAID') OVER (PARTITION BY case_id, loan_id)
            AND row_number() OVER (PARTITION BY case_id, loan_id
                                   ORDER BY days_past_due DESC, kind = 'WRITTEN_OFF' DESC, happened_on DESC,
                                            credit_event_id DESC) = 1)
    SELECT case_id, credit_event_id AS about, [credit_event_id] AS records, NULL AS contract_id,
           CASE WHEN kind = 'DRAWN' THEN CAST(due_on + to_days(CAST($past_due_silent_days AS INTEGER)) AS DATE)
                ELSE happened_on END AS happened_on,
           known_on, greatest(days_past_due, silent_days) AS observed
    FROM worst AS c
    WHERE (kind = 'WRITTEN_OFF' OR days_past_due >= $past_due_days
           OR kind = 'DRAWN' AND silent_days >= $past_due_silent_days) AND {_not_told("loan_id")}"""

# How much of what was signed within a year before was lost at once.
_CANCELLED = f"""
    WITH lost AS (
        SELECT a.*, CASE WHEN a.kind = 'TERMINATED' THEN k.amount_fen ELSE -a.change_fen END AS lost_fen
        FROM amendments AS a JOIN contracts AS k USING (case_id, contract_id) JOIN cases AS c USING (case_id)
        WHERE (a.kind = 'TERMINATED' AND NOT coalesce({_ENDED_ON_IT}, false))
           OR (a.kind = 'VALUE' AND a.change_fen < 0)),
    beside AS (
        SELECT l.case_id, l.amendment_id, any_value(l.lost_fen) / sum(k.amount_fen) AS share
        FROM lost AS l JOIN contracts AS k ON k.case_id = l.case_id
         AND (k.contract_id = l.contract_id
              OR k.signed_on > l.amended_on - INTERVAL 12 MONTH AND k.signed_on <= l.amended_on)
        GROUP BY ALL HAVING sum(k.amount_fen) > 0)
    SELECT {_row("l", "amendment_id", "l.amended_on", "b.share")}
    FROM lost AS l JOIN beside AS b USING (case_id, amendment_id) WHERE b.share >= $cancelled_share"""

# A dispute that was upheld is still the same one; one that was dismissed, even on the day it was raised, is none.
_DISPUTE = """
    SELECT case_id, dispute_id AS about, list(dispute_event_id ORDER BY happened_on, dispute_event_id) AS records,
           any_value(contract_id) AS contract_id, min(happened_on) AS happened_on, min(known_on) AS known_on,
           NULL AS observed
    FROM disputes GROUP BY case_id, dispute_id
    HAVING arg_max(kind, (happened_on, list_position(['RAISED', 'DISMISSED', 'UPHELD'], kind))) <> 'DISMISSED'"""

# What was accepted and of which no payment is known. Of a buyer that seldom pays nobody knows the habit.
_SLOW_BUYER = f"""
    WITH paid AS (SELECT DISTINCT case_id, delivery_id FROM payments WHERE amount_fen > 0 AND delivery_id IS NOT NULL),
    unpaid AS (
        SELECT e.*, date_diff('day', e.accepted_on, e.as_of) - h.days AS beyond,
               CAST(e.accepted_on + to_days(CAST(h.days + $buyer_beyond_days + 1 AS INTEGER)) AS DATE) AS beyond_on
        FROM acceptances AS e JOIN habits AS h USING (buyer_id) JOIN cases AS c USING (case_id)
        WHERE e.accepted_fen > 0 AND {_on_the_contract("e")})
    SELECT {_row("u", "acceptance_id", "u.beyond_on", "u.beyond")}
    FROM unpaid AS u LEFT JOIN paid AS p USING (case_id, delivery_id)
    WHERE p.delivery_id IS NULL AND u.beyond > $buyer_beyond_days"""

_LATE = f"""
    SELECT {_row("d", "delivery_id", "d.delivered_on", "date_diff('day', d.due_on, d.delivered_on)")}
    FROM deliveries AS d JOIN cases AS c USING (case_id)
    WHERE date_diff('day', d.due_on, d.delivered_on) > $delivery_late_days AND {_on_the_contract("d")}"""

# Where more time was agreed nobody knows until when, so that such a contract is not asked about.
_UNFINISHED = f"""
    WITH changes AS (
        SELECT case_id, contract_id, sum(change_fen) AS changed_fen,
               bool_or(kind = 'DATE' OR kind IN {CONTRACT_ENDS}) AS out_of_it
        FROM amendments GROUP BY ALL),
    accepted AS (SELECT case_id, contract_id, sum(accepted_fen) AS fen FROM acceptances GROUP BY ALL),
    late AS (
        SELECT k.*, date_diff('day', k.planned_acceptance_on, k.as_of) AS days,
               CAST(k.planned_acceptance_on + to_days(CAST($delivery_late_days + 1 AS INTEGER)) AS DATE) AS late_on
        FROM contracts AS k)
    SELECT {_row("k", "contract_id", "k.late_on", "k.days")}
    FROM late AS k JOIN cases AS c USING (case_id)
    LEFT JOIN changes AS x ON x.case_id = k.case_id AND x.contract_id = k.contract_id
    LEFT JOIN accepted AS e ON e.case_id = k.case_id AND e.contract_id = k.contract_id
    WHERE k.days > $delivery_late_days AND NOT coalesce(x.out_of_it, false)
      AND coalesce(e.fen, 0) < k.amount_fen + coalesce(x.changed_fen, 0) AND {_on_the_contract("k")}"""

# The mean of three ratings beside the twenty before; the first three of a fall warn, those that follow tell no more.
_RATING = """
    WITH rated AS (
        SELECT *, avg(rating) OVER three AS now, list(acceptance_id) OVER three AS these,
               max(known_on) OVER three AS told, avg(rating) OVER before AS usual,
               stddev_samp(rating) OVER before AS sigma, count(*) OVER before AS ratings
        FROM acceptances
        WINDOW three AS (PARTITION BY case_id ORDER BY accepted_on, acceptance_id
                         ROWS BETWEEN 2 PRECEDING AND CURRENT ROW),
               before AS (PARTITION BY case_id ORDER BY accepted_on, acceptance_id
                          ROWS BETWEEN 22 PRECEDING AND 3 PRECEDING)),
    judged AS (
        SELECT *, ratings >= $ratings_before
                  AND usual - now >= greatest($rating_drop_sigmas * sigma, $rating_drop_points) AS fell
        FROM rated),
    begun AS (
        SELECT * FROM judged
        QUALIFY fell AND NOT coalesce(lag(fell) OVER (PARTITION BY case_id ORDER BY accepted_on, acceptance_id), false))
    SELECT case_id, acceptance_id AS about, these AS records, NULL AS contract_id, accepted_on AS happened_on,
           told AS known_on, usual - now AS observed
    FROM begun"""

# Each time the count is reached: the change that makes it so warns, those that follow tell no more.
_SCOPE = f"""
    WITH counted AS (
        SELECT a.*, count(*) OVER recent AS changes, list(a.amendment_id) OVER recent AS these,
               max(a.known_on) OVER recent AS told
        FROM amendments AS a JOIN cases AS c USING (case_id)
        WHERE a.kind IN ('VALUE', 'DATE', 'OTHER') AND {_on_the_contract("a")}
        WINDOW recent AS (PARTITION BY a.case_id, a.contract_id ORDER BY a.amended_on
                          RANGE BETWEEN to_days(CAST($scope_change_days - 1 AS INTEGER)) PRECEDING AND CURRENT ROW)),
    reached AS (
        SELECT * FROM counted
        QUALIFY changes >= $scope_changes
            AND coalesce(lag(changes) OVER (PARTITION BY case_id, contract_id ORDER BY amended_on, amendment_id), 0)
                < $scope_changes)
    SELECT case_id, amendment_id AS about, these AS records, contract_id, amended_on AS happened_on, told AS known_on,
           changes AS observed
    FROM reached"""

_ENQUIRIES = """
    WITH counted AS (
        SELECT *, count(*) OVER recent AS asked, list(application_id) OVER recent AS these,
               max(known_on) OVER recent AS told
        FROM applications
        WINDOW recent AS (PARTITION BY case_id ORDER BY applied_on
                          RANGE BETWEEN to_days(CAST($enquiry_days - 1 AS INTEGER)) PRECEDING AND CURRENT ROW)),
    reached AS (
        SELECT * FROM counted
        QUALIFY asked >= $enquiries
            AND coalesce(lag(asked) OVER (PARTITION BY case_id ORDER BY applied_on, application_id), 0) < $enquiries)
    SELECT case_id, application_id AS about, these AS records, NULL AS contract_id, applied_on AS happened_on,
           told AS known_on, asked AS observed
    FROM reached"""

# The last quarter that is over, beside the one before and, where there were orders by then, the same one a year
# before: what is bought before the end of a budget year is no fall in the next. Of few orders none falls.
_ORDERS = """
    WITH quarters AS (SELECT case_id, CAST(date_trunc('quarter', as_of + 1) AS DATE) AS next_on FROM cases),
    placed AS (
        SELECT q.case_id, q.next_on, k.contract_id, k.signed_on, k.amount_fen, k.known_on,
               k.signed_on >= q.next_on - INTERVAL 3 MONTH AS last,
               k.signed_on >= q.next_on - INTERVAL 6 MONTH AND k.signed_on < q.next_on - INTERVAL 3 MONTH AS before,
               k.signed_on >= q.next_on - INTERVAL 15 MONTH
                   AND k.signed_on < q.next_on - INTERVAL 12 MONTH AS a_year_ago
        FROM quarters AS q JOIN contracts AS k ON k.case_id = q.case_id AND k.signed_on < q.next_on),
    sums AS (
        SELECT case_id, next_on, min(signed_on) < next_on - INTERVAL 15 MONTH AS had_orders,
               coalesce(sum(amount_fen) FILTER (WHERE last), 0) AS fen,
               coalesce(sum(amount_fen) FILTER (WHERE before), 0) AS before_fen,
               coalesce(sum(amount_fen) FILTER (WHERE a_year_ago), 0) AS a_year_ago_fen,
               count(*) FILTER (WHERE before) AS orders, max(known_on) FILTER (WHERE last OR before) AS told,
               list(contract_id ORDER BY signed_on, contract_id) FILTER (WHERE last OR before) AS these
        FROM placed GROUP BY case_id, next_on),
    beside AS (
        SELECT *, 1 - fen / CASE WHEN had_orders THEN least(before_fen, a_year_ago_fen) ELSE before_fen END AS fell
        FROM sums WHERE orders >= $orders_before)
    SELECT case_id, strftime(next_on - 1, '%Y-%m-%d') AS about, these AS records, NULL AS contract_id,
           CAST(next_on - 1 AS DATE) AS happened_on, greatest(told, CAST(next_on - 1 AS DATE)) AS known_on,
           fell AS observed
    FROM beside WHERE isfinite(fell) AND fell >= $orders_fall_share"""

# In the order of the rules of `credit/domain/alerts.py`.
SIGNS: tuple[Sign, ...] = (
    Sign("EW-MISPAID", PAYMENTS, _MISPAID),
    Sign("EW-UNLOCKED", ACCOUNTS, _UNLOCKED),
    Sign("EW-LISTED", LISTINGS, _LISTED),
    Sign("EW-CONTROLLER", LISTINGS, _CONTROLLER),
    Sign("EW-CALLED", GUARANTEE_EVENTS, _called(_on_the_contract("g"))),
    Sign("EW-TERMINATED", AMENDMENTS, _TERMINATED),
    Sign("EW-OVERDUE", CREDIT_EVENTS, _OVERDUE, reads=("past_due_days", "past_due_silent_days")),
    Sign("EW-CALLED-ELSEWHERE", GUARANTEE_EVENTS, _called("g.contract_id <> c.contract_id")),
    Sign("EW-CANCELLED", AMENDMENTS, _CANCELLED, reads=("cancelled_share",)),
    Sign("EW-DISPUTE", DISPUTES, _DISPUTE),
    Sign("EW-SLOW-BUYER", ACCEPTANCES, _SLOW_BUYER, reads=("buyer_beyond_days",), silence=(PAYMENTS,)),
    Sign("EW-LATE", DELIVERIES, _LATE, reads=("delivery_late_days",)),
    Sign("EW-UNFINISHED", CONTRACTS, _UNFINISHED, reads=("delivery_late_days",), silence=(ACCEPTANCES,)),
    Sign("EW-RATING", ACCEPTANCES, _RATING, reads=("rating_drop_sigmas", "rating_drop_points", "ratings_before")),
    Sign("EW-SCOPE", AMENDMENTS, _SCOPE, reads=("scope_changes", "scope_change_days")),
    Sign("EW-ORDERS", CONTRACTS, _ORDERS, reads=("orders_fall_share", "orders_before")),
    Sign("EW-ENQUIRIES", APPLICATIONS, _ENQUIRIES, reads=("enquiries", "enquiry_days")),
)
READ: tuple[Table, ...] = (
    *(CONTRACTS, AMENDMENTS, DELIVERIES, ACCEPTANCES, PAYMENTS, DISPUTES, LISTINGS),
    *(ACCOUNTS, APPLICATIONS, CREDIT_EVENTS, GUARANTEE_EVENTS),
)


def found_on(
    ledger: Ledger,
    lines: pd.DataFrame,
    as_of: date,
    terms: Mapping[str, Any],
    *,
    version: int | None = None,
    told: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """What went wrong on each line since it began, as known on a day: a row a finding, the columns of FOUND.

    `lines` has line_id, supplier_id, contract_id (None where it is granted on the whole record) and since, the day of
    which the decision that began it knew; one that began on `as_of` or later has nothing new. `told` are, by line, the
    draws and guarantees of the book that it tells the same of: what a feed says of those is no second finding.
    """
    asked = lines[lines["since"] < as_of].reset_index(drop=True)
    if asked.empty:
        return pd.DataFrame(columns=list(FOUND))
    # Case n is line n on the day, case n + len(asked) the same line when it began.
    cases = pd.concat([_cases(asked, as_of), _cases(asked, asked["since"], first=len(asked))], ignore_index=True)
    behind = _behind(ledger, cases, version)
    persons = behind[["behind_case_id", "supplier_id", "as_of"]].rename(columns={"behind_case_id": "case_id"})
    everybody = pd.concat([cases, persons], ignore_index=True)
    habits = buyer_pay_days(ledger, as_of, share=BUYER_SHARE, version=version).rename("days").reset_index()
    with ledger.known_on(everybody, version=version, tables=READ, dated=True) as known:
        known.con.register("behind", behind[["case_id", "behind_case_id", "tied_on"]])
        known.con.register("habits", habits)
        known.con.register("told", _told_of(asked, told))
        frames = [
            _new(_findings(known.con, sign, terms), asked).assign(rule=sign.rule, table=sign.table.name)
            for sign in SIGNS
            if _told(sign, known.batches)
        ]
    return pd.concat(frames, ignore_index=True)[list(FOUND)]


def _cases(asked: pd.DataFrame, on: Any, *, first: int = 0) -> pd.DataFrame:
    return asked[["supplier_id", "contract_id"]].assign(
        case_id=range(first, first + len(asked)), as_of=on, contract_id=asked["contract_id"].astype("str")
    )


def _told_of(asked: pd.DataFrame, told: Mapping[str, Collection[str]]) -> pd.DataFrame:
    rows = [(case, own) for case, line in enumerate(asked["line_id"]) for own in sorted(told.get(line, ()))]
    return pd.DataFrame(rows, columns=["case_id", "own_id"]).astype({"case_id": "int64", "own_id": "str"})


# Who controls the supplier or answers for it on the case's day, and since when that has been known.
_BEHIND = f"""
    SELECT case_id, related_id AS supplier_id, any_value(as_of) AS as_of, max(known_on) AS tied_on
    FROM relations WHERE tie IN {GROUP_TIES} GROUP BY case_id, related_id, tie
    HAVING arg_max(kind, (happened_on, kind)) = 'BEGAN' ORDER BY case_id, related_id"""


def _behind(ledger: Ledger, cases: pd.DataFrame, version: int | None) -> pd.DataFrame:
    """A case for whoever stands behind each case's supplier: case_id, behind_case_id, supplier_id, as_of, tied_on."""
    with ledger.known_on(cases, version=version, tables=(RELATIONS,), dated=True) as known:
        found = known.con.execute(_BEHIND).df()
    found["as_of"] = pd.to_datetime(found["as_of"]).dt.date
    return found.assign(behind_case_id=range(len(cases), len(cases) + len(found)))


def _told(sign: Sign, batches: list[Batch]) -> bool:
    """Whether somebody ever delivered the tables whose silence a sign reads."""
    delivered = {name for batch in batches for name in batch.read}
    return all(table.name in delivered for table in sign.silence)


def _findings(con: duckdb.DuckDBPyConnection, sign: Sign, terms: Mapping[str, Any]) -> pd.DataFrame:
    frame = con.execute(sign.sql, {name: terms[name] for name in sign.reads}).df()
    for name in ("happened_on", "known_on"):
        frame[name] = pd.to_datetime(frame[name]).dt.date
    return frame


def _new(frame: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """The findings of the day that were none when the line began, each with its line, in one order."""
    count = len(asked)
    known = frame.loc[frame["case_id"].between(count, 2 * count - 1), ["case_id", "about"]]
    before = pd.MultiIndex.from_arrays([known["case_id"] - count, known["about"]])
    today = frame[frame["case_id"] < count]
    new = today[~pd.MultiIndex.from_frame(today[["case_id", "about"]]).isin(before)]
    # One listing stands behind a supplier once, by however many ties.
    new = new.drop_duplicates(["case_id", "about"]).sort_values(["case_id", "about"])
    return new.assign(line_id=asked["line_id"].reindex(new["case_id"]).to_numpy())
