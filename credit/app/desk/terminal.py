"""Where the desk is worked at: a terminal whose keys are read one by one, or lines from anywhere.

What suppliers and colleagues wrote is written as text only, without what a terminal would obey (`printable`).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import termios
import tty
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Protocol, TextIO

from credit.app import configuration

ENTER, SPACE, UP, DOWN, BACK, RESIZED = "enter", "space", "up", "down", "escape", "resized"
NARROWEST, LOWEST = 40, 8


class Terminal(Protocol):
    """What the desk needs of wherever it is shown. Both readings raise EOFError where there is no more."""

    @property
    def rows(self) -> int | None:
        """How many lines of a page can be seen at once, beside its first and last; None where all are."""

    @property
    def width(self) -> int:
        """How many columns a line has."""

    def show(self, lines: Sequence[str], *, focus: int | None = None) -> None:
        """Show a page; `focus` is the line that stands out."""

    def key(self) -> str:
        """The next key, by its name or its letter."""

    def ask(self, question: str) -> str:
        """What somebody types as an answer, without spaces around it."""


def opened(*, plain: bool) -> Terminal:
    """The terminal that the command was started from; lines where it is none, is a dumb one, or they are asked for."""
    both = sys.stdin.isatty() and sys.stdout.isatty()
    return Lines() if plain or not both or configuration.writes_lines_only() else Keys()


class Lines:
    """Pages one below the other, and a line for each key: for pipes, dumb terminals and readers of screens."""

    @property
    def rows(self) -> int | None:
        """All of a page is written."""
        return None

    @property
    def width(self) -> int:
        """What the terminal or COLUMNS says, else 80."""
        return _size()[0]

    def show(self, lines: Sequence[str], *, focus: int | None = None) -> None:
        """Write a page, and a blank line before it."""
        print("", *lines, sep="\n")

    def key(self) -> str:
        """A line: a letter or a number; an empty one is Enter."""
        return _named(self._line("> ")) or ENTER

    def ask(self, question: str) -> str:
        """A line."""
        return self._line(question + " ")

    def _line(self, prompt: str) -> str:
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            print()
            raise EOFError
        if not sys.stdin.isatty():
            print(printable(line.strip()))
        return line.strip()


class Keys:
    """A terminal: a page a screen, keys without Enter; it is left as it was found."""

    def __init__(self) -> None:
        self._in = sys.stdin.fileno()
        self._found = termios.tcgetattr(self._in)
        self._shown, self._at_page = _size(), True

    @property
    def rows(self) -> int | None:
        """Its height, less the first and the last line."""
        return max(_size()[1], LOWEST) - 2

    @property
    def width(self) -> int:
        """Its width."""
        return _size()[0]

    def show(self, lines: Sequence[str], *, focus: int | None = None) -> None:
        """Clear the screen and write a page."""
        self._shown, self._at_page = _size(), True
        if focus is not None and configuration.colours(terminal=True):
            lines = [f"\x1b[7m{line}\x1b[0m" if number == focus else line for number, line in enumerate(lines)]
        _write(sys.stdout, "\x1b[H\x1b[2J" + "\r\n".join(lines))

    def key(self) -> str:
        """A key that was pressed, or that the size of the screen is another now."""
        with self._key_by_key():
            while not select.select([self._in], [], [], 0.3)[0]:
                if _size() != self._shown:
                    return RESIZED
                # Whoever was stopped and goes on may find the terminal as the shell had it.
                tty.setcbreak(self._in, termios.TCSADRAIN)
            return _named(self._pressed())

    def ask(self, question: str) -> str:
        """A line, which can be edited as in a shell."""
        # Loaded for what it does to input(): moving within a line, and taking back characters two columns wide.
        import readline  # noqa: F401

        _write(sys.stdout, "\r\n" if self._at_page else "")
        self._at_page = False
        return input(question + " ").strip()

    @contextlib.contextmanager
    def _key_by_key(self) -> Iterator[None]:
        # What was typed ahead is kept, before and after.
        tty.setcbreak(self._in, termios.TCSADRAIN)
        try:
            yield
        finally:
            termios.tcsetattr(self._in, termios.TCSADRAIN, self._found)

    def _pressed(self) -> str:
        first = self._byte()
        if first == b"\x1b":
            return first.decode() + self._rest_of_escape()
        more = {0b110: 1, 0b1110: 2, 0b11110: 3}
        length = next((n for lead, n in more.items() if first[0] >> (6 - n) == lead), 0)
        return (first + b"".join(self._byte() for _ in range(length))).decode("utf-8", "replace")

    def _rest_of_escape(self) -> str:
        """What follows an escape at once belongs to the same key."""
        rest = b""
        while select.select([self._in], [], [], 0.05)[0]:
            rest += self._byte()
            if rest[-1:].isalpha() or rest[-1:] == b"~":
                break
        return rest.decode("ascii", "replace")

    def _byte(self) -> bytes:
        read = os.read(self._in, 1)
        if not read:
            raise EOFError
        return read


_NAMES = {
    "\r": ENTER, "\n": ENTER, " ": SPACE, "\x1b": BACK, "\x1b[A": UP, "\x1bOA": UP, "\x1b[B": DOWN, "\x1bOB": DOWN,
    "\x1b[6~": SPACE, "\x1b[5~": "-",
}  # fmt: skip
_END_OF_INPUT = "\x04"


def _named(pressed: str) -> str:
    """A key by its name, else its letter, small and of ordinary width. Raises EOFError for Ctrl-D."""
    if pressed == _END_OF_INPUT:
        raise EOFError
    return _NAMES.get(pressed) or unicodedata.normalize("NFKC", pressed).lower()


def _write(out: TextIO, text: str) -> None:
    out.write(text)
    out.flush()


def _size() -> tuple[int, int]:
    """Columns and lines."""
    found = shutil.get_terminal_size()
    return max(found.columns, NARROWEST), found.lines


# -- text


def printable(text: str) -> str:
    """A text without what a terminal obeys or a reader is misled by: control, direction and other unseen characters.

    >>> printable("a\\x1b[2Jb\\u202ec")
    'a?[2Jb?c'
    """
    return "".join("?" if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") else each for each in text)


def cells(text: str) -> int:
    """How many columns a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """A text in exactly so many columns, cut where it is longer.

    >>> fitted("流水信用贷", 6), fitted("ab", 4), fitted("ab", 4, right=True)
    ('流水… ', 'ab  ', '  ab')
    """
    if cells(text) > width:
        text = _head(text, width - 1)[0] + "…"
    fill = " " * (width - cells(text))
    return fill + text if right else text + fill


def wrapped(text: str, width: int) -> list[str]:
    """A line as the lines that fit, broken at spaces where there are some; those that follow stand under its text."""
    indent = len(text) - len(text.lstrip())
    # A line of a record has a word of its own first, and its text from one column on.
    under = min(indent + 12 if indent else 2, width // 2)
    found, rest = [], text
    while cells(rest) > width:
        head, tail = _head(rest, width)
        at = head.rfind(" ", under + 1)
        if at > width // 2 and not tail.startswith(" "):
            head, tail = head[:at], head[at:] + tail
        found.append(head.rstrip())
        rest = " " * under + tail.lstrip()
    return [*found, rest]


def _head(text: str, width: int) -> tuple[str, str]:
    """A text parted so that the first part takes at most so many columns, and at least one character."""
    taken = 0
    for number, each in enumerate(text):
        taken += cells(each)
        if taken > width and number:
            return text[:number], text[number:]
    return text, ""
