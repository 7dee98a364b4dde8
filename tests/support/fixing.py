"""A change that breaks a test, models that repair it, and what came of it."""

from __future__ import annotations

import sys

from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.snapshot import open_repository
from tests.support.fixes import in_store
from tests.support.project import TWO_LINES, Judged, Project
from tests.support.server import ModelServer, Script

SCRIPT = f"{sys.executable} test_area.py"
"""The same test without the second that pytest takes to start."""


TESTS = """\
from area import area


def test_area():
    assert area(2, 3) == 6, area(2, 3)


if __name__ == "__main__":
    test_area()
"""


RIGHT = "def area(a, b):\n    return a * b\n"


WRONG = "def area(a, b):\n    return a + b\n"


MENDS = ("area.py", "return a + b", "return a * b")


BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"


STILL = "After the repair this is still wrong"


def with_tests(
    project: Project,
    script: Script,
    settings: str = "",
    *,
    wire: str = "openai",
    command: str = SCRIPT,
    spare: Script | None = None,
    user: str = BUDGET,
) -> ModelServer:
    """A project whose tests pass, with a change staged that breaks one, and ``script`` to answer for the models."""
    server = project.models(script, wire=wire, user=user)
    if spare:
        project.also("spare", spare)
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ['{command}']\n{settings}")
    assert project.run("trust", "--yes").code == 0
    project.repo.commit({"area.py": RIGHT, "test_area.py": TESTS})
    project.repo.stage({"area.py": WRONG})
    return server


def mend(project: Project, *args: str) -> Judged:
    return project.judge(*args, command="fix")


def steps(judged: Judged) -> list[tuple[str, bool]]:
    return [(rung["step"], rung["succeeded"]) for rung in judged.report["rungs"]]


def said(judged: Judged, step: str) -> str:
    """What came of every rung of that kind."""
    return "\n".join(rung["outcome"] for rung in judged.report["rungs"] if rung["step"] == step)


def stored(project: Project, judged: Judged) -> dict[str, str]:
    """The files that the stored fix changes, as it leaves them."""
    assert judged.report["fix"], judged.notices
    ref = judged.report["fix"]["ref"]
    names = in_store(project.repo).git("diff", "--name-only", f"{ref}~1", ref).splitlines()
    return {name: in_store(project.repo).git("show", f"{ref}:{name}") + "\n" for name in names}


def nothing_stored(project: Project) -> bool:
    return fixes.every(open_repository(project.repo.path)) == ()


WORSENS = ("area.py", "return a + b", "return a - b")
