"""Test commands of JavaScript packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ralph_hooks.cli.init.suites.javascript import find


def package(folder: Path, test: str, **more: object) -> None:
    (folder / "package.json").write_text(json.dumps({"scripts": {"test": test}, **more}), encoding="utf-8")


@pytest.mark.parametrize(
    ("lock", "program"),
    [("package-lock.json", "npm"), ("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn")],
)
def test_lock_file_names_the_package_manager(tmp_path: Path, lock: str, program: str) -> None:
    package(tmp_path, "vitest")
    (tmp_path / lock).write_text("")
    (suite,) = find(tmp_path)
    assert suite.programs == (program,)
    assert "--outputFile.junit={junit}" in suite.line


def test_script_of_several_commands_is_run_as_it_is(tmp_path: Path) -> None:
    package(tmp_path, "eslint . && vitest")
    (suite,) = find(tmp_path)
    assert "{junit}" not in suite.line
    assert "more than one command" in suite.advice


def test_package_without_a_real_test_has_none(tmp_path: Path) -> None:
    package(tmp_path, 'echo "Error: no test specified" && exit 1')
    assert list(find(tmp_path)) == []
