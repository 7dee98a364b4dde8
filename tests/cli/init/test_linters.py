"""Linters that a project configures are proposed as hints; only what was measured to be sure may block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import tomli

from ralph_hooks.cli.init.linters import find_linters
from ralph_hooks.config import edit, load
from ralph_hooks.core.linter import BlockAt
from ralph_hooks.providers import registry
from tests.support.stand_in import executable

PROGRAMS = (
    "ruff", "mypy", "eslint", "biome", "golangci-lint", "staticcheck", "cargo-clippy", "shellcheck", "hadolint",
    "actionlint",
)  # fmt: skip
EVERYTHING = {
    "pyproject.toml": "[tool.ruff]\nline-length = 100\n[tool.mypy]\nstrict = true\n",
    "eslint.config.js": "export default [];\n",
    "node_modules/@microsoft/eslint-formatter-sarif/package.json": "{}\n",
    "biome.json": "{}\n",
    ".golangci.yml": 'version: "2"\n',
    "staticcheck.conf": "",
    "Cargo.toml": '[package]\nname = "x"\n[lints.clippy]\nall = "warn"\n',
    ".shellcheckrc": "",
    ".hadolint.yaml": "",
    ".pre-commit-config.yaml": "repos:\n- repo: x\n  hooks:\n  - id: actionlint\n",
}


@pytest.fixture(autouse=True)
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROGRAMS:
        executable(tmp_path / "bin" / name, "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def project(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "project"


def test_each_linter_that_is_configured_is_a_hint_of_a_valid_configuration(tmp_path: Path) -> None:
    found = find_linters(project(tmp_path, EVERYTHING))
    assert [linter.name for linter in found] == [
        "project-ruff", "mypy", "eslint", "biome", "golangci-lint", "staticcheck", "clippy", "shellcheck", "hadolint",
        "actionlint",
    ]  # fmt: skip
    text = edit.added("", {"linters": [linter.written for linter in found]}, ())
    assert len(tomli.loads(text)["linters"]) == len(found)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".ralph-hooks.toml").write_text(text, encoding="utf-8")
    read = load(tmp_path / "other", None, registry.built_in()).linters
    assert {linter.block_at for linter in read} == {BlockAt.HINT}
    assert [linter.run for linter in read] == [linter.run for linter in found]


def test_mypy_of_the_projects_own_environment_may_block_with_its_surest_rules(tmp_path: Path) -> None:
    top = project(tmp_path, {"mypy.ini": "[mypy]\n", ".venv/pyvenv.cfg": ""})
    executable(top / ".venv/bin/mypy", "#!/bin/sh\n")
    (mypy,) = find_linters(top)
    assert mypy.run.startswith(".venv/bin/mypy ")
    assert mypy.written["rules"] == ["name-defined", "call-arg", "used-before-def", "attr-defined"]
    assert "block-at" not in mypy.written


def test_what_is_not_configured_or_not_installed_is_not_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = project(tmp_path, {"a.py": "", "pyproject.toml": "[project]\nname = 'x'\n", "package.json": "{}"})
    assert find_linters(top) == ()
    top = project(tmp_path, EVERYTHING)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_linters(top) == ()


def test_a_part_of_a_monorepo_has_its_own_linters(tmp_path: Path) -> None:
    """ESLint in two packages; ruff once, for everything below the top."""
    files = {"ruff.toml": "", "services/api/ruff.toml": ""}
    for part in ("packages/web", "packages/Admin UI"):
        files |= {f"{part}/eslint.config.js": "", f"{part}/node_modules/@microsoft/eslint-formatter-sarif/x": ""}
    found = {linter.name: linter.written.get("cwd", "") for linter in find_linters(project(tmp_path, files))}
    assert found == {
        "project-ruff": "",
        "eslint-packages-admin-ui": "packages/Admin UI",
        "eslint-packages-web": "packages/web",
    }


def test_eslint_without_a_format_that_can_be_read_is_not_proposed(tmp_path: Path) -> None:
    assert find_linters(project(tmp_path, {"eslint.config.mjs": ""})) == ()


@pytest.mark.parametrize(("text", "option"), [('version: "2"\n', "--output.sarif.path"), ("run: {}\n", "--out-format")])
def test_golangci_lint_is_asked_in_the_words_of_its_version(tmp_path: Path, text: str, option: str) -> None:
    (found,) = find_linters(project(tmp_path, {".golangci.yaml": text}))
    assert option in found.run
