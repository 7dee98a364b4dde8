"""Imports go one way, no two modules import each other, and heavy libraries stay off the path of an ordinary commit."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ralph_hooks"
ADAPTERS = {"git", "providers", "store", "trust", "checks", "reports", "cluster"}
MAY_IMPORT = {
    "core": {"core"},
    "languages": {"core", "errors", "languages"},
    "phases": {"core", "languages", "phases"},
    "config": {"core", "errors", "config"},
    "engine": {"core", "errors", "languages", "phases", "config", "engine"},
    **{name: {"core", "errors", "languages", "locks", "process", "secrets", name} for name in ADAPTERS},
    "app": {"app", "core", "config", "engine", "errors", "languages", "locks", "process", "secrets"} | ADAPTERS,
    "locks": set(),
    "no_network": set(),
    "process": {"errors"},
    "secrets": {"core", "errors", "languages", "secrets"},
    "errors": set(),
}
"""Packages that each package may import from. The command line (`cli`) and the entry points may import all of them."""
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
    "tree_sitter",
    "yaml",
}
LAZY = {"ralph_hooks.providers.session"}
"""Modules that subclass what is heavy, and are imported only inside functions themselves."""


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Path, top-level package and syntax tree of each module."""
    paths = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]
    return tuple(
        (str(path), path.parts[0].removesuffix(".py"), ast.parse((PACKAGE / path).read_text(encoding="utf-8")))
        for path in paths
    )


@cache
def imported(tree: ast.AST) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    return tuple(names)


def dotted(path: str) -> str:
    """The module's name: ``git/run.py`` is ``ralph_hooks.git.run``."""
    return ".".join(["ralph_hooks", *Path(path.removesuffix("/__init__.py")).with_suffix("").parts])


@cache
def dependencies() -> dict[str, frozenset[str]]:
    """The modules of ours that each module imports, inside functions and for type checking too."""
    names = {dotted(path) for path, _, _ in modules()}
    return {
        dotted(path): frozenset(
            name
            for name in imported(tree)
            # `from package import module` names the package as well, which then needs nothing of it
            if name in names - {dotted(path)}
            and not any(other in names and other.startswith(f"{name}.") for other in imported(tree))
        )
        for path, _, tree in modules()
    }


def cycle() -> list[str]:
    """One import cycle, as the modules on it; empty if there is none."""
    done: set[str] = set()

    def search(module: str, trail: tuple[str, ...]) -> list[str]:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in done:
            return []
        for other in sorted(dependencies()[module]):
            if found := search(other, (*trail, module)):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(dependencies()) if (found := search(module, ()))), [])


def test_layers_are_kept() -> None:
    wrong = []
    for name, package, tree in modules():
        if package in {"cli", "__init__", "__main__"}:
            continue
        packages = {module.split(".")[1] for module in imported(tree) if module.startswith("ralph_hooks.")}
        wrong += [f"{name} imports {other}" for other in sorted(packages - MAY_IMPORT[package] - {"__version__"})]
    assert wrong == []


def test_no_modules_import_each_other() -> None:
    assert cycle() == []


def test_cli_holds_commands_alone() -> None:
    """Each file or folder of `cli` is a command, the entry point, or `shared`."""
    found = {path.stem for path in (PACKAGE / "cli").iterdir() if path.name != "__pycache__"}
    commands = {path.stem for path in (PACKAGE / "cli").iterdir() if "def command(" in source(path)}
    assert found - commands == {"__init__", "main", "shared"}


def source(path: Path) -> str:
    module = path / "__init__.py" if path.is_dir() else path
    return module.read_text(encoding="utf-8") if module.exists() else ""


def test_only_the_process_module_starts_programs() -> None:
    wrong = [
        name
        for name, package, tree in modules()
        if package != "process" and any(module.split(".")[0] in {"subprocess", "pty"} for module in imported(tree))
    ]
    assert wrong == []


def test_core_and_phases_touch_neither_clock_nor_environment_nor_files() -> None:
    forbidden = {"os", "time", "datetime", "random", "pathlib", "io", "socket", "sqlite3", "subprocess", "secrets"}
    wrong = [
        f"{name} imports {module}"
        for name, package, tree in modules()
        if package in {"core", "phases"}
        for module in imported(tree)
        if module.split(".")[0] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("heavy", sorted(HEAVY))
def test_heavy_packages_are_imported_only_inside_functions(heavy: str) -> None:
    """A module that is itself imported so may import them at its top."""
    wrong = []
    for name, _, tree in modules():
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {module for node in top for module in imported(node)}
        wrong += [name for module in names if module in LAZY]
        wrong += [name for module in names if module.split(".")[0] == heavy and dotted(name) not in LAZY]
    assert wrong == []


def test_typed_data_is_decoded_in_one_place() -> None:
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


EXCEPTIONS = {"errors.py", "core/model_errors.py", "store/session.py"}
"""Modules that hold exceptions alone: what raises them is tested."""


def test_every_module_has_a_test_file_of_its_name() -> None:
    """``ralph_hooks/a/b.py`` is tested in ``tests/a/test_b.py``; mere types and ports need none."""
    tests = Path(__file__).parent
    missing = [
        name
        for name, _, tree in modules()
        if not Path(name).name.startswith("__") and not name.startswith("core/ports/") and name not in EXCEPTIONS
        if any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))
        if not (tests / Path(name).with_name(f"test_{Path(name).name}")).exists()
    ]
    assert missing == []
