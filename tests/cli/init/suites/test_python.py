"""Test commands of Python projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.cli.init.suites import find_suites
from tests.support.stand_in import executable
from tests.support.suites import PROGRAMS, PYTEST, found


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH with every program that a project may need, none of which does anything but succeed."""
    for name in PROGRAMS:
        executable(tmp_path / "bin" / name, "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_pytest_is_proposed_only_where_there_is_one(programs: Path, tmp_path: Path) -> None:
    executable(programs / "python", "#!/bin/sh\nexit 1\n")
    seen = found(tmp_path, {"conftest.py": ""})
    assert seen.suites == ()
    assert seen.warnings == (
        "conftest.py: no Python on PATH has pytest: activate the environment of the project first",
    )
    executable(tmp_path / "project/.venv/bin/python", "#!/bin/sh\n")
    assert [suite.line for suite in find_suites(tmp_path / "project").suites] == [f".venv/bin/{PYTEST}"]
