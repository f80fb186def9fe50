"""A home with the whole path run once on a small platform, and a way to call the command in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from credit.app import identity
from tests.conftest import NOW


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Credit = Callable[..., Said]


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_credit(home: Path, *words: object, **env: str) -> Said:
    """Call the command as a user would, in this process; answers exit code, stdout and stderr."""
    import cli

    out, err = io.StringIO(), io.StringIO()
    argv = sys.argv
    sys.argv = ["credit", *(str(word) for word in words)]
    try:
        # The clock stands still, so that a decision made twice is the same to the second.
        fixed = {"CREDIT_HOME": str(home), "CREDIT_NOW": NOW, **env}
        with environment(**fixed), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
                code = 0
            except SystemExit as stop:
                code = int(stop.code or 0)
    finally:
        sys.argv = argv
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def demo_home(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after the demonstration, one for each worker; tests that change it take a copy of their own."""
    return shutil.copytree(demonstration / "var", tmp_path_factory.getbasetemp() / "own" / "var")


@pytest.fixture(scope="module")
def spoilt(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Credit]:
    """A copy of the demonstration's home that the tests of one module spoil together, and the command on it."""
    home = shutil.copytree(demonstration / "var", tmp_path_factory.mktemp("spoilt") / "var")
    return home, lambda *words, **env: run_credit(home, *words, **env)


@pytest.fixture
def demo_said(demonstration: Path) -> dict[str, Any]:
    return json.loads((demonstration / "said.json").read_text())


@pytest.fixture
def credit(demo_home: Path) -> Credit:
    """The command on the demonstration's home."""
    return lambda *words, **env: run_credit(demo_home, *words, **env)


@pytest.fixture
def empty(tmp_path: Path) -> Credit:
    """The command on a home that holds nothing."""
    return lambda *words, **env: run_credit(tmp_path / "var", *words, **env)


@pytest.fixture
def changed(demonstration: Path, tmp_path: Path) -> tuple[Path, Credit]:
    """A copy of the demonstration's home that a test may spoil, and the command on it."""
    home = tmp_path / "var"
    shutil.copytree(demonstration / "var", home)
    return home, lambda *words, **env: run_credit(home, *words, **env)


ROLES = '[roles]\nli = "analyst"\nzhang = "senior"\nnight = "operator"\neye = "auditor"\n'


@pytest.fixture
def people(changed, monkeypatch):
    """A home of a demonstration that may be changed, and the command as one of these people."""
    return with_roles(changed[0], monkeypatch)


def with_roles(home, patch):
    """A home in which these people have roles, and the command as one of them."""
    (home / "roles.toml").write_text(ROLES, encoding="utf-8")

    def as_(who, *words, **env):
        patch.setattr(identity, "who", lambda: who)
        return run_credit(home, *words, **env)

    return home, as_
