"""How each draw and each contract ended, as known on a day: what labels are checked against, for training alone.

Read through the ledger's door like everything else, of every supplier of a kind of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from data.ledger import Ledger
from data.schema import AMENDMENTS, CONTRACT_ENDS, CONTRACTS, CREDIT_EVENTS, GUARANTEE_EVENTS, Table

_DRAWS = """
    SELECT loan_id, any_value(supplier_id) AS supplier_id,
           min(happened_on) FILTER (WHERE kind = 'DRAWN') AS opened_on, max(due_on) AS due_on,
           coalesce(max(days_past_due) FILTER (WHERE kind = 'PAST_DUE'), 0) AS worst_days,
           max(happened_on) FILTER (WHERE kind = 'REPAID') AS repaid_on,
           max(happened_on) FILTER (WHERE kind = 'WRITTEN_OFF') AS lost_on
    FROM credit_events GROUP BY loan_id HAVING opened_on IS NOT NULL ORDER BY loan_id"""

_CONTRACTS = f"""
    WITH ends AS (
        SELECT contract_id, arg_max(kind, (amended_on, kind)) AS ended_by, arg_max(fault, (amended_on, kind)) AS fault,
               max(amended_on) AS ended_on
        FROM amendments WHERE kind IN {CONTRACT_ENDS} GROUP BY contract_id),
    guarantees AS (
        SELECT contract_id, guarantee_id, bool_or(kind IN ('PAID', 'RELEASED', 'EXPIRED')) AS is_over,
               max(happened_on) FILTER (WHERE kind = 'PAID') AS called_on,
               max(happened_on) FILTER (WHERE kind IN ('PAID', 'RELEASED', 'EXPIRED')) AS released_on
        FROM guarantee_events GROUP BY ALL),
    guaranteed AS (
        SELECT contract_id, NOT bool_and(is_over) AS is_guaranteed, max(called_on) AS called_on,
               max(released_on) AS released_on
        FROM guarantees GROUP BY contract_id)
    SELECT k.contract_id, k.supplier_id, k.signed_on AS opened_on, k.planned_acceptance_on AS planned_on, e.ended_by,
           e.fault, e.ended_on, coalesce(g.is_guaranteed, false) AS is_guaranteed, g.called_on, g.released_on
    FROM contracts AS k LEFT JOIN ends AS e USING (contract_id) LEFT JOIN guaranteed AS g USING (contract_id)
    WHERE list_contains(?, k.channel) ORDER BY k.contract_id"""


def of_draws(ledger: Ledger, as_of: date, *, tier: str, version: int | None = None) -> pd.DataFrame:
    """Every draw by loan_id: supplier_id, opened_on, due_on, worst_days past due marked, repaid_on, lost_on."""
    return _asked(ledger, as_of, tier, version, (CREDIT_EVENTS,), _DRAWS).set_index("loan_id")


def of_contracts(
    ledger: Ledger, as_of: date, *, tier: str, channels: Sequence[str], version: int | None = None
) -> pd.DataFrame:
    """Every contract bought in one of these ways by contract_id: supplier_id, opened_on, planned_on, and how it ended.

    `ended_by`, `fault` and `ended_on` are missing while it is open; `is_guaranteed` says whether a guarantee on it
    still stands, `called_on` and `released_on` when one was paid last and when the last of them ended.
    """
    tables = (CONTRACTS, AMENDMENTS, GUARANTEE_EVENTS)
    found = _asked(ledger, as_of, tier, version, tables, _CONTRACTS, [list(channels)])
    return found.set_index("contract_id")


def _asked(
    ledger: Ledger,
    as_of: date,
    tier: str,
    version: int | None,
    tables: tuple[Table, ...],
    query: str,
    values: list[list[str]] | None = None,
) -> pd.DataFrame:
    everyone = ledger.suppliers(as_of, tier=tier, version=version)
    with ledger.known_on(everyone, tables=tables, version=version) as known:
        found = known.con.execute(query, values or []).df()
    return found.assign(**{name: pd.to_datetime(found[name]) for name in found if name.endswith("_on")})
