"""The page of the architecture: the layers, and who imports whom, read from the source itself.

Import-linter refuses what goes the wrong way; this page says what goes the right way.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from credit.app.markdown import table

# From what calls to what is called. Each imports of those below it, never of those above.
LAYERS: tuple[tuple[str, str], ...] = (
    ("cli", "the command"),
    ("credit.app", "commands, use cases, the night, configuration, the clock"),
    ("models", "features to probability, score, grade and reasons; training, validation, registry"),
    ("features", "the catalogue of features and what computes it"),
    ("data", "the ledger, import formats, the book, bank files, the simulated platform"),
    ("credit.domain", "rules, limits, price, products, decision: no disk, no database, no model, no clock"),
)
_ROOTS = ("cli", "credit", "models", "features", "data")


@dataclass(frozen=True, slots=True)
class Source:
    """A module's source: where it lies from the top of the repository on, and what it says."""

    path: str
    tree: ast.Module


Modules = dict[str, Source]


def page() -> str:
    """The page, in Markdown with Mermaid."""
    modules = sources()
    needed = imports(modules)
    lines = [
        "# Architecture\n",
        "Imports go one way: an arrow says that a layer imports from another. `lint-imports` refuses any other arrow; "
        "its contracts stand in [pyproject.toml](../pyproject.toml). [Why things are as they are](adr/README.md).\n",
        *_drawn(needed),
        "\n## What comes from outside\n",
        "Each library, and the layers that import it. Heavy ones are imported inside the function that needs them.\n",
        *table(("library", "layers"), _libraries(modules)),
    ]
    for layer, says in LAYERS:
        own = {name: source for name, source in modules.items() if layer_of(name) == layer}
        lines += [f"\n## {layer}\n", f"{says[0].upper()}{says[1:]}.\n"]
        rows = ((f"[{name}](../{source.path})", _first_sentence(source.tree)) for name, source in own.items())
        lines += table(("module", "what it is"), rows)
    return "\n".join(lines) + "\n"


@cache
def sources() -> Modules:
    """Every module of ours by name, in order."""
    found: Modules = {}
    for root in _ROOTS:
        spec = find_spec(root)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(root)
        origin = Path(spec.origin)
        inside = origin.name == "__init__.py"
        top = origin.parent.parent if inside else origin.parent
        for file in sorted(origin.parent.rglob("*.py")) if inside else [origin]:
            if inside and not (file.parent / "__init__.py").exists():
                continue  # scripts of another tool's, such as the steps of a migration
            parts = file.relative_to(top).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Source(file.relative_to(top).as_posix(), ast.parse(file.read_text(encoding="utf-8")))
    return found


def imports(modules: Modules) -> dict[str, set[str]]:
    """The modules of ours that each module imports, wherever in it that stands."""
    return {name: set(_imports(name, source.tree, modules)) for name, source in modules.items()}


def layer_of(module: str) -> str | None:
    """The layer that a module belongs to; None for `credit` itself, which is none.

    >>> layer_of("credit.app.line"), layer_of("data.book.book"), layer_of("credit"), layer_of("database")
    ('credit.app', 'data', None, None)
    """
    return next((layer for layer, _ in LAYERS if module == layer or module.startswith(f"{layer}.")), None)


def arrows(needed: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Which layer imports from which, from the top down."""
    order = [layer for layer, _ in LAYERS]
    found = {(layer_of(name), layer_of(other)) for name, names in needed.items() for other in names}
    return [(at, to) for at in order for to in order if at != to and (at, to) in found]


def _imports(name: str, tree: ast.Module, modules: Modules) -> Iterator[str]:
    for imported in _imported(tree):
        inner = imported if imported in modules else imported.rpartition(".")[0]
        if inner in modules and inner != name:
            yield inner


def _imported(tree: ast.Module) -> Iterator[str]:
    """Every name that is imported: of `from a.b import c` it is `a.b.c`, which may be a module or what is in one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _libraries(modules: Modules) -> Iterator[tuple[str, str]]:
    who: dict[str, set[str]] = defaultdict(set)
    for name, source in modules.items():
        for imported in _imported(source.tree):
            library, layer = imported.split(".")[0], layer_of(name)
            if library not in sys.stdlib_module_names and library not in _ROOTS and layer:
                who[library].add(layer)
    order = [layer for layer, _ in LAYERS]
    for library in sorted(who):
        yield f"`{library}`", ", ".join(f"`{layer}`" for layer in order if layer in who[library])


def _drawn(needed: dict[str, set[str]]) -> Iterator[str]:
    yield "```mermaid"
    yield "flowchart TD"
    for layer, _ in LAYERS:
        yield f'    {_id(layer)}["{layer}"]'
    for at, to in arrows(needed):
        yield f"    {_id(at)} --> {_id(to)}"
    yield "```"


def _id(layer: str) -> str:
    return layer.replace(".", "_")


def _first_sentence(tree: ast.Module) -> str:
    return " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
