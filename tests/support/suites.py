"""Programs that test commands need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ralph_hooks.cli.init.suites import FoundSuites, find_suites

PYTEST = "python -m pytest -q --junit-xml={junit}"


PROGRAMS = (
    "python", "uv", "poetry", "nox", "tox", "npm", "node", "pnpm", "yarn", "bun", "deno", "go", "cargo", "mvn", "java",
    "gradle", "dotnet", "bundle", "rspec", "php", "composer", "phpunit", "cmake", "ctest", "make",
)  # fmt: skip


def found(folder: Path, files: Mapping[str, str]) -> FoundSuites:
    for name, text in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.name in {"gradlew", "mvnw"}:
            path.chmod(0o755)
    (folder / "project").mkdir(exist_ok=True)
    return find_suites(folder / "project")
