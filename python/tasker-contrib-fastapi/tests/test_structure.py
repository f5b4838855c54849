"""How the package is built: small files, and imports in one direction."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
MOST_LINES = 300
GENERATED = {"_contract.py"}


def modules(source: Path) -> dict[str, Path]:
    found = {}
    for path in source.rglob("*.py"):
        parts = list(path.relative_to(source).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        found[".".join(parts)] = path
    return found


def imports(name: str, path: Path) -> Iterator[str]:
    """What a module imports when it is imported: not for types, not in functions."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    pending: list[ast.stmt] = list(ast.parse(path.read_text()).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif isinstance(node, (ast.If, ast.With, ast.Try)):
            pending += [child for child in ast.walk(node) if isinstance(child, ast.ImportFrom)]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(parts) if node.level else ""
            target = ".".join(filter(None, [base, node.module]))
            for alias in node.names:
                yield f"{target}.{alias.name}"
                yield target


def graph(source: Path) -> dict[str, set[str]]:
    known = modules(source)
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        wanted = set(imports(name, path)) & known.keys()
        # A package is made of its modules: for them, itself is not an import.
        parents = {name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)}
        edges[name] = wanted - parents - {name}
    return edges


def test_no_file_is_long() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in modules(SOURCE).values()
        if (lines := len(path.read_text().splitlines())) > MOST_LINES and path.name not in GENERATED
    }
    assert long == {}


def test_imports_have_no_cycle() -> None:
    edges = graph(SOURCE)
    assert sum(map(len, edges.values())) > 10
    TopologicalSorter(edges).prepare()


def test_a_cycle_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/__init__.py").write_text("from .a import x\n")
    (tmp_path / "p/a.py").write_text("from . import b\n")
    (tmp_path / "p/b.py").write_text(
        "import typing\nif typing.TYPE_CHECKING:\n    from .a import x\n"
    )
    TopologicalSorter(graph(tmp_path)).prepare()
    (tmp_path / "p/b.py").write_text("from .a import x\n")
    with pytest.raises(CycleError):
        TopologicalSorter(graph(tmp_path)).prepare()
