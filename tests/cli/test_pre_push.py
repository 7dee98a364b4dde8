"""The hook of a push."""

from __future__ import annotations

import pytest

from tests.support.changes import EVAL
from tests.support.project import Project
from tests.support.push import Remote
from tests.support.server import analyst


@pytest.fixture
def remote(project: Project) -> Remote:
    """A bare remote that has what the project has."""
    return Remote(project)


def test_nothing_but_deletions_passes_without_asking(project: Project, remote: Remote) -> None:
    server = project.models(analyst(EVAL))
    remote.accept("main:refs/heads/old")
    judged = remote.push(":refs/heads/old")
    assert (judged.code, judged.verdict, server.requests) == (0, "pass", [])
    assert judged.report["tree"] == ""
    assert judged.report["refs"][0]["action"] == "delete"
    assert "PASS: nothing to review" in remote.hook(":refs/heads/old").out
