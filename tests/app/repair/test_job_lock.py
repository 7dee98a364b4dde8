"""One repair of the same change at a time."""

from __future__ import annotations

import json
import subprocess

import pytest

from ralph_hooks.core.job import JobState
from tests.support.background import (
    MENDED,
    MENDS,
    Gate,
    asked,
    by_hand,
    commit,
    the_job,
    until,
    with_hook,
)
from tests.support.changes import BUGGY, EVAL
from tests.support.matrix import MORE
from tests.support.patience import PATIENCE
from tests.support.project import BIN, Project
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Reply

pytestmark = pytest.mark.usefixtures("temporary")


def test_two_hooks_at_once_start_one_repair(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    project.judge()  # the verdict is known now, so that both get to the repair at the same time
    project.jobs.cancel(the_job(project))
    state = project.home / "state"
    for path in sorted((state / "jobs").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    before = {phase: asked(server, phase) for phase in ("plan", "implement")}
    gates = [
        subprocess.Popen(
            [BIN / "ralph-hooks", "gate", "--format", "json"],
            cwd=project.repo.path,
            env=project.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    reports = [json.loads(gate.communicate(timeout=PATIENCE)[0]) for gate in gates]
    assert [report["job"]["state"] for report in reports] == ["running", "running"]
    until(lambda: asked(server, "implement") > before["implement"], "the repair asks the expensive model")
    assert the_job(project).state is JobState.RUNNING
    assert asked(server, "plan") == before["plan"] + 1


@pytest.mark.parametrize("first", ["commit", pytest.param("fix", marks=MORE)])
def test_whoever_wants_the_same_repair_waits_for_the_one_that_goes_on(project: Project, first: str) -> None:
    gate = Gate(MENDS)
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[gate]))
    project.repo.stage({"calc.py": BUGGY})
    started = by_hand(project, "fix") if first == "fix" else None
    if first == "commit":
        commit(project)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    assert project.judge().report["job"]["state"] == "running"
    assert "A repair of staged change is running: implement" in project.run("show").err
    waiting = [by_hand(project, "fix", "--format", "json"), by_hand(project, "apply")]
    for process in waiting:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Waiting for the repair of staged change (implement")
    gate.opened.set()
    again, _ = (process.communicate(timeout=PATIENCE)[0] for process in waiting)
    assert [process.returncode for process in waiting] == [0, 0]
    assert "this fix was already stored" in "".join(json.loads(again)["notices"])
    assert json.loads(again)["fix"]["id"] == the_job(project).fix
    assert (project.repo.path / "calc.py").read_text() == MENDED
    assert asked(server, "implement") == 1
    if started:
        started.communicate(timeout=PATIENCE)
        assert started.returncode == 0


def test_who_has_waited_for_what_did_not_do_does_not_pay_for_the_same(project: Project) -> None:
    gate = Gate(repair(("calc.py", "return eval(text)", "return eval(text.strip())")))
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[gate]), "attempts = 1", "rounds = 0")
    project.repo.stage({"calc.py": BUGGY})
    first = by_hand(project, "fix")
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    second = by_hand(project, "fix")
    assert second.stderr is not None
    assert second.stderr.readline().startswith("Waiting for the repair of staged change")
    gate.opened.set()
    said = [process.communicate(timeout=PATIENCE)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [1, 1]
    assert "there is no fix of staged change: not repaired: repair failed after 1 attempt" in said[1]
    assert asked(server, "implement") == 1
