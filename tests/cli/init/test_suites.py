"""The tests' commands are found by the files of a project, and only those that can run are proposed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.config import edit, load
from ralph_hooks.core.command import Command
from ralph_hooks.providers import registry
from tests.support.stand_in import executable
from tests.support.suites import PROGRAMS, PYTEST, found

INSTALL = "test -d node_modules || npm ci --prefer-offline --no-audit --no-fund --silent; "
TEST = "import unittest\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH with every program that a project may need, none of which does anything but succeed."""
    for name in PROGRAMS:
        executable(tmp_path / "bin" / name, "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def package(test: str, *needs: str) -> str:
    listed = ", ".join(f'"{name}": "1"' for name in needs)
    return f'{{"scripts": {{"test": "{test}"}}, "devDependencies": {{{listed}}}}}'


VITEST = "npm test --silent -- --run --reporter=default --reporter=junit --outputFile.junit={junit}"
JEST = "JEST_JUNIT_OUTPUT_FILE={junit} yarn test --reporters=default --reporters=jest-junit"
MOCHA = "MOCHA_FILE={junit} pnpm --silent test --reporter mocha-junit-reporter"
PNPM = "test -d node_modules || pnpm install --frozen-lockfile --prefer-offline --silent; "
YARN = "test -d node_modules || yarn install --frozen-lockfile --silent; "
SPEC = "--test-reporter=spec --test-reporter-destination=stdout"
NODE = f"node --test {SPEC} --test-reporter=junit --test-reporter-destination={{junit}} lib"
BUN = "bun test --reporter=junit --reporter-outfile={junit}"
MAVEN = {"run": "mvn -B -q --fail-at-end test", "junit": "**/target/surefire-reports/TEST-*.xml"}
GRADLE = {
    "run": "./gradlew --no-daemon --quiet --continue test",
    "junit": "**/build/test-results/**/TEST-*.xml",
}
RSPEC = "bundle exec rspec --format progress --format RspecJunitFormatter --out {junit}"
CTEST = "ctest --test-dir build --output-on-failure --output-junit {junit}"
CARGO = "cargo test --quiet --no-fail-fast"
PARTS = {
    "go.mod": "",
    "tools/go.mod": "",
    "web/package.json": package("x"),
    "node_modules/y/package.json": package("z"),
}


@pytest.mark.usefixtures("programs")
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
        ({"conftest.py": "", "pdm.lock": ""}, [PYTEST]),  # there is no pdm
        ({"tests/test_a.py": TEST}, ["python -m unittest discover -s tests"]),
        ({"test_a.py": TEST}, ["python -m unittest discover"]),
        ({"tests/test_a.py": "def test_a() -> None: ...\n"}, [PYTEST]),
        ({"test_a.py": "import pytest\nclass TestA: ...\n"}, [PYTEST]),
        ({"tests/test_a.py": TEST, "uv.lock": ""}, ["uv run --frozen python -m unittest discover -s tests"]),
        ({"tox.ini": "[tox]\n"}, ["tox -q"]),
        ({"tox.ini": "[tox]\n[pytest]\n"}, [PYTEST]),
        ({"noxfile.py": "", "tox.ini": "[tox]\n"}, ["nox"]),
        ({"package.json": package("vitest", "vitest"), "package-lock.json": "{}"}, [INSTALL + VITEST]),
        ({"package.json": package("jest", "jest", "jest-junit"), "yarn.lock": ""}, [YARN + JEST]),
        ({"package.json": package("jest"), "bun.lock": ""}, ["bun run test"]),
        ({"package.json": package("bun test"), "bun.lockb": ""}, [BUN]),
        ({"package.json": package("mocha", "mocha", "mocha-junit-reporter"), "pnpm-lock.yaml": ""}, [PNPM + MOCHA]),
        ({"package.json": package("node --test lib")}, [NODE]),
        ({"package.json": package("eslint . && node --test")}, ["npm test --silent"]),
        (
            {"package.json": '{"workspaces": ["a"]}', "package-lock.json": "", "a/package.json": package("jest")},
            [f"{INSTALL}npm test --silent --workspaces --if-present"],
        ),
        ({"package.json": package('echo \\"Error: no test specified\\" && exit 1')}, []),
        ({"package.json": "{}"}, []),
        ({"package.json": "[1"}, []),
        ({"package.json": "[1]"}, []),
        ({"deno.json": "{}"}, ["deno test --junit-path={junit}"]),
        ({"deno.jsonc": '{"tasks": {"test": "deno test -A"}}'}, ["deno task test --junit-path={junit}"]),
        ({"Cargo.toml": ""}, [CARGO]),
        ({"Cargo.toml": "[workspace]\n", "a/Cargo.toml": "[package]\n"}, [f"{CARGO} --workspace"]),
        ({"go.mod": ""}, ["go test ./..."]),
        ({"pom.xml": "", "api/pom.xml": ""}, [MAVEN]),
        ({"build.gradle.kts": "", "gradlew": ""}, [GRADLE]),
        ({"a.sln": "", "t/t.csproj": "Microsoft.NET.Test.Sdk"}, ["dotnet test --nologo"]),
        ({"a.csproj": ""}, []),
        ({".rspec": "", "Gemfile": "gem 'rspec_junit_formatter'"}, [RSPEC]),
        ({"spec/shop/cart_spec.rb": "", "Gemfile": "gem 'rspec'"}, ["bundle exec rspec"]),
        ({"spec/cart_spec.rb": ""}, []),
        ({"phpunit.xml.dist": ""}, ["phpunit --log-junit {junit}"]),
        ({"CMakeLists.txt": "enable_testing()\n"}, [f"cmake -S . -B build && cmake --build build && {CTEST}"]),
        ({"CMakeLists.txt": "project(x)\n"}, []),
        ({"Makefile": ".PHONY: test\ntest: build\n\tpytest\n"}, ["make test"]),
        ({"Makefile": "test := x\nbuild:\n"}, []),
        ({"Makefile": "test:\n", "Cargo.toml": ""}, [CARGO]),
        ({"go.mod": "", "conftest.py": ""}, [PYTEST, "go test ./..."]),
        (
            PARTS,
            ["go test ./...", {"run": "go test ./...", "cwd": "tools"}, {"run": "npm test --silent", "cwd": "web"}],
        ),
    ],
)
def test_by_its_files(tmp_path: Path, files: Mapping[str, str], expected: list[Any]) -> None:
    suites = found(tmp_path, files).suites
    written = [suite.written for suite in suites]
    assert written == expected
    if not written:
        return
    (tmp_path / ".ralph-hooks.toml").write_text(edit.render({"verify": {"commands": written}}, ()), encoding="utf-8")
    loaded = load(tmp_path, None, registry.built_in()).verify.command_list
    assert loaded == tuple(Command(suite.line, suite.cwd, (), suite.junit) for suite in suites)


@pytest.mark.parametrize(
    ("gone", "files", "warning"),
    [
        ("go", {"go.mod": ""}, "go.mod: its tests need go, which is not on PATH"),
        ("mvn", {"api/pom.xml": ""}, "api/pom.xml: its tests need mvn, which is not on PATH"),
        ("", {"go.mod": ""}, "go.mod: install gotestsum"),
        ("", {"package.json": package("jest", "jest")}, "package.json: add the package jest-junit"),
    ],
)
def test_what_is_missing_is_told(
    programs: Path, tmp_path: Path, gone: str, files: Mapping[str, str], warning: str
) -> None:
    if gone:
        (programs / gone).unlink()
    seen = found(tmp_path, files)
    assert bool(seen.suites) is not bool(gone)
    assert [told for told in seen.warnings if told.startswith(warning)]
