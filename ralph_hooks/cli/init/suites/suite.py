"""How the tests of one part of a project are run, and what helps to find that out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from msgspec import Struct

_READ = 1 << 20  # bytes of a file that are looked at


class Suite(Struct, frozen=True, kw_only=True):
    """One verify command."""

    line: str
    why: str
    """The file that says so, for people."""
    programs: tuple[str, ...] = ()
    """What has to be on PATH for it; a path is one of the project's own."""
    junit: tuple[str, ...] = ()
    """Where it writes JUnit reports by itself."""
    advice: str = ""
    """What would make more of it, for people."""
    problem: str = ""
    """Why it cannot run here besides a missing program; empty where it can."""
    whole: bool = True
    """True if it runs the tests of the folders below too."""
    cwd: str = ""

    @property
    def written(self) -> str | dict[str, Any]:
        """As it stands in the configuration."""
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
        """For people."""
        return f"{self.cwd}: {self.line}" if self.cwd else self.line

    def missing(self) -> tuple[str, ...]:
        """The programs that are not there."""
        return tuple(name for name in self.programs if shutil.which(name) is None)


def text(path: Path) -> str:
    """The beginning of a file; empty where there is none that can be read."""
    try:
        with path.open("rb") as file:
            return file.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""


def first(folder: Path, *names: str) -> str:
    """The first of ``names``, which may be patterns, that ``folder`` has a file for; empty where it has none."""
    for name in names:
        if "*" not in name:
            if (folder / name).is_file():
                return name
        elif found := next((path for path in sorted(folder.glob(name)) if path.is_file()), None):
            return found.name
    return ""


def table(path: Path) -> dict[str, Any]:
    """A TOML file; empty where it cannot be read."""
    import tomli

    try:
        return tomli.loads(text(path))
    except (ValueError, RecursionError):
        return {}


def json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object; empty where it cannot be read."""
    try:
        found: Any = json.loads(text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
