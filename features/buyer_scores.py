"""How each buyer treats its suppliers: a score from what all of them met with, as known on a day.

The weights are those of India's GeM for its buyers (DOMAIN 4): payment 40 %, acceptance 30 %, ordering 15 %, closing of
orders 15 %. Each part is a share between 0 and 1 of what went well. Few events say little, so every part begins as if
`PRIOR_EVENTS` had gone as well as not.

A buyer's score rests on the record of all its suppliers, so it is computed for everybody as known at the end of each
month and kept beside the ledger; one case and a million read the same, that of the last month that is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from credit.domain.windows import last_month_end
from data.ledger import Ledger
from data.schema import ACCEPTANCES, AMENDMENTS, CONTRACTS, DELIVERIES, FIRST_YEAR, PAYMENTS
from features.sources import WINDOWS_SQL

TABLES = (CONTRACTS, AMENDMENTS, DELIVERIES, ACCEPTANCES, PAYMENTS)
# The relation in which features find the scores: `month_end`, `buyer_id`, `score`.
BUYERS = "buyer_scores"
PRIOR_EVENTS = 4
WEIGHTS = {"paying": 0.40, "accepting": 0.30, "ordering": 0.15, "closing": 0.15}
# A delivery is to be accepted within so many days, and a contract completed so many days after its planned acceptance.
ACCEPTED_WITHIN_DAYS = 15
CLOSED_WITHIN_DAYS = 30


def _part(name: str, rows: str, went_well: str) -> str:
    """A part of the score: events of two years and those that went well, by buyer."""
    return f"""
        SELECT as_of, buyer_id,
               CAST(2 * count(*) FILTER (WHERE {went_well}) + {PRIOR_EVENTS} AS DOUBLE)
               / (2 * (count(*) + {PRIOR_EVENTS})) AS {name}
        FROM {rows} AS events WHERE buyer_id IS NOT NULL GROUP BY as_of, buyer_id"""


_PAID = "(SELECT * FROM payments JOIN windows USING (as_of) WHERE due_on IS NOT NULL AND paid_on > since_24m)"
_ACCEPTED = """(SELECT a.as_of, a.buyer_id, date_diff('day', d.delivered_on, a.accepted_on) AS days
                FROM acceptances AS a JOIN windows USING (as_of) JOIN deliveries AS d USING (as_of, delivery_id)
                WHERE a.accepted_on > since_24m AND d.delivered_on > since_36m)"""
# A contract was ordered well where the buyer neither cut it nor ended it by its own fault.
_ORDERED = """(SELECT k.as_of, k.buyer_id, coalesce(a.spoilt, false) AS spoilt FROM contracts AS k
               JOIN windows USING (as_of) LEFT JOIN (
                   SELECT as_of, contract_id, true AS spoilt FROM amendments
                   WHERE (kind = 'VALUE' AND change_fen < 0) OR (kind = 'TERMINATED' AND fault = 'BUYER')
                   GROUP BY as_of, contract_id) AS a USING (as_of, contract_id)
               WHERE k.signed_on > since_24m)"""
# A contract that the buyer has had time to close was closed well where it was closed in that time.
_CLOSED = f"""(SELECT k.as_of, k.buyer_id, k.planned_acceptance_on, a.ended_on FROM contracts AS k
              JOIN windows USING (as_of) LEFT JOIN (
                  SELECT as_of, contract_id, min(amended_on) AS ended_on FROM amendments
                  WHERE kind IN ('COMPLETED', 'TERMINATED', 'ENDED') GROUP BY as_of, contract_id
              ) AS a USING (as_of, contract_id)
              WHERE k.planned_acceptance_on > since_24m
                AND k.planned_acceptance_on + INTERVAL {CLOSED_WITHIN_DAYS} DAY <= k.as_of)"""
_NEUTRAL = 0.5
_SCORE = " + ".join(f"{weight} * coalesce({part}, {_NEUTRAL})" for part, weight in WEIGHTS.items())

_PARTS = {
    "windows": WINDOWS_SQL.replace("FROM cases", "FROM days"),
    "paying": _part("paying", _PAID, "paid_on <= due_on"),
    "accepting": _part("accepting", _ACCEPTED, f"days <= {ACCEPTED_WITHIN_DAYS}"),
    "ordering": _part("ordering", _ORDERED, "NOT spoilt"),
    "closing": _part("closing", _CLOSED, f"ended_on <= planned_acceptance_on + INTERVAL {CLOSED_WITHIN_DAYS} DAY"),
}


def scores_sql(given: Mapping[str, str] = MappingProxyType({})) -> str:
    """One row a buyer and month that is over: its score between 0 and 1; `given` are relations that it brings along."""
    relations = ",\n    ".join(f"{name} AS ({sql})" for name, sql in {**given, **_PARTS}.items())
    return f"""
    WITH {relations}
    SELECT as_of AS month_end, buyer_id, CAST(CAST({_SCORE} AS DECIMAL(18, 9)) AS DOUBLE) AS score
    FROM ordering FULL JOIN paying USING (as_of, buyer_id) FULL JOIN accepting USING (as_of, buyer_id)
    FULL JOIN closing USING (as_of, buyer_id)"""


_DEFINITION = sha256(scores_sql().encode()).hexdigest()[:12]


def scores(ledger: Ledger, days: Iterable[date], *, version: int | None = None) -> list[Path]:
    """The files that hold the scores of all buyers that hold on these days, computed where they are not there yet."""
    # Who asks nothing still joins the scores; on the first day there is there are none.
    asked = {day.date() if isinstance(day, datetime) else day for day in days} or {date(FIRST_YEAR, 1, 1)}
    names = {end: f"buyers-{end}-{_DEFINITION}" for end in sorted(map(last_month_end, asked))}
    files = {end: ledger.derived(name, version) for end, name in names.items()}
    lacking = [end for end, file in files.items() if file is None]
    if lacking:
        with ledger.everyone_on(lacking, tables=TABLES, version=version) as con:
            scored = con.execute(f"{scores_sql()} ORDER BY as_of, buyer_id").df()
        scored = scored.astype({"month_end": "date32[day][pyarrow]", "buyer_id": "str"})
        for end in lacking:
            content = scored[scored["month_end"] == end].to_parquet(index=False)
            files[end] = ledger.keep_derived(names[end], content, version)
    return [file for file in files.values() if file is not None]
