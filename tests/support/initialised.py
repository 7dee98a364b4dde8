"""Projects for init."""

from __future__ import annotations

from typing import Any

import tomli

from tests.support.project import Project

KEY = "sk-made-up-0123456789abcdef"


PYTEST = {"pyproject.toml": '[project]\nname = "x"\n\n[tool.pytest.ini_options]\n'}


def init(project: Project, *args: str, code: int = 0, offline: bool = True) -> str:
    done = project.run("init", *args, *(["--offline"] if offline else []))
    assert done.code == code, done.out + done.err
    return done.out + done.err


def table(project: Project) -> dict[str, Any]:
    own = project.repo.path / ".ralph-hooks.toml"
    if own.exists():
        return tomli.loads(own.read_text(encoding="utf-8"))
    text = (project.repo.path / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomli.loads(text)["tool"]["ralph-hooks"]
    return found
