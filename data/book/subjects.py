"""What the book keeps of lines, draws and guarantees for good: whose each is, and what it stands on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from credit.domain.errors import DrawRefused
from data.book import accounts
from data.book.statements import Statement
from data.book.tables import BALANCES, SUBJECTS
from data.book.turns import Turn, canonical, refuse_id

LINE, DRAW, GUARANTEE = "line", "draw", "guarantee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose a line, a draw or a guarantee is, and what it stands on.

    Of its terms only the pools of a line change, where a renewed one draws on others.
    """

    subject_id: str
    kind: str
    supplier_id: str
    contract_id: str | None
    buyer_id: str | None
    district: str | None
    category: str | None
    product: str
    parent_id: str | None
    decision_id: str | None
    terms: Mapping[str, Any]
    partition: int
    opened_at: str


def opened(turn: Turn, row: Mapping[str, Any], limits: Mapping[str, int | None]) -> None:
    """Keep a line, a draw or a guarantee, and open its accounts, each with its limit or none. Raises IdRefused."""
    refuse_id(str(row["kind"]), row["subject_id"])
    turn.add(SUBJECTS, row)
    named = accounts.of(row["kind"], row["subject_id"])
    turn.open_accounts({account: limits.get(account) for account in named})


def draws_of(con: Any, *, supplier_id: str | None, line_id: str | None, open_only: bool) -> list[Subject]:
    """The draws of a supplier, of a line, or all, as they were opened; or only those that can still be owed."""
    of = {"supplier": supplier_id, "line": line_id}
    asked = {name: value for name, value in of.items() if value is not None}
    return [_as_subject(row) for row in _draws(frozenset(asked), open_only=open_only).rows(con, **asked)]


def subjects_where(con: Any, condition: ColumnElement[bool]) -> list[Subject]:
    """What a condition on the table of subjects holds for, as it was opened."""
    query = select(SUBJECTS).where(condition).order_by(SUBJECTS.c.opened_at, SUBJECTS.c.subject_id)
    return [_as_subject(row) for row in con.execute(query).mappings()]


@cache
def _draws(of: frozenset[str], *, open_only: bool) -> Statement:
    query = select(SUBJECTS).where(SUBJECTS.c.kind == DRAW).order_by(SUBJECTS.c.opened_at, SUBJECTS.c.subject_id)
    if open_only:
        query = query.where(SUBJECTS.c.is_open)
    if "supplier" in of:
        query = query.where(SUBJECTS.c.supplier_id == bindparam("supplier"))
    if "line" in of:
        query = query.where(SUBJECTS.c.parent_id == bindparam("line"))
    return Statement(query)


def pending_on(con: Any, line_id: str) -> list[Subject]:
    """The draws on a line that hold what was neither paid out nor given back, as they were opened."""
    return [_as_subject(row) for row in _PENDING.rows(con, line=line_id)]


_PENDING = Statement(
    select(SUBJECTS)
    .join(BALANCES, BALANCES.c.account == accounts.pending_of(SUBJECTS.c.subject_id))
    .where(SUBJECTS.c.kind == DRAW, SUBJECTS.c.is_open, SUBJECTS.c.parent_id == bindparam("line"))
    .where(BALANCES.c.amount_fen > 0)
    .order_by(SUBJECTS.c.opened_at, SUBJECTS.c.subject_id)
)
_NAMED = Statement(select(SUBJECTS).where(SUBJECTS.c.subject_id == bindparam("named")))


def subject_named(con: Any, subject_id: str) -> Subject:
    """What the book keeps under an id. Raises DrawRefused."""
    row = _NAMED.first(con, named=subject_id)
    if row is None:
        raise DrawRefused(f"the book has no {subject_id!r}", hint="`credit line list` and `credit drawdown list`")
    return _as_subject(row)


def _as_subject(row: Mapping[str, Any]) -> Subject:
    kept = {name: row[name] for name in Subject.__dataclass_fields__ if name != "terms"}
    return Subject(terms=json.loads(row["terms"]), **kept)


def row_like(like: Subject, **changes: Any) -> dict[str, Any]:
    """The row of a subject that is as another, but for some of its columns."""
    row = {name: getattr(like, name) for name in Subject.__dataclass_fields__} | {"is_open": True, **changes}
    return {**row, "terms": canonical(row["terms"])}
