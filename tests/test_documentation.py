"""The pages hold together: every link leads somewhere, every page is listed, every command shown can be called."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cli
from credit.app.documenting import generated
from credit.domain.glossary import TERMS
from tests.consoles import Entered, steps

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
COMMAND = typer.main.get_command(cli.app)
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
)  # fmt: skip

_CODE = re.compile(r"^(```+).*?^\1[ ]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_FENCED = re.compile(r"^(```+).*?^\1[ ]*$", re.DOTALL | re.MULTILINE)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", page.read_text("utf-8"))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-{sum(each.startswith(slug) for each in found)}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    for link in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        there = page.parent.joinpath(target).resolve() if target else page
        assert there.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(there), f"{link}: no such heading"


# -- who answers for a page --------------------------------------------------------------------------------------------


def owners() -> dict[Path, str]:
    """What the index says of each page that it lists."""
    found = {}
    for line in INDEX.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and (links := _LINK.findall(cells[0])):
            found |= {(DOCS / link).resolve(): cells[2] for link in links}
    return found


def test_every_page_is_listed_in_the_index():
    under = {page.resolve() for page in DOCS.rglob("*") if page.is_file() and page.suffix in (".md", ".json", ".toml")}
    listed = set(owners()) | {page.resolve() for page in (DOCS / "adr").glob("[0-9]*.md")}
    assert under - listed == {INDEX.resolve()}


def test_every_page_has_an_owner_that_is_there():
    said = {str(page.relative_to(DOCS)): owner.strip("`") for page, owner in owners().items()}
    by_code = "credit docs build --check"
    assert {page for page, owner in said.items() if owner == by_code} == set(generated(DOCS, COMMAND))
    for owner in set(said.values()) - {by_code}:
        assert owner.removeprefix("make ") in make_targets() or (ROOT / owner).is_file(), owner


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


# -- commands ----------------------------------------------------------------------------------------------------------


def shown(page: Path) -> Iterator[str]:
    """Every command that a page shows, in a terminal or as a line of its own."""
    text = page.read_text("utf-8")
    yield from (step.command for step in steps(text) if isinstance(step, Entered))
    yield from re.findall(r"^    (credit .+)$", text, re.MULTILINE)


COMMANDS = [(named(page), command) for page in PAGES for command in shown(page)]


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {command}" for page, command in COMMANDS])
def test_a_command_that_a_page_shows_can_be_called(page, command):
    for words in called(command):
        if words[0] == "make":
            assert set(words[1:]) <= make_targets()
        elif words[0] == "credit":
            parsed(words[1:])


def called(command: str) -> Iterator[list[str]]:
    """The commands of a line: what is piped, substituted or run as somebody else."""
    lexer = shlex.shlex(command.replace("$(", " ( "), posix=True, punctuation_chars="|<>;&()")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words: list[str] = []
    redirected = False
    for word in [*lexer, ";"]:
        if set(word) <= set("|;&()"):
            start = next((at for at, each in enumerate(words) if each in ("credit", "make")), None)
            if start is not None:
                yield words[start:]
            words = []
        elif set(word) <= set("<>"):
            redirected = True
        elif redirected:
            redirected = False
        else:
            words.append(word)


def parsed(words: list[str]) -> None:
    """Let the command line read the words as it would, and stop before it does anything."""
    command: Any = COMMAND
    while inner := getattr(command, "commands", None):
        assert words and words[0] in inner, f"{words[:1]} is no command"
        command, words = inner[words[0]], words[1:]
    command.make_context("credit", list(words))


# -- words -------------------------------------------------------------------------------------------------------------

BY_HAND = [
    page
    for page in PAGES
    if page.is_relative_to(DOCS) and "Generated by" not in page.read_text("utf-8").split("\n", 1)[0]
]


@pytest.mark.parametrize("page", BY_HAND, ids=named)
def test_a_page_written_by_hand_uses_the_terms_of_the_glossary(page):
    known = {term.zh for term in TERMS}
    used = set(re.findall(r"[㐀-鿿]+", _CODE.sub("", page.read_text("utf-8"))))
    assert used <= known
