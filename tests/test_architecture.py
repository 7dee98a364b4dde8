"""Imports go one way, and heavy ones stay off the path of an ordinary commit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ralph_hooks"
EVERYWHERE = {"core", "errors"}
ADAPTERS = {"git", "providers", "store", "trust", "checks", "reports", "cluster"}
MAY_IMPORT = {
    "core": {"core"},
    "phases": {"core", "phases"},
    "config": {"core", "errors", "config"},
    "engine": {"core", "errors", "phases", "config", "engine"},
    **{name: {"core", "errors", "locks", "process", "secrets", name} for name in ADAPTERS},
    "locks": set(),
    "offline": set(),
    "process": {"errors"},
    "secrets": {"core", "errors", "secrets"},
    "errors": set(),
}
HEAVY = {
    "requests",
    "genai_prices",
    "rich",
    "detect_secrets",
    "platformdirs",
    "psycopg",
    "git",
    "asyncio",
    "dask",
    "distributed",
    "logging",
    "dataclasses",
}


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Name, room and syntax of each."""
    paths = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]
    return tuple(
        (str(path), path.parts[0].removesuffix(".py"), ast.parse((PACKAGE / path).read_text(encoding="utf-8")))
        for path in paths
    )


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_layers_are_kept() -> None:
    wrong = []
    for name, room, tree in modules():
        if room in {"cli", "__init__", "__main__"}:
            continue
        rooms = {module.split(".")[1] for module in imported(tree) if module.startswith("ralph_hooks.")}
        wrong += [f"{name} imports {other}" for other in sorted(rooms - MAY_IMPORT[room] - {"__version__"})]
    assert wrong == []


def test_only_the_process_module_starts_programs() -> None:
    wrong = [
        name
        for name, room, tree in modules()
        if room != "process" and any(module.split(".")[0] in {"subprocess", "pty"} for module in imported(tree))
    ]
    assert wrong == []


def test_core_and_phases_touch_neither_clock_nor_environment_nor_files() -> None:
    forbidden = {"os", "time", "datetime", "random", "pathlib", "io", "socket", "sqlite3", "subprocess", "secrets"}
    wrong = [
        f"{name} imports {module}"
        for name, room, tree in modules()
        if room in {"core", "phases"}
        for module in imported(tree)
        if module.split(".")[0] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("heavy", sorted(HEAVY))
def test_heavy_packages_are_imported_only_inside_functions(heavy: str) -> None:
    wrong = []
    for name, _, tree in modules():
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        wrong += [name for node in top for module in imported(node) if module.split(".")[0] == heavy]
    assert wrong == []


def test_json_of_a_known_shape_is_decoded_in_one_place() -> None:
    """Two threads that begin to decode a Struct at the same time crash the process: see `core/codec.py`."""
    forbidden = {f"msgspec.{form}.{name}" for form in ("json", "msgpack") for name in ("decode", "Decoder")}
    wrong = [
        f"{name}:{node.lineno}"
        for name, _, tree in modules()
        if not name.endswith("core/codec.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in forbidden
        and any(keyword.arg == "type" for keyword in node.keywords)
    ]
    assert wrong == []
