"""The glossary has the words that the code says, once, and what it calls a thing is what the code calls it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from credit.app.lifecycles import LIFE_CYCLES, SAID
from credit.domain.glossary import TERMS
from credit.domain.products import PRODUCTS
from credit.domain.reasons import REASONS

ROOT = Path(__file__).resolve().parents[3]
SOURCES = "\n".join(
    file.read_text("utf-8")
    for folder in ("credit", "data", "features", "models")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in (".py", ".toml") and file.name != "glossary.py"
)
TITLES = [title for title, *_ in SAID] + [cycle.title for cycle in LIFE_CYCLES]


def test_a_term_stands_there_once():
    assert len({term.zh for term in TERMS}) == len({term.en for term in TERMS}) == len(TERMS)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.en)
def test_a_term_says_what_it_means_and_is_called_so_in_code(term):
    assert term.meaning
    assert not term.name or re.search(rf"\b{re.escape(term.name)}", SOURCES)


def test_products_and_life_cycles_are_called_as_in_the_glossary():
    known = {term.zh for term in TERMS}
    assert {product.zh for product in PRODUCTS} <= known
    assert {re.search(r"[㐀-鿿]+", title)[0] for title in TITLES} <= known


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_a_reason_speaks_of_something_in_the_glossary(reason):
    assert any(term.zh in reason.zh for term in TERMS), reason.zh
