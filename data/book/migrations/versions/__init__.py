"""How one form of the book became the next: alembic."""
