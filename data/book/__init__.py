"""The book: decisions, lines, draws and guarantees with their balances, on SQLite or PostgreSQL, and its log."""
