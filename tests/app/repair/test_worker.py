"""The process of a repair in the background."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.core.job import JobState
from tests.support.background import (
    MENDS,
    Gate,
    asked,
    commit,
    ended,
    pins,
    until,
    with_hook,
)
from tests.support.changes import BUGGY, EVAL
from tests.support.project import Project
from tests.support.repairs import Crew, plan
from tests.support.server import Reply
from tests.support.terminal import at_terminal

pytestmark = pytest.mark.usefixtures("temporary")


def test_a_repair_survives_the_terminal(project: Project) -> None:
    gate = Gate(MENDS)
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[gate]))
    project.repo.stage({"calc.py": BUGGY})
    code, said = at_terminal(["git", "commit", "-m", "change"], cwd=project.repo.path, env=project.environ)
    assert (code, "a repair is running" in said) == (1, True)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")  # the terminal is closed by now
    gate.opened.set()
    assert ended(project).state is JobState.FINISHED


def test_its_deadline_ends_a_repair(project: Project, temporary: Path) -> None:
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]), "deadline = 2")
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    job = ended(project)
    assert (job.state, job.settled) == (JobState.FAILED, False)
    assert "deadline" in job.outcome
    assert list(temporary.iterdir()) == []
    assert pins(project) == []


def test_modules_of_the_repository_are_not_imported_by_the_repair(project: Project, tmp_path: Path) -> None:
    """It is started in the repository's folder, where Python would look for modules first."""
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    project.repo.commit({"click.py": trap, "msgspec.py": trap, "ralph_hooks/__init__.py": trap})
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    assert ended(project).state is JobState.FINISHED
    assert not (tmp_path / "ran").exists()
