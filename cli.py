"""The `credit` command."""
