"""`analyze` asks models and runs no command."""

from __future__ import annotations

import sys

import pytest

from tests.support.changes import verified_by
from tests.support.project import Project
from tests.support.server import analyst


@pytest.fixture
def trusted(project: Project) -> Project:
    """A project whose command fails where the staged a.py holds the word ``broken``."""
    project.models(analyst())
    project.configure(verified_by(f"{sys.executable} check.py"))
    project.repo.commit({"check.py": "import sys\nsys.exit('broken' in open('a.py').read())\n", "a.py": "fine = 1\n"})
    assert project.run("trust", "--yes").code == 0
    return project


def test_analyze_runs_no_command(trusted: Project) -> None:
    trusted.repo.stage({"a.py": "broken = 1\n"})
    judged = trusted.judge(command="analyze")
    assert (judged.code, judged.report["verification"]) == (0, [])
