"""The accounts that the book moves amounts on, by name."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import ColumnElement, literal

from credit.domain.draws import Draw, Owed


def used(line_id: str) -> str:
    """What of a line's limit is used: reserved or drawn; of a revolving one less what was repaid of the principal."""
    return f"line:{line_id}:used"


def outstanding(line_id: str) -> str:
    """What is reserved on a line or owed of its draws' principal."""
    return f"line:{line_id}:outstanding"


def committed(line_id: str) -> str:
    """What a line takes of the pools that it counts in."""
    return f"line:{line_id}:committed"


def guaranteed(guarantee_id: str) -> str:
    """What a guarantee can still be called for."""
    return f"guarantee:{guarantee_id}"


def claimed(guarantee_id: str) -> str:
    """What was paid under a guarantee and is owed by the supplier since."""
    return f"guarantee:{guarantee_id}:claimed"


def committed_of(line_id: ColumnElement[str]) -> ColumnElement[str]:
    """`committed` of a column of lines, for a query."""
    return literal("line:") + line_id + literal(":committed")


def outstanding_of(line_id: ColumnElement[str]) -> ColumnElement[str]:
    """`outstanding` of a column of lines, for a query."""
    return literal("line:") + line_id + literal(":outstanding")


def pending_of(draw_id: ColumnElement[str]) -> ColumnElement[str]:
    """What is reserved for each of a column of draws, for a query."""
    return literal("draw:") + draw_id + literal(":pending")


def principal_of(draw_id: ColumnElement[str]) -> ColumnElement[str]:
    """What is owed of the principal of each of a column of draws, for a query."""
    return literal("draw:") + draw_id + literal(":principal")


def guaranteed_of(guarantee_id: ColumnElement[str]) -> ColumnElement[str]:
    """`guaranteed` of a column of guarantees, for a query."""
    return literal("guarantee:") + guarantee_id


def claimed_of(guarantee_id: ColumnElement[str]) -> ColumnElement[str]:
    """`claimed` of a column of guarantees, for a query."""
    return literal("guarantee:") + guarantee_id + literal(":claimed")


def pool(name: str, key: str) -> str:
    """What is committed of a pool, such as a contract, a group of firms or a buyer."""
    return f"pool:{name}:{key}"


def called(account: str) -> str:
    """An account as people call what it counts.

    >>> called(used("L1")), called(pool("contract", "C1")), called(pool("pair", "platform-line/S1/B1"))
    ('line L1', 'contract C1', 'pair platform-line/S1/B1')
    """
    kind, name, *rest = account.split(":", 2)
    return f"{name} {rest[0]}" if kind == "pool" else f"{kind} {name}"


def of(kind: str, subject_id: str) -> tuple[str, ...]:
    """All accounts of a line, a draw or a guarantee."""
    if kind == "draw":
        return tuple(of_draw(subject_id).values())
    if kind == "guarantee":
        return guaranteed(subject_id), claimed(subject_id)
    return used(subject_id), outstanding(subject_id), committed(subject_id)


def of_draw(draw_id: str) -> dict[str, str]:
    """The accounts of a draw: what is reserved, and what is owed of each kind, by the name of the field."""
    return {name: f"draw:{draw_id}:{name.removesuffix('_fen')}" for name in ("pending_fen", *_KINDS)}


_KINDS = tuple(each.name for each in fields(Owed))


def moves_of_draw(draw_id: str, before: Draw, after: Draw) -> dict[str, int]:
    """What moves on the accounts of a draw between two of its states."""
    accounts = of_draw(draw_id)
    moves = {accounts["pending_fen"]: after.pending_fen - before.pending_fen}
    return moves | {accounts[each]: getattr(after.owed, each) - getattr(before.owed, each) for each in _KINDS}
