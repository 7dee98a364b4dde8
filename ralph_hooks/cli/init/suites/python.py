"""Tests of Python: pytest, nox, tox or unittest, run by the project's environment manager if it has one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from ralph_hooks.cli.init.suites.suite import Suite, first, table, text
from ralph_hooks.process import TimeoutExpired, run

_RUNNERS = (
    ("uv.lock", "uv", "uv run --frozen python"),
    ("poetry.lock", "poetry", "poetry run python"),
    ("pdm.lock", "pdm", "pdm run python"),
    ("Pipfile.lock", "pipenv", "pipenv run python"),
)
_PATIENCE = 20.0  # seconds for Python to start
_FOR_PYTEST = re.compile(r"(?m)^(?:async )?def test_|^(?:import|from) pytest\b")
"""Plain test functions, which unittest does not collect."""


class _Python(Struct, frozen=True):
    command: str
    why_not: str = ""
    """The reason why it has no pytest; empty if it has."""


def find(folder: Path) -> Iterator[Suite]:
    """Yield the tests of the project in ``folder``."""
    why = _pytest(folder)
    if why:
        python = _python(folder, wanted="pytest")
        yield Suite(line=f"{python.command} -m pytest -q --junit-xml={{junit}}", why=why, problem=python.why_not)
        return
    for name, program, line in (("noxfile.py", "nox", "nox"), ("tox.ini", "tox", "tox -q")):
        if (folder / name).is_file():
            yield Suite(line=line, why=name, programs=(program,))
            return
    tests = next((path for path in _test_files(folder) if "unittest" in text(path)), None)
    if tests is not None:
        start = "" if tests.parent == folder else f" -s {tests.parent.name}"
        line = f"{_python(folder).command} -m unittest discover{start}"
        yield Suite(line=line, why=tests.relative_to(folder).as_posix())


def _python(folder: Path, wanted: str = "") -> _Python:
    """Return the Python for the tests: of the tool with a lock file, on PATH, or in `.venv`."""
    for lock, program, command in _RUNNERS:
        if (folder / lock).is_file() and shutil.which(program):
            return _Python(command)
    names = [name for name in ("python", "python3") if shutil.which(name)]
    local = first(folder, ".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe")
    candidates = [*names, *([local] if local else [])]
    for candidate in candidates if wanted else ():
        if _imports(folder, candidate, wanted):
            return _Python(candidate)
    if wanted:
        return _Python("python", f"no Python on PATH has {wanted}: activate the environment of the project first")
    return _Python(candidates[0] if candidates else "python")


def _imports(folder: Path, python: str, module: str) -> bool:
    program = str(folder / python) if "/" in python else shutil.which(python)
    if program is None:
        return False
    try:
        return run([program, "-c", f"import {module}"], cwd=Path.home(), timeout=_PATIENCE).returncode == 0
    except (OSError, TimeoutExpired):
        return False


def _pytest(folder: Path) -> str:
    """Return the file that shows that the project uses pytest; empty if there is none."""
    tool = table(folder / "pyproject.toml").get("tool")
    if isinstance(tool, dict) and "pytest" in tool:
        return "pyproject.toml"
    sections = (("pytest.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]"), ("tox.ini", "[pytest]"))
    own = [name for name, section in sections if section in text(folder / name)]
    own += [name for name in ("conftest.py", "tests/conftest.py", "test/conftest.py") if (folder / name).is_file()]
    if own:
        return own[0]
    needs = (folder / "pyproject.toml", *sorted(folder.glob("*requirements*.txt")))
    named = next((path for path in needs if re.search(r"(?m)(^|[\"'\s])pytest\b(?!-)", text(path))), None)
    if named is not None and any(_test_files(folder)):
        return named.name
    for_pytest = next((path for path in _test_files(folder) if _FOR_PYTEST.search(text(path))), None)
    return for_pytest.relative_to(folder).as_posix() if for_pytest is not None else ""


def _test_files(folder: Path) -> Iterator[Path]:
    for place in (folder / "tests", folder / "test", folder):
        yield from sorted(place.glob("test_*.py"))
        yield from sorted(place.glob("*_test.py"))
