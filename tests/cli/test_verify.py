"""`verify` runs commands and asks no model."""

from __future__ import annotations

import sys

import pytest

from tests.support.changes import verified_by
from tests.support.project import Project
from tests.support.server import Finds, analyst


@pytest.fixture
def trusted(project: Project) -> Project:
    """A project whose command fails where the staged a.py holds the word ``broken``."""
    project.models(analyst())
    project.configure(verified_by(f"{sys.executable} check.py"))
    project.repo.commit({"check.py": "import sys\nsys.exit('broken' in open('a.py').read())\n", "a.py": "fine = 1\n"})
    assert project.run("trust", "--yes").code == 0
    return project


def test_verify_asks_no_model_and_says_that_nothing_was_reviewed(trusted: Project) -> None:
    server = trusted.models(analyst(Finds("broken", "No.")))
    trusted.repo.stage({"a.py": "broken = 1\n"})
    judged = trusted.judge(command="verify")
    assert (judged.code, server.requests, judged.report["reviewed"]) == (1, [], 0)
    assert judged.causes == {"a.py": "not-asked"}
    trusted.repo.stage({"a.py": "fine = 2\n"})
    assert "PASS: 1 command passed, no requests" in trusted.run("verify").out


def test_verify_without_anything_to_run_says_so(project: Project) -> None:
    project.models(analyst())
    project.repo.stage({"a.py": "fine = 1\n"})
    judged = project.judge(command="verify")
    assert judged.code == 0
    assert "nothing was verified" in judged.notices
