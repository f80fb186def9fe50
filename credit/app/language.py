"""Which of the two languages a reader wants: `CREDIT_LANG` is `zh` or `en`; without it, both stand side by side."""

from __future__ import annotations

import os

LANGUAGES = ("zh", "en")


def spoken() -> tuple[str, ...]:
    """The languages to write, in order."""
    asked = os.environ.get("CREDIT_LANG")
    return (asked,) if asked in LANGUAGES else LANGUAGES


def words(zh: str, en: str) -> str:
    """The words in the language that was asked for, or in both.

    >>> words("额度", "limit")
    '额度 limit'
    """
    said = {"zh": zh, "en": en}
    return " ".join(said[language] for language in spoken())
