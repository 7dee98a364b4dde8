"""The ladder on real repositories with scripted models: what repairs a change, what does not, what each step cost."""

from __future__ import annotations

import sys

import pytest

from tests.support.asking import WIRES
from tests.support.project import TWO_LINES, Judged, Project, phases
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Finds, ModelServer, Script

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider --junit-xml={{junit}}"
TESTS = "from area import area\n\n\ndef test_area():\n    assert area(2, 3) == 6\n"
RIGHT = "def area(a, b):\n    return a * b\n"
WRONG = "def area(a, b):\n    return a + b\n"
MENDS = ("area.py", "return a + b", "return a * b")
WORSENS = ("area.py", "return a + b", "return a - b")
BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"
EVAL = Finds("eval(", "Runs what the user typed.")
BUGGY = "def calculate(text):\n    return eval(text)\n"


def with_tests(project: Project, script: Script, *lines: str, wire: str = "openai") -> ModelServer:
    """A project whose tests pass, with a change staged that breaks one, and ``script`` to answer for the models."""
    server = project.models(script, wire=wire, user=BUDGET)
    fix = "\n".join(["[tool.ralph-hooks.fix]", *lines])
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ['{PYTEST}']\n{fix}\n")
    assert project.run("trust", "--yes").code == 0
    project.repo.commit({"area.py": RIGHT, "test_area.py": TESTS})
    project.repo.stage({"area.py": WRONG})
    return server


def mend(project: Project, *args: str) -> Judged:
    return project.judge(*args, command="fix")


def steps(judged: Judged) -> list[tuple[str, bool]]:
    return [(rung["step"], rung["succeeded"]) for rung in judged.report["rungs"]]


def stored(project: Project, judged: Judged) -> dict[str, str]:
    """The files that the stored fix changes, as it leaves them."""
    ref = judged.report["fix"]["ref"]
    names = project.repo.git("diff", "--name-only", f"{ref}~1", ref).splitlines()
    return {name: project.repo.git("show", f"{ref}:{name}") + "\n" for name in names}


@pytest.mark.parametrize("wire", WIRES)
def test_a_repair_that_fails_its_test_is_mended_by_the_fix_phase(project: Project, wire: str) -> None:
    crew = Crew(planned=plan("area.py"), implement=[repair(WORSENS)], fix=[repair(("area.py", "a - b", "a * b"))])
    server = with_tests(project, crew, wire=wire)
    judged = mend(project)
    assert judged.code == 0
    assert steps(judged) == [("plan", True), ("implement", True), ("check", False), ("fix", True), ("check", True)]
    assert stored(project, judged) == {"area.py": RIGHT}
    assert judged.report["fix"]["verified"] is True
    assert phases(server.requests) == ["analyze", "plan", "implement", "fix"]
    corrected = server.requests[-1].prompt
    assert "assert -1 == 6" in corrected  # what the test really printed
    assert "return a - b" in corrected  # the file as it is by now
