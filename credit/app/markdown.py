"""Markdown as the generated pages write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    r"""The lines of a table.

    >>> print(*table(("code", "said"), [("A", "this | that")]), sep="\n")
    | code | said |
    | --- | --- |
    | A | this \| that |
    """
    yield _row(headings)
    yield _row(["---"] * len(headings))
    yield from map(_row, rows)


def _row(cells: Iterable[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
