"""What a commit pays for before anything is judged: a known one imports nothing that only a first look needs."""

from __future__ import annotations

import subprocess
import sys

from tests.support.project import BIN, Project
from tests.support.server import analyst

HEAVY = {
    "http",
    "ssl",
    "requests",
    "urllib3",
    "genai_prices",
    "pydantic",
    "rich",
    "detect_secrets",
    "git",
    "platformdirs",
    "psycopg",
    "tomlkit",
}
INDEX = "ralph_hooks.engine.review.tree_index"
"""Reads the code around a change."""
CODE = """\
def total(prices, password=None):
    if password is None:
        pass
    return sum(prices)
"""


def imported(project: Project) -> set[str]:
    """The packages and modules that the installed program imports to judge what is staged, which has to pass."""
    args = [sys.executable, "-X", "importtime", str(BIN / "ralph-hooks"), "gate"]
    ran = subprocess.run(
        args, cwd=project.repo.path, env=project.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = [row for row in ran.stderr.decode().splitlines() if row.startswith("import time:")]
    names = {row.rpartition("|")[2].strip() for row in rows}
    return names | {name.partition(".")[0] for name in names}


def test_a_commit_whose_verdicts_are_known_imports_nothing_heavy(project: Project) -> None:
    server = project.models(analyst())
    project.repo.stage({f"m{number}.py": CODE for number in range(3)})
    first = imported(project)
    assert "http" in first  # it is told when it is imported
    assert "detect_secrets" not in first  # a name alone is nothing for it
    assert INDEX in first
    assert imported(project) & {*HEAVY, INDEX} == set()
    assert len(server.requests) == 1


def test_a_commit_without_a_model_imports_nothing_heavy(project: Project) -> None:
    project.configure("")
    project.repo.stage({"a.py": CODE})
    assert imported(project) & HEAVY == set()
