"""Text for a terminal: tables and lines that fit its width, and a few words in colour."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

import typer

# The few words that are seen at once, wherever they stand alone in a table or begin an answer.
_GOOD, _WATCH, _BAD = "green", "yellow", "red"
COLOURS: dict[str, str] = {
    **dict.fromkeys(("APPROVE", "R01", "R02", "R03", "sealed", "ok"), _GOOD),
    **dict.fromkeys(("REDUCE", "REFER", "R07", "R08", "WARN", "AMBER", "note"), _WATCH),
    **dict.fromkeys(("DECLINE", "R09", "R10", "STOP", "RED", "failed", "wrong"), _BAD),
}
_GAP = "  "
# A column of text is not wrapped, or cut, to less than this: one word a line reads badly.
_LEAST, _CUT = 12, 8
# Chinese breaks after any sign but before its stops; all else breaks at spaces, so that ids and paths stay whole.
_PIECES = re.compile(r"[\u2e80-\u9fff][、。，；：）」！？]*|[^\s\u2e80-\u9fff]+|\s+")


def room() -> int:
    """How many columns there are to write in: those of the terminal, or `COLUMNS`; 0 where nothing says.

    Through a pipe nothing is cut or wrapped, so that what reads it finds one row a line.
    """
    return shutil.get_terminal_size((0, 0)).columns


def marked(word: str, text: str | None = None) -> str:
    """A word in its colour, if it has one; `text` is how it is written. Colours are dropped where none are wanted."""
    colour = COLOURS.get(word)
    said = word if text is None else text
    return typer.style(said, fg=colour) if colour else said


def lines(headings: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Sequence[int], width: int) -> list[str]:
    """The lines of a table that fits the width, if its numbers and ids do; `numbers` are set to the right, and whole.

    >>> for line in lines(("id", "what"), [("S0000001", "late on three of its five draws")], (), 30): print(line)
    id        what
    S0000001  late on three of its
              five draws
    """
    cells = [[*headings], *([_cell(value) for value in row] for row in rows)]
    widths = _fitted(cells, numbers, width)
    found = []
    for row in cells:
        parts = [[_short(line, size) for line in wrapped(text, size)] for text, size in zip(row, widths, strict=True)]
        for place in range(max(map(len, parts))):
            said = [part[place] if place < len(part) else "" for part in parts]
            padded = [_pad(text, widths[i], right=i in numbers) for i, text in enumerate(said)]
            # Trailing space goes before colour comes, which would hide it.
            padded[-1] = padded[-1].rstrip()
            found.append(_GAP.join(marked(word, text) for word, text in zip(said, padded, strict=True)).rstrip())
    return found


def _fitted(cells: Sequence[Sequence[str]], numbers: Sequence[int], width: int) -> list[int]:
    """The width of each column: of its widest cell, but where that is too much, texts are made narrower.

    First they are wrapped; where that is not enough, words are cut that are no ids: columns without a digit.
    """
    columns = list(zip(*cells, strict=True))
    widths = [max(map(width_of, column)) for column in columns]
    if not width:
        return widths
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    texts = [i for i in range(len(columns)) if i not in numbers]
    words = [i for i in texts if not any(c.isdecimal() for text in columns[i][1:] for c in text)]
    for least in (
        {i: max([_LEAST, *(width_of(piece) for text in columns[i] for piece in _PIECES.findall(text))]) for i in texts},
        dict.fromkeys(words, _CUT),
    ):
        while over > 0 and (wide := [i for i, low in least.items() if widths[i] > low]):
            widths[max(wide, key=widths.__getitem__)] -= 1
            over -= 1
    return widths


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text: broken at spaces and between Chinese signs; a longer word stays whole."""
    if not width or width_of(text) <= width:
        return [text]
    found, line = [], ""
    for piece in _PIECES.findall(text):
        if line.strip() and width_of(line) + width_of(piece.rstrip()) > width:
            found.append(line.rstrip())
            line = ""
        if line or found == [] or not piece.isspace():
            line += piece
    return [*found, line.rstrip()] if line.strip() else found


def _short(text: str, width: int) -> str:
    if width_of(text) <= width:
        return text
    while width_of(text) >= width:
        text = text[:-1]
    return f"{text}…"


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: two for a Chinese sign."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _pad(text: str, width: int, *, right: bool) -> str:
    fill = " " * (width - width_of(text))
    return fill + text if right else text + fill
