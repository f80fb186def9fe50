"""Pages that show a terminal: their commands are run as printed, and what they print is held against the page.

A block of ```` ```console ```` has lines that begin with `$ `; what follows a command is what it prints, to the letter,
but for

- `…`: anything within a line, or any lines where it stands alone;
- the id of a supplier, contract, decision, line, draw or guarantee: it stands for the id that was printed in its place,
  there and in all commands below;
- a block of ```` ```console varies ````: any figure will do, any reasons, and any term that binds an amount, for trees
  differ between processors and demonstrations in size.

A command after which nothing is printed is only run. `# exit code 6` behind one says how it ends, otherwise with 0. A
file that a page prints after a line that names it and ends with a colon (`` `shop/vendors.csv`: ``) is saved.
`sudo -u NAME` in front of a command makes it that person's.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_ID = re.compile(r"\b(?:S\d{7}|C\d{8}|[A-Z]{1,2}[0-9A-F]{15})\b")
_NUMBER = re.compile(r"[+−-]?\d[\d,.:]*")
_REASON = r"  reason [^\n]+\n"
_BLOCK = re.compile(r"^(?P<fence>```+)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ ]*$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"`(?P<name>[\w$./-]+)`[^`\n]*:\s*$")
_ENDS = re.compile(r"#.*\bexit code (\d)")
_PERSON = re.compile(r"sudo -u (\w+) (?:CREDIT_HOME=\S+ )?")
_SHELL = re.compile(r"[|<>;&`]|\$\(")


@dataclass(frozen=True)
class Saved:
    """A file that the page prints and the reader saves."""

    name: str
    text: str


@dataclass(frozen=True)
class Entered:
    """A command that the page prints, what it shows of the answer, and how it ends."""

    command: str
    shown: str
    varies: bool
    code: int


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    text: str


def steps(page: str) -> Iterator[Saved | Entered]:
    """What a reader of a page does, in order."""
    for found in _BLOCK.finditer(page):
        info = found["info"].split()
        if info[:1] == ["console"]:
            yield from _entered(found["body"], varies="varies" in info)
        elif named := _NAMED.search(page[: found.start()].rstrip("\n").rpartition("\n")[2]):
            yield Saved(named["name"], found["body"])


def _entered(block: str, *, varies: bool) -> Iterator[Entered]:
    for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = piece.replace("\\\n", "").partition("\n")
        ends = _ENDS.search(command)
        yield Entered(command, shown.strip("\n"), varies, int(ends[1]) if ends else 0)


@dataclass
class Terminal:
    """Where a page is followed: a folder, the ids that stand for those printed, and how `credit` is called."""

    folder: Path
    credit: Callable[[list[str], dict[str, str], str | None], Answer]
    env: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def follow(self, step: Saved | Entered) -> None:
        """Do one step, and hold what it says against the page."""
        if isinstance(step, Saved):
            place = self.folder / os.path.expandvars(self._named(step.name))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(step.text, encoding="utf-8")
            return
        said = self.enter(step.command)
        assert said.code == step.code, f"$ {step.command}\nended with {said.code}, not {step.code}:\n{said.text}"
        if step.shown:
            self._compare(step, said.text)

    def enter(self, command: str) -> Answer:
        """Run a command as a reader would."""
        named = self._named(command)
        person = _PERSON.match(named)
        plain = named[person.end() :] if person else named
        if plain.startswith("credit ") and not _SHELL.search(plain.partition(" #")[0]):
            words = [self._expanded(word) for word in shlex.split(plain, comments=True)]
            return self.credit(words[1:], self.env, person[1] if person else None)
        return self._shell(plain)

    def _shell(self, command: str) -> Answer:
        """What a shell does, which may set variables for the commands below."""
        script = f"{command}\ncode=$?; env -0 > .env; exit $code"
        called = f'credit() {{ "{sys.executable}" -m cli "$@"; }}\n'
        env = {**self.env, "PYTHONPATH": str(ROOT)}
        said = subprocess.run(
            ["bash", "-c", called + script],
            cwd=self.folder, env=env, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        after = self.folder / ".env"
        if after.exists():
            pairs = (entry.partition("=") for entry in after.read_text(encoding="utf-8").split("\0") if entry)
            self.env |= {name: value for name, _, value in pairs if name != "PYTHONPATH"}
            after.unlink()
        return Answer(said.returncode, said.stdout)

    def _named(self, text: str) -> str:
        return _ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def _expanded(self, word: str) -> str:
        return re.sub(r"\$(\w+)", lambda found: self.env.get(found[1], found[0]), word)

    def _compare(self, step: Entered, said: str) -> None:
        pattern, new = self._pattern(step)
        text = "\n".join(line.rstrip() for line in said.strip("\n").splitlines()) + "\n"
        found = re.fullmatch(pattern, text)
        assert found, f"$ {step.command}\nprinted\n{text}\nand the page says\n{step.shown}"
        self.ids |= {printed: found[name] for printed, name in new.items()}

    def _pattern(self, step: Entered) -> tuple[str, dict[str, str]]:
        new: dict[str, str] = {}
        lines = [self._line(line, step.varies, new) for line in step.shown.splitlines()]
        # As many reasons as there are.
        return re.sub(rf"(?:{re.escape(_REASON)})+", lambda _: f"(?:{_REASON})*", "".join(lines)), new

    def _line(self, line: str, varies: bool, new: dict[str, str]) -> str:
        if line.strip() == "…":
            return r"(?:[^\n]*\n)*?"
        if varies and line.startswith("  reason "):
            return _REASON
        if varies and line.startswith("  bound by "):
            return r"  bound by [^\n]+\n"
        parts = []
        for part in re.split(rf"({_ID.pattern}|…)", line.rstrip()):
            if part == "…":
                parts.append(r"[^\n]*?")
            elif _ID.fullmatch(part):
                parts.append(self._id(part, new))
            else:
                parts.append(_loose(part) if varies else re.escape(part))
        return "".join(parts) + "\n"

    def _id(self, printed: str, new: dict[str, str]) -> str:
        if printed in self.ids:
            return re.escape(self.ids[printed])
        if printed in new:
            return f"(?P={new[printed]})"
        new[printed] = f"id{len(new)}"
        return f"(?P<{new[printed]}>{_ID.pattern})"


def _loose(text: str) -> str:
    """A pattern of the same words with any figures, and any room between columns."""
    pieces = []
    for piece in re.split(rf"({_NUMBER.pattern}| +)", text):
        if _NUMBER.fullmatch(piece):
            pieces.append(_NUMBER.pattern)
        else:
            pieces.append(" +" if piece.startswith(" ") else re.escape(piece))
    return "".join(pieces)
