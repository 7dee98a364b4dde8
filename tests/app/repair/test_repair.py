"""A repair is made once, and again only if that may help."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.core.job import JobState
from tests.support.background import (
    MENDED,
    MENDS,
    asked,
    commit,
    ended,
    pins,
    with_hook,
)
from tests.support.changes import BUGGY, EVAL
from tests.support.project import Project
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Reply

pytestmark = pytest.mark.usefixtures("temporary")


def test_what_was_tried_in_vain_is_not_tried_again_by_a_hook(project: Project, temporary: Path) -> None:
    wrong = repair(("calc.py", "return eval(text)", "return eval(text.strip())"))
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[wrong]), "attempts = 1", "rounds = 0")
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    job = ended(project)
    assert (job.state, job.settled) == (JobState.FAILED, True)
    assert job.outcome.startswith("not repaired: repair failed after 1 attempt")
    assert "an earlier repair ended" in commit(project)
    assert asked(server, "implement") == 1
    failed = project.run("apply")
    assert (
        failed.code,
        "there is no fix of staged change: not repaired: repair failed after 1 attempt" in failed.err,
    ) == (1, True)
    assert list(temporary.iterdir()) == []
    assert pins(project) == []


def test_a_repair_that_an_outage_stopped_is_begun_again(project: Project) -> None:
    refused = Reply.status(401)
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[refused, MENDS]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    job = ended(project)
    assert (job.state, job.settled) == (JobState.FAILED, False)
    assert "(401)" in job.outcome
    commit(project)
    assert ended(project).state is JobState.FINISHED
    assert asked(server, "implement") == 2


def test_what_was_tried_in_vain_by_hand_is_not_tried_again_by_a_hook(project: Project) -> None:
    wrong = repair(("calc.py", "return eval(text)", "return eval(text.strip())"))
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[wrong]), "attempts = 1", "rounds = 0")
    project.repo.stage({"calc.py": BUGGY})
    assert project.run("fix").code == 1
    assert "an earlier repair ended: not repaired: repair failed after 1 attempt" in commit(project)
    assert asked(server, "implement") == 1
    assert project.run("fix", "--finding", "1").code == 1  # by hand it is
    assert asked(server, "implement") == 2
    project.repo.stage({"calc.py": MENDED})
    assert (project.run("fix").code, len(project.jobs.all())) == (0, 1)  # where nothing is wrong there is no record
