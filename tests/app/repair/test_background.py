"""A refused commit returns at once; the repair goes on without it, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.core.job import JobState
from tests.support.background import (
    MENDED,
    MENDS,
    asked,
    by_hand,
    commit,
    ended,
    pins,
    the_job,
    until,
    with_hook,
)
from tests.support.changes import BUGGY, EVAL
from tests.support.matrix import MORE, first
from tests.support.patience import PATIENCE
from tests.support.project import Project, phases
from tests.support.repairs import Crew, plan
from tests.support.server import Reply

pytestmark = pytest.mark.usefixtures("temporary")


def test_a_refused_commit_returns_while_the_repair_goes_on_and_can_be_ended(project: Project, temporary: Path) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]), framework=True)
    project.repo.stage({"calc.py": BUGGY})
    tree = project.repo.git("write-tree")
    said = commit(project)  # a hook that waited would never return: nobody answers
    assert "a repair is running" in said
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    job = the_job(project)
    assert (job.tree, job.state, job.step) == (tree, JobState.RUNNING, "implement")
    assert pins(project) == [f"refs/ralph/jobs/{tree}"]
    assert list(temporary.iterdir()) != []

    shown = project.run("show")
    assert "A repair of staged change is running: implement" in shown.err
    assert project.last()["job"]["state"] == "running"
    again = project.judge()
    assert (again.code, again.report["job"]["state"], again.report["fix"]) == (1, "running", None)

    cancelled = project.run("fix", "--cancel")
    assert (cancelled.code, cancelled.out) == (0, "Stopped the repair of staged change.\n")
    until(lambda: not alive(job.pid), "its process has gone")
    assert ended(project).state is JobState.CANCELLED
    assert pins(project) == []
    assert list(temporary.iterdir()) == []
    assert asked(server, "implement") == 1
    assert project.run("fix", "--cancel").out == "No repair is running in the background.\n"
    assert "it was cancelled; ralph-hooks fix tries again" in commit(project)


def alive(pid: int) -> bool:
    """A process that only waits for its parent to take notice of its end is none any more."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


@pytest.mark.parametrize("args", [("-a",), pytest.param((), marks=MORE), pytest.param(("--", "calc.py"), marks=MORE)])
def test_apply_waits_for_the_fix_and_the_commit_then_passes(project: Project, args: tuple[str, ...]) -> None:
    """Whichever way the commit was made: the index that git hands to the hook is gone when the repair begins."""
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.write({"calc.py": BUGGY, "other.py": "other = 1\n"})
    if not args:
        project.repo.stage({"calc.py": BUGGY})
    commit(project, *args)
    applied = project.program("apply")
    assert applied.code == 0, applied.err
    assert (project.repo.path / "calc.py").read_text() == MENDED
    assert ended(project).state is JobState.FINISHED
    assert pins(project) == []
    assert asked(server, "implement") == 1
    shown = project.run("show", "--format", "json")
    assert json.loads(shown.out)["job"]["state"] == "finished"


def test_a_stored_fix_is_told_and_not_made_again(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    fix = ended(project).fix
    assert f"ralph-hooks apply {fix}" in commit(project)
    judged = project.judge()
    assert (judged.report["fix"]["id"], judged.report["job"]) == (fix, None)
    assert asked(server, "implement") == 1


def test_apply_that_waits_for_a_killed_repair_says_so(project: Project, temporary: Path) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    job = the_job(project)
    waiting = by_hand(project, "apply")
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("Waiting for the repair of staged change (implement")
    os.kill(job.pid, signal.SIGKILL)
    assert "was killed" in waiting.communicate(timeout=PATIENCE)[1]
    assert waiting.returncode == 1
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("how", first(1, ["cancelled", "killed"]))
def test_a_fix_by_hand_can_be_ended_from_elsewhere_and_leaves_nothing(
    project: Project, temporary: Path, how: str
) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    started = by_hand(project, "fix")
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    if how == "cancelled":
        assert project.run("fix", "--cancel").out == "Stopped the repair of staged change.\n"
        assert "interrupted" in started.communicate(timeout=PATIENCE)[1]
        assert (started.returncode, the_job(project).state) == (130, JobState.CANCELLED)
    else:
        started.kill()
        started.communicate(timeout=PATIENCE)
        assert "the repair of staged change was killed, and its files are removed" in project.run("cost").err
        assert project.jobs.all() == ()
    assert list(temporary.iterdir()) == []


def test_what_the_hook_and_the_repair_spend_is_in_one_ledger(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    assert ended(project).state is JobState.FINISHED
    assert phases(server.requests) == ["analyze", "verify", "plan", "implement"]
    assert project.ledger().calls == 4


def test_the_hook_writes_nothing_but_its_refs_and_objects(project: Project) -> None:
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": BUGGY}).write({"calc.py": BUGGY + "\nunstaged = 1\n", "untracked.py": "u = 1\n"})

    def state() -> dict[str, Any]:
        ours = (".git/ralph-hooks/", ".git/objects/")
        return {name: data for name, data in project.repo.state().items() if not name.startswith(ours)}

    before = state()
    assert project.judge().code == 1
    assert ended(project).state is JobState.FINISHED
    assert state() == before


def test_a_hook_without_a_place_for_the_state_refuses_all_the_same(project: Project) -> None:
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    state = project.home / "state"
    state.mkdir(exist_ok=True)
    (state / "jobs").write_text("in the way")
    project.repo.stage({"calc.py": BUGGY})
    judged = project.judge()
    assert (judged.code, judged.report["job"]) == (1, None)
    assert "the repair could not be started" in judged.err
