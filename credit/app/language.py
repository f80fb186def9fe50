"""Which of the two languages a reader wants: `lang` is `zh`, `en`, or both of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from credit.app import configuration

LANGUAGES = ("zh", "en")


def spoken() -> tuple[str, ...]:
    """The languages to write, in order."""
    asked = configuration.current().language
    return (asked,) if asked else LANGUAGES


def words(zh: str, en: str) -> str:
    """The words in the language that was asked for, or in both.

    >>> words("额度", "limit")
    '额度 limit'
    """
    said = {"zh": zh, "en": en}
    return " ".join(said[language] for language in spoken())


def said_of(document: Mapping[str, Any]) -> str:
    """The words of a document that has them as `zh` and `en`."""
    return words(document["zh"], document["en"])
