"""The catalogue of features and the engine that computes them from the ledger as it was known."""
