"""The test command of one part of a project, and helpers to detect it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from msgspec import Struct

_READ = 1 << 20  # bytes read from the start of a file


class Suite(Struct, frozen=True, kw_only=True):
    """One verify command."""

    line: str
    why: str
    """The file that configures it, for display."""
    programs: tuple[str, ...] = ()
    """Programs that must be on PATH; a path is one of the project's own."""
    junit: tuple[str, ...] = ()
    """The paths of JUnit reports that it writes by itself."""
    advice: str = ""
    """Advice for the user on a better setup."""
    problem: str = ""
    """The reason, besides a missing program, why it cannot run here; empty if it can."""
    whole: bool = True
    """True if it also runs the tests of the folders below."""
    cwd: str = ""

    @property
    def written(self) -> str | dict[str, Any]:
        """The suite as a configuration entry."""
        if not self.cwd and not self.junit:
            return self.line
        given: dict[str, Any] = {"run": self.line}
        if self.cwd:
            given["cwd"] = self.cwd
        if self.junit:
            given["junit"] = self.junit[0] if len(self.junit) == 1 else list(self.junit)
        return given

    @property
    def shown(self) -> str:
        """The suite for display."""
        return f"{self.cwd}: {self.line}" if self.cwd else self.line

    def missing(self) -> tuple[str, ...]:
        """Return the missing programs."""
        return tuple(name for name in self.programs if shutil.which(name) is None)


def text(path: Path) -> str:
    """Return the start of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""


def first(folder: Path, *names: str) -> str:
    """Return the first of ``names`` (globs allowed) with a file in ``folder``; empty if there is none."""
    for name in names:
        if "*" not in name:
            if (folder / name).is_file():
                return name
        elif found := next((path for path in sorted(folder.glob(name)) if path.is_file()), None):
            return found.name
    return ""


def table(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file; empty if it cannot be read."""
    import tomli

    try:
        return tomli.loads(text(path))
    except (ValueError, RecursionError):
        return {}


def json_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; empty if it cannot be read."""
    try:
        found: Any = json.loads(text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
