"""The tests' command is found by the files of a project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ralph_hooks.cli.init.test_commands import find_suites
from ralph_hooks.config import load
from ralph_hooks.providers import registry

PYTEST = "python -m pytest -q --junit-xml={junit}"
NPM = '{"scripts": {"test": "vitest run"}, "devDependencies": {"vitest": "1"}}'
TEST = "import unittest\n"


def commands(folder: Path, files: Mapping[str, str]) -> list[str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [command for suite in find_suites(folder) for command in suite.commands]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, [PYTEST]),
        ({"pytest.ini": "[pytest]\n"}, [PYTEST]),
        ({"setup.cfg": "[tool:pytest]\n"}, [PYTEST]),
        ({"setup.cfg": "[metadata]\n"}, []),
        ({"tests/conftest.py": ""}, [PYTEST]),
        ({"requirements-dev.txt": "ruff\npytest>=8\n", "tests/test_a.py": ""}, [PYTEST]),
        ({"requirements.txt": "pytest\n"}, []),  # no tests
        ({"requirements.txt": "pytest-cov\n", "tests/test_a.py": ""}, []),
        ({"pyproject.toml": '[dependency-groups]\ndev = ["pytest>=8"]\n', "test/test_a.py": ""}, [PYTEST]),
        ({"pyproject.toml": "not [toml", "conftest.py": ""}, [PYTEST]),
        ({"conftest.py": "", "uv.lock": ""}, [f"uv run --frozen {PYTEST}"]),
        ({"conftest.py": "", "poetry.lock": ""}, [f"poetry run {PYTEST}"]),
        ({"tests/test_a.py": TEST}, ["python -m unittest discover -s tests"]),
        ({"test_a.py": TEST}, ["python -m unittest discover"]),
        ({"tests/test_a.py": "def test_a() -> None: ...\n"}, [PYTEST]),
        ({"test_a.py": "import pytest\nclass TestA: ...\n"}, [PYTEST]),
        ({"tests/test_a.py": TEST, "uv.lock": ""}, ["uv run --frozen python -m unittest discover -s tests"]),
        ({"tox.ini": "[tox]\n"}, ["tox -q"]),
        ({"tox.ini": "[tox]\n[pytest]\n"}, [PYTEST]),
        ({"noxfile.py": "", "tox.ini": "[tox]\n"}, ["nox"]),
        ({"package.json": NPM}, ["npm install --prefer-offline --no-audit --no-fund --silent", "npm test --silent"]),
        (
            {"package.json": NPM, "package-lock.json": "{}"},
            ["npm ci --prefer-offline --no-audit --no-fund --silent", "npm test --silent"],
        ),
        (
            {"package.json": NPM, "pnpm-lock.yaml": ""},
            ["pnpm install --frozen-lockfile --prefer-offline --silent", "pnpm test --silent"],
        ),
        ({"package.json": '{"scripts": {"test": "node --test"}}'}, ["npm test --silent"]),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"package.json": "{}"}, []),
        ({"package.json": "[1"}, []),
        ({"package.json": "[1]"}, []),
        ({"Cargo.toml": ""}, ["cargo test --quiet"]),
        ({"go.mod": ""}, ["go test ./..."]),
        ({"Makefile": ".PHONY: test\ntest: build\n\tpytest\n"}, ["make test"]),
        ({"Makefile": "test := x\nbuild:\n"}, []),
        ({"Makefile": "test:\n", "Cargo.toml": ""}, ["cargo test --quiet"]),
        ({"go.mod": "", "conftest.py": ""}, [PYTEST, "go test ./..."]),
    ],
)
def test_by_its_files(tmp_path: Path, files: Mapping[str, str], expected: list[str]) -> None:
    found = commands(tmp_path, files)
    assert [command.replace("python3 -m", "python -m") for command in found] == expected
    quoted = ", ".join(f'"{command}"' for command in found)
    (tmp_path / "pyproject.toml").write_text(f"[tool.ralph-hooks]\nverify.commands = [{quoted}]\n", encoding="utf-8")
    assert load(tmp_path, None, registry.built_in()).verify.commands == tuple(found)
