"""`gate` says one line where nothing is wrong."""

from __future__ import annotations

import pytest

from tests.support.changes import EVAL
from tests.support.project import Project
from tests.support.reviewed import CLEAN
from tests.support.server import ModelServer, analyst


@pytest.fixture(autouse=True)
def server(project: Project) -> ModelServer:
    return project.models(analyst(EVAL))


def test_a_passing_gate_prints_one_line(project: Project) -> None:
    project.repo.stage({"a.py": CLEAN})
    done = project.run("gate")
    assert done.out.startswith("ralph-hooks: PASS: 1 file reviewed, $0.00")
    assert done.out.count("\n") == 1
