"""The monitoring report of a night: what it scored and offered, beside the nights before and what became of it."""
