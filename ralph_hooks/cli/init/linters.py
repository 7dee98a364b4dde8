"""Linters and type checkers that a project has configured, as entries for our configuration."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from msgspec import Struct, structs

from ralph_hooks.cli.init.suites import folders
from ralph_hooks.cli.init.suites.suite import first, table, text

_NARROW = ("name-defined", "call-arg", "used-before-def", "attr-defined")
"""Rules of mypy that flagged 1 of 166 clean commits; the one was a real bug."""
_ESLINT_SARIF = "@microsoft/eslint-formatter-sarif"
_VERSION_2 = re.compile(r"""(?m)^\s*"?version"?\s*[:=]\s*["']?2\b""")
"""The version line in the configuration of golangci-lint."""
_MOST = 20  # linters in one proposal
_HOOKS = ".pre-commit-config.yaml"


class FoundLinter(Struct, frozen=True):
    """One linter of the project that can run here."""

    name: str
    why: str
    """The file that configures it, for display."""
    run: str
    paths: tuple[str, ...]
    format: str = ""
    rules: tuple[str, ...] = ()
    """The rules that may block; if empty, all findings are hints."""
    cwd: str = ""
    """The folder of the project that configures it, relative to the top; empty for the top."""

    @property
    def written(self) -> dict[str, Any]:
        """The linter as a configuration entry."""
        given: dict[str, Any] = {"name": self.name, "run": self.run}
        given |= {"cwd": self.cwd} if self.cwd else {}
        given["paths"] = list(self.paths)
        if self.format:
            given["format"] = self.format
        return given | ({"rules": list(self.rules)} if self.rules else {"block-at": "hint"})


def find_linters(top: Path) -> tuple[FoundLinter, ...]:
    """Return the linters that ``top`` and its parts configure and that are installed.

    All are hints except mypy's most reliable rules: new findings of most linters come with many clean commits
    (docs/checks.md). A part is a folder with a configuration of its own, where no folder above it has one.
    """
    found: list[FoundLinter] = []
    covered: set[tuple[Callable[[Path], Iterator[FoundLinter]], Path]] = set()
    for folder in folders(top):
        for family in _FAMILIES:
            if any((family, above) in covered for above in folder.parents):
                continue
            linters = list(family(folder))
            covered |= {(family, folder)} if linters else set()
            found += linters if folder == top else [_of_part(linter, folder.relative_to(top)) for linter in linters]
    by_name = {linter.name: linter for linter in reversed(found)}  # the names of two parts may come out the same
    return tuple(reversed(by_name.values()))[:_MOST]


def _of_part(linter: FoundLinter, part: PurePath) -> FoundLinter:
    suffix = re.sub(r"[^a-z0-9]+", "-", part.as_posix().lower()).strip("-")
    return structs.replace(linter, name=f"{linter.name}-{suffix}", why=f"{part}/{linter.why}", cwd=part.as_posix())


def _ruff(top: Path) -> Iterator[FoundLinter]:
    why = first(top, "ruff.toml", ".ruff.toml") or ("pyproject.toml" if "ruff" in _tools(top) else _hook(top, "ruff"))
    program = _program(top, "ruff")
    if why and program:
        run = f"{program} check --no-cache --force-exclude --output-format sarif {{files}}"
        yield FoundLinter("project-ruff", why, run, ("*.py", "*.pyi"))


def _mypy(top: Path) -> Iterator[FoundLinter]:
    why = first(top, "mypy.ini", ".mypy.ini") or ("pyproject.toml" if "mypy" in _tools(top) else "")
    why = why or ("setup.cfg" if "[mypy]" in text(top / "setup.cfg") else "")
    program = _program(top, "mypy")
    if why and program:
        run = f"{program} --no-pretty --show-error-codes --no-error-summary {{files}}"
        own = "/" in program  # the project's own environment has its dependencies
        yield FoundLinter("mypy", why, run, ("*.py",), "mypy", _NARROW if own else ())


def _eslint(top: Path) -> Iterator[FoundLinter]:
    why = first(top, "eslint.config.*", ".eslintrc*")
    program = _package(top, "eslint")
    if why and program and (top / "node_modules" / _ESLINT_SARIF).is_dir():
        patterns = ("*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.mts", "*.tsx")
        yield FoundLinter("eslint", why, f"{program} --format {_ESLINT_SARIF} {{files}}", patterns)


def _biome(top: Path) -> Iterator[FoundLinter]:
    why = first(top, "biome.json", "biome.jsonc")
    program = _package(top, "biome")
    if why and program:
        run = f"{program} lint --reporter=github --no-errors-on-unmatched {{files}}"
        yield FoundLinter("biome", why, run, ("*.js", "*.jsx", "*.ts", "*.tsx", "*.json", "*.css"), "github")


def _golangci(top: Path) -> Iterator[FoundLinter]:
    why = first(top, ".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json")
    if why and shutil.which("golangci-lint"):
        second = _VERSION_2.search(text(top / why)) is not None
        options = "--output.sarif.path=stdout --show-stats=false" if second else "--out-format sarif"
        yield FoundLinter("golangci-lint", why, f"golangci-lint run {options}", ("*.go",))


def _staticcheck(top: Path) -> Iterator[FoundLinter]:
    why = first(top, "staticcheck.conf")
    if why and shutil.which("staticcheck"):
        yield FoundLinter("staticcheck", why, "staticcheck -f sarif ./...", ("*.go",))


def _clippy(top: Path) -> Iterator[FoundLinter]:
    cargo = table(top / "Cargo.toml")
    workspace = cargo.get("workspace")
    lints = [each.get("lints") for each in (cargo, workspace) if isinstance(each, dict)]
    configured = any(isinstance(each, dict) and "clippy" in each for each in lints)
    why = first(top, "clippy.toml", ".clippy.toml") or ("Cargo.toml" if configured else "")
    if why and shutil.which("cargo-clippy"):
        run = "cargo clippy --quiet --message-format=short 2>&1"
        yield FoundLinter("clippy", why, run, ("*.rs",), "gcc")


def _shellcheck(top: Path) -> Iterator[FoundLinter]:
    why = first(top, ".shellcheckrc") or _hook(top, "shellcheck")
    if why and shutil.which("shellcheck"):
        yield FoundLinter("shellcheck", why, "shellcheck -f gcc {files}", ("*.sh", "*.bash"), "gcc")


def _hadolint(top: Path) -> Iterator[FoundLinter]:
    why = first(top, ".hadolint.yaml", ".hadolint.yml") or _hook(top, "hadolint")
    if why and shutil.which("hadolint"):
        patterns = ("Dockerfile", "Dockerfile.*", "*.Dockerfile")
        yield FoundLinter("hadolint", why, "hadolint -f sarif {files}", patterns)


def _actionlint(top: Path) -> Iterator[FoundLinter]:
    why = first(top, ".github/actionlint.yaml", ".github/actionlint.yml") or _hook(top, "actionlint")
    if why and shutil.which("actionlint"):
        patterns = (".github/workflows/*.yml", ".github/workflows/*.yaml")
        yield FoundLinter("actionlint", why, "actionlint -oneline {files}", patterns, "gcc")


_FAMILIES: tuple[Callable[[Path], Iterator[FoundLinter]], ...] = (
    _ruff, _mypy, _eslint, _biome, _golangci, _staticcheck, _clippy, _shellcheck, _hadolint, _actionlint,
)  # fmt: skip


def _tools(top: Path) -> dict[str, Any]:
    tools = table(top / "pyproject.toml").get("tool")
    return tools if isinstance(tools, dict) else {}


def _hook(top: Path, name: str) -> str:
    """Return pre-commit's configuration file if it runs a hook called ``name``."""
    return _HOOKS if f"id: {name}\n" in text(top / _HOOKS) else ""


def _program(top: Path, name: str) -> str:
    """Return a Python program of the project's environment, or the one on PATH; empty if there is none."""
    for folder in (".venv", "venv"):
        if (top / folder / "pyvenv.cfg").is_file() and first(top, f"{folder}/bin/{name}"):  # else no copy has it
            return f"{folder}/bin/{name}"
    return name if shutil.which(name) else ""


def _package(top: Path, name: str) -> str:
    """Return a program installed by npm, or the one on PATH; empty if there is none."""
    return first(top, f"node_modules/.bin/{name}") or (name if shutil.which(name) else "")
