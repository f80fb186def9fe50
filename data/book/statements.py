"""Statements that are said again and again: written with SQLAlchemy, compiled once, and said through the driver.

To say one, SQLAlchemy takes some ten times as long as SQLite takes to answer it, and all other writers wait for that.
Both stand in the same transaction, and who listens to an engine's statements hears both; what is asked now and then
is asked through SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Insert, Select, Update

Row = dict[str, Any]
_Change = Callable[[Any], Any]


class Statement:
    """One statement, said with values for its parameters; of an insert these are the columns of its table."""

    def __init__(self, construct: Select[Any] | Insert | Update) -> None:
        self._construct = construct
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, con: Connection, **values: Any) -> list[Row]:
        """What is found, in order, by the names of the columns."""
        compiled = self._for(con)
        found = said(con, compiled.text, compiled.parameters(values)).fetchall()
        return [compiled.row(each) for each in found]

    def first(self, con: Connection, **values: Any) -> Row | None:
        """The first of what is found, or None."""
        return next(iter(self.rows(con, **values)), None)

    def do(self, con: Connection, values: Mapping[str, Any]) -> int:
        """Write; answers how many rows are changed or new."""
        compiled = self._for(con)
        return int(said(con, compiled.text, compiled.parameters(values)).rowcount)

    def do_each(self, con: Connection, values: Sequence[Mapping[str, Any]]) -> None:
        """Write once for each."""
        compiled = self._for(con)
        said(con, compiled.text, [compiled.parameters(each) for each in values], many=True)

    def _for(self, con: Connection) -> _Compiled:
        dialect = con.dialect
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = _compiled(self._construct, dialect)
        return self._compiled[dialect.name]


def said(con: Connection, text: str, parameters: Any, *, many: bool = False) -> Any:
    """The cursor of a statement that was said in the words of the driver. Raises what SQLAlchemy would."""
    cursor = con.connection.cursor()
    for heard in con.engine.dispatch.before_cursor_execute:
        heard(con, cursor, text, parameters, None, many)
    error = con.dialect.loaded_dbapi.Error
    try:
        (cursor.executemany if many else cursor.execute)(text, parameters)
    except error as broken:
        raise DBAPIError.instance(text, parameters, broken, error, dialect=con.dialect, ismulti=many) from broken
    return cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A statement in the words of a driver, and what has to change between its values and ours."""

    text: str
    # The names of the parameters in their order, where the driver knows them by that.
    order: Sequence[str] | None
    # The values that the statement itself says.
    own: Mapping[str, Any]
    into: Mapping[str, _Change]
    columns: Sequence[str]
    out: Mapping[str, _Change]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Values as the driver takes them."""
        taken = {**self.own, **values}
        for name, change in self.into.items():
            taken[name] = change(taken[name])
        return taken if self.order is None else tuple([taken[name] for name in self.order])

    def row(self, found: Sequence[Any]) -> Row:
        """A row that the driver found, as its columns' types have it."""
        row = dict(zip(self.columns, found, strict=True))
        for name, change in self.out.items():
            row[name] = change(row[name])
        return row


def _compiled(construct: Select[Any] | Insert | Update, dialect: Dialect) -> _Compiled:
    named = construct.table.c.keys() if isinstance(construct, Insert) else None
    compiled: Any = construct.compile(dialect=dialect, column_keys=named)
    into = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()}
    columns = construct.selected_columns if isinstance(construct, Select) else ()
    out = {each.name: each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns}
    return _Compiled(
        text=str(compiled),
        order=compiled.positiontup,
        own={name: bind.value for bind, name in compiled.bind_names.items() if not bind.required},
        into={name: change for name, change in into.items() if change},
        columns=[each.name for each in columns],
        out={name: change for name, change in out.items() if change},
    )
