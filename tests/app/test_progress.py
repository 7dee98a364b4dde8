"""Progress on a terminal."""

from __future__ import annotations

import pytest

from tests.support.changes import EVAL
from tests.support.project import BIN, Project
from tests.support.reviewed import CLEAN
from tests.support.server import ModelServer, analyst
from tests.support.terminal import at_terminal


@pytest.fixture(autouse=True)
def server(project: Project) -> ModelServer:
    return project.models(analyst(EVAL))


def test_progress_is_shown_on_a_terminal_and_taken_away(project: Project) -> None:
    """A model that takes its time: the bar names the step, and the last thing on the screen is the report."""
    project.models(analyst(EVAL, latency=0.8))
    project.repo.stage({"a.py": CLEAN})
    env = {**project.environ, "TERM": "xterm"}
    _, shown = at_terminal([str(BIN / "ralph-hooks"), "gate"], cwd=project.repo.path, env=env)
    assert "ralph-hooks analyze" in shown
    assert shown.rstrip().endswith(" s\x1b[m") or "PASS" in shown.splitlines()[-1]
