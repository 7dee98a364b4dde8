"""The file of dismissals."""

from __future__ import annotations

import pytest

from ralph_hooks.core.dismissal import DISMISSED
from tests.support.changes import BUGGY, EVAL, dismissed
from tests.support.project import Project
from tests.support.server import analyst


@pytest.fixture
def refused(project: Project) -> Project:
    """A project whose staged change a model's finding holds back."""
    project.configure()
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    return project


def test_a_damaged_file_dismisses_nothing_and_is_told(refused: Project) -> None:
    dismissed(refused, "--last", "--reason", "fine")
    refused.repo.write({DISMISSED: "<<<<<<< HEAD\n"})
    judged = refused.judge()
    assert judged.code == 1
    assert f"{DISMISSED} in the working tree cannot be read" in judged.notices
    assert refused.run("dismiss", "--last", "--reason", "x").code == 2
