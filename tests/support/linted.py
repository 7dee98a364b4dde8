"""Linters for tests, in a repository's configuration."""

from __future__ import annotations

import json
import shlex
import sys

from tests.support.project import Project

RUFF = "ruff check --isolated --no-cache --select S,B --output-format sarif {files}"


EVAL = "def calculate(text):\n    return eval(text)\n"


OLD = "import subprocess\n\n\ndef start(line):\n    subprocess.call(line, shell=True)\n"


def linter(name: str, run: str, *lines: str) -> str:
    return "\n".join([f'[[tool.ralph-hooks.linters]]\nname = "{name}"\nrun = {json.dumps(run)}', *lines, ""])


def set_up(project: Project, *tables: str, models: str = "") -> None:
    project.write_user('on-failure = "block"\n')
    project.configure("\n".join([models, *tables]) if models else "\n".join(["[tool.ralph-hooks]", *tables]))
    project.run("trust", "--yes")


def script(project: Project, text: str) -> str:
    """A command line that runs ``text`` as Python, outside of the repository."""
    path = project.home.parent / "linter.py"
    path.write_text(text, encoding="utf-8")
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(path))}"
