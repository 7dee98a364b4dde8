"""Repairs in the background, as any command finds them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.background import (
    asked,
    commit,
    pins,
    the_job,
    until,
    with_hook,
)
from tests.support.changes import BUGGY, EVAL
from tests.support.project import Project
from tests.support.repairs import Crew, plan
from tests.support.server import Reply

pytestmark = pytest.mark.usefixtures("temporary")


def test_a_killed_repair_leaves_nothing_once_the_next_command_has_looked(project: Project, temporary: Path) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    job = the_job(project)
    os.kill(job.pid, signal.SIGKILL)
    until(lambda: not project.jobs.runs(job), "it is gone")
    assert list(temporary.iterdir()) != []
    told = project.run("cost")
    assert "the repair of staged change was killed, and its files are removed" in told.err
    assert list(temporary.iterdir()) == []
    assert pins(project) == []
    assert project.jobs.all() == ()
    assert [path.name for path in (project.home / "state" / "jobs").rglob("*") if path.is_file()] == []
    assert "killed" not in project.run("cost").err
