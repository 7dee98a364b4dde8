"""No agent is sent back forever."""

from __future__ import annotations

import pytest

from ralph_hooks.locks import acquire
from tests.support.agent_calls import BUG, CODE, blocked, every_agent, hook, told
from tests.support.project import Project
from tests.support.server import ModelServer, analyst


@pytest.fixture
def reviewed(project: Project) -> ModelServer:
    """A model reviews, and a bug is in a new file that nobody has staged."""
    server = project.models(analyst(BUG))
    project.repo.write({"a.py": CODE})
    return server


@every_agent
def test_the_same_files_are_not_refused_twice(name: str, project: Project, reviewed: ModelServer) -> None:
    assert blocked(name, hook(project, name))
    assert "has changed nothing" in told(name, hook(project, name, again=True))
    assert "has changed nothing" in told(name, hook(project, name))
    assert blocked(name, hook(project, name, session="another"))
    assert len(reviewed.requests) == 2


def test_an_agent_is_sent_back_three_times_in_a_row_at_most(project: Project, reviewed: ModelServer) -> None:
    for turn in range(3):
        project.repo.write({"a.py": CODE + f"# {turn}\n"})
        assert blocked("claude-code", hook(project, again=turn > 0)), turn
    project.repo.write({"a.py": CODE + "# more\n"})
    assert "3 times in a row" in told("claude-code", hook(project, again=True))
    assert blocked("claude-code", hook(project, again=False))  # the next turn begins anew
    assert reviewed.requests


def test_one_review_at_a_time(project: Project, reviewed: ModelServer) -> None:
    hook(project)
    (path,) = (project.home / "state" / "agents").glob("*.lock")
    lock = acquire(path)
    assert lock is not None
    project.repo.write({"a.py": CODE + "# new\n"})
    before = len(reviewed.requests)
    with lock:
        assert "is already reviewing this repository" in told("claude-code", hook(project))
    assert len(reviewed.requests) == before
