"""How alembic runs a migration of the book: on the connection that it is given, in that one's transaction."""

from __future__ import annotations

from alembic import context

from data.book.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite changes a table by making it anew.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
