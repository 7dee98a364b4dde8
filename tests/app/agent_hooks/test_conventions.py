"""The JSON that each agent sends to its hook, and the answer."""

from __future__ import annotations

import json

import pytest

from tests.support.agent_calls import BUG, CODE, GOOD, blocked, every_agent, hook
from tests.support.project import Project
from tests.support.server import ModelServer, analyst


@pytest.fixture
def reviewed(project: Project) -> ModelServer:
    """A model reviews, and a bug is in a new file that nobody has staged."""
    server = project.models(analyst(BUG))
    project.repo.write({"a.py": CODE})
    return server


@every_agent
def test_a_rejection_sends_the_agent_back_with_the_report(name: str, project: Project, reviewed: ModelServer) -> None:
    report = blocked(name, hook(project, name))
    assert report.startswith("ralph-hooks: FAIL 1 blocking\n")
    assert "a.py:3" in report
    assert BUG.message in report
    assert report.rstrip().splitlines()[-1].startswith("next: fix the code, then `ralph-hooks gate --worktree")
    assert len(reviewed.requests) == 2


@every_agent
def test_a_pass_says_nothing(name: str, project: Project, reviewed: ModelServer) -> None:
    project.repo.write({"a.py": GOOD})
    done = hook(project, name)
    assert blocked(name, done) == ""
    assert done.code == 0
    assert json.loads(done.out or "{}") == {}
    assert len(reviewed.requests) == 1


@pytest.mark.parametrize(
    "said", [b"", b"{", b"[]", b"\xff", b'{"cwd": 3}', b'\xef\xbb\xbf{"session_id": "x"}', b"[" * 99_999]
)
def test_whatever_it_says_it_gets_an_answer(project: Project, reviewed: ModelServer, said: bytes) -> None:
    done = project.run("agent-hook", "claude-code", stdin=said)
    assert done.code == 2
    assert reviewed.requests
