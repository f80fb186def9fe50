"""The bank file: what a bank receives about the firms that consented, and the check that it arrived whole."""
