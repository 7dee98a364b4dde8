"""Which commands run a project's tests, by the files that are in it. Nothing is run to find out."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

_RUNNERS = (
    ("uv.lock", "uv run --frozen python"),
    ("poetry.lock", "poetry run python"),
    ("pdm.lock", "pdm run python"),
    ("Pipfile.lock", "pipenv run python"),
)
_NO_NPM_TEST = "no test specified"  # what `npm init` writes
_QUIET = "--prefer-offline --no-audit --no-fund --silent"
_INSTALLERS = (
    # A scratch copy has the files of a commit: node_modules are none of them.
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile --prefer-offline --silent", "pnpm test --silent"),
    ("yarn.lock", "yarn install --frozen-lockfile --silent", "yarn test"),
    ("bun.lock", "bun install --frozen-lockfile", "bun run test"),
    ("bun.lockb", "bun install --frozen-lockfile", "bun run test"),
    ("package-lock.json", f"npm ci {_QUIET}", "npm test --silent"),
    ("", f"npm install {_QUIET}", "npm test --silent"),
)
_READ = 1 << 20  # bytes of a file that are looked at


class Suite(Struct, frozen=True):
    """How a project's tests are run."""

    commands: tuple[str, ...]
    why: str
    """The file that says so, for people."""


def find_suites(top: Path) -> tuple[Suite, ...]:
    """The test suites of the project at ``top``, one for each language that has one."""
    found = tuple(suite for find in (_python, _node, _cargo, _go) for suite in find(top))
    return found or tuple(_make(top))


def _python(top: Path) -> Iterator[Suite]:
    python = next((runner for lock, runner in _RUNNERS if (top / lock).is_file()), "") or _interpreter()
    why = _pytest(top)
    if why:
        yield Suite((f"{python} -m pytest -q --junit-xml={{junit}}",), why)
        return
    for name, command in (("noxfile.py", "nox"), ("tox.ini", "tox -q")):
        if (top / name).is_file():
            yield Suite((command,), name)
            return
    tests = next((path for path in _test_files(top) if "unittest" in _text(path)), None)
    if tests is not None:
        start = "" if tests.parent == top else f" -s {tests.parent.name}"
        yield Suite((f"{python} -m unittest discover{start}",), str(tests.relative_to(top)))


def _interpreter() -> str:
    return "python" if shutil.which("python") or not shutil.which("python3") else "python3"


def _pytest(top: Path) -> str:
    """The file by which the project says that it is tested by pytest; empty where none does."""
    tool = _toml(top / "pyproject.toml").get("tool")
    if isinstance(tool, dict) and "pytest" in tool:
        return "pyproject.toml"
    sections = (("pytest.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]"), ("tox.ini", "[pytest]"))
    own = [name for name, section in sections if section in _text(top / name)]
    own += [name for name in ("conftest.py", "tests/conftest.py", "test/conftest.py") if (top / name).is_file()]
    if own:
        return own[0]
    needs = (top / "pyproject.toml", *sorted(top.glob("*requirements*.txt")))
    named = next((path for path in needs if re.search(r"(?m)(^|[\"'\s])pytest\b(?!-)", _text(path))), None)
    if named is not None and any(_test_files(top)):
        return named.name
    for_pytest = next((path for path in _test_files(top) if _FOR_PYTEST.search(_text(path))), None)
    return str(for_pytest.relative_to(top)) if for_pytest is not None else ""


_FOR_PYTEST = re.compile(r"(?m)^(?:async )?def test_|^(?:import|from) pytest\b")
"""Tests that unittest does not see: plain functions."""


def _test_files(top: Path) -> Iterator[Path]:
    for folder in (top / "tests", top / "test", top):
        yield from sorted(folder.glob("test_*.py"))
        yield from sorted(folder.glob("*_test.py"))


def _node(top: Path) -> Iterator[Suite]:
    try:
        package: Any = json.loads(_text(top / "package.json") or "{}")
    except ValueError:
        return
    scripts = package.get("scripts") if isinstance(package, dict) else None
    test = scripts.get("test") if isinstance(scripts, dict) else None
    if not isinstance(test, str) or not test.strip() or _NO_NPM_TEST in test:
        return
    install, run = next((install, run) for lock, install, run in _INSTALLERS if not lock or (top / lock).is_file())
    needs = any(package.get(key) for key in ("dependencies", "devDependencies", "workspaces"))
    yield Suite((install, run) if needs else (run,), "package.json")


def _cargo(top: Path) -> Iterator[Suite]:
    if (top / "Cargo.toml").is_file():
        yield Suite(("cargo test --quiet",), "Cargo.toml")


def _go(top: Path) -> Iterator[Suite]:
    if (top / "go.mod").is_file():
        yield Suite(("go test ./...",), "go.mod")


def _make(top: Path) -> Iterator[Suite]:
    for name in ("GNUmakefile", "makefile", "Makefile"):
        if re.search(r"(?m)^test\s*:(?!=)", _text(top / name)):
            yield Suite(("make test",), name)
            return


def _toml(path: Path) -> dict[str, Any]:
    import tomli

    try:
        return tomli.loads(_text(path))
    except (ValueError, RecursionError):
        return {}


def _text(path: Path) -> str:
    """The beginning of a file; empty where there is none that can be read."""
    try:
        with path.open("rb") as file:
            return file.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""
