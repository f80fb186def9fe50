"""The packs that ship, a good applicant for each, and one way to ask."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from credit.domain.decision import Decided, decide
from credit.domain.packs import Region, read_pack, read_region
from credit.domain.policy.terms import Pack
from credit.domain.products import product_named

HERE = Path(__file__).parent
PARAMETERS = HERE.parents[2] / "credit" / "parameters"

Ask = Callable[..., Decided]


def _fen(text: str) -> int:
    yuan, _, fen = text.removeprefix("¥").replace(",", "").partition(".")
    return int(yuan) * 100 + int(fen.ljust(2, "0"))


def understood(value: Any) -> Any:
    """A value as a credit officer writes it: ¥1,200.50 in fen, 11.3 % as a fraction, anything else as it stands."""
    if isinstance(value, str) and value.startswith("¥"):
        return _fen(value)
    if isinstance(value, str) and value.endswith("%"):
        return float(value.removesuffix("%")) / 100
    return value


def written(pack: str) -> dict[str, Any]:
    """The policy cases of a pack, with every value understood."""
    content = yaml.safe_load((HERE / "policy_cases" / f"{pack}.yaml").read_text(encoding="utf-8"))
    content["applicant"] = {name: understood(value) for name, value in content["applicant"].items()}
    for case in content["cases"]:
        case["given"] = {name: understood(value) for name, value in case["given"].items()}
        case["expect"] = {name: understood(value) for name, value in case["expect"].items()}
    return content


def parsed(name: str) -> dict[str, Any]:
    """A parameter file as the application parses it."""
    return tomllib.loads((PARAMETERS / f"{name}.toml").read_text(encoding="utf-8"))


def regions() -> list[Region]:
    """The regions that ship."""
    files = sorted((PARAMETERS / "regions").glob("*.toml"))
    return [read_region(tomllib.loads(file.read_text(encoding="utf-8")), file=file.name) for file in files]


def shipped() -> dict[str, Pack]:
    """The packs that ship."""
    names = sorted(file.stem for file in PARAMETERS.glob("*.toml") if "[pack]" in file.read_text(encoding="utf-8"))
    common = {"shared": parsed("shared"), "regions": regions()}
    return {name: read_pack(parsed(name), file=f"{name}.toml", **common) for name in names}


PACKS = shipped()
WRITTEN = {name: written(name) for name in PACKS}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that names a `pack` runs for each; one that names a `policy_case` for each line of the YAML files."""
    if "policy_case" in metafunc.fixturenames:
        cases = [(name, case) for name, content in WRITTEN.items() for case in content["cases"]]
        metafunc.parametrize(("pack", "policy_case"), cases, ids=[f"{name}: {case['name']}" for name, case in cases])
    elif "pack" in metafunc.fixturenames:
        metafunc.parametrize("pack", PACKS)


@pytest.fixture(scope="session")
def packs() -> dict[str, Pack]:
    return PACKS


@pytest.fixture(scope="session")
def policy() -> Mapping[str, dict[str, Any]]:
    return WRITTEN


@pytest.fixture(scope="session")
def file() -> Callable[[str], dict[str, Any]]:
    """A parameter file, parsed afresh, to be broken in a test."""
    return parsed


@pytest.fixture(scope="session")
def frame() -> Callable[..., pd.DataFrame]:
    """A frame of cases: the good applicant of a pack, changed by each mapping in turn."""

    def make(pack: str, *changes: Mapping[str, Any]) -> pd.DataFrame:
        rows = [WRITTEN[pack]["applicant"] | dict(change) for change in changes or ({},)]
        return pd.DataFrame(rows, dtype=object)

    return make


@pytest.fixture(scope="session")
def ask(frame: Callable[..., pd.DataFrame]) -> Ask:
    """Decide the good applicant of a pack, changed by each mapping in turn."""

    def decided(pack: str, *changes: Mapping[str, Any], as_of: date | None = None) -> Decided:
        day = as_of or WRITTEN[pack]["as_of"]
        return decide(product_named(PACKS[pack].product), PACKS[pack], frame(pack, *changes), day)

    return decided
