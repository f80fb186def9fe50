"""The page of the architecture says what import-linter holds and what another reader of the imports finds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import grimp
import pytest

from credit.app.architecture import LAYERS, imports, layer_of, sources

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("credit", "features", "models", "data", cache_dir=None)


def test_the_layers_are_those_that_import_linter_holds():
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [each for each in said if each["type"] == "layers"]
    assert ["cli", *contract["layers"]] == [layer for layer, _ in LAYERS]


def test_every_module_is_on_the_page(graph):
    assert set(sources()) - {"cli"} == set(graph.modules)


def test_every_import_is_found(graph):
    found = imports(sources())
    for name in graph.modules:
        assert found[name] == set(graph.find_modules_directly_imported_by(name)), name


def test_no_module_imports_from_a_layer_above():
    order = [layer for layer, _ in LAYERS]
    for name, needed in imports(sources()).items():
        for other in needed:
            at, to = layer_of(name), layer_of(other)
            assert at is None or to is None or order.index(at) <= order.index(to), f"{name} imports {other}"
