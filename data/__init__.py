"""Everything that is kept: the ledger and its formats, scores, decisions, bank files, and the simulated platform."""
